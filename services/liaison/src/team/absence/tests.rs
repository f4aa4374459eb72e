#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::line::rules::LineKind;
use crate::member::rules::Office;
use crate::places::GridKind;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn june(date: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, date).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn member(id: u128, office: Office) -> Member {
    Member {
        name: MemberName::new(village(), Uuid::from_u128(id)),
        display_name: "潘明超".into(),
        telephone: None,
        offices: [office].into(),
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

/// A team whose cadre is member 1.
fn team() -> Team {
    let mut team = Team::new(village(), "001".parse().unwrap(), now());
    team.cadre = Some(Holder::of(&member(1, Office::Cadre), Office::Cadre));
    team
}

fn command(from: Option<NaiveDate>, to: NaiveDate, stand_in: Option<&Member>) -> CoverSeat {
    CoverSeat {
        name: team().name,
        expected: None,
        seat: Seat::Cadre,
        stand_in: stand_in.map(|member| member.name.clone()),
        start: from,
        end: to,
    }
}

fn cover_with(team: Team, from: Option<NaiveDate>, to: NaiveDate, stand_in: Option<&Member>) -> Result<Team, String> {
    let grid = Grid {
        name: team.name.grid_name(),
        area: None,
        kind: GridKind::OriginalSettlement,
        line: Some(LineKind::Relocated),
        retired: false,
        retired_on: None,
        revision: 1,
    };
    let known = Circumstances {
        held_since: team.cadre.as_ref().map(|_| day("2023-02-01")),
        stand_in,
        grid: &grid,
        lines: &[],
        now: now(),
        today: june(1),
    };
    cover(team, &command(from, to, stand_in), known, Uuid::now_v7).map(|(team, ..)| team).map_err(|error| match error {
        Error::Refused { reason, .. } => reason.to_owned(),
        Error::Invalid(wrong) => wrong[0].field.clone(),
        other => other.to_string(),
    })
}

fn days(team: &Team) -> Vec<(NaiveDate, NaiveDate, bool)> {
    team.absences.iter().map(|one| (one.valid_from, one.valid_to, one.stand_in.is_some())).collect()
}

#[test]
fn a_stand_in_serves_on_all_of_the_days_in_an_office_that_fits() {
    let fit = member(2, Office::Cadre);
    let covered = cover_with(team(), None, june(10), Some(&fit)).unwrap();
    assert_eq!(days(&covered), [(june(1), june(10), true)]);
    let leader = member(2, Office::GridWorker);
    assert_eq!(cover_with(team(), None, june(10), Some(&leader)).unwrap_err(), reasons::WRONG_OFFICE);
    let until_then = Member { term_end: Some(june(10)), ..fit.clone() };
    assert!(cover_with(team(), None, june(10), Some(&until_then)).is_ok());
    assert_eq!(cover_with(team(), None, june(11), Some(&until_then)).unwrap_err(), reasons::NOT_SERVING);
    assert_eq!(cover_with(team(), None, june(10), Some(&member(1, Office::Cadre))).unwrap_err(), "stand_in");
}

#[test]
fn a_vacant_seat_and_days_that_are_over_are_refused() {
    let mut vacant = team();
    vacant.cadre = None;
    assert_eq!(cover_with(vacant, None, june(10), None).unwrap_err(), reasons::ILLEGAL_MOVE);
    assert_eq!(cover_with(team(), Some(day("2026-05-01")), june(1), None).unwrap_err(), "end_date");
    assert_eq!(cover_with(team(), Some(june(5)), june(5), None).unwrap_err(), "end_date");
    assert_eq!(cover_with(team(), Some(day("2023-01-31")), june(5), None).unwrap_err(), "start_date");
}

#[test]
fn an_absence_without_stand_in_gives_way_and_one_with_does_not() {
    let other = member(2, Office::Cadre);
    let alone = cover_with(team(), None, june(20), None).unwrap();
    let covered = cover_with(alone, Some(june(5)), june(10), Some(&other)).unwrap();
    let left = [(june(1), june(5), false), (june(5), june(10), true), (june(10), june(20), false)];
    assert_eq!(days(&covered), left);
    assert_eq!(cover_with(covered, Some(june(9)), june(12), None).unwrap_err(), reasons::SEAT_COVERED);
}

#[test]
fn the_holder_may_be_back_sooner() {
    let covered = cover_with(team(), None, june(20), Some(&member(2, Office::Cadre))).unwrap();
    let back = |start: Option<NaiveDate>, end: Option<NaiveDate>| {
        let command = UncoverSeat { name: team().name, expected: None, seat: Seat::Cadre, start, end };
        uncover(covered.clone(), &command, now(), june(3)).map(|(team, ..)| days(&team))
    };
    assert_eq!(back(None, None).unwrap(), []);
    assert_eq!(back(None, Some(june(9))).unwrap(), [(june(1), june(9), true)]);
    assert!(back(None, Some(june(21))).is_err());
    assert!(back(Some(june(2)), None).is_err());
}

proptest! {
    /// Whatever is noted in whatever order, a seat has one absence a day at most, and no day without stand-in that was
    /// noted is lost.
    #[test]
    fn one_absence_a_day_and_no_day_lost(noted in proptest::collection::vec((1_u32..28, 1_u32..15, any::<bool>()), 1..12)) {
        let other = member(2, Office::Cadre);
        let mut world = team();
        let mut away = BTreeSet::new();
        for (from, length, with) in noted {
            let (from, to) = (june(from), june(from) + chrono::Days::new(u64::from(length) + 1));
            if let Ok(team) = cover_with(world.clone(), Some(from), to, with.then_some(&other)) {
                world = team;
                away.extend(from.iter_days().take_while(|day| *day < to));
            }
            let mut found = BTreeSet::new();
            for absence in &world.absences {
                for day in absence.valid_from.iter_days().take_while(|day| *day < absence.valid_to) {
                    prop_assert!(found.insert(day), "{day} twice in {:?}", world.absences);
                }
            }
            prop_assert_eq!(&found, &away);
        }
    }
}
