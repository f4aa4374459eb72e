#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use platform::clearance::clear;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-05-20T02:00:00Z".parse().unwrap()
}

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn vault(name: &str) -> Vault {
    let path = std::env::temp_dir().join(format!("notice-{name}-{}.key", std::process::id()));
    std::fs::write(&path, Vault::new_key("test").unwrap().expose()).unwrap();
    Vault::open(&path).unwrap()
}

#[test]
fn a_text_becomes_public_with_a_clearance_of_exactly_itself() {
    let vault = vault("exact");
    let words = || Words::new(["儿童活动室", "每天１６时至18时开放"]);
    let (clearance, _) = clear(&vault, &village(), &words().joined(), Cleared { names_excepted: 0 }, now()).unwrap();
    let ([title, text], excepted) = words().admit(&vault, &village(), &clearance, "", now()).unwrap();
    assert_eq!((title.as_str(), text.as_str(), excepted), ("儿童活动室", "每天16时至18时开放", 0));
    let other = Words::new(["儿童活动室", "每天17时至18时开放"]).admit(&vault, &village(), &clearance, "", now());
    assert_eq!(other.unwrap_err().reason(), reasons::NOT_CLEARED);
}

#[test]
fn names_that_stand_need_a_reason_and_numbers_do_not_stand_at_all() {
    let vault = vault("names");
    let cleared = |text: &str| clear(&vault, &village(), text, Cleared { names_excepted: 1 }, now()).unwrap().0;
    let admit = |text: &str, reason: &str| {
        let clearance = cleared(&Words::new([text]).joined());
        Words::new([text]).admit(&vault, &village(), &clearance, reason, now()).map(|(_, excepted)| excepted)
    };
    assert!(matches!(admit("做法高明", ""), Err(Error::Invalid(_))));
    assert_eq!(admit("做法高明", "“高明”在这里不是人名").unwrap(), 1);
    for text in ["电话19000000001", "身份证９９９９９９ 19900307 0071", "代码92999999MA00000151"] {
        let refused = admit(text, "必须公开").unwrap_err();
        assert_eq!(refused.reason(), reasons::NUMBER_IN_TEXT, "{text}");
        assert!(refused.to_string().contains("第3个字") || refused.to_string().contains("第4个字"), "{refused}");
    }
}

#[test]
fn a_number_is_found_across_title_and_text() {
    assert_eq!(Words::new(["联系1900000", "0001"]).numbers(village_day(now())).len(), 1);
}
