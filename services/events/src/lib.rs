//! News of records: written with them, carried by JetStream, read until everybody knows.
//!
//! An event carries the whole public view of its record after the change, with the record's revision; a
//! reader keeps the newest revision it has seen. Doubled, reordered, replayed: nothing changes.
//!
//! - [`changes`]: the change log, appended in the transaction that changes the record
//! - [`relay`]: from the change log to the stream, and again should the stream have lost it
//! - [`consumer`]: from the stream to a reader, in batches, each one transaction
//! - [`envelope`]: CloudEvents around the message
//! - [`marks`]: reading one's own writes elsewhere
//!
//! This crate knows no business noun and no other service.

mod broker;
pub mod changes;
pub mod consumer;
pub mod dead_letters;
pub mod envelope;
pub mod marks;
mod relay;

use std::sync::Arc;

use platform::{Database, Result};
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use broker::Config;
pub use changes::{Change, Changes};
pub use consumer::Reader;
pub use envelope::News;

/// The tables of this crate, to be merged with a service's own.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// A service's part in the news: what it tells, and what it reads.
pub struct Events {
    service: &'static str,
    database: Database,
    broker: broker::Broker,
    changes: Changes,
    reads: Vec<&'static str>,
    applied: Arc<Notify>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Events {
    /// Joins the broker as `service` (lower case, as in subjects). The broker may be down: what is
    /// written meanwhile waits in the change log.
    ///
    /// # Errors
    /// When the broker's address or password file is malformed.
    pub async fn join(
        config: &Config,
        service: &'static str,
        database: Database,
        shutdown: CancellationToken,
    ) -> Result<Self> {
        let wake = Arc::new(Notify::new());
        let broker = broker::Broker::join(config, service, wake.clone()).await?;
        let changes = Changes::new(wake);
        let (reads, applied, tasks) = (Vec::new(), Arc::default(), TaskTracker::new());
        Ok(Self { service, database, broker, changes, reads, applied, tasks, shutdown })
    }

    /// Where use cases append their changes.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.changes.clone()
    }

    /// Publishes this service's changes, from now until shutdown.
    pub fn relay(&self) {
        let relay = relay::Relay::new(self.service, self.database.clone(), self.broker.clone(), self.changes.clone());
        self.tasks.spawn(relay.run(self.shutdown.clone()));
    }

    /// Reads the news of `service` into `reader`, from now until shutdown.
    pub fn read<R: Reader>(&mut self, service: &'static str, reader: R) {
        self.reads.push(service);
        let consumer = consumer::Consumer::new(
            self.service,
            service,
            self.database.clone(),
            self.broker.clone(),
            self.changes.clone(),
            self.applied.clone(),
            reader,
        );
        self.tasks.spawn(consumer.run(self.shutdown.clone()));
    }

    /// The service that gives marks of this service's news.
    #[must_use]
    pub fn news_service(&self) -> marks::NewsServer {
        marks::news_service(self.service, self.database.clone(), self.broker.clone(), self.changes.clone())
    }

    /// What every call waits for: the news that its `lianxin-after` marks name.
    #[must_use]
    pub fn wait_for(&self) -> platform::server::WaitFor {
        marks::wait_for(self.service, self.reads.clone(), self.broker.clone(), self.applied.clone())
    }

    /// Waits until relay and consumers have stopped after shutdown, within a bound.
    pub async fn stopped(self) {
        const BOUND: std::time::Duration = std::time::Duration::from_secs(10);
        self.tasks.close();
        if tokio::time::timeout(BOUND, self.tasks.wait()).await.is_err() {
            tracing::warn!("news in progress was cut off; it will be read again");
        }
        self.broker.leave().await;
    }
}
