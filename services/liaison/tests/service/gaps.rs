//! Gaps: since when, for how long, and heard of as they open and close.

use std::time::{Duration, Instant};

use platform::Office;
use proto::liaison::v1 as pb;
use proto::liaison::v1::watch_gaps_response::Happened;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::{Code, Streaming};

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, team_name, text};

/// Grids 001 and 002 with a household each; grid 001 has a representative.
async fn village(stand: &Stand) -> (Desk, String) {
    let mut clerk = stand.clerk();
    let grids: Vec<_> = ["001", "002"].iter().map(|code| grid_news(GAOCHONG, code, LineKind::Relocated)).collect();
    stand.registry.tells(&grids).await;
    let households: Vec<_> = [("00001", "001"), ("00002", "002")]
        .iter()
        .map(|(number, grid)| household_news(GAOCHONG, number, grid, HouseholdKind::Original))
        .collect();
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 2, 2).await;
    let one = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &one).await.unwrap();
    (clerk, one)
}

fn filter(grid: &str) -> Option<pb::GapFilter> {
    Some(pb::GapFilter { grid: format!("villages/{GAOCHONG}/grids/{grid}"), ..Default::default() })
}

async fn open(desk: &mut Desk, filter: Option<pb::GapFilter>) -> Vec<pb::Gap> {
    let request = pb::ListGapsRequest { parent: format!("villages/{GAOCHONG}"), filter, ..Default::default() };
    desk.coverage.list_gaps(request).await.unwrap().into_inner().gaps
}

async fn closed(desk: &Desk, filter: Option<pb::GapFilter>, from: &str, to: &str) -> Vec<pb::Gap> {
    let request = pb::ListClosedGapsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter,
        start_date: date(from),
        end_date: date(to),
        ..Default::default()
    };
    desk.coverage.clone().list_closed_gaps(request).await.unwrap().into_inner().gaps
}

async fn watch(desk: &Desk, filter: Option<pb::GapFilter>, token: &str) -> Streaming<pb::WatchGapsResponse> {
    let request =
        pb::WatchGapsRequest { parent: format!("villages/{GAOCHONG}"), filter, resume_token: token.to_owned() };
    desk.coverage.clone().watch_gaps(request).await.unwrap().into_inner()
}

/// What comes next, if it comes in time.
async fn next(stream: &mut Streaming<pb::WatchGapsResponse>) -> pb::WatchGapsResponse {
    let next = tokio::time::timeout(Duration::from_secs(10), stream.message());
    next.await.expect("nothing came").unwrap().expect("the stream ended")
}

/// What is told until the watcher has caught up, and where to go on from.
async fn caught_up(stream: &mut Streaming<pb::WatchGapsResponse>) -> (Vec<pb::WatchGapsResponse>, String) {
    let mut told = Vec::new();
    loop {
        let step = next(stream).await;
        if step.happened() == Happened::CaughtUp {
            return (told, step.resume_token);
        }
        told.push(step);
    }
}

#[tokio::test]
async fn a_gap_says_since_when_and_once_closed_how_long_it_was() {
    let stand = Stand::new().await;
    let (mut clerk, one) = village(&stand).await;
    stand.days(9);
    let parts = vec![pb::HandOverPart::default()];
    let end = pb::EndTermRequest { name: one.clone(), parts, reason: "辞职".into(), ..Default::default() };
    clerk.members.end_term(end).await.unwrap();
    stand.days(4);
    let gaps = open(&mut clerk, filter("001")).await;
    assert_eq!(
        (gaps[0].kind(), text(gaps[0].since), gaps[0].days),
        (pb::GapKind::HouseholdWithoutLink, "2026-06-10".into(), 4)
    );
    let seat = gaps.iter().find(|gap| gap.seat() == pb::Seat::Representative).unwrap();
    assert_eq!((text(seat.since), seat.member.as_str(), seat.term_ended), ("2026-06-10".into(), one.as_str(), true));

    let two = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &two).await.unwrap();
    assert_eq!(open(&mut clerk, filter("001")).await.len(), 2, "the other two seats");
    let over = closed(&clerk, filter("001"), "2026-06-14", "2026-06-14").await;
    assert_eq!(over.len(), 2, "at once, whenever the keeper looks: {over:?}");
    for gap in over {
        assert_eq!(
            (text(gap.since), text(gap.until), gap.days),
            ("2026-06-10".into(), "2026-06-14".into(), 4),
            "{gap:?}"
        );
    }
    assert!(closed(&clerk, filter("001"), "2026-06-15", "2026-07-01").await.is_empty());
    assert!(closed(&stand.desk(Office::Leader, GAOCHONG, &["002"]), None, "2026-06-14", "2026-06-14").await.is_empty());
}

#[tokio::test]
async fn what_is_entered_late_of_earlier_days_counts_as_if_it_had_been_said_then() {
    let stand = Stand::new().await;
    let (mut clerk, one) = village(&stand).await;
    let two = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    stand.days(9);
    // Grid 002 never had a representative: the first one is taken to have served since the term began.
    assert_eq!(text(open(&mut clerk, filter("002")).await[0].since), "2026-06-01", "since it was heard of");
    clerk.seat(&team_name(GAOCHONG, "002"), pb::Seat::Representative, &two).await.unwrap();
    assert!(closed(&clerk, filter("002"), "2023-01-01", "2026-12-31").await.is_empty());
    // Three days after it happened it is told that one had left: the gap is three days old when it opens.
    stand.counts("select count(*) from gap where closed is null and grid = '001'", 2).await;
    let mut watching = watch(&clerk, filter("001"), "").await;
    assert_eq!(caught_up(&mut watching).await.0.len(), 2, "two seats");
    let hand_over = |day: &str, successor: &str| pb::HandOverRequest {
        parent: format!("villages/{GAOCHONG}"),
        member: one.clone(),
        parts: vec![pb::HandOverPart { successor: successor.into(), ..Default::default() }],
        date: date(day),
        reason: "轮换".into(),
        ..Default::default()
    };
    clerk.teams.hand_over(hand_over("2026-06-07", "")).await.unwrap();
    let days: Vec<_> = open(&mut clerk, filter("001")).await.iter().map(|gap| gap.days).collect();
    assert_eq!(days.iter().filter(|days| **days == 3).count(), 2, "{days:?}");
    let told = [next(&mut watching).await, next(&mut watching).await];
    assert!(told.iter().all(|step| text(step.gap.clone().unwrap().since) == "2026-06-07"), "{told:?}");
}

#[tokio::test]
async fn a_gap_that_closes_and_opens_again_while_nobody_looks_is_two() {
    let stand = Stand::new().await;
    let (mut clerk, one) = village(&stand).await;
    let team = team_name(GAOCHONG, "001");
    let household = Some(pb::GapFilter {
        kind: pb::GapKind::HouseholdWithoutLink.into(),
        grid: format!("villages/{GAOCHONG}/grids/001"),
    });
    clerk.vacate(&team, pb::Seat::Representative).await;
    let mut watching = watch(&clerk, household.clone(), "").await;
    stand.counts("select count(*) from gap where closed is null and kind = 'household' and grid = '001'", 1).await;
    let mut told = caught_up(&mut watching).await.0;
    if told.is_empty() {
        told.push(next(&mut watching).await);
    }
    assert_eq!(text(told[0].gap.clone().unwrap().since), "2026-06-01");
    // Whether the keeper looks after each of these or after all of them, it tells the same.
    stand.days(2);
    clerk.seat(&team, pb::Seat::Representative, &one).await.unwrap();
    stand.days(3);
    clerk.vacate(&team, pb::Seat::Representative).await;
    let heard = [next(&mut watching).await, next(&mut watching).await];
    let closing = heard.iter().find(|step| step.happened() == Happened::Closed).unwrap().gap.clone().unwrap();
    assert_eq!((text(closing.since), text(closing.until)), ("2026-06-01".into(), "2026-06-03".into()));
    let opening = heard.iter().find(|step| step.happened() == Happened::Opened).unwrap().gap.clone().unwrap();
    assert_eq!((text(opening.since), opening.days), ("2026-06-06".into(), 0));
    let over = closed(&clerk, household, "2026-06-01", "2026-06-30").await;
    assert_eq!(over.iter().map(|gap| (text(gap.since), gap.days)).collect::<Vec<_>>(), [("2026-06-01".into(), 2)]);
}

#[tokio::test]
async fn an_absence_without_stand_in_is_a_gap_on_its_days() {
    let stand = Stand::new().await;
    let (mut clerk, one) = village(&stand).await;
    let away = pb::CoverSeatRequest {
        name: team_name(GAOCHONG, "001"),
        seat: pb::Seat::Representative.into(),
        start_date: date("2026-06-03"),
        end_date: date("2026-06-06"),
        ..Default::default()
    };
    clerk.teams.cover_seat(away).await.unwrap();
    let absences = Some(pb::GapFilter { kind: pb::GapKind::AbsentWithoutStandIn.into(), ..Default::default() });
    assert!(open(&mut clerk, absences.clone()).await.is_empty());
    let mut watching = watch(&clerk, absences.clone(), "").await;
    assert!(caught_up(&mut watching).await.0.is_empty());
    stand.days(3);
    let gaps = open(&mut clerk, absences.clone()).await;
    assert_eq!((gaps.len(), gaps[0].member.as_str(), text(gaps[0].since)), (1, one.as_str(), "2026-06-03".into()));
    assert_eq!(next(&mut watching).await.happened(), Happened::Opened, "without anybody writing anything");
    stand.days(2);
    assert!(open(&mut clerk, absences).await.is_empty());
    assert_eq!(next(&mut watching).await.happened(), Happened::Closed);
}

#[tokio::test]
async fn whoever_watches_hears_of_what_there_is_and_then_of_each_opening_and_closing_within_a_second() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    stand.counts("select count(*) from gap where closed is null", 6).await;
    let mut all = watch(&clerk, None, "").await;
    let mut neighbour = watch(&stand.desk(Office::Representative, GAOCHONG, &["002"]), None, "").await;
    let (present, _) = caught_up(&mut all).await;
    assert_eq!(present.len(), 6, "a household and five seats: {present:?}");
    assert!(present.iter().all(|step| step.happened() == Happened::Present && step.resume_token.is_empty()));
    assert_eq!(caught_up(&mut neighbour).await.0.len(), 4);

    let team = team_name(GAOCHONG, "001");
    clerk.vacate(&team, pb::Seat::Representative).await;
    let begun = Instant::now();
    let heard = [next(&mut all).await, next(&mut all).await];
    assert!(begun.elapsed() < Duration::from_secs(5), "within a second, on a machine that is not busy");
    println!("heard of an opening after {:?}", begun.elapsed());
    assert!(heard.iter().all(|step| step.happened() == Happened::Opened && !step.resume_token.is_empty()));
    let households: Vec<_> = heard.iter().map(|step| step.gap.clone().unwrap().household).collect();
    assert!(households.contains(&household_name(GAOCHONG, "00001")));

    let two = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team, pb::Seat::Representative, &two).await.unwrap();
    assert_eq!([next(&mut all).await.happened(), next(&mut all).await.happened()], [Happened::Closed; 2]);
    // The neighbour heard nothing of it: what comes next is of its own grid.
    let cadre = clerk.enter(GAOCHONG, "田秀坤", pb::Office::Cadre).await;
    clerk.seat(&team_name(GAOCHONG, "002"), pb::Seat::Cadre, &cadre).await.unwrap();
    let step = next(&mut neighbour).await;
    assert_eq!((step.happened(), step.gap.unwrap().grid.ends_with("/002")), (Happened::Closed, true));
}

#[tokio::test]
async fn watching_goes_on_from_where_it_was_and_tells_nothing_twice() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    stand.counts("select count(*) from gap where closed is null", 6).await;
    let mut first = watch(&clerk, None, "").await;
    let (_, token) = caught_up(&mut first).await;
    drop(first);
    let team = team_name(GAOCHONG, "001");
    clerk.vacate(&team, pb::Seat::Representative).await;
    stand.counts("select count(*) from gap where closed is null", 8).await;
    let (missed, later) = caught_up(&mut watch(&clerk, None, &token).await).await;
    assert_eq!(missed.iter().map(|step| step.happened()).collect::<Vec<_>>(), [Happened::Opened; 2]);
    assert!(caught_up(&mut watch(&clerk, None, &later).await).await.0.is_empty());
    let half = missed[0].resume_token.clone();
    assert_eq!(caught_up(&mut watch(&clerk, None, &half).await).await.0.len(), 1);

    for token in ["x", "430112011212-1", "430112011211-999999", "430112011211--1"] {
        let request = pb::WatchGapsRequest {
            parent: format!("villages/{GAOCHONG}"),
            resume_token: token.into(),
            ..Default::default()
        };
        assert_eq!(clerk.coverage.watch_gaps(request).await.unwrap_err().code(), Code::InvalidArgument, "{token}");
    }
}

#[tokio::test]
async fn a_service_that_stops_ends_the_streams_of_those_who_watch() {
    let stand = Stand::new().await;
    let (clerk, _) = village(&stand).await;
    let mut watching = watch(&clerk, None, "").await;
    caught_up(&mut watching).await;
    let begun = Instant::now();
    stand.running.stop().await;
    // What was under way is told, then it ends, and does not break.
    while watching.message().await.unwrap().is_some() {}
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn what_gaps_say_is_what_the_records_say_whatever_happened() {
    let stand = Stand::new().await;
    let (mut clerk, one) = village(&stand).await;
    let mut moved = household_news(GAOCHONG, "00001", "002", HouseholdKind::Original);
    moved.revision = 2;
    stand.registry.tells(&[moved]).await;
    let mut retired = grid_news(GAOCHONG, "001", LineKind::Relocated);
    (retired.revision, retired.state) = (2, proto::registry::v1::GridState::Retired.into());
    stand.registry.tells(&[retired]).await;
    clerk
        .members
        .end_term(pb::EndTermRequest {
            name: one,
            parts: vec![pb::HandOverPart::default()],
            reason: "辞职".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let keys = |gaps: Vec<pb::Gap>| {
        let mut keys: Vec<_> = gaps.into_iter().map(|gap| (gap.kind, gap.grid, gap.household, gap.seat)).collect();
        keys.sort();
        keys
    };
    // Households move without their seat: the list is read from the records, the stream from the keeper's rows.
    stand.counts("select count(*) from gap where closed is null and grid = '001'", 0).await;
    stand.counts("select count(*) from gap where closed is null and grid = '002'", 5).await;
    let present =
        caught_up(&mut watch(&clerk, None, "").await).await.0.into_iter().filter_map(|step| step.gap).collect();
    assert_eq!(keys(open(&mut clerk, None).await), keys(present));
}
