//! What attachments belong to, and how they are named by it. Pure.

use std::fmt;
use std::str::FromStr;

use proto::names::{AttachmentName, ConcernName, DeliberationAttachmentName, DeliberationName, NameError, VillageCode};
use uuid::Uuid;

/// What an attachment belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parent {
    Concern(ConcernName),
    Deliberation(DeliberationName),
}

/// The name of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) parent: Parent,
    pub(crate) id: Uuid,
}

impl Parent {
    /// Of what the database says; none: of no known kind.
    pub(super) fn read(village: VillageCode, kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "concern" => Some(Self::Concern(ConcernName::new(village, id))),
            "deliberation" => Some(Self::Deliberation(DeliberationName::new(village, id))),
            _ => None,
        }
    }

    pub(crate) const fn village(&self) -> VillageCode {
        match self {
            Self::Concern(name) => name.village,
            Self::Deliberation(name) => name.village,
        }
    }

    /// The word that stands in the database.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Concern(_) => "concern",
            Self::Deliberation(_) => "deliberation",
        }
    }

    pub(super) const fn id(&self) -> Uuid {
        match self {
            Self::Concern(name) => name.concern,
            Self::Deliberation(name) => name.deliberation,
        }
    }
}

impl Name {
    pub(crate) const fn village(&self) -> VillageCode {
        self.parent.village()
    }
}

impl FromStr for Parent {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // What is wrong is said as of a concern: most of them are.
        text.parse().map(Self::Concern).or_else(|error| text.parse().map(Self::Deliberation).map_err(|_| error))
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let of_concern = |name: AttachmentName| Self {
            parent: Parent::Concern(ConcernName::new(name.village, name.concern)),
            id: name.attachment,
        };
        let of_deliberation = |name: DeliberationAttachmentName| Self {
            parent: Parent::Deliberation(DeliberationName::new(name.village, name.deliberation)),
            id: name.attachment,
        };
        text.parse().map(of_concern).or_else(|error| text.parse().map(of_deliberation).map_err(|_| error))
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Concern(name) => name.fmt(out),
            Self::Deliberation(name) => name.fmt(out),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parent {
            Parent::Concern(name) => AttachmentName::new(name.village, name.concern, self.id).fmt(out),
            Parent::Deliberation(name) => {
                DeliberationAttachmentName::new(name.village, name.deliberation, self.id).fmt(out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn an_attachment_is_named_by_what_it_belongs_to() {
        let id = "018f5e9e-0000-7000-8000-000000000001";
        for collection in ["concerns", "deliberations"] {
            let parent = format!("villages/430112011211/{collection}/{id}");
            let name = format!("{parent}/attachments/{id}");
            let read: Name = name.parse().unwrap();
            assert_eq!((read.to_string(), read.parent.to_string()), (name, parent.clone()));
            assert_eq!(parent.parse(), Ok(read.parent.clone()));
            let again = Parent::read(read.village(), read.parent.kind(), read.parent.id());
            assert_eq!(again, Some(read.parent));
        }
        assert!(format!("villages/430112011211/demands/{id}").parse::<Parent>().is_err());
    }
}
