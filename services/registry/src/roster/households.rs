//! The sheet 住户. A household is known by its number.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use platform::clock::village_day;
use platform::{Result, Tx};
use proto::names::{HouseholdName, LocalCode};
use proto::registry::v1::household_changed::Happened;
use uuid::Uuid;
use workbook::Refusal;
use workbook::formats::{CitizenId, Telephone};

use super::known::Known;
use super::sheets::HouseholdRow;
use super::{Fate, Flaws, Intake, Saved};
use crate::citizen::{Holder, citizen_holders};
use crate::fields;
use crate::household::Household;
use crate::household::rules::{self, Amendment, Facts, Kind, replace};
use crate::household::store::{household_landlords, household_numbered, household_save};
use crate::sensitive::{masked_address, masked_name};

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
                Err(flaws) => Ok(Fate::Refused(flaws)),
                Ok(facts) => fate(known, before, facts, now),
            }
        });
        fates.collect()
    }

    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Household]) -> Result<Saved> {
        let keys = known.keys(tx).await?;
        Ok(household_save(tx, &keys, &known.village, records).await?.into())
    }

    fn learn(&self, known: &mut Known, row: &HouseholdRow, record: &Household) {
        known.learn_household(&row.number, record.name.household, record.facts.kind);
    }
}

/// The households that the rows take out of the rebuilt area.
fn no_longer_rebuilt(rows: &[(u32, HouseholdRow)], there: &HashMap<String, Household>) -> Vec<Uuid> {
    let leaves = |row: &HouseholdRow| row.kind.is_some_and(|kind| kind != Kind::RebuiltArea);
    let known = rows.iter().filter(|(_, row)| leaves(row)).filter_map(|(_, row)| there.get(&row.number));
    known.filter(|before| before.facts.kind == Kind::RebuiltArea).map(|before| before.name.household).collect()
}

/// The facts once the row has been taken, or everything for which it is not.
fn after(
    known: &Known,
    row: &HouseholdRow,
    before: Option<&Household>,
    holder: Option<&Holder>,
    landlords: &HashSet<Uuid>,
    now: DateTime<Utc>,
) -> Result<Facts, Flaws> {
    let mut flaws = Flaws::new();
    let mut note = |column: &'static str, refusal: Refusal| flaws.push((column, refusal));
    let grid = row.grid.and_then(|code| known.grid(&code).map_err(|refusal| note("微网格编号", refusal)).ok());
    let group = row.villager_group.as_deref().map(|written| known.group(written)).transpose();
    let group = group.map_err(|refusal| note("村民小组", refusal)).unwrap_or_default();
    let id = before.map(|before| before.name.household);
    if let Some(holder) = holder.filter(|holder| Some(holder.household) != id || holder.resident.is_some()) {
        note("证件号码", taken_by(holder));
    }
    if id.is_some_and(|id| landlords.contains(&id)) {
        let message = "这户还有营业中的商户租用门面，不能改为其他类型，请先核对“商户”表";
        note("住户类型", Refusal::new("STILL_A_LANDLORD", message));
    }
    let today = village_day(now);
    if row.verified_on.is_some_and(|day| day > today) {
        note("最近核实日期", Refusal::new("IN_THE_FUTURE", "核实日期不能在今天以后"));
    }
    if row.active_since.is_some_and(|day| day > today) {
        note("立户日期", Refusal::new("IN_THE_FUTURE", "立户日期不能在今天以后"));
    }
    if before.is_some_and(|before| row.state.is_some_and(|state| state != before.facts.state)) {
        let message = "户状态与登记的不同：外出、返回、拆除请在系统里办理，不能用花名册改";
        note("户状态", Refusal::new("STATE_DIFFERS", message));
    }
    for (column, covered) in &row.masked {
        let known = before.map(|before| mask_of(column, &before.facts));
        if known.as_ref() != Some(covered) {
            note(column, mask_differs(known.is_some()));
        }
    }
    let (Some(grid), Some(kind)) = (grid, row.kind) else { return Err(flaws) };
    let facts = match before {
        Some(before) => {
            let facts = before.facts.clone();
            let amendment = amendment(row, group, &facts);
            // What is closed accepts nothing more; a row may say what is known of it.
            if !facts.state.is_open() && facts.clone().amended(amendment.clone()) == facts {
                Ok(facts)
            } else {
                rules::amended(facts, amendment, grid, today)
            }
        }
        None => {
            let head_name = row.head_name.clone().unwrap_or_default();
            let mut blank = Facts::blank(row.number.clone(), head_name, kind, grid.name.grid);
            blank.state = row.state.unwrap_or(blank.state);
            let amendment = amendment(row, group, &blank);
            rules::entered(blank.amended(amendment), grid, today)
        }
    };
    match facts {
        Ok(facts) if flaws.is_empty() => return Ok(facts),
        // Told above already.
        Ok(_) | Err(rules::Refusal::InTheFuture) => {}
        Err(rules::Refusal::GridRetired) => {
            let message = "这个微网格已停用，请改填现用的微网格";
            flaws.push(("微网格编号", Refusal::new("GRID_RETIRED", message)));
        }
        Err(rules::Refusal::Closed) => {
            let message = "这户已经合并到其他户或已拆除销户，请删去这一行，或改填现在的户编号";
            flaws.push(("户编号", Refusal::new("HOUSEHOLD_CLOSED", message)));
        }
        Err(rules::Refusal::TenantOutside) => {
            let message = "租住户住在村里，不能放在区外小区，请核对住户类型或微网格";
            flaws.push(("住户类型", Refusal::new("TENANT_OUTSIDE", message)));
        }
    }
    Err(flaws)
}

/// How an answer or an export shows what is known, where those who may not see it look.
fn mask_of(column: &str, facts: &Facts) -> String {
    match column {
        "户主姓名" => masked_name(&facts.head_name),
        "证件号码" => facts.citizen_id.as_ref().map(CitizenId::masked).unwrap_or_default(),
        "联系电话" => facts.telephone.as_ref().map(Telephone::masked).unwrap_or_default(),
        "家庭住址" => masked_address(facts.address.as_deref().unwrap_or_default()),
        "现居住地" => masked_address(facts.current_address.as_deref().unwrap_or_default()),
        _ => String::new(),
    }
}

/// Why text that is covered by asterisks is not taken: it says nothing of somebody new, and of somebody known it has to
/// be what is known.
pub(super) fn mask_differs(is_known: bool) -> Refusal {
    if is_known {
        Refusal::new("MASKED", "内容被星号遮盖，而且与登记的不一致，请填写完整内容")
    } else {
        fields::Unfit::Masked.into()
    }
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
        head_name: row.head_name.clone(),
        citizen_id: row.citizen_id.clone().map(Some),
        telephone: row.telephone.clone().map(Some),
        registered_persons: row.registered_persons,
        villager_group: group.map(Some),
        kind: row.kind,
        grid: row.grid,
        address: row.address.clone().map(Some),
        current_address: row.current_address.clone().map(Some),
        tags: row.tags.clone(),
        verified_on: row.verified_on.map(|day| Some(day).max(before.verified_on)),
        active_since: row.active_since.map(Some),
        outside: row.outside,
        head_party_member: row.head_party_member,
        head_pension_due_on: row.head_pension_due_on.map(Some),
        ..Amendment::default()
    }
}

/// Why a number is not given to a second person.
pub(super) fn taken_by(holder: &Holder) -> Refusal {
    let role = if holder.resident.is_some() { "家庭成员" } else { "户主" };
    let message = format!("这个证件号码已登记为户编号{}的{role}，请核对", holder.number);
    Refusal::new("CITIZEN_ID_TAKEN", message)
}
