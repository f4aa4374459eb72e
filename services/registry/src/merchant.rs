//! Merchants (商户): businesses on premises that belong to a household of the rebuilt area, through which they are
//! reached: their grid is their landlord's.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::{Change, Changes};
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Tx, Vault};
use proto::names::{HouseholdName, MerchantName, VillageCode};
use proto::reasons;

pub(crate) use rules::Merchant;
use rules::{Draft, Filter, Operator, Update};

use crate::household::{self, rules::Kind};
use crate::life::rules::{Occasion, Told, day_of};
use crate::life::store::occasion_save;

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
    ) -> Result<(Vec<Merchant>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
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

/// A merchant that something is asked for, as the caller knows it.
struct Asked {
    name: MerchantName,
    expected: Option<i64>,
}

impl Merchants {
    async fn close(&self, caller: &Caller, request: &Request, asked: Asked, occasion: Occasion) -> Result<Merchant> {
        let village = asked.name.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &asked.name.to_string()).await?.is_some() {
            return get(&mut tx, &keys, &asked.name, &authority, false).await;
        }
        let before = get(&mut tx, &keys, &asked.name, &authority, true).await?;
        must_be(asked.expected, before.revision, &asked.name)?;
        let told = rules::close(before, self.clock.now())?;
        self.settle(tx, &authority, &keys, told, occasion).await
    }

    async fn hand_over(
        &self,
        caller: &Caller,
        request: &Request,
        asked: Asked,
        operator: Option<Operator>,
        landlord: Option<HouseholdName>,
        occasion: Occasion,
    ) -> Result<Merchant> {
        let village = asked.name.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &asked.name.to_string()).await?.is_some() {
            return get(&mut tx, &keys, &asked.name, &authority, false).await;
        }
        // The landlord before the merchant, in the order in which a household that closes holds both.
        let landlord = match landlord {
            Some(name) => Some(
                household::store::household_find(&mut tx, &keys, &name, authority.grids(), true)
                    .await?
                    .ok_or_else(|| Error::refused(reasons::UNKNOWN_HOUSEHOLD, format!("there is no {name}")))?,
            ),
            None => None,
        };
        let before = get(&mut tx, &keys, &asked.name, &authority, true).await?;
        must_be(asked.expected, before.revision, &asked.name)?;
        let told = rules::hand_over(before, operator, landlord.as_ref(), self.clock.now())?;
        self.settle(tx, &authority, &keys, told, occasion).await
    }

    async fn settle(
        &self,
        mut tx: Tx,
        authority: &Authority,
        keys: &VillageKeys,
        (merchant, change): (Merchant, Change),
        occasion: Occasion,
    ) -> Result<Merchant> {
        let (village, now) = (merchant.name.village, self.clock.now());
        let operator = &merchant.facts.operator_name;
        if operator.chars().count() > 1 && occasion.reason.contains(operator.as_str()) {
            return Err(Error::field("occasion.reason", "会长期保存并显示给多人，请不要写出当事人的姓名"));
        }
        store::merchant_save(&mut tx, keys, &village, std::slice::from_ref(&merchant)).await?;
        let told = Told {
            change: change.clone(),
            record: merchant.name.to_string(),
            revision: merchant.revision,
            households: Vec::new(),
            resident: None,
        };
        occasion_save(&mut tx, &village, day_of(&occasion, now)?, &occasion.reason, &[told]).await?;
        self.changes.append(&mut tx, authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(merchant)
    }
}

/// The merchant, if its landlord's household is the caller's to see.
pub(crate) async fn get(
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
