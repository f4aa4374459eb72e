//! Terms that run out. On the first day no longer in a term, seats become vacant and households gaps, unless they were
//! handed over before: access ends with the term, and everybody sees what is missing.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use events::{Change, Changes};
use platform::database::within;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Result, Scope, Tx, Vault};
use proto::names::VillageCode;
use proto::reasons;
use tokio_util::sync::CancellationToken;

use super::entrance::{Record, Step, StepKind};
use super::rules::{Member, leave, stop_representing};
use super::{steps, store};
use crate::link;
use crate::team::handover::rules::{Order, Part};
use crate::team::rules::Seat;
use crate::team::{handover, seating};

/// How often it is looked whether a new day has come.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long one look may take, with all the villages in which a term ends on one day.
const LONGEST: Duration = Duration::from_secs(120);
/// Why households that had chosen the member go to others; clerks read it.
const REASON: &str = "任期届满";

/// Ends terms in one process. Any number of replicas may: each village is locked, and what has ended is not due again.
pub(crate) struct Terms {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Terms {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut day = None;
        loop {
            let today = self.clock.today();
            if day != Some(today) {
                match within(LONGEST, self.end_due(today)).await {
                    Ok(()) => day = Some(today),
                    Err(error) => tracing::warn!(error = error.in_full(), "terms are not ended; trying again"),
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn end_due(&self, today: NaiveDate) -> Result<()> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        seating::seatings_heal(&mut tx, today).await?;
        let villages = store::villages_due(&mut tx, today).await?;
        tx.commit().await?;
        for village in villages {
            self.end_in(&village, today).await?;
        }
        Ok(())
    }

    /// Ends what is due in one village, in one transaction.
    async fn end_in(&self, village: &VillageCode, today: NaiveDate) -> Result<()> {
        let by = Caller::service(crate::SERVICE).within(village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        link::lock(&mut tx, [*village]).await?;
        let now = self.clock.now();
        for member in store::members_due(&mut tx, &keys, village, today).await? {
            let changes = end(&mut tx, &keys, &by, member, today, now).await?;
            self.changes.append(&mut tx, &by, &changes).await?;
        }
        self.changes.commit(tx).await
    }
}

/// Ends the term of one member on the day it runs out; the term as representative, if only that one has.
async fn end(
    tx: &mut Tx,
    keys: &VillageKeys,
    by: &Authority,
    member: Member,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    let representing = member.representing.map(|term| term.end);
    // Whoever has laid down the other office meanwhile serves in none any more.
    let is_last = member.offices.len() == 1;
    let whole = member.term_end.filter(|end| *end <= today).or(representing.filter(|_| is_last));
    let day = whole.or(representing).unwrap_or(today);
    // No seat named is every seat.
    let seats = if whole.is_some() { [].into() } else { [Seat::Representative].into() };
    let everything = Part { successor: None, grids: [].into(), seats, households_only: false };
    let order = Order {
        member: member.name.clone(),
        parts: vec![everything],
        day: Some(day),
        reason: REASON.to_owned(),
        preview: None,
    };
    let mut changes = match handover::plan(tx, keys, &order, now, today).await {
        Ok(plan) => handover::carry_out(tx, &plan).await?,
        // There is nothing to leave.
        Err(Error::Refused { reason: reasons::ILLEGAL_MOVE, .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    // Whoever stands in for somebody serves on all of those days, so that nobody is left alone by a term that runs out.
    let (member, change) = match whole {
        Some(_) => leave(member, Step::EndTerm, day, &[], &[], now, today)?,
        None => stop_representing(member, now)?,
    };
    store::members_update(tx, keys, std::slice::from_ref(&member)).await?;
    let record = Record::of(StepKind::TermEnded, day, REASON.to_owned());
    steps::steps_insert(tx, by, &[(&member.name, &record)], now).await?;
    changes.push(change);
    Ok(changes)
}
