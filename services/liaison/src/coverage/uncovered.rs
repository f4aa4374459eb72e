//! When households that counted had no representative: the days on which they counted, less the days of their links.

use chrono::{Days, NaiveDate};
use platform::{Error, Page, Result, Tx};
use proto::names::{GridCode, GridName, HouseholdName, VillageCode};
use uuid::Uuid;

/// How many days are looked at, if nobody says since when.
const YEAR: Days = Days::new(365);

/// Which times are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) first: Option<NaiveDate>,
    pub(crate) last: Option<NaiveDate>,
    pub(crate) household: Option<Uuid>,
    pub(crate) grid: Option<GridCode>,
}

impl Question {
    /// The first day looked at, and the first that is not. The future is nobody's yet.
    pub(crate) fn days(&self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        let last = self.last.map_or(today, |last| last.min(today));
        let first = self.first.or_else(|| last.checked_sub_days(YEAR)).unwrap_or(last);
        (first.min(last), last.succ_opt().unwrap_or(last))
    }
}

/// A time in which a household had no representative.
#[derive(Debug, Clone)]
pub(crate) struct Uncovered {
    pub(crate) household: HouseholdName,
    pub(crate) number: String,
    pub(crate) grid: GridName,
    pub(crate) start: NaiveDate,
    /// The first day that it was over; none if it lasts beyond the days looked at.
    pub(crate) end: Option<NaiveDate>,
    pub(crate) days: i32,
    /// Its place in the list.
    pub(crate) key: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    number: String,
    grid: String,
    first: NaiveDate,
    past: NaiveDate,
    days: i32,
    key: String,
}

/// A page of such times, of households that are in these grids (none: all) now. As with gaps, the days that counted and the
/// days of links are added up in one go and not joined.
pub(super) async fn uncovered_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    question: &Question,
    (start, end): (NaiveDate, NaiveDate),
    page: &Page,
) -> Result<Vec<Uncovered>> {
    let rows: Vec<Row> = sqlx::query_as(
        "with was as (
             select household, state, active_since, since,
                    lead(since) over (partition by household order by since) as until
               from household_was
              where village = $1 and ($5::uuid is null or household = $5)
         ), times as (
             select household, true as counted,
                    daterange(since, until) * daterange(active_since, null) * daterange($3, $4) as days
               from was
              where state = 'active'
             union all
             select household, false, daterange(valid_from, valid_to)
               from link
              where village = $1 and ($5::uuid is null or household = $5)
         ), uncovered as materialized (
             select household,
                    unnest(range_agg(days) filter (where counted)
                           - coalesce(range_agg(days) filter (where not counted), '{}')) as days
               from times
              group by household
         ), listed as (
             select household.id, household.number, household.grid, lower(days) as first, upper(days) as past,
                    upper(days) - lower(days) as days,
                    household.number || '/' || household.id || '/' || lower(days) as key
               from uncovered
               join household on household.village = $1 and household.id = uncovered.household
              where ($2::text[] is null or household.grid = any ($2))
                and ($6::text is null or household.grid = $6)
         )
         select id, number, grid, first, past, days, key from listed where key > $7 order by key limit $8",
    )
    .bind(village.as_str())
    .bind(grids)
    .bind(start)
    .bind(end)
    .bind(question.household)
    .bind(question.grid.as_ref().map(|grid| grid.as_str()))
    .bind(page.after_text())
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    let read = |row: Row| {
        Ok(Uncovered {
            household: HouseholdName::new(*village, row.id),
            number: row.number,
            grid: GridName::new(*village, row.grid.parse().map_err(Error::internal)?),
            start: row.first,
            end: Some(row.past).filter(|past| *past < end),
            days: row.days,
            key: row.key,
        })
    };
    rows.into_iter().map(read).collect()
}
