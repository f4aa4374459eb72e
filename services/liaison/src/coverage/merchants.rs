//! How many merchants are in business, and for how many of them somebody is there: whoever serves the landlord's household on a
//! line that reaches merchants through their landlord.

use chrono::NaiveDate;
use platform::{Error, Result, Tx};
use proto::names::VillageCode;

use super::measure::{Count, Part, number};
use crate::line::rules::LineKind;
use crate::link::served;
use crate::places::GridKind;

#[derive(sqlx::FromRow)]
struct Row {
    grid: Option<String>,
    area: Option<String>,
    grid_kind: Option<GridKind>,
    line: Option<LineKind>,
    merchants: i64,
    served: i64,
}

impl Row {
    fn read(self) -> Result<(Part, Count)> {
        let part = Part {
            area: self.area.map(|area| area.parse()).transpose().map_err(Error::internal)?,
            grid: self.grid.map(|grid| grid.parse()).transpose().map_err(Error::internal)?,
            grid_kind: self.grid_kind,
            line: self.line,
        };
        let (merchants, merchants_served) = (number(self.merchants)?, number(self.served)?);
        Ok((part, Count { merchants, merchants_served, ..Count::default() }))
    }
}

/// Merchants whose landlord was in these grids (none: all) on a day, by grid and line. Merchants and whose premises they are on
/// are taken as they are now; where the landlord was, and who served that household, as they were then.
pub(super) async fn merchants_count(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    as_of: NaiveDate,
) -> Result<Vec<(Part, Count)>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select was.grid, grid.area, grid.kind as grid_kind, coalesce(served.line, reached.kind) as line,
                count(*) as merchants, count(served.line) as served
           from merchant
           left join lateral (
                select grid, kind
                  from household_was
                 where village = $1 and household = merchant.landlord and since <= $3
                 order by since desc
                 limit 1) as was on true
           left join grid on grid.village = $1 and grid.code = was.grid
           left join line as reached on reached.village = $1 and reached.merchants_through_landlord
                                    and was.kind = any (reached.household_kinds)",
        served!("$3"),
        "where merchant.village = $1
            and merchant.open
            and ($2::text[] is null or was.grid = any ($2))
          group by 1, 2, 3, 4"
    ))
    .bind(village.as_str())
    .bind(grids)
    .bind(as_of)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(Row::read).collect()
}
