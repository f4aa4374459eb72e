//! Rosters: the real workbook, the same one again, and one that people have been careless with.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Instant;

use harness::Call;
use platform::Office;
use proto::platform::v1::{ImportReport, SheetOutcome};
use proto::registry::v1::import_roster_response::Step;
use proto::registry::v1::*;
use tonic::{Code, Status};
use workbook::{Table, write};

use crate::support::{GAOCHONG, OTHER, World, create, date, household, mask};

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

#[tokio::test]
async fn the_real_roster_goes_in_whole_and_again_changes_nothing() {
    let world = World::empty().await;
    let operator = world.stage.caller(Office::Operator, "430112011", &[]);
    let begun = Instant::now();
    let first = import(&world, &operator, GAOCHONG, gaochong()).await.unwrap();
    println!("imported in {:?}", begun.elapsed());
    assert_eq!(first.problems, []);
    let all = [
        ("片区", 6),
        ("村民小组", 28),
        ("党小组", 9),
        ("微网格", 75),
        ("住户", 1186),
        ("家庭成员", 2717),
        ("商户", 183),
    ];
    assert_eq!(first.sheets.iter().map(|one| (one.sheet.as_str(), one.created)).collect::<Vec<_>>(), all);
    let changes = world.changes().await;
    assert_eq!(changes, 2 + i64::from(all.iter().map(|(_, rows)| rows).sum::<i32>()));

    let begun = Instant::now();
    let second = import(&world, &operator, GAOCHONG, gaochong()).await.unwrap();
    println!("imported again in {:?}", begun.elapsed());
    assert_eq!(second.sheets.iter().map(|one| (one.sheet.as_str(), one.unchanged)).collect::<Vec<_>>(), all);
    assert_eq!(world.changes().await, changes);

    let mut client = world.households(&world.clerk(GAOCHONG));
    let filter = Some(HouseholdFilter { number: "00001".into(), ..HouseholdFilter::default() });
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), filter, ..Default::default() };
    let found = client.list_households(request).await.unwrap().into_inner().households.remove(0);
    assert_eq!((found.head_name.as_str(), found.citizen_id.as_str()), ("何**", "999999********5826"));
    assert_eq!(found.villager_group, format!("villages/{GAOCHONG}/villagerGroups/01"));
    assert_eq!((found.verified_on, found.active_since), (date(2023, 3, 17), None));
    let filter = HouseholdFilter { outside: Some(true), kind: HouseholdKind::Relocated.into(), ..Default::default() };
    let request = ListHouseholdsRequest {
        parent: format!("villages/{GAOCHONG}"),
        page_size: 1000,
        filter: Some(filter),
        ..Default::default()
    };
    assert_eq!(client.list_households(request).await.unwrap().into_inner().households.len(), 246);
}

#[tokio::test]
async fn news_of_the_real_roster_says_nothing_of_who_lives_there() {
    let world = World::empty().await;
    import(&world, &world.clerk(GAOCHONG), GAOCHONG, gaochong()).await.unwrap();
    let mut owner = world.running.database.connect_as_owner().await;
    let events: Vec<Vec<u8>> = sqlx::query_scalar("select event from change_log").fetch_all(&mut owner).await.unwrap();
    let told: String = events.iter().map(|event| String::from_utf8_lossy(event).into_owned()).collect();
    assert!(told.contains("00001") && told.contains("第1村民小组东片"));
    let (numbers, words): (Vec<_>, Vec<_>) = personal().into_iter().partition(|text| text.is_ascii());
    assert!(numbers.len() > 5000 && words.len() > 5000);
    // Few events have Chinese words at all: what people call places.
    let chinese = |text: &str| text.chars().filter(|sign| ('一'..='龥').contains(sign)).collect::<String>();
    let places = chinese(&told);
    for word in &words {
        assert!(!places.contains(&chinese(word)), "{word} is in an event");
    }
    for length in [11, 18] {
        let numbers: HashSet<&[u8]> = numbers.iter().map(String::as_bytes).filter(|one| one.len() == length).collect();
        let found = told.as_bytes().windows(length).find(|window| numbers.contains(window));
        assert!(numbers.len() > 2000 && found.is_none(), "{found:?}");
    }
}

/// Names, numbers, telephones, addresses and tags of everybody in the file.
fn personal() -> Vec<String> {
    const COLUMNS: &[workbook::Column] = &[
        workbook::Column::optional("户主姓名"),
        workbook::Column::optional("姓名"),
        workbook::Column::optional("经营者"),
        workbook::Column::optional("证件号码"),
        workbook::Column::optional("联系电话"),
        workbook::Column::optional("家庭住址"),
        workbook::Column::optional("现居住地"),
        workbook::Column::optional("经营地址"),
        workbook::Column::optional("标签"),
    ];
    let mut book = workbook::Workbook::open(gaochong(), &workbook::Limits::default()).unwrap();
    let mut texts = Vec::new();
    for name in ["住户", "家庭成员", "商户"] {
        let read = |row: &mut workbook::Row<'_>| {
            Some(COLUMNS.iter().filter_map(|column| row.text(column.name)).collect::<Vec<_>>())
        };
        let (_, rows) = book.sheet(name, COLUMNS, read).unwrap();
        texts.extend(rows.good.into_iter().flat_map(|(_, texts)| texts));
    }
    texts
}

#[tokio::test]
async fn a_check_reports_the_same_and_writes_nothing() {
    let world = World::empty().await;
    let before = world.changes().await;
    let checked = run(&world, &world.clerk(GAOCHONG), GAOCHONG, gaochong(), true).await.unwrap();
    assert!(checked.validate_only && checked.problems.is_empty());
    assert_eq!(counts(&checked)["家庭成员"], [2717, 0, 0, 0]);
    assert_eq!(world.changes().await, before);
    // And what is written afterwards can be read again: no key of the check's survives it.
    let done = import(&world, &world.clerk(GAOCHONG), GAOCHONG, gaochong()).await.unwrap();
    assert_eq!(counts(&done), counts(&checked));
    let checked = run(&world, &world.clerk(GAOCHONG), GAOCHONG, gaochong(), true).await.unwrap();
    assert_eq!(counts(&checked)["住户"], [0, 0, 1186, 0]);
}

#[tokio::test]
async fn the_same_roster_at_the_same_time_goes_in_once() {
    let world = World::empty().await;
    let before = world.changes().await;
    let clerk = world.clerk(GAOCHONG);
    let (one, two) =
        tokio::join!(import(&world, &clerk, GAOCHONG, gaochong()), import(&world, &clerk, GAOCHONG, gaochong()),);
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((&one.problems, &two.problems), (&vec![], &vec![]));
    let created: i32 = one.sheets.iter().chain(&two.sheets).map(|sheet| sheet.created).sum();
    assert_eq!((created, world.changes().await), (4204, before + 4204));
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
async fn what_the_sheet_says_is_corrected_and_what_it_does_not_say_is_kept() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let mut client = world.households(&clerk);
    let listed = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let before = client.list_households(listed.clone()).await.unwrap().into_inner().households;

    let headings = ["户编号", "户主姓名", "住户类型", "微网格编号", "标签", "联系电话", "最近核实日期"];
    let mut households = Table::new("住户", &headings);
    let row = ["00001", "张三", "原住户", "001", "低保", "", "2022-01-01"];
    households.push(row.iter().map(|cell| (*cell).into()).collect());
    let mut residents = Table::new("家庭成员", &["户编号", "姓名", "与户主关系", "证件号码"]);
    residents.push(vec!["00001".into(), "王五".into(), "妻".into(), "".into()]);
    residents.push(vec!["00001".into(), "张小".into(), "子".into(), "999999199003070039".into()]);
    let mut merchants = Table::new("商户", &["商户名称", "统一社会信用代码", "房东户编号"]);
    merchants.push(vec!["佳旺店".into(), "91999999MA0000023Y".into(), "00002".into()]);
    let report = import(&world, &clerk, GAOCHONG, write(&[households, residents, merchants]).unwrap()).await.unwrap();
    assert_eq!(report.problems, []);
    let updated = [("住户", [0, 1, 0, 0]), ("家庭成员", [0, 2, 0, 0]), ("商户", [0, 1, 0, 0])];
    assert_eq!(counts(&report), BTreeMap::from(updated));

    let after = client.list_households(listed).await.unwrap().into_inner().households;
    let expected = Household {
        tags: vec!["低保".into()],
        etag: "2".into(),
        update_time: after[0].update_time,
        ..before[0].clone()
    };
    assert_eq!(after, [expected, before[1].clone()]);
    let people = ListResidentsRequest { parent: before[0].name.clone(), ..Default::default() };
    let people = client.list_residents(people).await.unwrap().into_inner().residents;
    let numbers: Vec<_> = people.iter().map(|one| (one.relation.as_str(), one.citizen_id.as_str())).collect();
    assert_eq!(numbers, [("妻", "999999********008X"), ("子", "999999********0039")]);
}

#[tokio::test]
async fn two_members_of_one_name_are_two_people() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    let twins: &[&[&str]] =
        &[&["00002", "王双", "女", "999999199003070039"], &["00002", "王双", "女", "999999199003070098"]];
    let content = spoilt("家庭成员", twins);
    for expected in [[4, 0, 0, 0], [0, 0, 4, 0]] {
        let report = import(&world, &clerk, GAOCHONG, content.clone()).await.unwrap();
        assert_eq!(counts(&report)["家庭成员"], expected, "{:?}", report.problems);
    }
}

#[tokio::test]
async fn a_household_that_was_entered_by_hand_is_found_again_by_its_number() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let mut client = world.households(&clerk);
    let made = client.create_household(create(GAOCHONG, household(GAOCHONG, "00001"))).await.unwrap().into_inner();
    let report = import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    assert_eq!(counts(&report)["住户"], [1, 1, 0, 0]);
    let read = client.get_household(GetHouseholdRequest { name: made.name }).await.unwrap().into_inner();
    assert_eq!((read.active_since, read.registered_persons, read.etag.as_str()), (made.active_since, 3, "2"));
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

#[tokio::test]
async fn a_roster_is_brought_in_by_those_who_answer_for_the_whole_village() {
    let world = World::new().await;
    let content = write(&small()).unwrap();
    for caller in [
        world.clerk(OTHER),
        world.stage.caller(Office::Clerk, GAOCHONG, &["001"]),
        world.stage.caller(Office::Cadre, GAOCHONG, &[]),
    ] {
        let refused = import(&world, &caller, GAOCHONG, content.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let operator = world.stage.caller(Office::Operator, "430112011", &[]);
    let refused = import(&world, &operator, "430112011213", content.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    // The other village's roster with the same numbers leaves this one's alone.
    import(&world, &operator, GAOCHONG, content.clone()).await.unwrap();
    let before = world.changes().await;
    let report = import(&world, &operator, OTHER, content).await.unwrap();
    assert_eq!(counts(&report)["住户"], [2, 0, 0, 0]);
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let here = world.households(&world.clerk(GAOCHONG)).list_households(request).await.unwrap().into_inner();
    assert!(here.households.iter().all(|one| one.etag == "1"));
    assert!(world.changes().await > before);
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
