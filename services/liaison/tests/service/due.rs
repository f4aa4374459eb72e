//! What is to be visited, by the village's plan, through the real clients.

use platform::Office;
use prost_types::FieldMask;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, HouseholdState, LineKind};
use tonic::Code;

use crate::stand::{
    Desk, GAOCHONG, NEIGHBOUR, Stand, grid_news, household_name, household_news, refused, team_name, text,
};
use crate::visits::visit;

/// Grid 001 with 00001 and the key household 00002, grid 002 with 00003; a representative each.
async fn village(stand: &Stand) -> (Desk, [String; 2]) {
    let mut clerk = stand.clerk();
    let grids = ["001", "002"].map(|code| grid_news(GAOCHONG, code, LineKind::Relocated));
    stand.registry.tells(&grids).await;
    let mut households = [("00001", "001"), ("00002", "001"), ("00003", "002")]
        .map(|(number, grid)| household_news(GAOCHONG, number, grid, HouseholdKind::Original));
    households[1].key_household = true;
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 2, 3).await;
    let mut members = [String::new(), String::new()];
    for (place, name) in ["熊静贵", "常兰辉"].into_iter().enumerate() {
        members[place] = clerk.enter(GAOCHONG, name, pb::Office::Representative).await;
        let team = team_name(GAOCHONG, &format!("{:03}", place + 1));
        clerk.seat(&team, pb::Seat::Representative, &members[place]).await.unwrap();
    }
    (clerk, members)
}

async fn due(desk: &mut Desk, filter: pb::DueVisitFilter) -> Vec<pb::DueVisit> {
    let parent = format!("villages/{GAOCHONG}");
    let request = pb::ListDueVisitsRequest { parent, filter: Some(filter), ..Default::default() };
    desk.visits.list_due_visits(request).await.unwrap().into_inner().due_visits
}

/// Number and last day in time of each.
async fn listed(desk: &mut Desk, filter: pb::DueVisitFilter) -> Vec<(String, String)> {
    due(desk, filter).await.into_iter().map(|one| (one.household_number, text(one.due_on))).collect()
}

fn owned(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(number, day)| ((*number).to_owned(), (*day).to_owned())).collect()
}

#[tokio::test]
async fn an_entry_resolves_itself_when_the_visit_is_logged_and_comes_back_when_it_is_withdrawn() {
    let stand = Stand::new().await;
    let (mut clerk, [one, _]) = village(&stand).await;
    for (number, days) in [("00001", vec!["2026-05-03"]), ("00002", vec!["2026-05-03", "2026-05-20"])] {
        for day in days {
            clerk.visits.create_visit(visit(number, day)).await.unwrap();
        }
    }
    // It is 1 June. Nobody was with 00003 in May.
    let all = pb::DueVisitFilter::default;
    let expected = [("00001", "2026-06-30"), ("00002", "2026-06-15"), ("00003", "2026-05-31")];
    assert_eq!(listed(&mut clerk, all()).await, owned(&expected));
    let overdue = pb::DueVisitFilter { state: pb::DueState::Overdue.into(), ..all() };
    assert_eq!(listed(&mut clerk, overdue.clone()).await, owned(&[("00003", "2026-05-31")]));
    let theirs = pb::DueVisitFilter { representative: one.clone(), ..all() };
    let first = due(&mut clerk, theirs.clone()).await.remove(1);
    assert_eq!((first.representative.as_str(), first.key_household, first.planned), (one.as_str(), true, 2));
    assert_eq!((text(first.last_visited_on).as_str(), first.made), ("2026-05-20", 0));

    let logged = clerk.visits.create_visit(visit("00001", "2026-06-01")).await.unwrap().into_inner();
    clerk.visits.create_visit(visit("00002", "2026-06-01")).await.unwrap();
    assert_eq!(listed(&mut clerk, theirs.clone()).await, []);
    let request = pb::WithdrawVisitRequest { name: logged.name, reason: "记错了".into(), ..Default::default() };
    clerk.visits.withdraw_visit(request).await.unwrap();
    assert_eq!(listed(&mut clerk, theirs.clone()).await, owned(&[("00001", "2026-06-30")]));

    stand.days(20);
    assert_eq!(listed(&mut clerk, theirs).await, owned(&[("00001", "2026-06-30"), ("00002", "2026-06-30")]));
    stand.days(20);
    let expected = [("00001", "2026-06-30"), ("00002", "2026-06-30"), ("00003", "2026-06-30")];
    assert_eq!(listed(&mut clerk, overdue).await, owned(&expected));
}

#[tokio::test]
async fn whoever_is_away_is_not_due_and_a_handover_takes_what_is_due_along() {
    let stand = Stand::new().await;
    let (mut clerk, [one, two]) = village(&stand).await;
    let mut away = household_news(GAOCHONG, "00001", "001", HouseholdKind::Original);
    (away.revision, away.state) = (2, HouseholdState::Away.into());
    let mut moved = household_news(GAOCHONG, "00002", "002", HouseholdKind::Original);
    (moved.revision, moved.key_household) = (2, true);
    stand.registry.tells(&[away, moved]).await;
    stand.counts("select count(*) from household where revision = 2", 2).await;
    let of = |representative: &str| pb::DueVisitFilter { representative: representative.into(), ..Default::default() };
    assert_eq!(listed(&mut clerk, of(&one)).await, []);
    let expected = [("00002", "2026-05-31"), ("00003", "2026-05-31")];
    assert_eq!(listed(&mut clerk, of(&two)).await, owned(&expected));
    let mut neighbour = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    assert_eq!(listed(&mut neighbour, pb::DueVisitFilter::default()).await, []);
}

#[tokio::test]
async fn what_is_due_comes_in_pages_however_many_are_not() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    let households: Vec<_> = (0..450)
        .map(|number| household_news(GAOCHONG, &format!("{number:05}"), "001", HouseholdKind::Original))
        .collect();
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 1, 450).await;
    let member = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &member).await.unwrap();
    // All but every hundredth have been visited.
    let requests: Vec<_> =
        (0..450).filter(|number| number % 100 > 0).map(|n| visit(&format!("{n:05}"), "2026-06-01")).collect();
    let parent = format!("villages/{GAOCHONG}");
    let batch = pb::BatchCreateVisitsRequest { parent: parent.clone(), requests, ..Default::default() };
    clerk.visits.batch_create_visits(batch).await.unwrap();
    let (mut token, mut numbers) = (String::new(), Vec::new());
    loop {
        let request =
            pb::ListDueVisitsRequest { parent: parent.clone(), page_size: 2, page_token: token, ..Default::default() };
        let page = clerk.visits.list_due_visits(request).await.unwrap().into_inner();
        numbers.extend(page.due_visits.into_iter().map(|due| due.household_number));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(numbers, ["00000", "00100", "00200", "00300", "00400"]);
}

#[tokio::test]
async fn a_village_makes_its_own_plan_and_what_is_due_follows_at_once() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    let name = format!("villages/{GAOCHONG}/visitPlan");
    let plan = clerk.plans.get_visit_plan(pb::GetVisitPlanRequest { name: name.clone() }).await.unwrap().into_inner();
    let often = |visits, months| Some(pb::VisitFrequency { visits, months });
    assert_eq!((plan.etag.as_str(), plan.every_household, plan.key_household), ("0", often(1, 1), often(2, 1)));

    let rule = |grid: &str, frequency| pb::VisitRule {
        grids: vec![format!("villages/{GAOCHONG}/grids/{grid}")],
        frequency,
        ..Default::default()
    };
    let update = |rules: Vec<pb::VisitRule>, etag: &str| pb::UpdateVisitPlanRequest {
        visit_plan: Some(pb::VisitPlan { name: name.clone(), rules, etag: etag.into(), ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["rules".into()] }),
        request_id: String::new(),
    };
    let none_in_two = update(vec![rule("002", often(0, 1))], "0");
    let made = clerk.plans.update_visit_plan(none_in_two.clone()).await.unwrap().into_inner();
    assert_eq!((made.etag.as_str(), made.rules.len(), made.key_household), ("1", 1, often(2, 1)));
    refused(clerk.plans.update_visit_plan(none_in_two).await, Code::Aborted, reasons::STALE_ETAG);
    let numbers: Vec<String> =
        due(&mut clerk, pb::DueVisitFilter::default()).await.into_iter().map(|due| due.household_number).collect();
    assert_eq!(numbers, ["00001", "00002"]);

    for wrong in [rule("001", often(1, 5)), rule("001", often(40, 1)), rule("1", often(1, 1)), rule("001", None)] {
        let answer = clerk.plans.update_visit_plan(update(vec![wrong], "")).await;
        refused(answer, Code::InvalidArgument, reasons::INVALID_FIELDS);
    }
    let quarterly = update(vec![rule("001", often(1, 3)), rule("002", often(1, 1))], "1");
    clerk.plans.update_visit_plan(quarterly).await.unwrap();
    let first = due(&mut clerk, pb::DueVisitFilter::default()).await.remove(0);
    assert_eq!((text(first.period_start), text(first.period_end)), ("2026-04-01".into(), "2026-07-01".into()));
    let mut leader = stand.desk(Office::Leader, GAOCHONG, &["001"]);
    let denied = leader.plans.update_visit_plan(update(Vec::new(), "")).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let theirs = pb::GetVisitPlanRequest { name: format!("villages/{NEIGHBOUR}/visitPlan") };
    assert_eq!(clerk.plans.get_visit_plan(theirs).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stand.count("select count(*) from change_log where noun = 'visit_plan'").await, 2);
    assert!(household_name(GAOCHONG, "00001").ends_with(first.household.rsplit('/').next().unwrap()));
}
