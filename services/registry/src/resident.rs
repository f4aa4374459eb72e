//! Residents (家庭成员): the people of a household beside its head.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::{Change, Changes};
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx, Vault};
use proto::names::{HouseholdName, ResidentName};

pub(crate) use rules::Resident;
use rules::{Draft, Filter, Parent, Update};

use crate::household::Household;
use crate::{care_tags, household};

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
        let needs_care = !draft.facts.tags.is_empty();
        let home = household::get(&mut tx, &keys, &draft.household, &authority, needs_care).await?;
        home.facts.must_be_open()?;
        care_tags::must_be_used(&mut tx, &village, &draft.facts.tags).await?;
        let (resident, change) = rules::create(name.clone(), draft.facts, self.clock.now())?;
        if store::resident_save(&mut tx, &keys, &village, std::slice::from_ref(&resident)).await? == 0 {
            return Err(Error::AlreadyExists(name.to_string()));
        }
        let mut changes = vec![change];
        if needs_care {
            changes.extend(self.tell_household(&mut tx, &keys, home).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(resident)
    }

    async fn get(&self, caller: &Caller, name: &ResidentName) -> Result<Resident> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        get(&mut tx, &keys, name, &authority, false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        parent: &Parent,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Resident>, String)> {
        let village = parent.village();
        let authority = caller.within(&village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let rows = store::resident_list(&mut tx, &keys, parent, authority.grids(), filter, page).await?;
        if let (true, Parent::Household(name)) = (rows.is_empty(), parent) {
            // Nobody such beside the head, or no such household.
            household::get(&mut tx, &keys, name, &authority, false).await?;
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
        // The household before the person, in the order in which all hold them.
        let mut home = None;
        if let Some(tags) = &update.amendment.tags {
            care_tags::must_be_used(&mut tx, &name.village, tags).await?;
            let household = HouseholdName::new(name.village, name.household);
            home = household::store::household_find(&mut tx, &keys, &household, authority.grids(), true).await?;
        }
        let before = get(&mut tx, &keys, &name, &authority, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let facts = before.facts.clone().amended(update.amendment);
        let (resident, change) = rules::replace(before, facts, self.clock.now())?;
        store::resident_save(&mut tx, &keys, &name.village, std::slice::from_ref(&resident)).await?;
        let mut changes = vec![change];
        if let Some(home) = home {
            changes.extend(self.tell_household(&mut tx, &keys, home).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(resident)
    }
}

impl Residents {
    /// Writes what care the household's residents need, if that is not what it was.
    async fn tell_household(&self, tx: &mut Tx, keys: &VillageKeys, home: Household) -> Result<Option<Change>> {
        let village = home.name.village;
        let mut needed = store::resident_care(tx, &village, &[home.name.household]).await?;
        let needed = needed.remove(&home.name.household).unwrap_or_default();
        let Some((home, change)) = household::rules::cared_for(home, needed, self.clock.now())? else {
            return Ok(None);
        };
        household::store::household_save(tx, keys, &village, std::slice::from_ref(&home)).await?;
        Ok(Some(change))
    }
}

/// The person, if their household is the caller's to see.
pub(crate) async fn get(
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
