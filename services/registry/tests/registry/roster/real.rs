//! The roster of a real village: what goes in, and what of it becomes news.

use std::collections::HashSet;
use std::time::Instant;

use platform::Office;
use proto::registry::v1::*;

use super::{counts, gaochong, import, run};
use crate::support::{GAOCHONG, World, date};

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
