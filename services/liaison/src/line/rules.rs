//! Which leaders stand on a line and which households it reaches. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::line_changed::Happened;
use proto::names::{LineCode, LineName, VillageCode};
use proto::time::timestamp;

use crate::member::rules::Office;
use crate::places::HouseholdKind;

platform::choice! {
    /// The two lines.
    pub(crate) enum LineKind as proto::registry::v1::LineKind {
        Relocated = "relocated",
        Rebuilt = "rebuilt",
    }
}

impl LineKind {
    /// As it stands in names.
    pub(crate) fn code(self) -> LineCode {
        match self {
            Self::Relocated => LineCode::Relocated,
            Self::Rebuilt => LineCode::Rebuilt,
        }
    }
}

/// The offices that make a leader: only these may stand on a line.
pub(crate) const LEADERS: [Office; 3] = [Office::VillagerGroupLeader, Office::PartyGroupLeader, Office::GridWorker];

/// A line of a village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) village: VillageCode,
    pub(crate) kind: LineKind,
    pub(crate) display_name: String,
    pub(crate) leader_offices: BTreeSet<Office>,
    pub(crate) household_kinds: BTreeSet<HouseholdKind>,
    pub(crate) merchants_through_landlord: bool,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What an update changes.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: LineName,
    pub(crate) expected: Option<i64>,
    pub(crate) display_name: Option<String>,
    pub(crate) leader_offices: Option<BTreeSet<Office>>,
    pub(crate) household_kinds: Option<BTreeSet<HouseholdKind>>,
    pub(crate) merchants_through_landlord: Option<bool>,
}

impl Line {
    /// A line as the mechanism describes it: villager-group leaders and those who have moved on line one; any leader,
    /// the rebuilt area, those who rent there and, through their landlords, merchants on line two.
    pub(crate) fn default_of(village: VillageCode, kind: LineKind, now: DateTime<Utc>) -> Self {
        let (display_name, leaders, kinds) = match kind {
            LineKind::Relocated => (
                "主线一",
                BTreeSet::from([Office::VillagerGroupLeader]),
                [HouseholdKind::Original, HouseholdKind::Relocated],
            ),
            LineKind::Rebuilt => {
                ("主线二", BTreeSet::from(LEADERS), [HouseholdKind::RebuiltArea, HouseholdKind::Tenant])
            }
        };
        Self {
            village,
            kind,
            display_name: display_name.to_owned(),
            leader_offices: leaders,
            household_kinds: kinds.into(),
            merchants_through_landlord: kind == LineKind::Rebuilt,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    pub(crate) fn name(&self) -> LineName {
        LineName::new(self.village, self.kind.code())
    }

    /// Line one comes first.
    pub(crate) fn order(&self) -> u8 {
        match self.kind {
            LineKind::Relocated => 1,
            LineKind::Rebuilt => 2,
        }
    }

    /// The news of a line that was made.
    pub(crate) fn created(&self) -> Result<Change> {
        self.news(Happened::Created)
    }

    fn news(&self, happened: Happened) -> Result<Change> {
        Change::of(&pb::LineChanged {
            name: self.name().to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            kind: self.kind.into(),
            leader_offices: self.leader_offices.iter().map(|office| (*office).into()).collect(),
            household_kinds: self.household_kinds.iter().map(|kind| (*kind).into()).collect(),
            merchants_through_landlord: self.merchants_through_landlord,
        })
    }
}

/// The line of this name.
///
/// # Errors
/// [`Error::NotFound`] before news of the village has come.
pub(crate) fn of(lines: &[Line], name: &LineName) -> Result<Line> {
    lines.iter().find(|line| line.name() == *name).cloned().ok_or_else(|| Error::NotFound(name.to_string()))
}

/// Only leaders stand on a line, and a kind of household is reached by one line only.
pub(crate) fn update(before: Line, update: Update, lines: &[Line], now: DateTime<Utc>) -> Result<(Line, Change)> {
    let line = Line {
        display_name: update.display_name.unwrap_or(before.display_name),
        leader_offices: update.leader_offices.unwrap_or(before.leader_offices),
        household_kinds: update.household_kinds.unwrap_or(before.household_kinds),
        merchants_through_landlord: update.merchants_through_landlord.unwrap_or(before.merchants_through_landlord),
        revision: before.revision + 1,
        updated_at: now,
        ..before
    };
    if line.leader_offices.is_empty() || !line.leader_offices.iter().all(|office| LEADERS.contains(office)) {
        return Err(Error::field(
            "line.leader_offices",
            "has to name villager-group leaders, Party-group leaders or grid workers, and nobody else",
        ));
    }
    let others = lines.iter().filter(|other| other.kind != line.kind);
    if let Some(kind) = others.flat_map(|other| &other.household_kinds).find(|kind| line.household_kinds.contains(kind))
    {
        return Err(Error::field(
            "line.household_kinds",
            format!("the other line reaches households of kind {} already", kind.as_str()),
        ));
    }
    let change = line.news(Happened::Updated)?;
    Ok((line, change))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )]
    use super::*;

    fn lines() -> Vec<Line> {
        let (village, now) = ("430112011211".parse().unwrap(), "2026-06-01T00:00:00Z".parse().unwrap());
        LineKind::ALL.iter().map(|kind| Line::default_of(village, *kind, now)).collect()
    }

    fn change(line: &Line) -> Update {
        Update {
            name: line.name(),
            expected: None,
            display_name: None,
            leader_offices: None,
            household_kinds: None,
            merchants_through_landlord: None,
        }
    }

    #[test]
    fn the_defaults_reach_every_kind_of_household_once() {
        let reached: Vec<HouseholdKind> = lines().iter().flat_map(|line| line.household_kinds.clone()).collect();
        assert_eq!(reached.len(), HouseholdKind::ALL.len());
        assert_eq!(reached.into_iter().collect::<BTreeSet<_>>().len(), HouseholdKind::ALL.len());
    }

    #[test]
    fn a_kind_is_reached_by_one_line_only() {
        let lines = lines();
        let now = lines[0].created_at;
        let both = Update { household_kinds: Some([HouseholdKind::Tenant].into()), ..change(&lines[0]) };
        assert!(update(lines[0].clone(), both, &lines, now).is_err());
        let fewer = Update { household_kinds: Some([HouseholdKind::Original].into()), ..change(&lines[0]) };
        assert_eq!(update(lines[0].clone(), fewer, &lines, now).unwrap().0.revision, 2);
    }

    #[test]
    fn a_cadre_does_not_stand_on_a_line() {
        let lines = lines();
        let cadre = Update { leader_offices: Some([Office::Cadre].into()), ..change(&lines[0]) };
        assert!(update(lines[0].clone(), cadre, &lines, lines[0].created_at).is_err());
    }
}
