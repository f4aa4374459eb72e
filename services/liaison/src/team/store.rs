//! Teams in the database.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Page, Result, Tx};
use proto::names::{MemberName, TeamName, VillageCode};
use uuid::Uuid;

use super::absence::Absence;
use super::rules::{Filter, Holder, Seat, Team};
use crate::member::rules::Office;

/// Teams with those of their absences that have not ended on the day `$2`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select team.village, team.grid, team.cadre, cadre.display_name as cadre_name, team.leader,
                    leader.display_name as leader_name, team.leader_office, team.representative,
                    representative.display_name as representative_name, team.revision, team.created_at, team.updated_at,
                    away.*
               from team
               left join member cadre on cadre.village = team.village and cadre.id = team.cadre
               left join member leader on leader.village = team.village and leader.id = team.leader
               left join member representative
                      on representative.village = team.village and representative.id = team.representative
              cross join lateral (
                    select array_agg(one.id) as absences, array_agg(one.seat) as absent_seats,
                           array_agg(one.member) as absent, array_agg(one.stand_in) as stand_ins,
                           array_agg(one.display_name) as stand_in_names, array_agg(one.stand_in_office) as stand_in_offices,
                           array_agg(one.valid_from) as absent_from, array_agg(one.valid_to) as absent_to
                      from (select absence.id, absence.seat, absence.member, absence.stand_in, absence.stand_in_office,
                                   absence.valid_from, absence.valid_to, member.display_name
                              from absence
                              left join member on member.village = absence.village and member.id = absence.stand_in
                             where absence.village = team.village and absence.grid = team.grid
                               and absence.valid_to > $2 and absence.valid_to > absence.valid_from
                             order by absence.valid_from, absence.id) as one
                    ) as away
              where team.village = $1 ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    village: String,
    grid: String,
    cadre: Option<Uuid>,
    cadre_name: Option<String>,
    leader: Option<Uuid>,
    leader_name: Option<String>,
    leader_office: Option<Office>,
    representative: Option<Uuid>,
    representative_name: Option<String>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    absences: Option<Vec<Uuid>>,
    absent_seats: Option<Vec<String>>,
    absent: Option<Vec<Uuid>>,
    stand_ins: Option<Vec<Option<Uuid>>>,
    stand_in_names: Option<Vec<Option<String>>>,
    stand_in_offices: Option<Vec<Option<String>>>,
    absent_from: Option<Vec<NaiveDate>>,
    absent_to: Option<Vec<NaiveDate>>,
}

impl Row {
    /// The columns of absences, which are equally long, as absences.
    fn absences(&mut self) -> Result<Vec<Absence>> {
        let mut seats = self.absent_seats.take().unwrap_or_default().into_iter();
        let mut members = self.absent.take().unwrap_or_default().into_iter();
        let mut stand_ins = self.stand_ins.take().unwrap_or_default().into_iter();
        let mut names = self.stand_in_names.take().unwrap_or_default().into_iter();
        let mut offices = self.stand_in_offices.take().unwrap_or_default().into_iter();
        let mut from = self.absent_from.take().unwrap_or_default().into_iter();
        let mut to = self.absent_to.take().unwrap_or_default().into_iter();
        let ids = self.absences.take().unwrap_or_default().into_iter();
        let read = |id: Uuid| {
            let stand_in = stand_ins.next()?.zip(names.next()?).zip(offices.next()?);
            let stand_in = stand_in.and_then(|((member, display_name), office)| {
                Some(Holder { member, display_name, office: Office::from_word(&office)? })
            });
            Some(Absence {
                id,
                seat: Seat::from_word(&seats.next()?)?,
                member: members.next()?,
                stand_in,
                valid_from: from.next()?,
                valid_to: to.next()?,
            })
        };
        ids.map(read).collect::<Option<_>>().ok_or_else(|| Error::internal("an absence lacks a column"))
    }
}

impl TryFrom<Row> for Team {
    type Error = Error;

    fn try_from(mut row: Row) -> Result<Self> {
        let absences = row.absences()?;
        let holder = |member: Option<Uuid>, display_name: Option<String>, office: Option<Office>| {
            Some(Holder { member: member?, display_name: display_name?, office: office? })
        };
        Ok(Self {
            name: TeamName::new(
                row.village.parse().map_err(Error::internal)?,
                row.grid.parse().map_err(Error::internal)?,
            ),
            cadre: holder(row.cadre, row.cadre_name, Some(Office::Cadre)),
            leader: holder(row.leader, row.leader_name, row.leader_office),
            representative: holder(row.representative, row.representative_name, Some(Office::Representative)),
            absences,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// One team; `for_update` keeps others from changing it until this transaction ends.
pub(crate) async fn team_get(tx: &mut Tx, name: &TeamName, today: NaiveDate, for_update: bool) -> Result<Team> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        select!("and team.grid = $3 for update of team")
    } else {
        select!("and team.grid = $3")
    })
    .bind(name.village.as_str())
    .bind(today)
    .bind(name.grid.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.try_into()
}

/// Who is the representative of a grid, if somebody is.
pub(crate) async fn representative_of(tx: &mut Tx, name: &TeamName) -> Result<Option<Uuid>> {
    let row: Option<Option<Uuid>> =
        sqlx::query_scalar("select representative from team where village = $1 and grid = $2")
            .bind(name.village.as_str())
            .bind(name.grid.as_str())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(row.flatten())
}

/// Who is the representative of each grid that has one.
pub(crate) async fn representatives_all(tx: &mut Tx, village: &VillageCode) -> Result<BTreeMap<String, Uuid>> {
    let rows: Vec<(String, Uuid)> =
        sqlx::query_as("select grid, representative from team where village = $1 and representative is not null")
            .bind(village.as_str())
            .fetch_all(&mut **tx)
            .await?;
    Ok(rows.into_iter().collect())
}

/// A page of the teams of these grids (none: all), in the order of their grids.
pub(crate) async fn team_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    today: NaiveDate,
    page: &Page,
) -> Result<Vec<Team>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "and team.grid > $3
         and ($4::text[] is null or team.grid = any ($4))
         and ($5::boolean is null or $5 = (num_nulls(team.cadre, team.leader, team.representative) = 0))
         and ($6::uuid is null or $6 in (team.cadre, team.leader, team.representative))
         order by team.grid
         limit $7"
    ))
    .bind(village.as_str())
    .bind(today)
    .bind(page.after_text())
    .bind(grids)
    .bind(filter.complete)
    .bind(filter.member)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Every team of a village, for an import that compares them with its sheet; nobody changes them meanwhile.
pub(crate) async fn teams_all(tx: &mut Tx, village: &VillageCode, today: NaiveDate) -> Result<Vec<Team>> {
    let rows: Vec<Row> = sqlx::query_as(select!("order by team.grid for update of team"))
        .bind(village.as_str())
        .bind(today)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The teams in which a member sits; nobody changes them meanwhile.
pub(crate) async fn teams_of_member(tx: &mut Tx, member: &MemberName, today: NaiveDate) -> Result<Vec<Team>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "and $3 in (team.cadre, team.leader, team.representative) order by team.grid for update of team"
    ))
    .bind(member.village.as_str())
    .bind(today)
    .bind(member.member)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Makes those of these teams that do not exist, with their seats vacant, and answers which they are.
pub(crate) async fn teams_insert(tx: &mut Tx, teams: &[Team]) -> Result<Vec<Team>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "insert into team (village, grid, revision, created_at, updated_at)
         select village, grid, 1, created_at, created_at
           from unnest($1::text[], $2::text[], $3::timestamptz[]) as new (village, grid, created_at)
         on conflict (village, grid) do nothing
         returning village, grid",
    )
    .bind(teams.iter().map(|team| team.name.village.to_string()).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| team.name.grid.to_string()).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| team.created_at).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    let made = |team: &&Team| {
        rows.iter().any(|(village, grid)| team.name.village.as_str() == village && team.name.grid.as_str() == grid)
    };
    Ok(teams.iter().filter(made).cloned().collect())
}

/// Stores teams as they now are, in one statement, within which representatives may change places. Who takes or leaves a
/// seat does so with [`super::seating::seats_change`].
pub(crate) async fn teams_update(tx: &mut Tx, teams: &[Team]) -> Result<(), sqlx::Error> {
    let member = |holder: &Option<Holder>| holder.as_ref().map(|holder| holder.member);
    sqlx::query(
        "update team
            set cadre = new.cadre, leader = new.leader, leader_office = new.leader_office,
                representative = new.representative, revision = new.revision, updated_at = new.updated_at
           from unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[],
                       $8::timestamptz[])
                as new (village, grid, cadre, leader, leader_office, representative, revision, updated_at)
          where team.village = new.village and team.grid = new.grid",
    )
    .bind(teams.iter().map(|team| team.name.village.to_string()).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| team.name.grid.to_string()).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| member(&team.cadre)).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| member(&team.leader)).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| team.leader.as_ref().map(|holder| holder.office.as_str())).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| member(&team.representative)).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| team.revision).collect::<Vec<_>>())
    .bind(teams.iter().map(|team| team.updated_at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
