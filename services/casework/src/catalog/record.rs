//! What the catalogue holds, and what is told of it. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::Result;
use proto::casework::v1 as pb;
use proto::names::{MatterTypeName, VillageCode};
use proto::time::{date, timestamp};

use crate::calendar::{DayKind, Year};
use crate::concern::{Matter, Urgency};

/// A kind of thing within a matter.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct MatterType {
    pub(crate) code: String,
    pub(crate) matter: Matter,
    pub(crate) title: String,
    pub(crate) urgency: Urgency,
    pub(crate) response_hours: Option<i32>,
    pub(crate) resolution_hours: Option<i32>,
    pub(crate) deliberation: bool,
    pub(crate) material: Vec<String>,
    pub(crate) retired: bool,
    /// 0 as long as it is as every village begins with it.
    pub(crate) revision: i64,
}

impl MatterType {
    /// The news of it: what people call it does not travel.
    pub(super) fn news(&self, name: &MatterTypeName, now: DateTime<Utc>) -> Result<Change> {
        Change::of(&pb::MatterTypeChanged {
            name: name.to_string(),
            revision: self.revision,
            happened: happened(self.revision).into(),
            change_time: Some(timestamp(now)),
            matter: self.matter.into(),
            urgency: self.urgency.into(),
            response_hours: self.response_hours.unwrap_or_default(),
            resolution_hours: self.resolution_hours.unwrap_or_default(),
            deliberation: self.deliberation,
            retired: self.retired,
        })
    }
}

/// How soon, where the type says nothing of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Limits {
    pub(crate) matter: Matter,
    pub(crate) urgency: Urgency,
    pub(crate) response_hours: i32,
    pub(crate) resolution_hours: i32,
    pub(crate) revision: i64,
}

impl Limits {
    /// The name of a village's: matter and urgency, in the words of the contract.
    pub(super) fn name(&self, village: VillageCode) -> String {
        let matter = self.matter.as_str().replace('_', "-");
        format!("villages/{village}/deadlines/{matter}-{}", self.urgency.as_str())
    }

    pub(super) fn news(&self, village: VillageCode, now: DateTime<Utc>) -> Result<Change> {
        Change::of(&pb::DeadlineChanged {
            name: self.name(village),
            revision: self.revision,
            happened: happened(self.revision).into(),
            change_time: Some(timestamp(now)),
            matter: self.matter.into(),
            urgency: self.urgency.into(),
            response_hours: self.response_hours,
            resolution_hours: self.resolution_hours,
        })
    }
}

/// The news of a place's own days of a year: why they are free does not travel.
pub(super) fn calendar_news(year: &Year, now: DateTime<Utc>) -> Result<Change> {
    let days = |kind| year.days.iter().filter(move |day| day.kind == kind).map(|day| date(day.date)).collect();
    Change::of(&pb::CalendarChanged {
        name: year.name(),
        revision: year.revision,
        happened: happened(year.revision).into(),
        change_time: Some(timestamp(now)),
        holidays: days(DayKind::Holiday),
        makeup_workdays: days(DayKind::MakeupWorkday),
    })
}

/// What is laid down for the first time takes the place of what every village begins with.
pub(crate) const fn happened(revision: i64) -> pb::CatalogChange {
    if revision == 1 { pb::CatalogChange::Added } else { pb::CatalogChange::Changed }
}
