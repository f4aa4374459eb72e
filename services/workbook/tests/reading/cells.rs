//! Single cells: what each type accepts, and how each refusal is told.

use super::*;

#[test]
fn a_tidy_row_is_read_into_its_types() {
    let rows = read(|sheet| line(sheet, 1, GOOD));
    assert_eq!(rows.problems, []);
    let (number, record) = &rows.good[0];
    assert_eq!(*number, 2);
    assert_eq!((record.number.as_str(), record.head.as_str(), record.kind), ("00001", "张三", Some('o')));
    assert_eq!(record.id.masked(), "999999********0071");
    assert_eq!(record.telephone.as_ref().unwrap().exposed(), "+8619000000001");
    assert_eq!((record.people, record.since), (Some(3), Some(day(2023, 5, 1))));
    assert_eq!(record.tags, ["独居", "党员"]);
    assert_eq!(record.grid.as_deref(), Some("001"));
}

#[test]
fn every_problem_of_a_row_is_told_at_once_and_the_row_is_not_taken() {
    let rows = read(|sheet| {
        line(sheet, 1, &["", "张三", "999999199003070072", "12345", "99", "别的", "2023-02-30", "", "1234"]);
        line(sheet, 2, GOOD);
    });
    assert_eq!((rows.good.len(), rows.refused), (1, 1));
    let told: Vec<_> = rows.problems.iter().map(|problem| (problem.column.as_str(), problem.reason)).collect();
    assert_eq!(
        told,
        [
            ("户编号", "BLANK"),
            ("身份证号", "CITIZEN_ID_CHECK"),
            ("联系电话", "TELEPHONE_FORM"),
            ("人数", "OUT_OF_RANGE"),
            ("类型", "NOT_A_CHOICE"),
            ("登记日期", "NO_SUCH_DATE"),
            ("微网格", "NOT_DIGITS"),
        ]
    );
    assert!(rows.problems.iter().all(|problem| problem.row == 2 && problem.sheet == "住户"));
    assert_eq!(rows.problems[4].message, "只能填：原住户、租住户");
}

#[test]
fn no_problem_repeats_the_value_it_is_about() {
    let rows = read(|sheet| {
        line(sheet, 1, &["", "张三", "999999199003070072", "77777", "88", "丙类", "2023-02-30", "", "66666"])
    });
    for problem in rows.problems {
        for value in ["999999199003070072", "77777", "88", "丙类", "2023-02-30", "66666"] {
            assert!(!problem.to_string().contains(value), "{problem}");
        }
    }
}

#[test]
fn a_number_cell_is_a_code_and_gets_its_zeros_back() {
    let rows = read(|sheet| {
        line(sheet, 1, GOOD);
        sheet.write_number(1, 0, 7.0).unwrap();
        sheet.write_number(1, 3, 19_000_000_001.0).unwrap();
        sheet.write_number(1, 4, 3.0).unwrap();
        sheet.write_number(1, 8, 1.0).unwrap();
    });
    let record = &rows.good[0].1;
    assert_eq!((record.number.as_str(), record.grid.as_deref(), record.people), ("7", Some("001"), Some(3)));
    assert_eq!(record.telephone.as_ref().unwrap().masked(), "190****0001");
}

#[test]
fn an_id_that_excel_turned_into_a_number_is_refused_with_its_own_message() {
    let rows = read(|sheet| {
        line(sheet, 1, GOOD);
        sheet.write_number(1, 2, 999_999_199_003_070_071.0).unwrap();
        line(sheet, 2, GOOD);
        sheet.write_string(2, 2, "9.99999E+17").unwrap();
    });
    for (problem, row) in rows.problems.iter().zip([2, 3]) {
        assert_eq!((problem.row, problem.reason), (row, "DIGITS_LOST"));
        assert!(problem.message.starts_with("身份证号被Excel转成了数字，末几位已丢失"));
    }
    assert_eq!(rows.refused, 2);
}

#[test]
fn a_fifteen_digit_id_in_a_number_cell_is_an_old_number() {
    let found = reasons(2, |sheet, column| {
        sheet.write_number(1, column, 999_999_900_307_007.0).unwrap();
    });
    assert_eq!(found, [(2, "身份证号".to_owned(), "CITIZEN_ID_OLD")]);
}

#[test]
fn a_date_is_read_from_a_date_cell_a_serial_number_and_text() {
    let rows = read(|sheet| {
        for row in 1..=6 {
            line(sheet, row, GOOD);
        }
        let format = Format::new().set_num_format("yyyy\"年\"m\"月\"d\"日\"");
        sheet.write_datetime_with_format(1, 6, ExcelDateTime::from_ymd(2023, 5, 1).unwrap(), &format).unwrap();
        sheet.write_number(2, 6, 45_047.0).unwrap();
        sheet.write_number(3, 6, 20_230_501.0).unwrap();
        sheet.write_string(4, 6, "２０２３．５．１").unwrap();
        sheet.write_string(5, 6, "2023年5月1日").unwrap();
        sheet.write_number(6, 6, 2023.0).unwrap();
    });
    assert_eq!(rows.good.len(), 5);
    assert!(rows.good.iter().all(|(_, record)| record.since == Some(day(2023, 5, 1))));
    assert_eq!((rows.problems[0].row, rows.problems[0].reason), (7, "NOT_A_DATE"));
}

#[test]
fn a_code_that_excel_took_for_a_date_is_refused() {
    let found = reasons(0, |sheet, column| {
        let format = Format::new().set_num_format("m-d");
        sheet.write_datetime_with_format(1, column, ExcelDateTime::from_ymd(2023, 3, 1).unwrap(), &format).unwrap();
    });
    assert_eq!(found[0].2, "BECAME_DATE");
}

#[test]
fn a_formula_is_refused_where_a_value_should_be_and_ignored_elsewhere() {
    let found = reasons(4, |sheet, column| {
        sheet.write_formula(1, column, Formula::new("=1+2").set_result("3")).unwrap();
        sheet.write_formula(1, 12, Formula::new("=ROW()").set_result("2")).unwrap();
    });
    assert_eq!(found, [(2, "人数".to_owned(), "FORMULA")]);
    assert!(
        reasons(12, |sheet, column| {
            sheet.write_formula(1, column, "=ROW()").unwrap();
        })
        .is_empty()
    );
}

#[test]
fn a_whole_number_is_whole() {
    for (text, reason) in
        [("3.5", "NOT_AN_INTEGER"), ("三", "NOT_AN_INTEGER"), ("0", "OUT_OF_RANGE"), ("31", "OUT_OF_RANGE")]
    {
        let found = reasons(4, |sheet, column| {
            sheet.write_string(1, column, text).unwrap();
        });
        assert_eq!(found[0].2, reason, "{text}");
    }
    assert!(
        reasons(4, |sheet, column| {
            sheet.write_string(1, column, "３０").unwrap();
        })
        .is_empty()
    );
}
