//! The change log: the news of a record, appended in the transaction that changes it.

use std::sync::Arc;

use platform::{Authority, Database, Error, Result, Scope, Tx, telemetry};
use proto::events::Event;
use tokio::sync::Notify;

/// One change of one record, ready to be appended.
#[derive(Debug, Clone)]
pub struct Change {
    village: String,
    record: String,
    revision: i64,
    noun: &'static str,
    type_name: String,
    event: Vec<u8>,
    traceparent: Option<String>,
}

impl Change {
    /// The change that `event` tells of, made by the request in whose trace this is called.
    ///
    /// # Errors
    /// When the event's name is that of no village's and no sub-district's record: our own mistake.
    pub fn of<E: Event>(event: &E) -> Result<Self> {
        let village = place_of(event.name()).ok_or_else(|| Error::internal("an event names no place"))?;
        Ok(Self {
            village: village.to_owned(),
            record: event.name().to_owned(),
            revision: event.revision(),
            noun: E::NOUN,
            type_name: E::full_name(),
            event: event.encode_to_vec(),
            traceparent: telemetry::traceparent(),
        })
    }
}

/// The village in a resource name `villages/{village}/…`, or the sub-district in `subdistricts/{subdistrict}/…`: whose
/// code stands in the village's place, so that row security shows it to those who have all of the sub-district.
pub(crate) fn place_of(record: &str) -> Option<&str> {
    record.strip_prefix("villages/").or_else(|| record.strip_prefix("subdistricts/"))?.split('/').next()
}

/// The change log of a service, the bell that wakes its relay, and the one that the relay rings.
#[derive(Clone)]
pub struct Changes {
    wake: Arc<Notify>,
    published: Arc<Notify>,
    committed: Arc<Notify>,
}

impl Changes {
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        Self { wake, published: Arc::default(), committed: Arc::default() }
    }

    /// Appends changes to the transaction that makes them, in one statement. They become news when it
    /// commits, together with the records or not at all.
    ///
    /// # Errors
    /// `VILLAGE_ARCHIVED`; when the database refuses; two changes with the same revision of a record are our own mistake.
    pub async fn append(&self, tx: &mut Tx, by: &Authority, changes: &[Change]) -> Result<()> {
        let changes: Vec<(&Authority, &Change)> = changes.iter().map(|change| (by, change)).collect();
        self.append_each(tx, &changes).await
    }

    /// Appends changes of several people, each with who made it.
    ///
    /// # Errors
    /// As [`Changes::append`].
    pub async fn append_each(&self, tx: &mut Tx, changes: &[(&Authority, &Change)]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "insert into change_log (village, record, revision, noun, type, event, subject, office, traceparent)
             select *
               from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[],
                           $8::text[], $9::text[])",
        )
        .bind(changes.iter().map(|(_, change)| change.village.as_str()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, change)| change.record.as_str()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, change)| change.revision).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, change)| change.noun).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, change)| change.type_name.as_str()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, change)| change.event.as_slice()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(by, _)| by.subject()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(by, _)| by.office().as_str()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, change)| change.traceparent.as_deref()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Commits a transaction that may have appended changes, and wakes the relay.
    ///
    /// # Errors
    /// When the database refuses: nothing has happened then.
    pub async fn commit(&self, tx: Tx) -> Result<()> {
        tx.commit().await?;
        self.wake.notify_one();
        self.committed.notify_one();
        Ok(())
    }

    /// Waits for the next commit of this process, or for one since somebody last waited. For one who waits: what follows
    /// from records is looked at again when they change.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    /// Wakes the relay now.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for the bell.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Rings for all who wait for news to be out.
    pub(crate) fn tell_published(&self) {
        self.published.notify_waiters();
    }

    /// The relay of this process rings it when it has published; another replica's does not.
    pub(crate) fn published(&self) -> &Notify {
        &self.published
    }
}

/// Has every change of a scope published again, on an operator's wish. Readers keep the newest revision they have
/// seen, so it never does harm. Says how many there are.
///
/// # Errors
/// When the database refuses.
pub async fn republish(database: &Database, scope: &Scope) -> Result<u64> {
    let mut tx = database.begin(scope).await?;
    let changes = sqlx::query(
        "with published as (delete from published returning position, village)
         insert into outbox (position, village) select position, village from published on conflict do nothing",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(changes.rows_affected())
}
