//! To whom personal data was disclosed: the one list of all that went out in clear, record by record or as a whole roster.
//!
//! The entries are written where it goes out (`reveal`, `roster/export`). Nothing here writes any.

mod rpc;
mod store;

use chrono::{DateTime, Utc};
use platform::{Caller, Database, Page, Result};
use proto::names::VillageCode;

platform::choice! {
    /// What sort of disclosure.
    pub(crate) enum Kind as proto::registry::v1::DisclosureKind {
        Record = "record",
        Roster = "roster",
    }
}

/// Which disclosures a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    kind: Option<Kind>,
    record: Option<Record>,
    disclosed_to: Option<String>,
    /// From this moment on, and before that one.
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// Somebody or something of whom personal data is kept.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The resource name.
    name: String,
    /// The sheets of a roster that show it.
    sheets: &'static [&'static str],
}

/// The use case of the list.
pub(crate) struct Disclosures {
    database: Database,
}

impl Disclosures {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<store::Entry>, String)> {
        let authority = caller.within(village)?;
        authority.must_serve_all()?;
        let after = page.after().map(str::parse).transpose()?;
        let mut tx = self.database.read(authority.scope()).await?;
        let entries = store::disclosure_list(&mut tx, village, filter, after, page.limit()).await?;
        Ok(page.cut(entries, |entry| entry.place().to_string()))
    }
}
