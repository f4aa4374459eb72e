//! Who should serve whom, proposed and accepted, through the real clients.

use platform::Office;
use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, HouseholdState, LineKind};
use tonic::Code;
use uuid::Uuid;

use crate::stand::{Desk, GAOCHONG, NEIGHBOUR, Stand, grid_news, household_name, household_news, refused, team_name};

/// Grids 001 and 002 of one area with a representative and five households each; 003 beside them has six households and
/// nobody, 101 is another area's with a representative.
async fn village(stand: &Stand) -> (Desk, Vec<String>) {
    let mut clerk = stand.clerk();
    let grids = ["001", "002", "003", "101"].map(|code| {
        let mut news = grid_news(GAOCHONG, code, LineKind::Relocated);
        news.area = format!("villages/{GAOCHONG}/areas/P{}1", &code[..1]);
        news
    });
    stand.registry.tells(&grids).await;
    let mut households = Vec::new();
    for (grid, count) in [("001", 5), ("002", 5), ("003", 6)] {
        for number in 1..=count {
            let mut news = household_news(GAOCHONG, &format!("{grid}{number:02}"), grid, HouseholdKind::Original);
            let group = if grid == "001" || number <= 2 { "01" } else { "02" };
            news.villager_group = format!("villages/{GAOCHONG}/villagerGroups/{group}");
            households.push(news);
        }
    }
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 4, 16).await;
    let mut members = Vec::new();
    for (grid, name) in [("001", "熊静贵"), ("002", "常兰辉"), ("101", "赖家坤")] {
        let member = clerk.enter(GAOCHONG, name, pb::Office::Representative).await;
        clerk.seat(&team_name(GAOCHONG, grid), pb::Seat::Representative, &member).await.unwrap();
        members.push(member);
    }
    (clerk, members)
}

fn all() -> pb::ProposeLinksRequest {
    pb::ProposeLinksRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() }
}

async fn accept(desk: &mut Desk, proposals: &[pb::LinkProposal]) -> Vec<pb::BatchLinkHouseholdsResult> {
    let request = pb::BatchLinkHouseholdsRequest {
        parent: format!("villages/{GAOCHONG}"),
        requests: proposals.iter().map(|proposal| proposal.acceptance.clone().unwrap()).collect(),
        request_id: String::new(),
    };
    desk.links.batch_link_households(request).await.unwrap().into_inner().results
}

#[tokio::test]
async fn a_proposal_is_explained_accepted_and_closes_the_gaps() {
    let stand = Stand::new().await;
    let (mut clerk, members) = village(&stand).await;
    let proposed = clerk.links.propose_links(all()).await.unwrap().into_inner();
    assert_eq!((proposed.proposals.len(), proposed.unplaced.len(), proposed.loads.len()), (6, 0, 3));
    let to = |proposal: &pb::LinkProposal| proposal.acceptance.as_ref().unwrap().representative.clone();
    // The two of group 01 go to the one who knows that group; nobody is overloaded.
    for proposal in &proposed.proposals[..2] {
        assert_eq!((to(proposal), proposal.score.unwrap().familiar), (members[0].clone(), 40), "{proposal:?}");
        assert!(proposal.explanation.contains("就熟：同一村民小组"), "{}", proposal.explanation);
    }
    assert!(proposed.loads.iter().all(|load| load.after <= 15));
    assert_eq!(proposed.loads.iter().map(|load| load.after - load.before).sum::<i32>(), 6);
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 10, "nothing was changed");

    let made = accept(&mut clerk, &proposed.proposals[..4]).await;
    assert!(made.iter().all(|one| one.outcome() == pb::LinkOutcome::Linked));
    let link = made[0].link.as_ref().unwrap();
    assert_eq!((link.origin(), &link.reason), (pb::LinkOrigin::Chosen, &proposed.proposals[0].explanation));
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 14);
    let again = accept(&mut clerk, &proposed.proposals).await;
    let outcomes: Vec<pb::LinkOutcome> = again.iter().map(pb::BatchLinkHouseholdsResult::outcome).collect();
    let (had, new) = (pb::LinkOutcome::AlreadyLinked, pb::LinkOutcome::Linked);
    assert_eq!(outcomes, [had, had, had, had, new, new]);
    assert!(clerk.links.propose_links(all()).await.unwrap().into_inner().proposals.is_empty());
}

#[tokio::test]
async fn whoever_was_linked_meanwhile_is_answered_so_and_does_not_stop_the_others() {
    let stand = Stand::new().await;
    let (mut clerk, members) = village(&stand).await;
    let proposals = clerk.links.propose_links(all()).await.unwrap().into_inner().proposals;
    let first = proposals[0].acceptance.clone().unwrap();
    let other = members.iter().find(|member| **member != first.representative).unwrap();
    let meanwhile = pb::LinkHouseholdRequest { representative: other.clone(), reason: "就熟".into(), ..first };
    clerk.links.link_household(meanwhile).await.unwrap();
    let mut away = household_news(GAOCHONG, &proposals[1].household_number, "003", HouseholdKind::Original);
    (away.revision, away.state) = (2, HouseholdState::Away.into());
    stand.registry.tells(&[away]).await;
    stand.counts("select count(*) from household where state = 'away'", 1).await;

    let mut asked = proposals.clone();
    asked.push(proposals[2].clone());
    let made = accept(&mut clerk, &asked).await;
    let outcomes: Vec<pb::LinkOutcome> = made.iter().map(pb::BatchLinkHouseholdsResult::outcome).collect();
    let (linked, refused) = (pb::LinkOutcome::Linked, pb::LinkOutcome::Refused);
    assert_eq!(outcomes[..3], [pb::LinkOutcome::ChangedMeanwhile, refused, linked]);
    assert_eq!((outcomes[6], made[6].reason.as_str()), (refused, reasons::INVALID_FIELDS), "twice in one batch");
    assert_eq!((made[0].reason.as_str(), made[1].reason.as_str()), (reasons::STALE_ETAG, reasons::ILLEGAL_MOVE));
    let twice = "select count(*) from link one join link other using (village, household)
                  where one.id < other.id and daterange(one.valid_from, one.valid_to) && daterange(other.valid_from, other.valid_to)";
    assert_eq!(stand.count(twice).await, 0);
}

#[tokio::test]
async fn households_that_are_linked_are_proposed_anew_when_they_are_named() {
    let stand = Stand::new().await;
    let (mut clerk, members) = village(&stand).await;
    let household = household_name(GAOCHONG, "00101");
    stand.days(3);
    let request = pb::ProposeLinksRequest {
        households: vec![household.clone()],
        representatives: vec![members[1].clone()],
        ..all()
    };
    let proposed = clerk.links.propose_links(request).await.unwrap().into_inner();
    assert_eq!(proposed.proposals[0].acceptance.as_ref().unwrap().etag, "1");
    let made = accept(&mut clerk, &proposed.proposals).await;
    assert_eq!(made[0].outcome(), pb::LinkOutcome::Linked);
    let links = clerk.history(&household).await;
    assert_eq!((links.len(), links[0].end_date), (2, links[1].start_date), "no day without, no day with two");

    let full = pb::ProposeLinksRequest { most_households: 5, representatives: vec![members[0].clone()], ..all() };
    let answer = clerk.links.propose_links(full).await.unwrap().into_inner();
    assert_eq!((answer.proposals.len(), answer.unplaced.len()), (1, 5));
    assert_eq!(answer.unplaced[0].explanation, "代表联系的户数都已到上限");
    let unknown = pb::ProposeLinksRequest { households: vec![household_name(GAOCHONG, "9")], ..all() };
    refused(clerk.links.propose_links(unknown).await, Code::FailedPrecondition, reasons::UNKNOWN_HOUSEHOLD);
    let bounds = pb::ProposeLinksRequest { least_households: 9, most_households: 5, ..all() };
    refused(clerk.links.propose_links(bounds).await, Code::InvalidArgument, reasons::INVALID_FIELDS);
    let theirs = pb::ProposeLinksRequest { parent: format!("villages/{NEIGHBOUR}"), ..all() };
    assert_eq!(clerk.links.propose_links(theirs).await.unwrap_err().code(), Code::PermissionDenied);
    let mut cadre = stand.desk(Office::Cadre, GAOCHONG, &["001"]);
    assert!(
        cadre.links.propose_links(all()).await.unwrap().into_inner().proposals.is_empty(),
        "grids of their own only"
    );
    let none = pb::BatchLinkHouseholdsRequest {
        parent: format!("villages/{GAOCHONG}"),
        request_id: Uuid::from_u128(5).to_string(),
        ..Default::default()
    };
    assert!(clerk.links.batch_link_households(none).await.unwrap().into_inner().results.is_empty());
}
