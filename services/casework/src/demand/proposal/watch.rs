//! Proposes by itself: soon after concerns of a kind were reported here or a demand of it has changed, and of all villages from
//! time to time, for what was lost with a process, or has lapsed.
//!
//! Any number of replicas may watch. A look writes what has changed and nothing else, and two looks at a village come one
//! after the other: so whoever is cut off in the middle has proposed nothing, and nobody proposes twice.

use std::time::{Duration, Instant};

use platform::database::within;
use platform::{Clock, Database, Result, Scope};
use proto::names::VillageCode;
use tokio_util::sync::CancellationToken;

use super::store;
use crate::concern::{Kind, Stirred};

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Kinds of one time: with a flood of reports it is content with looking at each now and then, and leaves the database to them.
const KINDS: usize = 5;
/// Villages of one time, of those that are gone through.
const VILLAGES: i64 = 20;
/// How long it rests after all villages were gone through.
const ROUND: Duration = Duration::from_secs(30 * 60);
/// How long the database may take over one look.
const LONGEST: Duration = Duration::from_secs(30);

/// Looks for what several households raise.
pub(crate) struct Watch {
    database: Database,
    clock: Clock,
    stirred: Stirred,
}

/// How far it has gone through the villages.
enum Round {
    /// Past all up to this one.
    Reached(String),
    /// Past all of them, at this time.
    Done(Instant),
}

impl Watch {
    pub(crate) fn new(database: Database, clock: Clock, stirred: Stirred) -> Self {
        Self { database, clock, stirred }
    }

    /// Watches until shutdown.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut round = Round::Reached(String::new());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Err(error) = self.look_at_some(&mut round).await {
                tracing::warn!(error = error.in_full(), "common demands are not being proposed; trying again");
            }
        }
    }

    async fn look_at_some(&self, round: &mut Round) -> Result<()> {
        for (village, kind) in self.stirred.take(KINDS) {
            within(LONGEST, self.look(village, Some(&kind))).await?;
        }
        let reached = match round {
            Round::Reached(village) => village.clone(),
            Round::Done(at) if at.elapsed() < ROUND => return Ok(()),
            Round::Done(_) => String::new(),
        };
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        let villages = store::villages_find(&mut tx, &reached, VILLAGES).await?;
        drop(tx);
        for village in &villages {
            within(LONGEST, self.look(village.parse().map_err(platform::Error::internal)?, None)).await?;
            *round = Round::Reached(village.clone());
        }
        if villages.is_empty() {
            *round = Round::Done(Instant::now());
        }
        Ok(())
    }

    async fn look(&self, village: VillageCode, only: Option<&Kind>) -> Result<()> {
        let mut tx = self.database.begin_repeatable(&Scope::villages([village])).await?;
        super::look(&mut tx, village, only, self.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}
