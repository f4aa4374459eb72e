//! Warns before a deadline passes, and when it has.
//!
//! Any number of replicas may watch. A look takes concerns whose alarm has come and that nobody else has, gives each the
//! warning that is due, and commits: that it was given stands in the concern, so it is given once, and whoever is cut off
//! in the middle has given none. What was put off since, or is over, is found and nothing is done.

use std::time::{Duration, Instant};

use events::Changes;
use platform::database::within;
use platform::{Authority, Caller, Clock, Database, Result, Scope};
use proto::names::ConcernName;
use tokio_util::sync::CancellationToken;

use super::deadline::Now;
use super::record::{MoveKind, Step};
use super::store;
use crate::calendar::{self, Calendars};

/// How often it looks. Deadlines are hours and days.
const INTERVAL: Duration = Duration::from_secs(2);
/// How often it reads the calendar anew.
const CALENDAR_INTERVAL: Duration = Duration::from_secs(30);
/// By when every replica has read a calendar that was changed.
const SETTLED: Duration = Duration::from_secs(60);
/// Concerns of one look.
const MOST: i64 = 100;
/// What is said when a changed calendar moves a deadline.
const RECKONED: &str = "工作日历有变动，期限重新计算";
/// How long the database may take over one look.
const LONGEST: Duration = Duration::from_secs(30);

/// Watches over the deadlines.
pub(crate) struct Watch {
    database: Database,
    changes: Changes,
    clock: Clock,
    calendars: Calendars,
    caller: Caller,
}

impl Watch {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, calendars: Calendars) -> Self {
        Self { database, changes, clock, calendars, caller: Caller::service(crate::SERVICE) }
    }

    /// Watches until shutdown.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut read: Option<Instant> = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Err(error) = self.look_at_all(&mut read).await {
                tracing::warn!(error = error.in_full(), "deadlines are not being watched; trying again");
            }
        }
    }

    async fn look_at_all(&self, read: &mut Option<Instant>) -> Result<()> {
        if read.is_none_or(|at| at.elapsed() >= CALENDAR_INTERVAL) {
            let mut tx = self.database.read(&Scope::deployment()).await?;
            self.calendars.load(&mut tx).await?;
            *read = Some(Instant::now());
        }
        while within(LONGEST, self.look()).await? {}
        while within(LONGEST, self.reckon()).await? {}
        Ok(())
    }

    /// Gives the warnings that are due; says whether there may be more.
    pub(crate) async fn look(&self) -> Result<bool> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        let at = self.clock.now();
        let ringing = store::concerns_ringing(&mut tx, at, MOST).await?;
        let more = !ringing.is_empty();
        let (mut warned, mut put_off) = (Vec::new(), Vec::new());
        for mut concern in ringing {
            let calendar = self.calendars.of(&mut tx, concern.name.village).await?;
            let warning = concern.deadline.ring(Now { at, calendar: &calendar });
            match warning {
                Some(warning) => warned.push(Step::after(concern, warning.kind(), at, |_| {})),
                None => put_off.push((concern.name, concern.deadline.alarm_at)),
            }
        }
        store::alarms_put_off(&mut tx, &put_off).await?;
        self.tell(&mut tx, &warned).await?;
        self.changes.commit(tx).await?;
        Ok(more)
    }

    /// Reckons deadlines again after a calendar was changed; says whether there may be more.
    async fn reckon(&self) -> Result<bool> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        let at = self.clock.now();
        let Some(change) = calendar::change_claim(&mut tx, at - SETTLED).await? else { return Ok(false) };
        let reached: Option<ConcernName> = change.reached.parse().ok();
        let running = store::concerns_running(&mut tx, &change.place, reached.as_ref(), MOST).await?;
        let last = running.last().map(|concern| concern.name.to_string());
        let answered: Vec<&ConcernName> =
            running.iter().filter(|one| one.deadline.respond_by.is_some()).map(|one| &one.name).collect();
        let since = store::answering_since(&mut tx, &answered).await?;
        let mut moved = Vec::new();
        for mut concern in running {
            let calendar = self.calendars.of(&mut tx, concern.name.village).await?;
            let now = Now { at, calendar: &calendar };
            let (began, since) = (concern.created_at, since.get(&concern.name).copied());
            if concern.deadline.reckon_again(began, since, now) {
                let mut step = Step::after(concern, MoveKind::Reckoned, at, |_| {});
                RECKONED.clone_into(&mut step.note);
                moved.push(step);
            }
        }
        self.tell(&mut tx, &moved).await?;
        calendar::change_reached(&mut tx, change.id, last.as_deref()).await?;
        self.changes.commit(tx).await?;
        Ok(true)
    }

    async fn tell(&self, tx: &mut platform::Tx, steps: &[Step]) -> Result<()> {
        let by: Vec<Authority> =
            steps.iter().map(|step| self.caller.within(&step.concern.name.village)).collect::<Result<_>>()?;
        store::steps_save(tx, &by.iter().zip(steps).collect::<Vec<_>>()).await?;
        let news: Vec<_> = steps.iter().map(Step::news).collect::<Result<_>>()?;
        self.changes.append_each(tx, &by.iter().zip(&news).collect::<Vec<_>>()).await
    }
}

#[cfg(test)]
mod tests;
