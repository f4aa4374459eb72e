//! Concerns: from the report to the household's own answer.

mod deadline;
mod desk;
mod detail;
mod explain;
mod owner;
mod receipt;
mod record;
mod rpc;
mod rules;
mod stirred;
mod store;
mod table;
mod watch;
mod workflow;

use chrono::{DateTime, Utc};
use events::{Changes, News};
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Together, Tx, Vault};
use proto::names::ConcernName;

#[cfg(test)]
pub(crate) use deadline::Deadline;
pub(crate) use deadline::{Now, Terms, Urgency};
use desk::{Asked, ConcernDesk, What};
use explain::Explanation;

pub(crate) use owner::{Owner, OwnerKind};
pub(crate) use receipt::Receipt;
use record::Move;
pub(crate) use record::{Concern, Matter, MoveKind, Outcome, State, Step};
pub(crate) use rpc::read::{inside, required, short};
use rules::Draft;
pub(crate) use rules::{Actor, Before, Command, act};
pub(crate) use stirred::{Kind, Stirred};
use store::Filter;
pub(crate) use store::{concerns_before, concerns_lock, concerns_of_ledger, concerns_of_village, concerns_read};
pub(crate) use table::{conclude, table};
pub(crate) use watch::Watch;
pub(crate) use workflow::MERGEABLE;

use crate::calendar::Calendars;
use crate::place::{self, SeatLeft};
use crate::progress::Counter;

/// The use cases of concerns.
pub(crate) struct Concerns {
    database: Database,
    desk: Together<ConcernDesk>,
    clock: Clock,
    calendars: Calendars,
    counter: Counter,
    vault: Vault,
}

/// What somebody wants done with a concern.
struct Order {
    name: ConcernName,
    expected: Option<i64>,
    note: String,
    command: Command,
}

impl Concerns {
    pub(crate) fn new(
        database: Database,
        changes: Changes,
        clock: Clock,
        calendars: Calendars,
        vault: Vault,
        stirred: Stirred,
    ) -> Self {
        let desk =
            ConcernDesk::new(database.clone(), changes, clock.clone(), calendars.clone(), vault.clone(), stirred);
        let desk = Together::new(desk);
        let counter = Counter::new(database.clone(), clock.clone());
        Self { database, desk, clock, calendars, counter, vault }
    }

    /// Reports a concern. It is taken whether or not the news of its household, grid and team has come.
    async fn report(&self, caller: &Caller, request: Request, draft: Draft) -> Result<Concern> {
        let by = caller.within(&draft.name.village)?;
        let concern = self.desk.order(Asked::new(by.clone(), request, What::Report(draft))).await?;
        Ok(concern.told_to(&by))
    }

    /// Carries out an order: accept, assign, start, resolve, follow up, update.
    async fn act(&self, caller: &Caller, request: Request, order: Order) -> Result<Concern> {
        let by = caller.within(&order.name.village)?;
        let concern = self.desk.order(Asked::new(by.clone(), request, What::Act(order))).await?;
        Ok(concern.told_to(&by))
    }

    async fn get(&self, caller: &Caller, name: &ConcernName) -> Result<Concern> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let mut concern = store::concern_get(&mut tx, name, &authority).await?;
        store::details_load(&mut tx, &self.vault, [&mut concern]).await?;
        Ok(concern.told_to(&authority))
    }

    async fn list(&self, caller: &Caller, filter: &Filter, page: &Page) -> Result<(Vec<Concern>, String)> {
        let authority = caller.within(&filter.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let calendar = self.calendars.of(&mut tx, filter.village).await?;
        let now = Now { at: self.clock.now(), calendar: &calendar };
        let rows = store::concern_list(&mut tx, filter, &authority, now, page).await?;
        let (mut concerns, next) = page.cut(rows, |one| filter.order.key(one));
        store::details_load(&mut tx, &self.vault, &mut concerns).await?;
        Ok((concerns.into_iter().map(|concern| concern.told_to(&authority)).collect(), next))
    }

    /// The clocks of a concern, reckoned from its moves.
    async fn explain(&self, caller: &Caller, name: &ConcernName) -> Result<Explanation> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let concern = store::concern_get(&mut tx, name, &authority).await?;
        let mut moves = store::moves_of(&mut tx, name).await?;
        withhold(&concern, &authority, &mut moves);
        let calendar = self.calendars.of(&mut tx, name.village).await?;
        Ok(explain::explain(&concern, &moves, Now { at: self.clock.now(), calendar: &calendar }))
    }

    async fn moves(&self, caller: &Caller, name: &ConcernName, page: &Page) -> Result<(Vec<Move>, String)> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let concern = store::concern_get(&mut tx, name, &authority).await?;
        let mut rows = store::move_list(&mut tx, name, page).await?;
        withhold(&concern, &authority, &mut rows);
        Ok(page.cut(rows, |one| one.revision.to_string()))
    }
}

/// Takes the words out of the moves of a concern of which whoever asks is not told.
fn withhold(concern: &Concern, by: &Authority, moves: &mut [Move]) {
    if !concern.is_told_to(by) {
        moves.iter_mut().for_each(|one| one.note.clear());
    }
}

/// Refuses what belongs to a concern to whoever does not see the concern, or is not told what it says: to them it does not
/// exist.
pub(crate) async fn must_be_told(tx: &mut Tx, name: &ConcernName, by: &Authority) -> Result<()> {
    let concern = store::concern_get(tx, name, by).await?;
    if concern.is_told_to(by) { Ok(()) } else { Err(Error::NotFound(name.to_string())) }
}

/// Stores steps and appends the news of those that were taken; says of each whether it was.
pub(crate) async fn steps_take(
    tx: &mut Tx,
    changes: &Changes,
    by: &Authority,
    steps: Vec<Step>,
) -> Result<Vec<(Step, bool)>> {
    let taken = store::steps_save(tx, &steps.iter().map(|step| (by, step)).collect::<Vec<_>>()).await?;
    let is_taken = |step: &Step| taken.contains(&step.concern.name);
    let news: Vec<_> = steps.iter().filter(|step| is_taken(step)).map(Step::news).collect::<Result<_>>()?;
    changes.append(tx, by, &news).await?;
    Ok(steps
        .into_iter()
        .map(|step| {
            let is = is_taken(&step);
            (step, is)
        })
        .collect())
}

/// Gives the concerns of those who left a seat, unless they are over, to who holds it now, or to the team: nobody answers for
/// what they may no longer see. News that comes again finds nobody who left.
pub(crate) async fn pass_on(
    tx: &mut Tx,
    changes: &Changes,
    by: &Caller,
    left: &[SeatLeft],
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(first) = left.first() else { return Ok(()) };
    let authority = by.within(&first.village)?;
    let theirs = store::concerns_of_those_who_left(tx, left).await?;
    let steps = theirs.into_iter().filter_map(|concern| rules::pass_on(concern, left, now)).collect();
    steps_take(tx, changes, &authority, steps).await?;
    Ok(())
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
