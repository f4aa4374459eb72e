//! A workbook comes back with its bad cells marked, says the same otherwise, and can be mended and sent again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::io::Read;

use rust_xlsxwriter::{Format, Workbook as Draft};
use workbook::{Cell, Column, Limits, Mark, Table, Unmarkable, Workbook, marked, write};

const COLUMNS: &[Column] =
    &[Column::required("户编号"), Column::optional("户主"), Column::optional("日期"), Column::optional("人数")];

fn mark(sheet: &str, row: u32, column: &str, message: &str) -> Mark {
    Mark { sheet: sheet.into(), row, column: column.into(), message: message.into() }
}

/// The parts of an archive whose names contain this, as text.
fn parts(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        if part.name().unwrap().contains(name) {
            part.read_to_string(&mut text).unwrap();
        }
    }
    text
}

type Row = (Option<String>, Option<String>, Option<chrono::NaiveDate>, Option<i64>);

fn rows(bytes: Vec<u8>) -> Vec<(u32, Row)> {
    let mut book = Workbook::open(bytes, &Limits::default()).unwrap();
    let (_, rows) = book
        .sheet("住户", COLUMNS, |row| {
            Some((row.code("户编号"), row.text("户主"), row.date("日期"), row.integer("人数", 0..=9)))
        })
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    rows.good
}

#[test]
fn what_was_in_the_file_is_in_it_and_the_reasons_are_in_notes() {
    let mut table = Table::new("住户", &["户编号", "户主", "日期", "人数"]);
    let day = chrono::NaiveDate::from_ymd_opt(2023, 5, 1).unwrap();
    table.push(vec!["00001".into(), "张三".into(), day.into(), 3.into()]);
    table.push(vec!["00002".into(), "=1+1".into(), Cell::Blank, Cell::Blank]);
    let other = Table::new("别的", &["甲"]);
    let content = write(&[table, other]).unwrap();
    let marks = [
        mark("住户", 2, "户主", "原因一"),
        mark("住户", 2, "户主", "原因二"),
        mark("住户", 3, "日期", "空着"),
        mark("住户", 3, "没有的列", "缺列"),
        mark("住户", 5, "", "整行"),
        mark("住户", 0, "", "整张表"),
    ];
    let made = marked(content.clone(), &marks, &Limits::default()).unwrap();
    assert_eq!(rows(made.clone()), rows(content));
    let mut book = Workbook::open(made.clone(), &Limits::default()).unwrap();
    assert_eq!(book.sheet_names(), ["住户", "别的"]);
    assert!(book.sheet("别的", COLUMNS, |row| row.text("户主")).is_err());
    let notes = parts(&made, "comments");
    for (place, reason) in
        [("B2", "原因一\n原因二"), ("C3", "空着"), ("A3", "没有的列：缺列"), ("A5", "整行"), ("A1", "整张表")]
    {
        assert!(notes.contains(&format!("ref=\"{place}\"")) && notes.contains(reason), "{place}: {notes}");
    }
    // Marked again, it is marked as before.
    assert_eq!(parts(&marked(made, &marks, &Limits::default()).unwrap(), "comments"), notes);
}

#[test]
fn headings_below_a_title_are_found_and_long_sheets_are_copied_whole() {
    let mut draft = Draft::new();
    let sheet = draft.add_worksheet().set_name("住户").unwrap();
    sheet.write_string(0, 0, "花名册").unwrap();
    for (column, heading) in (0u16..).zip(["序号", "户 编 号", "户主"]) {
        sheet.write_string(2, column, heading).unwrap();
    }
    for row in 3..3000u32 {
        sheet.write_number(row, 0, f64::from(row)).unwrap();
        sheet.write_string_with_format(row, 1, format!("{row:05}"), &Format::new().set_bold()).unwrap();
    }
    let content = draft.save_to_buffer().unwrap();
    let marks = [mark("住户", 2500, "户 编 号", "重复"), mark("住户", 2999, "户主", "必填")];
    let made = marked(content.clone(), &marks, &Limits::default()).unwrap();
    let notes = parts(&made, "comments");
    assert!(notes.contains("ref=\"B2500\"") && notes.contains("ref=\"C2999\""), "{notes}");
    let read = rows(made);
    assert_eq!((read.len(), read[2996].1.0.as_deref()), (2997, Some("02999")));
}

#[test]
fn csv_becomes_a_workbook_of_the_sheet_that_it_was() {
    let content = "户编号,户主\n\n00001,\"张\"\n00002,'=1+1\n".as_bytes().to_vec();
    let made = marked(content, &[mark("住户", 4, "户主", "公式")], &Limits::default()).unwrap();
    assert!(parts(&made, "comments").contains("ref=\"B4\""));
    let read = rows(made);
    assert_eq!(read.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(read[1].1.1.as_deref(), Some("=1+1"));
}

#[test]
fn a_file_that_cannot_be_read_cannot_be_marked() {
    let refused = marked(b"PK\x03\x04broken".to_vec(), &[mark("住户", 1, "", "x")], &Limits::default());
    assert!(matches!(refused, Err(Unmarkable::Unreadable(_))));
}
