//! CSV taken as a workbook of one sheet.

use super::*;

fn open(text: &[u8]) -> Workbook {
    Workbook::from_csv("住户", text, &Limits::default()).unwrap()
}

#[test]
fn rows_are_numbered_as_a_spreadsheet_shows_them() {
    let text = "花名册\r\n\r\n户编号,户主,身份证号,标签\r\n00001,张三,999999199003070071,\"独居\r\n党员\"\r\n\r\n00002,李四,1,\r\n";
    for (mark, text) in
        [("", text.to_owned()), ("\u{feff}", text.replace("\r\n", "\n")), ("", text.replace("\r\n", "\r"))]
    {
        let mut book = open(format!("{mark}{text}").as_bytes());
        let (_, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(
            (rows.good[0].0, rows.good[0].1.tags.as_slice()),
            (4, ["独居".to_owned(), "党员".to_owned()].as_slice())
        );
        assert_eq!((rows.problems[0].row, rows.problems[0].reason), (6, "CITIZEN_ID_FORM"));
    }
}

#[test]
fn an_apostrophe_before_digits_is_not_part_of_the_code() {
    let mut book = open("户编号,户主,身份证号\n'00001,张三,'999999199003070071\n".as_bytes());
    let (_, rows) = book.sheet("住户", COLUMNS, record).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(rows.good[0].1.number, "00001");
}

#[test]
fn gbk_is_read_as_well_as_utf_8() {
    // 户编号,户主,身份证号 / 00001,张三, in GBK, as Excel in China saves it.
    let gbk =
        b"\xBB\xA7\xB1\xE0\xBA\xC5,\xBB\xA7\xD6\xF7,\xC9\xED\xB7\xDD\xD6\xA4\xBA\xC5\r\n00001,\xD5\xC5\xC8\xFD,\r\n";
    let mut book = open(gbk);
    let (_, mut rows) =
        book.sheet("住户", COLUMNS, |row| row.name("户主")).unwrap_or_else(|problems| panic!("{problems:?}"));
    let name = rows.good.remove(0).1;
    assert_eq!(name, "张三");
}

#[test]
fn what_is_neither_utf_8_nor_gbk_is_refused_with_a_way_out() {
    let refused = Workbook::from_csv("住户", &[0xFF, 0xFE, 0xBB, 0xA7], &Limits::default()).err().unwrap();
    assert_eq!(refused.reason(), "NOT_UTF8");
    assert!(refused.to_string().contains("CSV UTF-8"));
}

#[test]
fn csv_is_recognised_by_its_headings() {
    const PEOPLE: &[workbook::Column] =
        &[workbook::Column::required("户编号"), workbook::Column::required("与户主关系")];
    const GRIDS: &[workbook::Column] = &[workbook::Column::required("微网格编号").or(&["网格"])];
    let known: [(&str, &'static [workbook::Column]); 3] = [("住户", COLUMNS), ("家庭成员", PEOPLE), ("微网格", GRIDS)];
    for (text, expected) in [
        ("花名册\n户编号,户主,身份证号\n1,张三,\n", Some("住户")),
        ("户编号,姓名,与户主关系,户主\n1,李四,子,\n", Some("家庭成员")),
        ("序号, 网 格 \n1,001\n", Some("微网格")),
        ("你好\n", None),
    ] {
        let book = Workbook::either(text.as_bytes(), "", &known, &Limits::default());
        assert_eq!(book.map(|book| book.sheet_names().remove(0)).ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn a_workbook_is_not_csv_and_a_million_commas_are_too_wide() {
    let book = Draft::new().save_to_buffer().unwrap();
    assert_eq!(Workbook::from_csv("住户", &book, &Limits::default()).err().unwrap().reason(), "NOT_A_WORKBOOK");
    let wide = ",".repeat(1_000_000);
    assert_eq!(Workbook::from_csv("住户", wide.as_bytes(), &Limits::default()).err().unwrap().reason(), "TOO_LARGE");
}
