//! Where a concern begins, whom it goes to, how its household answers; and whole lives, in which the books are always right.

use proptest::prelude::*;

use super::super::super::record::reference;
use super::*;

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
    assert_eq!(
        reason(report(draft(), &Place { household_known: false, ..place.clone() }, now())),
        reasons::GRID_RETIRED
    );
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
    assert_eq!(reason(give(Owner::Subdistrict, Some(team()))), reasons::ILLEGAL_MOVE);
    assert!(give(Owner::Member(Uuid::from_u128(7)), Some(team())).is_ok());
    assert_eq!(reason(give(Owner::Member(Uuid::from_u128(8)), Some(team()))), reasons::NOT_IN_TEAM);
    assert_eq!(reason(give(Owner::Member(Uuid::from_u128(7)), None)), reasons::NOT_IN_TEAM);
    assert_eq!(reason(give(Owner::Team("028".parse().unwrap()), None)), reasons::UNKNOWN_GRID);
    assert!(give(Owner::Office, None).is_ok());
}

#[test]
fn reopened_it_goes_back_to_whoever_had_it_unless_they_have_left_the_team() {
    let of = |member, state| Concern { owner: Owner::Member(Uuid::from_u128(member)), ..in_state(state) };
    for state in [State::Closed, State::Declined] {
        assert_eq!(does(of(7, state), Act::Reopen).owner, Owner::Member(Uuid::from_u128(7)));
        assert_eq!(does(of(8, state), Act::Reopen).owner, Owner::Team(grid()));
        let unknown = act(of(7, state), Command::Reopen(None), CALLER, now()).unwrap().concern;
        assert_eq!(unknown.owner, Owner::Team(grid()));
    }
    assert_eq!(does(Concern { owner: Owner::Office, ..in_state(State::Closed) }, Act::Reopen).owner, Owner::Office);
}

#[test]
fn accepted_by_another_team_it_moves_to_that_teams_grid() {
    let other: GridCode = "028".parse().unwrap();
    let give = Command::Assign(Owner::Team(other), Some(team()));
    let given = act(in_state(State::Accepted), give, CALLER, now()).unwrap().concern;
    assert_eq!((given.grid, given.owner), (Some(grid()), Owner::Team(grid())));
    let taken = does(given, Act::Accept);
    assert_eq!((taken.grid, taken.owner), (Some(other), Owner::Team(other)));
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
    assert_eq!(reference, "260501-ZZZZZZZZ");
}

/// Anything that may happen to a concern: an act, or news of its place.
fn happening() -> impl Strategy<Value = Result<(Act, Office), Place>> {
    let offices =
        proptest::sample::select(vec![Office::Officer, Office::Clerk, Office::Leader, Office::Representative]);
    let acts = (proptest::sample::select(every_act()), offices).prop_map(Ok);
    let places =
        proptest::sample::select(vec![Place::default(), Place { team: None, ..place() }, place()]).prop_map(Err);
    prop_oneof![4 => acts, 1 => places]
}

/// What holds for every concern at every moment.
fn holds(concern: &Concern) {
    assert_eq!(concern.state == State::Closed, concern.closed_on.is_some());
    assert!(!matches!(concern.state, State::Resolved | State::Closed) || concern.resolved_on.is_some());
    assert!(
        concern.routed || matches!(concern.owner, Owner::Office | Owner::Subdistrict),
        "what waits is the office's, or was escalated"
    );
    assert_eq!(concern.state.is_over(), concern.ended_on.is_some());
    assert!(concern.confirmed_on.is_none() || concern.outcome == Some(Outcome::Satisfied));
    let over = concern.state.is_over() && concern.state != State::Merged;
    assert!(!over || concern.assignee.is_none(), "nobody has to answer what is over");
    assert!(concern.state != State::Merged || concern.demand.is_some() && concern.deadline.respond_by.is_none());
    assert!(concern.reopenings < 2 || concern.supervised);
    assert!(concern.returns <= 2);
    assert!(concern.household.is_some() || concern.grid.is_some());
    assert_eq!(concern.outcome.is_some(), concern.followed_up_on.is_some());
    assert!(concern.deliberation.is_none() || concern.state == State::Deliberating);
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
                    Ok((one, office)) => {
                        super::super::act(concern.clone(), command(*one), "有缘由", who(CALLER, *office), at(now())).ok()
                    }
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

#[test]
fn what_was_handed_over_is_given_back_also_after_the_end_which_keeps_its_day() {
    let held = does(reported(), Act::ReceivePapers);
    let later = now() + chrono::Duration::days(3);
    let withdrawn = does(held, Act::Withdraw);
    let back = act(withdrawn.clone(), command(Act::ReturnPapers), CALLER, later).unwrap().concern;
    assert_eq!((back.state, back.ended_on), (State::Withdrawn, withdrawn.ended_on));
    assert!(!back.holds_papers());
    assert_eq!(reason(act(back, command(Act::ReturnPapers), CALLER, later)), reasons::ILLEGAL_MOVE);
}
