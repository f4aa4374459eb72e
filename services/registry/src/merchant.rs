//! Merchants (商户): businesses on premises that belong to a household of the rebuilt area, through which they are
//! reached: their grid is their landlord's.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx, Vault};
use proto::names::{HouseholdName, MerchantName, VillageCode};
use proto::reasons;

pub(crate) use rules::Merchant;
use rules::{Draft, Filter, Update};

use crate::household::{self, rules::Kind};

/// The use cases of merchants.
pub(crate) struct Merchants {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Merchants {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Merchant> {
        let village = draft.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let name = MerchantName::new(village, draft.id.unwrap_or_else(|| self.clock.new_id()));
        if let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return get(&mut tx, &keys, &made.parse().map_err(Error::internal)?, &authority, false).await;
        }
        let landlord = HouseholdName::new(village, draft.facts.landlord);
        let landlord = landlord_of(&mut tx, &keys, &landlord, &authority).await?;
        let (merchant, change) = rules::create(name.clone(), draft.facts, landlord, self.clock.now())?;
        if store::merchant_save(&mut tx, &keys, &village, std::slice::from_ref(&merchant)).await? == 0 {
            return Err(Error::AlreadyExists(name.to_string()));
        }
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(merchant)
    }

    async fn get(&self, caller: &Caller, name: &MerchantName) -> Result<Merchant> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        get(&mut tx, &keys, name, &authority, false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Merchant>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        let rows = store::merchant_list(&mut tx, &keys, village, authority.grids(), filter, page).await?;
        let (rows, next) = page.cut(rows, |(entered, _)| entered.to_string());
        Ok((rows.into_iter().map(|(_, merchant)| merchant).collect(), next))
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Merchant> {
        let name = update.name;
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        if request.claim(&mut tx, &name.village, &name.to_string()).await?.is_some() {
            return get(&mut tx, &keys, &name, &authority, false).await;
        }
        let before = get(&mut tx, &keys, &name, &authority, true).await?;
        must_be(update.expected, before.revision, &name)?;
        let landlord = update.amendment.landlord.unwrap_or(before.facts.landlord);
        let landlord = landlord_of(&mut tx, &keys, &HouseholdName::new(name.village, landlord), &authority).await?;
        let facts = before.facts.clone().amended(update.amendment);
        let (merchant, change) = rules::replace(before, facts, landlord, self.clock.now())?;
        store::merchant_save(&mut tx, &keys, &name.village, std::slice::from_ref(&merchant)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(merchant)
    }
}

/// The merchant, if its landlord's household is the caller's to see.
async fn get(
    tx: &mut Tx,
    keys: &VillageKeys,
    name: &MerchantName,
    authority: &Authority,
    for_update: bool,
) -> Result<Merchant> {
    store::merchant_find(tx, keys, name, authority.grids(), for_update)
        .await?
        .ok_or_else(|| Error::NotFound(name.to_string()))
}

/// What sort of household has the premises, if it is the caller's to see.
async fn landlord_of(tx: &mut Tx, keys: &VillageKeys, name: &HouseholdName, authority: &Authority) -> Result<Kind> {
    household::store::household_find(tx, keys, name, authority.grids(), false)
        .await?
        .map(|household| household.facts.kind)
        .ok_or_else(|| Error::refused(reasons::UNKNOWN_HOUSEHOLD, format!("there is no {name}")))
}
