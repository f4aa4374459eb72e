//! Everything of one village: out as files, and gone from every service; its neighbour stays whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeMap;

use lianxin::migrate;
use lianxin::tenant::{Databases, erase, export};
use tests::{GAOCHONG, World, YUANJIA, shipped};

fn databases(world: &World) -> Databases {
    let services = migrate::services().into_iter();
    services.map(|(service, _)| (service, world.database(service).owner_url.parse().unwrap())).collect()
}

/// How many rows every table with a village has of this one, by service and table.
async fn rows(world: &World, village: &str) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    for (service, _) in migrate::services() {
        let mut owner = world.database(service).connect_as_owner().await;
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.columns
              where table_schema = 'public' and column_name = 'village'",
        )
        .fetch_all(&mut owner)
        .await
        .unwrap();
        assert!(tables.len() > 5, "{service}: {tables:?}");
        for table in tables {
            let statement = format!("select count(*) from {table} where village = $1");
            let count: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(village).fetch_one(&mut owner).await.unwrap();
            if count > 0 {
                all.insert(format!("{service}/{table}"), count);
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_village_goes_out_whole_and_is_gone_whole_and_its_neighbour_stays() {
    let world = World::start().await;
    let gaochong = world.onboard_gaochong().await;
    let next_door = world.onboard(YUANJIA, "原佳村", Some(shipped("gaochong/roster.xlsx"))).await;
    world.figures(&[&gaochong, &next_door]).await;
    let databases = databases(&world);
    let (village, neighbour) = (GAOCHONG.parse().unwrap(), YUANJIA.parse().unwrap());

    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("gaochong");
    let exported = export::export(&databases, &village, &to, None).await.unwrap().rows;
    let before = rows(&world, GAOCHONG).await;
    assert!(before["registry/household"] == 1186 && before["liaison/visit"] > 800 && before["casework/concern"] == 45);
    for (table, count) in &before {
        let text = std::fs::read_to_string(to.join(format!("{table}.csv"))).unwrap();
        assert!(text.lines().count() as i64 > *count && text.contains(GAOCHONG) && !text.contains(YUANJIA), "{table}");
    }
    // Mark and relay tables move while we look.
    assert!(exported >= before["registry/household"] + before["registry/resident"], "{exported}");
    assert!(export::export(&databases, &village, &to, None).await.is_err(), "a folder is not written over");

    let beside = erase::held(&databases, &neighbour).await.unwrap();
    let broker = async_nats::connect(world.stage.broker.url()).await.unwrap();
    let erased = erase::erase(&databases, &village, Some(&broker)).await.unwrap();
    assert!(erased > 4000, "{erased}");
    assert_eq!(rows(&world, GAOCHONG).await, BTreeMap::new());
    assert_eq!(erase::held(&databases, &neighbour).await.unwrap(), beside);
    let figures = world.figures(&[&next_door]).await;
    assert_eq!(figures.total.unwrap().grids, 75);
    assert_eq!(erase::erase(&databases, &village, Some(&broker)).await.unwrap(), 0, "what is gone stays gone");
}
