//! The calendar in the database.

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Result, Tx};

use super::{Day, DayKind, Year};

/// All days of all places.
pub(crate) async fn days_list(tx: &mut Tx) -> Result<Vec<Day>> {
    let rows: Vec<(String, NaiveDate, DayKind, String)> =
        sqlx::query_as("select place, day, kind, name from calendar_day order by place, day")
            .fetch_all(&mut **tx)
            .await?;
    Ok(rows.into_iter().map(|(place, date, kind, title)| Day { place, date, kind, title }).collect())
}

/// The revision of what a place says of a year; 0: nothing.
pub(crate) async fn year_revision(tx: &mut Tx, place: &str, year: i32) -> Result<i64> {
    let found: Option<i64> = sqlx::query_scalar("select revision from calendar_year where village = $1 and year = $2")
        .bind(place)
        .bind(year)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.unwrap_or_default())
}

/// Puts the days that a place says of a year in the place of those it had. Whoever was faster goes before.
pub(crate) async fn year_save(tx: &mut Tx, year: &Year, by: &str, now: DateTime<Utc>) -> Result<()> {
    let saved = sqlx::query(
        "insert into calendar_year as known (village, year, revision, updated_at, updated_by)
         values ($1, $2, $3, $4, $5)
         on conflict (village, year) do update
            set revision = excluded.revision, updated_at = excluded.updated_at, updated_by = excluded.updated_by
          where known.revision = excluded.revision - 1",
    )
    .bind(&year.place)
    .bind(year.year)
    .bind(year.revision)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if saved.rows_affected() == 0 {
        return Err(Error::Stale { name: year.name() });
    }
    sqlx::query("delete from calendar_day where place = $1 and date_part('year', day) = $2")
        .bind(&year.place)
        .bind(f64::from(year.year))
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert into calendar_day (place, day, kind, name, updated_by)
         select $1, day, kind, name, $5 from unnest($2::date[], $3::text[], $4::text[]) as said (day, kind, name)",
    )
    .bind(&year.place)
    .bind(year.days.iter().map(|day| day.date).collect::<Vec<_>>())
    .bind(year.days.iter().map(|day| day.kind.as_str()).collect::<Vec<_>>())
    .bind(year.days.iter().map(|day| day.title.as_str()).collect::<Vec<_>>())
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A change of a place's calendar, after which its deadlines have to be reckoned again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Change {
    pub(crate) id: i64,
    pub(crate) place: String,
    /// The name of the last concern that was looked at; empty: none.
    pub(crate) reached: String,
}

/// Notes that a place's calendar was changed.
pub(crate) async fn change_add(tx: &mut Tx, place: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query("insert into calendar_change (place, changed_at) values ($1, $2)")
        .bind(place)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A change that is not done, made before `settled`, by when every process has read it; kept from others.
pub(crate) async fn change_claim(tx: &mut Tx, settled: DateTime<Utc>) -> Result<Option<Change>> {
    Ok(sqlx::query_as(
        "select id, place, reached
           from calendar_change
          where not done and changed_at <= $1
          order by id
          limit 1
            for update skip locked",
    )
    .bind(settled)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Notes how far a change has got; nothing: it is done.
pub(crate) async fn change_reached(tx: &mut Tx, id: i64, reached: Option<&str>) -> Result<()> {
    sqlx::query("update calendar_change set reached = coalesce($2, reached), done = $2 is null where id = $1")
        .bind(id)
        .bind(reached)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
