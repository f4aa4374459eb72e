//! The people of a household.

use proto::registry::v1::*;
use tonic::Code;

use crate::support::{GAOCHONG, World, create, household, mask};

const HEAD: &str = "999999199003070071";

fn resident(parent: &str, name: &str, citizen_id: &str) -> CreateResidentRequest {
    CreateResidentRequest {
        parent: parent.into(),
        resident: Some(Resident {
            display_name: name.into(),
            relation: "配偶".into(),
            citizen_id: citizen_id.into(),
            telephone: "19000040002".into(),
            ..Resident::default()
        }),
        resident_id: String::new(),
        request_id: String::new(),
    }
}

#[tokio::test]
async fn a_person_goes_in_whole_and_comes_out_masked() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let home = Household { citizen_id: HEAD.into(), ..household(GAOCHONG, "00001") };
    let home = client.create_household(create(GAOCHONG, home)).await.unwrap().into_inner().name;
    let made = client.create_resident(resident(&home, "何丽燕", "99999919900307008x")).await.unwrap().into_inner();
    assert!(made.name.starts_with(&format!("{home}/residents/")));
    let read = client.get_resident(GetResidentRequest { name: made.name.clone() }).await.unwrap().into_inner();
    let changed = Resident { relation: "女儿".into(), telephone: String::new(), ..made.clone() };
    let request = UpdateResidentRequest {
        resident: Some(changed),
        update_mask: mask(&["relation", "telephone"]),
        request_id: String::new(),
    };
    let changed = client.update_resident(request.clone()).await.unwrap().into_inner();
    assert_eq!((changed.relation.as_str(), changed.telephone.as_str(), changed.etag.as_str()), ("女儿", "", "2"));
    assert_eq!(client.update_resident(request).await.unwrap_err().code(), Code::Aborted);
    for answer in [&made, &read, &changed] {
        assert_eq!((answer.display_name.as_str(), answer.citizen_id.as_str()), ("何**", "999999********008X"));
        let shown = format!("{answer:?}");
        assert!(!shown.contains("丽燕") && !shown.contains("19900307") && !shown.contains("19000040002"), "{shown}");
    }
}

#[tokio::test]
async fn people_are_listed_in_the_order_they_were_entered() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let home = client.create_household(create(GAOCHONG, household(GAOCHONG, "1"))).await.unwrap().into_inner().name;
    let mut list = ListResidentsRequest { parent: home.clone(), page_size: 2, page_token: String::new() };
    assert!(client.list_residents(list.clone()).await.unwrap().into_inner().residents.is_empty());
    for name in ["丙一", "甲二", "乙三"] {
        client.create_resident(resident(&home, name, "")).await.unwrap();
    }
    let first = client.list_residents(list.clone()).await.unwrap().into_inner();
    list.page_token = first.next_page_token;
    let second = client.list_residents(list).await.unwrap().into_inner();
    let names: Vec<_> = first.residents.iter().chain(&second.residents).map(|one| one.display_name.as_str()).collect();
    assert_eq!((names, second.next_page_token.as_str()), (vec!["丙**", "甲**", "乙**"], ""));
}

#[tokio::test]
async fn a_person_is_in_the_village_once_whether_as_head_or_as_member() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let home = Household { citizen_id: HEAD.into(), ..household(GAOCHONG, "00001") };
    let home = client.create_household(create(GAOCHONG, home)).await.unwrap().into_inner().name;
    assert_eq!(client.create_resident(resident(&home, "张三", HEAD)).await.unwrap_err().code(), Code::AlreadyExists);
    client.create_resident(resident(&home, "何丽燕", "999999199003070020")).await.unwrap();
    let other = Household { citizen_id: "999999199003070020".into(), ..household(GAOCHONG, "00002") };
    assert_eq!(client.create_household(create(GAOCHONG, other)).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_person_belongs_to_a_household_that_exists() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let nowhere = format!("villages/{GAOCHONG}/households/018f5e9e-0000-7000-8000-000000000000");
    assert_eq!(client.create_resident(resident(&nowhere, "何丽燕", "")).await.unwrap_err().code(), Code::NotFound);
    let list = ListResidentsRequest { parent: nowhere, ..Default::default() };
    assert_eq!(client.list_residents(list).await.unwrap_err().code(), Code::NotFound);
    let wrong = client.create_resident(resident("villages/1", "", "1")).await.unwrap_err();
    for field in ["parent", "resident.display_name", "resident.citizen_id"] {
        assert!(wrong.message().contains(field), "{field} in {}", wrong.message());
    }
}
