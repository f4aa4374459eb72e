//! Visits that a phone sends which was offline, corrections and withdrawals, through the real clients.

use platform::Office;
use prost_types::FieldMask;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::HouseholdKind;
use tonic::Code;
use uuid::Uuid;

use crate::stand::{Desk, GAOCHONG, Stand, date, household_news, reason, refused};
use crate::visits::{village, visit};

/// A visit to 00001 on a day of May under an id, edited at that hour.
fn version(id: u128, day: u32, hour: i64) -> pb::CreateVisitRequest {
    let mut request = visit("00001", &format!("2026-05-{day:02}"));
    request.visit_id = Uuid::from_u128(id).to_string();
    let edited = chrono::DateTime::from_timestamp(1_780_000_000 + 3600 * hour, 0).unwrap();
    request.visit.as_mut().unwrap().edit_time = Some(proto::time::timestamp(edited));
    request
}

async fn send(desk: &mut Desk, requests: Vec<pb::CreateVisitRequest>) -> Vec<pb::BatchCreateVisitsResult> {
    let parent = format!("villages/{GAOCHONG}");
    let request = pb::BatchCreateVisitsRequest { parent, requests, ..Default::default() };
    desk.visits.batch_create_visits(request).await.unwrap().into_inner().results
}

fn outcomes(results: &[pb::BatchCreateVisitsResult]) -> Vec<pb::VisitOutcome> {
    results.iter().map(pb::BatchCreateVisitsResult::outcome).collect()
}

#[tokio::test]
async fn each_record_of_a_batch_is_answered_by_itself() {
    use pb::VisitOutcome::{Accepted, AlreadyHad, NoLongerYours, Refused, Superseded};
    let stand = Stand::new().await;
    village(&stand).await;
    let mut phone = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let mut raised = version(1, 1, 1);
    let concern = format!("villages/{GAOCHONG}/concerns/{}", Uuid::from_u128(77));
    raised.visit.as_mut().unwrap().concerns = vec![concern.clone()];
    let mut no_mode = version(4, 4, 1);
    no_mode.visit.as_mut().unwrap().mode = 0;
    let mut newer = version(2, 2, 3);
    newer.visit.as_mut().unwrap().persons = 5;
    let first = send(
        &mut phone,
        vec![
            raised.clone(),
            version(2, 2, 2),
            version(3, 30, 1),
            no_mode,
            visit("00002", "2026-05-20"),
            visit("00001", "2026-06-02"),
            version(2, 2, 2),
            newer.clone(),
            version(2, 2, 2),
        ],
    )
    .await;
    let expected = [Accepted, Accepted, Accepted, Refused, NoLongerYours, Refused, AlreadyHad, Accepted, Superseded];
    assert_eq!(outcomes(&first), expected);
    assert_eq!(first[0].visit.as_ref().unwrap().concerns, [concern]);
    assert_eq!(first[3].reason, reasons::INVALID_FIELDS);
    assert_eq!(first[3].field_violations[0].field, "requests[3].visit.mode");
    assert_eq!(first[5].reason, reasons::IN_THE_FUTURE);
    assert_eq!(first[8].visit.as_ref().unwrap().persons, 5);

    // The answer was lost, and the phone sends everything again.
    let again = send(&mut phone, vec![raised, version(2, 2, 2), version(3, 30, 1), newer]).await;
    assert_eq!(outcomes(&again), [AlreadyHad, Superseded, AlreadyHad, AlreadyHad]);
    assert_eq!(stand.count("select count(*) from visit").await, 3);
    let unlike = "select count(*) from visit where revision is distinct from
                    (select max(revision) from change_log where record like '%/' || visit.id)";
    assert_eq!(stand.count(unlike).await, 0, "every revision is told");
}

#[tokio::test]
async fn a_household_that_moved_away_meanwhile_is_no_longer_theirs_and_the_office_can_still_log_it() {
    let stand = Stand::new().await;
    let (mut clerk, member) = village(&stand).await;
    let mut phone = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let mut moved = household_news(GAOCHONG, "00001", "002", HouseholdKind::Original);
    moved.revision = 2;
    stand.registry.tells(&[moved]).await;
    stand.counts("select count(*) from household where grid = '002'", 2).await;
    let late = send(&mut phone, vec![version(1, 20, 1)]).await;
    assert_eq!((late[0].outcome(), late[0].visit.is_none()), (pb::VisitOutcome::NoLongerYours, true));
    let logged = clerk.visits.create_visit(version(1, 20, 1)).await.unwrap().into_inner();
    assert_eq!(logged.representative, member, "who served on that day");
}

#[tokio::test]
async fn an_id_is_nobody_elses_and_a_repeated_batch_finds_what_it_logged() {
    let stand = Stand::new().await;
    village(&stand).await;
    let mut phone = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let mut other = stand.desk(Office::Leader, GAOCHONG, &["001"]);
    send(&mut phone, vec![version(1, 1, 1)]).await;
    let taken = send(&mut other, vec![version(1, 2, 5)]).await;
    assert_eq!((taken[0].outcome(), taken[0].reason.as_str()), (pb::VisitOutcome::Refused, reasons::ALREADY_EXISTS));

    let batch = pb::BatchCreateVisitsRequest {
        parent: format!("villages/{GAOCHONG}"),
        requests: ["2026-05-01", "2026-05-02", "2026-07-01"].iter().map(|day| visit("00001", day)).collect(),
        request_id: Uuid::from_u128(3).to_string(),
    };
    let logged = phone.visits.batch_create_visits(batch.clone()).await.unwrap().into_inner();
    let again = phone.visits.batch_create_visits(batch.clone()).await.unwrap().into_inner();
    assert_eq!((logged.visits.len(), &logged.visits), (2, &again.visits));
    let another = pb::BatchCreateVisitsRequest { requests: vec![visit("00001", "2026-05-09")], ..batch };
    refused(phone.visits.batch_create_visits(another).await, Code::InvalidArgument, reasons::REQUEST_ID_REUSED);
}

#[tokio::test]
async fn a_phone_that_repeats_itself_before_it_is_answered_logs_each_visit_once() {
    let stand = Stand::new().await;
    village(&stand).await;
    let sends = (0..6).map(|_| {
        let mut phone = stand.desk(Office::Representative, GAOCHONG, &["001"]);
        tokio::spawn(async move { send(&mut phone, (1..=5).map(|day| version(day.into(), day, 1)).collect()).await })
    });
    let mut accepted = 0;
    for sent in sends.collect::<Vec<_>>() {
        accepted += sent.await.unwrap().iter().filter(|one| one.outcome() == pb::VisitOutcome::Accepted).count();
    }
    assert_eq!((accepted, stand.count("select count(*) from visit").await), (5, 5));
}

#[tokio::test]
async fn a_visit_is_corrected_by_its_author_and_the_office_under_the_rules_of_its_day() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    let mut phone = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let mut other = stand.desk(Office::Leader, GAOCHONG, &["001"]);
    let logged = phone.visits.create_visit(version(1, 20, 1)).await.unwrap().into_inner();
    let correct = |paths: &[&str], change: &dyn Fn(&mut pb::Visit)| {
        let mut visit = pb::Visit { name: logged.name.clone(), ..Default::default() };
        change(&mut visit);
        let paths = paths.iter().map(ToString::to_string).collect();
        pb::UpdateVisitRequest { visit: Some(visit), update_mask: Some(FieldMask { paths }), ..Default::default() }
    };
    let more = correct(&["persons", "note"], &|visit| (visit.persons, visit.note) = (4, "另有两位亲属".into()));
    let corrected = phone.visits.update_visit(more.clone()).await.unwrap().into_inner();
    assert_eq!((corrected.persons, corrected.etag.as_str(), corrected.visited_on), (4, "2", logged.visited_on));
    assert_eq!(other.visits.update_visit(more.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let stale = correct(&["persons"], &|visit| (visit.persons, visit.etag) = (9, "1".into()));
    refused(clerk.visits.update_visit(stale).await, Code::Aborted, reasons::STALE_ETAG);
    let future = correct(&["visited_on"], &|visit| visit.visited_on = date("2026-06-09"));
    refused(clerk.visits.update_visit(future).await, Code::FailedPrecondition, reasons::IN_THE_FUTURE);
    let earlier = correct(&["visited_on"], &|visit| visit.visited_on = date("2026-05-19"));
    assert_eq!(clerk.visits.update_visit(earlier).await.unwrap().into_inner().visited_on, date("2026-05-19"));
    let empty = correct(&["mode"], &|_| ());
    refused(clerk.visits.update_visit(empty).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let mut neighbour = stand.desk(Office::Representative, GAOCHONG, &["002"]);
    refused(neighbour.visits.update_visit(more).await, Code::NotFound, reasons::NOT_FOUND);
}

#[tokio::test]
async fn a_withdrawn_visit_is_listed_no_more_told_as_withdrawn_and_not_sent_back_in() {
    let stand = Stand::new().await;
    let (mut clerk, _) = village(&stand).await;
    let mut phone = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let logged = phone.visits.create_visit(version(1, 20, 1)).await.unwrap().into_inner();
    let request = pb::WithdrawVisitRequest {
        name: logged.name.clone(),
        reason: "记错了户".into(),
        request_id: Uuid::from_u128(6).to_string(),
        etag: "1".into(),
    };
    let unexplained = pb::WithdrawVisitRequest { reason: " ".into(), ..request.clone() };
    refused(phone.visits.withdraw_visit(unexplained).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let withdrawn = phone.visits.withdraw_visit(request.clone()).await.unwrap().into_inner();
    assert_eq!((withdrawn.state(), withdrawn.withdrawal_reason.as_str()), (pb::VisitState::Withdrawn, "记错了户"));
    assert_eq!(phone.visits.withdraw_visit(request.clone()).await.unwrap().into_inner(), withdrawn);
    let twice = pb::WithdrawVisitRequest { request_id: String::new(), etag: String::new(), ..request };
    assert_eq!(reason(&clerk.visits.withdraw_visit(twice).await.unwrap_err()), reasons::ILLEGAL_MOVE);

    let mut listed = async |show_withdrawn: bool| {
        let filter = Some(pb::VisitFilter { show_withdrawn, ..Default::default() });
        let request = pb::ListVisitsRequest { parent: format!("villages/{GAOCHONG}"), filter, ..Default::default() };
        clerk.visits.list_visits(request).await.unwrap().into_inner().visits.len()
    };
    assert_eq!((listed(false).await, listed(true).await), (0, 1));
    let again = send(&mut phone, vec![version(1, 20, 9)]).await;
    assert_eq!(again[0].outcome(), pb::VisitOutcome::Superseded);
    let told = stand.count("select max(revision) from change_log where noun = 'visit'").await;
    assert_eq!(told, 2);
}
