#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeSet;

use super::*;
use crate::line::rules::LineKind;
use crate::places::GridKind;

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn today() -> NaiveDate {
    "2026-06-01".parse().unwrap()
}

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn team() -> Team {
    Team::new(village(), "001".parse().unwrap(), now())
}

fn grid(line: Option<LineKind>, retired: bool) -> Grid {
    Grid {
        name: team().name.grid_name(),
        area: None,
        kind: GridKind::OriginalSettlement,
        line,
        retired,
        retired_on: None,
        revision: 1,
    }
}

fn lines() -> Vec<Line> {
    LineKind::ALL.iter().map(|kind| Line::default_of(village(), *kind, now())).collect()
}

fn member(offices: &[Office]) -> Member {
    Member {
        name: MemberName::new(village(), Uuid::from_u128(7)),
        display_name: "吴慧龙".into(),
        telephone: None,
        offices: offices.iter().copied().collect(),
        source: None,
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: "2023-01-01".parse().unwrap(),
        term_end: None,
        state: crate::member::entrance::State::Appointed,
        representing: None,
        candidacy: None,
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

fn attempt(team: Team, seat: Seat, offices: &[Office], grid: &Grid) -> Result<Team, String> {
    let member = member(offices);
    let command =
        SeatMember { name: team.name.clone(), expected: None, seat, member: member.name.clone(), leader_office: None };
    super::seat(team, &command, &member, grid, &lines(), now(), today()).map(|(team, _)| team).map_err(|error| {
        match error {
            Error::Refused { reason, .. } => reason.to_owned(),
            other => other.to_string(),
        }
    })
}

#[test]
fn each_seat_asks_for_its_office() {
    let grid = grid(None, false);
    for (seat, office, right) in [
        (Seat::Cadre, Office::Cadre, true),
        (Seat::Cadre, Office::GridWorker, false),
        (Seat::Representative, Office::Representative, true),
        (Seat::Representative, Office::Cadre, false),
        (Seat::Leader, Office::GridWorker, true),
        (Seat::Leader, Office::PartyGroupLeader, true),
        (Seat::Leader, Office::VillagerGroupLeader, true),
        (Seat::Leader, Office::Cadre, false),
        (Seat::Leader, Office::Representative, false),
    ] {
        assert_eq!(attempt(team(), seat, &[office], &grid).is_ok(), right, "{seat:?} {office:?}");
    }
}

#[test]
fn the_line_of_the_grid_says_who_may_lead() {
    let (one, two) = (grid(Some(LineKind::Relocated), false), grid(Some(LineKind::Rebuilt), false));
    assert_eq!(attempt(team(), Seat::Leader, &[Office::GridWorker], &one).unwrap_err(), reasons::WRONG_OFFICE);
    assert!(attempt(team(), Seat::Leader, &[Office::GridWorker], &two).is_ok());
    let seated = attempt(team(), Seat::Leader, &[Office::GridWorker, Office::VillagerGroupLeader], &one).unwrap();
    assert_eq!(seated.leader.unwrap().office, Office::VillagerGroupLeader);
}

#[test]
fn a_seat_that_is_held_and_a_grid_that_is_given_up_are_refused() {
    let seated = attempt(team(), Seat::Cadre, &[Office::Cadre], &grid(None, false)).unwrap();
    assert_eq!(seated.revision, 2);
    assert_eq!(attempt(seated, Seat::Cadre, &[Office::Cadre], &grid(None, false)).unwrap_err(), reasons::SEAT_TAKEN);
    assert_eq!(attempt(team(), Seat::Cadre, &[Office::Cadre], &grid(None, true)).unwrap_err(), reasons::GRID_RETIRED);
}

#[test]
fn who_does_not_serve_today_is_not_seated() {
    let late = Member { term_start: "2026-06-02".parse().unwrap(), ..member(&[Office::Cadre]) };
    let command = SeatMember {
        name: team().name,
        expected: None,
        seat: Seat::Cadre,
        member: late.name.clone(),
        leader_office: None,
    };
    let refused = super::seat(team(), &command, &late, &grid(None, false), &lines(), now(), today()).unwrap_err();
    assert!(matches!(refused, Error::Refused { reason: reasons::NOT_SERVING, .. }));
}

#[test]
fn a_vacant_seat_cannot_be_vacated() {
    assert!(vacate(team(), Seat::Leader, now()).is_err());
    let seated = attempt(team(), Seat::Cadre, &[Office::Cadre], &grid(None, false)).unwrap();
    let (team, left, _) = vacate(seated, Seat::Cadre, now()).unwrap();
    assert_eq!((team.cadre, left.member, team.revision), (None, Uuid::from_u128(7), 3));
}
