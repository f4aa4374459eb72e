//! The law of coverage against the real database: whatever news comes and whoever is seated, in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use proto::liaison::v1 as pb;
use proto::registry::v1::{HouseholdChanged, HouseholdKind, HouseholdState, LineKind};

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_news, team_name, text};

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
    /// A member hands over, to somebody or to nobody, some days ago.
    HandOver {
        from: usize,
        to: Option<usize>,
        households_only: bool,
        ago: i64,
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
        3 => (0..4_usize, proptest::option::weighted(0.7, 0..4_usize), any::<bool>(), 0_i64..4)
            .prop_map(|(from, to, households_only, ago)| Happening::HandOver { from, to, households_only, ago }),
        1 => (0_i64..3).prop_map(Happening::Days),
    ]
}

/// What breaks the law, counted.
const BROKEN: &str = "
    select 'active, in a grid with a representative, and not linked' as law, count(*)
      from household join team using (village, grid)
     where state = 'active' and team.representative is not null
       and not exists (select from link where link.village = household.village and link.household = household.id
                                          and link.valid_to is null)
    union all
    select 'linked, and not active or on the wrong line or by default to somebody else', count(*)
      from link
      join household on household.village = link.village and household.id = link.household
      join team on team.village = household.village and team.grid = household.grid
      join line on line.village = household.village and household.kind = any (line.household_kinds)
     where link.valid_to is null
       and (household.state <> 'active' or link.line <> line.kind
            or (link.origin = 'default' and link.representative is distinct from team.representative))
    union all
    select 'linked twice on one day', count(*)
      from link one join link other using (village, household)
     where one.id < other.id
       and daterange(one.valid_from, one.valid_to) && daterange(other.valid_from, other.valid_to)
    union all
    select 'seated, and not in the history of seats', count(*)
      from team
      left join seating on seating.village = team.village and seating.grid = team.grid
                       and seating.seat = 'representative' and seating.valid_to is null
     where team.representative is distinct from seating.member
    union all
    select 'changed, and not told', count(*)
      from link
     where revision is distinct from (select max(change_log.revision) from change_log
                                       where change_log.record = 'villages/' || link.village || '/links/' || link.id)";

/// The laws that do not hold.
async fn broken(owner: &mut sqlx::PgConnection) -> Vec<(String, i64)> {
    let laws: Vec<(String, i64)> = sqlx::query_as(BROKEN).fetch_all(owner).await.unwrap();
    laws.into_iter().filter(|(_, count)| *count > 0).collect()
}

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
    let mut counted = vec![BTreeMap::new(); HOUSEHOLDS];
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let mut owner = stand.running.database.connect_as_owner().await;
    let mut reader = stand.clerk();
    for step in 0..160_i64 {
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
                counted[household].insert(stand.today(), active);
                stand.delivers(&vec![news; times]).await;
                // A grid whose only purpose is to say that what was delivered before it has been read.
                stand.delivers(&[grid_news(GAOCHONG, &format!("{:03}", 100 + step), LineKind::Relocated)]).await;
                let name = format!("villages/{GAOCHONG}/teams/{:03}", 100 + step);
                let request = pb::GetTeamRequest { name };
                while reader.teams.get_team(request.clone()).await.is_err() {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
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
            Happening::HandOver { from, to, households_only, ago } => {
                let successor = to.map(|to| members[to].clone()).unwrap_or_default();
                let part = pb::HandOverPart { successor, households_only, ..Default::default() };
                let request = pb::HandOverRequest {
                    parent: format!("villages/{GAOCHONG}"),
                    member: members[from].clone(),
                    parts: vec![part],
                    date: Some(proto::time::date(stand.today() - chrono::Duration::days(ago))),
                    reason: "轮换".into(),
                    ..Default::default()
                };
                if let Err(status) = clerk.teams.hand_over(request).await {
                    assert!(
                        matches!(status.code(), tonic::Code::FailedPrecondition | tonic::Code::InvalidArgument),
                        "{status:?}"
                    );
                }
            }
            Happening::Days(days) => stand.days(days),
        }
        assert_eq!(broken(&mut owner).await, [], "after step {step}, {happening:?}");
    }
    assert!(stand.count("select count(*) from link").await > 20, "the history was not idle");
    // What the keeper wrote down behind all this comes to what the records say.
    let request = pb::ListGapsRequest { parent: format!("villages/{GAOCHONG}"), page_size: 1000, ..Default::default() };
    let missing = clerk.coverage.list_gaps(request).await.unwrap().into_inner().gaps.len();
    stand.counts("select count(*) from gap where closed is null", i64::try_from(missing).unwrap()).await;
    assert!(stand.count("select count(*) from gap where closed is not null").await > 10, "gaps opened and closed");
    days_agree(&mut clerk).await;
    let begun = "2026-06-01".parse().unwrap();
    let naive: BTreeSet<_> = (0..HOUSEHOLDS).map(|one| format!("{one:05}")).collect();
    let mut expected = BTreeSet::new();
    for (number, counted) in naive.iter().zip(&counted) {
        let links = clerk.history(&crate::stand::household_name(GAOCHONG, number)).await;
        let served: Vec<_> = links.iter().map(|link| (text(link.start_date), text(link.end_date))).collect();
        let missing = |day: NaiveDate| {
            counted.range(..=day).next_back().is_some_and(|(_, active)| *active) && !covers(&served, day)
        };
        expected.extend(
            runs(begun, stand.today(), missing).into_iter().map(|(since, until)| (number.clone(), since, until)),
        );
    }
    for grid in GRIDS {
        let request = pb::ListSeatingsRequest {
            parent: format!("villages/{GAOCHONG}"),
            filter: Some(pb::SeatingFilter {
                grid: format!("villages/{GAOCHONG}/grids/{grid}"),
                seat: pb::Seat::Representative.into(),
                ..Default::default()
            }),
            page_size: 1000,
            ..Default::default()
        };
        let seatings = clerk.teams.list_seatings(request).await.unwrap().into_inner().seatings;
        let held: Vec<_> = seatings.iter().map(|one| (text(one.start_date), text(one.end_date))).collect();
        let vacant = runs(begun, stand.today(), |day| !covers(&held, day));
        expected.extend(vacant.into_iter().map(|(since, until)| (grid.to_owned(), since, until)));
    }
    assert!(expected.iter().filter(|(_, _, until)| until.is_some()).count() > 10, "{expected:?}");
    assert_eq!(gaps(&mut clerk).await, expected);
}

/// Does one of these times include the day? The first day out may be open.
fn covers(times: &[(String, String)], day: NaiveDate) -> bool {
    let day = day.to_string();
    times.iter().any(|(from, to)| *from <= day && (to.is_empty() || day < *to))
}

type Time = (String, Option<String>);

/// The longest times in which something holds on every day, looked for day by day; open if it holds on the last.
fn runs(first: NaiveDate, last: NaiveDate, holds: impl Fn(NaiveDate) -> bool) -> Vec<Time> {
    let (mut runs, mut since) = (Vec::new(), None);
    for day in first.iter_days().take_while(|day| *day <= last) {
        match (holds(day), since) {
            (true, None) => since = Some(day),
            (false, Some(begun)) => {
                runs.push((begun.to_string(), Some(day.to_string())));
                since = None;
            }
            _ => {}
        }
    }
    runs.extend(since.map(|begun| (begun.to_string(), None)));
    runs
}

/// What the service says is missing or was, of households and of representatives in the grids of the test.
async fn gaps(clerk: &mut Desk) -> BTreeSet<(String, String, Option<String>)> {
    let parent = format!("villages/{GAOCHONG}");
    let request = pb::ListGapsRequest { parent: parent.clone(), page_size: 1000, ..Default::default() };
    let mut gaps = clerk.coverage.list_gaps(request).await.unwrap().into_inner().gaps;
    let mut page_token = String::new();
    loop {
        // A small page, so that pages are part of what is tested.
        let request =
            pb::ListClosedGapsRequest { parent: parent.clone(), page_size: 7, page_token, ..Default::default() };
        let page = clerk.coverage.list_closed_gaps(request).await.unwrap().into_inner();
        gaps.extend(page.gaps);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let known = |gap: pb::Gap| {
        let grid = gap.grid.rsplit('/').next().unwrap().to_owned();
        let what = match (gap.kind(), gap.seat()) {
            (pb::GapKind::HouseholdWithoutLink, _) => gap.household_number.clone(),
            (_, pb::Seat::Representative) if GRIDS.contains(&grid.as_str()) => grid,
            _ => return None,
        };
        Some((what, text(gap.since), gap.until.map(|day| text(Some(day)))))
    };
    gaps.into_iter().filter_map(known).collect()
}

/// On every day, the households without a link that coverage counts are those whose gap includes the day.
async fn days_agree(clerk: &mut Desk) {
    let request = pb::ListUncoveredPeriodsRequest {
        parent: format!("villages/{GAOCHONG}"),
        start_date: date("2026-05-25"),
        end_date: date("2026-12-31"),
        page_size: 1000,
        ..Default::default()
    };
    let periods = clerk.coverage.list_uncovered_periods(request).await.unwrap().into_inner().periods;
    assert!(periods.len() > 5, "there were gaps");
    let first: chrono::NaiveDate = "2026-05-25".parse().unwrap();
    let mut without = 0;
    for day in first.iter_days().take(40).map(|day| day.to_string()) {
        let covered = clerk.covered(GAOCHONG, Some(&day)).await;
        let on = |one: &&pb::UncoveredPeriod| {
            text(one.start_date) <= day && (one.end_date.is_none() || day < text(one.end_date))
        };
        let missing = usize::try_from(covered.households - covered.linked).unwrap();
        assert_eq!(missing, periods.iter().filter(on).count(), "{day}");
        without += missing;
    }
    assert!(without > 20, "some of them in these days");
}

/// Households come in while the seats of their grids are given: whoever is second has to find what the first one did.
#[tokio::test]
async fn no_household_falls_between_news_and_a_seat_that_is_given_at_the_same_time() {
    const EACH: i64 = 40;
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let codes: Vec<String> = (1..=6).map(|code| format!("{code:03}")).collect();
    let grids: Vec<_> = codes.iter().map(|code| grid_news(GAOCHONG, code, LineKind::Relocated)).collect();
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 6, 0).await;
    let mut owner = stand.running.database.connect_as_owner().await;
    for (place, code) in codes.iter().enumerate() {
        let member = clerk.enter(GAOCHONG, &format!("代表{code}"), pb::Office::Representative).await;
        let households: Vec<_> = (0..EACH)
            .map(|number| household_news(GAOCHONG, &format!("{code}{number:03}"), code, HouseholdKind::Original))
            .collect();
        let coming = async {
            for some in households.chunks(5) {
                stand.registry.tells(some).await;
            }
        };
        let team = team_name(GAOCHONG, code);
        let seating = async {
            tokio::time::sleep(std::time::Duration::from_millis(7 * place as u64)).await;
            clerk.seat(&team, pb::Seat::Representative, &member).await.unwrap();
        };
        tokio::join!(coming, seating);
        stand.knows(GAOCHONG, 6, EACH * (i64::try_from(place).unwrap() + 1)).await;
        assert_eq!(broken(&mut owner).await, [], "grid {code}");
    }
}
