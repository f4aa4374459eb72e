//! Sensitive fields: sealed before they reach the database, found again by a keyed blind index.
//!
//! Every village has its own data key, made with its first sensitive field and stored wrapped by the
//! key file, which is never in the database. Whoever has only one of the two has nothing. Texts are
//! sealed with AES-256-GCM; the village is authenticated with them, so that a row copied to another
//! village cannot be opened there. The blind index is HMAC-SHA-256 under a key derived from the data
//! key (HKDF, RFC 5869): equal texts of one village meet, texts of two villages never do.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::names::VillageCode;

use crate::database::Tx;
use crate::error::{Error, Result};
use crate::secret::Secret;

const KEY_BYTES: usize = 32;

/// The key file, and the data keys that it has unwrapped so far.
#[derive(Clone)]
pub struct Vault {
    id: String,
    wrapping: Arc<RandomizedNonceKey>,
    known: Arc<RwLock<HashMap<VillageCode, VillageKeys>>>,
}

impl Vault {
    /// The text of a new key file: an id for the key, a colon, 32 random bytes in base64.
    ///
    /// # Errors
    /// When the machine has no randomness to give.
    pub fn new_key(id: &str) -> Result<Secret> {
        Ok(Secret::new(format!("{id}:{}", STANDARD.encode(random_key()?))))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read or does not hold what [`Vault::new_key`] makes.
    pub fn open(path: &Path) -> Result<Self> {
        let text = Secret::from_file(path)
            .map_err(|error| Error::internal(format!("key file {}: {error}", path.display())))?;
        Self::from_key(&text)
    }

    /// A vault from the text of a key file.
    ///
    /// # Errors
    /// When it is not what [`Vault::new_key`] makes.
    pub fn from_key(text: &Secret) -> Result<Self> {
        let malformed = || Error::internal("the key file must hold `id:` and 32 bytes in base64");
        let (id, key) = text.expose().split_once(':').ok_or_else(malformed)?;
        let key = STANDARD.decode(key).map_err(|_| malformed())?;
        let wrapping = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| malformed())?;
        Ok(Self { id: id.to_owned(), wrapping: Arc::new(wrapping), known: Arc::default() })
    }

    /// The keys of `village`, made now if it has none.
    ///
    /// # Errors
    /// When the village's key was wrapped by another key file.
    pub async fn keys(&self, tx: &mut Tx, village: &VillageCode) -> Result<VillageKeys> {
        if let Some(keys) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(village) {
            return Ok(keys.clone());
        }
        if let Some((wrapped_by, wrapped, committed)) = key_get(tx, village).await? {
            let keys = self.unwrap(village, &wrapped_by, wrapped)?;
            // Not remembered before it is committed: this transaction may yet be rolled back, and what a later
            // one sealed with the lost key would never open again.
            if committed {
                self.known.write().unwrap_or_else(PoisonError::into_inner).insert(*village, keys.clone());
            }
            return Ok(keys);
        }
        let wrapped = seal(&self.wrapping, village, &random_key()?)?;
        sqlx::query(
            "insert into data_key (village, wrapped_by, wrapped) values ($1, $2, $3)
             on conflict (village) do nothing",
        )
        .bind(village.as_str())
        .bind(&self.id)
        .bind(&wrapped)
        .execute(&mut **tx)
        .await?;
        let (wrapped_by, wrapped, _) =
            key_get(tx, village).await?.ok_or_else(|| Error::internal("a data key vanished"))?;
        self.unwrap(village, &wrapped_by, wrapped)
    }

    fn unwrap(&self, village: &VillageCode, wrapped_by: &str, wrapped: Vec<u8>) -> Result<VillageKeys> {
        if wrapped_by != self.id {
            return Err(Error::internal(format!(
                "the data key of {village} was wrapped by key {wrapped_by}, the key file holds {}",
                self.id
            )));
        }
        VillageKeys::new(*village, &open(&self.wrapping, village, wrapped)?)
    }
}

/// Which key wrapped it, the wrapped key, and whether it was committed or is this transaction's own.
async fn key_get(tx: &mut Tx, village: &VillageCode) -> Result<Option<(String, Vec<u8>, bool)>> {
    Ok(sqlx::query_as(
        "select wrapped_by, wrapped, coalesce(xmin <> pg_current_xact_id_if_assigned()::xid, true)
           from data_key where village = $1",
    )
    .bind(village.as_str())
    .fetch_optional(&mut **tx)
    .await?)
}

/// What seals, opens and finds the sensitive fields of one village.
#[derive(Clone)]
pub struct VillageKeys {
    village: VillageCode,
    sealing: Arc<RandomizedNonceKey>,
    finding: hmac::Key,
}

impl VillageKeys {
    fn new(village: VillageCode, key: &[u8]) -> Result<Self> {
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(crypto)?;
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"lianxin").extract(key);
        let finding = derived.expand(&[b"blind index"], hmac::HMAC_SHA256).map_err(crypto)?.into();
        Ok(Self { village, sealing: Arc::new(sealing), finding })
    }

    /// Seals a text: nonce, ciphertext and tag.
    ///
    /// # Errors
    /// Only when the machine has no randomness to give.
    pub fn seal(&self, text: &str) -> Result<Vec<u8>> {
        seal(&self.sealing, &self.village, text.as_bytes())
    }

    /// Opens what [`VillageKeys::seal`] sealed.
    ///
    /// # Errors
    /// When it was altered, or sealed for another village.
    pub fn open(&self, sealed: &[u8]) -> Result<String> {
        let text = open(&self.sealing, &self.village, sealed.to_vec())?;
        String::from_utf8(text).map_err(Error::internal)
    }

    /// The blind index of a text: the same for the same text in this village, and nothing else.
    #[must_use]
    pub fn index(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.finding, text.as_bytes()).as_ref().to_vec()
    }
}

fn seal(key: &RandomizedNonceKey, village: &VillageCode, text: &[u8]) -> Result<Vec<u8>> {
    let mut body = text.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from(village.as_str()), &mut body).map_err(crypto)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut body);
    Ok(sealed)
}

fn open(key: &RandomizedNonceKey, village: &VillageCode, mut sealed: Vec<u8>) -> Result<Vec<u8>> {
    if sealed.len() < NONCE_LEN {
        return Err(Error::internal("a sealed field is too short"));
    }
    let mut body = sealed.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(crypto)?;
    let text = key
        .open_in_place(nonce, Aad::from(village.as_str()), &mut body)
        .map_err(|_| Error::internal("a sealed field does not open: altered, or another village's"))?;
    Ok(text.to_vec())
}

fn random_key() -> Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    rand::fill(&mut key).map_err(crypto)?;
    Ok(key)
}

fn crypto(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::internal("the cryptographic provider failed")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn keys(village: &str, key: u8) -> VillageKeys {
        VillageKeys::new(village.parse().unwrap(), &[key; KEY_BYTES]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_village_and_nowhere_else() {
        let home = keys("430112011211", 1);
        let sealed = home.seal("19000040001").unwrap();
        assert_eq!(home.open(&sealed).unwrap(), "19000040001");
        assert!(keys("430112011212", 1).open(&sealed).is_err());
        assert!(keys("430112011211", 2).open(&sealed).is_err());
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time_and_indexed_the_same() {
        let keys = keys("430112011211", 1);
        assert_ne!(keys.seal("a").unwrap(), keys.seal("a").unwrap());
        assert_eq!(keys.index("a"), keys.index("a"));
        assert_ne!(keys.index("a"), keys.index("b"));
    }

    #[test]
    fn an_altered_field_does_not_open() {
        let keys = keys("430112011211", 1);
        let mut sealed = keys.seal("19000040001").unwrap();
        *sealed.last_mut().unwrap() ^= 1;
        assert!(keys.open(&sealed).is_err());
    }
}
