//! What moves in a handover, and to whom. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::names::{GridCode, HandOverName, HouseholdName, LinkName, MemberName, TeamName};
use proto::reasons;
use proto::time::date;
use uuid::Uuid;

use crate::line::rules::Line;
use crate::link::rules::{Link, Origin};
use crate::member::rules::{Member, Office};
use crate::places::{Grid, unknown_grid};
use crate::plan::rules::{Due, DueState};
use crate::team::rules::{Holder, Seat, Team, line_of, office_for};

/// Seats and households of a member to be given to others.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) member: MemberName,
    /// The first part that fits a seat or a household says where it goes; what fits none stays.
    pub(crate) parts: Vec<Part>,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) reason: String,
    /// What the preview was known by; none: whatever it may be.
    pub(crate) preview: Option<String>,
}

/// Where a part of it goes.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// None: to nobody. Seats become vacant; households go to whoever represents their grid, or to nobody.
    pub(crate) successor: Option<MemberName>,
    /// None of them: every grid.
    pub(crate) grids: BTreeSet<GridCode>,
    /// None of them: every seat.
    pub(crate) seats: BTreeSet<Seat>,
    pub(crate) households_only: bool,
}

impl Order {
    /// Everybody who is to take something, once.
    pub(crate) fn successors(&self) -> BTreeSet<&MemberName> {
        self.parts.iter().filter_map(|part| part.successor.as_ref()).collect()
    }
}

impl Part {
    fn takes_seat(&self, grid: &GridCode, seat: Seat) -> bool {
        !self.households_only && self.covers(grid) && (self.seats.is_empty() || self.seats.contains(&seat))
    }

    /// Households go with the representative's seat, or by themselves.
    fn takes_households(&self, grid: &GridCode) -> bool {
        let with_the_seat = self.seats.is_empty() || self.seats.contains(&Seat::Representative);
        self.covers(grid) && (self.households_only || with_the_seat)
    }

    fn covers(&self, grid: &GridCode) -> bool {
        self.grids.is_empty() || self.grids.contains(grid)
    }
}

/// A household that the member serves.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) link: Link,
    pub(crate) number: String,
    pub(crate) grid: GridCode,
    /// The representative of its grid, and since when that member serves there.
    pub(crate) default: Option<(Uuid, NaiveDate)>,
}

/// How things stand with the member, and with those who are to follow.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    pub(crate) from: Member,
    pub(crate) successors: Vec<Member>,
    /// The teams in which the member sits.
    pub(crate) teams: Vec<Team>,
    /// Since when the member holds each seat.
    pub(crate) held_since: BTreeMap<(GridCode, Seat), NaiveDate>,
    pub(crate) served: Vec<Served>,
    pub(crate) grids: Vec<Grid>,
    pub(crate) lines: Vec<Line>,
}

/// What will move, all of it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) member: MemberName,
    pub(crate) day: NaiveDate,
    pub(crate) now: DateTime<Utc>,
    /// Teams of which seats move, as they then are.
    pub(crate) teams: Vec<Team>,
    pub(crate) seats: Vec<SeatMove>,
    pub(crate) households: Vec<HouseholdMove>,
    /// The visits that are due, by household: they are of whoever serves it, and so go with it.
    pub(crate) due: BTreeMap<Uuid, Due>,
    /// By which two plans are the same: what they move, of which revision, to whom.
    pub(crate) etag: String,
}

/// A seat that goes to somebody, or becomes vacant.
#[derive(Debug, Clone)]
pub(crate) struct SeatMove {
    pub(crate) team: TeamName,
    pub(crate) seat: Seat,
    pub(crate) successor: Option<Holder>,
}

/// A household that goes to somebody, or becomes a gap.
#[derive(Debug, Clone)]
pub(crate) struct HouseholdMove {
    pub(crate) household: HouseholdName,
    pub(crate) number: String,
    pub(crate) grid: GridCode,
    /// The link that ends.
    pub(crate) link: LinkName,
    /// The link that follows.
    pub(crate) begin: Option<Link>,
}

/// Decides what an order moves. Everybody who takes something serves on the day and now, in an office that fits; nothing
/// moves in advance, nor before the member had it.
///
/// # Errors
/// `IN_THE_FUTURE`, `NOT_SERVING`, `WRONG_OFFICE`, `GRID_RETIRED`; `ILLEGAL_MOVE` when nothing would move.
pub(crate) fn plan(order: &Order, situation: Situation, now: DateTime<Utc>, today: NaiveDate) -> Result<Plan> {
    let day = order.day.unwrap_or(today);
    if day > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{day} lies in the future")));
    }
    let Situation { from, successors, teams, held_since, served, grids, lines } = situation;
    for successor in &successors {
        if successor.name == from.name {
            return Err(Error::field("parts.successor", "is who hands over"));
        }
        successor.must_serve(day)?;
        successor.must_serve(today)?;
    }
    let named =
        |part: &Part| part.successor.as_ref().and_then(|name| successors.iter().find(|member| member.name == *name));

    let mut said = format!("{} {day}", from.name);
    let (mut seats, mut changed) = (Vec::new(), Vec::new());
    for before in teams {
        let mut team = before.clone();
        let grid = grids.iter().find(|grid| grid.name.grid == team.name.grid);
        for seat in Seat::ALL.iter().copied() {
            if before.holder(seat).is_none_or(|holder| holder.member != from.name.member) {
                continue;
            }
            let Some(part) = order.parts.iter().find(|part| part.takes_seat(&team.name.grid, seat)) else { continue };
            if let Some(since) = held_since.get(&(team.name.grid, seat)).filter(|since| day < **since) {
                let message =
                    format!("lies before {} took the {} seat of {}, on {since}", from.name, seat.as_str(), team.name);
                return Err(Error::field("date", message));
            }
            let successor = match named(part) {
                Some(member) => {
                    let grid = grid.ok_or_else(|| unknown_grid(&team.name.grid_name()))?;
                    grid.must_be_in_use()?;
                    let office = office_for(seat, member, None, line_of(grid, &lines))?;
                    member.must_serve_in(office, day)?;
                    member.must_serve_in(office, today)?;
                    Some(Holder::of(member, office))
                }
                None => None,
            };
            let _ = write!(said, "; {}@{} {} {:?}", team.name, before.revision, seat.as_str(), part.successor);
            *team.seat_mut(seat) = successor.clone();
            seats.push(SeatMove { team: team.name.clone(), seat, successor });
        }
        if team != before {
            team.forget_absences_of_others();
            changed.push(Team { revision: before.revision + 1, updated_at: now, ..team });
        }
    }

    let mut households = Vec::new();
    for one in served {
        let Some(part) = order.parts.iter().find(|part| part.takes_households(&one.grid)) else { continue };
        let Some(begin) = follow(&one, named(part), &from, &changed, order, day, now)? else { continue };
        let _ = write!(said, "; {}@{} {:?}", one.link.name, one.link.revision, begin.as_ref().map(|link| &link.name));
        households.push(HouseholdMove {
            household: one.link.household,
            number: one.number,
            grid: one.grid,
            link: one.link.name,
            begin,
        });
    }
    if seats.is_empty() && households.is_empty() {
        let message = format!("{} has no seat and no household that this would move", from.name);
        return Err(Error::refused(reasons::ILLEGAL_MOVE, message));
    }
    let etag = Uuid::new_v5(&Uuid::NAMESPACE_URL, said.as_bytes()).simple().to_string();
    Ok(Plan { member: from.name, day, now, teams: changed, seats, households, due: BTreeMap::new(), etag })
}

/// The link of a household after the one to the member who hands over: to the successor, by default if that one now
/// represents its grid and by choice otherwise; without successor, to whoever represents its grid. The outer none: it does
/// not move, since whoever hands over goes on representing its grid.
fn follow(
    served: &Served,
    successor: Option<&Member>,
    from: &Member,
    changed: &[Team],
    order: &Order,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Option<Option<Link>>> {
    let from_day = day.max(served.link.valid_from);
    let moved = changed.iter().find(|team| team.name.grid == served.grid);
    let default = match moved {
        Some(team) => team.representative.as_ref().map(|holder| (holder.member, day)),
        None => served.default,
    };
    let stays = default.is_some_and(|(member, _)| member == from.name.member);
    let link = |member: &MemberName, day, origin, reason: &str| {
        Some(served.link.followed_by(member.clone(), day, origin, reason.to_owned(), now))
    };
    let Some(successor) = successor else {
        let next = default.and_then(|(member, since)| {
            link(&MemberName::new(from.name.village, member), from_day.max(since), Origin::Default, "")
        });
        return Ok((!stays).then_some(next));
    };
    if !successor.offices.contains(&Office::Representative) {
        let message = format!("{} is no representative, and {} serves households", successor.name, from.name);
        return Err(Error::refused(reasons::WRONG_OFFICE, message));
    }
    successor.must_serve_in(Office::Representative, from_day)?;
    Ok(Some(if default.is_some_and(|(member, _)| member == successor.name.member) {
        link(&successor.name, from_day, Origin::Default, "")
    } else {
        link(&successor.name, from_day, Origin::Chosen, &order.reason)
    }))
}

impl Plan {
    /// Refuses to move anything else than was shown.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub(crate) fn must_be_as_shown(&self, preview: Option<&str>) -> Result<()> {
        match preview {
            Some(shown) if shown != self.etag => {
                Err(Error::Stale { name: format!("what {} has to hand over", self.member) })
            }
            _ => Ok(()),
        }
    }

    /// As it is answered; with a name once it is done.
    pub(crate) fn message(&self, name: Option<&HandOverName>) -> pb::HandOverResponse {
        let village = self.member.village;
        let seat = |one: &SeatMove| pb::SeatMove {
            team: one.team.to_string(),
            seat: one.seat.into(),
            successor: one.successor.clone().map(|holder| holder.message(village)),
        };
        let household = |one: &HouseholdMove| pb::HouseholdMove {
            household: one.household.to_string(),
            household_number: one.number.clone(),
            grid: proto::names::GridName::new(village, one.grid).to_string(),
            successor: one.begin.as_ref().map(|link| link.representative.to_string()).unwrap_or_default(),
            start_date: one.begin.as_ref().map(|link| date(link.valid_from)),
            origin: one.begin.as_ref().map_or(0, |link| link.origin.into()),
            due_state: self.due_of(one).map_or(0, |due| due.state.into()),
            due_on: self.due_of(one).map(|due| date(due.by)),
        };
        let due: Vec<DueState> = self.households.iter().filter_map(|one| Some(self.due_of(one)?.state)).collect();
        let uncovered = self.households.iter().filter(|one| one.begin.is_none()).count();
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        pb::HandOverResponse {
            name: name.map(ToString::to_string).unwrap_or_default(),
            preview_etag: self.etag.clone(),
            date: Some(date(self.day)),
            seats: self.seats.iter().map(seat).collect(),
            households: self.households.iter().map(household).collect(),
            household_count: count(self.households.len()),
            uncovered_count: count(uncovered),
            due_count: count(due.len()),
            overdue_count: count(due.iter().filter(|state| **state == DueState::Overdue).count()),
        }
    }

    fn due_of(&self, one: &HouseholdMove) -> Option<&Due> {
        self.due.get(&one.household.household)
    }
}

#[cfg(test)]
mod tests;
