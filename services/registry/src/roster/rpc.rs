//! RosterService: a workbook in, progress and a report out. No rules, no SQL.

use platform::import::{ImportStream, Step};
use platform::server::admit;
use platform::{Violations, import};
use proto::names::VillageName;
use proto::registry::v1 as pb;
use proto::registry::v1::import_roster_response as response;
use proto::registry::v1::roster_service_server::RosterService;
use tonic::{Request, Response, Status};

use super::Rosters;

#[tonic::async_trait]
impl RosterService for Rosters {
    type ImportRosterStream = ImportStream<pb::ImportRosterResponse>;

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
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        self.must_be_on_board(&authority, &village).await?;
        let (rosters, content) = (self.clone(), message.content.into());
        let stream = import::run(message.validate_only, answer, move |import| {
            rosters.import(authority, village, content, import)
        });
        Ok(Response::new(stream))
    }
}

fn answer(step: Step) -> pb::ImportRosterResponse {
    let step = match step {
        Step::Progress(progress) => response::Step::Progress(progress),
        Step::Report(report) => response::Step::Report(report),
    };
    pb::ImportRosterResponse { step: Some(step) }
}
