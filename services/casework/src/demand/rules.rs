//! What a common demand is and what becomes of it. Pure. What happens to its concerns meanwhile is the table of moves in
//! [`crate::concern`]: a demand puts them in, takes them out and answers them, and nothing else.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::clock::village_day;
use platform::{Authority, Error, Office, Result};
use proto::casework::v1 as pb;
use proto::names::{DeliberationName, DemandName, DemandProposalName, GridCode, GridName, VillageCode};
use proto::reasons;
use proto::time::{date, timestamp};
use uuid::Uuid;

use crate::concern::{self, Actor, Before, Concern, Kind, Matter, Now, Owner};

/// The same need of several: one alone is a concern.
pub(super) const FEWEST: usize = 2;
/// Concerns of one demand: more than any village has of one kind, and no transaction grows beyond it.
pub(super) const MOST: usize = 1000;

platform::choice! {
    /// Where a demand stands.
    pub(crate) enum State as proto::casework::v1::DemandState {
        Open = "open",
        Answered = "answered",
        Dissolved = "dissolved",
    }
}

platform::choice! {
    /// What was done with a demand.
    pub(crate) enum MoveKind as proto::casework::v1::DemandMoveKind {
        Opened = "opened",
        Added = "added",
        Removed = "removed",
        Dissolved = "dissolved",
        Assigned = "assigned",
        Escalated = "escalated",
        SentBack = "sent_back",
        Answered = "answered",
        Tabled = "tabled",
        Concluded = "concluded",
    }
}

/// A common demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) name: DemandName,
    pub(crate) title: String,
    pub(crate) matter: Matter,
    pub(crate) matter_type: String,
    pub(crate) state: State,
    pub(crate) owner: Owner,
    pub(crate) sum: Sum,
    pub(crate) result: String,
    pub(crate) escalations: i32,
    /// The deliberation that it is before; none as soon as that is decided.
    pub(crate) deliberation: Option<Uuid>,
    pub(crate) opened_on: NaiveDate,
    pub(crate) ended_on: Option<NaiveDate>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a demand's concerns add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    pub(crate) concerns: i32,
    pub(crate) households: i32,
    pub(crate) grids: BTreeSet<GridCode>,
    /// The earliest deadline of those whose clock runs.
    pub(crate) due_at: Option<DateTime<Utc>>,
}

impl Sum {
    pub(crate) fn of<'a>(concerns: impl IntoIterator<Item = &'a Concern> + Clone) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let households: BTreeSet<Uuid> = concerns.clone().into_iter().filter_map(|one| one.household).collect();
        Self {
            concerns: count(concerns.clone().into_iter().count()),
            households: count(households.len()),
            grids: concerns.clone().into_iter().filter_map(|one| one.grid).collect(),
            due_at: concerns.into_iter().filter_map(|one| one.deadline.due_at).min(),
        }
    }
}

/// A demand to be made.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: DemandName,
    pub(super) title: String,
    pub(super) concerns: Vec<Uuid>,
    pub(super) note: String,
    /// The proposal that it confirms.
    pub(super) proposal: Option<DemandProposalName>,
}

/// What somebody does with a demand.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Add {
        concerns: Vec<Uuid>,
        /// The proposal that it confirms.
        proposal: Option<DemandProposalName>,
    },
    Remove(Vec<Uuid>),
    Dissolve,
    Assign(Owner),
    Escalate,
    SendBack,
    Answer {
        result: String,
    },
    /// It is put before a deliberation.
    Table(Uuid),
    /// The deliberation is done with it.
    Conclude,
}

/// A demand after something was done with it: what is stored, kept as a move, and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) demand: Demand,
    pub(crate) kind: MoveKind,
    pub(crate) note: String,
}

impl Step {
    /// The news of it: no free text.
    pub(crate) fn news(&self) -> Result<Change> {
        let demand = &self.demand;
        let village = demand.name.village;
        let grid = |grid: &GridCode| GridName::new(village, *grid).to_string();
        Change::of(&pb::DemandChanged {
            name: demand.name.to_string(),
            revision: demand.revision,
            happened: self.kind.into(),
            change_time: Some(timestamp(demand.updated_at)),
            matter: demand.matter.into(),
            state: demand.state.into(),
            owner_kind: demand.owner.kind().into(),
            owner: demand.owner.name(village),
            grids: demand.sum.grids.iter().map(grid).collect(),
            concern_count: demand.sum.concerns,
            household_count: demand.sum.households,
            escalations: demand.escalations,
            opened_on: Some(date(demand.opened_on)),
            ended_on: demand.ended_on.map(date),
            deliberation: demand.deliberation_name().map(|name| name.to_string()).unwrap_or_default(),
        })
    }
}

impl Demand {
    /// Whether whoever acts by this authority sees it: by one of its grids, or by the team that owns it.
    pub(crate) fn is_seen_by(&self, by: &Authority) -> bool {
        by.grids().is_none() || self.sum.grids.iter().any(|grid| by.sees(grid)) || self.is_theirs(by)
    }

    pub(crate) fn deliberation_name(&self) -> Option<DeliberationName> {
        self.deliberation.map(|deliberation| DeliberationName::new(self.name.village, deliberation))
    }

    /// Of which kind concerns may be proposed for it, or no longer are, when it has changed.
    pub(super) fn stirs(&self) -> (VillageCode, Kind) {
        (self.name.village, Kind { matter: self.matter, matter_type: self.matter_type.clone() })
    }

    fn is_theirs(&self, by: &Authority) -> bool {
        matches!(self.owner, Owner::Team(grid) if by.sees(&grid))
    }

    /// Whoever serves some grids does what touches all of a demand's households only where all of these are theirs, or
    /// where their team was given it.
    ///
    /// # Errors
    /// `OUTSIDE_GRIDS`.
    pub(super) fn must_be_whole_for(&self, by: &Authority) -> Result<()> {
        if self.is_theirs(by) || serves_all(&self.sum.grids, by) {
            return Ok(());
        }
        by.must_serve_all()
    }
}

/// Are all of these grids theirs? Where none is known, nobody can say so.
pub(super) fn serves_all(grids: &BTreeSet<GridCode>, by: &Authority) -> bool {
    !grids.is_empty() && grids.iter().all(|grid| by.sees(grid))
}

/// Makes a demand of concerns: it and what happens to them.
pub(super) fn open(
    draft: Draft,
    concerns: Vec<Concern>,
    by: Actor<'_>,
    now: Now<'_>,
) -> Result<(Step, Vec<concern::Step>)> {
    let unlike = || Error::field("concerns", "names less than two: a common demand is that of several");
    let first = concerns.first().filter(|_| concerns.len() >= FEWEST).ok_or_else(unlike)?;
    let (matter, matter_type) = (first.matter, first.matter_type.clone());
    let owner = first_owner(&concerns);
    let steps = merge(draft.name.demand, matter, concerns, &draft.note, by, now)?;
    let demand = Demand {
        name: draft.name,
        title: if draft.title.is_empty() { matter_type.clone() } else { draft.title },
        matter,
        matter_type,
        state: State::Open,
        owner,
        sum: Sum::of(steps.iter().map(|step| &step.concern)),
        result: String::new(),
        escalations: 0,
        deliberation: None,
        opened_on: village_day(now.at),
        ended_on: None,
        revision: 1,
        created_at: now.at,
        updated_at: now.at,
    };
    Ok((Step { demand, kind: MoveKind::Opened, note: draft.note }, steps))
}

/// Whoever has all of the concerns has the demand, and for a member their team: seats change hands, teams stay. What the
/// sub-district has of them it has as a whole; otherwise it is for the village office to say.
fn first_owner(concerns: &[Concern]) -> Owner {
    let lasting = |one: &Concern| match (one.owner, one.grid) {
        (Owner::Member(_), Some(grid)) => Owner::Team(grid),
        (owner, _) => owner,
    };
    let mut owners = concerns.iter().map(lasting);
    let first = owners.next().unwrap_or(Owner::Office);
    if first == Owner::Subdistrict || owners.clone().any(|owner| owner == Owner::Subdistrict) {
        Owner::Subdistrict
    } else if owners.all(|owner| owner == first) {
        first
    } else {
        Owner::Office
    }
}

/// Puts concerns into a demand.
pub(super) fn merge(
    demand: Uuid,
    matter: Matter,
    concerns: Vec<Concern>,
    note: &str,
    by: Actor<'_>,
    now: Now<'_>,
) -> Result<Vec<concern::Step>> {
    let one = |before: Concern| {
        let name = before.name.clone();
        if before.state == concern::State::Merged {
            let message = format!("{name} is part of a common demand already");
            return Err(Error::refused(reasons::ALREADY_MERGED, message));
        }
        if before.matter != matter {
            return Err(Error::refused(reasons::OTHER_MATTER, format!("{name} is of another matter")));
        }
        concern::act(before, concern::Command::Merge(demand), note, by, now).map_err(|error| of(&name, error))
    };
    concerns.into_iter().map(one).collect()
}

/// Takes concerns out of a demand. Each of them stands as it stood before, as its moves tell.
pub(super) fn split(
    demand: &DemandName,
    concerns: Vec<Concern>,
    before: &HashMap<Uuid, Before>,
    note: &str,
    by: Actor<'_>,
    now: Now<'_>,
) -> Result<Vec<concern::Step>> {
    let one = |merged: Concern| {
        let name = merged.name.clone();
        if merged.demand != Some(demand.demand) {
            return Err(Error::refused(reasons::ILLEGAL_MOVE, format!("{name} is no part of this demand")));
        }
        let stood = before.get(&name.concern).copied();
        let stood = stood.ok_or_else(|| Error::internal("a merged concern without a move that merged it"))?;
        concern::act(merged, concern::Command::Split(stood), note, by, now).map_err(|error| of(&name, error))
    };
    concerns.into_iter().map(one).collect()
}

/// Answers all of a demand's concerns.
pub(super) fn answer(
    owner: Owner,
    result: &str,
    concerns: Vec<Concern>,
    note: &str,
    by: Actor<'_>,
    now: Now<'_>,
) -> Result<Vec<concern::Step>> {
    let one = |merged: Concern| {
        let name = merged.name.clone();
        let command = concern::Command::Answer { result: result.to_owned(), owner };
        concern::act(merged, command, note, by, now).map_err(|error| of(&name, error))
    };
    concerns.into_iter().map(one).collect()
}

/// Of several concerns, the one that is refused is named.
fn of(name: &proto::names::ConcernName, error: Error) -> Error {
    match error {
        Error::Refused { reason, message } => Error::Refused { reason, message: format!("{name}: {message}") },
        Error::Denied { reason, message } => Error::Denied { reason, message: format!("{name}: {message}") },
        other => other,
    }
}

/// Says whether a demand allows it, by this office: the whole of it. Only an open demand is worked on; the sub-district's
/// is the officer's, and further households may join it all the same.
pub(super) fn allowed(demand: &Demand, command: &Command, office: Office) -> Result<()> {
    use Office::{Cadre, Clerk, Leader, Officer};
    if demand.state != State::Open {
        let message = format!("the demand is {}; nothing more is done with it", demand.state.as_str());
        return Err(Error::refused(reasons::ILLEGAL_MOVE, message));
    }
    if demand.deliberation.is_some()
        && matches!(command, Command::Dissolve | Command::Answer { .. } | Command::Table(_))
    {
        let message = "it is before a deliberation, which has to be decided or withdrawn first";
        return Err(Error::refused(reasons::ILLEGAL_MOVE, message));
    }
    let escalated = demand.owner == Owner::Subdistrict;
    let (fits, offices): (bool, &[Office]) = match command {
        Command::Add { .. } | Command::Remove(_) => (true, &[Officer, Clerk, Cadre]),
        Command::Dissolve if escalated => (true, &[Officer]),
        Command::Dissolve => (true, &[Officer, Clerk, Cadre]),
        Command::Assign(_) => (!escalated, &[Officer, Clerk, Cadre]),
        Command::Escalate => (!escalated, &[Clerk, Cadre]),
        Command::SendBack => (escalated, &[Officer]),
        Command::Answer { .. } if escalated => (true, &[Officer]),
        Command::Answer { .. } => (true, &[Officer, Clerk, Cadre, Leader]),
        Command::Table(_) => (!escalated, &[Clerk]),
        Command::Conclude => (true, &[Clerk]),
    };
    if !fits {
        let whose = if escalated { "the sub-district has it" } else { "the village has it" };
        return Err(Error::refused(reasons::ILLEGAL_MOVE, format!("as the demand stands, {whose}")));
    }
    if !offices.contains(&office) {
        let offices: Vec<&str> = offices.iter().map(|office| office.as_str()).collect();
        let message = format!("as it stands, this is done by: {}", offices.join(", "));
        return Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message });
    }
    Ok(())
}

/// The demand after a command that was allowed, with what its concerns add up to now.
pub(super) fn follow(before: Demand, command: Command, sum: Sum, note: String, now: DateTime<Utc>) -> Step {
    let mut demand = Demand { sum, revision: before.revision + 1, updated_at: now, ..before };
    let today = village_day(now);
    let kind = match command {
        Command::Add { .. } => MoveKind::Added,
        Command::Remove(_) => MoveKind::Removed,
        Command::Dissolve => {
            demand.state = State::Dissolved;
            demand.ended_on = Some(today);
            MoveKind::Dissolved
        }
        Command::Assign(owner) => {
            demand.owner = owner;
            MoveKind::Assigned
        }
        Command::Escalate => {
            demand.owner = Owner::Subdistrict;
            demand.escalations += 1;
            MoveKind::Escalated
        }
        Command::SendBack => {
            demand.owner = Owner::Office;
            MoveKind::SentBack
        }
        Command::Answer { result } => {
            demand.state = State::Answered;
            demand.ended_on = Some(today);
            demand.result = result;
            MoveKind::Answered
        }
        Command::Table(deliberation) => {
            demand.deliberation = Some(deliberation);
            MoveKind::Tabled
        }
        Command::Conclude => {
            demand.deliberation = None;
            MoveKind::Concluded
        }
    };
    Step { demand, kind, note }
}

#[cfg(test)]
mod tests;
