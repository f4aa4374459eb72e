//! Micro-grids (微网格): the ground that households, teams and figures stand on.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, Page, Request, Result};
use proto::names::{GridName, VillageCode};

pub(crate) use rules::Grid;
use rules::{Draft, Filter, Update};

/// The use cases of grids.
pub(crate) struct Grids {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Grids {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Grid> {
        let authority = caller.within(&draft.name.village)?;
        authority.must_serve_all()?;
        let name = draft.name.clone();
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return store::grid_get(&mut tx, &name, false).await;
        }
        let (grid, change) = rules::create(draft, self.clock.now())?;
        if store::grid_save(&mut tx, &name.village, std::slice::from_ref(&grid)).await? == 0 {
            return Err(Error::AlreadyExists(name.to_string()));
        }
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(grid)
    }

    async fn get(&self, caller: &Caller, name: &GridName) -> Result<Grid> {
        let mut tx = self.database.read(caller.within(&name.village)?.scope()).await?;
        store::grid_get(&mut tx, name, false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Grid>, String)> {
        let mut tx = self.database.read(caller.within(village)?.scope()).await?;
        let rows = store::grid_list(&mut tx, village, filter, page).await?;
        Ok(page.cut(rows, |grid| grid.name.grid.to_string()))
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Grid> {
        let authority = caller.within(&update.name.village)?;
        authority.must_serve_all()?;
        let name = update.name.clone();
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return store::grid_get(&mut tx, &name, false).await;
        }
        let before = store::grid_get(&mut tx, &name, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let (grid, change) = rules::update(before, update.amendment, self.clock.now())?;
        store::grid_save(&mut tx, &name.village, std::slice::from_ref(&grid)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(grid)
    }
}
