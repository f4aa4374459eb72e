//! Households (户): what a village knows of each, and that somebody confirmed it.

pub(crate) mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::clock::village_day;
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx, Vault};
use proto::names::{GridName, HouseholdName, VillageCode};
use proto::reasons;

pub(crate) use rules::Household;
use rules::{Draft, Filter, Update, Verification};

use crate::grid::{self, Grid};

/// The use cases of households.
pub(crate) struct Households {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Households {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Household> {
        let village = draft.village;
        let authority = caller.within(&village)?;
        authority.must_serve(&draft.facts.grid)?;
        let name = HouseholdName::new(village, draft.id.unwrap_or_else(|| self.clock.new_id()));
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return get(&mut tx, &keys, &made.parse().map_err(Error::internal)?, &authority, false).await;
        }
        let now = self.clock.now();
        let mut facts = draft.facts;
        // Entered by hand, it counts from today on; a roster does not say since when.
        facts.active_since.get_or_insert(village_day(now));
        let grid = grid_of(&mut tx, &GridName::new(village, facts.grid)).await?;
        let (household, change) = rules::create(name.clone(), facts, &grid, now)?;
        if store::household_save(&mut tx, &keys, &village, std::slice::from_ref(&household)).await? == 0 {
            return Err(Error::AlreadyExists(name.to_string()));
        }
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(household)
    }

    async fn get(&self, caller: &Caller, name: &HouseholdName) -> Result<Household> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        get(&mut tx, &keys, name, &authority, false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Household>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        let rows = store::household_list(&mut tx, &keys, village, authority.grids(), filter, page).await?;
        Ok(page.cut(rows, |household| household.facts.number.clone()))
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Household> {
        let name = update.name;
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return get(&mut tx, &keys, &name, &authority, false).await;
        }
        let before = get(&mut tx, &keys, &name, &authority, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let code = update.amendment.grid.unwrap_or(before.facts.grid);
        authority.must_serve(&code)?;
        let grid = grid_of(&mut tx, &GridName::new(name.village, code)).await?;
        let (household, change) = rules::update(before, update.amendment, &grid, self.clock.now())?;
        store::household_save(&mut tx, &keys, &name.village, std::slice::from_ref(&household)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(household)
    }

    async fn verify(&self, caller: &Caller, request: &Request, verification: Verification) -> Result<Household> {
        let name = verification.name;
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return get(&mut tx, &keys, &name, &authority, false).await;
        }
        let before = get(&mut tx, &keys, &name, &authority, true).await?;
        must_be(verification.expected, before.revision, &name)?;
        let (household, change) = rules::verify(before, verification.day, self.clock.now())?;
        store::household_save(&mut tx, &keys, &name.village, std::slice::from_ref(&household)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(household)
    }
}

/// The household, if it is the caller's to see.
pub(crate) async fn get(
    tx: &mut Tx,
    keys: &VillageKeys,
    name: &HouseholdName,
    authority: &Authority,
    for_update: bool,
) -> Result<Household> {
    store::household_find(tx, keys, name, authority.grids(), for_update)
        .await?
        .ok_or_else(|| Error::NotFound(name.to_string()))
}

/// The grid that a household is to be in.
pub(crate) async fn grid_of(tx: &mut Tx, name: &GridName) -> Result<Grid> {
    grid::store::grid_find(tx, name, false)
        .await?
        .ok_or_else(|| Error::refused(reasons::UNKNOWN_GRID, format!("there is no {name}")))
}
