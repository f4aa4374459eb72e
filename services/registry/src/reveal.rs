//! Showing what is otherwise masked: to an office that may, for a purpose that is named, and never without a trace.
//!
//! The entry is committed before anything is answered: who sees a number has been written down as having seen it.

mod rpc;
mod store;

use platform::{Authority, Caller, Database, Error, Result, Tx, Vault};
use proto::names::{HouseholdName, MerchantName, ResidentName, VillageCode};

use crate::household::{self, Household};
use crate::merchant::{self, Merchant};
use crate::resident::{self, Resident};

platform::choice! {
    /// What for.
    pub(crate) enum Purpose as proto::registry::v1::RevealPurpose {
        Errand = "errand",
        Contact = "contact",
        Verification = "verification",
        Emergency = "emergency",
        Supervision = "supervision",
    }
}

/// Why somebody asks to be shown.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) purpose: Purpose,
    pub(crate) note: String,
}

/// The use cases of showing.
#[derive(Clone)]
pub(crate) struct Reveals {
    database: Database,
    vault: Vault,
}

impl Reveals {
    pub(crate) fn new(database: Database, vault: Vault) -> Self {
        Self { database, vault }
    }

    async fn household(&self, caller: &Caller, name: &HouseholdName, asked: Asked) -> Result<Household> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        let household = household::get(&mut tx, &keys, name, &authority, false).await?;
        let facts = &household.facts;
        let shown = [
            ("head_name", !facts.head_name.is_empty()),
            ("citizen_id", facts.citizen_id.is_some()),
            ("telephone", facts.telephone.is_some()),
            ("address", facts.address.is_some()),
            ("current_address", facts.current_address.is_some()),
        ];
        note(tx, &authority, &name.village, &name.to_string(), &asked, &[&facts.head_name], &shown).await?;
        Ok(household)
    }

    async fn resident(&self, caller: &Caller, name: &ResidentName, asked: Asked) -> Result<Resident> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        let resident = resident::get(&mut tx, &keys, name, &authority, false).await?;
        let facts = &resident.facts;
        let shown = [
            ("display_name", true),
            ("citizen_id", facts.citizen_id.is_some()),
            ("telephone", facts.telephone.is_some()),
        ];
        note(tx, &authority, &name.village, &name.to_string(), &asked, &[&facts.display_name], &shown).await?;
        Ok(resident)
    }

    async fn merchant(&self, caller: &Caller, name: &MerchantName, asked: Asked) -> Result<Merchant> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        let merchant = merchant::get(&mut tx, &keys, name, &authority, false).await?;
        let facts = &merchant.facts;
        let shown = [
            ("operator_name", !facts.operator_name.is_empty()),
            ("telephone", facts.telephone.is_some()),
            ("address", facts.address.is_some()),
        ];
        note(tx, &authority, &name.village, &name.to_string(), &asked, &[&facts.operator_name], &shown).await?;
        Ok(merchant)
    }
}

/// Writes the entry and commits it. The note is kept for long and names nobody: that is what the record is for.
async fn note(
    mut tx: Tx,
    authority: &Authority,
    village: &VillageCode,
    record: &str,
    asked: &Asked,
    people: &[&str],
    shown: &[(&str, bool)],
) -> Result<()> {
    if people.iter().any(|name| name.chars().count() > 1 && asked.note.contains(name)) {
        return Err(Error::field("note", "会长期保存，请不要写出当事人的姓名"));
    }
    let fields: Vec<&str> = shown.iter().filter(|(_, is_there)| *is_there).map(|(field, _)| *field).collect();
    store::reveal_insert(&mut tx, authority, village, record, asked, &fields).await?;
    tx.commit().await?;
    Ok(())
}
