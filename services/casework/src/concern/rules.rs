//! How a concern comes up and what becomes of it. Pure. What may be done when, and where it leads, is the table in
//! [`super::workflow`]; here is what else follows.

use chrono::{DateTime, NaiveDate, Utc};
use platform::clock::village_day;
use platform::{Error, Office, Result};
use proto::names::{ConcernName, GridCode};
use proto::reasons;
use uuid::Uuid;

use super::deadline::{self, Deadline, Now, Urgency};
use super::detail::{Detail, DetailUpdate};
use super::owner::Owner;
use super::receipt::Receipt;
use super::record::{Concern, Matter, MoveKind, Outcome, Source, State, Step};
use super::workflow::{Act, allowed};
use crate::place::{Place, Team};

mod news;

pub(crate) use news::{pass_on, route};

/// The second return goes to the village office; the second time a household is not satisfied, somebody keeps an eye on
/// it.
const SECOND: i32 = 2;

/// A concern to be reported.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: ConcernName,
    pub(crate) reference: Option<String>,
    pub(crate) matter: Matter,
    pub(crate) matter_type: String,
    pub(crate) urgency: Option<Urgency>,
    pub(crate) text: String,
    pub(crate) household: Option<Uuid>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) reporter: Option<Uuid>,
    pub(crate) reported_on: Option<NaiveDate>,
    pub(crate) receipt: Receipt,
    pub(crate) source: Option<Source>,
    pub(crate) sensitive: bool,
    pub(crate) detail: Option<Box<Detail>>,
}

/// A concern begins with its grid's team, or with the village office as long as the team is not known.
pub(crate) fn report(draft: Draft, place: &Place, now: Now<'_>) -> Result<Step> {
    let today = village_day(now.at);
    let reported_on = draft.reported_on.unwrap_or(today);
    if reported_on > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, "a concern cannot be raised on a day to come"));
    }
    if place.grid_given_up && !place.household_known {
        return Err(Error::refused(
            reasons::GRID_RETIRED,
            "the grid has been given up; name the one that took its place",
        ));
    }
    if place.grid_unheard_of {
        let message = "there is no such grid; if it is new, show the registry's mark in lianxin-after";
        return Err(Error::refused(reasons::UNKNOWN_GRID, message));
    }
    let handed_over = draft.detail.iter().filter_map(|detail| detail.errand.as_ref()).flat_map(|errand| &errand.papers);
    if handed_over.into_iter().any(|paper| paper.received_on > today) {
        return Err(Error::refused(reasons::IN_THE_FUTURE, "nothing is handed over on a day to come"));
    }
    let mut concern = Concern::new(draft.name, draft.matter, draft.text, reported_on, now.at);
    if let Some(reference) = draft.reference {
        concern.reference = reference;
    }
    concern.matter_type = draft.matter_type;
    concern.household = draft.household;
    concern.grid = place.grid;
    concern.reporter = draft.reporter;
    concern.receipt = Some(draft.receipt);
    concern.source = draft.source;
    concern.sensitive = draft.sensitive;
    concern.detailed = draft.detail.is_some();
    concern.detail = draft.detail;
    concern.owner = place.team.map_or(Owner::Office, Owner::Team);
    concern.routed = place.team.is_some();
    concern.deadline = place.terms.as_ref().map_or_else(Deadline::none, |terms| Deadline::begin(terms, now));
    Ok(Step { concern, kind: MoveKind::Reported, from: None, note: String::new() })
}

/// What somebody does with a concern, with all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Accept,
    Return,
    Decline {
        where_to_go: String,
    },
    Withdraw,
    /// With the team of the concern's grid, or of the grid that is to have it, as far as it is known.
    Assign(Owner, Option<Team>),
    Start,
    Suspend,
    Resume,
    Resolve {
        result: String,
    },
    FollowUp {
        outcome: Outcome,
        score: i32,
    },
    Escalate,
    SendBack,
    Supervise,
    /// With the team of the concern's grid, as far as it is known.
    Reopen(Option<Team>),
    Deliberate(Uuid),
    Conclude,
    AskExtension {
        hours: i32,
    },
    DecideExtension {
        granted: bool,
    },
    Update(Update),
    /// Without a day: today.
    ReceivePapers {
        titles: Vec<String>,
        on: Option<NaiveDate>,
    },
    ReturnPapers {
        titles: Vec<String>,
        on: Option<NaiveDate>,
    },
    /// Into this common demand.
    Merge(Uuid),
    /// Out of it again, to stand as it stood before.
    Split(Before),
    /// Along with its demand, by whoever owns that.
    Answer {
        result: String,
        owner: Owner,
    },
}

/// How a concern stood before it was merged, as its moves tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Before {
    pub(crate) state: State,
    /// By when whoever had it to answer had to, and since when they had the time for it.
    pub(crate) respond_by: Option<DateTime<Utc>>,
    pub(crate) answering_since: Option<DateTime<Utc>>,
    /// When it was merged.
    pub(crate) merged_at: DateTime<Utc>,
}

/// What an update changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Update {
    pub(crate) matter: Option<Matter>,
    pub(crate) matter_type: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) sensitive: Option<bool>,
    pub(crate) detail: DetailUpdate,
}

impl Command {
    pub(crate) const fn act(&self) -> Act {
        match self {
            Self::Accept => Act::Accept,
            Self::Return => Act::Return,
            Self::Decline { .. } => Act::Decline,
            Self::Withdraw => Act::Withdraw,
            Self::Assign(..) => Act::Assign,
            Self::Start => Act::Start,
            Self::Suspend => Act::Suspend,
            Self::Resume => Act::Resume,
            Self::Resolve { .. } => Act::Resolve,
            Self::FollowUp { outcome, .. } => Act::FollowUp(*outcome),
            Self::Escalate => Act::Escalate,
            Self::SendBack => Act::SendBack,
            Self::Supervise => Act::Supervise,
            Self::Reopen(_) => Act::Reopen,
            Self::Deliberate(_) => Act::Deliberate,
            Self::Conclude => Act::Conclude,
            Self::AskExtension { hours } => Act::AskExtension(*hours),
            Self::DecideExtension { granted } => Act::DecideExtension(*granted),
            Self::Update(_) => Act::Update,
            Self::Merge(_) => Act::Merge,
            Self::Split(_) => Act::Split,
            Self::Answer { .. } => Act::Answer,
            Self::ReceivePapers { .. } => Act::ReceivePapers,
            Self::ReturnPapers { .. } => Act::ReturnPapers,
        }
    }
}

/// Who does it, and in which office.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor<'a> {
    pub(crate) subject: &'a str,
    pub(crate) office: Office,
}

/// Carries out a command, if the table and the rules allow it.
pub(crate) fn act(before: Concern, command: Command, note: &str, by: Actor<'_>, now: Now<'_>) -> Result<Step> {
    let act = command.act();
    let rule = allowed(&before, act, by.office)?;
    if rule.reason && note.is_empty() {
        return Err(Error::field("note", "is missing: this is not done without a reason"));
    }
    match &command {
        Command::Assign(owner, team) => may_own(*owner, team.as_ref())?,
        Command::FollowUp { .. } if before.resolved_by.as_deref() == Some(by.subject) => {
            let message = "you resolved this concern yourself; someone else has to ask the household";
            return Err(Error::refused(reasons::FOLLOW_UP_BY_HANDLER, message));
        }
        Command::AskExtension { hours } if *hours > before.deadline.resolution_hours => {
            return Err(Error::field("hours", "is more than the limit has"));
        }
        Command::DecideExtension { .. } if before.deadline.extension_asked_by.as_deref() == Some(by.subject) => {
            let message = "you asked for the extension yourself; someone else has to decide";
            return Err(Error::refused(reasons::EXTENSION_BY_ASKER, message));
        }
        _ => {}
    }
    let stood = match &command {
        Command::Split(stood) => stood.state,
        _ => before.state,
    };
    let state = rule.leads_to(before.state, stood);
    let today = village_day(now.at);
    let detail = more(&before, &command, today)?;
    let as_it_was = before.clone();
    let mut step = Step::after(before, act.kind(), now.at, |concern| {
        follow(concern, command, by.subject, now);
        concern.state = state;
        concern.acted_at = now.at;
        concern.closed_on = (state == State::Closed).then(|| concern.closed_on.unwrap_or(today));
        concern.ended_on = state.is_over().then(|| concern.ended_on.unwrap_or(today));
        concern.detailed = concern.detailed || detail.is_some();
        concern.detail = detail;
        deadline::turn(&as_it_was, concern, act, by.subject, now);
    });
    note.clone_into(&mut step.note);
    Ok(step)
}

/// What follows from a command beside the state.
fn follow(concern: &mut Concern, command: Command, subject: &str, now: Now<'_>) {
    let today = village_day(now.at);
    match command {
        Command::Accept | Command::Start => {
            concern.accepted_on = concern.accepted_on.or(Some(today));
            if let Some(assignee) = concern.assignee {
                concern.give_to(assignee);
            }
        }
        Command::Return => {
            concern.assignee = None;
            concern.returns += 1;
            if concern.returns >= SECOND {
                concern.give_to(Owner::Office);
            }
        }
        Command::Decline { where_to_go } => {
            concern.assignee = None;
            concern.result = where_to_go;
        }
        Command::Withdraw => concern.assignee = None,
        // Given to its own owner, it is asked back from whoever has it to answer.
        Command::Assign(owner, _) => concern.assignee = Some(owner).filter(|owner| *owner != concern.owner),
        Command::Suspend => concern.suspended = true,
        Command::Resume => concern.suspended = false,
        Command::Resolve { result } => {
            concern.assignee = None;
            concern.resolved_on = Some(today);
            concern.resolved_by = Some(subject.to_owned());
            concern.result = result;
        }
        Command::FollowUp { outcome, score } => answered(concern, outcome, score, today),
        Command::Escalate => concern.give_to(Owner::Subdistrict),
        Command::SendBack => concern.give_to(Owner::Office),
        Command::Supervise => concern.supervised = true,
        // Whoever comes back after it was closed says that it is not solved.
        Command::Reopen(team) => {
            // Who has it back may have left since.
            if let (Owner::Member(member), Some(grid)) = (concern.owner, concern.grid)
                && !team.is_some_and(|team| team.has(member))
            {
                concern.give_to(Owner::Team(grid));
            }
            if concern.state == State::Closed {
                answered(concern, Outcome::NotSatisfied, 0, today);
            } else {
                concern.result.clear();
            }
        }
        Command::Deliberate(deliberation) => concern.deliberation = Some(deliberation),
        // It is before a deliberation only as long as it is being deliberated: see `Step::after`.
        Command::Conclude => {}
        // These move nothing but the clock.
        Command::AskExtension { .. } | Command::DecideExtension { .. } => {}
        // These move what was handed over; see `more`.
        Command::ReceivePapers { .. } | Command::ReturnPapers { .. } => {}
        Command::Update(update) => {
            concern.matter = update.matter.unwrap_or(concern.matter);
            if let Some(matter_type) = update.matter_type {
                concern.matter_type = matter_type;
            }
            if let Some(text) = update.text {
                concern.text = text;
            }
            concern.sensitive = update.sensitive.unwrap_or(concern.sensitive);
        }
        // Whose it is, and whom it was given to, stays: whoever takes it out again gives it back to them.
        Command::Merge(demand) => concern.demand = Some(demand),
        Command::Split(stood) => {
            concern.demand = None;
            deadline::stand_again(concern, stood, now.calendar);
        }
        Command::Answer { result, owner } => {
            concern.assignee = None;
            concern.accepted_on =
                concern.accepted_on.or_else(|| concern.deadline.responded_at.map(village_day)).or(Some(today));
            concern.resolved_on = Some(today);
            concern.resolved_by = Some(subject.to_owned());
            concern.result = result;
            // Whoever answered has it back if the household says that it is not solved; a team has its own grid's only.
            if !matches!(owner, Owner::Team(grid) if concern.grid != Some(grid)) {
                concern.give_to(owner);
            }
        }
    }
}

/// What more is said of the concern afterwards. A resident on whose behalf it is belongs to its household.
fn more(before: &Concern, command: &Command, today: NaiveDate) -> Result<Option<Box<Detail>>> {
    let mut detail = before.detail.clone();
    match command {
        Command::ReceivePapers { titles, on } => {
            detail.get_or_insert_default().receive(titles, on.unwrap_or(today), today)?;
        }
        Command::ReturnPapers { titles, on } => {
            detail.get_or_insert_default().give_back(titles, on.unwrap_or(today), today)?;
        }
        Command::Update(update) if update.detail != DetailUpdate::default() => {
            let person = update.detail.on_behalf_of.flatten();
            if person.is_some_and(|person| Some(person.household) != before.household) {
                return Err(Error::field("concern.on_behalf_of", "is of another household than the concern"));
            }
            detail.get_or_insert_default().update(update.detail.clone());
        }
        _ => {}
    }
    Ok(detail.filter(|detail| before.detailed || !detail.is_empty()))
}

/// What the household says. That the handler once claimed it to be solved stays on record beside it.
fn answered(concern: &mut Concern, outcome: Outcome, score: i32, today: NaiveDate) {
    concern.followed_up_on = Some(today);
    concern.outcome = Some(outcome);
    concern.score = score;
    concern.confirmed_on = (outcome == Outcome::Satisfied).then_some(today);
    if outcome == Outcome::NotSatisfied {
        concern.reopenings += 1;
        concern.supervised = concern.supervised || concern.reopenings >= SECOND;
    }
}

/// A team can own a concern if it is known, a member if it sits in the concern's team, the office always. The
/// sub-district is given nothing: things are escalated to it.
fn may_own(owner: Owner, team: Option<&Team>) -> Result<()> {
    match (owner, team) {
        (Owner::Office, _) | (Owner::Team(_), Some(_)) => Ok(()),
        (Owner::Subdistrict, _) => Err(Error::refused(reasons::ILLEGAL_MOVE, "escalate it to the sub-district")),
        (Owner::Team(grid), None) => {
            Err(Error::refused(reasons::UNKNOWN_GRID, format!("casework knows no team of grid {grid}")))
        }
        (Owner::Member(member), team) if team.is_some_and(|team| team.has(member)) => Ok(()),
        (Owner::Member(_), _) => {
            Err(Error::refused(reasons::NOT_IN_TEAM, "the member has no seat in the team of the concern's grid"))
        }
    }
}

#[cfg(test)]
mod tests;
