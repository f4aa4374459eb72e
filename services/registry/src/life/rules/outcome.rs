//! All that a step changes, and what is told of it. Who changes roles or places does so here and nowhere else.

use chrono::{DateTime, Utc};
use events::Change;
use platform::Result;
use proto::names::{HouseholdName, ResidentName};
use proto::registry::v1::resident_changed::Happened as ResidentHappened;
use uuid::Uuid;

use super::Refusal;
use crate::household::Household;
use crate::household::rules::Facts;
use crate::merchant::Merchant;
use crate::merchant::rules::let_by;
use crate::resident::Resident;
use crate::resident::rules as residents;

/// Something that happened to a record, besides what its news says.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) change: Change,
    pub(crate) record: String,
    pub(crate) revision: i64,
    pub(crate) households: Vec<Uuid>,
    pub(crate) resident: Option<Uuid>,
}

/// All that a step changes.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) households: Vec<Household>,
    pub(crate) residents: Vec<Resident>,
    /// Residents who are heads now: their records are over.
    pub(crate) ended: Vec<Uuid>,
    pub(crate) merchants: Vec<Merchant>,
    pub(crate) told: Vec<Told>,
}

impl Outcome {
    pub(super) fn household(&mut self, (household, change): (Household, Change), others: Vec<Uuid>) {
        let (record, revision) = (household.name.to_string(), household.revision);
        self.told.push(Told { change, record, revision, households: others, resident: None });
        self.households.push(household);
    }

    pub(super) fn tell_resident(
        &mut self,
        resident: &Resident,
        happened: ResidentHappened,
        others: Vec<Uuid>,
    ) -> Result<()> {
        let (record, revision) = (resident.name.to_string(), resident.revision);
        let (change, id) = (resident.news(happened)?, Some(resident.name.resident));
        self.told.push(Told { change, record, revision, households: others, resident: id });
        Ok(())
    }

    /// A resident moves to another household: the record goes on under its new name, and the old name says so.
    pub(super) fn moves(
        &mut self,
        before: Resident,
        to: &HouseholdName,
        relation: String,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let from = before.name.household;
        let left = Resident { revision: before.revision + 1, updated_at: now, ..before };
        self.tell_resident(&left, ResidentHappened::Left, vec![to.household])?;
        let facts = residents::Facts { relation, ..left.facts.clone() };
        let joined = Resident { name: to.resident(left.name.resident), facts, ..left };
        self.tell_resident(&joined, ResidentHappened::Joined, vec![from])?;
        self.residents.push(joined);
        Ok(())
    }

    /// A resident's record is over: the household's own speaks of the person now.
    pub(super) fn becomes_head(&mut self, before: Resident, of: Uuid, now: DateTime<Utc>) -> Result<()> {
        self.ended.push(before.name.resident);
        let others = if of == before.name.household { Vec::new() } else { vec![of] };
        let ended = Resident { revision: before.revision + 1, updated_at: now, ..before };
        self.tell_resident(&ended, ResidentHappened::BecameHead, others)
    }

    /// Who was a head is a resident from now on.
    pub(super) fn was_head(
        &mut self,
        name: ResidentName,
        facts: residents::Facts,
        from: Uuid,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let others = if from == name.household { Vec::new() } else { vec![from] };
        let resident = Resident { name, facts, revision: 1, created_at: now, updated_at: now };
        self.tell_resident(&resident, ResidentHappened::WasHead, others)?;
        self.residents.push(resident);
        Ok(())
    }

    /// Open merchants of a household that closes go on with another landlord.
    pub(super) fn hand_over(
        &mut self,
        merchants: Vec<Merchant>,
        to: Option<&Household>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        for merchant in merchants {
            let (merchant, change) = let_by(merchant, to.ok_or(Refusal::LetsToMerchants)?, now)?;
            let (record, revision) = (merchant.name.to_string(), merchant.revision);
            self.told.push(Told { change, record, revision, households: Vec::new(), resident: None });
            self.merchants.push(merchant);
        }
        Ok(())
    }
}

/// What is known of a household once this person is its head. The care that they need, the household needs.
pub(super) fn with_head(facts: Facts, head: &residents::Facts) -> Facts {
    let mut tags = facts.tags;
    tags.extend(head.tags.iter().cloned());
    tags.sort();
    tags.dedup();
    Facts {
        head_name: head.display_name.clone(),
        citizen_id: head.citizen_id.clone(),
        head_party_member: head.party_member,
        head_pension_due_on: head.pension_due_on,
        tags,
        ..facts
    }
}

/// What is known of a head once they are a resident. Tags were the household's, and stay there.
pub(super) fn as_resident(facts: &Facts, relation: String) -> residents::Facts {
    residents::Facts {
        citizen_id: facts.citizen_id.clone(),
        party_member: facts.head_party_member,
        pension_due_on: facts.head_pension_due_on,
        ..residents::Facts::blank(facts.head_name.clone(), relation)
    }
}
