//! Coverage: whether everyone is linked and every seat held. It only reads. What is missing is the noun `gap`.

mod rpc;
mod store;

use chrono::NaiveDate;
use platform::{Caller, Clock, Database, Result};
use proto::names::VillageCode;

use crate::gap::Gaps;
use crate::line::rules::LineKind;

/// How well a village was covered on a day.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) village: VillageCode,
    pub(crate) as_of: NaiveDate,
    pub(crate) households: i32,
    pub(crate) linked: i32,
    pub(crate) lines: Vec<(LineKind, i32, i32)>,
    pub(crate) teams: i32,
    pub(crate) teams_complete: i32,
}

impl Measure {
    /// The part of the households that is linked; all of them when there is none.
    pub(crate) fn coverage(&self) -> f64 {
        if self.households == 0 { 1.0 } else { f64::from(self.linked) / f64::from(self.households) }
    }
}

/// The use cases of coverage.
pub(crate) struct Coverage {
    database: Database,
    clock: Clock,
    gaps: Gaps,
}

impl Coverage {
    pub(crate) fn new(database: Database, clock: Clock, gaps: Gaps) -> Self {
        Self { database, clock, gaps }
    }

    /// Whoever may see some grids only is answered for these.
    async fn measure(&self, caller: &Caller, village: &VillageCode, as_of: Option<NaiveDate>) -> Result<Measure> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        store::measure(&mut tx, village, authority.grids(), as_of.unwrap_or_else(|| self.clock.today())).await
    }
}
