#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use super::*;
use crate::concern::{Matter, Outcome};

const VILLAGE: &str = "430112011211";

fn village() -> VillageCode {
    VILLAGE.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-05-01T04:00:00Z".parse().unwrap()
}

fn here() -> GridCode {
    "027".parse().unwrap()
}

fn entry() -> Entry {
    Entry {
        number: None,
        reported_on: "2023-05-01".parse().unwrap(),
        grid: Some(here()),
        representative: Some("戴华良".into()),
        household: Some("00001".into()),
        matter: Matter::Environment,
        matter_type: "路灯".into(),
        text: "路灯不亮".into(),
        state: State::Reported,
        resolved_on: None,
        result: String::new(),
        score: 0,
        accepted_on: None,
        followed_up_on: None,
        answered: None,
    }
}

fn closed() -> Entry {
    let resolved_on = Some("2023-05-09".parse().unwrap());
    Entry { state: State::Closed, resolved_on, result: "换了灯".into(), score: 4, ..entry() }
}

fn known(concerns: &[Concern]) -> Known {
    let team = Team { seats: vec![(Uuid::from_u128(7), "戴华良".into())] };
    Known {
        village: village(),
        concerns: concerns.iter().map(|one| (one.name.concern, one.clone())).collect(),
        by_reference: concerns.iter().map(|one| (one.reference.clone(), one.name.concern)).collect(),
        households: [("00001".to_owned(), (Uuid::from_u128(1), here()))].into(),
        grids: [(here(), Some(team)), ("028".parse().unwrap(), None)].into(),
    }
}

/// Takes an entry, and answers the step, if any.
fn take(known: &Known, entry: Entry) -> Option<Step> {
    let (_, id, entry) = identify(village(), vec![(2, entry)]).remove(0);
    known.take(known.id_of(id, &entry), &entry, now()).unwrap().step
}

#[test]
fn a_row_without_a_number_is_known_by_what_was_raised_and_not_by_how_far_it_got() {
    let rows = identify(village(), vec![(2, entry()), (3, entry()), (4, Entry { text: "另一件".into(), ..entry() })]);
    let ids: std::collections::HashSet<Uuid> = rows.iter().map(|(_, id, _)| *id).collect();
    assert_eq!(ids.len(), 3, "two rows that say the same are two concerns");
    assert_eq!(identify(village(), vec![(9, closed())])[0].1, rows[0].1);
    assert_ne!(identify("430112011212".parse().unwrap(), vec![(2, entry())])[0].1, rows[0].1);
}

#[test]
fn a_row_goes_in_as_far_as_it_says() {
    let step = take(&known(&[]), closed()).unwrap();
    let concern = step.concern;
    assert_eq!((step.kind, step.from, concern.state), (MoveKind::Imported, None, State::Closed));
    assert_eq!((concern.outcome, concern.score, concern.closed_on), (Some(Outcome::Satisfied), 4, concern.resolved_on));
    assert_eq!((concern.owner, concern.reporter), (Owner::Team(here()), Some(Uuid::from_u128(7))));
    assert_eq!((concern.resolved_by, concern.accepted_on), (None, None), "the ledger does not tell");
}

#[test]
fn a_grid_whose_team_is_not_known_yet_leaves_it_with_the_office() {
    let there = Entry { grid: Some("028".parse().unwrap()), household: None, representative: None, ..entry() };
    let concern = take(&known(&[]), there).unwrap().concern;
    assert_eq!((concern.owner, concern.routed), (Owner::Office, false));
}

#[test]
fn a_household_in_another_grid_is_told() {
    let (_, id, wrong) =
        identify(village(), vec![(2, Entry { grid: Some("028".parse().unwrap()), ..entry() })]).remove(0);
    let (column, refusal) = known(&[]).take(id, &wrong, now()).unwrap_err();
    assert_eq!((column, refusal.reason), ("微网格编号", "WRONG_GRID"));
}

#[test]
fn the_same_row_again_changes_nothing_even_if_the_concern_has_moved_on_or_away() {
    let first = take(&known(&[]), entry()).unwrap().concern;
    let moved_on = Concern { state: State::InProgress, text: "改过".into(), revision: 3, ..first };
    assert_eq!(take(&known(std::slice::from_ref(&moved_on)), entry()), None);
    let mut elsewhere = known(&[moved_on]);
    elsewhere.households.clear();
    elsewhere.grids.clear();
    assert_eq!(take(&elsewhere, entry()), None);
}

#[test]
fn a_later_state_is_taken_and_an_earlier_one_is_not() {
    let first = take(&known(&[]), entry()).unwrap().concern;
    let step = take(&known(&[first]), closed()).unwrap();
    assert_eq!((step.from, step.concern.state, step.concern.revision), (Some(State::Reported), State::Closed, 2));
    let back = Entry { state: State::Accepted, text: "补充".into(), ..entry() };
    let numbered = Entry { number: Some(step.concern.reference.clone()), ..back };
    let after = take(&known(&[step.concern]), numbered).unwrap().concern;
    assert_eq!((after.state, after.text.as_str(), after.score), (State::Closed, "补充", 4));
}

#[test]
fn a_corrected_grid_moves_it_unless_a_member_has_it() {
    let first = take(&known(&[]), Entry { household: None, ..entry() }).unwrap().concern;
    let moved = Entry {
        number: Some(first.reference.clone()),
        grid: Some("028".parse().unwrap()),
        household: None,
        representative: None,
        ..entry()
    };
    let step = take(&known(std::slice::from_ref(&first)), moved.clone()).unwrap();
    assert_eq!((step.concern.grid, step.concern.owner), (moved.grid, Owner::Office));
    let given = Concern { owner: Owner::Member(Uuid::from_u128(7)), ..first };
    assert_eq!(take(&known(&[given]), moved), None);
}

#[test]
fn what_the_ledger_says_is_resolved_nobody_here_resolved() {
    let before = take(&known(&[]), entry()).unwrap().concern;
    let reopened = Concern { state: State::InProgress, resolved_by: Some("cadre-1".into()), ..before };
    let resolved = Entry { state: State::Resolved, score: 0, ..closed() };
    assert_eq!(take(&known(std::slice::from_ref(&reopened)), resolved.clone()).unwrap().concern.resolved_by, None);
    let claimed = Concern { state: State::Resolved, resolved_on: resolved.resolved_on, ..reopened };
    let step = take(&known(std::slice::from_ref(&claimed)), resolved).unwrap();
    assert_eq!(step.concern.resolved_by, claimed.resolved_by, "the claim was made here before");
}
