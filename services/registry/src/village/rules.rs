//! What a village is and how it changes. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::{Error, Result};
use proto::names::{VillageCode, VillageName};
use proto::reasons;
use proto::registry::v1::village_changed::Happened;
use proto::registry::v1::{self as pb};
use proto::time::timestamp;

platform::choice! {
    /// Whether a village is still a tenant.
    pub(crate) enum State as proto::registry::v1::VillageState {
        Active = "active",
        Archived = "archived",
    }
}

/// A village or community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Village {
    pub(crate) code: VillageCode,
    pub(crate) display_name: String,
    pub(crate) state: State,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Village {
    /// The news of this village as it now stands.
    fn news(&self, happened: Happened) -> Result<Change> {
        Change::of(&pb::VillageChanged {
            name: VillageName(self.code).to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            display_name: self.display_name.clone(),
            kind: self.code.kind().into(),
            state: self.state.into(),
        })
    }
}

/// A village to be made a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) code: VillageCode,
    pub(crate) display_name: String,
}

/// What an update changes.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) code: VillageCode,
    pub(crate) expected: Option<i64>,
    pub(crate) display_name: Option<String>,
}

/// Work in a village that is to end.
#[derive(Debug, Clone)]
pub(crate) struct Archiving {
    pub(crate) code: VillageCode,
    pub(crate) expected: Option<i64>,
}

/// Which villages a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) state: Option<State>,
}

/// A new tenant begins active.
pub(crate) fn create(draft: Draft, now: DateTime<Utc>) -> Result<(Village, Change)> {
    let village = Village {
        code: draft.code,
        display_name: draft.display_name,
        state: State::Active,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = village.news(Happened::Created)?;
    Ok((village, change))
}

/// Work ends in a village, once.
pub(crate) fn archive(before: Village, now: DateTime<Utc>) -> Result<(Village, Change)> {
    if before.state == State::Archived {
        return Err(Error::refused(reasons::VILLAGE_ARCHIVED, "the village is archived already"));
    }
    let village = Village { state: State::Archived, revision: before.revision + 1, updated_at: now, ..before };
    let change = village.news(Happened::Archived)?;
    Ok((village, change))
}

/// A village keeps its code for ever; its name may change.
pub(crate) fn update(before: Village, update: Update, now: DateTime<Utc>) -> Result<(Village, Change)> {
    let village = Village {
        display_name: update.display_name.unwrap_or(before.display_name),
        revision: before.revision + 1,
        updated_at: now,
        ..before
    };
    let change = village.news(Happened::Updated)?;
    Ok((village, change))
}
