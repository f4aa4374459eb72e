//! Connections that are used again, and the transaction that holds one.
//!
//! The pool is deadpool's and not sqlx's own, which asks every connection it takes back whether it still lives: a round
//! trip for each transaction. Ours is trusted after a commit; whatever ended otherwise is rolled back first, in the
//! background, and a connection that does not answer to that is thrown away.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::error::{Error, Result};

/// How long a call waits for a free connection before it is told to come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction that was given up may take to be rolled back.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(8);
/// First and longest rest before a server that is starting is asked again.
const RESTS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// A connection older than this, or unused for that long, is made anew: its memory in the server grows with what was asked.
const OLDEST: Duration = Duration::from_secs(30 * 60);
const LONGEST_UNUSED: Duration = Duration::from_secs(10 * 60);

/// The connections of a process to its database.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: Pool<Server>,
}

impl Connections {
    /// Up to `most` connections, made when they are needed.
    pub(super) fn new(server: &PgConnectOptions, most: usize) -> Result<Self> {
        // The last one used is the next: its caches are warm, and those that are too many grow old.
        let pool = Pool::builder(Server(server.clone())).max_size(most).queue_mode(QueueMode::Lifo);
        Ok(Self { pool: pool.build().map_err(Error::internal)? })
    }

    /// Begins a transaction with a statement of the caller's.
    pub(super) async fn begin(&self, statement: String) -> std::result::Result<Tx, sqlx::Error> {
        let connection = match timeout(ACQUIRE_TIMEOUT, self.pool.get()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(PoolError::Backend(error))) => return Err(error),
            Ok(Err(PoolError::Closed)) => return Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => return Err(sqlx::Error::PoolTimedOut),
        };
        // Held as a transaction before it is one: whoever is cut off meanwhile leaves it to be rolled back.
        let mut tx = Tx { connection: Some(connection) };
        match tx.execute(AssertSqlSafe(statement)).await {
            Ok(_) => Ok(tx),
            Err(error) => {
                tx.connection.take().map(Object::take);
                Err(error)
            }
        }
    }

    /// Forgets the connections that nobody uses.
    pub(super) fn forget_idle(&self) {
        drop(self.pool.retain(|_, _| false));
    }

    /// Gives no more connections out, and hands over those that nobody uses.
    pub(super) fn close(&self) -> Vec<PgConnection> {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        idle
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }
}

/// Makes connections.
#[derive(Debug)]
struct Server(PgConnectOptions);

impl managed::Manager for Server {
    type Type = PgConnection;
    type Error = sqlx::Error;

    /// Waits for a server that is starting, as long as the caller does.
    async fn create(&self) -> std::result::Result<PgConnection, sqlx::Error> {
        let mut rest = RESTS.0;
        loop {
            match self.0.connect().await {
                Err(sqlx::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(sqlx::Error::Database(error)) if error.is_transient_in_connect_phase() => {}
                connected => return connected,
            }
            sleep(rest).await;
            rest = (rest * 2).min(RESTS.1);
        }
    }

    async fn recycle(&self, _: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > OLDEST || metrics.last_used() > LONGEST_UNUSED {
            return Err(RecycleError::message("old"));
        }
        Ok(())
    }
}

/// A transaction with its scope set. What is not committed is rolled back. There are no transactions within it.
#[derive(Debug)]
pub struct Tx {
    /// Gone when the transaction has ended.
    connection: Option<Object<Server>>,
}

impl Tx {
    /// Makes what was done durable and visible.
    ///
    /// # Errors
    /// When the database refuses, or is gone: then it may have happened or not.
    pub async fn commit(mut self) -> std::result::Result<(), sqlx::Error> {
        self.execute("commit").await?;
        self.connection = None;
        Ok(())
    }

    /// Undoes what was done. Dropping does the same without waiting for it.
    ///
    /// # Errors
    /// When the database is gone.
    pub async fn rollback(mut self) -> std::result::Result<(), sqlx::Error> {
        self.execute("rollback").await?;
        self.connection = None;
        Ok(())
    }
}

// A `Tx` without a connection is never seen from outside: what ends it consumes it.
#[expect(clippy::expect_used, reason = "see above")]
impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("a transaction holds its connection")
    }
}

#[expect(clippy::expect_used, reason = "as for reading")]
impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a transaction holds its connection")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        runtime.spawn(async move {
            // It comes after whatever its holder was waiting for when they were cut off.
            if !matches!(timeout(ROLLBACK_TIMEOUT, connection.execute("rollback")).await, Ok(Ok(_))) {
                drop(Object::take(connection));
            }
        });
    }
}
