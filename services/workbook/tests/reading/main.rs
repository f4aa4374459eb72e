//! Sheets as people keep them: every untidiness is either put right or explained.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod cells;
mod csv;
mod sheets;

use chrono::NaiveDate;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook as Draft, Worksheet};
use workbook::formats::{CitizenId, Telephone};
use workbook::{Column, Limits, Problem, Refusal, Row, Rows, Workbook};

const COLUMNS: &[Column] = &[
    Column::required("户编号").or(&["户号"]),
    Column::required("户主").or(&["户主姓名"]),
    Column::required("身份证号").or(&["证件号码"]),
    Column::optional("联系电话").or(&["手机", "电话"]),
    Column::optional("人数"),
    Column::optional("类型"),
    Column::optional("登记日期"),
    Column::optional("标签"),
    Column::optional("微网格"),
];

#[derive(Debug, PartialEq)]
struct Record {
    number: String,
    head: String,
    id: CitizenId,
    telephone: Option<Telephone>,
    people: Option<i64>,
    kind: Option<char>,
    since: Option<NaiveDate>,
    tags: Vec<String>,
    grid: Option<String>,
}

fn record(row: &mut Row<'_>) -> Option<Record> {
    let number = row.code("户编号");
    let head = row.name("户主");
    let id = row.citizen_id("身份证号", day(2026, 6, 1));
    let telephone = row.telephone("联系电话");
    let people = row.integer("人数", 1..=30);
    let kind = row.choice("类型", &[("原住户", 'o'), ("租住户", 't')]);
    let since = row.date("登记日期");
    let tags = row.words("标签");
    let grid = row.digits("微网格", 3);
    Some(Record { number: number?, head: head?, id: id?, telephone, people, kind, since, tags, grid })
}

fn day(year: i32, month: u32, date: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, date).unwrap()
}

fn draft(fill: impl FnOnce(&mut Worksheet)) -> Workbook {
    let mut draft = Draft::new();
    fill(draft.add_worksheet().set_name("住户").unwrap());
    Workbook::open(draft.save_to_buffer().unwrap(), &Limits::default()).unwrap()
}

fn line(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
    for (column, text) in (0..).zip(cells) {
        if !text.is_empty() {
            sheet.write_string(row, column, *text).unwrap();
        }
    }
}

const HEADINGS: &[&str] = &["户编号", "户主", "身份证号", "联系电话", "人数", "类型", "登记日期", "标签", "微网格"];
const GOOD: &[&str] =
    &["00001", "张三", "999999199003070071", "19000000001", "3", "原住户", "2023-05-01", "独居；党员", "001"];

fn read(fill: impl FnOnce(&mut Worksheet)) -> Rows<Record> {
    draft(|sheet| {
        line(sheet, 0, HEADINGS);
        fill(sheet);
    })
    .sheet("住户", COLUMNS, record)
    .unwrap_or_else(|problems| panic!("{problems:?}"))
    .1
}

/// Reads a good row in which one cell was changed, and gives the reasons of its refusal.
fn reasons(column: u16, change: impl FnOnce(&mut Worksheet, u16)) -> Vec<(u32, String, &'static str)> {
    let rows = read(|sheet| {
        line(sheet, 1, GOOD);
        change(sheet, column);
    });
    assert_eq!(rows.good.len() + rows.refused, 1);
    rows.problems.into_iter().map(|problem| (problem.row, problem.column, problem.reason)).collect()
}
