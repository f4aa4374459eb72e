//! Texts that are to be made public: looked through for whatever is not for everybody, and cleared.
//!
//! Nothing is kept of a text, and nothing of it is logged: before it is cleared it may hold anything.

mod rpc;
mod rules;
mod store;

use chrono::{DateTime, Utc};
use platform::clearance::{self, Cleared};
use platform::{Caller, Clock, Database, Result, Vault};
use proto::names::VillageCode;

use rules::Found;

/// The use case of looking through texts.
pub(crate) struct PublicTexts {
    database: Database,
    clock: Clock,
    vault: Vault,
}

/// What became of a text: what stands in the way, or its clearance and how long that holds.
struct Checked {
    text: String,
    result: Result<(String, DateTime<Utc>), Vec<Found>>,
}

impl PublicTexts {
    pub(crate) fn new(database: Database, clock: Clock, vault: Vault) -> Self {
        Self { database, clock, vault }
    }

    /// Looks through a text. It is for those who answer for the whole village: all of its names are looked for.
    async fn check(&self, caller: &Caller, village: &VillageCode, text: &str, excepted: &[i32]) -> Result<Checked> {
        let authority = caller.within(village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.read(authority.scope()).await?;
        let names = store::names_of(&mut tx, village).await?;
        drop(tx);
        let text = workbook::public::cleaned(text);
        let result = match rules::look_through(&text, &names, excepted, self.clock.today()) {
            Ok(names_excepted) => {
                let cleared = Cleared { names_excepted };
                Ok(clearance::clear(&self.vault, village, &text, cleared, self.clock.now())?)
            }
            Err(found) => Err(found),
        };
        Ok(Checked { text, result })
    }
}
