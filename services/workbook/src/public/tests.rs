#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 1).unwrap()
}

fn kinds(text: &str) -> Vec<Number> {
    numbers(text, today()).into_iter().map(|found| found.kind).collect()
}

#[test]
fn a_citizens_number_is_found_however_it_is_written() {
    for written in [
        "身份证999999199003070071。",
        "身份证９９９９９９１９９００３０７００７１",
        "999999 19900307 0071",
        "999999-19900307-0071",
        "999999 - 1990 - 0307 - 0071",
        "9 9 9 9 9 9 1 9 9 0 0 3 0 7 0 0 7 1",
        "99999919900307008X",
        "99999919900307008x号",
        "999999 19900307 008Ｘ",
        "999999\u{200b}19900307\u{200b}0071",
        "身份证号：９９９９９９　１９９００３０７　００７１",
        "九九九九九九一九九〇〇三〇七〇〇七一",
        "编号1999999199003070071",
        "ID999999199003070071ab",
        "999999\n199003070071",
    ] {
        assert_eq!(kinds(written), [Number::CitizenId], "{written}");
    }
}

#[test]
fn a_slip_in_the_check_character_and_an_old_number_do_not_hide_a_citizen() {
    assert_eq!(kinds("999999199003070072"), [Number::CitizenId]);
    assert_eq!(kinds("999999900307007"), [Number::CitizenId]);
}

#[test]
fn a_telephone_is_found_however_it_is_written() {
    for written in [
        "联系电话19000000001",
        "１９０００００００01",
        "190 0000 0001",
        "190-0000-0001",
        "190.0000.0001",
        "1 9 0 0 0 0 0 0 0 0 1",
        "+86 190 0000 0001",
        "0086-19000000001",
        "8619000000001",
        "电话：0731-88880001",
        "（0731）88880001",
        "(0731) 8888 0001",
        "073188880001",
        "0 7 3 1 8 8 8 8 0 0 0 1",
        "一九〇〇〇〇〇〇〇〇一",
        "幺玖零零零零零零零零壹",
        "第二19000000001",
        "①⑨⓪⓪⓪⓪⓪⓪⓪⓪①",
        "19000000001X",
    ] {
        assert_eq!(kinds(written), [Number::Telephone], "{written}");
    }
    assert_eq!(kinds("1900000000119000000002"), [Number::Telephone]);
    assert_eq!(kinds("19000000001、19000000002 19000000003"), [Number::Telephone; 3]);
}

#[test]
fn a_credit_code_is_found_however_it_is_written() {
    for written in [
        "92999999MA00000151",
        "代码92999999ma00000151号",
        "９２９９９９９９ＭＡ０００００１５１",
        "92999999 MA0000 0151",
        "92 999999 MA0000015 1",
        "USCC92999999MA00000151",
    ] {
        assert_eq!(kinds(written), [Number::CreditCode], "{written}");
    }
    assert_eq!(kinds("92999999MA00000152"), [], "the check character");
}

#[test]
fn days_sums_counts_and_other_numbers_of_a_notice_are_nobodys() {
    for written in [
        "2026年5月20日至5月27日公示",
        "2026-05-20 至 2026-05-27",
        "2026-03-12 2000000元",
        "投入 12800.00 元，其中集体出资 8000 元",
        "应到30人，实到22人，赞成20票，反对1票，弃权1票",
        "腾飞路 3 栋 2 单元 101、102、103",
        "430112011211",
        "合同编号 2026130000000012",
        "土地 15.6 亩，每亩 1 200 元",
        "二〇二六年五月二十日",
        "第430112202613450012号",
        "138 亿",
        "13800000000000000 字节",
        "",
    ] {
        assert_eq!(kinds(written), [], "{written}");
    }
}

#[test]
fn what_is_found_is_told_by_its_place() {
    let text = "张三（190 0000 0001）代签";
    let found = numbers(text, today());
    assert_eq!(found, [Found { kind: Number::Telephone, start: 3, length: 13 }]);
    let cut: String = text.chars().skip(3).take(13).collect();
    assert_eq!(cut, "190 0000 0001");
}

#[test]
fn names_are_found_however_they_are_spaced_and_the_longest_counts() {
    let names = ["张三", "张三丰", "阿依古丽·买买提", "Anna Lee", "高明", "李"];
    let places = |text: &str| -> Vec<(usize, usize)> {
        mentions(text, names).into_iter().map(|found| (found.start, found.length)).collect()
    };
    assert_eq!(places("由张三负责"), [(1, 2)]);
    assert_eq!(places("由张 三、张\u{3000}三丰负责"), [(1, 3), (5, 4)]);
    assert_eq!(places("张\u{200b}三"), [(0, 3)]);
    assert_eq!(places("阿依古丽买买提和阿依古丽•买买提"), [(0, 7), (8, 8)]);
    assert_eq!(places("anna lee, ＡＮＮＡ　ＬＥＥ"), [(0, 8), (10, 8)]);
    assert_eq!(places("他的做法很高明"), [(5, 2)], "a word that is also a name");
    assert_eq!(places("李家坡"), [], "a name of one character is a character");
    assert_eq!(mentions("text", []), []);
}

proptest! {
    #[test]
    fn no_text_makes_it_fail_and_all_that_is_found_lies_within(text in any::<String>(), word in any::<String>()) {
        let length = text.chars().count();
        for found in numbers(&text, today()) {
            prop_assert!(found.length > 0 && found.start + found.length <= length);
        }
        for found in mentions(&text, [word.as_str()]) {
            prop_assert!(found.start + found.length <= length);
        }
    }

    #[test]
    fn a_mobile_number_among_words_is_always_found(
        before in "[一-龥]{0,5}：", number in "1[3-9][0-9]{9}", gaps in proptest::collection::vec("[ -]?", 11), after in "，[一-龥]{0,5}",
    ) {
        let spaced: String = number.chars().zip(&gaps).flat_map(|(digit, gap)| [digit.to_string(), gap.clone()]).collect();
        prop_assert!(kinds(&format!("{before}{spaced}{after}")).contains(&Number::Telephone), "{}", spaced);
    }

    #[test]
    fn cleaning_changes_nothing_about_what_is_found(text in "[0-9０-９Ｘx 　\\-中\u{200b}]{0,40}") {
        prop_assert_eq!(kinds(&text).is_empty(), kinds(&cleaned(&text)).is_empty());
    }
}
