//! Households, looked at together: whose link is to end, whose is to begin, in a handful of statements for any number.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Result, Tx};
use proto::names::{HouseholdName, LinkName};

use super::rules::{self, Link};
use super::store;

/// Gives these households the links they should have from `day` on. The village must be locked ([`store::lock`]).
pub(crate) async fn settle(
    tx: &mut Tx,
    households: &[HouseholdName],
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    if households.is_empty() {
        return Ok(Vec::new());
    }
    let standings = store::standings(tx, households).await?;
    let settlements: Vec<_> = standings.iter().map(|standing| rules::settle(standing, day, now)).collect();
    let ends: Vec<_> =
        settlements.iter().filter_map(|settlement| settlement.end.clone()).map(|name| (name, day)).collect();
    let begins: Vec<Link> = settlements.into_iter().filter_map(|settlement| settlement.begin).collect();
    let mut changes = end(tx, &ends, now).await?;
    if !begins.is_empty() {
        let begun = store::links_begin(tx, &begins).await??;
        changes.extend(begun.iter().map(Link::began).collect::<Result<Vec<_>>>()?);
    }
    Ok(changes)
}

/// Ends links, each on its day.
pub(crate) async fn end(tx: &mut Tx, ends: &[(LinkName, NaiveDate)], now: DateTime<Utc>) -> Result<Vec<Change>> {
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    store::links_end(tx, ends, now).await?.iter().map(Link::ended).collect()
}
