//! What an area or a group is and how it changes. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::Result;
use proto::names::{AreaName, LocalCode, PartyGroupName, VillageCode, VillagerGroupName};
use proto::registry::v1 as pb;
use proto::time::timestamp;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Area,
    VillagerGroup,
    PartyGroup,
}

impl Kind {
    /// The resource name of the one with this code.
    pub(crate) fn name(self, village: VillageCode, code: &LocalCode) -> String {
        let code = code.clone();
        match self {
            Self::Area => AreaName::new(village, code).to_string(),
            Self::VillagerGroup => VillagerGroupName::new(village, code).to_string(),
            Self::PartyGroup => PartyGroupName::new(village, code).to_string(),
        }
    }
}

/// An area, a villager group or a Party group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Division {
    pub(crate) kind: Kind,
    pub(crate) village: VillageCode,
    pub(crate) code: LocalCode,
    pub(crate) display_name: String,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Division {
    pub(crate) fn name(&self) -> String {
        self.kind.name(self.village, &self.code)
    }

    /// The news of it as it now stands: at its first revision it was made, later it changed.
    fn news(&self) -> Result<Change> {
        macro_rules! changed {
            ($message:ident, $happened:ident) => {{
                use pb::$happened::Happened;
                Change::of(&pb::$message {
                    name: self.name(),
                    revision: self.revision,
                    happened: if self.revision == 1 { Happened::Created } else { Happened::Updated }.into(),
                    change_time: Some(timestamp(self.updated_at)),
                    display_name: self.display_name.clone(),
                })
            }};
        }
        match self.kind {
            Kind::Area => changed!(AreaChanged, area_changed),
            Kind::VillagerGroup => changed!(VillagerGroupChanged, villager_group_changed),
            Kind::PartyGroup => changed!(PartyGroupChanged, party_group_changed),
        }
    }
}

/// One to be made.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) village: VillageCode,
    pub(crate) code: LocalCode,
    pub(crate) display_name: String,
}

/// What an update changes.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) kind: Kind,
    pub(crate) village: VillageCode,
    pub(crate) code: LocalCode,
    pub(crate) expected: Option<i64>,
    pub(crate) display_name: String,
}

pub(crate) fn create(draft: Draft, now: DateTime<Utc>) -> Result<(Division, Change)> {
    let division = Division {
        kind: draft.kind,
        village: draft.village,
        code: draft.code,
        display_name: draft.display_name,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = division.news()?;
    Ok((division, change))
}

/// Its code is for ever; its name may change.
pub(crate) fn update(before: Division, update: Update, now: DateTime<Utc>) -> Result<(Division, Change)> {
    let division =
        Division { display_name: update.display_name, revision: before.revision + 1, updated_at: now, ..before };
    let change = division.news()?;
    Ok((division, change))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn each_kind_has_its_own_collection_of_names() {
        let (village, code) = ("430112011211".parse().unwrap(), "01".parse().unwrap());
        let names = [Kind::Area, Kind::VillagerGroup, Kind::PartyGroup].map(|kind| kind.name(village, &code));
        assert_eq!(
            names,
            [
                "villages/430112011211/areas/01",
                "villages/430112011211/villagerGroups/01",
                "villages/430112011211/partyGroups/01"
            ]
        );
    }

    #[test]
    fn an_update_keeps_the_code_and_counts_the_revision() {
        let (village, code): (VillageCode, LocalCode) = ("430112011211".parse().unwrap(), "P01".parse().unwrap());
        let draft = Draft { kind: Kind::Area, village, code: code.clone(), display_name: "第1片".into() };
        let (before, _) = create(draft, DateTime::UNIX_EPOCH).unwrap();
        let change =
            Update { kind: Kind::Area, village, code: code.clone(), expected: None, display_name: "东片".into() };
        let (after, _) = update(before.clone(), change, Utc::now()).unwrap();
        assert_eq!((after.code, after.display_name.as_str(), after.revision), (code, "东片", 2));
        assert_eq!(after.created_at, before.created_at);
    }
}
