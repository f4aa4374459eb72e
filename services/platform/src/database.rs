//! The one way to the database: a transaction that names its scope.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use proto::reasons;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres, Transaction};
use tokio::time::timeout;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::secret::Secret;

/// A transaction with its scope set. What is not committed is rolled back.
pub type Tx = Transaction<'static, Postgres>;

/// How long a call waits for a free connection before it is told to come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the beginning of a transaction may take. The server has nothing to do for it: without an answer by then, the
/// connection has fallen silent, as connections do that a firewall has forgotten, and TCP may take for ever to say so.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(8);
/// With no transaction begun for this long, those who hold all the connections are taken to wait for answers that never
/// come.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a stopping service says goodbye to the server. Its calls are over by then.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest statement: publishing a whole change log again takes seconds, anything beyond this is stuck.
const STATEMENT_TIMEOUT: &str = "120s";
/// Longest rest within a transaction: the relay's, while it waits for the broker. Whoever vanished lets go of their locks.
const IDLE_TIMEOUT: &str = "20s";
/// Names the lock under which one process at a time provisions a server.
const PROVISION_LOCK: i64 = 0x6c69_616e_7869_6e00;

/// A service's own database. There is no other way to a connection than [`Database::begin`].
#[derive(Clone, Debug)]
pub struct Database {
    options: PgPoolOptions,
    server: PgConnectOptions,
    current: Arc<RwLock<Current>>,
}

/// The connections in use now.
#[derive(Debug)]
struct Current {
    pool: PgPool,
    /// When a transaction was last begun, or these connections first used.
    begun: Instant,
}

impl Database {
    /// Prepares connections as `config` says; the first is made when it is needed.
    ///
    /// # Errors
    /// When the address or the password file is not readable.
    pub fn open(config: &Config) -> Result<Self> {
        Self::connect(&config.database_url, config.database_password_file.as_deref(), config.database_connections)
    }

    /// As [`Database::open`], for an operator's command.
    ///
    /// # Errors
    /// When the address or the password file is not readable.
    pub fn connect(url: &str, password_file: Option<&Path>, connections: u32) -> Result<Self> {
        let mut options: PgConnectOptions = url.parse().map_err(Error::internal)?;
        if let Some(file) = password_file {
            let password = Secret::from_file(file)
                .map_err(|error| Error::internal(format!("password file {}: {error}", file.display())))?;
            options = options.password(password.expose());
        }
        // Rows of a tenant are few and indexed: planning once for every scope is right, compiling never is.
        let options = options.options([
            ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false); // a dead connection is noticed by `begin`, without a round trip for each call
        let current = Current { pool: pool.clone().connect_lazy_with(options.clone()), begun: Instant::now() };
        Ok(Self { options: pool, server: options, current: Arc::new(RwLock::new(current)) })
    }

    /// Begins a transaction within `scope`, in one round trip.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had.
    pub async fn begin(&self, scope: &Scope) -> Result<Tx> {
        self.begin_with("begin", scope).await
    }

    /// Begins a transaction that may only read, all of it at one moment.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn begin_snapshot(&self, scope: &Scope) -> Result<Tx> {
        self.begin_with("begin isolation level repeatable read read only", scope).await
    }

    async fn begin_with(&self, begin: &'static str, scope: &Scope) -> Result<Tx> {
        // A scope is digits and commas or '*' by construction, so it can stand in the text; `set local` takes no parameters.
        let statement = format!("{begin}; set local lianxin.scope = '{scope}'");
        let pool = self.pool();
        let tx = match timeout(BEGIN_TIMEOUT, pool.begin_with(AssertSqlSafe(statement.clone()))).await {
            Ok(Ok(tx)) => tx,
            // Connections that died with a restarted server are found out one by one: forget them all,
            // and try once more. Nothing has been done yet, so nothing can be done twice.
            Ok(Err(sqlx::Error::Io(_) | sqlx::Error::Database(_))) => {
                forget_idle(&pool).await;
                begin_once(&pool, statement).await?
            }
            Ok(Err(sqlx::Error::PoolTimedOut)) if !self.is_silent() => return Err(sqlx::Error::PoolTimedOut.into()),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => begin_once(&self.renew(&pool), statement).await?,
            Ok(Err(error)) => return Err(error.into()),
        };
        self.current.write().unwrap_or_else(PoisonError::into_inner).begun = Instant::now();
        Ok(tx)
    }

    fn pool(&self) -> PgPool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).pool.clone()
    }

    /// Has nobody begun a transaction for longer than anybody may take for one?
    fn is_silent(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).begun.elapsed() > SILENCE
    }

    /// Leaves connections that have fallen silent to themselves, whoever uses them, and goes on with new ones. Their
    /// transactions are rolled back by the server when it misses them.
    fn renew(&self, silent: &PgPool) -> PgPool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // All who wait find out at about the same time: the first renews for all.
        if !silent.is_closed() {
            tracing::warn!("connections to the database have fallen silent; making new ones");
            let silent = silent.clone();
            tokio::spawn(async move { silent.close().await });
            let pool = self.options.clone().connect_lazy_with(self.server.clone());
            *current = Current { pool, begun: Instant::now() };
        }
        current.pool.clone()
    }

    /// Has the server count its rows again where many have come, so that it plans by what is there now. For whoever brings
    /// thousands at once; where few have come it does nothing.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn count_rows(&self) -> Result<()> {
        let mut tx = self.begin(&Scope::deployment()).await?;
        sqlx::query("select lianxin.count_rows()").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Does the server answer?
    pub async fn is_ready(&self) -> bool {
        let answers = async { self.pool().acquire().await?.ping().await };
        matches!(timeout(BEGIN_TIMEOUT, answers).await, Ok(Ok(())))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        // Whoever still waits for an answer is not waited for.
        let _ = timeout(CLOSE_TIMEOUT, self.pool().close()).await;
    }
}

/// Waits for work with the database that may be waiting for an answer that was lost on its way and never comes.
///
/// # Errors
/// [`Error::Unavailable`] when it takes longer than `limit`; as the work itself otherwise.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        tracing::warn!(seconds = limit.as_secs(), "the database has not answered");
        Err(Error::Unavailable { reason: reasons::UNAVAILABLE, message: "the database does not answer".to_owned() })
    })
}

async fn begin_once(pool: &PgPool, statement: String) -> Result<Tx> {
    within(BEGIN_TIMEOUT, async { Ok(pool.begin_with(AssertSqlSafe(statement)).await?) }).await
}

async fn forget_idle(pool: &PgPool) {
    while let Some(connection) = pool.try_acquire() {
        let mut connection = connection.detach();
        if matches!(timeout(ACQUIRE_TIMEOUT, connection.ping()).await, Ok(Ok(()))) {
            let _ = connection.close().await;
            break;
        }
    }
}

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
