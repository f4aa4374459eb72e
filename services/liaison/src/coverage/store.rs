//! Coverage and gaps, read from households, links and teams.

use chrono::NaiveDate;
use platform::{Error, Page, Result, Tx};
use proto::names::{HouseholdName, VillageCode};
use uuid::Uuid;

use super::{Filter, Gap, Measure, Missing};
use crate::line::rules::LineKind;
use crate::team::rules::Seat;

#[derive(sqlx::FromRow)]
struct LineRow {
    line: Option<LineKind>,
    households: i64,
    linked: i64,
}

/// How well these grids (none: all) of a village were covered on a day.
pub(crate) async fn measure(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    as_of: NaiveDate,
) -> Result<Measure> {
    let rows: Vec<LineRow> = sqlx::query_as(
        "select line.kind as line, count(*) as households, count(link.id) as linked
           from household
           left join line on line.village = household.village and household.kind = any (line.household_kinds)
           left join link on link.village = household.village and link.household = household.id
                         and link.valid_from <= $3 and (link.valid_to is null or $3 < link.valid_to)
          where household.village = $1
            and ($2::text[] is null or household.grid = any ($2))
            and household.state = 'active'
            and (household.active_since is null or household.active_since <= $3)
          group by line.kind",
    )
    .bind(village.as_str())
    .bind(&grids)
    .bind(as_of)
    .fetch_all(&mut **tx)
    .await?;
    let (teams, complete): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where num_nulls(cadre, leader, representative) = 0)
           from team join grid on grid.village = team.village and grid.code = team.grid
          where team.village = $1 and ($2::text[] is null or team.grid = any ($2)) and not grid.retired",
    )
    .bind(village.as_str())
    .bind(&grids)
    .fetch_one(&mut **tx)
    .await?;
    let count = |rows: i64| i32::try_from(rows).map_err(Error::internal);
    let of_line = |kind: &LineKind| {
        let row = rows.iter().find(|row| row.line == Some(*kind));
        Ok((*kind, count(row.map_or(0, |row| row.households))?, count(row.map_or(0, |row| row.linked))?))
    };
    Ok(Measure {
        village: *village,
        as_of,
        households: count(rows.iter().map(|row| row.households).sum())?,
        linked: count(rows.iter().map(|row| row.linked).sum())?,
        lines: LineKind::ALL.iter().map(of_line).collect::<Result<_>>()?,
        teams: count(teams)?,
        teams_complete: count(complete)?,
    })
}

#[derive(sqlx::FromRow)]
struct GapRow {
    key: String,
    grid: String,
    household: Option<Uuid>,
    number: Option<String>,
    seat: Option<Seat>,
}

/// A page of what is missing today in these grids (none: all).
pub(crate) async fn gap_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    today: NaiveDate,
    page: &Page,
) -> Result<Vec<Gap>> {
    let rows: Vec<GapRow> = sqlx::query_as(
        "select * from (
             select '1/' || household.grid || '/' || household.number || '/' || household.id as key, household.grid,
                    household.id as household, household.number, null as seat, 'household' as kind
               from household
              where household.village = $1
                and household.state = 'active'
                and (household.active_since is null or household.active_since <= $2)
                and not exists (select from link
                                 where link.village = household.village and link.household = household.id
                                   and link.valid_from <= $2 and (link.valid_to is null or $2 < link.valid_to))
             union all
             select '2/' || team.grid || '/' || seat.place, team.grid, null, null, seat.name, 'seat'
               from team
               join grid on grid.village = team.village and grid.code = team.grid and not grid.retired
              cross join lateral (values (1, 'cadre', team.cadre), (2, 'leader', team.leader),
                                         (3, 'representative', team.representative)) as seat (place, name, holder)
              where team.village = $1 and seat.holder is null
         ) as gap
          where key > $3
            and ($4::text[] is null or grid = any ($4))
            and ($5::text is null or kind = $5)
            and ($6::text is null or grid = $6)
          order by key
          limit $7",
    )
    .bind(village.as_str())
    .bind(today)
    .bind(page.after_text())
    .bind(grids)
    .bind(filter.kind)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}

impl GapRow {
    fn read(self, village: VillageCode) -> Result<Gap> {
        let what = match (self.household, self.number, self.seat) {
            (Some(household), Some(number), None) => {
                Missing::Link { household: HouseholdName::new(village, household), number }
            }
            (None, None, Some(seat)) => Missing::Holder { seat },
            _ => return Err(Error::internal("a gap that is neither a household nor a seat")),
        };
        Ok(Gap { grid: self.grid.parse().map_err(Error::internal)?, what, key: self.key })
    }
}
