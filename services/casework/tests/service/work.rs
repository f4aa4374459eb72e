//! Lists that people work from.

use harness::{Stage, TestDatabase};
use platform::{Clock, Office};
use proto::casework::v1::{
    AcceptConcernRequest, AssignConcernRequest, Concern, ConcernFilter, ConcernOrder, EscalateConcernRequest,
    ListConcernsRequest, OwnerKind, ResolveConcernRequest, StartConcernRequest, SuspendConcernRequest,
};
use sqlx::Connection;

use crate::{Client, GAOCHONG, News, clerk, client, concern, report, rows};

async fn count(client: &mut Client, filter: ConcernFilter) -> usize {
    let list =
        ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(filter), ..Default::default() };
    client.list_concerns(list).await.unwrap().into_inner().concerns.len()
}

#[tokio::test]
async fn everybody_finds_what_is_theirs_to_do_and_what_is_late() {
    let stage = Stage::new().await;
    // Wednesday, 4 March 2026, at ten in the morning.
    let database = TestDatabase::of(casework::SERVICE, &casework::migrations()).await;
    let clock = Clock::from_fn(|| "2026-03-04T02:00:00Z".parse().unwrap());
    let serve = |platform, events, process| casework::serve(crate::config(platform, events), process);
    let running = stage.serve_on(database, clock, serve).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let mut clerk = clerk(&stage, &running);
    let mut leader = client(&running, &stage.caller(Office::Leader, GAOCHONG, &["027"]));
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let mut names = Vec::new();
    for _ in 0..5 {
        let told = Concern { matter_type: "路灯".into(), ..concern(GAOCHONG) };
        let taken = clerk.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner();
        clerk.accept_concern(AcceptConcernRequest { name: taken.name.clone(), ..Default::default() }).await.unwrap();
        let start = StartConcernRequest { name: taken.name.clone(), ..Default::default() };
        clerk.start_concern(start).await.unwrap();
        names.push(taken.name);
    }
    let why = || "有缘由".to_owned();
    let [solved, up, given, aside, _left] = names.try_into().unwrap();
    let result = "已更换".to_owned();
    clerk.resolve_concern(ResolveConcernRequest { name: solved, result, ..Default::default() }).await.unwrap();
    clerk.escalate_concern(EscalateConcernRequest { name: up, note: why(), ..Default::default() }).await.unwrap();
    let owner_kind = OwnerKind::Office.into();
    clerk.assign_concern(AssignConcernRequest { name: given, owner_kind, ..Default::default() }).await.unwrap();
    clerk.suspend_concern(SuspendConcernRequest { name: aside, note: why(), ..Default::default() }).await.unwrap();

    let mine = || ConcernFilter { mine: true, ..Default::default() };
    assert_eq!(count(&mut leader, mine()).await, 3, "the team's, those given to others among them");
    assert_eq!(count(&mut clerk, mine()).await, 1, "what was given to the office");
    assert_eq!(count(&mut officer, mine()).await, 1, "what was escalated");
    let ask = |filter: ConcernFilter| filter;
    assert_eq!(count(&mut clerk, ask(ConcernFilter { open: true, ..Default::default() })).await, 5);
    assert_eq!(count(&mut clerk, ask(ConcernFilter { awaiting_follow_up: true, ..Default::default() })).await, 1);
    assert_eq!(count(&mut clerk, ask(ConcernFilter { escalated: true, ..Default::default() })).await, 1);
    assert_eq!(count(&mut clerk, ask(ConcernFilter { overdue: true, ..Default::default() })).await, 0);
    // The office has two working days to accept what it was given.
    assert_eq!(count(&mut clerk, ask(ConcernFilter { due_soon: true, ..Default::default() })).await, 0);
    assert_eq!(count(&mut clerk, ask(ConcernFilter { stuck: true, ..Default::default() })).await, 0);

    // A fortnight later, as far as these are concerned.
    let mut owner = running.database.connect_as_owner().await;
    let earlier = "update concern
                      set due_at = due_at - interval '30 days', acted_at = acted_at - interval '14 days',
                          respond_by = respond_by - interval '1 day'";
    sqlx::query(earlier).execute(&mut owner).await.unwrap();
    assert_eq!(count(&mut clerk, ask(ConcernFilter { overdue: true, ..Default::default() })).await, 3);
    assert_eq!(count(&mut clerk, ask(ConcernFilter { due_soon: true, ..Default::default() })).await, 1);
    assert_eq!(count(&mut clerk, ask(ConcernFilter { stuck: true, ..Default::default() })).await, 4);
    let both = ConcernFilter { overdue: true, escalated: true, ..Default::default() };
    assert_eq!(count(&mut clerk, both).await, 1);
    // What is due first comes first, the answer or the solution; whose clock rests comes last; and a page begins where the one
    // before it ended.
    let all = ListConcernsRequest {
        parent: format!("villages/{GAOCHONG}"),
        order_by: ConcernOrder::Deadline.into(),
        ..Default::default()
    };
    let due = |one: &Concern| [one.due_time, one.respond_by_time].into_iter().flatten().map(|at| at.seconds).min();
    let whole = clerk.list_concerns(all.clone()).await.unwrap().into_inner().concerns;
    let days: Vec<_> = whole.iter().map(|one| due(one).unwrap_or(i64::MAX)).collect();
    assert!(days.len() == 5 && days.is_sorted() && days[2] < days[3] && days[3] == i64::MAX, "{days:?}");
    let (mut paged, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = ListConcernsRequest { page_size: 2, page_token, ..all.clone() };
        let page = clerk.list_concerns(page).await.unwrap().into_inner();
        paged.extend(page.concerns);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole);
    rows(&running, "select count(*) from concern where ended_on is null", 5).await;
    owner.close().await.unwrap();
}
