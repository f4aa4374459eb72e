//! The moves beside the straight way: given and returned, declined, laid aside, escalated, opened again.

use harness::{Running, Stage};
use platform::Office;
use proto::casework::v1::{
    AcceptConcernRequest, AssignConcernRequest, Concern, ConcernState, DeclineConcernRequest, EscalateConcernRequest,
    FollowUpConcernRequest, FollowUpOutcome, GetWorkflowRequest, ListMovesRequest, MoveKind, OwnerKind,
    ReopenConcernRequest, ResolveConcernRequest, ResumeConcernRequest, ReturnConcernRequest, SendBackConcernRequest,
    StartConcernRequest, SuperviseConcernRequest, SuspendConcernRequest, WithdrawConcernRequest,
};
use proto::registry::v1::GridState;
use tonic::Code;
use tonic_types::StatusExt;

use crate::{Client, GAOCHONG, NEIGHBOUR, News, casework, clerk, client, concern, get, report, rows};

/// A message that names a concern and says why.
macro_rules! why {
    ($message:ident, $name:expr) => {
        $message { name: $name.clone(), note: "有缘由".into(), ..Default::default() }
    };
}

async fn reported(client: &mut Client) -> Concern {
    client.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner()
}

async fn in_progress(client: &mut Client) -> Concern {
    let taken = reported(client).await;
    client.accept_concern(why!(AcceptConcernRequest, taken.name)).await.unwrap();
    client.start_concern(why!(StartConcernRequest, taken.name)).await.unwrap().into_inner()
}

/// Grids 027 and 028, each with a team.
async fn two_teams(stage: &Stage, running: &Running) -> News {
    let news = News::known(stage, running, GAOCHONG).await;
    news.grid(GAOCHONG, "028", GridState::Active, 1).await;
    news.team(GAOCHONG, "028").await;
    rows(running, "select count(*) from team", 2).await;
    news
}

fn to_team(concern: &Concern, grid: &str) -> AssignConcernRequest {
    AssignConcernRequest {
        name: concern.name.clone(),
        owner_kind: OwnerKind::Team.into(),
        owner: format!("villages/{GAOCHONG}/teams/{grid}"),
        ..Default::default()
    }
}

#[tokio::test]
async fn who_a_concern_is_given_to_sees_it_returns_it_and_the_second_return_goes_to_the_office() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = two_teams(&stage, &running).await;
    let mut clerk = clerk(&stage, &running);
    let mut other = client(&running, &stage.caller(Office::Leader, GAOCHONG, &["028"]));
    let taken = reported(&mut clerk).await;
    assert_eq!(get(&mut other, &taken.name).await.unwrap_err().code(), Code::NotFound);

    let given = clerk.assign_concern(to_team(&taken, "028")).await.unwrap().into_inner();
    assert_eq!((given.owner.as_str(), given.state()), (taken.owner.as_str(), ConcernState::Reported));
    assert_eq!(get(&mut other, &taken.name).await.unwrap(), given);
    let list =
        proto::casework::v1::ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(other.list_concerns(list).await.unwrap().into_inner().concerns, [given]);
    let no_reason = ReturnConcernRequest { name: taken.name.clone(), ..Default::default() };
    let refused = other.return_concern(no_reason).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "note");
    let back = other.return_concern(why!(ReturnConcernRequest, taken.name)).await.unwrap().into_inner();
    assert_eq!((back.assignee.as_str(), back.owner, back.returns), ("", taken.owner.clone(), 1));
    assert_eq!(get(&mut other, &taken.name).await.unwrap_err().code(), Code::NotFound);

    clerk.assign_concern(to_team(&taken, "028")).await.unwrap();
    let arbiter = other.return_concern(why!(ReturnConcernRequest, taken.name)).await.unwrap().into_inner();
    assert_eq!((arbiter.owner_kind(), arbiter.returns), (OwnerKind::Office, 2));
    clerk.assign_concern(to_team(&taken, "028")).await.unwrap();
    let refused = other.return_concern(why!(ReturnConcernRequest, taken.name)).await.unwrap_err();
    assert_eq!(refused.get_details_error_info().unwrap().reason, "ILLEGAL_MOVE");
    let accepted = other.accept_concern(why!(AcceptConcernRequest, taken.name)).await.unwrap().into_inner();
    assert_eq!((accepted.state(), accepted.owner), (ConcernState::Accepted, format!("villages/{GAOCHONG}/teams/028")));

    let moves = ListMovesRequest { parent: taken.name, ..Default::default() };
    let moves = clerk.list_moves(moves).await.unwrap().into_inner().moves;
    let given = &moves[1];
    assert_eq!(
        (given.kind(), given.assignee.as_str()),
        (MoveKind::Assigned, accepted.grid.replace("grids", "teams").as_str())
    );
    assert_eq!(
        (moves[2].kind(), moves[2].note.as_str(), moves[2].office.as_str()),
        (MoveKind::Returned, "有缘由", "leader")
    );
}

#[tokio::test]
async fn the_sub_district_takes_what_the_village_cannot_solve_and_sends_back_what_it_can() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let taken = in_progress(&mut clerk).await;
    let up = clerk.escalate_concern(why!(EscalateConcernRequest, taken.name)).await.unwrap().into_inner();
    assert_eq!((up.owner_kind(), up.owner.as_str()), (OwnerKind::Subdistrict, "subdistricts/430112011"));
    let resolve = ResolveConcernRequest { name: taken.name.clone(), result: "已协调".into(), ..Default::default() };
    assert_eq!(clerk.resolve_concern(resolve.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(
        clerk.send_back_concern(why!(SendBackConcernRequest, taken.name)).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let back = officer.send_back_concern(why!(SendBackConcernRequest, taken.name)).await.unwrap().into_inner();
    assert_eq!((back.owner_kind(), back.state()), (OwnerKind::Office, ConcernState::InProgress));
    clerk.escalate_concern(why!(EscalateConcernRequest, taken.name)).await.unwrap();
    let solved = officer.resolve_concern(resolve).await.unwrap().into_inner();
    assert_eq!(solved.state(), ConcernState::Resolved);
    let watched = officer.supervise_concern(why!(SuperviseConcernRequest, taken.name)).await.unwrap().into_inner();
    assert!(watched.supervised);
}

#[tokio::test]
async fn what_is_laid_aside_is_taken_up_and_what_was_closed_is_opened_when_the_household_comes_back() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let name = in_progress(&mut clerk).await.name;
    assert!(clerk.suspend_concern(why!(SuspendConcernRequest, name)).await.unwrap().into_inner().suspended);
    let resolve = ResolveConcernRequest { name: name.clone(), result: "已修好".into(), ..Default::default() };
    let refused = clerk.resolve_concern(resolve.clone()).await.unwrap_err();
    assert!(refused.message().contains("ResumeConcern"), "{refused}");
    assert!(!clerk.resume_concern(why!(ResumeConcernRequest, name)).await.unwrap().into_inner().suspended);
    clerk.resolve_concern(resolve).await.unwrap();
    let satisfied = FollowUpConcernRequest {
        name: name.clone(),
        outcome: FollowUpOutcome::Satisfied.into(),
        score: 5,
        ..Default::default()
    };
    let closed = officer.follow_up_concern(satisfied).await.unwrap().into_inner();
    assert!(closed.confirmed_on.is_some() && closed.ended_on.is_some());
    let open = clerk.reopen_concern(why!(ReopenConcernRequest, name)).await.unwrap().into_inner();
    assert_eq!((open.state(), open.confirmed_on, open.ended_on), (ConcernState::InProgress, None, None));
    assert_eq!((open.follow_up_outcome(), open.reopenings), (FollowUpOutcome::NotSatisfied, 1));
}

#[tokio::test]
async fn a_concern_that_is_not_ours_says_where_to_go_and_one_that_is_no_longer_wanted_ends() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let name = reported(&mut clerk).await.name;
    let decline = why!(DeclineConcernRequest, name);
    assert_eq!(clerk.decline_concern(decline.clone()).await.unwrap_err().code(), Code::InvalidArgument);
    let decline = DeclineConcernRequest { where_to_go: "请到供电所办理".into(), ..decline };
    let declined = clerk.decline_concern(decline).await.unwrap().into_inner();
    assert_eq!((declined.state(), declined.result.as_str()), (ConcernState::Declined, "请到供电所办理"));
    let mut system = client(&running, &stage.caller(Office::Integration, GAOCHONG, &[]));
    let name = reported(&mut system).await.name;
    let withdrawn = system.withdraw_concern(why!(WithdrawConcernRequest, name)).await.unwrap().into_inner();
    assert_eq!(withdrawn.state(), ConcernState::Withdrawn);
    rows(&running, "select count(*) from concern where ended_on is not null", 2).await;
}

#[tokio::test]
async fn of_different_moves_at_once_one_wins_and_the_others_are_told() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    for _ in 0..10 {
        let taken = reported(&mut clerk).await;
        let (mut a, mut b, mut c) = (clerk.clone(), clerk.clone(), clerk.clone());
        // Each was decided on the version that was seen.
        let accept = AcceptConcernRequest { etag: taken.etag.clone(), ..why!(AcceptConcernRequest, taken.name) };
        let give = ReturnConcernRequest { etag: taken.etag.clone(), ..why!(ReturnConcernRequest, taken.name) };
        let withdraw = WithdrawConcernRequest { etag: taken.etag.clone(), ..why!(WithdrawConcernRequest, taken.name) };
        let (a, b, c) = tokio::join!(a.accept_concern(accept), b.return_concern(give), c.withdraw_concern(withdraw));
        let answers = [a, b, c];
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|told| told.code() == Code::Aborted));
        assert_eq!(get(&mut clerk, &taken.name).await.unwrap().etag, "2");
    }
    rows(&running, "select count(*) from move", 20).await;
    rows(&running, "select count(*) from change_log", 20).await;
}

#[tokio::test]
async fn the_table_of_moves_can_be_read_by_whoever_works_in_the_village() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut leader = client(&running, &stage.caller(Office::Leader, GAOCHONG, &["027"]));
    let ask = |village: &str| GetWorkflowRequest { parent: format!("villages/{village}") };
    let workflow = leader.get_workflow(ask(GAOCHONG)).await.unwrap().into_inner();
    assert_eq!(workflow.states.len(), 10);
    let accept = workflow.moves.iter().find(|one| one.method == "AcceptConcern").unwrap();
    assert_eq!((accept.title.as_str(), accept.to_state()), ("受理", ConcernState::Accepted));
    assert_eq!(accept.offices, ["officer", "clerk", "cadre", "leader"]);
    assert_eq!(leader.get_workflow(ask(NEIGHBOUR)).await.unwrap_err().code(), Code::PermissionDenied);
}
