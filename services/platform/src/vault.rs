//! Sensitive fields: sealed before they reach the database, found again by a keyed blind index.
//!
//! Every village has its own data key, made with its first sensitive field and stored wrapped by the key file, which is
//! never in the database ([`key_file`]). Whoever has only one of the two has nothing. Texts are sealed with AES-256-GCM;
//! the village is authenticated with them, so that a row copied to another village cannot be opened there; a field names
//! the version of the key that sealed it. The blind index is HMAC-SHA-256 under a key of its own, at first derived from the
//! data key (HKDF, RFC 5869): equal texts of one village meet, texts of two villages never do.
//!
//! Both kinds of keys are replaced while everybody works: those of the key file by [`custody`], at once; a village's data
//! key by [`rotation`], in the background.

pub mod custody;
pub mod key_file;
pub mod rotation;
mod seal;
mod village_keys;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use proto::names::VillageCode;

use self::key_file::WrappingKeys;
use self::seal::random_key;
pub use self::village_keys::VillageKeys;
use self::village_keys::derived_finding;
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How long keys are used without a look whether there are newer ones, unless a service is told otherwise.
const REFRESH: Duration = Duration::from_secs(15);

/// The key file, and the data keys that it has unwrapped so far.
#[derive(Clone)]
pub struct Vault {
    path: PathBuf,
    refresh: Duration,
    file: Arc<RwLock<ReadFile>>,
    known: Arc<RwLock<HashMap<VillageCode, Known>>>,
}

/// The key file as it was when it was read.
struct ReadFile {
    stamp: Stamp,
    keys: Arc<WrappingKeys>,
}

/// By what a file is seen to have changed.
type Stamp = Option<(SystemTime, u64)>;

/// A village's keys, and when they were looked up: by both clocks, since one of them rests while a machine is suspended.
struct Known {
    keys: VillageKeys,
    since: (Instant, SystemTime),
}

impl Vault {
    /// The text of a new key file with one key.
    ///
    /// # Errors
    /// When the machine has no randomness to give.
    pub fn new_key(id: &str) -> Result<Secret> {
        WrappingKeys::new_key(id)
    }

    /// Opens a key file.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn open(path: &Path) -> Result<Self> {
        let file = ReadFile { stamp: stamp(path), keys: Arc::new(WrappingKeys::read(path)?) };
        let (file, known) = (Arc::new(RwLock::new(file)), Arc::default());
        Ok(Self { path: path.to_owned(), refresh: REFRESH, file, known })
    }

    /// The same vault, that looks for newer keys after so long.
    #[must_use]
    pub fn refreshed_after(self, refresh: Duration) -> Self {
        Self { refresh, ..self }
    }

    /// Signs what one service says and another, with the same key file, believes: see [`crate::clearance`].
    pub(crate) fn sign_clearance(&self, said: &[u8]) -> Result<Vec<u8>> {
        self.wrapping().sign_clearance(said)
    }

    /// Did a service with the same key file sign this?
    pub(crate) fn is_clearance(&self, said: &[u8], signature: &[u8]) -> bool {
        self.wrapping().is_clearance(said, signature)
    }

    /// The keys of `village`, made now if it has none. They are for this transaction: the next one asks again. Who only
    /// reads, where nothing has ever been sealed, has keys that open nothing.
    ///
    /// # Errors
    /// When the village's key was wrapped by a key that the key file does not hold.
    pub async fn keys(&self, tx: &mut Tx, village: &VillageCode) -> Result<VillageKeys> {
        if let Some(keys) = self.remembered(village) {
            return Ok(keys);
        }
        if let Some((keys, is_committed)) = self.look_up(tx, village).await? {
            // Not remembered before it is committed: this transaction may yet be rolled back, and what a later
            // one sealed with the lost key would never open again.
            if is_committed {
                let known = Known { keys: keys.clone(), since: (Instant::now(), SystemTime::now()) };
                self.known.write().unwrap_or_else(PoisonError::into_inner).insert(*village, known);
            }
            return Ok(keys);
        }
        let key = random_key()?;
        if !tx.may_write() {
            return VillageKeys::new(*village, 1, [(1, key.to_vec())], &key);
        }
        let wrapping = self.wrapping();
        let (wrapped_by, wrapped) = wrapping.wrap(village, &key)?;
        sqlx::query(
            "insert into data_key (village, wrapped_by, wrapped) values ($1, $2, $3)
             on conflict (village) do nothing",
        )
        .bind(village.as_str())
        .bind(wrapped_by)
        .bind(&wrapped)
        .execute(&mut **tx)
        .await?;
        let found = self.look_up(tx, village).await?;
        Ok(found.ok_or_else(|| Error::internal("a data key vanished"))?.0)
    }

    fn remembered(&self, village: &VillageCode) -> Option<VillageKeys> {
        let all = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(village)?;
        let (running, told) = known.since;
        let is_fresh = running.elapsed() < self.refresh && told.elapsed().is_ok_and(|age| age < self.refresh);
        is_fresh.then(|| known.keys.clone())
    }

    /// A village's keys as the database has them, and whether they were committed or are this transaction's own.
    async fn look_up(&self, tx: &mut Tx, village: &VillageCode) -> Result<Option<(VillageKeys, bool)>> {
        let rows: Vec<Row> = sqlx::query_as(
            "select true as is_current, version, wrapped_by, wrapped, finding_wrapped_by, finding,
                    coalesce(xmin <> pg_current_xact_id_if_assigned()::xid, true) as is_committed
               from data_key where village = $1
              union all
             select false, version, wrapped_by, wrapped, null, null, true from other_data_key where village = $1",
        )
        .bind(village.as_str())
        .fetch_all(&mut **tx)
        .await?;
        let Some(current) = rows.iter().find(|row| row.is_current) else { return Ok(None) };
        let wrapping = self.wrapping();
        let mut keys = Vec::new();
        for row in &rows {
            keys.push((row.version, wrapping.unwrap(village, &row.wrapped_by, &row.wrapped)?));
        }
        let finding = current.finding(&wrapping, village)?;
        Ok(Some((VillageKeys::new(*village, current.version, keys, &finding)?, current.is_committed)))
    }

    /// The keys of the key file as it is now. One that has become unreadable is tried again; what it held stays known.
    fn wrapping(&self) -> Arc<WrappingKeys> {
        let now = stamp(&self.path);
        let read = self.file.read().unwrap_or_else(PoisonError::into_inner);
        let (stamp, keys) = (read.stamp, read.keys.clone());
        drop(read);
        if now == stamp {
            return keys;
        }
        match WrappingKeys::read(&self.path) {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let read = ReadFile { stamp: now, keys: keys.clone() };
                *self.file.write().unwrap_or_else(PoisonError::into_inner) = read;
                keys
            }
            Err(error) => {
                tracing::error!(
                    error = error.in_full(),
                    "the key file has changed and is none; going on with the former"
                );
                keys
            }
        }
    }
}

/// A data key as it is stored.
#[derive(sqlx::FromRow)]
struct Row {
    is_current: bool,
    version: i32,
    wrapped_by: String,
    wrapped: Vec<u8>,
    finding_wrapped_by: Option<String>,
    finding: Option<Vec<u8>>,
    is_committed: bool,
}

impl Row {
    /// The key of the blind indexes, that stands beside the current data key or follows from it.
    fn finding(&self, wrapping: &WrappingKeys, village: &VillageCode) -> Result<Vec<u8>> {
        match (&self.finding_wrapped_by, &self.finding) {
            (Some(by), Some(wrapped)) => wrapping.unwrap(village, by, wrapped),
            _ => Ok(derived_finding(&wrapping.unwrap(village, &self.wrapped_by, &self.wrapped)?)?.to_vec()),
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}
