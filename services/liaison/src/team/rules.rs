//! Whom a seat fits. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::team_changed::Happened;
use proto::names::{GridCode, MemberName, TeamName, VillageCode};
use proto::reasons;
use proto::time::timestamp;
use uuid::Uuid;

use super::absence::Absence;
use crate::line::rules::{LEADERS, Line};
use crate::member::rules::{Member, Office};
use crate::places::Grid;

platform::choice! {
    /// The three seats of a team.
    pub(crate) enum Seat as proto::liaison::v1::Seat {
        Cadre = "cadre",
        Leader = "leader",
        Representative = "representative",
    }
}

/// Who holds a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) member: Uuid,
    pub(crate) display_name: String,
    pub(crate) office: Office,
}

/// A team; a seat without a holder is vacant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Team {
    pub(crate) name: TeamName,
    pub(crate) cadre: Option<Holder>,
    pub(crate) leader: Option<Holder>,
    pub(crate) representative: Option<Holder>,
    /// Absences of its holders that have not ended, in the order of their first days.
    pub(crate) absences: Vec<Absence>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Team {
    /// The team of a new grid.
    pub(crate) fn new(village: VillageCode, grid: GridCode, now: DateTime<Utc>) -> Self {
        Self {
            name: TeamName::new(village, grid),
            cadre: None,
            leader: None,
            representative: None,
            absences: Vec::new(),
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Are all three seats held?
    pub(crate) fn complete(&self) -> bool {
        self.cadre.is_some() && self.leader.is_some() && self.representative.is_some()
    }

    /// The offices in which a member sits here.
    pub(crate) fn offices_of(&self, member: &MemberName) -> impl Iterator<Item = Office> {
        let member = member.member;
        let seats = [&self.cadre, &self.leader, &self.representative];
        seats.into_iter().flatten().filter(move |holder| holder.member == member).map(|holder| holder.office)
    }

    /// Who holds this seat.
    pub(crate) fn holder(&self, seat: Seat) -> Option<&Holder> {
        match seat {
            Seat::Cadre => self.cadre.as_ref(),
            Seat::Leader => self.leader.as_ref(),
            Seat::Representative => self.representative.as_ref(),
        }
    }

    /// The absence of a holder ends when another takes the seat, or nobody.
    pub(crate) fn forget_absences_of_others(&mut self) {
        let absences = std::mem::take(&mut self.absences);
        let still = |one: &Absence| self.holder(one.seat).is_some_and(|holder| holder.member == one.member);
        self.absences = absences.into_iter().filter(still).collect();
    }

    pub(crate) fn seat_mut(&mut self, seat: Seat) -> &mut Option<Holder> {
        match seat {
            Seat::Cadre => &mut self.cadre,
            Seat::Leader => &mut self.leader,
            Seat::Representative => &mut self.representative,
        }
    }

    /// The news of this team as it now stands.
    pub(crate) fn news(&self, happened: Happened) -> Result<Change> {
        let village = self.name.village;
        Change::of(&pb::TeamChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            grid: self.name.grid_name().to_string(),
            cadre: self.cadre.clone().map(|holder| holder.message(village)),
            leader: self.leader.clone().map(|holder| holder.message(village)),
            representative: self.representative.clone().map(|holder| holder.message(village)),
            complete: self.complete(),
            absences: self.absences.iter().cloned().map(|absence| absence.message(village)).collect(),
        })
    }
}

impl Holder {
    /// This member, in this office.
    pub(crate) fn of(member: &Member, office: Office) -> Self {
        Self { member: member.name.member, display_name: member.display_name.clone(), office }
    }

    /// As answers and news say it.
    pub(crate) fn message(self, village: VillageCode) -> pb::SeatHolder {
        pb::SeatHolder {
            member: MemberName::new(village, self.member).to_string(),
            display_name: self.display_name,
            office: self.office.into(),
        }
    }
}

/// A member to be seated.
#[derive(Debug, Clone)]
pub(crate) struct SeatMember {
    pub(crate) name: TeamName,
    pub(crate) expected: Option<i64>,
    pub(crate) seat: Seat,
    pub(crate) member: MemberName,
    pub(crate) leader_office: Option<Office>,
}

/// A seat to be emptied.
#[derive(Debug, Clone)]
pub(crate) struct VacateSeat {
    pub(crate) name: TeamName,
    pub(crate) expected: Option<i64>,
    pub(crate) seat: Seat,
}

/// Which teams a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) complete: Option<bool>,
    pub(crate) member: Option<Uuid>,
}

/// A vacant seat of a grid in use goes to a member of the right office who serves today.
pub(crate) fn seat(
    before: Team,
    command: &SeatMember,
    member: &Member,
    grid: &Grid,
    lines: &[Line],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Team, Change)> {
    grid.must_be_in_use()?;
    let mut team = before;
    let seat = team.seat_mut(command.seat);
    if seat.is_some() {
        let message = format!("the {} seat of {} is held; vacate it first", command.seat.as_str(), command.name);
        return Err(Error::refused(reasons::SEAT_TAKEN, message));
    }
    member.must_serve(today)?;
    let office = office_for(command.seat, member, command.leader_office, line_of(grid, lines))?;
    member.must_serve_in(office, today)?;
    *seat = Some(Holder::of(member, office));
    team.revision += 1;
    team.updated_at = now;
    let change = team.news(Happened::Seated)?;
    Ok((team, change))
}

/// A seat that is held is emptied; answers also who left it.
pub(crate) fn vacate(before: Team, seat: Seat, now: DateTime<Utc>) -> Result<(Team, Holder, Change)> {
    let mut team = before;
    let left = team.seat_mut(seat).take().ok_or_else(|| {
        Error::refused(reasons::ILLEGAL_MOVE, format!("the {} seat of {} is vacant", seat.as_str(), team.name))
    })?;
    team.forget_absences_of_others();
    team.revision += 1;
    team.updated_at = now;
    let change = team.news(Happened::Vacated)?;
    Ok((team, left, change))
}

/// The line that a grid says it lies on.
pub(crate) fn line_of<'l>(grid: &Grid, lines: &'l [Line]) -> Option<&'l Line> {
    lines.iter().find(|line| Some(line.kind) == grid.line)
}

/// The office in which a member may hold a seat. For the leader's seat it is `wished`, or else the first leader's
/// office that the member holds and the line admits.
///
/// # Errors
/// `WRONG_OFFICE`.
pub(crate) fn office_for(seat: Seat, member: &Member, wished: Option<Office>, line: Option<&Line>) -> Result<Office> {
    let admits = |office: &Office| match seat {
        Seat::Cadre => *office == Office::Cadre,
        Seat::Representative => *office == Office::Representative,
        Seat::Leader => {
            LEADERS.contains(office)
                && wished.is_none_or(|wished| wished == *office)
                && line.is_none_or(|line| line.leader_offices.contains(office))
        }
    };
    member.offices.iter().copied().find(admits).ok_or_else(|| {
        let message = format!("{} holds no office that fits the {} seat", member.name, seat.as_str());
        Error::refused(reasons::WRONG_OFFICE, message)
    })
}

#[cfg(test)]
mod tests;
