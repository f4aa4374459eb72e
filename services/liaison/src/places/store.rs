//! The registry's grids and households in liaison's database.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use platform::{Error, Result, Tx};
use proto::names::{GridName, HouseholdName, VillageCode};
use uuid::Uuid;

use super::{Grid, GridKind, Household, HouseholdKind, HouseholdState, HouseholdTold, unknown_grid};
use crate::line::rules::LineKind;

/// Keeps what is newer than what is known.
pub(crate) async fn grids_keep(tx: &mut Tx, grids: &[Grid]) -> Result<()> {
    sqlx::query(
        "insert into grid (village, code, kind, line, retired, revision, area, retired_on)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[],
                              $8::date[])
         on conflict (village, code) do update
            set kind = excluded.kind, line = excluded.line, retired = excluded.retired, revision = excluded.revision,
                area = excluded.area,
                retired_on = case when excluded.retired then least(grid.retired_on, excluded.retired_on) end
          where excluded.revision > grid.revision
             or excluded.revision = grid.revision
                and (grid.area is null or grid.retired and grid.retired_on is null)",
    )
    .bind(grids.iter().map(|grid| grid.name.village.to_string()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.name.grid.to_string()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.kind.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.line.map(LineKind::as_str)).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.retired).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.revision).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.area.as_ref().map(ToString::to_string)).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.retired_on).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps what is newer than what is known, and answers which households are new or changed in what decides their link:
/// grid, kind, state.
pub(crate) async fn households_keep(tx: &mut Tx, households: &[Household]) -> Result<Vec<HouseholdName>> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as(
        "with news as (
             select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[],
                                  $8::date[], $9::bigint[], $10::boolean[], $11::text[])
                  as n (village, id, number, grid, kind, outside, state, active_since, revision, key_household,
                        villager_group)
         ), before as (
             select village, id, household.grid, household.kind, household.state
               from household join news using (village, id)
         ), kept as (
             insert into household (village, id, number, grid, kind, outside, state, active_since, revision,
                                    key_household, villager_group)
             select * from news
             on conflict (village, id) do update
                set number = excluded.number, grid = excluded.grid, kind = excluded.kind, outside = excluded.outside,
                    state = excluded.state, active_since = excluded.active_since, revision = excluded.revision,
                    key_household = excluded.key_household, villager_group = excluded.villager_group
              where excluded.revision > household.revision
                 or excluded.revision = household.revision and household.key_household is null
             returning village, id, grid, kind, state
         )
         select village, id
           from kept left join before using (village, id)
          where (kept.grid, kept.kind, kept.state) is distinct from (before.grid, before.kind, before.state)",
    )
    .bind(households.iter().map(|household| household.name.village.to_string()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.name.household).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.number.as_str()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.grid.grid.to_string()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.kind.as_str()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.outside).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.state.as_str()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.active_since).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.revision).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.key_household).collect::<Vec<_>>())
    .bind(
        households
            .iter()
            .map(|household| household.villager_group.as_ref().map(ToString::to_string))
            .collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|(village, id)| Ok(HouseholdName::new(village.parse().map_err(Error::internal)?, id)))
        .collect()
}

/// Keeps how households stood on the days that have gone by: what a revision says holds from the day of its change on, and
/// what the first one says, for all days before too. Of several on one day the last counts. What news does not date is
/// taken to have changed today.
pub(crate) async fn history_keep(tx: &mut Tx, told: &[HouseholdTold], today: NaiveDate) -> Result<()> {
    let mut days: BTreeMap<(&HouseholdName, Option<NaiveDate>), (&Household, NaiveDate)> = BTreeMap::new();
    for HouseholdTold { household, changed_on } in told {
        let told_on = changed_on.unwrap_or(today);
        let since = (household.revision > 1).then_some(told_on);
        let kept = days.entry((&household.name, since)).or_insert((household, told_on));
        if household.revision > kept.0.revision {
            *kept = (household, told_on);
        }
    }
    if days.is_empty() {
        return Ok(());
    }
    let households = || days.values().map(|(household, _)| household);
    sqlx::query(
        "insert into household_was (village, household, since, grid, kind, state, active_since, revision, told_on)
         select village, household, coalesce(since, '-infinity'), grid, kind, state, active_since, revision, told_on
           from unnest($1::text[], $2::uuid[], $3::date[], $4::text[], $5::text[], $6::text[], $7::date[], $8::bigint[],
                       $9::date[])
                as told (village, household, since, grid, kind, state, active_since, revision, told_on)
         on conflict (village, household, since) do update
            set grid = excluded.grid, kind = excluded.kind, state = excluded.state,
                active_since = excluded.active_since, revision = excluded.revision, told_on = excluded.told_on
          where excluded.revision > household_was.revision",
    )
    .bind(households().map(|household| household.name.village.to_string()).collect::<Vec<_>>())
    .bind(households().map(|household| household.name.household).collect::<Vec<_>>())
    .bind(days.keys().map(|(_, since)| *since).collect::<Vec<_>>())
    .bind(households().map(|household| household.grid.grid.to_string()).collect::<Vec<_>>())
    .bind(households().map(|household| household.kind.as_str()).collect::<Vec<_>>())
    .bind(households().map(|household| household.state.as_str()).collect::<Vec<_>>())
    .bind(households().map(|household| household.active_since).collect::<Vec<_>>())
    .bind(households().map(|household| household.revision).collect::<Vec<_>>())
    .bind(days.values().map(|(_, told_on)| *told_on).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct GridRow {
    code: String,
    area: Option<String>,
    kind: GridKind,
    line: Option<LineKind>,
    retired: bool,
    retired_on: Option<NaiveDate>,
    revision: i64,
}

impl GridRow {
    fn of(self, village: VillageCode) -> Result<Grid> {
        Ok(Grid {
            name: GridName::new(village, self.code.parse().map_err(Error::internal)?),
            area: self.area.map(|area| area.parse()).transpose().map_err(Error::internal)?,
            kind: self.kind,
            line: self.line,
            retired: self.retired,
            retired_on: self.retired_on,
            revision: self.revision,
        })
    }
}

macro_rules! grids {
    ($condition:literal) => {
        concat!(
            "select code, area, kind, line, retired, retired_on, revision from grid where village = $1 ",
            $condition
        )
    };
}

/// One grid.
///
/// # Errors
/// `UNKNOWN_GRID`.
pub(crate) async fn grid_get(tx: &mut Tx, name: &GridName) -> Result<Grid> {
    let row: Option<GridRow> = sqlx::query_as(grids!("and code = $2"))
        .bind(name.village.as_str())
        .bind(name.grid.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    row.ok_or_else(|| unknown_grid(name))?.of(name.village)
}

/// Every grid of a village: three digits, so less than a thousand.
pub(crate) async fn grids_all(tx: &mut Tx, village: &VillageCode) -> Result<Vec<Grid>> {
    let rows: Vec<GridRow> = sqlx::query_as(grids!("")).bind(village.as_str()).fetch_all(&mut **tx).await?;
    rows.into_iter().map(|row| row.of(*village)).collect()
}

macro_rules! households {
    ($condition:literal) => {
        concat!(
            "select id, number, grid, kind, outside, state, active_since,
                    coalesce(key_household, false) as key_household, villager_group, revision
               from household
              where village = $1 and ",
            $condition
        )
    };
}

#[derive(sqlx::FromRow)]
struct HouseholdRow {
    id: Uuid,
    number: String,
    grid: String,
    kind: HouseholdKind,
    outside: bool,
    state: HouseholdState,
    active_since: Option<NaiveDate>,
    key_household: bool,
    villager_group: Option<String>,
    revision: i64,
}

impl HouseholdRow {
    fn of(self, village: VillageCode) -> Result<Household> {
        Ok(Household {
            name: HouseholdName::new(village, self.id),
            number: self.number,
            grid: GridName::new(village, self.grid.parse().map_err(Error::internal)?),
            kind: self.kind,
            outside: self.outside,
            state: self.state,
            active_since: self.active_since,
            key_household: self.key_household,
            villager_group: self.villager_group.map(|group| group.parse()).transpose().map_err(Error::internal)?,
            revision: self.revision,
        })
    }
}

/// One household, if it is known.
pub(crate) async fn household_get(tx: &mut Tx, name: &HouseholdName) -> Result<Option<Household>> {
    let row: Option<HouseholdRow> = sqlx::query_as(households!("id = $2"))
        .bind(name.village.as_str())
        .bind(name.household)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| row.of(name.village)).transpose()
}

/// Those of these households that are known.
pub(crate) async fn households_by_id(tx: &mut Tx, village: &VillageCode, ids: &[Uuid]) -> Result<Vec<Household>> {
    let rows: Vec<HouseholdRow> =
        sqlx::query_as(households!("id = any ($2)")).bind(village.as_str()).bind(ids).fetch_all(&mut **tx).await?;
    rows.into_iter().map(|row| row.of(*village)).collect()
}

/// Those of these households, by the village's own numbers, that are known.
pub(crate) async fn households_by_number(
    tx: &mut Tx,
    village: &VillageCode,
    numbers: &[String],
) -> Result<Vec<Household>> {
    let rows: Vec<HouseholdRow> = sqlx::query_as(households!("number = any ($2)"))
        .bind(village.as_str())
        .bind(numbers)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(|row| row.of(*village)).collect()
}
