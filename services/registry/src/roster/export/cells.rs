//! A record as a row of its sheet: in the words and under the headings that the import reads. Pure.

use std::collections::HashMap;

use proto::names::LocalCode;
use workbook::Cell;
use workbook::formats::{CitizenId, CreditCode, Telephone};

use super::super::sheets::{GRID_KINDS, HOUSEHOLD_KINDS, LINES, OUTSIDE, PARTY_MEMBER, STATES, word};
use crate::division::Division;
use crate::grid::Grid;
use crate::household::Household;
use crate::merchant::Merchant;
use crate::resident::Resident;
use crate::sensitive::{masked_address, masked_name};

pub(super) const AREA: &[&str] = &["片区编号", "片区名称"];
pub(super) const VILLAGER_GROUP: &[&str] = &["小组编号", "小组名称"];
pub(super) const PARTY_GROUP: &[&str] = &["党小组编号", "党小组名称"];
pub(super) const GRID: &[&str] = &["微网格编号", "微网格名称", "片区编号", "类型", "联户主线"];
pub(super) const HOUSEHOLD: &[&str] = &[
    "户编号",
    "户主姓名",
    "证件号码",
    "联系电话",
    "户籍人数",
    "村民小组",
    "住户类型",
    "微网格编号",
    "家庭住址",
    "现居住地",
    "标签",
    "最近核实日期",
    "居住地点",
    "户状态",
    "立户日期",
    "户主是否党员",
    "户主养老认证到期日",
];
pub(super) const RESIDENT: &[&str] =
    &["户编号", "姓名", "与户主关系", "证件号码", "联系电话", "是否党员", "标签", "养老认证到期日"];
pub(super) const MERCHANT: &[&str] =
    &["商户名称", "统一社会信用代码", "经营者", "联系电话", "经营类别", "房东户编号", "经营地址", "证照到期日"];

/// How sensitive fields are shown.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) whole: bool,
}

impl Shown {
    fn name(self, name: &str) -> Cell {
        filled(if self.whole { name.to_owned() } else { masked_name(name) })
    }

    fn citizen_id(self, number: Option<&CitizenId>) -> Cell {
        number.map(|number| if self.whole { number.exposed().to_owned() } else { number.masked() }).into()
    }

    fn telephone(self, number: Option<&Telephone>) -> Cell {
        number.map(|number| if self.whole { number.national() } else { number.masked() }).into()
    }

    fn address(self, address: Option<&str>) -> Cell {
        address.map(|address| if self.whole { address.to_owned() } else { masked_address(address) }).into()
    }
}

pub(super) fn division(division: &Division) -> Vec<Cell> {
    vec![division.code.to_string().into(), division.display_name.as_str().into()]
}

pub(super) fn grid(grid: &Grid) -> Vec<Cell> {
    vec![
        grid.name.grid.to_string().into(),
        grid.facts.display_name.as_str().into(),
        grid.facts.area.to_string().into(),
        word(GRID_KINDS, &grid.facts.kind).into(),
        grid.facts.line.map(|line| word(LINES, &line)).into(),
    ]
}

pub(super) fn household(household: &Household, groups: &HashMap<LocalCode, String>, shown: Shown) -> Vec<Cell> {
    let facts = &household.facts;
    let group = facts.villager_group.as_ref();
    vec![
        facts.number.as_str().into(),
        shown.name(&facts.head_name),
        shown.citizen_id(facts.citizen_id.as_ref()),
        shown.telephone(facts.telephone.as_ref()),
        i64::from(facts.registered_persons).into(),
        group.map(|code| groups.get(code).cloned().unwrap_or_else(|| code.to_string())).into(),
        word(HOUSEHOLD_KINDS, &facts.kind).into(),
        facts.grid.to_string().into(),
        shown.address(facts.address.as_deref()),
        shown.address(facts.current_address.as_deref()),
        tags(&facts.tags),
        facts.verified_on.into(),
        word(OUTSIDE, &facts.outside).into(),
        word(STATES, &facts.state).into(),
        facts.active_since.into(),
        word(PARTY_MEMBER, &facts.head_party_member).into(),
        facts.head_pension_due_on.into(),
    ]
}

pub(super) fn resident(household: &str, resident: &Resident, shown: Shown) -> Vec<Cell> {
    let facts = &resident.facts;
    vec![
        household.into(),
        shown.name(&facts.display_name),
        facts.relation.as_str().into(),
        shown.citizen_id(facts.citizen_id.as_ref()),
        shown.telephone(facts.telephone.as_ref()),
        word(PARTY_MEMBER, &facts.party_member).into(),
        tags(&facts.tags),
        facts.pension_due_on.into(),
    ]
}

pub(super) fn merchant(merchant: &Merchant, landlord: &str, shown: Shown) -> Vec<Cell> {
    let facts = &merchant.facts;
    vec![
        facts.display_name.as_str().into(),
        facts.credit_code.as_ref().map(CreditCode::exposed).into(),
        shown.name(&facts.operator_name),
        shown.telephone(facts.telephone.as_ref()),
        filled(facts.trade.clone()),
        landlord.into(),
        shown.address(facts.address.as_deref()),
        facts.licence_expires_on.into(),
    ]
}

fn tags(tags: &[String]) -> Cell {
    filled(tags.join("；"))
}

/// A text, or a blank cell for none.
fn filled(text: String) -> Cell {
    Some(text).filter(|text| !text.is_empty()).into()
}
