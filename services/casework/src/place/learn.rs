//! News of others' records, in bulk: the newest revision wins, in whatever order it comes.

use platform::{Error, Result, Tx};
use proto::liaison::v1::{SeatHolder, TeamChanged};
use proto::names::{GridCode, GridName, HouseholdName, MemberName, TeamName, VillageCode, VillageName};
use proto::registry::v1::{GridChanged, GridState, HouseholdChanged, HouseholdState, VillageChanged, VillageState};
use uuid::Uuid;

/// Which villages are at work: in an archived one the database itself refuses whatever a caller asks to be written.
pub(crate) async fn villages_learn(tx: &mut Tx, news: &[VillageChanged]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<VillageName> = parsed(news.iter().map(|village| village.name.as_str()))?;
    sqlx::query(
        "insert into village (village, state, revision)
         select village, case when archived then 'archived' else 'active' end, revision
           from unnest($1::text[], $2::boolean[], $3::bigint[]) as news (village, archived, revision)
         on conflict (village) do update
            set state = excluded.state, revision = excluded.revision
          where excluded.revision > village.revision",
    )
    .bind(names.iter().map(|VillageName(code)| code.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.state() == VillageState::Archived).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn grids_learn(tx: &mut Tx, news: &[GridChanged]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<GridName> = parsed(news.iter().map(|grid| grid.name.as_str()))?;
    sqlx::query(
        "insert into grid (village, code, in_use, revision)
         select * from unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[])
         on conflict (village, code) do update
            set in_use = excluded.in_use, revision = excluded.revision
          where excluded.revision > grid.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.grid.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|grid| grid.state() != GridState::Retired).collect::<Vec<_>>())
    .bind(news.iter().map(|grid| grid.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn households_learn(tx: &mut Tx, news: &[HouseholdChanged]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<HouseholdName> = parsed(news.iter().map(|household| household.name.as_str()))?;
    let grids: Vec<GridName> = parsed(news.iter().map(|household| household.grid.as_str()))?;
    sqlx::query(
        "insert into household (village, id, number, grid, active, revision)
         select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::bigint[])
         on conflict (village, id) do update
            set number = excluded.number, grid = excluded.grid, active = excluded.active, revision = excluded.revision
          where excluded.revision > household.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.household).collect::<Vec<_>>())
    .bind(news.iter().map(|household| household.number.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.grid.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|household| household.state() == HouseholdState::Active).collect::<Vec<_>>())
    .bind(news.iter().map(|household| household.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Somebody who no longer sits in the team of a grid, and who holds the seat now, if anybody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeatLeft {
    pub(crate) village: VillageCode,
    pub(crate) grid: GridCode,
    pub(crate) member: Uuid,
    pub(crate) successor: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
struct SeatLeftRow {
    village: String,
    grid: String,
    member: Uuid,
    successor: Option<Uuid>,
}

/// Answers who has left a team with this news. Who left one seat for another of the same team has not.
pub(crate) async fn teams_learn(tx: &mut Tx, news: &[TeamChanged]) -> Result<Vec<SeatLeft>> {
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<TeamName> = parsed(news.iter().map(|team| team.name.as_str()))?;
    let cadres = Seats::read(news.iter().map(|team| team.cadre.as_ref()))?;
    let leaders = Seats::read(news.iter().map(|team| team.leader.as_ref()))?;
    let representatives = Seats::read(news.iter().map(|team| team.representative.as_ref()))?;
    let left: Vec<SeatLeftRow> = sqlx::query_as(
        "with news as (
             select *
               from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::uuid[],
                           $8::text[], $9::bigint[])
                    as news (village, grid, cadre, cadre_name, leader, leader_name, representative,
                             representative_name, revision)
         ), before as (
             select village, grid, team.cadre, team.leader, team.representative
               from team join news using (village, grid)
         ), learnt as (
             insert into team (village, grid, cadre, cadre_name, leader, leader_name, representative,
                               representative_name, revision)
             select * from news
             on conflict (village, grid) do update
                set cadre = excluded.cadre, cadre_name = excluded.cadre_name,
                    leader = excluded.leader, leader_name = excluded.leader_name,
                    representative = excluded.representative, representative_name = excluded.representative_name,
                    revision = excluded.revision
              where excluded.revision > team.revision
             returning village, grid, cadre, leader, representative
         )
         select distinct on (village, grid, seat.member) village, grid, seat.member, seat.successor
           from before
           join learnt using (village, grid)
          cross join lateral (values (1, before.representative, learnt.representative),
                                     (2, before.leader, learnt.leader),
                                     (3, before.cadre, learnt.cadre)) as seat (place, member, successor)
          where seat.member is not null
            and seat.member is distinct from learnt.cadre
            and seat.member is distinct from learnt.leader
            and seat.member is distinct from learnt.representative
          order by village, grid, seat.member, seat.successor is null, seat.place",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.grid.as_str()).collect::<Vec<_>>())
    .bind(cadres.members)
    .bind(cadres.names)
    .bind(leaders.members)
    .bind(leaders.names)
    .bind(representatives.members)
    .bind(representatives.names)
    .bind(news.iter().map(|team| team.revision).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    let read = |row: SeatLeftRow| {
        Ok(SeatLeft {
            village: row.village.parse().map_err(Error::internal)?,
            grid: row.grid.parse().map_err(Error::internal)?,
            member: row.member,
            successor: row.successor,
        })
    };
    left.into_iter().map(read).collect()
}

/// One seat of many teams, as two columns.
struct Seats<'a> {
    members: Vec<Option<Uuid>>,
    names: Vec<Option<&'a str>>,
}

impl<'a> Seats<'a> {
    fn read(holders: impl Iterator<Item = Option<&'a SeatHolder>>) -> Result<Self> {
        let mut seats = Self { members: Vec::new(), names: Vec::new() };
        for holder in holders {
            let name: Option<MemberName> =
                holder.map(|holder| holder.member.parse()).transpose().map_err(Error::internal)?;
            seats.members.push(name.map(|name| name.member));
            seats.names.push(holder.map(|holder| holder.display_name.as_str()));
        }
        Ok(seats)
    }
}

/// Names in news are its owner's; one that is none makes the news a dead letter.
fn parsed<'a, N: std::str::FromStr<Err = proto::names::NameError>>(
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<N>> {
    names.map(|name| name.parse().map_err(Error::internal)).collect()
}
