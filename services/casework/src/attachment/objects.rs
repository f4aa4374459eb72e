//! The store of objects: a folder, or a store that speaks S3. It knows bytes under a village and a key, and nothing of whose
//! they are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};
use platform::{Error, Result, Secret};
use proto::names::VillageCode;
use proto::reasons;
use tokio::sync::OnceCell;

use super::Config;

/// How long the store is asked again before somebody is told that it does not answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The store, opened when it is first needed.
pub(crate) struct Objects {
    place: Place,
    opened: OnceCell<Arc<dyn ObjectStore>>,
}

enum Place {
    Folder(PathBuf),
    Bucket(Arc<dyn ObjectStore>),
}

impl Objects {
    /// The store that the configuration names.
    ///
    /// # Errors
    /// When it names none that can be, or the file with the secret cannot be read.
    pub(crate) fn of(config: &Config) -> Result<Self> {
        let place = match config.place.strip_prefix("s3://") {
            None => Place::Folder(config.place.clone().into()),
            Some(bucket) => Place::Bucket(self::bucket(config, bucket)?),
        };
        Ok(Self { place, opened: OnceCell::new() })
    }

    async fn store(&self) -> Result<&Arc<dyn ObjectStore>> {
        let open = || async {
            Ok(match &self.place {
                Place::Folder(folder) => {
                    std::fs::create_dir_all(folder)
                        .map_err(|error| Error::internal(format!("folder {}: {error}", folder.display())))?;
                    let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
                    // What is acknowledged survives the machine: the file and its folder are on disk.
                    Arc::new(store.with_fsync(true)) as Arc<dyn ObjectStore>
                }
                Place::Bucket(store) => store.clone(),
            })
        };
        self.opened.get_or_try_init(open).await
    }

    /// Is there nothing yet, not even a place?
    pub(crate) fn is_unused(&self) -> bool {
        matches!(&self.place, Place::Folder(folder) if !folder.exists())
    }

    /// Puts an object, in the place of one that may be there. It is durable when this answers.
    pub(crate) async fn put(&self, village: &VillageCode, key: &str, content: Vec<Bytes>) -> Result<()> {
        let payload = content.into_iter().collect();
        self.store().await?.put(&path(village, key), payload).await.map_err(silent)?;
        Ok(())
    }

    /// An object's bytes as they come; none if it is not there.
    pub(crate) async fn get(
        &self,
        village: &VillageCode,
        key: &str,
    ) -> Result<Option<BoxStream<'static, Result<Bytes>>>> {
        match self.store().await?.get(&path(village, key)).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(silent).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(silent(error)),
        }
    }

    /// Is the object there?
    pub(crate) async fn has(&self, village: &VillageCode, key: &str) -> Result<bool> {
        match self.store().await?.head(&path(village, key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(silent(error)),
        }
    }

    /// Deletes an object; it is no matter if it is not there.
    pub(crate) async fn delete(&self, village: &VillageCode, key: &str) -> Result<()> {
        match self.store().await?.delete(&path(village, key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(silent(error)),
        }
    }

    /// The villages of which there are objects.
    pub(crate) async fn villages(&self) -> Result<Vec<VillageCode>> {
        let found = self.store().await?.list_with_delimiter(None).await.map_err(silent)?;
        Ok(found.common_prefixes.iter().filter_map(|prefix| prefix.as_ref().parse().ok()).collect())
    }

    /// The objects of a village, each with when it was put.
    pub(crate) async fn list(&self, village: &VillageCode) -> Result<Vec<(String, DateTime<Utc>)>> {
        let store = self.store().await?;
        let found: Vec<_> = store.list(Some(&Path::from(village.as_str()))).try_collect().await.map_err(silent)?;
        let key = |path: &Path| path.filename().map(str::to_owned);
        Ok(found.into_iter().filter_map(|meta| Some((key(&meta.location)?, meta.last_modified))).collect())
    }

    /// Removes the folder of a village of which there are no objects any more, and what a crash left half written in it.
    pub(crate) fn close(&self, village: &VillageCode) -> Result<()> {
        self.sweep(village, DateTime::<Utc>::MAX_UTC)?;
        let Place::Folder(folder) = &self.place else { return Ok(()) };
        match std::fs::remove_dir(folder.join(village.as_str())) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(Error::internal),
        }
    }

    /// Deletes what a crash left half written in a folder before `since`; lists never show it.
    pub(crate) fn sweep(&self, village: &VillageCode, since: DateTime<Utc>) -> Result<()> {
        let Place::Folder(folder) = &self.place else { return Ok(()) };
        let Ok(files) = std::fs::read_dir(folder.join(village.as_str())) else { return Ok(()) };
        for file in files.flatten().filter(|file| file.file_name().to_string_lossy().contains('#')) {
            let old =
                file.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| DateTime::<Utc>::from(at) < since);
            if old {
                std::fs::remove_file(file.path()).map_err(Error::internal)?;
            }
        }
        Ok(())
    }
}

fn path(village: &VillageCode, key: &str) -> Path {
    Path::from_iter([village.as_str(), key])
}

fn bucket(config: &Config, named: &str) -> Result<Arc<dyn ObjectStore>> {
    let (bucket, folder) = named.split_once('/').unwrap_or((named, ""));
    let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(&config.s3_region).with_retry(retry);
    if let Some(endpoint) = &config.s3_endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(id) = &config.s3_access_key_id {
        builder = builder.with_access_key_id(id);
    }
    if let Some(file) = &config.s3_secret_key_file {
        let secret = Secret::from_file(file)
            .map_err(|error| Error::internal(format!("secret key file {}: {error}", file.display())))?;
        builder = builder.with_secret_access_key(secret.expose());
    }
    let store = builder.build().map_err(Error::internal)?;
    Ok(if folder.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, folder)) })
}

/// The store does not answer as it should, or refuses whoever asks. Its paths are codes and keys, so its words may stand in the
/// log; callers are told what an operator can do about it.
fn silent(error: object_store::Error) -> Error {
    use object_store::Error::{PermissionDenied, Unauthenticated};
    let message = match &error {
        PermissionDenied { .. } | Unauthenticated { .. } => "the store of attachments does not accept the key to it",
        _ => "the store of attachments does not answer",
    };
    tracing::warn!(%error, "{message}");
    Error::Unavailable { reason: reasons::UNAVAILABLE, message: message.to_owned() }
}
