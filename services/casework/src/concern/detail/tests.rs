#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn titles(titles: &[&str]) -> Vec<String> {
    titles.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_missing_is_what_was_never_handed_over() {
    let today = day("2026-03-04");
    let mut detail = Detail::default();
    detail.receive(&titles(&["居民身份证"]), today, today).unwrap();
    let errand = detail.errand.as_mut().unwrap();
    errand.needs = titles(&["居民身份证", "社会保障卡"]);
    assert_eq!(errand.missing(), ["社会保障卡"]);
    detail.give_back(&[], today, today).unwrap();
    assert_eq!(detail.errand.unwrap().missing(), ["社会保障卡"], "what was given back has been seen");
}

#[test]
fn a_paper_is_here_once_and_given_back_once_and_not_before_it_came() {
    let (before, today) = (day("2026-03-03"), day("2026-03-04"));
    let mut detail = Detail::default();
    let card = titles(&["社会保障卡"]);
    detail.receive(&card, today, today).unwrap();
    assert_eq!(detail.receive(&card, today, today).unwrap_err().reason(), "PAPER_HELD");
    assert_eq!(detail.give_back(&titles(&["户口簿"]), today, today).unwrap_err().reason(), "PAPER_NOT_HELD");
    assert_eq!(detail.give_back(&card, before, today).unwrap_err().reason(), "INVALID_FIELDS");
    assert_eq!(detail.give_back(&card, day("2026-03-05"), today).unwrap_err().reason(), "IN_THE_FUTURE");
    detail.give_back(&card, today, today).unwrap();
    assert_eq!(detail.give_back(&card, today, today).unwrap_err().reason(), "PAPER_NOT_HELD");
    detail.receive(&card, today, today).unwrap();
    assert_eq!(detail.errand.unwrap().papers.len(), 2);
}

#[test]
fn a_visit_makes_the_channel_and_an_update_that_says_nothing_new_changes_nothing() {
    let visit = Uuid::from_u128(1);
    let mut detail = Detail::default();
    detail.update(DetailUpdate { visit: Some(Some(visit)), ..DetailUpdate::default() });
    assert_eq!((detail.channel, detail.unsaved), (Some(Channel::Visit), true));
    detail.unsaved = false;
    detail.update(DetailUpdate { visit: Some(Some(visit)), ..DetailUpdate::default() });
    assert!(!detail.unsaved);
    assert!(Detail { unsaved: true, ..Detail::default() }.is_empty());
}

proptest! {
    /// Whatever is handed over and given back in whatever order: no title is here twice, and nothing is lost.
    #[test]
    fn papers_add_up(steps in proptest::collection::vec((any::<bool>(), 0..4_usize), 0..30)) {
        const TITLES: [&str; 4] = ["居民身份证", "社会保障卡", "户口簿", "申请书"];
        let today = day("2026-03-04");
        let (mut detail, mut received, mut returned) = (Detail::default(), 0, 0);
        for (comes, which) in steps {
            let one = titles(&[TITLES[which]]);
            if comes {
                received += usize::from(detail.receive(&one, today, today).is_ok());
            } else {
                returned += usize::from(detail.give_back(&one, today, today).is_ok());
            }
            let papers = detail.errand.clone().unwrap_or_default().papers;
            prop_assert_eq!(papers.len(), received);
            prop_assert_eq!(papers.iter().filter(|paper| paper.returned_on.is_some()).count(), returned);
            for title in TITLES {
                let here = papers.iter().filter(|paper| paper.title == title && paper.returned_on.is_none()).count();
                prop_assert!(here <= 1);
            }
        }
    }
}
