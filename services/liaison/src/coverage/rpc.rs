//! Coverage as the contract speaks of it. No rules, no SQL.

use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::coverage_service_server::CoverageService;
use proto::names::VillageName;
use proto::time::date;
use tonic::{Request, Response, Status};

use super::{Coverage, Measure};
use crate::gap::rpc::{WatchStream, filter};
use crate::member::rpc::day;

#[tonic::async_trait]
impl CoverageService for Coverage {
    async fn get_coverage(&self, request: Request<pb::GetCoverageRequest>) -> Result<Response<pb::Coverage>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let village = wrong.check("parent", message.parent.parse::<VillageName>());
        let as_of = day(&mut wrong, "as_of", message.as_of);
        let VillageName(village) = wrong.finish(village)?;
        Ok(Response::new(self.measure(&caller, &village, as_of).await?.into()))
    }

    async fn list_gaps(&self, request: Request<pb::ListGapsRequest>) -> Result<Response<pb::ListGapsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = filter(village, message.filter)?;
        let (gaps, next_page_token) = self.gaps.list(&caller, &village, &filter, &page).await?;
        let today = self.gaps.today();
        let gaps = gaps.into_iter().map(|gap| gap.message(village, today)).collect();
        Ok(Response::new(pb::ListGapsResponse { gaps, next_page_token }))
    }

    async fn list_closed_gaps(
        &self,
        request: Request<pb::ListClosedGapsRequest>,
    ) -> Result<Response<pb::ListClosedGapsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let question = (&message.parent, &message.filter, &message.start_date, &message.end_date);
        let page = Page::read(message.page_size, &message.page_token, &question)?;
        let mut wrong = Violations::new();
        let start = day(&mut wrong, "start_date", message.start_date);
        let end = day(&mut wrong, "end_date", message.end_date);
        wrong.finish(Some(()))?;
        let filter = filter(village, message.filter)?;
        let (gaps, next_page_token) = self.gaps.closed(&caller, &village, &filter, (start, end), &page).await?;
        let today = self.gaps.today();
        let gaps = gaps.into_iter().map(|gap| gap.message(village, today)).collect();
        Ok(Response::new(pb::ListClosedGapsResponse { gaps, next_page_token }))
    }

    type WatchGapsStream = WatchStream;

    async fn watch_gaps(&self, request: Request<pb::WatchGapsRequest>) -> Result<Response<WatchStream>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        Ok(Response::new(self.gaps.stream(&caller, village, message).await?))
    }
}

impl From<Measure> for pb::Coverage {
    fn from(measure: Measure) -> Self {
        let line = |&(line, households, linked): &(_, i32, i32)| pb::LineCoverage {
            line: i32::from(line),
            households,
            linked,
        };
        Self {
            village: VillageName(measure.village).to_string(),
            as_of: Some(date(measure.as_of)),
            households: measure.households,
            linked: measure.linked,
            coverage: measure.coverage(),
            lines: measure.lines.iter().map(line).collect(),
            teams: measure.teams,
            teams_complete: measure.teams_complete,
        }
    }
}
