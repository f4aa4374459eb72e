//! The citizen identification number of GB 11643-1999: region, birth date, sequence, check character.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::problem::Refusal;
use crate::text;

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8; 11] = b"10X98765432";

/// Nobody living was born earlier; such a date is a slip of the pen.
const FIRST_YEAR: i32 = 1880;

/// A number whose check character holds and whose birth date exists and is not in the future.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CitizenId {
    number: String,
    birth: NaiveDate,
}

/// Sex as the number tells it: the sequence is odd for men and even for women.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Sex {
    Male,
    Female,
}

impl CitizenId {
    /// Reads a number as people write it: full-width digits, spaces and a small `x` are put right.
    ///
    /// # Errors
    /// `CITIZEN_ID_OLD` for 15 digits, `CITIZEN_ID_FORM`, `CITIZEN_ID_BIRTH`, `CITIZEN_ID_CHECK`.
    pub fn parse(written: &str, today: NaiveDate) -> Result<Self, Refusal> {
        let number = text::narrow(written).to_ascii_uppercase();
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if number.len() == 15 && is_digits(&number) {
            return Err(Refusal::new("CITIZEN_ID_OLD", "是15位的旧号码，请改填18位身份证号"));
        }
        let form = || Refusal::new("CITIZEN_ID_FORM", "身份证号应是18位，前17位是数字，末位是数字或X");
        let (body, check) = match (number.get(..17), number.get(17..)) {
            (Some(body), Some(check)) if number.len() == 18 && is_digits(body) => (body, check),
            _ => return Err(form()),
        };
        if check != "X" && !is_digits(check) {
            return Err(form());
        }
        let birth = birth_of(body)
            .filter(|birth| *birth <= today && birth.year() >= FIRST_YEAR)
            .ok_or_else(|| Refusal::new("CITIZEN_ID_BIRTH", "身份证号里的出生日期不存在或在将来"))?;
        if check.as_bytes().first() != Some(&check_of(body)) {
            return Err(Refusal::new("CITIZEN_ID_CHECK", "身份证号校验不符，请核对是否有一位填错"));
        }
        Ok(Self { number, birth })
    }

    /// The eighteen characters. Whoever calls this has a purpose and leaves a trace of it.
    #[must_use]
    pub fn exposed(&self) -> &str {
        &self.number
    }

    /// `999999********0071`: region and the last four.
    #[must_use]
    pub fn masked(&self) -> String {
        let part = |range| self.number.get(range).unwrap_or_default();
        format!("{}********{}", part(0..6), part(14..18))
    }

    /// The birth date within the number.
    #[must_use]
    pub fn birth(&self) -> NaiveDate {
        self.birth
    }

    /// The sex within the number.
    #[must_use]
    pub fn sex(&self) -> Sex {
        let sequence = self.number.as_bytes().get(16).copied().unwrap_or_default();
        if sequence % 2 == 1 { Sex::Male } else { Sex::Female }
    }
}

impl fmt::Debug for CitizenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CitizenId(..)")
    }
}

fn birth_of(body: &str) -> Option<NaiveDate> {
    let year = body.get(6..10)?.parse().ok()?;
    let month = body.get(10..12)?.parse().ok()?;
    let day = body.get(12..14)?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, month, day)
}

fn check_of(body: &str) -> u8 {
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECKS.get(sum as usize % 11).copied().unwrap_or_default()
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

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 6, 1).unwrap()
    }

    fn reason(number: &str) -> &'static str {
        CitizenId::parse(number, today()).unwrap_err().reason
    }

    #[test]
    fn the_published_numbers_are_valid() {
        for tail in ["071", "020", "08X", "039", "098", "047", "186", "055", "194", "063", "012"] {
            let id = CitizenId::parse(&format!("999999199003070{tail}"), today()).unwrap();
            assert_eq!(id.birth(), NaiveDate::from_ymd_opt(1990, 3, 7).unwrap());
        }
        let leap = CitizenId::parse("999999202402290017", today()).unwrap();
        assert_eq!((leap.birth(), leap.sex()), (NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(), Sex::Male));
        assert_eq!(CitizenId::parse("999999199003070020", today()).unwrap().sex(), Sex::Female);
    }

    #[test]
    fn a_wrong_birth_date_a_wrong_check_and_a_wrong_form_are_told_apart() {
        assert_eq!(reason("999999200102290016"), "CITIZEN_ID_BIRTH");
        assert_eq!(reason("999999199013320011"), "CITIZEN_ID_BIRTH");
        assert_eq!(reason("999999199003070072"), "CITIZEN_ID_CHECK");
        assert_eq!(reason("999999900307007"), "CITIZEN_ID_OLD");
        for number in ["", "99999919900307007", "9999991990030700711", "99999919900307007Y", "99999X199003070071", "九"]
        {
            assert_eq!(reason(number), "CITIZEN_ID_FORM", "{number}");
        }
    }

    #[test]
    fn a_birth_in_the_future_is_refused() {
        let born = CitizenId::parse("999999202402290017", NaiveDate::from_ymd_opt(2024, 2, 28).unwrap());
        assert_eq!(born.unwrap_err().reason, "CITIZEN_ID_BIRTH");
    }

    #[test]
    fn full_width_digits_spaces_and_a_small_x_are_put_right() {
        let id = CitizenId::parse(" ９９９９９９ 19900307 ０08ｘ", today()).unwrap();
        assert_eq!(id.exposed(), "99999919900307008X");
    }

    #[test]
    fn a_number_shows_only_its_ends_and_debug_output_nothing() {
        let id = CitizenId::parse("999999199003070071", today()).unwrap();
        assert_eq!(id.masked(), "999999********0071");
        assert_eq!(format!("{id:?}"), "CitizenId(..)");
    }

    prop_compose! {
        fn valid()(region in 100_000u32..=999_999, days in 0i64..45_000, sequence in 0u32..1000) -> String {
            let birth = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Duration::days(days);
            let body = format!("{region}{}{sequence:03}", birth.format("%Y%m%d"));
            let check = char::from(check_of(&body));
            format!("{body}{check}")
        }
    }

    proptest! {
        #[test]
        fn a_number_made_by_the_rule_is_read_back(number in valid()) {
            let id = CitizenId::parse(&number, today()).unwrap();
            prop_assert_eq!(id.exposed(), number);
        }

        #[test]
        fn any_single_wrong_digit_is_noticed(number in valid(), place in 0usize..17, shift in 1u8..10) {
            let mut wrong = number.into_bytes();
            wrong[place] = b'0' + (wrong[place] - b'0' + shift) % 10;
            prop_assert!(CitizenId::parse(std::str::from_utf8(&wrong).unwrap(), today()).is_err());
        }

        #[test]
        fn two_neighbours_exchanged_are_noticed(number in valid(), place in 0usize..16) {
            let mut wrong = number.into_bytes();
            prop_assume!(wrong[place] != wrong[place + 1]);
            wrong.swap(place, place + 1);
            prop_assert!(CitizenId::parse(std::str::from_utf8(&wrong).unwrap(), today()).is_err());
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            let _ = CitizenId::parse(&text, today());
        }
    }
}
