//! `lianxin onboard` as whoever keeps the machine runs it: what it says, what it ends with, what it leaves behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proto::registry::v1::ListVillagesRequest;
use proto::registry::v1::village_service_client::VillageServiceClient;
use tests::{GAOCHONG, World, binary};
use workbook::{Table, write};

/// What a run came to.
struct Ended {
    code: i32,
    said: String,
    complained: String,
}

/// Runs the command without a terminal.
async fn onboard(world: &World, arguments: &[&str]) -> Ended {
    let access = world.access();
    let mut command = Command::new(binary());
    command
        .args(["onboard", GAOCHONG, "--name", "高冲村"])
        .args(arguments)
        .env_remove("LIANXIN_TOKEN")
        .env("LIANXIN_REGISTRY", &access.registry)
        .env("LIANXIN_LIAISON", &access.liaison)
        .env("LIANXIN_CASEWORK", &access.casework)
        .env("LIANXIN_SIGNING_KEY_FILE", &access.key)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), said: text(output.stdout), complained: text(output.stderr) }
}

/// A roster of two households, the second one in this grid. There is only grid 001.
fn roster(folder: &Path, name: &str, second: &str) -> PathBuf {
    let table = |name: &str, headings: &[&str], rows: &[&[&str]]| {
        let mut table = Table::new(name, headings);
        rows.iter().for_each(|row| table.push(row.iter().map(|cell| (*cell).into()).collect()));
        table
    };
    let tables = [
        table("片区", &["片区编号", "片区名称"], &[&["P01", "第1片"]]),
        table("微网格", &["微网格编号", "微网格名称", "片区编号", "类型"], &[&["001", "东片", "P01", "原住地"]]),
        table(
            "住户",
            &["户编号", "户主姓名", "住户类型", "微网格编号"],
            &[&["00001", "张三", "原住户", "001"], &["00002", "李四", "原住户", second]],
        ),
    ];
    let file = folder.join(name);
    std::fs::write(&file, write(&tables).unwrap()).unwrap();
    file
}

async fn count(world: &World, select: &'static str) -> i64 {
    let mut owner = world.database("registry").connect_as_owner().await;
    sqlx::query_scalar(select).fetch_one(&mut owner).await.unwrap()
}

const HOUSEHOLDS: &str = "select count(*) from household";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sub_district_has_to_be_meant() {
    let world = World::start().await;
    let refused = onboard(&world, &[]).await;
    assert_eq!(refused.code, 1, "{}", refused.said);
    assert!(refused.complained.contains("430112011") && refused.complained.contains("--new-subdistrict"));
    let line = lianxin::client::connect(&world.access().registry, &world.operator()).await.unwrap();
    let listed = VillageServiceClient::new(line).list_villages(ListVillagesRequest::default()).await.unwrap();
    assert!(listed.into_inner().villages.is_empty(), "nobody was asked, and nothing was made");

    let meant = onboard(&world, &["--new-subdistrict"]).await;
    assert_eq!((meant.code, meant.complained.as_str()), (0, ""));
    let known = onboard(&world, &[]).await;
    assert_eq!(known.code, 0, "the sub-district is known by now: {}", known.complained);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_zero_when_all_rows_are_in_and_with_three_when_some_are_not() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(onboard(&world, &["--new-subdistrict"]).await.code, 0);
    let (good, bad) = (roster(folder.path(), "good.xlsx", "001"), roster(folder.path(), "bad.xlsx", "099"));

    let ended = onboard(&world, &["--roster", bad.to_str().unwrap()]).await;
    assert_eq!((ended.code, count(&world, HOUSEHOLDS).await), (3, 1), "{}", ended.complained);
    for words in ["有 1 行没有导入", "住户 第3行 “微网格编号”列", "未知的微网格“099”", "--report-to"]
    {
        assert!(ended.said.contains(words), "{words}: {}", ended.said);
    }
    for _ in 0..2 {
        let ended = onboard(&world, &["--roster", good.to_str().unwrap()]).await;
        assert_eq!((ended.code, count(&world, HOUSEHOLDS).await), (0, 2), "{}", ended.complained);
        assert!(ended.said.contains("完成") && !ended.said.contains("没有导入"), "{}", ended.said);
    }

    // What could not be done at all is neither.
    let missing = folder.path().join("missing.xlsx");
    let ended = onboard(&world, &["--roster", missing.to_str().unwrap()]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.complained.contains("missing.xlsx"), "{}", ended.complained);
    let nothing = folder.path().join("nothing.xlsx");
    std::fs::write(&nothing, write(&[Table::new("杂项", &["事项"])]).unwrap()).unwrap();
    let ended = onboard(&world, &["--roster", nothing.to_str().unwrap()]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.complained.contains("没有可导入的工作表"), "{}", ended.complained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_ends_the_same_and_changes_nothing() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (roster(folder.path(), "good.xlsx", "001"), roster(folder.path(), "bad.xlsx", "099"));
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let early = onboard(&world, &["--check", "--roster", good]).await;
    assert_eq!(early.code, 1);
    assert!(early.complained.contains("还没有建立"), "{}", early.complained);

    assert_eq!(onboard(&world, &["--new-subdistrict"]).await.code, 0);
    for (file, code, words) in [(good, 0, "没有发现问题"), (bad, 3, "有 1 行不能导入")] {
        let checked = onboard(&world, &["--check", "--roster", file]).await;
        assert_eq!(checked.code, code, "{}", checked.complained);
        assert!(checked.said.contains(words) && checked.said.contains("没有改动任何数据"), "{}", checked.said);
    }
    assert_eq!(count(&world, "select count(*) from change_log where noun <> 'village'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workbook_comes_back_marked_where_rows_were_refused() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(onboard(&world, &["--new-subdistrict"]).await.code, 0);
    let (good, bad) = (roster(folder.path(), "good.xlsx", "001"), roster(folder.path(), "bad.xlsx", "099"));
    let reports = folder.path().join("reports");
    let to = ["--report-to", reports.to_str().unwrap()];

    let ended = onboard(&world, &[&["--roster", bad.to_str().unwrap()], &to[..]].concat()).await;
    assert_eq!(ended.code, 3, "{}", ended.complained);
    let marked = reports.join("bad-待改.xlsx");
    assert!(ended.said.contains(&marked.display().to_string()), "{}", ended.said);
    // It is the same roster, with the same thing wrong; mended, it goes in.
    let again = onboard(&world, &["--roster", marked.to_str().unwrap()]).await;
    assert_eq!((again.code, count(&world, HOUSEHOLDS).await), (3, 1));
    assert!(again.said.contains("住户 第3行 “微网格编号”列"), "{}", again.said);

    // Of what is in order nothing comes back.
    let ended = onboard(&world, &[&["--roster", good.to_str().unwrap()], &to[..]].concat()).await;
    assert_eq!((ended.code, std::fs::read_dir(&reports).unwrap().count()), (0, 1), "{}", ended.complained);
}
