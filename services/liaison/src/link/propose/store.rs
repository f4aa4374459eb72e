//! What a proposal is decided by: households without a representative, those who may serve them, and who has visited whom.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use platform::{Error, Result, Tx};
use proto::names::VillageCode;
use uuid::Uuid;

use super::score::{Household, Place, Representative};
use super::{MOST, Question};
use crate::places::GridKind;

/// How long a visit is remembered.
const YEAR: Days = Days::new(365);

/// A household that is to be served.
#[derive(Debug, Clone)]
pub(super) struct Unserved {
    pub(super) household: Household,
    pub(super) number: String,
    /// The revision of its link; 0: it has none.
    pub(super) follows: i64,
    /// Who serves it now.
    pub(super) served_by: Option<Uuid>,
    /// Why it cannot be linked to anybody, as a clerk reads it.
    pub(super) refusal: Option<&'static str>,
}

/// Somebody who may serve it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) representative: Representative,
    pub(super) name: String,
}

#[derive(sqlx::FromRow)]
struct HouseholdRow {
    id: Uuid,
    number: String,
    grid: String,
    area: Option<String>,
    grid_kind: Option<GridKind>,
    villager_group: Option<String>,
    counts: bool,
    has_line: bool,
    follows: i64,
    served_by: Option<Uuid>,
}

/// Those households that are asked for and lie in these grids (none: all), in the order of their numbers.
pub(super) async fn households(
    tx: &mut Tx,
    question: &Question,
    grids: Option<Vec<String>>,
    today: NaiveDate,
) -> Result<Vec<Unserved>> {
    let rows: Vec<HouseholdRow> = sqlx::query_as(
        "select household.id, household.number, household.grid, grid.area, grid.kind as grid_kind,
                household.villager_group, line.kind is not null as has_line, coalesce(link.revision, 0) as follows,
                link.representative as served_by,
                household.state = 'active' and (household.active_since is null or household.active_since <= $4) as counts
           from household
           left join grid on grid.village = household.village and grid.code = household.grid
           left join line on line.village = household.village and household.kind = any (line.household_kinds)
           left join link on link.village = household.village and link.household = household.id
                         and link.valid_to is null
          where household.village = $1
            and ($2::text[] is null or household.grid = any ($2))
            and case when $3::uuid[] is null
                     then link.id is null and household.state = 'active'
                          and (household.active_since is null or household.active_since <= $4)
                     else household.id = any ($3) end
          order by household.number, household.id
          limit $5",
    )
    .bind(question.village.as_str())
    .bind(grids)
    .bind(&question.households)
    .bind(today)
    .bind(i64::try_from(MOST).map_err(Error::internal)?)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(HouseholdRow::read).collect()
}

impl HouseholdRow {
    fn read(self) -> Result<Unserved> {
        let refusal = match (self.counts, self.has_line) {
            (false, _) => Some("这一户不在册或已外出，不需要代表"),
            (true, false) => Some("没有一条主线覆盖这类住户"),
            (true, true) => None,
        };
        let household = Household {
            id: self.id,
            place: place(&self.grid, self.area.as_deref(), self.grid_kind)?,
            villager_group: self.villager_group.map(|group| group.parse()).transpose().map_err(Error::internal)?,
            visits: BTreeMap::new(),
        };
        Ok(Unserved { household, number: self.number, follows: self.follows, served_by: self.served_by, refusal })
    }
}

fn place(grid: &str, area: Option<&str>, kind: Option<GridKind>) -> Result<Place> {
    let area = area.map(str::parse).transpose().map_err(Error::internal)?;
    Ok(Place { grid: grid.parse().map_err(Error::internal)?, area, kind })
}

#[derive(sqlx::FromRow)]
struct RepresentativeRow {
    id: Uuid,
    display_name: String,
    grid: Option<String>,
    area: Option<String>,
    grid_kind: Option<GridKind>,
    villager_group: Option<String>,
    load: i64,
}

/// Those who may serve, with what they serve beside the households that are to be proposed. A representative is of the
/// villager group that they lead, or else that most of their households are of.
pub(super) async fn representatives(
    tx: &mut Tx,
    question: &Question,
    unserved: &[Unserved],
    today: NaiveDate,
) -> Result<Vec<Candidate>> {
    let rows: Vec<RepresentativeRow> = sqlx::query_as(
        "select member.id, member.display_name, team.grid, grid.area, grid.kind as grid_kind,
                coalesce(member.villager_group,
                         (select mode() within group (order by household.villager_group)
                            from link
                            join household on household.village = link.village and household.id = link.household
                           where link.village = $1 and link.representative = member.id and link.valid_to is null))
                    as villager_group,
                (select count(*)
                   from link
                  where link.village = $1 and link.representative = member.id and link.valid_to is null) as load
           from member
           left join team on team.village = member.village and team.representative = member.id
           left join grid on grid.village = team.village and grid.code = team.grid
          where member.village = $1
            and 'representative' = any (member.offices)
            and member.state = 'appointed'
            and member.term_start <= $3 and (member.term_end is null or $3 < member.term_end)
            and (member.represents_from is null or member.represents_from <= $3 and $3 < member.represents_until)
            and ($2::uuid[] is null or member.id = any ($2))
          order by team.grid, member.id",
    )
    .bind(question.village.as_str())
    .bind(&question.representatives)
    .bind(today)
    .fetch_all(&mut **tx)
    .await?;
    let mut given_up: BTreeMap<Uuid, i64> = BTreeMap::new();
    unserved.iter().filter_map(|one| one.served_by).for_each(|by| *given_up.entry(by).or_default() += 1);
    let read = |row: RepresentativeRow| {
        let load = row.load - given_up.get(&row.id).copied().unwrap_or_default();
        let place = row.grid.map(|grid| place(&grid, row.area.as_deref(), row.grid_kind)).transpose()?;
        let representative = Representative {
            id: row.id,
            place,
            villager_group: row.villager_group.map(|group| group.parse()).transpose().map_err(Error::internal)?,
            load: usize::try_from(load).map_err(Error::internal)?,
        };
        Ok(Candidate { representative, name: row.display_name })
    };
    rows.into_iter().map(read).collect()
}

/// The households, with who has visited them in the year that went by.
pub(super) async fn visits(
    tx: &mut Tx,
    village: &VillageCode,
    mut unserved: Vec<Unserved>,
    today: NaiveDate,
) -> Result<Vec<Unserved>> {
    let ids: Vec<Uuid> = unserved.iter().map(|one| one.household.id).collect();
    let rows: Vec<(Uuid, Uuid, i64)> = sqlx::query_as(
        "select visit.household, visit.representative, count(*)
           from unnest($2::uuid[]) as asked (household)
           join visit on visit.village = $1 and visit.household = asked.household and visit.visited_on > $3
          where visit.state = 'logged'
          group by visit.household, visit.representative",
    )
    .bind(village.as_str())
    .bind(&ids)
    .bind(today.checked_sub_days(YEAR).unwrap_or(today))
    .fetch_all(&mut **tx)
    .await?;
    let mut visits: BTreeMap<Uuid, BTreeMap<Uuid, i32>> = BTreeMap::new();
    for (household, by, times) in rows {
        visits.entry(household).or_default().insert(by, i32::try_from(times).map_err(Error::internal)?);
    }
    for one in &mut unserved {
        one.household.visits = visits.remove(&one.household.id).unwrap_or_default();
    }
    Ok(unserved)
}
