#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use super::*;
use crate::line::rules::LineKind;
use crate::places::GridKind;

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn member(id: u128, name: &str, office: Office) -> Member {
    Member {
        name: MemberName::new(village(), Uuid::from_u128(id)),
        display_name: name.into(),
        telephone: None,
        offices: [office].into(),
        source: None,
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: "2023-02-01".parse().unwrap(),
        term_end: None,
        state: crate::member::entrance::State::Appointed,
        representing: None,
        candidacy: None,
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

/// Grids 001 and 002 on line one, 003 given up; a cadre, a leader, and three representatives of whom two share a name.
fn now_in_the_village() -> VillageNow {
    let grid = |code: &str, retired| Grid {
        name: proto::names::GridName::new(village(), code.parse().unwrap()),
        area: None,
        kind: GridKind::OriginalSettlement,
        line: Some(LineKind::Relocated),
        retired,
        retired_on: None,
        revision: 1,
    };
    VillageNow {
        members: vec![
            member(1, "田秀坤", Office::Cadre),
            member(2, "吴慧龙", Office::VillagerGroupLeader),
            member(3, "潘明超", Office::GridWorker),
            member(4, "熊静贵", Office::Representative),
            member(5, "李明", Office::Representative),
            member(6, "李明", Office::Representative),
        ],
        hints: [(Uuid::from_u128(6), "002".parse().unwrap())].into(),
        grids: vec![grid("001", false), grid("002", false), grid("003", true)],
        lines: LineKind::ALL.iter().map(|kind| Line::default_of(village(), *kind, now())).collect(),
        today: "2026-06-01".parse().unwrap(),
    }
}

fn row(number: u32, grid: &str, cadre: &str, leader: &str, representative: &str) -> TeamRow {
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    TeamRow {
        row: number,
        grid: grid.parse().unwrap(),
        cadre: name(cadre),
        leader: name(leader).map(|name| (name, None)),
        representative: name(representative),
    }
}

fn teams(grids: &[&str]) -> Vec<Team> {
    grids.iter().map(|grid| Team::new(village(), grid.parse().unwrap(), now())).collect()
}

fn reasons(plan: &Plan) -> Vec<&'static str> {
    plan.fates
        .iter()
        .map(|(_, fate)| match fate {
            Ok(Outcome::Updated) => "updated",
            Ok(_) => "unchanged",
            Err((_, refusal)) => refusal.reason,
        })
        .collect()
}

#[test]
fn a_row_seats_three_people_and_the_same_row_again_changes_nothing() {
    let village = now_in_the_village();
    let rows = vec![row(2, "001", "田秀坤", "吴慧龙", "熊静贵")];
    let first = plan(&village, &teams(&["001", "002"]), rows.clone(), now());
    assert_eq!(reasons(&first), ["updated"]);
    assert!(first.teams[0].complete() && first.teams[0].revision == 2);
    assert_eq!(first.represented.len(), 1);
    let again = plan(&village, &first.teams, rows, now());
    assert_eq!(reasons(&again), ["unchanged"]);
    assert!(again.teams.is_empty() && again.represented.is_empty() && again.left.is_empty());
}

#[test]
fn a_blank_cell_leaves_the_seat_as_it_is() {
    let village = now_in_the_village();
    let first = plan(&village, &teams(&["001"]), vec![row(2, "001", "田秀坤", "", "熊静贵")], now());
    let second = plan(&village, &first.teams, vec![row(2, "001", "", "吴慧龙", "")], now());
    assert!(second.teams[0].complete());
}

#[test]
fn every_bad_row_says_why_and_the_good_ones_go_in() {
    let village = now_in_the_village();
    let rows = vec![
        row(2, "001", "田秀坤", "吴慧龙", "熊静贵"),
        row(3, "001", "田秀坤", "吴慧龙", "熊静贵"),
        row(4, "003", "田秀坤", "吴慧龙", "李明"),
        row(5, "009", "田秀坤", "吴慧龙", "李明"),
        row(6, "002", "无此人", "吴慧龙", "李明"),
    ];
    let plan = plan(&village, &teams(&["001", "002", "003"]), rows, now());
    assert_eq!(reasons(&plan), ["updated", "DUPLICATE_ROW", "GRID_RETIRED", "UNKNOWN_GRID", "UNKNOWN_MEMBER"]);
    assert_eq!(plan.teams.len(), 1);
}

#[test]
fn a_grid_worker_does_not_lead_on_line_one() {
    let plan = plan(&now_in_the_village(), &teams(&["001"]), vec![row(2, "001", "", "潘明超", "")], now());
    assert_eq!(reasons(&plan), ["WRONG_OFFICE"]);
}

#[test]
fn two_of_one_name_are_told_apart_by_the_grid_of_the_representative() {
    let village = now_in_the_village();
    let rows = vec![row(2, "001", "", "", "李明"), row(3, "002", "", "", "李明")];
    let plan = plan(&village, &teams(&["001", "002"]), rows, now());
    assert_eq!(reasons(&plan), ["AMBIGUOUS_MEMBER", "updated"]);
    assert_eq!(plan.teams[0].representative.as_ref().unwrap().member, Uuid::from_u128(6));
}

#[test]
fn a_representative_has_one_grid_and_two_may_change_places() {
    let village = now_in_the_village();
    let twice = vec![row(2, "001", "", "", "熊静贵"), row(3, "002", "", "", "熊静贵")];
    let first = plan(&village, &teams(&["001", "002"]), twice, now());
    assert_eq!(reasons(&first), ["updated", "SEAT_TAKEN"]);

    let mut seated = teams(&["001", "002"]);
    seated[0].representative = Some(Holder::of(&village.members[3], Office::Representative));
    seated[1].representative = Some(Holder::of(&village.members[5], Office::Representative));
    let mut swapping = now_in_the_village();
    swapping.hints = [(Uuid::from_u128(6), "001".parse().unwrap())].into();
    let swap = vec![row(2, "001", "", "", "李明"), row(3, "002", "", "", "熊静贵")];
    let swapped = plan(&swapping, &seated, swap, now());
    assert_eq!(reasons(&swapped), ["updated", "updated"]);
    assert!(swapped.left.is_empty() && swapped.represented.len() == 2);

    let replaced = plan(&swapping, &seated, vec![row(2, "001", "", "", "李明")], now());
    assert_eq!(reasons(&replaced), ["SEAT_TAKEN"], "the other one still sits in 002");
}
