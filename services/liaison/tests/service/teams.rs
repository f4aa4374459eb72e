//! Seats over time: who sat when, who stands in for whom, and the rights that come of it.

use platform::Office;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, refused, team_name, text};

/// Grids 001 and 002, each with a representative.
async fn two_teams(stand: &Stand) -> (Desk, [String; 2]) {
    let mut clerk = stand.clerk();
    let grids: Vec<_> = ["001", "002"].iter().map(|code| grid_news(GAOCHONG, code, LineKind::Rebuilt)).collect();
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 2, 0).await;
    let mut members = [String::new(), String::new()];
    for (place, name) in ["熊静贵", "常兰辉"].into_iter().enumerate() {
        members[place] = clerk.enter(GAOCHONG, name, pb::Office::Representative).await;
        let team = team_name(GAOCHONG, &format!("{:03}", place + 1));
        clerk.seat(&team, pb::Seat::Representative, &members[place]).await.unwrap();
    }
    (clerk, members)
}

fn away(stand_in: &str, from: Option<&str>, to: &str) -> pb::CoverSeatRequest {
    pb::CoverSeatRequest {
        name: team_name(GAOCHONG, "001"),
        seat: pb::Seat::Representative.into(),
        stand_in: stand_in.into(),
        start_date: from.and_then(date),
        end_date: date(to),
        ..Default::default()
    }
}

async fn team(desk: &mut Desk, grid: &str) -> pb::Team {
    let request = pb::GetTeamRequest { name: team_name(GAOCHONG, grid) };
    desk.teams.get_team(request).await.unwrap().into_inner()
}

/// Grids of a member's only grant, those of them that are covered for others, and until when.
async fn rights(desk: &mut Desk, member: &str) -> (Vec<String>, Vec<String>, String) {
    let request = pb::GetMemberRightsRequest { name: member.into(), as_of: None };
    let rights = desk.members.get_member_rights(request).await.unwrap().into_inner();
    let grant = rights.grants.into_iter().next().unwrap_or_default();
    (grant.grids, grant.covered_grids, text(rights.until))
}

#[tokio::test]
async fn a_stand_in_has_the_rights_of_the_seat_until_the_holder_is_back() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two]) = two_teams(&stand).await;
    let request = pb::CoverSeatRequest {
        request_id: Uuid::from_u128(5).to_string(),
        ..away(&two, Some("2026-06-03"), "2026-06-10")
    };
    let covered = clerk.teams.cover_seat(request.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.teams.cover_seat(request).await.unwrap().into_inner(), covered);
    let absence = &covered.absences[0];
    assert_eq!(
        (absence.member.as_str(), absence.stand_in.as_ref().unwrap().member.as_str()),
        (one.as_str(), two.as_str())
    );
    assert_eq!((text(absence.start_date), text(absence.end_date)), ("2026-06-03".into(), "2026-06-10".into()));
    assert!(covered.representative.is_some(), "who is absent keeps the seat");

    assert_eq!(rights(&mut clerk, &two).await, (vec!["002".into()], vec![], String::new()));
    stand.days(2);
    let meanwhile = (vec!["001".into(), "002".into()], vec!["001".into()], "2026-06-10".into());
    assert_eq!(rights(&mut clerk, &two).await, meanwhile);
    assert_eq!(rights(&mut clerk, &one).await, (vec!["001".into()], vec![], String::new()));
    stand.days(7);
    assert_eq!(rights(&mut clerk, &two).await, (vec!["002".into()], vec![], String::new()));
    assert!(team(&mut clerk, "001").await.absences.is_empty(), "it ends by itself");
    let mut representative = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let request = pb::GetMemberRightsRequest { name: two, as_of: None };
    assert_eq!(representative.members.get_member_rights(request).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn who_may_not_hold_the_seat_does_not_stand_in() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two]) = two_teams(&stand).await;
    let precondition = Code::FailedPrecondition;
    let cadre = clerk.enter(GAOCHONG, "田秀坤", pb::Office::Cadre).await;
    refused(clerk.teams.cover_seat(away(&cadre, None, "2026-06-10")).await, precondition, reasons::WRONG_OFFICE);
    let left = clerk.enter(GAOCHONG, "赖家坤", pb::Office::Representative).await;
    clerk.members.end_term(pb::EndTermRequest { name: left.clone(), ..Default::default() }).await.unwrap();
    refused(clerk.teams.cover_seat(away(&left, None, "2026-06-10")).await, precondition, reasons::NOT_SERVING);
    let oneself = clerk.teams.cover_seat(away(&one, None, "2026-06-10")).await;
    refused(oneself, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let over = clerk.teams.cover_seat(away(&two, Some("2026-05-01"), "2026-06-01")).await;
    refused(over, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let vacant = pb::CoverSeatRequest { seat: pb::Seat::Cadre.into(), ..away(&cadre, None, "2026-06-10") };
    refused(clerk.teams.cover_seat(vacant).await, precondition, reasons::ILLEGAL_MOVE);
    let stale = pb::CoverSeatRequest { etag: "1".into(), ..away(&two, None, "2026-06-10") };
    refused(clerk.teams.cover_seat(stale).await, Code::Aborted, reasons::STALE_ETAG);
    assert_eq!(stand.count("select count(*) from absence").await, 0);

    clerk.teams.cover_seat(away(&two, None, "2026-06-10")).await.unwrap();
    let again = clerk.teams.cover_seat(away(&two, Some("2026-06-09"), "2026-06-12")).await;
    refused(again, precondition, reasons::SEAT_COVERED);
    // Who stands in for somebody does not leave meanwhile.
    clerk.vacate(&team_name(GAOCHONG, "002"), pb::Seat::Representative).await;
    let end = pb::EndTermRequest { name: two, ..Default::default() };
    refused(clerk.members.end_term(end).await, precondition, reasons::SEAT_COVERED);
}

#[tokio::test]
async fn an_absence_without_stand_in_is_covered_later_and_ends_when_the_holder_is_back() {
    let stand = Stand::new().await;
    let (mut clerk, [_, two]) = two_teams(&stand).await;
    clerk.teams.cover_seat(away("", None, "2026-06-20")).await.unwrap();
    stand.days(4);
    let covered = clerk.teams.cover_seat(away(&two, None, "2026-06-10")).await.unwrap().into_inner();
    let days: Vec<_> =
        covered.absences.iter().map(|one| (text(one.start_date), text(one.end_date), one.stand_in.is_some())).collect();
    let expected =
        [("2026-06-05".into(), "2026-06-10".into(), true), ("2026-06-10".into(), "2026-06-20".into(), false)];
    assert_eq!(days, expected);
    assert_eq!(
        stand.count("select count(*) from absence where valid_from = '2026-06-01' and valid_to = '2026-06-05'").await,
        1
    );

    stand.days(1);
    let back = pb::UncoverSeatRequest {
        name: team_name(GAOCHONG, "001"),
        seat: pb::Seat::Representative.into(),
        ..Default::default()
    };
    let team = clerk.teams.uncover_seat(back.clone()).await.unwrap().into_inner();
    assert_eq!((team.absences.len(), text(team.absences[0].start_date)), (1, "2026-06-10".into()));
    refused(clerk.teams.uncover_seat(back.clone()).await, Code::FailedPrecondition, reasons::ILLEGAL_MOVE);
    let called_off = pb::UncoverSeatRequest { start_date: date("2026-06-10"), ..back };
    assert!(clerk.teams.uncover_seat(called_off).await.unwrap().into_inner().absences.is_empty());
    assert_eq!(rights(&mut clerk, &two).await.1, Vec::<String>::new());
}

#[tokio::test]
async fn an_absence_ends_with_the_seat_of_who_is_absent() {
    let stand = Stand::new().await;
    let (mut clerk, [_, two]) = two_teams(&stand).await;
    clerk.teams.cover_seat(away(&two, None, "2026-06-20")).await.unwrap();
    stand.days(2);
    let left = clerk.vacate(&team_name(GAOCHONG, "001"), pb::Seat::Representative).await;
    assert!(left.absences.is_empty() && left.representative.is_none());
    assert_eq!(rights(&mut clerk, &two).await.0, ["002"]);
    assert_eq!(stand.count("select count(*) from absence where valid_to = '2026-06-03'").await, 1);
}

#[tokio::test]
async fn who_sat_when_is_answered_for_any_day_and_in_pages() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two]) = two_teams(&stand).await;
    stand.days(9);
    clerk.vacate(&team_name(GAOCHONG, "001"), pb::Seat::Representative).await;
    stand.days(5);
    let next = clerk.enter(GAOCHONG, "赖家坤", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &next).await.unwrap();
    // Who moves to a grid that never had anybody does not hold it for the time before.
    stand.days(1);
    clerk.vacate(&team_name(GAOCHONG, "001"), pb::Seat::Representative).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "003", LineKind::Rebuilt)]).await;
    stand.knows(GAOCHONG, 3, 0).await;
    clerk.seat(&team_name(GAOCHONG, "003"), pb::Seat::Representative, &next).await.unwrap();

    let mut list = async |filter: pb::SeatingFilter, size: i32| {
        let mut request = pb::ListSeatingsRequest {
            parent: format!("villages/{GAOCHONG}"),
            page_size: size,
            filter: Some(filter),
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = clerk.teams.list_seatings(request.clone()).await.unwrap().into_inner();
            found.extend(page.seatings.into_iter().map(|one| {
                (
                    one.team[one.team.len() - 3..].to_owned(),
                    one.holder.unwrap().member,
                    text(one.start_date),
                    text(one.end_date),
                )
            }));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return found;
            }
        }
    };
    let line = |grid: &str, member: &str, from: &str, to: &str| {
        (grid.to_owned(), member.to_owned(), from.to_owned(), to.to_owned())
    };
    let all = [
        line("003", &next, "2026-06-16", ""),
        line("001", &next, "2026-06-15", "2026-06-16"),
        line("001", &one, "2023-02-01", "2026-06-10"),
        line("002", &two, "2023-02-01", ""),
    ];
    assert_eq!(list(pb::SeatingFilter::default(), 0).await, all);
    assert_eq!(list(pb::SeatingFilter::default(), 1).await, all);
    let grid = format!("villages/{GAOCHONG}/grids/001");
    let on = |day: &str| pb::SeatingFilter { grid: grid.clone(), as_of: date(day), ..Default::default() };
    assert_eq!(list(on("2026-06-09"), 0).await, [line("001", &one, "2023-02-01", "2026-06-10")]);
    assert_eq!(list(on("2026-06-12"), 0).await, []);
    let of_one = pb::SeatingFilter { member: one, seat: pb::Seat::Representative.into(), ..Default::default() };
    assert_eq!(list(of_one, 0).await.len(), 1);

    let mut neighbour = stand.desk(Office::Representative, GAOCHONG, &["002"]);
    let request = pb::ListSeatingsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(neighbour.teams.list_seatings(request).await.unwrap().into_inner().seatings.len(), 1);
}

#[tokio::test]
async fn the_database_itself_refuses_two_holders_a_day_and_a_representative_of_two_grids() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two]) = two_teams(&stand).await;
    clerk.vacate(&team_name(GAOCHONG, "002"), pb::Seat::Representative).await;
    let mut owner = stand.running.database.connect_as_owner().await;
    for (grid, member) in [("001", &two), ("002", &one)] {
        let member: Uuid = member.rsplit('/').next().unwrap().parse().unwrap();
        let refused = sqlx::query(
            "insert into seating (village, grid, seat, member, office, valid_from)
             values ($1, $2, 'representative', $3, 'representative', '2026-06-01')",
        )
        .bind(GAOCHONG)
        .bind(grid)
        .bind(member)
        .execute(&mut owner)
        .await
        .unwrap_err();
        let constraint = refused.as_database_error().unwrap().constraint().unwrap().to_owned();
        assert_eq!(constraint, if grid == "001" { "seating_one_a_day" } else { "seating_representative_once" });
    }
}

#[tokio::test]
async fn a_visit_counts_for_the_stand_in_on_the_days_of_the_absence_only() {
    let stand = Stand::new().await;
    let (mut clerk, [_, two]) = two_teams(&stand).await;
    stand.registry.tells(&[household_news(GAOCHONG, "00001", "001", HouseholdKind::RebuiltArea)]).await;
    stand.knows(GAOCHONG, 2, 1).await;
    clerk.teams.cover_seat(away(&two, None, "2026-06-04")).await.unwrap();
    stand.days(5);
    let mut on_the_spot = stand.desk(Office::Representative, GAOCHONG, &["001", "002"]);
    let visit = |day: &str| pb::CreateVisitRequest {
        parent: format!("villages/{GAOCHONG}"),
        visit: Some(pb::Visit {
            household: household_name(GAOCHONG, "00001"),
            representative: two.clone(),
            visited_on: date(day),
            mode: pb::VisitMode::DoorStep.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let logged = on_the_spot.visits.create_visit(visit("2026-06-03")).await.unwrap().into_inner();
    assert_eq!(logged.representative, two);
    for day in ["2026-05-31", "2026-06-04"] {
        let other = on_the_spot.visits.create_visit(visit(day)).await;
        refused(other, Code::FailedPrecondition, reasons::NOT_THEIR_REPRESENTATIVE);
    }
}

#[tokio::test]
async fn a_seat_that_an_older_version_gave_gets_its_history_with_the_new_day() {
    let stand = Stand::new().await;
    let (mut clerk, [one, _]) = two_teams(&stand).await;
    let three = clerk.enter(GAOCHONG, "赖家坤", pb::Office::Representative).await;
    let id: Uuid = three.rsplit('/').next().unwrap().parse().unwrap();
    let mut owner = stand.running.database.connect_as_owner().await;
    let older = "update team set representative = $1 where grid = '001'";
    sqlx::query(older).bind(id).execute(&mut owner).await.unwrap();
    assert_eq!(rights(&mut clerk, &one).await.0, ["001"], "nobody has told the history yet");
    stand.days(1);
    stand
        .counts("select count(*) from seating where grid = '001' and valid_from = '2026-06-02' and valid_to is null", 1)
        .await;
    assert_eq!(rights(&mut clerk, &one).await.0, Vec::<String>::new());
    assert_eq!(rights(&mut clerk, &three).await.0, ["001"]);
}
