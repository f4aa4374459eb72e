//! Households that may be due, with their visits, in the order of grids and numbers.

use chrono::NaiveDate;
use platform::{Error, Page, Result, Tx};
use proto::names::VillageCode;
use proto::reasons;
use uuid::Uuid;

use super::DueFilter;
use crate::places::{GridKind, HouseholdKind};
use crate::plan::rules::Household;

/// Households that are looked at in one statement, at least: of a small page most may be visited in time.
const AT_ONCE: usize = 200;

/// How many households are looked at in one statement.
pub(super) fn at_once(page: &Page) -> usize {
    usize::try_from(page.limit()).map_or(AT_ONCE, |limit| limit.max(AT_ONCE))
}

/// Whose households are looked at.
pub(super) struct Question<'q> {
    pub(super) village: &'q VillageCode,
    /// None: all.
    pub(super) grids: Option<Vec<String>>,
    pub(super) filter: &'q DueFilter,
    pub(super) today: NaiveDate,
    /// The first day whose visits matter.
    pub(super) since: NaiveDate,
}

/// A household that counts, and what its plan has to know of it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: Uuid,
    pub(super) number: String,
    pub(super) household: Household,
    pub(super) representative: Option<Uuid>,
    pub(super) last: Option<NaiveDate>,
    pub(super) key: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    number: String,
    grid: String,
    kind: HouseholdKind,
    grid_kind: Option<GridKind>,
    is_key: bool,
    active_since: Option<NaiveDate>,
    linked_since: Option<NaiveDate>,
    representative: Option<Uuid>,
    last: Option<NaiveDate>,
    visits: Vec<NaiveDate>,
    key: String,
}

impl Row {
    fn read(self) -> Result<Candidate> {
        let household = Household {
            kind: self.kind,
            grid: self.grid.parse().map_err(Error::internal)?,
            grid_kind: self.grid_kind,
            is_key: self.is_key,
            since: self.linked_since.max(self.active_since.filter(|_| self.linked_since.is_some())),
            visits: self.visits,
        };
        Ok(Candidate {
            id: self.id,
            number: self.number,
            household,
            representative: self.representative,
            last: self.last,
            key: self.key,
        })
    }
}

/// Both statements look up links and visits of the page's households alone, each by its index.
macro_rules! candidates {
    ($from:literal) => {
        concat!(
            "with asked as (
                 select household.id, household.number, household.grid, household.kind,
                        coalesce(household.key_household, false) as is_key, household.active_since,
                        household.grid || '/' || household.number || '/' || household.id as key
                   from ",
            $from,
            " and household.state = 'active'
                    and (household.active_since is null or household.active_since <= $4)
                    and ($3::text[] is null or household.grid = any ($3))
                    and ($6::text is null or household.grid = $6)
                    and (household.grid, household.number, household.id) > ($7, $9, $10)
                  order by household.grid, household.number, household.id
                  limit $8
             )
             select asked.id, asked.number, asked.grid, asked.kind, grid.kind as grid_kind, asked.is_key,
                    asked.active_since, asked.key,
                    (select min(first.valid_from)
                       from link first
                      where first.village = $1 and first.household = asked.id
                        and first.valid_to is distinct from first.valid_from) as linked_since,
                    (select current.representative
                       from link current
                      where current.village = $1 and current.household = asked.id
                        and current.valid_to is null) as representative,
                    (select max(visit.visited_on)
                       from visit
                      where visit.village = $1 and visit.household = asked.id and visit.visited_on <= $4
                        and visit.state = 'logged') as last,
                    array(select visit.visited_on
                            from visit
                           where visit.village = $1 and visit.household = asked.id and visit.visited_on >= $5
                             and visit.state = 'logged') as visits
               from asked
               left join grid on grid.village = $1 and grid.code = asked.grid
              order by asked.grid, asked.number, asked.id"
        )
    };
}

/// A place in the list: the grid, number and id of a household.
fn place(key: &str) -> Result<(&str, &str, Uuid)> {
    if key.is_empty() {
        return Ok(("", "", Uuid::nil()));
    }
    let place = (|| {
        let (grid, rest) = key.split_once('/')?;
        let (number, id) = rest.rsplit_once('/')?;
        Some((grid, number, id.parse().ok()?))
    })();
    place.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))
}

/// The next of them after a place in the list, so many at most.
pub(super) async fn candidates(
    tx: &mut Tx,
    question: &Question<'_>,
    after: &str,
    limit: usize,
) -> Result<Vec<Candidate>> {
    // A representative has some dozen households among a village's thousands: they are found by their links.
    let statement = match question.filter.representative {
        None => candidates!("household where household.village = $1 and $2::uuid is null"),
        Some(_) => candidates!(
            "link join household on household.village = link.village and household.id = link.household
              where link.village = $1 and link.representative = $2 and link.valid_to is null"
        ),
    };
    let (grid, number, id) = place(after)?;
    let rows: Vec<Row> = sqlx::query_as(statement)
        .bind(question.village.as_str())
        .bind(question.filter.representative)
        .bind(question.grids.clone())
        .bind(question.today)
        .bind(question.since)
        .bind(question.filter.grid.as_ref().map(|grid| grid.as_str()))
        .bind(grid)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(number)
        .bind(id)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(Row::read).collect()
}
