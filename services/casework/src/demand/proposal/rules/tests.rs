#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use super::*;

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-03-02T01:00:00Z".parse().unwrap()
}

fn lights() -> Kind {
    Kind { matter: crate::concern::Matter::Environment, matter_type: "路灯".into() }
}

/// Concerns about the same light, of these households.
fn found(households: &[u128]) -> Found {
    let one = |(place, household): (usize, &u128)| Candidate {
        concern: Uuid::from_u128(u128::try_from(place).unwrap()),
        household: Some(Uuid::from_u128(1000 + household)),
        grid: Some("027".parse().unwrap()),
        text: format!("{household}栋后路灯不亮，晚上出行不便"),
    };
    let concerns = households.iter().enumerate().map(one).collect();
    Found { concerns: BTreeMap::from([(lights(), concerns)]), more: false }
}

fn looks(households: &[u128], standing: &[Proposal]) -> Vec<Proposal> {
    look(village(), found(households), standing, now())
}

fn clerk() -> Authority {
    platform::Caller::service("casework").within(&village()).unwrap()
}

#[test]
fn three_households_are_proposed_once_and_two_are_not() {
    assert!(looks(&[1, 2], &[]).is_empty());
    assert!(looks(&[1, 2, 2, 1], &[]).is_empty(), "a household that says it twice is one");
    let first = looks(&[1, 2, 3], &[]);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].state, first[0].group.concerns.len(), first[0].revision), (State::Open, 3, 1));
    assert!(looks(&[1, 2, 3], &first).is_empty(), "looking again changes nothing");
    assert_eq!(looks(&[1, 2, 3], &[])[0].name, first[0].name, "whoever finds the same makes the same");
}

#[test]
fn an_open_one_grows_with_what_comes() {
    let first = looks(&[1, 2, 3], &[]);
    let grown = looks(&[1, 2, 3, 4], &first).remove(0);
    assert_eq!((&grown.name, grown.revision, grown.group.households.len()), (&first[0].name, 2, 4));
}

#[test]
fn a_dismissed_one_comes_again_with_another_household_only() {
    let dismissed = looks(&[1, 2, 3], &[]).remove(0).dismiss("不是一回事".into(), &clerk(), now()).unwrap();
    let standing = [dismissed];
    assert!(looks(&[1, 2, 3], &standing).is_empty());
    assert!(looks(&[1, 2, 3, 3], &standing).is_empty(), "one of them has said it again");
    let again = looks(&[1, 2, 3, 4], &standing).remove(0);
    assert_ne!(again.name, standing[0].name);
    assert_eq!((again.state, again.group.concerns.len()), (State::Open, 4));
}

#[test]
fn what_was_taken_and_taken_apart_again_is_not_proposed_again() {
    let taken = looks(&[1, 2, 3], &[]).remove(0).take(Uuid::from_u128(7), &clerk(), now()).unwrap();
    assert!(looks(&[1, 2, 3], &[taken]).is_empty());
}

#[test]
fn one_of_which_too_few_are_left_lapses_and_comes_back() {
    let first = looks(&[1, 2, 3], &[]);
    let lapsed = looks(&[1, 2], &first);
    assert_eq!((lapsed[0].state, lapsed[0].revision), (State::Lapsed, 2));
    assert!(looks(&[1, 2], &lapsed).is_empty());
    assert!(lapsed[0].clone().dismiss("不是".into(), &clerk(), now()).is_err(), "nothing is decided of it meanwhile");
    let back = looks(&[1, 2, 3], &lapsed);
    assert_eq!((&back[0].name, back[0].state, back[0].revision), (&first[0].name, State::Open, 3));
    // Whoever has not seen all of them cannot say that it has lapsed.
    let cut = Found { concerns: BTreeMap::new(), more: true };
    assert!(look(village(), cut, &first, now()).is_empty());
}
