//! A village's tags of special care in the database.

use platform::{Result, Tx};
use proto::names::VillageCode;

use super::CareTags;

pub(super) async fn care_tags_find(tx: &mut Tx, village: &VillageCode) -> Result<Option<CareTags>> {
    let row: Option<(Vec<String>, i64)> = sqlx::query_as("select tags, revision from care_tags where village = $1")
        .bind(village.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|(tags, revision)| CareTags { village: *village, tags, revision }))
}

/// Writes the next version; false if somebody was faster.
pub(super) async fn care_tags_save(tx: &mut Tx, care_tags: &CareTags) -> Result<bool> {
    let done = sqlx::query(
        "insert into care_tags as known (village, tags, revision) values ($1, $2, $3)
         on conflict (village) do update set tags = excluded.tags, revision = excluded.revision
          where known.revision = excluded.revision - 1",
    )
    .bind(care_tags.village.as_str())
    .bind(&care_tags.tags)
    .bind(care_tags.revision)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
