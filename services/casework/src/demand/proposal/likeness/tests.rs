#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use super::*;

/// The texts, each of a household of its own, in these grids one after the other.
fn candidates(texts: &[&str], grids: &[&str]) -> Vec<Candidate> {
    let one = |(place, text): (usize, &&str)| Candidate {
        concern: Uuid::from_u128(u128::try_from(place).unwrap()),
        household: Some(Uuid::from_u128(1000 + u128::try_from(place).unwrap())),
        grid: Some(grids[place % grids.len()].parse().unwrap()),
        text: (*text).to_owned(),
    };
    texts.iter().enumerate().map(one).collect()
}

/// The groups, where everything may be compared with everything.
fn alike(matter_type: &str, demands: &[Gathered], candidates: &[Candidate]) -> Vec<Group> {
    groups(matter_type, demands, candidates, |_, _| false)
}

/// How many concerns there are in each group.
fn sizes(matter_type: &str, texts: &[&str], grids: &[&str]) -> Vec<usize> {
    alike(matter_type, &[], &candidates(texts, grids)).iter().map(|group| group.concerns.len()).collect()
}

const EACH_ITS_OWN: &[&str] = &["027", "028", "029", "030", "031"];

#[test]
fn the_same_sentence_with_another_house_in_it_is_near_in_every_grid() {
    let texts = [
        "3栋后路灯不亮，晚上老人出行不便。",
        "5栋后路灯不亮,晚上老人出行不便",
        "１２栋后的路灯不亮了！晚上老人出行很不便",
    ];
    assert_eq!(sizes("路灯", &texts, EACH_ITS_OWN), [3]);
}

#[test]
fn the_same_thing_in_other_words_is_near_in_one_grid_only() {
    let texts = ["腾飞路路灯坏了好几天", "腾飞路上的路灯不亮"];
    assert_eq!(sizes("路灯", &texts, &["027"]), [2]);
    assert_eq!(sizes("路灯", &texts, EACH_ITS_OWN), [1, 1]);
}

#[test]
fn another_thing_of_the_type_is_not_near_for_being_of_the_type() {
    let texts = ["村口的路灯不亮", "篮球场要加装路灯", "文化广场路灯太刺眼", "希望修路时保留路灯"];
    assert_eq!(sizes("路灯", &texts, &["027"]), [1, 1, 1, 1]);
    let children = ["孩子放学后没有地方玩，希望有个儿童活动室。", "儿童活动时间能不能改到周末"];
    assert_eq!(sizes("儿童活动", &children, &["027"]), [1, 1]);
}

#[test]
fn who_says_no_more_than_the_type_says_the_same() {
    assert_eq!(sizes("路灯", &["路灯", "路灯。", "路 灯"], EACH_ITS_OWN), [3]);
    assert_eq!(sizes("路灯", &["", "。", "灯", "灯"], EACH_ITS_OWN), [1, 1, 2]);
}

#[test]
fn a_group_does_not_wander_from_one_thing_to_the_next() {
    // Each is near the one before it; the last shares nothing with the first.
    let steps = ["一二三四五六", "三四五六七八", "五六七八九十", "七八九十甲乙", "九十甲乙丙丁"];
    assert_eq!(sizes("路灯", &steps, EACH_ITS_OWN), [2, 2, 1]);
}

#[test]
fn a_group_tells_its_households_grids_and_how_alike_it_is() {
    let mut three = candidates(&["东门垃圾没人清运", "东门的垃圾没人清运", "东门垃圾好久没人清运"], &["027", "028"]);
    three[2].household = three[0].household;
    let group = alike("垃圾", &[], &three).remove(0);
    assert_eq!((group.concerns.len(), group.households.len()), (3, 2));
    assert_eq!(group.grids.iter().map(GridCode::as_str).collect::<Vec<_>>(), ["027", "028"]);
    // 东门 门垃 圾没 没人 人清 清运 in both; 圾好 好久 久没 in the last instead of 圾没.
    assert_eq!(group.likeness, 200 * 5 / (6 + 8));
}

#[test]
fn shared_words_are_what_more_than_half_say_and_never_the_title() {
    let texts = ["3栋后路灯不亮，老人出行不便", "5栋后路灯不亮，孩子害怕", "路灯坏了，老人出行不便"];
    assert_eq!(shared_words("路灯", &texts), ["老人出行不便", "栋后路", "灯不亮"]);
    assert!(shared_words("路灯", &texts[..1]).is_empty(), "one alone shares nothing");
}

#[test]
fn whoever_says_what_an_open_demand_is_about_is_put_with_it_unless_it_is_to_be_kept_apart() {
    let texts =
        ["7栋后路灯不亮，晚上老人出行不便", "篮球场要加装路灯", "5栋后路灯不亮，晚上老人出行不便", "篮球场加装路灯"];
    let all = candidates(&texts, EACH_ITS_OWN);
    let demand = Gathered { demand: Uuid::from_u128(70), first: all[0].clone() };
    let found = alike("路灯", std::slice::from_ref(&demand), &all[1..]);
    let concerns: Vec<_> = found.iter().map(|group| (group.joins, group.concerns.clone())).collect();
    let (light, court) = (all[2].concern, [all[1].concern, all[3].concern]);
    assert_eq!(concerns, [(Some(demand.demand), vec![light]), (None, court.to_vec())], "its first is none of them");
    let apart = groups("路灯", &[demand], &all[1..], |one, _| one.concern == light);
    let concerns: Vec<_> = apart.iter().map(|group| (group.joins.is_some(), group.concerns.clone())).collect();
    assert_eq!(concerns, [(true, vec![]), (false, court.to_vec()), (false, vec![light])]);
}
