//! Sees to what is left over: objects that belong to nothing are deleted after a day, and records whose object is gone are
//! reported. Any number of replicas may look, at any moment, while others upload.
//!
//! An object is deleted while its row is held, and only if no attachment has it and nobody touched it for a day. An upload
//! touches the row before it puts the object: so either it comes first and the object stays, or it waits and puts the object
//! anew. An object of which no row tells (the database was set back, or a village was erased) gets one, and has a day more.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use platform::{Clock, Database, Error, Result, Scope};
use proto::names::VillageCode;
use tokio_util::sync::CancellationToken;

use super::objects::Objects;
use super::store;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Objects that there are.
    pub objects: usize,
    /// Of them: deleted, since they belonged to nothing.
    pub deleted: usize,
    /// Of them: found without being written down; they go at a later look.
    pub adopted: usize,
    /// Attachments whose object is gone, by name.
    pub missing: Vec<String>,
}

/// Looks for what is left over.
pub(crate) struct Keeper {
    database: Database,
    objects: Arc<Objects>,
    clock: Clock,
    grace: Duration,
}

impl Keeper {
    pub(super) fn new(database: Database, objects: Arc<Objects>, clock: Clock, grace: Duration) -> Self {
        Self { database, objects, clock, grace }
    }

    /// Looks from time to time, until shutdown.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            match self.scan().await {
                Ok(found) => tracing::info!(
                    objects = found.objects,
                    deleted = found.deleted,
                    adopted = found.adopted,
                    missing = found.missing.len(),
                    "attachments were looked through"
                ),
                Err(error) => tracing::warn!(error = error.in_full(), "attachments cannot be looked through"),
            }
        }
    }

    /// Looks once, village by village.
    pub(crate) async fn scan(&self) -> Result<Found> {
        let mut found = Found::default();
        let mut tx = self.database.read(&Scope::deployment()).await?;
        let written = store::object_villages(&mut tx).await?;
        drop(tx);
        let mut villages: BTreeSet<VillageCode> = written.iter().filter_map(|code| code.parse().ok()).collect();
        if villages.is_empty() && self.objects.is_unused() {
            return Ok(found);
        }
        villages.extend(self.objects.villages().await?);
        let since = self.clock.now() - chrono::Duration::from_std(self.grace).map_err(Error::internal)?;
        for village in villages {
            self.scan_village(village, since, &mut found).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer")]
        metrics::gauge!("lianxin_attachments_missing").set(found.missing.len() as f64);
        metrics::counter!("lianxin_orphans_deleted_total").increment(u64::try_from(found.deleted).unwrap_or(0));
        Ok(found)
    }

    async fn scan_village(&self, village: VillageCode, since: DateTime<Utc>, found: &mut Found) -> Result<()> {
        let scope = Scope::from(&village);
        // First what is there, then what is written down: whatever is put in between is written down by then.
        let mut there: HashMap<String, DateTime<Utc>> = self.objects.list(&village).await?.into_iter().collect();
        self.objects.sweep(&village, since)?;
        found.objects += there.len();
        let mut tx = self.database.begin(&scope).await?;
        let written = store::object_list(&mut tx, village).await?;
        drop(tx);
        for (key, touched_at, attachments) in written {
            let is_there = there.remove(&key).is_some();
            if attachments == 0 && touched_at <= since {
                found.deleted += usize::from(self.delete(village, &key, since).await? && is_there);
            } else if attachments > 0 && !is_there && !self.objects.has(&village, &key).await? {
                let mut tx = self.database.begin(&scope).await?;
                for name in store::attachments_with(&mut tx, village, &key).await? {
                    tracing::error!(%name, "the object of an attachment is gone");
                    found.missing.push(name.to_string());
                }
            }
        }
        for (key, _) in there.into_iter().filter(|(_, put_at)| *put_at <= since) {
            // Our own work, and no caller's: it is done in an archived village, too.
            let mut tx = self.database.begin(&Scope::deployment()).await?;
            store::object_adopt(&mut tx, village, (self.clock.new_id(), &key), self.clock.now()).await?;
            tx.commit().await?;
            found.adopted += 1;
        }
        Ok(())
    }

    /// Deletes an object while its row is held, if nobody came first.
    async fn delete(&self, village: VillageCode, key: &str, since: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.database.begin(&Scope::from(&village)).await?;
        if !store::object_hold(&mut tx, village, key, since).await? {
            return Ok(false);
        }
        self.objects.delete(&village, key).await?;
        store::object_forget(&mut tx, village, key).await?;
        tx.commit().await?;
        Ok(true)
    }
}
