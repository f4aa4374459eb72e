//! Texts that are to be made public, looked through for the village's people.

use platform::Office;
use platform::clearance::{Cleared, believe};
use proto::platform::v1::{TextFinding, TextFindingKind as Kind};
use proto::registry::v1::public_text_service_client::PublicTextServiceClient;
use proto::registry::v1::*;
use tonic::Code;

use crate::support::*;

fn check(village: &str, text: &str, excepted_names: &[i32]) -> CheckPublicTextRequest {
    CheckPublicTextRequest {
        parent: format!("villages/{village}"),
        text: text.into(),
        excepted_names: excepted_names.to_vec(),
    }
}

#[tokio::test]
async fn a_text_is_cleared_when_it_names_nobody_of_the_village() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let mut households = world.households(&clerk);
    let home = Household { head_name: "高明".into(), ..household(GAOCHONG, "00001") };
    let home = households.create_household(create(GAOCHONG, home)).await.unwrap().into_inner();
    let member = Resident { display_name: "欧阳小春".into(), relation: "子".into(), ..Default::default() };
    let member =
        CreateResidentRequest { parent: home.name, resident: Some(member), ..CreateResidentRequest::default() };
    households.create_resident(member).await.unwrap();
    let mut texts = PublicTextServiceClient::with_interceptor(world.running.channel(), clerk);

    let written = "腾飞路安置区儿童活动室１６时开放，做法高明";
    let named = texts.check_public_text(check(GAOCHONG, written, &[])).await.unwrap().into_inner();
    assert_eq!(named.text, "腾飞路安置区儿童活动室16时开放，做法高明");
    let places: Vec<_> = named.findings.iter().map(|one| (one.kind(), one.start, one.length)).collect();
    assert_eq!((places, named.clearance.as_str()), (vec![(Kind::Name, 19, 2)], ""));

    let cleared = texts.check_public_text(check(GAOCHONG, written, &[19])).await.unwrap().into_inner();
    assert!(cleared.findings.is_empty() && cleared.expire_time.is_some());
    // Whoever has the same key file believes it, for this text and village.
    let config = world.stage.platform_config("");
    let vault = platform::Vault::open(&config.vault_key_file).unwrap();
    let (village, other) = (GAOCHONG.parse().unwrap(), OTHER.parse().unwrap());
    let now = platform::Clock::system().now();
    let believed = believe(&vault, &village, &cleared.text, &cleared.clearance, now);
    assert_eq!(believed.unwrap(), Cleared { names_excepted: 1 });
    assert!(believe(&vault, &other, &cleared.text, &cleared.clearance, now).is_err());

    for (text, kind) in [
        ("由欧阳 小春家提出", Kind::Name),
        ("电话１９０ ００００ 0001", Kind::Telephone),
        ("身份证999999 19900307 0071", Kind::CitizenId),
        ("92999999MA00000151", Kind::CreditCode),
    ] {
        let found = texts.check_public_text(check(GAOCHONG, text, &[])).await.unwrap().into_inner();
        assert_eq!(found.findings.iter().map(TextFinding::kind).collect::<Vec<_>>(), [kind], "{text}");
        assert!(found.clearance.is_empty());
    }
    // The neighbour has nobody of these names.
    let mut theirs = PublicTextServiceClient::with_interceptor(world.running.channel(), world.clerk(OTHER));
    assert!(!theirs.check_public_text(check(OTHER, written, &[])).await.unwrap().into_inner().clearance.is_empty());
    assert_eq!(theirs.check_public_text(check(GAOCHONG, "文", &[])).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn only_the_village_office_asks_and_a_book_is_no_notice() {
    let world = World::empty().await;
    for (office, grids) in [
        (Office::Representative, &["001"][..]),
        (Office::Operator, &[]),
        (Office::Officer, &[]),
        (Office::Clerk, &["001"]),
    ] {
        let caller = world.stage.caller(office, GAOCHONG, grids);
        let mut texts = PublicTextServiceClient::with_interceptor(world.running.channel(), caller);
        let refused = texts.check_public_text(check(GAOCHONG, "开放时间", &[])).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{office:?}");
    }
    let mut texts = PublicTextServiceClient::with_interceptor(world.running.channel(), world.clerk(GAOCHONG));
    for text in ["", "  ", &"长".repeat(10_001)] {
        let refused = texts.check_public_text(check(GAOCHONG, text, &[])).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
