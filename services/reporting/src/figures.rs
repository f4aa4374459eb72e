//! Figures of a village or a sub-district over a period, counted when they are asked for.

mod rpc;
mod rules;
mod store;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use platform::{Caller, Clock, Database, Result};
use proto::names::VillageCode;

pub(crate) use rules::{DemandState, Matter, Outcome, State};
use rules::{Period, Tally};

/// The use cases of figures.
pub(crate) struct Figures {
    database: Database,
    clock: Clock,
}

impl Figures {
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Counts a place's villages, each by itself: one question for each table, whatever the number of villages, all at
    /// one moment, so that the figures agree with each other.
    async fn count(&self, caller: &Caller, place: &str, period: Period) -> Result<BTreeMap<VillageCode, Tally>> {
        let scope = caller.over(place)?;
        let today: NaiveDate = self.clock.today();
        let mut tx = self.database.begin_snapshot(&scope).await?;
        let mut tally = store::villages_list(&mut tx, place).await?;
        if let Ok(village) = place.parse() {
            // A village that was asked for is counted even before the news of its name has come.
            tally.entry(village).or_default();
        }
        store::teams_count(&mut tx, &mut tally).await?;
        store::households_count(&mut tx, today, &mut tally).await?;
        store::merchants_count(&mut tx, &mut tally).await?;
        store::visits_count(&mut tx, period, &mut tally).await?;
        store::concerns_count(&mut tx, period, &mut tally).await?;
        store::demands_count(&mut tx, period, &mut tally).await?;
        tx.commit().await?;
        Ok(tally)
    }
}
