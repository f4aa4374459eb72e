//! What of a text is not for everybody. Pure.

use chrono::NaiveDate;
use proto::platform::v1::TextFindingKind as Kind;
use workbook::public::{self, Number};

/// Something that was found: what, where, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) length: usize,
}

/// How many names were found that somebody has excepted; or else, what stands in the way. A number cannot be excepted.
pub(super) fn look_through(
    text: &str,
    names: &[String],
    excepted: &[i32],
    today: NaiveDate,
) -> Result<u32, Vec<Found>> {
    let is_excepted = |start: usize| excepted.iter().any(|place| usize::try_from(*place) == Ok(start));
    let mut found: Vec<Found> = public::numbers(text, today)
        .into_iter()
        .map(|one| Found { kind: kind(one.kind), start: one.start, length: one.length })
        .collect();
    let mut names_excepted = 0;
    for one in public::mentions(text, names.iter().map(String::as_str)) {
        if is_excepted(one.start) {
            names_excepted += 1;
        } else {
            found.push(Found { kind: Kind::Name, start: one.start, length: one.length });
        }
    }
    found.sort_by_key(|one| one.start);
    if found.is_empty() { Ok(names_excepted) } else { Err(found) }
}

const fn kind(number: Number) -> Kind {
    match number {
        Number::CitizenId => Kind::CitizenId,
        Number::Telephone => Kind::Telephone,
        Number::CreditCode => Kind::CreditCode,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn look(text: &str, excepted: &[i32]) -> Result<u32, Vec<(Kind, usize, usize)>> {
        let names = ["高明".to_owned(), "张三丰".to_owned()];
        let today = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
        look_through(text, &names, excepted, today)
            .map_err(|found| found.into_iter().map(|one| (one.kind, one.start, one.length)).collect())
    }

    #[test]
    fn a_text_without_anybody_in_it_is_cleared() {
        assert_eq!(look("儿童活动室每天16时至18时开放。", &[]), Ok(0));
    }

    #[test]
    fn names_and_numbers_are_told_in_the_order_of_their_places() {
        let found = look("张 三丰（19000000001）做法高明", &[]).unwrap_err();
        assert_eq!(found, [(Kind::Name, 0, 4), (Kind::Telephone, 5, 11), (Kind::Name, 19, 2)]);
    }

    #[test]
    fn a_name_can_be_excepted_and_a_number_cannot() {
        assert_eq!(look("做法高明", &[2]), Ok(1));
        assert_eq!(look("做法高明", &[0]), Err(vec![(Kind::Name, 2, 2)]));
        assert_eq!(look("高明，19000000001", &[0, 3]), Err(vec![(Kind::Telephone, 3, 11)]));
        assert_eq!(look("高明，高明", &[0]), Err(vec![(Kind::Name, 3, 2)]), "each by itself");
    }
}
