//! Rosters on their way in: a real one, and a small one of which tests spoil one thing or the other.

mod again;
mod flaws;
mod newer;
mod real;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use harness::Call;
use proto::platform::v1::{ImportReport, SheetOutcome};
use proto::registry::v1::ImportRosterRequest;
use proto::registry::v1::import_roster_response::Step;
use tonic::Status;
use workbook::{Table, write};

use crate::support::{GAOCHONG, World};

fn gaochong() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/data/gaochong/roster.xlsx")).unwrap()
}

async fn import(world: &World, caller: &Call, village: &str, content: Vec<u8>) -> Result<ImportReport, Status> {
    run(world, caller, village, content, false).await
}

async fn run(
    world: &World,
    caller: &Call,
    village: &str,
    content: Vec<u8>,
    validate_only: bool,
) -> Result<ImportReport, Status> {
    let request = ImportRosterRequest {
        parent: format!("villages/{village}"),
        content: content.into(),
        validate_only,
        ..Default::default()
    };
    let mut answers = world.rosters(caller).import_roster(request).await?.into_inner();
    let mut told = 0;
    while let Some(answer) = answers.message().await? {
        match answer.step.unwrap() {
            Step::Progress(progress) => {
                assert!(progress.done <= progress.total);
                told += 1;
            }
            Step::Report(report) => {
                assert!(told > 0 && answers.message().await?.is_none());
                return Ok(report);
            }
        }
    }
    panic!("no report");
}

fn counts(report: &ImportReport) -> BTreeMap<&str, [i32; 4]> {
    let line = |one: &'_ SheetOutcome| [one.created, one.updated, one.unchanged, one.refused];
    report.sheets.iter().map(|one| (one.sheet.as_str(), line(one))).collect()
}

/// A small roster: some rows, of which tests spoil one or the other.
fn small() -> Vec<Table> {
    let table = |name: &str, headings: &[&str], rows: &[&[&str]]| {
        let mut table = Table::new(name, headings);
        rows.iter().for_each(|row| table.push(row.iter().map(|cell| (*cell).into()).collect()));
        table
    };
    vec![
        table("片区", &["片区编号", "片区名称"], &[&["P01", "第1片"]]),
        table("村民小组", &["小组编号", "小组名称"], &[&["01", "第1村民小组"]]),
        table(
            "微网格",
            &["网格编号", "微网格名称", "片区编号", "类型", "联户主线"],
            &[&["1", "东片", "P01", "原住地", "主线一"], &["2", "安置区", "P01", "重建安置区", "主线二"]],
        ),
        table(
            "住户",
            &["户编号", "户主", "身份证号", "手机", "村民小组", "住户类型", "微网格编号", "标签", "最近核实日期"],
            &[
                &[
                    "00001",
                    "张　三",
                    "999999199003070071",
                    "19000040001",
                    "第1村民小组",
                    "原住户",
                    "001",
                    "低保；慢病",
                    "2023.5.1",
                ],
                &["00002", "李四", "999999199003070020", "", "", "重建地户", "002", "", "2023年5月1日"],
            ],
        ),
        table(
            "家庭成员",
            &["户编号", "姓名", "与户主关系", "证件号码"],
            &[&["00001", "王五", "配偶", "99999919900307008X"], &["00001", "张小", "子", ""]],
        ),
        table(
            "商户",
            &["商户名称", "统一社会信用代码", "房东户编号"],
            &[&["兴达店", "92999999MA00000151", "00002"], &["佳旺店", "", "00002"]],
        ),
    ]
}

fn spoilt(sheet: &str, rows: &[&[&str]]) -> Vec<u8> {
    let mut tables = small();
    let place =
        ["片区", "村民小组", "微网格", "住户", "家庭成员", "商户"].iter().position(|name| *name == sheet).unwrap();
    for row in rows {
        tables[place].push(row.iter().map(|cell| (*cell).into()).collect());
    }
    write(&tables).unwrap()
}

/// Imports the small roster with more rows, and answers the problems as `row column REASON`.
async fn problems(world: &World, sheet: &str, rows: &[&[&str]]) -> Vec<String> {
    let report = import(world, &world.clerk(GAOCHONG), GAOCHONG, spoilt(sheet, rows)).await.unwrap();
    for line in &report.sheets {
        assert_eq!(line.rows, line.created + line.updated + line.unchanged + line.refused);
    }
    report
        .problems
        .iter()
        .map(|one| {
            assert!(one.sheet == sheet && !one.message.is_empty() && !one.message.is_ascii());
            format!("{} {} {}", one.row, one.column, one.reason)
        })
        .collect()
}
