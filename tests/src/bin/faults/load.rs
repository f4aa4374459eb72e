//! The load: workers that write households, visits and concerns, each on records of its own, and remember what was
//! acknowledged. Now and then one gives up at the first failure, sends a request twice at once, or sends it again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lianxin::client::{Line, Metadata};
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::{
    AcceptConcernRequest, Concern, ConcernState, CreateConcernRequest, FollowUpConcernRequest, FollowUpOutcome, Matter,
    ResolveConcernRequest, StartConcernRequest,
};
use proto::liaison::v1::visit_service_client::VisitServiceClient;
use proto::liaison::v1::{CreateVisitRequest, Visit, VisitMode};
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use proto::registry::v1::{
    CreateHouseholdRequest, Household, HouseholdKind, UpdateHouseholdRequest, VerifyHouseholdRequest,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::calls::{Calls, Outcome, timed};
use crate::ground::{Ground, of_village, some_days_ago, village};
use crate::model::{Noun, Record};

/// How long a worker tries one write: longer than any fault lasts and is recovered from.
const PATIENCE: Duration = Duration::from_secs(100);
/// Rest between two writes of a worker, in milliseconds.
const REST: std::ops::Range<u64> = 30..150;
/// Of a hundred writes so many are given up at the first failure, sent twice at once, sent again after their answer.
const IMPATIENT: u8 = 15;
const TWINS: u8 = 5;
const REPEATED: u8 = 8;

/// One writer.
pub(crate) struct Worker {
    calls: Calls,
    clerks: [Metadata; 2],
    ground: Arc<Ground>,
    random: fastrand::Rng,
    number: usize,
    records: Vec<Record>,
    /// Which of the records are households that may be changed.
    households: Vec<usize>,
    /// Which are concerns that may be moved, and where they stand.
    concerns: Vec<(usize, ConcernState)>,
}

impl Worker {
    /// A writer with its own random numbers. Whoever resolves a concern does not follow it up: it takes two clerks.
    pub(crate) fn new(number: usize, seed: u64, calls: &Calls, clerks: &[Metadata; 2], ground: &Arc<Ground>) -> Self {
        Self {
            calls: calls.clone(),
            clerks: clerks.clone(),
            ground: ground.clone(),
            random: fastrand::Rng::with_seed(seed),
            number,
            records: Vec::new(),
            households: Vec::new(),
            concerns: Vec::new(),
        }
    }

    /// Writes until told to stop, and says what was written.
    pub(crate) async fn run(mut self, stop: Arc<AtomicBool>) -> Vec<Record> {
        while !stop.load(Ordering::Relaxed) {
            match self.random.u8(..100) {
                0..20 => drop(self.new_household().await),
                20..45 => self.change_household().await,
                45..65 => drop(self.new_visit().await),
                65..77 => drop(self.new_concern().await),
                _ => self.move_concern().await,
            }
            tokio::time::sleep(Duration::from_millis(self.random.u64(REST))).await;
        }
        self.records
    }

    /// What was written.
    pub(crate) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// Enters a household.
    pub(crate) async fn new_household(&mut self) -> Option<Household> {
        let (id, grid, persons) = (self.new_id(), self.some_grid(), self.random.i32(1..9));
        let at = self.record(Noun::Household, id, false);
        let kinds = [HouseholdKind::Original, HouseholdKind::Relocated, HouseholdKind::RebuiltArea];
        let household = Household {
            number: format!("F{}-{at}", self.number),
            head_name: "张三".to_owned(),
            registered_persons: persons,
            kind: self.random.choice(kinds).unwrap_or_default().into(),
            grid: of_village("grids", &grid),
            ..Household::default()
        };
        let request = CreateHouseholdRequest {
            parent: village(),
            household: Some(household),
            household_id: id.to_string(),
            request_id: self.new_id().to_string(),
        };
        let outcome = self.send(Noun::Household, 0, request, async |line, request| {
            HouseholdServiceClient::new(line).create_household(request).await
        });
        let outcome = outcome.await;
        let made = self.settle(at, format!("{persons} persons in {grid}"), outcome)?;
        self.households.push(at);
        self.count(Noun::Household);
        Some(made)
    }

    /// Changes or confirms a household of our own.
    async fn change_household(&mut self) {
        let Some(at) = take(&mut self.households, &mut self.random) else { return drop(self.new_household().await) };
        let name = self.records[at].name();
        let (etag, request_id) = (self.records[at].acknowledged.len().to_string(), self.new_id().to_string());
        let before = self.records[at].acknowledged.last().cloned().unwrap_or_default();
        let done = if self.random.u8(..100) < 20 {
            let request = VerifyHouseholdRequest { name, etag, request_id, verified_on: Some(some_days_ago()) };
            let outcome = self.send(Noun::Household, 1, request, async |line, request| {
                HouseholdServiceClient::new(line).verify_household(request).await
            });
            let outcome = outcome.await;
            self.settle(at, before, outcome)
        } else {
            // Half of them move: liaison then ends their link and begins another.
            let (_, old) = before.rsplit_once(' ').unwrap_or_default();
            let grid = if self.random.bool() { self.some_grid() } else { old.to_owned() };
            let persons = self.random.i32(1..9);
            let household = Household {
                name,
                etag,
                registered_persons: persons,
                grid: of_village("grids", &grid),
                ..Household::default()
            };
            let paths = vec!["registered_persons".to_owned(), "grid".to_owned()];
            let request = UpdateHouseholdRequest {
                household: Some(household),
                update_mask: Some(prost_types::FieldMask { paths }),
                request_id,
            };
            let outcome = self.send(Noun::Household, 0, request, async |line, request| {
                HouseholdServiceClient::new(line).update_household(request).await
            });
            let outcome = outcome.await;
            self.settle(at, format!("{persons} persons in {grid}"), outcome)
        };
        self.households.extend(done.map(|_| at));
    }

    /// Logs a visit.
    pub(crate) async fn new_visit(&mut self) -> Option<Visit> {
        let (id, persons) = (self.new_id(), self.random.i32(1..9));
        let at = self.record(Noun::Visit, id, false);
        let visit = Visit {
            household: self.random.choice(&self.ground.households).cloned().unwrap_or_default(),
            visited_on: Some(some_days_ago()),
            mode: VisitMode::DoorStep.into(),
            persons,
            note: format!("visit {at} of worker {}", self.number),
            ..Visit::default()
        };
        let content = format!("{persons} persons, {}", visit.note);
        let request = CreateVisitRequest {
            parent: village(),
            visit: Some(visit),
            visit_id: id.to_string(),
            request_id: self.new_id().to_string(),
        };
        let outcome = self.send(Noun::Visit, 0, request, async |line, request| {
            VisitServiceClient::new(line).create_visit(request).await
        });
        let outcome = outcome.await;
        let made = self.settle(at, content, outcome)?;
        self.count(Noun::Visit);
        Some(made)
    }

    /// Reports a concern, without a day. That of a household of our own may come before casework has heard of it.
    pub(crate) async fn new_concern(&mut self) -> Option<Concern> {
        let id = self.new_id();
        let ours = self.random.choice(&self.households).filter(|_| self.random.bool()).copied();
        let at = self.record(Noun::Concern, id, ours.is_some());
        let concern = Concern {
            matter: Matter::Environment.into(),
            matter_type: "路灯".to_owned(),
            text: format!("concern {at} of worker {}", self.number),
            household: ours.map(|ours| self.records[ours].name()).unwrap_or_default(),
            grid: if ours.is_some() { String::new() } else { of_village("grids", self.some_grid()) },
            ..Concern::default()
        };
        let content = format!("reported, {}", concern.text);
        let request = CreateConcernRequest {
            parent: village(),
            concern: Some(concern),
            concern_id: id.to_string(),
            request_id: self.new_id().to_string(),
        };
        let outcome = self.send(Noun::Concern, 0, request, async |line, request| {
            ConcernServiceClient::new(line).create_concern(request).await
        });
        let outcome = outcome.await;
        let made = self.settle(at, content, outcome)?;
        if ours.is_none() {
            self.concerns.push((at, ConcernState::Reported));
        }
        self.count(Noun::Concern);
        Some(made)
    }

    /// Moves a concern of our own on.
    async fn move_concern(&mut self) {
        let Some((at, state)) = take(&mut self.concerns, &mut self.random) else {
            return drop(self.new_concern().await);
        };
        let name = self.records[at].name();
        let (etag, request_id) = (self.records[at].acknowledged.len().to_string(), self.new_id().to_string());
        let note = String::new();
        let (next, outcome) = match state {
            ConcernState::Reported => {
                let request = AcceptConcernRequest { name, etag, request_id, note };
                let outcome = self.send(Noun::Concern, 0, request, async |line, request| {
                    ConcernServiceClient::new(line).accept_concern(request).await
                });
                (ConcernState::Accepted, outcome.await)
            }
            ConcernState::Accepted => {
                let request = StartConcernRequest { name, etag, request_id, note };
                let outcome = self.send(Noun::Concern, 0, request, async |line, request| {
                    ConcernServiceClient::new(line).start_concern(request).await
                });
                (ConcernState::InProgress, outcome.await)
            }
            ConcernState::InProgress => {
                let request = ResolveConcernRequest { name, etag, request_id, note, result: "修好了".to_owned() };
                let outcome = self.send(Noun::Concern, 0, request, async |line, request| {
                    ConcernServiceClient::new(line).resolve_concern(request).await
                });
                (ConcernState::Resolved, outcome.await)
            }
            _ => {
                let (next, answer, score) = match self.random.u8(..4) {
                    0 => (ConcernState::InProgress, FollowUpOutcome::NotSatisfied, 1),
                    1 => (ConcernState::Resolved, FollowUpOutcome::NotReached, 0),
                    _ => (ConcernState::Closed, FollowUpOutcome::Satisfied, 5),
                };
                let request = FollowUpConcernRequest { name, etag, request_id, note, outcome: answer.into(), score };
                let outcome = self.send(Noun::Concern, 1, request, async |line, request| {
                    ConcernServiceClient::new(line).follow_up_concern(request).await
                });
                (next, outcome.await)
            }
        };
        let text = self.records[at].acknowledged.last().and_then(|content| content.split_once(", "));
        let text = text.map(|(_, text)| text.to_owned()).unwrap_or_default();
        let word = match next {
            ConcernState::Accepted => "accepted",
            ConcernState::InProgress => "in_progress",
            ConcernState::Resolved => "resolved",
            _ => "closed",
        };
        if self.settle(at, format!("{word}, {text}"), outcome).is_some() && next != ConcernState::Closed {
            self.concerns.push((at, next));
        }
    }

    /// Sends one write as careful and careless clients do.
    async fn send<M, A, F, Fut>(&mut self, noun: Noun, clerk: usize, message: M, call: F) -> Outcome<A>
    where
        M: Clone,
        A: Answer,
        F: Fn(Line, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let mut chance = |of_hundred: u8| self.random.u8(..100) < of_hundred;
        let (impatient, twins, repeated) = (chance(IMPATIENT), chance(TWINS), chance(REPEATED));
        let patience = (!impatient).then_some(PATIENCE);
        let (calls, caller) = (&self.calls, &self.clerks[clerk]);
        let once = || calls.insist(noun.service(), caller, patience, |line| call(line, timed(message.clone())));
        let mut outcome = if twins { self.both(tokio::join!(once(), once())) } else { once().await };
        if repeated && matches!(outcome, Outcome::Done(_)) {
            outcome = self.both((outcome, once().await));
        }
        outcome
    }

    /// The same request, twice: one answer is the answer of both.
    fn both<A: Answer>(&self, answers: (Outcome<A>, Outcome<A>)) -> Outcome<A> {
        match answers {
            (Outcome::Done(one), Outcome::Done(other)) => {
                if one.name() != other.name() {
                    self.calls.counts.broken(format!("one request made both {} and {}", one.name(), other.name()));
                }
                Outcome::Done(one)
            }
            (Outcome::Refused(status), _) | (_, Outcome::Refused(status)) => Outcome::Refused(status),
            (Outcome::Done(one), Outcome::Unknown) | (Outcome::Unknown, Outcome::Done(one)) => Outcome::Done(one),
            (Outcome::Unknown, Outcome::Unknown) => Outcome::Unknown,
        }
    }

    /// Notes what became of a write.
    fn settle<A: Answer>(&mut self, at: usize, content: String, outcome: Outcome<A>) -> Option<A> {
        let (record, counts) = (&mut self.records[at], &self.calls.counts);
        match outcome {
            Outcome::Done(answer) => {
                record.acknowledged.push(content);
                counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                let (name, revision) = (record.name(), record.acknowledged.len().to_string());
                if answer.name() != name || (answer.etag() != revision && !record.may_be_routed) {
                    let (other, etag) = (answer.name(), answer.etag());
                    counts.broken(format!("{name} at {revision} was acknowledged as {other} at {etag}"));
                }
                Some(answer)
            }
            Outcome::Unknown => {
                counts.unknown.fetch_add(1, Ordering::Relaxed);
                record.unknown = Some(content);
                None
            }
            Outcome::Refused(status) => {
                let (name, code, message) = (record.name(), status.code(), status.message());
                counts.broken(format!("{name}: {content:?} was refused: {code:?}, {message}"));
                record.unknown = Some(content);
                None
            }
        }
    }

    fn record(&mut self, noun: Noun, id: Uuid, may_be_routed: bool) -> usize {
        self.records.push(Record { noun, id, acknowledged: Vec::new(), unknown: None, may_be_routed });
        self.records.len() - 1
    }

    fn count(&self, noun: Noun) {
        self.calls.counts.made[noun as usize].fetch_add(1, Ordering::SeqCst);
    }

    fn new_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_ne_bytes()).into_uuid()
    }

    fn some_grid(&mut self) -> String {
        self.random.choice(&self.ground.grids).cloned().unwrap_or_default()
    }
}

/// What every answer to a write has.
trait Answer {
    fn name(&self) -> &str;
    fn etag(&self) -> &str;
}

macro_rules! answers {
    ($($message:ty),+) => {
        $(impl Answer for $message {
            fn name(&self) -> &str {
                &self.name
            }

            fn etag(&self) -> &str {
                &self.etag
            }
        })+
    };
}

answers!(Household, Visit, Concern);

fn take<T>(of: &mut Vec<T>, random: &mut fastrand::Rng) -> Option<T> {
    (!of.is_empty()).then(|| of.swap_remove(random.usize(..of.len())))
}
