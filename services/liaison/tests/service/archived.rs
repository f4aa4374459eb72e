//! A village that was archived: read as before, written by nobody, and no news of it is too late.

use proto::liaison::v1 as pb;
use proto::reasons::VILLAGE_ARCHIVED;
use proto::registry::v1::{HouseholdKind, LineKind, VillageChanged, VillageState};
use tonic::Code;

use crate::stand::{GAOCHONG, NEIGHBOUR, Stand, date, grid_news, household_name, household_news, refused, team_name};
use crate::visits::{village, visit};

async fn archive(stand: &Stand, village: &str) {
    let archived = VillageChanged {
        name: format!("villages/{village}"),
        revision: 2,
        state: VillageState::Archived.into(),
        ..Default::default()
    };
    stand.registry.tells(&[archived]).await;
    stand.counts("select count(*) from village where state = 'archived'", 1).await;
}

#[tokio::test]
async fn an_archived_village_is_read_and_not_written() {
    let stand = Stand::new().await;
    let (mut clerk, member) = village(&stand).await;
    archive(&stand, GAOCHONG).await;
    let changes = stand.count("select count(*) from change_log").await;

    let cadre = pb::Member {
        display_name: "戴华良".into(),
        offices: vec![pb::Office::Cadre.into()],
        term_start: date("2023-02-01"),
        ..Default::default()
    };
    let enter =
        pb::CreateMemberRequest { parent: format!("villages/{GAOCHONG}"), member: Some(cadre), ..Default::default() };
    let entered = clerk.members.create_member(enter.clone()).await;
    refused(entered, Code::FailedPrecondition, VILLAGE_ARCHIVED);
    let mut representative = stand.desk(platform::Office::Representative, GAOCHONG, &["001"]);
    let logged = representative.visits.create_visit(visit("00001", "2026-05-20")).await;
    refused(logged, Code::FailedPrecondition, VILLAGE_ARCHIVED);
    let team = team_name(GAOCHONG, "001");
    let vacate =
        pb::VacateSeatRequest { name: team.clone(), seat: pb::Seat::Representative.into(), ..Default::default() };
    refused(clerk.teams.vacate_seat(vacate).await, Code::FailedPrecondition, VILLAGE_ARCHIVED);
    assert_eq!(stand.count("select count(*) from change_log").await, changes);

    assert_eq!(clerk.covered(GAOCHONG, None).await.households, 2);
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!((links.len(), links[0].representative.as_str()), (1, member.as_str()));
    let team = clerk.teams.get_team(pb::GetTeamRequest { name: team }).await.unwrap().into_inner();
    assert_eq!(team.representative.unwrap().member, member);

    // The neighbour goes on.
    let next_door = pb::CreateMemberRequest { parent: format!("villages/{NEIGHBOUR}"), ..enter };
    let mut neighbour = stand.desk(platform::Office::Clerk, NEIGHBOUR, &[]);
    neighbour.members.create_member(next_door).await.unwrap();
}

#[tokio::test]
async fn news_that_comes_late_to_an_archived_village_is_taken_as_any_other() {
    let stand = Stand::new().await;
    let (mut clerk, member) = village(&stand).await;
    archive(&stand, GAOCHONG).await;
    stand.registry.tells(&[household_news(GAOCHONG, "00003", "001", HouseholdKind::Original)]).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "003", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 3, 3).await;
    let links = clerk.history(&household_name(GAOCHONG, "00003")).await;
    assert_eq!((links.len(), links[0].representative.as_str()), (1, member.as_str()));
    // An older word of the village changes nothing.
    let before = VillageChanged { name: format!("villages/{GAOCHONG}"), revision: 1, ..Default::default() };
    stand.delivers(&[before]).await;
    stand.registry.tells(&[grid_news(GAOCHONG, "004", LineKind::Relocated)]).await;
    stand.knows(GAOCHONG, 4, 3).await;
    assert_eq!(stand.count("select count(*) from village where state = 'archived'").await, 1);
    assert_eq!(stand.count("select count(*) from dead_letter").await, 0);
}

#[tokio::test]
async fn in_an_archived_village_no_term_ends_and_no_gap_opens() {
    let stand = Stand::new().await;
    for village in [GAOCHONG, NEIGHBOUR] {
        stand.registry.tells(&[grid_news(village, "001", LineKind::Relocated)]).await;
        stand.registry.tells(&[household_news(village, "00001", "001", HouseholdKind::Original)]).await;
        stand.knows(village, 1, 1).await;
        let mut clerk = stand.desk(platform::Office::Clerk, village, &[]);
        let member = clerk.enter(village, "熊静贵", pb::Office::Representative).await;
        clerk.seat(&team_name(village, "001"), pb::Seat::Representative, &member).await.unwrap();
    }
    let mut owner = stand.running.database.connect_as_owner().await;
    sqlx::query("update member set term_end = '2026-06-10'").execute(&mut owner).await.unwrap();
    // Two empty seats in each; the representative's and the household's have closed again, or never opened.
    stand.counts("select count(*) from gap where closed is null", 4).await;
    archive(&stand, GAOCHONG).await;

    stand.days(20);
    stand.counts("select count(*) from member where village = '430112011212' and state <> 'appointed'", 1).await;
    stand.counts("select count(*) from gap where village = '430112011212' and closed is null", 4).await;
    assert_eq!(
        stand.count("select count(*) from member where village = '430112011211' and state = 'appointed'").await,
        1
    );
    let open = "select count(*) from gap where village = '430112011211' and closed is null";
    assert_eq!(stand.count(open).await, 2);
}
