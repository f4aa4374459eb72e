//! Concerns: from the report to the household's own answer.

mod record;
mod rpc;
mod rules;
mod store;

use chrono::{DateTime, Utc};
use events::{Changes, News};
use platform::revision::must_be;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx};
use proto::names::{ConcernName, GridCode};
use proto::reasons;

pub(crate) use record::{Concern, Matter, MoveKind, Outcome, Owner, State, Step};
use record::{Move, OwnerKind};
pub(crate) use rules::reference;
use rules::{Command, Draft};
use store::Filter;
pub(crate) use store::concerns_of_ledger;

use crate::place::{self, Place};

/// The use cases of concerns.
pub(crate) struct Concerns {
    database: Database,
    changes: Changes,
    clock: Clock,
}

/// What somebody wants done with a concern.
struct Order {
    name: ConcernName,
    expected: Option<i64>,
    note: String,
    command: Command,
}

impl Concerns {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    /// Reports a concern. It is taken whether or not the news of its household, grid and team has come.
    async fn report(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Concern> {
        let village = draft.name.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &village, &draft.name.to_string()).await? {
            return store::concern_get(&mut tx, &made.parse().map_err(Error::internal)?, &authority, false).await;
        }
        let mut place = place::place_find(&mut tx, village, draft.household, draft.grid).await?;
        if place.team.is_none() {
            place::waiting_lock(&mut tx, village).await?;
            place = place::place_find(&mut tx, village, draft.household, draft.grid).await?;
        }
        may_report(&authority, &place)?;
        let step = rules::report(draft, &place, self.clock.now())?;
        self.take(tx, &authority, step).await
    }

    async fn get(&self, caller: &Caller, name: &ConcernName) -> Result<Concern> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        store::concern_get(&mut tx, name, &authority, false).await
    }

    async fn list(&self, caller: &Caller, filter: &Filter, page: &Page) -> Result<(Vec<Concern>, String)> {
        let authority = caller.within(&filter.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let rows = store::concern_list(&mut tx, filter, &authority, page).await?;
        Ok(page.cut(rows, store::list_key))
    }

    async fn moves(&self, caller: &Caller, name: &ConcernName, page: &Page) -> Result<(Vec<Move>, String)> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let rows = store::move_list(&mut tx, name, &authority, page).await?;
        Ok(page.cut(rows, |one| one.revision.to_string()))
    }

    /// Carries out an order: accept, assign, start, resolve, follow up, update.
    async fn act(&self, caller: &Caller, request: &Request, order: Order) -> Result<Concern> {
        let name = order.name;
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return store::concern_get(&mut tx, &name, &authority, false).await;
        }
        let before = store::concern_get(&mut tx, &name, &authority, true).await?;
        must_be(order.expected, before.revision, &name)?;
        let mut command = order.command;
        if let Command::Assign(owner, team) = &mut command
            && let Some(grid) = grid_of(*owner, &before)
        {
            *team = place::team_find(&mut tx, name.village, grid).await?;
        }
        let step = rules::act(before, command, authority.subject(), self.clock.now())?;
        self.take(tx, &authority, Step { note: order.note, ..step }).await
    }

    /// Stores a step, tells it, and commits.
    async fn take(&self, mut tx: Tx, authority: &Authority, step: Step) -> Result<Concern> {
        let taken = steps_take(&mut tx, &self.changes, authority, vec![step]).await?.pop();
        let (step, taken) = taken.ok_or_else(|| Error::internal("a step without an answer"))?;
        if !taken {
            return Err(Error::AlreadyExists(step.concern.name.to_string()));
        }
        self.changes.commit(tx).await?;
        Ok(step.concern)
    }
}

/// Stores steps and appends the news of those that were taken; says of each whether it was.
pub(crate) async fn steps_take(
    tx: &mut Tx,
    changes: &Changes,
    authority: &Authority,
    steps: Vec<Step>,
) -> Result<Vec<(Step, bool)>> {
    let taken = store::steps_save(tx, authority, &steps).await?;
    let steps: Vec<(Step, bool)> = steps
        .into_iter()
        .map(|step| {
            let is = taken.contains(&step.concern.name);
            (step, is)
        })
        .collect();
    let news: Vec<_> = steps.iter().filter(|(_, taken)| *taken).map(|(step, _)| step.news()).collect::<Result<_>>()?;
    changes.append(tx, authority, &news).await?;
    Ok(steps)
}

/// Brings the concerns that waited for this news to their grids and teams.
pub(crate) async fn route_waiting(
    tx: &mut Tx,
    changes: &Changes,
    by: &Caller,
    news: &[News],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut villages: Vec<&str> = news.iter().map(|one| one.village.as_str()).collect();
    villages.sort_unstable();
    villages.dedup();
    let Some(authority) = news.first().map(|one| by.within(&one.village)).transpose()? else { return Ok(()) };
    place::news_lock(tx, &villages).await?;
    let waiting = store::concerns_waiting(tx, &villages).await?;
    let steps = waiting.into_iter().filter_map(|(concern, place)| rules::route(concern, &place, now)).collect();
    steps_take(tx, changes, &authority, steps).await?;
    Ok(())
}

/// Whoever serves some grids reports for these, and has to name one while the household's is not known; whoever
/// serves the whole village need not. A household elsewhere is as unknown to them as one that does not exist.
fn may_report(authority: &Authority, place: &Place) -> Result<()> {
    match place.grid {
        Some(grid) if authority.sees(&grid) => Ok(()),
        Some(grid) if !place.household_known => authority.must_serve(&grid),
        None if authority.grids().is_none() => Ok(()),
        _ => Err(Error::refused(
            reasons::UNKNOWN_HOUSEHOLD,
            "casework does not know the household yet; name its grid, or show the registry's mark in lianxin-after",
        )),
    }
}

/// The grid whose team has to be looked at before `owner` is given the concern.
fn grid_of(owner: Owner, concern: &Concern) -> Option<GridCode> {
    match owner {
        Owner::Team(grid) => Some(grid),
        Owner::Member(_) => concern.grid,
        Owner::Office => None,
    }
}
