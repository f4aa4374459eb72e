//! Coverage as the contract speaks of it. No rules, no SQL.

use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::coverage_service_server::CoverageService;
use proto::names::{AreaName, GridName, HouseholdName, VillageName};
use proto::time::date;
use tonic::{Request, Response, Status};

use super::Coverage;
use super::measure::{Breakdown, Count, Measure, Part};
use super::uncovered::{Question, Uncovered};
use crate::gap::rpc::{WatchStream, filter};
use crate::line::rules::LineKind;
use crate::member::rpc::day;

#[tonic::async_trait]
impl CoverageService for Coverage {
    async fn get_coverage(&self, request: Request<pb::GetCoverageRequest>) -> Result<Response<pb::Coverage>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let village = wrong.check("parent", message.parent.parse::<VillageName>());
        let as_of = day(&mut wrong, "as_of", message.as_of);
        let breakdown = wrong.check("breakdown", Breakdown::read(message.breakdown)).flatten();
        let VillageName(village) = wrong.finish(village)?;
        Ok(Response::new(self.measure(&caller, &village, as_of, breakdown).await?.into()))
    }

    async fn list_uncovered_periods(
        &self,
        request: Request<pb::ListUncoveredPeriodsRequest>,
    ) -> Result<Response<pb::ListUncoveredPeriodsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let asked = (&message.parent, &message.start_date, &message.end_date, &message.household, &message.grid);
        let page = Page::read(message.page_size, &message.page_token, &asked)?;
        let mut wrong = Violations::new();
        let first = day(&mut wrong, "start_date", message.start_date);
        let last = day(&mut wrong, "end_date", message.end_date);
        if first.zip(last).is_some_and(|(first, last)| last < first) {
            wrong.add("end_date", "lies before start_date");
        }
        wrong.finish(Some(()))?;
        let household = |name: HouseholdName| name.household;
        let question = Question {
            first,
            last,
            household: crate::of_village("household", &message.household, village, household)?,
            grid: crate::of_village("grid", &message.grid, village, |name: GridName| name.grid)?,
        };
        let (periods, next_page_token) = self.uncovered(&caller, &village, &question, &page).await?;
        let periods = periods.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListUncoveredPeriodsResponse { periods, next_page_token }))
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
        let line = |&(line, count): &(LineKind, Count)| pb::LineCoverage {
            line: i32::from(line),
            households: count.households,
            linked: count.linked,
            merchants: count.merchants,
            merchants_served: count.merchants_served,
        };
        let village = measure.village;
        let part = |(part, count): (Part, Count)| pb::CoveragePart {
            area: part.area.map(|area| AreaName::new(village, area).to_string()).unwrap_or_default(),
            grid: part.grid.map(|grid| GridName::new(village, grid).to_string()).unwrap_or_default(),
            grid_kind: part.grid_kind.map_or(0, Into::into),
            line: part.line.map_or(0, Into::into),
            households: count.households,
            linked: count.linked,
            coverage: count.coverage().unwrap_or_default(),
            merchants: count.merchants,
            merchants_served: count.merchants_served,
        };
        Self {
            village: VillageName(village).to_string(),
            as_of: Some(date(measure.as_of)),
            households: measure.total.households,
            linked: measure.total.linked,
            coverage: measure.total.coverage(),
            merchants: measure.total.merchants,
            merchants_served: measure.total.merchants_served,
            lines: measure.lines.iter().map(line).collect(),
            teams: measure.teams,
            teams_complete: measure.teams_complete,
            parts: measure.parts.into_iter().map(part).collect(),
        }
    }
}

impl From<Uncovered> for pb::UncoveredPeriod {
    fn from(uncovered: Uncovered) -> Self {
        Self {
            household: uncovered.household.to_string(),
            household_number: uncovered.number,
            grid: uncovered.grid.to_string(),
            start_date: Some(date(uncovered.start)),
            end_date: uncovered.end.map(date),
            days: uncovered.days,
        }
    }
}
