//! Visits as the contract speaks of them. No rules, no SQL.

use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::visit_service_server::VisitService;
use proto::names::{GridName, HouseholdName, MemberName, VillageCode, VillageName, VisitName};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Visits;
use super::rules::{Draft, Filter, Mode, Visit};
use crate::member::rpc::day;

/// Most visits of one batch: a day's work of a whole village.
const BATCH: usize = 1000;
/// Most persons met at once: a number beyond it is a slip of the finger.
const PERSONS: i32 = 10_000;

#[tonic::async_trait]
impl VisitService for Visits {
    async fn create_visit(&self, request: Request<pb::CreateVisitRequest>) -> Result<Response<pb::Visit>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let draft = draft("", village, message, self.clock.new_id())?;
        let visit = self.log(&caller, &request, &village, vec![draft]).await?.pop();
        Ok(Response::new(visit.ok_or_else(|| Error::internal("no visit was logged"))?.into()))
    }

    async fn batch_create_visits(
        &self,
        request: Request<pb::BatchCreateVisitsRequest>,
    ) -> Result<Response<pb::BatchCreateVisitsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        if message.requests.len() > BATCH {
            return Err(Error::field("requests", format!("are more than {BATCH}")).into());
        }
        // A repeated batch has to find what the first one logged: its ids follow from its request_id.
        let batch: Option<Uuid> = message.request_id.parse().ok();
        let mut drafts = Vec::with_capacity(message.requests.len());
        for (place, one) in message.requests.into_iter().enumerate() {
            let path = format!("requests[{place}].");
            if !one.parent.is_empty() && one.parent != message.parent {
                return Err(Error::field(format!("{path}parent"), "is neither empty nor that of the batch").into());
            }
            if !one.request_id.is_empty() {
                return Err(Error::field(format!("{path}request_id"), "is not empty; the batch has one").into());
            }
            let id = batch.map(|batch| Uuid::new_v5(&batch, place.to_string().as_bytes()));
            drafts.push(draft(&path, village, one, id.unwrap_or_else(|| self.clock.new_id()))?);
        }
        let visits = self.log(&caller, &request, &village, drafts).await?.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::BatchCreateVisitsResponse { visits }))
    }

    async fn get_visit(&self, request: Request<pb::GetVisitRequest>) -> Result<Response<pb::Visit>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_visits(
        &self,
        request: Request<pb::ListVisitsRequest>,
    ) -> Result<Response<pb::ListVisitsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = filter(village, message.filter.unwrap_or_default())?;
        let (visits, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let visits = visits.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListVisitsResponse { visits, next_page_token }))
    }
}

impl From<Visit> for pb::Visit {
    fn from(visit: Visit) -> Self {
        Self {
            name: visit.name.to_string(),
            household: visit.household.map(|household| household.to_string()).unwrap_or_default(),
            grid: visit.grid.to_string(),
            representative: visit.representative.to_string(),
            visited_on: Some(date(visit.visited_on)),
            mode: visit.mode.into(),
            persons: visit.persons,
            topics: visit.topics,
            note: visit.note,
            etag: visit.revision.to_string(),
            create_time: Some(timestamp(visit.created_at)),
            update_time: Some(timestamp(visit.updated_at)),
        }
    }
}

/// Reads one visit to be logged; `path` stands before the names of its fields, `id` is for one that has none.
fn draft(path: &str, village: VillageCode, message: pb::CreateVisitRequest, id: Uuid) -> Result<Draft, Error> {
    let visit = message.visit.unwrap_or_default();
    let mut wrong = Violations::new();
    let field = |name: &str| format!("{path}visit.{name}");
    let given = crate::given_id(&mut wrong, &format!("{path}visit_id"), &message.visit_id);
    let name = VisitName::new(village, given.unwrap_or(id));
    let agrees = |named: VisitName| named.village == village && given.is_none_or(|id| id == named.visit);
    if !visit.name.is_empty() && !visit.name.parse().is_ok_and(agrees) {
        wrong.add(field("name"), "does not agree with parent and visit_id");
    }
    let household = crate::of_village(&field("household"), &visit.household, village, |name: HouseholdName| name);
    let grid = crate::of_village(&field("grid"), &visit.grid, village, |name: GridName| name.grid);
    let representative =
        crate::of_village(&field("representative"), &visit.representative, village, |name: MemberName| name.member);
    let (household, grid, representative) = (household?, grid?, representative?);
    if household.is_none() && grid.is_none() {
        wrong.add(field("grid"), "is missing: without a household, the grid says where it was");
    }
    if visit.visited_on.is_none() {
        wrong.add(field("visited_on"), "is missing");
    }
    let visited_on = day(&mut wrong, &field("visited_on"), visit.visited_on);
    let mode = wrong.check(&field("mode"), Mode::read(visit.mode)).flatten();
    if mode.is_none() {
        wrong.add(field("mode"), "is missing");
    }
    let persons = if visit.persons == 0 { 1 } else { visit.persons };
    if !(1..=PERSONS).contains(&persons) {
        wrong.add(field("persons"), format!("has to lie between 1 and {PERSONS}"));
    }
    let topics: Vec<String> = visit.topics.iter().map(|topic| topic.trim().to_owned()).collect();
    if topics.iter().any(|topic| topic.is_empty() || topic.contains(char::is_control)) {
        wrong.add(field("topics"), "have to be words, none of them empty");
    }
    let (visited_on, mode) = wrong.finish(visited_on.zip(mode))?;
    Ok(Draft { name, household, grid, representative, visited_on, mode, persons, topics, note: visit.note })
}

fn filter(village: VillageCode, filter: pb::VisitFilter) -> Result<Filter, Error> {
    let household =
        crate::of_village("filter.household", &filter.household, village, |name: HouseholdName| name.household)?;
    let grid = crate::of_village("filter.grid", &filter.grid, village, |name: GridName| name.grid)?;
    let representative =
        crate::of_village("filter.representative", &filter.representative, village, |name: MemberName| name.member)?;
    let mut wrong = Violations::new();
    let mode = wrong.check("filter.mode", Mode::read(filter.mode)).flatten();
    let start = day(&mut wrong, "filter.start_date", filter.start_date);
    let end = day(&mut wrong, "filter.end_date", filter.end_date);
    wrong.finish(Some(()))?;
    Ok(Filter { household, grid, representative, mode, start, end })
}
