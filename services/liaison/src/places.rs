//! What liaison knows of the registry's grids and households, out of its news: the newest revision, nothing personal.
//!
//! Only the reaction to news writes here; everybody else reads.

mod store;

use chrono::NaiveDate;
use platform::{Authority, Error, Result};
use proto::names::{GridName, HouseholdName};
use proto::reasons;
use proto::registry::v1 as pb;
use proto::time::naive_date;

use crate::line::rules::LineKind;

pub(crate) use store::{grid_get, grids_all, grids_keep, household_get, households_by_number, households_keep};

platform::choice! {
    /// What sort of place a grid is.
    pub(crate) enum GridKind as proto::registry::v1::GridKind {
        OriginalSettlement = "original_settlement",
        ResettlementArea = "resettlement_area",
        OutsideEstate = "outside_estate",
        ShopStreet = "shop_street",
    }
}

platform::choice! {
    /// What sort of household it is; it decides the line.
    pub(crate) enum HouseholdKind as proto::registry::v1::HouseholdKind {
        Original = "original",
        Relocated = "relocated",
        RebuiltArea = "rebuilt_area",
        Tenant = "tenant",
    }
}

platform::choice! {
    /// Whether a household counts.
    pub(crate) enum HouseholdState as proto::registry::v1::HouseholdState {
        Active = "active",
        Away = "away",
        Demolished = "demolished",
    }
}

/// A grid, as its news tells it.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) name: GridName,
    pub(crate) kind: GridKind,
    pub(crate) line: Option<LineKind>,
    pub(crate) retired: bool,
    pub(crate) revision: i64,
}

impl Grid {
    /// A grid that a workbook is about to bring, for a check of what else stands in it.
    pub(crate) fn coming(name: GridName, line: Option<LineKind>) -> Self {
        // What sort of place it is decides nothing about the people who serve it.
        Self { name, kind: GridKind::OriginalSettlement, line, retired: false, revision: 0 }
    }

    /// # Errors
    /// `GRID_RETIRED`.
    pub(crate) fn must_be_in_use(&self) -> Result<()> {
        if self.retired {
            return Err(Error::refused(reasons::GRID_RETIRED, format!("{} has been given up", self.name)));
        }
        Ok(())
    }
}

/// A household, as its news tells it.
#[derive(Debug, Clone)]
pub(crate) struct Household {
    pub(crate) name: HouseholdName,
    pub(crate) number: String,
    pub(crate) grid: GridName,
    pub(crate) kind: HouseholdKind,
    pub(crate) outside: bool,
    pub(crate) state: HouseholdState,
    pub(crate) active_since: Option<NaiveDate>,
    pub(crate) revision: i64,
}

/// The refusal of a grid that is not known.
pub(crate) fn unknown_grid(name: &GridName) -> Error {
    Error::refused(reasons::UNKNOWN_GRID, format!("{name} is not known here"))
}

/// The refusal of a household that is not known, or not the caller's to see: the two are not told apart.
pub(crate) fn unknown_household(name: &HouseholdName) -> Error {
    Error::refused(reasons::UNKNOWN_HOUSEHOLD, format!("{name} is not known here"))
}

/// The household, if it is known and the caller may see it.
///
/// # Errors
/// `UNKNOWN_HOUSEHOLD`.
pub(crate) fn seen(household: Option<Household>, name: &HouseholdName, authority: &Authority) -> Result<Household> {
    household.filter(|household| authority.sees(&household.grid.grid)).ok_or_else(|| unknown_household(name))
}

impl TryFrom<pb::GridChanged> for Grid {
    type Error = Error;

    fn try_from(news: pb::GridChanged) -> Result<Self> {
        Ok(Self {
            name: news.name.parse().map_err(Error::internal)?,
            kind: GridKind::read(news.kind).map_err(Error::internal)?.ok_or_else(|| unsaid("kind"))?,
            line: LineKind::read(news.line).map_err(Error::internal)?,
            retired: news.state == i32::from(pb::GridState::Retired),
            revision: news.revision,
        })
    }
}

impl TryFrom<pb::HouseholdChanged> for Household {
    type Error = Error;

    fn try_from(news: pb::HouseholdChanged) -> Result<Self> {
        Ok(Self {
            name: news.name.parse().map_err(Error::internal)?,
            number: news.number,
            grid: news.grid.parse().map_err(Error::internal)?,
            kind: HouseholdKind::read(news.kind).map_err(Error::internal)?.ok_or_else(|| unsaid("kind"))?,
            outside: news.outside,
            state: HouseholdState::read(news.state).map_err(Error::internal)?.ok_or_else(|| unsaid("state"))?,
            active_since: news.active_since.as_ref().map(naive_date).transpose().map_err(Error::internal)?,
            revision: news.revision,
        })
    }
}

fn unsaid(field: &str) -> Error {
    Error::internal(format!("news does not say the {field}"))
}
