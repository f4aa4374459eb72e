#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

/// The calendar that the service begins with, read from the migration that brings it in.
fn published() -> Calendar {
    let migration = include_str!("../../../migrations/0311_catalogue.sql");
    let days = migration.split('(').filter_map(|entry| {
        let mut parts = entry.split('\'').skip(1).step_by(2);
        Some((parts.next()?.parse().ok()?, DayKind::from_word(parts.next()?)?))
    });
    Calendar::new(days)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A moment in the villages.
fn at(text: &str) -> DateTime<Utc> {
    village_time(chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

fn worked(from: &str, to: &str) -> Vec<String> {
    let calendar = published();
    let days = day(from).iter_days().take_while(|one| *one <= day(to));
    days.filter(|one| calendar.is_worked(*one)).map(|one| one.format("%m-%d").to_string()).collect()
}

#[test]
fn the_weeks_around_each_spring_festival_are_worked_as_the_state_council_said() {
    assert_eq!(
        worked("2023-01-16", "2023-02-03"),
        ["01-16", "01-17", "01-18", "01-19", "01-20", "01-28", "01-29", "01-30", "01-31", "02-01", "02-02", "02-03"]
    );
    assert_eq!(
        worked("2024-02-01", "2024-02-23"),
        [
            "02-01", "02-02", "02-04", "02-05", "02-06", "02-07", "02-08", "02-09", "02-18", "02-19", "02-20", "02-21",
            "02-22", "02-23"
        ]
    );
    assert_eq!(
        worked("2025-01-24", "2025-02-10"),
        ["01-24", "01-26", "01-27", "02-05", "02-06", "02-07", "02-08", "02-10"]
    );
    assert_eq!(
        worked("2026-02-12", "2026-03-02"),
        ["02-12", "02-13", "02-14", "02-24", "02-25", "02-26", "02-27", "02-28", "03-02"]
    );
}

#[test]
fn the_weeks_around_each_national_day_are_worked_as_the_state_council_said() {
    assert_eq!(worked("2023-09-28", "2023-10-09"), ["09-28", "10-07", "10-08", "10-09"]);
    assert_eq!(
        worked("2024-09-27", "2024-10-14"),
        ["09-27", "09-29", "09-30", "10-08", "10-09", "10-10", "10-11", "10-12", "10-14"]
    );
    assert_eq!(
        worked("2025-09-26", "2025-10-13"),
        ["09-26", "09-28", "09-29", "09-30", "10-09", "10-10", "10-11", "10-13"]
    );
    assert_eq!(
        worked("2026-09-18", "2026-10-12"),
        [
            "09-18", "09-20", "09-21", "09-22", "09-23", "09-24", "09-28", "09-29", "09-30", "10-08", "10-09", "10-10",
            "10-12"
        ]
    );
}

#[test]
fn a_year_has_the_working_days_that_it_is_known_to_have() {
    let calendar = published();
    let many = |year: i32| {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        first.iter_days().take_while(|one| one.year() == year).filter(|one| calendar.is_worked(*one)).count()
    };
    // As wage offices count them: 365 or 366 days less weekends and holidays, and the days worked in exchange.
    assert_eq!([2023, 2024, 2025, 2026].map(many), [249, 251, 248, 248]);
}

#[test]
fn eight_working_hours_from_the_evening_before_the_festival_end_after_it() {
    let calendar = published();
    // Friday 13 February 2026 at 17:00; Saturday 14 is worked in exchange, and the festival ends on the 23rd.
    assert_eq!(calendar.after(at("2026-02-13 17:00"), 8 * HOUR), at("2026-02-14 17:00"));
    assert_eq!(calendar.after(at("2026-02-14 17:00"), 8 * HOUR), at("2026-02-24 17:00"));
    assert_eq!(calendar.before(at("2026-02-24 17:00"), 8 * HOUR), at("2026-02-14 17:00"));
    assert_eq!(calendar.between(at("2026-02-14 17:00"), at("2026-02-24 17:00")), 8 * HOUR);
    // Nothing passes at night, at noon, or on a holiday.
    assert_eq!(calendar.between(at("2026-02-15 00:00"), at("2026-02-23 23:59")), 0);
    assert_eq!(calendar.between(at("2026-03-02 12:00"), at("2026-03-02 13:30")), 0);
}

#[test]
fn a_year_of_which_nothing_is_known_is_named_and_its_weekends_count_as_weekends() {
    let calendar = published();
    assert_eq!(calendar.missing_years(at("2026-12-30 09:00"), at("2028-01-05 09:00")), [2027, 2028]);
    assert!(calendar.missing_years(at("2023-01-01 00:00"), at("2026-12-31 23:59")).is_empty());
    assert!(!calendar.is_worked(day("2027-10-02")), "a Saturday");
    assert!(calendar.is_worked(day("2027-10-01")), "a Friday, though it will be a holiday");
}

fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (at("2022-12-01 00:00").timestamp()..at("2027-06-01 00:00").timestamp())
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

proptest! {
    #[test]
    fn working_time_is_never_negative_grows_and_adds_up(mut moments in proptest::collection::vec(moment(), 3)) {
        let calendar = published();
        moments.sort();
        let [a, b, c] = [moments[0], moments[1], moments[2]];
        prop_assert!(calendar.between(a, b) >= 0);
        prop_assert!(calendar.between(a, c) >= calendar.between(a, b));
        prop_assert_eq!(calendar.between(a, b) + calendar.between(b, c), calendar.between(a, c));
        prop_assert_eq!(calendar.between(c, a), 0);
    }

    #[test]
    fn after_and_before_are_where_so_much_has_passed(from in moment(), seconds in 1..400 * HOUR) {
        let calendar = published();
        let due = calendar.after(from, seconds);
        prop_assert_eq!(calendar.between(from, due), seconds);
        // Not a moment later than it has to be.
        prop_assert!(calendar.between(from, due - Duration::seconds(1)) < seconds);
        let begun = calendar.before(from, seconds);
        prop_assert_eq!(calendar.between(begun, from), seconds);
        prop_assert!(calendar.between(begun + Duration::seconds(1), from) < seconds);
    }

    #[test]
    fn a_longer_limit_is_never_due_earlier(from in moment(), one in 0..400 * HOUR, other in 0..400 * HOUR) {
        let calendar = published();
        prop_assert_eq!(one.cmp(&other), calendar.after(from, one).cmp(&calendar.after(from, other)));
    }
}
