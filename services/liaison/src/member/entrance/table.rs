//! The table of steps: what may be done with somebody in which state, and where it leads. Pure.

use chrono::NaiveDate;
use platform::{Error, Result};
use proto::reasons;

use super::Grade;

platform::choice! {
    /// How far somebody has come.
    pub(crate) enum State as proto::liaison::v1::MemberState {
        Nominated = "nominated",
        Eligible = "eligible",
        Endorsed = "endorsed",
        Noticed = "noticed",
        Appointed = "appointed",
        Ended = "ended",
        Recalled = "recalled",
        Declined = "declined",
    }
}

/// How an endorsement was voted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Votes {
    pub(crate) due: i32,
    pub(crate) present: i32,
    pub(crate) favour: i32,
    pub(crate) against: i32,
    pub(crate) abstaining: i32,
}

impl Votes {
    /// More than half of those due were there, and more than half of these were in favour.
    pub(crate) fn carried(self) -> bool {
        i64::from(self.present) * 2 > i64::from(self.due) && i64::from(self.favour) * 2 > i64::from(self.present)
    }

    pub(super) fn must_add_up(self) -> Result<()> {
        let counts = [self.due, self.present, self.favour, self.against, self.abstaining];
        let cast = i64::from(self.favour) + i64::from(self.against) + i64::from(self.abstaining);
        if counts.iter().any(|count| *count < 0) || self.present > self.due || cast != i64::from(self.present) {
            let message =
                "do not add up: for, against and abstaining make those present, who are no more than those due";
            return Err(Error::field("votes", message));
        }
        if self.present == 0 {
            return Err(Error::field("votes", "nobody was there"));
        }
        Ok(())
    }
}

/// What somebody does with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    CheckEligibility { of_age: bool },
    RecordEndorsement(Votes),
    PostNotice { days: Option<i32> },
    RecordObjection { upheld: bool },
    Appoint { term_start: Option<NaiveDate>, term_end: NaiveDate },
    Evaluate(Grade),
    Decline,
    EndTerm,
    Recall,
}

/// The table of steps: what may be done in which state, and where it leads. What is not here is refused.
pub(crate) fn next(state: State, step: Step) -> Option<State> {
    use State::{Appointed, Declined, Eligible, Ended, Endorsed, Nominated, Noticed, Recalled};
    match (state, step) {
        (Nominated, Step::CheckEligibility { .. }) => Some(Eligible),
        // A vote that is lost may be held again.
        (Eligible, Step::RecordEndorsement(votes)) => Some(if votes.carried() { Endorsed } else { Eligible }),
        (Endorsed, Step::PostNotice { .. }) => Some(Noticed),
        (Noticed, Step::RecordObjection { upheld }) => Some(if upheld { Declined } else { Noticed }),
        (Noticed, Step::Appoint { .. }) => Some(Appointed),
        (Nominated | Eligible | Endorsed | Noticed, Step::Decline) => Some(Declined),
        (Appointed, Step::Evaluate(_)) => Some(Appointed),
        (Appointed, Step::EndTerm) => Some(Ended),
        (Appointed, Step::Recall) => Some(Recalled),
        _ => None,
    }
}

/// Every step, in the order of the entrance, by the method that takes it.
pub(super) const STEPS: &[(Step, &str)] = &[
    (Step::CheckEligibility { of_age: true }, "CheckEligibility"),
    (Step::RecordEndorsement(Votes { due: 1, present: 1, favour: 1, against: 0, abstaining: 0 }), "RecordEndorsement"),
    (Step::PostNotice { days: None }, "PostNotice"),
    (Step::RecordObjection { upheld: false }, "RecordObjection"),
    (Step::Appoint { term_start: None, term_end: NaiveDate::MAX }, "AppointMember"),
    (Step::Evaluate(Grade::Competent), "EvaluateMember"),
    (Step::Recall, "RecallMember"),
    (Step::EndTerm, "EndTerm"),
    (Step::Decline, "DeclineMember"),
];

impl State {
    /// Has the person been appointed, so that serving is, or was, a public function?
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::Appointed | Self::Ended | Self::Recalled)
    }

    /// Is somebody in it on the way to an office?
    pub(crate) fn is_under_way(self) -> bool {
        matches!(self, Self::Nominated | Self::Eligible | Self::Endorsed | Self::Noticed)
    }

    /// The state that follows, or a refusal that names what is possible.
    pub(crate) fn after(self, step: Step) -> Result<Self> {
        next(self, step).ok_or_else(|| {
            let possible: Vec<&str> =
                STEPS.iter().filter(|(step, _)| next(self, *step).is_some()).map(|(_, method)| *method).collect();
            let possible = if possible.is_empty() { "nothing".to_owned() } else { possible.join(", ") };
            let message = format!("the member is {}; what can be done: {possible}", self.as_str());
            Error::refused(reasons::ILLEGAL_MOVE, message)
        })
    }
}

impl Step {
    /// Is it a step on the way to an office, and not of somebody who has one?
    pub(super) fn is_of_the_entrance(self) -> bool {
        !matches!(self, Self::Evaluate(_) | Self::EndTerm | Self::Recall)
    }
}
