//! What only an export asks the database, and the entry that it leaves there.

use std::collections::HashMap;

use platform::{Authority, Result, Tx};
use proto::names::VillageCode;
use uuid::Uuid;

/// Notes who is given a whole roster, and what for.
pub(super) async fn export_note(
    tx: &mut Tx,
    authority: &Authority,
    village: &VillageCode,
    purpose: &str,
    sheet: &str,
) -> Result<()> {
    sqlx::query("insert into roster_export (village, purpose, sheet, subject, office) values ($1, $2, $3, $4, $5)")
        .bind(village.as_str())
        .bind(purpose)
        .bind(sheet)
        .bind(authority.subject())
        .bind(authority.office().as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The households of a village after a number, with their numbers.
pub(super) async fn household_numbers(
    tx: &mut Tx,
    village: &VillageCode,
    after: &str,
    limit: i32,
) -> Result<Vec<(String, Uuid)>> {
    Ok(sqlx::query_as("select number, id from household where village = $1 and number > $2 order by number limit $3")
        .bind(village.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut **tx)
        .await?)
}

/// The numbers of these households.
pub(super) async fn numbers_of(
    tx: &mut Tx,
    village: &VillageCode,
    households: &[Uuid],
) -> Result<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("select id, number from household where village = $1 and id = any($2)")
            .bind(village.as_str())
            .bind(households)
            .fetch_all(&mut **tx)
            .await?;
    Ok(rows.into_iter().collect())
}
