//! How somebody comes to serve, and how that ends. Pure; the table of steps is [`next`], and nobody comes past it but those
//! whom the village office enters in one step, or its workbook.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1::member_changed::Happened;
use proto::names::{GridCode, MemberName};
use proto::reasons;
use workbook::formats::Telephone;

use super::rules::{Member, Office, Source};

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

platform::choice! {
    /// A step, as it is recorded.
    pub(crate) enum StepKind as proto::liaison::v1::MemberStepKind {
        Entered = "entered",
        Nominated = "nominated",
        EligibilityChecked = "eligibility_checked",
        EndorsementRecorded = "endorsement_recorded",
        NoticePosted = "notice_posted",
        ObjectionRecorded = "objection_recorded",
        Appointed = "appointed",
        Evaluated = "evaluated",
        TermEnded = "term_ended",
        Recalled = "recalled",
        Declined = "declined",
    }
}

platform::choice! {
    /// The three principles by which a representative is found.
    pub(crate) enum Ground as proto::liaison::v1::NominationGround {
        Near = "near",
        Convenient = "convenient",
        Familiar = "familiar",
    }
}

platform::choice! {
    /// What an evaluation comes to.
    pub(crate) enum Grade as proto::liaison::v1::EvaluationGrade {
        Excellent = "excellent",
        Competent = "competent",
        Basic = "basic",
        NotCompetent = "not_competent",
    }
}

/// What a public notice lasts if nobody says otherwise, and between which bounds it may be said.
const NOTICE_DAYS: i32 = 7;
const NOTICE_BOUNDS: std::ops::RangeInclusive<i32> = 5..=30;

/// What is known of somebody who was nominated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidacy {
    pub(crate) grid: GridCode,
    pub(crate) grounds: BTreeSet<Ground>,
    /// The first day on which the public notice no longer runs.
    pub(crate) notice_until: Option<NaiveDate>,
}

/// Somebody to be nominated.
#[derive(Debug, Clone)]
pub(crate) struct Nomination {
    pub(crate) display_name: String,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) source: Source,
    pub(crate) grid: GridCode,
    pub(crate) grounds: BTreeSet<Ground>,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) note: String,
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

    fn must_add_up(self) -> Result<()> {
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
const STEPS: &[(Step, &str)] = &[
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

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: StepKind,
    pub(crate) day: NaiveDate,
    pub(crate) votes: Option<Votes>,
    pub(crate) notice_until: Option<NaiveDate>,
    pub(crate) upheld: Option<bool>,
    pub(crate) term: Option<(NaiveDate, Option<NaiveDate>)>,
    pub(crate) grade: Option<Grade>,
    pub(crate) note: String,
}

impl Record {
    /// A step of this kind, of which nothing else is said.
    pub(crate) fn of(kind: StepKind, day: NaiveDate, note: String) -> Self {
        Self { kind, day, votes: None, notice_until: None, upheld: None, term: None, grade: None, note }
    }

    /// That the village office, or its workbook, entered a member: appointed in one step.
    pub(crate) fn entered(member: &Member) -> Self {
        let day = platform::clock::village_day(member.created_at);
        let term = Some((member.term_start, member.term_end));
        Self { term, ..Self::of(StepKind::Entered, day, String::new()) }
    }
}

/// Circumstances of a step.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The day of the step before.
    pub(crate) before: Option<NaiveDate>,
    /// Somebody of the same name who serves as a representative, with the same telephone or with none known.
    pub(crate) serves_as: Option<MemberName>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) today: NaiveDate,
}

/// Somebody is nominated from one of the six sources, on at least one of the three grounds.
pub(crate) fn nominate(
    name: MemberName,
    nomination: Nomination,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Member, Record, Change)> {
    let day = nomination.day.unwrap_or(today);
    must_have_come(day, today)?;
    if nomination.grounds.is_empty() {
        return Err(Error::field("grounds", "is missing: near, convenient or familiar"));
    }
    let member = Member {
        name,
        display_name: nomination.display_name,
        telephone: nomination.telephone,
        offices: [Office::Representative].into(),
        source: Some(nomination.source),
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: day,
        term_end: Some(day),
        state: State::Nominated,
        candidacy: Some(Candidacy { grid: nomination.grid, grounds: nomination.grounds, notice_until: None }),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = member.news(Happened::Nominated)?;
    Ok((member, Record::of(StepKind::Nominated, day, nomination.note), change))
}

/// Takes a step of the entrance, or an evaluation. Terms end with [`super::rules::leave`], since seats and households go with
/// them.
pub(crate) fn take(
    before: Member,
    step: Step,
    day: Option<NaiveDate>,
    note: String,
    known: &Known,
) -> Result<(Member, Record, Change)> {
    let state = before.state.after(step)?;
    let day = day.unwrap_or(known.today);
    must_have_come(day, known.today)?;
    if let Some(earlier) = known.before.filter(|earlier| day < *earlier) {
        return Err(Error::field("date", format!("lies before the step before it, on {earlier}")));
    }
    let mut member = Member { state, revision: before.revision + 1, updated_at: known.now, ..before };
    let mut record = Record::of(StepKind::Evaluated, day, note);
    let happened = match step {
        Step::CheckEligibility { of_age } => {
            eligible(of_age, known)?;
            record.kind = StepKind::EligibilityChecked;
            Happened::EligibilityChecked
        }
        Step::RecordEndorsement(votes) => {
            votes.must_add_up()?;
            (record.kind, record.votes) = (StepKind::EndorsementRecorded, Some(votes));
            Happened::EndorsementRecorded
        }
        Step::PostNotice { days } => {
            let days = days.unwrap_or(NOTICE_DAYS);
            if !NOTICE_BOUNDS.contains(&days) {
                let (least, most) = (NOTICE_BOUNDS.start(), NOTICE_BOUNDS.end());
                return Err(Error::field("days", format!("has to lie between {least} and {most}")));
            }
            let until = day + chrono::Duration::days(days.into());
            (record.kind, record.notice_until) = (StepKind::NoticePosted, Some(until));
            if let Some(candidacy) = &mut member.candidacy {
                candidacy.notice_until = Some(until);
            }
            Happened::NoticePosted
        }
        Step::RecordObjection { upheld } => {
            (record.kind, record.upheld) = (StepKind::ObjectionRecorded, Some(upheld));
            Happened::ObjectionRecorded
        }
        Step::Appoint { term_start, term_end } => {
            let until = member.candidacy.as_ref().and_then(|candidacy| candidacy.notice_until);
            if let Some(until) = until.filter(|until| day < *until) {
                let message = format!("the public notice of {} runs until the day before {until}", member.name);
                return Err(Error::refused(reasons::NOTICE_RUNNING, message));
            }
            let start = term_start.unwrap_or(day);
            if start < day || term_end <= start {
                return Err(Error::field(
                    "term_end",
                    "has to lie after the term's start, which is not before the appointment",
                ));
            }
            (member.term_start, member.term_end) = (start, Some(term_end));
            (record.kind, record.term) = (StepKind::Appointed, Some((start, Some(term_end))));
            Happened::Appointed
        }
        Step::Evaluate(grade) => {
            record.grade = Some(grade);
            Happened::Evaluated
        }
        Step::Decline => {
            record.kind = StepKind::Declined;
            Happened::Declined
        }
        Step::EndTerm | Step::Recall => return Err(Error::internal("a term ends with what belongs to it")),
    };
    let change = member.news(happened)?;
    Ok((member, record, change))
}

/// Of age, and nobody's representative elsewhere. That somebody is of age is said by whoever has seen it: no date of birth
/// is kept for it.
fn eligible(of_age: bool, known: &Known) -> Result<()> {
    if !of_age {
        return Err(Error::refused(reasons::NOT_ELIGIBLE, "a representative is of age"));
    }
    if let Some(other) = &known.serves_as {
        let message = format!("this person serves as a representative already, as {other}");
        return Err(Error::refused(reasons::NOT_ELIGIBLE, message));
    }
    Ok(())
}

fn must_have_come(day: NaiveDate, today: NaiveDate) -> Result<()> {
    if day > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{day} lies in the future")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
