//! Content sealed segment by segment (AES-256-GCM), so that it goes out again without ever being whole in memory.
//!
//! Each object has a key of its own, and each segment is sealed for its place in it and how many there are: none can be
//! moved, doubled or left out.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use bytes::{Bytes, BytesMut};
use platform::{Error, Result, Secret};

/// Bytes of a segment before it is sealed.
const SEGMENT: usize = 256 * 1024;
/// What sealing adds to each: nonce and tag.
const ADDED: usize = NONCE_LEN + 16;

/// What seals and opens one object.
#[derive(Clone)]
pub(super) struct ContentKey(Arc<RandomizedNonceKey>);

impl ContentKey {
    /// A new key, as text to be sealed with the village's.
    pub(super) fn draw() -> Result<Secret> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(crypto)?;
        Ok(Secret::new(super::hex(&key)))
    }

    /// The key of a text that was drawn.
    pub(super) fn read(text: &Secret) -> Result<Self> {
        let digits = text.expose().as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let key: Option<Vec<u8>> = digits.map(byte).collect();
        let key = key.ok_or_else(|| Error::internal("the key of an object is none"))?;
        Ok(Self(Arc::new(RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(crypto)?)))
    }

    /// Seals content.
    pub(super) fn seal(&self, content: &[u8]) -> Result<Vec<Bytes>> {
        let of = segments(content.len());
        let seal = |(at, segment): (usize, &[u8])| -> Result<Bytes> {
            let mut body = segment.to_vec();
            let nonce = self.0.seal_in_place_append_tag(place(at, of), &mut body).map_err(crypto)?;
            Ok([&nonce.as_ref()[..], &body].concat().into())
        };
        content.chunks(SEGMENT).enumerate().map(seal).collect()
    }

    fn open(&self, at: usize, of: usize, sealed: &[u8]) -> Result<Bytes> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(crypto)?;
        let mut body = body.to_vec();
        let length = self.0.open_in_place(nonce, place(at, of), &mut body).map_err(|_| altered())?.len();
        body.truncate(length);
        Ok(body.into())
    }
}

fn place(at: usize, of: usize) -> Aad<String> {
    Aad::from(format!("{at}/{of}"))
}

fn segments(size: usize) -> usize {
    size.div_ceil(SEGMENT).max(1)
}

fn altered() -> Error {
    Error::internal("a segment of an object does not open: altered, or of another place")
}

fn crypto(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::internal("the cryptographic provider failed")
}

/// Opens content as it comes from the store, in pieces of any size.
pub(super) struct Opener {
    key: ContentKey,
    of: usize,
    at: usize,
    waiting: BytesMut,
}

impl Opener {
    /// For an object whose content has so many bytes.
    pub(super) fn new(key: ContentKey, size: i64) -> Result<Self> {
        let of = segments(usize::try_from(size).map_err(Error::internal)?);
        Ok(Self { key, of, at: 0, waiting: BytesMut::new() })
    }

    /// Takes a piece, and answers the segments that are whole with it.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<Bytes>> {
        self.waiting.extend_from_slice(piece);
        let mut opened = Vec::new();
        while self.waiting.len() >= SEGMENT + ADDED {
            let sealed = self.waiting.split_to(SEGMENT + ADDED);
            opened.push(self.open(&sealed)?);
        }
        Ok(opened)
    }

    /// The last segment, if it was shorter than the others.
    ///
    /// # Errors
    /// When not all of it came.
    pub(super) fn finish(&mut self) -> Result<Option<Bytes>> {
        let rest = self.waiting.split();
        let last = if rest.is_empty() { None } else { Some(self.open(&rest)?) };
        if self.at == self.of { Ok(last) } else { Err(Error::internal("an object is shorter than its record says")) }
    }

    fn open(&mut self, sealed: &[u8]) -> Result<Bytes> {
        let opened = self.key.open(self.at, self.of, sealed)?;
        self.at += 1;
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;

    fn opened(key: &ContentKey, size: usize, stored: &[u8], piece: usize) -> Result<Vec<u8>> {
        let mut opener = Opener::new(key.clone(), size.try_into().unwrap())?;
        let mut content = Vec::new();
        for piece in stored.chunks(piece) {
            opener.take(piece)?.iter().for_each(|segment| content.extend_from_slice(segment));
        }
        content.extend(opener.finish()?.unwrap_or_default());
        Ok(content)
    }

    #[test]
    fn what_was_sealed_opens_in_pieces_of_any_size_and_nothing_of_it_can_be_left_out_or_moved() {
        let key = ContentKey::read(&ContentKey::draw().unwrap()).unwrap();
        for size in [1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT] {
            let content: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let sealed = key.seal(&content).unwrap();
            let stored = sealed.concat();
            for piece in [1000, SEGMENT, stored.len()] {
                assert_eq!(opened(&key, size, &stored, piece).unwrap(), content);
            }
            let mut altered = stored.clone();
            altered[size / 2] ^= 1;
            assert!(opened(&key, size, &altered, 1000).is_err());
            assert!(opened(&key, size, &stored[..stored.len() - 1], 1000).is_err());
            if sealed.len() > 1 {
                assert!(opened(&key, size, &sealed[..sealed.len() - 1].concat(), 1000).is_err());
                let swapped = [&sealed[1][..], &sealed[0]].concat();
                assert!(opened(&key, size, &swapped, 1000).is_err());
            }
            let other = ContentKey::read(&ContentKey::draw().unwrap()).unwrap();
            assert!(opened(&other, size, &stored, 1000).is_err());
        }
    }
}
