//! Workbooks that are less tidy than the real one.

use proto::liaison::v1 as pb;
use proto::reasons;
use proto::registry::v1::{HouseholdKind, LineKind};
use tonic::Code;
use workbook::{Table, write};

use crate::stand::{GAOCHONG, Stand, grid_news, household_name, household_news, outcome, reason, team_name};

/// A sheet's name, its headings, its rows.
type Draft<'d> = (&'d str, &'d [&'d str], &'d [&'d [&'d str]]);

fn book(sheets: &[Draft<'_>]) -> Vec<u8> {
    let tables: Vec<Table> = sheets
        .iter()
        .map(|(name, headings, rows)| {
            let mut table = Table::new(name, headings);
            for row in *rows {
                table.push(row.iter().map(|cell| (*cell).into()).collect());
            }
            table
        })
        .collect();
    write(&tables).unwrap()
}

const AREAS: &[&str] = &["片区编号", "片区名称", "联片村干部", "电话"];
const GROUPS: &[&str] = &["小组编号", "小组名称", "组长", "联系电话"];
const REPRESENTATIVES: &[&str] = &["代表姓名", "手机", "身份来源", "微网格", "当选日期"];
const TEAMS: &[&str] = &["微网格编号", "联片村干部", "组长类别", "组长姓名", "村民代表"];
const VISITS: &[&str] = &["走访日期", "微网格编号", "村民代表", "户编号", "走访方式", "人次", "内容"];

async fn stand() -> Stand {
    let stand = Stand::new().await;
    for (grid, number) in [("001", "00001"), ("002", "00002")] {
        stand.registry.tells(&[grid_news(GAOCHONG, grid, LineKind::Relocated)]).await;
        stand.registry.tells(&[household_news(GAOCHONG, number, grid, HouseholdKind::Original)]).await;
    }
    stand.knows(GAOCHONG, 2, 2).await;
    stand
}

fn roster(representatives: &[&[&str]], teams: &[&[&str]]) -> Vec<u8> {
    book(&[
        ("片区", AREAS, &[&["P01", "第1片", "田秀坤", "19000040001"], &["P02", "第2片", "田秀坤", "19000040001"]]),
        ("村民小组", GROUPS, &[&["01", "第1村民小组", "吴慧龙", "19000040007"], &["02", "第2村民小组", "", ""]]),
        ("村民代表", REPRESENTATIVES, representatives),
        ("三人组", TEAMS, teams),
    ])
}

const GOOD: &[&[&str]] = &[
    &["熊静贵", "19000040050", "组长", "001", "2023.2.1"],
    &["吴慧龙", "19000040007", "党员", "002", "2023年2月16日"],
];

#[tokio::test]
async fn one_person_in_several_sheets_is_one_member() {
    let stand = stand().await;
    let mut clerk = stand.clerk();
    let teams: &[&[&str]] =
        &[&["1", "田秀坤", "村民组长", "吴慧龙", "熊静贵"], &["２", "田秀坤", "组长", "吴慧龙", "吴慧龙"]];
    let report = clerk.import_roster(roster(GOOD, teams), false).await;
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(stand.count("select count(*) from member").await, 3);
    assert_eq!(outcome(&report, "片区"), [2, 1, 1, 0, 0]);
    let filter = pb::MemberFilter { display_name: "吴慧龙".into(), ..Default::default() };
    let request =
        pb::ListMembersRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(filter), ..Default::default() };
    let found = clerk.members.list_members(request).await.unwrap().into_inner().members.remove(0);
    assert!(found.offices().eq([pb::Office::VillagerGroupLeader, pb::Office::Representative]));
    assert_eq!(found.villager_group, format!("villages/{GAOCHONG}/villagerGroups/01"));
    assert_eq!(clerk.covered(GAOCHONG, None).await.linked, 2);
}

#[tokio::test]
async fn good_rows_go_in_and_every_bad_row_is_told_by_sheet_row_and_column() {
    let stand = stand().await;
    let mut clerk = stand.clerk();
    let representatives: &[&[&str]] = &[
        GOOD[0],
        &["无网格", "19000040051", "党员", "009", "2023-02-01"],
        &["号码错", "12345", "党员", "002", "2023-02-01"],
        &["来源错", "19000040052", "亲戚", "002", "2023-02-30"],
    ];
    let teams: &[&[&str]] = &[
        &["001", "田秀坤", "村民组长", "吴慧龙", "熊静贵"],
        &["002", "田秀坤", "村民组长", "无此人", "来源错"],
        &["009", "田秀坤", "村民组长", "吴慧龙", "熊静贵"],
    ];
    let report = clerk.import_roster(roster(representatives, teams), false).await;
    let told: Vec<(&str, i32, &str, &str)> = report
        .problems
        .iter()
        .map(|problem| (problem.sheet.as_str(), problem.row, problem.column.as_str(), problem.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("村民代表", 3, "微网格", "UNKNOWN_GRID"),
            ("村民代表", 4, "手机", "TELEPHONE_FORM"),
            ("村民代表", 5, "身份来源", "NOT_A_CHOICE"),
            ("村民代表", 5, "当选日期", "NO_SUCH_DATE"),
            ("三人组", 3, "组长姓名", "UNKNOWN_MEMBER"),
            ("三人组", 4, "微网格编号", "UNKNOWN_GRID"),
        ]
    );
    assert_eq!(outcome(&report, "村民代表"), [4, 1, 0, 0, 3]);
    assert_eq!(outcome(&report, "三人组"), [3, 0, 1, 0, 2]);
    assert_eq!(clerk.covered(GAOCHONG, None).await.teams_complete, 1);
}

#[tokio::test]
async fn a_roster_with_another_representative_hands_the_households_over() {
    let stand = stand().await;
    let mut clerk = stand.clerk();
    let teams: &[&[&str]] = &[&["001", "田秀坤", "村民组长", "吴慧龙", "熊静贵"]];
    clerk.import_roster(roster(GOOD, teams), false).await;
    stand.days(5);
    let newcomer: &[&[&str]] = &[&["赖家坤", "19000040060", "热心群众", "001", "2026-06-05"]];
    let teams: &[&[&str]] = &[&["001", "", "", "", "赖家坤"]];
    let report = clerk.import_roster(roster(newcomer, teams), false).await;
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let links = clerk.history(&household_name(GAOCHONG, "00001")).await;
    assert_eq!(links.len(), 2);
    assert_eq!((links[0].end_date, links[1].end_date), (links[1].start_date, None));
    let team =
        clerk.teams.get_team(pb::GetTeamRequest { name: team_name(GAOCHONG, "001") }).await.unwrap().into_inner();
    assert!(team.complete && team.representative.unwrap().display_name == "赖家坤");
}

#[tokio::test]
async fn a_ledger_tells_what_is_wrong_and_knows_equal_rows_apart() {
    let stand = stand().await;
    let mut clerk = stand.clerk();
    let teams: &[&[&str]] =
        &[&["001", "田秀坤", "村民组长", "吴慧龙", "熊静贵"], &["002", "田秀坤", "村民组长", "吴慧龙", "吴慧龙"]];
    clerk.import_roster(roster(GOOD, teams), false).await;
    let good: &[&str] = &["2023-03-01", "001", "熊静贵", "00001", "入户", "2", "了解家庭情况"];
    let ledger = book(&[(
        "走访",
        VISITS,
        &[
            good,
            good,
            &["2023-01-31", "001", "熊静贵", "00001", "电话", "1", ""],
            &["2023-03-01", "001", "陌生人", "00001", "电话", "1", ""],
            &["2023-03-01", "001", "吴慧龙", "00001", "电话", "1", ""],
            &["2023-03-01", "001", "熊静贵", "77777", "电话", "1", ""],
            &["2023-03-01", "009", "熊静贵", "00001", "电话", "1", ""],
            &["2026-06-02", "001", "熊静贵", "00001", "电话", "1", ""],
            &["2023-03-01", "001", "熊静贵", "00001", "书信", "0", ""],
            &["2023-03-01", "002", "吴慧龙", "", "微信", "5", "小区宣传"],
        ],
    )]);
    let report = clerk.import_ledger(ledger.clone(), false).await;
    let told: Vec<(i32, &str, &str)> =
        report.problems.iter().map(|problem| (problem.row, problem.column.as_str(), problem.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            (4, "走访日期", "BEFORE_THE_LINK"),
            (5, "村民代表", "UNKNOWN_MEMBER"),
            (6, "村民代表", "OTHER_GRID"),
            (7, "户编号", "UNKNOWN_HOUSEHOLD"),
            (8, "微网格编号", "UNKNOWN_GRID"),
            (9, "走访日期", "IN_THE_FUTURE"),
            (10, "走访方式", "NOT_A_CHOICE"),
            (10, "人次", "OUT_OF_RANGE"),
        ]
    );
    assert_eq!(report.problems[0].message, "走访日期早于联户日期");
    assert_eq!(outcome(&report, "走访"), [10, 3, 0, 0, 7]);
    assert_eq!(outcome(&clerk.import_ledger(ledger, false).await, "走访"), [10, 0, 0, 3, 7]);
    assert_eq!(stand.count("select sum(persons) from visit").await, 9);
}

#[tokio::test]
async fn what_is_no_workbook_or_has_none_of_the_sheets_is_refused_as_a_whole() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    for (content, why) in
        [(b"%PDF-1.7".to_vec(), reasons::WORKBOOK_UNREADABLE), (book(&[("别的", AREAS, &[])]), reasons::SHEET_MISSING)]
    {
        let request = pb::ImportRosterRequest {
            parent: format!("villages/{GAOCHONG}"),
            content: content.into(),
            ..Default::default()
        };
        let mut steps = clerk.rosters.import_roster(request).await.unwrap().into_inner();
        assert_eq!(reason(&steps.message().await.unwrap_err()), why);
    }
    let mut part = stand.desk(platform::Office::Clerk, GAOCHONG, &["001"]);
    let request = pb::ImportRosterRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(part.rosters.import_roster(request).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_check_before_anything_was_written_counts_the_grids_of_the_file_itself() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let grids: &[&[&str]] = &[&["001", "田家园", "P01", "原住地", ""], &["2", "罗家湾", "P01", "重建安置区", "主线二"]];
    let teams: &[&[&str]] =
        &[&["001", "田秀坤", "村民组长", "吴慧龙", "熊静贵"], &["002", "田秀坤", "村民组长", "吴慧龙", "吴慧龙"]];
    let file = |teams| {
        book(&[
            ("片区", AREAS, &[&["P01", "第1片", "田秀坤", "19000040001"]]),
            ("村民小组", GROUPS, &[&["01", "第1村民小组", "吴慧龙", "19000040007"]]),
            ("微网格", &["微网格编号", "微网格名称", "片区编号", "类型", "联户主线"], grids),
            ("村民代表", REPRESENTATIVES, GOOD),
            ("三人组", TEAMS, teams),
        ])
    };
    let report = clerk.import_roster(file(teams), true).await;
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!((outcome(&report, "村民代表"), outcome(&report, "三人组")), ([2, 1, 1, 0, 0], [2, 0, 2, 0, 0]));
    let elsewhere: &[&[&str]] = &[&["003", "田秀坤", "村民组长", "吴慧龙", "熊静贵"]];
    let report = clerk.import_roster(file(elsewhere), true).await;
    assert_eq!((report.problems.len(), report.problems[0].reason.as_str()), (1, reasons::UNKNOWN_GRID));

    // Only a check counts them: what is written has to follow from news.
    assert_eq!(outcome(&clerk.import_roster(file(teams), false).await, "三人组"), [2, 0, 0, 0, 2]);
    assert_eq!(stand.count("select count(*) from team").await, 0);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_measured_by_anything_yet_is_checked_for_its_form_only() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let rows: &[&[&str]] = &[
        &["2023-03-01", "001", "熊静贵", "00001", "入户", "2", ""],
        &["2023-03-01", "001", "熊静贵", "00001", "书信", "2", ""],
    ];
    let ledger = book(&[("走访", VISITS, rows)]);
    let report = clerk.import_ledger(ledger.clone(), true).await;
    let told: Vec<(i32, &str)> = report.problems.iter().map(|problem| (problem.row, problem.reason.as_str())).collect();
    assert_eq!(told, [(0, "NOT_CHECKED"), (3, "NOT_A_CHOICE")]);
    assert_eq!(outcome(&report, "走访"), [2, 1, 0, 0, 1]);
    assert_eq!(outcome(&clerk.import_ledger(ledger, false).await, "走访"), [2, 0, 0, 0, 2]);
}

#[tokio::test]
async fn whoever_has_no_telephone_and_no_longer_serves_is_not_entered_again() {
    let stand = stand().await;
    let mut clerk = stand.clerk();
    let without: &[&[&str]] = &[&["熊静贵", "", "组长", "001", "2023.2.1"]];
    clerk.import_roster(roster(without, &[]), false).await;
    let found = clerk.members.list_members(pb::ListMembersRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::MemberFilter { display_name: "熊静贵".into(), ..Default::default() }),
        ..Default::default()
    });
    let name = found.await.unwrap().into_inner().members.remove(0).name;
    clerk.members.end_term(pb::EndTermRequest { name, ..Default::default() }).await.unwrap();
    let report = clerk.import_roster(roster(without, &[]), false).await;
    assert_eq!(outcome(&report, "村民代表"), [1, 0, 0, 1, 0]);
    let early: &[&[&str]] = &[&["熊静贵", "", "组长", "001", "2026.6.2"]];
    let report = clerk.import_roster(roster(early, &[]), false).await;
    let told = &report.problems[0];
    assert_eq!((told.row, told.column.as_str(), told.reason.as_str()), (2, "当选日期", reasons::IN_THE_FUTURE));
    let again: &[&[&str]] = &[&["熊静贵", "", "组长", "001", "2026.6.1"]];
    assert_eq!(outcome(&clerk.import_roster(roster(again, &[]), false).await, "村民代表"), [1, 0, 1, 0, 0]);
    assert_eq!(stand.count("select count(*) from member where display_name = '熊静贵' and term_end is null").await, 1);
}

#[tokio::test]
async fn one_sheet_comes_as_csv_too_in_utf_8_or_gbk_and_columns_that_nobody_reads_are_told() {
    let stand = stand().await;
    let mut clerk = stand.clerk();
    let representatives = "村民代表,联系电话,身份来源,微网格,当选日期,备注\n熊静贵,19000040050,组长,001,2023.2.1,好\n";
    let report = clerk.import_roster(representatives.into(), false).await;
    assert_eq!((outcome(&report, "村民代表"), report.problems.len()), ([1, 1, 0, 0, 0], 0));
    assert_eq!(report.sheets[0].unread_columns, ["备注"]);
    // The same in GBK, as Excel in China writes it, is the same.
    let gbk: &[u8] =
        b"\xb4\xe5\xc3\xf1\xb4\xfa\xb1\xed,\xc1\xaa\xcf\xb5\xb5\xe7\xbb\xb0,\xc9\xed\xb7\xdd\xc0\xb4\xd4\xb4,\
        \xce\xa2\xcd\xf8\xb8\xf1,\xb5\xb1\xd1\xa1\xc8\xd5\xc6\xda,\xb1\xb8\xd7\xa2\n\
        \xd0\xdc\xbe\xb2\xb9\xf3,19000040050,\xd7\xe9\xb3\xa4,001,2023.2.1,\xba\xc3\n";
    let again = clerk.import_roster(gbk.into(), false).await;
    assert_eq!(outcome(&again, "村民代表"), [1, 0, 0, 1, 0]);
    assert_eq!(again.sheets[0].unread_columns, ["备注"]);

    // Headings alone would not tell of which sheet these are: the caller says it.
    let request = pb::ImportRosterRequest {
        parent: format!("villages/{GAOCHONG}"),
        content: "姓名,电话\n潘明超,19000040044\n".into(),
        csv_sheet: "网格员".into(),
        ..Default::default()
    };
    let mut steps = clerk.rosters.import_roster(request).await.unwrap().into_inner();
    while steps.message().await.unwrap().is_some() {}
    assert_eq!(stand.count("select count(*) from member where offices = '{grid_worker}'").await, 1);
    let teams = clerk.import_roster("微网格,代表\n001,熊静贵\n".into(), false).await;
    assert_eq!(outcome(&teams, "三人组"), [1, 0, 1, 0, 0]);

    let visits = clerk.import_ledger("日期,微网格,代表,方式,天气\n2023-03-01,001,熊静贵,入户,晴\n".into(), false).await;
    assert_eq!((outcome(&visits, "走访"), visits.problems.len()), ([1, 1, 0, 0, 0], 0));
    assert_eq!(visits.sheets[0].unread_columns, ["天气"]);

    // What the registry reads of the same sheet is no unread column.
    let areas = clerk.import_roster(roster(GOOD, &[]), false).await;
    assert!(areas.sheets.iter().all(|sheet| sheet.unread_columns.is_empty()), "{:?}", areas.sheets);
    let mut steps = clerk
        .rosters
        .import_roster(pb::ImportRosterRequest {
            parent: format!("villages/{GAOCHONG}"),
            content: "甲,乙\n1,2\n".into(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    let status = steps.message().await.unwrap_err();
    assert_eq!(reason(&status), reasons::WORKBOOK_UNREADABLE);
}
