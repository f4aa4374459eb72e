//! Areas (片区), villager groups (村民小组) and Party groups (党小组): three ways to divide a village that are alike in
//! all but name. Who answers for one of them, liaison knows.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, Page, Request, Result};
use proto::names::{LocalCode, VillageCode};

pub(crate) use rules::{Division, Kind};
use rules::{Draft, Update};

/// The use cases of areas and groups.
pub(crate) struct Divisions {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Divisions {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Division> {
        let authority = caller.within(&draft.village)?;
        authority.must_serve_all()?;
        let (kind, village, code) = (draft.kind, draft.village, draft.code.clone());
        let name = kind.name(village, &code);
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &village, &name).await?.is_some() {
            return store::division_get(&mut tx, kind, &village, &code, false).await;
        }
        let (division, change) = rules::create(draft, self.clock.now())?;
        if store::division_save(&mut tx, kind, &village, std::slice::from_ref(&division)).await? == 0 {
            return Err(Error::AlreadyExists(name));
        }
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(division)
    }

    async fn get(&self, caller: &Caller, kind: Kind, village: &VillageCode, code: &LocalCode) -> Result<Division> {
        let mut tx = self.database.read(caller.within(village)?.scope()).await?;
        store::division_get(&mut tx, kind, village, code, false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        kind: Kind,
        village: &VillageCode,
        page: &Page,
    ) -> Result<(Vec<Division>, String)> {
        let mut tx = self.database.read(caller.within(village)?.scope()).await?;
        let rows = store::division_list(&mut tx, kind, village, page).await?;
        Ok(page.cut(rows, |division| division.code.to_string()))
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Division> {
        let authority = caller.within(&update.village)?;
        authority.must_serve_all()?;
        let (kind, village) = (update.kind, update.village);
        let name = kind.name(village, &update.code);
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &village, &name).await?.is_some() {
            return store::division_get(&mut tx, kind, &village, &update.code, false).await;
        }
        let before = store::division_get(&mut tx, kind, &village, &update.code, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let (division, change) = rules::update(before, update, self.clock.now())?;
        store::division_save(&mut tx, kind, &village, std::slice::from_ref(&division)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(division)
    }
}
