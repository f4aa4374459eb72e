//! Text as people type it, made comparable: full-width letters and digits, stray and invisible spaces.
//!
//! Pure functions. [`clean`] keeps what a reader would see; [`narrow`] is for codes and numbers, where
//! no space and no full-width sign can mean anything.

/// Text for reading: letters and digits in half width, every kind of space an ordinary one and never
/// two together, invisible and control characters gone (a database refuses NUL; direction marks can
/// disguise a name), trimmed. Chinese punctuation and line breaks stay. Idempotent.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars().map(half_width) {
        match character {
            '\n' => {
                trim_spaces(&mut cleaned);
                cleaned.push('\n');
            }
            _ if is_invisible(character) => {}
            _ if character.is_whitespace() => {
                if !cleaned.ends_with([' ', '\n']) {
                    cleaned.push(' ');
                }
            }
            _ => cleaned.push(character),
        }
    }
    cleaned.trim().to_owned()
}

/// Text for comparing: as [`clean`], then every full-width sign narrowed, every dash a hyphen, and no
/// white space at all. Idempotent.
pub(crate) fn narrow(text: &str) -> String {
    clean(text)
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            '！'..='～' => shifted(character),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            _ => character,
        })
        .collect()
}

/// A person's name: clerks pad two-character names with a space (`张　三`), foreign names need theirs.
pub(crate) fn name(text: &str) -> String {
    let cleaned = clean(text);
    if cleaned.chars().any(|character| character.is_ascii_alphabetic()) {
        return cleaned;
    }
    cleaned.chars().filter(|character| !character.is_whitespace()).collect()
}

/// A heading for comparing: without the marks that forms add to it.
pub(crate) fn heading(text: &str) -> String {
    let mut heading = narrow(text);
    heading.retain(|character| !matches!(character, '*' | ':'));
    for remark in ["(必填)", "(选填)", "(必填项)", "(选填项)"] {
        if let Some(bare) = heading.strip_suffix(remark) {
            heading.truncate(bare.len());
        }
    }
    heading
}

/// Whether a row that begins with this cell is a total or a remark below the table, not a record.
/// The word must stand alone or be followed by its figure: a shop may be called 小计面馆.
pub(crate) fn is_total(first: &str) -> bool {
    let first = narrow(first);
    ["合计", "总计", "小计", "共计", "备注", "说明", "注"].iter().any(|word| {
        first.strip_prefix(word).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with([':', '(']) || rest.starts_with(|c: char| c.is_ascii_digit())
        })
    })
}

/// Excel's way of writing a long number that it has already rounded: `4.30112E+17`.
pub(crate) fn is_scientific(narrowed: &str) -> bool {
    narrowed.split_once("E+").or_else(|| narrowed.split_once("e+")).is_some_and(|(number, exponent)| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.')
            && !exponent.is_empty()
            && exponent.chars().all(|c| c.is_ascii_digit())
    })
}

/// A spreadsheet program runs text that begins with one of these as a formula, when the text passes
/// through CSV or is edited; the full-width forms too, under a Chinese locale.
fn is_trigger(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

fn would_run(text: &str) -> bool {
    text.trim_start().trim_start_matches('\'').starts_with(is_trigger)
}

/// Text that cannot be run: an apostrophe before what would be. [`restore`] takes it off again, also
/// where the text had apostrophes of its own.
pub(crate) fn neutralise(text: &str) -> String {
    let text = text.trim_start();
    if would_run(text) { format!("'{text}") } else { text.to_owned() }
}

/// What [`neutralise`] was given.
pub(crate) fn restore(text: &str) -> &str {
    match text.trim_start().strip_prefix('\'') {
        Some(rest) if would_run(rest) => rest,
        _ => text,
    }
}

fn half_width(character: char) -> char {
    match character {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => shifted(character),
        '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        _ => character,
    }
}

/// Unicode keeps the full-width forms of ASCII in ASCII's order, `U+FEE0` further on.
fn shifted(full_width: char) -> char {
    u32::from(full_width).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(full_width)
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
        || (character.is_control() && character != '\t')
}

fn trim_spaces(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_width_letters_digits_and_spaces_become_half_width_and_punctuation_stays() {
        assert_eq!(clean("　Ａ１２栋\u{a0} 东　头，２楼。\u{200b}"), "A12栋 东 头，2楼。");
    }

    #[test]
    fn line_breaks_stay_and_other_control_characters_go() {
        assert_eq!(clean("一 \r\n 二\u{0}\u{7}\t三\u{202e}"), "一\n二 三");
    }

    #[test]
    fn a_code_has_no_spaces_and_no_full_width_signs() {
        assert_eq!(narrow(" ０７３１－８８８８　０００１ "), "0731-88880001");
        assert_eq!(narrow("（1）—2"), "(1)-2");
    }

    #[test]
    fn a_padded_chinese_name_closes_up_and_a_foreign_name_keeps_its_space() {
        assert_eq!(name("张　三 "), "张三");
        assert_eq!(name("Ａnna  Lee"), "Anna Lee");
    }

    #[test]
    fn a_heading_is_compared_without_the_marks_of_a_form() {
        for written in ["* 身份证号", "身份\n证号", "身 份 证 号（必填）", "身份证号：", "＊身份证号(选填)"]
        {
            assert_eq!(heading(written), "身份证号", "{written:?}");
        }
    }

    #[test]
    fn totals_and_remarks_are_told_from_records() {
        for total in ["合计", " 合　计 ", "总计：75户", "小计12", "备注", "注：本表由村委会填写", "说明:"]
        {
            assert!(is_total(total), "{total}");
        }
        for record in ["小计面馆", "注册", "00001", "备注过的户"] {
            assert!(!is_total(record), "{record}");
        }
    }

    #[test]
    fn rounded_numbers_are_recognised() {
        assert!(is_scientific("4.30112E+17") && is_scientific("1e+18"));
        assert!(!is_scientific("1E5") && !is_scientific("E+1") && !is_scientific("A1E+3"));
    }

    proptest! {
        #[test]
        fn cleaning_and_narrowing_twice_is_once(text in any::<String>()) {
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
            prop_assert_eq!(narrow(&narrow(&text)), narrow(&text));
            prop_assert_eq!(name(&name(&text)), name(&text));
        }

        #[test]
        fn neutralised_text_cannot_run_and_is_restored(text in "['=+@＝-]{0,3}[a1 中]{0,3}") {
            let safe = neutralise(&text);
            prop_assert!(!safe.starts_with(is_trigger));
            prop_assert_eq!(restore(&safe), text.trim_start());
        }
    }
}
