//! Time and identity, injected so that tests decide both the hour and nothing else is hidden.

use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use uuid::Uuid;

/// Villages keep the time of Asia/Shanghai, which has been UTC+8 without summer time since 1991.
const VILLAGE_OFFSET_HOURS: i64 = 8;

/// Where a service learns what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that says what `now` says.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The instant, in whole microseconds: what Postgres stores is what was returned.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)().trunc_subsecs(6)
    }

    /// The calendar day it is in the villages.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        village_day(self.now())
    }

    /// 62 bits of chance that nobody can guess.
    #[must_use]
    pub fn chance(&self) -> u64 {
        // The lower half of a random UUID is random but for its two highest bits.
        let (_, low) = Uuid::new_v4().as_u64_pair();
        low & (u64::MAX >> 2)
    }

    /// A new UUIDv7: unique, and ordered by the time it was made.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// The calendar day in the villages at `instant`.
#[must_use]
pub fn village_day(instant: DateTime<Utc>) -> NaiveDate {
    (instant + Duration::hours(VILLAGE_OFFSET_HOURS)).date_naive()
}

/// The instant at which a clock in the villages shows `time`.
#[must_use]
pub fn village_time(time: NaiveDateTime) -> DateTime<Utc> {
    time.and_utc() - Duration::hours(VILLAGE_OFFSET_HOURS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn the_village_day_begins_at_sixteen_hours_utc() {
        let before = "2026-05-01T15:59:59Z".parse().unwrap();
        let after = "2026-05-01T16:00:00Z".parse().unwrap();
        assert_eq!(village_day(before).to_string(), "2026-05-01");
        assert_eq!(village_day(after).to_string(), "2026-05-02");
    }
}
