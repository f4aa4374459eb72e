//! Villages through the real gRPC client.

use harness::{Call, Running, Stage};
use platform::Office;
use platform::caller::token::GrantClaim;
use proto::registry::v1::village_service_client::VillageServiceClient;
use proto::registry::v1::{
    ArchiveVillageRequest, CreateVillageRequest, GetHouseholdRequest, GetVillageRequest, ListVillagesRequest,
    UpdateVillageRequest, Village,
};
use tonic::Code;

use crate::support::{Client, GAOCHONG, OTHER, World, area, create as enter, household, mask, registry};

fn client(running: &Running, caller: &Call) -> VillageServiceClient<Client> {
    VillageServiceClient::with_interceptor(running.channel(), caller.clone())
}

fn create(code: &str, display_name: &str) -> CreateVillageRequest {
    CreateVillageRequest {
        village_id: code.into(),
        village: Some(Village { display_name: display_name.into(), ..Village::default() }),
        request_id: String::new(),
    }
}

#[tokio::test]
async fn a_village_is_created_once_and_found_by_its_code() {
    let stage = Stage::new().await;
    let running = registry(&stage).await;
    let mut operator = client(&running, &stage.caller(Office::Operator, "430112011", &[]));

    let created = operator.create_village(create(GAOCHONG, "高冲村")).await.unwrap().into_inner();
    assert_eq!((created.name.as_str(), created.etag.as_str()), ("villages/430112011211", "1"));

    let again = operator.create_village(create(GAOCHONG, "高冲村")).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    let found = operator.get_village(GetVillageRequest { name: created.name.clone() }).await.unwrap().into_inner();
    assert_eq!(found, created);
}

#[tokio::test]
async fn a_code_that_is_no_village_is_refused_by_field() {
    let stage = Stage::new().await;
    let running = registry(&stage).await;
    let mut operator = client(&running, &stage.caller(Office::Operator, "430112011", &[]));
    let refused = operator.create_village(create("430112011999", "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("village_id") && refused.message().contains("village.display_name"),
        "{refused}"
    );
}

#[tokio::test]
async fn nobody_and_the_wrong_office_and_the_wrong_scope_are_refused() {
    let stage = Stage::new().await;
    let running = registry(&stage).await;
    for (caller, code) in [
        (Call::nobody(), Code::Unauthenticated),
        (stage.caller(Office::Clerk, "430112011", &[]), Code::PermissionDenied),
        (stage.caller(Office::Operator, "430112012", &[]), Code::PermissionDenied),
    ] {
        let refused = client(&running, &caller).create_village(create(GAOCHONG, "高冲村")).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
}

#[tokio::test]
async fn a_list_shows_the_villages_of_the_scope_in_pages() {
    let stage = Stage::new().await;
    let running = registry(&stage).await;
    let mut operator = client(&running, &stage.caller(Office::Operator, "430112", &[]));
    for code in ["430112011001", "430112011211", "430112011212", "430112012201"] {
        operator.create_village(create(code, "村")).await.unwrap();
    }
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let mut page = ListVillagesRequest { parent: "subdistricts/430112011".into(), page_size: 2, ..Default::default() };
    let first = officer.list_villages(page.clone()).await.unwrap().into_inner();
    page.page_token = first.next_page_token;
    let second = officer.list_villages(page).await.unwrap().into_inner();
    assert_eq!((first.villages.len(), second.villages.len()), (2, 1));
    assert!(second.next_page_token.is_empty());
}

#[tokio::test]
async fn whoever_serves_in_two_places_sees_the_villages_of_both() {
    let stage = Stage::new().await;
    let running = registry(&stage).await;
    let mut operator = client(&running, &stage.caller(Office::Operator, "430112", &[]));
    let codes = ["430112011001", "430112011211", "430112011212", "430112012201", "430112013201"];
    for code in codes {
        operator.create_village(create(code, "村")).await.unwrap();
    }
    let grant = |scope: &str| GrantClaim { office: Office::Officer, scope: scope.into(), grids: None };
    let grants = ["430112013", "430112011211", "430112011"].map(grant).into();
    let mut officer = client(&running, &stage.holder("officer-of-two", grants));
    let (mut seen, mut page) = (Vec::new(), ListVillagesRequest { page_size: 2, ..Default::default() });
    loop {
        let answer = officer.list_villages(page.clone()).await.unwrap().into_inner();
        seen.extend(answer.villages.into_iter().map(|village| village.name.replace("villages/", "")));
        page.page_token = answer.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    let [first, second, third, _, last] = codes;
    assert_eq!(seen, [first, second, third, last]);
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let stage = Stage::new().await;
    let running = registry(&stage).await;
    let mut operator = client(&running, &stage.caller(Office::Operator, "430112011", &[]));
    let created = operator.create_village(create(GAOCHONG, "高冲")).await.unwrap().into_inner();
    let update = |etag: &str| UpdateVillageRequest {
        village: Some(Village {
            name: created.name.clone(),
            display_name: "高冲村".into(),
            etag: etag.into(),
            ..Village::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["display_name".into()] }),
        request_id: String::new(),
    };
    assert_eq!(operator.update_village(update("7")).await.unwrap_err().code(), Code::Aborted);
    let updated = operator.update_village(update(&created.etag)).await.unwrap().into_inner();
    assert_eq!((updated.display_name.as_str(), updated.etag.as_str()), ("高冲村", "2"));
    assert_eq!(operator.update_village(update(&created.etag)).await.unwrap_err().code(), Code::Aborted);
}

#[tokio::test]
async fn an_archived_village_is_read_and_not_written() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let mut households = world.households(&clerk);
    let known = households.create_household(enter(GAOCHONG, household(GAOCHONG, "00001"))).await.unwrap().into_inner();
    let operator = world.stage.caller(Office::Operator, "430112011", &[]);
    let mut villages = client(&world.running, &operator);
    let request = ArchiveVillageRequest {
        name: format!("villages/{GAOCHONG}"),
        etag: "7".into(),
        request_id: "4be64c9e-6b57-4a0a-9a5e-7a3f3a3b1c11".into(),
    };
    assert_eq!(villages.archive_village(request.clone()).await.unwrap_err().code(), Code::Aborted);
    let request = ArchiveVillageRequest { etag: "1".into(), ..request };
    let archived = villages.archive_village(request.clone()).await.unwrap().into_inner();
    assert_eq!((archived.state(), archived.etag.as_str()), (proto::registry::v1::VillageState::Archived, "2"));
    assert_eq!(villages.archive_village(request.clone()).await.unwrap().into_inner(), archived);
    let again = ArchiveVillageRequest { request_id: String::new(), etag: String::new(), ..request.clone() };
    assert_eq!(villages.archive_village(again).await.unwrap_err().code(), Code::FailedPrecondition);

    let changes = world.changes().await;
    let refused = households.create_household(enter(GAOCHONG, household(GAOCHONG, "00002"))).await.unwrap_err();
    assert!(refused.code() == Code::FailedPrecondition && refused.message().contains("archived"), "{refused}");
    let update = proto::registry::v1::UpdateHouseholdRequest {
        household: Some(proto::registry::v1::Household { head_name: "李四".into(), ..known.clone() }),
        update_mask: mask(&["head_name"]),
        ..Default::default()
    };
    assert_eq!(households.update_household(update).await.unwrap_err().code(), Code::FailedPrecondition);
    let refused = world.grids(&clerk).create_area(area(GAOCHONG, "P02", "第2片")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let renamed = UpdateVillageRequest {
        village: Some(Village { display_name: "高冲社区".into(), ..archived }),
        update_mask: mask(&["display_name"]),
        request_id: String::new(),
    };
    assert_eq!(villages.update_village(renamed).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(world.changes().await, changes);
    let read = households.get_household(GetHouseholdRequest { name: known.name.clone() }).await.unwrap().into_inner();
    assert_eq!(read, known);

    // The neighbour goes on.
    let mut next_door = world.households(&world.clerk(OTHER));
    next_door.create_household(enter(OTHER, household(OTHER, "00001"))).await.unwrap();
    let refused = client(&world.running, &clerk).archive_village(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
