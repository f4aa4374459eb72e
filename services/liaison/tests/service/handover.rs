//! Handovers and ends of terms: what moves, what was shown before, and what the dates say afterwards.

use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, refused, team_name, text};

/// Grids 001 and 002 with two households and a representative each, and a third representative without a grid.
async fn village(stand: &Stand) -> (Desk, [String; 3]) {
    let mut clerk = stand.clerk();
    let grids: Vec<_> = ["001", "002"].iter().map(|code| grid_news(GAOCHONG, code, LineKind::Relocated)).collect();
    stand.registry.tells(&grids).await;
    let households: Vec<_> = [("00001", "001"), ("00002", "001"), ("00003", "002"), ("00004", "002")]
        .iter()
        .map(|(number, grid)| household_news(GAOCHONG, number, grid, HouseholdKind::Original))
        .collect();
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 2, 4).await;
    let mut members = [String::new(), String::new(), String::new()];
    for (place, name) in ["熊静贵", "常兰辉", "赖家坤"].into_iter().enumerate() {
        members[place] = clerk.enter(GAOCHONG, name, pb::Office::Representative).await;
        if place < 2 {
            let team = team_name(GAOCHONG, &format!("{:03}", place + 1));
            clerk.seat(&team, pb::Seat::Representative, &members[place]).await.unwrap();
        }
    }
    stand.days(9);
    (clerk, members)
}

fn to(member: &str) -> pb::HandOverPart {
    pb::HandOverPart { successor: member.into(), ..Default::default() }
}

fn order(from: &str, parts: Vec<pb::HandOverPart>) -> pb::HandOverRequest {
    pb::HandOverRequest {
        parent: format!("villages/{GAOCHONG}"),
        member: from.into(),
        parts,
        reason: "任期届满".into(),
        ..Default::default()
    }
}

/// The days and representatives of a household's links.
async fn days(desk: &mut Desk, number: &str) -> Vec<(String, String, String)> {
    let links = desk.history(&household_name(GAOCHONG, number)).await;
    links.into_iter().map(|link| (link.representative, text(link.start_date), text(link.end_date))).collect()
}

#[tokio::test]
async fn a_handover_moves_seat_and_households_in_one_step_as_the_preview_said() {
    let stand = Stand::new().await;
    let (mut clerk, [one, _, three]) = village(&stand).await;
    let told = stand.count("select count(*) from change_log").await;
    let preview =
        pb::HandOverRequest { validate_only: true, date: date("2026-06-08"), ..order(&one, vec![to(&three)]) };
    let shown = clerk.teams.hand_over(preview.clone()).await.unwrap().into_inner();
    assert_eq!((shown.seats.len(), shown.household_count, shown.uncovered_count), (1, 2, 0));
    let numbers: Vec<_> = shown.households.iter().map(|one| one.household_number.as_str()).collect();
    assert_eq!((numbers, shown.name.as_str()), (vec!["00001", "00002"], ""));
    assert_eq!(shown.seats[0].successor.as_ref().unwrap().member, three);
    assert_eq!((shown.due_count, shown.overdue_count), (2, 2), "nobody was visited in May: {shown:?}");
    assert!(shown.households.iter().all(|one| one.due_state() == pb::DueState::Overdue && one.due_on.is_some()));
    let mut visits = clerk.visits.clone();
    let mut due = async |member: &str| {
        let filter = pb::DueVisitFilter { representative: member.into(), ..Default::default() };
        let request = pb::ListDueVisitsRequest {
            parent: format!("villages/{GAOCHONG}"),
            filter: Some(filter),
            ..Default::default()
        };
        visits.list_due_visits(request).await.unwrap().into_inner().due_visits.len()
    };
    assert_eq!((due(&one).await, due(&three).await), (2, 0));
    assert_eq!(stand.count("select count(*) from change_log").await, told, "a preview changes nothing");

    let request = pb::HandOverRequest {
        validate_only: false,
        preview_etag: shown.preview_etag.clone(),
        request_id: Uuid::from_u128(7).to_string(),
        ..preview
    };
    let done = clerk.teams.hand_over(request.clone()).await.unwrap().into_inner();
    assert_eq!((&done.households, &done.seats), (&shown.households, &shown.seats));
    assert_eq!(clerk.teams.hand_over(request).await.unwrap().into_inner(), done, "asked twice, done once");
    assert_eq!((due(&one).await, due(&three).await), (0, 2), "due visits go with the households");
    let kept = clerk.teams.get_handover(pb::GetHandoverRequest { name: done.name.clone() }).await.unwrap().into_inner();
    assert_eq!((kept.moved.as_ref(), kept.member.as_str(), kept.household_count), (Some(&done), one.as_str(), 2));
    let list = |member: &str| pb::ListHandoversRequest {
        parent: format!("villages/{GAOCHONG}"),
        member: member.into(),
        ..Default::default()
    };
    let listed = clerk.teams.list_handovers(list(&one)).await.unwrap().into_inner().handovers;
    assert_eq!(listed, [pb::Handover { moved: None, ..kept }]);
    assert!(clerk.teams.list_handovers(list(&three)).await.unwrap().into_inner().handovers.is_empty());
    for number in ["00001", "00002"] {
        let expected = [
            (one.clone(), "2023-02-01".into(), "2026-06-08".into()),
            (three.clone(), "2026-06-08".into(), String::new()),
        ];
        assert_eq!(days(&mut clerk, number).await, expected);
    }
    let rights = pb::GetMemberRightsRequest { name: three, as_of: None };
    assert_eq!(clerk.members.get_member_rights(rights).await.unwrap().into_inner().grants[0].grids, ["001"]);
    let rights = pb::GetMemberRightsRequest { name: one, as_of: None };
    assert!(clerk.members.get_member_rights(rights).await.unwrap().into_inner().grants.is_empty());
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 4);
    let news = "select count(*) from change_log where noun = 'team' and revision = 3";
    assert_eq!(stand.count(news).await, 1, "one news of the team");
}

#[tokio::test]
async fn what_is_no_longer_as_it_was_shown_is_not_moved() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two, three]) = village(&stand).await;
    let preview = pb::HandOverRequest { validate_only: true, ..order(&one, vec![to(&three)]) };
    let shown = clerk.teams.hand_over(preview).await.unwrap().into_inner();
    let chosen = pb::LinkHouseholdRequest {
        household: household_name(GAOCHONG, "00002"),
        representative: two.clone(),
        reason: "就熟".into(),
        ..Default::default()
    };
    clerk.links.link_household(chosen).await.unwrap();
    let request = pb::HandOverRequest { preview_etag: shown.preview_etag, ..order(&one, vec![to(&three)]) };
    refused(clerk.teams.hand_over(request).await, Code::Aborted, reasons::STALE_ETAG);
    let precondition = Code::FailedPrecondition;
    let second_grid = clerk.teams.hand_over(order(&one, vec![to(&two)])).await;
    refused(second_grid, precondition, reasons::SEAT_TAKEN);
    let preview = pb::HandOverRequest { validate_only: true, ..order(&one, vec![to(&two)]) };
    refused(clerk.teams.hand_over(preview).await, precondition, reasons::SEAT_TAKEN);
    let cadre = clerk.enter(GAOCHONG, "田秀坤", pb::Office::Cadre).await;
    refused(clerk.teams.hand_over(order(&one, vec![to(&cadre)])).await, precondition, reasons::WRONG_OFFICE);
    let late = pb::HandOverRequest { date: date("2026-06-11"), ..order(&one, vec![to(&three)]) };
    refused(clerk.teams.hand_over(late).await, precondition, reasons::IN_THE_FUTURE);
    let nothing = clerk.teams.hand_over(order(&cadre, vec![to(&three)])).await;
    refused(nothing, precondition, reasons::ILLEGAL_MOVE);
    let unexplained = pb::HandOverRequest { reason: " ".into(), ..order(&one, vec![to(&three)]) };
    refused(clerk.teams.hand_over(unexplained).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    assert_eq!(days(&mut clerk, "00001").await.len(), 1);
}

#[tokio::test]
async fn a_part_may_go_to_somebody_else_without_the_seat() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two, _]) = village(&stand).await;
    let grid = vec![format!("villages/{GAOCHONG}/grids/001")];
    let part = pb::HandOverPart { households_only: true, grids: grid, ..to(&two) };
    let done = clerk.teams.hand_over(order(&one, vec![part])).await.unwrap().into_inner();
    assert!(done.seats.is_empty() && done.households.iter().all(|one| one.origin() == pb::LinkOrigin::Chosen));
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links[1].representative.as_str(), links[1].reason.as_str()), (two.as_str(), "任期届满"));
    let team =
        clerk.teams.get_team(pb::GetTeamRequest { name: team_name(GAOCHONG, "001") }).await.unwrap().into_inner();
    assert_eq!(team.representative.unwrap().member, one);

    // Whoever left another grid today did not serve this one last week.
    clerk.vacate(&team_name(GAOCHONG, "002"), pb::Seat::Representative).await;
    let last_week = pb::HandOverRequest { date: date("2026-06-05"), ..order(&one, vec![to(&two)]) };
    refused(clerk.teams.hand_over(last_week).await, Code::FailedPrecondition, reasons::SEAT_TAKEN);
    clerk.teams.hand_over(order(&one, vec![to(&two)])).await.unwrap();
}

#[tokio::test]
async fn a_term_does_not_end_with_households_left_behind_unnoticed() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two, three]) = village(&stand).await;
    let bare = pb::EndTermRequest { name: one.clone(), ..Default::default() };
    refused(clerk.members.end_term(bare.clone()).await, Code::FailedPrecondition, reasons::SEAT_TAKEN);
    let preview = pb::HandOverRequest { validate_only: true, ..order(&one, vec![to(&three)]) };
    let shown = clerk.teams.hand_over(preview).await.unwrap().into_inner();
    let end = pb::EndTermRequest {
        parts: vec![to(&three)],
        reason: "任期届满".into(),
        preview_etag: shown.preview_etag,
        request_id: Uuid::from_u128(8).to_string(),
        ..bare
    };
    let ended = clerk.members.end_term(end.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.members.end_term(end).await.unwrap().into_inner(), ended);
    assert_eq!(text(ended.term_end), "2026-06-10");
    let follows = (three.clone(), "2026-06-10".to_owned(), String::new());
    assert_eq!(days(&mut clerk, "00002").await[1], follows);

    // Whoever leaves without a successor leaves gaps that everybody sees.
    let parts = vec![pb::HandOverPart::default()];
    let end = pb::EndTermRequest { name: two, parts, reason: "辞职".into(), ..Default::default() };
    clerk.members.end_term(end).await.unwrap();
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 2);
    let gaps = pb::ListGapsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::GapFilter { grid: format!("villages/{GAOCHONG}/grids/002"), ..Default::default() }),
        ..Default::default()
    };
    let gaps = clerk.coverage.list_gaps(gaps).await.unwrap().into_inner().gaps;
    assert_eq!(gaps.len(), 2 + 3, "two households, three seats");
}

#[tokio::test]
async fn two_thousand_households_move_in_one_statement_for_each_table() {
    const MANY: i64 = 2_000;
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    let households: Vec<_> = (0..MANY)
        .map(|number| household_news(GAOCHONG, &format!("{number:05}"), "001", HouseholdKind::Original))
        .collect();
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 1, MANY).await;
    let one = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    let two = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &one).await.unwrap();
    stand.days(1);
    // Every statement that writes links is counted by the database itself.
    let mut owner = stand.running.database.connect_as_owner().await;
    let counter = "
        create table statement (told bigint generated always as identity);
        grant insert on statement to lianxin_service;
        create function count_statement() returns trigger language plpgsql as
            'begin insert into statement default values; return null; end';
        create trigger counted after insert or update on link for each statement execute function count_statement();
        create trigger counted after insert or update on team for each statement execute function count_statement();
        create trigger counted after insert on change_log for each statement execute function count_statement();";
    sqlx::Executor::execute(&mut owner, counter).await.unwrap();
    let begun = std::time::Instant::now();
    let done = clerk.teams.hand_over(order(&one, vec![to(&two)])).await.unwrap().into_inner();
    println!("2,000 households handed over in {:?}", begun.elapsed());
    assert_eq!((i64::from(done.household_count), done.uncovered_count), (MANY, 0));
    assert_eq!(
        stand.count("select count(*) from statement").await,
        5,
        "links: end, begin (insert and update); team; change log"
    );
    assert_eq!(stand.count("select count(*) from link where valid_to is null").await, MANY);
}
