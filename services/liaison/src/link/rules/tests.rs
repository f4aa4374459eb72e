#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proto::names::VillageCode;

use super::*;
use crate::places::HouseholdKind;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn member(id: u128) -> MemberName {
    MemberName::new(village(), Uuid::from_u128(id))
}

/// An active household of line one in a grid whose representative serves since February 2023.
fn standing() -> Standing {
    Standing {
        household: HouseholdName::new(village(), Uuid::from_u128(9)),
        active: true,
        active_since: None,
        line: Some(LineKind::Relocated),
        default: Some((member(1), day("2023-02-01"))),
        current: None,
        unlinked_since: None,
    }
}

fn current(link: &Link) -> Option<Current> {
    Some(Current {
        name: link.name.clone(),
        representative: link.representative.clone(),
        line: link.line,
        origin: link.origin,
        valid_from: link.valid_from,
    })
}

#[test]
fn the_first_link_counts_from_when_household_and_representative_were_both_there() {
    let today = day("2026-06-01");
    let begun = settle(&standing(), today, now()).begin.unwrap();
    assert_eq!((begun.valid_from, begun.line), (day("2023-02-01"), LineKind::Relocated));
    let later = Standing { active_since: Some(day("2024-05-01")), ..standing() };
    assert_eq!(settle(&later, today, now()).begin.unwrap().valid_from, day("2024-05-01"));
}

#[test]
fn the_same_cause_makes_the_same_link() {
    let (one, two) = (settle(&standing(), day("2026-06-01"), now()), settle(&standing(), day("2026-06-09"), now()));
    assert_eq!(one.begin.unwrap().name, two.begin.unwrap().name);
}

#[test]
fn a_household_without_representative_or_line_stays_a_gap() {
    let today = day("2026-06-01");
    for gap in [
        Standing { default: None, ..standing() },
        Standing { line: None, ..standing() },
        Standing { active: false, ..standing() },
    ] {
        let settlement = settle(&gap, today, now());
        assert!(settlement.begin.is_none() && settlement.end.is_none());
    }
}

#[test]
fn a_link_that_fits_is_left_alone_and_one_that_does_not_is_replaced_from_today() {
    let today = day("2026-06-01");
    let first = settle(&standing(), today, now()).begin.unwrap();
    let linked = Standing { current: current(&first), ..standing() };
    assert!(settle(&linked, today, now()).end.is_none());

    let moved = Standing { line: Some(LineKind::Rebuilt), ..linked.clone() };
    let settlement = settle(&moved, today, now());
    assert_eq!(settlement.end, Some(first.name.clone()));
    let begun = settlement.begin.unwrap();
    assert_eq!((begun.line, begun.valid_from), (LineKind::Rebuilt, today));

    let another = Standing { default: Some((member(2), day("2020-01-01"))), ..linked.clone() };
    let begun = settle(&another, today, now()).begin.unwrap();
    assert_eq!((begun.representative, begun.valid_from), (member(2), today));

    let gone = Standing { active: false, ..linked };
    let settlement = settle(&gone, today, now());
    assert!(settlement.begin.is_none() && settlement.end == Some(first.name));
}

#[test]
fn a_chosen_link_keeps_its_representative_until_the_line_no_longer_fits() {
    let today = day("2026-06-01");
    let chosen = Link {
        representative: member(7),
        origin: Origin::Chosen,
        reason: "就熟".into(),
        ..settle(&standing(), today, now()).begin.unwrap()
    };
    let familiar = Standing { current: current(&chosen), ..standing() };
    let in_another_grid = Standing { default: Some((member(2), day("2020-01-01"))), ..familiar.clone() };
    assert!(settle(&in_another_grid, today, now()).end.is_none());
    let on_another_line = Standing { line: Some(LineKind::Rebuilt), ..in_another_grid };
    assert_eq!(settle(&on_another_line, today, now()).begin.unwrap().representative, member(2));
}

/// Something that happens to one household, its grid, or the calendar.
#[derive(Debug, Clone)]
enum Happening {
    State(bool),
    Line(Option<LineKind>),
    /// Another representative of its grid, or none: a seat was given or vacated, or the household moved.
    Default(Option<u128>),
    ActiveSince(Option<NaiveDate>),
    Days(u64),
    /// A representative leaves: every link to that one ends.
    Release(u128),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        any::<bool>().prop_map(Happening::State),
        prop_oneof![Just(None), Just(Some(LineKind::Relocated)), Just(Some(LineKind::Rebuilt))]
            .prop_map(Happening::Line),
        proptest::option::of(1_u128..4).prop_map(Happening::Default),
        proptest::option::of(0_u64..20)
            .prop_map(|days| Happening::ActiveSince(days.map(|days| day("2026-06-01") + chrono::Days::new(days)))),
        (0_u64..3).prop_map(Happening::Days),
        (1_u128..4).prop_map(Happening::Release),
    ]
}

/// What the database does with a settlement.
fn store(links: &mut Vec<Link>, settlement: Settlement, on: NaiveDate) {
    if let Some(name) = settlement.end {
        let link = links.iter_mut().find(|link| link.name == name).unwrap();
        link.valid_to = Some(link.valid_from.max(on));
    }
    if let Some(link) = settlement.begin {
        match links.iter_mut().find(|known| known.name == link.name) {
            Some(known) => known.valid_to = None,
            None => links.push(link),
        }
    }
}

proptest! {
    /// The law of coverage: whatever happens in whatever order, a household has one link a day at most, and it has the
    /// one it should have whenever it counts and somebody serves it.
    #[test]
    fn one_link_a_day_at_most_and_the_right_one_until_further_notice(history in proptest::collection::vec(happening(), 0..40)) {
        let mut world = Standing { default: None, ..standing() };
        let mut today = day("2026-06-01");
        let mut links: Vec<Link> = Vec::new();
        for happening in history {
            match happening {
                Happening::State(active) => world.active = active,
                Happening::Line(line) => world.line = line,
                Happening::Default(representative) => {
                    world.default = representative.map(|id| (member(id), day("2026-05-20") + chrono::Days::new(id as u64)));
                }
                Happening::ActiveSince(since) => world.active_since = since,
                Happening::Days(days) => today = today + chrono::Days::new(days),
                Happening::Release(id) => {
                    for link in links.iter_mut().filter(|link| link.valid_to.is_none() && link.representative == member(id)) {
                        link.valid_to = Some(link.valid_from.max(today));
                    }
                    world.default = world.default.filter(|(name, _)| *name != member(id));
                }
            }
            world.current = links.iter().find(|link| link.valid_to.is_none()).and_then(current);
            world.unlinked_since = links.iter().filter_map(|link| link.valid_to).max();
            store(&mut links, settle(&world, today, now()), today);

            let open: Vec<&Link> = links.iter().filter(|link| link.valid_to.is_none()).collect();
            prop_assert!(open.len() <= 1);
            if let (true, Some((representative, _)), Some(line)) = (world.active, &world.default, world.line) {
                prop_assert_eq!(open.len(), 1);
                prop_assert_eq!((&open[0].representative, open[0].line), (representative, line));
            }
            if !world.active {
                prop_assert!(open.is_empty());
            }
            let names: BTreeSet<&LinkName> = links.iter().map(|link| &link.name).collect();
            prop_assert_eq!(names.len(), links.len());
            let real: Vec<&Link> = links.iter().filter(|link| link.valid_to != Some(link.valid_from)).collect();
            for (place, one) in real.iter().enumerate() {
                for other in &real[place + 1..] {
                    let apart = |a: &Link, b: &Link| a.valid_to.is_some_and(|end| end <= b.valid_from);
                    prop_assert!(apart(one, other) || apart(other, one), "{one:?} and {other:?}");
                }
            }
        }
    }
}

fn household(kind: HouseholdKind) -> Household {
    Household {
        name: standing().household,
        number: "00001".into(),
        grid: proto::names::GridName::new(village(), "001".parse().unwrap()),
        kind,
        outside: false,
        state: HouseholdState::Active,
        active_since: None,
        key_household: false,
        villager_group: None,
        revision: 1,
    }
}

fn representative(id: u128) -> Member {
    Member {
        name: member(id),
        display_name: "熊静贵".into(),
        telephone: None,
        offices: [Office::Representative].into(),
        source: None,
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: day("2023-02-01"),
        term_end: None,
        state: crate::member::entrance::State::Appointed,
        representing: None,
        candidacy: None,
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

fn choose(
    member: &Member,
    line: Option<LineKind>,
    start: Option<&str>,
    reason: &str,
    before: Option<&Link>,
) -> Result<Link, &'static str> {
    let lines: Vec<Line> = LineKind::ALL.iter().map(|kind| Line::default_of(village(), *kind, now())).collect();
    let household = household(HouseholdKind::Tenant);
    let command = LinkHousehold {
        household: household.name.clone(),
        expected: None,
        representative: member.name.clone(),
        line,
        start: start.map(day),
        reason: reason.into(),
    };
    let name = LinkName::new(village(), Uuid::from_u128(5));
    let default = Some(Uuid::from_u128(1));
    super::link(name, &command, &household, before, member, default, &lines, now(), day("2026-06-01")).map_err(
        |error| match error {
            Error::Refused { reason, .. } => reason,
            _ => reasons::INVALID_FIELDS,
        },
    )
}

#[test]
fn a_familiar_representative_is_chosen_with_a_reason() {
    let link = choose(&representative(2), None, None, "就熟", None).unwrap();
    assert_eq!((link.origin, link.line, link.valid_from), (Origin::Chosen, LineKind::Rebuilt, day("2026-06-01")));
    assert_eq!(choose(&representative(2), None, None, "", None), Err(reasons::INVALID_FIELDS));
    assert_eq!(choose(&representative(1), None, None, "", None).unwrap().origin, Origin::Default);
}

#[test]
fn a_chosen_link_is_refused_on_the_wrong_line_in_the_future_and_to_the_wrong_person() {
    let familiar = representative(2);
    assert_eq!(choose(&familiar, Some(LineKind::Relocated), None, "就熟", None), Err(reasons::KIND_NOT_ON_LINE));
    assert_eq!(choose(&familiar, None, Some("2026-06-02"), "就熟", None), Err(reasons::IN_THE_FUTURE));
    assert_eq!(choose(&familiar, None, Some("2023-01-31"), "就熟", None), Err(reasons::NOT_SERVING));
    let cadre = Member { offices: [Office::Cadre].into(), ..familiar };
    assert_eq!(choose(&cadre, None, None, "就熟", None), Err(reasons::WRONG_OFFICE));
}

#[test]
fn a_new_link_starts_after_the_one_it_follows_and_differs_from_it() {
    let before = choose(&representative(2), None, Some("2026-05-01"), "就熟", None).unwrap();
    assert_eq!(choose(&representative(2), None, None, "就熟", Some(&before)), Err(reasons::ALREADY_LINKED));
    assert_eq!(
        choose(&representative(3), None, Some("2026-05-01"), "就近", Some(&before)),
        Err(reasons::ALREADY_LINKED)
    );
    assert!(choose(&representative(3), None, Some("2026-05-02"), "就近", Some(&before)).is_ok());
}
