//! Disclosures in the database: two tables that are read as one.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use platform::{Error, Result, Tx};
use proto::names::VillageCode;
use proto::reasons;

use super::{Filter, Kind};
use crate::reveal::Purpose;

/// One time that somebody was given something.
#[derive(sqlx::FromRow)]
pub(crate) struct Entry {
    pub(super) kind: Kind,
    entry: i64,
    pub(super) record: String,
    pub(super) sheet: String,
    pub(super) purpose: Option<Purpose>,
    pub(super) note: String,
    pub(super) fields: Vec<String>,
    pub(super) subject: String,
    pub(super) office: String,
    pub(super) at: DateTime<Utc>,
}

/// Where in the list an entry stands: by its time, then by its table, then by its number there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    at: DateTime<Utc>,
    kind: Kind,
    entry: i64,
}

impl Entry {
    pub(super) fn place(&self) -> Place {
        Place { at: self.at, kind: self.kind, entry: self.entry }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.at.timestamp_micros(), self.kind.as_str(), self.entry)
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = || {
            let (at, rest) = text.split_once('/')?;
            let (kind, entry) = rest.split_once('/')?;
            let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
            Some(Self { at, kind: Kind::from_word(kind)?, entry: entry.parse().ok()? })
        };
        let unknown = || Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave");
        parsed().ok_or_else(unknown)
    }
}

/// The latest first, after a place: who looks after them looks for what is new. As many as are asked for are read of each
/// table, in its own order, and no more.
pub(super) async fn disclosure_list(
    tx: &mut Tx,
    village: &VillageCode,
    filter: &Filter,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let after = after.as_ref();
    Ok(sqlx::query_as(
        "(select 'record' as kind, entry, record, '' as sheet, purpose, note, fields, subject, office, at
            from reveal
           where village = $1
             and ($2::text is null or $2 = 'record')
             and ($3::text is null or record = $3 or record ^@ ($3 || '/'))
             and ($5::text is null or subject = $5)
             and ($6::timestamptz is null or at >= $6)
             and ($7::timestamptz is null or at < $7)
             and ($8::timestamptz is null or at <= $8 and (at, 'record'::text, entry) < ($8, $9::text, $10::bigint))
           order by at desc, entry desc
           limit $11)
         union all
         (select 'roster', entry, '', sheet, null, purpose, '{}', subject, office, at
            from roster_export
           where village = $1
             and ($2::text is null or $2 = 'roster')
             and ($3::text is null or sheet = '' or sheet = any($4))
             and ($5::text is null or subject = $5)
             and ($6::timestamptz is null or at >= $6)
             and ($7::timestamptz is null or at < $7)
             and ($8::timestamptz is null or at <= $8 and (at, 'roster'::text, entry) < ($8, $9::text, $10::bigint))
           order by at desc, entry desc
           limit $11)
         order by at desc, kind desc, entry desc
         limit $11",
    )
    .bind(village.as_str())
    .bind(filter.kind)
    .bind(filter.record.as_ref().map(|record| record.name.as_str()))
    .bind(filter.record.as_ref().map(|record| record.sheets))
    .bind(&filter.disclosed_to)
    .bind(filter.from)
    .bind(filter.until)
    .bind(after.map(|place| place.at))
    .bind(after.map(|place| place.kind))
    .bind(after.map(|place| place.entry))
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
