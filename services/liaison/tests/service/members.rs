//! Members, teams and lines through the real clients.

use platform::Office;
use prost_types::FieldMask;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{
    GAOCHONG, Stand, date, grid_news, household_name, household_news, reason, refused, team_name, text,
};

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() })
}

fn cadre(name: &str) -> pb::CreateMemberRequest {
    pb::CreateMemberRequest {
        parent: format!("villages/{GAOCHONG}"),
        member: Some(pb::Member {
            display_name: name.into(),
            telephone: "190 0004 0001".into(),
            offices: vec![pb::Office::Cadre.into()],
            areas: vec![format!("villages/{GAOCHONG}/areas/P01")],
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_member_is_entered_read_and_changed_and_the_telephone_stays_masked() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let entered = clerk.members.create_member(cadre("田秀坤")).await.unwrap().into_inner();
    assert_eq!((entered.telephone.as_str(), entered.display_name.as_str()), ("190****0001", "田秀坤"));
    assert_eq!((text(entered.term_start).as_str(), entered.etag.as_str()), ("2026-06-01", "1"));
    let get = pb::GetMemberRequest { name: entered.name.clone() };
    assert_eq!(clerk.members.get_member(get).await.unwrap().into_inner(), entered);
    let stored = stand.rows("select telephone_sealed::text || encode(event, 'escape') from member, change_log").await;
    assert!(stored.iter().all(|row| !row.contains("19000040001")));

    let change = |etag: &str, name: &str| pb::UpdateMemberRequest {
        member: Some(pb::Member {
            name: entered.name.clone(),
            display_name: name.into(),
            etag: etag.into(),
            ..Default::default()
        }),
        update_mask: mask(&["display_name"]),
        request_id: String::new(),
    };
    refused(clerk.members.update_member(change("9", "田秀")).await, Code::Aborted, reasons::STALE_ETAG);
    let changed = clerk.members.update_member(change("1", "田秀")).await.unwrap().into_inner();
    assert_eq!((changed.display_name.as_str(), changed.telephone.as_str()), ("田秀", "190****0001"));
    refused(clerk.members.update_member(change("", " ")).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
}

#[tokio::test]
async fn the_same_request_enters_one_member_and_every_wrong_field_is_named() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let request = pb::CreateMemberRequest { request_id: Uuid::from_u128(1).to_string(), ..cadre("田秀坤") };
    let once = clerk.members.create_member(request.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.members.create_member(request.clone()).await.unwrap().into_inner(), once);
    let other = pb::CreateMemberRequest { request_id: request.request_id, ..cadre("别人") };
    assert_eq!(reason(&clerk.members.create_member(other).await.unwrap_err()), reasons::REQUEST_ID_REUSED);

    let wrong = pb::CreateMemberRequest {
        parent: format!("villages/{GAOCHONG}"),
        member_id: "1".into(),
        member: Some(pb::Member { telephone: "12".into(), offices: vec![77], ..Default::default() }),
        ..Default::default()
    };
    let status = clerk.members.create_member(wrong).await.unwrap_err();
    for field in ["member_id", "member.display_name", "member.telephone", "member.offices"] {
        assert!(status.message().contains(field), "{status}");
    }
}

#[tokio::test]
async fn members_are_listed_by_office_and_term_in_pages() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    for name in ["一", "二", "三"] {
        clerk.enter(GAOCHONG, name, pb::Office::Representative).await;
    }
    let worker = clerk.enter(GAOCHONG, "四", pb::Office::GridWorker).await;
    clerk.members.end_term(pb::EndTermRequest { name: worker, ..Default::default() }).await.unwrap();
    let list = |filter: pb::MemberFilter, size: i32, token: &str| pb::ListMembersRequest {
        parent: format!("villages/{GAOCHONG}"),
        page_size: size,
        page_token: token.into(),
        filter: Some(filter),
    };
    let representatives = pb::MemberFilter { office: pb::Office::Representative.into(), ..Default::default() };
    let first = clerk.members.list_members(list(representatives.clone(), 2, "")).await.unwrap().into_inner();
    let next = list(representatives, 2, &first.next_page_token);
    let second = clerk.members.list_members(next).await.unwrap().into_inner();
    let names: Vec<_> = first.members.iter().chain(&second.members).map(|one| one.display_name.as_str()).collect();
    assert_eq!((names.as_slice(), second.next_page_token.as_str()), (&["一", "二", "三"][..], ""));
    let left = pb::MemberFilter { serving: Some(false), ..Default::default() };
    assert_eq!(clerk.members.list_members(list(left, 0, "")).await.unwrap().into_inner().members.len(), 1);
}

#[tokio::test]
async fn seats_are_given_by_office_once_and_a_representative_serves_one_grid() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let grids = [grid_news(GAOCHONG, "001", LineKind::Relocated), grid_news(GAOCHONG, "002", LineKind::Rebuilt)];
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 2, 0).await;
    let (one, two) = (team_name(GAOCHONG, "001"), team_name(GAOCHONG, "002"));
    let cadre = clerk.enter(GAOCHONG, "田秀坤", pb::Office::Cadre).await;
    let worker = clerk.enter(GAOCHONG, "潘明超", pb::Office::GridWorker).await;
    let representative = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;

    clerk.seat(&one, pb::Seat::Cadre, &cadre).await.unwrap();
    clerk.seat(&two, pb::Seat::Cadre, &cadre).await.unwrap();
    refused(clerk.seat(&one, pb::Seat::Cadre, &cadre).await, Code::FailedPrecondition, reasons::SEAT_TAKEN);
    refused(clerk.seat(&one, pb::Seat::Leader, &cadre).await, Code::FailedPrecondition, reasons::WRONG_OFFICE);
    refused(clerk.seat(&one, pb::Seat::Leader, &worker).await, Code::FailedPrecondition, reasons::WRONG_OFFICE);
    clerk.seat(&two, pb::Seat::Leader, &worker).await.unwrap();
    let complete = clerk.seat(&two, pb::Seat::Representative, &representative).await.unwrap();
    assert!(complete.complete);
    let second = clerk.seat(&one, pb::Seat::Representative, &representative).await;
    refused(second, Code::FailedPrecondition, reasons::SEAT_TAKEN);

    let end = pb::EndTermRequest { name: worker.clone(), ..Default::default() };
    refused(clerk.members.end_term(end.clone()).await, Code::FailedPrecondition, reasons::SEAT_TAKEN);
    clerk.vacate(&two, pb::Seat::Leader).await;
    let ended = clerk.members.end_term(end).await.unwrap().into_inner();
    assert_eq!(text(ended.term_end), "2026-06-01");
    refused(clerk.seat(&two, pb::Seat::Leader, &worker).await, Code::FailedPrecondition, reasons::NOT_SERVING);

    let list = pb::ListTeamsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::TeamFilter { member: cadre, ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(clerk.teams.list_teams(list).await.unwrap().into_inner().teams.len(), 2);
}

#[tokio::test]
async fn a_new_name_is_told_with_the_teams_that_carry_it() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 1, 0).await;
    let cadre = clerk.enter(GAOCHONG, "田秀坤", pb::Office::Cadre).await;
    let seated = clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Cadre, &cadre).await.unwrap();
    let request = pb::UpdateMemberRequest {
        member: Some(pb::Member { name: cadre, display_name: "田秀堃".into(), ..Default::default() }),
        update_mask: mask(&["display_name"]),
        ..Default::default()
    };
    clerk.members.update_member(request).await.unwrap();
    let get = pb::GetTeamRequest { name: seated.name };
    let team = clerk.teams.get_team(get).await.unwrap().into_inner();
    assert_eq!((team.cadre.unwrap().display_name.as_str(), team.etag.as_str()), ("田秀堃", "3"));
    let told = "select count(*) from change_log where noun = 'team'
                   and position(convert_to('田秀堃', 'UTF8') in event) > 0";
    assert_eq!(stand.count(told).await, 1);
}

#[tokio::test]
async fn households_go_over_to_the_line_that_reaches_their_kind_from_now_on() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    stand.registry.tells(&[household_news(GAOCHONG, "00001", "001", HouseholdKind::Original)]).await;
    stand.knows(GAOCHONG, 1, 1).await;
    let representative = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &representative).await.unwrap();
    let change = |line: &str, kinds: &[HouseholdKind]| pb::UpdateLineRequest {
        line: Some(pb::Line {
            name: format!("villages/{GAOCHONG}/lines/{line}"),
            household_kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
            ..Default::default()
        }),
        update_mask: mask(&["household_kinds"]),
        request_id: String::new(),
    };
    let both = change("rebuilt", &[HouseholdKind::Original]);
    refused(clerk.lines.update_line(both).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    stand.days(3);
    clerk.lines.update_line(change("relocated", &[HouseholdKind::Relocated])).await.unwrap();
    let household = household_name(GAOCHONG, "00001");
    assert_eq!(clerk.history(&household).await.len(), 1, "of a kind that no line reaches, it keeps the link it had");
    clerk.lines.update_line(change("rebuilt", &[HouseholdKind::Original])).await.unwrap();
    let links = clerk.history(&household).await;
    let told: Vec<_> = links.iter().map(|link| (link.line(), text(link.start_date), text(link.end_date))).collect();
    let expected = [
        (LineKind::Relocated, "2023-02-01".to_owned(), "2026-06-04".to_owned()),
        (LineKind::Rebuilt, "2026-06-04".to_owned(), String::new()),
    ];
    assert_eq!(told, expected);
    assert!(links.iter().all(|link| link.representative == representative));
}

#[tokio::test]
async fn only_the_village_office_writes_members_and_seats() {
    let stand = Stand::new().await;
    for office in [Office::Operator, Office::Officer, Office::Cadre, Office::Representative] {
        let mut desk = stand.desk(office, GAOCHONG, &["001"]);
        assert_eq!(desk.members.create_member(cadre("田秀坤")).await.unwrap_err().code(), Code::PermissionDenied);
    }
    let mut part = stand.desk(Office::Clerk, GAOCHONG, &["001"]);
    refused(part.members.create_member(cadre("田秀坤")).await, Code::PermissionDenied, reasons::OUTSIDE_GRIDS);
    let late = pb::EndTermRequest {
        name: format!("villages/{GAOCHONG}/members/{}", Uuid::nil()),
        term_end: date("2026-07-01"),
        ..Default::default()
    };
    assert_eq!(stand.clerk().members.end_term(late).await.unwrap_err().code(), Code::NotFound);
}
