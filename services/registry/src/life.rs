//! What happens to households and their people: moves, splits, mergers, other heads, absence and demolition.
//!
//! Each is one transaction: everybody concerned is held, the rules decide, and what comes of it is written with its day
//! and reason. The order of writing is such that the database's own rules hold after every statement.

pub(crate) mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use std::collections::HashMap;

use events::{Change, Changes};
use platform::revision::must_be;
use platform::vault::VillageKeys;
use platform::{Authority, Caller, Clock, Database, Error, Request, Result, Tx, Vault};
use proto::names::{GridName, HouseholdName, ResidentName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use rules::{Departure, Family, Former, Mark, Occasion, Outcome, Relations, Relocation, Taken};

use crate::citizen::citizen_release;
use crate::household::store::{household_hold, household_save};
use crate::household::{self, Household, grid_of};
use crate::merchant::store::{merchant_hold, merchant_save};
use crate::resident::store::{resident_hold, resident_remove, resident_save};
use crate::resident::{self, Resident};

/// The use cases of what happens to households.
pub(crate) struct Lives {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

/// Who wants something done, by which request, on what occasion.
struct Order<'a> {
    caller: &'a Caller,
    request: &'a Request,
    occasion: Occasion,
}

/// A record that something is asked for, as the caller knows it.
pub(crate) struct Asked<N> {
    name: N,
    expected: Option<i64>,
}

/// One to be taken into another household.
pub(crate) struct Merging {
    household: Asked<HouseholdName>,
    head_relation: String,
}

/// A transaction in a village, and what is needed in it.
struct Step {
    authority: Authority,
    village: VillageCode,
    keys: VillageKeys,
    tx: Tx,
}

impl Lives {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    async fn relocate(
        &self,
        order: Order<'_>,
        asked: Asked<HouseholdName>,
        grid: Option<GridName>,
        relocation: Relocation,
    ) -> Result<Household> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        if order.request.claim(&mut step.tx, &step.village, &asked.name.to_string()).await?.is_some() {
            return step.household(&asked.name).await;
        }
        let mut held = step.hold(&[&asked.name]).await?;
        let family = held.family(&asked)?;
        let grid = grid.unwrap_or_else(|| family.household().grid_name());
        step.authority.must_serve(&grid.grid)?;
        let grid = grid_of(&mut step.tx, &grid).await?;
        let lets = !step.merchants(&[asked.name.household]).await?.is_empty();
        let outcome = rules::relocate(family, relocation, &grid, lets, self.clock.now())?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_household(&asked.name)
    }

    async fn split(&self, order: Order<'_>, asked: Asked<HouseholdName>, departure: Departure) -> Result<Household> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        let made = departure.household.clone();
        if let Some(made) = order.request.claim(&mut step.tx, &step.village, &made.to_string()).await? {
            return step.household(&made.parse().map_err(Error::internal)?).await;
        }
        let mut held = step.hold(&[&asked.name]).await?;
        let family = held.family(&asked)?;
        step.authority.must_serve(&departure.facts.grid)?;
        let grid = grid_of(&mut step.tx, &GridName::new(step.village, departure.facts.grid)).await?;
        let now = self.clock.now();
        let outcome = rules::split(family, departure, &grid, rules::day_of(&order.occasion, now)?, now)?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_household(&made)
    }

    async fn merge(
        &self,
        order: Order<'_>,
        asked: Asked<HouseholdName>,
        merging: Vec<Merging>,
        relations: Relations,
        landlord: Option<HouseholdName>,
    ) -> Result<Household> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        if order.request.claim(&mut step.tx, &step.village, &asked.name.to_string()).await?.is_some() {
            return step.household(&asked.name).await;
        }
        let closing: Vec<&HouseholdName> = merging.iter().map(|merging| &merging.household.name).collect();
        let closing_ids: Vec<Uuid> = closing.iter().map(|name| name.household).collect();
        let all: Vec<&HouseholdName> = closing.into_iter().chain([&asked.name]).chain(&landlord).collect();
        let mut held = step.hold(&all).await?;
        let landlord = landlord.map(|name| held.landlord(&name)).transpose()?;
        let family = held.family(&asked)?;
        let mut taken = Vec::new();
        for merging in merging {
            let head_id = self.clock.new_id();
            // One that is named twice is not found the second time; the rules say so of one that is named as both.
            let family = held.family(&merging.household)?;
            taken.push(Taken { family, head_relation: merging.head_relation, head_id });
        }
        let merchants = step.merchants(&closing_ids).await?;
        let outcome = rules::merge(family, taken, relations, merchants, landlord.as_ref(), self.clock.now())?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_household(&asked.name)
    }

    async fn change_head(
        &self,
        order: Order<'_>,
        asked: Asked<HouseholdName>,
        head: Uuid,
        former: Former,
        relations: Relations,
    ) -> Result<Household> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        if order.request.claim(&mut step.tx, &step.village, &asked.name.to_string()).await?.is_some() {
            return step.household(&asked.name).await;
        }
        let mut held = step.hold(&[&asked.name]).await?;
        let outcome = rules::change_head(held.family(&asked)?, head, former, relations, self.clock.now())?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_household(&asked.name)
    }

    async fn mark(
        &self,
        order: Order<'_>,
        asked: Asked<HouseholdName>,
        mark: Mark,
        landlord: Option<HouseholdName>,
    ) -> Result<Household> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        if order.request.claim(&mut step.tx, &step.village, &asked.name.to_string()).await?.is_some() {
            return step.household(&asked.name).await;
        }
        let all: Vec<&HouseholdName> = [&asked.name].into_iter().chain(&landlord).collect();
        let mut held = step.hold(&all).await?;
        let landlord = landlord.map(|name| held.landlord(&name)).transpose()?;
        let family = held.family(&asked)?;
        let merchants = step.merchants(&[asked.name.household]).await?;
        let outcome = rules::mark(family, mark, merchants, landlord.as_ref(), self.clock.now())?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_household(&asked.name)
    }

    async fn transfer(
        &self,
        order: Order<'_>,
        asked: Asked<ResidentName>,
        to: HouseholdName,
        relation: String,
    ) -> Result<Resident> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        let id = asked.name.resident;
        let moved = to.resident(id);
        if let Some(made) = order.request.claim(&mut step.tx, &step.village, &moved.to_string()).await? {
            let made = made.parse().map_err(Error::internal)?;
            return resident::get(&mut step.tx, &step.keys, &made, &step.authority, false).await;
        }
        let from = HouseholdName::new(step.village, asked.name.household);
        let mut held = step.hold(&[&from, &to]).await?;
        held.resident(&asked)?;
        let (now, whatever) = (self.clock.now(), None);
        let from = held.family(&Asked { name: from, expected: whatever })?;
        // Into the household that the person is in: there is no second one to be taken.
        let to = if from.household().name == to {
            from.clone()
        } else {
            held.family(&Asked { name: to, expected: whatever })?
        };
        let outcome = rules::transfer(from, to, id, relation, now)?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_resident(&moved)
    }

    async fn forget_head(&self, order: Order<'_>, asked: Asked<HouseholdName>) -> Result<Household> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        if order.request.claim(&mut step.tx, &step.village, &asked.name.to_string()).await?.is_some() {
            return step.household(&asked.name).await;
        }
        let mut held = step.hold(&[&asked.name]).await?;
        let (household, residents) = held.take(&asked)?;
        let outcome = rules::erase_household(household, &residents, self.clock.now())?;
        store::reasons_forget(&mut step.tx, &step.village, &asked.name.to_string(), None).await?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_household(&asked.name)
    }

    async fn forget_resident(&self, order: Order<'_>, asked: Asked<ResidentName>) -> Result<Resident> {
        let mut step = self.begin(order.caller, asked.name.village).await?;
        if order.request.claim(&mut step.tx, &step.village, &asked.name.to_string()).await?.is_some() {
            return resident::get(&mut step.tx, &step.keys, &asked.name, &step.authority, false).await;
        }
        let home = HouseholdName::new(step.village, asked.name.household);
        let mut held = step.hold(&[&home]).await?;
        let resident = held.resident(&asked)?;
        let (household, mut others) = held.take(&Asked { name: home, expected: None })?;
        others.retain(|other| other.name != asked.name);
        let outcome = rules::erase_resident(resident, household, &others, self.clock.now())?;
        let (record, id) = (asked.name.to_string(), Some(asked.name.resident));
        store::reasons_forget(&mut step.tx, &step.village, &record, id).await?;
        let mut settled = self.settle(step, held, outcome, order.occasion).await?;
        settled.take_resident(&asked.name)
    }

    async fn begin(&self, caller: &Caller, village: VillageCode) -> Result<Step> {
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        Ok(Step { authority, village, keys, tx })
    }

    /// Writes all that a step changes, with its day and reason, and commits.
    async fn settle(&self, step: Step, held: Held, outcome: Outcome, occasion: Occasion) -> Result<Outcome> {
        held.must_not_be_named_in(&occasion.reason)?;
        let day = rules::day_of(&occasion, self.clock.now())?;
        let Step { authority, village, keys, mut tx } = step;
        let heads: Vec<Uuid> = outcome.households.iter().map(|household| household.name.household).collect();
        let people = outcome.residents.iter().map(|resident| resident.name.resident);
        let people: Vec<Uuid> = people.chain(outcome.ended.iter().copied()).collect();
        // Who changes places may not have the same number in both of them, not for a moment.
        citizen_release(&mut tx, &village, &heads, &people).await?;
        // A household is there before people move in, and is closed after they and its merchants have left.
        let (made, changed): (Vec<Household>, Vec<Household>) =
            outcome.households.iter().cloned().partition(|household| household.revision == 1);
        let mut saved = household_save(&mut tx, &keys, &village, &made).await?;
        resident_remove(&mut tx, &village, &outcome.ended).await?;
        saved += resident_save(&mut tx, &keys, &village, &outcome.residents).await?;
        saved += merchant_save(&mut tx, &keys, &village, &outcome.merchants).await?;
        saved += household_save(&mut tx, &keys, &village, &changed).await?;
        if saved != outcome.households.len() + outcome.residents.len() + outcome.merchants.len() {
            // All of them are held, so only a new one can be there already, under the id that was chosen for it.
            return Err(Error::AlreadyExists("a household with this id".to_owned()));
        }
        store::occasion_save(&mut tx, &village, day, &occasion.reason, &outcome.told).await?;
        let changes: Vec<Change> = outcome.told.iter().map(|told| told.change.clone()).collect();
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(outcome)
    }
}

impl Step {
    async fn household(&mut self, name: &HouseholdName) -> Result<Household> {
        household::get(&mut self.tx, &self.keys, name, &self.authority, false).await
    }

    /// Keeps these households and everybody in them from being changed by others.
    async fn hold(&mut self, names: &[&HouseholdName]) -> Result<Held> {
        let ids: Vec<Uuid> = names.iter().map(|name| name.household).collect();
        let (tx, keys, village) = (&mut self.tx, &self.keys, &self.village);
        let households = household_hold(tx, keys, village, &ids, self.authority.grids()).await?;
        let households: HashMap<Uuid, Household> =
            households.into_iter().map(|household| (household.name.household, household)).collect();
        if let Some(absent) = names.iter().find(|name| !households.contains_key(&name.household)) {
            return Err(Error::NotFound(absent.to_string()));
        }
        let mut residents: HashMap<Uuid, Vec<Resident>> = HashMap::new();
        for resident in resident_hold(tx, keys, village, &ids).await? {
            residents.entry(resident.name.household).or_default().push(resident);
        }
        let heads = households.values().map(|household| household.facts.head_name.clone());
        let others = residents.values().flatten().map(|resident| resident.facts.display_name.clone());
        let people = heads.chain(others).filter(|name| name.chars().count() > 1).collect();
        Ok(Held { households, residents, people })
    }

    /// The open merchants on premises of these households, kept from being changed by others.
    async fn merchants(&mut self, landlords: &[Uuid]) -> Result<Vec<crate::merchant::Merchant>> {
        merchant_hold(&mut self.tx, &self.keys, &self.village, landlords).await
    }
}

/// Households that are held, with everybody in them, until a rule takes them.
struct Held {
    households: HashMap<Uuid, Household>,
    residents: HashMap<Uuid, Vec<Resident>>,
    /// The names of all the people concerned, of more than one character.
    people: Vec<String>,
}

impl Held {
    /// A household with everybody in it, as the caller knows it. Each is taken once.
    fn family(&mut self, asked: &Asked<HouseholdName>) -> Result<Family> {
        let (household, residents) = self.take(asked)?;
        Family::of(household, residents)
    }

    /// The same of a household that may be closed.
    fn take(&mut self, asked: &Asked<HouseholdName>) -> Result<(Household, Vec<Resident>)> {
        let id = asked.name.household;
        let household = self.households.remove(&id).ok_or(rules::Refusal::SameHousehold)?;
        must_be(asked.expected, household.revision, &asked.name)?;
        Ok((household, self.residents.remove(&id).unwrap_or_default()))
    }

    /// A household that is to let premises. It may be one of those that the step is about.
    fn landlord(&self, name: &HouseholdName) -> Result<Household> {
        let unknown = || Error::refused(reasons::UNKNOWN_HOUSEHOLD, format!("there is no {name}"));
        self.households.get(&name.household).cloned().ok_or_else(unknown)
    }

    /// A resident as the caller knows them.
    fn resident(&self, asked: &Asked<ResidentName>) -> Result<Resident> {
        let name = &asked.name;
        let residents = self.residents.get(&name.household).into_iter().flatten();
        let resident = { residents }.find(|resident| resident.name == *name);
        let resident = resident.ok_or_else(|| Error::NotFound(name.to_string()))?;
        must_be(asked.expected, resident.revision, name)?;
        Ok(resident.clone())
    }

    /// A reason is shown to more people than the names are.
    fn must_not_be_named_in(&self, reason: &str) -> Result<()> {
        if self.people.iter().any(|name| reason.contains(name.as_str())) {
            return Err(Error::field("occasion.reason", "会长期保存并显示给多人，请不要写出当事人的姓名"));
        }
        Ok(())
    }
}

impl Outcome {
    fn take_household(&mut self, name: &HouseholdName) -> Result<Household> {
        let place = self.households.iter().position(|household| household.name == *name);
        place.map(|place| self.households.swap_remove(place)).ok_or_else(|| Error::internal("nothing became of it"))
    }

    fn take_resident(&mut self, name: &ResidentName) -> Result<Resident> {
        let place = self.residents.iter().position(|resident| resident.name == *name);
        place.map(|place| self.residents.swap_remove(place)).ok_or_else(|| Error::internal("nothing became of them"))
    }
}
