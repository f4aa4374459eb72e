//! A hostile file costs little memory. The only test of its process, so that the process's peak is its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::io::{Cursor, Write};

use workbook::{Column, Limits, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const COLUMNS: &[Column] = &[Column::required("甲"), Column::optional("乙")];

/// A workbook whose parts are written piece by piece, so that making it needs no memory either.
fn archive(sheet: impl Fn(&mut dyn Write), strings: impl Fn(&mut dyn Write)) -> Vec<u8> {
    let relationship = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |name: &str, write: &dyn Fn(&mut dyn Write)| {
        writer.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        write(&mut writer);
    };
    part("_rels/.rels", &|out| {
        write!(out, r#"<Relationships><Relationship Id="r" Type="{relationship}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#).unwrap();
    });
    part("xl/workbook.xml", &|out| {
        write!(out, r#"<workbook><sheets><sheet name="表" r:id="r"/></sheets></workbook>"#).unwrap()
    });
    part("xl/_rels/workbook.xml.rels", &|out| {
        write!(out, r#"<Relationships><Relationship Id="r" Type="{relationship}/worksheet" Target="sheet1.xml"/></Relationships>"#).unwrap();
    });
    part("xl/sheet1.xml", &sheet);
    part("xl/sharedStrings.xml", &strings);
    writer.finish().unwrap().into_inner()
}

/// The peak of resident memory since it was last forgotten, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn read(bytes: Vec<u8>) -> String {
    match Workbook::open(bytes, &Limits::default()) {
        Err(refused) => refused.reason().to_owned(),
        Ok(mut book) => match book.sheet("表", COLUMNS, |row| Some(row.number())) {
            Err(problems) => problems[0].reason.to_owned(),
            Ok((_, rows)) => format!("{} rows", rows.good.len()),
        },
    }
}

#[test]
fn no_file_makes_the_process_large() {
    let mebibyte = " ".repeat(1 << 20);
    let spaces = |count: usize| {
        let mebibyte = &mebibyte;
        move |out: &mut dyn Write| (0..count).for_each(|_| out.write_all(mebibyte.as_bytes()).unwrap())
    };
    let headings = r#"<worksheet><sheetData><row><c t="inlineStr"><is><t>甲</t></is></c></row>"#;
    let many = |out: &mut dyn Write| {
        write!(out, "{headings}").unwrap();
        (0..50_000).for_each(|number| write!(out, r#"<row><c t="s"><v>{number}</v></c></row>"#).unwrap());
        write!(out, "</sheetData></worksheet>").unwrap();
    };
    let strings = |out: &mut dyn Write| {
        write!(out, "<sst>").unwrap();
        (0..100_000).for_each(|number| write!(out, "<si><t>{number:0>200}</t></si>").unwrap());
        write!(out, "</sst>").unwrap();
    };
    let files = [
        ("a bomb in the sheet", archive(spaces(70), spaces(0)), "TOO_LARGE"),
        ("a bomb of a gibibyte", archive(spaces(1024), spaces(0)), "TOO_LARGE"),
        ("a bomb in the strings", archive(spaces(0), spaces(70)), "TOO_LARGE"),
        ("a workbook far larger than any village's", archive(many, strings), "50000 rows"),
    ];
    for (what, bytes, expected) in files {
        // Forgets the peak so far (proc(5), clear_refs); where that is not allowed, nothing is measured.
        let forgotten = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        assert_eq!(read(bytes), expected, "{what}");
        assert!(!forgotten || peak() < 200, "{what}: {} MiB", peak());
    }
}
