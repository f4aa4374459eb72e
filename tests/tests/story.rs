//! The whole story, from the workbook to the figures and on to what a representative notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use harness::wait_for;
use platform::Office;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::{
    AcceptConcernRequest, AssignConcernRequest, Concern, ConcernState, CreateConcernRequest, FollowUpConcernRequest,
    FollowUpOutcome, ListMovesRequest, Matter, MoveKind, OwnerKind, ResolveConcernRequest, StartConcernRequest,
};
use proto::liaison::v1::GetTeamRequest;
use proto::liaison::v1::team_service_client::TeamServiceClient;
use proto::reporting::v1::FigureSet;
use tests::collector::Collector;
use tests::{GAOCHONG, World, YUANJIA};

/// What the account of 高冲村 reports.
fn is_as_the_account_says(set: &FigureSet) {
    assert_eq!((set.grids, set.representatives), (75, 75));
    assert_eq!((set.teams, set.teams_complete), (75, 75));
    assert_eq!((set.households, set.households_linked), (1186, 1186));
    assert!((set.coverage - 1.0).abs() < f64::EPSILON);
    assert_eq!(set.merchants, 183);
    assert_eq!(set.person_visits, 912);
    assert_eq!((set.concerns_reported, set.concerns_resolved), (45, 15));
    let by_matter =
        |matter: Matter| set.concerns_by_matter.iter().find(|count| count.matter() == matter).unwrap().count;
    assert_eq!(
        (
            by_matter(Matter::ResidentAffairs),
            by_matter(Matter::BusinessAffairs),
            by_matter(Matter::Environment),
            by_matter(Matter::OutreachEducation),
        ),
        (17, 8, 14, 6)
    );
    assert_eq!(set.concerns_by_state.iter().map(|count| count.count).sum::<i32>(), 45);
}

#[tokio::test(flavor = "multi_thread")]
async fn children_have_nowhere_to_play_until_the_household_says_they_have() {
    let (collector, address) = Collector::start().await;
    let world = World::start_with(Some(format!("http://{address}"))).await;
    world.onboard(YUANJIA, "原佳村", None).await;
    let done = world.onboard_gaochong().await;
    assert_eq!(done.refused, 0);

    let before = world.figures(&[&done]).await;
    let of_gaochong = before.villages.iter().find(|set| set.place.ends_with(GAOCHONG)).unwrap();
    is_as_the_account_says(of_gaochong);
    is_as_the_account_says(before.total.as_ref().unwrap());

    // 戴华良, representative of grid 027, notices; the names of the team come from liaison.
    let representative = world.stage.caller(Office::Representative, GAOCHONG, &["027"]);
    let cadre = world.stage.caller(Office::Cadre, GAOCHONG, &[]);
    let clerk = world.stage.caller(Office::Clerk, GAOCHONG, &[]);
    let team = TeamServiceClient::new(world.line("liaison", &representative))
        .get_team(GetTeamRequest { name: format!("villages/{GAOCHONG}/teams/027") })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(team.representative.as_ref().unwrap().display_name, "戴华良");

    let mut reporter = ConcernServiceClient::new(world.line("casework", &representative));
    let concern = Concern {
        matter: Matter::OutreachEducation.into(),
        matter_type: "儿童活动场所".into(),
        text: "腾飞路重建安置小区的孩子放学后无处可去。".into(),
        grid: format!("villages/{GAOCHONG}/grids/027"),
        ..Concern::default()
    };
    let request = CreateConcernRequest {
        parent: format!("villages/{GAOCHONG}"),
        concern: Some(concern),
        request_id: uuid::Uuid::new_v4().to_string(),
        concern_id: String::new(),
    };
    let reported = reporter.create_concern(request).await.unwrap().into_inner();
    assert_eq!((reported.state(), reported.routed), (ConcernState::Reported, true));
    assert_eq!(reported.owner, team.name);

    let mut cadre = ConcernServiceClient::new(world.line("casework", &cadre));
    let accepted = cadre
        .accept_concern(AcceptConcernRequest { name: reported.name.clone(), etag: reported.etag, ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let assigned = cadre
        .assign_concern(AssignConcernRequest {
            name: accepted.name.clone(),
            etag: accepted.etag,
            owner_kind: OwnerKind::Member.into(),
            owner: team.cadre.unwrap().member,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    let started = cadre
        .start_concern(StartConcernRequest { name: assigned.name.clone(), etag: assigned.etag, ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let resolved = cadre
        .resolve_concern(ResolveConcernRequest {
            name: started.name.clone(),
            etag: started.etag,
            result: "腾出一间会议室改造成儿童之家，定期开放。".into(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(resolved.state(), ConcernState::Resolved);
    world
        .wait_for_figures(GAOCHONG, "claimed resolved, not yet confirmed", |set| {
            set.concerns_resolved == 16 && set.concerns_confirmed == 15
        })
        .await;

    let mut clerk = ConcernServiceClient::new(world.line("casework", &clerk));
    let closed = clerk
        .follow_up_concern(FollowUpConcernRequest {
            name: resolved.name.clone(),
            etag: resolved.etag,
            outcome: FollowUpOutcome::Satisfied.into(),
            score: 5,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(closed.state(), ConcernState::Closed);

    let after =
        world.wait_for_figures(GAOCHONG, "confirmed by the household", |set| set.concerns_confirmed == 16).await;
    assert_eq!((after.concerns_reported, after.concerns_resolved), (46, 16));
    let subdistrict = world.figures(&[]).await.total.unwrap();
    assert_eq!((subdistrict.concerns_reported, subdistrict.concerns_confirmed), (46, 16));

    let moves = clerk
        .list_moves(ListMovesRequest { parent: closed.name.clone(), ..Default::default() })
        .await
        .unwrap()
        .into_inner()
        .moves;
    let kinds: Vec<MoveKind> = moves.iter().map(proto::casework::v1::Move::kind).collect();
    assert_eq!(
        kinds,
        [
            MoveKind::Reported,
            MoveKind::Accepted,
            MoveKind::Assigned,
            MoveKind::Started,
            MoveKind::Resolved,
            MoveKind::FollowedUp
        ]
    );

    // One trace leads from the representative's call in casework to the reader in reporting.
    wait_for("the trace to reach reporting", || async {
        let spans = collector.spans();
        spans
            .iter()
            .filter(|span| span.service.contains("casework") && span.name.ends_with("CreateConcern"))
            .any(|call| spans.iter().any(|span| span.service.contains("reporting") && span.trace == call.trace))
    })
    .await;
}
