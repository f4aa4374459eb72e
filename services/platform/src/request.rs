//! `request_id`: the same request sent again, by a slow link or fifty times at once, acts once and is
//! answered every time with what the first one made.

use aws_lc_rs::{digest, hmac};
use prost::Message;
use proto::names::VillageCode;
use proto::reasons;
use uuid::Uuid;

use crate::database::Tx;
use crate::error::{Error, Result};

/// A request that may be repeated. Without an id it is always new.
///
/// A request may hold a citizen ID number, and of those there are few enough to try them all. So neither the id that the
/// caller chose nor a plain hash of the content is kept: the id is kept hashed, and keys the fingerprint of the content.
/// Whoever has the database alone learns from it nothing of what was sent.
#[derive(Debug, Clone)]
pub struct Request {
    id: Option<Uuid>,
    fingerprint: Vec<u8>,
}

impl Request {
    /// Reads the `request_id` of a message; the whole message is its fingerprint.
    ///
    /// # Errors
    /// When the id is neither empty nor a UUID.
    pub fn read<M: Message>(id: &str, message: &M) -> Result<Self> {
        if id.is_empty() {
            return Ok(Self::once());
        }
        let id: Uuid = id.parse().map_err(|_| Error::field("request_id", "is not a UUID"))?;
        let hashed = digest::digest(&digest::SHA256, id.as_bytes());
        let hashed = hashed.as_ref().first_chunk().ok_or_else(|| Error::internal("a digest is too short"))?;
        let mut fingerprint = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, id.as_bytes()));
        fingerprint.update(std::any::type_name::<M>().as_bytes());
        fingerprint.update(&message.encode_to_vec());
        Ok(Self { id: Some(Uuid::from_bytes(*hashed)), fingerprint: fingerprint.sign().as_ref().to_vec() })
    }

    /// A request that nobody repeats by id: a row of an import, a reaction.
    #[must_use]
    pub fn once() -> Self {
        Self { id: None, fingerprint: Vec::new() }
    }

    /// Claims the request for this transaction, which is about to make or change `record`. Answers
    /// `None` if it is new, or the record that the first one made or changed.
    ///
    /// A concurrent twin waits here until the first has committed (then sees its record) or failed
    /// (then takes its place): the primary key of the table decides, not luck.
    ///
    /// # Errors
    /// `REQUEST_ID_REUSED` when the id came with another content before.
    pub async fn claim(&self, tx: &mut Tx, village: &VillageCode, record: &str) -> Result<Option<String>> {
        let Some(id) = self.id else { return Ok(None) };
        let claimed = sqlx::query(
            "insert into request (village, id, fingerprint, record) values ($1, $2, $3, $4)
             on conflict (village, id) do nothing",
        )
        .bind(village.as_str())
        .bind(id)
        .bind(&self.fingerprint)
        .bind(record)
        .execute(&mut **tx)
        .await?;
        if claimed.rows_affected() == 1 {
            return Ok(None);
        }
        let (fingerprint, record): (Vec<u8>, String) =
            sqlx::query_as("select fingerprint, record from request where village = $1 and id = $2")
                .bind(village.as_str())
                .bind(id)
                .fetch_one(&mut **tx)
                .await?;
        if fingerprint == self.fingerprint {
            Ok(Some(record))
        } else {
            Err(Error::refused(
                reasons::REQUEST_ID_REUSED,
                "this request_id was used before with another content; make a new one for a new request",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    const ID: &str = "018f5e9e-0000-4000-8000-000000000001";

    #[test]
    fn what_is_kept_tells_neither_the_id_nor_the_content() {
        let message = proto::platform::v1::MarkRequest { parent: "villages/430112011211".into() };
        let kept = Request::read(ID, &message).unwrap();
        assert_ne!(kept.id, Some(ID.parse().unwrap()));
        assert_eq!(kept.fingerprint, Request::read(ID, &message).unwrap().fingerprint);
        // The same content under another id leaves another fingerprint: there is nothing to compare it with.
        let other = Request::read("018f5e9e-0000-4000-8000-000000000002", &message).unwrap();
        assert_ne!((kept.id, kept.fingerprint), (other.id, other.fingerprint));
    }

    #[test]
    fn without_an_id_it_is_always_new_and_half_an_id_is_refused() {
        let message = proto::platform::v1::MarkRequest::default();
        assert_eq!(Request::read("", &message).unwrap().id, None);
        assert!(Request::read("018f5e9e", &message).is_err());
    }
}
