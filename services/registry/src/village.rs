//! Villages and communities: the tenants.

mod rpc;
mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Scope};
use proto::names::{VillageCode, VillageName};

pub(crate) use rules::Village;
use rules::{Archiving, Draft, Filter, Update};

/// The use cases of villages.
pub(crate) struct Villages {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Villages {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    /// Makes a village a tenant.
    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Village> {
        let authority = caller.within(&draft.code)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let name = VillageName(draft.code);
        if request.claim(&mut tx, &draft.code, &name.to_string()).await?.is_some() {
            return store::village_get(&mut tx, &draft.code, false).await;
        }
        let (village, change) = rules::create(draft, self.clock.now())?;
        store::village_insert(&mut tx, &village)
            .await
            .on_constraint("village_pkey", || Error::AlreadyExists(name.to_string()))?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(village)
    }

    async fn get(&self, caller: &Caller, code: &VillageCode) -> Result<Village> {
        let mut tx = self.database.read(caller.within(code)?.scope()).await?;
        store::village_get(&mut tx, code, false).await
    }

    /// Lists the villages of these scopes, which stand in the order of the codes, none within another.
    async fn list(&self, scopes: &[Scope], filter: &Filter, page: &Page) -> Result<(Vec<Village>, String)> {
        let mut rows = Vec::new();
        for scope in scopes {
            let mut tx = self.database.read(scope).await?;
            rows.extend(store::village_list(&mut tx, scope, filter, page).await?);
            if page.is_filled_by(rows.len()) {
                break;
            }
        }
        Ok(page.cut(rows, |village| village.code.to_string()))
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Village> {
        let authority = caller.within(&update.code)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let name = VillageName(update.code);
        if request.claim(&mut tx, &update.code, &name.to_string()).await?.is_some() {
            return store::village_get(&mut tx, &update.code, false).await;
        }
        let before = store::village_get(&mut tx, &update.code, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let (village, change) = rules::update(before, update, self.clock.now())?;
        store::village_update(&mut tx, &village).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(village)
    }

    /// Ends work in a village.
    async fn archive(&self, caller: &Caller, request: &Request, archiving: Archiving) -> Result<Village> {
        let authority = caller.within(&archiving.code)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let name = VillageName(archiving.code);
        if request.claim(&mut tx, &archiving.code, &name.to_string()).await?.is_some() {
            return store::village_get(&mut tx, &archiving.code, false).await;
        }
        let before = store::village_get(&mut tx, &archiving.code, true).await?;
        must_be(archiving.expected, before.revision, &name)?;
        let (village, change) = rules::archive(before, self.clock.now())?;
        // Told before it is done: of an archived village the database takes no more changes.
        self.changes.append(&mut tx, &authority, &[change]).await?;
        store::village_update(&mut tx, &village).await?;
        self.changes.commit(tx).await?;
        Ok(village)
    }
}
