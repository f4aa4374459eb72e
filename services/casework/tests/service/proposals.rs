//! Common demands that casework proposes by itself: found, explained, confirmed or dismissed by a person.

use harness::{Call, Running, Stage};
use platform::Office;
use proto::casework::v1::demand_service_client::DemandServiceClient;
use proto::casework::v1::{
    Concern, ConcernState, CreateDemandRequest, DemandProposal, DemandProposalFilter, DemandProposalState,
    DismissDemandProposalRequest, GetDemandProposalRequest, ListDemandProposalsRequest, Matter, ProposeDemandsRequest,
    WithdrawConcernRequest,
};
use tonic::Code;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::archived::{archive, refused};
use crate::{Client, GAOCHONG, NEIGHBOUR, News, casework, clerk, get, grid, household, report, rows};

pub(crate) type Demands = DemandServiceClient<InterceptedService<Channel, Call>>;

pub(crate) fn demands(running: &Running, caller: &Call) -> Demands {
    DemandServiceClient::with_interceptor(running.channel(), caller.clone())
}

pub(crate) fn office(stage: &Stage, running: &Running) -> Demands {
    demands(running, &stage.caller(Office::Clerk, GAOCHONG, &[]))
}

/// What this household says of the light, in this grid.
pub(crate) fn says(number: u32, code: &str, text: &str) -> Concern {
    Concern {
        matter: Matter::Environment.into(),
        matter_type: "路灯".into(),
        text: text.into(),
        household: household(GAOCHONG, &format!("018f5e9e-0000-7000-8000-0000000001{number:02}")),
        grid: grid(GAOCHONG, code),
        ..Concern::default()
    }
}

pub(crate) async fn raise(client: &mut Client, concern: Concern) -> Concern {
    client.create_concern(report(concern, GAOCHONG)).await.unwrap().into_inner()
}

/// Three households of two grids about one light.
pub(crate) async fn three(client: &mut Client) -> Vec<Concern> {
    let mut made = Vec::new();
    for (number, code) in [(1, "027"), (2, "027"), (3, "028")] {
        let text = format!("{number}栋后路灯不亮，晚上老人出行不便。");
        made.push(raise(client, says(number, code, &text)).await);
    }
    made
}

pub(crate) fn names(concerns: &[Concern]) -> Vec<String> {
    concerns.iter().map(|one| one.name.clone()).collect()
}

pub(crate) fn reason(refused: &tonic::Status) -> String {
    refused.get_details_error_info().unwrap().reason
}

pub(crate) async fn propose(client: &mut Demands) -> Vec<DemandProposal> {
    let request = ProposeDemandsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    client.propose_demands(request).await.unwrap().into_inner().proposals
}

pub(crate) async fn list(client: &mut Demands, state: DemandProposalState) -> Vec<DemandProposal> {
    let filter = DemandProposalFilter { state: state.into(), ..Default::default() };
    let parent = format!("villages/{GAOCHONG}");
    let request = ListDemandProposalsRequest { parent, filter: Some(filter), ..Default::default() };
    client.list_demand_proposals(request).await.unwrap().into_inner().proposals
}

pub(crate) fn taking(proposal: &DemandProposal) -> CreateDemandRequest {
    CreateDemandRequest {
        parent: format!("villages/{GAOCHONG}"),
        proposal: proposal.name.clone(),
        ..Default::default()
    }
}

#[tokio::test]
async fn three_households_are_proposed_by_itself_and_a_person_confirms() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    let raised = three(&mut concerns).await;
    raise(&mut concerns, says(4, "027", "篮球场要加装路灯")).await;
    rows(&running, "select count(*) from demand_proposal", 1).await;
    let proposal = list(&mut office, DemandProposalState::Open).await.remove(0);
    assert_eq!((proposal.matter(), proposal.matter_type.as_str()), (Matter::Environment, "路灯"));
    assert_eq!((proposal.concern_count, proposal.household_count), (3, 3));
    assert_eq!(proposal.grids, [grid(GAOCHONG, "027"), grid(GAOCHONG, "028")]);
    assert_eq!(proposal.shared_words, ["灯不亮晚上老人出行不便", "栋后路"]);
    assert!(proposal.likeness > 80, "{}", proposal.likeness);
    assert_eq!(proposal.concerns.iter().map(|one| one.concern.clone()).collect::<Vec<_>>(), names(&raised));
    assert_eq!(propose(&mut office).await, std::slice::from_ref(&proposal), "asking again changes nothing");

    let request_id = "018f5e9e-0000-4000-8000-00000000000b".to_owned();
    let take = CreateDemandRequest { request_id, ..taking(&proposal) };
    let made = office.create_demand(take.clone()).await.unwrap().into_inner();
    assert_eq!((made.concern_count, made.household_count, made.title.as_str()), (3, 3, "路灯"));
    assert_eq!(office.create_demand(take).await.unwrap().into_inner(), made);
    let taken = list(&mut office, DemandProposalState::Taken).await.remove(0);
    assert_eq!((&taken.demand, taken.decided_office.as_str()), (&made.name, "clerk"));
    assert!(taken.concerns.iter().all(|one| one.state() == ConcernState::Merged));
    let twice = office.create_demand(taking(&proposal)).await.unwrap_err();
    assert_eq!((twice.code(), reason(&twice)), (Code::FailedPrecondition, "ILLEGAL_MOVE".to_owned()));
    assert!(propose(&mut office).await.is_empty());
    // It is no news: what is proposed is for those who decide on it.
    rows(&running, "select count(*) from change_log where noun not in ('concern', 'demand')", 0).await;
}

#[tokio::test]
async fn in_an_archived_village_a_proposal_stands_as_it_was() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut office = office(&stage, &running);
    three(&mut clerk(&stage, &running)).await;
    let proposal = propose(&mut office).await.remove(0);
    archive(&running, &News::of(&stage).await).await;
    let dismiss =
        DismissDemandProposalRequest { name: proposal.name.clone(), reason: "不是".into(), ..Default::default() };
    refused(office.dismiss_demand_proposal(dismiss).await);
    assert_eq!(list(&mut office, DemandProposalState::Open).await, [proposal]);
}

#[tokio::test]
async fn what_was_dismissed_comes_again_with_another_household_only() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    three(&mut concerns).await;
    let looks = (0..8).map(|_| {
        let mut office = office.clone();
        async move { propose(&mut office).await }
    });
    let found = futures::future::join_all(looks).await.concat();
    assert!(found.iter().all(|one| *one == found[0]), "all who look at once find the same, and it is proposed once");
    let proposal = found[0].clone();
    let dismiss = DismissDemandProposalRequest { name: proposal.name.clone(), ..Default::default() };
    let refused = office.dismiss_demand_proposal(dismiss.clone()).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "reason");
    let dismiss = DismissDemandProposalRequest { reason: "三盏不同的灯".into(), ..dismiss };
    let stale = DismissDemandProposalRequest { etag: "7".into(), ..dismiss.clone() };
    assert_eq!(office.dismiss_demand_proposal(stale).await.unwrap_err().code(), Code::Aborted);
    let gone = office.dismiss_demand_proposal(dismiss.clone()).await.unwrap().into_inner();
    assert_eq!((gone.state(), gone.reason.as_str()), (DemandProposalState::Dismissed, "三盏不同的灯"));
    assert_eq!((gone.decided_office.as_str(), gone.decided_by.is_empty()), ("clerk", false));
    assert_eq!(reason(&office.dismiss_demand_proposal(dismiss).await.unwrap_err()), "ILLEGAL_MOVE");

    raise(&mut concerns, says(3, "028", "3栋后路灯不亮，晚上老人出行不便！")).await;
    assert!(propose(&mut office).await.is_empty(), "it is the same households'");
    raise(&mut concerns, says(5, "028", "5栋后路灯不亮，晚上老人出行不便。")).await;
    let again = propose(&mut office).await;
    assert_eq!((again.len(), again[0].household_count, again[0].concern_count), (1, 4, 5));
    assert_ne!(again[0].name, proposal.name);
    let ask = GetDemandProposalRequest { name: proposal.name };
    assert_eq!(office.get_demand_proposal(ask).await.unwrap().into_inner(), gone);
}

#[tokio::test]
async fn it_grows_with_who_joins_lapses_with_who_leaves_and_is_taken_in_part() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    let raised = three(&mut concerns).await;
    let first = propose(&mut office).await.remove(0);
    let withdraw = |one: &Concern| WithdrawConcernRequest {
        name: one.name.clone(),
        note: "已自行解决".into(),
        ..Default::default()
    };
    concerns.withdraw_concern(withdraw(&raised[0])).await.unwrap();
    assert!(propose(&mut office).await.is_empty());
    assert_eq!(list(&mut office, DemandProposalState::Lapsed).await[0].name, first.name);
    for number in [6, 7] {
        raise(&mut concerns, says(number, "029", &format!("{number}栋后路灯不亮，晚上老人出行不便。"))).await;
    }
    let back = propose(&mut office).await.remove(0);
    assert_eq!((&back.name, back.household_count), (&first.name, 4));
    concerns.withdraw_concern(withdraw(&raised[1])).await.unwrap();

    let others = CreateDemandRequest { concerns: names(&raised[..2]), ..taking(&back) };
    let refused = office.create_demand(others).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "concerns");
    // Whoever left meanwhile is left out.
    let made = office.create_demand(taking(&back)).await.unwrap().into_inner();
    assert_eq!(made.concern_count, 3);
    assert_eq!(get(&mut concerns, &raised[1].name).await.unwrap().state(), ConcernState::Withdrawn);
}

#[tokio::test]
async fn whoever_serves_some_grids_sees_their_part_and_decides_on_what_is_wholly_theirs() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let raised = three(&mut concerns).await;
    let mut cadre = demands(&running, &stage.caller(Office::Cadre, GAOCHONG, &["027"]));
    let mut elsewhere = demands(&running, &stage.caller(Office::Cadre, GAOCHONG, &["031"]));
    let mut neighbour = demands(&running, &stage.caller(Office::Clerk, NEIGHBOUR, &[]));
    let mut leader = demands(&running, &stage.caller(Office::Leader, GAOCHONG, &["027"]));
    let proposal = propose(&mut cadre).await.remove(0);
    assert_eq!((proposal.concern_count, proposal.concerns.len()), (3, 2));
    assert!(propose(&mut elsewhere).await.is_empty());
    let ask = || GetDemandProposalRequest { name: proposal.name.clone() };
    assert_eq!(elsewhere.get_demand_proposal(ask()).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(neighbour.get_demand_proposal(ask()).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(leader.get_demand_proposal(ask()).await.unwrap_err().code(), Code::PermissionDenied);
    let dismiss =
        DismissDemandProposalRequest { name: proposal.name.clone(), reason: "不是".into(), ..Default::default() };
    assert_eq!(reason(&cadre.dismiss_demand_proposal(dismiss).await.unwrap_err()), "OUTSIDE_GRIDS");
    assert_eq!(reason(&cadre.create_demand(taking(&proposal)).await.unwrap_err()), "OUTSIDE_GRIDS");
    let theirs = CreateDemandRequest { concerns: names(&raised[..2]), ..taking(&proposal) };
    assert_eq!(cadre.create_demand(theirs).await.unwrap().into_inner().concern_count, 2);
    let filter = DemandProposalFilter { state: DemandProposalState::Open.into(), ..Default::default() };
    let parent = format!("villages/{GAOCHONG}");
    let wrong = ProposeDemandsRequest { parent, filter: Some(filter) };
    let refused = cadre.propose_demands(wrong).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "filter.state");
}

#[tokio::test]
async fn the_words_of_sensitive_concerns_are_shown_to_those_who_are_told_them_only() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut concerns = clerk(&stage, &running);
    let mut office = office(&stage, &running);
    let mut officer = demands(&running, &stage.caller(Office::Officer, "430112011", &[]));
    for number in 1..=3 {
        let text = format!("{number}栋后路灯不亮，有人晚上在那里打架");
        raise(&mut concerns, Concern { sensitive: true, ..says(number, "027", &text) }).await;
    }
    let told = propose(&mut office).await.remove(0);
    assert_eq!(told.shared_words, ["灯不亮有人晚上在那里打架", "栋后路"]);
    let withheld = propose(&mut officer).await.remove(0);
    assert_eq!(withheld.shared_words, Vec::<String>::new());
    assert_eq!(DemandProposal { shared_words: told.shared_words.clone(), ..withheld }, told);
    // Two that are not sensitive say what they share, and nothing of the others.
    for number in 4..=5 {
        raise(&mut concerns, says(number, "027", &format!("{number}栋后路灯不亮，请修"))).await;
    }
    let mixed = propose(&mut officer).await.remove(0);
    assert_eq!((mixed.concern_count, mixed.shared_words), (5, vec!["灯不亮修".to_owned(), "栋后路".to_owned()]));
    let stands: i64 = sqlx::query_scalar("select count(*) from demand_proposal where demand_proposal::text ~ '灯不亮'")
        .fetch_one(&mut running.database.connect_as_owner().await)
        .await
        .unwrap();
    assert_eq!(stands, 0, "no word of theirs is kept");
}

#[tokio::test]
async fn among_ten_thousand_open_concerns_the_three_that_are_alike_are_found() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut owner = running.database.connect_as_owner().await;
    sqlx::query(
        "insert into concern (village, id, reference, matter, matter_type, text, household, grid, state, owner_kind, routed,
                              reported_on, result, score, revision, created_at, updated_at)
         select $1, gen_random_uuid(), number::text, 'environment',
                (array['路灯', '垃圾', '排水', '道路', '违建', '绿化', '水电', '噪音油烟', '危房', '其他环境'])[number % 10 + 1],
                (select string_agg(chr(19968 + ('x' || left(md5(number || '/' || place), 4))::bit(16)::integer % 5000), '')
                   from generate_series(1, 15) as place),
                gen_random_uuid(), lpad((number % 75 + 1)::text, 3, '0'), 'accepted', 'office', false,
                date '2026-03-02', '', 0, 1, now(), now()
           from generate_series(1, 10000) as number",
    )
    .bind(GAOCHONG)
    .execute(&mut owner)
    .await
    .unwrap();
    let mut office = office(&stage, &running);
    let alike = names(&three(&mut clerk(&stage, &running)).await);
    let lights =
        DemandProposalFilter { matter: Matter::Environment.into(), matter_type: "路灯".into(), ..Default::default() };
    for filter in [Some(lights), None] {
        let request = ProposeDemandsRequest { parent: format!("villages/{GAOCHONG}"), filter };
        let found = office.propose_demands(request).await.unwrap().into_inner().proposals;
        let concerns: Vec<Vec<String>> =
            found.iter().map(|one| one.concerns.iter().map(|part| part.concern.clone()).collect()).collect();
        assert_eq!(concerns, std::slice::from_ref(&alike));
    }
}
