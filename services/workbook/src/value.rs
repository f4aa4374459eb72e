//! One cell, reduced to what a row can be read from.

use calamine::DataRef;
use chrono::NaiveDate;

use crate::text;

/// From here on a floating-point cell no longer holds every digit that was typed (Excel keeps fifteen).
const EXACT: f64 = 1e15;

/// A cell's content. Formulas and error values are kept as what they are, so that a row that needs the
/// cell can refuse it, and a row that does not need it is not disturbed.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Blank,
    /// Cleaned, never empty.
    Text(String),
    Number(f64),
    Day(NaiveDate),
    Formula,
    Error,
}

impl Value {
    pub(crate) fn from_text(written: &str) -> Self {
        let cleaned = text::clean(text::restore(written));
        if cleaned.is_empty() { Self::Blank } else { Self::Text(cleaned) }
    }

    pub(crate) fn from_cell(cell: &DataRef<'_>) -> Self {
        match cell {
            DataRef::Empty => Self::Blank,
            DataRef::SharedString(written) => Self::from_text(written),
            DataRef::String(written) | DataRef::DateTimeIso(written) | DataRef::DurationIso(written) => {
                Self::from_text(written)
            }
            DataRef::Float(number) => Self::Number(*number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number that loses digits here is refused by plain_number"
            )]
            DataRef::Int(number) => Self::Number(*number as f64),
            DataRef::Bool(answer) => Self::Text(if *answer { "TRUE" } else { "FALSE" }.to_owned()),
            DataRef::DateTime(at) if at.is_duration() => Self::Number(at.as_f64()),
            DataRef::DateTime(at) => at.as_datetime().map_or(Self::Error, |at| Self::Day(at.date())),
            DataRef::Error(_) => Self::Error,
        }
    }

    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::Blank)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes of memory, with what the allocator adds to a short text.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.as_text().map_or(0, |text| text.len() + 16)
    }
}

/// A number as it would be typed, or nothing where digits are already lost.
pub(crate) fn plain_number(number: f64) -> Option<String> {
    (number.abs() < EXACT).then(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_decimal_point_and_long_ones_are_lost() {
        assert_eq!(plain_number(1.0).as_deref(), Some("1"));
        assert_eq!(plain_number(3.5).as_deref(), Some("3.5"));
        assert_eq!(plain_number(19_000_040_044.0).as_deref(), Some("19000040044"));
        assert_eq!(plain_number(1e15), None);
        assert_eq!(plain_number(f64::NAN), None);
    }

    #[test]
    fn an_apostrophe_that_kept_text_from_running_is_not_part_of_it() {
        assert!(Value::from_text("'=1+1").as_text() == Some("=1+1"));
        assert!(Value::from_text(" \u{a0}\n").is_blank());
    }
}
