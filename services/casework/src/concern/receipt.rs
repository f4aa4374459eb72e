//! Receipt codes: by which whoever raised a concern asks how it goes. Pure.
//!
//! Crockford's base 32 (no I, L, O and U, which are misread): eleven signs for a number of 55 bits that is drawn, and one
//! that is the number modulo 37. Only numbers are drawn whose remainder is a sign of the 32. A single wrong sign, or two
//! that have changed places, never make another valid code.

use std::fmt;
use std::str::FromStr;

const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Signs of the number.
const LENGTH: usize = 11;
/// A prime above 32, so that every slip changes the remainder.
const MODULUS: u64 = 37;
/// Signs that are read together.
const GROUP: usize = 4;

/// A receipt code, as twelve signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Receipt(String);

/// The text is no receipt code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoReceipt;

impl Receipt {
    /// Makes one of what `draw` gives, until it gives a number that has a code.
    pub(crate) fn draw(mut draw: impl FnMut() -> u64) -> Self {
        loop {
            let number = draw() & ((1 << (5 * LENGTH)) - 1);
            if let Some(code) = code(number) {
                return Self(code);
            }
        }
    }

    /// The twelve signs.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// One that was kept.
    pub(crate) fn kept(code: String) -> Self {
        Self(code)
    }
}

fn sign(value: u64) -> Option<char> {
    SIGNS.get(usize::try_from(value).ok()?).map(|sign| char::from(*sign))
}

/// The code of a number, if its remainder is a sign.
fn code(number: u64) -> Option<String> {
    let signs = (0..LENGTH).rev().map(|place| sign((number >> (5 * place)) & 31));
    signs.chain([sign(number % MODULUS)]).collect()
}

impl fmt::Display for Receipt {
    /// In groups of four, as it is read out.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, sign) in self.0.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                out.write_str("-")?;
            }
            write!(out, "{sign}")?;
        }
        Ok(())
    }
}

impl FromStr for Receipt {
    type Err = NoReceipt;

    /// Reads what people write: in any case, with or without hyphens and spaces, and with the signs that look alike.
    fn from_str(text: &str) -> Result<Self, NoReceipt> {
        let said: String = text
            .chars()
            .filter(|sign| !sign.is_whitespace() && *sign != '-')
            .map(|sign| match sign.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                sign => sign,
            })
            .take(LENGTH + 2)
            .collect();
        let number = said.chars().take(LENGTH).try_fold(0_u64, |number, sign| {
            let value = SIGNS.iter().position(|one| char::from(*one) == sign)?;
            Some(number << 5 | u64::try_from(value).ok()?)
        });
        match number.and_then(code) {
            Some(code) if code == said => Ok(Self(code)),
            _ => Err(NoReceipt),
        }
    }
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

    use proptest::prelude::*;

    use super::*;

    fn receipt(number: u64) -> Receipt {
        let mut numbers = number..;
        Receipt::draw(|| numbers.next().unwrap())
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let one = receipt((1 << 50) + (1 << 10) + (1 << 5));
        assert!(one.to_string().starts_with("1000-0000-11"), "{one}");
        assert_eq!(one.to_string().to_lowercase().parse(), Ok(one.clone()));
        assert_eq!(one.as_str().replace('1', "l").replace('0', "o").parse(), Ok(one));
        for wrong in ["", "1000", "1000-0000-011", "UUUU-UUUU-UUUU", "一二三四五六七八九十一二"] {
            assert_eq!(wrong.parse::<Receipt>(), Err(NoReceipt));
        }
    }

    proptest! {
        #[test]
        fn a_code_survives_and_a_slip_is_noticed(number in 0_u64..1 << 55, place in 0..12_usize, other in 0..32_usize) {
            let one = receipt(number);
            prop_assert_eq!(one.to_string().parse(), Ok(one.clone()));
            let mut signs: Vec<char> = one.as_str().chars().collect();
            prop_assert_eq!(signs.len(), 12);
            signs[place] = char::from(SIGNS[other]);
            let slip: String = signs.iter().collect();
            prop_assert_eq!(slip.parse::<Receipt>().is_ok(), slip == one.as_str());
            let mut signs: Vec<char> = one.as_str().chars().collect();
            signs.swap(place.min(10), place.min(10) + 1);
            let swapped: String = signs.iter().collect();
            prop_assert!(swapped == one.as_str() || place >= 10 || swapped.parse::<Receipt>().is_err());
        }
    }
}
