//! Merchants are served through their landlord, on line two.

use harness::wait_for;
use platform::Office;
use proto::liaison::v1 as pb;
use proto::registry::v1::{HouseholdKind, LineKind, MerchantChanged, MerchantState};

use crate::stand::{Desk, GAOCHONG, Stand, date, grid_news, household_name, household_news, team_name};

const SHOP: &str = "villages/430112011211/merchants/018f5e9e-0000-7000-8000-0000000000b1";

fn shop(revision: i64, landlord: &str, state: MerchantState) -> MerchantChanged {
    MerchantChanged {
        name: SHOP.into(),
        revision,
        landlord: household_name(GAOCHONG, landlord),
        state: state.into(),
        ..Default::default()
    }
}

async fn served(desk: &Desk, filter: pb::MerchantLinkFilter, as_of: Option<&str>) -> Vec<pb::MerchantLink> {
    let request = pb::ListMerchantLinksRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(filter),
        as_of: as_of.and_then(date),
        ..Default::default()
    };
    desk.links.clone().list_merchant_links(request).await.unwrap().into_inner().merchant_links
}

/// How many merchants there are and how many are served: in all, on line two, and in the grids there are any in.
async fn counted(desk: &mut Desk, as_of: Option<&str>) -> ([i32; 4], Vec<(String, i32, i32)>) {
    let request = pb::GetCoverageRequest {
        parent: format!("villages/{GAOCHONG}"),
        as_of: as_of.and_then(date),
        breakdown: pb::CoverageBreakdown::Grid.into(),
    };
    let all = desk.coverage.get_coverage(request).await.unwrap().into_inner();
    assert_eq!((all.lines[0].merchants, all.lines[0].merchants_served), (0, 0), "line one reaches none");
    let two = &all.lines[1];
    let code = |grid: &str| grid.rsplit('/').next().unwrap_or_default().to_owned();
    let parts = all.parts.iter().filter(|part| part.merchants > 0);
    let parts = parts.map(|part| (code(&part.grid), part.merchants, part.merchants_served)).collect();
    ([all.merchants, all.merchants_served, two.merchants, two.merchants_served], parts)
}

/// The merchants that a member has to do with.
async fn shops_of(desk: &mut Desk, member: &str, as_of: Option<&str>) -> Vec<String> {
    let request = pb::GetMemberRightsRequest { name: member.into(), as_of: as_of.and_then(date) };
    desk.members.get_member_rights(request).await.unwrap().into_inner().merchants
}

/// Waits until these are the representatives of the merchants in business.
async fn served_by(desk: &Desk, expected: &[&str]) {
    wait_for("who serves the merchants", || async {
        let links = served(desk, pb::MerchantLinkFilter::default(), None).await;
        links.iter().map(|link| link.representative.as_str()).eq(expected.iter().copied())
    })
    .await;
}

#[tokio::test]
async fn a_merchant_is_served_by_whoever_serves_its_landlord_and_follows() {
    let stand = Stand::new().await;
    let mut clerk = stand.clerk();
    let grids: Vec<_> = ["001", "002"].iter().map(|code| grid_news(GAOCHONG, code, LineKind::Rebuilt)).collect();
    stand.registry.tells(&grids).await;
    // News of the merchant comes before news of the landlord.
    stand.registry.tells(&[shop(1, "00001", MerchantState::Open)]).await;
    served_by(&clerk, &[""]).await;
    assert_eq!(
        served(&clerk, pb::MerchantLinkFilter { unserved_only: true, ..Default::default() }, None).await.len(),
        1
    );
    assert_eq!(counted(&mut clerk, None).await, ([1, 0, 0, 0], vec![(String::new(), 1, 0)]), "nobody knows where");
    let households: Vec<_> =
        [("00001", "001", HouseholdKind::RebuiltArea), ("00002", "002", HouseholdKind::RebuiltArea)]
            .map(|(number, grid, kind)| household_news(GAOCHONG, number, grid, kind))
            .into();
    stand.registry.tells(&households).await;
    stand.knows(GAOCHONG, 2, 2).await;
    assert_eq!(counted(&mut clerk, None).await, ([1, 0, 1, 0], vec![("001".into(), 1, 0)]));
    let one = clerk.enter(GAOCHONG, "熊静贵", pb::Office::Representative).await;
    let two = clerk.enter(GAOCHONG, "常兰辉", pb::Office::Representative).await;
    clerk.seat(&team_name(GAOCHONG, "001"), pb::Seat::Representative, &one).await.unwrap();
    clerk.seat(&team_name(GAOCHONG, "002"), pb::Seat::Representative, &two).await.unwrap();
    let link =
        served(&clerk, pb::MerchantLinkFilter { merchant: SHOP.into(), ..Default::default() }, None).await.remove(0);
    assert_eq!(
        (link.representative.as_str(), link.line(), link.household_number.as_str()),
        (one.as_str(), LineKind::Rebuilt, "00001")
    );
    assert!(served(&clerk, pb::MerchantLinkFilter::default(), Some("2023-01-31")).await[0].representative.is_empty());
    assert_eq!(counted(&mut clerk, None).await, ([1, 1, 1, 1], vec![("001".into(), 1, 1)]));
    assert_eq!(counted(&mut clerk, Some("2023-01-31")).await, ([1, 0, 1, 0], vec![("001".into(), 1, 0)]));
    assert_eq!(shops_of(&mut clerk, &one, None).await, [SHOP]);
    assert!(shops_of(&mut clerk, &one, Some("2023-01-31")).await.is_empty());
    assert!(shops_of(&mut clerk, &two, None).await.is_empty());
    let theirs = pb::MerchantLinkFilter { representative: two.clone(), ..Default::default() };
    assert!(served(&clerk, theirs.clone(), None).await.is_empty());
    let neighbour = stand.desk(Office::Representative, GAOCHONG, &["002"]);
    assert!(served(&neighbour, pb::MerchantLinkFilter::default(), None).await.is_empty());

    // Another landlord, doubled and with what was before it.
    let (first, handed) = (shop(1, "00001", MerchantState::Open), shop(2, "00002", MerchantState::Open));
    stand.delivers(&[handed.clone(), first, handed]).await;
    served_by(&clerk, &[&two]).await;
    assert_eq!(
        (served(&clerk, theirs, None).await.len(), served(&neighbour, Default::default(), None).await.len()),
        (1, 1)
    );
    // The landlord gets another representative, and at last is a household that line two does not reach.
    let choose = pb::LinkHouseholdRequest {
        household: household_name(GAOCHONG, "00002"),
        representative: one.clone(),
        reason: "就熟".into(),
        ..Default::default()
    };
    clerk.links.link_household(choose).await.unwrap();
    served_by(&clerk, &[&one]).await;
    assert_eq!(counted(&mut clerk, None).await, ([1, 1, 1, 1], vec![("002".into(), 1, 1)]));
    let mut next_door = stand.desk(Office::Representative, GAOCHONG, &["002"]);
    assert_eq!(counted(&mut next_door, None).await.0, [1, 1, 1, 1]);
    let mut elsewhere = stand.desk(Office::Representative, GAOCHONG, &["001"]);
    assert_eq!(counted(&mut elsewhere, None).await.0, [0; 4]);
    stand.delivers(&[shop(3, "00002", MerchantState::Closed)]).await;
    served_by(&clerk, &[]).await;
    assert_eq!(counted(&mut clerk, None).await, ([0; 4], Vec::new()));
}
