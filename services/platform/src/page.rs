//! Pages of a list: a size within limits, and an opaque token that names where the next page begins.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::reasons;

use crate::error::{Error, Result};

/// Size of a page when the caller names none.
const DEFAULT_SIZE: i32 = 100;
/// Largest page: a village's households fit in two, and one answer stays below a megabyte.
const LARGEST_SIZE: i32 = 1000;
/// Bytes of the question's digest that a token carries: enough to notice a different question.
const DIGEST_BYTES: usize = 8;

/// One page that was asked for, in keyset order: what comes after `after`, at most `size` rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    size: usize,
    after: Option<String>,
    question: [u8; DIGEST_BYTES],
}

impl Page {
    /// Reads the page of a list request. `question` is whatever the answer depends on besides the
    /// page (parent and filter): a token is only good for the question that made it.
    ///
    /// # Errors
    /// A negative size, or a token that does not belong to this question.
    pub fn read(size: i32, token: &str, question: &impl std::fmt::Debug) -> Result<Self> {
        if size < 0 {
            return Err(Error::field("page_size", "is negative"));
        }
        let size = if size == 0 { DEFAULT_SIZE } else { size.min(LARGEST_SIZE) };
        let question = digest_of(question);
        let after = if token.is_empty() {
            None
        } else {
            let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_token())?;
            let (asked, key) = bytes.split_at_checked(DIGEST_BYTES).ok_or_else(bad_token)?;
            if asked != question {
                return Err(bad_token());
            }
            let key = String::from_utf8(key.to_vec()).map_err(|_| bad_token())?;
            Some(key).filter(|key| !key.contains(char::is_control)).ok_or_else(bad_token).map(Some)?
        };
        Ok(Self { size: usize::try_from(size).unwrap_or(1), after, question })
    }

    /// The key after which the page begins; none for the first page.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The key after which the page begins, for lists in the order of a text: empty, before every key, for the first
    /// page. To be bound as it is: behind row security no index serves `coalesce($n, '')`.
    #[must_use]
    pub fn after_text(&self) -> &str {
        self.after().unwrap_or_default()
    }

    /// The key after which the page begins, for lists in the order of a number: 0 for the first page.
    ///
    /// # Errors
    /// When the token names no number: it is of another list.
    pub fn after_number(&self) -> Result<i64> {
        self.after().map_or(Ok(0), |key| key.parse().map_err(|_| bad_token()))
    }

    /// Rows to ask the database for: one more than the page, to know whether there is a next one.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Are so many rows enough for the page, and to know that there is a next one?
    #[must_use]
    pub fn is_filled_by(&self, rows: usize) -> bool {
        rows > self.size
    }

    /// Cuts `rows` (asked for with [`Page::limit`]) to the page, and says where the next one begins:
    /// an empty text if there is none.
    pub fn cut<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, String) {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let next = match rows.last() {
            Some(last) if more => {
                let mut bytes = self.question.to_vec();
                bytes.extend_from_slice(key(last).as_bytes());
                URL_SAFE_NO_PAD.encode(bytes)
            }
            _ => String::new(),
        };
        (rows, next)
    }
}

fn digest_of(question: &impl std::fmt::Debug) -> [u8; DIGEST_BYTES] {
    let whole = digest::digest(&digest::SHA256, format!("{question:?}").as_bytes());
    let mut short = [0; DIGEST_BYTES];
    for (to, from) in short.iter_mut().zip(whole.as_ref()) {
        *to = *from;
    }
    short
}

fn bad_token() -> Error {
    Error::Refused {
        reason: reasons::INVALID_PAGE_TOKEN,
        message: "page_token is not one that this list gave for this question; begin with an empty one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn pages_follow_one_another_until_the_token_is_empty() {
        let all: Vec<i32> = (0..7).collect();
        let (mut token, mut seen) = (String::new(), Vec::new());
        loop {
            let page = Page::read(3, &token, &"all").unwrap();
            let after: i32 = page.after().map_or(-1, |key| key.parse().unwrap());
            let rows = all.iter().copied().filter(|n| *n > after).take(page.limit() as usize).collect();
            let (rows, next) = page.cut(rows, i32::to_string);
            seen.extend(rows);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_token_is_refused_for_another_question() {
        let page = Page::read(1, "", &"grid 001").unwrap();
        let (_, token) = page.cut(vec![1, 2], i32::to_string);
        assert!(Page::read(1, &token, &"grid 002").is_err());
        assert!(Page::read(1, "nonsense", &"grid 001").is_err());
    }

    #[test]
    fn a_token_that_somebody_made_up_is_refused_and_no_fault_of_ours() {
        let forged = |key: &str| Page::read(1, "", &"all").unwrap().cut(vec![1, 2], |_| key.to_owned()).1;
        assert!(Page::read(1, &forged("0\0"), &"all").is_err());
        let page = Page::read(1, &forged("x"), &"all").unwrap();
        assert_eq!(page.after_text(), "x");
        assert!(matches!(page.after_number(), Err(Error::Refused { reason: reasons::INVALID_PAGE_TOKEN, .. })));
    }
}
