//! What is looked for, and whether it is there. Pure.

use chrono::NaiveDate;
use platform::Result;
use platform::vault::VillageKeys;
use proto::names::GridCode;
use proto::registry::v1 as pb;
use uuid::Uuid;
use workbook::formats::{CitizenId, Telephone};

use crate::household::Household;
use crate::household::rules::{Kind, State};
use crate::sensitive::open;

/// Fewer characters than this would find half the village.
const FEWEST: usize = 2;
/// More than any name or piece of an address that somebody types.
const MOST: usize = 60;

/// Which households are looked for: what is said has to be true of them.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) name: Option<Name>,
    pub(crate) number: Option<String>,
    pub(crate) address: Option<Address>,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) citizen_id: Option<CitizenId>,
    pub(crate) tag: Option<String>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) kind: Option<Kind>,
    pub(crate) state: Option<State>,
    pub(crate) verified_before: Option<NaiveDate>,
    pub(crate) verified_since: Option<NaiveDate>,
}

/// What is known of a name, as a pattern of `like`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Some of its characters, in their order.
    Written(String),
    /// Some of its initials, side by side.
    Initials(String),
}

/// A piece of an address, in the form in which addresses are compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address(String);

/// What cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Vague {
    #[error("has to have two characters at least")]
    Short,
    #[error("is longer than 60 characters")]
    Long,
}

/// The numbers that are looked for, in the form in which the database can compare them.
pub(crate) struct Sealed {
    pub(crate) telephone: Option<Vec<u8>>,
    pub(crate) citizen_id: Option<Vec<u8>>,
}

/// Where a search leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: String,
    pub(crate) matches: Vec<Match>,
}

/// What was found of the search, and whose it is (none: the head's or the household's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) field: pb::MatchedField,
    pub(crate) resident: Option<Uuid>,
}

/// A household that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) household: Household,
    pub(crate) matches: Vec<Match>,
}

/// A row that may be what is looked for.
pub(crate) struct Candidate {
    pub(crate) number: String,
    pub(crate) matches: Vec<Match>,
    pub(crate) address_sealed: Option<Vec<u8>>,
    pub(crate) current_address_sealed: Option<Vec<u8>>,
}

impl Search {
    pub(crate) fn sealed(&self, keys: &VillageKeys) -> Sealed {
        Sealed {
            telephone: self.telephone.as_ref().map(|number| keys.index(number.exposed())),
            citizen_id: self.citizen_id.as_ref().map(|number| keys.index(number.exposed())),
        }
    }
}

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Self, Vague> {
        let text = fitting(text)?;
        if text.chars().all(|character| character.is_ascii_alphanumeric()) {
            return Ok(Self::Initials(format!("%{text}%")));
        }
        let mut pattern = String::from("%");
        for character in text.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
            pattern.push('%');
        }
        Ok(Self::Written(pattern))
    }
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Vague> {
        fitting(text).map(Self)
    }

    fn is_in(&self, address: Option<&str>) -> bool {
        address.is_some_and(|address| comparable(address).contains(&self.0))
    }
}

impl Candidate {
    /// Where it is, if it is what is looked for.
    pub(crate) fn place(self, keys: &VillageKeys, search: &Search) -> Result<Option<Place>> {
        let Self { number, mut matches, address_sealed, current_address_sealed } = self;
        if search.number.is_some() {
            matches.push(Match { field: pb::MatchedField::Number, resident: None });
        }
        if let Some(wanted) = &search.address {
            let known = matches.len();
            let fields = [
                (pb::MatchedField::Address, address_sealed),
                (pb::MatchedField::CurrentAddress, current_address_sealed),
            ];
            for (field, sealed) in fields {
                if wanted.is_in(open(keys, sealed)?.as_deref()) {
                    matches.push(Match { field, resident: None });
                }
            }
            if matches.len() == known {
                return Ok(None);
            }
        }
        Ok(Some(Place { number, matches }))
    }
}

/// The text to be compared, if it says enough.
fn fitting(text: &str) -> Result<String, Vague> {
    let text = comparable(text);
    match text.chars().count() {
        ..FEWEST => Err(Vague::Short),
        FEWEST..=MOST => Ok(text),
        _ => Err(Vague::Long),
    }
}

/// Without white space, full-width forms and capital letters, in which people differ and mean the same.
pub(crate) fn comparable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            // Unicode keeps the full-width forms of ASCII in ASCII's order, `U+FEE0` further on.
            '！'..='～' => u32::from(character).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(character),
            _ => character,
        })
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_initials_and_all_else_is_a_name() {
        assert_eq!(Name::parse(" ＺＳ f"), Ok(Name::Initials("%zsf%".into())));
        assert_eq!(Name::parse("张 丰"), Ok(Name::Written("%张%丰%".into())));
        assert_eq!(Name::parse("张%_"), Ok(Name::Written(r"%张%\%%\_%".into())));
    }

    #[test]
    fn one_character_is_too_little_and_a_page_of_them_too_much() {
        assert_eq!(Name::parse(" 张 "), Err(Vague::Short));
        assert_eq!(Address::parse("1"), Err(Vague::Short));
        assert_eq!(Address::parse(&"村".repeat(61)), Err(Vague::Long));
    }

    #[test]
    fn an_address_is_found_however_its_digits_and_spaces_are_written() {
        let wanted = Address::parse("１2栋").unwrap_or(Address(String::new()));
        assert!(wanted.is_in(Some("腾飞路 12 栋3室")) && !wanted.is_in(Some("腾飞路1栋2室")) && !wanted.is_in(None));
    }
}
