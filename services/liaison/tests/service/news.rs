//! What comes of the registry's news, doubled, reversed, before and after the teams.

use proto::liaison::v1 as pb;
use proto::registry::v1::{HouseholdKind, HouseholdState, LineKind, VillageChanged};

use crate::stand::{GAOCHONG, NEIGHBOUR, Stand, date, grid_news, household_name, household_news, team_name, text};

/// Everything liaison keeps of a village, but for when it was written.
const TABLES: &[&str] = &[
    "select to_jsonb(grid)::text from grid order by village, code",
    "select to_jsonb(household)::text from household order by village, id",
    "select (to_jsonb(line) - 'created_at' - 'updated_at')::text from line order by village, kind",
    "select (to_jsonb(team) - 'created_at' - 'updated_at')::text from team order by village, grid",
    "select (to_jsonb(link) - 'created_at' - 'updated_at')::text from link order by village, id",
    "select record || '@' || revision from change_log order by village, record, revision",
];

#[tokio::test]
async fn a_village_has_its_two_lines_from_the_start_and_a_grid_its_team() {
    let stand = Stand::new().await;
    let village = VillageChanged { name: format!("villages/{GAOCHONG}"), revision: 1, ..Default::default() };
    stand.registry.tells(&[village]).await;
    stand.counts("select count(*) from line", 2).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 1, 0).await;

    let mut clerk = stand.clerk();
    let request = pb::ListLinesRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let lines = clerk.lines.list_lines(request).await.unwrap().into_inner().lines;
    assert_eq!(lines[0].name, format!("villages/{GAOCHONG}/lines/relocated"));
    assert!(lines[0].household_kinds().eq([HouseholdKind::Original, HouseholdKind::Relocated]));
    assert_eq!(lines[1].display_name, "主线二");
    let request = pb::GetTeamRequest { name: team_name(GAOCHONG, "001") };
    let team = clerk.teams.get_team(request).await.unwrap().into_inner();
    assert!(!team.complete && team.etag == "1");
}

#[tokio::test]
async fn a_household_is_linked_whether_it_comes_before_the_representative_or_after() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[household_news(GAOCHONG, "00001", "001", HouseholdKind::Original)]).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 1, 1).await;
    let gaps = pb::ListGapsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let found = clerk.coverage.list_gaps(gaps.clone()).await.unwrap().into_inner().gaps;
    assert_eq!(found.len(), 4, "a household and three seats: {found:?}");
    assert_eq!((found[0].kind(), found[0].household_number.as_str()), (pb::GapKind::HouseholdWithoutLink, "00001"));

    let member = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &member).await.unwrap();
    stand.registry.tells(&[household_news(GAOCHONG, "00002", "001", HouseholdKind::Tenant)]).await;
    stand.knows(GAOCHONG, 1, 2).await;
    for (number, line) in [("00001", LineKind::Relocated), ("00002", LineKind::Rebuilt)] {
        let links = clerk.history(&household_name(GAOCHONG, number)).await;
        assert_eq!((links.len(), links[0].line()), (1, line));
        assert_eq!(
            (links[0].representative.as_str(), text(links[0].start_date).as_str()),
            (member.as_str(), "2023-02-01")
        );
    }
    assert_eq!(clerk.coverage.list_gaps(gaps).await.unwrap().into_inner().gaps.len(), 2);
}

/// Lets news come to a village whose representatives sit already, and answers what it comes to.
async fn outcome(deliveries: &[usize]) -> Vec<Vec<String>> {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let grids: Vec<_> = ["001", "002"].iter().map(|code| grid_news(GAOCHONG, code, LineKind::Relocated)).collect();
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 2, 0).await;
    for (place, name) in ["熊静贵", "常兰辉"].into_iter().enumerate() {
        let id = uuid::Uuid::from_u128(place as u128 + 1).to_string();
        let member = pb::Member {
            display_name: name.into(),
            offices: vec![pb::Office::Representative.into()],
            source: pb::RepresentativeSource::PartyMember.into(),
            term_start: date("2023-02-01"),
            ..Default::default()
        };
        let request = pb::CreateMemberRequest {
            parent: format!("villages/{GAOCHONG}"),
            member: Some(member),
            member_id: id,
            ..Default::default()
        };
        let member = clerk.members.create_member(request).await.unwrap().into_inner().name;
        clerk
            .seat(&team_name(GAOCHONG, &format!("{:03}", place + 1)), pb::Seat::Representative, &member)
            .await
            .unwrap();
    }
    let households: Vec<_> = (0..20)
        .map(|number| {
            let kind = if number % 3 == 0 { HouseholdKind::Tenant } else { HouseholdKind::Original };
            household_news(GAOCHONG, &format!("{number:05}"), if number % 2 == 0 { "001" } else { "002" }, kind)
        })
        .collect();
    for place in deliveries {
        stand.delivers(std::slice::from_ref(&households[*place])).await;
    }
    // News is read in the order of the stream: when this has come, so has all the rest.
    stand.delivers(&[grid_news(GAOCHONG, "999", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 3, 20).await;
    let mut tables = Vec::new();
    for select in TABLES {
        tables.push(stand.rows(select).await);
    }
    tables
}

#[tokio::test]
async fn news_doubled_and_reversed_comes_to_the_same_tables() {
    let forward: Vec<usize> = (0..20).collect();
    let doubled: Vec<usize> = (0..20).rev().flat_map(|place| [place, place]).collect();
    let (once, twice) = tokio::join!(outcome(&forward), outcome(&doubled));
    assert_eq!(once, twice);
}

#[tokio::test]
async fn an_older_revision_that_comes_late_changes_nothing() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Rebuilt)]).await;
    stand.knows(GAOCHONG, 1, 0).await;
    let member = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &member).await.unwrap();
    let old = household_news(GAOCHONG, "00001", "001", HouseholdKind::RebuiltArea);
    let mut new = household_news(GAOCHONG, "00001", "001", HouseholdKind::Relocated);
    (new.revision, new.outside) = (2, true);
    stand.registry.tells(&[new]).await;
    stand.knows(GAOCHONG, 1, 1).await;
    stand.registry.tells(&[old, household_news(GAOCHONG, "00002", "001", HouseholdKind::Tenant)]).await;
    stand.knows(GAOCHONG, 1, 2).await;
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links.len(), links[0].line()), (1, LineKind::Relocated));
}

#[tokio::test]
async fn a_relocated_household_moves_to_line_one_and_a_demolished_one_ends_its_link() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    stand.registry.tells(&[grid_news(GAOCHONG, "001", LineKind::Rebuilt)]).await;
    stand.registry.tells(&[household_news(GAOCHONG, "00001", "001", HouseholdKind::RebuiltArea)]).await;
    stand.knows(GAOCHONG, 1, 1).await;
    let member = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &member).await.unwrap();

    let mut moved = household_news(GAOCHONG, "00001", "001", HouseholdKind::Relocated);
    (moved.revision, moved.outside) = (2, true);
    stand.registry.tells(&[moved.clone()]).await;
    stand.counts("select count(*) from link", 2).await;
    let links = clerk.history(&moved.name).await;
    assert_eq!((links[0].line(), text(links[0].end_date).as_str()), (LineKind::Rebuilt, "2026-06-01"));
    assert_eq!((links[1].line(), text(links[1].start_date).as_str()), (LineKind::Relocated, "2026-06-01"));
    let covered = clerk.covered(GAOCHONG, None).await;
    assert_eq!((covered.linked, covered.lines[0].linked, covered.lines[1].linked), (1, 1, 0));

    let mut gone = moved.clone();
    (gone.revision, gone.state) = (3, HouseholdState::Demolished.into());
    stand.days(2);
    stand.registry.tells(&[gone]).await;
    stand.counts("select count(*) from link where valid_to is null", 0).await;
    assert_eq!(text(clerk.history(&moved.name).await[1].end_date), "2026-06-03");
    assert_eq!(clerk.covered(GAOCHONG, None).await.households, 0);
}

#[tokio::test]
async fn a_familiar_representative_stays_when_only_the_grid_changes() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let grids: Vec<_> = ["001", "002"].iter().map(|code| grid_news(GAOCHONG, code, LineKind::Relocated)).collect();
    stand.registry.tells(&grids).await;
    let numbers = ["00001", "00002"];
    let news: Vec<_> =
        numbers.iter().map(|number| household_news(GAOCHONG, number, "001", HouseholdKind::Original)).collect();
    stand.registry.tells(&news).await;
    stand.knows(GAOCHONG, 2, 2).await;
    let here = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    let there = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &here).await.unwrap();
    clerk.seat(&team_name(GAOCHONG, "002"), pb::Seat::Representative, &there).await.unwrap();
    let familiar = clerk.enter(GAOCHONG, "赖家坤", pb::Office::Representative).await;
    let request = pb::LinkHouseholdRequest {
        household: household_name(GAOCHONG, "00001"),
        representative: familiar.clone(),
        reason: "就熟".into(),
        ..Default::default()
    };
    let chosen = clerk.links.link_household(request).await.unwrap().into_inner();
    assert_eq!((chosen.origin(), chosen.reason.as_str()), (pb::LinkOrigin::Chosen, "就熟"));

    let moved: Vec<_> = numbers
        .iter()
        .map(|number| {
            let mut news = household_news(GAOCHONG, number, "002", HouseholdKind::Original);
            news.revision = 2;
            news
        })
        .collect();
    stand.registry.tells(&moved).await;
    stand.counts("select count(*) from household where grid = '002'", 2).await;
    let serving = async |clerk: &mut crate::stand::Desk, number: &str| {
        let links = clerk.history(&household_name(GAOCHONG, number)).await;
        links.into_iter().find(|link| link.end_date.is_none()).unwrap().representative
    };
    assert_eq!(serving(&mut clerk, "00001").await, familiar);
    assert_eq!(serving(&mut clerk, "00002").await, there);

    // When the familiar one leaves, the representative of the grid takes over.
    clerk.members.end_term(pb::EndTermRequest { name: familiar, ..Default::default() }).await.unwrap();
    assert_eq!(serving(&mut clerk, "00001").await, there);
}

#[tokio::test]
async fn two_villages_with_the_same_numbers_see_nothing_of_each_other() {
    let stand = Stand::new().await;
    for village in [GAOCHONG, NEIGHBOUR] {
        stand.registry.tells(&[grid_news(village, "001", LineKind::Relocated)]).await;
        stand.registry.tells(&[household_news(village, "00001", "001", HouseholdKind::Original)]).await;
        stand.knows(village, 1, 1).await;
    }
    let mut neighbour = stand.desk(platform::Office::Clerk, NEIGHBOUR, &[]);
    let member = neighbour.enter(NEIGHBOUR, "邻村代表", pb::Office::Representative).await;
    neighbour.seat(&team_name(NEIGHBOUR, "001"), pb::Seat::Representative, &member).await.unwrap();

    let mut clerk = stand.clerk();
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 0);
    assert_eq!(neighbour.covered(NEIGHBOUR, None).await.linked, 1);
    let denied = tonic::Code::PermissionDenied;
    assert_eq!(
        clerk.members.get_member(pb::GetMemberRequest { name: member.clone() }).await.unwrap_err().code(),
        denied
    );
    let seat = clerk.seat(&team_name(NEIGHBOUR, "001"), pb::Seat::Cadre, &member).await;
    assert_eq!(seat.unwrap_err().code(), denied);
    let foreign = clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &member).await;
    assert_eq!(foreign.unwrap_err().code(), tonic::Code::InvalidArgument);
}
