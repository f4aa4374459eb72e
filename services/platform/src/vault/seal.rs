//! The cryptography, and nothing else: AES-256-GCM with the village authenticated.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use proto::names::VillageCode;

use crate::error::{Error, Result};

pub(super) const KEY_BYTES: usize = 32;

/// Nonce, ciphertext and tag.
pub(super) fn seal_bytes(key: &RandomizedNonceKey, village: &VillageCode, text: &[u8]) -> Result<Vec<u8>> {
    let mut body = text.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from(village.as_str()), &mut body).map_err(crypto)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut body);
    Ok(sealed)
}

pub(super) fn open_bytes(key: &RandomizedNonceKey, village: &VillageCode, mut sealed: Vec<u8>) -> Result<Vec<u8>> {
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

pub(super) fn random_key() -> Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    rand::fill(&mut key).map_err(crypto)?;
    Ok(key)
}

pub(super) fn crypto(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::internal("the cryptographic provider failed")
}
