//! The keys of a whole deployment are replaced while it runs and its processes are killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::time::{Duration, Instant};

use lianxin::{keys, migrate};
use platform::vault::key_file;
use tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_while_everything_runs_and_processes_are_killed() {
    let mut world = World::start().await;
    world.onboard_gaochong().await;
    let databases = migrate::services()
        .into_iter()
        .map(|(service, _)| (service, world.database(service).owner_url.parse().unwrap()))
        .collect();
    let file = world.stage.vault_key_file();

    key_file::add(&file, "second").unwrap();
    let rewrapped = keys::rewrap(&file, &databases).await.unwrap();
    assert_eq!(rewrapped.iter().filter(|(_, keys)| *keys > 0).count(), 2, "registry and liaison seal: {rewrapped:?}");
    keys::remove(&file, &databases, "test").await.unwrap();

    assert_eq!(keys::rotate(&file, &databases, None).await.unwrap(), 2);
    let shown = keys::status(&file, &databases).await.unwrap();
    assert!(shown.missing.is_empty() && shown.text.contains("第1版换为第2版"), "{}", shown.text);
    assert!(keys::remove(&file, &databases, "second").await.is_err(), "it is in use");
    let begun = Instant::now();
    let mut kills = 0;
    while keys::status(&file, &databases).await.unwrap().text.contains("第1版换为第2版") {
        assert!(begun.elapsed() < Duration::from_secs(90), "the rotation does not end");
        if kills < 4 {
            world.restart(if kills % 2 == 0 { "registry" } else { "liaison" }).await;
            kills += 1;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // The same workbook finds everybody it brought: by number, telephone and name, under the new keys.
    let done = world.onboard_gaochong().await;
    assert_eq!((done.refused, done.changed), (0, 0), "everything is there");
}
