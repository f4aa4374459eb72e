//! What becomes of the concerns and the demands that are before a deliberation.

use harness::Call;
use proto::casework::v1::demand_service_client::DemandServiceClient;
use proto::casework::v1::*;
use tonic::Code;

use crate::deliberations::{World, deciding, drafted, opening, publishing, reason, voting};
use crate::{GAOCHONG, client, get};

#[tokio::test]
async fn what_is_rejected_withdrawn_or_set_aside_lets_its_concerns_go_on() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let concern = world.working().await.name;
    let lost = board.create_deliberation(opening(&[&concern])).await.unwrap().into_inner().name;
    board.record_vote(voting(&lost, 9, [4, 5, 0])).await.unwrap();
    let rejected = board.decide(deciding(&lost)).await.unwrap().into_inner();
    assert_eq!(rejected.state(), DeliberationState::Rejected);
    assert_eq!(world.state(&concern).await, ConcernState::InProgress);

    let again = board.create_deliberation(opening(&[&concern])).await.unwrap().into_inner().name;
    let withdraw = WithdrawDeliberationRequest { name: again, note: "重新提出".into(), ..Default::default() };
    let withdrawn = board.withdraw_deliberation(withdraw).await.unwrap().into_inner();
    assert_eq!(withdrawn.state(), DeliberationState::Withdrawn);
    assert_eq!(world.state(&concern).await, ConcernState::InProgress);

    let name = world.adopted(&mut board).await.name;
    let text = drafted(&mut board, &name).await.text_to_clear;
    let publish = PublishNoticeRequest { clearance: world.clearance(&text, 0), ..publishing(&name) };
    board.publish_notice(publish).await.unwrap();
    let object =
        RecordObjectionRequest {
            name: name.clone(), note: "未通知到会".into(), upheld: true, ..Default::default()
        };
    let aside = board.record_objection(object).await.unwrap().into_inner();
    assert_eq!((aside.state(), aside.objections), (DeliberationState::SetAside, 1));
    let notice = GetNoticeRequest { name: format!("{name}/notice") };
    let read = world.board(&Call::nobody()).get_notice(notice).await.unwrap().into_inner();
    assert_eq!(read.state_title, "因异议撤销");
    assert!(!format!("{read:?}").contains("未通知到会"));

    // A concern that is withdrawn meanwhile stays so.
    let gone = world.working().await.name;
    let open = board.create_deliberation(opening(&[&gone])).await.unwrap().into_inner().name;
    let withdraw = WithdrawConcernRequest { name: gone.clone(), note: "不需要了".into(), ..Default::default() };
    client(&world.running, &world.clerk).withdraw_concern(withdraw).await.unwrap();
    board.record_vote(voting(&open, 9, [9, 0, 0])).await.unwrap();
    board.decide(deciding(&open)).await.unwrap();
    assert_eq!(world.state(&gone).await, ConcernState::Withdrawn);
}

#[tokio::test]
async fn a_common_demand_is_deliberated_as_one_and_the_decision_leads_back_to_it() {
    let world = World::new().await;
    let mut board = world.board(&world.clerk);
    let mut demands = DemandServiceClient::with_interceptor(world.running.channel(), world.clerk.clone());
    let mut cases = client(&world.running, &world.clerk);
    let (first, second) = (world.working().await, world.working().await);
    let create = CreateDemandRequest {
        parent: format!("villages/{GAOCHONG}"),
        concerns: vec![first.name.clone(), second.name.clone()],
        ..Default::default()
    };
    let demand = demands.create_demand(create).await.unwrap().into_inner();
    let about = |concerns: &[&str]| {
        let mut opening = opening(concerns);
        opening.deliberation.as_mut().unwrap().demand = demand.name.clone();
        opening
    };
    assert_eq!(board.create_deliberation(about(&[&first.name])).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(board.create_deliberation(opening(&[])).await.unwrap_err().code(), Code::InvalidArgument);
    let opened = board.create_deliberation(about(&[])).await.unwrap().into_inner();
    assert_eq!((opened.demand.as_str(), opened.concerns.len()), (demand.name.as_str(), 0));
    let get_demand = GetDemandRequest { name: demand.name.clone() };
    let waiting = demands.get_demand(get_demand.clone()).await.unwrap().into_inner();
    assert_eq!((waiting.deliberation.as_str(), waiting.state()), (opened.name.as_str(), DemandState::Open));
    assert_eq!(world.state(&first.name).await, ConcernState::Merged, "its concerns stay as they are");
    // Nobody decides it by themselves meanwhile, nor twice.
    let answer = AnswerDemandRequest { name: demand.name.clone(), result: "装好了".into(), ..Default::default() };
    assert_eq!(reason(&demands.answer_demand(answer.clone()).await.unwrap_err()), "ILLEGAL_MOVE");
    let dissolve = DissolveDemandRequest { name: demand.name.clone(), note: "拆开".into(), ..Default::default() };
    assert_eq!(reason(&demands.dissolve_demand(dissolve).await.unwrap_err()), "ILLEGAL_MOVE");
    assert_eq!(reason(&board.create_deliberation(about(&[])).await.unwrap_err()), "ILLEGAL_MOVE");

    board.record_vote(voting(&opened.name, 9, [8, 1, 0])).await.unwrap();
    board.decide(deciding(&opened.name)).await.unwrap();
    let on = demands.get_demand(get_demand).await.unwrap().into_inner();
    assert_eq!((on.deliberation.as_str(), on.state()), ("", DemandState::Open));
    let moves = ListDemandMovesRequest { parent: demand.name.clone(), ..Default::default() };
    let moves = demands.list_demand_moves(moves).await.unwrap().into_inner().moves;
    let told: Vec<_> = moves.iter().map(|one| (one.kind(), one.note.as_str())).collect();
    use DemandMoveKind::{Concluded, Opened, Tabled};
    assert_eq!(told, [(Opened, ""), (Tabled, ""), (Concluded, "商议通过")]);
    let filter = DeliberationFilter { demand: demand.name.clone(), ..Default::default() };
    let list =
        ListDeliberationsRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(filter), ..Default::default() };
    let listed = board.list_deliberations(list).await.unwrap().into_inner().deliberations;
    assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [opened.name.as_str()]);
    // Now it can be answered, for every household.
    demands.answer_demand(answer).await.unwrap();
    assert_eq!(get(&mut cases, &second.name).await.unwrap().state(), ConcernState::Resolved);
}
