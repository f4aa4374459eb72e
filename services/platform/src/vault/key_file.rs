//! The key file: the keys that wrap every village's data key. It is never in a database.
//!
//! A line is a key: an id, a colon, 32 bytes in base64. The last line is the key under which data keys are wrapped from now
//! on; those before it stay for what was wrapped under them. Whoever loses the file loses every sealed field.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::names::VillageCode;

use super::seal::{open_bytes, random_key, seal_bytes};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Longest id of a key.
const ID_LENGTH: usize = 40;

/// The keys of a key file, the newest last.
pub struct WrappingKeys(Vec<WrappingKey>);

struct WrappingKey {
    id: String,
    key: RandomizedNonceKey,
    /// Derived from the same bytes (HKDF, RFC 5869): signs clearances, and can wrap nothing.
    clearing: hmac::Key,
}

impl WrappingKeys {
    /// A line of a new key: an id, a colon, 32 random bytes in base64.
    ///
    /// # Errors
    /// When the id is not a plain word, or the machine has no randomness to give.
    pub fn new_key(id: &str) -> Result<Secret> {
        if !is_plain(id) {
            return Err(Error::internal(format!(
                "{id:?} is no id of a key: letters, digits, - . _ and at most {ID_LENGTH}"
            )));
        }
        Ok(Secret::new(format!("{id}:{}", STANDARD.encode(random_key()?))))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read or is none; the error names the line, never a key.
    pub fn read(path: &Path) -> Result<Self> {
        let in_file = |cause: String| Error::internal(format!("key file {}: {cause}", path.display()));
        let text = Secret::from_file(path).map_err(|error| in_file(error.to_string()))?;
        Self::parse(&text).map_err(|error| in_file(error.in_full()))
    }

    /// The keys in the text of a key file.
    ///
    /// # Errors
    /// As [`WrappingKeys::read`].
    pub fn parse(text: &Secret) -> Result<Self> {
        let mut keys: Vec<WrappingKey> = Vec::new();
        for (place, line) in text.expose().lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |what: &str| Error::internal(format!("line {}: {what}", place + 1));
            let (id, key) = line.trim().split_once(':').ok_or_else(|| wrong("no `id:key`"))?;
            let key = STANDARD.decode(key).map_err(|_| wrong("the key is not base64"))?;
            let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"lianxin").extract(&key);
            let clearing = derived.expand(&[b"clearance of public texts"], hmac::HMAC_SHA256);
            let clearing = clearing.map_err(|_| wrong("nothing can be derived from the key"))?.into();
            let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| wrong("the key is not 32 bytes"))?;
            if !is_plain(id) {
                return Err(wrong("an id is letters, digits, - . _"));
            }
            if keys.iter().any(|known| known.id == id) {
                return Err(wrong("its id is there already"));
            }
            keys.push(WrappingKey { id: id.to_owned(), key, clearing });
        }
        if keys.is_empty() {
            return Err(Error::internal("it holds no key"));
        }
        Ok(Self(keys))
    }

    /// The ids of its keys, the newest last.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// The id of the key under which data keys are wrapped from now on.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.0.last().map_or("", |key| &key.id)
    }

    /// Signs a clearance with the newest key.
    pub(super) fn sign_clearance(&self, said: &[u8]) -> Result<Vec<u8>> {
        let newest = self.0.last().ok_or_else(|| Error::internal("the key file holds no key"))?;
        Ok(hmac::sign(&newest.clearing, said).as_ref().to_vec())
    }

    /// Did one of the keys sign this? While a new key is brought in, not every service has seen it yet.
    pub(super) fn is_clearance(&self, said: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| hmac::verify(&key.clearing, said, signature).is_ok())
    }

    /// Wraps a village's key under the newest; says under which.
    pub(super) fn wrap(&self, village: &VillageCode, key: &[u8]) -> Result<(&str, Vec<u8>)> {
        let newest = self.0.last().ok_or_else(|| Error::internal("the key file holds no key"))?;
        Ok((&newest.id, seal_bytes(&newest.key, village, key)?))
    }

    /// Unwraps a village's key.
    pub(super) fn unwrap(&self, village: &VillageCode, wrapped_by: &str, wrapped: &[u8]) -> Result<Vec<u8>> {
        let Some(wrapping) = self.0.iter().find(|key| key.id == wrapped_by) else {
            return Err(Error::internal(format!(
                "the data key of {village} is wrapped by key {wrapped_by}, which is missing in the key file: it holds {}",
                self.ids().collect::<Vec<_>>().join(", ")
            )));
        };
        open_bytes(&wrapping.key, village, wrapped.to_vec()).map_err(|_| {
            Error::internal(format!(
                "the key file has another key {wrapped_by} than the one that wrapped the data key of {village}"
            ))
        })
    }
}

/// Adds a new key to a key file, as its newest. What is there stays untouched, whenever the machine fails: a container
/// that was given the file sees the same file grow.
///
/// # Errors
/// When the id is there already, or the file cannot be written.
pub fn add(path: &Path, id: &str) -> Result<()> {
    if WrappingKeys::read(path)?.ids().any(|known| known == id) {
        return Err(Error::internal(format!("the key file has a key {id} already")));
    }
    let line = WrappingKeys::new_key(id)?;
    append(path, line.expose()).map_err(|error| Error::internal(format!("key file {}: {error}", path.display())))
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let break_before = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{break_before}{line}\n").as_bytes())?;
    file.sync_all()
}

/// Takes a key out of a key file. Nothing may be wrapped under it any more: the caller has seen to that.
///
/// # Errors
/// When the key is not there, is the newest, or the file cannot be replaced.
pub fn remove(path: &Path, id: &str) -> Result<()> {
    let keys = WrappingKeys::read(path)?;
    if keys.newest() == id || !keys.ids().any(|known| known == id) {
        return Err(Error::internal(format!("key {id} is not in the key file, or is its newest")));
    }
    let failed = |error: std::io::Error| Error::internal(format!("key file {}: {error}", path.display()));
    let text = Secret::from_file(path).map_err(failed)?;
    let own = format!("{id}:");
    let kept = text.expose().lines().filter(|line| !line.trim().starts_with(&own)).collect::<Vec<_>>().join("\n");
    replace(path, &Secret::new(format!("{kept}\n"))).map_err(failed)
}

/// The file is the old one or the new one, whenever the machine fails.
fn replace(path: &Path, text: &Secret) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.set_permissions(std::fs::metadata(path)?.permissions())?;
    file.write_all(text.expose().as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn is_plain(id: &str) -> bool {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    plain && !id.is_empty() && id.len() <= ID_LENGTH
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn village() -> VillageCode {
        "430112011211".parse().unwrap()
    }

    #[test]
    fn a_key_is_added_behind_those_that_are_there_and_wraps_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        std::fs::write(&path, WrappingKeys::new_key("1").unwrap().expose()).unwrap();
        let before = WrappingKeys::read(&path).unwrap();
        let (by, wrapped) = before.wrap(&village(), b"data key").unwrap();
        assert_eq!(by, "1");
        add(&path, "2024-05").unwrap();
        let after = WrappingKeys::read(&path).unwrap();
        assert_eq!(after.ids().collect::<Vec<_>>(), ["1", "2024-05"]);
        assert_eq!(after.unwrap(&village(), "1", &wrapped).unwrap(), b"data key");
        assert_eq!(after.wrap(&village(), b"data key").unwrap().0, "2024-05");
        assert!(add(&path, "1").is_err());
    }

    #[test]
    fn the_newest_key_is_not_removed_and_others_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        std::fs::write(&path, WrappingKeys::new_key("1").unwrap().expose()).unwrap();
        add(&path, "11").unwrap();
        assert!(remove(&path, "11").is_err());
        assert!(remove(&path, "2").is_err());
        remove(&path, "1").unwrap();
        assert_eq!(WrappingKeys::read(&path).unwrap().ids().collect::<Vec<_>>(), ["11"]);
    }

    #[test]
    fn a_missing_key_and_a_wrong_one_are_named() {
        let [one, other, two] =
            ["1", "1", "2"].map(|id| WrappingKeys::parse(&WrappingKeys::new_key(id).unwrap()).unwrap());
        let (_, wrapped) = one.wrap(&village(), b"data key").unwrap();
        let missing = two.unwrap(&village(), "1", &wrapped).unwrap_err().in_full();
        assert!(missing.contains("wrapped by key 1") && missing.contains("holds 2"), "{missing}");
        let wrong = other.unwrap(&village(), "1", &wrapped).unwrap_err().in_full();
        assert!(wrong.contains("another key 1"), "{wrong}");
    }

    #[test]
    fn a_file_that_is_none_is_refused_by_its_line_and_tells_no_key() {
        let key = WrappingKeys::new_key("1").unwrap();
        let doubled = format!("{}\n\n{}", key.expose(), key.expose());
        for (text, wrong) in [("", "no key"), ("abc", "line 1"), ("1:abc", "line 1"), (doubled.as_str(), "line 3")] {
            let error = WrappingKeys::parse(&Secret::new(text)).err().unwrap().in_full();
            assert!(error.contains(wrong) && !error.contains("abc"), "{error}");
        }
    }
}
