//! Civil days and instants, as messages carry them and as the code computes with them.
//! Strict on the way in: a day must be whole and real.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use prost_types::Timestamp;

use crate::google::r#type::Date;

/// Why a day in a message cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Year, month or day is missing.
    #[error("a date needs its year, month and day: this has {year}-{month}-{day}")]
    Incomplete {
        /// The year as sent.
        year: i32,
        /// The month as sent.
        month: i32,
        /// The day as sent.
        day: i32,
    },
    /// The calendar has no such day.
    #[error("there is no such day: {year}-{month}-{day}")]
    NoSuchDay {
        /// The year as sent.
        year: i32,
        /// The month as sent.
        month: i32,
        /// The day as sent.
        day: i32,
    },
}

/// A day, for a message.
#[must_use]
pub fn date(day: NaiveDate) -> Date {
    Date {
        year: day.year(),
        // A month and a day of the month are small: the conversion cannot lose anything.
        month: day.month().cast_signed(),
        day: day.day().cast_signed(),
    }
}

/// The day that a message says.
///
/// # Errors
/// [`TimeError`] if a part is missing, or the calendar has no such day in the years 1 to 9999.
pub fn naive_date(date: &Date) -> Result<NaiveDate, TimeError> {
    let Date { year, month, day } = *date;
    if year == 0 || month == 0 || day == 0 {
        return Err(TimeError::Incomplete { year, month, day });
    }
    u32::try_from(month)
        .ok()
        .zip(u32::try_from(day).ok())
        .filter(|_| (1..=9999).contains(&year))
        .and_then(|(month, day)| NaiveDate::from_ymd_opt(year, month, day))
        .ok_or(TimeError::NoSuchDay { year, month, day })
}

/// An instant, for a message.
#[must_use]
pub fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: instant.timestamp(),
        // At most 1_999_999_999, in a leap second; those are not representable, so they are cut to the second's end.
        nanos: instant.timestamp_subsec_nanos().min(999_999_999).cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_must_be_whole_and_real() {
        let incomplete = [(0, 6, 1), (2023, 0, 1), (2023, 6, 0), (0, 0, 0)];
        for (year, month, day) in incomplete {
            assert_eq!(naive_date(&Date { year, month, day }), Err(TimeError::Incomplete { year, month, day }));
        }
        let unreal = [(2023, 2, 29), (2023, 13, 1), (2023, 6, 31), (-1, 6, 1), (10_000, 1, 1), (2023, -1, -1)];
        for (year, month, day) in unreal {
            assert_eq!(naive_date(&Date { year, month, day }), Err(TimeError::NoSuchDay { year, month, day }));
        }
        assert!(naive_date(&Date { year: 2024, month: 2, day: 29 }).is_ok());
    }

    proptest! {
        #[test]
        fn days_survive(days in 1..3_652_059_i32) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            prop_assert_eq!(naive_date(&date(day)), Ok(day));
        }
    }
}
