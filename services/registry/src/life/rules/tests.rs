#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

mod law;

use proto::reasons;

use super::*;
use crate::grid::rules as grids;
use crate::merchant::rules as merchants;

const HERE: &str = "430112011211";

fn now() -> DateTime<Utc> {
    "2023-06-01T04:00:00Z".parse().unwrap()
}

fn day() -> NaiveDate {
    "2023-06-01".parse().unwrap()
}

fn grid(code: &str, kind: grids::Kind) -> Grid {
    Grid {
        name: format!("villages/{HERE}/grids/{code}").parse().unwrap(),
        facts: grids::Facts { display_name: "片".into(), area: "P01".parse().unwrap(), kind, line: None },
        state: grids::State::Active,
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

fn old_settlement() -> Grid {
    grid("001", grids::Kind::OriginalSettlement)
}

fn estate() -> Grid {
    grid("042", grids::Kind::OutsideEstate)
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn household(n: u128, head: &str, kind: Kind) -> Household {
    let facts = Facts {
        registered_persons: 3,
        address: Some("高冲村1号".into()),
        ..Facts::blank(format!("{n:05}"), head.into(), kind, "001".parse().unwrap())
    };
    let name = HouseholdName::new(HERE.parse().unwrap(), id(n));
    Household { name, facts, revision: 1, created_at: now(), updated_at: now() }
}

fn person(household: u128, n: u128, name: &str) -> Resident {
    let name_of = ResidentName::new(HERE.parse().unwrap(), id(household), id(n));
    let facts = residents::Facts::blank(name.into(), "子".into());
    Resident { name: name_of, facts, revision: 1, created_at: now(), updated_at: now() }
}

/// Household 1: 张三 with 李四 (11) and 王五 (12).
fn family() -> Family {
    let people = vec![person(1, 11, "李四"), person(1, 12, "王五")];
    Family::of(household(1, "张三", Kind::Original), people).unwrap()
}

fn alone(n: u128, kind: Kind) -> Family {
    Family::of(household(n, "赵六", kind), Vec::new()).unwrap()
}

fn merchant(landlord: u128) -> Merchant {
    let facts = merchants::Facts {
        display_name: "店".into(),
        credit_code: None,
        operator_name: String::new(),
        telephone: None,
        trade: String::new(),
        landlord: id(landlord),
        address: None,
        licence_expires_on: None,
        state: merchants::State::Open,
    };
    let name = proto::names::MerchantName::new(HERE.parse().unwrap(), id(900));
    Merchant { name, facts, revision: 1, created_at: now(), updated_at: now() }
}

fn moving(outside: bool, kind: Option<Kind>) -> Relocation {
    Relocation { outside, kind, address: None, current_address: None }
}

fn kin(people: &[(u128, &str)]) -> Relations {
    people.iter().map(|(n, relation)| (id(*n), (*relation).to_owned())).collect()
}

fn reason(refused: Result<Outcome>) -> &'static str {
    match refused {
        Err(Error::Refused { reason, .. }) => reason,
        Err(Error::Invalid(_)) => reasons::INVALID_FIELDS,
        other => panic!("{other:?}"),
    }
}

fn departure(grid: &str, kind: Kind, head: u128, others: &[(u128, &str)]) -> Departure {
    Departure {
        household: HouseholdName::new(HERE.parse().unwrap(), id(2)),
        facts: Facts::blank("00002".into(), String::new(), kind, grid.parse().unwrap()),
        head: id(head),
        others: kin(others),
    }
}

fn taken(family: Family) -> Taken {
    Taken { family, head_relation: "兄".into(), head_id: id(500) }
}

#[test]
fn who_moves_to_an_estate_outside_is_relocated_and_lives_outside() {
    let moved = relocate(family(), moving(false, Some(Kind::Relocated)), &estate(), false, now()).unwrap();
    let facts = &moved.households[0].facts;
    assert_eq!((facts.kind, facts.outside, facts.grid.as_str()), (Kind::Relocated, true, "042"));
    assert_eq!(moved.told.len(), 1);
    assert_eq!(reason(relocate(family(), moving(true, None), &estate(), false, now())), reasons::KIND_DISAGREES);
    assert_eq!(
        reason(relocate(family(), moving(true, None), &old_settlement(), false, now())),
        reasons::KIND_DISAGREES
    );
}

#[test]
fn every_kind_of_household_has_its_kinds_of_grid() {
    let all = [
        grid("001", grids::Kind::OriginalSettlement),
        grid("002", grids::Kind::ResettlementArea),
        grid("003", grids::Kind::ShopStreet),
        grid("042", grids::Kind::OutsideEstate),
    ];
    let fits = |kind: Kind| {
        let facts = |grid: &Grid| Facts {
            outside: grid.facts.kind == grids::Kind::OutsideEstate,
            ..Facts::blank("1".into(), "张三".into(), kind, grid.name.grid)
        };
        all.iter()
            .filter(|grid| facts(grid).agree_with(grid))
            .map(|grid| grid.name.grid.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(fits(Kind::Original), ["001"]);
    assert_eq!(fits(Kind::RebuiltArea), ["002", "003"]);
    assert_eq!(fits(Kind::Tenant), ["001", "002", "003"]);
    assert_eq!(fits(Kind::Relocated), ["001", "002", "003", "042"]);
}

#[test]
fn a_move_that_moves_nothing_is_none() {
    let nothing = relocate(family(), moving(false, None), &old_settlement(), false, now());
    assert_eq!(reason(nothing), reasons::ILLEGAL_MOVE);
}

#[test]
fn a_landlord_whose_merchants_are_open_stays_in_the_rebuilt_area() {
    let landlord = Family::of(household(1, "张三", Kind::RebuiltArea), Vec::new()).unwrap();
    let away = relocate(landlord, moving(false, Some(Kind::Relocated)), &estate(), true, now());
    assert_eq!(reason(away), reasons::LETS_TO_MERCHANTS);
}

#[test]
fn people_leave_for_a_household_of_their_own_and_the_head_stays() {
    let split = split(family(), departure("001", Kind::Original, 11, &[(12, "弟")]), &old_settlement(), day(), now());
    let split = split.unwrap();
    let [new, old] = split.households.as_slice() else { panic!("{split:?}") };
    assert_eq!((new.facts.head_name.as_str(), old.facts.head_name.as_str()), ("李四", "张三"));
    assert_eq!((new.facts.registered_persons, old.facts.registered_persons), (2, 1));
    assert_eq!(new.facts.active_since, Some(day()));
    assert_eq!(split.ended, [id(11)]);
    assert_eq!(split.residents[0].name, new.name.resident(id(12)));
    assert_eq!(split.residents[0].facts.relation, "弟");
}

#[test]
fn nobody_leaves_who_is_not_there() {
    for (head, others) in [(99, vec![]), (11, vec![(99, "弟")]), (11, vec![(11, "本人")])] {
        let gone = split(family(), departure("001", Kind::Original, head, &others), &old_settlement(), day(), now());
        assert_eq!(reason(gone), reasons::NOT_IN_HOUSEHOLD);
    }
    let disagrees = split(family(), departure("042", Kind::Original, 11, &[]), &estate(), day(), now());
    assert_eq!(reason(disagrees), reasons::KIND_DISAGREES);
}

#[test]
fn a_household_that_is_taken_in_has_nobody_left_in_it() {
    let merged =
        merge(alone(3, Kind::Original), vec![taken(family())], kin(&[(11, "侄"), (12, "侄女")]), vec![], None, now());
    let merged = merged.unwrap();
    let [closed, stays] = merged.households.as_slice() else { panic!("{merged:?}") };
    assert_eq!((closed.facts.state, closed.facts.head_name.as_str()), (State::Merged, ""));
    assert_eq!((&closed.facts.address, closed.facts.registered_persons), (&None, 0));
    assert_eq!((stays.facts.head_name.as_str(), stays.facts.registered_persons), ("赵六", 6));
    let names: Vec<&str> = merged.residents.iter().map(|one| one.facts.display_name.as_str()).collect();
    assert_eq!(names, ["张三", "李四", "王五"]);
    assert!(merged.residents.iter().all(|one| one.name.household == stays.name.household));
}

#[test]
fn with_another_head_everybody_is_related_anew() {
    let silent = merge(alone(3, Kind::Original), vec![taken(family())], kin(&[(11, "侄")]), vec![], None, now());
    assert_eq!(reason(silent), reasons::INVALID_FIELDS);
    let stays = || Former::Stays { relation: "父".into(), id: id(500) };
    assert_eq!(reason(change_head(family(), id(11), stays(), kin(&[]), now())), reasons::INVALID_FIELDS);
    let stranger = kin(&[(12, "弟"), (99, "弟")]);
    assert_eq!(reason(change_head(family(), id(11), stays(), stranger, now())), reasons::NOT_IN_HOUSEHOLD);
    let changed = change_head(family(), id(11), stays(), kin(&[(12, "弟")]), now()).unwrap();
    assert_eq!(changed.households[0].facts.head_name, "李四");
    let now_residents: Vec<_> =
        changed.residents.iter().map(|one| (one.facts.display_name.as_str(), one.facts.relation.as_str())).collect();
    assert_eq!(now_residents, [("张三", "父"), ("王五", "弟")]);
}

#[test]
fn of_a_head_who_left_nothing_is_kept() {
    let changed = change_head(family(), id(11), Former::Leaves, kin(&[(12, "弟")]), now()).unwrap();
    assert!(changed.residents.iter().all(|one| one.facts.display_name != "张三"));
    assert_eq!(changed.households[0].facts.registered_persons, 2);
}

#[test]
fn no_household_is_merged_with_itself_or_twice() {
    let itself = merge(family(), vec![taken(family())], kin(&[]), vec![], None, now());
    assert_eq!(reason(itself), reasons::ILLEGAL_MOVE);
    let twice = || taken(alone(3, Kind::Original));
    assert_eq!(reason(merge(family(), vec![twice(), twice()], kin(&[]), vec![], None, now())), reasons::ILLEGAL_MOVE);
}

#[test]
fn merchants_are_never_left_without_a_landlord() {
    let landlord = || alone(3, Kind::RebuiltArea);
    let shop = || vec![merchant(3)];
    let silently = merge(family(), vec![taken(landlord())], kin(&[]), shop(), None, now());
    assert_eq!(reason(silently), reasons::LETS_TO_MERCHANTS);
    let original = household(4, "孙七", Kind::Original);
    let cannot = merge(family(), vec![taken(landlord())], kin(&[]), shop(), Some(&original), now());
    assert_eq!(reason(cannot), reasons::NO_LANDLORD);
    let closing = landlord().household;
    let to_itself = merge(family(), vec![taken(landlord())], kin(&[]), shop(), Some(&closing), now());
    assert_eq!(reason(to_itself), reasons::LETS_TO_MERCHANTS);
    let heir = household(4, "孙七", Kind::RebuiltArea);
    let merged = merge(family(), vec![taken(landlord())], kin(&[]), shop(), Some(&heir), now()).unwrap();
    assert_eq!(merged.merchants[0].facts.landlord, id(4));

    assert_eq!(reason(mark(landlord(), Mark::Demolished, shop(), None, now())), reasons::LETS_TO_MERCHANTS);
    let gone = mark(landlord(), Mark::Demolished, shop(), Some(&heir), now()).unwrap();
    assert_eq!((gone.merchants[0].facts.landlord, gone.households[0].facts.state), (id(4), State::Demolished));
}

#[test]
fn only_an_empty_household_is_demolished() {
    assert_eq!(reason(mark(family(), Mark::Demolished, vec![], None, now())), reasons::HOUSEHOLD_NOT_EMPTY);
    assert!(mark(alone(3, Kind::Original), Mark::Demolished, vec![], None, now()).is_ok());
}

#[test]
fn who_is_here_goes_away_and_who_is_away_comes_back() {
    assert_eq!(reason(mark(family(), Mark::Back, vec![], None, now())), reasons::ILLEGAL_MOVE);
    let away = mark(family(), Mark::Away, vec![], None, now()).unwrap().households.remove(0);
    let away = Family::of(away, Vec::new()).unwrap();
    assert_eq!(reason(mark(away.clone(), Mark::Away, vec![], None, now())), reasons::ILLEGAL_MOVE);
    assert_eq!(mark(away, Mark::Back, vec![], None, now()).unwrap().households[0].facts.state, State::Active);
}

#[test]
fn a_closed_household_accepts_nothing() {
    for state in [State::Merged, State::Demolished] {
        let mut closed = household(1, "张三", Kind::Original);
        closed.facts.state = state;
        assert!(matches!(
            Family::of(closed, Vec::new()),
            Err(Error::Refused { reason: reasons::HOUSEHOLD_CLOSED, .. })
        ));
    }
}

#[test]
fn a_resident_moves_with_their_record() {
    let moved = transfer(family(), alone(3, Kind::Original), id(11), "婿".into(), now()).unwrap();
    let resident = &moved.residents[0];
    assert_eq!((resident.name.household, resident.revision, resident.facts.relation.as_str()), (id(3), 2, "婿"));
    let told: Vec<_> =
        moved.told.iter().map(|told| (told.record.contains(&id(1).to_string()), told.revision)).collect();
    assert_eq!(told, [(true, 2), (false, 2), (true, 2), (false, 2)]);
    let itself = transfer(family(), family(), id(11), "子".into(), now());
    assert_eq!(reason(itself), reasons::ILLEGAL_MOVE);
}

#[test]
fn nothing_happens_tomorrow() {
    let on = |day: Option<&str>| Occasion { day: day.map(|day| day.parse().unwrap()), reason: "拆迁".into() };
    assert_eq!(day_of(&on(None), now()).unwrap(), day());
    assert!(day_of(&on(Some("2020-01-01")), now()).is_ok());
    assert!(day_of(&on(Some("2023-06-02")), now()).is_err());
}
