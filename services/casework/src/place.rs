//! What casework knows of others' records: villages, grids and households from the registry, teams from liaison.
//!
//! Only news writes here, and of each record only a newer revision than the one that is known.

mod learn;

use std::collections::HashMap;

use platform::{Error, Result, Tx};
use proto::names::{GridCode, VillageCode};
use uuid::Uuid;

use crate::concern::{Matter, Terms, Urgency};

pub(crate) use learn::{SeatLeft, grids_learn, households_learn, teams_learn, villages_learn};

/// Where a concern belongs, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The household's grid, or else the grid that was named.
    pub(crate) grid: Option<GridCode>,
    /// Is the household known?
    pub(crate) household_known: bool,
    /// Is the grid known to be out of use?
    pub(crate) grid_given_up: bool,
    /// Is the named grid not known, though others of the village are?
    pub(crate) grid_unheard_of: bool,
    /// The grid again, if its team is known.
    pub(crate) team: Option<GridCode>,
    /// What the catalogue says, where it was asked.
    pub(crate) terms: Option<Terms>,
}

/// What is asked of a concern that comes up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) village: VillageCode,
    pub(crate) household: Option<Uuid>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) matter: Matter,
    pub(crate) matter_type: &'a str,
    pub(crate) urgency: Option<Urgency>,
}

impl Place {
    /// The place in the words of the database.
    pub(crate) fn read(grid: Option<&str>, household_known: bool, given_up: bool, has_team: bool) -> Result<Self> {
        let grid = grid.map(str::parse).transpose().map_err(Error::internal)?;
        let grid_unheard_of = false;
        Ok(Self {
            grid_unheard_of,
            grid,
            household_known,
            grid_given_up: given_up,
            team: grid.filter(|_| has_team),
            terms: None,
        })
    }
}

/// A grid's team: the members in its seats, with their names; cadre, leader, representative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Team {
    pub(crate) seats: Vec<(Uuid, String)>,
}

impl Team {
    pub(crate) fn has(&self, member: Uuid) -> bool {
        self.seats.iter().any(|(seated, _)| *seated == member)
    }

    /// The member of this name.
    pub(crate) fn seat_of(&self, name: &str) -> Option<Uuid> {
        self.seats.iter().rev().find(|(_, seated)| seated == name).map(|(member, _)| *member)
    }
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    grid: Option<String>,
    known: bool,
    given_up: bool,
    has_team: bool,
    unheard_of: bool,
    urgency: Urgency,
    response_hours: Option<i32>,
    resolution_hours: Option<i32>,
}

/// Where concerns of these households, or else of these grids, belong, and how soon the catalogue says they have to be
/// answered and solved; one answer for each. Each is looked up by itself, by its keys: joined, the grids and teams of all
/// villages would be read for a handful of them.
pub(crate) async fn places_find(tx: &mut Tx, asked: &[Asked<'_>]) -> Result<Vec<Place>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<PlaceRow> = sqlx::query_as(
        "select named.grid, named.known, coalesce(not used.in_use, false) as given_up,
                served.grid is not null as has_team, how.urgency,
                named.grid is not null and not named.known and used.in_use is null and served.grid is null
                and exists (select from grid where grid.village = asked.village) as unheard_of,
                coalesce(kind.response_hours, own.response_hours, every.response_hours) as response_hours,
                coalesce(kind.resolution_hours, own.resolution_hours, every.resolution_hours) as resolution_hours
           from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) with ordinality
                as asked (village, household, grid, matter, title, urgency, place)
          cross join lateral (select coalesce(max(household.grid), asked.grid) as grid, count(*) > 0 as known
                                from household
                               where household.village = asked.village and household.id = asked.household) as named
           left join lateral (select grid.in_use
                                from grid
                               where grid.village = asked.village and grid.code = named.grid
                               limit 1) as used on true
           left join lateral (select team.grid
                                from team
                               where team.village = asked.village and team.grid = named.grid
                               limit 1) as served on true
           left join lateral (select urgency, response_hours, resolution_hours
                                from matter_type
                               where matter_type.village = asked.village
                                 and matter_type.matter = asked.matter
                                 and matter_type.title = asked.title
                               limit 1) as its on true
           left join lateral (select urgency, response_hours, resolution_hours
                                from default_matter_type
                               where its.urgency is null
                                 and default_matter_type.matter = asked.matter
                                 and default_matter_type.title = asked.title
                               limit 1) as first on true
          cross join lateral (select coalesce(asked.urgency, its.urgency, first.urgency, 'normal') as urgency) as how
           -- What a type says counts for its own urgency.
           left join lateral (select coalesce(its.response_hours, first.response_hours) as response_hours,
                                     coalesce(its.resolution_hours, first.resolution_hours) as resolution_hours
                               where how.urgency = coalesce(its.urgency, first.urgency)) as kind on true
           left join lateral (select response_hours, resolution_hours
                                from deadline
                               where deadline.village = asked.village
                                 and deadline.matter = asked.matter
                                 and deadline.urgency = how.urgency
                               limit 1) as own on true
           left join lateral (select response_hours, resolution_hours
                                from default_deadline
                               where default_deadline.matter = asked.matter
                                 and default_deadline.urgency = how.urgency
                               limit 1) as every on true
          order by asked.place",
    )
    .bind(asked.iter().map(|one| one.village.to_string()).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.household).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.grid.map(|grid| grid.to_string())).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.matter.as_str()).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.matter_type).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.urgency.map(Urgency::as_str)).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let limits = row.response_hours.zip(row.resolution_hours);
            let terms = limits.map(|(response_hours, resolution_hours)| Terms {
                urgency: row.urgency,
                response_hours,
                resolution_hours,
            });
            let place = Place::read(row.grid.as_deref(), row.known, row.given_up, row.has_team)?;
            Ok(Place { terms, grid_unheard_of: row.unheard_of, ..place })
        })
        .collect()
}

type TeamRow = (String, bool, Vec<Option<Uuid>>, Vec<Option<String>>);

/// Those of these grids that are known, in use or not, each with its team if that is known too.
pub(crate) async fn grids_find(
    tx: &mut Tx,
    village: VillageCode,
    grids: &[GridCode],
) -> Result<HashMap<GridCode, Option<Team>>> {
    let rows: Vec<TeamRow> = sqlx::query_as(
        "select asked.code, team.grid is not null,
                array[team.cadre, team.leader, team.representative],
                array[team.cadre_name, team.leader_name, team.representative_name]
           from unnest($2::text[]) as asked (code)
           left join grid on grid.village = $1 and grid.code = asked.code
           left join team on team.village = $1 and team.grid = asked.code
          where grid.code is not null or team.grid is not null",
    )
    .bind(village.as_str())
    .bind(grids.iter().map(GridCode::as_str).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|(code, has_team, members, names)| {
            let seats = members.into_iter().zip(names).filter_map(|(member, name)| member.zip(name)).collect();
            Ok((code.parse().map_err(Error::internal)?, has_team.then_some(Team { seats })))
        })
        .collect()
}

/// Is any grid of the village known?
pub(crate) async fn any_grid(tx: &mut Tx, village: VillageCode) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select from grid where village = $1)")
        .bind(village.as_str())
        .fetch_one(&mut **tx)
        .await?)
}

/// The households with these numbers, and their grids. An active household goes before one that no longer counts.
pub(crate) async fn households_find(
    tx: &mut Tx,
    village: VillageCode,
    numbers: &[&str],
) -> Result<HashMap<String, (Uuid, GridCode)>> {
    let rows: Vec<(String, Uuid, String)> = sqlx::query_as(
        "select wanted, id, grid
           from unnest($2::text[]) as asked (wanted)
          cross join lateral (select id, grid
                                from household
                               where village = $1 and number = wanted
                               order by active desc, id
                               limit 1) as household",
    )
    .bind(village.as_str())
    .bind(numbers)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|(number, id, grid)| Ok((number, (id, grid.parse().map_err(Error::internal)?)))).collect()
}

/// The numbers of these households.
pub(crate) async fn numbers_find(
    tx: &mut Tx,
    village: VillageCode,
    households: &[Uuid],
) -> Result<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("select id, number from household where village = $1 and id = any($2)")
            .bind(village.as_str())
            .bind(households)
            .fetch_all(&mut **tx)
            .await?;
    Ok(rows.into_iter().collect())
}

/// The names of all members who sit in the village's teams, by grid and member.
pub(crate) async fn seats_list(tx: &mut Tx, village: VillageCode) -> Result<HashMap<(GridCode, Uuid), String>> {
    let rows: Vec<(String, Uuid, String)> = sqlx::query_as(
        "select grid, member, name
           from team
          cross join lateral (values (cadre, cadre_name), (leader, leader_name), (representative, representative_name))
                as seat (member, name)
          where village = $1 and member is not null and name is not null",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|(grid, member, name)| Ok(((grid.parse().map_err(Error::internal)?, member), name))).collect()
}

/// Keeps a concern that waits for news of this village and the news itself from missing each other: whoever finds a
/// place unknown looks again behind this lock, and whoever brings news takes it ([`news_lock`]) before looking for
/// concerns that wait.
pub(crate) async fn waiting_lock(tx: &mut Tx, village: VillageCode) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock_shared(hashtextextended($1, 0))")
        .bind(village.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// See [`waiting_lock`]. The villages come in order, so that two readers do not wait for each other.
pub(crate) async fn news_lock(tx: &mut Tx, villages: &[&str]) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(village, 0)) from unnest($1::text[]) as news (village)")
        .bind(villages)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
