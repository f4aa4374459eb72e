//! How a concern moves. Pure; the table of moves is [`next`], and nothing moves a concern past it but a ledger.

use chrono::{DateTime, NaiveDate, Utc};
use platform::clock::village_day;
use platform::{Error, Result};
use proto::names::{ConcernName, GridCode};
use proto::reasons;
use uuid::Uuid;

use super::record::{Concern, Matter, MoveKind, Outcome, Owner, State, Step};
use crate::place::{Place, Team};

/// What somebody does with a concern, as far as the table of moves cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Accept,
    Assign,
    Start,
    Resolve,
    FollowUp(Outcome),
    Update,
}

/// The table of moves: what may be done in which state, and where it leads. What is not here is refused.
pub(crate) const fn next(state: State, act: Act) -> Option<State> {
    use Act::{Accept, Assign, FollowUp, Resolve, Start, Update};
    use Outcome::{NotReached, NotSatisfied, PartlySatisfied, Satisfied};
    use State::{Accepted, Closed, Deliberating, InProgress, Reported, Resolved};
    match (state, act) {
        // Those it was reported to take it on.
        (Reported, Accept) => Some(Accepted),
        // It is given to somebody else, once it is taken on and until it is solved.
        (Accepted | InProgress | Deliberating, Assign) => Some(state),
        // Work begins, or goes on after the two committees.
        (Accepted | Deliberating, Start) => Some(InProgress),
        // The handler says it is solved.
        (InProgress | Deliberating, Resolve) => Some(Resolved),
        // The household is asked, and closes it or sends it back; who was not reached is asked again.
        (Resolved, FollowUp(Satisfied | PartlySatisfied)) => Some(Closed),
        (Resolved, FollowUp(NotSatisfied)) => Some(InProgress),
        (Resolved, FollowUp(NotReached)) => Some(Resolved),
        // What it says can be put right until it is closed.
        (Reported | Accepted | InProgress | Deliberating | Resolved, Update) => Some(state),
        _ => None,
    }
}

/// Every act, in the order of a concern's life, by the method that does it.
const ACTS: &[(Act, &str)] = &[
    (Act::Accept, "AcceptConcern"),
    (Act::Assign, "AssignConcern"),
    (Act::Start, "StartConcern"),
    (Act::Resolve, "ResolveConcern"),
    (Act::FollowUp(Outcome::Satisfied), "FollowUpConcern"),
    (Act::Update, "UpdateConcern"),
];

/// The state that follows, or a refusal that names what is possible.
fn moved(from: State, act: Act) -> Result<State> {
    next(from, act).ok_or_else(|| {
        let possible: Vec<&str> =
            ACTS.iter().filter(|(act, _)| next(from, *act).is_some()).map(|(_, method)| *method).collect();
        let possible = if possible.is_empty() { "nothing".to_owned() } else { possible.join(", ") };
        let state = from.as_str();
        Error::refused(reasons::ILLEGAL_MOVE, format!("the concern is {state}; what can be done with it: {possible}"))
    })
}

/// A concern to be reported.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: ConcernName,
    pub(crate) reference: Option<String>,
    pub(crate) matter: Matter,
    pub(crate) matter_type: String,
    pub(crate) text: String,
    pub(crate) household: Option<Uuid>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) reporter: Option<Uuid>,
    pub(crate) reported_on: Option<NaiveDate>,
}

/// A concern begins with its grid's team, or with the village office as long as the team is not known.
pub(crate) fn report(draft: Draft, place: &Place, now: DateTime<Utc>) -> Result<Step> {
    let today = village_day(now);
    let reported_on = draft.reported_on.unwrap_or(today);
    if reported_on > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, "a concern cannot be raised on a day to come"));
    }
    if place.grid_given_up && !place.household_known {
        return Err(Error::refused(
            reasons::GRID_RETIRED,
            "the grid has been given up; name the one that took its place",
        ));
    }
    let concern = Concern {
        reference: draft.reference.unwrap_or_else(|| reference(reported_on, draft.name.concern)),
        name: draft.name,
        matter: draft.matter,
        matter_type: draft.matter_type,
        text: draft.text,
        household: draft.household,
        grid: place.grid,
        reporter: draft.reporter,
        state: State::Reported,
        owner: place.team.map_or(Owner::Office, Owner::Team),
        routed: place.team.is_some(),
        reported_on,
        accepted_on: None,
        resolved_on: None,
        followed_up_on: None,
        closed_on: None,
        result: String::new(),
        resolved_by: None,
        outcome: None,
        score: 0,
        ledger_row: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(Step { concern, kind: MoveKind::Reported, from: None, note: String::new() })
}

/// A number for a concern to which the village gave none: the day and six signs of its id. One in a thousand million
/// is taken already, and is then refused; counting instead would make all reports of a village wait for each other.
pub(crate) fn reference(reported_on: NaiveDate, id: Uuid) -> String {
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // without I, L, O and U, which are misread
    let bits = id.as_u128();
    let signs: String = (0..6)
        .filter_map(|place| SIGNS.get(usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0)))
        .map(|sign| char::from(*sign))
        .collect();
    format!("{}-{signs}", reported_on.format("%y%m%d"))
}

/// What somebody does with a concern, with all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Accept,
    /// With the team of the concern's grid, or of the grid that is to have it, as far as it is known.
    Assign(Owner, Option<Team>),
    Start,
    Resolve {
        result: String,
    },
    FollowUp {
        outcome: Outcome,
        score: i32,
    },
    Update(Update),
}

/// What an update changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Update {
    pub(crate) matter: Option<Matter>,
    pub(crate) matter_type: Option<String>,
    pub(crate) text: Option<String>,
}

impl Command {
    const fn act(&self) -> Act {
        match self {
            Self::Accept => Act::Accept,
            Self::Assign(..) => Act::Assign,
            Self::Start => Act::Start,
            Self::Resolve { .. } => Act::Resolve,
            Self::FollowUp { outcome, .. } => Act::FollowUp(*outcome),
            Self::Update(_) => Act::Update,
        }
    }

    const fn kind(&self) -> MoveKind {
        match self {
            Self::Accept => MoveKind::Accepted,
            Self::Assign(..) => MoveKind::Assigned,
            Self::Start => MoveKind::Started,
            Self::Resolve { .. } => MoveKind::Resolved,
            Self::FollowUp { .. } => MoveKind::FollowedUp,
            Self::Update(_) => MoveKind::Updated,
        }
    }
}

/// Carries out a command of `subject`, if the state and the rules allow it.
pub(crate) fn act(before: Concern, command: Command, subject: &str, now: DateTime<Utc>) -> Result<Step> {
    let state = moved(before.state, command.act())?;
    match &command {
        Command::Assign(owner, team) => may_own(*owner, team.as_ref())?,
        Command::FollowUp { .. } if before.resolved_by.as_deref() == Some(subject) => {
            let message = "you resolved this concern yourself; someone else has to ask the household";
            return Err(Error::refused(reasons::FOLLOW_UP_BY_HANDLER, message));
        }
        _ => {}
    }
    let today = village_day(now);
    Ok(Step::after(before, command.kind(), now, |concern| {
        concern.state = state;
        match command {
            Command::Accept => concern.accepted_on = Some(today),
            Command::Assign(owner, _) => {
                concern.owner = owner;
                // A team that can be given it, or whose member can, is known.
                concern.routed = concern.routed || owner != Owner::Office;
                if let Owner::Team(grid) = owner {
                    // Whoever answers for it must see it, and a team sees its grid.
                    concern.grid = Some(grid);
                }
            }
            Command::Start => {}
            Command::Resolve { result } => {
                concern.resolved_on = Some(today);
                concern.resolved_by = Some(subject.to_owned());
                concern.result = result;
            }
            Command::FollowUp { outcome, score } => {
                concern.followed_up_on = Some(today);
                concern.outcome = Some(outcome);
                concern.score = score;
                concern.closed_on = (state == State::Closed).then_some(today);
            }
            Command::Update(update) => {
                concern.matter = update.matter.unwrap_or(concern.matter);
                if let Some(matter_type) = update.matter_type {
                    concern.matter_type = matter_type;
                }
                if let Some(text) = update.text {
                    concern.text = text;
                }
            }
        }
    }))
}

/// A team can own a concern if it is known, a member if it sits in the concern's team, the office always.
fn may_own(owner: Owner, team: Option<&Team>) -> Result<()> {
    match (owner, team) {
        (Owner::Office, _) | (Owner::Team(_), Some(_)) => Ok(()),
        (Owner::Team(grid), None) => {
            Err(Error::refused(reasons::UNKNOWN_GRID, format!("casework knows no team of grid {grid}")))
        }
        (Owner::Member(member), team) if team.is_some_and(|team| team.has(member)) => Ok(()),
        (Owner::Member(_), _) => {
            Err(Error::refused(reasons::NOT_IN_TEAM, "the member has no seat in the team of the concern's grid"))
        }
    }
}

/// Brings a concern that waits for news as far as the news allows: to its grid, and to the grid's team. Until then it
/// is the village office's, since only who is known can be given it.
pub(crate) fn route(before: Concern, place: &Place, now: DateTime<Utc>) -> Option<Step> {
    let (grid, team) = (place.grid, place.team);
    match team {
        _ if before.routed => None,
        Some(team) => Some(Step::after(before, MoveKind::Routed, now, |concern| {
            concern.grid = grid;
            concern.routed = true;
            concern.owner = Owner::Team(team);
        })),
        None if before.grid.is_none() && grid.is_some() => {
            Some(Step::after(before, MoveKind::Updated, now, |concern| concern.grid = grid))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests;
