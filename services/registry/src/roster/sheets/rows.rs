//! How villages write the seven sheets: their columns, their words for them, and the words in them. A blank cell says
//! nothing.

use chrono::NaiveDate;
use proto::names::{GridCode, LocalCode};
use workbook::{Column, Refusal, Row};

use super::{DivisionRow, GridRow, HouseholdRow, Masked, MerchantRow, ResidentRow};
use crate::fields::{MASK, fits};
use crate::grid::rules as grids;
use crate::household::rules as households;

const NUMBERS: &[&str] = &["身份证号", "身份证号码", "公民身份号码", "身份证", "证件号", "身份号码", "户主身份证号"];
const MEMBERSHIPS: &[&str] = &["是否党员", "党员", "政治面貌", "中共党员", "户主党员", "户主政治面貌"];
const PENSIONS: &[&str] =
    &["养老认证到期日", "养老认证到期", "养老认证日期", "养老资格认证到期日", "养老待遇认证到期日", "认证到期日"];
const TELEPHONES: &[&str] = &["电话", "手机", "手机号", "手机号码", "联系方式", "电话号码", "联系手机", "户主电话"];

pub(super) const AREA: &[Column] = &[
    Column::required("片区编号").or(&["编号", "片区编码", "片区号"]),
    Column::required("片区名称").or(&["名称", "片区"]),
];
pub(super) const VILLAGER_GROUP: &[Column] = &[
    Column::required("小组编号").or(&["村民小组编号", "编号", "组号", "小组编码"]),
    Column::required("小组名称").or(&["村民小组名称", "村民小组", "组名", "名称"]),
];
pub(super) const PARTY_GROUP: &[Column] = &[
    Column::required("党小组编号").or(&["小组编号", "编号"]),
    Column::required("党小组名称").or(&["小组名称", "党小组", "名称"]),
];
pub(super) const GRID: &[Column] = &[
    Column::required("微网格编号").or(&["网格编号", "编号", "微网格号", "网格号", "网格编码"]),
    Column::required("微网格名称").or(&["网格名称", "名称", "微网格", "网格"]),
    Column::required("片区编号").or(&["所属片区", "片区", "片区号"]),
    Column::required("类型").or(&["网格类型", "微网格类型"]),
    Column::optional("联户主线").or(&["主线"]),
];
pub(super) const HOUSEHOLD: &[Column] = &[
    Column::required("户编号").or(&["户号", "编号", "户编码", "住户编号"]),
    Column::required("户主姓名").or(&["户主", "姓名", "户主名字"]),
    Column::optional("证件号码").or(NUMBERS),
    Column::optional("联系电话").or(TELEPHONES),
    Column::optional("户籍人数").or(&["人数", "户籍人口", "人口数", "家庭人口", "人口"]),
    Column::optional("村民小组").or(&["小组", "所属小组", "组别", "所属村民小组", "组"]),
    Column::required("住户类型").or(&["户类型", "类型", "户别", "住户类别"]),
    Column::required("微网格编号").or(&["网格编号", "微网格", "所属微网格", "网格", "所属网格", "微网格号", "网格号"]),
    Column::optional("家庭住址").or(&["住址", "家庭地址", "户籍地址", "地址", "详细地址"]),
    Column::optional("现居住地").or(&["现住址", "现居住地址", "现住地址", "现住地"]),
    Column::optional("标签").or(&["户标签", "重点标签", "重点人群"]),
    Column::optional("最近核实日期").or(&["核实日期", "核实时间"]),
    Column::optional("居住地点").or(&["居住情况", "是否区外"]),
    Column::optional("户状态").or(&["住户状态"]),
    Column::optional("立户日期").or(&["入册日期"]),
    Column::optional("户主是否党员").or(MEMBERSHIPS),
    Column::optional("户主养老认证到期日").or(PENSIONS),
];
pub(super) const RESIDENT: &[Column] = &[
    Column::required("户编号").or(&["户号", "所属户编号", "户编码", "住户编号"]),
    Column::required("姓名").or(&["成员姓名", "家庭成员", "家庭成员姓名"]),
    Column::required("与户主关系").or(&["关系", "与户主的关系", "家庭关系"]),
    Column::optional("证件号码").or(NUMBERS),
    Column::optional("联系电话").or(TELEPHONES),
    Column::optional("是否党员").or(MEMBERSHIPS),
    Column::optional("标签").or(&["人员标签", "关爱标签", "照护标签", "重点标签", "重点人群", "人员类别"]),
    Column::optional("养老认证到期日").or(PENSIONS),
];
pub(super) const MERCHANT: &[Column] = &[
    Column::required("商户名称").or(&["商户", "店名", "名称", "字号", "店铺名称"]),
    Column::optional("统一社会信用代码").or(&["信用代码", "营业执照号", "社会信用代码"]),
    Column::optional("经营者").or(&["经营者姓名", "负责人", "店主", "经营人"]),
    Column::optional("联系电话").or(TELEPHONES),
    Column::optional("经营类别").or(&["类别", "业态", "经营范围", "行业"]),
    Column::required("房东户编号").or(&["房东户号", "房东编号"]),
    Column::optional("经营地址").or(&["地址", "门面地址", "经营场所"]),
    Column::optional("证照到期日").or(&["执照到期日", "证照有效期", "到期日", "执照有效期"]),
];

pub(in crate::roster) const GRID_KINDS: &[(&str, grids::Kind)] = &[
    ("原住地", grids::Kind::OriginalSettlement),
    ("重建安置区", grids::Kind::ResettlementArea),
    ("区外小区", grids::Kind::OutsideEstate),
    ("商业街", grids::Kind::ShopStreet),
];
pub(in crate::roster) const LINES: &[(&str, grids::Line)] =
    &[("主线一", grids::Line::Relocated), ("主线二", grids::Line::Rebuilt)];
pub(in crate::roster) const HOUSEHOLD_KINDS: &[(&str, households::Kind)] = &[
    ("原住户", households::Kind::Original),
    ("已拆迁户", households::Kind::Relocated),
    ("重建地户", households::Kind::RebuiltArea),
    ("租住户", households::Kind::Tenant),
];

pub(in crate::roster) const OUTSIDE: &[(&str, bool)] =
    &[("区外", true), ("村外", true), ("是", true), ("村内", false), ("区内", false), ("否", false)];
/// Merged households are in no roster.
pub(in crate::roster) const STATES: &[(&str, households::State)] = &[
    ("在册", households::State::Active),
    ("外出", households::State::Away),
    ("已拆除", households::State::Demolished),
];

/// Whether somebody is a member of the Party; a member on probation is one.
pub(in crate::roster) const PARTY_MEMBER: &[(&str, bool)] = &[
    ("是", true),
    ("党员", true),
    ("中共党员", true),
    ("预备党员", true),
    ("中共预备党员", true),
    ("否", false),
    ("群众", false),
    ("团员", false),
    ("共青团员", false),
];

/// The word for a value, in an export.
pub(in crate::roster) fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, meaning)| meaning == value).map_or("", |(word, _)| word)
}

pub(super) fn division(row: &mut Row<'_>, code: &'static str, name: &'static str) -> Option<DivisionRow> {
    let code = local_code(row, code);
    let display_name = text(row, name);
    Some(DivisionRow { code: code?, display_name: display_name? })
}

pub(super) fn grid_row(row: &mut Row<'_>) -> Option<GridRow> {
    Some(GridRow {
        code: grid_code(row),
        display_name: text(row, "微网格名称").unwrap_or_default(),
        area: local_code(row, "片区编号"),
        kind: row.choice("类型", GRID_KINDS),
        line: row.choice("联户主线", LINES),
    })
}

pub(super) fn household_row(row: &mut Row<'_>, today: NaiveDate) -> Option<HouseholdRow> {
    let mut masked = Masked::new();
    Some(HouseholdRow {
        number: number(row, "户编号").unwrap_or_default(),
        head_name: unless_masked(row, &mut masked, "户主姓名", |row| person(row, "户主姓名")),
        citizen_id: unless_masked(row, &mut masked, "证件号码", |row| row.citizen_id("证件号码", today)),
        telephone: unless_masked(row, &mut masked, "联系电话", |row| row.telephone("联系电话")),
        registered_persons: row.integer("户籍人数", 0..=1000).and_then(|persons| i32::try_from(persons).ok()),
        villager_group: text(row, "村民小组"),
        kind: row.choice("住户类型", HOUSEHOLD_KINDS),
        grid: grid_code(row),
        address: unless_masked(row, &mut masked, "家庭住址", |row| text(row, "家庭住址")),
        current_address: unless_masked(row, &mut masked, "现居住地", |row| text(row, "现居住地")),
        tags: Some(tags(row)),
        verified_on: row.date("最近核实日期"),
        outside: row.choice("居住地点", OUTSIDE),
        state: row.choice("户状态", STATES),
        active_since: row.date("立户日期"),
        head_party_member: row.choice("户主是否党员", PARTY_MEMBER),
        head_pension_due_on: row.date("户主养老认证到期日"),
        masked,
    })
}

pub(super) fn resident_row(row: &mut Row<'_>, today: NaiveDate) -> Option<ResidentRow> {
    let mut masked = Masked::new();
    Some(ResidentRow {
        household: number(row, "户编号").unwrap_or_default(),
        display_name: unless_masked(row, &mut masked, "姓名", |row| person(row, "姓名")),
        relation: text(row, "与户主关系").unwrap_or_default(),
        citizen_id: unless_masked(row, &mut masked, "证件号码", |row| row.citizen_id("证件号码", today)),
        telephone: unless_masked(row, &mut masked, "联系电话", |row| row.telephone("联系电话")),
        party_member: row.choice("是否党员", PARTY_MEMBER),
        tags: Some(tags(row)),
        pension_due_on: row.date("养老认证到期日"),
        masked,
    })
}

pub(super) fn merchant_row(row: &mut Row<'_>) -> Option<MerchantRow> {
    let mut masked = Masked::new();
    Some(MerchantRow {
        display_name: text(row, "商户名称").unwrap_or_default(),
        credit_code: row.credit_code("统一社会信用代码"),
        operator_name: unless_masked(row, &mut masked, "经营者", |row| person(row, "经营者")),
        telephone: unless_masked(row, &mut masked, "联系电话", |row| row.telephone("联系电话")),
        trade: text(row, "经营类别"),
        landlord: number(row, "房东户编号").unwrap_or_default(),
        address: unless_masked(row, &mut masked, "经营地址", |row| text(row, "经营地址")),
        licence_expires_on: row.date("证照到期日"),
        masked,
    })
}

/// Each tag once, in the order in which records have them.
fn tags(row: &mut Row<'_>) -> Vec<String> {
    let mut words = row.words("标签");
    for word in &words {
        fitting(row, "标签", word);
    }
    words.sort();
    words.dedup();
    words
}

/// Reads a cell, unless it is masked: then it is noted as such.
fn unless_masked<T>(
    row: &mut Row<'_>,
    masked: &mut Masked,
    column: &'static str,
    read: impl FnOnce(&mut Row<'_>) -> Option<T>,
) -> Option<T> {
    match row.written(column).filter(|text| text.contains(MASK)) {
        Some(text) => {
            masked.push((column, text.to_owned()));
            None
        }
        None => read(row),
    }
}

fn local_code(row: &mut Row<'_>, column: &'static str) -> Option<LocalCode> {
    row.parse(column, |code| {
        let refusal = || Refusal::new("CODE_FORM", "编号应是1到16位的字母、数字或连字符");
        code.parse().map_err(|_| refusal())
    })
}

/// A grid's three digits, with the zeros that a spreadsheet program dropped.
fn grid_code(row: &mut Row<'_>) -> Option<GridCode> {
    row.digits("微网格编号", 3)?.parse().ok()
}

fn number(row: &mut Row<'_>, column: &'static str) -> Option<String> {
    let number = row.code(column)?;
    fitting(row, column, &number)
}

fn person(row: &mut Row<'_>, column: &'static str) -> Option<String> {
    let name = row.name(column)?;
    fitting(row, column, &name)
}

fn text(row: &mut Row<'_>, column: &'static str) -> Option<String> {
    let text = row.text(column)?;
    fitting(row, column, &text)
}

/// The text on one line, if a record can keep it.
fn fitting(row: &mut Row<'_>, column: &'static str, text: &str) -> Option<String> {
    let text = text.replace('\n', " ");
    match fits(&text) {
        Ok(()) => Some(text),
        Err(unfit) => {
            row.refuse(column, unfit.into());
            None
        }
    }
}
