//! The entrance through the real client: from nomination to appointment, and how a term ends.

use platform::Office;
use prost_types::FieldMask;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{
    Desk, GAOCHONG, NEIGHBOUR, Stand, date, grid_news, household_name, household_news, refused, team_name, text,
};

pub(crate) async fn village(stand: &Stand) -> Desk {
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    stand.registry.tells(&[household_news(GAOCHONG, "00001", "001", HouseholdKind::Original)]).await;
    stand.knows(GAOCHONG, 1, 1).await;
    stand.clerk()
}

pub(crate) fn nomination(name: &str) -> pb::NominateMemberRequest {
    pb::NominateMemberRequest {
        parent: format!("villages/{GAOCHONG}"),
        display_name: name.into(),
        telephone: "190 0004 0001".into(),
        source: pb::RepresentativeSource::PartyMember.into(),
        grid: format!("villages/{GAOCHONG}/grids/001"),
        grounds: vec![pb::NominationGround::Near.into(), pb::NominationGround::Familiar.into()],
        ..Default::default()
    }
}

pub(crate) fn votes(favour: i32, against: i32) -> Option<pb::EndorsementVotes> {
    Some(pb::EndorsementVotes { due: 20, present: favour + against, favour, against, abstaining: 0 })
}

/// Somebody whose public notice was posted today.
async fn noticed(clerk: &mut Desk, name: &str) -> String {
    let name = clerk.members.nominate_member(nomination(name)).await.unwrap().into_inner().name;
    post_notice(clerk, &name).await;
    name
}

/// Takes the steps from the nomination to the public notice, all of them today.
pub(crate) async fn post_notice(clerk: &mut Desk, name: &str) {
    let name = name.to_owned();
    let check = pb::CheckEligibilityRequest { name: name.clone(), of_age: true, ..Default::default() };
    clerk.members.check_eligibility(check).await.unwrap();
    let vote = pb::RecordEndorsementRequest { name: name.clone(), votes: votes(12, 3), ..Default::default() };
    clerk.members.record_endorsement(vote).await.unwrap();
    clerk.members.post_notice(pb::PostNoticeRequest { name, ..Default::default() }).await.unwrap();
}

pub(crate) fn appoint(name: &str, term_end: &str) -> pb::AppointMemberRequest {
    pb::AppointMemberRequest { name: name.into(), term_end: date(term_end), ..Default::default() }
}

pub(crate) async fn steps(desk: &mut Desk, member: &str) -> Vec<pb::MemberStep> {
    let request = pb::ListMemberStepsRequest { parent: member.into(), ..Default::default() };
    desk.members.list_member_steps(request).await.unwrap().into_inner().steps
}

#[tokio::test]
async fn somebody_comes_to_serve_step_by_step_and_every_step_is_kept() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let request = pb::NominateMemberRequest { request_id: Uuid::from_u128(3).to_string(), ..nomination("熊静贵") };
    let nominated = clerk.members.nominate_member(request.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.members.nominate_member(request).await.unwrap().into_inner(), nominated);
    assert_eq!((nominated.state(), nominated.telephone.as_str()), (pb::MemberState::Nominated, "190****0001"));
    assert!(nominated.term_start.is_none() && nominated.grounds.len() == 2);
    let name = nominated.name;
    let precondition = Code::FailedPrecondition;
    let early = clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &name).await;
    refused(early, precondition, reasons::NOT_SERVING);
    let status = clerk.members.appoint_member(appoint(&name, "2029-06-01")).await.unwrap_err();
    assert!(status.message().contains("CheckEligibility, DeclineMember"), "{status}");

    let check = pb::CheckEligibilityRequest { name: name.clone(), ..Default::default() };
    refused(clerk.members.check_eligibility(check.clone()).await, precondition, reasons::NOT_ELIGIBLE);
    let check = pb::CheckEligibilityRequest { of_age: true, etag: "1".into(), ..check };
    clerk.members.check_eligibility(check.clone()).await.unwrap();
    refused(clerk.members.check_eligibility(check).await, Code::Aborted, reasons::STALE_ETAG);
    let vote = |votes| pb::RecordEndorsementRequest { name: name.clone(), votes, ..Default::default() };
    let wrong = Some(pb::EndorsementVotes { due: 20, present: 15, favour: 9, against: 3, abstaining: 0 });
    refused(clerk.members.record_endorsement(vote(wrong)).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let lost = clerk.members.record_endorsement(vote(votes(6, 9))).await.unwrap().into_inner();
    assert_eq!(lost.state(), pb::MemberState::Eligible);
    clerk.members.record_endorsement(vote(votes(12, 3))).await.unwrap();
    let notice =
        pb::PostNoticeRequest { name: name.clone(), days: 5, note: "村务公开栏".into(), ..Default::default() };
    let noticed = clerk.members.post_notice(notice).await.unwrap().into_inner();
    assert_eq!(text(noticed.notice_until), "2026-06-06");
    stand.days(4);
    refused(clerk.members.appoint_member(appoint(&name, "2029-06-01")).await, precondition, reasons::NOTICE_RUNNING);
    let dismissed = pb::RecordObjectionRequest { name: name.clone(), ..Default::default() };
    clerk.members.record_objection(dismissed).await.unwrap();
    stand.days(1);
    let appointed = clerk.members.appoint_member(appoint(&name, "2029-06-06")).await.unwrap().into_inner();
    assert_eq!(
        (appointed.state(), text(appointed.term_start), text(appointed.term_end)),
        (pb::MemberState::Appointed, "2026-06-06".into(), "2029-06-06".into())
    );
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &name).await.unwrap();
    let grade = pb::EvaluationGrade::Excellent.into();
    clerk
        .members
        .evaluate_member(pb::EvaluateMemberRequest { name: name.clone(), grade, ..Default::default() })
        .await
        .unwrap();

    let taken = steps(&mut clerk, &name).await;
    let kinds: Vec<_> = taken.iter().map(pb::MemberStep::kind).collect();
    use pb::MemberStepKind as Kind;
    let expected = [
        Kind::Nominated,
        Kind::EligibilityChecked,
        Kind::EndorsementRecorded,
        Kind::EndorsementRecorded,
        Kind::NoticePosted,
        Kind::ObjectionRecorded,
        Kind::Appointed,
        Kind::Evaluated,
    ];
    assert_eq!(kinds, expected);
    assert_eq!((taken[2].carried, taken[3].carried, taken[3].votes.unwrap().favour), (false, true, 12));
    assert_eq!(
        (taken[4].note.as_str(), taken[4].office.as_str(), text(taken[6].date)),
        ("村务公开栏", "clerk", "2026-06-06".into())
    );

    // Before the appointment the name is in no news, and no remark ever is.
    let named = "select count(*) from change_log where noun = 'member'
                    and position(convert_to('熊静贵', 'UTF8') in event) > 0";
    assert_eq!(stand.count(named).await, 2, "the appointment and the evaluation");
    assert_eq!(
        stand.count("select count(*) from change_log where position(convert_to('公开栏', 'UTF8') in event) > 0").await,
        0
    );
    let mut worker = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    let request = pb::ListMemberStepsRequest { parent: name, ..Default::default() };
    assert_eq!(worker.members.list_member_steps(request).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_upheld_objection_a_second_office_and_a_withdrawal_end_the_entrance() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let precondition = Code::FailedPrecondition;
    let upheld = noticed(&mut clerk, "熊静贵").await;
    let objection = pb::RecordObjectionRequest { name: upheld.clone(), upheld: true, ..Default::default() };
    clerk.members.record_objection(objection).await.unwrap();
    stand.days(7);
    refused(clerk.members.appoint_member(appoint(&upheld, "2029-06-01")).await, precondition, reasons::ILLEGAL_MOVE);

    clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    let twice = clerk.members.nominate_member(nomination("常兰辉")).await.unwrap().into_inner().name;
    let check = pb::CheckEligibilityRequest { name: twice.clone(), of_age: true, ..Default::default() };
    refused(clerk.members.check_eligibility(check).await, precondition, reasons::NOT_ELIGIBLE);
    let decline = pb::DeclineMemberRequest { name: twice.clone(), note: "本人放弃".into(), ..Default::default() };
    let unexplained = pb::DeclineMemberRequest { note: String::new(), ..decline.clone() };
    refused(clerk.members.decline_member(unexplained).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    assert_eq!(
        clerk.members.decline_member(decline.clone()).await.unwrap().into_inner().state(),
        pb::MemberState::Declined
    );
    refused(clerk.members.decline_member(decline).await, precondition, reasons::ILLEGAL_MOVE);

    // Lists show those who have been appointed, and others when they are asked for.
    let list = |states: Vec<i32>| pb::ListMembersRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::MemberFilter { states, ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(clerk.members.list_members(list(vec![])).await.unwrap().into_inner().members.len(), 1);
    let declined = list(vec![pb::MemberState::Declined.into()]);
    assert_eq!(clerk.members.list_members(declined).await.unwrap().into_inner().members.len(), 2);
    let unknown =
        pb::NominateMemberRequest { grid: format!("villages/{GAOCHONG}/grids/009"), ..nomination("赖家坤") };
    refused(clerk.members.nominate_member(unknown).await, precondition, reasons::UNKNOWN_GRID);
    let groundless = pb::NominateMemberRequest { grounds: vec![], ..nomination("赖家坤") };
    refused(clerk.members.nominate_member(groundless).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
}

#[tokio::test]
async fn a_term_that_runs_out_ends_by_itself_and_leaves_gaps_that_are_seen() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let name = noticed(&mut clerk, "熊静贵").await;
    stand.days(7);
    clerk.members.appoint_member(appoint(&name, "2026-07-01")).await.unwrap();
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &name).await.unwrap();
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 1);
    stand.days(25);
    stand.counts("select count(*) from member where state = 'ended'", 1).await;
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links.len(), text(links[0].end_date)), (1, "2026-07-01".into()));
    let gaps = pb::ListGapsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::GapFilter { kind: pb::GapKind::VacantSeat.into(), ..Default::default() }),
        ..Default::default()
    };
    let gaps = clerk.coverage.list_gaps(gaps).await.unwrap().into_inner().gaps;
    let seat = gaps.iter().find(|gap| gap.seat() == pb::Seat::Representative).unwrap();
    assert_eq!((seat.term_ended, text(seat.since), seat.days), (true, "2026-07-01".into(), 2));
    let last = steps(&mut clerk, &name).await.pop().unwrap();
    assert_eq!((last.kind(), last.subject.as_str()), (pb::MemberStepKind::TermEnded, "service:liaison"));
}

#[tokio::test]
async fn somebody_is_recalled_with_a_reason_and_a_successor() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let one = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    let two = clerk.enter(GAOCHONG, "赖家坤", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &one).await.unwrap();
    let recall = pb::RecallMemberRequest { name: one.clone(), note: "长期不履职".into(), ..Default::default() };
    refused(clerk.members.recall_member(recall.clone()).await, Code::FailedPrecondition, reasons::SEAT_TAKEN);
    let parts = vec![pb::HandOverPart { successor: two.clone(), ..Default::default() }];
    let recall = pb::RecallMemberRequest { parts, ..recall };
    assert_eq!(clerk.members.recall_member(recall).await.unwrap().into_inner().state(), pb::MemberState::Recalled);
    assert_eq!(clerk.history(&household_name(GAOCHONG, "00001")).await.pop().unwrap().representative, two);
    let taken: Vec<_> = steps(&mut clerk, &one).await.into_iter().map(|step| (step.kind(), step.note)).collect();
    let expected = [(pb::MemberStepKind::Entered, String::new()), (pb::MemberStepKind::Recalled, "长期不履职".into())];
    assert_eq!(taken, expected, "whoever the office enters is appointed in one step");
    let again = pb::EndTermRequest { name: one, ..Default::default() };
    refused(clerk.members.end_term(again).await, Code::FailedPrecondition, reasons::ILLEGAL_MOVE);
}

#[tokio::test]
async fn a_village_settles_how_long_its_public_notices_run() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let name = format!("villages/{GAOCHONG}/entranceRules");
    let get = pb::GetEntranceRulesRequest { name: name.clone() };
    let own = clerk.entrances.get_entrance_rules(get.clone()).await.unwrap().into_inner();
    assert_eq!((own.notice_days, own.least_notice_days, own.most_notice_days, own.etag.as_str()), (7, 5, 30, "0"));
    let before = noticed(&mut clerk, "熊静贵").await;

    let settle = |notice_days, least_notice_days, etag: &str| pb::UpdateEntranceRulesRequest {
        entrance_rules: Some(pb::EntranceRules {
            name: name.clone(),
            notice_days,
            least_notice_days,
            etag: etag.into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["notice_days".into(), "least_notice_days".into()] }),
        request_id: String::new(),
    };
    let settled = clerk.entrances.update_entrance_rules(settle(15, 10, "0")).await.unwrap().into_inner();
    assert_eq!((settled.notice_days, settled.most_notice_days, settled.etag.as_str()), (15, 30, "1"));
    refused(clerk.entrances.update_entrance_rules(settle(15, 10, "0")).await, Code::Aborted, reasons::STALE_ETAG);
    for (days, least) in [(9, 10), (31, 10), (15, 0)] {
        let answer = clerk.entrances.update_entrance_rules(settle(days, least, "")).await;
        refused(answer, Code::InvalidArgument, reasons::INVALID_FIELDS);
    }

    // What was announced stands; what is posted from now on runs as long as the village says now.
    let after = noticed(&mut clerk, "常兰辉").await;
    stand.days(7);
    clerk.members.appoint_member(appoint(&before, "2029-06-08")).await.unwrap();
    let early = clerk.members.appoint_member(appoint(&after, "2029-06-08")).await;
    refused(early, Code::FailedPrecondition, reasons::NOTICE_RUNNING);
    stand.days(8);
    clerk.members.appoint_member(appoint(&after, "2029-06-16")).await.unwrap();

    let mut worker = stand.desk(Office::Leader, GAOCHONG, &["001"]);
    assert_eq!(worker.entrances.get_entrance_rules(get).await.unwrap().into_inner().notice_days, 15);
    let denied = worker.entrances.update_entrance_rules(settle(7, 5, "")).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let theirs = pb::GetEntranceRulesRequest { name: format!("villages/{NEIGHBOUR}/entranceRules") };
    assert_eq!(clerk.entrances.get_entrance_rules(theirs).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stand.count("select count(*) from change_log where noun = 'entrance_rules'").await, 1);
}
