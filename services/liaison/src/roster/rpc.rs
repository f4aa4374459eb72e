//! Imports as the contract speaks of them. No rules, no SQL.

use platform::Error;
use platform::import::{self, ImportStream, Step};
use platform::server::admit;
use proto::liaison::v1 as pb;
use proto::liaison::v1::roster_service_server::RosterService;
use proto::names::VillageName;
use tonic::{Request, Response, Status};

use super::Rosters;

#[tonic::async_trait]
impl RosterService for Rosters {
    type ImportRosterStream = ImportStream<pb::ImportRosterResponse>;
    type ImportLedgerStream = ImportStream<pb::ImportLedgerResponse>;

    async fn import_roster(
        &self,
        request: Request<pb::ImportRosterRequest>,
    ) -> Result<Response<Self::ImportRosterStream>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let answer = |step| pb::ImportRosterResponse {
            step: Some(match step {
                Step::Progress(progress) => pb::import_roster_response::Step::Progress(progress),
                Step::Report(report) => pb::import_roster_response::Step::Report(report),
            }),
        };
        let rosters = self.clone();
        let work = async move |import| {
            let (content, csv_sheet) = (message.content.into(), message.csv_sheet);
            Rosters::import_roster(&rosters, &authority, &village, content, csv_sheet, import).await
        };
        Ok(Response::new(import::run(message.validate_only, answer, work)))
    }

    async fn import_ledger(
        &self,
        request: Request<pb::ImportLedgerRequest>,
    ) -> Result<Response<Self::ImportLedgerStream>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let answer = |step| pb::ImportLedgerResponse {
            step: Some(match step {
                Step::Progress(progress) => pb::import_ledger_response::Step::Progress(progress),
                Step::Report(report) => pb::import_ledger_response::Step::Report(report),
            }),
        };
        let rosters = self.clone();
        let work = async move |import| {
            Rosters::import_ledger(&rosters, &authority, &village, message.content.into(), import).await
        };
        Ok(Response::new(import::run(message.validate_only, answer, work)))
    }
}
