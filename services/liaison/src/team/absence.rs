//! Who stands in when the holder of a seat is absent, from which day to which. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::team_changed::Happened;
use proto::names::{MemberName, TeamName, VillageCode};
use proto::reasons;
use proto::time::date;
use uuid::Uuid;

use super::rules::{Holder, Seat, Team, line_of, office_for};
use crate::line::rules::Line;
use crate::member::rules::Member;
use crate::places::Grid;

/// Days on which the holder of a seat is absent: from the first until the day before the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) id: Uuid,
    pub(crate) seat: Seat,
    /// Who is absent.
    pub(crate) member: Uuid,
    /// Who stands in; nobody is a gap.
    pub(crate) stand_in: Option<Holder>,
    pub(crate) valid_from: NaiveDate,
    pub(crate) valid_to: NaiveDate,
}

impl Absence {
    /// As answers and news say it.
    pub(crate) fn message(self, village: VillageCode) -> pb::Absence {
        pb::Absence {
            seat: self.seat.into(),
            member: MemberName::new(village, self.member).to_string(),
            stand_in: self.stand_in.map(|holder| holder.message(village)),
            start_date: Some(date(self.valid_from)),
            end_date: Some(date(self.valid_to)),
        }
    }

    fn overlaps(&self, from: NaiveDate, to: NaiveDate) -> bool {
        self.valid_from < to && from < self.valid_to && self.valid_from < self.valid_to
    }
}

/// An absence to be noted.
#[derive(Debug, Clone)]
pub(crate) struct CoverSeat {
    pub(crate) name: TeamName,
    pub(crate) expected: Option<i64>,
    pub(crate) seat: Seat,
    pub(crate) stand_in: Option<MemberName>,
    pub(crate) start: Option<NaiveDate>,
    pub(crate) end: NaiveDate,
}

/// An absence to be ended before its time.
#[derive(Debug, Clone)]
pub(crate) struct UncoverSeat {
    pub(crate) name: TeamName,
    pub(crate) expected: Option<i64>,
    pub(crate) seat: Seat,
    pub(crate) start: Option<NaiveDate>,
    pub(crate) end: Option<NaiveDate>,
}

/// What an absence is decided by, besides the team.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'c> {
    /// The first day on which the seat's holder held it; none if the seat is vacant.
    pub(crate) held_since: Option<NaiveDate>,
    /// Who is to stand in.
    pub(crate) stand_in: Option<&'c Member>,
    pub(crate) grid: &'c Grid,
    pub(crate) lines: &'c [Line],
    pub(crate) now: DateTime<Utc>,
    pub(crate) today: NaiveDate,
}

/// The team with one more absence, those of its absences that are new or changed, and the news of it. Of an absence without
/// stand-in only the days are left that this one does not cover.
pub(crate) fn cover(
    before: Team,
    command: &CoverSeat,
    known: Circumstances<'_>,
    mut new_id: impl FnMut() -> Uuid,
) -> Result<(Team, Vec<Absence>, Change)> {
    known.grid.must_be_in_use()?;
    let mut team = before;
    let holder = team.seat_mut(command.seat).clone().zip(known.held_since);
    let (holder, held_since) = holder.ok_or_else(|| {
        let message = format!("the {} seat of {} is vacant; seat somebody", command.seat.as_str(), command.name);
        Error::refused(reasons::ILLEGAL_MOVE, message)
    })?;
    let (from, to) = (command.start.unwrap_or(known.today), command.end);
    if from < held_since {
        return Err(Error::field("start_date", format!("lies before the holder took the seat, on {held_since}")));
    }
    if to <= from.max(known.today) {
        return Err(Error::field("end_date", "has to lie after the first day and after today"));
    }
    let stand_in = known.stand_in.map(|member| stand_in(command.seat, &holder, member, from, to, known)).transpose()?;
    let mut changed = Vec::new();
    for absence in team.absences.iter_mut().filter(|one| one.seat == command.seat && one.overlaps(from, to)) {
        if absence.stand_in.is_some() {
            return Err(covered(&command.name, absence.valid_from, absence.valid_to));
        }
        if absence.valid_to > to {
            changed.push(Absence { id: new_id(), valid_from: to, ..absence.clone() });
        }
        absence.valid_to = from.max(absence.valid_from);
        changed.push(absence.clone());
    }
    let absence =
        Absence { id: new_id(), seat: command.seat, member: holder.member, stand_in, valid_from: from, valid_to: to };
    changed.push(absence);
    let news = changed.iter().filter(|one| !team.absences.iter().any(|known| known.id == one.id)).cloned();
    let news: Vec<Absence> = news.collect();
    team.absences.extend(news);
    let (team, change) = told(team, known.now, known.today)?;
    Ok((team, changed, change))
}

/// The team with an absence that ends before its time, that absence, and the news of it.
pub(crate) fn uncover(
    before: Team,
    command: &UncoverSeat,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Team, Absence, Change)> {
    let mut team = before;
    let meant = |one: &&mut Absence| {
        one.seat == command.seat
            && command.start.map_or(one.overlaps(today, today.succ_opt().unwrap_or(today)), |day| day == one.valid_from)
    };
    let absence = team.absences.iter_mut().find(meant).ok_or_else(|| {
        let message = format!("no such absence of the {} seat of {}", command.seat.as_str(), command.name);
        Error::refused(reasons::ILLEGAL_MOVE, message)
    })?;
    let end = command.end.unwrap_or_else(|| today.max(absence.valid_from));
    if end < absence.valid_from || end > absence.valid_to {
        let message = format!("has to lie between {} and {}", absence.valid_from, absence.valid_to);
        return Err(Error::field("end_date", message));
    }
    absence.valid_to = end;
    let ended = absence.clone();
    let (team, change) = told(team, now, today)?;
    Ok((team, ended, change))
}

/// The refusal of a second absence on the same day.
pub(crate) fn covered(team: &TeamName, from: NaiveDate, to: NaiveDate) -> Error {
    let message = format!("an absence from this seat of {team} from {from} to {to} is noted already; end it first");
    Error::refused(reasons::SEAT_COVERED, message)
}

fn stand_in(
    seat: Seat,
    holder: &Holder,
    member: &Member,
    from: NaiveDate,
    to: NaiveDate,
    known: Circumstances<'_>,
) -> Result<Holder> {
    if member.name.member == holder.member {
        return Err(Error::field("stand_in", "is who holds the seat"));
    }
    member.must_serve(from)?;
    member.must_serve(to.pred_opt().unwrap_or(to))?;
    let office = office_for(seat, member, None, line_of(known.grid, known.lines))?;
    member.must_serve_in(office, from)?;
    member.must_serve_in(office, to.pred_opt().unwrap_or(to))?;
    Ok(Holder::of(member, office))
}

/// The team as it is told after a change of its absences: without those that are over.
fn told(mut team: Team, now: DateTime<Utc>, today: NaiveDate) -> Result<(Team, Change)> {
    team.absences.retain(|absence| absence.valid_to > today.max(absence.valid_from));
    team.absences.sort_by_key(|absence| (absence.valid_from, absence.id));
    team.revision += 1;
    team.updated_at = now;
    let change = team.news(Happened::Covered)?;
    Ok((team, change))
}

#[cfg(test)]
mod tests;
