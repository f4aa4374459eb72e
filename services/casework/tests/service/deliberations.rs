//! How a village decides, and lets everybody know; what a notice must not say is in [`crate::notices`],
//! what becomes of concerns and demands meanwhile in [`crate::tabled`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{Duration, Utc};
use harness::{Call, Running, Stage, TestDatabase};
use platform::clearance::{Cleared, clear};
use platform::{Clock, Office, Vault};
use proto::casework::v1::deliberation_service_client::DeliberationServiceClient;
use proto::casework::v1::*;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{GAOCHONG, MEMBER, NEIGHBOUR, News, client, concern, get, report, rows};

pub(crate) type Board = DeliberationServiceClient<InterceptedService<Channel, Call>>;

/// A village whose days the test counts.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) running: Running,
    pub(crate) days: Arc<AtomicI64>,
    pub(crate) clerk: Call,
}

impl World {
    pub(crate) async fn new() -> Self {
        let stage = Stage::new().await;
        let days = Arc::new(AtomicI64::new(0));
        let told = days.clone();
        let clock = Clock::from_fn(move || Utc::now() + Duration::days(told.load(Ordering::SeqCst)));
        let database = TestDatabase::of(casework::SERVICE, &casework::migrations()).await;
        let serve = |platform, events, process| casework::serve(crate::config(platform, events), process);
        let running = stage.serve_on(database, clock, serve).await;
        let clerk = stage.caller(Office::Clerk, GAOCHONG, &[]);
        Self { stage, running, days, clerk }
    }

    pub(crate) fn board(&self, caller: &Call) -> Board {
        DeliberationServiceClient::with_interceptor(self.running.channel(), caller.clone())
    }

    /// A concern on which work has begun.
    pub(crate) async fn working(&self) -> Concern {
        let mut clerk = client(&self.running, &self.clerk);
        let name = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner().name;
        clerk.accept_concern(AcceptConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
        clerk.start_concern(StartConcernRequest { name, ..Default::default() }).await.unwrap().into_inner()
    }

    pub(crate) async fn state(&self, name: &str) -> ConcernState {
        get(&mut client(&self.running, &self.clerk), name).await.unwrap().state()
    }

    /// The registry's clearance, as it would give it.
    pub(crate) fn clearance(&self, text: &str, names_excepted: u32) -> String {
        let vault = Vault::open(&self.stage.platform_config("").vault_key_file).unwrap();
        let now = Utc::now() + Duration::days(self.days.load(Ordering::SeqCst));
        clear(&vault, &GAOCHONG.parse().unwrap(), text, Cleared { names_excepted }, now).unwrap().0
    }

    /// One about a new concern, adopted by the two committees.
    pub(crate) async fn adopted(&self, board: &mut Board) -> Deliberation {
        let concern = self.working().await;
        let opened = board.create_deliberation(opening(&[&concern.name])).await.unwrap().into_inner();
        board.record_vote(voting(&opened.name, 9, [8, 1, 0])).await.unwrap();
        board.decide(deciding(&opened.name)).await.unwrap().into_inner()
    }
}

pub(crate) fn opening(concerns: &[&str]) -> CreateDeliberationRequest {
    CreateDeliberationRequest {
        parent: format!("villages/{GAOCHONG}"),
        deliberation: Some(Deliberation {
            title: "腾飞路安置区儿童活动室".into(),
            proposal: "戴某家等多户反映孩子放学后无处可去，拟将会议室改为儿童活动室。".into(),
            subject: DeliberationSubject::General.into(),
            expense_yuan: 8000,
            concerns: concerns.iter().map(ToString::to_string).collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn voting(name: &str, due: i32, [favour, against, abstaining]: [i32; 3]) -> RecordVoteRequest {
    let present = favour + against + abstaining;
    let vote = Vote { due, present, favour, against, abstaining, minutes: "会议记录".into(), ..Default::default() };
    RecordVoteRequest { name: name.into(), vote: Some(vote), ..Default::default() }
}

pub(crate) fn deciding(name: &str) -> DecideRequest {
    DecideRequest {
        name: name.into(),
        resolution: "同意将会议室改为儿童活动室，每天16时至18时开放。".into(),
        ..Default::default()
    }
}

pub(crate) fn publishing(name: &str) -> PublishNoticeRequest {
    PublishNoticeRequest { name: name.into(), ..Default::default() }
}

pub(crate) fn reason(refused: &Status) -> String {
    refused.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub(crate) async fn drafted(board: &mut Board, name: &str) -> DraftNoticeResponse {
    let draft = DraftNoticeRequest { name: name.into(), ..Default::default() };
    board.draft_notice(draft).await.unwrap().into_inner()
}

#[tokio::test]
async fn the_two_committees_decide_the_concern_goes_on_and_everybody_reads_the_notice() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let mut anybody = world.board(&Call::nobody());
    let (first, second) = (world.working().await, world.working().await);
    let opened = board.create_deliberation(opening(&[&first.name, &second.name])).await.unwrap().into_inner();
    assert_eq!((opened.state(), opened.way()), (DeliberationState::Open, DeliberationWay::TwoCommittees));
    let mut cases = client(&world.running, &world.clerk);
    let waiting = get(&mut cases, &first.name).await.unwrap();
    assert_eq!((waiting.state(), waiting.deliberation.as_str()), (ConcernState::Deliberating, opened.name.as_str()));
    assert_eq!(waiting.due_time, first.due_time, "the clock runs on");
    let start = StartConcernRequest { name: first.name.clone(), ..Default::default() };
    assert_eq!(reason(&cases.start_concern(start).await.unwrap_err()), "ILLEGAL_MOVE");
    let twice = board.create_deliberation(opening(&[&first.name])).await.unwrap_err();
    assert_eq!(reason(&twice), "ILLEGAL_MOVE");

    let voted = board.record_vote(voting(&opened.name, 9, [7, 1, 1])).await.unwrap().into_inner();
    assert!(voted.votes[0].quorate && voted.votes[0].carried);
    assert_eq!(voted.next_step(), DeliberationStep::Unspecified);
    let decided = board.decide(deciding(&opened.name)).await.unwrap().into_inner();
    assert_eq!(decided.state(), DeliberationState::Adopted);
    for name in [&first.name, &second.name] {
        let on = get(&mut cases, name).await.unwrap();
        assert_eq!((on.state(), on.deliberation.as_str()), (ConcernState::InProgress, ""));
    }
    let moves = ListMovesRequest { parent: first.name.clone(), ..Default::default() };
    let moves = cases.list_moves(moves).await.unwrap().into_inner().moves;
    let last: Vec<_> = moves[3..].iter().map(|one| (one.kind(), one.note.as_str())).collect();
    assert_eq!(last, [(MoveKind::Tabled, ""), (MoveKind::Concluded, "商议通过")]);

    let notice = GetNoticeRequest { name: format!("{}/notice", opened.name) };
    assert_eq!(anybody.get_notice(notice.clone()).await.unwrap_err().code(), Code::NotFound);
    let draft = drafted(&mut board, &opened.name).await;
    assert_eq!(draft.text_to_clear, format!("{}\n{}", draft.title, draft.text));
    let clearance = world.clearance(&draft.text_to_clear, 0);
    let publish = PublishNoticeRequest { clearance, ..publishing(&opened.name) };
    let noticed = board.publish_notice(publish).await.unwrap().into_inner();
    assert_eq!(noticed.state(), DeliberationState::Noticed);

    let read = anybody.get_notice(notice.clone()).await.unwrap().into_inner();
    assert_eq!((read.title.as_str(), read.text.as_str()), ("腾飞路安置区儿童活动室", decided.resolution.as_str()));
    assert_eq!((read.state_title.as_str(), read.way_title.as_str()), ("公示中", "村“两委”商议"));
    assert_eq!((read.votes[0].due, read.votes[0].favour, read.votes[0].abstaining), (9, 7, 1));
    let everything = format!("{read:?}");
    for secret in [first.text.as_str(), "戴某", "会议记录", "concerns", "households"] {
        assert!(!everything.contains(secret), "{everything}");
    }

    let close = CloseNoticeRequest { name: opened.name.clone(), ..Default::default() };
    assert_eq!(reason(&board.close_notice(close.clone()).await.unwrap_err()), "NOTICE_RUNNING");
    world.days.store(7, Ordering::SeqCst);
    let closed = board.close_notice(close).await.unwrap().into_inner();
    assert_eq!(closed.state(), DeliberationState::InForce);
    let result = PublishResultRequest {
        name: opened.name.clone(),
        result: "儿童活动室已开放。".into(),
        clearance: world.clearance("儿童活动室已开放。", 0),
        ..Default::default()
    };
    assert_eq!(board.publish_result(result).await.unwrap().into_inner().state(), DeliberationState::Completed);
    // After its period it is still there.
    let read = anybody.get_notice(notice).await.unwrap().into_inner();
    assert_eq!((read.result.as_str(), read.state_title.as_str()), ("儿童活动室已开放。", "结果已公开"));
    let list = ListNoticesRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(anybody.list_notices(list).await.unwrap().into_inner().notices.len(), 1);
    // One change for each revision of each record.
    rows(&world.running, "select count(*) from change_log where noun = 'deliberation'", 6).await;
    rows(&world.running, "select count(*) from change_log where noun = 'concern'", 10).await;
}

#[tokio::test]
async fn land_goes_the_long_way_step_by_step_and_nothing_is_decided_or_noticed_before() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let name = world.working().await.name;
    let mut short = opening(&[&name]);
    let said = short.deliberation.as_mut().unwrap();
    said.set_subject(DeliberationSubject::Land);
    said.set_way(DeliberationWay::TwoCommittees);
    let refused = board.create_deliberation(short.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "LONG_WAY_REQUIRED");
    assert!(refused.message().contains("四议两公开"), "{refused}");
    assert_eq!(world.state(&name).await, ConcernState::InProgress);
    let mut large = opening(&[&name]);
    let said = large.deliberation.as_mut().unwrap();
    said.expense_yuan = 20_000;
    said.set_way(DeliberationWay::TwoCommittees);
    assert_eq!(reason(&board.create_deliberation(large).await.unwrap_err()), "LONG_WAY_REQUIRED");

    short.deliberation.as_mut().unwrap().set_way(DeliberationWay::Unspecified);
    let opened = board.create_deliberation(short).await.unwrap().into_inner();
    assert_eq!((opened.way(), opened.next_step()), (DeliberationWay::LongWay, DeliberationStep::Branch));
    let publish = board.publish_notice(publishing(&opened.name)).await.unwrap_err();
    assert_eq!(reason(&publish), "NO_VALID_VOTE");
    let mut ahead = voting(&opened.name, 30, [30, 0, 0]);
    ahead.vote.as_mut().unwrap().set_step(DeliberationStep::Assembly);
    assert_eq!(reason(&board.record_vote(ahead).await.unwrap_err()), "STEP_OUT_OF_ORDER");
    for (due, votes) in [(5, [3, 0, 0]), (9, [5, 0, 0]), (41, [20, 4, 4])] {
        board.record_vote(voting(&opened.name, due, votes)).await.unwrap();
    }
    let invalid = board.record_vote(voting(&opened.name, 30, [19, 0, 0])).await.unwrap().into_inner();
    assert_eq!((invalid.votes[3].quorate, invalid.next_step()), (false, DeliberationStep::Assembly));
    let refused = board.decide(deciding(&opened.name)).await.unwrap_err();
    assert_eq!(reason(&refused), "NO_VALID_VOTE");
    assert!(refused.message().contains("三分之二"), "{refused}");
    assert_eq!(reason(&board.publish_notice(publishing(&opened.name)).await.unwrap_err()), "NO_VALID_VOTE");
    assert_eq!(world.state(&name).await, ConcernState::Deliberating);
    board.record_vote(voting(&opened.name, 30, [11, 5, 4])).await.unwrap();
    let decided = board.decide(deciding(&opened.name)).await.unwrap().into_inner();
    assert_eq!((decided.state(), decided.votes.len()), (DeliberationState::Adopted, 5));
    assert_eq!(world.state(&name).await, ConcernState::InProgress);
}

#[tokio::test]
async fn the_clerk_keeps_the_book_and_others_read_what_is_theirs() {
    let world = World::new().await;
    let news = News::known(&world.stage, &world.running, GAOCHONG).await;
    let mut board = world.board(&world.clerk);
    let concern = world.working().await.name;
    let name = board.create_deliberation(opening(&[&concern])).await.unwrap().into_inner().name;
    board.record_vote(voting(&name, 9, [9, 0, 0])).await.unwrap();
    let ask = || GetDeliberationRequest { name: name.clone() };
    let list = || ListDeliberationsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let mut here = world.board(&world.stage.caller(Office::Representative, GAOCHONG, &["027"]));
    let read = here.get_deliberation(ask()).await.unwrap().into_inner();
    assert_eq!((read.votes[0].minutes.as_str(), read.moves.len()), ("", 0));
    assert_eq!(here.list_deliberations(list()).await.unwrap().into_inner().deliberations.len(), 1);
    let mut there = world.board(&world.stage.caller(Office::Representative, GAOCHONG, &["028"]));
    assert_eq!(there.get_deliberation(ask()).await.unwrap_err().code(), Code::NotFound);
    assert!(there.list_deliberations(list()).await.unwrap().into_inner().deliberations.is_empty());
    let mut officer = world.board(&world.stage.caller(Office::Officer, "430112011", &[]));
    assert_eq!(officer.get_deliberation(ask()).await.unwrap().into_inner().votes[0].minutes, "会议记录");
    let mut neighbour = world.board(&world.stage.caller(Office::Clerk, NEIGHBOUR, &[]));
    assert_eq!(neighbour.get_deliberation(ask()).await.unwrap_err().code(), Code::PermissionDenied);
    for caller in [
        world.stage.caller(Office::Officer, "430112011", &[]),
        world.stage.caller(Office::Cadre, GAOCHONG, &[]),
        world.stage.caller(Office::Clerk, GAOCHONG, &["027"]),
    ] {
        let refused = world.board(&caller).decide(deciding(&name)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    drop(news);
}

#[tokio::test]
async fn a_repeat_acts_once_a_stale_etag_not_at_all_and_of_two_decisions_one_is_made() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let concern = world.working().await.name;
    let request_id = "018f5e9e-0000-7000-8000-0000000000f1";
    let create = CreateDeliberationRequest { request_id: request_id.into(), ..opening(&[&concern]) };
    let first = board.create_deliberation(create.clone()).await.unwrap().into_inner();
    assert_eq!(board.create_deliberation(create).await.unwrap().into_inner(), first);
    let name = first.name;
    let vote = RecordVoteRequest { etag: "1".into(), ..voting(&name, 9, [9, 0, 0]) };
    board.record_vote(vote.clone()).await.unwrap();
    assert_eq!(board.record_vote(vote).await.unwrap_err().code(), Code::Aborted);
    let (mut other, one, two) = (board.clone(), deciding(&name), deciding(&name));
    let (one, two) = tokio::join!(board.decide(one), other.decide(two));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|done| **done).count(), 1);
    rows(&world.running, "select count(*) from deliberation_move", 3).await;
    rows(&world.running, "select count(*) from deliberation", 1).await;
    // Members may be named instead of counted.
    let named = world.working().await.name;
    let named = board.create_deliberation(opening(&[&named])).await.unwrap().into_inner().name;
    let member = format!("villages/{GAOCHONG}/members/{MEMBER}");
    let vote = Vote {
        due_members: vec![member.clone()],
        present_members: vec![member.clone()],
        favour: 1,
        ..Default::default()
    };
    let mut record = RecordVoteRequest { name: named, vote: Some(vote), ..Default::default() };
    let voted = board.record_vote(record.clone()).await.unwrap().into_inner();
    assert_eq!((voted.votes[0].due, voted.votes[0].present_members[0].as_str()), (1, member.as_str()));
    record.vote.as_mut().unwrap().present_members.push(member);
    assert_eq!(board.record_vote(record).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_database_itself_knows_no_decision_without_votes_and_no_notice_without_a_decision() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let concern = world.working().await.name;
    board.create_deliberation(opening(&[&concern])).await.unwrap();
    let mut owner = world.running.database.connect_as_owner().await;
    let decide = "update deliberation set state = 'adopted', decided_on = current_date, resolution = '同意'";
    let refused = sqlx::query(decide).execute(&mut owner).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("adopted_by_votes"));
    let notice = "insert into notice (village, deliberation, title, text, contact, names_excepted)
                  select village, id, 't', 't', '', 0 from deliberation";
    let refused = sqlx::query(notice).execute(&mut owner).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("noticed_when_adopted"));
    let short = "update deliberation set expense_yuan = 1000000";
    let refused = sqlx::query(short).execute(&mut owner).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("deliberation_way"));
    // The service may not rewrite a vote.
    board
        .record_vote(voting(&format!("villages/{GAOCHONG}/deliberations/{}", uuid_of(&world).await), 9, [4, 5, 0]))
        .await
        .unwrap();
    let privileges = "select has_table_privilege('lianxin_service', 'vote', 'update')";
    let may: bool = sqlx::query_scalar(privileges).fetch_one(&mut owner).await.unwrap();
    assert!(!may);
}

async fn uuid_of(world: &World) -> String {
    let mut owner = world.running.database.connect_as_owner().await;
    sqlx::query_scalar("select id::text from deliberation").fetch_one(&mut owner).await.unwrap()
}
