//! When a visit counts, and for whom. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::visit_changed::Happened;
use proto::names::{GridCode, GridName, HouseholdName, MemberName, VisitName};
use proto::reasons;
use proto::time::{date, timestamp};
use uuid::Uuid;

use crate::places::{unknown_grid, unknown_household};

platform::choice! {
    /// How a household was met.
    pub(crate) enum Mode as proto::liaison::v1::VisitMode {
        DoorStep = "door_step",
        Telephone = "telephone",
        Wechat = "wechat",
    }
}

/// A contact with a household, or with a grid at large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) name: VisitName,
    pub(crate) household: Option<HouseholdName>,
    pub(crate) grid: GridName,
    pub(crate) representative: MemberName,
    pub(crate) visited_on: NaiveDate,
    pub(crate) mode: Mode,
    pub(crate) persons: i32,
    pub(crate) topics: Vec<String>,
    pub(crate) note: String,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Visit {
    /// The news of this visit: nothing of what was said.
    fn news(&self) -> Result<Change> {
        Change::of(&pb::VisitChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: Happened::Logged.into(),
            change_time: Some(timestamp(self.updated_at)),
            household: self.household.as_ref().map(ToString::to_string).unwrap_or_default(),
            grid: self.grid.to_string(),
            representative: self.representative.to_string(),
            visited_on: Some(date(self.visited_on)),
            mode: self.mode.into(),
            persons: self.persons,
        })
    }
}

/// A visit to be logged.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: VisitName,
    pub(crate) household: Option<HouseholdName>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) representative: Option<Uuid>,
    pub(crate) visited_on: NaiveDate,
    pub(crate) mode: Mode,
    pub(crate) persons: i32,
    pub(crate) topics: Vec<String>,
    pub(crate) note: String,
}

/// What is known about the household, the grid and the day of a draft.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// The grid of the household now; none if no household is named, or it is not known.
    pub(crate) household_grid: Option<GridCode>,
    /// Whether the draft's grid, or else the household's, is given up; none if it is not known.
    pub(crate) retired: Option<bool>,
    /// The first day on which the household had a link.
    pub(crate) linked_since: Option<NaiveDate>,
    /// Whom the household was linked to on the day.
    pub(crate) linked_to: Option<Uuid>,
    /// Who is the representative of the grid now.
    pub(crate) grid_representative: Option<Uuid>,
    /// Who visited: the one named, or else the one linked, or else the grid's.
    pub(crate) visitor: Option<Visitor>,
}

/// Who visited, and the term of that member.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) member: Uuid,
    pub(crate) term_start: NaiveDate,
    pub(crate) term_end: Option<NaiveDate>,
}

/// Which visits a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) household: Option<Uuid>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) representative: Option<Uuid>,
    pub(crate) mode: Option<Mode>,
    pub(crate) start: Option<NaiveDate>,
    pub(crate) end: Option<NaiveDate>,
}

/// A visit counts on the day it happened: not in the future, not before the household was linked, and by somebody who
/// served then and
/// serves here.
pub(crate) fn log(
    draft: Draft,
    known: &Circumstances,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(Visit, Change)> {
    let village = draft.name.village;
    let grid = place(&draft, known)?;
    let day = draft.visited_on;
    if day > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{day} lies in the future")));
    }
    if let Some(since) = known.linked_since.filter(|since| day < *since) {
        let message = format!("{day} lies before the household was linked, on {since}");
        return Err(Error::refused(reasons::BEFORE_THE_LINK, message));
    }
    let visitor = known.visitor.as_ref().ok_or_else(|| match draft.representative {
        Some(_) => Error::field("visit.representative", "does not exist"),
        None => {
            Error::field("visit.representative", "is missing: nobody is linked, and the grid has no representative")
        }
    })?;
    if ![known.linked_to, known.grid_representative].contains(&Some(visitor.member)) {
        let member = MemberName::new(village, visitor.member);
        let message = format!("{member} was not linked to the household and does not represent grid {grid}");
        return Err(Error::refused(reasons::NOT_THEIR_REPRESENTATIVE, message));
    }
    if day < visitor.term_start || visitor.term_end.is_some_and(|end| end <= day) {
        let member = MemberName::new(village, visitor.member);
        return Err(Error::refused(reasons::NOT_SERVING, format!("the term of {member} does not include {day}")));
    }
    let visit = Visit {
        representative: MemberName::new(village, visitor.member),
        name: draft.name,
        household: draft.household,
        grid: GridName::new(village, grid),
        visited_on: day,
        mode: draft.mode,
        persons: draft.persons,
        topics: draft.topics,
        note: draft.note,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = visit.news()?;
    Ok((visit, change))
}

/// The grid of a visit: the one named, or else the household's. Only a grid in use is visited at large.
fn place(draft: &Draft, known: &Circumstances) -> Result<GridCode> {
    if let Some(household) = &draft.household {
        let grid = known.household_grid.ok_or_else(|| unknown_household(household))?;
        return Ok(draft.grid.unwrap_or(grid));
    }
    let grid =
        draft.grid.ok_or_else(|| Error::field("visit.grid", "is missing: neither household nor grid is named"))?;
    let name = GridName::new(draft.name.village, grid);
    match known.retired {
        None => Err(unknown_grid(&name)),
        Some(true) => Err(Error::refused(reasons::GRID_RETIRED, format!("{name} has been given up"))),
        Some(false) => Ok(grid),
    }
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

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn draft(on: &str) -> Draft {
        let village = "430112011211".parse().unwrap();
        Draft {
            name: VisitName::new(village, Uuid::from_u128(1)),
            household: Some(HouseholdName::new(village, Uuid::from_u128(2))),
            grid: None,
            representative: None,
            visited_on: day(on),
            mode: Mode::DoorStep,
            persons: 2,
            topics: Vec::new(),
            note: "老人独居".into(),
        }
    }

    fn linked() -> Circumstances {
        Circumstances {
            household_grid: Some("012".parse().unwrap()),
            retired: Some(false),
            linked_since: Some(day("2023-02-01")),
            linked_to: Some(Uuid::from_u128(3)),
            grid_representative: Some(Uuid::from_u128(3)),
            visitor: Some(Visitor { member: Uuid::from_u128(3), term_start: day("2023-02-01"), term_end: None }),
        }
    }

    #[test]
    fn a_visit_is_not_credited_to_somebody_who_serves_elsewhere() {
        let stranger = Visitor { member: Uuid::from_u128(9), term_start: day("2023-02-01"), term_end: None };
        let known = Circumstances { visitor: Some(stranger), ..linked() };
        assert_eq!(outcome(draft("2023-05-01"), &known).unwrap_err(), reasons::NOT_THEIR_REPRESENTATIVE);
        let chosen = Circumstances { linked_to: Some(Uuid::from_u128(9)), ..known };
        assert!(outcome(draft("2023-05-01"), &chosen).is_ok());
    }

    fn outcome(draft: Draft, known: &Circumstances) -> Result<Visit, &'static str> {
        log(draft, known, day("2023-06-01"), "2023-06-01T03:00:00Z".parse().unwrap()).map(|(visit, _)| visit).map_err(
            |error| match error {
                Error::Refused { reason, .. } => reason,
                Error::Invalid(_) => reasons::INVALID_FIELDS,
                _ => "other",
            },
        )
    }

    #[test]
    fn a_visit_counts_from_the_first_day_of_the_link_until_today() {
        assert_eq!(outcome(draft("2023-01-31"), &linked()), Err(reasons::BEFORE_THE_LINK));
        assert!(outcome(draft("2023-02-01"), &linked()).is_ok());
        assert!(outcome(draft("2023-06-01"), &linked()).is_ok());
        assert_eq!(outcome(draft("2023-06-02"), &linked()), Err(reasons::IN_THE_FUTURE));
    }

    #[test]
    fn nobody_visits_outside_their_term() {
        let left =
            Visitor { member: Uuid::from_u128(3), term_start: day("2023-02-01"), term_end: Some(day("2023-05-01")) };
        let known = Circumstances { visitor: Some(left), ..linked() };
        assert!(outcome(draft("2023-04-30"), &known).is_ok());
        assert_eq!(outcome(draft("2023-05-01"), &known), Err(reasons::NOT_SERVING));
        let nobody = Circumstances { visitor: None, ..linked() };
        assert_eq!(outcome(draft("2023-05-01"), &nobody), Err(reasons::INVALID_FIELDS));
    }

    #[test]
    fn a_household_that_is_not_known_and_a_grid_that_is_given_up_are_refused() {
        let unknown = Circumstances { household_grid: None, ..linked() };
        assert_eq!(outcome(draft("2023-05-01"), &unknown), Err(reasons::UNKNOWN_HOUSEHOLD));
        let at_large = Draft { household: None, grid: Some("012".parse().unwrap()), ..draft("2023-05-01") };
        assert!(outcome(at_large.clone(), &linked()).is_ok());
        let retired = Circumstances { retired: Some(true), ..linked() };
        assert_eq!(outcome(at_large.clone(), &retired), Err(reasons::GRID_RETIRED));
        let unknown = Circumstances { retired: None, ..linked() };
        assert_eq!(outcome(at_large, &unknown), Err(reasons::UNKNOWN_GRID));
    }
}
