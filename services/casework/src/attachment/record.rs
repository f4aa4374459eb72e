//! What an attachment is, and what is told of it. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::Result;
use proto::casework::v1 as pb;
use proto::time::timestamp;

use super::content::Kind;
use super::name::Name;

platform::choice! {
    /// What an attachment shows.
    pub(crate) enum Role as proto::casework::v1::AttachmentRole {
        Before = "before",
        After = "after",
        Minutes = "minutes",
        Paper = "paper",
        Other = "other",
    }
}

impl Role {
    /// What people call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Before => "办理前",
            Self::After => "办理后",
            Self::Minutes => "会议纪要",
            Self::Paper => "交存材料",
            Self::Other => "其他",
        }
    }
}

/// A file that is about to come.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: Name,
    pub(crate) role: Role,
    pub(crate) file_name: Option<String>,
    /// How many bytes come.
    pub(crate) size: usize,
    /// Their digest, if that was said.
    pub(crate) sha256: Vec<u8>,
}

/// A file that belongs to a concern or a deliberation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) name: Name,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    pub(crate) size: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) file_name: Option<String>,
    /// Its key in the store; none: it was taken away.
    pub(crate) object: Option<String>,
    pub(crate) uploader: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) removed_at: Option<DateTime<Utc>>,
    pub(crate) revision: i64,
}

impl Attachment {
    pub(super) fn first(
        draft: Draft,
        kind: Kind,
        size: i64,
        sha256: Vec<u8>,
        object: String,
        uploader: &str,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            name: draft.name,
            role: draft.role,
            kind,
            size,
            sha256,
            file_name: draft.file_name,
            object: Some(object),
            uploader: uploader.to_owned(),
            created_at: now,
            removed_at: None,
            revision: 1,
        }
    }

    /// After it was taken away. What it was called goes with it.
    pub(super) fn removed(self, now: DateTime<Utc>) -> Self {
        Self { object: None, file_name: None, removed_at: Some(now), revision: self.revision + 1, ..self }
    }

    pub(super) fn news(&self, happened: pb::AttachmentChange) -> Result<Change> {
        Change::of(&pb::AttachmentChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.removed_at.unwrap_or(self.created_at))),
            role: self.role.into(),
        })
    }
}
