//! Working time: which hours of which days count. Pure.
//!
//! Source: the State Council's notice on the year's holidays names the days off and the days that are worked in exchange
//! (调休); every other day is worked on from Monday to Friday. A day's work has eight hours.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Utc, Weekday};
use platform::clock::{village_day, village_time};

/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3600;
/// Working hours of a day, in seconds after midnight: 8:30 to 12:00 and 13:30 to 18:00.
const HOURS: [(i64, i64); 2] = [(8 * HOUR + HOUR / 2, 12 * HOUR), (13 * HOUR + HOUR / 2, 18 * HOUR)];
/// No deadline is further away than ten years, whatever the calendar says.
const LONGEST_DAYS: usize = 3660;

platform::choice! {
    /// What a day of the calendar is.
    pub(crate) enum DayKind as proto::casework::v1::CalendarDayKind {
        Holiday = "holiday",
        MakeupWorkday = "makeup_workday",
    }
}

/// The days of a place that are not as their weekday says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Calendar {
    days: BTreeMap<NaiveDate, DayKind>,
    years: BTreeSet<i32>,
}

impl Calendar {
    /// A calendar of these days; of two entries for one day the later counts.
    pub(crate) fn new(days: impl IntoIterator<Item = (NaiveDate, DayKind)>) -> Self {
        let days: BTreeMap<NaiveDate, DayKind> = days.into_iter().collect();
        let years = days.keys().map(Datelike::year).collect();
        Self { days, years }
    }

    /// Is this day worked on?
    pub(crate) fn is_worked(&self, day: NaiveDate) -> bool {
        match self.days.get(&day) {
            Some(DayKind::Holiday) => false,
            Some(DayKind::MakeupWorkday) => true,
            None => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// Working time from one moment to another, in seconds; none if the second comes first.
    pub(crate) fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        let (first, last) = (village_day(from), village_day(to));
        first
            .iter_days()
            .take_while(|day| *day <= last)
            .filter(|day| self.is_worked(*day))
            .flat_map(hours_of)
            .map(|(begins, ends)| (ends.min(to) - begins.max(from)).num_seconds().max(0))
            .sum()
    }

    /// The moment by which so many seconds of working time have passed.
    pub(crate) fn after(&self, from: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
        if seconds <= 0 {
            return from;
        }
        let mut left = Duration::seconds(seconds);
        let days = village_day(from).iter_days().take(LONGEST_DAYS);
        for (begins, ends) in days.filter(|day| self.is_worked(*day)).flat_map(hours_of) {
            let begins = begins.max(from);
            if begins + left <= ends {
                return begins + left;
            }
            left -= (ends - begins).max(Duration::zero());
        }
        from + Duration::days(3660)
    }

    /// The moment from which so many seconds of working time pass until `to`.
    pub(crate) fn before(&self, to: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
        if seconds <= 0 {
            return to;
        }
        let mut left = Duration::seconds(seconds);
        let last = village_day(to);
        let days = std::iter::successors(Some(last), NaiveDate::pred_opt).take(LONGEST_DAYS);
        for (begins, ends) in days.filter(|day| self.is_worked(*day)).flat_map(|day| hours_of(day).into_iter().rev()) {
            let ends = ends.min(to);
            if ends - left >= begins {
                return ends - left;
            }
            left -= (ends - begins).max(Duration::zero());
        }
        to - Duration::days(3660)
    }

    /// The years between two moments of which nothing is known: their holidays count as working days, and the days that
    /// are worked in exchange do not.
    pub(crate) fn missing_years(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<i32> {
        let years = village_day(from).year()..=village_day(to).year();
        years.filter(|year| !self.years.contains(year)).collect()
    }
}

/// The working hours of a day, as moments.
fn hours_of(day: NaiveDate) -> [(DateTime<Utc>, DateTime<Utc>); 2] {
    let midnight = village_time(day.and_time(NaiveTime::MIN));
    HOURS.map(|(begins, ends)| (midnight + Duration::seconds(begins), midnight + Duration::seconds(ends)))
}

#[cfg(test)]
mod tests;
