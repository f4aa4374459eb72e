//! What goes out comes back in as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use chrono::NaiveDate;
use proptest::prelude::*;
use workbook::{Cell, Column, Limits, Rows, Table, Workbook, write};

const COLUMNS: &[Column] = &[Column::optional("文字"), Column::optional("数"), Column::optional("日期")];

type Values = (Option<String>, Option<i64>, Option<NaiveDate>);

fn written(rows: &[Values]) -> Vec<u8> {
    let mut table = Table::new("表", &["文字", "数", "日期"]);
    for (text, number, date) in rows {
        table.push(vec![text.clone().into(), (*number).into(), (*date).into()]);
    }
    write(&[table]).unwrap()
}

fn read_back(bytes: Vec<u8>) -> Rows<Values> {
    let mut book = Workbook::open(bytes, &Limits::default()).unwrap();
    let read = |row: &mut workbook::Row<'_>| {
        Some((row.text("文字"), row.integer("数", i64::MIN..=i64::MAX), row.date("日期")))
    };
    book.sheet("表", COLUMNS, read).unwrap_or_else(|problems| panic!("{problems:?}")).1
}

#[test]
fn text_that_would_run_is_neutralised_in_the_file_and_read_as_it_was() {
    use calamine::{Data, Reader, Xlsx};
    let texts = ["=1+1", "+86", "-5", "@SUM(A1)", "＝1", "'=1", "''=1", "'abc", "ordinary"];
    let bytes = written(&texts.map(|text| (Some(text.to_owned()), None, None)));
    let mut raw: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes.clone())).unwrap();
    let range = raw.worksheet_range("表").unwrap();
    for row in range.rows().skip(1) {
        let Data::String(text) = &row[0] else { panic!("{row:?}") };
        assert!(!text.starts_with(['=', '+', '-', '@', '＝']), "{text}");
    }
    let back: Vec<_> = read_back(bytes).good.into_iter().map(|(_, (text, ..))| text.unwrap()).collect();
    assert_eq!(back, ["=1+1", "+86", "-5", "@SUM(A1)", "＝1", "'=1", "''=1", "'abc", "ordinary"]);
}

#[test]
fn several_sheets_are_found_by_name() {
    let bytes = write(&[Table::new("甲", &["文字"]), Table::new("乙", &["文字"])]).unwrap();
    assert_eq!(Workbook::open(bytes, &Limits::default()).unwrap().sheet_names(), ["甲", "乙"]);
}

#[test]
fn what_excel_does_not_allow_is_an_error() {
    assert!(write(&[Table::new("a/b", &[])]).is_err());
    assert!(write(&[Table::new("甲", &[]), Table::new("甲", &[])]).is_err());
    let mut long = Table::new("甲", &["文字"]);
    long.push(vec![Cell::Text("长".repeat(40_000))]);
    assert!(write(&[long]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_table_comes_back_as_it_went(rows in prop::collection::vec(
        (
            // The leading letter keeps a row from being blank or a total.
            "[a-z][ -~中文，。0-9]{0,20}[a-z]",
            prop::option::of(-1_000_000_000_000i64..1_000_000_000_000),
            prop::option::of((0i64..70_000).prop_map(|days| NaiveDate::from_ymd_opt(1905, 1, 1).unwrap() + chrono::Duration::days(days))),
        ),
        1..20,
    )) {
        let rows: Vec<Values> = rows.into_iter().map(|(text, number, date)| {
            let single: Vec<&str> = text.split_whitespace().collect();
            (Some(single.join(" ")), number, date)
        }).collect();
        let back = read_back(written(&rows));
        prop_assert_eq!(back.problems, []);
        let numbered: Vec<_> = (2..).zip(rows).collect();
        prop_assert_eq!(back.good, numbered);
    }
}
