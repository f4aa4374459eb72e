#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

const PHONE: &str = "phone";

fn noon() -> DateTime<Utc> {
    "2023-06-01T04:00:00Z".parse().unwrap()
}

fn reason(error: &Error) -> &'static str {
    match error {
        Error::Refused { reason, .. } => reason,
        Error::Invalid(_) => reasons::INVALID_FIELDS,
        Error::AlreadyExists(_) => reasons::ALREADY_EXISTS,
        _ => "other",
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn draft(on: &str) -> Draft {
    let village = "430112011211".parse().unwrap();
    Draft {
        name: VisitName::new(village, Uuid::from_u128(1)),
        household: Some(HouseholdName::new(village, Uuid::from_u128(2))),
        grid: None,
        representative: None,
        visited_on: day(on),
        mode: Mode::DoorStep,
        persons: 2,
        topics: Vec::new(),
        note: "老人独居".into(),
        concerns: BTreeSet::new(),
        edited_at: None,
    }
}

fn linked() -> Circumstances {
    Circumstances {
        household_grid: Some("012".parse().unwrap()),
        retired: Some(false),
        linked_since: Some(day("2023-02-01")),
        linked_to: Some(Uuid::from_u128(3)),
        grid_representative: Some(Uuid::from_u128(3)),
        visitor: Some(Visitor { member: Uuid::from_u128(3), term_start: day("2023-02-01"), term_end: None }),
    }
}

#[test]
fn a_visit_is_not_credited_to_somebody_who_serves_elsewhere() {
    let stranger = Visitor { member: Uuid::from_u128(9), term_start: day("2023-02-01"), term_end: None };
    let known = Circumstances { visitor: Some(stranger), ..linked() };
    assert_eq!(logged(draft("2023-05-01"), &known).unwrap_err(), reasons::NOT_THEIR_REPRESENTATIVE);
    let chosen = Circumstances { linked_to: Some(Uuid::from_u128(9)), ..known };
    assert!(logged(draft("2023-05-01"), &chosen).is_ok());
}

fn logged(draft: Draft, known: &Circumstances) -> Result<Visit, &'static str> {
    log(draft, known, PHONE, day("2023-06-01"), noon()).map(|(visit, _)| visit).map_err(|error| reason(&error))
}

#[test]
fn a_visit_counts_from_the_first_day_of_the_link_until_today() {
    assert_eq!(logged(draft("2023-01-31"), &linked()), Err(reasons::BEFORE_THE_LINK));
    assert!(logged(draft("2023-02-01"), &linked()).is_ok());
    assert!(logged(draft("2023-06-01"), &linked()).is_ok());
    assert_eq!(logged(draft("2023-06-02"), &linked()), Err(reasons::IN_THE_FUTURE));
}

#[test]
fn nobody_visits_outside_their_term() {
    let left = Visitor { member: Uuid::from_u128(3), term_start: day("2023-02-01"), term_end: Some(day("2023-05-01")) };
    let known = Circumstances { visitor: Some(left), ..linked() };
    assert!(logged(draft("2023-04-30"), &known).is_ok());
    assert_eq!(logged(draft("2023-05-01"), &known), Err(reasons::NOT_SERVING));
    let nobody = Circumstances { visitor: None, ..linked() };
    assert_eq!(logged(draft("2023-05-01"), &nobody), Err(reasons::INVALID_FIELDS));
}

#[test]
fn a_household_that_is_not_known_and_a_grid_that_is_given_up_are_refused() {
    let unknown = Circumstances { household_grid: None, ..linked() };
    assert_eq!(logged(draft("2023-05-01"), &unknown), Err(reasons::UNKNOWN_HOUSEHOLD));
    let at_large = Draft { household: None, grid: Some("012".parse().unwrap()), ..draft("2023-05-01") };
    assert!(logged(at_large.clone(), &linked()).is_ok());
    let retired = Circumstances { retired: Some(true), ..linked() };
    assert_eq!(logged(at_large.clone(), &retired), Err(reasons::GRID_RETIRED));
    let unknown = Circumstances { retired: None, ..linked() };
    assert_eq!(logged(at_large, &unknown), Err(reasons::UNKNOWN_GRID));
}

/// A version of the visit that the phone edited so many minutes before noon.
fn edited(minutes: i64, persons: i32) -> Draft {
    Draft { edited_at: Some(noon() - chrono::Duration::minutes(minutes)), persons, ..draft("2023-05-20") }
}

fn sent_again(before: &Visit, draft: Draft, author: &str) -> Result<Again, &'static str> {
    again(before, draft, &linked(), author, day("2023-06-01"), noon()).map_err(|error| reason(&error))
}

#[test]
fn the_same_visit_sent_again_is_there_already_and_another_persons_is_refused() {
    let before = logged(edited(60, 2), &linked()).unwrap();
    assert!(matches!(sent_again(&before, edited(60, 2), PHONE), Ok(Again::Same)));
    assert!(matches!(sent_again(&before, edited(30, 2), "other"), Ok(Again::Same)));
    assert_eq!(sent_again(&before, edited(30, 3), "other").unwrap_err(), reasons::ALREADY_EXISTS);
}

#[test]
fn a_newer_edit_takes_the_place_and_an_older_one_does_not() {
    let before = logged(edited(60, 2), &linked()).unwrap();
    let Ok(Again::Edited(newer)) = sent_again(&before, edited(30, 3), PHONE) else { panic!("is newer") };
    assert_eq!((newer.0.persons, newer.0.revision), (3, 2));
    assert!(matches!(sent_again(&newer.0, edited(60, 2), PHONE), Ok(Again::Superseded)));
    let fast = Draft { edited_at: Some(noon() + chrono::Duration::days(300)), ..edited(0, 4) };
    let Ok(Again::Edited(ahead)) = sent_again(&newer.0, fast, PHONE) else { panic!("counts as now") };
    assert_eq!(ahead.0.edited_at, Some(noon()));
}

#[test]
fn what_its_author_has_withdrawn_is_not_sent_back_in() {
    let before = logged(edited(60, 2), &linked()).unwrap();
    let withdrawn = Visit { state: State::Withdrawn, revision: 2, ..before };
    assert!(matches!(sent_again(&withdrawn, edited(60, 2), PHONE), Ok(Again::Superseded)));
    assert!(matches!(sent_again(&withdrawn, edited(0, 2), PHONE), Ok(Again::Superseded)));
}

proptest! {
    /// However often and in whatever order a phone sends its versions, the last edit stands.
    #[test]
    fn whatever_order_versions_come_in_the_last_edit_stands(order in Just((0..6_i64).collect::<Vec<_>>()).prop_shuffle(),
                                                            doubled in 0..6_usize) {
        let mut sent = order.clone();
        sent.push(order[doubled]);
        let version = |minutes: i64| edited(minutes, 10 + i32::try_from(minutes).unwrap());
        let mut stands = logged(version(sent[0]), &linked()).unwrap();
        for minutes in &sent[1..] {
            if let Again::Edited(edited) = sent_again(&stands, version(*minutes), PHONE).unwrap() {
                prop_assert_eq!(edited.0.revision, stands.revision + 1);
                stands = edited.0;
            }
        }
        prop_assert_eq!(stands.persons, 10);
    }
}

#[test]
fn a_refusal_for_want_of_standing_is_told_from_a_mistake() {
    let refused = |reason| Error::refused(reason, "");
    assert_eq!(super::outcome(&refused(reasons::UNKNOWN_HOUSEHOLD), false), Outcome::NoLongerYours);
    assert_eq!(super::outcome(&refused(reasons::UNKNOWN_HOUSEHOLD), true), Outcome::Refused);
    assert_eq!(super::outcome(&refused(reasons::NOT_THEIR_REPRESENTATIVE), true), Outcome::NoLongerYours);
    assert_eq!(super::outcome(&refused(reasons::IN_THE_FUTURE), false), Outcome::Refused);
}
