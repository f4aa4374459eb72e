//! What happened to a household, a person's record or a merchant: what, when, by whom, in which office, why.
//!
//! The change log says it all but the reason, and is written with every change anyway; the reasons stand beside it. There
//! is no other history to fall out of step with. Nothing personal is in either.

mod rpc;
mod store;

use platform::{Caller, Database, Page, Result, Vault};
use proto::names::{HouseholdName, MerchantName, ResidentName};

use crate::{household, merchant, resident};
use store::Entry;

/// The use cases of histories.
#[derive(Clone)]
pub(crate) struct Histories {
    database: Database,
    vault: Vault,
}

impl Histories {
    pub(crate) fn new(database: Database, vault: Vault) -> Self {
        Self { database, vault }
    }

    /// Of a household that the caller may see.
    async fn of_household(&self, caller: &Caller, name: &HouseholdName, page: &Page) -> Result<(Vec<Entry>, String)> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        household::get(&mut tx, &keys, name, &authority, false).await?;
        let entries = store::history_of_record(&mut tx, &name.village, &name.to_string(), page).await?;
        Ok(page.cut(entries, Entry::place))
    }

    /// Of a resident whom the caller may see where they are now.
    async fn of_resident(&self, caller: &Caller, name: &ResidentName, page: &Page) -> Result<(Vec<Entry>, String)> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        resident::get(&mut tx, &keys, name, &authority, false).await?;
        let entries = store::history_of_resident(&mut tx, name, page).await?;
        Ok(page.cut(entries, Entry::place))
    }

    /// Of a merchant whose landlord's household the caller may see.
    async fn of_merchant(&self, caller: &Caller, name: &MerchantName, page: &Page) -> Result<(Vec<Entry>, String)> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        merchant::get(&mut tx, &keys, name, &authority, false).await?;
        let entries = store::history_of_record(&mut tx, &name.village, &name.to_string(), page).await?;
        Ok(page.cut(entries, Entry::place))
    }
}
