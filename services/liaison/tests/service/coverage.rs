//! Coverage of days that have gone by, its parts, and how long households were without a representative.

use proto::liaison::v1 as pb;
use proto::registry::v1::{GridKind, HouseholdChanged, HouseholdKind, HouseholdState, LineKind};

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, team_name, text};

/// News of a household as it was changed on a day.
fn changed(mut news: HouseholdChanged, revision: i64, day: &str) -> HouseholdChanged {
    let noon: chrono::DateTime<chrono::Utc> = format!("{day}T04:00:00Z").parse().unwrap();
    (news.revision, news.change_time) = (revision, Some(proto::time::timestamp(noon)));
    news
}

async fn apart(desk: &mut Desk, as_of: Option<&str>, breakdown: pb::CoverageBreakdown) -> Vec<pb::CoveragePart> {
    let request = pb::GetCoverageRequest {
        parent: format!("villages/{GAOCHONG}"),
        as_of: as_of.and_then(date),
        breakdown: breakdown.into(),
    };
    desk.coverage.get_coverage(request).await.unwrap().into_inner().parts
}

async fn uncovered(desk: &mut Desk, start: &str, end: &str) -> Vec<(String, String, String, i32)> {
    let request = pb::ListUncoveredPeriodsRequest {
        parent: format!("villages/{GAOCHONG}"),
        start_date: date(start),
        end_date: date(end),
        ..Default::default()
    };
    let periods = desk.coverage.list_uncovered_periods(request).await.unwrap().into_inner().periods;
    let told = |one: pb::UncoveredPeriod| (one.household_number, text(one.start_date), text(one.end_date), one.days);
    periods.into_iter().map(told).collect()
}

#[tokio::test]
async fn households_count_as_they_stood_on_the_day_in_whatever_order_news_came() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let mut grids = [grid_news(GAOCHONG, "001", LineKind::Rebuilt), grid_news(GAOCHONG, "061", LineKind::Relocated)];
    grids[0].area = format!("villages/{GAOCHONG}/areas/P01");
    (grids[1].area, grids[1].kind) = (format!("villages/{GAOCHONG}/areas/P05"), GridKind::OutsideEstate.into());
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 2, 0).await;
    let rebuilt = household_news(GAOCHONG, "00001", "001", HouseholdKind::RebuiltArea);
    let mut moved = household_news(GAOCHONG, "00001", "061", HouseholdKind::Relocated);
    moved.outside = true;
    let away = HouseholdChanged { state: HouseholdState::Away.into(), ..moved.clone() };
    let mut later = household_news(GAOCHONG, "00002", "001", HouseholdKind::RebuiltArea);
    later.active_since = date("2026-05-15");
    // The oldest comes last.
    stand.delivers(&[changed(away, 3, "2026-05-20")]).await;
    stand.delivers(&[changed(moved, 2, "2026-05-10"), changed(rebuilt, 1, "2026-03-01")]).await;
    stand.delivers(&[changed(later, 1, "2026-05-15")]).await;
    stand.counts("select count(*) from household_was", 4).await;

    let mut on = async |day: &str| {
        let covered = clerk.covered(GAOCHONG, Some(day)).await;
        (covered.households, covered.lines[0].households, covered.lines[1].households)
    };
    assert_eq!(on("2026-01-01").await, (1, 0, 1), "before it was first written down it was so too");
    assert_eq!(on("2026-05-09").await, (1, 0, 1));
    assert_eq!(on("2026-05-10").await, (1, 1, 0));
    assert_eq!(on("2026-05-19").await, (2, 1, 1));
    assert_eq!(on("2026-05-20").await, (1, 0, 1));

    let estates = apart(&mut clerk, Some("2026-05-19"), pb::CoverageBreakdown::Estate).await;
    assert_eq!((estates.len(), estates[0].households, estates[0].line()), (1, 1, LineKind::Relocated));
    assert_eq!(estates[0].grid, format!("villages/{GAOCHONG}/grids/061"));
    let areas = apart(&mut clerk, Some("2026-05-19"), pb::CoverageBreakdown::Area).await;
    let areas: Vec<(&str, i32)> = areas.iter().map(|part| (part.area.as_str(), part.households)).collect();
    let [one, five] = ["P01", "P05"].map(|area| format!("villages/{GAOCHONG}/areas/{area}"));
    assert_eq!(areas, [(one.as_str(), 1), (five.as_str(), 1)]);
    for (breakdown, parts) in [
        (pb::CoverageBreakdown::Grid, 2),
        (pb::CoverageBreakdown::Line, 2),
        (pb::CoverageBreakdown::GridKind, 2),
        (pb::CoverageBreakdown::Unspecified, 0),
    ] {
        assert_eq!(apart(&mut clerk, Some("2026-05-19"), breakdown).await.len(), parts, "{breakdown:?}");
    }
    assert_eq!(apart(&mut clerk, None, pb::CoverageBreakdown::Estate).await, []);
}

#[tokio::test]
async fn nobody_to_be_covered_is_no_coverage() {
    let stand = Stand::new().await;
    let covered = stand.clerk().covered(GAOCHONG, None).await;
    assert_eq!((covered.households, covered.coverage), (0, None));
}

#[tokio::test]
async fn how_long_each_gap_lasted_is_told_to_the_day() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    let mut later = household_news(GAOCHONG, "00002", "001", HouseholdKind::Original);
    later.active_since = date("2026-06-05");
    stand.registry.tells(&[household_news(GAOCHONG, "00001", "001", HouseholdKind::Original), later]).await;
    stand.knows(GAOCHONG, 1, 2).await;
    let team = team_name(GAOCHONG, "001");
    let member = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team, pb::Seat::Representative, &member).await.unwrap();
    stand.days(10);
    clerk.vacate(&team, pb::Seat::Representative).await;
    stand.days(4);
    let next = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team, pb::Seat::Representative, &next).await.unwrap();
    stand.days(6);
    clerk.vacate(&team, pb::Seat::Representative).await;
    stand.days(3);

    // It is 24 June: without from the 11th to the 14th, and since the 21st.
    let gap = |number: &str, start: &str, end: &str, days| (number.into(), start.into(), end.into(), days);
    let expected = [
        gap("00001", "2026-06-11", "2026-06-15", 4),
        gap("00001", "2026-06-21", "", 4),
        gap("00002", "2026-06-11", "2026-06-15", 4),
        gap("00002", "2026-06-21", "", 4),
    ];
    assert_eq!(uncovered(&mut clerk, "2026-06-01", "2026-06-30").await, expected);
    let cut = [gap("00001", "2026-06-13", "2026-06-15", 2), gap("00002", "2026-06-13", "2026-06-15", 2)];
    assert_eq!(uncovered(&mut clerk, "2026-06-13", "2026-06-20").await, cut);
    // Before the first representative was elected there was none.
    let first = uncovered(&mut clerk, "2023-01-01", "2023-02-28").await;
    assert_eq!(first, [gap("00001", "2023-01-01", "2023-02-01", 31)]);

    let request = pb::ListUncoveredPeriodsRequest {
        parent: format!("villages/{GAOCHONG}"),
        household: household_name(GAOCHONG, "00002"),
        page_size: 1,
        ..Default::default()
    };
    let page = clerk.coverage.list_uncovered_periods(request.clone()).await.unwrap().into_inner();
    let request = pb::ListUncoveredPeriodsRequest { page_token: page.next_page_token, ..request };
    let rest = clerk.coverage.list_uncovered_periods(request).await.unwrap().into_inner();
    assert_eq!((text(page.periods[0].start_date).as_str(), rest.periods.len()), ("2026-06-11", 1));
    assert!(rest.next_page_token.is_empty());
    for (day, linked) in [("2026-06-10", 2), ("2026-06-11", 0), ("2026-06-15", 2), ("2026-06-21", 0)] {
        assert_eq!(clerk.covered(GAOCHONG, Some(day)).await.linked, linked, "{day}");
    }
}

#[tokio::test]
async fn news_from_before_is_taken_again_where_it_tells_more() {
    let stand = Stand::new().await;
    let mut news = household_news(GAOCHONG, "00001", "001", HouseholdKind::Original);
    stand.registry.tells(&[news.clone()]).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 1, 1).await;
    // As the version before kept it.
    let mut owner = stand.running.database.connect_as_owner().await;
    sqlx::query("update household set key_household = null").execute(&mut owner).await.unwrap();
    sqlx::query("update household_was set revision = 0").execute(&mut owner).await.unwrap();
    news.key_household = true;
    stand.delivers(&[news]).await;
    stand.counts("select count(*) from household where key_household", 1).await;
    assert_eq!(stand.count("select count(*) from household_was where revision = 1").await, 1);
}
