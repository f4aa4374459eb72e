//! A roster that people have been careless with: every bad row is told with its place and reason.

use std::collections::BTreeMap;

use proto::registry::v1::*;
use tonic::Code;
use workbook::{Table, write};

use super::{counts, import, problems, small};
use crate::support::{GAOCHONG, World, mask};

#[tokio::test]
async fn good_rows_go_in_and_each_bad_one_is_told_with_its_place() {
    let world = World::empty().await;
    let small = import(&world, &world.clerk(GAOCHONG), GAOCHONG, write(&small()).unwrap()).await.unwrap();
    assert_eq!(small.problems, []);
    assert_eq!(small.sheets.iter().map(|one| one.created).collect::<Vec<_>>(), [1, 1, 2, 2, 2, 2]);

    let grids: &[&[&str]] = &[
        &["3", "西片", "P09", "原住地", ""],
        &["1", "又一个", "P01", "原住地", ""],
        &["4", "街", "P01", "步行街", ""],
    ];
    assert_eq!(
        problems(&world, "微网格", grids).await,
        ["4 片区编号 UNKNOWN_AREA", "5 网格编号 REPEATED", "6 类型 NOT_A_CHOICE"]
    );

    let households: &[&[&str]] = &[
        &["00003", "赵六", "", "", "第9村民小组", "原住户", "001", "", ""],
        &["00004", "赵六", "", "", "", "原住户", "099", "", ""],
        &["00001", "赵六", "", "", "", "原住户", "001", "", ""],
        &["00005", "赵六", "999999199003070071", "", "", "原住户", "001", "", ""],
        &["00006", "赵六", "999999199003070072", "12", "", "原住户", "001", "", "2023-02-30"],
        &["00007", "", "", "", "", "原住户", "001", "", ""],
        &["00008", "赵六", "", "", "", "原住户", "001", "", "2099-01-01"],
        &["00009", "赵**", "", "", "", "原住户", "001", "", ""],
        &["00010", "好的", "", "", "01", "原住户", "1", "", ""],
    ];
    assert_eq!(
        problems(&world, "住户", households).await,
        [
            "4 村民小组 UNKNOWN_VILLAGER_GROUP",
            "5 微网格编号 UNKNOWN_GRID",
            "6 户编号 REPEATED",
            "7 身份证号 REPEATED",
            "8 身份证号 CITIZEN_ID_CHECK",
            "8 手机 TELEPHONE_FORM",
            "8 最近核实日期 NO_SUCH_DATE",
            "9 户主 BLANK",
            "10 最近核实日期 IN_THE_FUTURE",
            "11 户主 MASKED",
        ]
    );

    let residents: &[&[&str]] = &[
        &["00099", "孙七", "子", ""],
        &["00002", "张三", "子", "999999199003070071"],
        &["00002", "孙七", "子", "99999919900307008X"],
    ];
    assert_eq!(
        problems(&world, "家庭成员", residents).await,
        ["4 户编号 UNKNOWN_HOUSEHOLD", "5 证件号码 REPEATED", "6 证件号码 REPEATED"]
    );

    let merchants: &[&[&str]] = &[
        &["店", "", "00001"],
        &["店", "", "00099"],
        &["另一家", "92999999MA00000151", "00002"],
        &["佳旺店", "", "00002"],
        &["店", "92999999MA00000152", "00002"],
    ];
    assert_eq!(
        problems(&world, "商户", merchants).await,
        [
            "4 房东户编号 NOT_A_LANDLORD",
            "5 房东户编号 UNKNOWN_HOUSEHOLD",
            "6 统一社会信用代码 REPEATED",
            "7 商户名称 REPEATED",
            "8 统一社会信用代码 CREDIT_CODE_CHECK",
        ]
    );
}

/// Everything that is wrong with a row is said at once.
#[tokio::test]
async fn a_row_with_several_bad_cells_is_told_of_each() {
    let world = World::empty().await;
    let households: &[&[&str]] = &[
        &["00003", "赵六", "999999199003070072", "12", "第9村民小组", "原住户", "099", "", "2099-01-01"],
        &["00004", "", "999999199003070071", "", "第9村民小组", "步行户", "099", "", ""],
        &["00001", "赵六", "", "", "", "原住户", "099", "", ""],
        &["", "赵六", "", "12", "第9村民小组", "原住户", "001", "", ""],
    ];
    assert_eq!(
        problems(&world, "住户", households).await,
        [
            "4 身份证号 CITIZEN_ID_CHECK",
            "4 手机 TELEPHONE_FORM",
            "4 微网格编号 UNKNOWN_GRID",
            "4 村民小组 UNKNOWN_VILLAGER_GROUP",
            "4 最近核实日期 IN_THE_FUTURE",
            "5 户主 BLANK",
            "5 住户类型 NOT_A_CHOICE",
            "5 身份证号 REPEATED",
            "5 微网格编号 UNKNOWN_GRID",
            "5 村民小组 UNKNOWN_VILLAGER_GROUP",
            "6 户编号 REPEATED",
            "6 微网格编号 UNKNOWN_GRID",
            "7 户编号 BLANK",
            "7 手机 TELEPHONE_FORM",
            "7 村民小组 UNKNOWN_VILLAGER_GROUP",
        ]
    );
    let residents: &[&[&str]] =
        &[&["00099", "", "", "999999199003070072"], &["00099", "孙七", "子", "999999199003070071"]];
    assert_eq!(
        problems(&world, "家庭成员", residents).await,
        [
            "4 姓名 BLANK",
            "4 与户主关系 BLANK",
            "4 证件号码 CITIZEN_ID_CHECK",
            "4 户编号 UNKNOWN_HOUSEHOLD",
            "5 证件号码 REPEATED",
            "5 户编号 UNKNOWN_HOUSEHOLD",
        ]
    );
}

#[tokio::test]
async fn a_number_that_is_someone_elses_is_not_given_twice() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    // Sheets by themselves: what the village knows already is what they refer to.
    let mut residents = Table::new("家庭成员", &["户编号", "姓名", "与户主关系", "证件号码"]);
    residents.push(vec!["00001".into(), "张三".into(), "户主".into(), "999999199003070071".into()]);
    residents.push(vec!["00002".into(), "王五".into(), "妻".into(), "99999919900307008X".into()]);
    let report = import(&world, &clerk, GAOCHONG, write(&[residents]).unwrap()).await.unwrap();
    let reasons: Vec<_> = report.problems.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["IS_THE_HEAD", "CITIZEN_ID_TAKEN"]);
    assert_eq!(counts(&report), BTreeMap::from([("家庭成员", [0, 0, 0, 2])]));
}

#[tokio::test]
async fn a_household_that_lets_premises_stays_in_the_rebuilt_area() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let mut households = Table::new("住户", &["户编号", "户主姓名", "住户类型", "微网格编号"]);
    households.push(vec!["00002".into(), "李四".into(), "已拆迁户".into(), "002".into()]);
    let report = import(&world, &clerk, GAOCHONG, write(&[households]).unwrap()).await.unwrap();
    assert_eq!(report.problems[0].reason, "STILL_A_LANDLORD");
}

#[tokio::test]
async fn a_renamed_household_does_not_stand_in_the_way_of_its_old_number() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let mut client = world.households(&clerk);
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let first = client.list_households(request).await.unwrap().into_inner().households.remove(0);
    let renumbered = Household { number: "00009".into(), ..first };
    let update = UpdateHouseholdRequest {
        household: Some(renumbered),
        update_mask: mask(&["number"]),
        request_id: String::new(),
    };
    client.update_household(update).await.unwrap();
    let report = import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    // Its head is known as the head of 00009, and that is what the clerk is told.
    let told = &report.problems[0];
    assert_eq!((told.row, told.reason.as_str()), (2, "CITIZEN_ID_TAKEN"));
    assert!(told.message.contains("00009"));
}

#[tokio::test]
async fn a_file_that_is_no_roster_is_refused_as_a_whole() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    let before = world.changes().await;
    let ledger = write(&[Table::new("走访", &["日期"])]).unwrap();
    for (content, message) in [(b"hello".to_vec(), "xlsx"), (b"PK\x03\x04broken".to_vec(), "文件"), (ledger, "工作表")]
    {
        let refused = import(&world, &clerk, GAOCHONG, content).await.unwrap_err();
        assert!(matches!(refused.code(), Code::FailedPrecondition | Code::InvalidArgument), "{refused}");
        assert!(refused.message().contains(message), "{refused}");
    }
    let report =
        import(&world, &clerk, GAOCHONG, write(&[Table::new("住户", &["户编号", "姓名"])]).unwrap()).await.unwrap();
    let columns: Vec<_> = report.problems.iter().map(|one| (one.column.as_str(), one.reason.as_str())).collect();
    assert_eq!(columns, [("住户类型", "COLUMN_MISSING"), ("微网格编号", "COLUMN_MISSING")]);
    assert_eq!(world.changes().await, before);
}
