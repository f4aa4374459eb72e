//! How villages write the seven sheets: their columns, their words for them, and the words in them. A blank cell says
//! nothing.

use chrono::NaiveDate;
use proto::names::{GridCode, LocalCode};
use workbook::{Column, Refusal, Row};

use super::{DivisionRow, GridRow, HouseholdRow, MerchantRow, ResidentRow};
use crate::fields::fits;
use crate::grid::rules as grids;
use crate::household::rules as households;

const NUMBERS: &[&str] = &["证件号码", "身份证号", "身份证号码", "公民身份号码"];
const TELEPHONES: &[&str] = &["电话", "手机", "手机号", "手机号码", "联系方式", "电话号码"];

pub(super) const AREA: &[Column] =
    &[Column::required("片区编号").or(&["编号", "片区编码"]), Column::required("片区名称").or(&["名称", "片区"])];
pub(super) const VILLAGER_GROUP: &[Column] = &[
    Column::required("小组编号").or(&["村民小组编号", "编号", "组号"]),
    Column::required("小组名称").or(&["村民小组名称", "村民小组", "名称"]),
];
pub(super) const PARTY_GROUP: &[Column] = &[
    Column::required("党小组编号").or(&["小组编号", "编号"]),
    Column::required("党小组名称").or(&["小组名称", "党小组", "名称"]),
];
pub(super) const GRID: &[Column] = &[
    Column::required("微网格编号").or(&["网格编号", "编号"]),
    Column::required("微网格名称").or(&["网格名称", "名称"]),
    Column::required("片区编号").or(&["所属片区", "片区"]),
    Column::required("类型").or(&["网格类型", "微网格类型"]),
    Column::optional("联户主线").or(&["主线"]),
];
pub(super) const HOUSEHOLD: &[Column] = &[
    Column::required("户编号").or(&["户号", "编号"]),
    Column::required("户主姓名").or(&["户主", "姓名"]),
    Column::optional("证件号码").or(NUMBERS),
    Column::optional("联系电话").or(TELEPHONES),
    Column::optional("户籍人数").or(&["人数", "户籍人口", "人口数"]),
    Column::optional("村民小组").or(&["小组", "所属小组", "组别"]),
    Column::required("住户类型").or(&["户类型", "类型", "户别"]),
    Column::required("微网格编号").or(&["网格编号", "微网格", "所属微网格"]),
    Column::optional("家庭住址").or(&["住址", "家庭地址", "户籍地址", "地址"]),
    Column::optional("现居住地").or(&["现住址", "现居住地址", "现住地址"]),
    Column::optional("标签").or(&["户标签", "重点标签"]),
    Column::optional("最近核实日期").or(&["核实日期", "核实时间"]),
];
pub(super) const RESIDENT: &[Column] = &[
    Column::required("户编号").or(&["户号", "所属户编号"]),
    Column::required("姓名").or(&["成员姓名", "家庭成员"]),
    Column::required("与户主关系").or(&["关系", "与户主的关系"]),
    Column::optional("证件号码").or(NUMBERS),
    Column::optional("联系电话").or(TELEPHONES),
];
pub(super) const MERCHANT: &[Column] = &[
    Column::required("商户名称").or(&["商户", "店名", "名称", "字号"]),
    Column::optional("统一社会信用代码").or(&["信用代码", "营业执照号"]),
    Column::optional("经营者").or(&["经营者姓名", "负责人", "店主"]),
    Column::optional("联系电话").or(TELEPHONES),
    Column::optional("经营类别").or(&["类别", "业态", "经营范围"]),
    Column::required("房东户编号").or(&["房东户号", "房东编号"]),
    Column::optional("经营地址").or(&["地址", "门面地址"]),
    Column::optional("证照到期日").or(&["执照到期日", "证照有效期", "到期日"]),
];

const GRID_KINDS: &[(&str, grids::Kind)] = &[
    ("原住地", grids::Kind::OriginalSettlement),
    ("重建安置区", grids::Kind::ResettlementArea),
    ("区外小区", grids::Kind::OutsideEstate),
    ("商业街", grids::Kind::ShopStreet),
];
const LINES: &[(&str, grids::Line)] = &[("主线一", grids::Line::Relocated), ("主线二", grids::Line::Rebuilt)];
const HOUSEHOLD_KINDS: &[(&str, households::Kind)] = &[
    ("原住户", households::Kind::Original),
    ("已拆迁户", households::Kind::Relocated),
    ("重建地户", households::Kind::RebuiltArea),
    ("租住户", households::Kind::Tenant),
];

pub(super) fn division(row: &mut Row<'_>, code: &'static str, name: &'static str) -> Option<DivisionRow> {
    let code = local_code(row, code);
    let display_name = text(row, name);
    Some(DivisionRow { code: code?, display_name: display_name? })
}

pub(super) fn grid_row(row: &mut Row<'_>) -> Option<GridRow> {
    let code = grid_code(row);
    let display_name = text(row, "微网格名称");
    let area = local_code(row, "片区编号");
    let kind = row.choice("类型", GRID_KINDS);
    let line = row.choice("联户主线", LINES);
    Some(GridRow { code: code?, display_name: display_name?, area: area?, kind: kind?, line })
}

pub(super) fn household_row(row: &mut Row<'_>, today: NaiveDate) -> Option<HouseholdRow> {
    let number = number(row, "户编号");
    let head_name = person(row, "户主姓名");
    let citizen_id = row.citizen_id("证件号码", today);
    let telephone = row.telephone("联系电话");
    let registered_persons = row.integer("户籍人数", 0..=1000).and_then(|persons| i32::try_from(persons).ok());
    let villager_group = text(row, "村民小组");
    let kind = row.choice("住户类型", HOUSEHOLD_KINDS);
    let grid = grid_code(row);
    let address = text(row, "家庭住址");
    let current_address = text(row, "现居住地");
    let words = row.words("标签");
    let verified_on = row.date("最近核实日期");
    for word in &words {
        fitting(row, "标签", word);
    }
    Some(HouseholdRow {
        number: number?,
        head_name: head_name?,
        citizen_id,
        telephone,
        registered_persons,
        villager_group,
        kind: kind?,
        grid: grid?,
        address,
        current_address,
        tags: Some(words),
        verified_on,
    })
}

pub(super) fn resident_row(row: &mut Row<'_>, today: NaiveDate) -> Option<ResidentRow> {
    let household = number(row, "户编号");
    let display_name = person(row, "姓名");
    let relation = text(row, "与户主关系");
    let citizen_id = row.citizen_id("证件号码", today);
    let telephone = row.telephone("联系电话");
    Some(ResidentRow { household: household?, display_name: display_name?, relation: relation?, citizen_id, telephone })
}

pub(super) fn merchant_row(row: &mut Row<'_>) -> Option<MerchantRow> {
    let display_name = text(row, "商户名称");
    let credit_code = row.credit_code("统一社会信用代码");
    let operator_name = person(row, "经营者");
    let telephone = row.telephone("联系电话");
    let trade = text(row, "经营类别");
    let landlord = number(row, "房东户编号");
    let address = text(row, "经营地址");
    let licence_expires_on = row.date("证照到期日");
    Some(MerchantRow {
        display_name: display_name?,
        credit_code,
        operator_name,
        telephone,
        trade,
        landlord: landlord?,
        address,
        licence_expires_on,
    })
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
