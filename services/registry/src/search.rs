//! Finding households by what somebody remembers of them: a name, a number, a piece of an address.

mod initials;
mod rpc;
mod rules;
mod store;

use std::collections::HashMap;
use std::time::Duration;

use platform::{Caller, Clock, Database, Page, Result, Scope, Vault};
use proto::names::VillageCode;
use tokio_util::sync::CancellationToken;

pub(crate) use initials::initials;
use rules::{Found, Search};

use crate::household::store::household_numbered;

/// Rows that an address is looked for in at once.
const BATCH: i64 = 1000;
/// How often it is looked whether names have come without their initials.
const LOOK: Duration = Duration::from_secs(10);

/// The use case of searches.
pub(crate) struct Searches {
    database: Database,
    clock: Clock,
    vault: Vault,
}

impl Searches {
    pub(crate) fn new(database: Database, clock: Clock, vault: Vault) -> Self {
        Self { database, clock, vault }
    }

    async fn search(
        &self,
        caller: &Caller,
        village: &VillageCode,
        search: &Search,
        page: &Page,
    ) -> Result<(Vec<Found>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        let wanted = search.sealed(&keys);
        let grids = authority.grids();
        let mut places = Vec::new();
        let mut after = page.after_text().to_owned();
        // Whether an address fits shows only when it is open: batch after batch, until the page is full.
        let limit = if search.address.is_some() { BATCH } else { page.limit() };
        loop {
            let rows = store::search_rows(&mut tx, village, search, &wanted, grids.as_deref(), &after, limit).await?;
            let is_last = rows.len() < usize::try_from(limit).unwrap_or(usize::MAX);
            after = rows.last().map_or(after, |row| row.number.clone());
            for row in rows {
                places.extend(row.place(&keys, search)?);
            }
            if is_last || search.address.is_none() || page.is_filled_by(places.len()) {
                break;
            }
        }
        let (places, next) = page.cut(places, |place| place.number.clone());
        let numbers: Vec<&str> = places.iter().map(|place| place.number.as_str()).collect();
        let households = household_numbered(&mut tx, &keys, village, &numbers).await?;
        let mut households: HashMap<String, _> =
            households.into_iter().map(|household| (household.facts.number.clone(), household)).collect();
        let found = places.into_iter().filter_map(|place| {
            let household = households.remove(&place.number)?;
            Some(Found { household, matches: place.matches })
        });
        Ok((found.collect(), next))
    }
}

/// Works out the initials of names that have none yet, until the service stops.
pub(crate) async fn keep_initials(database: Database, shutdown: CancellationToken) {
    loop {
        match fill_initials(&database).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %error.in_full(), "initials could not be worked out; trying again"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Fills in some; says whether there may be more.
async fn fill_initials(database: &Database) -> Result<bool> {
    let mut tx = database.begin(&Scope::deployment()).await?;
    let filled = store::initials_fill(&mut tx).await?;
    tx.commit().await?;
    Ok(filled > 0)
}
