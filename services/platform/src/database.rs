//! The one way to the database: a transaction that names its scope.

mod connections;
mod owner;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use proto::reasons;
use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use tokio::time::timeout;

pub use self::connections::Tx;
use self::connections::{Connections, Kind};
pub use self::owner::{Owner, migrations};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::secret::Secret;

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

/// A service's own database. There is no way to a connection but within a scope: [`Database::begin`] to write,
/// [`Database::read`] to read.
#[derive(Clone, Debug)]
pub struct Database {
    server: PgConnectOptions,
    most: usize,
    current: Arc<RwLock<Current>>,
}

/// The connections in use now.
#[derive(Debug)]
struct Current {
    connections: Connections,
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
        let server = options.options([
            ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
            // A read has no transaction to say so; who writes says it when it begins one.
            ("default_transaction_read_only", "on"),
        ]);
        let most = usize::try_from(connections).map_err(Error::internal)?;
        let current = Current { connections: Connections::new(&server, most)?, begun: Instant::now() };
        Ok(Self { server, most, current: Arc::new(RwLock::new(current)) })
    }

    /// Begins a transaction within `scope`, in one round trip.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had.
    pub async fn begin(&self, scope: &Scope) -> Result<Tx> {
        self.enter(Kind::Writing, "begin read write", scope).await
    }

    /// A session within `scope` that may only read, for questions that need not be answered of one moment. Soon after a read
    /// within the same scope it takes no round trip to the server.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn read(&self, scope: &Scope) -> Result<Tx> {
        self.enter(Kind::Reading, "", scope).await
    }

    /// Begins a transaction that may only read, all of it at one moment.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn begin_snapshot(&self, scope: &Scope) -> Result<Tx> {
        self.enter(Kind::Snapshot, "begin isolation level repeatable read read only", scope).await
    }

    /// Begins a transaction of work that is done again should a crash undo it: its commit does not wait for the disk.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn begin_repeatable(&self, scope: &Scope) -> Result<Tx> {
        self.enter(Kind::Writing, "begin read write; set local synchronous_commit = off", scope).await
    }

    async fn enter(&self, kind: Kind, begin: &'static str, scope: &Scope) -> Result<Tx> {
        let connections = self.connections();
        let tx = match timeout(BEGIN_TIMEOUT, enter(&connections, kind, begin, scope)).await {
            Ok(Ok(tx)) => tx,
            // Connections that died with a restarted server are found out one by one: forget them all,
            // and try once more. Nothing has been done yet, so nothing can be done twice.
            Ok(Err(sqlx::Error::Io(_) | sqlx::Error::Database(_))) => {
                connections.forget_idle();
                enter_once(&connections, kind, begin, scope).await?
            }
            Ok(Err(sqlx::Error::PoolTimedOut)) if !self.is_silent() => return Err(sqlx::Error::PoolTimedOut.into()),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => {
                enter_once(&self.renew(&connections)?, kind, begin, scope).await?
            }
            Ok(Err(error)) => return Err(error.into()),
        };
        self.current.write().unwrap_or_else(PoisonError::into_inner).begun = Instant::now();
        Ok(tx)
    }

    fn connections(&self) -> Connections {
        self.current.read().unwrap_or_else(PoisonError::into_inner).connections.clone()
    }

    /// Has nobody begun a transaction for longer than anybody may take for one?
    fn is_silent(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).begun.elapsed() > SILENCE
    }

    /// Leaves connections that have fallen silent to themselves, whoever uses them, and goes on with new ones. Their
    /// transactions are rolled back by the server when it misses them.
    fn renew(&self, silent: &Connections) -> Result<Connections> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // All who wait find out at about the same time: the first renews for all.
        if !silent.is_closed() {
            tracing::warn!("connections to the database have fallen silent; making new ones");
            let connections = Connections::new(&self.server, self.most)?;
            drop(silent.close());
            *current = Current { connections, begun: Instant::now() };
        }
        Ok(current.connections.clone())
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
        let connections = self.connections();
        let answers = async { connections.begin(Kind::Snapshot, "begin".to_owned()).await?.rollback().await };
        matches!(timeout(BEGIN_TIMEOUT, answers).await, Ok(Ok(())))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        let idle = self.connections().close();
        // Whoever still waits for an answer is not waited for.
        let goodbyes = futures::future::join_all(idle.into_iter().map(Connection::close));
        let _ = timeout(CLOSE_TIMEOUT, goodbyes).await;
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

async fn enter(
    connections: &Connections,
    kind: Kind,
    begin: &'static str,
    scope: &Scope,
) -> std::result::Result<Tx, sqlx::Error> {
    match kind {
        Kind::Reading => connections.read(scope).await,
        // A scope is digits and commas or '*' by construction, so it can stand in the text; `set local` takes no parameters.
        _ => connections.begin(kind, format!("{begin}; set local lianxin.scope = '{scope}'")).await,
    }
}

async fn enter_once(connections: &Connections, kind: Kind, begin: &'static str, scope: &Scope) -> Result<Tx> {
    within(BEGIN_TIMEOUT, async { Ok(enter(connections, kind, begin, scope).await?) }).await
}
