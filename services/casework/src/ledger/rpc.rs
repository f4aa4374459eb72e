//! Ledgers as the contract speaks of them.

use bytes::Bytes;
use platform::import::{self, ImportStream, Step};
use platform::server::admit;
use platform::{Error, Violations};
use proto::casework::v1 as pb;
use proto::casework::v1::import_ledger_response::Step as Told;
use proto::casework::v1::ledger_service_server::LedgerService;
use proto::names::VillageName;
use tonic::{Request, Response, Status};

use super::Ledgers;
use super::export::Export;

/// Bytes of a file that go into one message: well below what clients take without being told to.
const PIECE: usize = 1 << 20;
/// A purpose in plain words.
const PURPOSE_LENGTH: usize = 200;

#[tonic::async_trait]
impl LedgerService for Ledgers {
    type ExportLedgerStream = ImportStream<pb::ExportLedgerResponse>;
    type ImportLedgerStream = ImportStream<pb::ImportLedgerResponse>;

    async fn import_ledger(
        &self,
        request: Request<pb::ImportLedgerRequest>,
    ) -> Result<Response<Self::ImportLedgerStream>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let by = caller.within(&village)?;
        by.must_serve_all()?;
        let ledgers = self.clone();
        let stream = import::run(message.validate_only, told, move |import| {
            ledgers.import(by, village, message.content, import)
        });
        Ok(Response::new(stream))
    }

    async fn export_ledger(
        &self,
        request: Request<pb::ExportLedgerRequest>,
    ) -> Result<Response<Self::ExportLedgerStream>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let parent = wrong.check("parent", message.parent.parse());
        let format = wrong.check("format", pb::LedgerFormat::try_from(message.format));
        let purpose = wrong.required("purpose", &message.purpose);
        if message.purpose.chars().count() > PURPOSE_LENGTH {
            wrong.add("purpose", format!("is longer than {PURPOSE_LENGTH} characters"));
        }
        let ((VillageName(village), format), purpose) = wrong.finish(parent.zip(format).zip(purpose))?;
        let by = caller.within(&village)?;
        by.must_serve_all()?;
        let export = Export { village, is_csv: format == pb::LedgerFormat::Csv, purpose };
        let mut rest = Bytes::from(self.export(&by, export).await?);
        let pieces = std::iter::from_fn(move || {
            let content = rest.split_to(rest.len().min(PIECE));
            (!content.is_empty()).then(|| Ok(pb::ExportLedgerResponse { content }))
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
    }
}

fn told(step: Step) -> pb::ImportLedgerResponse {
    let step = match step {
        Step::Progress(progress) => Told::Progress(progress),
        Step::Report(report) => Told::Report(report),
    };
    pb::ImportLedgerResponse { step: Some(step) }
}
