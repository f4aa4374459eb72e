//! What is rarely said of a concern: how it came in, on whose behalf, where in words, what was handed over. Pure.
//!
//! It has tables of its own, so that a report of one sentence does not pay for it.

use chrono::NaiveDate;
use platform::{Authority, Error, Office, Result};
use proto::reasons;
use uuid::Uuid;

use super::owner::Owner;
use super::record::Concern;

platform::choice! {
    /// How a concern came in.
    pub(crate) enum Channel as proto::casework::v1::ConcernChannel {
        Visit = "visit",
        Telephone = "telephone",
        Group = "group",
        Hall = "hall",
        OtherSystem = "other_system",
        Other = "other",
    }
}

/// What is rarely said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Detail {
    pub(crate) channel: Option<Channel>,
    /// Liaison's visit on which it came up.
    pub(crate) visit: Option<Uuid>,
    pub(crate) on_behalf_of: Option<Person>,
    /// Where, in words.
    pub(crate) location: Option<String>,
    pub(crate) errand: Option<Errand>,
    /// Is it different from what is kept?
    pub(crate) unsaved: bool,
}

/// A resident, by their household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) household: Uuid,
    pub(crate) resident: Uuid,
}

/// Something done on a resident's behalf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Errand {
    /// In the order in which they were handed over.
    pub(crate) papers: Vec<Paper>,
    /// The number that the authority gave.
    pub(crate) receipt: Option<String>,
    /// What its type needs by the catalogue; known of what was read from the database.
    pub(crate) needs: Vec<String>,
}

/// Something that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paper {
    pub(crate) title: String,
    pub(crate) received_on: NaiveDate,
    /// None: it is still here.
    pub(crate) returned_on: Option<NaiveDate>,
}

/// What an update changes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DetailUpdate {
    pub(crate) channel: Option<Option<Channel>>,
    pub(crate) visit: Option<Option<Uuid>>,
    pub(crate) on_behalf_of: Option<Option<Person>>,
    pub(crate) location: Option<Option<String>>,
    pub(crate) receipt: Option<Option<String>>,
}

impl Detail {
    /// Is there nothing in it?
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self { unsaved: self.unsaved, ..Self::default() }
    }

    /// Takes in papers, on a day.
    ///
    /// # Errors
    /// `PAPER_HELD` when one of the same title is still here; `IN_THE_FUTURE`.
    pub(crate) fn receive(&mut self, titles: &[String], on: NaiveDate, today: NaiveDate) -> Result<()> {
        not_to_come(on, today)?;
        let errand = self.errand.get_or_insert_default();
        for title in titles {
            if errand.held(title).is_some() {
                let message = format!("「{title}」已经收下，还没有退还；请先退还，或换一个名称加以区分");
                return Err(Error::refused(reasons::PAPER_HELD, message));
            }
            errand.papers.push(Paper { title: title.clone(), received_on: on, returned_on: None });
        }
        self.unsaved = true;
        Ok(())
    }

    /// Gives papers back, on a day; all that are here, if none is named.
    ///
    /// # Errors
    /// `PAPER_NOT_HELD`; `IN_THE_FUTURE`; a day before one of them was handed over.
    pub(crate) fn give_back(&mut self, titles: &[String], on: NaiveDate, today: NaiveDate) -> Result<()> {
        not_to_come(on, today)?;
        let errand = self.errand.get_or_insert_default();
        for title in titles {
            if errand.held(title).is_none() {
                let message = format!("没有收着「{title}」：没有收过，或者已经退还");
                return Err(Error::refused(reasons::PAPER_NOT_HELD, message));
            }
        }
        let given =
            |paper: &&mut Paper| paper.returned_on.is_none() && (titles.is_empty() || titles.contains(&paper.title));
        for paper in errand.papers.iter_mut().filter(given) {
            if on < paper.received_on {
                return Err(Error::field("returned_on", "is before the day on which it was handed over"));
            }
            paper.returned_on = Some(on);
        }
        self.unsaved = true;
        Ok(())
    }

    /// Takes over what an update says.
    pub(crate) fn update(&mut self, update: DetailUpdate) {
        let before = self.clone();
        let DetailUpdate { channel, visit, on_behalf_of, location, receipt } = update;
        self.channel = channel.unwrap_or(self.channel);
        self.visit = visit.unwrap_or(self.visit);
        if self.visit.is_some() && visit.is_some() {
            self.channel = Some(Channel::Visit);
        }
        self.on_behalf_of = on_behalf_of.unwrap_or(self.on_behalf_of);
        if let Some(location) = location {
            self.location = location;
        }
        if let Some(receipt) = receipt {
            self.errand.get_or_insert_default().receipt = receipt;
        }
        self.unsaved = self.unsaved || *self != before;
    }
}

impl Errand {
    /// The paper of this title that is here.
    fn held(&self, title: &str) -> Option<&Paper> {
        self.papers.iter().find(|paper| paper.title == title && paper.returned_on.is_none())
    }

    /// What the catalogue asks for and was never handed over.
    pub(crate) fn missing(&self) -> Vec<String> {
        let was_given = |title: &str| self.papers.iter().any(|paper| paper.title == title);
        self.needs.iter().filter(|title| !was_given(title)).cloned().collect()
    }
}

fn not_to_come(on: NaiveDate, today: NaiveDate) -> Result<()> {
    if on > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, "nothing is handed over on a day to come"));
    }
    Ok(())
}

impl Concern {
    /// Is anything that was handed over still here?
    pub(crate) fn holds_papers(&self) -> bool {
        let errand = self.detail.as_ref().and_then(|detail| detail.errand.as_ref());
        errand.is_some_and(|errand| errand.papers.iter().any(|paper| paper.returned_on.is_none()))
    }

    /// Is whoever acts by this authority told what it says? A sensitive concern is told to the village office and to
    /// those who have it to do; to the sub-district, once that has it or watches over it. All others who see the concern
    /// see that it is there.
    pub(crate) fn is_told_to(&self, by: &Authority) -> bool {
        let on_the_spot = matches!(by.office(), Office::Cadre | Office::Leader | Office::Representative);
        let has = |owner: Owner| match owner {
            Owner::Team(grid) => on_the_spot && by.sees(&grid),
            Owner::Member(member) => by.subject() == member.to_string(),
            Owner::Subdistrict => by.office() == Office::Officer,
            Owner::Office => false, // the village office is told anyway
        };
        !self.sensitive
            || by.office() == Office::Clerk
            || has(self.owner)
            || self.assignee.is_some_and(has)
            || (self.supervised && by.office() == Office::Officer)
    }

    /// As much of it as whoever acts by this authority is told.
    pub(crate) fn told_to(mut self, by: &Authority) -> Self {
        if !self.is_told_to(by) {
            self.withheld = true;
            self.text.clear();
            self.result.clear();
            self.receipt = None;
            self.detail = None;
        }
        self
    }

    /// Refuses what is done to the words or papers of a concern by somebody who is not told of them.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`.
    pub(crate) fn must_be_told_to(&self, by: &Authority) -> Result<()> {
        if self.is_told_to(by) {
            return Ok(());
        }
        let message = "the concern is sensitive: only those who have it to do see and change what it says".to_owned();
        Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message })
    }
}

#[cfg(test)]
mod tests;
