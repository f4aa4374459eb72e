//! `request_id`: the same request sent again, by a slow link or fifty times at once, acts once and is
//! answered every time with what the first one made.

use aws_lc_rs::digest;
use prost::Message;
use proto::names::VillageCode;
use proto::reasons;
use uuid::Uuid;

use crate::database::Tx;
use crate::error::{Error, Result};

/// A request that may be repeated. Without an id it is always new.
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
        let id = match id {
            "" => None,
            text => Some(text.parse().map_err(|_| Error::field("request_id", "is not a UUID"))?),
        };
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(std::any::type_name::<M>().as_bytes());
        hash.update(&message.encode_to_vec());
        Ok(Self { id, fingerprint: hash.finish().as_ref().to_vec() })
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
