//! When and why something happened, in the database.

use chrono::NaiveDate;
use platform::{Result, Tx};
use proto::names::VillageCode;
use uuid::Uuid;

use super::rules::Told;

/// Between the households of an occasion where an array of arrays would be needed.
const HOUSEHOLDS: &str = ",";

/// Notes the day and the reason beside each change of a step.
pub(crate) async fn occasion_save(
    tx: &mut Tx,
    village: &VillageCode,
    day: NaiveDate,
    reason: &str,
    told: &[Told],
) -> Result<()> {
    let households = |told: &Told| told.households.iter().map(ToString::to_string).collect::<Vec<_>>().join(HOUSEHOLDS);
    sqlx::query(
        "insert into occasion (village, record, revision, day, reason, households, resident)
         select $1, record, revision, $2, $3, string_to_array(households, $8)::uuid[], resident
           from unnest($4::text[], $5::bigint[], $6::text[], $7::uuid[])
                as told (record, revision, households, resident)",
    )
    .bind(village.as_str())
    .bind(day)
    .bind(reason)
    .bind(told.iter().map(|told| told.record.as_str()).collect::<Vec<_>>())
    .bind(told.iter().map(|told| told.revision).collect::<Vec<_>>())
    .bind(told.iter().map(households).collect::<Vec<_>>())
    .bind(told.iter().map(|told| told.resident).collect::<Vec<_>>())
    .bind(HOUSEHOLDS)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Empties what was written as reasons about a person who is forgotten: their household's, or their own record's under all
/// the names it has had. The words were to name nobody; whether they do is not for the system to judge any more.
pub(crate) async fn reasons_forget(
    tx: &mut Tx,
    village: &VillageCode,
    record: &str,
    resident: Option<Uuid>,
) -> Result<()> {
    sqlx::query("update occasion set reason = '' where village = $1 and (record = $2 or resident = $3)")
        .bind(village.as_str())
        .bind(record)
        .bind(resident)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
