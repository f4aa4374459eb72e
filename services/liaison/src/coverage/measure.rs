//! How well a village was covered on a day: counted once by grid and line, and added up to whatever is asked for.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use platform::{Error, Result, Tx};
use proto::names::{GridCode, LocalCode, VillageCode};

use super::merchants::merchants_count;
use crate::line::rules::LineKind;
use crate::places::GridKind;

platform::choice! {
    /// How coverage is taken apart.
    pub(crate) enum Breakdown as proto::liaison::v1::CoverageBreakdown {
        Area = "area",
        Grid = "grid",
        Line = "line",
        GridKind = "grid_kind",
        Estate = "estate",
    }
}

/// Households, and how many of them are linked; merchants, and how many of them are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    pub(crate) households: i32,
    pub(crate) linked: i32,
    pub(crate) merchants: i32,
    pub(crate) merchants_served: i32,
}

impl Count {
    /// The part that is linked; none where there is nobody to be linked.
    pub(crate) fn coverage(self) -> Option<f64> {
        (self.households > 0).then(|| f64::from(self.linked) / f64::from(self.households))
    }

    fn add(&mut self, other: Self) {
        self.households += other.households;
        self.linked += other.linked;
        self.merchants += other.merchants;
        self.merchants_served += other.merchants_served;
    }
}

/// By what a part differs from the others; what it is not taken apart by is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Part {
    pub(crate) area: Option<LocalCode>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) grid_kind: Option<GridKind>,
    pub(crate) line: Option<LineKind>,
}

/// How well a village was covered on a day.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) village: VillageCode,
    pub(crate) as_of: NaiveDate,
    pub(crate) total: Count,
    pub(crate) lines: Vec<(LineKind, Count)>,
    pub(crate) parts: Vec<(Part, Count)>,
    pub(crate) teams: i32,
    pub(crate) teams_complete: i32,
}

#[derive(sqlx::FromRow)]
struct Row {
    grid: String,
    area: Option<String>,
    grid_kind: Option<GridKind>,
    line: Option<LineKind>,
    households: i64,
    linked: i64,
}

impl Row {
    fn read(self) -> Result<(Part, Count)> {
        let area = self.area.map(|area| area.parse()).transpose().map_err(Error::internal)?;
        let grid = Some(self.grid.parse().map_err(Error::internal)?);
        let (households, linked) = (number(self.households)?, number(self.linked)?);
        let count = Count { households, linked, ..Count::default() };
        Ok((Part { area, grid, grid_kind: self.grid_kind, line: self.line }, count))
    }
}

pub(super) fn number(rows: i64) -> Result<i32> {
    i32::try_from(rows).map_err(Error::internal)
}

/// How well these grids (none: all) of a village were covered on a day. Which kinds a line reaches, and what sort of place a
/// grid is, are taken as they are now; where a household was, and whether it counted, as they were then.
pub(super) async fn measure(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    as_of: NaiveDate,
    breakdown: Option<Breakdown>,
) -> Result<Measure> {
    // Households and links are counted together by household and not joined: from behind row security the planner would look
    // for the link of each by itself.
    let rows: Vec<Row> = sqlx::query_as(
        "with was as (
             select distinct on (household) household, grid, kind, state, active_since
               from household_was
              where village = $1 and since <= $3
              order by household, since desc
         ), either as (
             select household, grid, kind, 0 as links
               from was
              where state = 'active'
                and (active_since is null or active_since <= $3)
                and ($2::text[] is null or grid = any ($2))
             union all
             select household, null, null, 1
               from link
              where village = $1 and valid_from <= $3 and (valid_to is null or $3 < valid_to)
         ), counted as materialized (
             select grid, kind, count(*) as households, count(*) filter (where links > 0) as linked
               from (select max(grid) as grid, max(kind) as kind, sum(links) as links
                       from either
                      group by household) as each
              where grid is not null
              group by grid, kind
         )
         select counted.grid, grid.area, grid.kind as grid_kind, line.kind as line, counted.households, counted.linked
           from counted
           left join grid on grid.village = $1 and grid.code = counted.grid
           left join line on line.village = $1 and counted.kind = any (line.household_kinds)",
    )
    .bind(village.as_str())
    .bind(&grids)
    .bind(as_of)
    .fetch_all(&mut **tx)
    .await?;
    let mut counts = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    counts.extend(merchants_count(tx, village, grids.clone(), as_of).await?);
    let (teams, complete): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where num_nulls(cadre, leader, representative) = 0)
           from team join grid on grid.village = team.village and grid.code = team.grid
          where team.village = $1 and ($2::text[] is null or team.grid = any ($2)) and not grid.retired",
    )
    .bind(village.as_str())
    .bind(&grids)
    .fetch_one(&mut **tx)
    .await?;
    let sum = |of: &dyn Fn(&Part) -> bool| {
        let mut sum = Count::default();
        counts.iter().filter(|(part, _)| of(part)).for_each(|(_, count)| sum.add(*count));
        sum
    };
    Ok(Measure {
        village: *village,
        as_of,
        total: sum(&|_| true),
        lines: LineKind::ALL.iter().map(|line| (*line, sum(&|part| part.line == Some(*line)))).collect(),
        parts: breakdown.map(|breakdown| apart(&counts, breakdown)).unwrap_or_default(),
        teams: number(teams)?,
        teams_complete: number(complete)?,
    })
}

/// Adds up what was counted by grid and line.
fn apart(counts: &[(Part, Count)], breakdown: Breakdown) -> Vec<(Part, Count)> {
    let mut parts: BTreeMap<Part, Count> = BTreeMap::new();
    for (part, count) in counts {
        let all = part.clone();
        let whole = Part::default();
        let part = match breakdown {
            Breakdown::Area => Part { area: all.area, ..whole },
            Breakdown::Grid => Part { line: None, ..all },
            Breakdown::Line => Part { line: all.line, ..whole },
            Breakdown::GridKind => Part { grid_kind: all.grid_kind, ..whole },
            Breakdown::Estate if part.grid_kind == Some(GridKind::OutsideEstate) => all,
            Breakdown::Estate => continue,
        };
        parts.entry(part).or_default().add(*count);
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by(|(one, _), (other, _)| (&one.grid, one).cmp(&(&other.grid, other)));
    parts
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )]
    use proptest::prelude::*;

    use super::*;

    fn counted() -> impl Strategy<Value = (Part, Count)> {
        let kind = prop::sample::select(GridKind::ALL);
        let line = prop::option::of(prop::sample::select(LineKind::ALL));
        (1..9_u8, kind, line, 0..20_i32, 0..20_i32).prop_map(|(grid, grid_kind, line, households, linked)| {
            let area = (grid % 3 > 0).then(|| format!("P0{}", grid % 3).parse().unwrap());
            let grid = Some(format!("00{grid}").parse().unwrap());
            let count = Count { households: households + linked, linked, ..Count::default() };
            (Part { area, grid, grid_kind: Some(grid_kind), line }, count)
        })
    }

    proptest! {
        /// Whatever it is taken apart by, the parts are the whole.
        #[test]
        fn the_parts_add_up_to_the_whole(counts in prop::collection::vec(counted(), 0..30)) {
            for breakdown in Breakdown::ALL {
                let is_in = |part: &Part| {
                    *breakdown != Breakdown::Estate || part.grid_kind == Some(GridKind::OutsideEstate)
                };
                let whole: i32 =
                    counts.iter().filter(|(part, _)| is_in(part)).map(|(_, count)| count.households).sum();
                let parts = apart(&counts, *breakdown);
                prop_assert_eq!(parts.iter().map(|(_, count)| count.households).sum::<i32>(), whole);
                prop_assert!(parts.iter().all(|(_, count)| count.linked <= count.households));
            }
        }
    }

    #[test]
    fn nobody_to_be_covered_is_no_coverage() {
        assert_eq!(Count::default().coverage(), None);
        assert_eq!(Count { households: 4, linked: 3, ..Count::default() }.coverage(), Some(0.75));
    }
}
