//! When a visit counts, and for whom; what becomes of one that is sent again, corrected, or taken back. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Authority, Error, Office, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::visit_changed::Happened;
use proto::names::{ConcernName, GridCode, GridName, HouseholdName, MemberName, VisitName};
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

platform::choice! {
    /// Whether a visit counts.
    pub(crate) enum State as proto::liaison::v1::VisitState {
        Logged = "logged",
        Withdrawn = "withdrawn",
    }
}

platform::choice! {
    /// What can become of a visit that a phone sends.
    pub(crate) enum Outcome as proto::liaison::v1::VisitOutcome {
        Accepted = "accepted",
        AlreadyHad = "already_had",
        Superseded = "superseded",
        NoLongerYours = "no_longer_yours",
        Refused = "refused",
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
    pub(crate) concerns: BTreeSet<Uuid>,
    pub(crate) state: State,
    /// Why it was withdrawn; empty for one that counts.
    pub(crate) withdrawal: String,
    /// Who logged it; none for those from before authors were kept.
    pub(crate) author: Option<String>,
    /// When the author last edited it; none for those from before it was kept.
    pub(crate) edited_at: Option<DateTime<Utc>>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Visit {
    /// The news of this visit: nothing of what was said.
    fn news(&self, happened: Happened) -> Result<Change> {
        let concern = |id: &Uuid| ConcernName::new(self.name.village, *id).to_string();
        Change::of(&pb::VisitChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            household: self.household.as_ref().map(ToString::to_string).unwrap_or_default(),
            grid: self.grid.to_string(),
            representative: self.representative.to_string(),
            visited_on: Some(date(self.visited_on)),
            mode: self.mode.into(),
            persons: self.persons,
            concerns: self.concerns.iter().map(concern).collect(),
            state: self.state.into(),
        })
    }

    /// A visit is corrected and taken back by whoever logged it, and by the village office.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`; `ILLEGAL_MOVE` for one that was withdrawn.
    fn must_be_open_to(&self, authority: &Authority) -> Result<()> {
        if authority.office() != Office::Clerk && self.author.as_deref() != Some(authority.subject()) {
            let message =
                format!("{} was logged by somebody else: they or the village office may change it", self.name);
            return Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message });
        }
        if self.state == State::Withdrawn {
            return Err(Error::refused(reasons::ILLEGAL_MOVE, format!("{} was withdrawn", self.name)));
        }
        Ok(())
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
    pub(crate) concerns: BTreeSet<Uuid>,
    /// When its author edited it; none: now.
    pub(crate) edited_at: Option<DateTime<Utc>>,
}

impl Draft {
    /// A visit that is logged, as what is known about it is asked for; on another day, if it is to be corrected so.
    pub(crate) fn of(visit: &Visit, day: Option<NaiveDate>) -> Self {
        Self {
            name: visit.name.clone(),
            household: visit.household.clone(),
            grid: Some(visit.grid.grid),
            representative: Some(visit.representative.member),
            visited_on: day.unwrap_or(visit.visited_on),
            mode: visit.mode,
            persons: visit.persons,
            topics: visit.topics.clone(),
            note: visit.note.clone(),
            concerns: visit.concerns.clone(),
            edited_at: visit.edited_at,
        }
    }

    /// Does it say what is logged? What it leaves to be filled in agrees with whatever was.
    fn says(&self, visit: &Visit) -> bool {
        self.household == visit.household
            && self.grid.is_none_or(|grid| grid == visit.grid.grid)
            && self.representative.is_none_or(|member| member == visit.representative.member)
            && self.visited_on == visit.visited_on
            && self.mode == visit.mode
            && self.persons == visit.persons
            && self.topics == visit.topics
            && self.note == visit.note
            && self.concerns == visit.concerns
    }

    /// When it was edited. A phone whose clock is fast must not keep its owner's later edits out.
    fn edited_by(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.edited_at.map_or(now, |edited| edited.min(now))
    }
}

/// What a correction changes; none leaves the field as it is.
#[derive(Debug, Clone)]
pub(crate) struct Correction {
    pub(crate) name: VisitName,
    pub(crate) expected: Option<i64>,
    pub(crate) visited_on: Option<NaiveDate>,
    pub(crate) mode: Option<Mode>,
    pub(crate) persons: Option<i32>,
    pub(crate) topics: Option<Vec<String>>,
    pub(crate) note: Option<String>,
    pub(crate) concerns: Option<BTreeSet<Uuid>>,
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
    pub(crate) show_withdrawn: bool,
}

/// A visit counts on the day it happened: not in the future, not before the household was linked, and by somebody who
/// served then and serves here.
pub(crate) fn log(
    draft: Draft,
    known: &Circumstances,
    author: &str,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(Visit, Change)> {
    let village = draft.name.village;
    let grid = place(&draft, known)?;
    let representative = visitor(&draft.name, draft.visited_on, draft.representative.is_some(), grid, known, today)?;
    let visit = Visit {
        representative: MemberName::new(village, representative),
        edited_at: Some(draft.edited_by(now)),
        name: draft.name,
        household: draft.household,
        grid: GridName::new(village, grid),
        visited_on: draft.visited_on,
        mode: draft.mode,
        persons: draft.persons,
        topics: draft.topics,
        note: draft.note,
        concerns: draft.concerns,
        state: State::Logged,
        withdrawal: String::new(),
        author: Some(author.to_owned()),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = visit.news(Happened::Logged)?;
    Ok((visit, change))
}

/// What becomes of a visit whose id is logged already.
#[derive(Debug, Clone)]
pub(crate) enum Again {
    /// It says what is logged.
    Same,
    /// What is logged is later, or was withdrawn since.
    Superseded,
    /// It is its author's newer edit.
    Edited(Box<(Visit, Change)>),
}

/// A visit that is sent again under its id. The same author's later edit takes the place of the earlier one, whatever the
/// order in which they arrive; an id is nobody else's to use.
///
/// # Errors
/// [`Error::AlreadyExists`] when somebody else logged another visit under this id; otherwise as [`log`].
pub(crate) fn again(
    before: &Visit,
    draft: Draft,
    known: &Circumstances,
    author: &str,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Again> {
    if before.state == State::Withdrawn && before.author.as_deref() == Some(author) {
        return Ok(Again::Superseded);
    }
    if before.state == State::Logged && draft.says(before) {
        return Ok(Again::Same);
    }
    if before.author.as_deref() != Some(author) {
        return Err(Error::AlreadyExists(before.name.to_string()));
    }
    if before.edited_at.is_some_and(|edited| draft.edited_by(now) <= edited) {
        return Ok(Again::Superseded);
    }
    let (visit, _) = log(draft, known, author, today, now)?;
    let visit = Visit { revision: before.revision + 1, created_at: before.created_at, ..visit };
    let change = visit.news(Happened::Corrected)?;
    Ok(Again::Edited(Box::new((visit, change))))
}

/// Puts right what was put down wrongly. On another day the rules of that day hold; `known` is of the visit as it will be.
pub(crate) fn correct(
    before: Visit,
    correction: Correction,
    known: &Circumstances,
    authority: &Authority,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(Visit, Change)> {
    before.must_be_open_to(authority)?;
    if let Some(day) = correction.visited_on.filter(|day| *day != before.visited_on) {
        visitor(&before.name, day, true, before.grid.grid, known, today)?;
    }
    let visit = Visit {
        visited_on: correction.visited_on.unwrap_or(before.visited_on),
        mode: correction.mode.unwrap_or(before.mode),
        persons: correction.persons.unwrap_or(before.persons),
        topics: correction.topics.unwrap_or(before.topics),
        note: correction.note.unwrap_or(before.note),
        concerns: correction.concerns.unwrap_or(before.concerns),
        edited_at: Some(now),
        revision: before.revision + 1,
        updated_at: now,
        ..before
    };
    let change = visit.news(Happened::Corrected)?;
    Ok((visit, change))
}

/// Takes back a visit that was logged by mistake.
pub(crate) fn withdraw(
    before: Visit,
    reason: String,
    authority: &Authority,
    now: DateTime<Utc>,
) -> Result<(Visit, Change)> {
    before.must_be_open_to(authority)?;
    let visit =
        Visit { state: State::Withdrawn, withdrawal: reason, revision: before.revision + 1, updated_at: now, ..before };
    let change = visit.news(Happened::Withdrawn)?;
    Ok((visit, change))
}

/// What a refusal of one visit of a batch comes to. The household that is not the caller's any more and the one that
/// never was are not told apart.
pub(crate) fn outcome(error: &Error, sees_all: bool) -> Outcome {
    match error {
        Error::Denied { .. } => Outcome::NoLongerYours,
        Error::Refused { reason: reasons::UNKNOWN_HOUSEHOLD, .. } if !sees_all => Outcome::NoLongerYours,
        Error::Refused { reason: reasons::NOT_THEIR_REPRESENTATIVE | reasons::NOT_SERVING, .. } => {
            Outcome::NoLongerYours
        }
        _ => Outcome::Refused,
    }
}

/// Who visited, if that is somebody who served on the day and serves here.
fn visitor(
    visit: &VisitName,
    day: NaiveDate,
    is_named: bool,
    grid: GridCode,
    known: &Circumstances,
    today: NaiveDate,
) -> Result<Uuid> {
    if day > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{day} lies in the future")));
    }
    if let Some(since) = known.linked_since.filter(|since| day < *since) {
        let message = format!("{day} lies before the household was linked, on {since}");
        return Err(Error::refused(reasons::BEFORE_THE_LINK, message));
    }
    let visitor = known.visitor.as_ref().ok_or_else(|| match is_named {
        true => Error::field("visit.representative", "does not exist"),
        false => {
            Error::field("visit.representative", "is missing: nobody is linked, and the grid has no representative")
        }
    })?;
    let member = MemberName::new(visit.village, visitor.member);
    if ![known.linked_to, known.grid_representative].contains(&Some(visitor.member)) {
        let message = format!("{member} was not linked to the household and does not represent grid {grid}");
        return Err(Error::refused(reasons::NOT_THEIR_REPRESENTATIVE, message));
    }
    if day < visitor.term_start || visitor.term_end.is_some_and(|end| end <= day) {
        return Err(Error::refused(reasons::NOT_SERVING, format!("the term of {member} does not include {day}")));
    }
    Ok(visitor.member)
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
mod tests;
