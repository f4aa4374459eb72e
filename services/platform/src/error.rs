//! What can go wrong, named for what the caller can do about it, and the one place where it becomes a
//! gRPC status. Reasons are listed in `proto/errors.md`. Internal causes are logged, never sent.

use std::collections::HashMap;
use std::time::Duration;

use proto::reasons;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// Results of everything that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Refusals that no other state of things would lift.
const REQUESTS_FAULT: &[&str] = &[
    reasons::INVALID_PAGE_TOKEN,
    reasons::REQUEST_ID_REUSED,
    reasons::WORKBOOK_UNREADABLE,
    reasons::WORKBOOK_TOO_LARGE,
    reasons::SHEET_MISSING,
    reasons::ATTACHMENT_TYPE,
    reasons::ATTACHMENT_TOO_LARGE,
    reasons::ATTACHMENT_DAMAGED,
];

/// How long a caller is asked to wait when the cause will pass by itself.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// A refusal or a failure, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Say who you are: the token is missing, expired or not ours.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Ask somebody whose office allows it.
    #[error("{message}")]
    Denied {
        /// One of [`proto::reasons`].
        reason: &'static str,
        /// What is not allowed.
        message: String,
    },
    /// Correct these fields.
    #[error("{} field(s) to correct", .0.len())]
    Invalid(Vec<Violation>),
    /// There is no such record, or it is not the caller's to see.
    #[error("{0} does not exist")]
    NotFound(String),
    /// It is there already.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// A rule of the domain forbids it as things stand.
    #[error("{message}")]
    Refused {
        /// One of [`proto::reasons`].
        reason: &'static str,
        /// The rule, in words.
        message: String,
    },
    /// Somebody changed it in between: read it again, then decide again.
    #[error("{name} has changed since it was read")]
    Stale {
        /// The record's resource name.
        name: String,
    },
    /// Try again after a while.
    #[error("{message}")]
    Unavailable {
        /// One of [`proto::reasons`].
        reason: &'static str,
        /// What is being waited for.
        message: String,
    },
    /// Repeat it with a longer deadline. It may have happened.
    #[error("the call took longer than it may")]
    TooLate,
    /// Nothing the caller can do; the cause is in the log.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One field that is wrong, by its path in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for instance `household.grid`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub message: String,
}

impl Error {
    /// One wrong field.
    pub fn field(field: impl Into<String>, message: impl ToString) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), message: message.to_string() }])
    }

    /// A rule of the domain that forbids it.
    pub fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }

    /// A failure that is nobody's fault outside.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The error in words for whoever keeps the machine: of an internal one its cause, which no caller is told.
    #[must_use]
    pub fn in_full(&self) -> String {
        match self {
            Self::Internal(cause) => cause.to_string(),
            other => other.to_string(),
        }
    }

    /// Why, as programs read it: one of [`proto::reasons`].
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.code().1
    }

    fn code(&self) -> (Code, &'static str) {
        match self {
            Self::Unauthenticated(_) => (Code::Unauthenticated, reasons::UNAUTHENTICATED),
            Self::Denied { reason, .. } => (Code::PermissionDenied, *reason),
            Self::Invalid(_) => (Code::InvalidArgument, reasons::INVALID_FIELDS),
            Self::NotFound(_) => (Code::NotFound, reasons::NOT_FOUND),
            Self::AlreadyExists(_) => (Code::AlreadyExists, reasons::ALREADY_EXISTS),
            // Wrong whatever the state of things: the request itself has to change.
            Self::Refused { reason, .. } if REQUESTS_FAULT.contains(reason) => (Code::InvalidArgument, *reason),
            Self::Refused { reason, .. } => (Code::FailedPrecondition, *reason),
            Self::Stale { .. } => (Code::Aborted, reasons::STALE_ETAG),
            Self::Unavailable { reason: reasons::OVERLOADED, .. } => (Code::ResourceExhausted, reasons::OVERLOADED),
            Self::Unavailable { reason, .. } => (Code::Unavailable, *reason),
            Self::TooLate => (Code::DeadlineExceeded, reasons::DEADLINE_EXCEEDED),
            Self::Internal(_) => (Code::Internal, reasons::INTERNAL),
        }
    }

    /// Will the same thing, tried again a little later, probably work? Decides between waiting and giving up.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Collects every wrong field of a request, so that the caller corrects all at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Nothing wrong so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one wrong field.
    pub fn add(&mut self, field: impl Into<String>, message: impl ToString) {
        self.0.push(Violation { field: field.into(), message: message.to_string() });
    }

    /// The value, or a note of why there is none.
    pub fn check<T, E: ToString>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error)).ok()
    }

    /// The text without the spaces around it, or a note that it is missing.
    pub fn required(&mut self, field: &str, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() {
            self.add(field, "is missing");
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Goes on with `value`, which is there when nothing is wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all that was noted.
    pub fn finish<T>(self, value: Option<T>) -> Result<T> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Error::Invalid(self.0)),
        }
    }
}

/// PostgreSQL's code for a row that a policy does not let in.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Did the database refuse a write because the village is archived? Its policy of that name did.
fn is_archived(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().is_some_and(|code| code == INSUFFICIENT_PRIVILEGE) && error.message().contains("\"archived\"")
    })
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_archived(&error) {
            return Self::refused(reasons::VILLAGE_ARCHIVED, "the village is archived: it is kept to be read");
        }
        let passing = match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => {
                true
            }
            // What is between us and the server closed the connection while it was being made (sqlx then speaks of an
            // "unexpected response from SSLRequest"), or it is out of step: another one will do.
            sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::BeginFailed => true,
            // Class 08 is connection trouble, 40 a serialization failure or deadlock, 53 lack of
            // resources (disk, memory, connections), 57 an operator's intervention such as a restart.
            sqlx::Error::Database(error) => {
                error.code().is_some_and(|code| ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)))
            }
            _ => false,
        };
        if passing {
            tracing::warn!(%error, "the database is not available");
            Self::Unavailable { reason: reasons::UNAVAILABLE, message: "the database is busy or restarting".to_owned() }
        } else {
            Self::internal(error)
        }
    }
}

/// Turns the violation of a *named* constraint into the error that it means, where the query is.
pub trait OnConstraint<T> {
    /// `error` if the constraint called `name` was violated.
    ///
    /// # Errors
    /// The mapped error, or the original one.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|cause| match &cause {
            sqlx::Error::Database(database) if database.constraint() == Some(name) => error(),
            _ => cause.into(),
        })
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let (code, reason) = error.code();
        if let Error::Internal(cause) = &error {
            tracing::error!(error = cause.as_ref() as &dyn std::error::Error, "internal error");
        }
        let mut details = ErrorDetails::with_error_info(reason, reasons::DOMAIN, HashMap::new());
        let message = match error {
            Error::Invalid(violations) => {
                let first =
                    violations.iter().map(|v| format!("{}: {}", v.field, v.message)).collect::<Vec<_>>().join("; ");
                details.set_bad_request(
                    violations.into_iter().map(|v| FieldViolation::new(v.field, v.message)).collect::<Vec<_>>(),
                );
                first
            }
            Error::NotFound(name) | Error::AlreadyExists(name) | Error::Stale { name } => {
                details.set_resource_info("", name, "", message.clone());
                message
            }
            Error::Unavailable { .. } => {
                details.set_retry_info(Some(RETRY_AFTER));
                message
            }
            _ => message,
        };
        Status::with_error_details(code, message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_cause_is_never_sent() {
        let status: Status = Error::internal("password of the database").into();
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "internal error");
    }

    #[test]
    fn a_connection_that_fails_while_it_is_made_passes() {
        let cut_off = sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned());
        assert!(Error::from(cut_off).is_transient());
        assert!(!Error::from(sqlx::Error::RowNotFound).is_transient());
    }

    #[test]
    fn every_wrong_field_is_named() {
        let status: Status = Error::Invalid(vec![
            Violation { field: "a.b".into(), message: "is missing".into() },
            Violation { field: "c".into(), message: "is too long".into() },
        ])
        .into();
        let fields = status.get_details_bad_request().map(|bad| bad.field_violations.len());
        assert_eq!(fields, Some(2));
    }

    #[test]
    fn waiting_is_said_where_waiting_helps() {
        let status: Status = Error::Unavailable { reason: reasons::UNAVAILABLE, message: "restarting".into() }.into();
        assert!(status.get_details_retry_info().is_some());
    }
}
