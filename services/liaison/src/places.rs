//! What liaison knows of the registry's villages, grids, households and merchants, out of its news: the newest revision,
//! nothing personal.
//!
//! Only the reaction to news writes here; everybody else reads.

mod merchants;
mod store;
mod villages;

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate};
use platform::clock::village_day;
use platform::{Authority, Error, Result};
use proto::names::{AreaName, GridName, HouseholdName, LocalCode, NameError, VillagerGroupName};
use proto::reasons;
use proto::registry::v1 as pb;
use proto::time::naive_date;

use crate::line::rules::LineKind;

pub(crate) use merchants::{Merchant, merchants_keep};
pub(crate) use store::{
    grid_get, grids_all, grids_keep, history_keep, household_get, households_by_id, households_by_number,
    households_keep,
};
pub(crate) use villages::villages_keep;

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
        Merged = "merged",
    }
}

/// A grid, as its news tells it.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) name: GridName,
    /// None in a grid that was known before its area was kept.
    pub(crate) area: Option<LocalCode>,
    pub(crate) kind: GridKind,
    pub(crate) line: Option<LineKind>,
    pub(crate) retired: bool,
    /// The first day on which it was out of use.
    pub(crate) retired_on: Option<NaiveDate>,
    pub(crate) revision: i64,
}

impl Grid {
    /// A grid that a workbook is about to bring, for a check of what else stands in it.
    pub(crate) fn coming(name: GridName, line: Option<LineKind>) -> Self {
        // What sort of place it is decides nothing about the people who serve it.
        Self {
            name,
            area: None,
            kind: GridKind::OriginalSettlement,
            line,
            retired: false,
            retired_on: None,
            revision: 0,
        }
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
    /// Whether somebody in it needs particular care: it is visited more often. Who and why stays in the registry.
    pub(crate) key_household: bool,
    pub(crate) villager_group: Option<LocalCode>,
    pub(crate) revision: i64,
}

/// A household, as its news tells it, and the day on which it became so.
#[derive(Debug, Clone)]
pub(crate) struct HouseholdTold {
    pub(crate) household: Household,
    /// None where news does not say it.
    pub(crate) changed_on: Option<NaiveDate>,
}

/// Of each household the newest of what was told.
pub(crate) fn newest(told: &[HouseholdTold]) -> Vec<Household> {
    let mut newest: BTreeMap<&HouseholdName, &Household> = BTreeMap::new();
    for HouseholdTold { household, .. } in told {
        let kept = newest.entry(&household.name).or_insert(household);
        if household.revision > kept.revision {
            *kept = household;
        }
    }
    newest.into_values().cloned().collect()
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
        let retired = news.state == i32::from(pb::GridState::Retired);
        Ok(Self {
            name: news.name.parse().map_err(Error::internal)?,
            area: code(&news.area, |name: AreaName| name.area)?,
            kind: GridKind::read(news.kind).map_err(Error::internal)?.ok_or_else(|| unsaid("kind"))?,
            line: LineKind::read(news.line).map_err(Error::internal)?,
            retired,
            retired_on: day_of(news.change_time.map(|time| time.seconds)).filter(|_| retired),
            revision: news.revision,
        })
    }
}

impl TryFrom<pb::HouseholdChanged> for HouseholdTold {
    type Error = Error;

    fn try_from(news: pb::HouseholdChanged) -> Result<Self> {
        let changed_on = day_of(news.change_time.map(|time| time.seconds));
        let household = Household {
            name: news.name.parse().map_err(Error::internal)?,
            number: news.number,
            grid: news.grid.parse().map_err(Error::internal)?,
            kind: HouseholdKind::read(news.kind).map_err(Error::internal)?.ok_or_else(|| unsaid("kind"))?,
            outside: news.outside,
            state: HouseholdState::read(news.state).map_err(Error::internal)?.ok_or_else(|| unsaid("state"))?,
            active_since: news.active_since.as_ref().map(naive_date).transpose().map_err(Error::internal)?,
            key_household: news.key_household,
            villager_group: code(&news.villager_group, |name: VillagerGroupName| name.villager_group)?,
            revision: news.revision,
        };
        Ok(Self { household, changed_on })
    }
}

/// The day in the villages on which something happened, where news says when.
fn day_of(seconds: Option<i64>) -> Option<NaiveDate> {
    DateTime::from_timestamp(seconds?, 0).map(village_day)
}

/// The last part of a name that may be missing.
fn code<N: FromStr<Err = NameError>>(name: &str, part: impl FnOnce(N) -> LocalCode) -> Result<Option<LocalCode>> {
    if name.is_empty() { Ok(None) } else { name.parse().map(part).map(Some).map_err(Error::internal) }
}

fn unsaid(field: &str) -> Error {
    Error::internal(format!("news does not say the {field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state that is not known would make every piece of news with it a dead letter.
    #[test]
    fn every_state_of_a_household_is_known_and_only_one_has_a_link() {
        for state in (1..).map_while(|value| pb::HouseholdState::try_from(value).ok()) {
            let known = HouseholdState::read(state.into());
            assert!(matches!(known, Ok(Some(_))), "{state:?}");
            assert_eq!(known == Ok(Some(HouseholdState::Active)), state == pb::HouseholdState::Active);
        }
    }
}
