//! From one service's change log to another's tables, over a broker that is killed, wiped and set back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use events::{Events, MIGRATIONS, News, Reader, envelope};
use harness::{Stage, TestDatabase, wait_for};
use platform::{Caller, Error, Result, Tx};
use proto::registry::v1::{AreaChanged, VillageChanged};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgConnection};
use tokio_util::sync::CancellationToken;

const VILLAGE: &str = "430112011211";

/// Keeps the newest revision of villages, knows nothing of areas, and chokes on villages called 坏.
struct Villages;

impl Reader for Villages {
    fn knows(&self, type_name: &str) -> bool {
        type_name.ends_with(".VillageChanged")
    }

    async fn apply(&self, tx: &mut Tx, _: &Caller, news: &[News]) -> Result<()> {
        for village in envelope::all::<VillageChanged>(news)? {
            if village.display_name == "坏" {
                return Err(Error::internal("it is bad"));
            }
            sqlx::query(
                "insert into known (village, revision) values ($1, $2)
                 on conflict (village) do update set revision = excluded.revision
                  where excluded.revision > known.revision",
            )
            .bind(village.name.trim_start_matches("villages/"))
            .bind(village.revision)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}

/// A reading service with a table of its own.
struct Listener {
    database: TestDatabase,
    shutdown: CancellationToken,
}

impl Listener {
    async fn on(stage: &Stage) -> Self {
        let database = TestDatabase::of("teller", &platform::database::migrations(&[&MIGRATIONS])).await;
        let mut owner = database.connect_as_owner().await;
        owner
            .execute(
                "create table known (village text primary key, revision bigint); select lianxin.tenant_table('known')",
            )
            .await
            .unwrap();
        let shutdown = CancellationToken::new();
        let opened = database.open(&stage.platform_config(&database.service_url));
        let mut events = Events::join(&stage.events_config(), "listener", opened, shutdown.clone()).await.unwrap();
        events.read("registry", Villages);
        std::mem::forget(events); // it runs until shutdown
        Self { database, shutdown }
    }

    async fn knows(&self, village: &str) -> i64 {
        let mut owner = self.database.connect_as_owner().await;
        let known = sqlx::query_scalar("select revision from known where village = $1").bind(village);
        known.fetch_optional(&mut owner).await.unwrap().unwrap_or(0)
    }

    async fn waits_for(&self, village: &str, revision: i64) {
        wait_for("the news to arrive", || async { self.knows(village).await == revision }).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn village(code: &str, revision: i64, display_name: &str) -> VillageChanged {
    VillageChanged {
        name: format!("villages/{code}"),
        revision,
        display_name: display_name.into(),
        ..Default::default()
    }
}

/// As many villages as wanted, with codes that exist.
fn villages(from: usize, to: usize) -> Vec<VillageChanged> {
    (from..to).map(|n| village(&format!("430112{:03}201", n + 1), 1, "村")).collect()
}

async fn count(connection: &mut PgConnection, table: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_told_is_known_elsewhere_and_the_newest_revision_stays() {
    let stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    let listener = Listener::on(&stage).await;
    registry.tells(&[village(VILLAGE, 2, "高冲村")]).await;
    listener.waits_for(VILLAGE, 2).await;
    registry.tells(&[village(VILLAGE, 1, "高冲")]).await;
    registry.tells(&[village("430112011212", 1, "原佳村")]).await;
    listener.waits_for("430112011212", 1).await;
    assert_eq!(listener.knows(VILLAGE).await, 2);
}

#[tokio::test]
async fn news_told_while_the_broker_is_away_arrives_when_it_is_back() {
    let mut stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    let listener = Listener::on(&stage).await;
    registry.tells(&villages(0, 5)).await;
    stage.broker.kill();
    registry.tells(&[village(VILLAGE, 1, "高冲村")]).await;
    stage.broker.restart().await;
    listener.waits_for(VILLAGE, 1).await;
}

#[tokio::test]
async fn wiping_the_brokers_disk_loses_nothing() {
    let mut stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    registry.tells(&villages(0, 50)).await;
    registry.published().await;
    stage.broker.kill();
    stage.broker.wipe();
    stage.broker.restart().await;
    registry.tells(&[village(VILLAGE, 1, "高冲村")]).await;
    // Somebody who only joins now still hears everything.
    let listener = Listener::on(&stage).await;
    listener.waits_for(VILLAGE, 1).await;
    let mut owner = listener.database.connect_as_owner().await;
    wait_for("all 51 villages", || async {
        count(&mut listener.database.connect_as_owner().await, "known").await == 51
    })
    .await;
    assert_eq!(count(&mut owner, "known").await, 51);
}

#[tokio::test]
async fn a_stream_that_was_set_back_to_an_older_state_is_filled_up_again() {
    let mut stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    registry.tells(&villages(0, 20)).await;
    registry.published().await;
    stage.broker.kill();
    stage.broker.save();
    stage.broker.restart().await;
    registry.tells(&villages(20, 40)).await;
    registry.published().await;
    stage.broker.kill();
    stage.broker.set_back();
    stage.broker.restart().await;
    // More is told at once, so that the stream may grow past where it was before anybody has looked.
    registry.tells(&villages(40, 90)).await;
    let listener = Listener::on(&stage).await;
    wait_for("all 90 villages", || async {
        count(&mut listener.database.connect_as_owner().await, "known").await == 90
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_applied_is_laid_aside_and_does_not_hold_up_the_rest() {
    let stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    let listener = Listener::on(&stage).await;
    let mut told = villages(0, 10);
    told.insert(5, village("430112011212", 1, "坏"));
    registry.tells(&told).await;
    registry
        .tells(&[AreaChanged { name: format!("villages/{VILLAGE}/areas/P01"), revision: 1, ..Default::default() }])
        .await;
    wait_for("the rest", || async { count(&mut listener.database.connect_as_owner().await, "known").await == 10 })
        .await;
    wait_for("the letter", || async {
        count(&mut listener.database.connect_as_owner().await, "dead_letter").await == 1
    })
    .await;
    // Retried too early it comes back, with a newer date; it is never lost.
    let database = listener.database.open(&stage.platform_config(&listener.database.service_url));
    assert_eq!(events::dead_letters::retry(&database, None).await.unwrap(), 1);
    wait_for("the letter to come back", || async {
        let mut owner = listener.database.connect_as_owner().await;
        let back: i64 =
            sqlx::query_scalar("select count(*) from dead_letter where not retry").fetch_one(&mut owner).await.unwrap();
        back == 1
    })
    .await;
}

#[tokio::test]
async fn a_village_sees_only_its_own_changes_and_nobody_without_a_scope_sees_any() {
    let stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    registry.tells(&villages(0, 3)).await;
    registry.tells(&[village(VILLAGE, 1, "高冲村")]).await;
    let database = registry.test_database();
    let seen = |scope: &'static str| {
        let database = registry.database();
        async move {
            let mut tx = database.begin(&scope.parse().unwrap()).await.unwrap();
            sqlx::query_scalar::<_, i64>("select count(*) from change_log").fetch_one(&mut *tx).await.unwrap()
        }
    };
    assert_eq!((seen(VILLAGE).await, seen("430112").await, seen("430113").await), (1, 4, 0));
    // Without a scope: on a connection that never had one, and on one whose last transaction had.
    let mut connection = database.service_url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
    assert_eq!(count(&mut connection, "change_log").await, 0);
    connection.execute("begin; set local lianxin.scope = '430112'; commit").await.unwrap();
    assert_eq!(count(&mut connection, "change_log").await, 0);
}

#[tokio::test]
async fn what_was_recorded_stands() {
    let stage = Stage::new().await;
    let registry = stage.owner("registry").await;
    registry.tells(&[village(VILLAGE, 1, "高冲村")]).await;
    for alteration in ["delete from change_log", "update change_log set subject = 'nobody'"] {
        let mut tx = registry.database().begin(&VILLAGE.parse().unwrap()).await.unwrap();
        let refused = tx.execute(alteration).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{alteration}"); // insufficient privilege
    }
}
