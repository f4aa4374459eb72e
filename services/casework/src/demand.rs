//! Common demands: several households raise the same, and it is taken care of as one.
//!
//! A demand and the concerns it touches are changed by one transaction, however many they are: the concerns by the table of
//! moves, the demand by its rules. The rows of the concerns decide who wins when two people want the same ones.

mod proposal;
mod rpc;
mod rules;
mod store;
mod table;

use std::collections::HashMap;

use events::Changes;
use platform::revision::must_be;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx};
use proto::names::{ConcernName, DemandName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use crate::calendar::Calendars;
use crate::concern::{self, Actor, Concern, Now, Owner, Stirred};
use crate::place;
use proposal::Proposals;
pub(crate) use proposal::Watch;
use rules::{Command, Demand, Draft, Sum};
use store::{Filter, Member, Move};
pub(crate) use table::{conclude, table};

/// The use cases of demands.
pub(crate) struct Demands {
    database: Database,
    changes: Changes,
    clock: Clock,
    calendars: Calendars,
    proposals: Proposals,
    stirred: Stirred,
}

/// What somebody wants done with a demand.
struct Order {
    name: DemandName,
    expected: Option<i64>,
    note: String,
    command: Command,
}

/// A demand with its concerns, as far as the caller may see them.
struct Whole {
    demand: Demand,
    members: Vec<Member>,
}

impl Demands {
    pub(crate) fn new(
        database: Database,
        changes: Changes,
        clock: Clock,
        calendars: Calendars,
        stirred: Stirred,
    ) -> Self {
        let proposals = Proposals::new(database.clone(), clock.clone());
        Self { database, changes, clock, calendars, proposals, stirred }
    }

    /// Makes a demand of concerns, or of what was proposed.
    async fn create(&self, caller: &Caller, request: Request, mut draft: Draft) -> Result<Whole> {
        let name = draft.name.clone();
        let by = caller.within(&name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            return whole(&mut tx, &made.parse().map_err(Error::internal)?, &by).await;
        }
        let chosen = std::mem::take(&mut draft.concerns);
        let (chosen, confirmed) = proposal::confirm(&mut tx, draft.proposal.as_ref(), None, chosen, &by).await?;
        let concerns = concerns_seen(&mut tx, name.village, &chosen, &by).await?;
        let calendar = self.calendars.of(&mut tx, name.village).await?;
        let now = Now { at: self.clock.now(), calendar: &calendar };
        let (step, moved) = rules::open(draft, concerns, actor(&by), now)?;
        if let Some(confirmed) = confirmed {
            confirmed.taken(&mut tx, name.demand, &moved, &by, now.at).await?;
        }
        self.take(&mut tx, &by, moved).await?;
        if !store::step_save(&mut tx, &by, &step).await? {
            return Err(Error::AlreadyExists(name.to_string()));
        }
        self.changes.append(&mut tx, &by, &[step.news()?]).await?;
        let made = whole(&mut tx, &name, &by).await?;
        self.changes.commit(tx).await?;
        self.stirred.note(vec![step.demand.stirs()]);
        Ok(made)
    }

    /// Carries out an order, on the demand and on the concerns it touches.
    async fn act(&self, caller: &Caller, request: Request, order: Order) -> Result<Whole> {
        let Order { name, expected, note, command } = order;
        let by = caller.within(&name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            return whole(&mut tx, &made.parse().map_err(Error::internal)?, &by).await;
        }
        let before = store::demand_lock(&mut tx, &name).await?.filter(|demand| demand.is_seen_by(&by));
        let before = before.ok_or_else(|| Error::NotFound(name.to_string()))?;
        must_be(expected, before.revision, &name)?;
        rules::allowed(&before, &command, by.office())?;
        let calendar = self.calendars.of(&mut tx, name.village).await?;
        let now = Now { at: self.clock.now(), calendar: &calendar };
        let mut stirred = self.touch(&mut tx, &by, &before, &command, &note, now).await?;
        stirred.push(before.stirs());
        let sum = match command {
            // What it was answered for, and what was taken apart, stays on record.
            Command::Dissolve | Command::Answer { .. } => Sum { due_at: None, ..before.sum.clone() },
            _ => store::members_sum(&mut tx, &name).await?,
        };
        let step = rules::follow(before, command, sum, note, now.at);
        if !store::step_save(&mut tx, &by, &step).await? {
            return Err(Error::Stale { name: name.to_string() });
        }
        self.changes.append(&mut tx, &by, &[step.news()?]).await?;
        let made = match whole(&mut tx, &name, &by).await {
            // Whoever has just taken out the last concern they could see of it sees it for the last time.
            Err(Error::NotFound(_)) => Whole { demand: step.demand, members: Vec::new() },
            other => other?,
        };
        self.changes.commit(tx).await?;
        self.stirred.note(stirred);
        Ok(made)
    }

    /// What an order does to concerns; answers which kinds it stirs.
    async fn touch(
        &self,
        tx: &mut Tx,
        by: &Authority,
        demand: &Demand,
        command: &Command,
        note: &str,
        now: Now<'_>,
    ) -> Result<Vec<(VillageCode, concern::Kind)>> {
        let name = &demand.name;
        let steps = match command {
            Command::Add { concerns, proposal } => {
                let joins = Some(name.demand);
                let (chosen, confirmed) = proposal::confirm(tx, proposal.as_ref(), joins, concerns.clone(), by).await?;
                let concerns = concerns_seen(tx, name.village, &chosen, by).await?;
                if concerns.is_empty() {
                    let message = "none of the proposal's concerns can be merged as it stands";
                    return Err(Error::refused(reasons::ILLEGAL_MOVE, message));
                }
                let concerns_then = usize::try_from(demand.sum.concerns).unwrap_or(0) + concerns.len();
                if concerns_then > rules::MOST {
                    return Err(Error::field("concerns", "are too many: a demand has a thousand at most"));
                }
                let merged = rules::merge(name.demand, demand.matter, concerns, note, actor(by), now)?;
                if let Some(confirmed) = confirmed {
                    confirmed.taken(tx, name.demand, &merged, by, now.at).await?;
                }
                merged
            }
            Command::Remove(concerns) => {
                let concerns = concerns_seen(tx, name.village, concerns, by).await?;
                if i32::try_from(concerns.len()).is_ok_and(|many| many >= demand.sum.concerns) {
                    let message = "these are all of its concerns; dissolve the demand instead";
                    return Err(Error::refused(reasons::ILLEGAL_MOVE, message));
                }
                self.split(tx, demand, concerns, (by, note, now)).await?
            }
            Command::Dissolve => {
                demand.must_be_whole_for(by)?;
                let concerns = store::members_lock(tx, name).await?;
                self.split(tx, demand, concerns, (by, note, now)).await?
            }
            Command::Answer { result } => {
                demand.must_be_whole_for(by)?;
                let concerns = store::members_lock(tx, name).await?;
                rules::answer(demand.owner, result, concerns, note, actor(by), now)?
            }
            Command::Assign(owner) => {
                demand.must_be_whole_for(by)?;
                may_own(tx, name.village, *owner).await?;
                Vec::new()
            }
            Command::Escalate | Command::SendBack | Command::Table(_) | Command::Conclude => {
                demand.must_be_whole_for(by)?;
                Vec::new()
            }
        };
        let stirred = Stirred::by(&steps);
        self.take(tx, by, steps).await?;
        Ok(stirred)
    }

    async fn split(
        &self,
        tx: &mut Tx,
        demand: &Demand,
        concerns: Vec<Concern>,
        (by, note, now): (&Authority, &str, Now<'_>),
    ) -> Result<Vec<concern::Step>> {
        let ids: Vec<Uuid> = concerns.iter().map(|one| one.name.concern).collect();
        let before = concern::concerns_before(tx, demand.name.village, &ids).await?;
        rules::split(&demand.name, concerns, &before, note, actor(by), now)
    }

    /// Stores what happens to concerns, all of it: they are this transaction's, so nobody came in between.
    async fn take(&self, tx: &mut Tx, by: &Authority, steps: Vec<concern::Step>) -> Result<()> {
        match concern::steps_take(tx, &self.changes, by, steps).await?.into_iter().find(|(_, taken)| !taken) {
            None => Ok(()),
            Some((step, _)) => Err(Error::Stale { name: step.concern.name.to_string() }),
        }
    }

    async fn get(&self, caller: &Caller, name: &DemandName) -> Result<Whole> {
        let by = caller.within(&name.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        whole(&mut tx, name, &by).await
    }

    async fn list(&self, caller: &Caller, filter: &Filter, page: &Page) -> Result<(Vec<Demand>, String)> {
        let by = caller.within(&filter.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        let rows = store::demand_list(&mut tx, filter, &by, page).await?;
        Ok(page.cut(rows, store::list_key))
    }

    async fn moves(&self, caller: &Caller, name: &DemandName, page: &Page) -> Result<(Vec<Move>, String)> {
        let by = caller.within(&name.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        seen(&mut tx, name, &by).await?;
        let rows = store::move_list(&mut tx, name, page).await?;
        Ok(page.cut(rows, |one| one.revision.to_string()))
    }
}

fn actor(by: &Authority) -> Actor<'_> {
    Actor { subject: by.subject(), office: by.office() }
}

async fn seen(tx: &mut Tx, name: &DemandName, by: &Authority) -> Result<Demand> {
    let demand = store::demand_get(tx, name).await?.filter(|demand| demand.is_seen_by(by));
    demand.ok_or_else(|| Error::NotFound(name.to_string()))
}

async fn whole(tx: &mut Tx, name: &DemandName, by: &Authority) -> Result<Whole> {
    let demand = seen(tx, name, by).await?;
    let members = store::members_list(tx, name, by).await?;
    Ok(Whole { demand, members })
}

/// The concerns of these ids, in this order, kept from others until the transaction ends.
async fn concerns_seen(tx: &mut Tx, village: VillageCode, ids: &[Uuid], by: &Authority) -> Result<Vec<Concern>> {
    let names: Vec<ConcernName> = ids.iter().map(|id| ConcernName::new(village, *id)).collect();
    let mut there: HashMap<ConcernName, Concern> = concern::concerns_lock(tx, &names).await?;
    let seen = |name: &ConcernName| {
        let found = there.remove(name).filter(|concern| concern.is_seen_by(by));
        found.ok_or_else(|| Error::NotFound(name.to_string()))
    };
    names.iter().map(seen).collect()
}

/// A demand is given to a team that is known, or to the village office.
async fn may_own(tx: &mut Tx, village: VillageCode, owner: Owner) -> Result<()> {
    let Owner::Team(grid) = owner else { return Ok(()) };
    match place::grids_find(tx, village, &[grid]).await?.remove(&grid).flatten() {
        Some(_) => Ok(()),
        None => Err(Error::refused(reasons::UNKNOWN_GRID, format!("casework knows no team of grid {grid}"))),
    }
}
