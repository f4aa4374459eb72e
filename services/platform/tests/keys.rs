//! Keys are replaced while replicas write, and whatever is killed: every field opens at every moment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::{TestDatabase, wait_for};
use platform::database::migrations;
use platform::vault::key_file::{self, WrappingKeys};
use platform::vault::rotation::{self, Sealed};
use platform::vault::{Vault, custody};
use platform::{Database, Result, Scope};
use proto::names::VillageCode;
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const VILLAGES: [&str; 2] = ["430112011211", "430112011212"];
const THINGS: &[Sealed] = &[Sealed { table: "thing", columns: &["a_sealed", "b_sealed"] }];
const REFRESH: Duration = Duration::from_millis(100);

/// A database with a table of sealed things, and a key file.
struct World {
    cloned: TestDatabase,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let cloned = TestDatabase::of("platform", &migrations(&[])).await;
        let mut owner = cloned.connect_as_owner().await;
        owner
            .execute(
                "create table thing (village text, id uuid, text text, a_sealed bytea, b_sealed bytea,
                                     primary key (village, id));
                 select lianxin.tenant_table('thing')",
            )
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let world = Self { cloned, folder };
        std::fs::write(world.key_file(), Vault::new_key("1").unwrap().expose()).unwrap();
        world
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("vault.key")
    }

    fn replica(&self) -> Replica {
        let database = Database::connect(&self.cloned.service_url, None, 4).unwrap();
        let vault = Vault::open(&self.key_file()).unwrap().refreshed_after(REFRESH);
        Replica { database, vault }
    }

    async fn rotate(&self) -> Vec<VillageCode> {
        let keys = WrappingKeys::read(&self.key_file()).unwrap();
        custody::rotate(&mut self.cloned.connect_as_owner().await, &keys, None).await.unwrap()
    }

    async fn is_rotating(&self) -> bool {
        let mut owner = self.cloned.connect_as_owner().await;
        !custody::rotations(&mut owner, THINGS).await.unwrap().is_empty()
    }
}

#[derive(Clone)]
struct Replica {
    database: Database,
    vault: Vault,
}

impl Replica {
    async fn add(&self, village: &str, things: usize) -> Result<()> {
        let village = village.parse().unwrap();
        let mut tx = self.database.begin(&Scope::from(&village)).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        for _ in 0..things {
            let id = Uuid::now_v7();
            sqlx::query("insert into thing values ($1, $2, $3, $4, $5)")
                .bind(village.as_str())
                .bind(id)
                .bind(id.to_string())
                .bind(keys.seal(&id.to_string())?)
                .bind(id.as_u128().is_multiple_of(3).then(|| keys.seal("b").unwrap()))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Opens everything, and says how many things there are.
    async fn read(&self, village: &str) -> Result<usize> {
        let village = village.parse().unwrap();
        let mut tx = self.database.begin(&Scope::from(&village)).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let all: Vec<(String, Vec<u8>, Option<Vec<u8>>)> =
            sqlx::query_as("select text, a_sealed, b_sealed from thing where village = $1")
                .bind(village.as_str())
                .fetch_all(&mut *tx)
                .await?;
        for (text, a, b) in &all {
            assert_eq!(&keys.open(a).expect("every field opens"), text);
            assert!(b.as_ref().is_none_or(|b| keys.open(b).expect("every field opens") == "b"));
        }
        Ok(all.len())
    }

    fn keep(&self) -> (tokio::task::JoinHandle<()>, CancellationToken) {
        let shutdown = CancellationToken::new();
        let kept = rotation::keep(self.database.clone(), self.vault.clone(), THINGS, shutdown.clone());
        (tokio::spawn(kept), shutdown)
    }
}

/// How the sealed fields begin.
async fn versions(owner: &mut PgConnection) -> Vec<i32> {
    sqlx::query_scalar(
        "select distinct ('x' || encode(substring(field from 5 for 4), 'hex'))::bit(32)::integer
           from thing cross join lateral (values (a_sealed), (b_sealed)) as fields (field)
          where field is not null order by 1",
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_when_everything_opens_and_in_the_end_the_old_key_is_gone() {
    let world = World::new().await;
    let (first, second) = (world.replica(), world.replica());
    for village in VILLAGES {
        first.add(village, 700).await.unwrap();
        second.read(village).await.unwrap();
    }
    assert_eq!(world.rotate().await.len(), 2);
    assert_eq!(world.rotate().await, [], "one rotation at a time");

    // Somebody writes and reads all the while, at both replicas.
    let is_over = Arc::new(AtomicBool::new(false));
    let mut busy = Vec::new();
    for replica in [first.clone(), second.clone()] {
        let is_over = is_over.clone();
        busy.push(tokio::spawn(async move {
            let mut written = 0;
            while !is_over.load(Ordering::Relaxed) {
                for village in VILLAGES {
                    // A connection that was cut is no matter here; a field that does not open fails the test.
                    written += usize::from(replica.add(village, 1).await.is_ok());
                    let _ = replica.read(village).await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            written
        }));
    }

    // Keepers live for a few milliseconds, and longer and longer; now and then the server cuts everybody off.
    let (begun, mut lifetime, mut killed) = (Instant::now(), 20, 0);
    while world.is_rotating().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "the rotation does not end");
        let keepers = [first.keep().0, second.keep().0];
        tokio::time::sleep(Duration::from_millis(lifetime)).await;
        keepers.iter().for_each(tokio::task::JoinHandle::abort);
        killed += 1;
        if killed % 3 == 2 {
            let mut owner = world.cloned.connect_as_owner().await;
            let cut = "select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and usename = 'lianxin_platform'";
            owner.execute(cut).await.unwrap();
        }
        lifetime += 23;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut written = 0;
    for one in busy {
        written += one.await.expect("every field opened");
    }
    assert!(killed > 3 && written > 0, "{killed} {written}");

    let mut owner = world.cloned.connect_as_owner().await;
    assert_eq!(versions(&mut owner).await, [2]);
    let fresh = world.replica();
    let mut read = 0;
    for village in VILLAGES {
        read += fresh.read(village).await.unwrap();
    }
    assert!(read >= 1400 + written, "{read} {written}");
}

#[tokio::test]
async fn fields_from_before_versions_are_sealed_anew_and_equal_texts_still_meet() {
    let world = World::new().await;
    let replica = world.replica();
    replica.add(VILLAGES[0], 30).await.unwrap();
    let village = VILLAGES[0].parse().unwrap();
    let index = async || {
        let mut tx = replica.database.begin(&Scope::from(&village)).await.unwrap();
        replica.vault.keys(&mut tx, &village).await.unwrap().index("19000040001")
    };
    let before = index().await;
    let mut owner = world.cloned.connect_as_owner().await;
    owner.execute("update thing set a_sealed = substring(a_sealed from 9)").await.unwrap();
    assert_eq!(replica.read(VILLAGES[0]).await.unwrap(), 30);
    world.rotate().await;
    let progress = custody::rotations(&mut owner, THINGS).await.unwrap();
    assert_eq!((progress[0].current, progress[0].other, progress[0].is_coming), (1, 2, true));
    assert_eq!(progress[0].fields, progress[0].left);
    let (kept, shutdown) = replica.keep();
    wait_for("the rotation to end", || async { !world.is_rotating().await }).await;
    shutdown.cancel();
    kept.await.unwrap();
    assert_eq!(versions(&mut owner).await, [2]);
    assert_eq!(replica.read(VILLAGES[0]).await.unwrap(), 30);
    assert_eq!(index().await, before);
}

#[tokio::test]
async fn nobody_seals_under_a_key_that_a_replica_may_not_know_yet() {
    let world = World::new().await;
    let replica = world.replica();
    replica.add(VILLAGES[0], 1).await.unwrap();
    world.rotate().await;
    // Announced, and nobody keeps the rotation yet.
    tokio::time::sleep(REFRESH * 2).await;
    replica.add(VILLAGES[0], 1).await.unwrap();
    assert_eq!(versions(&mut world.cloned.connect_as_owner().await).await, [1]);
}

#[tokio::test]
async fn a_field_that_somebody_altered_keeps_its_key_and_stops_nobody_else() {
    let world = World::new().await;
    let replica = world.replica();
    replica.add(VILLAGES[0], 5).await.unwrap();
    let mut owner = world.cloned.connect_as_owner().await;
    owner
        .execute(
            "update thing set a_sealed = a_sealed || '\\x00' where id = (select id from thing order by id limit 1)",
        )
        .await
        .unwrap();
    world.rotate().await;
    let (_, _shutdown) = replica.keep();
    wait_for("all others to be sealed anew", || async {
        let mut owner = world.cloned.connect_as_owner().await;
        custody::rotations(&mut owner, THINGS).await.unwrap().iter().all(|one| !one.is_coming && one.left == 1)
    })
    .await;
    tokio::time::sleep(REFRESH * 5).await;
    assert!(world.is_rotating().await, "the old key is kept for it");
}

#[tokio::test]
async fn a_new_wrapping_key_takes_over_under_running_replicas_and_the_old_one_can_go() {
    let world = World::new().await;
    let replica = world.replica();
    for village in VILLAGES {
        replica.add(village, 3).await.unwrap();
    }
    world.rotate().await;
    key_file::add(&world.key_file(), "2").unwrap();
    let mut owner = world.cloned.connect_as_owner().await;
    let keys = WrappingKeys::read(&world.key_file()).unwrap();
    // Of each village the current key, the coming one, and that of the index.
    assert_eq!(custody::rewrap(&mut owner, &keys).await.unwrap(), 6);
    assert_eq!(custody::rewrap(&mut owner, &keys).await.unwrap(), 0);
    assert_eq!(custody::wrapped_by(&mut owner).await.unwrap(), [("2".to_owned(), 6)]);
    key_file::remove(&world.key_file(), "1").unwrap();
    tokio::time::sleep(REFRESH).await;
    for village in VILLAGES {
        assert_eq!(replica.read(village).await.unwrap(), 3);
    }
    let (_, _shutdown) = replica.keep();
    wait_for("the rotation to end", || async { !world.is_rotating().await }).await;
    assert_eq!(replica.read(VILLAGES[1]).await.unwrap(), 3);
}

#[tokio::test]
async fn a_key_file_without_the_key_says_which_one_is_missing() {
    let world = World::new().await;
    world.replica().add(VILLAGES[0], 1).await.unwrap();
    std::fs::write(world.key_file(), Vault::new_key("other").unwrap().expose()).unwrap();
    let error = world.replica().read(VILLAGES[0]).await.unwrap_err().in_full();
    assert!(error.contains("wrapped by key 1") && error.contains("holds other"), "{error}");
    let keys = WrappingKeys::read(&world.key_file()).unwrap();
    let mut owner = world.cloned.connect_as_owner().await;
    let refused = custody::rewrap(&mut owner, &keys).await.unwrap_err().in_full();
    assert!(refused.contains("wrapped by key 1"), "{refused}");
    owner.close().await.unwrap();
}
