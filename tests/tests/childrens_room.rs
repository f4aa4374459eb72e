//! The children's room, from the doorsteps to the figures: three households raise it, the village decides the long way and
//! lets everybody know, the three go on as one common demand, and every one of them is called back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use harness::Call;
use platform::Office;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::deliberation_service_client::DeliberationServiceClient;
use proto::casework::v1::demand_service_client::DemandServiceClient;
use proto::casework::v1::*;
use proto::platform::v1::TextFindingKind;
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use proto::registry::v1::public_text_service_client::PublicTextServiceClient;
use proto::registry::v1::{CheckPublicTextRequest, ListHouseholdsRequest};
use tests::{GAOCHONG, World};
use tonic::Code;

const TEXT: &str = "腾飞路重建安置小区的孩子放学后没有地方玩，希望有个儿童活动室。";

/// The registry's clearance of a text. Where a resident's name is an ordinary word in it, somebody has looked and says so.
async fn cleared(world: &World, clerk: &Call, text: &str) -> (String, bool) {
    let mut texts = PublicTextServiceClient::new(world.line("registry", clerk));
    let parent = format!("villages/{GAOCHONG}");
    let ask = CheckPublicTextRequest { parent, text: text.into(), excepted_names: Vec::new() };
    let found = texts.check_public_text(ask.clone()).await.unwrap().into_inner();
    assert!(found.findings.iter().all(|one| one.kind() == TextFindingKind::Name), "{found:?}");
    let excepted_names: Vec<i32> = found.findings.iter().map(|one| one.start).collect();
    let excepted = !excepted_names.is_empty();
    let answer = texts.check_public_text(CheckPublicTextRequest { excepted_names, ..ask }).await.unwrap().into_inner();
    assert_eq!(answer.text, text);
    (answer.clearance, excepted)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_households_ask_for_a_childrens_room_and_each_of_them_is_told_that_it_is_there() {
    let world = World::start().await;
    assert_eq!(world.onboard_gaochong().await.refused, 0);
    let village = format!("villages/{GAOCHONG}");
    let representative = world.stage.caller(Office::Representative, GAOCHONG, &["027"]);
    let cadre = world.stage.caller(Office::Cadre, GAOCHONG, &[]);
    let clerk = world.stage.caller(Office::Clerk, GAOCHONG, &[]);
    let officer = world.stage.caller(Office::Officer, "430112011", &[]);

    // At three doors of grid 027.
    let list = ListHouseholdsRequest { parent: village.clone(), page_size: 3, ..Default::default() };
    let mut households = HouseholdServiceClient::new(world.line("registry", &representative));
    let households = households.list_households(list).await.unwrap().into_inner().households;
    assert_eq!(households.len(), 3);
    let mut doorstep = ConcernServiceClient::new(world.line("casework", &representative));
    let mut work = ConcernServiceClient::new(world.line("casework", &cadre));
    let mut concerns = Vec::new();
    for household in &households {
        let raised = Concern {
            matter: Matter::OutreachEducation.into(),
            matter_type: "儿童活动".into(),
            text: TEXT.into(),
            household: household.name.clone(),
            ..Default::default()
        };
        let report = CreateConcernRequest { parent: village.clone(), concern: Some(raised), ..Default::default() };
        let name = doorstep.create_concern(report).await.unwrap().into_inner().name;
        work.accept_concern(AcceptConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
        work.start_concern(StartConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
        concerns.push(name);
    }

    // It costs more than the village calls little: the long way.
    let mut board = DeliberationServiceClient::new(world.line("casework", &clerk));
    let about = Deliberation {
        title: "腾飞路重建安置小区儿童活动室".into(),
        proposal: "将会议室改为儿童活动室，购置玩具和滑梯。".into(),
        subject: DeliberationSubject::General.into(),
        expense_yuan: 36_000,
        concerns: concerns.clone(),
        ..Default::default()
    };
    let open = |way: DeliberationWay| CreateDeliberationRequest {
        parent: village.clone(),
        deliberation: Some(Deliberation { way: way.into(), ..about.clone() }),
        ..Default::default()
    };
    let short = board.create_deliberation(open(DeliberationWay::TwoCommittees)).await.unwrap_err();
    assert_eq!(short.code(), Code::FailedPrecondition);
    assert!(short.message().contains("四议两公开"), "{short}");
    let name = board.create_deliberation(open(DeliberationWay::Unspecified)).await.unwrap().into_inner().name;
    for concern in &concerns {
        let waiting = doorstep.get_concern(GetConcernRequest { name: concern.clone() }).await.unwrap().into_inner();
        assert_eq!((waiting.state(), waiting.deliberation.as_str()), (ConcernState::Deliberating, name.as_str()));
    }
    for (due, present, favour) in [(5, 5, 5), (9, 8, 8), (48, 40, 37), (75, 50, 26)] {
        let vote = Vote { due, present, favour, against: 0, abstaining: present - favour, ..Default::default() };
        board
            .record_vote(RecordVoteRequest { name: name.clone(), vote: Some(vote), ..Default::default() })
            .await
            .unwrap();
    }
    let resolution = "同意将会议室改为儿童活动室，每天16时至18时开放。".to_owned();
    let decide = DecideRequest { name: name.clone(), resolution, ..Default::default() };
    let decided = board.decide(decide).await.unwrap().into_inner();
    assert_eq!(decided.state(), DeliberationState::Adopted);

    // The resolution is made public, without anybody in it.
    let draft = DraftNoticeRequest { name: name.clone(), ..Default::default() };
    let draft = board.draft_notice(draft).await.unwrap().into_inner();
    let (clearance, excepted) = cleared(&world, &clerk, &draft.text_to_clear).await;
    let names_reason = if excepted { "文中是普通词语，不是人名".to_owned() } else { String::new() };
    let publish = PublishNoticeRequest { name: name.clone(), clearance, names_reason, ..Default::default() };
    board.publish_notice(publish).await.unwrap();
    let mut anybody = DeliberationServiceClient::new(world.line("casework", &Call::nobody()));
    let notice = anybody.get_notice(GetNoticeRequest { name: format!("{name}/notice") }).await.unwrap().into_inner();
    assert_eq!((notice.state_title.as_str(), notice.votes.len()), ("公示中", 4));
    assert!(!format!("{notice:?}").contains(TEXT));

    // The three go on as one, are answered at once, and are asked one by one, by somebody else.
    let mut demands = DemandServiceClient::new(world.line("casework", &cadre));
    let merge = CreateDemandRequest { parent: village.clone(), concerns: concerns.clone(), ..Default::default() };
    let demand = demands.create_demand(merge).await.unwrap().into_inner().name;
    let result = "会议室已改为儿童活动室，有玩具和滑梯，定时开放。".to_owned();
    let answer = AnswerDemandRequest { name: demand, result, ..Default::default() };
    demands.answer_demand(answer).await.unwrap();
    world
        .wait_for_figures(GAOCHONG, "claimed, and confirmed by nobody yet", |set| {
            (set.concerns_reported, set.concerns_resolved, set.concerns_confirmed) == (48, 18, 15)
        })
        .await;
    let mut asking = ConcernServiceClient::new(world.line("casework", &officer));
    for concern in &concerns {
        let ask = FollowUpConcernRequest {
            name: concern.clone(),
            outcome: FollowUpOutcome::Satisfied.into(),
            score: 5,
            ..Default::default()
        };
        let own = work.follow_up_concern(ask.clone()).await.unwrap_err();
        assert_eq!(own.code(), Code::FailedPrecondition, "not by who answered");
        assert_eq!(asking.follow_up_concern(ask).await.unwrap().into_inner().state(), ConcernState::Closed);
    }
    world.wait_for_figures(GAOCHONG, "confirmed by all three", |set| set.concerns_confirmed == 18).await;

    // Reporting has read past the news of the deliberation, and none of it lies there as a dead letter.
    let mut reporting = world.database("reporting").connect_as_owner().await;
    let dead: i64 = sqlx::query_scalar("select count(*) from dead_letter").fetch_one(&mut reporting).await.unwrap();
    assert_eq!(dead, 0);
}
