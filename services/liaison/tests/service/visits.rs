//! Visits through the real clients.

use platform::Office;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, refused, team_name};

/// Grid 001 with household 00001 and its representative, grid 002 with household 00002 and none.
pub(crate) async fn village(stand: &Stand) -> (Desk, String) {
    let mut clerk = stand.clerk();
    for (grid, number) in [("001", "00001"), ("002", "00002")] {
        stand.registry.tells(&[grid_news(GAOCHONG, grid, LineKind::Relocated)]).await;
        stand.registry.tells(&[household_news(GAOCHONG, number, grid, HouseholdKind::Original)]).await;
    }
    stand.knows(GAOCHONG, 2, 2).await;
    let member = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &member).await.unwrap();
    (clerk, member)
}

pub(crate) fn visit(number: &str, day: &str) -> pb::CreateVisitRequest {
    pb::CreateVisitRequest {
        parent: format!("villages/{GAOCHONG}"),
        visit: Some(pb::Visit {
            household: household_name(GAOCHONG, number),
            visited_on: date(day),
            mode: pb::VisitMode::DoorStep.into(),
            topics: vec!["医保".into(), "用电安全".into()],
            note: "老人独居，已留电话".into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_visit_is_logged_for_the_linked_representative_and_its_note_stays_here() {
    let stand = Stand::new().await;
    let (_, member) = village(&stand).await;
    let mut representative = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let logged = representative.visits.create_visit(visit("00001", "2026-05-20")).await.unwrap().into_inner();
    assert_eq!((logged.representative.as_str(), logged.persons), (member.as_str(), 1));
    assert_eq!((logged.grid, logged.topics.len()), (format!("villages/{GAOCHONG}/grids/001"), 2));
    let get = pb::GetVisitRequest { name: logged.name.clone() };
    assert_eq!(representative.visits.get_visit(get).await.unwrap().into_inner().note, "老人独居，已留电话");
    let told = "select count(*) from change_log where noun = 'visit'
                   and position(convert_to('独居', 'UTF8') in event) = 0";
    assert_eq!(stand.count(told).await, 1);
}

#[tokio::test]
async fn a_visit_in_the_future_before_the_link_or_to_a_neighbouring_grid_is_refused() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    let mut representative = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let precondition = Code::FailedPrecondition;
    let future = representative.visits.create_visit(visit("00001", "2026-06-02")).await;
    refused(future, precondition, reasons::IN_THE_FUTURE);
    let early = representative.visits.create_visit(visit("00001", "2023-01-31")).await;
    refused(early, precondition, reasons::BEFORE_THE_LINK);
    let next_door = representative.visits.create_visit(visit("00002", "2026-05-20")).await;
    refused(next_door, precondition, reasons::UNKNOWN_HOUSEHOLD);
    let unlinked = clerk.visits.create_visit(visit("00002", "2026-05-20")).await;
    refused(unlinked, Code::InvalidArgument, reasons::INVALID_FIELDS);

    let mut at_large = visit("00001", "2026-05-20");
    let place = at_large.visit.as_mut().unwrap();
    (place.household, place.grid) = (String::new(), format!("villages/{GAOCHONG}/grids/002"));
    let elsewhere = representative.visits.create_visit(at_large.clone()).await;
    refused(elsewhere, Code::PermissionDenied, reasons::OUTSIDE_GRIDS);
    at_large.visit.as_mut().unwrap().grid = format!("villages/{GAOCHONG}/grids/001");
    representative.visits.create_visit(at_large.clone()).await.unwrap();
    at_large.visit.as_mut().unwrap().grid = format!("villages/{GAOCHONG}/grids/003");
    refused(clerk.visits.create_visit(at_large).await, precondition, reasons::UNKNOWN_GRID);
}

#[tokio::test]
async fn a_phone_that_repeats_itself_logs_a_visit_once() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    let offline = pb::CreateVisitRequest { visit_id: Uuid::from_u128(8).to_string(), ..visit("00001", "2026-05-20") };
    clerk.visits.create_visit(offline.clone()).await.unwrap();
    refused(clerk.visits.create_visit(offline).await, Code::AlreadyExists, reasons::ALREADY_EXISTS);
    let request = pb::CreateVisitRequest { request_id: Uuid::from_u128(9).to_string(), ..visit("00001", "2026-05-21") };
    let once = clerk.visits.create_visit(request.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.visits.create_visit(request).await.unwrap().into_inner(), once);
    assert_eq!(stand.count("select count(*) from visit").await, 2);
}

#[tokio::test]
async fn visits_are_listed_the_latest_day_first_and_by_every_filter() {
    let stand = Stand::new().await;
    let (mut clerk, member) = village(&stand).await;
    for day in ["2026-05-02", "2026-05-04", "2026-05-01", "2026-05-03"] {
        clerk.visits.create_visit(visit("00001", day)).await.unwrap();
    }
    let mut list = pb::ListVisitsRequest { parent: format!("villages/{GAOCHONG}"), page_size: 3, ..Default::default() };
    let first = clerk.visits.list_visits(list.clone()).await.unwrap().into_inner();
    list.page_token.clone_from(&first.next_page_token);
    let second = clerk.visits.list_visits(list.clone()).await.unwrap().into_inner();
    let days: Vec<i32> = first.visits.iter().chain(&second.visits).map(|visit| visit.visited_on.unwrap().day).collect();
    assert_eq!(days, [4, 3, 2, 1]);

    list.page_token.clear();
    let mut found = async |filter: pb::VisitFilter| {
        let request = pb::ListVisitsRequest { filter: Some(filter), ..list.clone() };
        clerk.visits.list_visits(request).await.unwrap().into_inner().visits.len()
    };
    let filter = pb::VisitFilter::default;
    let days = pb::VisitFilter { start_date: date("2026-05-02"), end_date: date("2026-05-03"), ..filter() };
    assert_eq!(found(days).await, 2);
    assert_eq!(found(pb::VisitFilter { mode: pb::VisitMode::Wechat.into(), ..filter() }).await, 0);
    assert_eq!(found(pb::VisitFilter { representative: member, ..filter() }).await, 3);
    assert_eq!(found(pb::VisitFilter { household: household_name(GAOCHONG, "00002"), ..filter() }).await, 0);
    let neighbour = pb::ListVisitsRequest { filter: None, ..list };
    let mut neighbouring = stand.desk(Office::Leader, GAOCHONG, &["002"]);
    assert!(neighbouring.visits.list_visits(neighbour).await.unwrap().into_inner().visits.is_empty());
}
