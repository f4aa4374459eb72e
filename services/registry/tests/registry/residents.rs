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
    let mut list = ListResidentsRequest { parent: home.clone(), page_size: 2, ..Default::default() };
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

#[tokio::test]
async fn the_care_a_person_needs_is_said_in_the_villages_own_words() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let home = client.create_household(create(GAOCHONG, household(GAOCHONG, "1"))).await.unwrap().into_inner().name;
    let mut request = resident(&home, "何丽燕", "");
    request.resident.as_mut().unwrap().tags = vec!["爱唱歌".into()];
    let refused = client.create_resident(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("独居老人") && refused.message().contains("低保"), "{refused}");

    let name = format!("villages/{GAOCHONG}/careTags");
    let usual = client.get_care_tags(GetCareTagsRequest { name: name.clone() }).await.unwrap().into_inner();
    assert_eq!(usual.etag, "0");
    let ours = CareTags { tags: vec!["爱唱歌".into(), "低保".into()], ..usual };
    let change = UpdateCareTagsRequest { care_tags: Some(ours), request_id: String::new() };
    let ours = client.update_care_tags(change.clone()).await.unwrap().into_inner();
    assert_eq!((ours.etag.as_str(), ours.tags.len()), ("1", 2));
    assert_eq!(client.update_care_tags(change).await.unwrap_err().code(), Code::Aborted);
    let made = client.create_resident(request).await.unwrap().into_inner();
    assert_eq!(made.tags, ["爱唱歌"]);
}

#[tokio::test]
async fn people_of_a_whole_village_are_found_by_what_is_due_for_them() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let mut homes = Vec::new();
    for number in ["1", "2"] {
        let home = Household {
            head_party_member: number == "1",
            head_pension_due_on: crate::support::date(2024, 5, 1).filter(|_| number == "2"),
            ..household(GAOCHONG, number)
        };
        homes.push(client.create_household(create(GAOCHONG, home)).await.unwrap().into_inner().name);
    }
    for (home, name, tag, due) in [(&homes[0], "甲一", "低保", None), (&homes[1], "乙二", "高龄", Some(2024))] {
        let mut request = resident(home, name, "");
        let person = request.resident.as_mut().unwrap();
        (person.tags, person.party_member) = (vec![tag.into()], due.is_some());
        person.pension_due_on = due.and_then(|year| crate::support::date(year, 3, 1));
        client.create_resident(request).await.unwrap();
    }
    let parent = format!("villages/{GAOCHONG}/households/-");
    for (filter, expected) in [
        (ResidentFilter::default(), vec!["甲**", "乙**"]),
        (ResidentFilter { tag: "高龄".into(), ..Default::default() }, vec!["乙**"]),
        (ResidentFilter { party_member: Some(false), ..Default::default() }, vec!["甲**"]),
        (ResidentFilter { pension_due_by: crate::support::date(2024, 3, 1), ..Default::default() }, vec!["乙**"]),
        (ResidentFilter { pension_due_by: crate::support::date(2024, 2, 29), ..Default::default() }, vec![]),
        (ResidentFilter { relation: "子".into(), ..Default::default() }, vec![]),
    ] {
        let request =
            ListResidentsRequest { parent: parent.clone(), filter: Some(filter.clone()), ..Default::default() };
        let listed = client.list_residents(request).await.unwrap().into_inner().residents;
        let names: Vec<_> = listed.iter().map(|one| one.display_name.as_str()).collect();
        assert_eq!(names, expected, "{filter:?}");
    }
    for (filter, expected) in [
        (HouseholdFilter { head_party_member: Some(true), ..Default::default() }, "1"),
        (HouseholdFilter { head_pension_due_by: crate::support::date(2024, 6, 1), ..Default::default() }, "2"),
    ] {
        let parent = format!("villages/{GAOCHONG}");
        let request = ListHouseholdsRequest { parent, filter: Some(filter), ..Default::default() };
        let listed = client.list_households(request).await.unwrap().into_inner().households;
        assert_eq!(listed.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), [expected]);
    }
}

#[tokio::test]
async fn who_needs_care_makes_their_household_one_that_is_visited_more_often() {
    let world = World::new().await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let home = client.create_household(create(GAOCHONG, household(GAOCHONG, "1"))).await.unwrap().into_inner().name;
    let mut request = resident(&home, "何丽燕", "");
    request.resident.as_mut().unwrap().tags = vec!["残疾".into(), "高龄".into()];
    let made = client.create_resident(request).await.unwrap().into_inner();
    let key = || async {
        let mut owner = world.running.database.connect_as_owner().await;
        let news: Vec<u8> =
            sqlx::query_scalar("select event from change_log where record = $1 order by revision desc limit 1")
                .bind(&home)
                .fetch_one(&mut owner)
                .await
                .unwrap();
        let news = <HouseholdChanged as prost::Message>::decode(news.as_slice()).unwrap();
        (news.revision, news.key_household)
    };
    assert_eq!(key().await, (2, true));
    let tagged = HouseholdFilter { tag: "高龄".into(), ..Default::default() };
    let request =
        ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), filter: Some(tagged), ..Default::default() };
    assert_eq!(client.list_households(request).await.unwrap().into_inner().households.len(), 1);

    let well = Resident { tags: vec!["高龄".into()], ..made };
    let request =
        UpdateResidentRequest { resident: Some(well), update_mask: mask(&["tags"]), request_id: String::new() };
    client.update_resident(request).await.unwrap();
    assert_eq!(key().await, (3, false));
}
