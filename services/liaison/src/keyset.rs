//! Where a page begins in lists that are ordered by a time or a day and then by id.

use std::fmt::Display;
use std::str::FromStr;

use platform::{Error, Page, Result};
use proto::reasons;
use uuid::Uuid;

/// The key after which the page begins, as [`key`] wrote it.
pub(crate) fn after<T: FromStr>(page: &Page) -> Result<(Option<T>, Option<Uuid>)> {
    let Some(text) = page.after() else { return Ok((None, None)) };
    let both = text.split_once('/').and_then(|(first, id)| Some((first.parse().ok()?, id.parse().ok()?)));
    let (first, id) =
        both.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))?;
    Ok((Some(first), Some(id)))
}

/// The key of a row.
pub(crate) fn key(first: impl Display, id: Uuid) -> String {
    format!("{first}/{id}")
}
