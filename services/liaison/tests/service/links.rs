//! Links, gaps and coverage through the real clients.

use platform::Office;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, refused, team_name, text};

/// Two grids with a household each and a representative each.
async fn two_grids(stand: &Stand) -> (Desk, [String; 2]) {
    let mut clerk = stand.clerk();
    let mut members = [String::new(), String::new()];
    for (place, name) in ["熊静贵", "常兰辉"].into_iter().enumerate() {
        let grid = format!("{:03}", place + 1);
        stand.registry.tells(&[grid_news(GAOCHONG, &grid, LineKind::Relocated)]).await;
        let household = household_news(GAOCHONG, &format!("{:05}", place + 1), &grid, HouseholdKind::Original);
        stand.registry.tells(&[household]).await;
        let so_far = i64::try_from(place).unwrap() + 1;
        stand.knows(GAOCHONG, so_far, so_far).await;
        members[place] = clerk.enter(GAOCHONG, name, pb::Office::Representative).await;
        clerk.seat(&team_name(GAOCHONG, &grid), pb::Seat::Representative, &members[place]).await.unwrap();
    }
    (clerk, members)
}

fn choose(number: &str, representative: &str) -> pb::LinkHouseholdRequest {
    pb::LinkHouseholdRequest {
        household: household_name(GAOCHONG, number),
        representative: representative.into(),
        reason: "就熟".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_chosen_link_follows_the_default_one_and_may_be_repeated() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two]) = two_grids(&stand).await;
    let unexplained = pb::LinkHouseholdRequest { reason: String::new(), ..choose("00001", &two) };
    refused(clerk.links.link_household(unexplained).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let wrong_line = pb::LinkHouseholdRequest { line: LineKind::Rebuilt.into(), ..choose("00001", &two) };
    refused(clerk.links.link_household(wrong_line).await, Code::FailedPrecondition, reasons::KIND_NOT_ON_LINE);
    let nobody = choose("99999", &two);
    refused(clerk.links.link_household(nobody).await, Code::FailedPrecondition, reasons::UNKNOWN_HOUSEHOLD);
    let stale = pb::LinkHouseholdRequest { etag: "5".into(), ..choose("00001", &two) };
    refused(clerk.links.link_household(stale).await, Code::Aborted, reasons::STALE_ETAG);

    let request = pb::LinkHouseholdRequest {
        etag: "1".into(),
        start_date: date("2026-05-01"),
        request_id: Uuid::from_u128(4).to_string(),
        ..choose("00001", &two)
    };
    let chosen = clerk.links.link_household(request.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.links.link_household(request).await.unwrap().into_inner(), chosen);
    let again = clerk.links.link_household(choose("00001", &two)).await;
    refused(again, Code::FailedPrecondition, reasons::ALREADY_LINKED);

    // Who was it on 30 April, and who on 1 May?
    for (day, representative) in [("2026-04-30", &one), ("2026-05-01", &two)] {
        let request = pb::ListLinksRequest {
            parent: format!("villages/{GAOCHONG}"),
            filter: Some(pb::LinkFilter { household: household_name(GAOCHONG, "00001"), ..Default::default() }),
            as_of: date(day),
            ..Default::default()
        };
        let links = clerk.links.list_links(request).await.unwrap().into_inner().links;
        assert_eq!((links.len(), &links[0].representative), (1, representative), "{day}");
    }
}

#[tokio::test]
async fn a_vacated_seat_opens_gaps_at_once_and_the_next_representative_closes_them() {
    let stand = Stand::new().await;
    let (mut clerk, [_, two]) = two_grids(&stand).await;
    stand.days(10);
    clerk.vacate(&team_name(GAOCHONG, "001"), pb::Seat::Representative).await;
    let covered = clerk.covered(GAOCHONG, None).await;
    assert_eq!((covered.households, covered.linked, covered.coverage), (2, 1, Some(0.5)));
    assert_eq!(clerk.covered(GAOCHONG, Some("2026-06-10")).await.linked, 2, "the day before is as it was");
    let gaps = pb::ListGapsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::GapFilter { kind: pb::GapKind::HouseholdWithoutLink.into(), ..Default::default() }),
        ..Default::default()
    };
    let found = clerk.coverage.list_gaps(gaps.clone()).await.unwrap().into_inner().gaps;
    assert_eq!(found[0].household, household_name(GAOCHONG, "00001"));

    stand.days(1);
    let next = clerk.enter(GAOCHONG, "赖家坤", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &next).await.unwrap();
    assert!(clerk.coverage.list_gaps(gaps).await.unwrap().into_inner().gaps.is_empty());
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    let days: Vec<_> = links.iter().map(|link| (text(link.start_date), text(link.end_date))).collect();
    assert_eq!(days, [("2023-02-01".into(), "2026-06-11".into()), ("2026-06-12".into(), String::new())]);
    assert!(links.iter().all(|link| link.representative != two));
}

#[tokio::test]
async fn the_same_person_seated_again_on_the_same_day_takes_the_same_links_up_again() {
    let stand = Stand::new().await;
    let (mut clerk, [one, _]) = two_grids(&stand).await;
    stand.days(1);
    let team = team_name(GAOCHONG, "001");
    for _ in 0..3 {
        clerk.vacate(&team, pb::Seat::Representative).await;
        clerk.seat(&team, pb::Seat::Representative, &one).await.unwrap();
    }
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    let days: Vec<_> = links.iter().map(|link| (text(link.start_date), text(link.end_date))).collect();
    assert_eq!(days, [("2023-02-01".into(), "2026-06-02".into()), ("2026-06-02".into(), String::new())]);
    let told = stand.count("select count(*) from change_log where noun = 'link'").await;
    assert_eq!(told, 8, "two begin; one ends; then begun, ended, taken up, ended, taken up");
}

#[tokio::test]
async fn whoever_has_one_grid_sees_that_grid_only() {
    let stand = Stand::new().await;
    let (mut clerk, members) = two_grids(&stand).await;
    let mut neighbour = stand.desk(Office::Representative, GAOCHONG, &["002"]);
    let all = pb::ListLinksRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let seen = neighbour.links.list_links(all).await.unwrap().into_inner().links;
    assert_eq!((seen.len(), &seen[0].representative), (1, &members[1]));
    let hidden = clerk.history(&household_name(GAOCHONG, "00001")).await.remove(0).name;
    let get = pb::GetLinkRequest { name: hidden.clone() };
    refused(neighbour.links.get_link(get.clone()).await, Code::NotFound, reasons::NOT_FOUND);
    assert_eq!(clerk.links.get_link(get).await.unwrap().into_inner().name, hidden);
    let gaps = pb::ListGapsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let gaps = neighbour.coverage.list_gaps(gaps).await.unwrap().into_inner().gaps;
    assert!(gaps.iter().all(|gap| gap.grid.ends_with("/002")) && gaps.len() == 2);
    assert_eq!(neighbour.covered(GAOCHONG, None).await.households, 1);
    let team = pb::GetTeamRequest { name: team_name(GAOCHONG, "001") };
    refused(neighbour.teams.get_team(team).await, Code::NotFound, reasons::NOT_FOUND);
}

#[tokio::test]
async fn links_and_gaps_come_in_pages() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    let households: Vec<_> = (0..7)
        .map(|number| household_news(GAOCHONG, &format!("{number:05}"), "001", HouseholdKind::Original))
        .collect();
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 1, 7).await;
    let (mut token, mut numbers) = (String::new(), Vec::new());
    loop {
        let request = pb::ListGapsRequest {
            parent: format!("villages/{GAOCHONG}"),
            page_size: 3,
            page_token: token,
            filter: None,
        };
        let page = clerk.coverage.list_gaps(request).await.unwrap().into_inner();
        numbers.extend(page.gaps.into_iter().map(|gap| gap.household_number));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected: Vec<String> =
        (0..7).map(|number| format!("{number:05}")).chain([String::new(), String::new(), String::new()]).collect();
    assert_eq!(numbers, expected);

    let representative = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &representative).await.unwrap();
    let mut names = std::collections::BTreeSet::new();
    let mut request =
        pb::ListLinksRequest { parent: format!("villages/{GAOCHONG}"), page_size: 3, ..Default::default() };
    loop {
        let page = clerk.links.list_links(request.clone()).await.unwrap().into_inner();
        names.extend(page.links.into_iter().map(|link| link.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names.len(), 7);
}
