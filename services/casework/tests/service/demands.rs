//! Common demands: put together, taken apart, passed up, answered for all.

use harness::{Running, Stage};
use platform::Office;
use proto::casework::v1::demand_service_client::DemandServiceClient;
use proto::casework::v1::{
    AcceptConcernRequest, AddConcernRequest, AnswerDemandRequest, AssignConcernRequest, AssignDemandRequest, Concern,
    ConcernFilter, ConcernState, CreateDemandRequest, Demand, DemandFilter, DemandMoveKind, DemandState,
    DissolveDemandRequest, EscalateDemandRequest, ExplainDeadlineRequest, FollowUpConcernRequest, FollowUpOutcome,
    GetDemandRequest, ListConcernsRequest, ListDemandMovesRequest, ListDemandsRequest, ListMovesRequest, MoveKind,
    OwnerKind, RemoveConcernRequest, SendBackDemandRequest,
};
use proto::registry::v1::GridState;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::routing::seated;
use crate::{Client, GAOCHONG, NEIGHBOUR, News, casework, clerk, client, concern, get, grid, household, report, rows};

type Demands = DemandServiceClient<InterceptedService<Channel, harness::Call>>;

fn demands(running: &Running, caller: &harness::Call) -> Demands {
    DemandServiceClient::with_interceptor(running.channel(), caller.clone())
}

/// Several households' concerns about the street light, in grids 027 and 028.
async fn raised(client: &mut Client, many: u32) -> Vec<Concern> {
    let mut made = Vec::new();
    for number in 0..many {
        let id = format!("018f5e9e-0000-7000-8000-0000000001{number:02}");
        let told = Concern {
            matter: proto::casework::v1::Matter::Environment.into(),
            matter_type: "路灯".into(),
            text: format!("{number}栋后路灯不亮，晚上老人出行不便。"),
            household: household(GAOCHONG, &id),
            grid: grid(GAOCHONG, if number == 2 { "028" } else { "027" }),
            ..Concern::default()
        };
        made.push(client.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner());
    }
    made
}

fn names(concerns: &[Concern]) -> Vec<String> {
    concerns.iter().map(|one| one.name.clone()).collect()
}

fn of(concerns: &[Concern]) -> CreateDemandRequest {
    CreateDemandRequest {
        parent: format!("villages/{GAOCHONG}"),
        demand: Some(Demand { title: "腾飞路路灯".into(), ..Demand::default() }),
        concerns: names(concerns),
        ..Default::default()
    }
}

fn reason(refused: &Status) -> String {
    refused.get_details_error_info().unwrap().reason
}

async fn two_grids(stage: &Stage, running: &Running) -> News {
    let news = News::known(stage, running, GAOCHONG).await;
    news.grid(GAOCHONG, "028", GridState::Active, 1).await;
    news.team(GAOCHONG, "028").await;
    rows(running, "select count(*) from team", 2).await;
    rows(running, "select count(*) from grid", 2).await;
    news
}

#[tokio::test]
async fn three_households_become_one_demand_and_its_answer_reaches_every_one() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = two_grids(&stage, &running).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let mut other = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let three = raised(&mut concerns, 3).await;
    let made = office.create_demand(of(&three)).await.unwrap().into_inner();
    assert_eq!(
        (made.state(), made.owner_kind(), made.title.as_str()),
        (DemandState::Open, OwnerKind::Office, "腾飞路路灯")
    );
    assert_eq!((made.concern_count, made.household_count), (3, 3));
    assert_eq!(made.grids, [grid(GAOCHONG, "027"), grid(GAOCHONG, "028")]);
    assert_eq!(made.due_time, three[0].due_time, "the earliest of its concerns'");
    assert_eq!(made.concerns.iter().map(|one| one.concern.clone()).collect::<Vec<_>>(), names(&three));
    let merged = get(&mut concerns, &three[0].name).await.unwrap();
    assert_eq!((merged.state(), merged.demand.as_str()), (ConcernState::Merged, made.name.as_str()));
    assert_eq!((merged.owner.clone(), merged.due_time), (three[0].owner.clone(), three[0].due_time));

    let answer =
        AnswerDemandRequest { name: made.name.clone(), result: "已更换灯泡".into(), ..Default::default() };
    let answered = office.answer_demand(answer).await.unwrap().into_inner();
    assert_eq!((answered.state(), answered.concern_count, answered.due_time), (DemandState::Answered, 3, None));
    assert!(answered.concerns.iter().all(|one| one.state() == ConcernState::Resolved));
    // Each household is asked by itself, and not by whoever answered.
    let ask = |name: &String, outcome: FollowUpOutcome| FollowUpConcernRequest {
        name: name.clone(),
        outcome: outcome.into(),
        ..Default::default()
    };
    let refused = concerns.follow_up_concern(ask(&three[0].name, FollowUpOutcome::Satisfied)).await.unwrap_err();
    assert_eq!(reason(&refused), "FOLLOW_UP_BY_HANDLER");
    for (one, outcome) in
        three.iter().zip([FollowUpOutcome::Satisfied, FollowUpOutcome::NotSatisfied, FollowUpOutcome::NotReached])
    {
        other.follow_up_concern(ask(&one.name, outcome)).await.unwrap();
    }
    let after = office.get_demand(GetDemandRequest { name: made.name.clone() }).await.unwrap().into_inner();
    let states: Vec<ConcernState> = after.concerns.iter().map(|one| one.state()).collect();
    assert_eq!(states, [ConcernState::Closed, ConcernState::InProgress, ConcernState::Resolved]);
    let part = ConcernFilter { demand: made.name.clone(), awaiting_follow_up: true, ..Default::default() };
    let list = ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(part), ..Default::default() };
    assert_eq!(concerns.list_concerns(list).await.unwrap().into_inner().concerns.len(), 1);

    let moves = ListDemandMovesRequest { parent: made.name, ..Default::default() };
    let moves = office.list_demand_moves(moves).await.unwrap().into_inner().moves;
    let kinds: Vec<DemandMoveKind> = moves.iter().map(|one| one.kind()).collect();
    assert_eq!(kinds, [DemandMoveKind::Opened, DemandMoveKind::Answered]);
    // One change for each record and each of its revisions.
    rows(&running, "select count(*) from change_log where noun = 'demand'", 2).await;
    rows(&running, "select count(*) from change_log where noun = 'concern'", 12).await;
}

#[tokio::test]
async fn what_was_put_together_is_taken_apart_and_stands_as_it_stood() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = two_grids(&stage, &running).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let four = raised(&mut concerns, 4).await;
    let accept = AcceptConcernRequest { name: four[1].name.clone(), ..Default::default() };
    concerns.accept_concern(accept).await.unwrap();
    let mut before = Vec::new();
    for one in &four {
        before.push(get(&mut concerns, &one.name).await.unwrap());
    }
    let made = office.create_demand(of(&four[..3])).await.unwrap().into_inner();
    let add = AddConcernRequest { name: made.name.clone(), concerns: names(&four[3..]), ..Default::default() };
    let grown = office.add_concern(add).await.unwrap().into_inner();
    assert_eq!((grown.concern_count, grown.etag.as_str()), (4, "2"));

    let remove = RemoveConcernRequest { name: made.name.clone(), concerns: names(&four[..2]), ..Default::default() };
    let refused = office.remove_concern(remove.clone()).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "note");
    let remove = RemoveConcernRequest { note: "不是一回事".into(), ..remove };
    let smaller = office.remove_concern(remove.clone()).await.unwrap().into_inner();
    assert_eq!((smaller.concern_count, smaller.household_count), (2, 2));
    assert_eq!(reason(&office.remove_concern(remove).await.unwrap_err()), "ILLEGAL_MOVE");
    let last = RemoveConcernRequest {
        name: made.name.clone(),
        concerns: names(&four[2..]),
        note: "不是一回事".into(),
        ..Default::default()
    };
    assert!(office.remove_concern(last).await.unwrap_err().message().contains("dissolve"));
    let dissolve = DissolveDemandRequest { name: made.name.clone(), note: "各是各的".into(), ..Default::default() };
    let gone = office.dissolve_demand(dissolve).await.unwrap().into_inner();
    assert_eq!((gone.state(), gone.concern_count, gone.concerns.len()), (DemandState::Dissolved, 2, 0));

    for was in before {
        let now = get(&mut concerns, &was.name).await.unwrap();
        let same = Concern { etag: was.etag.clone(), update_time: was.update_time, ..now.clone() };
        assert_eq!(same, was);
        let explain = ExplainDeadlineRequest { name: was.name.clone() };
        let explained = concerns.explain_deadline(explain).await.unwrap().into_inner();
        assert_eq!(explained.segments.len(), 1, "the clock ran all the time");
        let moves = ListMovesRequest { parent: was.name, ..Default::default() };
        let moves = concerns.list_moves(moves).await.unwrap().into_inner().moves;
        let kinds: Vec<MoveKind> = moves.iter().map(|one| one.kind()).rev().take(2).collect();
        assert_eq!(kinds, [MoveKind::Split, MoveKind::Merged]);
    }
    // What was taken apart may be put together again, by another demand.
    let again = office.create_demand(of(&four)).await.unwrap().into_inner();
    assert_eq!(again.concern_count, 4);
}

#[tokio::test]
async fn whoever_holds_the_seat_when_a_concern_is_taken_out_again_has_it_then() {
    const SUCCESSOR: &str = "018f5e9e-0000-7000-8000-0000000000a2";
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let news = two_grids(&stage, &running).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let three = raised(&mut concerns, 3).await;
    let member = |id: &str| format!("villages/{GAOCHONG}/members/{id}");
    let given = AssignConcernRequest {
        name: three[0].name.clone(),
        owner_kind: OwnerKind::Member.into(),
        owner: member(crate::MEMBER),
        ..Default::default()
    };
    concerns.assign_concern(given).await.unwrap();
    let accept = AcceptConcernRequest { name: three[0].name.clone(), ..Default::default() };
    let before = concerns.accept_concern(accept).await.unwrap().into_inner();
    assert_eq!(before.owner, member(crate::MEMBER));
    let made = office.create_demand(of(&three)).await.unwrap().into_inner();

    seated(&news, 2, Some(SUCCESSOR)).await;
    rows(&running, "select count(*) from move where kind = 'seat_changed'", 1).await;
    let merged = get(&mut concerns, &three[0].name).await.unwrap();
    assert_eq!((merged.state(), merged.owner), (ConcernState::Merged, member(SUCCESSOR)));
    let dissolve = DissolveDemandRequest { name: made.name, note: "各是各的".into(), ..Default::default() };
    office.dissolve_demand(dissolve).await.unwrap();
    let now = get(&mut concerns, &three[0].name).await.unwrap();
    let same = Concern {
        owner: before.owner.clone(),
        etag: before.etag.clone(),
        update_time: before.update_time,
        ..now.clone()
    };
    assert_eq!((now.owner, same), (member(SUCCESSOR), before), "all else stands as it stood");
    let explain = ExplainDeadlineRequest { name: three[0].name.clone() };
    assert_eq!(concerns.explain_deadline(explain).await.unwrap().into_inner().segments.len(), 1);
}

#[tokio::test]
async fn of_two_who_merge_the_same_concern_into_two_demands_one_wins_and_the_other_is_told() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    for _ in 0..5 {
        let mut five = Vec::new();
        for number in 0..5 {
            let told = Concern { text: format!("{number}"), ..concern(GAOCHONG) };
            five.push(concerns.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner());
        }
        let (mut one, mut two) = (office.clone(), office.clone());
        // Concern 2 is wanted by both, who name theirs in opposite orders.
        let mut theirs = five[2..].to_vec();
        theirs.reverse();
        let (a, b) = tokio::join!(one.create_demand(of(&five[..3])), two.create_demand(of(&theirs)));
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        let (won, lost) = (won.unwrap().into_inner(), lost.unwrap_err());
        assert_eq!((lost.code(), reason(&lost)), (Code::FailedPrecondition, "ALREADY_MERGED".to_owned()));
        assert!(lost.message().contains(&five[2].name), "{lost}");
        let mut free = 0;
        for one in &five {
            let now = get(&mut concerns, &one.name).await.unwrap();
            assert_eq!(now.state() == ConcernState::Merged, now.demand == won.name);
            free += i32::from(now.demand.is_empty());
        }
        assert_eq!(free, 2, "the refused one has changed nothing");
    }
    rows(&running, "select count(*) from demand", 5).await;
}

#[tokio::test]
async fn it_climbs_once_for_all_and_the_sub_district_answers_every_household() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let mut officer = demands(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let mut made = office.create_demand(of(&raised(&mut concerns, 3).await)).await.unwrap().into_inner();
    let name = made.name.clone();
    let escalate =
        || EscalateDemandRequest { name: name.clone(), note: "村里办不了".into(), ..Default::default() };
    made = office.escalate_demand(escalate()).await.unwrap().into_inner();
    assert_eq!((made.owner_kind(), made.owner.as_str()), (OwnerKind::Subdistrict, "subdistricts/430112011"));
    let answer = AnswerDemandRequest { name: name.clone(), result: "已协调".into(), ..Default::default() };
    assert_eq!(office.answer_demand(answer.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let back = SendBackDemandRequest { name: name.clone(), note: "请先核实".into(), ..Default::default() };
    made = officer.send_back_demand(back).await.unwrap().into_inner();
    assert_eq!(made.owner_kind(), OwnerKind::Office);
    office.escalate_demand(escalate()).await.unwrap();
    made = officer.answer_demand(answer).await.unwrap().into_inner();
    assert_eq!((made.state(), made.escalations), (DemandState::Answered, 2));
    for part in &made.concerns {
        let one = get(&mut concerns, &part.concern).await.unwrap();
        assert_eq!(
            (one.state(), one.result.as_str(), one.owner_kind()),
            (ConcernState::Resolved, "已协调", OwnerKind::Subdistrict)
        );
    }
}

#[tokio::test]
async fn a_team_sees_its_own_part_and_answers_what_is_wholly_its_own() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = two_grids(&stage, &running).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let mut leader = demands(&running, &stage.caller(Office::Leader, GAOCHONG, &["027"]));
    let mut elsewhere = demands(&running, &stage.caller(Office::Leader, GAOCHONG, &["031"]));
    let mut neighbour = demands(&running, &stage.caller(Office::Clerk, NEIGHBOUR, &[]));
    let four = raised(&mut concerns, 4).await;
    let made = office.create_demand(of(&four[..3])).await.unwrap().into_inner();
    let ask = || GetDemandRequest { name: made.name.clone() };
    assert_eq!(leader.get_demand(ask()).await.unwrap().into_inner().concerns.len(), 2);
    assert_eq!(elsewhere.get_demand(ask()).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(neighbour.get_demand(ask()).await.unwrap_err().code(), Code::PermissionDenied);
    let list = || ListDemandsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(leader.list_demands(list()).await.unwrap().into_inner().demands.len(), 1);
    assert_eq!(elsewhere.list_demands(list()).await.unwrap().into_inner().demands.len(), 0);
    let answer = AnswerDemandRequest { name: made.name.clone(), result: "已更换".into(), ..Default::default() };
    assert_eq!(reason(&leader.answer_demand(answer.clone()).await.unwrap_err()), "OUTSIDE_GRIDS");
    let assign = AssignDemandRequest {
        name: made.name.clone(),
        owner_kind: OwnerKind::Team.into(),
        owner: format!("villages/{GAOCHONG}/teams/027"),
        ..Default::default()
    };
    let unknown = AssignDemandRequest { owner: format!("villages/{GAOCHONG}/teams/099"), ..assign.clone() };
    assert_eq!(reason(&office.assign_demand(unknown).await.unwrap_err()), "UNKNOWN_GRID");
    let given = office.assign_demand(assign).await.unwrap().into_inner();
    assert_eq!(given.owner, format!("villages/{GAOCHONG}/teams/027"));
    assert_eq!(leader.answer_demand(answer).await.unwrap().into_inner().state(), DemandState::Answered);
    // A cadre of one grid does not merge what they do not see.
    let mut cadre = demands(&running, &stage.caller(Office::Cadre, GAOCHONG, &["027"]));
    let hidden = of(&[four[3].clone(), four[2].clone()]);
    assert_eq!(cadre.create_demand(hidden).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_request_that_is_repeated_acts_once_and_a_stale_one_not_at_all() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let three = raised(&mut concerns, 3).await;
    let request_id = "018f5e9e-0000-4000-8000-00000000000a".to_owned();
    let request = CreateDemandRequest { request_id, ..of(&three[..2]) };
    let made = office.create_demand(request.clone()).await.unwrap().into_inner();
    assert_eq!(office.create_demand(request).await.unwrap().into_inner(), made);
    let add = AddConcernRequest {
        name: made.name.clone(),
        concerns: names(&three[2..]),
        etag: "7".into(),
        ..Default::default()
    };
    assert_eq!(office.add_concern(add.clone()).await.unwrap_err().code(), Code::Aborted);
    office.add_concern(AddConcernRequest { etag: made.etag, ..add }).await.unwrap();
    let twice = CreateDemandRequest { concerns: vec![three[0].name.clone(), three[0].name.clone()], ..of(&three) };
    let refused = office.create_demand(twice).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "concerns[1]");
    let filter = DemandFilter { state: DemandState::Open.into(), grid: grid(GAOCHONG, "027"), ..Default::default() };
    let list =
        ListDemandsRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(filter), ..Default::default() };
    let listed = office.list_demands(list).await.unwrap().into_inner().demands;
    assert_eq!((listed.len(), listed[0].concerns.len(), listed[0].concern_count), (1, 0, 3));
    rows(&running, "select count(*) from demand_move", 2).await;
}

#[tokio::test]
async fn two_hundred_concerns_are_merged_taken_apart_and_answered_at_once() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let concerns = clerk(&stage, &running);
    let mut office = demands(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let reports = (0..200).map(|number| {
        let mut client = concerns.clone();
        async move {
            let told = Concern { text: format!("{number}"), ..concern(GAOCHONG) };
            client.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner()
        }
    });
    let all = futures::future::join_all(reports).await;
    for answered in [false, true] {
        let made = office.create_demand(of(&all)).await.unwrap().into_inner();
        assert_eq!((made.concern_count, made.concerns.len(), made.household_count), (200, 200, 1));
        if answered {
            let answer = AnswerDemandRequest { name: made.name, result: "已开放".into(), ..Default::default() };
            office.answer_demand(answer).await.unwrap();
        } else {
            let dissolve = DissolveDemandRequest { name: made.name, note: "再看看".into(), ..Default::default() };
            office.dissolve_demand(dissolve).await.unwrap();
        }
    }
    rows(&running, "select count(*) from concern where state = 'resolved'", 200).await;
    rows(&running, "select count(*) from move", 1000).await;
}
