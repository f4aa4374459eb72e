//! A workbook of a hundred thousand households, beside COPY of the same rows.

use std::time::Instant;

use chrono::{Days, NaiveDate};
use platform::Office;
use proto::registry::v1 as registry;
use proto::registry::v1::import_roster_response::Step;
use proto::registry::v1::roster_service_client::RosterServiceClient;
use proto::registry::v1::village_service_client::VillageServiceClient;
use tonic::Request;
use workbook::{Cell, Table, write};

use crate::table::{Figures, heading, line, number};
use crate::{Arguments, System};

/// A sub-district for the villages that are imported.
const SUBDISTRICT: &str = "430199002";
/// Micro-grids of the workbook.
const GRIDS: usize = 900;

pub(crate) async fn measure(system: &System, arguments: &Arguments) {
    heading(
        &format!("Import of a workbook with {} households (registry), and COPY of the same rows", arguments.households),
        &["", "rows a second, min / median / max", "memory"],
    );
    let content = bytes::Bytes::from(roster(arguments.households));
    let megabytes = content.len() as f64 / 1024.0 / 1024.0;
    let token = system.token("importer", Office::Operator, SUBDISTRICT);
    let channel = system.channels("registry").await.remove(0);
    let mut imported = Figures::default();
    for time in 0..arguments.times {
        let parent = format!("villages/{SUBDISTRICT}{:03}", time + 1);
        let mut create = Request::new(registry::CreateVillageRequest {
            village_id: format!("{SUBDISTRICT}{:03}", time + 1),
            village: Some(registry::Village { display_name: "大村".into(), ..registry::Village::default() }),
            request_id: String::new(),
        });
        create.metadata_mut().insert("authorization", token.clone());
        VillageServiceClient::new(channel.clone()).create_village(create).await.expect("a village");
        let mut import =
            Request::new(registry::ImportRosterRequest { parent, content: content.clone(), ..Default::default() });
        import.metadata_mut().insert("authorization", token.clone());
        import.set_timeout(std::time::Duration::from_secs(600));
        let begun = Instant::now();
        let mut client = RosterServiceClient::new(channel.clone()).max_encoding_message_size(64 << 20);
        let mut steps = client.import_roster(import).await.expect("an import").into_inner();
        let mut report = None;
        while let Some(message) = steps.message().await.expect("a step") {
            if let Some(Step::Report(last)) = message.step {
                report = Some(last);
            }
        }
        let report = report.expect("a report");
        let households = report.sheets.iter().find(|sheet| sheet.sheet == "住户").expect("the sheet");
        assert_eq!(households.created as usize, arguments.households, "{:?}", report.problems.first());
        imported.add(arguments.households as f64 / begun.elapsed().as_secs_f64());
    }
    let most = system.memory("registry", "VmHWM:");
    line(&["Lianxin".into(), imported.range(), format!("{} MiB at most", number(most))]);
    let copied = copies(system, arguments).await;
    line(&["COPY".into(), copied.range(), format!("the workbook has {} MiB", number(megabytes))]);
}

/// The rows that came of the last import, copied into a table with the same columns and indexes.
async fn copies(system: &System, arguments: &Arguments) -> Figures {
    let mut owner = system.owner("registry").await;
    let mut rows = Vec::new();
    // What the table reckons for itself is not copied.
    let columns: String = sqlx::query_scalar(
        "select string_agg(quote_ident(column_name), ', ' order by ordinal_position)
           from information_schema.columns
          where table_schema = 'public' and table_name = 'household' and is_generated = 'NEVER'",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    let select = format!("copy (select {columns} from household where village = '{SUBDISTRICT}001') to stdout");
    let mut out = sqlx::postgres::PgConnection::copy_out_raw(&mut owner, &select).await.unwrap();
    while let Some(some) = futures::StreamExt::next(&mut out).await {
        rows.push(some.unwrap());
    }
    drop(out);
    let mut copied = Figures::default();
    for _ in 0..arguments.times {
        sqlx::raw_sql("drop table if exists copied; create table copied (like household including all)")
            .execute(&mut owner)
            .await
            .unwrap();
        let begun = Instant::now();
        let mut copy = owner.copy_in_raw(&format!("copy copied ({columns}) from stdin")).await.unwrap();
        for some in &rows {
            copy.send(some.as_ref()).await.unwrap();
        }
        copy.finish().await.unwrap();
        copied.add(arguments.households as f64 / begun.elapsed().as_secs_f64());
    }
    sqlx::raw_sql("drop table copied").execute(&mut owner).await.unwrap();
    copied
}

/// A roster as a village keeps it, with valid numbers of nobody.
fn roster(households: usize) -> Vec<u8> {
    let mut areas = Table::new("片区", &["片区编号", "片区名称"]);
    areas.push(vec!["P01".into(), "第1片".into()]);
    let mut groups = Table::new("村民小组", &["小组编号", "小组名称"]);
    groups.push(vec!["01".into(), "第1村民小组".into()]);
    let mut grids = Table::new("微网格", &["微网格编号", "微网格名称", "片区编号", "类型", "联户主线"]);
    for grid in 1..=GRIDS {
        grids.push(vec![
            format!("{grid:03}").into(),
            format!("第{grid}网格").into(),
            "P01".into(),
            "原住地".into(),
            "主线一".into(),
        ]);
    }
    let columns = [
        "户编号",
        "户主姓名",
        "证件号码",
        "联系电话",
        "户籍人数",
        "村民小组",
        "住户类型",
        "微网格编号",
        "家庭住址",
        "现居住地",
        "标签",
        "最近核实日期",
    ];
    let mut all = Table::new("住户", &columns);
    let verified = NaiveDate::from_ymd_opt(2023, 3, 17).unwrap();
    for number in 0..households {
        let address = format!("大村第1村民小组{number}号");
        all.push(vec![
            format!("{number:06}").into(),
            "何建娥".into(),
            citizen_id(number).into(),
            format!("190{number:08}").into(),
            4.into(),
            "第1村民小组".into(),
            "原住户".into(),
            format!("{:03}", number % GRIDS + 1).into(),
            address.clone().into(),
            address.into(),
            Cell::Blank,
            verified.into(),
        ]);
    }
    write(&[areas, groups, grids, all]).expect("a workbook")
}

/// A citizen ID number that nobody has: the region 999999 does not exist. The check digit is that of GB 11643.
fn citizen_id(number: usize) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let born = NaiveDate::from_ymd_opt(1950, 1, 1).unwrap() + Days::new((number / 1000) as u64);
    let digits = format!("999999{}{:03}", born.format("%Y%m%d"), number % 1000);
    let sum: u32 = digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = "10X98765432".as_bytes()[sum as usize % 11];
    format!("{digits}{}", char::from(check))
}
