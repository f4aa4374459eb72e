//! A village's data key is replaced while its clerk works.

use platform::vault::custody;
use platform::vault::key_file::WrappingKeys;
use proto::registry::v1::*;
use tonic::Code;

use crate::merchants::merchant;
use crate::support::{GAOCHONG, World, create, household, rebuilt};

#[tokio::test]
async fn every_sealed_column_is_sealed_anew_when_a_key_is_replaced() {
    harness::every_sealed_column_is_named(registry::SERVICE, &registry::migrations(), registry::SEALED).await;
}

fn telephone(place: usize) -> String {
    format!("1900004{place:04}")
}

/// Households with telephones, one of them with everything that is sealed.
async fn settled(world: &World) -> Vec<Household> {
    let mut client = world.households(&world.clerk(GAOCHONG));
    let mut all = Vec::new();
    for place in 0..20 {
        let number = format!("{:05}", place + 1);
        let household = Household { telephone: telephone(place), ..household(GAOCHONG, &number) };
        all.push(client.create_household(create(GAOCHONG, household)).await.unwrap().into_inner());
    }
    let landlord = Household {
        citizen_id: "999999199003070071".into(),
        current_address: "月亮岛路小区8期13栋".into(),
        ..rebuilt(GAOCHONG, "00100")
    };
    let landlord = client.create_household(create(GAOCHONG, landlord)).await.unwrap().into_inner();
    let resident = Some(Resident {
        display_name: "何丽燕".into(),
        relation: "配偶".into(),
        citizen_id: "99999919900307008X".into(),
        ..Resident::default()
    });
    client
        .create_resident(CreateResidentRequest { parent: landlord.name.clone(), resident, ..Default::default() })
        .await
        .unwrap();
    let shop = merchant(&landlord.name, "湘味小馆", "92999999MA00000151");
    world.merchants(&world.clerk(GAOCHONG)).create_merchant(shop).await.unwrap();
    all.push(landlord);
    all
}

/// Who is found by a telephone.
async fn found(world: &World, filter: HouseholdSearchFilter) -> Vec<String> {
    let parent = format!("villages/{GAOCHONG}");
    let request = SearchHouseholdsRequest { parent, filter: Some(filter), ..Default::default() };
    let answer = world.households(&world.clerk(GAOCHONG)).search_households(request).await.unwrap().into_inner();
    answer.found.into_iter().filter_map(|hit| hit.household).map(|household| household.name).collect()
}

/// How many households there are of each revision, and how many changes.
async fn history(world: &World) -> (Vec<(i64, i64)>, i64) {
    let mut owner = world.running.database.connect_as_owner().await;
    let revisions = sqlx::query_as("select revision, count(*) from household group by revision order by revision")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    (revisions, world.changes().await)
}

#[tokio::test]
async fn people_are_found_and_shown_at_every_moment_and_nothing_is_told() {
    let world = World::new().await;
    let all = settled(&world).await;
    let before = history(&world).await;
    let mut owner = world.running.database.connect_as_owner().await;
    let keys = WrappingKeys::read(&world.stage.vault_key_file()).unwrap();
    assert_eq!(custody::rotate(&mut owner, &keys, None).await.unwrap().len(), 1);

    let mut clerk = world.households(&world.clerk(GAOCHONG));
    let mut rounds = 0;
    while !custody::rotations(&mut owner, registry::SEALED).await.unwrap().is_empty() {
        let place = rounds % 20;
        let filter = HouseholdSearchFilter { telephone: telephone(place), ..Default::default() };
        assert_eq!(found(&world, filter).await, [all[place].name.clone()], "round {rounds}");
        let filter = HouseholdSearchFilter { citizen_id: "999999199003070071".into(), ..Default::default() };
        assert_eq!(found(&world, filter).await, [all[20].name.clone()], "round {rounds}");
        let reveal = RevealHouseholdRequest {
            name: all[place].name.clone(),
            purpose: RevealPurpose::Contact.into(),
            note: "核对电话".into(),
        };
        let shown = clerk.reveal_household(reveal).await.unwrap().into_inner();
        assert_eq!(shown.telephone, format!("+86{}", telephone(place)));
        // One person is in the village once, whichever key is current.
        let twice = Household { citizen_id: "99999919900307008X".into(), ..household(GAOCHONG, "09999") };
        let refused = clerk.create_household(create(GAOCHONG, twice)).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
        rounds += 1;
        assert!(rounds < 5_000, "the rotation does not end");
    }
    assert!(rounds > 2, "{rounds}");
    assert_eq!(history(&world).await, before);
    let behind: i64 = sqlx::query_scalar(
        "select count(*) from household
          where substring(telephone_sealed from 1 for 8) <> '\\xf56c780100000002'
             or substring(address_sealed from 1 for 8) <> '\\xf56c780100000002'",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(behind, 0);
    let filter = HouseholdSearchFilter { telephone: telephone(3), ..Default::default() };
    assert_eq!(found(&world, filter).await, [all[3].name.clone()]);
}
