//! Sensitive texts: sealed before they reach the database, masked before they reach a caller.
//! In between they are values that do not print themselves.

use chrono::NaiveDate;
use platform::vault::VillageKeys;
use platform::{Error, Result};
use workbook::formats::{CitizenId, Telephone};

/// Seals a text that may be absent.
pub(crate) fn seal(keys: &VillageKeys, text: Option<&str>) -> Result<Option<Vec<u8>>> {
    text.map(|text| keys.seal(text)).transpose()
}

/// Opens what [`seal`] sealed.
pub(crate) fn open(keys: &VillageKeys, sealed: Option<Vec<u8>>) -> Result<Option<String>> {
    sealed.map(|sealed| keys.open(&sealed)).transpose()
}

/// Opens a citizen ID number. Its birth date was not in the future when it was stored, and no later day changes that.
pub(crate) fn open_citizen_id(keys: &VillageKeys, sealed: Option<Vec<u8>>) -> Result<Option<CitizenId>> {
    let opened = open(keys, sealed)?;
    opened.map(|number| CitizenId::parse(&number, NaiveDate::MAX)).transpose().map_err(Error::internal)
}

/// Opens a telephone number.
pub(crate) fn open_telephone(keys: &VillageKeys, sealed: Option<Vec<u8>>) -> Result<Option<Telephone>> {
    open(keys, sealed)?.map(|number| Telephone::parse(&number)).transpose().map_err(Error::internal)
}

/// What stands where the name of somebody was who asked to be forgotten.
pub(crate) const ERASED: &str = "（已删除）";

/// `张**`: the first character, and not how many follow.
pub(crate) fn masked_name(name: &str) -> String {
    if name == ERASED { name.to_owned() } else { masked(name, 1, "**") }
}

/// `高冲村***`: about where, and not the door.
pub(crate) fn masked_address(address: &str) -> String {
    masked(address, 3, "***")
}

/// A text of the shown length or less would be shown whole: it keeps one character at most.
fn masked(text: &str, shown: usize, mask: &str) -> String {
    let length = text.chars().count();
    match length {
        0 => String::new(),
        _ => text.chars().take(shown.min(length.saturating_sub(1))).chain(mask.chars()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_can_be_read_from_its_mask(text in "[^*]{1,30}") {
            let length = text.chars().count();
            prop_assert!(masked_name(&text).trim_end_matches('*').chars().count() <= 1.min(length - 1));
            prop_assert!(masked_address(&text).trim_end_matches('*').chars().count() <= 3.min(length - 1));
        }
    }

    #[test]
    fn masks_show_little_and_never_everything() {
        assert_eq!(masked_name("张三丰"), "张**");
        assert_eq!(masked_name("张三"), "张**");
        assert_eq!(masked_name("张"), "**");
        assert_eq!(masked_name(""), "");
        assert_eq!(masked_address("高冲村第1村民小组1号"), "高冲村***");
        assert_eq!(masked_address("高冲村"), "高冲***");
    }
}
