//! Connections are used again, whatever happened to the transaction before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::time::Duration;

use futures::FutureExt;
use harness::{TestDatabase, wait_for};
use platform::database::migrations;
use platform::{Database, Tx, request};
use sqlx::Executor;

const VILLAGE: &str = "430112011211";
const REQUEST: &str = "insert into request (village, id, fingerprint, record)
                       values ('430112011211', gen_random_uuid(), '', '')";

/// A service's database with so many connections.
async fn database(connections: u32) -> (TestDatabase, Database) {
    let cloned = TestDatabase::of("platform", &migrations(&[])).await;
    let database = Database::connect(&cloned.service_url, None, connections).unwrap();
    (cloned, database)
}

async fn begin(database: &Database) -> Tx {
    database.begin(&VILLAGE.parse().unwrap()).await.unwrap()
}

/// What the transaction sees, and which process of the server it speaks with.
async fn requests(tx: &mut Tx) -> (i64, i32) {
    sqlx::query_as("select count(*), pg_backend_pid() from request").fetch_one(&mut **tx).await.unwrap()
}

#[tokio::test]
async fn what_is_committed_stays_and_what_is_not_is_rolled_back_on_the_same_connection() {
    let (_cloned, database) = database(1).await;
    let mut tx = begin(&database).await;
    tx.execute(REQUEST).await.unwrap();
    let (_, process) = requests(&mut tx).await;
    tx.commit().await.unwrap();
    let mut tx = begin(&database).await;
    tx.execute(REQUEST).await.unwrap();
    assert_eq!(requests(&mut tx).await, (2, process));
    drop(tx);
    assert_eq!(requests(&mut begin(&database).await).await, (1, process));
    let mut tx = begin(&database).await;
    tx.execute(REQUEST).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(requests(&mut begin(&database).await).await, (1, process));
}

#[tokio::test]
async fn a_transaction_without_a_scope_of_its_own_sees_nothing_of_the_one_before() {
    let (_cloned, database) = database(1).await;
    let mut tx = begin(&database).await;
    tx.execute(REQUEST).await.unwrap();
    tx.commit().await.unwrap();
    let mut elsewhere = database.begin(&"430113".parse().unwrap()).await.unwrap();
    assert_eq!(requests(&mut elsewhere).await.0, 0);
}

#[tokio::test]
async fn a_caller_who_goes_away_in_the_middle_of_a_statement_leaves_nothing_and_spoils_no_connection() {
    let (_cloned, database) = database(1).await;
    let cut_off = {
        let database = database.clone();
        async move {
            let mut tx = begin(&database).await;
            tx.execute(REQUEST).await.unwrap();
            tx.execute("select pg_sleep(1)").await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_millis(300), cut_off).await.unwrap_err();
    // The only connection comes back when its server has finished.
    assert_eq!(requests(&mut begin(&database).await).await.0, 0);
}

#[tokio::test]
async fn a_caller_who_goes_away_while_a_transaction_is_begun_spoils_no_connection() {
    let (_cloned, database) = database(1).await;
    drop(begin(&database).await);
    for micros in [1, 20, 50, 100, 200, 400, 800, 1600] {
        let _ = tokio::time::timeout(Duration::from_micros(micros), begin(&database)).await;
        assert_eq!(requests(&mut begin(&database).await).await.0, 0);
    }
}

/// How many requests a read within `scope` sees.
async fn seen_within(database: &Database, scope: &str) -> i64 {
    requests(&mut database.read(&scope.parse().unwrap()).await.unwrap()).await.0
}

#[tokio::test]
async fn a_read_sees_its_own_scope_whoever_had_the_connection_before() {
    let (_cloned, database) = database(1).await;
    let mut tx = begin(&database).await;
    tx.execute(REQUEST).await.unwrap();
    tx.commit().await.unwrap();
    for (scope, seen) in [(VILLAGE, 1), (VILLAGE, 1), ("430113", 0), ("430113", 0), ("430112", 1), ("430112011212", 0)]
    {
        assert_eq!(seen_within(&database, scope).await, seen, "{scope}");
        // A transaction has its own, and leaves the reader's as it was.
        assert_eq!(requests(&mut begin(&database).await).await.0, 1);
    }
}

#[tokio::test]
async fn a_reader_who_goes_away_while_the_scope_is_told_leaves_it_to_nobody() {
    let (_cloned, database) = database(1).await;
    let mut tx = begin(&database).await;
    tx.execute(REQUEST).await.unwrap();
    tx.commit().await.unwrap();
    let elsewhere = "430113".parse().unwrap();
    assert_eq!(seen_within(&database, VILLAGE).await, 1);
    let mut cut_off = 0;
    for _ in 0..20 {
        // Polled once: the server is told, and hardly ever has answered by then.
        cut_off += usize::from(database.read(&elsewhere).now_or_never().is_none());
        assert_eq!(seen_within(&database, VILLAGE).await, 1);
    }
    assert_ne!(cut_off, 0);
}

#[tokio::test]
async fn a_reader_who_goes_away_before_the_answer_spoils_no_connection() {
    let (_cloned, database) = database(1).await;
    let cut_off = async { database.read(&VILLAGE.parse().unwrap()).await.unwrap().execute("select pg_sleep(1)").await };
    tokio::time::timeout(Duration::from_millis(300), cut_off).await.unwrap_err();
    assert_eq!(seen_within(&database, VILLAGE).await, 0);
}

#[tokio::test]
async fn a_read_can_write_nothing() {
    let (_cloned, database) = database(1).await;
    let refused = database.read(&VILLAGE.parse().unwrap()).await.unwrap().execute(REQUEST).await.unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");
    assert_eq!(seen_within(&database, VILLAGE).await, 0);
}

#[tokio::test]
async fn a_read_on_a_connection_that_died_a_moment_ago_fails_once() {
    let (cloned, database) = database(1).await;
    seen_within(&database, VILLAGE).await;
    let mut owner = cloned.connect_as_owner().await;
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(kill).execute(&mut owner).await.unwrap();
    let mut tx = database.read(&VILLAGE.parse().unwrap()).await.unwrap();
    let died = sqlx::query("select from request").execute(&mut *tx).await.unwrap_err();
    assert!(platform::Error::from(died).is_transient(), "the caller is told to come again");
    drop(tx);
    assert_eq!(seen_within(&database, VILLAGE).await, 0);
}

#[tokio::test]
async fn connections_that_the_server_has_closed_are_forgotten_without_an_error() {
    let (cloned, database) = database(4).await;
    let held = [begin(&database).await, begin(&database).await, begin(&database).await];
    drop(held);
    let mut owner = cloned.connect_as_owner().await;
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()";
    assert_eq!(sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut owner).await.unwrap(), 3);
    for _ in 0..4 {
        assert_eq!(requests(&mut begin(&database).await).await.0, 0);
    }
}

#[tokio::test]
async fn whoever_finds_no_free_connection_is_told_to_come_again() {
    let (_cloned, database) = database(1).await;
    let _held = begin(&database).await;
    let refused = database.begin(&VILLAGE.parse().unwrap()).await.unwrap_err();
    assert!(refused.is_transient(), "{refused:?}");
}

#[tokio::test]
async fn a_closed_database_keeps_no_connection() {
    let (cloned, database) = database(2).await;
    drop([begin(&database).await, begin(&database).await]);
    database.close().await;
    wait_for("the server to have let go of them", || async {
        let mut owner = cloned.connect_as_owner().await;
        let others = "select count(*) from pg_stat_activity
                       where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::query_scalar::<_, i64>(others).fetch_one(&mut owner).await.unwrap() == 0
    })
    .await;
}

#[tokio::test]
async fn requests_are_remembered_for_a_week_and_then_forgotten() {
    let (_cloned, database) = database(1).await;
    let mut tx = begin(&database).await;
    for days in [1, 6, 8, 400] {
        tx.execute(REQUEST).await.unwrap();
        let old = sqlx::query("update request set at = now() - make_interval(days => $1) where at = now()");
        old.bind(days).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(request::forget_old(&database).await.unwrap(), 2);
    assert_eq!(requests(&mut begin(&database).await).await.0, 2);
}
