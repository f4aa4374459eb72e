//! Everything of one village: out as files, or gone. Both go by the one thing that every tenant's table has, a column
//! `village`, so that a table which is added later is not forgotten.

pub mod erase;
pub mod export;
mod ledger;
mod roster;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use platform::Secret;
use proto::names::VillageCode;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::{migrate, servers};
pub(crate) use roster::Unfinished;

/// What to export.
#[derive(Debug, clap::Subcommand)]
pub enum Export {
    /// The roster of a village, as a workbook or as CSV, in a form that imports to the same state
    Roster(roster::Arguments),
    /// The ledger of a village's concerns, as a workbook or as CSV, in a form that imports to the same state
    Ledger(ledger::Arguments),
    /// Everything that the services keep of a village: a file for each table, the ledger, and what belongs to concerns and deliberations
    Village(Box<export::Arguments>),
}

/// What to erase.
#[derive(Debug, clap::Subcommand)]
pub enum Erase {
    /// Everything that the services keep of a village, for good
    Village(Box<erase::Arguments>),
}

/// Exports it.
///
/// # Errors
/// When a service, a database or the disk refuses; a file that is there is whole.
pub async fn export(command: Export) -> Result<()> {
    match command {
        Export::Roster(arguments) => roster::run(arguments).await,
        Export::Ledger(arguments) => ledger::run(arguments).await,
        Export::Village(arguments) => export::run(*arguments).await,
    }
}

/// Erases it.
///
/// # Errors
/// When it is not confirmed, or a database refuses.
pub async fn erase(command: Erase) -> Result<()> {
    match command {
        Erase::Village(arguments) => erase::run(*arguments).await,
    }
}

/// Where the databases of the services are, as their owner.
#[derive(Debug, clap::Args)]
pub(crate) struct Owned {
    /// Address of the server as its owner, for instance `postgres://lianxin_owner@db/postgres`; without one, the server
    /// of `lianxin up`
    #[arg(long, env = "LIANXIN_OWNER_DATABASE_URL")]
    owner_database_url: Option<String>,

    /// File that holds the owner's password, when the address has none
    #[arg(long, env = "LIANXIN_OWNER_DATABASE_PASSWORD_FILE")]
    owner_database_password_file: Option<PathBuf>,

    /// Folder of `lianxin up`
    #[arg(long, default_value = ".lianxin")]
    pub(crate) folder: PathBuf,
}

impl Owned {
    /// How each service's database is reached.
    pub(crate) fn databases(&self) -> Result<Databases> {
        let mut server: PgConnectOptions = match &self.owner_database_url {
            Some(url) => url.parse()?,
            None => self.of_up()?,
        };
        if let Some(file) = &self.owner_database_password_file {
            let password = Secret::from_file(file).with_context(|| format!("password file {}", file.display()))?;
            server = server.password(password.expose());
        }
        let services = migrate::services();
        Ok(services.into_iter().map(|(service, _)| (service, server.clone().database(service))).collect())
    }

    /// The server of `lianxin up`: where a service reaches it, and the owner's password beside.
    fn of_up(&self) -> Result<PgConnectOptions> {
        let secrets = self.folder.join("secrets");
        let asked = || {
            format!(
                "where are the databases? {} is no folder of lianxin up; name --owner-database-url",
                self.folder.display()
            )
        };
        let noted = std::fs::read_to_string(secrets.join("registry.env")).with_context(asked)?;
        let url = noted.lines().find_map(|line| line.strip_prefix("LIANXIN_DATABASE_URL=")).with_context(asked)?;
        let password = Secret::from_file(&secrets.join(servers::postgres::OWNER_SECRET)).with_context(asked)?;
        let server: PgConnectOptions = url.parse()?;
        Ok(server.username(servers::postgres::OWNER).password(password.expose()))
    }
}

/// The services with their databases.
pub type Databases = BTreeMap<&'static str, PgConnectOptions>;

/// Connects to a service's database, seeing this village and no other, and as long as it takes.
async fn open(database: &PgConnectOptions, village: &VillageCode) -> Result<PgConnection> {
    let mut connection = database.connect().await?;
    // A village code is digits by construction; `set` takes no parameters.
    let scope = format!("set lianxin.scope = '{village}'");
    sqlx::query(sqlx::AssertSqlSafe(scope)).execute(&mut connection).await?;
    Ok(connection)
}

/// The tables of a database that have a village, those that refer to others before the others.
async fn tables(connection: &mut PgConnection) -> Result<Vec<String>> {
    let all: Vec<String> = sqlx::query_scalar(
        "select c.relname::text
           from pg_class c
           join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
           join pg_attribute a on a.attrelid = c.oid and a.attname = 'village' and not a.attisdropped
          where c.relkind in ('r', 'p') and not c.relispartition
          order by c.relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let references: Vec<(String, String)> = sqlx::query_as(
        "select c.conrelid::regclass::text, c.confrelid::regclass::text
           from pg_constraint c where c.contype = 'f' and c.conrelid <> c.confrelid",
    )
    .fetch_all(connection)
    .await?;
    in_order(all, &references)
}

/// Each table after those that refer to it.
fn in_order(tables: Vec<String>, references: &[(String, String)]) -> Result<Vec<String>> {
    let mut left: BTreeSet<String> = tables.into_iter().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let is_referred = |table: &String| references.iter().any(|(from, to)| to == table && left.contains(from));
        let Some(free) = left.iter().find(|table| !is_referred(table)).cloned() else {
            bail!("tables refer to one another in a circle: {left:?}");
        };
        left.remove(&free);
        order.push(free);
    }
    Ok(order)
}

/// How many rows of a village a table has.
async fn count(connection: &mut PgConnection, table: &str, village: &VillageCode) -> Result<i64> {
    let statement = format!("select count(*) from \"{table}\" where village = $1");
    let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(village.as_str()).fetch_one(connection).await?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_table_comes_after_those_that_refer_to_it() {
        let tables = ["grid", "household", "resident", "village"].map(str::to_owned).to_vec();
        let refers = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let references = [refers("resident", "household"), refers("household", "grid"), refers("grid", "village")];
        assert_eq!(in_order(tables.clone(), &references).unwrap(), ["resident", "household", "grid", "village"]);
        let circle = [refers("grid", "village"), refers("village", "grid")];
        assert!(in_order(tables, &circle).is_err());
    }
}
