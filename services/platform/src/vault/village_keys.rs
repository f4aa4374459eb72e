//! What seals, opens and finds the sensitive fields of one village.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use proto::names::VillageCode;

use super::seal::{KEY_BYTES, crypto, open_bytes, seal_bytes};
use crate::error::{Error, Result};

/// What a sealed field that names its key's version begins with. One from before versions begins with its nonce, which is
/// random: that it looks like this is as good as impossible, and is tried nevertheless.
const VERSIONED: [u8; 4] = [0xf5, b'l', b'x', 1];
/// How many bytes tell the version, those four and the version's own.
pub(super) const PREFIX: usize = 8;
/// The version of fields that do not say theirs.
const FIRST: i32 = 1;

/// The keys of one village: the one that seals, those that open, and the one that finds.
#[derive(Clone)]
pub struct VillageKeys {
    village: VillageCode,
    current: i32,
    sealing: Arc<RandomizedNonceKey>,
    opening: Arc<BTreeMap<i32, Arc<RandomizedNonceKey>>>,
    finding: hmac::Key,
}

impl VillageKeys {
    /// Of data keys by version, the current one's version, and the key of the blind indexes.
    pub(super) fn new(
        village: VillageCode,
        current: i32,
        keys: impl IntoIterator<Item = (i32, Vec<u8>)>,
        finding: &[u8],
    ) -> Result<Self> {
        let mut opening = BTreeMap::new();
        for (version, key) in keys {
            opening.insert(version, Arc::new(RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(crypto)?));
        }
        let sealing = opening.get(&current).cloned().ok_or_else(|| Error::internal("a village has no current key"))?;
        let finding = hmac::Key::new(hmac::HMAC_SHA256, finding);
        Ok(Self { village, current, sealing, opening: Arc::new(opening), finding })
    }

    /// Seals a text: the key's version, nonce, ciphertext and tag.
    ///
    /// # Errors
    /// Only when the machine has no randomness to give.
    pub fn seal(&self, text: &str) -> Result<Vec<u8>> {
        let mut sealed = prefix(self.current).to_vec();
        sealed.append(&mut seal_bytes(&self.sealing, &self.village, text.as_bytes())?);
        Ok(sealed)
    }

    /// Opens what [`VillageKeys::seal`] sealed, now or under a key that was current before.
    ///
    /// # Errors
    /// When it was altered, sealed for another village, or under a key that is gone.
    pub fn open(&self, sealed: &[u8]) -> Result<String> {
        String::from_utf8(self.open_bytes(sealed)?).map_err(Error::internal)
    }

    fn open_bytes(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let version = version_of(sealed);
        let named = version.and_then(|version| self.opening.get(&version));
        if let (Some(key), Some(rest)) = (named, sealed.get(PREFIX..))
            && let Ok(text) = open_bytes(key, &self.village, rest.to_vec())
        {
            return Ok(text);
        }
        match (self.opening.get(&FIRST), version) {
            (None, _) => Err(Error::internal(format!(
                "a field of {} is sealed under version {} of its key, which is not among {:?}",
                self.village,
                version.unwrap_or(FIRST),
                self.opening.keys()
            ))),
            (Some(first), _) => open_bytes(first, &self.village, sealed.to_vec()),
        }
    }

    /// Seals what was sealed under a former key again, under the current one.
    pub(super) fn renew(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut renewed = prefix(self.current).to_vec();
        renewed.append(&mut seal_bytes(&self.sealing, &self.village, &self.open_bytes(sealed)?)?);
        Ok(renewed)
    }

    /// What every field begins with that is sealed under the current key.
    pub(super) fn prefix(&self) -> [u8; PREFIX] {
        prefix(self.current)
    }

    /// The blind index of a text: the same for the same text in this village, and nothing else.
    #[must_use]
    pub fn index(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.finding, text.as_bytes()).as_ref().to_vec()
    }
}

/// The key of the blind indexes as it follows from a village's first data key.
pub(super) fn derived_finding(data_key: &[u8]) -> Result<[u8; KEY_BYTES]> {
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"lianxin").extract(data_key);
    let mut finding = [0; KEY_BYTES];
    derived.expand(&[b"blind index"], hkdf::HKDF_SHA256).and_then(|key| key.fill(&mut finding)).map_err(crypto)?;
    Ok(finding)
}

/// What every field begins with that is sealed under this version.
pub(super) fn prefix(version: i32) -> [u8; PREFIX] {
    let [a, b, c, d] = VERSIONED;
    let [e, f, g, h] = version.to_be_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Under which version a field says that it is sealed.
fn version_of(sealed: &[u8]) -> Option<i32> {
    let (named, rest) = sealed.split_at_checked(VERSIONED.len())?;
    let version = rest.first_chunk()?;
    (named == VERSIONED).then(|| i32::from_be_bytes(*version))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    /// Keys by version, each of one byte repeated; the last is the current one.
    fn keys(village: &str, versions: &[(i32, u8)]) -> VillageKeys {
        let all = versions.iter().map(|(version, key)| (*version, vec![*key; KEY_BYTES]));
        let current = versions.last().unwrap().0;
        VillageKeys::new(village.parse().unwrap(), current, all, &[9; KEY_BYTES]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_village_and_nowhere_else() {
        let home = keys("430112011211", &[(1, 1)]);
        let sealed = home.seal("19000040001").unwrap();
        assert_eq!(home.open(&sealed).unwrap(), "19000040001");
        assert!(keys("430112011212", &[(1, 1)]).open(&sealed).is_err());
        assert!(keys("430112011211", &[(1, 2)]).open(&sealed).is_err());
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time_and_indexed_the_same() {
        let keys = keys("430112011211", &[(1, 1)]);
        assert_ne!(keys.seal("a").unwrap(), keys.seal("a").unwrap());
        assert_eq!(keys.index("a"), keys.index("a"));
        assert_ne!(keys.index("a"), keys.index("b"));
    }

    #[test]
    fn an_altered_field_does_not_open() {
        let keys = keys("430112011211", &[(1, 1)]);
        let sealed = keys.seal("19000040001").unwrap();
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            *altered.get_mut(place).unwrap() ^= 1;
            assert!(keys.open(&altered).is_err(), "{place}");
            assert!(keys.open(sealed.get(..place).unwrap()).is_err(), "{place}");
        }
    }

    #[test]
    fn a_field_opens_while_its_key_is_there_and_names_the_version_when_it_is_not() {
        let (first, both) = (keys("430112011211", &[(1, 1)]), keys("430112011211", &[(1, 1), (2, 2)]));
        let (old, new) = (first.seal("a").unwrap(), both.seal("a").unwrap());
        assert_eq!((both.open(&old).unwrap(), both.open(&new).unwrap()), ("a".to_owned(), "a".to_owned()));
        let renewed = both.renew(&old).unwrap();
        assert!(renewed.starts_with(&prefix(2)));
        let second = keys("430112011211", &[(2, 2)]);
        assert_eq!(second.open(&renewed).unwrap(), "a");
        let gone = second.open(&old).unwrap_err().in_full();
        assert!(gone.contains("version 1"), "{gone}");
    }

    #[test]
    fn a_field_from_before_versions_is_the_first_keys() {
        let village = "430112011211".parse().unwrap();
        let key = RandomizedNonceKey::new(&AES_256_GCM, &[1; KEY_BYTES]).unwrap();
        let bare = seal_bytes(&key, &village, b"19000040001").unwrap();
        let both = keys("430112011211", &[(1, 1), (2, 2)]);
        assert_eq!(both.open(&bare).unwrap(), "19000040001");
        assert!(keys("430112011211", &[(2, 2)]).open(&bare).is_err());
        assert_eq!(both.open(&both.renew(&bare).unwrap()).unwrap(), "19000040001");
    }

    #[test]
    fn the_index_that_follows_from_the_first_key_is_the_one_from_before_versions() {
        let key = [1; KEY_BYTES];
        let before: hmac::Key = hkdf::Salt::new(hkdf::HKDF_SHA256, b"lianxin")
            .extract(&key)
            .expand(&[b"blind index"], hmac::HMAC_SHA256)
            .unwrap()
            .into();
        let finding = derived_finding(&key).unwrap();
        let now = VillageKeys::new("430112011211".parse().unwrap(), 1, [(1, key.to_vec())], &finding).unwrap();
        assert_eq!(now.index("a"), hmac::sign(&before, b"a").as_ref());
    }
}
