//! Connections that are used again, and the transaction that holds one.
//!
//! The pool is deadpool's and not sqlx's own, which asks every connection it takes back whether it still lives: a round
//! trip for each transaction. Ours is trusted after a commit; whatever ended otherwise is rolled back first, in the
//! background, and a connection that does not answer to that is thrown away.
//!
//! A read needs no transaction: the session itself may only read, and has the scope of whoever read last. Who reads within
//! the same scope soon after asks at once, in one round trip.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult};
use futures::FutureExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::error::{Error, Result};
use crate::scope::Scope;

/// How long a call waits for a free connection before it is told to come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction that was given up may take to be rolled back.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a session is taken to live since it last answered to its scope: a read on one that died meanwhile fails.
const TRUSTED: Duration = Duration::from_secs(1);
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
    pub(super) async fn begin(&self, kind: Kind, statement: String) -> std::result::Result<Tx, sqlx::Error> {
        // Held as a transaction before it is one: whoever is cut off meanwhile leaves it to be rolled back.
        let mut tx = Tx { session: Some(self.get().await?), kind };
        tx.tell(statement).await?;
        Ok(tx)
    }

    /// A session for reading within `scope`.
    pub(super) async fn read(&self, scope: &Scope) -> std::result::Result<Tx, sqlx::Error> {
        let mut session = self.get().await?;
        // Taken out while it changes: whoever is cut off meanwhile leaves a session of which nobody knows what it heard.
        let within = session.within.take().filter(|(its, told)| its == scope && told.elapsed() < TRUSTED);
        let told = within.is_some();
        let mut tx = Tx { session: Some(session), kind: Kind::Reading };
        if !told {
            // As in a transaction's beginning, a scope can stand in the text.
            tx.tell(format!("set lianxin.scope = '{scope}'")).await?;
        }
        if let Some(session) = &mut tx.session {
            session.within = within.or_else(|| Some((scope.clone(), Instant::now())));
        }
        Ok(tx)
    }

    async fn get(&self) -> std::result::Result<Object<Server>, sqlx::Error> {
        match timeout(ACQUIRE_TIMEOUT, self.pool.get()).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
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
        idle.into_iter().map(|session| session.connection).collect()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }
}

/// A connection, and what the server has been told on it.
#[derive(Debug)]
struct Session {
    connection: PgConnection,
    /// The scope of reads, and when the server was told.
    within: Option<(Scope, Instant)>,
}

/// Makes connections.
#[derive(Debug)]
struct Server(PgConnectOptions);

impl managed::Manager for Server {
    type Type = Session;
    type Error = sqlx::Error;

    /// Waits for a server that is starting, as long as the caller does.
    async fn create(&self) -> std::result::Result<Session, sqlx::Error> {
        let mut rest = RESTS.0;
        loop {
            match self.0.connect().await {
                Err(sqlx::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(sqlx::Error::Database(error)) if error.is_transient_in_connect_phase() => {}
                Err(error) => return Err(error),
                Ok(connection) => return Ok(Session { connection, within: None }),
            }
            sleep(rest).await;
            rest = (rest * 2).min(RESTS.1);
        }
    }

    async fn recycle(&self, _: &mut Session, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > OLDEST || metrics.last_used() > LONGEST_UNUSED {
            return Err(RecycleError::message("old"));
        }
        Ok(())
    }
}

/// What a connection is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A transaction that may write.
    Writing,
    /// A transaction that reads what there is at one moment.
    Snapshot,
    /// Statements without a transaction, that read.
    Reading,
}

/// A transaction with its scope set: what is not committed is rolled back, and there are no transactions within it. Or a
/// session for reading ([`Database::read`](super::Database::read)), of which every statement sees what is there when it
/// is asked.
#[derive(Debug)]
pub struct Tx {
    /// Gone when the transaction has ended.
    session: Option<Object<Server>>,
    kind: Kind,
}

impl Tx {
    /// Would the database take a write?
    pub(crate) fn may_write(&self) -> bool {
        self.kind == Kind::Writing
    }

    /// Makes what was done durable and visible.
    ///
    /// # Errors
    /// When the database refuses, or is gone: then it may have happened or not.
    pub async fn commit(mut self) -> std::result::Result<(), sqlx::Error> {
        self.execute("commit").await?;
        self.session = None;
        Ok(())
    }

    /// Undoes what was done. Dropping does the same without waiting for it.
    ///
    /// # Errors
    /// When the database is gone.
    pub async fn rollback(mut self) -> std::result::Result<(), sqlx::Error> {
        self.execute("rollback").await?;
        self.session = None;
        Ok(())
    }

    /// Tells the server something; a session in which that fails is not used again.
    async fn tell(&mut self, statement: String) -> std::result::Result<(), sqlx::Error> {
        let told = self.execute(AssertSqlSafe(statement)).await;
        if told.is_err() {
            self.session.take().map(Object::take);
        }
        told.map(|_| ())
    }
}

// A `Tx` without a connection is never seen from outside: what ends it consumes it.
#[expect(clippy::expect_used, reason = "see above")]
impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.session.as_ref().expect("a transaction holds its connection").connection
    }
}

#[expect(clippy::expect_used, reason = "as for reading")]
impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.session.as_mut().expect("a transaction holds its connection").connection
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        // Nothing is under way after a read whose answer has come whole.
        let reads = self.kind == Kind::Reading;
        if reads {
            match session.connection.flush().now_or_never() {
                Some(Ok(())) => return,
                Some(Err(_)) => return drop(Object::take(session)),
                None => {}
            }
        }
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(session));
            return;
        };
        runtime.spawn(async move {
            // It comes after whatever its holder was waiting for when they were cut off.
            let over = async {
                if reads {
                    session.connection.flush().await
                } else {
                    session.connection.execute("rollback").await.map(|_| ())
                }
            };
            if !matches!(timeout(ROLLBACK_TIMEOUT, over).await, Ok(Ok(()))) {
                drop(Object::take(session));
            }
        });
    }
}
