//! Histories in the database: the change log of a record, with the occasions beside it.

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Page, Result, Tx};
use proto::names::{ResidentName, VillageCode};
use uuid::Uuid;

/// One change of a record.
#[derive(sqlx::FromRow)]
pub(crate) struct Entry {
    /// Where in the change log: later is higher, of all records.
    position: i64,
    pub(crate) record: String,
    pub(crate) event: Vec<u8>,
    pub(crate) subject: String,
    pub(crate) office: String,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) revision: i64,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) reason: Option<String>,
    pub(crate) households: Option<Vec<Uuid>>,
}

impl Entry {
    pub(super) fn place(&self) -> String {
        self.position.to_string()
    }
}

/// A record has tens of changes, of a log that has millions: they are found by its name, which is the log's key, and only
/// then put in order. Nobody is tempted to go through the log in its own order until a page is full.
macro_rules! entries {
    ($of:literal) => {
        concat!(
            "with entry as materialized (
                 select position, record, event, subject, office, recorded_at, revision, day, reason, households
                   from change_log left join occasion using (village, record, revision)
                  where village = $1 and ",
            $of,
            ")
             select * from entry where position > $3 order by position limit $4"
        )
    };
}

/// What happened to a record that keeps its name.
pub(super) async fn history_of_record(
    tx: &mut Tx,
    village: &VillageCode,
    record: &str,
    page: &Page,
) -> Result<Vec<Entry>> {
    Ok(sqlx::query_as(entries!("record = $2"))
        .bind(village.as_str())
        .bind(record)
        .bind(page.after_number()?)
        .bind(page.limit())
        .fetch_all(&mut **tx)
        .await?)
}

/// What happened to a resident's record under all the names it has had. It has had another name only where an occasion
/// says so.
pub(super) async fn history_of_resident(tx: &mut Tx, name: &ResidentName, page: &Page) -> Result<Vec<Entry>> {
    let mut names: Vec<String> =
        sqlx::query_scalar("select distinct record from occasion where village = $1 and resident = $2")
            .bind(name.village.as_str())
            .bind(name.resident)
            .fetch_all(&mut **tx)
            .await?;
    names.push(name.to_string());
    Ok(sqlx::query_as(entries!("record = any($2)"))
        .bind(name.village.as_str())
        .bind(names)
        .bind(page.after_number()?)
        .bind(page.limit())
        .fetch_all(&mut **tx)
        .await?)
}
