//! The one list of what went out in clear: record by record, and as whole rosters.

use chrono::Utc;
use platform::Office;
use platform::clock::village_day;
use proto::registry::v1::*;
use tonic::Code;

use crate::exports::{csv, export, workbook};
use crate::merchants::merchant;
use crate::support::{GAOCHONG, OTHER, World, create, household, rebuilt};

/// A household with a resident, and a merchant at another's.
async fn people(world: &World) -> (Household, Resident, Merchant) {
    let clerk = world.clerk(GAOCHONG);
    let mut client = world.households(&clerk);
    let home = client.create_household(create(GAOCHONG, household(GAOCHONG, "00001"))).await.unwrap().into_inner();
    let resident =
        Some(Resident { display_name: "何丽燕".into(), relation: "配偶".into(), ..Resident::default() });
    let request = CreateResidentRequest { parent: home.name.clone(), resident, ..Default::default() };
    let resident = client.create_resident(request).await.unwrap().into_inner();
    let landlord = client.create_household(create(GAOCHONG, rebuilt(GAOCHONG, "00002"))).await.unwrap().into_inner();
    let request = merchant(&landlord.name, "兴达餐饮店", "");
    (home, resident, world.merchants(&clerk).create_merchant(request).await.unwrap().into_inner())
}

/// Everything that goes out, in this order: the resident, the household, a whole roster, the merchant, a sheet of residents.
async fn disclose(world: &World) -> (Household, Resident, Merchant) {
    let (home, resident, shop) = people(world).await;
    let (clerk, cadre) = (world.clerk(GAOCHONG), world.stage.caller(Office::Cadre, GAOCHONG, &["001"]));
    let purpose = RevealPurpose::Errand.into();
    let request = RevealResidentRequest { name: resident.name.clone(), purpose, note: "代缴养老保险".into() };
    world.households(&cadre).reveal_resident(request).await.unwrap();
    let request = RevealHouseholdRequest { name: home.name.clone(), purpose, note: "通知领取补贴".into() };
    world.households(&clerk).reveal_household(request).await.unwrap();
    export(world, &clerk, workbook(GAOCHONG, "年度核对")).await.unwrap();
    let request = RevealMerchantRequest { name: shop.name.clone(), purpose, note: "核对执照".into() };
    world.merchants(&clerk).reveal_merchant(request).await.unwrap();
    export(world, &clerk, csv(GAOCHONG, "家庭成员", "人口普查")).await.unwrap();
    // Masked, and next door: nothing that is disclosed here.
    export(world, &clerk, workbook(GAOCHONG, "")).await.unwrap();
    export(world, &world.clerk(OTHER), workbook(OTHER, "年度核对")).await.unwrap();
    (home, resident, shop)
}

async fn listed(world: &World, filter: DisclosureFilter) -> Vec<Disclosure> {
    let mut client = world.households(&world.clerk(GAOCHONG));
    let parent = format!("villages/{GAOCHONG}");
    let mut request = ListDisclosuresRequest { parent, page_size: 2, filter: Some(filter), ..Default::default() };
    let mut all = Vec::new();
    loop {
        let page = client.list_disclosures(request.clone()).await.unwrap().into_inner();
        all.extend(page.disclosures);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

async fn notes(world: &World, filter: DisclosureFilter) -> Vec<String> {
    listed(world, filter).await.into_iter().map(|one| one.note).collect()
}

#[tokio::test]
async fn whatever_went_out_in_clear_stands_in_one_list() {
    let world = World::new().await;
    let (home, resident, shop) = disclose(&world).await;
    let all = listed(&world, DisclosureFilter::default()).await;
    let told: Vec<_> = all.iter().map(|one| (one.kind(), one.record.as_str(), one.sheet.as_str())).collect();
    let (record, roster) = (DisclosureKind::Record, DisclosureKind::Roster);
    assert_eq!(
        told,
        [
            (roster, "", "家庭成员"),
            (record, shop.name.as_str(), ""),
            (roster, "", ""),
            (record, home.name.as_str(), ""),
            (record, resident.name.as_str(), ""),
        ]
    );
    let (whole, last) = (&all[2], &all[4]);
    assert_eq!((whole.note.as_str(), whole.office.as_str(), whole.purpose), ("年度核对", "clerk", 0));
    assert_eq!((whole.disclosed_to.as_str(), whole.fields.len()), ("clerk-of-430112011211", 0));
    assert_eq!((last.note.as_str(), last.office.as_str()), ("代缴养老保险", "cadre"));
    assert_eq!(
        (last.purpose(), last.fields.as_slice()),
        (RevealPurpose::Errand, ["display_name".to_owned()].as_slice())
    );
    assert!(all.is_sorted_by_key(|one| std::cmp::Reverse(one.disclose_time.map(|time| (time.seconds, time.nanos)))));
    assert!(!format!("{all:?}").contains("丽燕"));
}

#[tokio::test]
async fn disclosures_are_found_by_whose_they_are_to_whom_and_when() {
    let world = World::new().await;
    let (home, resident, shop) = disclose(&world).await;
    let of = |record: &str| DisclosureFilter { record: record.into(), ..Default::default() };
    let of_home = notes(&world, of(&home.name)).await;
    assert_eq!(of_home, ["人口普查", "年度核对", "通知领取补贴", "代缴养老保险"], "its people are the household's");
    assert_eq!(notes(&world, of(&resident.name)).await, ["人口普查", "年度核对", "代缴养老保险"]);
    assert_eq!(notes(&world, of(&shop.name)).await, ["核对执照", "年度核对"]);
    let alone = DisclosureFilter { kind: DisclosureKind::Record.into(), ..of(&home.name) };
    assert_eq!(notes(&world, alone).await, ["通知领取补贴", "代缴养老保险"]);
    let rosters = DisclosureFilter { kind: DisclosureKind::Roster.into(), ..Default::default() };
    assert_eq!(notes(&world, rosters).await, ["人口普查", "年度核对"]);
    let cadre = DisclosureFilter { disclosed_to: "cadre-of-430112011211".into(), ..Default::default() };
    assert_eq!(notes(&world, cadre).await, ["代缴养老保险"]);

    let today = village_day(Utc::now());
    let day = |days: i64| Some(proto::time::date(today + chrono::Duration::days(days)));
    // Midnight may have passed since.
    let lately = DisclosureFilter { start_date: day(-1), end_date: day(0), ..Default::default() };
    assert_eq!(notes(&world, lately).await.len(), 5);
    for (start_date, end_date) in [(day(1), None), (None, day(-2))] {
        let elsewhen = DisclosureFilter { start_date, end_date, ..Default::default() };
        assert!(notes(&world, elsewhen).await.is_empty());
    }
    let mut client = world.households(&world.clerk(GAOCHONG));
    let elsewhere = of(&home.name.replace(GAOCHONG, OTHER));
    for filter in
        [DisclosureFilter { start_date: day(1), end_date: day(0), ..Default::default() }, of("00001"), elsewhere]
    {
        let parent = format!("villages/{GAOCHONG}");
        let request = ListDisclosuresRequest { parent, filter: Some(filter), ..Default::default() };
        assert_eq!(client.list_disclosures(request).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn disclosures_are_for_the_village_office_and_those_above() {
    let world = World::new().await;
    disclose(&world).await;
    for (office, scope, grids, expected) in [
        (Office::Clerk, GAOCHONG, &[] as &[&str], Code::Ok),
        (Office::Officer, "430112011", &[], Code::Ok),
        (Office::Operator, "430112011", &[], Code::Ok),
        (Office::Clerk, OTHER, &[], Code::PermissionDenied),
        (Office::Clerk, GAOCHONG, &["001"], Code::PermissionDenied),
        (Office::Officer, "430112012", &[], Code::PermissionDenied),
        (Office::Cadre, GAOCHONG, &[], Code::PermissionDenied),
        (Office::Representative, GAOCHONG, &["001"], Code::PermissionDenied),
        (Office::Integration, GAOCHONG, &[], Code::PermissionDenied),
    ] {
        let caller = world.stage.caller(office, scope, grids);
        let request = ListDisclosuresRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
        let answer = world.households(&caller).list_disclosures(request).await;
        let code = answer.map_or_else(|refused| refused.code(), |_| Code::Ok);
        assert_eq!(code, expected, "{office:?} of {scope} {grids:?}");
    }
}
