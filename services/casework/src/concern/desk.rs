//! Where concerns are reported and moved: orders that come at once, in one transaction.
//!
//! Each order is decided by itself, by the rules; only the reading and the writing are shared. The transaction sees the
//! villages of its orders and no other.

use std::collections::{BTreeSet, HashMap, HashSet};

use events::Changes;
use platform::request::{claim_all, give_back};
use platform::revision::must_be;
use platform::{Authority, Clock, Database, Desk, Error, Request, Result, Scope, Tx, Vault};
use proto::names::{ConcernName, GridCode, VillageCode};
use proto::reasons;
use tracing::Span;
use uuid::Uuid;

use super::deadline::Now;
use super::owner::Owner;
use super::record::{Concern, Step};
use super::rules::{self, Actor, Command, Draft};
use super::stirred::Stirred;
use super::workflow::Act;
use super::{Order, store};
use crate::calendar::Calendars;
use crate::place::{self, Place, Team};

/// Carries out what is asked.
pub(super) struct ConcernDesk {
    database: Database,
    changes: Changes,
    clock: Clock,
    calendars: Calendars,
    vault: Vault,
    stirred: Stirred,
}

/// What somebody asks for.
pub(super) struct Asked {
    by: Authority,
    request: Request,
    what: What,
    span: Span,
}

pub(super) enum What {
    Report(Draft),
    Act(Order),
}

impl Asked {
    pub(super) fn new(by: Authority, request: Request, what: What) -> Self {
        Self { by, request, what, span: Span::current() }
    }

    fn name(&self) -> ConcernName {
        match &self.what {
            What::Report(draft) => draft.name.clone(),
            What::Act(order) => order.name.clone(),
        }
    }
}

impl Desk for ConcernDesk {
    type Order = Asked;
    type Answer = Concern;

    fn keys(order: &Asked) -> Vec<Uuid> {
        std::iter::once(order.name().concern).chain(order.request.key()).collect()
    }

    async fn carry_out(&self, orders: &[Asked]) -> Result<Vec<Result<Concern>>> {
        let scope = Scope::villages(orders.iter().map(|asked| asked.name().village));
        let mut tx = self.database.begin(&scope).await?;
        let names: Vec<ConcernName> = orders.iter().map(Asked::name).collect();
        let claims: Vec<_> = orders
            .iter()
            .zip(&names)
            .map(|(asked, name)| (&asked.request, name.village.as_str(), name.to_string()))
            .collect();
        let mut decided = Vec::new();
        let mut answers: HashMap<ConcernName, Result<Concern>> = HashMap::new();
        for (asked, claim) in orders.iter().zip(claim_all(&mut tx, &claims).await?) {
            match claim {
                Ok(None) => decided.push(asked),
                Ok(Some(made)) => {
                    let made = made.parse().map_err(Error::internal)?;
                    answers.insert(asked.name(), self.read(&mut tx, &made, &asked.by).await);
                }
                Err(refused) => {
                    answers.insert(asked.name(), Err(refused));
                }
            }
        }
        let steps = self.decide(&mut tx, &decided).await?;
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for (asked, step) in decided.into_iter().zip(steps) {
            match step {
                Ok(step) => taken.push((asked, step)),
                Err(error) => {
                    refused.push((&asked.request, asked.name().village));
                    answers.insert(asked.name(), Err(error));
                }
            }
        }
        let steps: Vec<_> = taken.iter().map(|(asked, step)| (&asked.by, step)).collect();
        let saved = store::steps_save(&mut tx, &steps).await?;
        let mut news = Vec::new();
        let stirred = Stirred::by(taken.iter().map(|(_, step)| step));
        for (asked, mut step) in taken {
            let name = step.concern.name.clone();
            if saved.contains(&name) {
                self.keep_detail(&mut tx, &mut step.concern).await?;
                // In the trace of the call that asked for it.
                news.push((&asked.by, asked.span.in_scope(|| step.news())?));
                answers.insert(name, Ok(step.concern));
            } else {
                refused.push((&asked.request, name.village));
                let there = if step.concern.source.is_some() {
                    // The other system has sent it before: it is the same concern.
                    self.read(&mut tx, &name, &asked.by).await
                } else {
                    Err(Error::AlreadyExists(name.to_string()))
                };
                answers.insert(name, there);
            }
        }
        // A single refusal leaves nothing behind, as everything is undone; beside others, its claim has to go.
        if !news.is_empty() {
            give_back(&mut tx, &refused).await?;
            self.changes
                .append_each(&mut tx, &news.iter().map(|(by, change)| (*by, change)).collect::<Vec<_>>())
                .await?;
            self.changes.commit(tx).await?;
            self.stirred.note(stirred);
        }
        let answer = |asked: &Asked| answers.remove(&asked.name());
        orders
            .iter()
            .map(answer)
            .map(|answer| answer.ok_or_else(|| Error::internal("an order without an answer")))
            .collect()
    }
}

impl ConcernDesk {
    pub(super) fn new(
        database: Database,
        changes: Changes,
        clock: Clock,
        calendars: Calendars,
        vault: Vault,
        stirred: Stirred,
    ) -> Self {
        Self { database, changes, clock, calendars, vault, stirred }
    }

    /// A concern that is there already, with all that is said of it.
    async fn read(&self, tx: &mut Tx, name: &ConcernName, by: &Authority) -> Result<Concern> {
        let mut concern = store::concern_get(tx, name, by).await?;
        store::details_load(tx, &self.vault, [&mut concern]).await?;
        Ok(concern)
    }

    /// Keeps what more is said of a concern, if that is new, and reads with it what its type needs.
    async fn keep_detail(&self, tx: &mut Tx, concern: &mut Concern) -> Result<()> {
        if let Some(detail) = concern.detail.as_ref().filter(|detail| detail.unsaved) {
            store::detail_save(tx, &self.vault, &concern.name, detail).await?;
        }
        store::details_load(tx, &self.vault, [concern]).await
    }

    /// What each order comes to, by the rules.
    async fn decide(&self, tx: &mut Tx, orders: &[&Asked]) -> Result<Vec<Result<Step>>> {
        let drafts: Vec<&Draft> = orders
            .iter()
            .filter_map(|asked| match &asked.what {
                What::Report(draft) => Some(draft),
                What::Act(_) => None,
            })
            .collect();
        let giving = orders.iter().filter_map(|asked| match &asked.what {
            What::Act(order) if matches!(order.command.act(), Act::Assign | Act::Reopen) => Some(order.name.village),
            _ => None,
        });
        let mut places = places_of(tx, &drafts, giving.collect()).await?;
        let names: Vec<ConcernName> =
            orders.iter().filter(|asked| matches!(asked.what, What::Act(_))).map(|asked| asked.name()).collect();
        let mut concerns = store::concerns_lock(tx, &names).await?;
        store::details_load(tx, &self.vault, concerns.values_mut()).await?;
        let teams = teams_of(tx, orders, &concerns).await?;
        let mut calendars = Vec::new();
        for asked in orders {
            calendars.push(self.calendars.of(tx, asked.name().village).await?);
        }
        let at = self.clock.now();
        let mut decide = |asked: &Asked, now: Now<'_>| -> Result<Step> {
            match &asked.what {
                What::Report(draft) => {
                    let place = places.remove(&draft.name).unwrap_or_default();
                    may_report(&asked.by, &place)?;
                    rules::report(draft.clone(), &place, now)
                }
                What::Act(order) => {
                    let unseen = || Error::NotFound(order.name.to_string());
                    let before = concerns.remove(&order.name).ok_or_else(unseen)?;
                    if !before.is_seen_by(&asked.by) {
                        return Err(unseen());
                    }
                    must_be(order.expected, before.revision, &order.name)?;
                    if matches!(order.command.act(), Act::Update | Act::ReceivePapers | Act::ReturnPapers) {
                        before.must_be_told_to(&asked.by)?;
                    }
                    let mut command = order.command.clone();
                    let grid = grid_asked(&command, &before);
                    if let Command::Assign(_, team) | Command::Reopen(team) = &mut command {
                        *team = grid.and_then(|grid| teams.get(&(order.name.village, grid)).cloned());
                    }
                    let by = Actor { subject: asked.by.subject(), office: asked.by.office() };
                    rules::act(before, command, &order.note, by, now)
                }
            }
        };
        Ok(orders.iter().zip(&calendars).map(|(asked, calendar)| decide(asked, Now { at, calendar })).collect())
    }
}

/// Where the reported concerns belong. A place that is unknown is looked for again behind the lock of those who wait, and so
/// are the seats in the villages where somebody is given a concern: nobody is whose leaving is just being told.
async fn places_of<'a>(
    tx: &mut Tx,
    drafts: &[&'a Draft],
    giving: BTreeSet<VillageCode>,
) -> Result<HashMap<ConcernName, Place>> {
    let ask = |drafts: &[&'a Draft]| -> Vec<_> {
        let one = |draft: &&'a Draft| place::Asked {
            village: draft.name.village,
            household: draft.household,
            grid: draft.grid,
            matter: draft.matter,
            matter_type: &draft.matter_type,
            urgency: draft.urgency,
        };
        drafts.iter().map(one).collect()
    };
    let found = place::places_find(tx, &ask(drafts)).await?;
    let mut places: HashMap<ConcernName, Place> = drafts.iter().map(|draft| draft.name.clone()).zip(found).collect();
    let waiting: Vec<&Draft> = drafts
        .iter()
        .copied()
        .filter(|draft| places.get(&draft.name).is_none_or(|place| place.team.is_none()))
        .collect();
    let mut villages = giving;
    villages.extend(waiting.iter().map(|draft| draft.name.village));
    for village in villages {
        place::waiting_lock(tx, village).await?;
    }
    let found = place::places_find(tx, &ask(&waiting)).await?;
    places.extend(waiting.iter().map(|draft| draft.name.clone()).zip(found));
    Ok(places)
}

/// The teams that have to be known before concerns are given to somebody.
async fn teams_of(
    tx: &mut Tx,
    orders: &[&Asked],
    concerns: &HashMap<ConcernName, Concern>,
) -> Result<HashMap<(VillageCode, GridCode), Team>> {
    let mut asked: HashMap<VillageCode, HashSet<GridCode>> = HashMap::new();
    for order in orders {
        if let What::Act(Order { name, command, .. }) = &order.what
            && let Some(before) = concerns.get(name)
            && let Some(grid) = grid_asked(command, before)
        {
            asked.entry(name.village).or_default().insert(grid);
        }
    }
    let mut teams = HashMap::new();
    for (village, grids) in asked {
        let grids: Vec<GridCode> = grids.into_iter().collect();
        let known = place::grids_find(tx, village, &grids).await?;
        teams.extend(known.into_iter().filter_map(|(grid, team)| Some(((village, grid), team?))));
    }
    Ok(teams)
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

/// The grid whose team has to be looked at before the concern is given to somebody, or back to whoever had it.
fn grid_asked(command: &Command, concern: &Concern) -> Option<GridCode> {
    let owner = match command {
        Command::Assign(owner, _) => *owner,
        Command::Reopen(_) => concern.owner,
        _ => return None,
    };
    match owner {
        Owner::Team(grid) => Some(grid),
        Owner::Member(_) => concern.grid,
        Owner::Office | Owner::Subdistrict => None,
    }
}
