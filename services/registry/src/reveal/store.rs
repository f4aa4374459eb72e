//! Who was shown what, in the database: written once; `disclosure` reads it.

use platform::{Authority, Result, Tx};
use proto::names::VillageCode;

use super::Asked;

pub(super) async fn reveal_insert(
    tx: &mut Tx,
    authority: &Authority,
    village: &VillageCode,
    record: &str,
    asked: &Asked,
    fields: &[&str],
) -> Result<()> {
    sqlx::query(
        "insert into reveal (village, record, purpose, note, fields, subject, office) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(village.as_str())
    .bind(record)
    .bind(asked.purpose)
    .bind(&asked.note)
    .bind(fields)
    .bind(authority.subject())
    .bind(authority.office().as_str())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
