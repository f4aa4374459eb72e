//! Attachments in the database.

use chrono::{DateTime, Utc};
use platform::vault::VillageKeys;
use platform::{Error, OnConstraint, Result, Secret, Tx};
use proto::names::VillageCode;
use uuid::Uuid;

use super::content::Kind;
use super::name::{Name, Parent};
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
    fn read(self, keys: &VillageKeys, parent: &Parent) -> Result<Attachment> {
        Ok(Attachment {
            name: Name { parent: parent.clone(), id: self.id },
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

/// Keeps others from adding to it, or taking away from it, until the transaction ends.
pub(super) async fn parent_hold(tx: &mut Tx, parent: &Parent) -> Result<()> {
    let statement = match parent {
        Parent::Concern(_) => "select from concern where village = $1 and id = $2 for no key update",
        Parent::Deliberation(_) => "select from deliberation where village = $1 and id = $2 for no key update",
    };
    sqlx::query(statement).bind(parent.village().as_str()).bind(parent.id()).execute(&mut **tx).await?;
    Ok(())
}

/// How many attachments it has.
pub(super) async fn attachment_count(tx: &mut Tx, parent: &Parent) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "select count(*) from attachment
          where village = $1 and parent = $2 and parent_kind = $3 and object is not null",
    )
    .bind(parent.village().as_str())
    .bind(parent.id())
    .bind(parent.kind())
    .fetch_one(&mut **tx)
    .await?)
}

/// One attachment, taken away or not.
pub(super) async fn attachment_get(tx: &mut Tx, keys: &VillageKeys, name: &Name) -> Result<Attachment> {
    let row: Option<Row> = sqlx::query_as(
        "select id, role, kind, size, sha256, name_sealed, object, uploader, created_at, removed_at, revision
           from attachment
          where village = $1 and id = $2 and parent = $3 and parent_kind = $4",
    )
    .bind(name.village().as_str())
    .bind(name.id)
    .bind(name.parent.id())
    .bind(name.parent.kind())
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.read(keys, &name.parent)
}

/// What it has, in the order in which it was added.
pub(super) async fn attachment_list(tx: &mut Tx, keys: &VillageKeys, parent: &Parent) -> Result<Vec<Attachment>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, role, kind, size, sha256, name_sealed, object, uploader, created_at, removed_at, revision
           from attachment
          where village = $1 and parent = $2 and parent_kind = $3 and object is not null
          order by created_at, id",
    )
    .bind(parent.village().as_str())
    .bind(parent.id())
    .bind(parent.kind())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(keys, parent)).collect()
}

pub(super) async fn attachment_insert(tx: &mut Tx, keys: &VillageKeys, one: &Attachment) -> Result<()> {
    let name_sealed = one.file_name.as_deref().map(|name| keys.seal(name)).transpose()?;
    sqlx::query(
        "insert into attachment (village, id, parent_kind, parent, role, kind, size, sha256, name_sealed, object,
                                 uploader, created_at, removed_at, revision)
         values ($1, $2, $13, $3, $4, $5, $6, $7, $8, $9, $10, $11, null, $12)",
    )
    .bind(one.name.village().as_str())
    .bind(one.name.id)
    .bind(one.name.parent.id())
    .bind(one.role)
    .bind(one.kind.as_str())
    .bind(one.size)
    .bind(&one.sha256)
    .bind(name_sealed)
    .bind(&one.object)
    .bind(&one.uploader)
    .bind(one.created_at)
    .bind(one.revision)
    .bind(one.name.parent.kind())
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
    .bind(one.name.village().as_str())
    .bind(one.name.id)
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
pub(super) async fn attachments_with(tx: &mut Tx, village: VillageCode, key: &str) -> Result<Vec<Name>> {
    let rows: Vec<(String, Uuid, Uuid)> =
        sqlx::query_as("select parent_kind, parent, id from attachment where village = $1 and object = $2 order by id")
            .bind(village.as_str())
            .bind(key)
            .fetch_all(&mut **tx)
            .await?;
    let name =
        |(kind, parent, id): (String, Uuid, Uuid)| Some(Name { parent: Parent::read(village, &kind, parent)?, id });
    Ok(rows.into_iter().filter_map(name).collect())
}

/// An attachment that is there, as it is written out.
#[derive(sqlx::FromRow)]
pub(super) struct Filed {
    pub(super) id: Uuid,
    pub(super) parent_kind: String,
    pub(super) parent: Uuid,
    /// The concern's number in the ledger, or the deliberation's title.
    pub(super) called: String,
    pub(super) role: Role,
    pub(super) kind: String,
    pub(super) size: i64,
    pub(super) sha256: Vec<u8>,
    pub(super) object: String,
}

/// All attachments of a village that are there.
pub(super) async fn filed_list(tx: &mut Tx, village: VillageCode) -> Result<Vec<Filed>> {
    Ok(sqlx::query_as(
        "select attachment.id, parent_kind, parent, coalesce(reference, title, '') as called, role, kind, size, sha256,
                object
           from attachment
           left join concern
             on parent_kind = 'concern' and concern.village = attachment.village and concern.id = attachment.parent
           left join deliberation
             on parent_kind = 'deliberation' and deliberation.village = attachment.village
            and deliberation.id = attachment.parent
          where attachment.village = $1 and object is not null
          order by called, attachment.created_at, attachment.id",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?)
}
