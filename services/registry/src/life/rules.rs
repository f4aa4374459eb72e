//! What happens to households and their people: who goes where, what stays behind, and what must not be. Pure.
//!
//! A [`Family`] is a household that is open with everybody in it: whoever has none cannot ask for anything that a closed
//! household must not do. A head is part of the household's own record and so never leaves it: only another takes the
//! place, or the whole household goes.

mod erase;
mod outcome;
mod refusal;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::clock::village_day;
use platform::{Error, Result};
use proto::names::{HouseholdName, ResidentName};
use proto::registry::v1::household_changed::Happened;
use proto::registry::v1::resident_changed::Happened as ResidentHappened;
use uuid::Uuid;

pub(crate) use erase::{erase_household, erase_resident};
pub(crate) use outcome::{Outcome, Told};
use outcome::{as_resident, with_head};
pub(crate) use refusal::Refusal;

use crate::grid::Grid;
use crate::household::Household;
use crate::household::rules::{self as households, Amendment, Facts, Kind, State, replace};
use crate::merchant::Merchant;
use crate::resident::Resident;
use crate::resident::rules as residents;
use crate::sensitive::ERASED;

/// When and why.
#[derive(Debug, Clone)]
pub(crate) struct Occasion {
    /// None: today.
    pub(crate) day: Option<NaiveDate>,
    pub(crate) reason: String,
}

/// How people are related to the head of the household they are in afterwards.
pub(crate) type Relations = BTreeMap<Uuid, String>;

/// A household's move.
#[derive(Debug, Clone)]
pub(crate) struct Relocation {
    pub(crate) outside: bool,
    pub(crate) kind: Option<Kind>,
    pub(crate) address: Option<Option<String>>,
    pub(crate) current_address: Option<Option<String>>,
}

/// People who leave for a household of their own.
#[derive(Debug, Clone)]
pub(crate) struct Departure {
    pub(crate) household: HouseholdName,
    /// What is known of the new household; its head is yet to be put in.
    pub(crate) facts: Facts,
    pub(crate) head: Uuid,
    pub(crate) others: Relations,
}

/// What becomes of a household that is taken into another.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) family: Family,
    pub(crate) head_relation: String,
    /// The id under which its head is a resident from now on.
    pub(crate) head_id: Uuid,
}

/// What becomes of the one who was head.
#[derive(Debug, Clone)]
pub(crate) enum Former {
    /// A resident of the household, under this id.
    Stays { relation: String, id: Uuid },
    /// Dead, or gone from the village.
    Leaves,
}

/// What a household can be marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Away,
    Back,
    Demolished,
}

/// A household that is open, and everybody in it beside its head.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    household: Household,
    residents: Vec<Resident>,
}

impl Family {
    /// # Errors
    /// `HOUSEHOLD_CLOSED`.
    pub(crate) fn of(household: Household, residents: Vec<Resident>) -> Result<Self> {
        household.facts.must_be_open()?;
        Ok(Self { household, residents })
    }

    pub(crate) fn household(&self) -> &Household {
        &self.household
    }

    /// The special care that those need who are in it beside the head.
    fn care(&self) -> Vec<String> {
        residents::care_of(self.residents.iter().map(|resident| &resident.facts.tags))
    }

    /// Takes the person out of the list of those who stay.
    fn take(&mut self, id: Uuid) -> Result<Resident, Refusal> {
        let place = self.residents.iter().position(|resident| resident.name.resident == id);
        let place = place.ok_or_else(|| Refusal::NotIn(self.household.name.resident(id)))?;
        Ok(self.residents.remove(place))
    }
}

/// The day of an occasion, which has come.
pub(crate) fn day_of(occasion: &Occasion, now: DateTime<Utc>) -> Result<NaiveDate> {
    let today = village_day(now);
    let day = occasion.day.unwrap_or(today);
    if day > today { Err(Refusal::InTheFuture.into()) } else { Ok(day) }
}

/// The household moves to `grid`, which may be the one it is in. `lets`: open merchants rent from it.
pub(crate) fn relocate(
    family: Family,
    relocation: Relocation,
    grid: &Grid,
    lets: bool,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let before = family.household;
    let amendment = Amendment {
        grid: Some(grid.name.grid),
        outside: Some(relocation.outside),
        kind: relocation.kind,
        address: relocation.address,
        current_address: relocation.current_address,
        ..Amendment::default()
    };
    let facts = households::amended(before.facts.clone(), amendment, grid, village_day(now))?;
    if facts == before.facts {
        return Err(Refusal::NothingMoves.into());
    }
    if !facts.agree_with(grid) {
        return Err(Refusal::KindDisagrees.into());
    }
    if lets && facts.kind != Kind::RebuiltArea {
        return Err(Refusal::LetsToMerchants.into());
    }
    let mut outcome = Outcome::default();
    outcome.household(replace(before, facts, Happened::Relocated, now)?, Vec::new());
    Ok(outcome)
}

/// Some residents leave for a new household in `grid`.
pub(crate) fn split(
    mut family: Family,
    departure: Departure,
    grid: &Grid,
    on: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let head = family.take(departure.head)?;
    if head.facts.display_name == ERASED {
        return Err(Refusal::Erased.into());
    }
    let mut outcome = Outcome::default();
    let others = departure.others.into_iter().map(|(id, relation)| Ok((family.take(id)?, relation)));
    let others = others.collect::<Result<Vec<_>, Refusal>>()?;
    let persons = i32::try_from(others.len() + 1).map_err(Error::internal)?;
    let facts = Facts {
        telephone: departure.facts.telephone.clone().or_else(|| head.facts.telephone.clone()),
        registered_persons: persons,
        verified_on: None,
        active_since: Some(on),
        state: State::Active,
        resident_tags: residents::care_of(others.iter().map(|(one, _)| &one.facts.tags)),
        ..with_head(departure.facts, &head.facts)
    };
    let facts = households::entered(facts, grid, village_day(now))?;
    if !facts.agree_with(grid) {
        return Err(Refusal::KindDisagrees.into());
    }
    let staying = family.care();
    let (old, new) = (family.household, departure.household);
    let made = Household { name: new.clone(), facts, revision: 1, created_at: now, updated_at: now };
    let change = made.news(Happened::SplitOff)?;
    outcome.household((made, change), vec![old.name.household]);
    let left = fewer(old.facts.registered_persons, persons);
    let facts = Facts { registered_persons: left, resident_tags: staying, ..old.facts.clone() };
    outcome.household(replace(old, facts, Happened::Split, now)?, vec![new.household]);
    outcome.becomes_head(head, new.household, now)?;
    for (resident, relation) in others {
        outcome.moves(resident, &new, relation, now)?;
    }
    Ok(outcome)
}

/// `family` takes others in, which are closed; `merchants` are those on their premises, and `landlord` lets these from now
/// on (it may be the family's own household).
pub(crate) fn merge(
    family: Family,
    taken: Vec<Taken>,
    mut relations: Relations,
    merchants: Vec<Merchant>,
    landlord: Option<&Household>,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let into = family.household.name.clone();
    let closing: Vec<Uuid> = taken.iter().map(|taken| taken.family.household.name.household).collect();
    let distinct = closing.iter().enumerate().all(|(at, id)| !closing.iter().take(at).any(|other| other == id));
    if closing.contains(&into.household) || !distinct {
        return Err(Refusal::SameHousehold.into());
    }
    if landlord.is_some_and(|landlord| closing.contains(&landlord.name.household)) {
        return Err(Refusal::LetsToMerchants.into());
    }
    let mut outcome = Outcome::default();
    outcome.hand_over(merchants, landlord, now)?;
    let mut facts = family.household.facts.clone();
    for Taken { family: other, head_relation, head_id } in taken {
        let Family { household: other, residents } = other;
        facts.registered_persons = more(facts.registered_persons, other.facts.registered_persons);
        facts.tags.extend(other.facts.tags.iter().cloned());
        let head =
            residents::Facts { telephone: other.facts.telephone.clone(), ..as_resident(&other.facts, head_relation) };
        outcome.was_head(into.resident(head_id), head, other.name.household, now)?;
        for resident in residents {
            let relation = relations.remove(&resident.name.resident).ok_or_else(|| unrelated(&resident.name))?;
            outcome.moves(resident, &into, relation, now)?;
        }
        let nobody = Facts {
            head_name: String::new(),
            citizen_id: None,
            head_party_member: false,
            head_pension_due_on: None,
            telephone: None,
            address: None,
            current_address: None,
            registered_persons: 0,
            tags: Vec::new(),
            resident_tags: Vec::new(),
            state: State::Merged,
            ..other.facts.clone()
        };
        outcome.household(replace(other, nobody, Happened::Merged, now)?, vec![into.household]);
    }
    must_be_used_up(&relations, &into)?;
    facts.tags.sort();
    facts.tags.dedup();
    let everybody = family.residents.iter().chain(&outcome.residents);
    facts.resident_tags = residents::care_of(everybody.map(|resident| &resident.facts.tags));
    outcome.household(replace(family.household, facts, Happened::TookIn, now)?, closing);
    Ok(outcome)
}

/// A resident becomes the head of their household.
pub(crate) fn change_head(
    mut family: Family,
    head: Uuid,
    former: Former,
    mut relations: Relations,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let head = family.take(head)?;
    if head.facts.display_name == ERASED {
        return Err(Refusal::Erased.into());
    }
    let staying = family.care();
    let before = family.household;
    let mut outcome = Outcome::default();
    let telephone = head.facts.telephone.clone();
    let mut facts = Facts {
        telephone: telephone.clone().or_else(|| before.facts.telephone.clone()),
        resident_tags: staying,
        ..with_head(before.facts.clone(), &head.facts)
    };
    outcome.becomes_head(head, before.name.household, now)?;
    match former {
        Former::Leaves => facts.registered_persons = fewer(facts.registered_persons, 1),
        Former::Stays { relation, id } => {
            // The number by which the household was reached goes with the one who was its head, unless it is needed.
            let telephone = before.facts.telephone.clone().filter(|_| telephone.is_some());
            let old = residents::Facts { telephone, ..as_resident(&before.facts, relation) };
            outcome.was_head(before.name.resident(id), old, before.name.household, now)?;
        }
    }
    for resident in family.residents {
        let relation = relations.remove(&resident.name.resident).ok_or_else(|| unrelated(&resident.name))?;
        if relation != resident.facts.relation {
            let facts = residents::Facts { relation, ..resident.facts.clone() };
            let (changed, _) = residents::replace(resident, facts, now)?;
            outcome.tell_resident(&changed, ResidentHappened::Updated, Vec::new())?;
            outcome.residents.push(changed);
        }
    }
    must_be_used_up(&relations, &before.name)?;
    outcome.household(replace(before, facts, Happened::HeadChanged, now)?, Vec::new());
    Ok(outcome)
}

/// The household goes away, comes back, or is gone for good; of one that is gone its open `merchants` go on with `landlord`.
pub(crate) fn mark(
    family: Family,
    mark: Mark,
    merchants: Vec<Merchant>,
    landlord: Option<&Household>,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let before = family.household;
    let mut outcome = Outcome::default();
    let (facts, happened) = match (mark, before.facts.state) {
        (Mark::Away, State::Active) => (Facts { state: State::Away, ..before.facts.clone() }, Happened::WentAway),
        (Mark::Back, State::Away) => (Facts { state: State::Active, ..before.facts.clone() }, Happened::CameBack),
        (Mark::Demolished, _) => {
            if !family.residents.is_empty() {
                return Err(Refusal::NotEmpty.into());
            }
            if landlord.is_some_and(|landlord| landlord.name == before.name) {
                return Err(Refusal::LetsToMerchants.into());
            }
            outcome.hand_over(merchants, landlord, now)?;
            // The head lives elsewhere or nowhere: what is kept is by what the household was known.
            let gone = Facts {
                citizen_id: None,
                head_party_member: false,
                head_pension_due_on: None,
                telephone: None,
                state: State::Demolished,
                ..before.facts.clone()
            };
            (gone, Happened::Demolished)
        }
        _ => return Err(Refusal::Marked.into()),
    };
    outcome.household(replace(before, facts, happened, now)?, Vec::new());
    Ok(outcome)
}

/// A resident leaves one household for another.
pub(crate) fn transfer(
    mut from: Family,
    to: Family,
    resident: Uuid,
    relation: String,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let (left, joined) = (from.household.name.clone(), to.household.name.clone());
    if left == joined {
        return Err(Refusal::SameHousehold.into());
    }
    let resident = from.take(resident)?;
    let mut outcome = Outcome::default();
    let staying = from.care();
    let there = residents::care_of(to.residents.iter().chain([&resident]).map(|one| &one.facts.tags));
    outcome.moves(resident, &joined, relation, now)?;
    let persons = fewer(from.household.facts.registered_persons, 1);
    let facts = Facts { registered_persons: persons, resident_tags: staying, ..from.household.facts.clone() };
    outcome.household(replace(from.household, facts, Happened::ResidentLeft, now)?, vec![joined.household]);
    let persons = more(to.household.facts.registered_persons, 1);
    let facts = Facts { registered_persons: persons, resident_tags: there, ..to.household.facts.clone() };
    outcome.household(replace(to.household, facts, Happened::ResidentJoined, now)?, vec![left.household]);
    Ok(outcome)
}

/// The register may count fewer persons than are listed: it never counts less than none.
fn fewer(persons: i32, by: i32) -> i32 {
    persons.saturating_sub(by).max(0)
}

fn more(persons: i32, by: i32) -> i32 {
    persons.saturating_add(by).min(households::MOST_PERSONS)
}

/// Relations are to the head: with another head, nobody's stands as it was.
fn unrelated(resident: &ResidentName) -> Error {
    Error::field("residents", format!("请填写 {resident} 与新户主的关系"))
}

fn must_be_used_up(relations: &Relations, household: &HouseholdName) -> Result<()> {
    relations.keys().next().map_or(Ok(()), |id| Err(Refusal::NotIn(household.resident(*id)).into()))
}

#[cfg(test)]
mod tests;
