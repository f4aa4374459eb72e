//! What a household is and how it changes. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::clock::village_day;
use platform::{Error, Result};
use proto::names::{GridCode, GridName, HouseholdName, LocalCode, VillageCode, VillagerGroupName};
use proto::reasons;
use proto::registry::v1 as pb;
use proto::registry::v1::household_changed::Happened;
use proto::time::{date, timestamp};
use uuid::Uuid;
use workbook::formats::{CitizenId, Telephone};

use crate::grid::Grid;
use crate::grid::rules as grids;

platform::choice! {
    /// What sort of household it is; it decides the line.
    pub(crate) enum Kind as proto::registry::v1::HouseholdKind {
        Original = "original",
        Relocated = "relocated",
        RebuiltArea = "rebuilt_area",
        Tenant = "tenant",
    }
}

platform::choice! {
    /// Whether a household counts.
    pub(crate) enum State as proto::registry::v1::HouseholdState {
        Active = "active",
        Away = "away",
        Demolished = "demolished",
        Merged = "merged",
    }
}

impl State {
    /// May people live in it, and may it be changed?
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Away)
    }
}

/// More people than any household has; a larger number is a slip of the pen.
pub(crate) const MOST_PERSONS: i32 = 1000;

/// Households with one of these tags are visited twice a month. Villages write 独居 and 独居老人 alike: what counts is
/// how the tag begins.
const KEY_TAGS: &[&str] = &["独居", "留守", "残疾", "低保", "特困", "五保", "孤儿"];

/// A household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Household {
    pub(crate) name: HouseholdName,
    pub(crate) facts: Facts,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What the village knows of a household, and may correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) number: String,
    pub(crate) head_name: String,
    pub(crate) citizen_id: Option<CitizenId>,
    pub(crate) head_party_member: bool,
    pub(crate) head_pension_due_on: Option<NaiveDate>,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) registered_persons: i32,
    pub(crate) villager_group: Option<LocalCode>,
    pub(crate) kind: Kind,
    pub(crate) grid: GridCode,
    pub(crate) address: Option<String>,
    pub(crate) current_address: Option<String>,
    pub(crate) outside: bool,
    pub(crate) tags: Vec<String>,
    /// The special care that its residents need, each tag once. It follows from them.
    pub(crate) resident_tags: Vec<String>,
    pub(crate) verified_on: Option<NaiveDate>,
    pub(crate) active_since: Option<NaiveDate>,
    pub(crate) state: State,
}

/// A household to be entered.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) village: VillageCode,
    pub(crate) id: Option<Uuid>,
    pub(crate) facts: Facts,
}

/// A change that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: HouseholdName,
    pub(crate) expected: Option<i64>,
    pub(crate) amendment: Amendment,
}

/// What a change says; a field that it does not mention stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Amendment {
    pub(crate) number: Option<String>,
    pub(crate) head_name: Option<String>,
    pub(crate) citizen_id: Option<Option<CitizenId>>,
    pub(crate) head_party_member: Option<bool>,
    pub(crate) head_pension_due_on: Option<Option<NaiveDate>>,
    pub(crate) telephone: Option<Option<Telephone>>,
    pub(crate) registered_persons: Option<i32>,
    pub(crate) villager_group: Option<Option<LocalCode>>,
    pub(crate) kind: Option<Kind>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) address: Option<Option<String>>,
    pub(crate) current_address: Option<Option<String>>,
    pub(crate) outside: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) verified_on: Option<Option<NaiveDate>>,
    pub(crate) active_since: Option<Option<NaiveDate>>,
}

/// Somebody confirmed a household's facts.
#[derive(Debug, Clone)]
pub(crate) struct Verification {
    pub(crate) name: HouseholdName,
    pub(crate) expected: Option<i64>,
    pub(crate) day: Option<NaiveDate>,
}

/// Which households a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) grid: Option<GridCode>,
    pub(crate) kind: Option<Kind>,
    pub(crate) number: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) state: Option<State>,
    pub(crate) villager_group: Option<LocalCode>,
    pub(crate) outside: Option<bool>,
    pub(crate) head_party_member: Option<bool>,
    pub(crate) head_pension_due_by: Option<NaiveDate>,
}

/// Why a household may not be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No household is put into a grid that was given up.
    GridRetired,
    /// Facts are confirmed on a day that has come.
    InTheFuture,
    /// A tenant lives in the village for rent.
    TenantOutside,
    /// What was merged or demolished accepts nothing more.
    Closed,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::GridRetired => Self::refused(reasons::GRID_RETIRED, "the grid has been given up"),
            Refusal::InTheFuture => Self::refused(reasons::IN_THE_FUTURE, "the day of the confirmation is yet to come"),
            Refusal::TenantOutside => Self::field("household.outside", "a tenant household lives in the village"),
            Refusal::Closed => Self::refused(reasons::HOUSEHOLD_CLOSED, "这户已经合并到其他户或已拆除销户，不能再办理"),
        }
    }
}

impl Household {
    pub(crate) fn grid_name(&self) -> GridName {
        GridName::new(self.name.village, self.facts.grid)
    }

    pub(crate) fn villager_group_name(&self) -> Option<VillagerGroupName> {
        self.facts.villager_group.clone().map(|code| VillagerGroupName::new(self.name.village, code))
    }

    /// The news of this household as it now stands: nothing in it says who lives there.
    pub(crate) fn news(&self, happened: Happened) -> Result<Change> {
        Change::of(&pb::HouseholdChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            number: self.facts.number.clone(),
            kind: self.facts.kind.into(),
            grid: self.grid_name().to_string(),
            outside: self.facts.outside,
            state: self.facts.state.into(),
            active_since: self.facts.active_since.map(date),
            verified_on: self.facts.verified_on.map(date),
            key_household: self.facts.is_key(),
            villager_group: self.villager_group_name().map(|name| name.to_string()).unwrap_or_default(),
        })
    }
}

impl Facts {
    /// Is it to be visited twice a month?
    pub(crate) fn is_key(&self) -> bool {
        let tags = self.tags.iter().chain(&self.resident_tags);
        { tags }.any(|tag| KEY_TAGS.iter().any(|key| tag.starts_with(key)))
    }

    /// A household of which only this much is known.
    pub(crate) fn blank(number: String, head_name: String, kind: Kind, grid: GridCode) -> Self {
        Self {
            number,
            head_name,
            citizen_id: None,
            head_party_member: false,
            head_pension_due_on: None,
            telephone: None,
            registered_persons: 0,
            villager_group: None,
            kind,
            grid,
            address: None,
            current_address: None,
            outside: false,
            tags: Vec::new(),
            resident_tags: Vec::new(),
            verified_on: None,
            active_since: None,
            state: State::Active,
        }
    }

    pub(crate) fn amended(self, amendment: Amendment) -> Self {
        Self {
            number: amendment.number.unwrap_or(self.number),
            head_name: amendment.head_name.unwrap_or(self.head_name),
            citizen_id: amendment.citizen_id.unwrap_or(self.citizen_id),
            head_party_member: amendment.head_party_member.unwrap_or(self.head_party_member),
            head_pension_due_on: amendment.head_pension_due_on.unwrap_or(self.head_pension_due_on),
            telephone: amendment.telephone.unwrap_or(self.telephone),
            registered_persons: amendment.registered_persons.unwrap_or(self.registered_persons),
            villager_group: amendment.villager_group.unwrap_or(self.villager_group),
            kind: amendment.kind.unwrap_or(self.kind),
            grid: amendment.grid.unwrap_or(self.grid),
            address: amendment.address.unwrap_or(self.address),
            current_address: amendment.current_address.unwrap_or(self.current_address),
            outside: amendment.outside.unwrap_or(self.outside),
            tags: amendment.tags.unwrap_or(self.tags),
            resident_tags: self.resident_tags,
            verified_on: amendment.verified_on.unwrap_or(self.verified_on),
            active_since: amendment.active_since.unwrap_or(self.active_since),
            state: self.state,
        }
    }

    /// What follows from the facts: who is in an estate outside the village lives outside; an address is current only
    /// where it is another one; a tag is said once.
    fn settled(mut self, grid: &Grid, today: NaiveDate) -> Result<Self, Refusal> {
        self.outside |= grid.facts.kind == grids::Kind::OutsideEstate;
        if self.current_address == self.address {
            self.current_address = None;
        }
        self.tags.sort();
        self.tags.dedup();
        if self.outside && self.kind == Kind::Tenant {
            return Err(Refusal::TenantOutside);
        }
        if self.verified_on.is_some_and(|day| day > today) {
            return Err(Refusal::InTheFuture);
        }
        Ok(self)
    }

    /// Do kind, grid and residence agree, as they have to once a household moves? What a village has always written otherwise
    /// is taken as it stands: rosters and corrections are not asked this.
    pub(crate) fn agree_with(&self, grid: &Grid) -> bool {
        use grids::Kind::{OriginalSettlement, OutsideEstate, ResettlementArea, ShopStreet};
        match self.kind {
            Kind::Original => grid.facts.kind == OriginalSettlement && !self.outside,
            Kind::RebuiltArea => matches!(grid.facts.kind, ResettlementArea | ShopStreet),
            Kind::Tenant => grid.facts.kind != OutsideEstate && !self.outside,
            Kind::Relocated => true,
        }
    }

    pub(crate) fn must_be_open(&self) -> Result<(), Refusal> {
        if self.state.is_open() { Ok(()) } else { Err(Refusal::Closed) }
    }
}

/// The facts of a household that is entered in this grid.
pub(crate) fn entered(facts: Facts, grid: &Grid, today: NaiveDate) -> Result<Facts, Refusal> {
    if grid.state == grids::State::Retired {
        return Err(Refusal::GridRetired);
    }
    facts.settled(grid, today)
}

/// The facts of a household after a change; `grid` is where it is then. It may stay in a grid that was given up, but
/// not go there. Who moves and says no more of it, lives where the new grid is.
pub(crate) fn amended(
    before: Facts,
    mut amendment: Amendment,
    grid: &Grid,
    today: NaiveDate,
) -> Result<Facts, Refusal> {
    before.must_be_open()?;
    if before.grid != grid.name.grid {
        if grid.state == grids::State::Retired {
            return Err(Refusal::GridRetired);
        }
        amendment.outside.get_or_insert(false);
    }
    before.amended(amendment).settled(grid, today)
}

/// Enters a household.
pub(crate) fn create(
    name: HouseholdName,
    facts: Facts,
    grid: &Grid,
    now: DateTime<Utc>,
) -> Result<(Household, Change)> {
    let facts = entered(facts, grid, village_day(now))?;
    let household = Household { name, facts, revision: 1, created_at: now, updated_at: now };
    let change = household.news(Happened::Created)?;
    Ok((household, change))
}

/// Changes a household.
pub(crate) fn update(
    before: Household,
    amendment: Amendment,
    grid: &Grid,
    now: DateTime<Utc>,
) -> Result<(Household, Change)> {
    let facts = amended(before.facts.clone(), amendment, grid, village_day(now))?;
    replace(before, facts, Happened::Updated, now)
}

/// Notes a confirmation. A later one that is already known is not forgotten for an earlier one.
pub(crate) fn verify(before: Household, day: Option<NaiveDate>, now: DateTime<Utc>) -> Result<(Household, Change)> {
    let today = village_day(now);
    let day = day.unwrap_or(today);
    before.facts.must_be_open()?;
    if day > today {
        return Err(Refusal::InTheFuture.into());
    }
    let facts = Facts { verified_on: before.facts.verified_on.max(Some(day)), ..before.facts.clone() };
    replace(before, facts, Happened::Verified, now)
}

/// Notes what care its residents need, if that is not what it was.
pub(crate) fn cared_for(
    before: Household,
    needed: Vec<String>,
    now: DateTime<Utc>,
) -> Result<Option<(Household, Change)>> {
    if needed == before.facts.resident_tags {
        return Ok(None);
    }
    let facts = Facts { resident_tags: needed, ..before.facts.clone() };
    replace(before, facts, Happened::Updated, now).map(Some)
}

/// The next version of a household.
pub(crate) fn replace(
    before: Household,
    facts: Facts,
    happened: Happened,
    now: DateTime<Utc>,
) -> Result<(Household, Change)> {
    let household = Household { facts, revision: before.revision + 1, updated_at: now, ..before };
    let change = household.news(happened)?;
    Ok((household, change))
}

#[cfg(test)]
mod tests;
