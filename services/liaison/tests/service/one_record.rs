//! One person, one record, whatever they serve as over the years: through the real client.

use platform::Office;
use prost_types::FieldMask;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::LineKind;
use tonic::Code;
use tonic_types::StatusExt;

use crate::entrance::{appoint, nomination, post_notice, steps, village};
use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, refused, team_name, text};

/// The nomination of somebody who has a record.
fn again(member: &str) -> pb::NominateMemberRequest {
    pb::NominateMemberRequest {
        member: member.into(),
        display_name: String::new(),
        telephone: String::new(),
        ..nomination("")
    }
}

async fn read(desk: &mut Desk, name: &str) -> pb::Member {
    desk.members.get_member(pb::GetMemberRequest { name: name.into() }).await.unwrap().into_inner()
}

/// The offices by which a member has rights, and until when.
async fn rights(desk: &mut Desk, name: &str, as_of: Option<&str>) -> (Vec<String>, String) {
    let request = pb::GetMemberRightsRequest { name: name.into(), as_of: as_of.and_then(date) };
    let rights = desk.members.get_member_rights(request).await.unwrap().into_inner();
    (rights.grants.into_iter().map(|grant| grant.office).collect(), text(rights.until))
}

#[tokio::test]
async fn who_leads_a_team_becomes_a_representative_under_the_same_record_and_leads_on_when_that_term_is_over() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "002", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 2, 1).await;
    let precondition = Code::FailedPrecondition;
    let team = team_name(GAOCHONG, "001");
    let name = clerk.enter(GAOCHONG, "吴慧龙", pb::Office::VillagerGroupLeader).await;
    clerk.seat(&team, pb::Seat::Leader, &name).await.unwrap();

    let nominated = clerk.members.nominate_member(again(&name)).await.unwrap().into_inner();
    assert_eq!((&nominated.name, nominated.state()), (&name, pb::MemberState::Appointed));
    assert_eq!(nominated.candidacy_state(), pb::MemberState::Nominated);
    assert_eq!(nominated.offices, [i32::from(pb::Office::VillagerGroupLeader)]);
    refused(clerk.members.nominate_member(again(&name)).await, precondition, reasons::ILLEGAL_MOVE);
    let early = clerk.seat(&team, pb::Seat::Representative, &name).await;
    refused(early, precondition, reasons::WRONG_OFFICE);
    post_notice(&mut clerk, &name).await;
    refused(clerk.members.appoint_member(appoint(&name, "2027-06-08")).await, precondition, reasons::NOTICE_RUNNING);
    stand.days(7);
    let appointed = clerk.members.appoint_member(appoint(&name, "2027-06-08")).await.unwrap().into_inner();
    let both = [pb::Office::VillagerGroupLeader, pb::Office::Representative].map(i32::from);
    assert_eq!((appointed.offices.as_slice(), appointed.source()), (&both[..], pb::RepresentativeSource::PartyMember));
    assert_eq!(
        (text(appointed.term_start), text(appointed.term_end), appointed.candidacy_state()),
        ("2023-02-01".into(), String::new(), pb::MemberState::Unspecified)
    );
    assert_eq!(
        (text(appointed.representing_start), text(appointed.representing_end)),
        ("2026-06-08".into(), "2027-06-08".into())
    );
    refused(clerk.members.nominate_member(again(&name)).await, precondition, reasons::NOT_ELIGIBLE);

    // Who has led since 2023 has represented since today: so have the links.
    clerk.seat(&team, pb::Seat::Representative, &name).await.unwrap();
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links.len(), text(links[0].start_date)), (1, "2026-06-08".into()));
    let second = clerk.seat(&team_name(GAOCHONG, "002"), pb::Seat::Representative, &name).await;
    refused(second, precondition, reasons::SEAT_TAKEN);
    let offices = vec!["leader".to_owned(), "representative".to_owned()];
    assert_eq!(rights(&mut clerk, &name, None).await, (offices.clone(), "2027-06-08".into()));

    stand.days(365);
    stand.counts("select count(*) from member where offices = '{villager_group_leader}'", 1).await;
    let after = read(&mut clerk, &name).await;
    assert_eq!((after.state(), after.term_end), (pb::MemberState::Appointed, None));
    assert_eq!(rights(&mut clerk, &name, None).await, (vec!["leader".into()], String::new()));
    assert_eq!(rights(&mut clerk, &name, Some("2027-06-07")).await.0, offices, "what was, was");
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links.len(), text(links[0].end_date)), (1, "2027-06-08".into()));
    let gaps = pb::ListGapsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let gaps = clerk.coverage.list_gaps(gaps).await.unwrap().into_inner().gaps;
    let seat = gaps.iter().find(|gap| gap.member == name).unwrap();
    assert_eq!((seat.seat(), seat.term_ended, seat.days), (pb::Seat::Representative, true, 0));
    let last = steps(&mut clerk, &name).await.pop().unwrap();
    assert_eq!((last.kind(), text(last.date)), (pb::MemberStepKind::TermEnded, "2027-06-08".into()));
    assert_eq!(stand.count("select count(*) from member").await, 1);
    clerk.members.nominate_member(again(&name)).await.unwrap();
}

#[tokio::test]
async fn who_served_before_or_was_declined_is_nominated_again_under_the_same_record() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let team = team_name(GAOCHONG, "001");
    let name = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team, pb::Seat::Representative, &name).await.unwrap();
    let recall = pb::RecallMemberRequest {
        name: name.clone(),
        note: "长期不履职".into(),
        parts: vec![pb::HandOverPart::default()],
        ..Default::default()
    };
    clerk.members.recall_member(recall).await.unwrap();
    stand.days(30);
    let yesterday = pb::NominateMemberRequest { date: date("2026-05-31"), ..again(&name) };
    refused(clerk.members.nominate_member(yesterday).await, Code::InvalidArgument, reasons::INVALID_FIELDS);

    let nominated = clerk.members.nominate_member(again(&name)).await.unwrap().into_inner();
    assert_eq!(
        (nominated.state(), nominated.candidacy_state()),
        (pb::MemberState::Recalled, pb::MemberState::Nominated)
    );
    let decline = pb::DeclineMemberRequest { name: name.clone(), note: "本人放弃".into(), ..Default::default() };
    let declined = clerk.members.decline_member(decline).await.unwrap().into_inner();
    assert_eq!(
        (declined.state(), declined.candidacy_state(), declined.grid.as_str()),
        (pb::MemberState::Recalled, pb::MemberState::Unspecified, "")
    );
    clerk.members.nominate_member(again(&name)).await.unwrap();
    post_notice(&mut clerk, &name).await;
    stand.days(7);
    let appointed = clerk.members.appoint_member(appoint(&name, "2029-07-08")).await.unwrap().into_inner();
    assert_eq!(
        (appointed.state(), text(appointed.term_start), text(appointed.term_end)),
        (pb::MemberState::Appointed, "2026-07-08".into(), "2029-07-08".into())
    );
    clerk.seat(&team, pb::Seat::Representative, &name).await.unwrap();
    let days: Vec<_> = clerk.history(&household_name(GAOCHONG, "00001")).await;
    let days: Vec<_> = days.into_iter().map(|link| (text(link.start_date), text(link.end_date))).collect();
    let earlier = ("2023-02-01".to_owned(), "2026-06-01".to_owned());
    assert_eq!(days, [earlier, ("2026-07-08".into(), String::new())]);
    assert_eq!(rights(&mut clerk, &name, Some("2026-05-31")).await.0, ["representative"], "of the term before");
    assert!(rights(&mut clerk, &name, Some("2026-06-15")).await.0.is_empty());
    assert_eq!(stand.count("select count(*) from member").await, 1);
}

#[tokio::test]
async fn who_lays_the_other_office_down_serves_until_the_term_as_representative_is_over() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let name = clerk.enter(GAOCHONG, "吴慧龙", pb::Office::VillagerGroupLeader).await;
    clerk.members.nominate_member(again(&name)).await.unwrap();
    post_notice(&mut clerk, &name).await;
    stand.days(7);
    clerk.members.appoint_member(appoint(&name, "2026-07-08")).await.unwrap();
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &name).await.unwrap();
    let update = pb::UpdateMemberRequest {
        member: Some(pb::Member {
            name: name.clone(),
            offices: vec![pb::Office::Representative.into()],
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["offices".into()] }),
        ..Default::default()
    };
    clerk.members.update_member(update).await.unwrap();
    stand.days(30);
    stand.counts("select count(*) from member where state = 'ended'", 1).await;
    assert_eq!(text(read(&mut clerk, &name).await.term_end), "2026-07-08");
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links.len(), text(links[0].end_date)), (1, "2026-07-08".into()));
}

#[tokio::test]
async fn a_person_gets_no_second_record() {
    let stand = Stand::new().await;
    let mut clerk = village(&stand).await;
    let first = clerk.members.nominate_member(nomination("熊静贵")).await.unwrap().into_inner().name;
    let twice = clerk.members.nominate_member(nomination("熊静贵")).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);
    assert_eq!(twice.get_details_resource_info().unwrap().resource_name, first);
    let namesake = pb::NominateMemberRequest { telephone: "19000040002".into(), ..nomination("熊静贵") };
    clerk.members.nominate_member(namesake).await.unwrap();

    // Of two who say so at once, one makes the record.
    let (mut one, mut other) = (stand.clerk(), stand.clerk());
    let (one, other) = tokio::join!(
        one.members.nominate_member(nomination("赖家坤")),
        other.members.nominate_member(nomination("赖家坤"))
    );
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|made| **made).count(), 1);

    let member = pb::Member {
        display_name: "田秀坤".into(),
        telephone: "19000040009".into(),
        offices: vec![pb::Office::Cadre.into()],
        ..Default::default()
    };
    let enter =
        pb::CreateMemberRequest { parent: format!("villages/{GAOCHONG}"), member: Some(member), ..Default::default() };
    let cadre = clerk.members.create_member(enter.clone()).await.unwrap().into_inner().name;
    assert_eq!(clerk.members.create_member(enter).await.unwrap_err().code(), Code::AlreadyExists);
    let both = pb::NominateMemberRequest { display_name: "田秀坤".into(), ..again(&cadre) };
    refused(clerk.members.nominate_member(both).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let elsewhere = again(&cadre.replace(GAOCHONG, "430112011212"));
    refused(clerk.members.nominate_member(elsewhere).await, Code::InvalidArgument, reasons::INVALID_FIELDS);

    // Whoever gave no telephone may still be the same person: that is found before anybody votes.
    let unknown = pb::NominateMemberRequest { telephone: String::new(), ..nomination("田秀坤") };
    let unknown = clerk.members.nominate_member(unknown).await.unwrap().into_inner().name;
    let check = pb::CheckEligibilityRequest { name: unknown, of_age: true, ..Default::default() };
    let status = clerk.members.check_eligibility(check).await.unwrap_err();
    assert!(status.message().contains(&cadre), "{status}");
    let mut leader = stand.desk(Office::Leader, GAOCHONG, &["001"]);
    assert_eq!(leader.members.nominate_member(again(&cadre)).await.unwrap_err().code(), Code::PermissionDenied);
}
