#![allow(clippy::unwrap_used, reason = "a test may fail")]

use proto::names::{ConcernName, GridCode};

use super::*;
use crate::concern::deadline::{Deadline, Now, Terms, Urgency};
use crate::concern::record::{Matter, State};

const LEFT: Owner = Owner::Member(Uuid::from_u128(7));
const SUCCESSOR: Owner = Owner::Member(Uuid::from_u128(8));

fn grid() -> GridCode {
    "027".parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-05-01T04:00:00Z".parse().unwrap()
}

/// A concern of grid 027 that stands so, with a day to answer and five to solve.
fn concern(state: State, owner: Owner, assignee: Option<Owner>) -> Concern {
    let name = ConcernName::new("430112011211".parse().unwrap(), Uuid::from_u128(1));
    let mut concern = Concern::new(name, Matter::Environment, "路灯不亮".into(), now().date_naive(), now());
    let terms = Terms { urgency: Urgency::Normal, response_hours: 8, resolution_hours: 40 };
    concern.deadline = Deadline::begin(&terms, Now { at: now(), calendar: &Default::default() });
    concern.grid = Some(grid());
    concern.state = state;
    concern.owner = owner;
    concern.assignee = assignee;
    concern
}

/// That member 7 has left a seat of grid 027, which is now held by whoever is named.
fn left(successor: Option<u128>) -> [SeatLeft; 1] {
    let village = "430112011211".parse().unwrap();
    [SeatLeft { village, grid: grid(), member: Uuid::from_u128(7), successor: successor.map(Uuid::from_u128) }]
}

#[test]
fn whoever_holds_the_seat_now_has_it_or_else_the_team() {
    let before = concern(State::InProgress, LEFT, None);
    assert_eq!(pass_on(before.clone(), &left(Some(8)), now()).unwrap().concern.owner, SUCCESSOR);
    assert_eq!(pass_on(before, &left(None), now()).unwrap().concern.owner, Owner::Team(grid()));
    let of_another = concern(State::InProgress, SUCCESSOR, None);
    assert_eq!(pass_on(of_another, &left(None), now()), None);
}

#[test]
fn a_merged_concern_is_passed_on_too_as_it_may_be_taken_out_again() {
    let mut merged = concern(State::Merged, LEFT, Some(LEFT));
    merged.deadline.respond_by = None;
    let step = pass_on(merged.clone(), &left(Some(8)), now()).unwrap();
    assert_eq!((step.concern.owner, step.concern.assignee), (SUCCESSOR, None));
    assert_eq!((step.concern.state, &step.concern.deadline), (State::Merged, &merged.deadline));
    assert_eq!(pass_on(step.concern, &left(Some(8)), now()), None, "news that comes twice finds nobody who left");
}

#[test]
fn what_is_over_stays_whose_it_was() {
    for state in [State::Closed, State::Declined, State::Withdrawn] {
        assert_eq!(pass_on(concern(state, LEFT, None), &left(Some(8)), now()), None);
    }
}

#[test]
fn whoever_is_asked_to_take_it_on_has_the_time_that_was_left() {
    let asked = concern(State::Accepted, Owner::Office, Some(LEFT));
    let step = pass_on(asked.clone(), &left(Some(8)), now()).unwrap();
    assert_eq!((step.concern.assignee, &step.concern.deadline), (Some(SUCCESSOR), &asked.deadline));
}

#[test]
fn where_the_team_has_it_already_nobody_is_asked_to_answer_any_more() {
    let asked = concern(State::Accepted, Owner::Team(grid()), Some(LEFT));
    let step = pass_on(asked.clone(), &left(None), now()).unwrap();
    assert_eq!((step.concern.owner, step.concern.assignee), (asked.owner, None));
    assert_eq!((step.concern.deadline.respond_by, step.concern.deadline.due_at), (None, asked.deadline.due_at));
    let reported = pass_on(Concern { state: State::Reported, ..asked.clone() }, &left(None), now()).unwrap();
    assert_eq!(reported.concern.deadline, asked.deadline, "the team has it to answer");
}
