#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use super::*;
use crate::team::rules::Holder;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-06-01T04:00:00Z".parse().unwrap()
}

fn draft(offices: &[Office], source: Option<Source>) -> Draft {
    Draft {
        village: "430112011211".parse().unwrap(),
        id: None,
        display_name: "熊静贵".into(),
        telephone: None,
        offices: offices.iter().copied().collect(),
        source,
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: None,
    }
}

fn member(offices: &[Office], source: Option<Source>) -> Member {
    let draft = draft(offices, source);
    create(MemberName::new(draft.village, Uuid::from_u128(1)), draft, now()).unwrap().0
}

fn team_led_by(member: &Member) -> Team {
    let mut team = Team::new(member.name.village, "001".parse().unwrap(), now());
    team.leader = Some(Holder {
        member: member.name.member,
        display_name: member.display_name.clone(),
        office: Office::GridWorker,
    });
    team
}

fn nothing(member: &Member) -> Update {
    Update {
        name: member.name.clone(),
        expected: None,
        display_name: None,
        telephone: None,
        offices: None,
        source: None,
        areas: None,
        villager_group: None,
        party_group: None,
        term_start: None,
    }
}

fn reason(error: &Error) -> &str {
    match error {
        Error::Refused { reason, .. } => reason,
        Error::Invalid(_) => reasons::INVALID_FIELDS,
        _ => "other",
    }
}

#[test]
fn a_member_serves_from_the_first_day_of_the_term_until_the_day_before_its_end() {
    let mut member = member(&[Office::Cadre], None);
    member.term_start = day("2023-02-01");
    member.term_end = Some(day("2026-02-01"));
    for (on, serves) in [("2023-01-31", false), ("2023-02-01", true), ("2026-01-31", true), ("2026-02-01", false)] {
        assert_eq!(member.serves(day(on)), serves, "{on}");
    }
}

#[test]
fn the_term_begins_on_the_village_day_of_entry_unless_said() {
    assert_eq!(member(&[Office::Cadre], None).term_start, day("2026-06-01"));
}

#[test]
fn a_representative_comes_from_a_source_and_nobody_else_does() {
    let enter = |offices: &[Office], source| {
        create(MemberName::new("430112011211".parse().unwrap(), Uuid::nil()), draft(offices, source), now())
    };
    assert!(enter(&[Office::Representative], Some(Source::Volunteer)).is_ok());
    for (offices, source) in
        [(&[Office::Representative][..], None), (&[Office::Cadre][..], Some(Source::PartyMember)), (&[][..], None)]
    {
        assert_eq!(reason(&enter(offices, source).unwrap_err()), reasons::INVALID_FIELDS);
    }
}

#[test]
fn the_office_of_a_seat_that_is_held_cannot_be_laid_down() {
    let member = member(&[Office::GridWorker, Office::Cadre], None);
    let seats = [team_led_by(&member)];
    let keeps = Update { offices: Some([Office::GridWorker].into()), ..nothing(&member) };
    assert!(update(member.clone(), keeps, &seats, &[], now(), day("2026-06-01")).is_ok());
    let drops = Update { offices: Some([Office::Cadre].into()), ..nothing(&member) };
    let refused = update(member, drops, &seats, &[], now(), day("2026-06-01")).unwrap_err();
    assert_eq!(reason(&refused), reasons::SEAT_TAKEN);
}

#[test]
fn who_stands_in_for_somebody_keeps_every_office_and_goes_on_serving() {
    let member = member(&[Office::GridWorker, Office::Cadre], None);
    let covers = [team_led_by(&member).name];
    let drops = Update { offices: Some([Office::Cadre].into()), ..nothing(&member) };
    let refused = update(member.clone(), drops, &[], &covers, now(), day("2026-06-01")).unwrap_err();
    assert_eq!(reason(&refused), reasons::SEAT_COVERED);
    let renamed = Update { display_name: Some("熊静".into()), ..nothing(&member) };
    assert!(update(member.clone(), renamed, &[], &covers, now(), day("2026-06-01")).is_ok());
    let refused = leave(member, Step::EndTerm, day("2026-06-01"), &[], &covers, now(), day("2026-06-01")).unwrap_err();
    assert_eq!(reason(&refused), reasons::SEAT_COVERED);
}

#[test]
fn a_term_ends_once_not_in_the_future_and_not_in_a_seat() {
    let today = day("2026-06-10");
    let member = member(&[Office::GridWorker], None);
    let end = |member: &Member, on: &str, seats: &[Team]| {
        leave(member.clone(), Step::EndTerm, day(on), seats, &[], now(), today)
    };
    assert_eq!(reason(&end(&member, "2026-06-11", &[]).unwrap_err()), reasons::IN_THE_FUTURE);
    assert_eq!(reason(&end(&member, "2026-05-31", &[]).unwrap_err()), reasons::INVALID_FIELDS);
    assert_eq!(reason(&end(&member, "2026-06-10", &[team_led_by(&member)]).unwrap_err()), reasons::SEAT_TAKEN);
    let (ended, _) = end(&member, "2026-06-10", &[]).unwrap();
    assert_eq!((ended.term_end, ended.revision), (Some(today), 2));
    assert_eq!(reason(&end(&ended, "2026-06-10", &[]).unwrap_err()), reasons::ILLEGAL_MOVE);
}
