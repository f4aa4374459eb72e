//! A workbook as villages really keep them: `roster-messy.xlsx` beside the tidy one. Titles, other words and another
//! order, full-width digits, days as text, a total; and everything that goes wrong in it.

use std::path::Path;

use proto::platform::v1::ImportReport;
use proto::registry::v1::import_roster_response::Step;
use proto::registry::v1::*;

use crate::support::{GAOCHONG, World};

/// Households of the messy workbook that have tags in the tidy one.
const TAGGED: i32 = 5;

async fn import(world: &World, name: &str) -> ImportReport {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/data/gaochong").join(name);
    let request = ImportRosterRequest {
        parent: format!("villages/{GAOCHONG}"),
        content: std::fs::read(file).unwrap().into(),
        ..ImportRosterRequest::default()
    };
    let mut answers = world.rosters(&world.clerk(GAOCHONG)).import_roster(request).await.unwrap().into_inner();
    while let Some(answer) = answers.message().await.unwrap() {
        if let Some(Step::Report(report)) = answer.step {
            return report;
        }
    }
    panic!("no report");
}

#[tokio::test]
async fn good_rows_of_a_messy_workbook_go_in_and_everything_wrong_is_told() {
    let world = World::empty().await;
    let report = import(&world, "roster-messy.xlsx").await;
    let counts: Vec<_> = report.sheets.iter().map(|one| (one.sheet.as_str(), one.created, one.refused)).collect();
    assert_eq!(
        counts,
        [("片区", 6, 0), ("村民小组", 28, 0), ("微网格", 4, 0), ("住户", 13, 8), ("家庭成员", 12, 2), ("商户", 4, 2)],
        "{:#?}",
        report.problems
    );
    let unread: Vec<_> = report.sheets.iter().flat_map(|one| &one.unread_columns).collect();
    assert_eq!(unread, ["备注", "民族"]);
    let told: Vec<String> =
        report.problems.iter().map(|one| format!("{} {} {} {}", one.sheet, one.row, one.column, one.reason)).collect();
    assert_eq!(
        told,
        [
            "住户 18 身份证号码 DIGITS_LOST",
            "住户 19 网格 UNKNOWN_GRID",
            "住户 19 组 UNKNOWN_VILLAGER_GROUP",
            "住户 20 身份证号码 CITIZEN_ID_CHECK",
            "住户 20 手机 TELEPHONE_NO_AREA",
            "住户 20 核实时间 NO_SUCH_DATE",
            "住户 21 户主 FORMULA",
            "住户 22 身份证号码 CITIZEN_ID_OLD",
            "住户 23 户 号 * REPEATED",
            "住户 23 身份证号码 REPEATED",
            "住户 24 身份证号码 REPEATED",
            "住户 25 户别 NOT_A_CHOICE",
            "家庭成员 14 户号 UNKNOWN_HOUSEHOLD",
            "家庭成员 15 身份证 REPEATED",
            "商户 6 房东编号 NOT_A_LANDLORD",
            "商户 7 营业执照号 CREDIT_CODE_CHECK",
            "商户 7 证照有效期 NO_SUCH_DATE",
        ]
    );
    // What the tidy one says of them besides are tags: written otherwise, all else means the same.
    let tidy = import(&world, "roster.xlsx").await;
    let households = tidy.sheets.iter().find(|one| one.sheet == "住户").unwrap();
    assert_eq!((households.created, households.updated, households.unchanged), (1186 - 13, TAGGED, 13 - TAGGED));
}
