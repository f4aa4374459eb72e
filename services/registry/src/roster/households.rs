//! The sheet 住户. A household is known by its number.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use platform::clock::village_day;
use platform::{Result, Tx};
use proto::names::{HouseholdName, LocalCode};
use proto::registry::v1::household_changed::Happened;
use uuid::Uuid;
use workbook::Refusal;

use super::known::Known;
use super::sheets::HouseholdRow;
use super::{Fate, Intake};
use crate::citizen::{Holder, citizen_holders};
use crate::household::Household;
use crate::household::rules::{self, Amendment, Facts, Kind, replace};
use crate::household::store::{household_landlords, household_numbered, household_save};

pub(super) struct Households;

impl Intake for Households {
    type Row = HouseholdRow;
    type Record = Household;

    const ABREAST: usize = 2;

    async fn decide(
        &self,
        known: &Known,
        tx: &mut Tx,
        rows: &[(u32, HouseholdRow)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Fate<Household>>> {
        let (keys, village) = (known.keys(tx).await?, known.village);
        let numbers: Vec<&str> = rows.iter().map(|(_, row)| row.number.as_str()).collect();
        let there = household_numbered(tx, &keys, &village, &numbers).await?;
        let mut there: HashMap<_, _> = there.into_iter().map(|known| (known.facts.number.clone(), known)).collect();
        let indexes: Vec<Option<Vec<u8>>> =
            rows.iter().map(|(_, row)| row.citizen_id.as_ref().map(|number| keys.index(number.exposed()))).collect();
        let holders = citizen_holders(tx, &village, &indexes.iter().flatten().cloned().collect::<Vec<_>>()).await?;
        let holders: HashMap<_, _> = holders.into_iter().map(|one| (one.citizen_id_index.clone(), one)).collect();
        let landlords = household_landlords(tx, &village, &no_longer_rebuilt(rows, &there)).await?;
        let landlords: HashSet<Uuid> = landlords.into_iter().collect();
        let fates = rows.iter().zip(indexes).map(|((_, row), index)| {
            let before = there.remove(&row.number);
            let holder = index.and_then(|index| holders.get(&index));
            match after(known, row, before.as_ref(), holder, &landlords, now) {
                Err((column, refusal)) => Ok(Fate::Refused(column, refusal)),
                Ok(facts) => fate(known, before, facts, now),
            }
        });
        fates.collect()
    }

    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Household]) -> Result<usize> {
        let keys = known.keys(tx).await?;
        household_save(tx, &keys, &known.village, records).await
    }

    fn learn(&self, known: &mut Known, row: &HouseholdRow, record: &Household) {
        known.learn_household(&row.number, record.name.household, record.facts.kind);
    }
}

/// The households that the rows take out of the rebuilt area.
fn no_longer_rebuilt(rows: &[(u32, HouseholdRow)], there: &HashMap<String, Household>) -> Vec<Uuid> {
    let known =
        rows.iter().filter(|(_, row)| row.kind != Kind::RebuiltArea).filter_map(|(_, row)| there.get(&row.number));
    known.filter(|before| before.facts.kind == Kind::RebuiltArea).map(|before| before.name.household).collect()
}

/// The facts once the row has been taken, or the column for which it is not.
fn after(
    known: &Known,
    row: &HouseholdRow,
    before: Option<&Household>,
    holder: Option<&Holder>,
    landlords: &HashSet<Uuid>,
    now: DateTime<Utc>,
) -> Result<Facts, (&'static str, Refusal)> {
    let grid = known.grid(&row.grid).map_err(|refusal| ("微网格编号", refusal))?;
    let group = row.villager_group.as_deref().map(|written| known.group(written)).transpose();
    let group = group.map_err(|refusal| ("村民小组", refusal))?;
    let id = before.map(|before| before.name.household);
    if let Some(holder) = holder.filter(|holder| Some(holder.household) != id || holder.resident.is_some()) {
        return Err(("证件号码", taken_by(holder)));
    }
    if id.is_some_and(|id| landlords.contains(&id)) && row.kind != Kind::RebuiltArea {
        let message = "这户还有营业中的商户租用门面，不能改为其他类型，请先核对“商户”表";
        return Err(("住户类型", Refusal::new("STILL_A_LANDLORD", message)));
    }
    let today = village_day(now);
    let facts = match before {
        Some(before) => {
            let facts = before.facts.clone();
            let amendment = amendment(row, group, &facts);
            rules::amended(facts, amendment, grid, today)
        }
        None => {
            let blank = Facts::blank(row.number.clone(), row.head_name.clone(), row.kind, row.grid);
            let amendment = amendment(row, group, &blank);
            rules::entered(blank.amended(amendment), grid, today)
        }
    };
    facts.map_err(|refusal| match refusal {
        rules::Refusal::GridRetired => {
            ("微网格编号", Refusal::new("GRID_RETIRED", "这个微网格已停用，请改填现用的微网格"))
        }
        rules::Refusal::InTheFuture => ("最近核实日期", Refusal::new("IN_THE_FUTURE", "核实日期不能在今天以后")),
        rules::Refusal::TenantOutside => {
            ("住户类型", Refusal::new("TENANT_OUTSIDE", "租住户住在村里，不能放在区外小区，请核对住户类型或微网格"))
        }
    })
}

/// The record that comes of it.
fn fate(known: &Known, before: Option<Household>, facts: Facts, now: DateTime<Utc>) -> Result<Fate<Household>> {
    Ok(match before {
        Some(before) if before.facts == facts => Fate::Unchanged(before),
        Some(before) => {
            let (changed, change) = replace(before, facts, Happened::Updated, now)?;
            Fate::Updated(changed, change)
        }
        None => {
            let name = HouseholdName::new(known.village, known.new_id());
            let made = Household { name, facts, revision: 1, created_at: now, updated_at: now };
            let change = made.news(Happened::Created)?;
            Fate::Created(made, change)
        }
    })
}

/// What the row says. A confirmation that is known to be later than the row's is not forgotten.
fn amendment(row: &HouseholdRow, group: Option<LocalCode>, before: &Facts) -> Amendment {
    Amendment {
        head_name: Some(row.head_name.clone()),
        citizen_id: row.citizen_id.clone().map(Some),
        telephone: row.telephone.clone().map(Some),
        registered_persons: row.registered_persons,
        villager_group: group.map(Some),
        kind: Some(row.kind),
        grid: Some(row.grid),
        address: row.address.clone().map(Some),
        current_address: row.current_address.clone().map(Some),
        tags: row.tags.clone(),
        verified_on: row.verified_on.map(|day| Some(day).max(before.verified_on)),
        ..Amendment::default()
    }
}

/// Why a number is not given to a second person.
pub(super) fn taken_by(holder: &Holder) -> Refusal {
    let role = if holder.resident.is_some() { "家庭成员" } else { "户主" };
    let message = format!("这个证件号码已登记为户编号{}的{role}，请核对", holder.number);
    Refusal::new("CITIZEN_ID_TAKEN", message)
}
