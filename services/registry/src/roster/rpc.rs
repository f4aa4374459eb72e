//! RosterService: a workbook in, progress and a report out; a marked workbook, and a roster out. No rules, no SQL.

use bytes::Bytes;
use platform::import::{ImportStream, Step};
use platform::server::admit;
use platform::{Authority, Caller, Error, Violations, import};
use proto::names::{VillageCode, VillageName};
use proto::registry::v1 as pb;
use proto::registry::v1::import_roster_response as response;
use proto::registry::v1::roster_service_server::RosterService;
use tonic::{Request, Response, Status};
use workbook::{Limits, Mark, Unmarkable, marked};

use super::export::Export;
use super::{Rosters, refused};
use crate::fields;

/// Bytes of a file that go into one message: well below what clients take without being told to.
const PIECE: usize = 1 << 20;
/// More than a report lists; a file with more has one cause.
const MARKS: usize = 20_000;

#[tonic::async_trait]
impl RosterService for Rosters {
    type ImportRosterStream = ImportStream<pb::ImportRosterResponse>;
    type MarkRosterStream = ImportStream<pb::MarkRosterResponse>;
    type ExportRosterStream = ImportStream<pb::ExportRosterResponse>;

    async fn import_roster(
        &self,
        request: Request<pb::ImportRosterRequest>,
    ) -> Result<Response<Self::ImportRosterStream>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
        if message.content.is_empty() {
            wrong.add("content", "is missing");
        }
        let VillageName(village) = wrong.finish(parent)?;
        let authority = whole_village(&caller, &village)?;
        self.must_be_on_board(&authority, &village).await?;
        let (rosters, content) = (self.clone(), message.content.into());
        let stream = import::run(message.validate_only, answer, move |import| {
            rosters.import(authority, village, content, message.csv_sheet, import)
        });
        Ok(Response::new(stream))
    }

    async fn mark_roster(
        &self,
        request: Request<pb::MarkRosterRequest>,
    ) -> Result<Response<Self::MarkRosterStream>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
        if message.content.is_empty() {
            wrong.add("content", "is missing");
        }
        if message.problems.is_empty() || message.problems.len() > MARKS {
            wrong.add("problems", format!("have to be 1 to {MARKS}"));
        }
        let marks: Option<Vec<Mark>> = message.problems.into_iter().map(mark).collect();
        if marks.is_none() {
            wrong.add("problems", "have rows and texts that no report has");
        }
        let (VillageName(village), marks) = wrong.finish(parent.zip(marks))?;
        whole_village(&caller, &village)?;
        let content: Vec<u8> = message.content.into();
        let made = tokio::task::spawn_blocking(move || marked(content, &marks, &Limits::default())).await;
        let made = made.map_err(Error::internal)?.map_err(|error| match error {
            Unmarkable::Unreadable(unreadable) => refused(unreadable),
            Unmarkable::Unwritable(_) => Error::internal(error),
        })?;
        Ok(Response::new(pieces(made, |content| pb::MarkRosterResponse { content })))
    }

    async fn export_roster(
        &self,
        request: Request<pb::ExportRosterRequest>,
    ) -> Result<Response<Self::ExportRosterStream>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
        let is_csv = match pb::RosterFormat::try_from(message.format) {
            Ok(format) => format == pb::RosterFormat::Csv,
            Err(_) => {
                wrong.add("format", "is not one of the values of the contract");
                false
            }
        };
        if is_csv == message.csv_sheet.is_empty() {
            wrong.add("csv_sheet", if is_csv { "is missing" } else { "is for CSV only" });
        }
        let purpose = fields::text(&mut wrong, "purpose", &message.purpose).filter(|purpose| !purpose.is_empty());
        let VillageName(village) = wrong.finish(parent)?;
        let authority = whole_village(&caller, &village)?;
        let export = Export { village, csv_sheet: is_csv.then_some(message.csv_sheet), purpose };
        let file = self.export(&authority, export).await?;
        Ok(Response::new(pieces(file, |content| pb::ExportRosterResponse { content })))
    }
}

/// A roster is a matter of those who answer for the whole village.
fn whole_village(caller: &Caller, village: &VillageCode) -> Result<Authority, Error> {
    let authority = caller.within(village)?;
    authority.must_serve_all()?;
    Ok(authority)
}

fn mark(problem: proto::platform::v1::ImportProblem) -> Option<Mark> {
    let row = u32::try_from(problem.row).ok()?;
    let fits = [&problem.sheet, &problem.column, &problem.message].iter().all(|text| text.chars().count() <= 500);
    fits.then_some(Mark { sheet: problem.sheet, row, column: problem.column, message: problem.message })
}

/// A file as messages, one after the other.
fn pieces<T: Send + 'static>(file: Vec<u8>, message: impl Fn(Bytes) -> T + Send + 'static) -> ImportStream<T> {
    let mut rest = Bytes::from(file);
    let pieces = std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then(|| Ok(message(piece)))
    });
    Box::pin(tokio_stream::iter(pieces))
}

fn answer(step: Step) -> pb::ImportRosterResponse {
    let step = match step {
        Step::Progress(progress) => response::Step::Progress(progress),
        Step::Report(report) => response::Step::Report(report),
    };
    pb::ImportRosterResponse { step: Some(step) }
}
