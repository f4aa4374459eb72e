//! Days as people write them. A day is a day of the village; no time zone enters here.

use chrono::{Datelike, NaiveDate};

use crate::problem::Refusal;
use crate::text;

/// No living person, and no record of a village, is older; and nobody plans further. Outside, a cell
/// is far more likely a year or a plain number taken for a date.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;

/// Excel counts days from the end of 1899; below this the number is a year or a count (3000 is in 1908).
const FIRST_SERIAL: f64 = 3000.0;

/// The longest serial number within [`YEARS`]; larger numbers may be a day written as `20230501`.
const LAST_SERIAL: f64 = 73_415.0;

/// Reads `2023-05-01`, `2023.5.1`, `2023/5/1`, `2023年5月1日` or `20230501`, with or without a time of
/// day behind it, which is dropped.
pub(crate) fn parse(written: &str) -> Result<NaiveDate, Refusal> {
    let cleaned = text::clean(written).replace('：', ":");
    let narrowed = text::narrow(without_time(&cleaned));
    let day = narrowed.strip_suffix(['日', '号']).unwrap_or(&narrowed);
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return from_digits(day);
    }
    let parts: Vec<&str> = day.split(['-', '.', '/', '年', '月', '。']).collect();
    let &[year, month, date] = parts.as_slice() else {
        return Err(not_a_date());
    };
    if year.len() != 4 || month.len() > 2 || date.len() > 2 {
        return Err(not_a_date());
    }
    from_parts(year, month, date)
}

/// Reads a number that stands in a date column without a date format.
pub(crate) fn from_number(number: f64, is_1904: bool) -> Result<NaiveDate, Refusal> {
    if number.fract() == 0.0 && (19_000_101.0..=21_001_231.0).contains(&number) {
        return from_digits(&format!("{number:.0}"));
    }
    if !(FIRST_SERIAL..=LAST_SERIAL).contains(&number) {
        return Err(not_a_date());
    }
    let serial = calamine::ExcelDateTime::new(number, calamine::ExcelDateTimeType::DateTime, is_1904);
    serial.as_datetime().map(|at| at.date()).ok_or_else(not_a_date)
}

/// A day that Excel itself knew as a date.
pub(crate) fn within_years(day: NaiveDate) -> Result<NaiveDate, Refusal> {
    if YEARS.contains(&day.year()) { Ok(day) } else { Err(no_such_date()) }
}

fn without_time(cleaned: &str) -> &str {
    let before_colon = cleaned.split_once(':').map(|(before, _)| before);
    before_colon.and_then(|before| before.rsplit_once([' ', 'T'])).map_or(cleaned, |(day, _)| day)
}

fn from_digits(digits: &str) -> Result<NaiveDate, Refusal> {
    match (digits.get(..4), digits.get(4..6), digits.get(6..)) {
        (Some(year), Some(month), Some(date)) => from_parts(year, month, date),
        _ => Err(not_a_date()),
    }
}

fn from_parts(year: &str, month: &str, date: &str) -> Result<NaiveDate, Refusal> {
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
    let (Some(year), Some(month), Some(date)) = (number(year), number(month), number(date)) else {
        return Err(not_a_date());
    };
    let year = i32::try_from(year).map_err(|_| not_a_date())?;
    NaiveDate::from_ymd_opt(year, month, date).ok_or_else(no_such_date).and_then(within_years)
}

fn not_a_date() -> Refusal {
    Refusal::new("NOT_A_DATE", "不是完整的日期，请写成2023-05-01这样的年月日")
}

fn no_such_date() -> Refusal {
    Refusal::new("NO_SUCH_DATE", "没有这一天")
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )]
    use super::*;
    use proptest::prelude::*;

    fn may_first() -> NaiveDate {
        NaiveDate::from_ymd_opt(2023, 5, 1).unwrap()
    }

    #[test]
    fn a_day_is_read_in_every_way_people_write_it() {
        for written in [
            "2023-05-01",
            "2023.5.1",
            "2023/5/1",
            "2023年5月1日",
            "20230501",
            "２０２３．５．１",
            " 2023 年 5 月 1 日 ",
            "2023-05-01 00:00:00",
            "2023-05-01T08:30:00",
            "2023年5月1号",
            "2023/5/1 8：30",
            "2023—05—01",
        ] {
            assert_eq!(parse(written), Ok(may_first()), "{written}");
        }
    }

    #[test]
    fn a_day_that_never_was_is_refused_as_such() {
        for written in ["2023-02-29", "2023.13.1", "20230230", "2023年4月31日", "1023-05-01", "2023-0-1"] {
            assert_eq!(parse(written).unwrap_err().reason, "NO_SUCH_DATE", "{written}");
        }
    }

    #[test]
    fn what_is_not_a_whole_day_is_refused() {
        for written in
            ["2023", "2023-05", "2023年5月", "23.5.1", "去年", "2023-05-01-02", "+2023-05-01", "2023-+5-1", "45047"]
        {
            assert_eq!(parse(written).unwrap_err().reason, "NOT_A_DATE", "{written}");
        }
    }

    #[test]
    fn a_serial_number_is_a_day_and_a_year_is_not() {
        assert_eq!(from_number(45_047.0, false), Ok(may_first()));
        assert_eq!(from_number(45_047.75, false), Ok(may_first()));
        assert_eq!(from_number(43_585.0, true), Ok(may_first()));
        assert_eq!(from_number(20_230_501.0, false), Ok(may_first()));
        assert!(
            from_number(2023.0, false).is_err()
                && from_number(1e18, false).is_err()
                && from_number(f64::NAN, false).is_err()
        );
    }

    proptest! {
        #[test]
        fn every_day_survives_every_way_of_writing_it(days in 0i64..73_000) {
            let day = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Duration::days(days);
            for format in ["%Y-%m-%d", "%Y.%-m.%-d", "%Y/%-m/%-d", "%Y年%-m月%-d日", "%Y%m%d"] {
                prop_assert_eq!(parse(&day.format(format).to_string()), Ok(day));
            }
        }
    }
}
