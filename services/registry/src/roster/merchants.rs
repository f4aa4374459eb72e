//! The sheet 商户. A merchant is known by its credit code, or else by its name and landlord.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use platform::{Result, Tx};
use proto::names::MerchantName;
use uuid::Uuid;
use workbook::Refusal;
use workbook::formats::{CreditCode, Telephone};

use super::households::mask_differs;
use super::known::Known;
use super::sheets::MerchantRow;
use super::{Fate, Flaws, Intake, Saved};
use crate::merchant::Merchant;
use crate::merchant::rules::{Amendment, Facts, State, create, may_let, replace};
use crate::merchant::store::{merchant_coded_or_of, merchant_save};
use crate::sensitive::{masked_address, masked_name};

pub(super) struct Merchants;

impl Intake for Merchants {
    type Row = MerchantRow;
    type Record = Merchant;

    async fn decide(
        &self,
        known: &Known,
        tx: &mut Tx,
        rows: &[(u32, MerchantRow)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Fate<Merchant>>> {
        let (keys, village) = (known.keys(tx).await?, known.village);
        let households = known.households(tx, rows.iter().map(|(_, row)| row.landlord.as_str())).await?;
        let landlords: HashSet<Uuid> = households.values().map(|household| household.id).collect();
        let codes: Vec<&str> = rows.iter().filter_map(|(_, row)| Some(row.credit_code.as_ref()?.exposed())).collect();
        let mut there = merchant_coded_or_of(tx, &keys, &village, &codes, &Vec::from_iter(landlords)).await?;
        let fates = rows.iter().map(|(_, row)| {
            let mut flaws = Flaws::new();
            let landlord = households.get(&row.landlord);
            if landlord.is_none() && !row.landlord.is_empty() {
                let message = "未知的户编号，请先在“住户”表里登记，或改填正确的编号";
                flaws.push(("房东户编号", Refusal::new("UNKNOWN_HOUSEHOLD", message)));
            }
            let before = landlord.and_then(|landlord| take(&mut there, known, row, landlord.id));
            let is_open = before.as_ref().is_none_or(|before| before.facts.state == State::Open);
            if landlord.is_some_and(|landlord| is_open && !may_let(landlord.kind)) {
                let message = "房东户不是重建地户，请核对房东户编号或该户的住户类型";
                flaws.push(("房东户编号", Refusal::new("NOT_A_LANDLORD", message)));
            }
            for (column, covered) in &row.masked {
                let known = before.as_ref().map(|before| mask_of(column, &before.facts));
                if known.as_ref() != Some(covered) {
                    flaws.push((*column, mask_differs(known.is_some())));
                }
            }
            let Some(landlord) = landlord.filter(|_| flaws.is_empty()) else { return Ok(Fate::Refused(flaws)) };
            let Some(before) = before else {
                let name = MerchantName::new(village, known.new_id());
                let (made, change) = create(name, entered(row, landlord.id), landlord.kind, now)?;
                return Ok(Fate::Created(made, change));
            };
            let facts = before.facts.clone().amended(amendment(row, landlord.id));
            if facts == before.facts {
                return Ok(Fate::Unchanged(before));
            }
            let (changed, change) = replace(before, facts, landlord.kind, now)?;
            Ok(Fate::Updated(changed, change))
        });
        fates.collect()
    }

    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Merchant]) -> Result<Saved> {
        let keys = known.keys(tx).await?;
        Ok(merchant_save(tx, &keys, &known.village, records).await?.into())
    }

    fn learn(&self, known: &mut Known, _: &MerchantRow, record: &Merchant) {
        known.learn_matched(record.name.merchant);
    }
}

/// The merchant that the row means: the one with its code; or else the one of its name at its landlord's that no other
/// row means by code or by name.
fn take(there: &mut Vec<Merchant>, known: &Known, row: &MerchantRow, landlord: Uuid) -> Option<Merchant> {
    let code = row.credit_code.as_ref();
    let is_coded = |one: &Merchant| code.is_some() && one.facts.credit_code.as_ref() == code;
    let is_listed = |code: &CreditCode| known.lists_credit_code(code);
    let is_named = |one: &Merchant| {
        one.facts.display_name == row.display_name
            && one.facts.landlord == landlord
            && !one.facts.credit_code.as_ref().is_some_and(is_listed)
            && known.is_free(one.name.merchant)
    };
    let place = there.iter().position(is_coded).or_else(|| there.iter().position(is_named))?;
    Some(there.swap_remove(place))
}

/// How an answer or an export shows what is known, where those who may not see it look.
fn mask_of(column: &str, facts: &Facts) -> String {
    match column {
        "经营者" => masked_name(&facts.operator_name),
        "联系电话" => facts.telephone.as_ref().map(Telephone::masked).unwrap_or_default(),
        "经营地址" => masked_address(facts.address.as_deref().unwrap_or_default()),
        _ => String::new(),
    }
}

fn entered(row: &MerchantRow, landlord: Uuid) -> Facts {
    Facts {
        display_name: row.display_name.clone(),
        credit_code: row.credit_code.clone(),
        operator_name: row.operator_name.clone().unwrap_or_default(),
        telephone: row.telephone.clone(),
        trade: row.trade.clone().unwrap_or_default(),
        landlord,
        address: row.address.clone(),
        licence_expires_on: row.licence_expires_on,
        state: State::Open,
    }
}

/// What the row says of a merchant that is known. Whether it is still open, the sheet does not say.
fn amendment(row: &MerchantRow, landlord: Uuid) -> Amendment {
    Amendment {
        display_name: Some(row.display_name.clone()),
        credit_code: row.credit_code.clone().map(Some),
        operator_name: row.operator_name.clone(),
        telephone: row.telephone.clone().map(Some),
        trade: row.trade.clone(),
        landlord: Some(landlord),
        address: row.address.clone().map(Some),
        licence_expires_on: row.licence_expires_on.map(Some),
    }
}
