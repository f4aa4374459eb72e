//! A telephone number of mainland China, mobile or landline, kept in the form of E.164.

use std::fmt;

use crate::problem::Refusal;
use crate::text;

/// A number in the form `+8619000040044`. Whose it is, is not said: it may be a relative's.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Telephone(String);

impl Telephone {
    /// Reads a number as people write it, with spaces, hyphens, brackets or `+86`. A landline needs its
    /// area code, by which alone it can be dialled from elsewhere.
    ///
    /// # Errors
    /// `TELEPHONE_FORM`, `TELEPHONE_NO_AREA` for a landline without area code, `TELEPHONE_SEVERAL`.
    pub fn parse(written: &str) -> Result<Self, Refusal> {
        let narrowed = text::narrow(written);
        if narrowed.contains(['/', '、', ',', ';', '，', '；', '\\']) {
            return Err(Refusal::new("TELEPHONE_SEVERAL", "一格只能填一个电话号码"));
        }
        let bare: String = narrowed.chars().filter(|c| !matches!(c, '-' | '(' | ')')).collect();
        let national = match bare.strip_prefix("+86").or_else(|| bare.strip_prefix("0086")) {
            Some(rest) => rest,
            None if bare.len() == 13 => bare.strip_prefix("86").unwrap_or(&bare),
            None => &bare,
        };
        if is_mobile(national) {
            return Ok(Self(format!("+86{national}")));
        }
        // Within the country an area code begins with 0; after +86 it does not.
        let landline = national.strip_prefix('0').or((national.len() < bare.len()).then_some(national));
        if let Some(landline) = landline.filter(|number| area_of(number).is_some()) {
            return Ok(Self(format!("+86{landline}")));
        }
        if (7..=8).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::new("TELEPHONE_NO_AREA", "固定电话请加区号"));
        }
        Err(Refusal::new("TELEPHONE_FORM", "不是有效的手机号或带区号的固定电话"))
    }

    /// The number in the form of E.164. Whoever calls this has a purpose and leaves a trace of it.
    #[must_use]
    pub fn exposed(&self) -> &str {
        &self.0
    }

    /// The number as people in the country write it: `19000000001`, or `073188880001` with the 0 of its area code. Whoever
    /// calls this has a purpose and leaves a trace of it.
    #[must_use]
    pub fn national(&self) -> String {
        let national = self.0.strip_prefix("+86").unwrap_or_default();
        format!("{}{national}", if is_mobile(national) { "" } else { "0" })
    }

    /// `190****0001`, or `0731****0001` for a landline: four digits are always hidden.
    #[must_use]
    pub fn masked(&self) -> String {
        let national = self.0.strip_prefix("+86").unwrap_or_default();
        let (lead, shown) = if is_mobile(national) { ("", 3) } else { ("0", area_of(national).unwrap_or(0)) };
        let head = national.get(..shown).unwrap_or_default();
        let tail = national.get(shown + 4..).unwrap_or_default();
        format!("{lead}{head}****{tail}")
    }
}

impl fmt::Debug for Telephone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telephone(..)")
    }
}

fn is_mobile(national: &str) -> bool {
    let digits = national.as_bytes();
    matches!(digits, [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9 && rest.iter().all(u8::is_ascii_digit))
}

/// How many digits of a landline, written without the leading 0, are its area code: two for 10 and 2x,
/// three for the others; seven or eight digits follow, the first not below 2.
fn area_of(landline: &str) -> Option<usize> {
    let area = match landline.as_bytes() {
        [b'1', b'0', ..] | [b'2', b'0'..=b'9', ..] => 2,
        [b'3'..=b'9', ..] => 3,
        _ => return None,
    };
    let local = landline.get(area..)?.as_bytes();
    let holds = matches!(local, [b'2'..=b'9', rest @ ..] if (6..=7).contains(&rest.len()))
        && landline.bytes().all(|byte| byte.is_ascii_digit());
    holds.then_some(area)
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
    fn a_mobile_number_is_read_in_every_way_people_write_it() {
        for written in [
            "19000000001",
            "190 0000 0001",
            "190-0000-0001",
            "+86 19000000001",
            "+86-190-0000-0001",
            "8619000000001",
            "008619000000001",
            "１９００００００ ００１",
        ] {
            let number = Telephone::parse(written).unwrap();
            assert_eq!(number.exposed(), "+8619000000001", "{written}");
            assert_eq!(number.national(), "19000000001");
        }
    }

    #[test]
    fn a_landline_keeps_its_area_code() {
        for written in ["0731-88880001", "(0731) 88880001", "（0731）8888—0001", "+86 731 88880001", "073188880001"]
        {
            assert_eq!(Telephone::parse(written).unwrap().exposed(), "+8673188880001", "{written}");
        }
        assert_eq!(Telephone::parse("010-62220001").unwrap().exposed(), "+861062220001");
        assert_eq!(Telephone::parse("0744-8222001").unwrap().exposed(), "+867448222001");
    }

    #[test]
    fn what_cannot_be_dialled_is_refused_and_says_why() {
        assert_eq!(Telephone::parse("88880001").unwrap_err().reason, "TELEPHONE_NO_AREA");
        assert_eq!(Telephone::parse("19000000001/19000000002").unwrap_err().reason, "TELEPHONE_SEVERAL");
        for written in
            ["", "12000000001", "1900000000", "190000000011", "无", "0731-08880001", "+85212345678", "1900000000a"]
        {
            assert_eq!(Telephone::parse(written).unwrap_err().reason, "TELEPHONE_FORM", "{written}");
        }
    }

    #[test]
    fn four_digits_are_hidden_and_debug_output_shows_nothing() {
        let mobile = Telephone::parse("19000000001").unwrap();
        assert_eq!(mobile.masked(), "190****0001");
        assert_eq!(Telephone::parse("0731-88880001").unwrap().masked(), "0731****0001");
        assert_eq!(Telephone::parse("0744-8222001").unwrap().masked(), "0744****001");
        assert_eq!(format!("{mobile:?}"), "Telephone(..)");
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_again_as_itself(written in "(0(10|2[0-9]|[3-9][0-9]{2})[2-9][0-9]{6,7})|(1[3-9][0-9]{9})") {
            let number = Telephone::parse(&written).unwrap();
            prop_assert_eq!(Telephone::parse(number.exposed()).unwrap(), number);
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            if let Ok(number) = Telephone::parse(&text) {
                prop_assert!(number.masked().contains("****"));
            }
        }
    }
}
