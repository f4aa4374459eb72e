//! News that could not be applied: kept with its error until somebody has seen to it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use platform::{Database, Error, Result, Scope, Tx};

use crate::envelope::News;

/// Keeps a letter, or its newest error.
pub(crate) async fn letter_insert(tx: &mut Tx, service: &str, news: &News, error: &Error) -> Result<()> {
    sqlx::query(
        "insert into dead_letter (village, record, revision, type, stream, event, error)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (village, record, revision, type) do update
            set error = excluded.error, died_at = excluded.died_at, retry = false",
    )
    .bind(news.village.as_str())
    .bind(&news.record)
    .bind(news.revision)
    .bind(&news.type_name)
    .bind(service)
    .bind(news.event.as_ref())
    .bind(error.in_full())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes one letter of `service` that is to be retried, for this transaction alone.
pub(crate) async fn letter_claim(tx: &mut Tx, service: &str) -> Result<Option<News>> {
    let row: Option<(String, String, i64, String, Vec<u8>)> = sqlx::query_as(
        "select village, record, revision, type, event
           from dead_letter
          where retry and stream = $1
          order by died_at
          limit 1
            for update skip locked",
    )
    .bind(service)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(village, record, revision, type_name, event)| {
        Ok(News {
            village: village.parse().map_err(Error::internal)?,
            record,
            revision,
            type_name,
            traceparent: None,
            event: Bytes::from(event),
        })
    })
    .transpose()
}

/// A letter that was applied is gone.
pub(crate) async fn letter_delete(tx: &mut Tx, news: &News) -> Result<()> {
    sqlx::query("delete from dead_letter where village = $1 and record = $2 and revision = $3 and type = $4")
        .bind(news.village.as_str())
        .bind(&news.record)
        .bind(news.revision)
        .bind(&news.type_name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A letter as an operator sees it: what it is about and what was wrong, not what it says.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Letter {
    /// Resource name of the record.
    pub record: String,
    /// Its revision.
    pub revision: i64,
    /// Service whose news it is.
    pub stream: String,
    /// Why it could not be applied.
    pub error: String,
    /// When it was last tried.
    pub died_at: DateTime<Utc>,
}

/// All letters of a service, the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(database: &Database) -> Result<Vec<Letter>> {
    let mut tx = database.read(&Scope::deployment()).await?;
    Ok(sqlx::query_as("select record, revision, stream, error, died_at from dead_letter order by died_at")
        .fetch_all(&mut *tx)
        .await?)
}

/// Asks the running service to apply its letters once more: all, or those of one record. Says how many.
///
/// # Errors
/// When the database refuses.
pub async fn retry(database: &Database, record: Option<&str>) -> Result<u64> {
    let mut tx = database.begin(&Scope::deployment()).await?;
    let letters = sqlx::query("update dead_letter set retry = true where $1::text is null or record = $1")
        .bind(record)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(letters.rows_affected())
}
