//! What a deliberation is and what becomes of it. Pure; how votes are reckoned is in [`super::vote`].

use chrono::{DateTime, Duration, NaiveDate, Utc};
use events::Change;
use platform::clock::village_day;
use platform::{Error, Result};
use proto::casework::v1 as pb;
use proto::names::{ConcernName, DeliberationName, DemandName};
use proto::reasons;
use proto::time::{date, timestamp};
use uuid::Uuid;

use super::policy::{LONGEST_NOTICE, Policy};
use super::vote::{self, Counts, Step, Vote, Way};

platform::choice! {
    /// What it touches.
    pub(crate) enum Subject as proto::casework::v1::DeliberationSubject {
        General = "general",
        Land = "land",
        CollectiveAssets = "collective_assets",
    }
}

platform::choice! {
    /// Where it stands.
    pub(crate) enum State as proto::casework::v1::DeliberationState {
        Open = "open",
        Adopted = "adopted",
        Rejected = "rejected",
        Noticed = "noticed",
        InForce = "in_force",
        SetAside = "set_aside",
        Completed = "completed",
        Withdrawn = "withdrawn",
    }
}

impl State {
    /// What people call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Open => "商议中",
            Self::Adopted => "已通过",
            Self::Rejected => "未通过",
            Self::Noticed => "公示中",
            Self::InForce => "公示期满",
            Self::SetAside => "因异议撤销",
            Self::Completed => "结果已公开",
            Self::Withdrawn => "已撤回",
        }
    }

    /// What can be done with it, as people call it.
    const fn possible(self) -> &'static str {
        match self {
            Self::Open => "记录表决、作出决定、撤回",
            Self::Adopted => "公示、撤回",
            Self::Noticed => "记录异议、公示期满后办结公示",
            Self::InForce => "公开结果",
            Self::Rejected | Self::SetAside | Self::Completed | Self::Withdrawn => "无（可另行提出新的商议）",
        }
    }
}

platform::choice! {
    /// What was done with it.
    pub(crate) enum MoveKind as proto::casework::v1::DeliberationMoveKind {
        Opened = "opened",
        Voted = "voted",
        Decided = "decided",
        Noticed = "noticed",
        Objected = "objected",
        SetAside = "set_aside",
        NoticeClosed = "notice_closed",
        ResultPublished = "result_published",
        Withdrawn = "withdrawn",
    }
}

/// A deliberation, with its sittings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deliberation {
    pub(crate) name: DeliberationName,
    pub(crate) title: String,
    pub(crate) proposal: String,
    pub(crate) subject: Subject,
    pub(crate) expense_yuan: i64,
    /// What was a large expense on the day it was opened.
    pub(crate) large_expense_yuan: i64,
    pub(crate) way: Way,
    /// What it is about: concerns, or else a demand.
    pub(crate) concerns: Vec<Uuid>,
    pub(crate) demand: Option<Uuid>,
    pub(crate) state: State,
    pub(crate) resolution: String,
    pub(crate) decided_on: Option<NaiveDate>,
    pub(crate) noticed_on: Option<NaiveDate>,
    pub(crate) notice_until: Option<NaiveDate>,
    pub(crate) result_on: Option<NaiveDate>,
    pub(crate) objections: i32,
    pub(crate) votes: Vec<Vote>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// One to be opened.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: DeliberationName,
    pub(crate) title: String,
    pub(crate) proposal: String,
    pub(crate) subject: Subject,
    pub(crate) expense_yuan: i64,
    pub(crate) way: Option<Way>,
    pub(crate) concerns: Vec<Uuid>,
    pub(crate) demand: Option<Uuid>,
}

/// A sitting to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct Sitting {
    pub(crate) step: Option<Step>,
    pub(crate) held_on: Option<NaiveDate>,
    pub(crate) counts: Counts,
    pub(crate) due_members: Vec<Uuid>,
    pub(crate) present_members: Vec<Uuid>,
    pub(crate) proposal: String,
    pub(crate) minutes: String,
}

/// A deliberation after something was done with it: what is stored, kept as a move, and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) deliberation: Deliberation,
    pub(crate) kind: MoveKind,
    pub(crate) note: String,
}

impl Taken {
    fn after(before: Deliberation, kind: MoveKind, note: &str, now: DateTime<Utc>) -> Self {
        let deliberation = Deliberation { revision: before.revision + 1, updated_at: now, ..before };
        Self { deliberation, kind, note: note.to_owned() }
    }

    /// What is noted with the concerns or the demand that waited for it, when they need wait no longer.
    pub(crate) fn concludes(&self) -> Option<&'static str> {
        match (self.kind, self.deliberation.state) {
            (MoveKind::Decided, State::Adopted) => Some("商议通过"),
            (MoveKind::Decided, _) => Some("商议未通过"),
            (MoveKind::Withdrawn, _) => Some("商议撤回"),
            _ => None,
        }
    }

    /// The news of it: nothing that anybody wrote.
    pub(crate) fn news(&self) -> Result<Change> {
        let one = &self.deliberation;
        Change::of(&pb::DeliberationChanged {
            name: one.name.to_string(),
            revision: one.revision,
            happened: self.kind.into(),
            change_time: Some(timestamp(one.updated_at)),
            state: one.state.into(),
            way: one.way.into(),
            subject: one.subject.into(),
            concerns: one.concern_names().map(|name| name.to_string()).collect(),
            next_step: one.next_step().map_or(0, Into::into),
            decided_on: one.decided_on.map(date),
            noticed_on: one.noticed_on.map(date),
            notice_until: one.notice_until.map(date),
            result_on: one.result_on.map(date),
            demand: one.demand_name().map(|name| name.to_string()).unwrap_or_default(),
        })
    }
}

impl Deliberation {
    pub(crate) fn concern_names(&self) -> impl Iterator<Item = ConcernName> {
        self.concerns.iter().map(|concern| ConcernName::new(self.name.village, *concern))
    }

    pub(crate) fn demand_name(&self) -> Option<DemandName> {
        self.demand.map(|demand| DemandName::new(self.name.village, demand))
    }

    /// The step whose vote is next, as long as it is open.
    pub(crate) fn next_step(&self) -> Option<Step> {
        vote::next_step(self.way, &self.votes).filter(|_| self.state == State::Open)
    }

    /// # Errors
    /// `ILLEGAL_MOVE`, naming what is possible.
    fn must_be(&self, states: &[State]) -> Result<()> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let message = format!("这项商议的状态是“{}”，可以：{}", self.state.title(), self.state.possible());
        Err(Error::refused(reasons::ILLEGAL_MOVE, message))
    }
}

/// Opens a deliberation. Land, collective assets and large expense go the long way whatever is asked for.
pub(crate) fn open(draft: Draft, policy: &Policy, now: DateTime<Utc>) -> Result<Taken> {
    let large = draft.expense_yuan >= policy.large_expense_yuan;
    let must_go_long = large || draft.subject != Subject::General;
    let way = draft.way.unwrap_or(if must_go_long { Way::LongWay } else { Way::TwoCommittees });
    if must_go_long && way != Way::LongWay {
        let message = format!(
            "土地、集体资产和大额支出（本村为{}元及以上）须走“四议两公开”程序，不能只由村“两委”商议",
            policy.large_expense_yuan
        );
        return Err(Error::refused(reasons::LONG_WAY_REQUIRED, message));
    }
    let deliberation = Deliberation {
        name: draft.name,
        title: draft.title,
        proposal: draft.proposal,
        subject: draft.subject,
        expense_yuan: draft.expense_yuan,
        large_expense_yuan: policy.large_expense_yuan,
        way,
        concerns: draft.concerns,
        demand: draft.demand,
        state: State::Open,
        resolution: String::new(),
        decided_on: None,
        noticed_on: None,
        notice_until: None,
        result_on: None,
        objections: 0,
        votes: Vec::new(),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(Taken { deliberation, kind: MoveKind::Opened, note: String::new() })
}

/// Records a sitting of the step that is next, valid or not.
pub(crate) fn record_vote(before: Deliberation, sitting: Sitting, now: DateTime<Utc>) -> Result<Taken> {
    before.must_be(&[State::Open])?;
    let Some(next) = before.next_step() else {
        return Err(Error::refused(reasons::ILLEGAL_MOVE, "各步骤都已表决通过，可以作出决定"));
    };
    let step = sitting.step.unwrap_or(next);
    if step != next {
        let message =
            format!("下一步是“{}”，不是“{}”：各步骤须依次进行，前一步通过后才能进行下一步", next.title(), step.title());
        return Err(Error::refused(reasons::STEP_OUT_OF_ORDER, message));
    }
    let today = village_day(now);
    let held_on = sitting.held_on.unwrap_or(today);
    if held_on > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, "会议日期在将来"));
    }
    if before.votes.last().is_some_and(|last| held_on < last.held_on) {
        return Err(Error::field("vote.held_on", "早于上一次会议的日期"));
    }
    sitting.counts.must_add_up()?;
    let vote = Vote {
        place: before.votes.last().map_or(1, |last| last.place + 1),
        step,
        held_on,
        counts: sitting.counts,
        due_members: sitting.due_members,
        present_members: sitting.present_members,
        proposal: if sitting.proposal.is_empty() { before.proposal.clone() } else { sitting.proposal },
        minutes: sitting.minutes,
    };
    let mut taken = Taken::after(before, MoveKind::Voted, "", now);
    taken.deliberation.votes.push(vote);
    Ok(taken)
}

/// Decides by the votes, which alone say how.
pub(crate) fn decide(before: Deliberation, resolution: String, note: &str, now: DateTime<Utc>) -> Result<Taken> {
    before.must_be(&[State::Open])?;
    let adopted = vote::outcome(before.way, &before.votes)?;
    let mut taken = Taken::after(before, MoveKind::Decided, note, now);
    taken.deliberation.state = if adopted { State::Adopted } else { State::Rejected };
    taken.deliberation.resolution = resolution;
    taken.deliberation.decided_on = Some(village_day(now));
    Ok(taken)
}

/// Refuses a notice of what was not adopted.
pub(crate) fn may_be_noticed(one: &Deliberation) -> Result<()> {
    if one.state == State::Open {
        // Whatever stands against a decision stands against a notice, and is named.
        vote::outcome(one.way, &one.votes)?;
    }
    one.must_be(&[State::Adopted])
}

/// Makes the resolution public, for at least as long as the village has laid down.
pub(crate) fn publish_notice(
    before: Deliberation,
    days: i32,
    policy: &Policy,
    note: &str,
    now: DateTime<Utc>,
) -> Result<Taken> {
    may_be_noticed(&before)?;
    let days = if days == 0 { policy.notice_days } else { days };
    if !(policy.notice_days..=LONGEST_NOTICE).contains(&days) {
        let message = format!("公示期应在{}天到{LONGEST_NOTICE}天之间", policy.notice_days);
        return Err(Error::field("days", message));
    }
    let today = village_day(now);
    let mut taken = Taken::after(before, MoveKind::Noticed, note, now);
    taken.deliberation.state = State::Noticed;
    taken.deliberation.noticed_on = Some(today);
    taken.deliberation.notice_until = Some(today + Duration::days(days.into()));
    Ok(taken)
}

/// Records an objection; one that is upheld sets the resolution aside.
pub(crate) fn record_objection(before: Deliberation, upheld: bool, note: &str, now: DateTime<Utc>) -> Result<Taken> {
    before.must_be(&[State::Noticed])?;
    let kind = if upheld { MoveKind::SetAside } else { MoveKind::Objected };
    let mut taken = Taken::after(before, kind, note, now);
    taken.deliberation.objections += 1;
    if upheld {
        taken.deliberation.state = State::SetAside;
    }
    Ok(taken)
}

/// The notice has run out, and nothing stands against the resolution.
pub(crate) fn close_notice(before: Deliberation, note: &str, now: DateTime<Utc>) -> Result<Taken> {
    before.must_be(&[State::Noticed])?;
    if let Some(until) = before.notice_until.filter(|until| village_day(now) < *until) {
        let message = format!("公示期还没有满，{until}起才能办结公示");
        return Err(Error::refused(reasons::NOTICE_RUNNING, message));
    }
    let mut taken = Taken::after(before, MoveKind::NoticeClosed, note, now);
    taken.deliberation.state = State::InForce;
    Ok(taken)
}

/// Makes the result public.
pub(crate) fn publish_result(before: Deliberation, note: &str, now: DateTime<Utc>) -> Result<Taken> {
    before.must_be(&[State::InForce])?;
    let mut taken = Taken::after(before, MoveKind::ResultPublished, note, now);
    taken.deliberation.state = State::Completed;
    taken.deliberation.result_on = Some(village_day(now));
    Ok(taken)
}

/// Takes it off the agenda, before anybody outside has read of it.
pub(crate) fn withdraw(before: Deliberation, note: &str, now: DateTime<Utc>) -> Result<Taken> {
    before.must_be(&[State::Open, State::Adopted])?;
    let mut taken = Taken::after(before, MoveKind::Withdrawn, note, now);
    taken.deliberation.state = State::Withdrawn;
    Ok(taken)
}

#[cfg(test)]
mod tests;
