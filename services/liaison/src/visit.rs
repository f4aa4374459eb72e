//! Visits: contacts with households. A visit is what happened: it is logged, and read, never changed.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use std::collections::BTreeMap;

use events::Changes;
use platform::{Authority, Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Tx};
use proto::names::{VillageCode, VisitName};
use uuid::Uuid;

use crate::places::unknown_household;
use rules::{Circumstances, Draft, Filter, Visit};

/// The use cases of visits.
pub(crate) struct Visits {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Visits {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    /// Logs visits of one village, all or none.
    async fn log(
        &self,
        caller: &Caller,
        request: &Request,
        village: &VillageCode,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Visit>> {
        let authority = caller.within(village)?;
        let Some(first) = drafts.first() else { return Ok(Vec::new()) };
        let mut tx = self.database.begin(authority.scope()).await?;
        if let Some(made) = request.claim(&mut tx, village, &first.name.to_string()).await? {
            return logged_before(&mut tx, &authority, &drafts, &made.parse().map_err(Error::internal)?).await;
        }
        let circumstances = store::circumstances(&mut tx, village, &drafts).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let log = |(place, (draft, known)): (usize, (Draft, &Circumstances))| {
            must_serve(&authority, &draft, known)
                .and_then(|()| rules::log(draft, known, today, now))
                .map_err(|error| at(error, place))
        };
        let logged: Vec<_> = drafts.into_iter().zip(&circumstances).enumerate().map(log).collect::<Result<_>>()?;
        let (visits, changes): (Vec<Visit>, Vec<_>) = logged.into_iter().unzip();
        store::visits_insert(&mut tx, &visits).await.on_constraint("visit_pkey", || {
            Error::AlreadyExists(visits.first().map(|visit| visit.name.to_string()).unwrap_or_default())
        })?;
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(visits)
    }

    async fn get(&self, caller: &Caller, name: &VisitName) -> Result<Visit> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let found = store::visits_get(&mut tx, &name.village, &[name.visit], authority.grids()).await?;
        found.into_iter().next().ok_or_else(|| Error::NotFound(name.to_string()))
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Visit>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let rows = store::visit_list(&mut tx, village, authority.grids(), filter, page).await?;
        Ok(page.cut(rows, |visit| crate::keyset::key(visit.visited_on, visit.name.visit)))
    }
}

/// What the first such request logged. The ids of a batch follow from its request, so its drafts name them all.
async fn logged_before(tx: &mut Tx, authority: &Authority, drafts: &[Draft], first: &VisitName) -> Result<Vec<Visit>> {
    let ids: Vec<Uuid> = match drafts {
        [_] => vec![first.visit],
        several => several.iter().map(|draft| draft.name.visit).collect(),
    };
    let found = store::visits_get(tx, &first.village, &ids, authority.grids()).await?;
    let mut found: BTreeMap<Uuid, Visit> = found.into_iter().map(|visit| (visit.name.visit, visit)).collect();
    let take =
        |id: &Uuid| found.remove(id).ok_or_else(|| Error::NotFound(VisitName::new(first.village, *id).to_string()));
    ids.iter().map(take).collect()
}

/// A caller logs visits in grids of their own. A household elsewhere is as unknown to them as one that does not exist; a
/// grid is no secret.
fn must_serve(authority: &Authority, draft: &Draft, known: &Circumstances) -> Result<()> {
    match (&draft.household, &known.household_grid) {
        (Some(household), Some(grid)) if !authority.sees(grid) => Err(unknown_household(household)),
        (Some(_), Some(grid)) if draft.grid.is_some_and(|named| named != *grid) => {
            Err(Error::field("visit.grid", format!("is not the household's grid, which is {grid}")))
        }
        _ => draft.grid.as_ref().map_or(Ok(()), |grid| authority.must_serve(grid)),
    }
}

/// Says which visit of a batch was refused.
fn at(error: Error, place: usize) -> Error {
    match error {
        Error::Refused { reason, message } if place > 0 => {
            Error::Refused { reason, message: format!("visit {}: {message}", place + 1) }
        }
        other => other,
    }
}
