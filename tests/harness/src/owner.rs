//! Stands for another service whose news the service under test reads: a real change log and relay.

use events::{Change, Events};
use platform::{Caller, Database, Scope};
use proto::events::Event;
use tokio_util::sync::CancellationToken;

use crate::stage::Stage;
use crate::{TestDatabase, wait_for};

/// The owner of other records.
pub struct Owner {
    events: Events,
    cloned: TestDatabase,
    database: Database,
    shutdown: CancellationToken,
}

impl Owner {
    pub(crate) async fn of(stage: &Stage, service: &'static str) -> Self {
        let cloned = TestDatabase::of("teller", &platform::database::migrations(&[&events::MIGRATIONS])).await;
        let database = cloned.open(&stage.platform_config(&cloned.service_url));
        let shutdown = CancellationToken::new();
        let events = Events::join(&stage.events_config(), service, database.clone(), shutdown.clone()).await.unwrap();
        events.relay();
        Self { events, cloned, database, shutdown }
    }

    /// Tells this news.
    pub async fn tells<E: Event>(&self, news: &[E]) {
        let Some(first) = news.first() else { return };
        let village = first.name().split('/').nth(1).unwrap().parse().unwrap();
        let authority = Caller::service("test").within(&village).unwrap();
        let mut tx = self.database.begin(&Scope::deployment()).await.unwrap();
        let changes: Vec<Change> = news.iter().map(|one| Change::of(one).unwrap()).collect();
        self.events.changes().append(&mut tx, &authority, &changes).await.unwrap();
        self.events.changes().commit(tx).await.unwrap();
    }

    /// Waits until everything told is published.
    pub async fn published(&self) {
        wait_for("everything told to be published", || async {
            let mut tx = self.database.begin(&Scope::deployment()).await.unwrap();
            let left = sqlx::query_scalar::<_, i64>("select count(*) from outbox");
            left.fetch_one(&mut *tx).await.unwrap() == 0
        })
        .await;
    }

    /// Its database, from outside.
    pub fn test_database(&self) -> &TestDatabase {
        &self.cloned
    }

    /// Its database, as it uses it.
    pub fn database(&self) -> Database {
        self.database.clone()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
