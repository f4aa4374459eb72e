#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn plan() -> Plan {
    Plan::default_of("430112011211".parse().unwrap())
}

/// A household of long ago with these visits.
fn household(visits: &[&str]) -> Household {
    Household {
        kind: HouseholdKind::Original,
        grid: "001".parse().unwrap(),
        grid_kind: Some(GridKind::OriginalSettlement),
        is_key: false,
        since: Some(day("2023-02-01")),
        visits: visits.iter().map(|text| day(text)).collect(),
    }
}

fn key(visits: &[&str]) -> Household {
    Household { is_key: true, ..household(visits) }
}

/// State, last day in time, visits made.
fn due(household: &Household, today: &str) -> Option<(DueState, String, i32)> {
    plan().due(household, day(today)).map(|due| (due.state, due.by.to_string(), due.made))
}

#[test]
fn every_household_is_due_once_a_month_and_a_visit_resolves_it() {
    assert_eq!(due(&household(&["2026-04-03"]), "2026-05-01"), Some((DueState::Due, "2026-05-31".into(), 0)));
    assert_eq!(due(&household(&["2026-04-03", "2026-05-02"]), "2026-05-02"), None);
    assert_eq!(due(&household(&["2026-04-03", "2026-05-02"]), "2026-05-31"), None);
}

#[test]
fn who_was_not_visited_last_month_is_overdue_until_the_next_visit() {
    assert_eq!(due(&household(&["2026-03-03"]), "2026-05-10"), Some((DueState::Overdue, "2026-04-30".into(), 0)));
    assert_eq!(due(&household(&["2026-03-03", "2026-05-11"]), "2026-05-11"), None);
    assert_eq!(due(&household(&[]), "2026-05-10"), Some((DueState::Overdue, "2026-04-30".into(), 0)));
}

#[test]
fn a_key_household_is_due_twice_a_month_the_first_time_by_the_middle() {
    let april = ["2026-04-03", "2026-04-20"];
    let visited = |more: &[&str]| key(&[&april, more].concat());
    assert_eq!(due(&visited(&[]), "2026-05-01"), Some((DueState::Due, "2026-05-15".into(), 0)));
    assert_eq!(due(&visited(&[]), "2026-05-16"), Some((DueState::Overdue, "2026-05-15".into(), 0)));
    assert_eq!(due(&visited(&["2026-05-04"]), "2026-05-15"), None);
    assert_eq!(due(&visited(&["2026-05-04"]), "2026-05-16"), Some((DueState::Due, "2026-05-31".into(), 1)));
    assert_eq!(due(&visited(&["2026-05-04", "2026-05-05"]), "2026-05-31"), None);
    assert_eq!(due(&key(&["2026-04-03"]), "2026-05-01"), Some((DueState::Overdue, "2026-04-30".into(), 0)));
}

#[test]
fn nobody_owes_visits_for_the_time_before_there_was_anybody_to_make_them() {
    let new = Household { since: Some(day("2026-05-20")), ..key(&[]) };
    assert_eq!(due(&new, "2026-05-20"), Some((DueState::Due, "2026-05-31".into(), 0)));
    let unlinked = Household { since: None, ..household(&[]) };
    assert_eq!(due(&unlinked, "2026-05-20"), Some((DueState::Due, "2026-05-31".into(), 0)));
    let came_in_april = Household { since: Some(day("2026-04-20")), ..household(&[]) };
    assert_eq!(due(&came_in_april, "2026-05-02"), Some((DueState::Due, "2026-05-31".into(), 0)));
}

#[test]
fn the_first_of_the_villages_own_rules_that_fits_decides() {
    let rule = |visits, months| Rule {
        household_kinds: BTreeSet::new(),
        grid_kinds: BTreeSet::new(),
        grids: BTreeSet::new(),
        key_households_only: false,
        frequency: Frequency::new(visits, months).unwrap(),
    };
    let estates = Rule { grid_kinds: [GridKind::OutsideEstate].into(), ..rule(1, 3) };
    let tenants = Rule { household_kinds: [HouseholdKind::Tenant].into(), ..rule(0, 1) };
    let key_of_grid = Rule { grids: ["001".parse().unwrap()].into(), key_households_only: true, ..rule(4, 1) };
    let plan = Plan { rules: vec![estates, tenants, key_of_grid], ..plan() };
    let far = Household { grid_kind: Some(GridKind::OutsideEstate), ..household(&["2026-02-09", "2026-04-01"]) };
    assert_eq!(plan.due(&far, day("2026-06-30")), None);
    assert_eq!(plan.due(&far, day("2026-07-01")).unwrap().by, day("2026-09-30"));
    let tenant = Household { kind: HouseholdKind::Tenant, ..household(&[]) };
    assert_eq!(plan.due(&tenant, day("2026-06-30")), None);
    assert_eq!(plan.due(&key(&[]), day("2026-06-30")).unwrap().planned, 4);
    assert_eq!(plan.due(&household(&[]), day("2026-06-30")).unwrap().planned, 1);
    assert_eq!(plan.looks_back(day("2026-06-30")), day("2026-01-01"));
}

#[test]
fn a_year_is_filled_by_its_periods() {
    assert!(Frequency::new(1, 5).is_none() && Frequency::new(32, 1).is_none() && Frequency::new(-1, 1).is_none());
    let quarter = Frequency::new(1, 3).unwrap().period(day("2026-12-31"));
    assert_eq!((quarter.start, quarter.end), (day("2026-10-01"), day("2027-01-01")));
}

proptest! {
    /// Every day lies in one period, and periods follow each other without a gap.
    #[test]
    fn periods_tile_the_calendar(days in 0..20_000_u64, months in prop::sample::select(Frequency::MONTHS.to_vec())) {
        let today = day("1990-01-01") + Days::new(days);
        let frequency = Frequency::new(1, months.into()).unwrap();
        let period = frequency.period(today);
        prop_assert!(period.has(today));
        prop_assert_eq!(frequency.period(period.end).start, period.end);
        prop_assert_eq!(before(frequency, today).end, period.start);
    }

    /// Whoever is visited as often as is planned is not due, and whoever visits today is never the more in debt for it.
    #[test]
    fn a_visit_never_makes_another_due(visits in prop::collection::vec(0..120_u64, 0..12), visited in 90..120_u64,
                                       times in 1..5_i32, is_key in any::<bool>()) {
        let first = day("2026-02-01");
        let frequency = Frequency::new(times, 1).unwrap();
        let plan = Plan { every: frequency, key: frequency, ..plan() };
        let today = first + Days::new(visited);
        let days: Vec<NaiveDate> = visits.iter().map(|days| first + Days::new(*days)).filter(|day| *day <= today).collect();
        let before = Household { is_key, visits: days, ..household(&[]) };
        let after = Household { visits: [before.visits.clone(), vec![today]].concat(), ..before.clone() };
        match (plan.due(&before, today), plan.due(&after, today)) {
            (None, after) => prop_assert_eq!(after, None),
            (Some(before), Some(after)) => prop_assert!(after.by > before.by && after.made == before.made + 1),
            (Some(_), None) => (),
        }
        let often = Household { visits: vec![today; usize::try_from(times).unwrap()], ..before };
        prop_assert_eq!(plan.due(&often, today), None);
    }
}
