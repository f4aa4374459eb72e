//! The servers for real: what they keep, what they refuse, and that nothing of them is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::{Durability, Programs, Servers};

#[tokio::test]
async fn a_table_is_still_there_after_a_stop_and_after_a_crash() {
    let folder = TempDir::new().unwrap();
    let servers = start(folder.path()).await;
    let mut connection = connect(&servers, "postgres").await;
    sqlx::query("create database registry").execute(&mut connection).await.unwrap();
    let mut connection = connect(&servers, "registry").await;
    sqlx::query("create table village as select '430112011211' as code").execute(&mut connection).await.unwrap();
    drop(connection);
    servers.stop().await.unwrap();

    let servers = start(folder.path()).await;
    let mut connection = connect(&servers, "registry").await;
    sqlx::query("insert into village values ('430112011210')").execute(&mut connection).await.unwrap();
    let postmaster = servers.postgres_pid().unwrap();
    kill_by_number(postmaster);
    let ended = servers.ended().await.to_string();
    assert!(ended.starts_with("PostgreSQL has ended"), "{ended}");
    servers.stop().await.unwrap();

    let servers = start(folder.path()).await;
    let mut connection = connect(&servers, "registry").await;
    let (villages,): (i64,) = sqlx::query_as("select count(*) from village").fetch_one(&mut connection).await.unwrap();
    assert_eq!(villages, 2);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn the_owner_can_make_databases_and_roles_and_is_no_superuser() {
    let folder = TempDir::new().unwrap();
    let servers = start(folder.path()).await;
    let mut connection = connect(&servers, "postgres").await;
    for statement in [
        "create database liaison",
        "create role lianxin_liaison login password 'x'",
        "create database copy template liaison",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    let mut liaison = connect(&servers, "liaison").await;
    sqlx::query("create extension btree_gist").execute(&mut liaison).await.unwrap();
    let (superuser, checksums, durable): (String, String, String) = sqlx::query_as(
        "select current_setting('is_superuser'), current_setting('data_checksums'),
                current_setting('fsync')",
    )
    .fetch_one(&mut liaison)
    .await
    .unwrap();
    assert_eq!((&*superuser, &*checksums, &*durable), ("off", "on", "off"));
    drop(liaison);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_in_use_is_refused_with_the_process_that_uses_it() {
    let folder = TempDir::new().unwrap();
    let servers = start(folder.path()).await;
    let refusal = Servers::start(folder.path(), &programs(), Durability::Memory).await.unwrap_err().to_string();
    assert!(refusal.contains(&format!("running already, under process {}", std::process::id())), "{refusal}");
    servers.stop().await.unwrap();
    start(folder.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_comes_back_on_its_port_with_its_streams_unless_wiped() {
    let folder = TempDir::new().unwrap();
    let mut servers = start(folder.path()).await;
    let address = servers.nats_url();
    streams(&servers).await.create_stream("REGISTRY").await.unwrap();

    servers.restart_nats().await.unwrap();
    streams(&servers).await.get_stream("REGISTRY").await.unwrap();
    assert_eq!(servers.nats_url(), address);

    servers.kill_nats().await.unwrap();
    assert_eq!(servers.nats_pid(), None);
    servers.restart_nats().await.unwrap();
    streams(&servers).await.get_stream("REGISTRY").await.unwrap();

    servers.wipe_nats().await.unwrap();
    servers.restart_nats().await.unwrap();
    streams(&servers).await.get_stream("REGISTRY").await.unwrap_err();
    assert_eq!(servers.nats_url(), address);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_database_server_comes_back_on_its_port_with_what_it_was_given() {
    let folder = TempDir::new().unwrap();
    let mut servers = start(folder.path()).await;
    let mut connection = connect(&servers, "postgres").await;
    sqlx::query("create database registry").execute(&mut connection).await.unwrap();
    let port = servers.postgres_port();

    servers.kill_postgres().await.unwrap();
    assert_eq!(servers.postgres_pid(), None);
    servers.restart_postgres().await.unwrap();
    assert_eq!(servers.postgres_port(), port);
    connect(&servers, "registry").await;
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn servers_that_are_only_dropped_end_too() {
    let folder = TempDir::new().unwrap();
    let servers = start(folder.path()).await;
    let processes = [servers.postgres_pid().unwrap(), servers.nats_pid().unwrap()];
    drop(servers);
    wait_for_the_end_of(&processes).await;
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_its_log() {
    let folder = TempDir::new().unwrap();
    start(folder.path()).await.stop().await.unwrap();
    fs::remove_dir_all(folder.path().join("postgres/data/global")).unwrap();
    let error = Servers::start(folder.path(), &programs(), Durability::Memory).await.unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("PostgreSQL does not start"), "{error}");
    assert!(error.contains("postgres.log ends with:") && error.contains("pg_control"), "{error}");
}

/// Whoever starts the servers may do so from any task.
#[tokio::test]
async fn starting_and_stopping_can_be_spawned() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    tokio::spawn(async move { start(&path).await.stop().await.unwrap() }).await.unwrap();
}

async fn start(folder: &Path) -> Servers {
    Servers::start(folder, &programs(), Durability::Memory).await.unwrap()
}

/// As `deploy/programs` found them.
fn programs() -> Programs {
    let folder = env::var_os("LIANXIN_TEST_PROGRAMS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.lianxin/programs"), PathBuf::from);
    Programs::read(&folder).unwrap()
}

async fn connect(servers: &Servers, database: &str) -> PgConnection {
    PgConnection::connect(&servers.postgres_url(database)).await.unwrap()
}

async fn streams(servers: &Servers) -> async_nats::jetstream::Context {
    let (user, password) = (servers.nats_user().to_owned(), servers.nats_password().to_owned());
    let client =
        async_nats::ConnectOptions::with_user_and_password(user, password).connect(servers.nats_url()).await.unwrap();
    async_nats::jetstream::new(client)
}

fn kill_by_number(process: u32) {
    kill(Pid::from_raw(process.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

async fn wait_for_the_end_of(processes: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while processes.iter().any(|process| Path::new(&format!("/proc/{process}")).exists()) {
        assert!(Instant::now() < deadline, "{processes:?} still run");
        sleep(Duration::from_millis(20)).await;
    }
}
