//! Notices which gaps opened and closed, for those who watch: woken by every commit of this process, by the clock for those
//! of others, and by each new day, on which absences and terms begin and end by themselves. Any number of replicas may keep.
//! It decides nothing: what is missing, and since when, the records say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use events::Changes;
use platform::database::within;
use platform::{Clock, Database, Result, Scope};
use proto::names::VillageCode;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::told;

/// It looks this often even if nobody rings: for commits of other replicas, and for the new day.
const INTERVAL: Duration = Duration::from_millis(500);
/// Of the time it keeps looking under load, it rests three times as long as it looked, and this long at most: whoever
/// watches hears of a gap within a second.
const LONGEST_REST: Duration = Duration::from_millis(400);
/// How long the database may take over one village: a hundred thousand households take seconds.
const LONGEST: Duration = Duration::from_secs(30);
/// Rest after the database did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many may watch at once, each of whom takes some memory and, when something happens, a connection.
const WATCHERS: usize = 256;

/// Where the keeper tells how far the order of each village has come, and watchers wait for it.
#[derive(Clone)]
pub(crate) struct Hub {
    positions: watch::Sender<BTreeMap<VillageCode, i64>>,
    pub(super) seats: Arc<Semaphore>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self { positions: watch::Sender::default(), seats: Arc::new(Semaphore::new(WATCHERS)) }
    }

    pub(super) fn listen(&self) -> watch::Receiver<BTreeMap<VillageCode, i64>> {
        self.positions.subscribe()
    }

    fn is_watched(&self) -> bool {
        self.seats.available_permits() < WATCHERS
    }

    /// Tells positions, and wakes whoever waits if one of them is further than was known.
    fn tell(&self, positions: impl IntoIterator<Item = (VillageCode, i64)>) {
        self.positions.send_if_modified(|known| {
            let mut further = false;
            for (village, position) in positions {
                let before = known.insert(village, position);
                further |= before.is_none_or(|before| before < position);
            }
            further
        });
    }
}

/// The keeper of one process.
pub(crate) struct Keeper {
    database: Database,
    changes: Changes,
    clock: Clock,
    hub: Hub,
}

impl Keeper {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, hub: Hub) -> Self {
        Self { database, changes, clock, hub }
    }

    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let (mut day, mut told) = (None, Instant::now());
        while !shutdown.is_cancelled() {
            let begun = Instant::now();
            let rest = match self.look(&mut day, &mut told, &shutdown).await {
                Ok(()) => (begun.elapsed() * 3).min(LONGEST_REST),
                Err(error) => {
                    tracing::warn!(error = error.in_full(), "gaps are not kept up; trying again");
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = async { tokio::time::sleep(rest).await; self.changes.committed().await } => {}
                () = tokio::time::sleep(rest.max(INTERVAL)) => {}
            }
        }
    }

    /// Looks at every village that has changed, once.
    async fn look(&self, day: &mut Option<NaiveDate>, told: &mut Instant, shutdown: &CancellationToken) -> Result<()> {
        let today = self.clock.today();
        if *day != Some(today) {
            within(LONGEST, self.turn()).await?;
            *day = Some(today);
        }
        let mut after = String::new();
        while !shutdown.is_cancelled()
            && let Some((village, position)) = within(LONGEST, self.settle_next(&after)).await?
        {
            self.hub.tell([(village, position)]);
            after = village.to_string();
        }
        // What other replicas kept.
        if self.hub.is_watched() && told.elapsed() >= INTERVAL {
            let mut tx = self.database.begin(&Scope::deployment()).await?;
            let positions = within(LONGEST, told::positions(&mut tx)).await?;
            self.hub.tell(positions);
            *told = Instant::now();
        }
        Ok(())
    }

    /// A new day: what begins or ends by its date does so without anybody writing.
    async fn turn(&self) -> Result<()> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        told::all_changed(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn settle_next(&self, after: &str) -> Result<Option<(VillageCode, i64)>> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        let Some(looked) = told::village_take(&mut tx, after).await? else { return Ok(None) };
        let (village, position) = told::gaps_settle(&mut tx, &looked, self.clock.today(), self.clock.now()).await?;
        tx.commit().await?;
        Ok(Some((village, position)))
    }
}
