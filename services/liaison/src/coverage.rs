//! Coverage: whether everyone is linked and every seat held. It only reads. What is missing is the noun `gap`.

mod measure;
mod merchants;
mod rpc;
mod uncovered;

use chrono::NaiveDate;
use platform::{Caller, Clock, Database, Page, Result};
use proto::names::VillageCode;

use crate::gap::Gaps;
use measure::{Breakdown, Measure};
use uncovered::{Question, Uncovered};

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
    async fn measure(
        &self,
        caller: &Caller,
        village: &VillageCode,
        as_of: Option<NaiveDate>,
        breakdown: Option<Breakdown>,
    ) -> Result<Measure> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        let as_of = as_of.unwrap_or_else(|| self.clock.today());
        measure::measure(&mut tx, village, authority.grids(), as_of, breakdown).await
    }

    async fn uncovered(
        &self,
        caller: &Caller,
        village: &VillageCode,
        question: &Question,
        page: &Page,
    ) -> Result<(Vec<Uncovered>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let days = question.days(self.clock.today());
        let rows = uncovered::uncovered_list(&mut tx, village, authority.grids(), question, days, page).await?;
        Ok(page.cut(rows, |one| one.key.clone()))
    }
}
