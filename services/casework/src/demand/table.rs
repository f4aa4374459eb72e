//! Demands before a deliberation. What is written here belongs to the deliberation's transaction, so that both have moved or
//! neither has. The concerns of a demand stay as they are.

use chrono::{DateTime, Utc};
use events::Changes;
use platform::{Authority, Error, Result, Tx};
use proto::names::DemandName;
use uuid::Uuid;

use super::rules::{self, Command, Demand};
use super::store;

/// Puts a demand before a deliberation.
///
/// # Errors
/// `NOT_FOUND`, or what the rules say against it.
pub(crate) async fn table(
    tx: &mut Tx,
    changes: &Changes,
    by: &Authority,
    name: &DemandName,
    deliberation: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let before = store::demand_lock(tx, name).await?.filter(|demand| demand.is_seen_by(by));
    let before = before.ok_or_else(|| Error::NotFound(name.to_string()))?;
    take(tx, changes, by, before, Command::Table(deliberation), "", now).await
}

/// Lets a demand go on that waits for this deliberation. One that does not wait for it stays as it is.
pub(crate) async fn conclude(
    tx: &mut Tx,
    changes: &Changes,
    by: &Authority,
    name: &DemandName,
    deliberation: Uuid,
    note: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let before = store::demand_lock(tx, name).await?.filter(|demand| demand.deliberation == Some(deliberation));
    let Some(before) = before else { return Ok(()) };
    take(tx, changes, by, before, Command::Conclude, note, now).await
}

async fn take(
    tx: &mut Tx,
    changes: &Changes,
    by: &Authority,
    before: Demand,
    command: Command,
    note: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    rules::allowed(&before, &command, by.office())?;
    let sum = before.sum.clone();
    let step = rules::follow(before, command, sum, note.to_owned(), now);
    if !store::step_save(tx, by, &step).await? {
        return Err(Error::Stale { name: step.demand.name.to_string() });
    }
    changes.append(tx, by, &[step.news()?]).await
}
