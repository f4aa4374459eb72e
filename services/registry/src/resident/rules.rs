//! What is known of a person and how it changes. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::Result;
use proto::names::{HouseholdName, ResidentName, VillageCode};
use proto::registry::v1 as pb;
use proto::registry::v1::resident_changed::Happened;
use proto::time::timestamp;
use uuid::Uuid;
use workbook::formats::{CitizenId, Telephone};

/// A person of a household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resident {
    pub(crate) name: ResidentName,
    pub(crate) facts: Facts,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What the village knows of a person, and may correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) display_name: String,
    pub(crate) relation: String,
    pub(crate) citizen_id: Option<CitizenId>,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) party_member: bool,
    /// Special care that the person needs.
    pub(crate) tags: Vec<String>,
    pub(crate) pension_due_on: Option<NaiveDate>,
}

/// A person to be entered.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) household: HouseholdName,
    pub(crate) id: Option<Uuid>,
    pub(crate) facts: Facts,
}

/// A change that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: ResidentName,
    pub(crate) expected: Option<i64>,
    pub(crate) amendment: Amendment,
}

/// What a change says; a field that it does not mention stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Amendment {
    pub(crate) display_name: Option<String>,
    pub(crate) relation: Option<String>,
    pub(crate) citizen_id: Option<Option<CitizenId>>,
    pub(crate) telephone: Option<Option<Telephone>>,
    pub(crate) party_member: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) pension_due_on: Option<Option<NaiveDate>>,
}

/// Whose people a list shows.
#[derive(Debug, Clone)]
pub(crate) enum Parent {
    Household(HouseholdName),
    Village(VillageCode),
}

impl Parent {
    pub(crate) fn village(&self) -> VillageCode {
        match self {
            Self::Household(name) => name.village,
            Self::Village(village) => *village,
        }
    }
}

/// Which people a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) tag: Option<String>,
    pub(crate) party_member: Option<bool>,
    pub(crate) pension_due_by: Option<NaiveDate>,
    pub(crate) relation: Option<String>,
}

impl Facts {
    /// A person of whom only this much is known.
    pub(crate) fn blank(display_name: String, relation: String) -> Self {
        Self {
            display_name,
            relation,
            citizen_id: None,
            telephone: None,
            party_member: false,
            tags: Vec::new(),
            pension_due_on: None,
        }
    }

    pub(crate) fn amended(self, amendment: Amendment) -> Self {
        Self {
            display_name: amendment.display_name.unwrap_or(self.display_name),
            relation: amendment.relation.unwrap_or(self.relation),
            citizen_id: amendment.citizen_id.unwrap_or(self.citizen_id),
            telephone: amendment.telephone.unwrap_or(self.telephone),
            party_member: amendment.party_member.unwrap_or(self.party_member),
            tags: amendment.tags.unwrap_or(self.tags),
            pension_due_on: amendment.pension_due_on.unwrap_or(self.pension_due_on),
        }
    }
}

/// What special care these people need, each tag once.
pub(crate) fn care_of<'t>(tags: impl Iterator<Item = &'t Vec<String>>) -> Vec<String> {
    let mut tags: Vec<String> = tags.flatten().cloned().collect();
    tags.sort();
    tags.dedup();
    tags
}

impl Resident {
    /// The news that this record changed, and nothing about the person.
    pub(crate) fn news(&self, happened: Happened) -> Result<Change> {
        Change::of(&pb::ResidentChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
        })
    }
}

/// Enters a person.
pub(crate) fn create(name: ResidentName, facts: Facts, now: DateTime<Utc>) -> Result<(Resident, Change)> {
    let resident = Resident { name, facts, revision: 1, created_at: now, updated_at: now };
    let change = resident.news(Happened::Created)?;
    Ok((resident, change))
}

/// The next version of what is known of a person.
pub(crate) fn replace(before: Resident, facts: Facts, now: DateTime<Utc>) -> Result<(Resident, Change)> {
    let resident = Resident { facts, revision: before.revision + 1, updated_at: now, ..before };
    let change = resident.news(Happened::Updated)?;
    Ok((resident, change))
}
