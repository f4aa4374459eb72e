//! The unified social credit code of GB 32100-2015: 17 characters and a check character, base 31.

use std::fmt;

use crate::problem::Refusal;
use crate::text;

/// The letters I, O, S, V and Z are left out because they look like digits or each other.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// A code whose check character holds.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CreditCode(String);

impl CreditCode {
    /// Reads a code as people write it: full width, spaces and small letters are put right.
    ///
    /// # Errors
    /// `CREDIT_CODE_FORM`, `CREDIT_CODE_CHECK`.
    pub fn parse(written: &str) -> Result<Self, Refusal> {
        let code = text::narrow(written).to_ascii_uppercase();
        let form = || Refusal::new("CREDIT_CODE_FORM", "统一社会信用代码应是18位数字或大写字母，不含I、O、S、V、Z");
        if code.len() != 18 || !code.chars().all(|character| ALPHABET.contains(character)) {
            return Err(form());
        }
        let (body, check) = code.split_at_checked(17).ok_or_else(form)?;
        if !check.chars().eq(check_of(body)) {
            return Err(Refusal::new("CREDIT_CODE_CHECK", "统一社会信用代码校验不符，请核对是否有一位填错"));
        }
        Ok(Self(code))
    }

    /// The eighteen characters. A sole trader's code leads to a person.
    #[must_use]
    pub fn exposed(&self) -> &str {
        &self.0
    }

    /// `92999999********51`: register and region, and the last two.
    #[must_use]
    pub fn masked(&self) -> String {
        let part = |range| self.0.get(range).unwrap_or_default();
        format!("{}********{}", part(0..8), part(16..18))
    }
}

impl fmt::Debug for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreditCode(..)")
    }
}

/// The weight of place i is 3^i mod 31.
fn check_of(body: &str) -> Option<char> {
    let mut sum = 0;
    let mut weight = 1;
    for character in body.chars() {
        sum = (sum + ALPHABET.find(character)? * weight) % 31;
        weight = weight * 3 % 31;
    }
    ALPHABET.chars().nth((31 - sum) % 31)
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
    fn the_published_codes_are_valid() {
        for code in [
            "92999999MA00000151",
            "91999999MA0000023Y",
            "93999999MA0000031K",
            "N2999999MF0000048A",
            "92999999MA00004370",
        ] {
            assert_eq!(CreditCode::parse(code).unwrap().exposed(), code);
        }
    }

    #[test]
    fn a_wrong_check_and_an_unused_letter_are_told_apart() {
        assert_eq!(CreditCode::parse("92999999MA00000152").unwrap_err().reason, "CREDIT_CODE_CHECK");
        assert_eq!(CreditCode::parse("92999999MAO0000151").unwrap_err().reason, "CREDIT_CODE_FORM");
        assert_eq!(CreditCode::parse("").unwrap_err().reason, "CREDIT_CODE_FORM");
    }

    #[test]
    fn small_letters_and_full_width_are_put_right_and_debug_output_shows_nothing() {
        let code = CreditCode::parse(" ９２999999ma0000 0151").unwrap();
        assert_eq!(code.exposed(), "92999999MA00000151");
        assert_eq!(code.masked(), "92999999********51");
        assert_eq!(format!("{code:?}"), "CreditCode(..)");
    }

    proptest! {
        #[test]
        fn any_single_wrong_character_is_noticed(body in "[0-9A-HJ-NPQRTUWXY]{17}", place in 0usize..17, shift in 1usize..31) {
            let code = format!("{body}{}", check_of(&body).unwrap());
            let read = CreditCode::parse(&code).unwrap();
            prop_assert_eq!(read.exposed(), &code);
            let mut wrong: Vec<char> = code.chars().collect();
            let value = ALPHABET.find(wrong[place]).unwrap();
            wrong[place] = ALPHABET.chars().nth((value + shift) % 31).unwrap();
            prop_assert!(CreditCode::parse(&wrong.iter().collect::<String>()).is_err());
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            let _ = CreditCode::parse(&text);
        }
    }
}
