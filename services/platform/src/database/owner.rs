//! What the owner of a server prepares for a service: database, role, tables.

use std::borrow::Cow;

use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::error::{Error, Result};
use crate::secret::Secret;

/// Names the lock under which one process at a time provisions a server.
const PROVISION_LOCK: i64 = 0x6c69_616e_7869_6e00;

/// Where an owner of the server prepares what a service needs.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Address of the server, as the owner; its database is any that exists.
    pub url: String,
}

impl Owner {
    /// Creates the service's database and login role if they do not exist, sets the role's password,
    /// and brings the tables up to date. Safe to run again, and by several at once.
    ///
    /// # Errors
    /// When the server refuses, or a migration that was applied has changed since.
    pub async fn provision(&self, database: &str, role: &str, password: &Secret, migrations: &Migrator) -> Result<()> {
        let (database, role) = (identifier(database)?, identifier(role)?);
        let options: PgConnectOptions = self.url.parse().map_err(Error::internal)?;
        let mut server = PgConnection::connect_with(&options).await?;
        sqlx::query("select pg_advisory_lock($1)").bind(PROVISION_LOCK).execute(&mut server).await?;
        create_missing(
            &mut server,
            "select 1 from pg_roles where rolname = $1",
            "lianxin_service",
            "create role lianxin_service nologin",
        )
        .await?;
        create_missing(
            &mut server,
            "select 1 from pg_roles where rolname = $1",
            role,
            &format!("create role {role} login in role lianxin_service"),
        )
        .await?;
        let password = password.expose().replace('\'', "''");
        server.execute(AssertSqlSafe(format!("alter role {role} password '{password}'"))).await?;
        create_missing(
            &mut server,
            "select 1 from pg_database where datname = $1",
            database,
            &format!("create database {database} template template0 encoding 'UTF8' locale 'C.UTF-8'"),
        )
        .await?;
        server.execute(AssertSqlSafe(format!("revoke all on database {database} from public"))).await?;
        server.execute(AssertSqlSafe(format!("grant connect on database {database} to {role}"))).await?;
        let mut connection = PgConnection::connect_with(&options.database(database)).await?;
        migrations.run(&mut connection).await.map_err(Error::internal)?;
        connection.close().await?;
        server.close().await?;
        Ok(())
    }
}

async fn create_missing(server: &mut PgConnection, exists: &'static str, name: &str, create: &str) -> Result<()> {
    if sqlx::query(exists).bind(name).fetch_optional(&mut *server).await?.is_none() {
        server.execute(AssertSqlSafe(create.to_owned())).await?;
    }
    Ok(())
}

/// Database and role names are ours, but they stand in the text of statements: letters, digits, `_`.
fn identifier(name: &str) -> Result<&str> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && !name.is_empty() { Ok(name) } else { Err(Error::internal(format!("{name:?} is not a plain name"))) }
}

/// The migrations of a service: those of every service first, then its own.
#[must_use]
pub fn migrations(parts: &[&Migrator]) -> Migrator {
    static TENANCY: Migrator = sqlx::migrate!("./migrations");
    let mut all: Vec<Migration> = TENANCY.iter().cloned().collect();
    all.extend(parts.iter().flat_map(|part| part.iter().cloned()));
    all.sort_by_key(|migration| migration.version);
    Migrator { migrations: Cow::Owned(all), ..Migrator::DEFAULT }
}
