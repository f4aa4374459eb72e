//! Common demands that are open already: who raises the same later is proposed for them by itself.

use harness::Stage;
use platform::Office;
use proto::casework::v1::{
    AddConcernRequest, AnswerDemandRequest, ConcernState, CreateDemandRequest, DemandMoveKind, DemandProposal,
    DemandProposalState, DismissDemandProposalRequest, ListDemandMovesRequest, RemoveConcernRequest,
};
use tonic_types::StatusExt;

use crate::proposals::{Demands, demands, list, names, office, propose, raise, reason, says, taking, three};
use crate::{GAOCHONG, casework, clerk, get, grid, rows};

fn light(number: u32) -> String {
    format!("{number}栋后路灯不亮，晚上老人出行不便。")
}

fn joining(proposal: &DemandProposal) -> AddConcernRequest {
    AddConcernRequest { name: proposal.joins.clone(), proposal: proposal.name.clone(), ..Default::default() }
}

async fn dismiss(office: &mut Demands, proposal: &DemandProposal) {
    let request =
        DismissDemandProposalRequest {
            name: proposal.name.clone(), reason: "另一盏灯".into(), ..Default::default()
        };
    office.dismiss_demand_proposal(request).await.unwrap();
}

#[tokio::test]
async fn whoever_raises_the_same_later_is_proposed_for_the_demand_and_a_person_confirms() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    three(&mut concerns).await;
    let first = propose(&mut office).await.remove(0);
    let made = office.create_demand(taking(&first)).await.unwrap().into_inner();
    raise(&mut concerns, says(4, "029", "篮球场要加装路灯")).await;
    let fourth = raise(&mut concerns, says(5, "030", &light(5))).await;
    rows(&running, "select count(*) from demand_proposal where joins is not null and state = 'open'", 1).await;
    let proposal = propose(&mut office).await.remove(0);
    assert_eq!((&proposal.joins, proposal.concern_count, proposal.household_count), (&made.name, 1, 1));
    assert_eq!((&proposal.grids[..], &proposal.demand[..]), (&[grid(GAOCHONG, "030")][..], ""));
    assert!(proposal.likeness > 80, "{}", proposal.likeness);
    assert_eq!(proposal.shared_words, ["灯不亮晚上老人出行不便", "栋后路"], "with the demand's first");

    let own = office.create_demand(taking(&proposal)).await.unwrap_err();
    assert_eq!(own.get_details_bad_request().unwrap().field_violations[0].field, "proposal");
    let request_id = "018f5e9e-0000-4000-8000-00000000000c".to_owned();
    let join = AddConcernRequest { request_id, ..joining(&proposal) };
    let grown = office.add_concern(join.clone()).await.unwrap().into_inner();
    assert_eq!((grown.concern_count, grown.household_count), (4, 4));
    assert_eq!(office.add_concern(join).await.unwrap().into_inner(), grown);
    assert_eq!(get(&mut concerns, &fourth.name).await.unwrap().demand, made.name);
    let taken = list(&mut office, DemandProposalState::Taken).await.remove(0);
    assert_eq!((&taken.name, &taken.demand, taken.decided_office.as_str()), (&proposal.name, &made.name, "clerk"));
    assert_eq!(reason(&office.add_concern(joining(&proposal)).await.unwrap_err()), "ILLEGAL_MOVE");
    let moves = ListDemandMovesRequest { parent: made.name.clone(), ..Default::default() };
    let moves = office.list_demand_moves(moves).await.unwrap().into_inner().moves;
    assert_eq!(moves.last().unwrap().kind(), DemandMoveKind::Added);

    // What a person takes out again is not proposed for it again, and what was answered takes nobody in.
    let remove = RemoveConcernRequest {
        name: made.name.clone(),
        concerns: vec![fourth.name],
        note: "另一盏灯".into(),
        ..Default::default()
    };
    office.remove_concern(remove).await.unwrap();
    assert!(propose(&mut office).await.is_empty());
    raise(&mut concerns, says(6, "030", &light(6))).await;
    let late = propose(&mut office).await.remove(0);
    let answer = AnswerDemandRequest { name: made.name, result: "已更换灯泡".into(), ..Default::default() };
    office.answer_demand(answer).await.unwrap();
    rows(&running, "select count(*) from demand_proposal where state = 'lapsed'", 1).await;
    assert_eq!(reason(&office.add_concern(joining(&late)).await.unwrap_err()), "ILLEGAL_MOVE");
}

#[tokio::test]
async fn who_was_dismissed_is_left_alone_and_makes_a_demand_with_others_of_whom_the_same_was_said() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    let concerns_of = names(&three(&mut concerns).await);
    let parent = format!("villages/{GAOCHONG}");
    let demand = CreateDemandRequest { parent, concerns: concerns_of, ..Default::default() };
    let made = office.create_demand(demand).await.unwrap().into_inner();
    for number in 4..=6 {
        raise(&mut concerns, says(number, "029", &light(number))).await;
        let proposal = propose(&mut office).await.remove(0);
        assert_eq!((&proposal.joins, proposal.concern_count), (&made.name, 1), "not those who were dismissed");
        dismiss(&mut office, &proposal).await;
    }
    let own = propose(&mut office).await.remove(0);
    assert_eq!((own.joins.as_str(), own.household_count), ("", 3));
    let elsewhere = AddConcernRequest { name: made.name.clone(), ..joining(&own) };
    let refused = office.add_concern(elsewhere).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "proposal");
    assert_eq!(office.create_demand(taking(&own)).await.unwrap().into_inner().concern_count, 3);
}

#[tokio::test]
async fn of_what_a_cadre_took_in_part_the_rest_is_proposed_again_by_itself() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    let mut raised = three(&mut concerns).await;
    for number in 4..=5 {
        raised.push(raise(&mut concerns, says(number, "028", &light(number))).await);
    }
    let all = propose(&mut office).await.remove(0);
    assert_eq!((all.household_count, all.joins.as_str()), (5, ""));
    let mut cadre = demands(&running, &stage.caller(Office::Cadre, GAOCHONG, &["027"]));
    let theirs = CreateDemandRequest { concerns: names(&raised[..2]), ..taking(&all) };
    let made = cadre.create_demand(theirs).await.unwrap().into_inner();
    rows(&running, "select count(*) from demand_proposal where state = 'open'", 1).await;
    let taken = list(&mut office, DemandProposalState::Taken).await.remove(0);
    assert_eq!((taken.name, taken.concern_count, taken.household_count), (all.name, 2, 2));
    // They say what the demand says. Where it is not to grow, they are enough for one of their own.
    let rest = list(&mut office, DemandProposalState::Open).await.remove(0);
    assert_eq!((rest.joins.as_str(), rest.household_count), (made.name.as_str(), 3));
    let mut next_door = demands(&running, &stage.caller(Office::Cadre, GAOCHONG, &["028"]));
    dismiss(&mut next_door, &rest).await;
    let own = propose(&mut next_door).await.remove(0);
    assert_eq!((own.joins.as_str(), own.household_count), ("", 3));
    let made = next_door.create_demand(taking(&own)).await.unwrap().into_inner();
    assert!(made.concerns.iter().all(|one| one.state() == ConcernState::Merged));
    assert!(propose(&mut office).await.is_empty());
}
