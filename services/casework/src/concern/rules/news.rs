//! What becomes of a concern when others' news comes: where it belongs is known now, or who answered for it has left. Pure.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::concern::deadline;
use crate::concern::owner::Owner;
use crate::concern::record::{Concern, MoveKind, State, Step};
use crate::place::{Place, SeatLeft};

/// Brings a concern that waits for news as far as the news allows: to its grid, and to the grid's team. Until then it
/// is the village office's, since only who is known can be given it; what the sub-district has meanwhile stays there.
pub(crate) fn route(before: Concern, place: &Place, now: DateTime<Utc>) -> Option<Step> {
    let (grid, team) = (place.grid, place.team);
    match team {
        _ if before.routed => None,
        Some(team) => Some(Step::after(before, MoveKind::Routed, now, |concern| {
            concern.grid = grid;
            concern.routed = true;
            if concern.owner == Owner::Office {
                concern.owner = Owner::Team(team);
            }
        })),
        None if before.grid.is_none() && grid.is_some() => {
            Some(Step::after(before, MoveKind::Updated, now, |concern| concern.grid = grid))
        }
        None => None,
    }
}

/// A concern that one of those who left a seat in its grid owned, or was asked to take on, as it goes on: with who holds that
/// seat now, or with the team. So is one that is part of a common demand, since whose it is matters again when it is taken out
/// or answered. Its clock goes on as it did; where nobody is asked to take it on any more, nobody has to answer.
pub(crate) fn pass_on(before: Concern, left: &[SeatLeft], now: DateTime<Utc>) -> Option<Step> {
    let grid = before.grid?;
    let left_by = |member: Uuid| {
        left.iter().find(|one| one.village == before.name.village && one.grid == grid && one.member == member)
    };
    let next = |owner: Owner| match owner {
        Owner::Member(member) => {
            left_by(member).map_or(owner, |one| one.successor.map_or(Owner::Team(grid), Owner::Member))
        }
        other => other,
    };
    let (owner, assignee) = (next(before.owner), before.assignee.map(next));
    let over = before.state.is_over() && before.state != State::Merged;
    if over || (owner, assignee) == (before.owner, before.assignee) {
        return None;
    }
    // What was assigned to the one who owns it now needs no assignment.
    let assignee = assignee.filter(|assignee| *assignee != owner);
    Some(Step::after(before, MoveKind::SeatChanged, now, |concern| {
        concern.owner = owner;
        concern.assignee = assignee;
        concern.deadline.respond_by = concern.deadline.respond_by.filter(|_| deadline::answerer(concern).is_some());
    }))
}

#[cfg(test)]
mod tests;
