//! What a caller may not see is not there: other villages, and other grids.

use harness::Call;
use platform::Office;
use proto::registry::v1::*;
use tonic::Code;

use crate::merchants::merchant;
use crate::support::{GAOCHONG, OTHER, World, create, grid_name, household, mask, rebuilt};

async fn numbers(world: &World, caller: &Call, village: &str) -> Vec<String> {
    let request = ListHouseholdsRequest { parent: format!("villages/{village}"), ..Default::default() };
    let listed = world.households(caller).list_households(request).await.unwrap().into_inner();
    listed.households.into_iter().map(|household| household.number).collect()
}

#[tokio::test]
async fn two_villages_with_the_same_numbers_know_nothing_of_each_other() {
    let world = World::new().await;
    let (here, there) = (world.clerk(GAOCHONG), world.clerk(OTHER));
    let person = "999999199003070071";
    let mut names = Vec::new();
    for (caller, village, head) in [(&here, GAOCHONG, "张三"), (&there, OTHER, "李四")] {
        let home = Household { citizen_id: person.into(), head_name: head.into(), ..household(village, "00001") };
        let made = world.households(caller).create_household(create(village, home)).await.unwrap().into_inner();
        names.push(made.name);
    }
    assert_eq!(numbers(&world, &here, GAOCHONG).await, ["00001"]);
    let other = names.remove(1);
    let foreign_id = other.rsplit('/').next().unwrap();
    let mut client = world.households(&here);
    let outside = client.get_household(GetHouseholdRequest { name: other.clone() }).await.unwrap_err();
    assert_eq!(outside.code(), Code::PermissionDenied);
    let name = format!("villages/{GAOCHONG}/households/{foreign_id}");
    let absent = client.get_household(GetHouseholdRequest { name }).await.unwrap_err();
    assert_eq!(absent.code(), Code::NotFound);
    let change = UpdateHouseholdRequest {
        household: Some(Household { name: other, tags: vec!["x".into()], ..Household::default() }),
        update_mask: mask(&["tags"]),
        request_id: String::new(),
    };
    assert_eq!(client.update_household(change).await.unwrap_err().code(), Code::PermissionDenied);
    let foreign_grid = Household { grid: grid_name(OTHER, "001"), ..household(GAOCHONG, "00002") };
    let refused = client.create_household(create(GAOCHONG, foreign_grid)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn who_serves_one_grid_finds_nothing_of_another() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let mut all = world.households(&clerk);
    let near = all.create_household(create(GAOCHONG, household(GAOCHONG, "00001"))).await.unwrap().into_inner().name;
    let far = all.create_household(create(GAOCHONG, rebuilt(GAOCHONG, "00002"))).await.unwrap().into_inner().name;
    let person = CreateResidentRequest {
        parent: far.clone(),
        resident: Some(Resident { display_name: "何丽燕".into(), relation: "配偶".into(), ..Resident::default() }),
        ..Default::default()
    };
    let person = all.create_resident(person).await.unwrap().into_inner().name;
    let shop = world.merchants(&clerk).create_merchant(merchant(&far, "店", "")).await.unwrap().into_inner().name;

    let representative = world.stage.caller(Office::Representative, GAOCHONG, &["001"]);
    let mut one = world.households(&representative);
    assert_eq!(numbers(&world, &representative, GAOCHONG).await, ["00001"]);
    for (grid, seen) in [("001", 1), ("002", 0)] {
        let filter = Some(HouseholdFilter { grid: grid_name(GAOCHONG, grid), ..HouseholdFilter::default() });
        let list = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), filter, ..Default::default() };
        assert_eq!(one.list_households(list).await.unwrap().into_inner().households.len(), seen);
    }
    assert!(one.get_household(GetHouseholdRequest { name: near.clone() }).await.is_ok());
    assert!(one.verify_household(VerifyHouseholdRequest { name: near, ..Default::default() }).await.is_ok());
    let verify = VerifyHouseholdRequest { name: far.clone(), ..Default::default() };
    assert_eq!(one.verify_household(verify).await.unwrap_err().code(), Code::NotFound);
    let get = GetHouseholdRequest { name: far.clone() };
    assert_eq!(one.get_household(get).await.unwrap_err().code(), Code::NotFound);
    let list = ListResidentsRequest { parent: far.clone(), ..Default::default() };
    assert_eq!(one.list_residents(list).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(one.get_resident(GetResidentRequest { name: person }).await.unwrap_err().code(), Code::NotFound);
    let mut shops = world.merchants(&representative);
    assert_eq!(shops.get_merchant(GetMerchantRequest { name: shop }).await.unwrap_err().code(), Code::NotFound);
    let list = ListMerchantsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert!(shops.list_merchants(list).await.unwrap().into_inner().merchants.is_empty());

    let cadre = world.stage.caller(Office::Cadre, GAOCHONG, &["001"]);
    let mut cadres = world.households(&cadre);
    let refused = cadres.create_household(create(GAOCHONG, rebuilt(GAOCHONG, "00003"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mine = cadres.create_household(create(GAOCHONG, household(GAOCHONG, "00003"))).await.unwrap().into_inner();
    let away = UpdateHouseholdRequest {
        household: Some(Household { grid: grid_name(GAOCHONG, "002"), ..mine }),
        update_mask: mask(&["grid"]),
        request_id: String::new(),
    };
    assert_eq!(cadres.update_household(away).await.unwrap_err().code(), Code::PermissionDenied);
    let shop = world.merchants(&cadre).create_merchant(merchant(&far, "新店", "")).await.unwrap_err();
    assert_eq!(shop.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn nobody_finds_nothing_at_all() {
    let world = World::new().await;
    let nobody = Call::nobody();
    let parent = format!("villages/{GAOCHONG}");
    let areas =
        world.grids(&nobody).list_areas(ListAreasRequest { parent: parent.clone(), ..Default::default() }).await;
    assert_eq!(areas.unwrap_err().code(), Code::Unauthenticated);
    let households = ListHouseholdsRequest { parent: parent.clone(), ..Default::default() };
    let households = world.households(&nobody).list_households(households).await;
    assert_eq!(households.unwrap_err().code(), Code::Unauthenticated);
    let roster = ImportRosterRequest { parent, content: vec![1].into(), ..Default::default() };
    assert_eq!(world.rosters(&nobody).import_roster(roster).await.unwrap_err().code(), Code::Unauthenticated);
}
