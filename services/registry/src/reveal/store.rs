//! Who was shown what, in the database: written once, read, and nothing else.

use chrono::{DateTime, Utc};
use platform::{Authority, Page, Result, Tx};
use proto::names::VillageCode;

use super::{Asked, Filter, Purpose};

/// One time that somebody was shown something.
#[derive(sqlx::FromRow)]
pub(crate) struct Entry {
    entry: i64,
    pub(super) record: String,
    pub(super) purpose: Purpose,
    pub(super) note: String,
    pub(super) fields: Vec<String>,
    pub(super) subject: String,
    pub(super) office: String,
    pub(super) at: DateTime<Utc>,
}

impl Entry {
    pub(super) fn place(&self) -> String {
        self.entry.to_string()
    }
}

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

/// The latest first: who looks after them looks for what is new. A statement of its own for each question, so that each
/// comes from its index.
pub(super) async fn reveal_list(
    tx: &mut Tx,
    village: &VillageCode,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Entry>> {
    macro_rules! list {
        ($of:literal) => {
            concat!(
                "select entry, record, purpose, note, fields, subject, office, at
                   from reveal
                  where village = $1 and entry < $4 and ",
                $of,
                " order by entry desc limit $5"
            )
        };
    }
    let statement = match (&filter.record, &filter.revealed_by) {
        (None, None) => list!("$2::text is null and $3::text is null"),
        (Some(_), None) => list!("record = $2 and $3::text is null"),
        (None, Some(_)) => list!("subject = $3 and $2::text is null"),
        (Some(_), Some(_)) => list!("record = $2 and subject = $3"),
    };
    let before = Some(page.after_number()?).filter(|entry| *entry > 0).unwrap_or(i64::MAX);
    Ok(sqlx::query_as(statement)
        .bind(village.as_str())
        .bind(&filter.record)
        .bind(&filter.revealed_by)
        .bind(before)
        .bind(page.limit())
        .fetch_all(&mut **tx)
        .await?)
}
