//! The sheet 家庭成员. A person is known by their citizen ID number, or else by their name within the household.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use platform::{Result, Tx};
use proto::names::ResidentName;
use uuid::Uuid;
use workbook::Refusal;
use workbook::formats::{CitizenId, Telephone};

use super::households::{mask_differs, taken_by};
use super::known::Known;
use super::sheets::ResidentRow;
use super::{Fate, Flaws, Intake, Saved};
use crate::care_tags::tags_used;
use crate::citizen::{Holder, citizen_holders};
use crate::household;
use crate::household::store::{household_hold, household_save};
use crate::resident::Resident;
use crate::resident::rules::{Amendment, Facts, create, replace};
use crate::resident::store::{resident_care, resident_of_households, resident_save};
use crate::sensitive::masked_name;

pub(super) struct Residents;

impl Intake for Residents {
    type Row = ResidentRow;
    type Record = Resident;

    async fn decide(
        &self,
        known: &Known,
        tx: &mut Tx,
        rows: &[(u32, ResidentRow)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Fate<Resident>>> {
        let (keys, village) = (known.keys(tx).await?, known.village);
        let households = known.households(tx, rows.iter().map(|(_, row)| row.household.as_str())).await?;
        let ids: HashSet<Uuid> = households.values().map(|household| household.id).collect();
        let there = resident_of_households(tx, &keys, &village, &Vec::from_iter(ids)).await?;
        let mut there = People::new(there);
        let indexes: Vec<Option<Vec<u8>>> =
            rows.iter().map(|(_, row)| row.citizen_id.as_ref().map(|number| keys.index(number.exposed()))).collect();
        let holders = citizen_holders(tx, &village, &indexes.iter().flatten().cloned().collect::<Vec<_>>()).await?;
        let holders: HashMap<_, _> = holders.into_iter().map(|one| (one.citizen_id_index.clone(), one)).collect();
        let used = tags_used(tx, &village).await?;
        let fates = rows.iter().zip(indexes).map(|((_, row), index)| {
            let holder = index.and_then(|index| holders.get(&index));
            let household = households.get(&row.household);
            let mut flaws = Flaws::new();
            if household.is_none() && !row.household.is_empty() {
                let message = "未知的户编号，请先在“住户”表里登记，或改填正确的编号";
                flaws.push(("户编号", Refusal::new("UNKNOWN_HOUSEHOLD", message)));
            }
            let before = match (household, holder) {
                (None, None) => None,
                (None, Some(holder)) => {
                    flaws.push(("证件号码", taken_by(holder)));
                    None
                }
                (Some(household), None) => there.take_meant(known, household.id, row),
                (Some(household), Some(holder)) => there.take_held(household.id, holder).unwrap_or_else(|refusal| {
                    flaws.push(("证件号码", refusal));
                    None
                }),
            };
            for (column, covered) in &row.masked {
                let known = before.as_ref().map(|before| mask_of(column, &before.facts));
                if known.as_ref() != Some(covered) {
                    flaws.push((*column, mask_differs(known.is_some())));
                }
            }
            flaws.extend(tag_not_used(row, before.as_ref(), &used).map(|refusal| ("标签", refusal)));
            let Some(household) = household.filter(|_| flaws.is_empty()) else { return Ok(Fate::Refused(flaws)) };
            let Some(before) = before else {
                let name = ResidentName::new(village, household.id, known.new_id());
                let (made, change) = create(name, entered(row), now)?;
                return Ok(Fate::Created(made, change));
            };
            let facts = before.facts.clone().amended(amendment(row));
            if facts == before.facts {
                return Ok(Fate::Unchanged(before));
            }
            let (changed, change) = replace(before, facts, now)?;
            Ok(Fate::Updated(changed, change))
        });
        fates.collect()
    }

    /// Writes the people, and what care they need now with their households.
    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Resident]) -> Result<Saved> {
        let (keys, village) = (known.keys(tx).await?, &known.village);
        // The households before the people, in the order in which all hold them; of somebody new without tags, none.
        let concerned = records.iter().filter(|one| one.revision > 1 || !one.facts.tags.is_empty());
        let concerned: BTreeSet<Uuid> = concerned.map(|one| one.name.household).collect();
        let concerned = Vec::from_iter(concerned);
        let homes = household_hold(tx, &keys, village, &concerned, None).await?;
        let records = resident_save(tx, &keys, village, records).await?;
        let (mut homes_changed, mut further) = (Vec::new(), Vec::new());
        let mut needed = resident_care(tx, village, &concerned).await?;
        for home in homes {
            let needed = needed.remove(&home.name.household).unwrap_or_default();
            if let Some((home, change)) = household::rules::cared_for(home, needed, known.now())? {
                homes_changed.push(home);
                further.push(change);
            }
        }
        if !homes_changed.is_empty() {
            household_save(tx, &keys, village, &homes_changed).await?;
        }
        Ok(Saved { records, further })
    }

    fn learn(&self, known: &mut Known, _: &ResidentRow, record: &Resident) {
        known.learn_matched(record.name.resident);
    }
}

/// The people who are there, of whom each is meant by one row.
struct People(HashMap<Uuid, Vec<Resident>>);

impl People {
    fn new(residents: Vec<Resident>) -> Self {
        let mut people: HashMap<Uuid, Vec<Resident>> = HashMap::new();
        for resident in residents {
            people.entry(resident.name.household).or_default().push(resident);
        }
        Self(people)
    }

    fn take(&mut self, household: Uuid, is: impl Fn(&Resident) -> bool) -> Option<Resident> {
        let people = self.0.get_mut(&household)?;
        let place = people.iter().position(is)?;
        Some(people.remove(place))
    }

    /// The one who has the row's number, who has to be of the row's household.
    fn take_held(&mut self, household: Uuid, holder: &Holder) -> Result<Option<Resident>, Refusal> {
        match holder.resident {
            Some(id) if holder.household == household => Ok(self.take(household, |one| one.name.resident == id)),
            None if holder.household == household => {
                let message = "这是本户户主的证件号码，户主已在“住户”表登记，不必再列为家庭成员";
                Err(Refusal::new("IS_THE_HEAD", message))
            }
            _ => Err(taken_by(holder)),
        }
    }

    /// The one of the row's name whom no other row means by name or number. Of those whose name is covered the one who
    /// would be shown as the row shows them; two who look the same, and are related in the same way, are left as they are
    /// whichever is taken.
    fn take_meant(&mut self, known: &Known, household: Uuid, row: &ResidentRow) -> Option<Resident> {
        self.take(household, |one| {
            let is_listed = one.facts.citizen_id.as_ref().is_some_and(|number| known.lists_citizen(number));
            let is_meant = match &row.display_name {
                Some(name) => one.facts.display_name == *name,
                None => {
                    let is_shown = |(column, covered): &(&str, String)| mask_of(column, &one.facts) == *covered;
                    one.facts.relation == row.relation && row.masked.iter().all(is_shown)
                }
            };
            is_meant && !is_listed && known.is_free(one.name.resident)
        })
    }
}

/// How an answer or an export shows what is known, where those who may not see it look.
fn mask_of(column: &str, facts: &Facts) -> String {
    match column {
        "姓名" => masked_name(&facts.display_name),
        "证件号码" => facts.citizen_id.as_ref().map(CitizenId::masked).unwrap_or_default(),
        "联系电话" => facts.telephone.as_ref().map(Telephone::masked).unwrap_or_default(),
        _ => String::new(),
    }
}

/// A tag that the village does not use is not given to anybody; who has it keeps it.
fn tag_not_used(row: &ResidentRow, before: Option<&Resident>, used: &[String]) -> Option<Refusal> {
    let has = |tag: &String| before.is_some_and(|before| before.facts.tags.contains(tag));
    let unknown = row.tags.iter().flatten().find(|tag| !used.contains(tag) && !has(tag))?;
    let message = format!("本村没有“{unknown}”这个标签，可用的有：{}", used.join("、"));
    Some(Refusal::new("UNKNOWN_TAG", message))
}

fn entered(row: &ResidentRow) -> Facts {
    Facts {
        citizen_id: row.citizen_id.clone(),
        telephone: row.telephone.clone(),
        party_member: row.party_member.unwrap_or_default(),
        tags: row.tags.clone().unwrap_or_default(),
        pension_due_on: row.pension_due_on,
        ..Facts::blank(row.display_name.clone().unwrap_or_default(), row.relation.clone())
    }
}

/// What the row says of a person who is known.
fn amendment(row: &ResidentRow) -> Amendment {
    Amendment {
        display_name: row.display_name.clone(),
        relation: Some(row.relation.clone()),
        citizen_id: row.citizen_id.clone().map(Some),
        telephone: row.telephone.clone().map(Some),
        party_member: row.party_member,
        tags: row.tags.clone(),
        pension_due_on: row.pension_due_on.map(Some),
    }
}
