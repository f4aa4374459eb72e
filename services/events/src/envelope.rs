//! CloudEvents 1.0 in binary mode (NATS protocol binding): attributes in `ce-*` headers, the protobuf
//! message as payload, the trace context as `traceparent`.

use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use platform::{Error, Result};
use proto::events::Event;
use proto::names::VillageCode;

use crate::changes::place_of;

/// A change as it goes out.
pub(crate) struct Outgoing {
    pub(crate) village: String,
    pub(crate) record: String,
    pub(crate) revision: i64,
    pub(crate) noun: String,
    pub(crate) type_name: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) recorded_at: DateTime<Utc>,
}

impl Outgoing {
    pub(crate) fn subject(&self, service: &str) -> String {
        format!("lianxin.v1.{}.{service}.{}", self.village, self.noun)
    }

    pub(crate) fn headers(&self, service: &str) -> HeaderMap {
        let id = format!("{}@{}", self.record, self.revision);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id.as_str());
        headers.insert("ce-specversion", "1.0");
        headers.insert("ce-id", id.as_str());
        headers.insert("ce-source", format!("/lianxin/{service}"));
        headers.insert("ce-type", self.type_name.as_str());
        headers.insert("ce-subject", self.record.as_str());
        headers.insert("ce-revision", self.revision.to_string());
        headers.insert("ce-time", self.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true));
        headers.insert("ce-datacontenttype", "application/protobuf");
        if let Some(traceparent) = &self.traceparent {
            headers.insert("traceparent", traceparent.as_str());
        }
        headers
    }
}

/// One piece of news as a reader gets it.
#[derive(Debug, Clone)]
pub struct News {
    /// The village it is about.
    pub village: VillageCode,
    /// Resource name of the record.
    pub record: String,
    /// Revision of the record.
    pub revision: i64,
    /// Full name of the message.
    pub type_name: String,
    /// Trace context of the request that made the change.
    pub traceparent: Option<String>,
    /// The message.
    pub event: Bytes,
}

/// The type that a message says it is: what a reader does not know it need not read any further.
pub(crate) fn type_of(headers: Option<&HeaderMap>) -> Option<&str> {
    headers?.get("ce-type").map(HeaderValue::as_str)
}

impl News {
    /// Reads the envelope of a message about a village's record.
    ///
    /// # Errors
    /// When a header is missing: somebody else's message on our subject.
    pub(crate) fn read(headers: Option<&HeaderMap>, event: Bytes) -> Result<Self> {
        let header =
            |name: &'static str| headers.and_then(|headers| headers.get(name)).map(|value| value.as_str().to_owned());
        let required = |name| header(name).ok_or_else(|| Error::internal(format!("news without {name}")));
        let record = required("ce-subject")?;
        let village = place_of(&record).and_then(|place| place.parse().ok());
        Ok(Self {
            village: village.ok_or_else(|| Error::internal("news of no village"))?,
            record,
            revision: required("ce-revision")?.parse().map_err(Error::internal)?,
            type_name: required("ce-type")?,
            traceparent: header("traceparent"),
            event,
        })
    }

    /// Is this an `E`?
    #[must_use]
    pub fn is<E: Event>(&self) -> bool {
        self.type_name == E::full_name()
    }

    /// The message, if it is an `E`.
    ///
    /// # Errors
    /// When it says it is one and cannot be decoded.
    pub fn decode<E: Event>(&self) -> Result<Option<E>> {
        if !self.is::<E>() {
            return Ok(None);
        }
        E::decode(self.event.clone()).map(Some).map_err(Error::internal)
    }
}

/// All the `E` in a batch of news.
///
/// # Errors
/// When one cannot be decoded.
pub fn all<E: Event>(news: &[News]) -> Result<Vec<E>> {
    news.iter().filter_map(|one| one.decode().transpose()).collect()
}

/// Of each record the newest revision (of types that are wanted so: every revision, once), in the order of record names:
/// what the batch comes down to, and an order in which two replicas cannot block each other.
#[must_use]
pub(crate) fn newest(mut news: Vec<News>, wants_every: impl Fn(&str) -> bool) -> Vec<News> {
    news.sort_by(|a, b| (&a.type_name, &a.record, b.revision).cmp(&(&b.type_name, &b.record, a.revision)));
    news.dedup_by(|later, kept| {
        later.type_name == kept.type_name
            && later.record == kept.record
            && (later.revision == kept.revision || !wants_every(&later.type_name))
    });
    news
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use proptest::prelude::*;

    fn news(record: u8, revision: i64) -> News {
        News {
            village: "430112011211".parse().unwrap(),
            record: format!("villages/430112011211/grids/{record:03}"),
            revision,
            type_name: "t".into(),
            traceparent: None,
            event: Bytes::new(),
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let outgoing = Outgoing {
            village: "430112011211".into(),
            record: "villages/430112011211/grids/001".into(),
            revision: 3,
            noun: "grid".into(),
            type_name: "lianxin.registry.v1.GridChanged".into(),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            recorded_at: Utc::now(),
        };
        assert_eq!(outgoing.subject("registry"), "lianxin.v1.430112011211.registry.grid");
        let read = News::read(Some(&outgoing.headers("registry")), Bytes::new()).unwrap();
        assert_eq!((read.record, read.revision, read.type_name), (outgoing.record, 3, outgoing.type_name));
        assert_eq!(read.traceparent, outgoing.traceparent);
    }

    #[test]
    fn a_foreign_message_is_not_news() {
        assert!(News::read(None, Bytes::new()).is_err());
        assert_eq!(type_of(None), None);
    }

    proptest! {
        #[test]
        fn a_batch_comes_down_to_the_newest_of_each_record(batch in proptest::collection::vec((0_u8..5, 1_i64..9), 0..40)) {
            let kept = newest(batch.iter().map(|(record, revision)| news(*record, *revision)).collect(), |_| false);
            for one in &kept {
                let newest = batch.iter().filter(|(record, _)| one.record.ends_with(&format!("{record:03}"))).map(|(_, revision)| *revision).max();
                prop_assert_eq!(Some(one.revision), newest);
            }
            let records: std::collections::BTreeSet<_> = batch.iter().map(|(record, _)| record).collect();
            prop_assert_eq!(kept.len(), records.len());
        }
    }
}
