//! What everybody may read of a deliberation. Every field of it is public by its type: days, counts, words of ours, and
//! [`PublicText`], which nothing becomes that was not looked through. So no field of a concern, no proposal, no minutes and
//! no objection can come into a notice: there is nothing to put them into.

pub(crate) mod store;

use chrono::{DateTime, NaiveDate, Utc};
use platform::clearance::{Cleared, believe};
use platform::clock::village_day;
use platform::{Error, Result, Vault};
use proto::names::{DeliberationName, VillageCode};
use proto::reasons;
use workbook::public::{self, Found, Number};

use super::rules::State;
use super::vote::{Counts, Step, Way};

/// A text that everybody may read. There are two ways to one: to be looked through here and cleared by the registry, or to
/// be read back from where only such texts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicText(String);

impl PublicText {
    /// Reads one back.
    pub(super) fn kept(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Texts that are to go out together, as they would be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words<const N: usize>([String; N]);

impl<const N: usize> Words<N> {
    pub(crate) fn new(texts: [&str; N]) -> Self {
        Self(texts.map(public::cleaned))
    }

    /// All of it as one text: this is what the registry looks through.
    pub(crate) fn joined(&self) -> String {
        self.0.join("\n")
    }

    /// Numbers in it, by their places.
    pub(crate) fn numbers(&self, today: NaiveDate) -> Vec<Found<Number>> {
        public::numbers(&self.joined(), today)
    }

    /// The texts one by one, as they would be read: for those who prepare them.
    pub(crate) fn texts(self) -> [String; N] {
        self.0
    }

    /// Makes it public, if there is no number in it, and if the registry has cleared it of names, or else somebody says why
    /// those that it found may stand. Answers how many these were.
    ///
    /// # Errors
    /// `NUMBER_IN_TEXT`, `NOT_CLEARED`, or that the reason is missing.
    pub(crate) fn admit(
        self,
        vault: &Vault,
        village: &VillageCode,
        clearance: &str,
        names_reason: &str,
        now: DateTime<Utc>,
    ) -> Result<([PublicText; N], i32)> {
        if let Some(found) = self.numbers(village_day(now)).first() {
            let message = format!(
                "文字中第{}个字起有{}，不能公示，请删去后再公示",
                found.start + 1,
                match found.kind {
                    Number::CitizenId => "身份证号码",
                    Number::Telephone => "电话号码",
                    Number::CreditCode => "统一社会信用代码",
                }
            );
            return Err(Error::refused(reasons::NUMBER_IN_TEXT, message));
        }
        let Cleared { names_excepted } = believe(vault, village, &self.joined(), clearance, now)?;
        if names_excepted > 0 && names_reason.is_empty() {
            return Err(Error::field("names_reason", "文字中有与本村居民姓名相同的词语，请说明为什么可以公示"));
        }
        Ok((self.0.map(PublicText), i32::try_from(names_excepted).unwrap_or(i32::MAX)))
    }
}

/// A vote, as everybody may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicVote {
    pub(crate) step: Step,
    pub(crate) held_on: NaiveDate,
    pub(crate) counts: Counts,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) deliberation: DeliberationName,
    pub(crate) title: PublicText,
    pub(crate) text: PublicText,
    /// Where objections are heard, which the village has laid down for everybody to know.
    pub(crate) contact: PublicText,
    pub(crate) way: Way,
    pub(crate) state: State,
    pub(crate) votes: Vec<PublicVote>,
    pub(crate) decided_on: Option<NaiveDate>,
    pub(crate) noticed_on: Option<NaiveDate>,
    pub(crate) notice_until: Option<NaiveDate>,
    pub(crate) result: Option<PublicText>,
    pub(crate) result_on: Option<NaiveDate>,
}

#[cfg(test)]
mod tests;
