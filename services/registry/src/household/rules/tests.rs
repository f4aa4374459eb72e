#![allow(clippy::unwrap_used, reason = "a test may fail")]

use super::*;

fn today() -> NaiveDate {
    "2023-06-01".parse().unwrap()
}

fn grid(code: &str, kind: grids::Kind, state: grids::State) -> Grid {
    Grid {
        name: format!("villages/430112011211/grids/{code}").parse().unwrap(),
        facts: grids::Facts { display_name: "片".into(), area: "P01".parse().unwrap(), kind, line: None },
        state,
        revision: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn home() -> Grid {
    grid("001", grids::Kind::OriginalSettlement, grids::State::Active)
}

fn facts() -> Facts {
    Facts {
        number: "00001".into(),
        head_name: "张三".into(),
        citizen_id: None,
        head_party_member: false,
        head_pension_due_on: None,
        telephone: None,
        registered_persons: 3,
        villager_group: None,
        kind: Kind::Original,
        grid: "001".parse().unwrap(),
        address: Some("高冲村1号".into()),
        current_address: None,
        outside: false,
        tags: Vec::new(),
        resident_tags: Vec::new(),
        verified_on: None,
        active_since: None,
        state: State::Active,
    }
}

#[test]
fn a_household_in_an_estate_outside_lives_outside() {
    let estate = grid("042", grids::Kind::OutsideEstate, grids::State::Active);
    assert!(entered(facts(), &estate, today()).unwrap().outside);
    assert!(!entered(facts(), &home(), today()).unwrap().outside);
}

#[test]
fn a_tenant_does_not_live_outside() {
    let tenant = Facts { kind: Kind::Tenant, outside: true, ..facts() };
    assert_eq!(entered(tenant, &home(), today()), Err(Refusal::TenantOutside));
}

#[test]
fn no_household_goes_into_a_retired_grid_but_one_may_still_be_there() {
    let retired = grid("009", grids::Kind::OriginalSettlement, grids::State::Retired);
    assert_eq!(entered(facts(), &retired, today()), Err(Refusal::GridRetired));
    assert_eq!(amended(facts(), Amendment::default(), &retired, today()), Err(Refusal::GridRetired));
    let there = Facts { grid: "009".parse().unwrap(), ..facts() };
    assert!(amended(there, Amendment::default(), &retired, today()).is_ok());
}

#[test]
fn a_current_address_is_kept_only_where_it_is_another_one() {
    let same = Facts { current_address: Some("高冲村1号".into()), ..facts() };
    assert_eq!(entered(same, &home(), today()).unwrap().current_address, None);
    let other = Facts { current_address: Some("月亮岛路小区".into()), ..facts() };
    assert_eq!(entered(other.clone(), &home(), today()).unwrap().current_address, other.current_address);
}

#[test]
fn the_order_of_tags_and_their_repetition_mean_nothing() {
    let tags = |tags: &[&str]| Facts { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..facts() };
    let one = entered(tags(&["低保", "慢病", "低保"]), &home(), today()).unwrap();
    assert_eq!(one, entered(tags(&["慢病", "低保"]), &home(), today()).unwrap());
}

#[test]
fn a_key_household_is_known_by_its_tags() {
    let tagged = |tag: &str| Facts { tags: vec![tag.into()], ..facts() }.is_key();
    assert!(["独居", "独居老人", "留守儿童", "残疾", "低保"].into_iter().all(tagged));
    assert!(Facts { resident_tags: vec!["留守儿童".into()], ..facts() }.is_key());
    assert!(!tagged("党员户") && !tagged("退役军人") && !facts().is_key());
}

#[test]
fn facts_are_confirmed_on_a_day_that_has_come_and_never_unconfirmed() {
    let now: DateTime<Utc> = "2023-05-31T17:00:00Z".parse().unwrap(); // the first of June in the village
    let name = "villages/430112011211/households/018f5e9e-0000-7000-8000-000000000000".parse().unwrap();
    let (household, _) = create(name, facts(), &home(), now).unwrap();
    let (verified, _) = verify(household, None, now).unwrap();
    assert_eq!(verified.facts.verified_on, Some(today()));
    let (again, _) = verify(verified, Some("2023-05-01".parse().unwrap()), now).unwrap();
    assert_eq!((again.facts.verified_on, again.revision), (Some(today()), 3));
    assert!(verify(again, Some("2023-06-02".parse().unwrap()), now).is_err());
}

#[test]
fn what_an_amendment_does_not_mention_stays() {
    assert_eq!(amended(facts(), Amendment::default(), &home(), today()), Ok(facts()));
}

#[test]
fn a_household_that_moves_into_the_village_no_longer_lives_outside() {
    let there = Facts { grid: "042".parse().unwrap(), outside: true, ..facts() };
    let moved = Amendment { grid: Some("001".parse().unwrap()), ..Amendment::default() };
    assert!(!amended(there, moved, &home(), today()).unwrap().outside);
}
