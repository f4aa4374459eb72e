//! Areas, groups and grids.

use platform::Office;
use proto::registry::v1::*;
use tonic::Code;

use crate::support::{GAOCHONG, OTHER, World, area, grid, mask, villager_group};

#[tokio::test]
async fn areas_and_groups_are_made_read_listed_and_renamed_alike() {
    let world = World::empty().await;
    let mut client = world.grids(&world.clerk(GAOCHONG));
    let parent = format!("villages/{GAOCHONG}");

    let made = client.create_area(area(GAOCHONG, "P01", " 第1片 ")).await.unwrap().into_inner();
    assert_eq!((made.name.as_str(), made.display_name.as_str()), ("villages/430112011211/areas/P01", "第1片"));
    let read = client.get_area(GetAreaRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(read, made);
    let renamed = Area { display_name: "东片".into(), ..made.clone() };
    let request =
        UpdateAreaRequest { area: Some(renamed), update_mask: mask(&["display_name"]), request_id: String::new() };
    let renamed = client.update_area(request.clone()).await.unwrap().into_inner();
    assert_eq!((renamed.display_name.as_str(), renamed.etag.as_str()), ("东片", "2"));
    assert_eq!(client.update_area(request).await.unwrap_err().code(), Code::Aborted);

    for code in ["02", "01", "03"] {
        client.create_villager_group(villager_group(GAOCHONG, code, &format!("第{code}组"))).await.unwrap();
    }
    let mut page = ListVillagerGroupsRequest { parent: parent.clone(), page_size: 2, page_token: String::new() };
    let first = client.list_villager_groups(page.clone()).await.unwrap().into_inner();
    page.page_token = first.next_page_token;
    let second = client.list_villager_groups(page).await.unwrap().into_inner();
    let codes: Vec<_> = first
        .villager_groups
        .iter()
        .chain(&second.villager_groups)
        .map(|one| one.name.rsplit('/').next().unwrap())
        .collect();
    assert_eq!((codes, second.next_page_token.as_str()), (vec!["01", "02", "03"], ""));

    let request = CreatePartyGroupRequest {
        parent,
        party_group: Some(PartyGroup { display_name: "第1党小组".into(), ..PartyGroup::default() }),
        party_group_id: "D01".into(),
        request_id: String::new(),
    };
    client.create_party_group(request.clone()).await.unwrap();
    assert_eq!(client.create_party_group(request).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_grid_lies_in_an_area_and_keeps_its_number() {
    let world = World::new().await;
    let mut client = world.grids(&world.clerk(GAOCHONG));
    let mut nowhere = grid(GAOCHONG, "007", GridKind::ShopStreet);
    nowhere.grid.as_mut().unwrap().area = format!("villages/{GAOCHONG}/areas/P99");
    assert_eq!(client.create_grid(nowhere.clone()).await.unwrap_err().code(), Code::InvalidArgument);
    nowhere.grid.as_mut().unwrap().area = format!("villages/{OTHER}/areas/P01");
    assert_eq!(client.create_grid(nowhere).await.unwrap_err().code(), Code::InvalidArgument);
    let again = client.create_grid(grid(GAOCHONG, "001", GridKind::ShopStreet)).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);

    let name = format!("villages/{GAOCHONG}/grids/001");
    let read = client.get_grid(GetGridRequest { name }).await.unwrap().into_inner();
    let changed = Grid { line: LineKind::Relocated.into(), kind: GridKind::ShopStreet.into(), ..read.clone() };
    let request = UpdateGridRequest { grid: Some(changed), update_mask: mask(&["line"]), request_id: String::new() };
    let changed = client.update_grid(request).await.unwrap().into_inner();
    assert_eq!((changed.line, changed.kind, changed.etag.as_str()), (LineKind::Relocated.into(), read.kind, "2"));

    let list = |kind: GridKind| ListGridsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(GridFilter { kind: kind.into(), ..GridFilter::default() }),
        ..ListGridsRequest::default()
    };
    let estates = client.list_grids(list(GridKind::OutsideEstate)).await.unwrap().into_inner().grids;
    assert_eq!(estates.iter().map(|grid| grid.name.as_str()).collect::<Vec<_>>(), ["villages/430112011211/grids/042"]);
}

#[tokio::test]
async fn places_are_made_by_those_who_answer_for_the_whole_village() {
    let world = World::new().await;
    let in_one_grid = world.stage.caller(Office::Clerk, GAOCHONG, &["001"]);
    let refused = world.grids(&in_one_grid).create_area(area(GAOCHONG, "P02", "第2片")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let cadre = world.stage.caller(Office::Cadre, GAOCHONG, &[]);
    let refused = world.grids(&cadre).create_area(area(GAOCHONG, "P02", "第2片")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let nowhere = "430112011213";
    let operator = world.stage.caller(Office::Operator, "430112011", &[]);
    let refused = world.grids(&operator).create_area(area(nowhere, "P01", "第1片")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_name_that_is_set_agrees_with_parent_and_id() {
    let world = World::empty().await;
    let mut client = world.grids(&world.clerk(GAOCHONG));
    let mut request = area(GAOCHONG, "P01", "第1片");
    request.area.as_mut().unwrap().name = format!("villages/{GAOCHONG}/areas/P02");
    assert_eq!(client.create_area(request.clone()).await.unwrap_err().code(), Code::InvalidArgument);
    request.area.as_mut().unwrap().name = format!("villages/{GAOCHONG}/areas/P01");
    assert!(client.create_area(request).await.is_ok());
}
