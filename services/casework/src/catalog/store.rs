//! The catalogue in the database: what a village says for itself, and where it says nothing, what all begin with.

use chrono::{DateTime, Utc};
use platform::{Error, OnConstraint, Page, Result, Tx};
use proto::names::{MatterTypeName, VillageCode};

use super::{Limits, MatterType};

/// The types of village $1, its own and those that it begins with.
macro_rules! types {
    ($rest:literal) => {
        concat!(
            "select code, matter, title, urgency, response_hours, resolution_hours, deliberation, material, retired,
                    revision
               from (select code, matter, title, urgency, response_hours, resolution_hours, deliberation, material,
                            retired, revision
                       from matter_type
                      where village = $1
                      union all
                     select code, matter, title, urgency, response_hours, resolution_hours, deliberation, material,
                            false, 0
                       from default_matter_type
                      where not exists (select
                                          from matter_type
                                         where matter_type.village = $1
                                           and matter_type.code = default_matter_type.code)) as all_types ",
            $rest
        )
    };
}

pub(super) async fn type_get(tx: &mut Tx, name: &MatterTypeName) -> Result<MatterType> {
    let found: Option<MatterType> = sqlx::query_as(types!("where code = $2"))
        .bind(name.village.as_str())
        .bind(name.matter_type.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    found.ok_or_else(|| Error::NotFound(name.to_string()))
}

pub(super) async fn type_list(tx: &mut Tx, village: VillageCode, page: &Page) -> Result<Vec<MatterType>> {
    Ok(sqlx::query_as(types!("where code collate \"C\" > $2 order by code collate \"C\" limit $3"))
        .bind(village.as_str())
        .bind(page.after_text())
        .bind(page.limit())
        .fetch_all(&mut **tx)
        .await?)
}

/// Stores a type as the village has it from now on. Whoever was faster goes before.
pub(super) async fn type_save(
    tx: &mut Tx,
    name: &MatterTypeName,
    made: &MatterType,
    by: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let saved = sqlx::query(
        "insert into matter_type (village, code, matter, title, urgency, response_hours, resolution_hours, deliberation,
                                  material, retired, revision, created_at, updated_at, updated_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)
         on conflict (village, code) do update
            set title = excluded.title, urgency = excluded.urgency, response_hours = excluded.response_hours,
                resolution_hours = excluded.resolution_hours, deliberation = excluded.deliberation,
                material = excluded.material, retired = excluded.retired, revision = excluded.revision,
                updated_at = excluded.updated_at, updated_by = excluded.updated_by
          where matter_type.revision = excluded.revision - 1",
    )
    .bind(name.village.as_str())
    .bind(name.matter_type.as_str())
    .bind(made.matter)
    .bind(&made.title)
    .bind(made.urgency)
    .bind(made.response_hours)
    .bind(made.resolution_hours)
    .bind(made.deliberation)
    .bind(&made.material)
    .bind(made.retired)
    .bind(made.revision)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await
    .on_constraint("matter_type_title", || Error::AlreadyExists("a type of this title".to_owned()))?;
    if saved.rows_affected() == 0 { Err(Error::Stale { name: name.to_string() }) } else { Ok(()) }
}

/// The deadlines of a village, for every matter and urgency.
pub(super) async fn limits_list(tx: &mut Tx, village: VillageCode) -> Result<Vec<Limits>> {
    Ok(sqlx::query_as(
        "select matter, urgency, coalesce(own.response_hours, every.response_hours) as response_hours,
                coalesce(own.resolution_hours, every.resolution_hours) as resolution_hours,
                coalesce(own.revision, 0) as revision
           from default_deadline as every
           left join lateral (select response_hours, resolution_hours, revision
                                from deadline
                               where deadline.village = $1
                                 and deadline.matter = every.matter
                                 and deadline.urgency = every.urgency
                               limit 1) as own on true
          order by matter, urgency",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?)
}

pub(super) async fn limits_save(
    tx: &mut Tx,
    village: VillageCode,
    limits: &Limits,
    by: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let saved = sqlx::query(
        "insert into deadline (village, matter, urgency, response_hours, resolution_hours, revision, updated_at,
                               updated_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (village, matter, urgency) do update
            set response_hours = excluded.response_hours, resolution_hours = excluded.resolution_hours,
                revision = excluded.revision, updated_at = excluded.updated_at, updated_by = excluded.updated_by
          where deadline.revision = excluded.revision - 1",
    )
    .bind(village.as_str())
    .bind(limits.matter)
    .bind(limits.urgency)
    .bind(limits.response_hours)
    .bind(limits.resolution_hours)
    .bind(limits.revision)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if saved.rows_affected() == 0 { Err(Error::Stale { name: "the deadline".to_owned() }) } else { Ok(()) }
}
