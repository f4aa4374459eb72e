//! What stands in the change log becomes news, whoever wrote it there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::borrow::Cow;

use harness::{Stage, TestDatabase};
use platform::Secret;
use platform::database::{Owner, migrations};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Executor};

/// The version that brought the outbox.
const OUTBOX: i64 = 7;
const APPEND: &str = "insert into change_log (village, record, revision, noun, type, event, subject, office)
                      values ('430112011211', 'villages/430112011211', 1, 'village',
                              'lianxin.registry.v1.VillageChanged', '', 'somebody', 'operator')";

#[tokio::test]
async fn a_change_that_any_statement_appends_is_published() {
    let stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    let mut tx = registry.database().begin(&"430112011211".parse().unwrap()).await.unwrap();
    tx.execute(APPEND).await.unwrap();
    tx.commit().await.unwrap();
    registry.published().await;
    let mut owner = registry.test_database().connect_as_owner().await;
    let places: Vec<i64> = sqlx::query_scalar("select sequence from published").fetch_all(&mut owner).await.unwrap();
    assert_eq!(places, [1]);
}

#[tokio::test]
async fn what_an_older_version_had_published_is_known_and_what_it_had_not_waits() {
    let all = migrations(&[&events::MIGRATIONS]);
    let older: Vec<_> = all.iter().filter(|migration| migration.version < OUTBOX).cloned().collect();
    let older = Migrator { migrations: Cow::Owned(older), ..Migrator::DEFAULT };
    let cloned = TestDatabase::of("older", &older).await;
    let mut owner = cloned.connect_as_owner().await;
    owner.execute(APPEND).await.unwrap();
    owner.execute("update change_log set sequence = 5").await.unwrap();
    owner.execute(AssertSqlSafe(APPEND.replace("211', 1", "211', 2"))).await.unwrap();

    let (server, database) = cloned.owner_url.rsplit_once('/').unwrap();
    let server = Owner { url: format!("{server}/postgres") };
    server.provision(database, "lianxin_older", &Secret::new("test"), &all).await.unwrap();
    let known: Vec<(i64, i64)> = sqlx::query_as(
        "select change_log.revision, published.sequence from published join change_log using (position)",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(known, [(1, 5)]);
    let waiting: Vec<i64> = sqlx::query_scalar("select revision from outbox join change_log using (position)")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(waiting, [2]);
}

#[tokio::test]
async fn who_appends_a_change_sees_no_more_than_before() {
    let stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    let mut owner = registry.test_database().connect_as_owner().await;
    owner.execute(AssertSqlSafe(APPEND.replace("430112011211", "430112011212"))).await.unwrap();
    let mut tx = registry.database().begin(&"430112011211".parse().unwrap()).await.unwrap();
    tx.execute(APPEND).await.unwrap();
    let seen: Vec<String> = sqlx::query_scalar("select village from change_log").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(seen, ["430112011211"]);
    let elsewhere = tx.execute(AssertSqlSafe(APPEND.replace("430112011211", "430112011213"))).await;
    assert!(elsewhere.is_err(), "a change of another village is not taken");
}
