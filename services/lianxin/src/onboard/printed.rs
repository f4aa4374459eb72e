//! An import's report as a clerk reads it.

use proto::platform::v1::ImportReport;

use crate::table::Table;

/// Problems shown; the rest is counted.
const SHOWN: usize = 30;

/// Prints what was done with every sheet, and what is wrong with which row.
pub(super) fn print(service: &str, report: &ImportReport) {
    let mut table = Table::new(&["工作表", "行", "新建", "更新", "未变", "退回"]);
    for sheet in &report.sheets {
        table.row(&[
            &sheet.sheet,
            &sheet.rows.to_string(),
            &sheet.created.to_string(),
            &sheet.updated.to_string(),
            &sheet.unchanged.to_string(),
            &sheet.refused.to_string(),
        ]);
    }
    println!("\n{service}\n{table}");
    for sheet in report.sheets.iter().filter(|sheet| !sheet.unread_columns.is_empty()) {
        println!(
            "  {} 没有读取的列：{}（不认识这些列名；如写的是已有的列，请改成模板的列名）",
            sheet.sheet,
            sheet.unread_columns.join("、")
        );
    }
    for problem in report.problems.iter().take(SHOWN) {
        match (problem.row, problem.column.as_str()) {
            (0, "") => println!("  {}：{}", problem.sheet, problem.message),
            (0, column) => println!("  {} “{column}”列：{}", problem.sheet, problem.message),
            (row, "") => println!("  {} 第{row}行：{}", problem.sheet, problem.message),
            (row, column) => println!("  {} 第{row}行 “{column}”列：{}", problem.sheet, problem.message),
        }
    }
    let more = report.problems.len().saturating_sub(SHOWN) + usize::try_from(report.problems_omitted).unwrap_or(0);
    if more > 0 {
        println!("  ……还有 {more} 处问题");
    }
}
