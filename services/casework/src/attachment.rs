//! What belongs to a concern or a deliberation and is not words: photos, minutes, papers.
//!
//! A file is received whole before it is kept: what a camera noted has to go from it first, and its place in the store is
//! named by its content. So an upload costs memory, which is bounded: by the size of a file, and by how many come at once, of
//! which a few at a time are cleaned and sealed, which costs twice as much again.
//! Downloads go out segment by segment. An upload is answered when the object is durable and the record committed; whoever is
//! cut off in between leaves an object of which no record tells, and the keeper finds it.

mod content;
mod name;
mod objects;
mod orphans;
mod record;
mod rpc;
mod sealed;
mod store;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use events::Changes;
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Office, Request, Result, Tx, Vault};
use proto::casework::v1::AttachmentChange;
use proto::reasons;
use tokio::sync::Semaphore;

use crate::{concern, deliberation};
use content::Kind;
use name::{Name, Parent};
use objects::Objects;
pub use orphans::Found;
pub(crate) use orphans::Keeper;
use record::{Attachment, Draft};
use sealed::ContentKey;
pub use whole::{Written, erase, write_out};

/// Where attachments are kept unless somebody says otherwise.
pub const PLACE: &str = ".lianxin/attachments";

/// Files that are cleaned, sealed and put at once.
const SEALINGS: usize = 4;

/// Where attachments are kept, and how much of them.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Where attachments are kept: a folder, which is made when it is needed and must be on the same disk for all replicas,
    /// or `s3://bucket` or `s3://bucket/folder` of a store that speaks S3
    #[arg(long = "attachments", env = "LIANXIN_ATTACHMENTS", default_value = PLACE)]
    pub place: String,

    /// Address of the S3 store, for instance `https://oss.example`; none: Amazon's
    #[arg(long, env = "LIANXIN_S3_ENDPOINT")]
    pub s3_endpoint: Option<String>,

    /// Region of the S3 store
    #[arg(long, env = "LIANXIN_S3_REGION", default_value = "us-east-1")]
    pub s3_region: String,

    /// Id of the key to the S3 store
    #[arg(long, env = "LIANXIN_S3_ACCESS_KEY_ID")]
    pub s3_access_key_id: Option<String>,

    /// File that holds the secret of that key
    #[arg(long, env = "LIANXIN_S3_SECRET_KEY_FILE")]
    pub s3_secret_key_file: Option<PathBuf>,

    /// Largest picture in bytes
    #[arg(long, env = "LIANXIN_PICTURE_BYTES", default_value_t = 10 * 1024 * 1024)]
    pub picture_bytes: usize,

    /// Largest document in bytes
    #[arg(long, env = "LIANXIN_DOCUMENT_BYTES", default_value_t = 20 * 1024 * 1024)]
    pub document_bytes: usize,

    /// Attachments that a concern or a deliberation may have
    #[arg(long, env = "LIANXIN_ATTACHMENTS_EACH", default_value_t = 30)]
    pub each: i64,

    /// Uploads at once; each costs its size in memory for as long as its link takes
    #[arg(long, env = "LIANXIN_UPLOADS", default_value_t = 16)]
    pub uploads: usize,

    /// Hours after which an object goes that belongs to nothing
    #[arg(long, env = "LIANXIN_ORPHAN_HOURS", default_value = "24", value_parser = hours)]
    pub grace: Duration,
}

fn hours(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse::<u32>().map(|hours| Duration::from_secs(u64::from(hours) * 3600))
}

impl Config {
    const fn largest(&self, kind: Kind) -> usize {
        if kind.is_picture() { self.picture_bytes } else { self.document_bytes }
    }
}

/// The use cases of attachments.
pub(crate) struct Attachments {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
    objects: Arc<Objects>,
    config: Config,
    uploads: Semaphore,
    sealings: Semaphore,
}

/// A file as it came.
struct Received {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Attachments {
    pub(crate) fn new(
        database: Database,
        changes: Changes,
        clock: Clock,
        vault: Vault,
        config: &Config,
    ) -> Result<Self> {
        let objects = Arc::new(Objects::of(config)?);
        let uploads = Semaphore::new(config.uploads);
        let sealings = Semaphore::new(SEALINGS);
        Ok(Self { database, changes, clock, vault, objects, config: config.clone(), uploads, sealings })
    }

    /// The one who sees to what is left over.
    pub(crate) fn keeper(&self) -> Keeper {
        Keeper::new(self.database.clone(), self.objects.clone(), self.clock.clone(), self.config.grace)
    }

    /// May whoever acts by this authority add to it at all? Asked before anything is received.
    async fn may_add(&self, by: &Authority, parent: &Parent) -> Result<()> {
        let mut tx = self.database.read(by.scope()).await?;
        must_be_told(&mut tx, parent, by).await?;
        match parent {
            Parent::Deliberation(_) if by.office() != Office::Clerk => {
                let message = "the village office keeps the book of deliberations".to_owned();
                Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message })
            }
            _ => Ok(()),
        }
    }

    /// Keeps a file: first what is to be there, then the object, then whose it is.
    async fn add(&self, by: &Authority, request: Request, draft: Draft, file: Received) -> Result<Attachment> {
        let Received { kind, bytes } = file;
        let sealing_now = self.sealings.acquire().await.map_err(Error::internal)?;
        let cleaned =
            tokio::task::spawn_blocking(move || content::clean(kind, bytes)).await.map_err(Error::internal)?;
        let damaged = |_| Error::refused(reasons::ATTACHMENT_DAMAGED, "文件不完整或已损坏，请重新保存后再上传");
        let cleaned = cleaned.map_err(damaged)?;
        let sha256 = digest(&SHA256, &cleaned).as_ref().to_vec();
        let size = i64::try_from(cleaned.len()).map_err(Error::internal)?;

        let (keys, object, sealing) = self.announce(by, &draft.name, &sha256).await?;
        let sealed = tokio::task::spawn_blocking(move || sealing.seal(&cleaned)).await;
        self.objects.put(&draft.name.village(), &object, sealed.map_err(Error::internal)??).await?;
        drop(sealing_now);

        let mut tx = self.database.begin(by.scope()).await?;
        let parent = &draft.name.parent;
        if let Some(made) = request.claim(&mut tx, &parent.village(), &draft.name.to_string()).await? {
            let made: Name = made.parse().map_err(Error::internal)?;
            return store::attachment_get(&mut tx, &keys, &made).await;
        }
        store::parent_hold(&mut tx, parent).await?;
        must_be_told(&mut tx, parent, by).await?;
        if store::attachment_count(&mut tx, parent).await? >= self.config.each {
            let message = format!("这里已有{}个附件，不能再加；请先删除不需要的", self.config.each);
            return Err(Error::refused(reasons::TOO_MANY_ATTACHMENTS, message));
        }
        if !store::object_confirm(&mut tx, parent.village(), &object, self.clock.now()).await? {
            // It took longer than an object without a record is kept.
            let message = "the upload took too long; send it again".to_owned();
            return Err(Error::Unavailable { reason: reasons::UNAVAILABLE, message });
        }
        let attachment = Attachment::first(draft, kind, size, sha256, object, by.subject(), self.clock.now());
        store::attachment_insert(&mut tx, &keys, &attachment).await?;
        let news = attachment.news(AttachmentChange::Added)?;
        self.changes.append(&mut tx, by, &[news]).await?;
        self.changes.commit(tx).await?;
        Ok(attachment)
    }

    /// Writes down that an object is about to be there, and answers where, and what seals it: what sealed the same content
    /// before, or a new key.
    async fn announce(&self, by: &Authority, name: &Name, sha256: &[u8]) -> Result<(VillageKeys, String, ContentKey)> {
        let mut tx = self.database.begin(by.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village()).await?;
        let key = hex(&keys.index(&hex(sha256)));
        let (id, now) = (self.clock.new_id(), self.clock.now());
        let sealing = store::object_announce(&mut tx, &keys, name.village(), (id, &key), now).await?;
        tx.commit().await?;
        Ok((keys, key, sealing))
    }

    async fn list(&self, caller: &Caller, parent: &Parent) -> Result<Vec<Attachment>> {
        let by = caller.within(&parent.village())?;
        let mut tx = self.database.read(by.scope()).await?;
        must_be_told(&mut tx, parent, &by).await?;
        let keys = self.vault.keys(&mut tx, &parent.village()).await?;
        store::attachment_list(&mut tx, &keys, parent).await
    }

    /// One that is there, with its object and what opens that.
    async fn get(&self, caller: &Caller, name: &Name) -> Result<(Attachment, String, ContentKey)> {
        let by = caller.within(&name.village())?;
        let mut tx = self.database.read(by.scope()).await?;
        must_be_told(&mut tx, &name.parent, &by).await?;
        let keys = self.vault.keys(&mut tx, &name.village()).await?;
        let attachment = store::attachment_get(&mut tx, &keys, name).await?;
        let object = attachment.object.clone().ok_or_else(|| Error::NotFound(name.to_string()))?;
        let opening = store::object_key(&mut tx, &keys, name.village(), &object).await?;
        Ok((attachment, object, opening))
    }

    /// Takes it away: what it is stays on record, its content goes.
    async fn remove(
        &self,
        caller: &Caller,
        request: Request,
        name: &Name,
        expected: Option<i64>,
    ) -> Result<Attachment> {
        let by = caller.within(&name.village())?;
        let mut tx = self.database.begin(by.scope()).await?;
        must_be_told(&mut tx, &name.parent, &by).await?;
        let keys = self.vault.keys(&mut tx, &name.village()).await?;
        store::parent_hold(&mut tx, &name.parent).await?;
        let before = store::attachment_get(&mut tx, &keys, name).await?;
        if request.claim(&mut tx, &name.village(), &name.to_string()).await?.is_some() {
            return Ok(before);
        }
        if before.object.is_none() {
            return Err(Error::NotFound(name.to_string()));
        }
        must_be(expected, before.revision, name)?;
        if by.office() != Office::Clerk && by.subject() != before.uploader {
            let message = "an attachment is taken away by whoever added it, or by the village office".to_owned();
            return Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message });
        }
        let now = self.clock.now();
        if let Some(object) = &before.object {
            // From now on it has a day.
            store::object_confirm(&mut tx, name.village(), object, now).await?;
        }
        let after = before.removed(now);
        store::attachment_remove(&mut tx, &after).await?;
        let news = after.news(AttachmentChange::Removed)?;
        self.changes.append(&mut tx, &by, &[news]).await?;
        self.changes.commit(tx).await?;
        Ok(after)
    }
}

/// Refuses what belongs to a concern or a deliberation to those who are not told what it says: to them it does not exist.
async fn must_be_told(tx: &mut Tx, parent: &Parent, by: &Authority) -> Result<()> {
    match parent {
        Parent::Concern(name) => concern::must_be_told(tx, name, by).await,
        Parent::Deliberation(name) => deliberation::must_be_told(tx, name, by).await,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks once for objects that belong to nothing, and for records whose object is gone; for the operator's command.
///
/// # Errors
/// When the database or the store does not answer.
pub async fn scan(database: Database, config: &Config) -> Result<Found> {
    Keeper::new(database, Arc::new(Objects::of(config)?), Clock::system(), config.grace).scan().await
}
