//! Who asks to be forgotten is. That there was somebody stays, for the figures.

use chrono::{DateTime, Utc};
use platform::Result;
use proto::registry::v1::household_changed::Happened;
use proto::registry::v1::resident_changed::Happened as ResidentHappened;

use super::{Outcome, Refusal};
use crate::household::Household;
use crate::household::rules::{Facts, State, replace};
use crate::resident::Resident;
use crate::resident::rules as residents;
use crate::sensitive::ERASED;

/// A resident is forgotten. That there was somebody, and how related, stays for the figures.
/// `household` is theirs, and `others` are in it beside the head: it needs no care any more that only they needed.
pub(crate) fn erase_resident(
    before: Resident,
    household: Household,
    others: &[Resident],
    now: DateTime<Utc>,
) -> Result<Outcome> {
    if before.facts.display_name == ERASED {
        return Err(Refusal::Erased.into());
    }
    let facts = residents::Facts::blank(ERASED.to_owned(), before.facts.relation.clone());
    let mut outcome = Outcome::default();
    let (erased, _) = residents::replace(before, facts, now)?;
    outcome.tell_resident(&erased, ResidentHappened::Erased, Vec::new())?;
    outcome.residents.push(erased);
    let care = residents::care_of(others.iter().map(|resident| &resident.facts.tags));
    if care != household.facts.resident_tags {
        let facts = Facts { resident_tags: care, ..household.facts.clone() };
        outcome.household(replace(household, facts, Happened::Updated, now)?, Vec::new());
    }
    Ok(outcome)
}

/// A head is forgotten, and with them all that tells who they were. The household still counts as it did, open or closed;
/// with others in it, another is to be its head first.
pub(crate) fn erase_household(before: Household, residents: &[Resident], now: DateTime<Utc>) -> Result<Outcome> {
    if before.facts.state == State::Merged || before.facts.head_name == ERASED {
        return Err(Refusal::Erased.into());
    }
    if residents.iter().any(|resident| resident.facts.display_name != ERASED) {
        return Err(Refusal::NotEmpty.into());
    }
    let facts = Facts {
        head_name: ERASED.to_owned(),
        citizen_id: None,
        head_party_member: false,
        head_pension_due_on: None,
        telephone: None,
        address: None,
        current_address: None,
        tags: Vec::new(),
        ..before.facts.clone()
    };
    let mut outcome = Outcome::default();
    outcome.household(replace(before, facts, Happened::Erased, now)?, Vec::new());
    Ok(outcome)
}
