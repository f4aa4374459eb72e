//! A database of the test's own: cloned from a template that is migrated once per run.

use platform::database::Owner;
use platform::vault::rotation::Sealed;
use platform::{Config, Database, Secret};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::from_runner;

/// Names the lock under which one test at a time makes or clones a template.
const TEMPLATE_LOCK: i64 = 0x7465_6d70_6c61_7465;
/// Password of every service's role on the server of the tests.
const PASSWORD: &str = "test";

/// A cloned database, and how to reach it as the service and as the owner.
pub struct TestDatabase {
    /// As the service's own role, which row security holds.
    pub service_url: String,
    /// As the owner, whom row security holds too, and who may look at what the service may not.
    pub owner_url: String,
}

impl TestDatabase {
    /// A fresh database of `service` with its `migrations` applied.
    pub async fn of(service: &str, migrations: &Migrator) -> Self {
        // An address to which `/database` may be appended.
        let server_url = from_runner("LIANXIN_TEST_POSTGRES");
        let owner = Owner { url: format!("{server_url}/postgres") };
        let server: PgConnectOptions = owner.url.parse().unwrap();
        let template = format!("template_{service}_{:08x}", version(migrations));
        let clone = format!("test_{}", Uuid::now_v7().simple());
        let mut connection = server.connect().await.unwrap();
        sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut connection).await.unwrap();
        let role = format!("lianxin_{service}");
        let exists = sqlx::query("select 1 from pg_database where datname = $1").bind(&template);
        if exists.fetch_optional(&mut connection).await.unwrap().is_none() {
            let unfinished = format!("{template}_new");
            connection.execute(AssertSqlSafe(format!("drop database if exists {unfinished}"))).await.unwrap();
            owner.provision(&unfinished, &role, &Secret::new(PASSWORD), migrations).await.unwrap();
            connection
                .execute(AssertSqlSafe(format!("alter database {unfinished} rename to {template}")))
                .await
                .unwrap();
        }
        connection.execute(AssertSqlSafe(format!("create database {clone} template {template}"))).await.unwrap();
        connection.close().await.unwrap();
        let (host, port) = (server.get_host().to_owned(), server.get_port());
        Self {
            service_url: format!("postgres://{role}:{PASSWORD}@{host}:{port}/{clone}"),
            owner_url: format!("{server_url}/{clone}"),
        }
    }

    /// The database as the service opens it.
    pub fn open(&self, config: &Config) -> Database {
        Database::open(&Config { database_url: self.service_url.clone(), ..config.clone() }).unwrap()
    }

    /// A connection as the owner, seeing every village.
    pub async fn connect_as_owner(&self) -> PgConnection {
        let mut connection = self.owner_url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
        connection.execute("set lianxin.scope = '*'").await.unwrap();
        connection
    }
}

/// Changes with every migration's text.
fn version(migrations: &Migrator) -> u32 {
    migrations
        .iter()
        .flat_map(|migration| migration.checksum.iter())
        .fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(*byte)))
}

/// Holds what a service says it seals against the catalogue of its database: the columns named `…_sealed`, and no others.
/// One that is not named would be left behind under a key that is deleted.
///
/// # Panics
/// When they differ.
pub async fn every_sealed_column_is_named(service: &str, migrations: &Migrator, sealed: &[Sealed]) {
    let cloned = TestDatabase::of(service, migrations).await;
    let mut found: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns
          where table_schema = 'public' and column_name like '%\\_sealed'",
    )
    .fetch_all(&mut cloned.connect_as_owner().await)
    .await
    .unwrap();
    let mut named: Vec<(String, String)> = sealed
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| (table.table.to_owned(), (*column).to_owned())))
        .collect();
    found.sort();
    named.sort();
    assert_eq!(found, named, "the sealed columns of {service}, and those it names in SEALED");
}
