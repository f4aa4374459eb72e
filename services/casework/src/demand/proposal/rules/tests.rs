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

/// A concern of this household about the light.
fn candidate(concern: usize, household: u128) -> Candidate {
    Candidate {
        concern: Uuid::from_u128(u128::try_from(concern).unwrap()),
        household: Some(Uuid::from_u128(1000 + household)),
        grid: Some("027".parse().unwrap()),
        text: format!("{household}栋后路灯不亮，晚上出行不便"),
    }
}

/// Concerns about the same light, of these households.
fn found(households: &[u128]) -> Found {
    let concerns = households.iter().enumerate().map(|(place, household)| candidate(place, *household)).collect();
    Found { concerns: BTreeMap::from([(lights(), concerns)]), more: false }
}

fn looks(households: &[u128], standing: &[Proposal]) -> Vec<Proposal> {
    look(village(), found(households), &BTreeMap::new(), standing, now())
}

/// The same while demand 70 about the light is open.
fn looks_with_demand(households: &[u128], standing: &[Proposal]) -> Vec<Proposal> {
    let demand = Gathered { demand: demand(), first: candidate(99, 99) };
    look(village(), found(households), &BTreeMap::from([(lights(), vec![demand])]), standing, now())
}

fn demand() -> Uuid {
    Uuid::from_u128(70)
}

/// That these concerns, of these households, became part of the demand.
fn merged(households: &[(usize, u128)]) -> Vec<Step> {
    let one = |(concern, household): &(usize, u128)| {
        let like = candidate(*concern, *household);
        let name = proto::names::ConcernName::new(village(), like.concern);
        let before = crate::concern::Concern::new(name, lights().matter, like.text, now().date_naive(), now());
        Step::after(before, crate::concern::MoveKind::Merged, now(), |concern| {
            concern.household = like.household;
            concern.grid = like.grid;
        })
    };
    households.iter().map(one).collect()
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
    let all = merged(&[(0, 1), (1, 2), (2, 3)]);
    let taken = looks(&[1, 2, 3], &[]).remove(0).take(demand(), &all, &clerk(), now()).unwrap();
    assert!(looks(&[1, 2, 3], &[taken]).is_empty());
}

#[test]
fn of_what_was_taken_in_part_the_rest_is_proposed_again_by_itself() {
    let first = looks(&[1, 2, 3, 4, 5], &[]).remove(0);
    let part = merged(&[(3, 4), (4, 5)]);
    let taken = first.clone().take(demand(), &part, &clerk(), now()).unwrap();
    assert_eq!((taken.group.concerns.len(), taken.group.households.len()), (2, 2), "what was decided is of these");
    let standing = [taken];
    let rest = looks(&[1, 2, 3], &standing).remove(0);
    assert_eq!((rest.state, rest.group.concerns.len(), rest.name == first.name), (State::Open, 3, false));
    assert!(looks(&[1, 2], &standing).is_empty(), "two are too few for a demand of their own");
    assert_eq!(looks_with_demand(&[1, 2], &standing)[0].group.joins, Some(demand()), "but not for this one");
    // Taken apart again: of the first three nobody has said anything.
    let again = looks(&[1, 2, 3, 4, 5], &standing).remove(0);
    assert_eq!((again.group.concerns.len(), again.name == first.name), (5, false));
}

#[test]
fn one_household_alone_is_proposed_for_an_open_demand() {
    let alone = looks_with_demand(&[1], &[]);
    assert_eq!((alone.len(), alone[0].group.joins, alone[0].state), (1, Some(demand()), State::Open));
    assert!(looks_with_demand(&[1], &alone).is_empty(), "looking again changes nothing");
    let grown = looks_with_demand(&[1, 2], &alone).remove(0);
    assert_eq!((&grown.name, grown.group.households.len()), (&alone[0].name, 2));
    assert_eq!(looks(&[1], &alone)[0].state, State::Lapsed, "the demand is no longer open");
}

#[test]
fn what_is_open_already_changes_over_to_the_demand_that_was_made_meanwhile() {
    let three = looks(&[1, 2, 3], &[]);
    let after = looks_with_demand(&[1, 2, 3], &three);
    let states: Vec<_> = after.iter().map(|one| (one.group.joins, one.state)).collect();
    assert_eq!(states, [(Some(demand()), State::Open), (None, State::Lapsed)]);
}

#[test]
fn whose_joining_was_dismissed_is_proposed_for_that_demand_no_more() {
    let dismissed = looks_with_demand(&[1], &[]).remove(0).dismiss("另一盏灯".into(), &clerk(), now()).unwrap();
    let standing = [dismissed];
    assert!(looks_with_demand(&[1, 1], &standing).is_empty(), "the household has said it again");
    let another = looks_with_demand(&[1, 2], &standing).remove(0);
    assert_eq!(another.group.concerns, [candidate(1, 2).concern], "another is proposed without it");
    // With two of whom the same was said, it makes a demand of its own.
    let both = looks_with_demand(&[1, 2, 3], &[]).remove(0).dismiss("另一盏灯".into(), &clerk(), now()).unwrap();
    let own = looks_with_demand(&[1, 2, 3], &[both]).remove(0);
    assert_eq!((own.group.joins, own.group.households.len()), (None, 3));
}

#[test]
fn what_was_taken_out_of_a_demand_again_is_proposed_for_it_no_more() {
    let joined = looks_with_demand(&[1], &[]).remove(0);
    let taken = joined.take(demand(), &merged(&[(0, 1)]), &clerk(), now()).unwrap();
    assert_eq!((taken.state, taken.demand), (State::Taken, Some(demand())));
    assert!(looks_with_demand(&[1], &[taken]).is_empty());
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
    assert!(look(village(), cut, &BTreeMap::new(), &first, now()).is_empty());
}
