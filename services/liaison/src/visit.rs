//! Visits: contacts with households. A visit is what happened: it is logged, corrected where it was put down wrongly, and
//! withdrawn where there was none; it is never deleted.

mod batch;
pub(crate) mod due;
mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use std::ops::ControlFlow;

use events::{Change, Changes};
use platform::revision::must_be;
use platform::{Authority, Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Tx};
use proto::names::{VillageCode, VisitName};

use crate::places::unknown_household;
use rules::{Circumstances, Correction, Draft, Filter, Visit};

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

    /// Logs one visit.
    async fn log(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Visit> {
        let village = draft.name.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &village, &draft.name.to_string()).await? {
            return visit(&mut tx, &authority, &made.parse().map_err(Error::internal)?).await;
        }
        let drafts = [draft];
        let circumstances = store::circumstances(&mut tx, &village, &drafts).await?;
        let [draft] = drafts;
        let known = circumstances.first().ok_or_else(|| Error::internal("nothing is known of a draft"))?;
        must_serve(&authority, &draft, known)?;
        let (visit, change) = rules::log(draft, known, authority.subject(), self.clock.today(), self.clock.now())?;
        store::visits_insert(&mut tx, std::slice::from_ref(&visit))
            .await
            .on_constraint("visit_pkey", || Error::AlreadyExists(visit.name.to_string()))?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(visit)
    }

    /// Puts right what was put down wrongly.
    async fn correct(&self, caller: &Caller, request: &Request, correction: Correction) -> Result<Visit> {
        let name = correction.name.clone();
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let before = match before(&mut tx, &authority, request, &name, correction.expected).await? {
            ControlFlow::Break(made) => return Ok(made),
            ControlFlow::Continue(before) => before,
        };
        // What is known is of the day that is right.
        let asked = Draft::of(&before, correction.visited_on);
        let known = store::circumstances(&mut tx, &name.village, std::slice::from_ref(&asked)).await?;
        let known = known.first().ok_or_else(|| Error::internal("nothing is known of a visit"))?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let (after, change) = rules::correct(before, correction, known, &authority, today, now)?;
        self.save(tx, &authority, after, change).await
    }

    /// Takes back a visit that was logged by mistake.
    async fn withdraw(
        &self,
        caller: &Caller,
        request: &Request,
        name: &VisitName,
        expected: Option<i64>,
        reason: String,
    ) -> Result<Visit> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let before = match before(&mut tx, &authority, request, name, expected).await? {
            ControlFlow::Break(made) => return Ok(made),
            ControlFlow::Continue(before) => before,
        };
        let (after, change) = rules::withdraw(before, reason, &authority, self.clock.now())?;
        self.save(tx, &authority, after, change).await
    }

    async fn save(&self, mut tx: Tx, authority: &Authority, after: Visit, change: Change) -> Result<Visit> {
        store::visits_update(&mut tx, std::slice::from_ref(&after)).await?;
        self.changes.append(&mut tx, authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(after)
    }

    async fn get(&self, caller: &Caller, name: &VisitName) -> Result<Visit> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        visit(&mut tx, &authority, name).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Visit>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let rows = store::visit_list(&mut tx, village, authority.grids(), filter, page).await?;
        Ok(page.cut(rows, |visit| crate::keyset::key(visit.visited_on, visit.name.visit)))
    }
}

/// What every change of a visit begins with: the visit as it is, or, for a request that is repeated, as it was made.
async fn before(
    tx: &mut Tx,
    authority: &Authority,
    request: &Request,
    name: &VisitName,
    expected: Option<i64>,
) -> Result<ControlFlow<Visit, Visit>> {
    if request.claim(tx, &name.village, &name.to_string()).await?.is_some() {
        return Ok(ControlFlow::Break(visit(tx, authority, name).await?));
    }
    let before = store::visit_lock(tx, name, authority.grids()).await?;
    must_be(expected, before.revision, name)?;
    Ok(ControlFlow::Continue(before))
}

/// One visit, if it is the caller's to see.
async fn visit(tx: &mut Tx, authority: &Authority, name: &VisitName) -> Result<Visit> {
    let found = store::visits_get(tx, &name.village, &[name.visit], authority.grids()).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound(name.to_string()))
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
