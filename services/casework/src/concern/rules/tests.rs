#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use platform::Error;
use proptest::prelude::*;

use super::*;

const HANDLER: &str = "handler";
const CALLER: &str = "caller";

fn now() -> DateTime<Utc> {
    "2026-05-01T04:00:00Z".parse().unwrap()
}

fn grid() -> GridCode {
    "027".parse().unwrap()
}

fn place() -> Place {
    Place { grid: Some(grid()), household_known: true, grid_given_up: false, team: Some(grid()) }
}

fn team() -> Team {
    Team { seats: vec![(Uuid::from_u128(7), "戴华良".into())] }
}

fn draft() -> Draft {
    Draft {
        name: ConcernName::new("430112011211".parse().unwrap(), Uuid::from_u128(1)),
        reference: None,
        matter: Matter::OutreachEducation,
        matter_type: "儿童活动场所".into(),
        text: "孩子放学后无处可去。".into(),
        household: Some(Uuid::from_u128(2)),
        grid: None,
        reporter: None,
        reported_on: None,
    }
}

fn reported() -> Concern {
    report(draft(), &place(), now()).unwrap().concern
}

fn in_state(state: State) -> Concern {
    Concern { state, ..reported() }
}

fn reason(refused: Result<Step>) -> &'static str {
    match refused {
        Err(Error::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// The table of moves once more, as the village office would tell it: state by state, what can be done and what becomes
/// of the concern.
fn told(state: State) -> Vec<(Act, State)> {
    use Outcome::{NotReached, NotSatisfied, PartlySatisfied, Satisfied};
    match state {
        State::Reported => vec![(Act::Accept, State::Accepted), (Act::Update, state)],
        State::Accepted => vec![(Act::Assign, state), (Act::Start, State::InProgress), (Act::Update, state)],
        State::InProgress => vec![(Act::Assign, state), (Act::Resolve, State::Resolved), (Act::Update, state)],
        State::Deliberating => vec![
            (Act::Assign, state),
            (Act::Start, State::InProgress),
            (Act::Resolve, State::Resolved),
            (Act::Update, state),
        ],
        State::Resolved => vec![
            (Act::FollowUp(Satisfied), State::Closed),
            (Act::FollowUp(PartlySatisfied), State::Closed),
            (Act::FollowUp(NotSatisfied), State::InProgress),
            (Act::FollowUp(NotReached), State::Resolved),
            (Act::Update, state),
        ],
        State::Closed => vec![],
    }
}

fn every_act() -> Vec<Act> {
    let follow_ups = Outcome::ALL.iter().map(|outcome| Act::FollowUp(*outcome));
    [Act::Accept, Act::Assign, Act::Start, Act::Resolve, Act::Update].into_iter().chain(follow_ups).collect()
}

fn command(act: Act) -> Command {
    match act {
        Act::Accept => Command::Accept,
        Act::Assign => Command::Assign(Owner::Member(Uuid::from_u128(7)), Some(team())),
        Act::Start => Command::Start,
        Act::Resolve => Command::Resolve { result: "儿童之家已开放".into() },
        Act::FollowUp(outcome) => {
            Command::FollowUp { outcome, score: if outcome == Outcome::NotReached { 0 } else { 3 } }
        }
        Act::Update => Command::Update(Update { text: Some("改过".into()), ..Update::default() }),
    }
}

#[test]
fn every_state_allows_what_is_told_of_it_and_nothing_else() {
    for state in State::ALL {
        for one in every_act() {
            let expected = told(*state).into_iter().find(|(told, _)| *told == one).map(|(_, next)| next);
            match (act(in_state(*state), command(one), CALLER, now()), expected) {
                (Ok(step), Some(next)) => {
                    assert_eq!((step.from, step.concern.state), (Some(*state), next), "{state:?} {one:?}");
                    assert_eq!(step.concern.revision, 2);
                }
                (Err(Error::Refused { reason: reasons::ILLEGAL_MOVE, .. }), None) => {}
                (outcome, expected) => panic!("{state:?} {one:?}: {outcome:?}, told {expected:?}"),
            }
        }
    }
}

#[test]
fn a_refusal_names_what_is_possible() {
    let refused = act(in_state(State::Reported), Command::Start, CALLER, now()).unwrap_err().to_string();
    assert_eq!(refused, "the concern is reported; what can be done with it: AcceptConcern, UpdateConcern");
    let refused = act(in_state(State::Closed), Command::Accept, CALLER, now()).unwrap_err().to_string();
    assert_eq!(refused, "the concern is closed; what can be done with it: nothing");
}

#[test]
fn a_concern_begins_with_its_grids_team_or_with_the_office_while_that_is_not_known() {
    let concern = reported();
    assert_eq!(
        (concern.owner, concern.routed, concern.reported_on.to_string()),
        (Owner::Team(grid()), true, "2026-05-01".into())
    );
    let concern = report(draft(), &Place::default(), now()).unwrap().concern;
    assert_eq!((concern.owner, concern.routed, concern.grid), (Owner::Office, false, None));
}

#[test]
fn a_concern_of_tomorrow_is_refused() {
    let tomorrow = Draft { reported_on: Some("2026-05-02".parse().unwrap()), ..draft() };
    assert_eq!(reason(report(tomorrow, &place(), now())), reasons::IN_THE_FUTURE);
}

#[test]
fn a_grid_that_was_given_up_takes_no_concern_but_its_last_households_do() {
    let place = Place { grid_given_up: true, ..place() };
    assert!(report(draft(), &place, now()).is_ok());
    assert_eq!(reason(report(draft(), &Place { household_known: false, ..place }, now())), reasons::GRID_RETIRED);
}

#[test]
fn whoever_resolved_it_does_not_ask_the_household() {
    let resolved = act(in_state(State::InProgress), command(Act::Resolve), HANDLER, now()).unwrap().concern;
    let ask = || command(Act::FollowUp(Outcome::Satisfied));
    assert_eq!(reason(act(resolved.clone(), ask(), HANDLER, now())), reasons::FOLLOW_UP_BY_HANDLER);
    let closed = act(resolved, ask(), CALLER, now()).unwrap().concern;
    assert_eq!(
        (closed.state, closed.closed_on, closed.followed_up_on),
        (State::Closed, closed.resolved_on, closed.resolved_on)
    );
}

#[test]
fn a_household_that_is_not_satisfied_sends_it_back_and_the_claim_stays_on_record() {
    let resolved = act(in_state(State::InProgress), command(Act::Resolve), HANDLER, now()).unwrap().concern;
    let back = act(resolved, command(Act::FollowUp(Outcome::NotSatisfied)), CALLER, now()).unwrap().concern;
    assert_eq!((back.state, back.outcome, back.closed_on), (State::InProgress, Some(Outcome::NotSatisfied), None));
    assert!(back.resolved_on.is_some() && back.followed_up_on.is_some());
}

#[test]
fn a_member_owns_it_only_with_a_seat_in_the_team() {
    let give = |owner, team| act(in_state(State::Accepted), Command::Assign(owner, team), CALLER, now());
    assert!(give(Owner::Member(Uuid::from_u128(7)), Some(team())).is_ok());
    assert_eq!(reason(give(Owner::Member(Uuid::from_u128(8)), Some(team()))), reasons::NOT_IN_TEAM);
    assert_eq!(reason(give(Owner::Member(Uuid::from_u128(7)), None)), reasons::NOT_IN_TEAM);
    assert_eq!(reason(give(Owner::Team("028".parse().unwrap()), None)), reasons::UNKNOWN_GRID);
    assert!(give(Owner::Office, None).is_ok());
}

#[test]
fn given_to_another_team_it_moves_to_that_teams_grid() {
    let other: GridCode = "028".parse().unwrap();
    let step =
        act(in_state(State::Accepted), Command::Assign(Owner::Team(other), Some(team())), CALLER, now()).unwrap();
    assert_eq!((step.concern.grid, step.concern.owner), (Some(other), Owner::Team(other)));
}

#[test]
fn news_brings_a_waiting_concern_to_its_grid_and_then_to_its_team() {
    let waiting = report(draft(), &Place::default(), now()).unwrap().concern;
    assert_eq!(route(waiting.clone(), &Place::default(), now()), None);
    let found = route(waiting, &Place { team: None, ..place() }, now()).unwrap().concern;
    assert_eq!((found.grid, found.routed, found.revision), (Some(grid()), false, 2));
    assert_eq!(route(found.clone(), &Place { team: None, ..place() }, now()), None);
    let step = route(found, &place(), now()).unwrap();
    assert_eq!((step.kind, step.concern.owner, step.concern.routed), (MoveKind::Routed, Owner::Team(grid()), true));
    assert_eq!(route(step.concern, &place(), now()), None);
}

#[test]
fn a_number_of_the_system_has_the_day_and_signs_that_are_not_misread() {
    let reference = reference("2026-05-01".parse().unwrap(), Uuid::from_u128(u128::MAX));
    assert_eq!(reference, "260501-ZZZZZZ");
}

/// Anything that may happen to a concern: an act, or news of its place.
fn happening() -> impl Strategy<Value = Result<Act, Place>> {
    let acts = proptest::sample::select(every_act()).prop_map(Ok);
    let places =
        proptest::sample::select(vec![Place::default(), Place { team: None, ..place() }, place()]).prop_map(Err);
    prop_oneof![4 => acts, 1 => places]
}

/// What holds for every concern at every moment.
fn holds(concern: &Concern) {
    assert_eq!(concern.state == State::Closed, concern.closed_on.is_some());
    assert!(!matches!(concern.state, State::Resolved | State::Closed) || concern.resolved_on.is_some());
    assert!(concern.routed || concern.owner == Owner::Office, "what waits is the office's");
    assert!(concern.household.is_some() || concern.grid.is_some());
    assert_eq!(concern.outcome.is_some(), concern.followed_up_on.is_some());
}

proptest! {
    /// A village's concerns, whatever is done with them: each is in one state and has an owner, every step raises the
    /// revision by one, what is refused changes nothing, and the states add up to what was reported.
    #[test]
    fn whatever_is_done_the_books_are_right(lives in proptest::collection::vec(proptest::collection::vec(happening(), 0..30), 1..8)) {
        let mut village: Vec<Concern> = Vec::new();
        for life in &lives {
            let mut concern = report(draft(), &Place::default(), now()).unwrap().concern;
            for what in life {
                let before = concern.clone();
                let step = match what {
                    Ok(one) => act(concern.clone(), command(*one), CALLER, now()).ok(),
                    Err(place) => route(concern.clone(), place, now()),
                };
                if let Some(step) = step {
                    prop_assert_eq!(step.from, Some(before.state));
                    prop_assert_eq!(step.concern.revision, before.revision + 1);
                    prop_assert!(step.news().is_ok());
                    concern = step.concern;
                }
                holds(&concern);
            }
            village.push(concern);
        }
        let by_state: usize = State::ALL.iter().map(|state| village.iter().filter(|one| one.state == *state).count()).sum();
        prop_assert_eq!(by_state, lives.len());
    }
}
