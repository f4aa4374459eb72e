//! Ledgers as the contract speaks of them.

use platform::Error;
use platform::import::{self, ImportStream, Step};
use platform::server::admit;
use proto::casework::v1 as pb;
use proto::casework::v1::import_ledger_response::Step as Told;
use proto::casework::v1::ledger_service_server::LedgerService;
use proto::names::VillageName;
use tonic::{Request, Response, Status};

use super::Ledgers;

#[tonic::async_trait]
impl LedgerService for Ledgers {
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
}

fn told(step: Step) -> pb::ImportLedgerResponse {
    let step = match step {
        Step::Progress(progress) => Told::Progress(progress),
        Step::Report(report) => Told::Report(report),
    };
    pb::ImportLedgerResponse { step: Some(step) }
}
