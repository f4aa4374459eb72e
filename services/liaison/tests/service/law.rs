//! The law of coverage against the real database: whatever news comes and whoever is seated, in whatever order.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use proto::liaison::v1 as pb;
use proto::registry::v1::{HouseholdChanged, HouseholdKind, HouseholdState, LineKind};

use crate::stand::{GAOCHONG, Stand, grid_news, household_news, team_name};

const GRIDS: [&str; 3] = ["001", "002", "003"];
const HOUSEHOLDS: usize = 8;
const KINDS: [HouseholdKind; 4] =
    [HouseholdKind::Original, HouseholdKind::Relocated, HouseholdKind::RebuiltArea, HouseholdKind::Tenant];

/// Something that happens in a village.
#[derive(Debug, Clone)]
enum Happening {
    /// News of a household: which, in which grid, of which kind, active or not, and how many times it is delivered.
    News {
        household: usize,
        grid: usize,
        kind: usize,
        active: bool,
        times: usize,
    },
    /// A representative gets the seat of a grid, if it is vacant and nobody else's.
    Seat {
        grid: usize,
        member: usize,
    },
    /// The seat of a grid is emptied, if it is held.
    Vacate {
        grid: usize,
    },
    /// A household chooses a representative.
    Choose {
        household: usize,
        member: usize,
    },
    Days(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..HOUSEHOLDS, 0..GRIDS.len(), 0..KINDS.len(), prop::bool::weighted(0.8), 1_usize..3)
            .prop_map(|(household, grid, kind, active, times)| Happening::News { household, grid, kind, active, times }),
        3 => (0..GRIDS.len(), 0..4_usize).prop_map(|(grid, member)| Happening::Seat { grid, member }),
        2 => (0..GRIDS.len()).prop_map(|grid| Happening::Vacate { grid }),
        1 => (0..HOUSEHOLDS, 0..4_usize).prop_map(|(household, member)| Happening::Choose { household, member }),
        1 => (0_i64..3).prop_map(Happening::Days),
    ]
}

/// Households that break the law: active, in a grid with a representative, and not linked until further notice.
const UNCOVERED: &str = "select count(*) from household join team using (village, grid)
     where state = 'active' and team.representative is not null
       and not exists (select from link where link.village = household.village and link.household = household.id
                                          and link.valid_to is null)";
/// Default links that are not what they should be, and links of households that do not count.
const WRONG: &str = "select count(*) from link
      join household on household.village = link.village and household.id = link.household
      join team on team.village = household.village and team.grid = household.grid
      join line on line.village = household.village and household.kind = any (line.household_kinds)
     where link.valid_to is null
       and (household.state <> 'active' or link.line <> line.kind
            or (link.origin = 'default' and link.representative is distinct from team.representative))";
/// Two links of a household on one day.
const OVERLAPPING: &str = "select count(*) from link one join link other using (village, household)
     where one.id < other.id
       and daterange(one.valid_from, one.valid_to) && daterange(other.valid_from, other.valid_to)";
/// Changes whose record says otherwise: news that was not told.
const UNTOLD: &str = "select count(*) from link
     where revision is distinct from (select max(change_log.revision) from change_log
                                       where change_log.record = 'villages/' || link.village || '/links/' || link.id)";

#[tokio::test]
async fn every_active_household_of_a_represented_grid_has_one_link_and_never_two() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let grids: Vec<_> = GRIDS.iter().map(|code| grid_news(GAOCHONG, code, LineKind::Relocated)).collect();
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 3, 0).await;
    let mut members = Vec::new();
    for name in ["一", "二", "三", "四"] {
        members.push(clerk.enter(GAOCHONG, name, pb::Office::Representative).await);
    }
    let mut revisions = [0_i64; HOUSEHOLDS];
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    for step in 0..150_i64 {
        let happening = happening().new_tree(&mut runner).unwrap().current();
        match happening.clone() {
            Happening::News { household, grid, kind, active, times } => {
                revisions[household] += 1;
                let state = if active { HouseholdState::Active } else { HouseholdState::Demolished };
                let news = HouseholdChanged {
                    revision: revisions[household],
                    state: state.into(),
                    ..household_news(GAOCHONG, &format!("{household:05}"), GRIDS[grid], KINDS[kind])
                };
                stand.delivers(&vec![news; times]).await;
                // A grid whose only purpose is to say that what was delivered before it has been read.
                stand.delivers(&[grid_news(GAOCHONG, &format!("{:03}", 100 + step), LineKind::Relocated)]).await;
                let name = format!("villages/{GAOCHONG}/teams/{:03}", 100 + step);
                harness::wait_for("the news to be read", || async {
                    let mut reader = stand.clerk();
                    reader.teams.get_team(pb::GetTeamRequest { name: name.clone() }).await.is_ok()
                })
                .await;
            }
            Happening::Seat { grid, member } => {
                let _ = clerk.seat(&team_name(GAOCHONG, GRIDS[grid]), pb::Seat::Representative, &members[member]).await;
            }
            Happening::Vacate { grid } => {
                let name = team_name(GAOCHONG, GRIDS[grid]);
                let request =
                    pb::VacateSeatRequest { name, seat: pb::Seat::Representative.into(), ..Default::default() };
                let _ = clerk.teams.vacate_seat(request).await;
            }
            Happening::Choose { household, member } => {
                let request = pb::LinkHouseholdRequest {
                    household: crate::stand::household_name(GAOCHONG, &format!("{household:05}")),
                    representative: members[member].clone(),
                    reason: "就熟".into(),
                    ..Default::default()
                };
                let _ = clerk.links.link_household(request).await;
            }
            Happening::Days(days) => stand.days(days),
        }
        for law in [UNCOVERED, WRONG, OVERLAPPING, UNTOLD] {
            assert_eq!(stand.count(law).await, 0, "after step {step}, {happening:?}: {law}");
        }
    }
    assert!(stand.count("select count(*) from link").await > 20, "the history was not idle");
}
