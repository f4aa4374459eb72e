//! Coverage: whether everyone is linked and every seat held. It only reads.

mod rpc;
mod store;

use chrono::NaiveDate;
use platform::{Caller, Clock, Database, Page, Result};
use proto::names::{GridCode, HouseholdName, VillageCode};

use crate::line::rules::LineKind;
use crate::team::rules::Seat;

platform::choice! {
    /// What is missing.
    pub(crate) enum GapKind as proto::liaison::v1::GapKind {
        HouseholdWithoutLink = "household",
        VacantSeat = "seat",
    }
}

/// Something missing.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    pub(crate) grid: GridCode,
    pub(crate) what: Missing,
    /// Its place in the list: households first, then seats, both in the order of their grids.
    pub(crate) key: String,
}

/// What is missing, and of whom.
#[derive(Debug, Clone)]
pub(crate) enum Missing {
    Link { household: HouseholdName, number: String },
    Holder { seat: Seat },
}

/// Which gaps a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) kind: Option<GapKind>,
    pub(crate) grid: Option<GridCode>,
}

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
}

impl Coverage {
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Whoever may see some grids only is answered for these.
    async fn measure(&self, caller: &Caller, village: &VillageCode, as_of: Option<NaiveDate>) -> Result<Measure> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        store::measure(&mut tx, village, authority.grids(), as_of.unwrap_or_else(|| self.clock.today())).await
    }

    async fn gaps(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Gap>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let rows = store::gap_list(&mut tx, village, authority.grids(), filter, self.clock.today(), page).await?;
        Ok(page.cut(rows, |gap| gap.key.clone()))
    }
}
