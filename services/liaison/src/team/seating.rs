//! Who held which seat, from when to when: kept with every change of a seat, and read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use platform::{Error, Page, Result, Tx};
use proto::names::{GridCode, MemberName, TeamName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use super::absence::Absence;
use super::rules::{Holder, Seat, Team};
use super::store::{team_get, teams_update};
use crate::link;
use crate::member::rules::Office;

/// That somebody held a seat.
#[derive(Debug, Clone)]
pub(crate) struct Seating {
    pub(crate) team: TeamName,
    pub(crate) seat: Seat,
    pub(crate) holder: Holder,
    pub(crate) valid_from: NaiveDate,
    pub(crate) valid_to: Option<NaiveDate>,
}

/// Which seatings a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) grid: Option<GridCode>,
    pub(crate) seat: Option<Seat>,
    pub(crate) member: Option<Uuid>,
    pub(crate) as_of: Option<NaiveDate>,
}

/// Every seat of these teams, as columns; a vacant one without member.
struct Seats {
    villages: Vec<String>,
    grids: Vec<String>,
    seats: Vec<&'static str>,
    members: Vec<Option<Uuid>>,
    offices: Vec<Option<&'static str>>,
}

impl Seats {
    fn of(teams: &[Team]) -> Self {
        let each = || teams.iter().flat_map(|team| Seat::ALL.iter().map(move |seat| (team, *seat)));
        let holder = |(team, seat): (&'_ Team, Seat)| team.holder(seat).map(|holder| (holder.member, holder.office));
        Self {
            villages: each().map(|(team, _)| team.name.village.to_string()).collect(),
            grids: each().map(|(team, _)| team.name.grid.to_string()).collect(),
            seats: each().map(|(_, seat)| seat.as_str()).collect(),
            members: each().map(|one| holder(one).map(|(member, _)| member)).collect(),
            offices: each().map(|one| holder(one).map(|(_, office)| office.as_str())).collect(),
        }
    }
}

/// Stores teams of which seats were given, left or passed on as of `day`, and what follows: seatings end and begin, and the
/// absences of those who left are over. Within it representatives may change places.
///
/// # Errors
/// `SEAT_TAKEN` when a representative would serve two grids, now or on an earlier day.
pub(crate) async fn seats_change(tx: &mut Tx, teams: &[Team], day: NaiveDate) -> Result<()> {
    let kept = async {
        teams_update(tx, teams).await?;
        let seats = Seats::of(teams);
        seatings_end(tx, &seats, day).await?;
        seatings_begin(tx, &seats, day).await?;
        absences_end(tx, &seats, day).await
    };
    match kept.await {
        Err(sqlx::Error::Database(error))
            if matches!(error.constraint(), Some("team_representative_once" | "seating_representative_once")) =>
        {
            let message = "a representative serves one grid: this one has another; vacate that seat first";
            Err(Error::refused(reasons::SEAT_TAKEN, message))
        }
        other => Ok(other?),
    }
}

/// Ends the seatings of those who no longer hold their seats. One that has not begun by then ends on its first day.
async fn seatings_end(tx: &mut Tx, seats: &Seats, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update seating
            set valid_to = greatest(seating.valid_from, $6)
           from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[])
                as new (village, grid, seat, member, office)
          where seating.village = new.village and seating.grid = new.grid and seating.seat = new.seat
            and seating.valid_to is null
            and (seating.member, seating.office) is distinct from (new.member, new.office)",
    )
    .bind(&seats.villages)
    .bind(&seats.grids)
    .bind(&seats.seats)
    .bind(&seats.members)
    .bind(&seats.offices)
    .bind(day)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins the seatings of those who took a seat. The first holder of a seat holds it since the term began, however late it
/// is entered, as the first links of the grid's households do; a later one follows on. Whoever takes a seat again on the
/// day of leaving it goes on holding it.
async fn seatings_begin(tx: &mut Tx, seats: &Seats, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into seating (village, grid, seat, member, office, valid_from)
         select new.village, new.grid, new.seat, new.member, new.office,
                case when before.free_from is null
                     then greatest(member.term_start, elsewhere.free_from,
                                   case when new.seat = 'representative' then member.represents_from end)
                     else greatest(before.free_from, $6) end
           from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[])
                as new (village, grid, seat, member, office)
           join member on member.village = new.village and member.id = new.member
          cross join lateral (
                select max(earlier.valid_to) as free_from
                  from seating earlier
                 where earlier.village = new.village and earlier.grid = new.grid and earlier.seat = new.seat
                   and earlier.valid_to > earlier.valid_from
                ) as before
          cross join lateral (
                select max(other.valid_to) as free_from
                  from seating other
                 where other.village = new.village and other.member = new.member
                   and other.seat = 'representative' and new.seat = 'representative'
                   and other.valid_to > other.valid_from
                ) as elsewhere
          where not exists (select from seating held
                             where held.village = new.village and held.grid = new.grid and held.seat = new.seat
                               and held.valid_to is null)
         on conflict (village, grid, seat, member, valid_from) do update
            set valid_to = null, office = excluded.office",
    )
    .bind(&seats.villages)
    .bind(&seats.grids)
    .bind(&seats.seats)
    .bind(&seats.members)
    .bind(&seats.offices)
    .bind(day)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Brings the history of seats up with teams that a replica of the version before it was kept has changed. There are none
/// once every replica is of this version.
pub(crate) async fn seatings_heal(tx: &mut Tx, today: NaiveDate) -> Result<()> {
    let behind: Vec<(String, String)> = sqlx::query_as(
        "select distinct team.village, team.grid
           from team
          cross join lateral (values ('cadre', team.cadre), ('leader', team.leader),
                                     ('representative', team.representative)) as held (seat, member)
           left join seating on seating.village = team.village and seating.grid = team.grid
                            and seating.seat = held.seat and seating.valid_to is null
          where seating.member is distinct from held.member
          order by team.village, team.grid",
    )
    .fetch_all(&mut **tx)
    .await?;
    if behind.is_empty() {
        return Ok(());
    }
    let mut names = Vec::with_capacity(behind.len());
    for (village, grid) in behind {
        names.push(TeamName::new(village.parse().map_err(Error::internal)?, grid.parse().map_err(Error::internal)?));
    }
    let villages: BTreeSet<VillageCode> = names.iter().map(|name| name.village).collect();
    link::lock(tx, villages).await?;
    let mut teams = Vec::with_capacity(names.len());
    for name in &names {
        teams.push(team_get(tx, name, today, true).await?);
    }
    let seats = Seats::of(&teams);
    seatings_end(tx, &seats, today).await?;
    Ok(seatings_begin(tx, &seats, today).await?)
}

/// Nobody stands in for those who no longer hold their seats.
async fn absences_end(tx: &mut Tx, seats: &Seats, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update absence
            set valid_to = greatest(absence.valid_from, $5)
           from unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) as new (village, grid, seat, member)
          where absence.village = new.village and absence.grid = new.grid and absence.seat = new.seat
            and absence.valid_to > greatest(absence.valid_from, $5)
            and absence.member is distinct from new.member",
    )
    .bind(&seats.villages)
    .bind(&seats.grids)
    .bind(&seats.seats)
    .bind(&seats.members)
    .bind(day)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The first day on which this seat was held by who holds it; none if it is vacant.
pub(crate) async fn held_since(tx: &mut Tx, name: &TeamName, seat: Seat) -> Result<Option<NaiveDate>> {
    let day = sqlx::query_scalar(
        "select valid_from from seating where village = $1 and grid = $2 and seat = $3 and valid_to is null",
    )
    .bind(name.village.as_str())
    .bind(name.grid.as_str())
    .bind(seat)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(day)
}

/// Since when a member holds each of their seats.
pub(crate) async fn held_by(tx: &mut Tx, member: &MemberName) -> Result<BTreeMap<(GridCode, Seat), NaiveDate>> {
    let rows: Vec<(String, Seat, NaiveDate)> = sqlx::query_as(
        "select grid, seat, valid_from from seating where village = $1 and member = $2 and valid_to is null",
    )
    .bind(member.village.as_str())
    .bind(member.member)
    .fetch_all(&mut **tx)
    .await?;
    let read = |(grid, seat, day): (String, Seat, NaiveDate)| Ok(((grid.parse().map_err(Error::internal)?, seat), day));
    rows.into_iter().map(read).collect()
}

/// Stores absences of one team as they now are.
pub(crate) async fn absences_keep(tx: &mut Tx, team: &TeamName, absences: &[Absence]) -> Result<(), sqlx::Error> {
    let stand_in = |absence: &Absence| absence.stand_in.as_ref().map(|holder| (holder.member, holder.office.as_str()));
    sqlx::query(
        "insert into absence (village, id, grid, seat, member, stand_in, stand_in_office, valid_from, valid_to)
         select $1, id, $2, seat, member, stand_in, stand_in_office, valid_from, valid_to
           from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::date[], $9::date[])
                as new (id, seat, member, stand_in, stand_in_office, valid_from, valid_to)
         on conflict (village, id) do update
            set stand_in = excluded.stand_in, stand_in_office = excluded.stand_in_office,
                valid_from = excluded.valid_from, valid_to = excluded.valid_to",
    )
    .bind(team.village.as_str())
    .bind(team.grid.as_str())
    .bind(absences.iter().map(|absence| absence.id).collect::<Vec<_>>())
    .bind(absences.iter().map(|absence| absence.seat.as_str()).collect::<Vec<_>>())
    .bind(absences.iter().map(|absence| absence.member).collect::<Vec<_>>())
    .bind(absences.iter().map(|absence| stand_in(absence).map(|(member, _)| member)).collect::<Vec<_>>())
    .bind(absences.iter().map(|absence| stand_in(absence).map(|(_, office)| office)).collect::<Vec<_>>())
    .bind(absences.iter().map(|absence| absence.valid_from).collect::<Vec<_>>())
    .bind(absences.iter().map(|absence| absence.valid_to).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The teams in which a member stands in for somebody, or is to.
pub(crate) async fn teams_covered_by(tx: &mut Tx, member: &MemberName, today: NaiveDate) -> Result<Vec<TeamName>> {
    let grids: Vec<String> = sqlx::query_scalar(
        "select distinct grid
           from absence
          where village = $1 and stand_in = $2 and valid_to > greatest(valid_from, $3)
          order by grid",
    )
    .bind(member.village.as_str())
    .bind(member.member)
    .bind(today)
    .fetch_all(&mut **tx)
    .await?;
    grids.iter().map(|grid| Ok(TeamName::new(member.village, grid.parse().map_err(Error::internal)?))).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    grid: String,
    seat: Seat,
    member: Uuid,
    display_name: String,
    office: Office,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
}

/// A page of seatings in these grids (none: all), the latest first day first. Those that were never in force are not shown.
pub(crate) async fn seating_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Seating>> {
    let after = page.after().map(after).transpose()?;
    let (day, grid, seat) = after.map_or((None, None, None), |(day, grid, seat)| (Some(day), Some(grid), Some(seat)));
    let rows: Vec<Row> = sqlx::query_as(
        "select seating.grid, seating.seat, seating.member, member.display_name, seating.office, seating.valid_from,
                seating.valid_to
           from seating
           join member on member.village = seating.village and member.id = seating.member
          where seating.village = $1
            and seating.valid_to is distinct from seating.valid_from
            and ($2::text[] is null or seating.grid = any ($2))
            and ($3::text is null or seating.grid = $3)
            and ($4::text is null or seating.seat = $4)
            and ($5::uuid is null or seating.member = $5)
            and ($6::date is null or (seating.valid_from <= $6 and (seating.valid_to is null or $6 < seating.valid_to)))
            and ($7::date is null or seating.valid_from < $7
                 or (seating.valid_from = $7 and (seating.grid, seating.seat) > ($8, $9)))
          order by seating.valid_from desc, seating.grid, seating.seat
          limit $10",
    )
    .bind(village.as_str())
    .bind(grids)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(filter.seat)
    .bind(filter.member)
    .bind(filter.as_of)
    .bind(day)
    .bind(grid)
    .bind(seat)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.of(*village)).collect()
}

/// Where a page goes on: the first day, grid and seat of its last row.
fn after(key: &str) -> Result<(NaiveDate, String, Seat)> {
    let mut parts = key.splitn(3, '/');
    let read = (|| Some((parts.next()?.parse().ok()?, parts.next()?.to_owned(), Seat::from_word(parts.next()?)?)))();
    read.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))
}

impl Seating {
    /// Its place in the list.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.valid_from, self.team.grid, self.seat.as_str())
    }
}

impl Row {
    fn of(self, village: VillageCode) -> Result<Seating> {
        Ok(Seating {
            team: TeamName::new(village, self.grid.parse().map_err(Error::internal)?),
            seat: self.seat,
            holder: Holder { member: self.member, display_name: self.display_name, office: self.office },
            valid_from: self.valid_from,
            valid_to: self.valid_to,
        })
    }
}
