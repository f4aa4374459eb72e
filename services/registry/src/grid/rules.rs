//! What a grid is and how it changes. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::Result;
use proto::names::{AreaName, GridName, LocalCode};
use proto::registry::v1 as pb;
use proto::registry::v1::grid_changed::Happened;
use proto::time::timestamp;

platform::choice! {
    /// What sort of place a grid is.
    pub(crate) enum Kind as proto::registry::v1::GridKind {
        OriginalSettlement = "original_settlement",
        ResettlementArea = "resettlement_area",
        OutsideEstate = "outside_estate",
        ShopStreet = "shop_street",
    }
}

platform::choice! {
    /// The line that most households of a grid stand on.
    pub(crate) enum Line as proto::registry::v1::LineKind {
        Relocated = "relocated",
        Rebuilt = "rebuilt",
    }
}

platform::choice! {
    /// Whether a grid is in use.
    pub(crate) enum State as proto::registry::v1::GridState {
        Active = "active",
        Retired = "retired",
    }
}

/// A micro-grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) name: GridName,
    pub(crate) facts: Facts,
    pub(crate) state: State,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What people say of a grid, and may correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) display_name: String,
    pub(crate) area: LocalCode,
    pub(crate) kind: Kind,
    pub(crate) line: Option<Line>,
}

impl Grid {
    pub(crate) fn area_name(&self) -> AreaName {
        AreaName::new(self.name.village, self.facts.area.clone())
    }

    /// The news of this grid as it now stands: at its first revision it was made, later it changed.
    fn news(&self) -> Result<Change> {
        Change::of(&pb::GridChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: if self.revision == 1 { Happened::Created } else { Happened::Updated }.into(),
            change_time: Some(timestamp(self.updated_at)),
            display_name: self.facts.display_name.clone(),
            area: self.area_name().to_string(),
            kind: self.facts.kind.into(),
            line: self.facts.line.map_or(0, Into::into),
            state: self.state.into(),
        })
    }
}

/// A grid to be made.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: GridName,
    pub(crate) facts: Facts,
}

/// A change that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: GridName,
    pub(crate) expected: Option<i64>,
    pub(crate) amendment: Amendment,
}

/// What a change says; a field that it does not mention stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Amendment {
    pub(crate) display_name: Option<String>,
    pub(crate) area: Option<LocalCode>,
    pub(crate) kind: Option<Kind>,
    pub(crate) line: Option<Option<Line>>,
}

/// Which grids a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) area: Option<LocalCode>,
    pub(crate) kind: Option<Kind>,
    pub(crate) state: Option<State>,
}

impl Facts {
    pub(crate) fn amended(self, amendment: Amendment) -> Self {
        Self {
            display_name: amendment.display_name.unwrap_or(self.display_name),
            area: amendment.area.unwrap_or(self.area),
            kind: amendment.kind.unwrap_or(self.kind),
            line: amendment.line.unwrap_or(self.line),
        }
    }
}

/// A new grid is in use.
pub(crate) fn create(draft: Draft, now: DateTime<Utc>) -> Result<(Grid, Change)> {
    let grid = Grid {
        name: draft.name,
        facts: draft.facts,
        state: State::Active,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = grid.news()?;
    Ok((grid, change))
}

/// A grid keeps its number for ever; all else that people say of it may change.
pub(crate) fn update(before: Grid, amendment: Amendment, now: DateTime<Utc>) -> Result<(Grid, Change)> {
    let grid =
        Grid { facts: before.facts.amended(amendment), revision: before.revision + 1, updated_at: now, ..before };
    let change = grid.news()?;
    Ok((grid, change))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn facts() -> Facts {
        Facts {
            display_name: "第1村民小组东片".into(),
            area: "P01".parse().unwrap(),
            kind: Kind::OriginalSettlement,
            line: Some(Line::Relocated),
        }
    }

    #[test]
    fn a_new_grid_is_in_use() {
        let name = "villages/430112011211/grids/001".parse().unwrap();
        let (grid, _) = create(Draft { name, facts: facts() }, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!((grid.state, grid.revision), (State::Active, 1));
    }

    #[test]
    fn what_an_amendment_does_not_mention_stays() {
        assert_eq!(facts().amended(Amendment::default()), facts());
        let silent = facts().amended(Amendment { line: Some(None), ..Amendment::default() });
        assert_eq!(silent, Facts { line: None, ..facts() });
    }
}
