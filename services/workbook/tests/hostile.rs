//! Files made to harm: each is refused by a clear reason before it costs memory or time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use workbook::{Column, Limits, Table, Unreadable, Workbook, write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const COLUMNS: &[Column] = &[Column::required("甲"), Column::optional("乙")];

const SHEET_START: &str = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#;
const HEADINGS: &str =
    r#"<row r="1"><c r="A1" t="inlineStr"><is><t>甲</t></is></c><c r="B1" t="inlineStr"><is><t>乙</t></is></c></row>"#;

/// A workbook whose one sheet, 表, is the given XML; further parts replace or join the usual ones.
fn archive(sheet: &str, further: &[(&str, &[u8])]) -> Vec<u8> {
    let relationship = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = format!(
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{relationship}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let book = format!(
        r#"<workbook xmlns:r="{relationship}"><sheets><sheet name="表" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let relations = format!(
        r#"<Relationships><Relationship Id="rId1" Type="{relationship}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
    );
    let usual: [(&str, &[u8]); 4] = [
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let kept = usual.iter().filter(|(name, _)| !further.iter().any(|(other, _)| other == name));
    for (name, content) in kept.chain(further) {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn sheet(rows: &str) -> String {
    format!("{SHEET_START}<sheetData>{HEADINGS}{rows}</sheetData></worksheet>")
}

fn refused(bytes: Vec<u8>) -> Unreadable {
    refused_within(bytes, &Limits::default())
}

/// The refusal, which must come soon and leave the process small. (The bound on time is generous: the
/// tests run unoptimised, several at once.)
fn refused_within(bytes: Vec<u8>, limits: &Limits) -> Unreadable {
    let begun = Instant::now();
    let outcome = Workbook::open(bytes, limits).err().expect("the file is refused");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    outcome
}

fn sheet_problem(bytes: Vec<u8>) -> &'static str {
    let mut book = Workbook::open(bytes, &Limits::default()).unwrap();
    book.sheet("表", COLUMNS, |row| row.text("甲")).err().expect("the sheet is refused")[0].reason
}

#[test]
fn the_plain_archive_of_these_tests_is_readable() {
    let bytes = archive(&sheet(r#"<row r="2"><c r="A2" t="inlineStr"><is><t>一</t></is></c></row>"#), &[]);
    let mut book = Workbook::open(bytes, &Limits::default()).unwrap();
    let (_, rows) = book.sheet("表", COLUMNS, |row| row.text("甲")).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rows.good, [(2, "一".to_owned())]);
}

#[test]
fn what_is_not_a_workbook_is_called_so() {
    for bytes in [b"".as_slice(), b"hello", b"%PDF-1.7", &[0xFF; 100]] {
        assert_eq!(refused(bytes.to_vec()), Unreadable::NotAWorkbook);
    }
    assert_eq!(refused(vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1]), Unreadable::OldOrEncrypted);
    let mut other = ZipWriter::new(Cursor::new(Vec::new()));
    other.start_file("readme.txt", SimpleFileOptions::default()).unwrap();
    assert_eq!(refused(other.finish().unwrap().into_inner()).reason(), "NOT_A_WORKBOOK");
}

#[test]
fn a_file_cut_off_anywhere_is_damaged() {
    let mut table = Table::new("表", &["甲", "乙"]);
    table.push(vec!["一".into(), "二".into()]);
    let whole = write(&[table]).unwrap();
    for length in (2..whole.len()).step_by(97) {
        assert_eq!(refused(whole[..length].to_vec()).reason(), "DAMAGED", "{length}");
    }
}

#[test]
fn any_byte_changed_makes_no_panic() {
    let mut table = Table::new("表", &["甲", "乙"]);
    table.push(vec!["一".into(), "二".into()]);
    let whole = write(&[table]).unwrap();
    for place in (0..whole.len()).step_by(23) {
        let mut changed = whole.clone();
        changed[place] ^= 0x5A;
        if let Ok(mut book) = Workbook::open(changed, &Limits::default()) {
            let _ = book.sheet("表", COLUMNS, |row| row.text("甲"));
        }
    }
}

#[test]
fn a_bomb_is_refused_at_its_bound() {
    let bomb = archive(&sheet(&" ".repeat(80 << 20)), &[]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert_eq!(refused(bomb), Unreadable::TooLarge { what: "文件解压后字节数", limit: 64 << 20 });
}

#[test]
fn a_bomb_that_hides_its_size_is_refused_at_its_bound() {
    let content = sheet(&" ".repeat(3 << 20));
    let mut bomb = archive(&content, &[]);
    // Both headers of the part claim a size of ten bytes.
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let claims: Vec<usize> = (0..bomb.len() - 4).filter(|&at| bomb[at..at + 4] == size).collect();
    assert!(!claims.is_empty());
    for at in claims {
        bomb[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
    }
    let limits = Limits { part_bytes: 1 << 20, ..Limits::default() };
    assert!(matches!(refused_within(bomb, &limits), Unreadable::TooLarge { .. } | Unreadable::Damaged(_)));
}

#[test]
fn many_parts_that_are_small_alone_are_refused_together() {
    let part = " ".repeat(1 << 20);
    let names: Vec<String> = (0..6).map(|number| format!("xl/media/{number}.png")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), part.as_bytes())).collect();
    let limits = Limits { part_bytes: 2 << 20, total_bytes: 4 << 20, ..Limits::default() };
    assert_eq!(refused_within(archive(&sheet(""), &parts), &limits).reason(), "TOO_LARGE");

    let names: Vec<String> = (0..30).map(|number| format!("{number}")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let limits = Limits { parts: 20, ..Limits::default() };
    assert_eq!(
        refused_within(archive(&sheet(""), &parts), &limits),
        Unreadable::TooLarge { what: "文件内部件数", limit: 20 }
    );
}

#[test]
fn a_large_file_is_refused_unread() {
    let limits = Limits { file_bytes: 100, ..Limits::default() };
    assert_eq!(refused_within(archive(&sheet(""), &[]), &limits).reason(), "TOO_LARGE");
}

#[test]
fn a_sheet_said_to_have_a_million_rows_and_sixteen_thousand_columns_is_refused() {
    let lie = format!(r#"{SHEET_START}<dimension ref="A1:XFD1048576"/><sheetData>{HEADINGS}</sheetData></worksheet>"#);
    assert_eq!(refused(archive(&lie, &[])), Unreadable::TooLarge { what: "工作表行数", limit: 200_000 });
}

#[test]
fn a_cell_far_away_is_refused_although_no_dimension_says_so() {
    for row in [
        r#"<row r="1048576"><c r="A1048576"><v>1</v></c></row>"#,
        r#"<row r="2"><c r="XFD2"><v>1</v></c></row>"#,
        r#"<x:row xmlns:x="y" r="2"><x:c r="XFD2"/></x:row>"#,
        "<!-- a row> <a b=\" --><row r=\"2\"><c r=\"XFD2\"/></row><a b=\"\"/>",
    ] {
        assert_eq!(refused(archive(&sheet(row), &[])).reason(), "TOO_LARGE", "{row}");
    }
}

#[test]
fn cells_that_are_blank_take_none_of_the_room() {
    let rows = "<row><c><v>1</v></c></row>".repeat(100);
    let limits = Limits { sheet_bytes: 100 * 50, ..Limits::default() };
    let mut book = Workbook::open(archive(&sheet(&rows), &[]), &limits).unwrap();
    let (_, rows) = book.sheet("表", COLUMNS, |row| row.text("甲")).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rows.good.len(), 100);
}

#[test]
fn rows_without_numbers_are_counted() {
    let rows = "<row><c><v>1</v></c></row>".repeat(300);
    let limits = Limits { rows: 200, ..Limits::default() };
    let mut book = Workbook::open(archive(&sheet(&rows), &[]), &limits).unwrap();
    assert_eq!(book.sheet("表", COLUMNS, |row| row.text("甲")).err().unwrap()[0].reason, "TOO_LARGE");
}

#[test]
fn positions_that_overflow_are_damaged() {
    for row in [
        r#"<row r="99999999999"><c><v>1</v></c></row>"#,
        r#"<row r="2"><c r="ZZZZZZZZZZ2"><v>1</v></c></row>"#,
        r#"<row r="2"><c r="A2"><f t="shared" si="0" ref="B9:A1">1</f><v>1</v></c></row>"#,
    ] {
        assert_eq!(refused(archive(&sheet(row), &[])).reason(), "DAMAGED", "{row}");
    }
    assert_eq!(
        sheet_problem(archive(
            &sheet(r#"<row r="3"/><row r="3"><c r="A3"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#),
            &[]
        )),
        "DAMAGED"
    );
}

#[test]
fn a_claim_of_strings_beyond_all_memory_is_refused() {
    for count in ["99999999999", "18446744073709551615", "999999999999999999999999"] {
        let strings = format!(r#"<sst uniqueCount="{count}"><si><t>甲</t></si></sst>"#);
        let bytes = archive(&sheet(""), &[("xl/sharedStrings.xml", strings.as_bytes())]);
        assert_eq!(refused(bytes).reason(), "TOO_LARGE");
    }
    let strings = format!("<sst>{}</sst>", "<si/>".repeat(500_001));
    let bytes = archive(&sheet(""), &[("xl/sharedStrings.xml", strings.as_bytes())]);
    assert_eq!(refused(bytes).reason(), "TOO_LARGE");
}

#[test]
fn a_font_name_to_be_copied_for_every_format_is_refused() {
    let name = "a".repeat(100_000);
    let formats = r#"<xf fontId="0"/>"#.repeat(10_000);
    let styles = format!(
        r#"<styleSheet><fonts><font><name val="{name}"/></font></fonts><cellXfs>{formats}</cellXfs></styleSheet>"#
    );
    let bytes = archive(&sheet(""), &[("xl/styles.xml", styles.as_bytes())]);
    assert_eq!(refused(bytes).reason(), "TOO_LARGE");
}

#[test]
fn one_long_text_shared_by_many_cells_is_refused() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "长".repeat(10_000));
    let rows = r#"<row><c t="s"><v>0</v></c></row>"#.repeat(4_000);
    let bytes = archive(&sheet(&rows), &[("xl/sharedStrings.xml", strings.as_bytes())]);
    assert_eq!(sheet_problem(bytes), "TOO_LARGE");
}

#[test]
fn entities_are_refused_wherever_they_are_declared() {
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    let expanded = sheet(r#"<row r="2"><c r="A2" t="inlineStr"><is><t>&b;</t></is></c></row>"#);
    assert_eq!(refused(archive(&format!("{laughs}{expanded}"), &[])), Unreadable::Hostile);
    let strings = format!(r#"{laughs}<sst><si><t>&b;</t></si></sst>"#);
    assert_eq!(refused(archive(&sheet(""), &[("xl/sharedStrings.xml", strings.as_bytes())])), Unreadable::Hostile);
    assert_eq!(sheet_problem(archive(&expanded, &[])), "DAMAGED");
}

#[test]
fn a_picture_may_be_what_it_likes() {
    let svg = br#"<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg/>"#;
    let bytes =
        archive(&sheet(""), &[("xl/media/image1.svg", svg), ("xl/media/image2.png", b"\x89PNG\r\n<<\xff\xfe<a<b")]);
    assert!(Workbook::open(bytes, &Limits::default()).is_ok());
}

#[test]
fn a_sheet_in_another_encoding_is_weighed_as_it_is_read() {
    let text = sheet(r#"<row r="2"><c r="XFD2"><v>1</v></c></row>"#);
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let bytes = archive("", &[("xl/worksheets/sheet1.xml", &utf16)]);
    let outcome = Workbook::open(bytes, &Limits::default()).and_then(|mut book| {
        book.sheet("表", COLUMNS, |row| row.text("甲"))
            .map(|_| ())
            .map_err(|problems| Unreadable::Damaged(problems[0].reason.to_owned()))
    });
    assert!(outcome.is_err());
}

#[test]
fn a_cell_of_megabytes_is_refused() {
    let text = "长".repeat(1 << 20);
    let row = format!(r#"<row r="2"><c r="A2" t="inlineStr"><is><t>{text}</t></is></c></row>"#);
    assert_eq!(refused(archive(&sheet(&row), &[])).reason(), "TOO_LARGE");
}
