//! Merchants.

use proto::registry::v1::*;
use tonic::Code;

use crate::lives::because;
use crate::support::{GAOCHONG, World, create, date, household, mask, rebuilt};

pub(crate) fn merchant(landlord: &str, name: &str, credit_code: &str) -> CreateMerchantRequest {
    CreateMerchantRequest {
        parent: format!("villages/{GAOCHONG}"),
        merchant: Some(Merchant {
            display_name: name.into(),
            credit_code: credit_code.into(),
            operator_name: "孟红雨".into(),
            telephone: "19000042690".into(),
            trade: "餐饮".into(),
            landlord: landlord.into(),
            address: "腾飞路安置区7栋1层".into(),
            licence_expires_on: date(2027, 1, 9),
            ..Merchant::default()
        }),
        merchant_id: String::new(),
        request_id: String::new(),
    }
}

async fn landlord(world: &World) -> Household {
    let mut client = world.households(&world.clerk(GAOCHONG));
    client.create_household(create(GAOCHONG, rebuilt(GAOCHONG, "00400"))).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_merchant_goes_in_whole_and_comes_out_masked() {
    let world = World::new().await;
    let landlord = landlord(&world).await.name;
    let mut client = world.merchants(&world.clerk(GAOCHONG));
    let made =
        client.create_merchant(merchant(&landlord, "兴达餐饮店", "92999999MA00000151")).await.unwrap().into_inner();
    let read = client.get_merchant(GetMerchantRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(read, made);
    let request = CloseMerchantRequest {
        name: made.name.clone(),
        etag: "1".into(),
        occasion: because("歇业"),
        ..Default::default()
    };
    let closed = client.close_merchant(request.clone()).await.unwrap().into_inner();
    assert_eq!((closed.state, closed.trade.as_str()), (MerchantState::Closed.into(), "餐饮"));
    assert_eq!(client.close_merchant(request.clone()).await.unwrap_err().code(), Code::Aborted);
    let again = CloseMerchantRequest { etag: String::new(), ..request };
    assert_eq!(client.close_merchant(again).await.unwrap_err().code(), Code::FailedPrecondition);
    for answer in [&made, &closed] {
        assert_eq!((answer.display_name.as_str(), answer.credit_code.as_str()), ("兴达餐饮店", "92999999MA00000151"));
        assert_eq!((answer.operator_name.as_str(), answer.telephone.as_str()), ("孟**", "190****2690"));
        assert_eq!(answer.address, "腾飞路***");
        assert!(!format!("{answer:?}").contains("19000042690"));
    }
}

#[tokio::test]
async fn a_landlord_is_a_household_of_the_rebuilt_area_and_stays_one_while_it_lets() {
    let world = World::new().await;
    let mut households = world.households(&world.clerk(GAOCHONG));
    let original = households.create_household(create(GAOCHONG, household(GAOCHONG, "1"))).await.unwrap().into_inner();
    let mut client = world.merchants(&world.clerk(GAOCHONG));
    let refused = client.create_merchant(merchant(&original.name, "店", "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let landlord = landlord(&world).await;
    let made = client.create_merchant(merchant(&landlord.name, "店", "")).await.unwrap().into_inner();
    let relocated = Household { kind: HouseholdKind::Relocated.into(), ..landlord };
    let relocate =
        UpdateHouseholdRequest { household: Some(relocated), update_mask: mask(&["kind"]), request_id: String::new() };
    assert_eq!(households.update_household(relocate.clone()).await.unwrap_err().code(), Code::FailedPrecondition);

    let request = CloseMerchantRequest { name: made.name, occasion: because("歇业"), ..Default::default() };
    client.close_merchant(request).await.unwrap();
    assert!(households.update_household(relocate).await.is_ok());
}

#[tokio::test]
async fn a_credit_code_is_in_the_village_once_and_holds_its_check() {
    let world = World::new().await;
    let landlord = landlord(&world).await.name;
    let mut client = world.merchants(&world.clerk(GAOCHONG));
    client.create_merchant(merchant(&landlord, "甲", "92999999ma00000151")).await.unwrap();
    let again = client.create_merchant(merchant(&landlord, "乙", "92999999MA00000151")).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    let wrong = client.create_merchant(merchant(&landlord, "乙", "92999999MA00000152")).await.unwrap_err();
    assert!(wrong.message().contains("merchant.credit_code"), "{wrong}");
    // Having none yet is nothing that two could share.
    client.create_merchant(merchant(&landlord, "丙", "")).await.unwrap();
    client.create_merchant(merchant(&landlord, "丁", "")).await.unwrap();

    let mut list = ListMerchantsRequest { parent: format!("villages/{GAOCHONG}"), page_size: 2, ..Default::default() };
    let first = client.list_merchants(list.clone()).await.unwrap().into_inner();
    list.page_token = first.next_page_token;
    let second = client.list_merchants(list.clone()).await.unwrap().into_inner();
    let names: Vec<_> = first.merchants.iter().chain(&second.merchants).map(|one| one.display_name.as_str()).collect();
    assert_eq!((names, second.next_page_token.as_str()), (vec!["甲", "丙", "丁"], ""));
    list.filter = Some(MerchantFilter { trade: "服装".into(), landlord, ..MerchantFilter::default() });
    list.page_token = String::new();
    assert!(client.list_merchants(list).await.unwrap().into_inner().merchants.is_empty());
}

#[tokio::test]
async fn a_merchant_is_handed_over_to_another_operator_or_landlord() {
    let world = World::new().await;
    let first = landlord(&world).await.name;
    let mut households = world.households(&world.clerk(GAOCHONG));
    let second =
        households.create_household(create(GAOCHONG, rebuilt(GAOCHONG, "00777"))).await.unwrap().into_inner().name;
    let original =
        households.create_household(create(GAOCHONG, household(GAOCHONG, "00778"))).await.unwrap().into_inner();
    let mut client = world.merchants(&world.clerk(GAOCHONG));
    let made = client.create_merchant(merchant(&first, "兴达餐饮店", "92999999MA00000151")).await.unwrap().into_inner();
    let request =
        HandOverMerchantRequest { name: made.name.clone(), occasion: because("转让"), ..Default::default() };
    let nothing = client.hand_over_merchant(request.clone()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::FailedPrecondition);
    let cannot = HandOverMerchantRequest { landlord: original.name, ..request.clone() };
    assert_eq!(client.hand_over_merchant(cannot).await.unwrap_err().code(), Code::FailedPrecondition);
    let operator =
        Operator { display_name: "王小二".into(), telephone: "19000040009".into(), ..Operator::default() };
    let both = HandOverMerchantRequest { operator: Some(operator), landlord: second.clone(), ..request };
    let named = HandOverMerchantRequest { occasion: because("转给王小二"), ..both.clone() };
    assert_eq!(client.hand_over_merchant(named).await.unwrap_err().code(), Code::InvalidArgument);
    let after = client.hand_over_merchant(both).await.unwrap().into_inner();
    assert_eq!((after.operator_name.as_str(), after.credit_code.as_str()), ("王**", ""));
    assert_eq!((after.landlord, after.etag.as_str()), (second, "2"));
}

#[tokio::test]
async fn what_happened_to_a_merchant_is_told_with_who_when_and_why() {
    let world = World::new().await;
    let landlord = landlord(&world).await.name;
    let clerk = world.clerk(GAOCHONG);
    let mut client = world.merchants(&clerk);
    let made = client.create_merchant(merchant(&landlord, "兴达餐饮店", "")).await.unwrap().into_inner();
    let renewed = Merchant { licence_expires_on: date(2029, 1, 9), ..made.clone() };
    let update = UpdateMerchantRequest {
        merchant: Some(renewed),
        update_mask: mask(&["licence_expires_on"]),
        request_id: String::new(),
    };
    client.update_merchant(update).await.unwrap();
    let operator = Some(Operator { display_name: "王小二".into(), ..Operator::default() });
    let hand_over = HandOverMerchantRequest {
        name: made.name.clone(),
        operator,
        occasion: Some(Occasion { day: date(2024, 5, 1), reason: "转让".into() }),
        ..Default::default()
    };
    client.hand_over_merchant(hand_over).await.unwrap();
    let close = CloseMerchantRequest { name: made.name.clone(), occasion: because("歇业"), ..Default::default() };
    client.close_merchant(close).await.unwrap();

    let mut request = ListMerchantHistoryRequest { parent: made.name.clone(), page_size: 3, ..Default::default() };
    let first = client.list_merchant_history(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = client.list_merchant_history(request.clone()).await.unwrap().into_inner();
    let all = [first.entries, second.entries].concat();
    let told: Vec<_> = all.iter().map(|one| (one.revision, one.happened.as_str(), one.state())).collect();
    let (open, closed) = (MerchantState::Open, MerchantState::Closed);
    assert_eq!(told, [(1, "CREATED", open), (2, "UPDATED", open), (3, "HANDED_OVER", open), (4, "CLOSED", closed)]);
    assert_eq!((all[1].licence_expires_on, all[2].licence_expires_on), (date(2029, 1, 9), None));
    assert!(all.iter().all(|one| one.landlord == landlord));
    let mark = all[2].mark.clone().unwrap();
    assert_eq!((mark.reason.as_str(), mark.day, mark.office.as_str()), ("转让", date(2024, 5, 1), "clerk"));
    assert_eq!(mark.recorded_by, "clerk-of-430112011211");

    // Whoever serves another grid does not see the merchant, and so not what happened to it.
    let elsewhere = world.stage.caller(platform::Office::Representative, GAOCHONG, &["001"]);
    let request = ListMerchantHistoryRequest { parent: made.name, ..Default::default() };
    let refused = world.merchants(&elsewhere).list_merchant_history(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}
