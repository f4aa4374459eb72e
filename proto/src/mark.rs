//! A mark as the text that travels in the metadata of calls: `STREAM/incarnation/sequence`.
//! Taking marks and waiting for them is the services' business.

use std::fmt;
use std::str::FromStr;

use crate::platform::v1::Mark;

/// The metadata key under which a call shows the marks it must come after; it may appear several times.
pub const METADATA_KEY: &str = "lianxin-after";

/// The text is not `STREAM/incarnation/sequence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mark reads STREAM/incarnation/sequence, for example REGISTRY/2023-06-01T08:00:00Z/1234")]
pub struct MarkError;

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.stream, self.incarnation, self.sequence)
    }
}

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let mut parts = text.split('/');
        let (Some(stream), Some(incarnation), Some(sequence), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MarkError);
        };
        let printable = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable(stream) || !printable(incarnation) || !sequence.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(MarkError);
        }
        Ok(Self {
            stream: stream.to_owned(),
            incarnation: incarnation.to_owned(),
            sequence: sequence.parse().map_err(|_| MarkError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_mark_survives_its_text() {
        let mark =
            Mark { stream: "REGISTRY".to_owned(), incarnation: "2023-06-01T08:00:00.5Z".to_owned(), sequence: 1234 };
        assert_eq!(mark.to_string(), "REGISTRY/2023-06-01T08:00:00.5Z/1234");
        assert_eq!(mark.to_string().parse::<Mark>().unwrap(), mark);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "REGISTRY", "REGISTRY/x", "REGISTRY//1", "/x/1", "REGISTRY/x/+1", "REGISTRY/x/1/", "A b/x/1"] {
            assert_eq!(text.parse::<Mark>(), Err(MarkError), "{text}");
        }
    }
}
