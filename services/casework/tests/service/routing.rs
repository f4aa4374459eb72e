//! Concerns and the news of where they belong.

use harness::{Stage, wait_for};
use platform::Office;
use proto::casework::v1::{AcceptConcernRequest, AssignConcernRequest, Concern, ListMovesRequest, MoveKind, OwnerKind};
use proto::liaison::v1::{SeatHolder, TeamChanged};
use proto::registry::v1::GridState;
use tonic::Code;

use crate::{GAOCHONG, News, casework, clerk, client, concern, get, grid, report, rows};

#[tokio::test]
async fn a_concern_that_comes_before_the_news_is_taken_and_finds_its_team_with_the_news() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!((taken.routed, taken.owner_kind(), taken.grid.as_str()), (false, OwnerKind::Office, ""));

    let news = News::of(&stage).await;
    news.household(GAOCHONG, "027").await;
    wait_for("the household's grid", || async {
        get(&mut clerk.clone(), &taken.name).await.unwrap().grid == grid(GAOCHONG, "027")
    })
    .await;
    assert!(!get(&mut clerk, &taken.name).await.unwrap().routed);

    news.team(GAOCHONG, "027").await;
    wait_for("the team", || async { get(&mut clerk.clone(), &taken.name).await.unwrap().routed }).await;
    let routed = get(&mut clerk, &taken.name).await.unwrap();
    assert_eq!(routed.owner, format!("villages/{GAOCHONG}/teams/027"));
    assert_eq!(routed.etag, "3");

    let moves = clerk.list_moves(ListMovesRequest { parent: taken.name, ..Default::default() }).await.unwrap();
    let moves: Vec<_> = moves.into_inner().moves.iter().map(|one| (one.kind(), one.actor.clone())).collect();
    assert_eq!(moves[0].0, MoveKind::Reported);
    assert_eq!(moves[2], (MoveKind::Routed, "service:casework".to_owned()));
}

#[tokio::test]
async fn no_concern_is_forgotten_when_it_comes_together_with_the_news() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let clerk = clerk(&stage, &running);
    let news = News::of(&stage).await;
    let reports = (0..40).map(|_| {
        let mut clerk = clerk.clone();
        tokio::spawn(async move { clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap() })
    });
    let reports: Vec<_> = reports.collect();
    news.household(GAOCHONG, "027").await;
    news.team(GAOCHONG, "027").await;
    for report in reports {
        report.await.unwrap();
    }
    rows(&running, "select count(*) from concern where routed and grid = '027'", 40).await;
}

#[tokio::test]
async fn whoever_serves_one_grid_reports_for_it_and_sees_no_other() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut here = client(&running, &stage.caller(Office::Representative, GAOCHONG, &["027"]));
    let mut elsewhere = client(&running, &stage.caller(Office::Representative, GAOCHONG, &["028"]));

    // The household is not known yet: without a grid nobody can tell whose it is.
    let refused = here.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let named = Concern { grid: grid(GAOCHONG, "027"), ..concern(GAOCHONG) };
    let taken = here.create_concern(report(named.clone(), GAOCHONG)).await.unwrap().into_inner();
    let refused = elsewhere.create_concern(report(named, GAOCHONG)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    assert!(get(&mut here, &taken.name).await.is_ok());
    assert_eq!(get(&mut elsewhere, &taken.name).await.unwrap_err().code(), Code::NotFound);
    let list = |grid| proto::casework::v1::ListConcernsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(proto::casework::v1::ConcernFilter { grid, ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(here.list_concerns(list(String::new())).await.unwrap().into_inner().concerns.len(), 1);
    assert!(elsewhere.list_concerns(list(grid(GAOCHONG, "027"))).await.unwrap().into_inner().concerns.is_empty());
    let moves = ListMovesRequest { parent: taken.name.clone(), ..Default::default() };
    assert_eq!(elsewhere.list_moves(moves).await.unwrap_err().code(), Code::NotFound);

    // Once the household is known, its own grid counts, whatever is named; which one it is, is not told.
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let lie = Concern { grid: grid(GAOCHONG, "028"), ..concern(GAOCHONG) };
    let refused = elsewhere.create_concern(report(lie, GAOCHONG)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(!refused.message().contains("027"), "{refused}");
}

#[tokio::test]
async fn a_grid_that_was_given_up_takes_no_more_concerns() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let news = News::of(&stage).await;
    news.grid(GAOCHONG, "027", GridState::Retired, 2).await;
    news.grid(GAOCHONG, "027", GridState::Active, 1).await;
    news.grid(GAOCHONG, "028", GridState::Active, 1).await;
    rows(&running, "select count(*) from grid", 2).await;
    let named = Concern { household: String::new(), grid: grid(GAOCHONG, "027"), ..concern(GAOCHONG) };
    let refused = clerk(&stage, &running).create_concern(report(named, GAOCHONG)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn news_that_cannot_be_read_is_laid_aside_and_the_rest_goes_on() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut connection = running.database.connect_as_owner().await;
    let refuse = "alter table grid add constraint broken check (code <> '099')";
    sqlx::query(refuse).execute(&mut connection).await.unwrap();
    let news = News::of(&stage).await;
    news.grid(GAOCHONG, "099", GridState::Active, 1).await;
    news.grid(GAOCHONG, "027", GridState::Active, 1).await;
    rows(&running, "select count(*) from grid where code = '027'", 1).await;
    rows(&running, "select count(*) from dead_letter where record like '%/grids/099'", 1).await;

    sqlx::query("update dead_letter set retry = true").execute(&mut connection).await.unwrap();
    rows(&running, "select count(*) from dead_letter where not retry", 1).await; // still broken: laid aside again
    sqlx::query("alter table grid drop constraint broken").execute(&mut connection).await.unwrap();
    sqlx::query("update dead_letter set retry = true").execute(&mut connection).await.unwrap();
    rows(&running, "select count(*) from grid where code = '099'", 1).await;
    rows(&running, "select count(*) from dead_letter", 0).await;
}

/// News of the team of grid 027, whose representative is this member, or nobody.
pub(crate) async fn seated(news: &News, revision: i64, representative: Option<&str>) {
    let member = |member: &str| format!("villages/{GAOCHONG}/members/{member}");
    let representative =
        representative.map(|id| SeatHolder { member: member(id), display_name: "常兰辉".into(), office: 5 });
    let changed = TeamChanged {
        name: format!("villages/{GAOCHONG}/teams/027"),
        revision,
        grid: grid(GAOCHONG, "027"),
        representative,
        ..Default::default()
    };
    news.liaison.tells(&[changed]).await;
}

#[tokio::test]
async fn the_concerns_of_somebody_who_leaves_a_seat_go_to_who_holds_it_then_or_to_the_team() {
    const SUCCESSOR: &str = "018f5e9e-0000-7000-8000-0000000000a2";
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let news = News::known(&stage, &running, GAOCHONG).await;
    let member = |id: &str| format!("villages/{GAOCHONG}/members/{id}");
    let assigned = |name: &str, to: &str| AssignConcernRequest {
        name: name.into(),
        owner_kind: OwnerKind::Member.into(),
        owner: to.into(),
        ..Default::default()
    };
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    let accepted = clerk.accept_concern(AcceptConcernRequest { name: taken.name.clone(), ..Default::default() }).await;
    accepted.unwrap();
    let before = clerk.assign_concern(assigned(&taken.name, &member(crate::MEMBER))).await.unwrap().into_inner();
    let held = |one: &Concern, id: &str| [one.owner.as_str(), one.assignee.as_str()].contains(&member(id).as_str());
    assert!(held(&before, crate::MEMBER), "{before:?}");

    seated(&news, 2, Some(SUCCESSOR)).await;
    wait_for("the successor's concern", || async {
        held(&get(&mut clerk.clone(), &taken.name).await.unwrap(), SUCCESSOR)
    })
    .await;
    let after = get(&mut clerk, &taken.name).await.unwrap();
    assert!(!held(&after, crate::MEMBER), "{after:?}");
    assert_eq!((after.state, after.due_time), (before.state, before.due_time), "its clock goes on");
    let moves = clerk.list_moves(ListMovesRequest { parent: taken.name.clone(), ..Default::default() }).await.unwrap();
    let last = moves.into_inner().moves.last().cloned().unwrap();
    assert_eq!((last.kind(), last.actor.as_str()), (MoveKind::SeatChanged, "service:casework"));

    // News in which nobody leaves a seat changes nothing; an empty seat leaves it to the team.
    seated(&news, 3, Some(SUCCESSOR)).await;
    seated(&news, 4, None).await;
    wait_for("the team's concern", || async { !held(&get(&mut clerk.clone(), &taken.name).await.unwrap(), SUCCESSOR) })
        .await;
    let vacant = get(&mut clerk, &taken.name).await.unwrap();
    assert_eq!(vacant.owner, format!("villages/{GAOCHONG}/teams/027"));
    let moves = clerk.list_moves(ListMovesRequest { parent: taken.name, ..Default::default() }).await.unwrap();
    let changed = moves.into_inner().moves.iter().filter(|one| one.kind() == MoveKind::SeatChanged).count();
    assert_eq!(changed, 2);
}

#[tokio::test]
async fn nobody_is_given_a_concern_whose_leaving_is_just_being_told() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    let accept = AcceptConcernRequest { name: taken.name.clone(), ..Default::default() };
    clerk.accept_concern(accept).await.unwrap();
    // What the reader of news does: it keeps others out, takes the news in, and passes on what those who left had.
    let mut reader = running.database.connect_as_owner().await;
    sqlx::raw_sql("begin; select pg_advisory_xact_lock(hashtextextended('430112011211', 0))")
        .execute(&mut reader)
        .await
        .unwrap();
    let assign = AssignConcernRequest {
        name: taken.name,
        owner_kind: OwnerKind::Member.into(),
        owner: format!("villages/{GAOCHONG}/members/{}", crate::MEMBER),
        ..Default::default()
    };
    let assigning = tokio::spawn(async move { clerk.assign_concern(assign).await });
    let waiting = "select count(*) from pg_locks join pg_database on pg_database.oid = database
                    where datname = current_database() and locktype = 'advisory' and not granted";
    rows(&running, waiting, 1).await;
    let left = "update team set representative = null, representative_name = null; commit";
    sqlx::raw_sql(left).execute(&mut reader).await.unwrap();
    let refused = assigning.await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
}
