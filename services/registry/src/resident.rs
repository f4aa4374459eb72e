//! Residents (家庭成员): the people of a household beside its head.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx, Vault};
use proto::names::{HouseholdName, ResidentName};

pub(crate) use rules::Resident;
use rules::{Draft, Update};

use crate::household;

/// The use cases of residents.
pub(crate) struct Residents {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Residents {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Resident> {
        let village = draft.household.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let name = draft.household.resident(draft.id.unwrap_or_else(|| self.clock.new_id()));
        if let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return get(&mut tx, &keys, &made.parse().map_err(Error::internal)?, &authority, false).await;
        }
        // Only so that a household which is not the caller's is not found; the foreign key knows the others.
        household::store::household_find(&mut tx, &keys, &draft.household, authority.grids(), false)
            .await?
            .ok_or_else(|| Error::NotFound(draft.household.to_string()))?;
        let (resident, change) = rules::create(name.clone(), draft.facts, self.clock.now())?;
        if store::resident_save(&mut tx, &keys, &village, std::slice::from_ref(&resident)).await? == 0 {
            return Err(Error::AlreadyExists(name.to_string()));
        }
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(resident)
    }

    async fn get(&self, caller: &Caller, name: &ResidentName) -> Result<Resident> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        get(&mut tx, &keys, name, &authority, false).await
    }

    async fn list(&self, caller: &Caller, parent: &HouseholdName, page: &Page) -> Result<(Vec<Resident>, String)> {
        let authority = caller.within(&parent.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &parent.village).await?;
        let rows = store::resident_list(&mut tx, &keys, parent, authority.grids(), page).await?;
        if rows.is_empty() {
            // Nobody beside the head, or no such household.
            household::store::household_find(&mut tx, &keys, parent, authority.grids(), false)
                .await?
                .ok_or_else(|| Error::NotFound(parent.to_string()))?;
        }
        let (rows, next) = page.cut(rows, |(entered, _)| entered.to_string());
        Ok((rows.into_iter().map(|(_, resident)| resident).collect(), next))
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Resident> {
        let name = update.name;
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return get(&mut tx, &keys, &name, &authority, false).await;
        }
        let before = get(&mut tx, &keys, &name, &authority, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let facts = before.facts.clone().amended(update.amendment);
        let (resident, change) = rules::replace(before, facts, self.clock.now())?;
        store::resident_save(&mut tx, &keys, &name.village, std::slice::from_ref(&resident)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(resident)
    }
}

/// The person, if their household is the caller's to see.
async fn get(
    tx: &mut Tx,
    keys: &VillageKeys,
    name: &ResidentName,
    authority: &Authority,
    for_update: bool,
) -> Result<Resident> {
    store::resident_find(tx, keys, name, authority.grids(), for_update)
        .await?
        .ok_or_else(|| Error::NotFound(name.to_string()))
}
