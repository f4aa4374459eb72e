//! How villages word their rosters, and in what files.

use std::collections::BTreeMap;

use proto::registry::v1::import_roster_response::Step;
use proto::registry::v1::*;
use workbook::{Table, write};

use super::{counts, gaochong, import, small};
use crate::support::{GAOCHONG, World};

#[tokio::test]
async fn groups_and_columns_are_known_by_other_words_and_unknown_columns_are_told() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let headings = ["序号", "户号", "户主", "组", "住户类型", "网格", "民族"];
    let mut households = Table::new("住户", &headings);
    let rows: [&[&str]; 2] = [
        &["1", "00011", "周一", "1组", "原住户", "1", "汉"],
        &["2", "00012", "周二", "第一小组", "原住户", "001", "汉"],
    ];
    rows.iter().for_each(|row| households.push(row.iter().map(|cell| (*cell).into()).collect()));
    let report = import(&world, &clerk, GAOCHONG, write(&[households]).unwrap()).await.unwrap();
    assert_eq!((report.problems.as_slice(), counts(&report)["住户"]), ([].as_slice(), [2, 0, 0, 0]));
    assert_eq!(report.sheets[0].unread_columns, ["民族"]);
    // What others read of the same sheets is no unknown column.
    let whole = import(&world, &clerk, GAOCHONG, gaochong()).await.unwrap();
    assert!(whole.sheets.iter().all(|sheet| sheet.unread_columns.is_empty()), "{:?}", whole.sheets);
}

#[tokio::test]
async fn csv_is_one_sheet_in_either_encoding() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let text = "户编号,户主姓名,住户类型,微网格编号\r\n00001,张三,原住户,001\r\n00002,李四,重建地户,002\r\n";
    let report = import(&world, &clerk, GAOCHONG, format!("\u{feff}{text}").into_bytes()).await.unwrap();
    assert_eq!(counts(&report), BTreeMap::from([("住户", [2, 0, 0, 0])]));
    // 商户名称,房东户编号 / 店,00002 in GBK.
    let gbk =
        b"\xC9\xCC\xBB\xA7\xC3\xFB\xB3\xC6,\xB7\xBF\xB6\xAB\xBB\xA7\xB1\xE0\xBA\xC5\r\n\xB5\xEA,00002\r\n".to_vec();
    let report = import(&world, &clerk, GAOCHONG, gbk).await.unwrap();
    assert_eq!(counts(&report), BTreeMap::from([("商户", [1, 0, 0, 0])]));
    // Which sheet it is may be said.
    let request = ImportRosterRequest {
        parent: format!("villages/{GAOCHONG}"),
        content: text.as_bytes().to_vec().into(),
        csv_sheet: "家庭成员".into(),
        ..Default::default()
    };
    let mut answers = world.rosters(&clerk).import_roster(request).await.unwrap().into_inner();
    let mut last = None;
    while let Some(answer) = answers.message().await.unwrap() {
        last = answer.step;
    }
    let Some(Step::Report(report)) = last else { panic!("no report") };
    assert_eq!(report.problems[0].reason, "COLUMN_MISSING");
}
