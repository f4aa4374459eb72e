//! The errand: somebody who is old gets pension certification done at the door, from the visit on which it comes up until the
//! papers are back, somebody else has asked, and the figures have it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use harness::Call;
use platform::Office;
use proto::casework::v1::attachment_service_client::AttachmentServiceClient;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::upload_attachment_request::Piece;
use proto::casework::v1::{
    AcceptConcernRequest, Attachment, AttachmentRole, Concern, ConcernChannel, ConcernState, CreateConcernRequest,
    Errand, FollowUpConcernRequest, FollowUpOutcome, GetProgressRequest, ListAttachmentsRequest, ListMovesRequest,
    Matter, MoveKind, Paper, Progress, ReceivePapersRequest, ResolveConcernRequest, ReturnPapersRequest,
    StartConcernRequest, UpdateConcernRequest, UploadAttachmentHeader, UploadAttachmentRequest,
};
use proto::liaison::v1::visit_service_client::VisitServiceClient;
use proto::liaison::v1::{CreateVisitRequest, Visit, VisitMode};
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use proto::registry::v1::{HouseholdFilter, ListHouseholdsRequest, ListResidentsRequest, Resident};
use tests::{GAOCHONG, World};
use tonic::Code;
use tonic_types::StatusExt;

const DOCUMENT: &[u8] = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\nstartxref\n0\n%%EOF\n";

fn village() -> String {
    format!("villages/{GAOCHONG}")
}

/// Somebody of grid 027 who lives with others.
async fn somebody(world: &World, caller: &Call) -> Resident {
    let mut households = HouseholdServiceClient::new(world.line("registry", caller));
    let filter = HouseholdFilter { grid: format!("{}/grids/027", village()), ..Default::default() };
    let list = ListHouseholdsRequest { parent: village(), filter: Some(filter), ..Default::default() };
    for household in households.list_households(list).await.unwrap().into_inner().households {
        let list = ListResidentsRequest { parent: household.name, ..Default::default() };
        let residents = households.list_residents(list).await.unwrap().into_inner().residents;
        if let Some(resident) = residents.into_iter().next() {
            return resident;
        }
    }
    panic!("nobody lives in grid 027");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pension_is_certified_at_the_door_and_the_papers_come_back() {
    let world = World::start().await;
    let done = world.onboard_gaochong().await;
    let before = world.figures(&[&done]).await.total.unwrap();
    let representative = world.stage.caller(Office::Representative, GAOCHONG, &["027"]);
    let leader = world.stage.caller(Office::Leader, GAOCHONG, &["027"]);
    let clerk = world.stage.caller(Office::Clerk, GAOCHONG, &[]);

    // At the door: the visit is logged, and on it the errand is taken, with the card that is at hand.
    let resident = somebody(&world, &representative).await;
    let household = resident.name.rsplit_once("/residents/").unwrap().0.to_owned();
    let visit = Visit {
        household: household.clone(),
        mode: VisitMode::DoorStep.into(),
        visited_on: Some(proto::time::date(platform::Clock::system().today())),
        persons: 1,
        topics: vec!["养老认证".into()],
        ..Visit::default()
    };
    let log = CreateVisitRequest { parent: village(), visit: Some(visit), ..Default::default() };
    let mut visits = VisitServiceClient::new(world.line("liaison", &representative));
    let visit = visits.create_visit(log).await.unwrap().into_inner();
    let mut here = ConcernServiceClient::new(world.line("casework", &representative));
    let concern = Concern {
        matter: Matter::ResidentAffairs.into(),
        matter_type: "养老认证".into(),
        text: "老人行动不便，请代办养老认证。".into(),
        visit: visit.name.clone(),
        on_behalf_of: resident.name.clone(),
        errand: Some(Errand {
            papers: vec![Paper { title: "社会保障卡".into(), ..Paper::default() }],
            ..Errand::default()
        }),
        ..Concern::default()
    };
    let report = CreateConcernRequest { parent: village(), concern: Some(concern), ..Default::default() };
    let taken = here.create_concern(report).await.unwrap().into_inner();
    assert_eq!((taken.household.as_str(), taken.channel()), (household.as_str(), ConcernChannel::Visit));
    assert_eq!(taken.owner, format!("{}/teams/027", village()), "it is the team's at once");
    assert_eq!(taken.errand.as_ref().unwrap().missing, ["居民身份证"]);
    let (name, receipt_code) = (taken.name.clone(), taken.receipt_code.clone());

    // The identity card comes later the same day, with a copy of it for the file.
    let receive =
        ReceivePapersRequest { name: name.clone(), titles: vec!["居民身份证".into()], ..Default::default() };
    let whole = here.receive_papers(receive).await.unwrap().into_inner();
    assert!(whole.errand.unwrap().missing.is_empty());
    let header = UploadAttachmentHeader {
        parent: name.clone(),
        attachment: Some(Attachment { role: AttachmentRole::Paper.into(), ..Attachment::default() }),
        size: DOCUMENT.len() as i64,
        ..Default::default()
    };
    let pieces = [Piece::Header(header), Piece::Content(DOCUMENT.into())];
    let pieces = tokio_stream::iter(pieces.map(|piece| UploadAttachmentRequest { piece: Some(piece) }));
    let mut files = AttachmentServiceClient::new(world.line("casework", &representative));
    let kept = files.upload_attachment(pieces).await.unwrap().into_inner();
    assert_eq!(kept.content_type, "application/pdf");

    // The team does it; the family sees how it goes, with the receipt and without an account.
    let progress = async || -> Progress {
        let mut anybody = ConcernServiceClient::new(world.line("casework", &Call::nobody()));
        let ask = GetProgressRequest { receipt_code: receipt_code.clone() };
        anybody.get_progress(ask).await.unwrap().into_inner()
    };
    assert_eq!((progress().await.state(), progress().await.papers_received), (ConcernState::Reported, 2));
    let mut team = ConcernServiceClient::new(world.line("casework", &leader));
    team.accept_concern(AcceptConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    team.start_concern(StartConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    let update = UpdateConcernRequest {
        concern: Some(Concern {
            name: name.clone(),
            errand: Some(Errand { receipt: "社保受理2026-0042".into(), ..Errand::default() }),
            ..Concern::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["errand.receipt".into()] }),
        ..Default::default()
    };
    team.update_concern(update).await.unwrap();
    let underway = progress().await;
    assert_eq!((underway.state(), underway.state_title.as_str()), (ConcernState::InProgress, "办理中"));
    let resolve =
        ResolveConcernRequest { name: name.clone(), result: "已完成养老认证。".into(), ..Default::default() };
    team.resolve_concern(resolve).await.unwrap();

    // The papers come back, and somebody else asks.
    let give_back = ReturnPapersRequest { name: name.clone(), ..Default::default() };
    here.return_papers(give_back).await.unwrap();
    assert_eq!((progress().await.papers_received, progress().await.papers_returned), (2, 2));
    let follow_up = FollowUpConcernRequest {
        name: name.clone(),
        outcome: FollowUpOutcome::Satisfied.into(),
        score: 5,
        ..Default::default()
    };
    let own = team.follow_up_concern(follow_up.clone()).await.unwrap_err();
    assert_eq!(own.get_details_error_info().unwrap().reason, "FOLLOW_UP_BY_HANDLER");
    let mut office = ConcernServiceClient::new(world.line("casework", &clerk));
    let closed = office.follow_up_concern(follow_up).await.unwrap().into_inner();
    assert_eq!(closed.state(), ConcernState::Closed);
    assert_eq!(closed.errand.as_ref().unwrap().receipt, "社保受理2026-0042");
    let ended = progress().await;
    assert_eq!((ended.state(), ended.ended_on), (ConcernState::Closed, closed.closed_on));
    assert!(!format!("{ended:?}").contains("老人"), "nothing that is anybody's is told");

    let moves = office.list_moves(ListMovesRequest { parent: name.clone(), ..Default::default() }).await.unwrap();
    let kinds: Vec<MoveKind> = moves.into_inner().moves.iter().map(|one| one.kind()).collect();
    use MoveKind::{Accepted, FollowedUp, PapersReceived, PapersReturned, Reported, Resolved, Started, Updated};
    assert_eq!(kinds, [Reported, PapersReceived, Accepted, Started, Updated, Resolved, PapersReturned, FollowedUp]);
    let elsewhere = world.stage.caller(Office::Representative, GAOCHONG, &["028"]);
    let mut elsewhere = AttachmentServiceClient::new(world.line("casework", &elsewhere));
    let refused = elsewhere.list_attachments(ListAttachmentsRequest { parent: name }).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    world
        .wait_for_figures(GAOCHONG, "the visit, and the errand the household confirms", |set| {
            set.visits == before.visits + 1
                && set.concerns_reported == before.concerns_reported + 1
                && set.concerns_resolved == before.concerns_resolved + 1
                && set.concerns_confirmed == before.concerns_confirmed + 1
        })
        .await;
}
