//! Households.

use platform::Office;
use proto::registry::v1::*;
use tonic::Code;
use uuid::Uuid;

use crate::support::{GAOCHONG, World, create, date, grid_name, household, mask, rebuilt};

const CITIZEN_ID: &str = "999999199003070071";
const TELEPHONE: &str = "190 0004 0001";

fn sensitive() -> Household {
    Household {
        citizen_id: CITIZEN_ID.into(),
        telephone: TELEPHONE.into(),
        current_address: "月亮岛路小区8期13栋".into(),
        tags: vec!["独居老人".into(), "慢病".into()],
        villager_group: format!("villages/{GAOCHONG}/villagerGroups/01"),
        ..household(GAOCHONG, "00001")
    }
}

fn update(household: Household, paths: &[&str]) -> UpdateHouseholdRequest {
    UpdateHouseholdRequest { household: Some(household), update_mask: mask(paths), request_id: String::new() }
}

#[tokio::test]
async fn a_household_goes_in_whole_and_comes_out_masked() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let made = client.create_household(create(GAOCHONG, sensitive())).await.unwrap().into_inner();
    let read = client.get_household(GetHouseholdRequest { name: made.name.clone() }).await.unwrap().into_inner();
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let listed = client.list_households(request).await.unwrap().into_inner().households;
    assert_eq!((&read, &listed), (&made, &vec![made.clone()]));
    let verified = VerifyHouseholdRequest { name: made.name.clone(), ..Default::default() };
    let verified = client.verify_household(verified).await.unwrap().into_inner();
    let moved = Household { grid: grid_name(GAOCHONG, "042"), ..made.clone() };
    let moved = Household { etag: String::new(), ..moved };
    let updated = client.update_household(update(moved, &["grid"])).await.unwrap().into_inner();
    assert!(updated.outside && updated.verified_on.is_some());

    for answer in [&made, &read, &verified, &updated] {
        assert_eq!(answer.head_name, "张**");
        assert_eq!(answer.citizen_id, "999999********0071");
        assert_eq!(answer.telephone, "190****0001");
        assert_eq!(answer.address, "高冲村***");
        assert_eq!(answer.current_address, "月亮岛***");
        let shown = format!("{answer:?}");
        for clear in ["张三丰", "19900307", "19000040001", "第1村民小组1号", "13栋"] {
            assert!(!shown.contains(clear), "{clear} in {shown}");
        }
    }
}

#[tokio::test]
async fn what_is_sensitive_is_sealed_in_the_database() {
    let world = World::new().await;
    world.households(&world.clerk(GAOCHONG)).create_household(create(GAOCHONG, sensitive())).await.unwrap();
    let mut owner = world.running.database.connect_as_owner().await;
    let rows: String = sqlx::query_scalar("select household::text || citizen::text from household, citizen")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    for clear in ["999999", "19000040001", "号", "月亮岛"] {
        let as_bytes = clear.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(!rows.contains(clear) && !rows.contains(&as_bytes), "{clear} in {rows}");
    }
}

#[tokio::test]
async fn a_household_entered_today_counts_from_today_unless_it_says_when() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let today = proto::time::date(platform::Clock::system().today());
    let made = client.create_household(create(GAOCHONG, household(GAOCHONG, "1"))).await.unwrap().into_inner();
    assert_eq!((made.active_since, made.state), (Some(today), HouseholdState::Active.into()));
    let since = Household { active_since: date(2020, 5, 1), ..household(GAOCHONG, "2") };
    let made = client.create_household(create(GAOCHONG, since)).await.unwrap().into_inner();
    assert_eq!(made.active_since, date(2020, 5, 1));
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let wrong = Household {
        citizen_id: "999999199003070072".into(),
        telephone: "12345".into(),
        head_name: "张**".into(),
        kind: 0,
        grid: "villages/430112011212/grids/001".into(),
        registered_persons: -1,
        verified_on: date(2023, 2, 30),
        ..household(GAOCHONG, " ")
    };
    let refused = client.create_household(create(GAOCHONG, wrong)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    for field in ["number", "head_name", "citizen_id", "telephone", "kind", "grid", "registered_persons", "verified_on"]
    {
        assert!(refused.message().contains(&format!("household.{field}:")), "{field} in {}", refused.message());
    }
    assert!(!refused.message().contains("999999199003070072"));
}

#[tokio::test]
async fn what_a_household_refers_to_exists() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let unknown = Household { grid: grid_name(GAOCHONG, "099"), ..household(GAOCHONG, "1") };
    let refused = client.create_household(create(GAOCHONG, unknown)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let group = format!("villages/{GAOCHONG}/villagerGroups/99");
    let unknown = Household { villager_group: group, ..household(GAOCHONG, "1") };
    let refused = client.create_household(create(GAOCHONG, unknown)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_number_and_a_person_are_in_the_village_once() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    client.create_household(create(GAOCHONG, sensitive())).await.unwrap();
    let same_number = client.create_household(create(GAOCHONG, household(GAOCHONG, "00001"))).await.unwrap_err();
    assert_eq!(same_number.code(), Code::AlreadyExists);
    let same_head = Household { citizen_id: CITIZEN_ID.into(), ..household(GAOCHONG, "00002") };
    assert_eq!(client.create_household(create(GAOCHONG, same_head)).await.unwrap_err().code(), Code::AlreadyExists);
    let other = client.create_household(create(GAOCHONG, household(GAOCHONG, "00002"))).await.unwrap().into_inner();
    let renumbered = Household { number: "00001".into(), ..other };
    let refused = client.update_household(update(renumbered, &["number"])).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_number_that_a_head_gives_up_is_free_again() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let made = client.create_household(create(GAOCHONG, sensitive())).await.unwrap().into_inner();
    let corrected = Household { citizen_id: "999999199003070020".into(), ..made };
    client.update_household(update(corrected, &["citizen_id"])).await.unwrap();
    let other = Household { citizen_id: CITIZEN_ID.into(), ..household(GAOCHONG, "00002") };
    assert!(client.create_household(create(GAOCHONG, other)).await.is_ok());
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let made = client.create_household(create(GAOCHONG, sensitive())).await.unwrap().into_inner();
    let before = world.changes().await;

    let no_mask = UpdateHouseholdRequest { household: Some(made.clone()), ..Default::default() };
    assert_eq!(client.update_household(no_mask).await.unwrap_err().code(), Code::InvalidArgument);
    let unknown = client.update_household(update(made.clone(), &["etag"])).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    let masked = client.update_household(update(made.clone(), &["head_name", "address"])).await.unwrap_err();
    assert_eq!(masked.code(), Code::InvalidArgument);
    let stale = Household { etag: "9".into(), ..made.clone() };
    assert_eq!(client.update_household(update(stale, &["tags"])).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(world.changes().await, before);

    let changed = Household { head_name: "李四".into(), telephone: String::new(), tags: vec![], ..made.clone() };
    let changed = client.update_household(update(changed, &["head_name", "tags"])).await.unwrap().into_inner();
    assert_eq!((changed.head_name.as_str(), changed.telephone.as_str()), ("李**", "190****0001"));
    assert!(changed.tags.is_empty());
    assert_eq!((changed.etag.as_str(), world.changes().await), ("2", before + 1));
}

#[tokio::test]
async fn facts_are_not_confirmed_in_the_future() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let made = client.create_household(create(GAOCHONG, household(GAOCHONG, "1"))).await.unwrap().into_inner();
    let request = VerifyHouseholdRequest { name: made.name, verified_on: date(2999, 1, 1), ..Default::default() };
    assert_eq!(client.verify_household(request).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_list_is_in_the_order_of_numbers_and_shows_what_the_filter_says() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let tagged = Household { tags: vec!["低保".into()], ..household(GAOCHONG, "00002") };
    let outside = Household {
        kind: HouseholdKind::Relocated.into(),
        grid: grid_name(GAOCHONG, "042"),
        state: HouseholdState::Away.into(),
        villager_group: format!("villages/{GAOCHONG}/villagerGroups/01"),
        ..household(GAOCHONG, "00004")
    };
    for one in [outside, rebuilt(GAOCHONG, "00003"), tagged, household(GAOCHONG, "00001")] {
        client.create_household(create(GAOCHONG, one)).await.unwrap();
    }
    let mut shown = async |filter: HouseholdFilter| {
        let mut request = ListHouseholdsRequest {
            parent: format!("villages/{GAOCHONG}"),
            page_size: 1,
            page_token: String::new(),
            filter: Some(filter),
        };
        let mut numbers = Vec::new();
        loop {
            let page = client.list_households(request.clone()).await.unwrap().into_inner();
            numbers.extend(page.households.into_iter().map(|household| household.number));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return numbers;
            }
        }
    };
    let all = HouseholdFilter::default;
    assert_eq!(shown(all()).await, ["00001", "00002", "00003", "00004"]);
    assert_eq!(shown(HouseholdFilter { grid: grid_name(GAOCHONG, "001"), ..all() }).await, ["00001", "00002"]);
    assert_eq!(shown(HouseholdFilter { kind: HouseholdKind::RebuiltArea.into(), ..all() }).await, ["00003"]);
    assert_eq!(shown(HouseholdFilter { number: "00003".into(), ..all() }).await, ["00003"]);
    assert_eq!(shown(HouseholdFilter { tag: "低保".into(), ..all() }).await, ["00002"]);
    assert_eq!(shown(HouseholdFilter { state: HouseholdState::Away.into(), ..all() }).await, ["00004"]);
    let group = format!("villages/{GAOCHONG}/villagerGroups/01");
    assert_eq!(shown(HouseholdFilter { villager_group: group, ..all() }).await, ["00004"]);
    assert_eq!(shown(HouseholdFilter { outside: Some(true), ..all() }).await, ["00004"]);
    assert_eq!(
        shown(HouseholdFilter { outside: Some(false), kind: HouseholdKind::Original.into(), ..all() }).await.len(),
        2
    );
}

#[tokio::test]
async fn the_same_request_twenty_times_at_once_makes_one_household() {
    let world = World::new().await;
    let before = world.changes().await;
    let mut request = create(GAOCHONG, sensitive());
    request.request_id = Uuid::now_v7().to_string();
    let client = world.households(&world.clerk(GAOCHONG));
    let calls = (0..20).map(|_| {
        let (mut client, request) = (client.clone(), request.clone());
        tokio::spawn(async move { client.create_household(request).await })
    });
    let mut names = std::collections::BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        names.insert(call.await.unwrap().unwrap().into_inner().name);
    }
    assert_eq!((names.len(), world.changes().await), (1, before + 1));

    request.household.as_mut().unwrap().head_name = "李四".into();
    let reused = client.clone().create_household(request).await.unwrap_err();
    assert!(reused.message().contains("request_id"), "{reused}");
}

#[tokio::test]
async fn a_client_may_choose_the_id() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let id = Uuid::now_v7().to_string();
    let mut request = create(GAOCHONG, household(GAOCHONG, "00001"));
    request.household_id = id.clone();
    let made = client.create_household(request.clone()).await.unwrap().into_inner();
    assert_eq!(made.name, format!("villages/{GAOCHONG}/households/{id}"));
    request.household.as_mut().unwrap().number = "00002".into();
    assert_eq!(client.create_household(request).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn the_operator_keeps_the_machine_and_reads_no_household() {
    let world = World::new().await;
    let operator = world.stage.caller(Office::Operator, "430112011", &[]);
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let refused = world.households(&operator).list_households(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_filter_that_no_database_could_read_is_the_callers_mistake() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    for filter in [
        HouseholdFilter { number: "0\0".into(), ..HouseholdFilter::default() },
        HouseholdFilter { tag: "\0".into(), ..HouseholdFilter::default() },
    ] {
        let parent = format!("villages/{GAOCHONG}");
        let request = ListHouseholdsRequest { parent, filter: Some(filter), ..Default::default() };
        assert_eq!(client.list_households(request).await.unwrap_err().code(), Code::InvalidArgument);
    }
}
