//! Coverage, read from households, links and teams.

use chrono::NaiveDate;
use platform::{Error, Result, Tx};
use proto::names::VillageCode;

use super::Measure;
use crate::line::rules::LineKind;

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
