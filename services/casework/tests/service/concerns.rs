//! A concern's life.

use harness::Stage;
use platform::Office;
use proto::casework::v1::{
    AcceptConcernRequest, AssignConcernRequest, Concern, ConcernFilter, ConcernState, CreateConcernRequest,
    FollowUpConcernRequest, FollowUpOutcome, ListConcernsRequest, ListMovesRequest, Matter, MoveKind, OwnerKind,
    ResolveConcernRequest, StartConcernRequest, UpdateConcernRequest,
};
use tonic::Code;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::{Client, GAOCHONG, MEMBER, NEIGHBOUR, News, casework, clerk, client, concern, get, report, rows};

fn member() -> String {
    format!("villages/{GAOCHONG}/members/{MEMBER}")
}

async fn resolved(client: &mut Client) -> Concern {
    let taken = client.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    let name = taken.name;
    client.accept_concern(AcceptConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    client.start_concern(StartConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    let resolve = ResolveConcernRequest { name, result: "会议室改成了儿童之家".into(), ..Default::default() };
    client.resolve_concern(resolve).await.unwrap().into_inner()
}

fn follow_up(name: &str, outcome: FollowUpOutcome, score: i32) -> FollowUpConcernRequest {
    FollowUpConcernRequest { name: name.into(), outcome: outcome.into(), score, ..Default::default() }
}

fn reason(refused: &tonic::Status) -> String {
    refused.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn a_concern_is_accepted_assigned_resolved_and_closed_by_the_households_answer() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let mut representative = client(&running, &stage.caller(Office::Representative, GAOCHONG, &["027"]));
    let mut leader = client(&running, &stage.caller(Office::Leader, GAOCHONG, &["027"]));
    let mut clerk = clerk(&stage, &running);

    let told = Concern { reporter: member(), ..concern(GAOCHONG) };
    let taken = representative.create_concern(report(told, GAOCHONG)).await.unwrap().into_inner();
    assert_eq!((taken.state(), taken.owner_kind(), taken.routed), (ConcernState::Reported, OwnerKind::Team, true));
    assert!(!taken.reference.is_empty());
    let name = taken.name.clone();

    let accept =
        AcceptConcernRequest { name: name.clone(), etag: taken.etag, note: "收到".into(), ..Default::default() };
    let accepted = leader.accept_concern(accept.clone()).await.unwrap().into_inner();
    assert_eq!((accepted.state(), accepted.accepted_on), (ConcernState::Accepted, taken.reported_on));
    assert_eq!(leader.accept_concern(accept).await.unwrap_err().code(), Code::Aborted);

    let assign = AssignConcernRequest {
        name: name.clone(),
        owner_kind: OwnerKind::Member.into(),
        owner: member(),
        ..Default::default()
    };
    let assigned = clerk.assign_concern(assign.clone()).await.unwrap().into_inner();
    // Until the member accepts it, or begins, the team stays answerable.
    assert_eq!((assigned.owner_kind(), assigned.assignee_kind()), (OwnerKind::Team, OwnerKind::Member));
    assert_eq!(assigned.assignee, member());
    let nobody = AssignConcernRequest { owner: format!("villages/{GAOCHONG}/members/{}", Uuid::now_v7()), ..assign };
    assert_eq!(reason(&clerk.assign_concern(nobody).await.unwrap_err()), "NOT_IN_TEAM");

    let start = StartConcernRequest { name: name.clone(), ..Default::default() };
    let started = representative.start_concern(start).await.unwrap().into_inner();
    assert_eq!((started.owner_kind(), started.owner, started.assignee.as_str()), (OwnerKind::Member, member(), ""));
    let start = StartConcernRequest { name: name.clone(), ..Default::default() };
    let refused = representative.start_concern(start).await.unwrap_err();
    assert_eq!(reason(&refused), "ILLEGAL_MOVE");
    assert!(refused.message().contains("ResolveConcern"), "{refused}");
    let resolve =
        ResolveConcernRequest { name: name.clone(), result: "儿童之家已经开放".into(), ..Default::default() };
    representative.resolve_concern(resolve).await.unwrap();

    let own = representative.follow_up_concern(follow_up(&name, FollowUpOutcome::Satisfied, 5)).await.unwrap_err();
    assert_eq!(reason(&own), "FOLLOW_UP_BY_HANDLER");
    let closed = clerk.follow_up_concern(follow_up(&name, FollowUpOutcome::Satisfied, 5)).await.unwrap().into_inner();
    assert_eq!((closed.state(), closed.score, closed.etag.as_str()), (ConcernState::Closed, 5, "6"));
    assert_eq!(get(&mut representative, &name).await.unwrap(), closed);

    let mut request = ListMovesRequest { parent: name, page_size: 4, ..Default::default() };
    let first = clerk.list_moves(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = clerk.list_moves(request).await.unwrap().into_inner();
    let kinds: Vec<_> = first.moves.iter().chain(&second.moves).map(|one| one.kind()).collect();
    use MoveKind::{Accepted, Assigned, FollowedUp, Reported, Resolved, Started};
    assert_eq!(kinds, [Reported, Accepted, Assigned, Started, Resolved, FollowedUp]);
    let accepted = &first.moves[1];
    assert_eq!((accepted.note.as_str(), accepted.office.as_str(), accepted.revision), ("收到", "leader", 2));
    assert_eq!((accepted.from_state(), accepted.to_state()), (ConcernState::Reported, ConcernState::Accepted));
}

#[tokio::test]
async fn who_is_not_reached_is_asked_again_and_who_is_not_satisfied_sends_it_back() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let name = resolved(&mut clerk).await.name;
    let asked = officer.follow_up_concern(follow_up(&name, FollowUpOutcome::NotReached, 0)).await.unwrap().into_inner();
    assert_eq!(asked.state(), ConcernState::Resolved);
    let asked =
        officer.follow_up_concern(follow_up(&name, FollowUpOutcome::NotSatisfied, 1)).await.unwrap().into_inner();
    assert_eq!((asked.state(), asked.closed_on), (ConcernState::InProgress, None));
    assert_eq!((asked.follow_up_outcome(), asked.score), (FollowUpOutcome::NotSatisfied, 1));
}

#[tokio::test]
async fn the_same_request_sent_fifty_times_at_once_makes_one_concern() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let clerk = clerk(&stage, &running);
    let request =
        CreateConcernRequest { request_id: Uuid::now_v7().to_string(), ..report(concern(GAOCHONG), GAOCHONG) };
    let sent: Vec<_> = (0..50)
        .map(|_| {
            let (mut clerk, request) = (clerk.clone(), request.clone());
            tokio::spawn(async move { clerk.create_concern(request).await.unwrap().into_inner() })
        })
        .collect();
    let mut answers = Vec::new();
    for one in sent {
        answers.push(one.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    rows(&running, "select count(*) from concern", 1).await;
    rows(&running, "select count(*) from change_log", 1).await;
    let other =
        CreateConcernRequest { concern: Some(Concern { text: "另一件".into(), ..concern(GAOCHONG) }), ..request };
    assert_eq!(reason(&clerk.clone().create_concern(other).await.unwrap_err()), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_phones_own_id_is_kept_and_cannot_be_taken_twice() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let id = Uuid::now_v7().to_string();
    let request = CreateConcernRequest { concern_id: id.clone(), ..report(concern(GAOCHONG), GAOCHONG) };
    let taken = clerk.create_concern(request.clone()).await.unwrap().into_inner();
    assert_eq!(taken.name, format!("villages/{GAOCHONG}/concerns/{id}"));
    assert_eq!(clerk.create_concern(request.clone()).await.unwrap_err().code(), Code::AlreadyExists);
    let numbered = Concern { reference: taken.reference.clone(), ..concern(GAOCHONG) };
    assert_eq!(clerk.create_concern(report(numbered, GAOCHONG)).await.unwrap_err().code(), Code::AlreadyExists);
    rows(&running, "select count(*) from move", 1).await;
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    let update = |etag: &str, text: &str| UpdateConcernRequest {
        concern: Some(Concern {
            name: taken.name.clone(),
            etag: etag.into(),
            text: text.into(),
            matter: Matter::Environment.into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["text".into()] }),
        request_id: String::new(),
    };
    let updated = clerk.update_concern(update("1", "改一次")).await.unwrap().into_inner();
    assert_eq!(
        (updated.text.as_str(), updated.matter(), updated.etag.as_str()),
        ("改一次", Matter::OutreachEducation, "2")
    );
    assert_eq!(clerk.update_concern(update("1", "再改")).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(get(&mut clerk, &taken.name).await.unwrap(), updated);
    rows(&running, "select count(*) from change_log", 2).await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let wrong = Concern {
        household: format!("villages/{NEIGHBOUR}/households/{}", Uuid::now_v7()),
        reporter: "nobody".into(),
        ..Default::default()
    };
    let refused = clerk.create_concern(report(wrong, GAOCHONG)).await.unwrap_err();
    let fields: Vec<String> =
        refused.get_details_bad_request().unwrap().field_violations.into_iter().map(|one| one.field).collect();
    assert_eq!(fields, ["concern.matter", "concern.text", "concern.household", "concern.reporter"]);
}

#[tokio::test]
async fn a_list_shows_the_latest_report_first_in_pages_and_by_what_is_asked() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    for (day, matter) in
        [(3, Matter::Environment), (1, Matter::Environment), (2, Matter::BusinessAffairs), (3, Matter::Environment)]
    {
        let reported_on = Some(proto::google::r#type::Date { year: 2023, month: 5, day });
        let told = Concern { reported_on, matter: matter.into(), ..concern(GAOCHONG) };
        clerk.create_concern(report(told, GAOCHONG)).await.unwrap();
    }
    let ask = |filter| ListConcernsRequest {
        parent: format!("villages/{GAOCHONG}"),
        page_size: 3,
        filter,
        ..Default::default()
    };
    let first = clerk.list_concerns(ask(None)).await.unwrap().into_inner();
    let days: Vec<_> = first.concerns.iter().map(|one| one.reported_on.unwrap().day).collect();
    assert_eq!(days, [3, 3, 2]);
    let rest = ListConcernsRequest { page_token: first.next_page_token, ..ask(None) };
    let second = clerk.list_concerns(rest).await.unwrap().into_inner();
    assert_eq!((second.concerns.len(), second.next_page_token.as_str()), (1, ""));

    let mut count =
        async |filter: ConcernFilter| clerk.list_concerns(ask(Some(filter))).await.unwrap().into_inner().concerns.len();
    assert_eq!(count(ConcernFilter { matter: Matter::BusinessAffairs.into(), ..Default::default() }).await, 1);
    assert_eq!(count(ConcernFilter { state: ConcernState::Closed.into(), ..Default::default() }).await, 0);
    assert_eq!(count(ConcernFilter { household: concern(GAOCHONG).household, ..Default::default() }).await, 3);
    let reference = first.concerns[0].reference.clone();
    assert_eq!(count(ConcernFilter { reference, ..Default::default() }).await, 1);
}

#[tokio::test]
async fn nothing_of_one_village_is_seen_or_changed_with_anothers_token() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut here = clerk(&stage, &running);
    let mut there = client(&running, &stage.caller(Office::Clerk, NEIGHBOUR, &[]));
    let id = Uuid::now_v7().to_string();
    let request = CreateConcernRequest { concern_id: id.clone(), ..report(concern(GAOCHONG), GAOCHONG) };
    let ours = here.create_concern(request).await.unwrap().into_inner();
    // The same id and number in the other village are another concern.
    let told = Concern { reference: ours.reference.clone(), ..concern(NEIGHBOUR) };
    let request = CreateConcernRequest { concern_id: id, ..report(told, NEIGHBOUR) };
    let theirs = there.create_concern(request).await.unwrap().into_inner();
    assert_ne!(ours.name, theirs.name);

    let denied = Code::PermissionDenied;
    assert_eq!(get(&mut there, &ours.name).await.unwrap_err().code(), denied);
    let accept = AcceptConcernRequest { name: ours.name.clone(), ..Default::default() };
    assert_eq!(there.accept_concern(accept).await.unwrap_err().code(), denied);
    let list = ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(there.list_concerns(list.clone()).await.unwrap_err().code(), denied);
    assert_eq!(here.list_concerns(list).await.unwrap().into_inner().concerns, std::slice::from_ref(&ours));
    assert_eq!(get(&mut here, &ours.name).await.unwrap(), ours);
}
