//! An import while it runs: it tells its caller how far it is and, last, what it did with every row.
//!
//! An import commits in chunks. Each chunk is whole when it is told as progress; an import that is cut
//! off has done some chunks and not others, and importing the same file again does the rest.

use std::future::Future;

use proto::platform::v1::{ImportProblem, ImportProgress, ImportReport, SheetOutcome};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::error::{Error, Result};

/// Rows that are committed together: large enough to be quick, small enough to show progress.
pub const CHUNK: usize = 500;
/// Problems that a report lists; a file with more has one cause, and the list would not be read.
const PROBLEMS: usize = 1000;
/// Steps that may wait for a slow caller.
const WAITING: usize = 16;

/// One message of the answer's stream.
#[derive(Debug)]
pub enum Step {
    /// How far it is.
    Progress(ImportProgress),
    /// The last message.
    Report(ImportReport),
}

/// What was done with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It made a record.
    Created,
    /// It changed a record.
    Updated,
    /// The record says the same already.
    Unchanged,
    /// It was not taken; a problem says why.
    Refused,
}

/// An import in progress.
pub struct Import {
    steps: mpsc::Sender<Result<Step, Status>>,
    report: ImportReport,
}

/// Runs an import beside the call and streams what it tells. It stops when the caller has gone away.
pub fn run<F, Fut, T>(validate_only: bool, message: impl Fn(Step) -> T + Send + 'static, work: F) -> ImportStream<T>
where
    F: FnOnce(Import) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Import>> + Send + 'static,
    T: Send + 'static,
{
    let (steps, received) = mpsc::channel(WAITING);
    let import = Import { steps: steps.clone(), report: ImportReport { validate_only, ..ImportReport::default() } };
    let span = tracing::Span::current();
    tokio::spawn(tracing::Instrument::instrument(
        async move {
            let last = match work(import).await {
                Ok(import) => Ok(Step::Report(import.report)),
                Err(error) => Err(error.into()),
            };
            let _ = steps.send(last).await; // nobody is listening any more: nothing to tell
        },
        span,
    ));
    let mapped = tokio_stream::StreamExt::map(ReceiverStream::new(received), move |step| step.map(&message));
    Box::pin(mapped)
}

/// The stream of an import's answer.
pub type ImportStream<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

impl Import {
    /// Is nothing to be written?
    #[must_use]
    pub fn validate_only(&self) -> bool {
        self.report.validate_only
    }

    /// Tells how many rows of a sheet are done.
    ///
    /// # Errors
    /// When the caller has gone away: whoever does not wait for the answer does not want the rest.
    pub async fn progress(&self, sheet: &str, done: usize, total: usize) -> Result<()> {
        let count = |rows: usize| i32::try_from(rows).unwrap_or(i32::MAX);
        let progress = ImportProgress { sheet: sheet.to_owned(), done: count(done), total: count(total) };
        self.steps.send(Ok(Step::Progress(progress))).await.map_err(|_| Error::Unavailable {
            reason: proto::reasons::UNAVAILABLE,
            message: "the caller went away".to_owned(),
        })
    }

    /// Gives a sheet its line in the report, also if it turns out to have no rows.
    pub fn sheet(&mut self, sheet: &str) {
        let lines = &mut self.report.sheets;
        if !lines.iter().any(|line| line.sheet == sheet) {
            lines.push(SheetOutcome { sheet: sheet.to_owned(), ..SheetOutcome::default() });
        }
    }

    /// Notes the headings of a sheet's columns of which nothing is read, because nobody knows them.
    pub fn unread<'h>(&mut self, sheet: &str, headings: impl Iterator<Item = &'h String>) {
        self.sheet(sheet);
        if let Some(line) = self.report.sheets.iter_mut().find(|line| line.sheet == sheet) {
            line.unread_columns.extend(headings.cloned());
        }
    }

    /// Notes what was done with one row of a sheet.
    pub fn note(&mut self, sheet: &str, outcome: Outcome) {
        self.sheet(sheet);
        let lines = &mut self.report.sheets;
        for line in lines.iter_mut().filter(|line| line.sheet == sheet) {
            line.rows += 1;
            match outcome {
                Outcome::Created => line.created += 1,
                Outcome::Updated => line.updated += 1,
                Outcome::Unchanged => line.unchanged += 1,
                Outcome::Refused => line.refused += 1,
            }
        }
    }

    /// Notes what is wrong with a row (0: with the sheet). The row itself is noted once, as refused.
    pub fn problem(&mut self, sheet: &str, row: u32, column: &str, reason: &str, message: impl Into<String>) {
        if self.report.problems.len() >= PROBLEMS {
            self.report.problems_omitted += 1;
            return;
        }
        self.report.problems.push(ImportProblem {
            sheet: sheet.to_owned(),
            row: i32::try_from(row).unwrap_or(i32::MAX),
            column: column.to_owned(),
            reason: reason.to_owned(),
            message: message.into(),
        });
    }
}
