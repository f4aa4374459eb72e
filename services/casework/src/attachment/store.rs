//! Attachments in the database.

use chrono::{DateTime, Utc};
use platform::vault::VillageKeys;
use platform::{Error, OnConstraint, Result, Secret, Tx};
use proto::names::{AttachmentName, ConcernName, VillageCode};
use uuid::Uuid;

use super::content::Kind;
use super::record::{Attachment, Role};
use super::sealed::ContentKey;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    role: Role,
    kind: String,
    size: i64,
    sha256: Vec<u8>,
    name_sealed: Option<Vec<u8>>,
    object: Option<String>,
    uploader: String,
    created_at: DateTime<Utc>,
    removed_at: Option<DateTime<Utc>>,
    revision: i64,
}

impl Row {
    fn read(self, keys: &VillageKeys, concern: &ConcernName) -> Result<Attachment> {
        Ok(Attachment {
            name: AttachmentName::new(concern.village, concern.concern, self.id),
            role: self.role,
            kind: Kind::from_word(&self.kind).ok_or_else(|| Error::internal("an attachment of no known kind"))?,
            size: self.size,
            sha256: self.sha256,
            file_name: self.name_sealed.map(|sealed| keys.open(&sealed)).transpose()?,
            object: self.object,
            uploader: self.uploader,
            created_at: self.created_at,
            removed_at: self.removed_at,
            revision: self.revision,
        })
    }
}

/// Keeps others from adding to the concern, or taking away from it, until the transaction ends.
pub(super) async fn concern_hold(tx: &mut Tx, concern: &ConcernName) -> Result<()> {
    sqlx::query("select from concern where village = $1 and id = $2 for no key update")
        .bind(concern.village.as_str())
        .bind(concern.concern)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How many attachments a concern has.
pub(super) async fn attachment_count(tx: &mut Tx, concern: &ConcernName) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "select count(*) from attachment
          where village = $1 and parent = $2 and parent_kind = 'concern' and object is not null",
    )
    .bind(concern.village.as_str())
    .bind(concern.concern)
    .fetch_one(&mut **tx)
    .await?)
}

/// One attachment, taken away or not.
pub(super) async fn attachment_get(tx: &mut Tx, keys: &VillageKeys, name: &AttachmentName) -> Result<Attachment> {
    let row: Option<Row> = sqlx::query_as(
        "select id, role, kind, size, sha256, name_sealed, object, uploader, created_at, removed_at, revision
           from attachment
          where village = $1 and id = $2 and parent = $3 and parent_kind = 'concern'",
    )
    .bind(name.village.as_str())
    .bind(name.attachment)
    .bind(name.concern)
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.read(keys, &super::concern_of(name))
}

/// What a concern has, in the order in which it was added.
pub(super) async fn attachment_list(tx: &mut Tx, keys: &VillageKeys, concern: &ConcernName) -> Result<Vec<Attachment>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, role, kind, size, sha256, name_sealed, object, uploader, created_at, removed_at, revision
           from attachment
          where village = $1 and parent = $2 and parent_kind = 'concern' and object is not null
          order by created_at, id",
    )
    .bind(concern.village.as_str())
    .bind(concern.concern)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(keys, concern)).collect()
}

pub(super) async fn attachment_insert(tx: &mut Tx, keys: &VillageKeys, one: &Attachment) -> Result<()> {
    let name_sealed = one.file_name.as_deref().map(|name| keys.seal(name)).transpose()?;
    sqlx::query(
        "insert into attachment (village, id, parent_kind, parent, role, kind, size, sha256, name_sealed, object,
                                 uploader, created_at, removed_at, revision)
         values ($1, $2, 'concern', $3, $4, $5, $6, $7, $8, $9, $10, $11, null, $12)",
    )
    .bind(one.name.village.as_str())
    .bind(one.name.attachment)
    .bind(one.name.concern)
    .bind(one.role)
    .bind(one.kind.as_str())
    .bind(one.size)
    .bind(&one.sha256)
    .bind(name_sealed)
    .bind(&one.object)
    .bind(&one.uploader)
    .bind(one.created_at)
    .bind(one.revision)
    .execute(&mut **tx)
    .await
    .on_constraint("attachment_pkey", || Error::AlreadyExists(one.name.to_string()))?;
    Ok(())
}

pub(super) async fn attachment_remove(tx: &mut Tx, one: &Attachment) -> Result<()> {
    sqlx::query(
        "update attachment set object = null, name_sealed = null, removed_at = $3, revision = $4
          where village = $1 and id = $2",
    )
    .bind(one.name.village.as_str())
    .bind(one.name.attachment)
    .bind(one.removed_at)
    .bind(one.revision)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes down that an object is about to be there, now, and answers what seals it. Whoever is deleting it is waited for.
pub(super) async fn object_announce(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: VillageCode,
    (id, key): (Uuid, &str),
    now: DateTime<Utc>,
) -> Result<ContentKey> {
    let sealed: Vec<u8> = sqlx::query_scalar(
        "insert into stored_object (village, id, key, content_key_sealed, touched_at) values ($1, $2, $3, $4, $5)
         on conflict (village, key) do update
            set touched_at = greatest(stored_object.touched_at, excluded.touched_at),
                content_key_sealed = coalesce(stored_object.content_key_sealed, excluded.content_key_sealed)
         returning content_key_sealed",
    )
    .bind(village.as_str())
    .bind(id)
    .bind(key)
    .bind(keys.seal(ContentKey::draw()?.expose())?)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    ContentKey::read(&Secret::new(keys.open(&sealed)?))
}

/// What opens an object.
pub(super) async fn object_key(tx: &mut Tx, keys: &VillageKeys, village: VillageCode, key: &str) -> Result<ContentKey> {
    let sealed: Option<Vec<u8>> =
        sqlx::query_scalar("select content_key_sealed from stored_object where village = $1 and key = $2")
            .bind(village.as_str())
            .bind(key)
            .fetch_one(&mut **tx)
            .await?;
    let sealed = sealed.ok_or_else(|| Error::internal("an object that an attachment has, and nobody knows its key"))?;
    ContentKey::read(&Secret::new(keys.open(&sealed)?))
}

/// Writes down an object that was found in the store.
pub(super) async fn object_adopt(
    tx: &mut Tx,
    village: VillageCode,
    (id, key): (Uuid, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "insert into stored_object (village, id, key, touched_at) values ($1, $2, $3, $4) on conflict do nothing",
    )
    .bind(village.as_str())
    .bind(id)
    .bind(key)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Touches an object once more, and says whether it is still written down.
pub(super) async fn object_confirm(tx: &mut Tx, village: VillageCode, key: &str, now: DateTime<Utc>) -> Result<bool> {
    let touched = sqlx::query("update stored_object set touched_at = $3 where village = $1 and key = $2")
        .bind(village.as_str())
        .bind(key)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(touched.rows_affected() > 0)
}

/// What is written down of a village's objects: key, when it was touched, and how many attachments have it.
pub(super) async fn object_list(tx: &mut Tx, village: VillageCode) -> Result<Vec<(String, DateTime<Utc>, i64)>> {
    Ok(sqlx::query_as(
        "select key, touched_at, (select count(*) from attachment
                                   where attachment.village = stored_object.village
                                     and attachment.object = stored_object.key)
           from stored_object
          where village = $1
          order by key",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?)
}

/// The villages of which objects are written down.
pub(super) async fn object_villages(tx: &mut Tx) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("select distinct village from stored_object").fetch_all(&mut **tx).await?)
}

/// Holds an object that belongs to nothing and was not touched since; says whether it could be had.
pub(super) async fn object_hold(tx: &mut Tx, village: VillageCode, key: &str, since: DateTime<Utc>) -> Result<bool> {
    let held: Option<i32> = sqlx::query_scalar(
        "select 1
           from stored_object
          where village = $1 and key = $2 and touched_at <= $3
            and not exists (select from attachment
                             where attachment.village = stored_object.village
                               and attachment.object = stored_object.key)
            for update skip locked",
    )
    .bind(village.as_str())
    .bind(key)
    .bind(since)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(held.is_some())
}

/// Strikes off an object that is held.
pub(super) async fn object_forget(tx: &mut Tx, village: VillageCode, key: &str) -> Result<()> {
    sqlx::query("delete from stored_object where village = $1 and key = $2")
        .bind(village.as_str())
        .bind(key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The attachments that have an object.
pub(super) async fn attachments_with(tx: &mut Tx, village: VillageCode, key: &str) -> Result<Vec<AttachmentName>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "select parent, id from attachment where village = $1 and object = $2 and parent_kind = 'concern' order by id",
    )
    .bind(village.as_str())
    .bind(key)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|(concern, id)| AttachmentName::new(village, concern, id)).collect())
}

/// An attachment that is there, as it is written out.
#[derive(sqlx::FromRow)]
pub(super) struct Filed {
    pub(super) id: Uuid,
    pub(super) concern: Uuid,
    /// The concern's number in the ledger.
    pub(super) reference: String,
    pub(super) role: Role,
    pub(super) kind: String,
    pub(super) size: i64,
    pub(super) sha256: Vec<u8>,
    pub(super) object: String,
}

/// All attachments of a village that are there.
pub(super) async fn filed_list(tx: &mut Tx, village: VillageCode) -> Result<Vec<Filed>> {
    Ok(sqlx::query_as(
        "select attachment.id, concern.id as concern, reference, role, kind, size, sha256, object
           from attachment
           join concern on concern.village = attachment.village and concern.id = attachment.parent
          where attachment.village = $1 and parent_kind = 'concern' and object is not null
          order by reference, attachment.created_at, attachment.id",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?)
}
