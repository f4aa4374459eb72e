//! Searches: what is remembered of a household leads to it, and to no other's.

use harness::{Call, wait_for};
use platform::Office;
use proto::registry::v1::*;
use tonic::Code;

use crate::support::{Client, GAOCHONG, OTHER, World, create, date, grid_name, household, mask};

type Households = household_service_client::HouseholdServiceClient<Client>;

/// A village with three households in two grids, and one of the same people next door.
async fn village() -> World {
    let world = World::new().await;
    for village in [GAOCHONG, OTHER] {
        let mut client = world.households(&world.clerk(village));
        let zhang = Household {
            citizen_id: "999999199003070071".into(),
            telephone: "190 0004 0001".into(),
            tags: vec!["低保".into()],
            verified_on: date(2023, 3, 1),
            ..household(village, "00001")
        };
        let li = Household {
            head_name: "单田芳".into(),
            grid: grid_name(village, "002"),
            kind: HouseholdKind::RebuiltArea.into(),
            address: "腾飞路安置区７栋1层".into(),
            ..household(village, "00002")
        };
        let anna = Household {
            head_name: "Anna Lee".into(),
            current_address: "长沙市岳麓区 7栋".into(),
            verified_on: date(2024, 3, 1),
            ..household(village, "00003")
        };
        for made in [zhang, li, anna] {
            let made = client.create_household(create(village, made)).await.unwrap().into_inner();
            if made.number == "00002" {
                let resident = Resident {
                    display_name: "张小丰".into(),
                    relation: "子".into(),
                    citizen_id: "999999199003070020".into(),
                    telephone: "0731-88880001".into(),
                    ..Resident::default()
                };
                let request = CreateResidentRequest {
                    parent: made.name,
                    resident: Some(resident),
                    ..CreateResidentRequest::default()
                };
                client.create_resident(request).await.unwrap();
            }
        }
    }
    world
}

fn request(filter: HouseholdSearchFilter) -> SearchHouseholdsRequest {
    SearchHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(filter), ..Default::default() }
}

/// What is found, as `number field+`, where a resident's field has a `'`.
async fn found(client: &mut Households, filter: HouseholdSearchFilter) -> Vec<String> {
    let found = client.search_households(request(filter)).await.unwrap().into_inner().found;
    let line = |one: FoundHousehold| {
        let household = one.household.unwrap();
        assert!(household.name.starts_with(&format!("villages/{GAOCHONG}/")) && household.head_name.ends_with("**"));
        let mut fields: Vec<String> = one
            .matches
            .iter()
            .map(|found| {
                let whose = if found.resident.is_empty() { "" } else { "'" };
                assert!(found.resident.is_empty() || found.resident.starts_with(&household.name));
                format!("{}{whose}", found.field().as_str_name().trim_start_matches("MATCHED_FIELD_"))
            })
            .collect();
        fields.sort();
        format!("{} {}", household.number, fields.join("+"))
    };
    found.into_iter().map(line).collect()
}

fn named(name: &str) -> HouseholdSearchFilter {
    HouseholdSearchFilter { name: name.into(), ..Default::default() }
}

#[tokio::test]
async fn a_name_is_found_by_any_two_characters_and_by_its_initials() {
    let world = village().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    for (name, expected) in [
        ("张三丰", vec!["00001 NAME"]),
        ("三丰", vec!["00001 NAME"]),
        ("张丰", vec!["00001 NAME", "00002 NAME'"]),
        ("丰张", vec![]),
        ("zsf", vec!["00001 NAME"]),
        ("ZS", vec!["00001 NAME"]),
        ("xf", vec!["00002 NAME'"]),
        ("stf", vec!["00002 NAME"]),
        ("dtf", vec!["00002 NAME"]),
        ("anna", vec!["00003 NAME"]),
        ("张%", vec![]),
    ] {
        assert_eq!(found(&mut client, named(name)).await, expected, "{name}");
    }
    for name in ["张", "z", &"张".repeat(61)] {
        let refused = client.search_households(request(named(name))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{name}");
    }
}

#[tokio::test]
async fn numbers_are_found_whole_however_they_are_written() {
    let world = village().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let filter = HouseholdSearchFilter {
        citizen_id: "９９９９９９１９９００３０７００７１".into(),
        ..Default::default()
    };
    assert_eq!(found(&mut client, filter).await, ["00001 CITIZEN_ID"]);
    let filter = HouseholdSearchFilter { citizen_id: "999999199003070020".into(), ..Default::default() };
    assert_eq!(found(&mut client, filter).await, ["00002 CITIZEN_ID'"]);
    let filter = HouseholdSearchFilter { citizen_id: "999999199003070039".into(), ..Default::default() };
    assert!(found(&mut client, filter).await.is_empty());
    let filter = HouseholdSearchFilter { telephone: "+86 19000040001".into(), ..Default::default() };
    assert_eq!(found(&mut client, filter).await, ["00001 TELEPHONE"]);
    let filter = HouseholdSearchFilter { telephone: "(0731)88880001".into(), ..Default::default() };
    assert_eq!(found(&mut client, filter).await, ["00002 TELEPHONE'"]);
    let filter = HouseholdSearchFilter { number: "00003".into(), ..Default::default() };
    assert_eq!(found(&mut client, filter).await, ["00003 NUMBER"]);
    for filter in [
        HouseholdSearchFilter { citizen_id: "999999199003070072".into(), ..Default::default() },
        HouseholdSearchFilter { telephone: "12".into(), ..Default::default() },
        HouseholdSearchFilter { grid: grid_name(OTHER, "001"), ..Default::default() },
        HouseholdSearchFilter { kind: 99, ..Default::default() },
        HouseholdSearchFilter::default(),
    ] {
        let refused = client.search_households(request(filter.clone())).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{filter:?}");
    }
}

#[tokio::test]
async fn an_address_is_found_by_a_piece_of_it_and_everything_that_is_said_has_to_be_true() {
    let world = village().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let at = |address: &str| HouseholdSearchFilter { address: address.into(), ..Default::default() };
    assert_eq!(found(&mut client, at("7栋")).await, ["00002 ADDRESS", "00003 CURRENT_ADDRESS"]);
    assert_eq!(found(&mut client, at("第1 村民小组")).await, ["00001 ADDRESS", "00003 ADDRESS"]);
    let kind = HouseholdSearchFilter { kind: HouseholdKind::RebuiltArea.into(), ..at("7栋") };
    assert_eq!(found(&mut client, kind).await, ["00002 ADDRESS"]);
    let named_there = HouseholdSearchFilter { name: "anna".into(), ..at("7栋") };
    assert_eq!(found(&mut client, named_there).await, ["00003 CURRENT_ADDRESS+NAME"]);
    let both = HouseholdSearchFilter { telephone: "19000040001".into(), ..named("张丰") };
    assert_eq!(found(&mut client, both).await, ["00001 NAME+TELEPHONE"]);
    let neither = HouseholdSearchFilter { telephone: "19000040001".into(), ..named("dtf") };
    assert!(found(&mut client, neither).await.is_empty());

    let tagged = HouseholdSearchFilter { tag: "低保".into(), ..Default::default() };
    assert_eq!(found(&mut client, tagged).await, ["00001 "]);
    let stale = HouseholdSearchFilter { verified_before: date(2024, 1, 1), ..Default::default() };
    assert_eq!(found(&mut client, stale).await, ["00001 ", "00002 "]);
    let fresh = HouseholdSearchFilter { verified_since: date(2024, 3, 1), ..Default::default() };
    assert_eq!(found(&mut client, fresh).await, ["00003 "]);
    let away = HouseholdSearchFilter { state: HouseholdState::Away.into(), ..Default::default() };
    assert!(found(&mut client, away).await.is_empty());
}

#[tokio::test]
async fn who_serves_one_grid_finds_nobody_of_another_by_any_field() {
    let world = village().await;
    let caller: Call = world.stage.caller(Office::Representative, GAOCHONG, &["002"]);
    let mut client = world.households(&caller);
    assert_eq!(found(&mut client, named("张丰")).await, ["00002 NAME'"]);
    for filter in [
        named("zsf"),
        HouseholdSearchFilter { citizen_id: "999999199003070071".into(), ..Default::default() },
        HouseholdSearchFilter { telephone: "19000040001".into(), ..Default::default() },
        HouseholdSearchFilter { number: "00001".into(), ..Default::default() },
        HouseholdSearchFilter { address: "高冲村".into(), ..Default::default() },
        HouseholdSearchFilter { grid: grid_name(GAOCHONG, "001"), ..Default::default() },
    ] {
        assert!(found(&mut client, filter.clone()).await.is_empty(), "{filter:?}");
    }
}

#[tokio::test]
async fn pages_of_a_search_follow_one_another() {
    let world = village().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    for filter in [
        HouseholdSearchFilter { address: "栋1层".into(), ..Default::default() },
        HouseholdSearchFilter { state: HouseholdState::Active.into(), ..Default::default() },
        HouseholdSearchFilter { address: "村民小组1号".into(), ..Default::default() },
    ] {
        let whole = found(&mut client, filter.clone()).await;
        let (mut token, mut numbers) = (String::new(), Vec::new());
        loop {
            let request = SearchHouseholdsRequest { page_size: 1, page_token: token, ..request(filter.clone()) };
            let page = client.search_households(request).await.unwrap().into_inner();
            numbers.extend(page.found.into_iter().map(|one| one.household.unwrap().number));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let expected: Vec<&str> = whole.iter().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(numbers, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn who_was_entered_by_an_older_version_or_renamed_is_found_by_initials_too() {
    let world = village().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let first = client.list_households(request).await.unwrap().into_inner().households.remove(0);
    let renamed = Household { head_name: "赵四海".into(), ..first };
    let update =
        UpdateHouseholdRequest { household: Some(renamed), update_mask: mask(&["head_name"]), ..Default::default() };
    client.update_household(update).await.unwrap();
    assert_eq!(found(&mut client, named("zsh")).await, ["00001 NAME"]);
    assert!(found(&mut client, named("zsf")).await.is_empty());

    let mut owner = world.running.database.connect_as_owner().await;
    sqlx::query("update household set head_name = '钱五福' where number = '00001'").execute(&mut owner).await.unwrap();
    sqlx::query("update resident set initials = null").execute(&mut owner).await.unwrap();
    wait_for("initials to be worked out", || {
        let mut client = world.households(&world.clerk(GAOCHONG));
        async move {
            found(&mut client, named("qwf")).await == ["00001 NAME"]
                && found(&mut client, named("zxf")).await == ["00002 NAME'"]
        }
    })
    .await;
}
