//! How a concern goes, for whoever has its receipt: without an account, and without anyone's data.
//!
//! What is told is public by its type: a state, days, and a sentence that is the same for every concern in that state.
//! Nothing that anybody wrote is among it.

mod limit;
mod rules;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Clock, Database, Error, Result, Scope};
use proto::reasons;

use crate::concern::{OwnerKind, Receipt, State};
use limit::Limits;
pub(crate) use rules::next_step;

/// What is told of a concern.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Progress {
    pub(crate) state: State,
    pub(crate) suspended: bool,
    pub(crate) owner_kind: OwnerKind,
    pub(crate) reported_on: NaiveDate,
    pub(crate) resolved_on: Option<NaiveDate>,
    pub(crate) ended_on: Option<NaiveDate>,
    pub(crate) respond_by: Option<DateTime<Utc>>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) papers_received: i32,
    pub(crate) papers_returned: i32,
}

/// Answers those who ask.
pub(crate) struct Counter {
    database: Database,
    clock: Clock,
    limits: Mutex<Limits>,
}

impl Counter {
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, limits: Mutex::default() }
    }

    /// What became of the concern with this receipt. Whether there is none of that code takes as long to say.
    ///
    /// # Errors
    /// `NOT_FOUND`; `OVERLOADED` to those who ask too often.
    pub(crate) async fn progress(&self, peer: Option<IpAddr>, receipt: &Receipt) -> Result<Progress> {
        self.admit(peer, Some(receipt))?;
        let mut tx = self.database.read(&Scope::deployment()).await?;
        let found = sqlx::query_as(
            "select state, suspended, owner_kind, reported_on, resolved_on, ended_on, respond_by, due_at,
                    papers.received::integer as papers_received, papers.returned::integer as papers_returned
               from concern
              cross join lateral (select count(*) as received, count(returned_on) as returned
                                    from paper
                                   where concern.detailed
                                     and paper.village = concern.village
                                     and paper.concern = concern.id) as papers
              where receipt = $1",
        )
        .bind(receipt.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        found.ok_or_else(|| Error::NotFound("a concern with this receipt".to_owned()))
    }

    /// Lets somebody ask who has not asked too often.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub(crate) fn admit(&self, peer: Option<IpAddr>, receipt: Option<&Receipt>) -> Result<()> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if limits.admit(peer, receipt.map(Receipt::as_str), self.clock.now()) {
            Ok(())
        } else {
            let message = "查询过于频繁，请稍后再试".to_owned();
            Err(Error::Unavailable { reason: reasons::OVERLOADED, message })
        }
    }
}
