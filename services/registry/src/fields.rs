//! What every noun's fields have in common: text that fits, names that agree, ids that a caller may choose.
//! Knows no noun.

use chrono::NaiveDate;
use platform::Violations;
use proto::google::r#type::Date;
use proto::names::{VillageCode, VillageResource, record_id};
use proto::time::naive_date;
use uuid::Uuid;
use workbook::{Refusal, WORD_SEPARATORS};

/// The longest text of a field, in characters. Names and addresses are far shorter; whoever sends more sends something else.
const LONGEST: usize = 200;
/// What masked text has and real text has not.
pub(crate) const MASK: &str = "**";

/// Why a text is not taken, for programs and for clerks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("is masked: send the whole text, or leave the field out of the update_mask")]
    Masked,
    #[error("is longer than 200 characters")]
    TooLong,
    #[error("has characters that cannot be printed")]
    Unprintable,
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Masked => Self::new("MASKED", "内容被星号遮盖，请填写完整内容"),
            Unfit::TooLong => Self::new("TOO_LONG", "内容太长，不能超过200个字"),
            Unfit::Unprintable => Self::new("UNPRINTABLE", "含有无法显示的字符，请重新填写"),
        }
    }
}

/// Is this a text that a record can keep?
pub(crate) fn fits(text: &str) -> Result<(), Unfit> {
    if text.contains(MASK) {
        Err(Unfit::Masked)
    } else if text.chars().count() > LONGEST {
        Err(Unfit::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(Unfit::Unprintable)
    } else {
        Ok(())
    }
}

/// A text that may be empty, without the spaces around it.
pub(crate) fn text(wrong: &mut Violations, field: &str, text: &str) -> Option<String> {
    let text = text.trim();
    wrong.check(field, fits(text)).map(|()| text.to_owned())
}

/// A text that has to be there.
pub(crate) fn required(wrong: &mut Violations, field: &str, given: &str) -> Option<String> {
    let given = wrong.required(field, given)?;
    text(wrong, field, &given)
}

/// A tag: one word, since rosters list several in a cell.
pub(crate) fn tag(wrong: &mut Violations, field: &str, given: &str) -> Option<String> {
    let tag = required(wrong, field, given)?;
    if tag.contains(WORD_SEPARATORS) {
        wrong.add(field, "is one word: send each tag by itself");
        return None;
    }
    Some(tag)
}

/// A value that may be left out: an empty text is none.
pub(crate) fn optional<T, E: ToString>(
    wrong: &mut Violations,
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<Option<T>> {
    let text = text.trim();
    if text.is_empty() { Some(None) } else { wrong.check(field, parse(text)).map(Some) }
}

/// The id that a caller chose for a new record, if any.
pub(crate) fn chosen_id(wrong: &mut Violations, field: &str, id: &str) -> Option<Option<Uuid>> {
    optional(wrong, field, id, record_id)
}

/// A new record's name need not be said twice; if it is, both have to say the same.
pub(crate) fn agrees(wrong: &mut Violations, field: &str, name: &str, expected: Option<impl ToString>) {
    if !name.is_empty() && expected.is_none_or(|expected| expected.to_string() != name) {
        wrong.add(field, "does not agree with parent and id");
    }
}

/// A value of the contract that has to be one of its choices.
pub(crate) fn choice<T>(wrong: &mut Violations, field: &str, read: Result<Option<T>, &'static str>) -> Option<T> {
    let value = wrong.check(field, read)?;
    if value.is_none() {
        wrong.add(field, "is missing");
    }
    value
}

/// The record of `village` that a field names, by its name's own part.
pub(crate) fn within<N: VillageResource>(
    wrong: &mut Violations,
    field: &str,
    name: &str,
    village: Option<VillageCode>,
) -> Option<N> {
    let name: N = wrong.check(field, name.parse())?;
    match village {
        Some(village) if village != name.village() => {
            wrong.add(field, "is of another village");
            None
        }
        _ => Some(name),
    }
}

/// A day of a message, if it has one.
pub(crate) fn day(wrong: &mut Violations, field: &str, date: Option<&Date>) -> Option<Option<NaiveDate>> {
    match date {
        None => Some(None),
        Some(date) => wrong.check(field, naive_date(date)).map(Some),
    }
}

/// As many digits as a telephone number without its area code: fewer are a year, a house, an amount.
const DIGITS_OF_A_NUMBER: usize = 7;

/// Why something was done. It is shown to many and kept for long, so it has no number by which a person could be found.
/// That it names none of the people concerned is for whoever knows them to see.
pub(crate) fn reason(wrong: &mut Violations, field: &str, given: &str) -> Option<String> {
    let reason = required(wrong, field, given)?;
    let mut run = 0;
    for character in reason.chars().filter(|character| !matches!(character, ' ' | '-')) {
        run = if character.is_numeric() { run + 1 } else { 0 };
        if run >= DIGITS_OF_A_NUMBER {
            wrong.add(field, "会长期保存并显示给多人，请不要写电话、证件等号码");
            return None;
        }
    }
    Some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_text_is_not_written_back() {
        assert_eq!(fits("张**"), Err(Unfit::Masked));
        assert_eq!(fits("高冲村***"), Err(Unfit::Masked));
        assert_eq!(fits("张三"), Ok(()));
    }

    #[test]
    fn a_text_has_a_length_and_no_control_characters() {
        assert_eq!(fits(&"村".repeat(200)), Ok(()));
        assert_eq!(fits(&"村".repeat(201)), Err(Unfit::TooLong));
        assert_eq!(fits("张\0三"), Err(Unfit::Unprintable));
    }

    #[test]
    fn a_reason_has_no_number_by_which_somebody_could_be_found() {
        let taken = |text: &str| reason(&mut Violations::new(), "occasion.reason", text).is_some();
        assert!(taken("2023年5月1日房屋拆迁，补偿协议第120035号"));
        for text in ["电话19000040001", "1900004 0001", "１９０００４０００１", "999999199003070071", " "] {
            assert!(!taken(text), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_set_has_to_agree() {
        let disagrees = |name: &str, expected: Option<&str>| {
            let mut wrong = Violations::new();
            agrees(&mut wrong, "area.name", name, expected);
            wrong.finish(Some(())).is_err()
        };
        assert!(!disagrees("", Some("a")) && !disagrees("a", Some("a")));
        assert!(disagrees("b", Some("a")) && disagrees("a", None));
    }
}
