//! Watching gaps: first those there are, then each opening and closing as it comes. Whoever watches keeps a place in the
//! village's order, by which watching goes on after a restart, here or at another replica.

use std::time::Duration;

use platform::database::within;
use platform::{Caller, Error, Result, Scope};
use proto::names::VillageCode;
use proto::reasons;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::told::{self, Event};
use super::{Filter, Gap, Gaps};

/// Steps that may wait for a slow watcher; beyond it the reading waits too.
const WAITING: usize = 64;
/// After so long a stream ends by itself: whoever goes on watching shows a token that still holds.
const LONGEST_WATCH: Duration = Duration::from_secs(30 * 60);
/// How long the database may take over one reading.
const LONGEST_READ: Duration = Duration::from_secs(30);

/// What a watcher is told.
#[derive(Debug)]
pub(super) enum Step {
    /// A gap that was there when watching began.
    Present(Gap),
    /// A gap opened, and how far the order has come.
    Opened(Gap, i64),
    /// A gap closed, and how far the order has come.
    Closed(Gap, i64),
    /// All that had happened when watching began has been told.
    CaughtUp(i64),
}

/// What one watcher wants to know.
struct Watch {
    gaps: Gaps,
    scope: Scope,
    village: VillageCode,
    grids: Option<Vec<String>>,
    filter: Filter,
    steps: mpsc::Sender<Result<Step>>,
}

impl Gaps {
    /// Watches from now on, or from the place `from` on. It ends when the service stops, when the watcher goes away, and
    /// after half an hour.
    pub(super) async fn watch(
        &self,
        caller: &Caller,
        village: VillageCode,
        filter: Filter,
        from: Option<i64>,
    ) -> Result<mpsc::Receiver<Result<Step>>> {
        let authority = caller.within(&village)?;
        let seat = self.hub.seats.clone().try_acquire_owned().map_err(|_| Error::Unavailable {
            reason: reasons::OVERLOADED,
            message: "too many are watching at once".to_owned(),
        })?;
        let (steps, received) = mpsc::channel(WAITING);
        let watch = Watch {
            gaps: self.clone(),
            scope: authority.scope().clone(),
            village,
            grids: authority.grids(),
            filter,
            steps,
        };
        let now = watch.position().await?;
        if from.is_some_and(|from| from > now) {
            return Err(Error::field("resume_token", "is not one that this stream gave"));
        }
        let steps = watch.steps.clone();
        tokio::spawn(async move {
            let shutdown = watch.gaps.shutdown.clone();
            if let Err(error) = watch.run(from, now).await
                && !shutdown.is_cancelled()
            {
                // Whoever is too slow to hear it finds the stream at its end, and goes on from what it was told last.
                let _ = steps.try_send(Err(error));
            }
            drop(seat);
        });
        Ok(received)
    }
}

impl Watch {
    async fn run(self, from: Option<i64>, now: i64) -> Result<()> {
        let end = Instant::now() + LONGEST_WATCH;
        let mut told = self.gaps.hub.listen();
        match from {
            Some(from) => self.tell_between(from, now).await?,
            None => self.tell_present(now).await?,
        }
        self.tell(Step::CaughtUp(now)).await?;
        let mut at = now;
        loop {
            let further = |known: &std::collections::BTreeMap<VillageCode, i64>| {
                known.get(&self.village).is_some_and(|position| *position > at)
            };
            tokio::select! {
                () = self.gaps.shutdown.cancelled() => return Ok(()),
                () = self.steps.closed() => return Ok(()),
                () = sleep_until(end) => return Ok(()),
                heard = told.wait_for(further) => if heard.is_err() { return Ok(()) },
            }
            let position = self.position().await?;
            self.tell_between(at, position).await?;
            at = position;
        }
    }

    async fn position(&self) -> Result<i64> {
        within(LONGEST_READ, async {
            let mut tx = self.gaps.database.read(&self.scope).await?;
            told::position(&mut tx, &self.village).await
        })
        .await
    }

    /// Tells the gaps that were open at this place of the order.
    async fn tell_present(&self, position: i64) -> Result<()> {
        let mut after = 0;
        loop {
            let some = within(LONGEST_READ, async {
                let mut tx = self.gaps.database.read(&self.scope).await?;
                told::open_at(&mut tx, &self.village, &self.grids, &self.filter, position, after).await
            })
            .await?;
            let Some(last) = some.last() else { return Ok(()) };
            after = last.position;
            for event in some {
                self.tell(Step::Present(event.gap)).await?;
            }
        }
    }

    /// Tells what opened and closed between two places of the order.
    async fn tell_between(&self, mut after: i64, position: i64) -> Result<()> {
        loop {
            let some = within(LONGEST_READ, async {
                let mut tx = self.gaps.database.read(&self.scope).await?;
                told::events_between(&mut tx, &self.village, &self.grids, &self.filter, after, position).await
            })
            .await?;
            let Some(last) = some.last() else { return Ok(()) };
            after = last.position;
            for Event { position, closing, gap } in some {
                self.tell(if closing { Step::Closed(gap, position) } else { Step::Opened(gap, position) }).await?;
            }
        }
    }

    /// Tells a step, and waits as long as the watcher is slow. Whoever stops the service does not wait for slow watchers.
    async fn tell(&self, step: Step) -> Result<()> {
        tokio::select! {
            sent = self.steps.send(Ok(step)) => sent.map_err(|_| gone()),
            () = self.gaps.shutdown.cancelled() => Err(gone()),
        }
    }
}

fn gone() -> Error {
    Error::Unavailable { reason: reasons::UNAVAILABLE, message: "watching has ended".to_owned() }
}
