//! Visits as the contract speaks of them. No rules, no SQL.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::visit_service_server::VisitService;
use proto::names::{ConcernName, GridName, HouseholdName, MemberName, VillageCode, VillageName, VisitName};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Visits;
use super::batch::Answer;
use super::due::{DueFilter, DueVisit};
use super::rules::{Correction, Draft, Filter, Mode, Outcome, Visit};
use crate::member::rpc::day;
use crate::plan::rules::DueState;

/// Most visits of one batch: a day's work of a whole village.
const BATCH: usize = 1000;
/// Most persons met at once: a number beyond it is a slip of the finger.
const PERSONS: i32 = 10_000;
/// Most concerns raised on one visit: there are hardly more in a month.
const CONCERNS: usize = 50;

#[tonic::async_trait]
impl VisitService for Visits {
    async fn create_visit(&self, request: Request<pb::CreateVisitRequest>) -> Result<Response<pb::Visit>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let draft = draft("", village, message, self.clock.new_id())?;
        Ok(Response::new(self.log(&caller, &request, draft).await?.into()))
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
        let drafts = message.requests.into_iter().enumerate().map(|(place, one)| {
            let path = format!("requests[{place}].");
            if !one.parent.is_empty() && one.parent != message.parent {
                return Err(Error::field(format!("{path}parent"), "is neither empty nor that of the batch"));
            }
            if !one.request_id.is_empty() {
                return Err(Error::field(format!("{path}request_id"), "is not empty; the batch has one"));
            }
            let id = batch.map(|batch| Uuid::new_v5(&batch, place.to_string().as_bytes()));
            draft(&path, village, one, id.unwrap_or_else(|| self.clock.new_id()))
        });
        let answers = self.log_batch(&caller, &request, &village, drafts.collect()).await?;
        Ok(Response::new(answered(answers)))
    }

    async fn list_due_visits(
        &self,
        request: Request<pb::ListDueVisitsRequest>,
    ) -> Result<Response<pb::ListDueVisitsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = message.filter.unwrap_or_default();
        let member = |name: MemberName| name.member;
        let filter = DueFilter {
            representative: crate::of_village("filter.representative", &filter.representative, village, member)?,
            grid: crate::of_village("filter.grid", &filter.grid, village, |name: GridName| name.grid)?,
            state: DueState::read(filter.state).map_err(|error| Error::field("filter.state", error))?,
        };
        let (due, next_page_token) = self.due(&caller, &village, &filter, &page).await?;
        let due_visits = due.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListDueVisitsResponse { due_visits, next_page_token }))
    }

    async fn update_visit(&self, request: Request<pb::UpdateVisitRequest>) -> Result<Response<pb::Visit>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.correct(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn withdraw_visit(&self, request: Request<pb::WithdrawVisitRequest>) -> Result<Response<pb::Visit>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name: Option<VisitName> = wrong.check("name", message.name.parse());
        let reason = wrong.required("reason", &message.reason);
        let (name, reason) = wrong.finish(name.zip(reason))?;
        Ok(Response::new(self.withdraw(&caller, &request, &name, expected, reason).await?.into()))
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
            concerns: visit
                .concerns
                .into_iter()
                .map(|concern| ConcernName::new(visit.name.village, concern).to_string())
                .collect(),
            state: visit.state.into(),
            edit_time: visit.edited_at.map(timestamp),
            withdrawal_reason: visit.withdrawal,
        }
    }
}

impl From<DueVisit> for pb::DueVisit {
    fn from(visit: DueVisit) -> Self {
        Self {
            household: visit.household.to_string(),
            household_number: visit.number,
            grid: visit.grid.to_string(),
            representative: visit.representative.map(|member| member.to_string()).unwrap_or_default(),
            key_household: visit.is_key,
            state: visit.due.state.into(),
            due_on: Some(date(visit.due.by)),
            period_start: Some(date(visit.due.period.start)),
            period_end: Some(date(visit.due.period.end)),
            planned: visit.due.planned,
            made: visit.due.made,
            last_visited_on: visit.last.map(date),
        }
    }
}

fn answered(answers: Vec<Answer>) -> pb::BatchCreateVisitsResponse {
    let stands = |answer: &&Answer| matches!(answer.outcome, Outcome::Accepted | Outcome::AlreadyHad);
    let visits = answers.iter().filter(stands).filter_map(|answer| answer.visit.clone().map(Into::into)).collect();
    pb::BatchCreateVisitsResponse { visits, results: answers.into_iter().map(Into::into).collect() }
}

impl From<Answer> for pb::BatchCreateVisitsResult {
    fn from(answer: Answer) -> Self {
        let (reason, message, field_violations) = match answer.error {
            None => (String::new(), String::new(), Vec::new()),
            Some(error) => {
                let violation = |violation: &platform::error::Violation| pb::VisitFieldViolation {
                    field: violation.field.clone(),
                    description: violation.message.clone(),
                };
                let fields = match &error {
                    Error::Invalid(violations) => violations.iter().map(violation).collect(),
                    _ => Vec::new(),
                };
                (error.reason().to_owned(), error.to_string(), fields)
            }
        };
        Self { outcome: answer.outcome.into(), visit: answer.visit.map(Into::into), reason, message, field_violations }
    }
}

impl TryFrom<pb::UpdateVisitRequest> for Correction {
    type Error = Error;

    fn try_from(message: pb::UpdateVisitRequest) -> Result<Self, Error> {
        const CHANGEABLE: &[&str] = &["visited_on", "mode", "persons", "topics", "note", "concerns"];
        let visit = message.visit.unwrap_or_default();
        let mask = Mask::read(message.update_mask, CHANGEABLE)?;
        let expected = expected(&visit.etag)?;
        let name: VisitName = visit.name.parse().map_err(|error| Error::field("visit.name", error))?;
        let mut wrong = Violations::new();
        let facts = Facts::read("", name.village, &visit, &mut wrong);
        // Only what the mask names has to be there and right.
        let meant = |violation: &platform::error::Violation| {
            violation.field.strip_prefix("visit.").is_some_and(|field| mask.has(field))
        };
        if let Err(Error::Invalid(found)) = wrong.finish(Some(())) {
            let found: Vec<_> = found.into_iter().filter(meant).collect();
            if !found.is_empty() {
                return Err(Error::Invalid(found));
            }
        }
        Ok(Self {
            expected,
            visited_on: facts.visited_on.filter(|_| mask.has("visited_on")),
            mode: facts.mode.filter(|_| mask.has("mode")),
            persons: mask.has("persons").then_some(facts.persons),
            topics: mask.has("topics").then_some(facts.topics),
            note: mask.has("note").then_some(visit.note),
            concerns: mask.has("concerns").then_some(facts.concerns),
            name,
        })
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
    let facts = Facts::read(path, village, &visit, &mut wrong);
    let edited_at = visit.edit_time.and_then(|time| {
        let instant = u32::try_from(time.nanos).ok().and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
        wrong.check(&field("edit_time"), instant.ok_or("is not a time"))
    });
    let (visited_on, mode) = wrong.finish(facts.visited_on.zip(facts.mode))?;
    Ok(Draft {
        name,
        household,
        grid,
        representative,
        visited_on,
        mode,
        persons: facts.persons,
        topics: facts.topics,
        note: visit.note,
        concerns: facts.concerns,
        // In whole microseconds, as the database keeps it: what comes again is the same then.
        edited_at: edited_at.map(|instant: DateTime<Utc>| instant.trunc_subsecs(6)),
    })
}

/// What is put down of a visit, and may be put down wrongly.
struct Facts {
    visited_on: Option<chrono::NaiveDate>,
    mode: Option<Mode>,
    persons: i32,
    topics: Vec<String>,
    concerns: BTreeSet<Uuid>,
}

impl Facts {
    fn read(path: &str, village: VillageCode, visit: &pb::Visit, wrong: &mut Violations) -> Self {
        let field = |name: &str| format!("{path}visit.{name}");
        if visit.visited_on.is_none() {
            wrong.add(field("visited_on"), "is missing");
        }
        let visited_on = day(wrong, &field("visited_on"), visit.visited_on);
        let mode = match Mode::read(visit.mode) {
            Ok(None) => wrong.check(&field("mode"), Err("is missing")),
            read => wrong.check(&field("mode"), read).flatten(),
        };
        let persons = if visit.persons == 0 { 1 } else { visit.persons };
        if !(1..=PERSONS).contains(&persons) {
            wrong.add(field("persons"), format!("has to lie between 1 and {PERSONS}"));
        }
        let topics: Vec<String> = visit.topics.iter().map(|topic| topic.trim().to_owned()).collect();
        if topics.iter().any(|topic| topic.is_empty() || topic.contains(char::is_control)) {
            wrong.add(field("topics"), "have to be words, none of them empty");
        }
        let concerns: Vec<ConcernName> =
            visit.concerns.iter().filter_map(|concern| wrong.check(&field("concerns"), concern.parse())).collect();
        if concerns.iter().any(|concern| concern.village != village) {
            wrong.add(field("concerns"), "lie in another village");
        }
        let concerns: BTreeSet<Uuid> = concerns.into_iter().map(|concern| concern.concern).collect();
        if concerns.len() > CONCERNS {
            wrong.add(field("concerns"), format!("are more than {CONCERNS}"));
        }
        Self { visited_on, mode, persons, topics, concerns }
    }
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
    Ok(Filter { household, grid, representative, mode, start, end, show_withdrawn: filter.show_withdrawn })
}
