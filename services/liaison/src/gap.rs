//! Gaps: households that nobody serves, vacant seats, and absences in which nobody stands in.
//!
//! What is missing now, and what was from which day to which, is read from the records themselves, so that both are right at
//! any moment and agree with coverage. The news of openings and closings comes from a keeper that looks at the records behind
//! the commits ([`keeper`]).

pub(crate) mod keeper;
pub(crate) mod rpc;
mod store;
mod told;
mod watch;

use chrono::NaiveDate;
use platform::{Caller, Clock, Database, Page, Result};
use proto::names::{GridCode, HouseholdName, MemberName, VillageCode};
use tokio_util::sync::CancellationToken;

use crate::team::rules::Seat;
use keeper::Hub;

platform::choice! {
    /// What is missing.
    pub(crate) enum GapKind as proto::liaison::v1::GapKind {
        HouseholdWithoutLink = "household",
        VacantSeat = "seat",
        AbsentWithoutStandIn = "absence",
    }
}

/// Something missing.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    pub(crate) grid: GridCode,
    pub(crate) what: Missing,
    /// The first day on which it was missing.
    pub(crate) since: NaiveDate,
    /// The day on which it no longer was; none while it is.
    pub(crate) until: Option<NaiveDate>,
    /// Its place in the list.
    pub(crate) key: String,
}

/// What is missing, and of whom.
#[derive(Debug, Clone)]
pub(crate) enum Missing {
    /// A link of a household.
    Link { household: HouseholdName, number: String },
    /// The holder of a seat; with who held it last, and whether that member's term ended.
    Holder { seat: Seat, last: Option<MemberName>, term_ended: bool },
    /// A stand-in for the holder of a seat.
    StandIn { seat: Seat, absent: MemberName },
}

impl Gap {
    /// How many days it has been open, or was.
    pub(crate) fn days(&self, today: NaiveDate) -> i64 {
        (self.until.unwrap_or(today) - self.since).num_days().max(0)
    }
}

/// Which gaps are shown.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) kind: Option<GapKind>,
    pub(crate) grid: Option<GridCode>,
}

/// The use cases of gaps.
#[derive(Clone)]
pub(crate) struct Gaps {
    database: Database,
    clock: Clock,
    hub: Hub,
    shutdown: CancellationToken,
}

impl Gaps {
    pub(crate) fn new(database: Database, clock: Clock, hub: Hub, shutdown: CancellationToken) -> Self {
        Self { database, clock, hub, shutdown }
    }

    /// What is missing today.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Gap>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let rows = store::gap_list(&mut tx, village, authority.grids(), filter, self.clock.today(), page).await?;
        Ok(page.cut(rows, |gap| gap.key.clone()))
    }

    /// What was missing and no longer is, closed in these days.
    pub(crate) async fn closed(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        (first, last): (Option<NaiveDate>, Option<NaiveDate>),
        page: &Page,
    ) -> Result<(Vec<Gap>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let today = self.clock.today();
        let days = (first, last.map_or(today, |last| last.min(today)));
        let rows = store::gaps_closed(&mut tx, village, authority.grids(), filter, days, page).await?;
        Ok(page.cut(rows, |gap| gap.key.clone()))
    }

    pub(crate) fn today(&self) -> NaiveDate {
        self.clock.today()
    }
}
