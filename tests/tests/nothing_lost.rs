//! Processes killed in the middle of their work, the broker wiped: everything acknowledged is there, once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::time::Duration;

use harness::wait_for;
use lianxin::onboard::{Village, onboard};
use platform::Office;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::{Concern, CreateConcernRequest, Matter};
use tests::{GAOCHONG, Line, World, shipped};

/// Reports a concern again and again with the same request until it is acknowledged, as a phone on a bad link does.
async fn report(mut client: ConcernServiceClient<Line>) -> String {
    let request = CreateConcernRequest {
        parent: format!("villages/{GAOCHONG}"),
        concern: Some(Concern {
            matter: Matter::Environment.into(),
            matter_type: "路灯".into(),
            text: "路灯不亮".into(),
            grid: format!("villages/{GAOCHONG}/grids/016"),
            ..Concern::default()
        }),
        request_id: uuid::Uuid::new_v4().to_string(),
        concern_id: String::new(),
    };
    loop {
        match client.create_concern(request.clone()).await {
            Ok(concern) => return concern.into_inner().name,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_is_killed_in_the_middle_of_an_import_and_the_import_still_comes_out_whole() {
    let mut world = World::start().await;
    let village = Village {
        code: GAOCHONG.parse().unwrap(),
        name: "高冲村".to_owned(),
        roster: Some(shipped("gaochong/roster.xlsx")),
        ledger: Some(shipped("gaochong/ledger.xlsx")),
    };
    for victim in ["registry", "liaison", "casework", "reporting"] {
        // The import of the service under attack is cut off at a different moment each time.
        for pause in [30, 150, 400] {
            let (access, operator, village) = (world.access(), world.operator(), village.clone());
            let import =
                tokio::spawn(async move { onboard(&village, false, &access, &operator, false).await.map(|_| ()) });
            tokio::time::sleep(Duration::from_millis(pause)).await;
            world.kill(victim);
            let _ = import.await.unwrap(); // cut off, or whole by luck
            world.restart(victim).await;
        }
    }
    let done = world.onboard_gaochong().await;
    let figures = world.figures(&[&done]).await.total.unwrap();
    assert_eq!(
        (figures.grids, figures.households, figures.households_linked, figures.merchants),
        (75, 1186, 1186, 183)
    );
    assert_eq!((figures.person_visits, figures.concerns_reported, figures.concerns_resolved), (912, 45, 15));
    assert_eq!(world.onboard_gaochong().await.changed, 0, "everything was there already, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_wiped_while_concerns_are_reported_and_every_acknowledged_one_reaches_reporting() {
    let mut world = World::start().await;
    world.onboard_gaochong().await;
    let clerk = world.stage.caller(Office::Clerk, GAOCHONG, &[]);
    let client = ConcernServiceClient::new(world.line("casework", &clerk));

    let reporting = tokio::spawn(async move {
        let mut acknowledged = BTreeSet::new();
        for _ in 0..120 {
            acknowledged.insert(report(client.clone()).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        acknowledged
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.stage.broker.kill();
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.stage.broker.wipe();
    world.stage.broker.restart().await;
    let acknowledged = reporting.await.unwrap();
    assert_eq!(acknowledged.len(), 120);

    world.wait_for_figures(GAOCHONG, "all 45 + 120 concerns", |set| set.concerns_reported == 165).await;
    let mut owner = world.database("reporting").connect_as_owner().await;
    let projected: Vec<uuid::Uuid> = sqlx::query_scalar("select id from concern").fetch_all(&mut owner).await.unwrap();
    let projected: BTreeSet<String> = projected.iter().map(|id| format!("villages/{GAOCHONG}/concerns/{id}")).collect();
    assert!(acknowledged.is_subset(&projected));
}

#[tokio::test(flavor = "multi_thread")]
async fn casework_is_killed_while_concerns_are_reported_and_none_is_lost_or_doubled() {
    let mut world = World::start().await;
    world.onboard_gaochong().await;
    let clerk = world.stage.caller(Office::Clerk, GAOCHONG, &[]);
    let client = ConcernServiceClient::new(world.line("casework", &clerk));
    let reporting = tokio::spawn(async move {
        let mut acknowledged = BTreeSet::new();
        for _ in 0..60 {
            acknowledged.insert(report(client.clone()).await);
        }
        acknowledged
    });
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        world.restart("casework").await;
    }
    let acknowledged = reporting.await.unwrap();
    assert_eq!(acknowledged.len(), 60);
    world.wait_for_figures(GAOCHONG, "45 + 60 concerns, no more", |set| set.concerns_reported == 105).await;
    wait_for("no dead letters", || async {
        let mut owner = world.database("reporting").connect_as_owner().await;
        sqlx::query_scalar::<_, i64>("select count(*) from dead_letter").fetch_one(&mut owner).await.unwrap() == 0
    })
    .await;
}
