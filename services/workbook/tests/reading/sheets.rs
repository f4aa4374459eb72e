//! Whole sheets: finding them, their headings and their records.

use super::*;

fn sheet_problems(book: &mut Workbook, name: &str) -> Vec<Problem> {
    book.sheet(name, COLUMNS, record).err().expect("the sheet cannot be read")
}

#[test]
fn a_title_other_words_another_order_and_other_columns_do_not_matter() {
    let mut book = draft(|sheet| {
        sheet.merge_range(0, 0, 0, 5, "高冲村住户花名册（2023年）", &Format::new()).unwrap();
        line(sheet, 1, &["填表人：某某", "", "日期：2023.5.1"]);
        line(sheet, 3, &["序号", " 证件 号码*", "手 机", "户主\n姓名", "户号（必填）", "备注"]);
        line(sheet, 4, &["1", "９９９９９９１９９００３０７００７１", "190 0000 0001", "张　三", "００００１ ", "无"]);
        line(sheet, 5, &["2", "99999919900307008x", "", "李四", "00002"]);
    });
    let (sheet, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(sheet.has("联系电话") && !sheet.has("标签"));
    assert_eq!(rows.problems, []);
    let heads: Vec<_> =
        rows.good.iter().map(|(row, record)| (*row, record.number.as_str(), record.head.as_str())).collect();
    assert_eq!(heads, [(5, "00001", "张三"), (6, "00002", "李四")]);
}

#[test]
fn a_problem_names_the_heading_as_the_file_has_it() {
    let mut book = draft(|sheet| {
        line(sheet, 0, &["户号", "户主姓名", "证件号码"]);
        line(sheet, 1, &["1", "张三", "999999199003070072"]);
    });
    let (sheet, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    let problem = &rows.problems[0];
    assert_eq!((problem.row, problem.column.as_str(), problem.reason), (2, "证件号码", "CITIZEN_ID_CHECK"));
    let later = sheet.problem(2, "户编号", Refusal::new("DUPLICATE", "户编号重复"));
    assert_eq!(later.to_string(), "“住户”第2行“户号”：户编号重复");
}

#[test]
fn the_heading_that_says_it_best_is_taken_when_two_would_do() {
    let mut book = draft(|sheet| {
        line(sheet, 0, &["电话", "手机", "户编号", "户主", "身份证号"]);
        line(sheet, 1, &["0731-88880001", "19000000001", "1", "张三", "999999199003070071"]);
    });
    let (_, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rows.good[0].1.telephone.as_ref().unwrap().masked(), "190****0001");
}

#[test]
fn blank_rows_numbered_blank_rows_totals_and_remarks_are_no_records() {
    let mut book = draft(|sheet| {
        line(sheet, 0, &["序号", "户编号", "户主", "身份证号"]);
        line(sheet, 2, &["1", "00001", "张三", "999999199003070071"]);
        line(sheet, 4, &["2", "", "  ", ""]);
        line(sheet, 5, &["合计：1户", "1"]);
        line(sheet, 7, &["备注：本表每月更新", "", "", "x"]);
    });
    let (_, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!((rows.good.len(), rows.good[0].0, rows.refused), (1, 3, 0));
}

#[test]
fn a_missing_sheet_missing_columns_and_missing_headings_are_told_apart() {
    let mut book = draft(|sheet| line(sheet, 2, &["户编号", "电话"]));
    assert_eq!(sheet_problems(&mut book, "商户")[0].reason, "SHEET_MISSING");
    let found: Vec<_> = sheet_problems(&mut book, "住户").into_iter().map(|p| (p.row, p.column, p.reason)).collect();
    assert_eq!(found, [(3, "户主".to_owned(), "COLUMN_MISSING"), (3, "身份证号".to_owned(), "COLUMN_MISSING")]);

    let mut late = draft(|sheet| line(sheet, 10, HEADINGS));
    assert_eq!(sheet_problems(&mut late, "住户")[0].reason, "HEADING_MISSING");
    let mut empty = draft(|_| {});
    assert_eq!(sheet_problems(&mut empty, "住户")[0].reason, "HEADING_MISSING");
}

#[test]
fn headings_without_rows_are_a_sheet_without_records() {
    let rows = read(|_| {});
    assert_eq!((rows.good.len(), rows.refused), (0, 0));
}

#[test]
fn headings_in_the_tenth_row_are_found() {
    let mut book = draft(|sheet| {
        line(sheet, 9, HEADINGS);
        line(sheet, 10, GOOD);
    });
    let (_, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rows.good[0].0, 11);
}

#[test]
fn a_sheet_is_found_despite_spaces_in_its_name() {
    let mut draft = Draft::new();
    line(draft.add_worksheet().set_name(" 住 户 ").unwrap(), 0, HEADINGS);
    let mut book = Workbook::open(draft.save_to_buffer().unwrap(), &Limits::default()).unwrap();
    assert!(book.has_sheet("住户") && !book.has_sheet("商户"));
    assert!(book.sheet("住户", COLUMNS, record).is_ok());
}

#[test]
fn the_caller_may_pass_over_a_row_or_refuse_it() {
    let mut book = draft(|sheet| {
        line(sheet, 0, HEADINGS);
        line(sheet, 1, GOOD);
        line(sheet, 2, GOOD);
        line(sheet, 3, GOOD);
    });
    let read = |row: &mut Row<'_>| match row.number() {
        2 => None,
        3 => {
            row.refuse("", Refusal::new("HEAD_TWICE", "一户只能有一个户主"));
            Some(())
        }
        _ => Some(()),
    };
    let (_, rows) = book.sheet("住户", COLUMNS, read).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!((rows.good, rows.refused), (vec![(4, ())], 1));
    assert_eq!(rows.problems[0].to_string(), "“住户”第3行：一户只能有一个户主");
}

#[test]
fn a_column_that_was_not_described_is_a_mistake_that_shows() {
    let mut book = draft(|sheet| {
        line(sheet, 0, HEADINGS);
        line(sheet, 1, GOOD);
    });
    let (_, rows) =
        book.sheet("住户", COLUMNS, |row| row.text("没有描述")).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rows.problems[0].reason, "COLUMN_NOT_DESCRIBED");
}

#[test]
fn columns_that_nobody_knows_are_told_by_their_headings() {
    let mut book = draft(|sheet| {
        line(sheet, 0, &["序号", "户编号", "户主", "身份证号", "民族", "手机", "电话"]);
        line(sheet, 1, &["1", "00001", "张三", "", "汉", "", ""]);
    });
    let (sheet, _) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(sheet.unread().contains(&"民族".to_owned()), "{:?}", sheet.unread());
    assert!(!sheet.unread().iter().any(|heading| ["序号", "户编号", "户主"].contains(&heading.as_str())));
}

#[test]
fn what_a_refused_row_says_besides_is_kept_to_be_looked_at() {
    let mut book = draft(|sheet| {
        line(sheet, 0, &["户编号", "户主", "身份证号"]);
        line(sheet, 1, &["00001", "张三", "999999199003070072"]);
    });
    let today = chrono::NaiveDate::MAX;
    let read = |row: &mut Row<'_>| {
        row.citizen_id("身份证号", today);
        row.code("户编号")
    };
    let (_, rows) = book.sheet("住户", COLUMNS, read).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!((rows.good.len(), rows.refused, rows.problems.len()), (0, 1, 1));
    assert_eq!(rows.flawed, [(2, "00001".to_owned())]);
}
