//! What is known of a person and how it changes. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::Result;
use proto::names::{HouseholdName, ResidentName};
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
}

impl Facts {
    pub(crate) fn amended(self, amendment: Amendment) -> Self {
        Self {
            display_name: amendment.display_name.unwrap_or(self.display_name),
            relation: amendment.relation.unwrap_or(self.relation),
            citizen_id: amendment.citizen_id.unwrap_or(self.citizen_id),
            telephone: amendment.telephone.unwrap_or(self.telephone),
        }
    }
}

impl Resident {
    /// The news that this record changed, and nothing about the person.
    fn news(&self) -> Result<Change> {
        Change::of(&pb::ResidentChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: if self.revision == 1 { Happened::Created } else { Happened::Updated }.into(),
            change_time: Some(timestamp(self.updated_at)),
        })
    }
}

/// Enters a person.
pub(crate) fn create(name: ResidentName, facts: Facts, now: DateTime<Utc>) -> Result<(Resident, Change)> {
    let resident = Resident { name, facts, revision: 1, created_at: now, updated_at: now };
    let change = resident.news()?;
    Ok((resident, change))
}

/// The next version of what is known of a person.
pub(crate) fn replace(before: Resident, facts: Facts, now: DateTime<Utc>) -> Result<(Resident, Change)> {
    let resident = Resident { facts, revision: before.revision + 1, updated_at: now, ..before };
    let change = resident.news()?;
    Ok((resident, change))
}
