//! Coverage as the contract speaks of it. No rules, no SQL.

use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::coverage_service_server::CoverageService;
use proto::names::{GridName, VillageCode, VillageName};
use proto::time::date;
use tonic::{Request, Response, Status};

use super::{Coverage, Filter, Gap, GapKind, Measure, Missing};
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
        let filter = message.filter.unwrap_or_default();
        let filter = Filter {
            kind: GapKind::read(filter.kind).map_err(|error| Error::field("filter.kind", error))?,
            grid: crate::of_village("filter.grid", &filter.grid, village, |name: GridName| name.grid)?,
        };
        let (gaps, next_page_token) = self.gaps(&caller, &village, &filter, &page).await?;
        let gaps = gaps.into_iter().map(|gap| gap.message(village)).collect();
        Ok(Response::new(pb::ListGapsResponse { gaps, next_page_token }))
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

impl Gap {
    fn message(self, village: VillageCode) -> pb::Gap {
        let grid = GridName::new(village, self.grid).to_string();
        match self.what {
            Missing::Link { household, number } => pb::Gap {
                kind: GapKind::HouseholdWithoutLink.into(),
                grid,
                household: household.to_string(),
                household_number: number,
                ..pb::Gap::default()
            },
            Missing::Holder { seat } => {
                pb::Gap { kind: GapKind::VacantSeat.into(), grid, seat: seat.into(), ..pb::Gap::default() }
            }
        }
    }
}
