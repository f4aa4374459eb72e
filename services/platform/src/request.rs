//! `request_id`: the same request sent again, by a slow link or fifty times at once, acts once and is
//! answered every time with what the first one made.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use prost::Message;
use proto::names::VillageCode;
use proto::reasons;
use uuid::Uuid;

use crate::database::{Database, Tx};
use crate::error::{Error, Result};
use crate::scope::Scope;

/// A phone that was offline repeats its requests within days; a record of each that was ever made would outgrow the village.
const KEPT_DAYS: i32 = 7;
/// Requests forgotten in one transaction.
const FORGOTTEN_AT_ONCE: i64 = 5_000;
/// How often it is looked for old ones.
const FORGET_INTERVAL: Duration = Duration::from_secs(60 * 60);

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

    /// By what two requests are the same; none for one that is always new.
    #[must_use]
    pub fn key(&self) -> Option<Uuid> {
        self.id
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
        self.claim_of(tx, village.as_str(), record).await
    }

    /// The same, about a record of a place: a village, or what several villages lie in, by its code.
    ///
    /// # Errors
    /// As [`Request::claim`].
    pub async fn claim_of(&self, tx: &mut Tx, place: &str, record: &str) -> Result<Option<String>> {
        let claims = claim_all(tx, &[(self, place, record.to_owned())]).await?;
        claims.into_iter().next().unwrap_or(Ok(None))
    }
}

/// Claims several requests at once, no two of them the same, each as [`Request::claim_of`] does.
///
/// # Errors
/// When the database refuses; what is wrong with one of them is its own answer.
pub async fn claim_all(tx: &mut Tx, asked: &[(&Request, &str, String)]) -> Result<Vec<Result<Option<String>>>> {
    let ids: Vec<(&str, Uuid)> =
        asked.iter().filter_map(|(request, village, _)| Some((*village, request.id?))).collect();
    if ids.is_empty() {
        return Ok(asked.iter().map(|_| Ok(None)).collect());
    }
    let named = || asked.iter().filter(|(request, ..)| request.id.is_some());
    let villages: Vec<&str> = ids.iter().map(|(village, _)| *village).collect();
    let keys: Vec<Uuid> = ids.iter().map(|(_, id)| *id).collect();
    // In order, so that two transactions do not wait for each other.
    let claimed: Vec<(String, Uuid)> = sqlx::query_as(
        "insert into request (village, id, fingerprint, record)
         select * from unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[]) as asked (village, id, fingerprint, record)
          order by village, id
         on conflict (village, id) do nothing
         returning village, id",
    )
    .bind(&villages)
    .bind(&keys)
    .bind(named().map(|(request, ..)| request.fingerprint.as_slice()).collect::<Vec<_>>())
    .bind(named().map(|(.., record)| record.as_str()).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    if claimed.len() == keys.len() {
        return Ok(asked.iter().map(|_| Ok(None)).collect());
    }
    let claimed: HashSet<(String, Uuid)> = claimed.into_iter().collect();
    let there: Vec<(String, Uuid, Vec<u8>, String)> = sqlx::query_as(
        "select village, id, fingerprint, record
           from unnest($1::text[], $2::uuid[]) as asked (village, id)
           join request using (village, id)",
    )
    .bind(&villages)
    .bind(&keys)
    .fetch_all(&mut **tx)
    .await?;
    let there: HashMap<(String, Uuid), (Vec<u8>, String)> = there
        .into_iter()
        .map(|(village, id, fingerprint, record)| ((village, id), (fingerprint, record)))
        .filter(|(key, _)| !claimed.contains(key))
        .collect();
    let answer = |request: &Request, village: &str| {
        let (fingerprint, record) = there.get(&(village.to_owned(), request.id?))?;
        Some(if *fingerprint == request.fingerprint {
            Ok(record.clone())
        } else {
            Err(Error::refused(
                reasons::REQUEST_ID_REUSED,
                "this request_id was used before with another content; make a new one for a new request",
            ))
        })
    };
    Ok(asked.iter().map(|(request, village, _)| answer(request, village).transpose()).collect())
}

/// Gives claims back, of requests that were refused while others in the transaction were not.
///
/// # Errors
/// When the database refuses.
pub async fn give_back(tx: &mut Tx, refused: &[(&Request, VillageCode)]) -> Result<()> {
    let refused: Vec<(&str, Uuid)> =
        refused.iter().filter_map(|(request, village)| Some((village.as_str(), request.id?))).collect();
    if refused.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "delete from request
          using unnest($1::text[], $2::uuid[]) as refused (village, id)
          where request.village = refused.village and request.id = refused.id",
    )
    .bind(refused.iter().map(|(village, _)| *village).collect::<Vec<_>>())
    .bind(refused.iter().map(|(_, id)| *id).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets old requests, every hour. Never returns; any number of replicas may.
pub(crate) async fn forget_from_time_to_time(database: Database) {
    loop {
        if let Err(error) = forget_old(&database).await {
            tracing::warn!(error = error.in_full(), "old requests are not forgotten; trying again in an hour");
        }
        tokio::time::sleep(FORGET_INTERVAL).await;
    }
}

/// Forgets the requests that nobody repeats any more, and says how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn forget_old(database: &Database) -> Result<u64> {
    let mut forgotten = 0;
    loop {
        let mut tx = database.begin(&Scope::deployment()).await?;
        let gone = sqlx::query(
            "delete from request
              where (village, id) in (select village, id
                                        from request
                                       where at < now() - make_interval(days => $1)
                                       limit $2
                                         for update skip locked)",
        )
        .bind(KEPT_DAYS)
        .bind(FORGOTTEN_AT_ONCE)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        forgotten += gone;
        if gone == 0 {
            return Ok(forgotten);
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
