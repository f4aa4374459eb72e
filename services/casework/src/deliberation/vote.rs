//! Votes: who sits in which step, when enough of them are there, and when they have carried something. Pure, and in whole
//! numbers: a fraction is compared as a product.

use chrono::NaiveDate;
use platform::{Error, Result};
use proto::reasons;
use uuid::Uuid;

platform::choice! {
    /// Which way a deliberation goes.
    pub(crate) enum Way as proto::casework::v1::DeliberationWay {
        TwoCommittees = "two_committees",
        LongWay = "long_way",
    }
}

platform::choice! {
    /// Who votes.
    pub(crate) enum Step as proto::casework::v1::DeliberationStep {
        Branch = "branch",
        Committees = "committees",
        PartyMeeting = "party_meeting",
        Assembly = "assembly",
    }
}

impl Way {
    /// The steps, in their order.
    pub(crate) const fn steps(self) -> &'static [Step] {
        match self {
            Self::TwoCommittees => &[Step::Committees],
            Self::LongWay => &[Step::Branch, Step::Committees, Step::PartyMeeting, Step::Assembly],
        }
    }

    /// What people call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::TwoCommittees => "村“两委”商议",
            Self::LongWay => "四议两公开",
        }
    }
}

impl Step {
    /// What people call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Branch => "党支部提议",
            Self::Committees => "村“两委”商议",
            Self::PartyMeeting => "党员大会审议",
            Self::Assembly => "村民代表会议决议",
        }
    }

    /// Its quorum in words.
    const fn quorum(self) -> &'static str {
        match self {
            Self::Branch | Self::Committees => "过半数",
            Self::PartyMeeting | Self::Assembly => "三分之二以上",
        }
    }
}

/// How many were due and present, and how they voted: counts that add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) due: i32,
    pub(crate) present: i32,
    pub(crate) favour: i32,
    pub(crate) against: i32,
    pub(crate) abstaining: i32,
}

impl Counts {
    /// # Errors
    /// When they do not add up.
    pub(crate) fn must_add_up(self) -> Result<()> {
        let counts = [self.due, self.present, self.favour, self.against, self.abstaining];
        let cast = i64::from(self.favour) + i64::from(self.against) + i64::from(self.abstaining);
        if counts.iter().any(|count| *count < 0) || self.due == 0 {
            return Err(Error::field("vote.due", "应到人数至少为1，各项人数不能为负"));
        }
        if self.present > self.due {
            return Err(Error::field("vote.present", "实到人数多于应到人数"));
        }
        if cast != i64::from(self.present) {
            return Err(Error::field("vote.favour", "赞成、反对、弃权之和应等于实到人数"));
        }
        Ok(())
    }

    /// Were enough of those due there? More than half of a committee, two thirds of a meeting.
    pub(crate) fn is_quorate(self, step: Step) -> bool {
        let (due, present) = (i64::from(self.due), i64::from(self.present));
        match step {
            Step::Branch | Step::Committees => present * 2 > due,
            Step::PartyMeeting | Step::Assembly => present * 3 >= due * 2,
        }
    }

    /// Was more than half of those present in favour?
    fn is_majority(self) -> bool {
        i64::from(self.favour) * 2 > i64::from(self.present)
    }

    /// Has the step carried it?
    pub(crate) fn carried(self, step: Step) -> bool {
        self.is_quorate(step) && self.is_majority()
    }
}

/// A sitting that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vote {
    /// Its place among the sittings, from 1.
    pub(crate) place: i32,
    pub(crate) step: Step,
    pub(crate) held_on: NaiveDate,
    pub(crate) counts: Counts,
    /// Who was due and who was present, where that is known.
    pub(crate) due_members: Vec<Uuid>,
    pub(crate) present_members: Vec<Uuid>,
    pub(crate) proposal: String,
    pub(crate) minutes: String,
}

impl Vote {
    pub(crate) fn carried(&self) -> bool {
        self.counts.carried(self.step)
    }

    pub(crate) fn is_quorate(&self) -> bool {
        self.counts.is_quorate(self.step)
    }

    /// Why nothing can be decided by it.
    fn failing(&self) -> String {
        let Counts { due, present, favour, .. } = self.counts;
        let (title, quorum) = (self.step.title(), self.step.quorum());
        if self.is_quorate() {
            format!("“{title}”实到{present}人，赞成{favour}人，没有超过到会人数的半数，未获通过")
        } else {
            format!("“{title}”应到{due}人，实到{present}人，到会人数未达到应到人数的{quorum}，表决无效")
        }
    }
}

/// The step whose vote is next: the first that has not carried it.
pub(crate) fn next_step(way: Way, votes: &[Vote]) -> Option<Step> {
    let carried = |step: &Step| votes.iter().any(|vote| vote.step == *step && vote.carried());
    way.steps().iter().copied().find(|step| !carried(step))
}

/// What the votes come to: adopted when every step has carried it, not adopted when the last valid vote was lost.
///
/// # Errors
/// `NO_VALID_VOTE`, naming the step and its rule.
pub(crate) fn outcome(way: Way, votes: &[Vote]) -> Result<bool> {
    let refused = |message: String| Err(Error::refused(reasons::NO_VALID_VOTE, message));
    let Some(step) = next_step(way, votes) else { return Ok(true) };
    match votes.last().filter(|vote| vote.step == step) {
        Some(lost) if lost.is_quorate() => Ok(false),
        Some(invalid) => refused(format!("{}，不能据此作出决定", invalid.failing())),
        None => refused(format!(
            "“{}”还没有进行表决（须{}应到人员到会，并经到会人员过半数同意），不能作出决定",
            step.title(),
            step.quorum()
        )),
    }
}
