//! The books are right whatever people do: a random sequence of what can be done with concerns, through gRPC and by every
//! office, in any state. What is refused changes nothing; every concern has an owner and is in one state; its clock never goes
//! back; and what the states add up to is what was reported, in casework's lists as in reporting's figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};

use platform::Office;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::demand_service_client::DemandServiceClient;
use proto::casework::v1::*;
use tests::{GAOCHONG, Line, WUSHAN, World};
use tonic::{Code, Status};

/// Commands of one run: enough for nearly every one of them to be carried out, and for a run of some seconds.
const STEPS: usize = 300;
/// Concerns that are worked on: few, so that each has a long life.
const CONCERNS: usize = 14;

/// What somebody tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Report,
    Accept,
    Return,
    Decline,
    Withdraw,
    AssignToTeam,
    AssignToOffice,
    Start,
    Suspend,
    Resume,
    Resolve,
    FollowUp(FollowUpOutcome),
    Escalate,
    SendBack,
    Supervise,
    Reopen,
    Update,
    Merge,
    Add,
    Remove,
    Dissolve,
    Answer,
}

use Act::{
    Accept, Add, Answer, AssignToOffice, AssignToTeam, Decline, Dissolve, Escalate, FollowUp, Merge, Remove, Reopen,
    Report, Resolve, Resume, Return, SendBack, Start, Supervise, Suspend, Update, Withdraw,
};
use FollowUpOutcome::{NotReached, NotSatisfied, PartlySatisfied, Satisfied};

const EVERY: &[Act] = &[
    Report,
    Accept,
    Return,
    Decline,
    Withdraw,
    AssignToTeam,
    AssignToOffice,
    Start,
    Suspend,
    Resume,
    Resolve,
    FollowUp(Satisfied),
    FollowUp(PartlySatisfied),
    FollowUp(NotSatisfied),
    FollowUp(NotReached),
    Escalate,
    SendBack,
    Supervise,
    Reopen,
    Update,
    Merge,
    Add,
    Remove,
    Dissolve,
    Answer,
];

/// What people mostly try with a concern as it stands.
fn likely(concern: &Concern) -> &'static [Act] {
    match concern.state() {
        _ if concern.suspended => &[Resume],
        _ if concern.owner_kind() == OwnerKind::Subdistrict => &[SendBack, Resolve, Start, Merge],
        ConcernState::Reported => &[Accept, Accept, Return, AssignToTeam, Merge, Merge, Add],
        ConcernState::Returned => &[AssignToTeam, Accept, AssignToOffice],
        ConcernState::Accepted => &[Start, Start, AssignToOffice, Suspend, Escalate, Merge, Add],
        ConcernState::InProgress => &[Resolve, Resolve, Suspend, Escalate, Merge, Add],
        ConcernState::Resolved => &[FollowUp(Satisfied), FollowUp(NotSatisfied), FollowUp(NotReached)],
        ConcernState::Closed | ConcernState::Declined => &[Reopen],
        ConcernState::Merged => &[Remove, Dissolve, Answer, Add],
        _ => &[Supervise],
    }
}

/// Somebody who works on concerns.
struct Worker {
    office: Office,
    concerns: ConcernServiceClient<Line>,
    demands: DemandServiceClient<Line>,
}

struct Books {
    world: World,
    dice: fastrand::Rng,
    workers: Vec<Worker>,
    /// Those that are worked on, as they were last seen, and what was used up of their time.
    concerns: BTreeMap<String, (Concern, i64)>,
    demands: BTreeSet<String>,
    /// How often each act was carried out.
    done: BTreeMap<Act, usize>,
}

fn village() -> String {
    format!("villages/{GAOCHONG}")
}

impl Books {
    async fn open(seed: u64) -> Self {
        let world = World::start().await;
        assert_eq!(world.onboard_gaochong().await.refused, 0);
        let worker = |office: Office, scope: &str, grids: &[&str]| {
            let caller = world.stage.caller(office, scope, grids);
            Worker {
                office,
                concerns: ConcernServiceClient::new(world.line("casework", &caller)),
                demands: DemandServiceClient::new(world.line("casework", &caller)),
            }
        };
        let workers = vec![
            worker(Office::Clerk, GAOCHONG, &[]),
            worker(Office::Officer, WUSHAN, &[]),
            worker(Office::Cadre, GAOCHONG, &[]),
            worker(Office::Leader, GAOCHONG, &["027"]),
            worker(Office::Representative, GAOCHONG, &["028"]),
        ];
        let dice = fastrand::Rng::with_seed(seed);
        Self { world, dice, workers, concerns: BTreeMap::new(), demands: BTreeSet::new(), done: BTreeMap::new() }
    }

    fn clerk(&self) -> ConcernServiceClient<Line> {
        self.workers[0].concerns.clone()
    }

    /// Somebody tries something.
    async fn step(&mut self) {
        let all: Vec<String> = self.concerns.keys().cloned().collect();
        let picked = self.dice.choice(&all).cloned();
        let act = match &picked {
            Some(name) if self.dice.u8(..10) < 8 => *self.dice.choice(likely(&self.concerns[name].0)).unwrap(),
            _ => *self.dice.choice(EVERY).unwrap(),
        };
        let act = if all.len() < CONCERNS { Report } else { act };
        let others = all.into_iter().filter(|name| Some(name) != picked.as_ref());
        let others: Vec<String> = self.dice.choose_multiple(others, 2);
        let who = self.dice.usize(..self.workers.len());
        let tried = self.tries(act, picked.as_deref().unwrap_or_default(), &others, who).await;
        match &tried {
            Ok(touched) => {
                *self.done.entry(act).or_default() += 1;
                assert!(!touched.is_empty(), "{act:?}");
            }
            Err(refused) => assert!(
                matches!(refused.code(), Code::FailedPrecondition | Code::PermissionDenied | Code::NotFound),
                "{act:?} by {:?}: {refused}",
                self.workers[who].office
            ),
        }
        let looked_at = tried.clone().unwrap_or_else(|_| picked.into_iter().collect());
        for name in looked_at {
            self.look_at(&name, tried.is_ok(), act).await;
        }
    }

    /// Tries something with a concern and perhaps others; answers which were touched.
    async fn tries(&mut self, act: Act, name: &str, others: &[String], who: usize) -> Result<Vec<String>, Status> {
        let (name, note) = (name.to_owned(), "有缘由".to_owned());
        let worker = &mut self.workers[who];
        let (office, clients) = (worker.office, &mut worker.concerns);
        let (matter, matter_type) = (Matter::Environment.into(), "路灯".to_owned());
        macro_rules! order {
            ($method:ident: $request:ident $({ $($field:ident: $value:expr),+ })?) => {
                clients.$method($request { name, note, $($($field: $value,)+)? ..Default::default() }).await?.into_inner()
            };
        }
        let concern = match act {
            Report => {
                // Whoever serves some grids reports in one of theirs.
                let grid = if office == Office::Leader { "027" } else { "028" };
                let text = format!("{}栋后路灯不亮", self.dice.u8(..));
                let grid = format!("{}/grids/{grid}", village());
                let concern = Concern { matter, matter_type, text, grid, ..Default::default() };
                let request = CreateConcernRequest { parent: village(), concern: Some(concern), ..Default::default() };
                clients.create_concern(request).await?.into_inner()
            }
            Accept => order!(accept_concern: AcceptConcernRequest),
            Return => order!(return_concern: ReturnConcernRequest),
            Decline => order!(decline_concern: DeclineConcernRequest { where_to_go: "供电所".into() }),
            Withdraw => order!(withdraw_concern: WithdrawConcernRequest),
            AssignToTeam => order!(assign_concern: AssignConcernRequest {
                owner_kind: OwnerKind::Team.into(),
                owner: format!("{}/teams/027", village())
            }),
            AssignToOffice => {
                order!(assign_concern: AssignConcernRequest { owner_kind: OwnerKind::Office.into() })
            }
            Start => order!(start_concern: StartConcernRequest),
            Suspend => order!(suspend_concern: SuspendConcernRequest),
            Resume => order!(resume_concern: ResumeConcernRequest),
            Resolve => order!(resolve_concern: ResolveConcernRequest { result: "已更换".into() }),
            FollowUp(outcome) => order!(follow_up_concern: FollowUpConcernRequest { outcome: outcome.into() }),
            Escalate => order!(escalate_concern: EscalateConcernRequest),
            SendBack => order!(send_back_concern: SendBackConcernRequest),
            Supervise => order!(supervise_concern: SuperviseConcernRequest),
            Reopen => order!(reopen_concern: ReopenConcernRequest),
            Update => {
                let concern = Concern { name, text: "3栋后路灯不亮，已三天".into(), ..Default::default() };
                let update_mask = Some(prost_types::FieldMask { paths: vec!["text".into()] });
                let request = UpdateConcernRequest { concern: Some(concern), update_mask, ..Default::default() };
                clients.update_concern(request).await?.into_inner()
            }
            Merge | Add | Remove | Dissolve | Answer => return self.tries_demand(act, &name, others, who).await,
        };
        Ok(vec![concern.name])
    }

    async fn tries_demand(
        &mut self,
        act: Act,
        name: &str,
        others: &[String],
        who: usize,
    ) -> Result<Vec<String>, Status> {
        let note = "有缘由".to_owned();
        // The demand that the concern is part of, or any.
        let all: Vec<String> = self.demands.iter().cloned().collect();
        let of_it = Some(self.concerns[name].0.demand.clone()).filter(|demand| !demand.is_empty());
        let demand = of_it
            .or_else(|| self.dice.choice(all))
            .unwrap_or_else(|| format!("{}/demands/018f5e9e-0000-7000-8000-000000000000", village()));
        let mergeable = |name: &&String| {
            let (concern, _) = &self.concerns[*name];
            matches!(concern.state(), ConcernState::Reported | ConcernState::Accepted | ConcernState::InProgress)
        };
        let concerns: Vec<String> =
            std::iter::once(name.to_owned()).chain(others.iter().filter(mergeable).cloned()).collect();
        if act == Merge && concerns.len() < 2 {
            return Err(Status::failed_precondition("one alone is no common demand"));
        }
        // Whoever is in it may be touched by what is done with all of it.
        let members: Vec<String> =
            self.concerns.iter().filter(|(_, (one, _))| one.demand == demand).map(|(name, _)| name.clone()).collect();
        let demands = &mut self.workers[who].demands;
        let touched = match act {
            Merge => {
                let request =
                    CreateDemandRequest { parent: village(), concerns: concerns.clone(), note, ..Default::default() };
                let made = demands.create_demand(request).await?.into_inner();
                self.demands.insert(made.name);
                concerns
            }
            Add => {
                let request =
                    AddConcernRequest { name: demand, concerns: concerns.clone(), note, ..Default::default() };
                demands.add_concern(request).await?;
                concerns
            }
            Remove => {
                let concerns = vec![name.to_owned()];
                let request =
                    RemoveConcernRequest { name: demand, concerns: concerns.clone(), note, ..Default::default() };
                demands.remove_concern(request).await?;
                concerns
            }
            Dissolve => {
                demands.dissolve_demand(DissolveDemandRequest { name: demand, note, ..Default::default() }).await?;
                members
            }
            _ => {
                let request =
                    AnswerDemandRequest { name: demand, result: "已更换".into(), note, ..Default::default() };
                demands.answer_demand(request).await?;
                members
            }
        };
        Ok(touched)
    }

    /// What holds for a concern at every moment.
    async fn look_at(&mut self, name: &str, taken: bool, act: Act) {
        let mut clerk = self.clerk();
        let now = clerk.get_concern(GetConcernRequest { name: name.to_owned() }).await.unwrap().into_inner();
        assert_ne!(now.state(), ConcernState::Unspecified);
        match now.owner_kind() {
            OwnerKind::Unspecified => panic!("nobody answers for {name}"),
            OwnerKind::Office => assert_eq!(now.owner, ""),
            _ => assert_ne!(now.owner, "", "{name}"),
        }
        assert_eq!(now.state() == ConcernState::Closed, now.closed_on.is_some(), "{name}");
        assert!(now.state() != ConcernState::Merged || !now.demand.is_empty(), "{name}");
        let explain = ExplainDeadlineRequest { name: name.to_owned() };
        let clock = clerk.explain_deadline(explain).await.unwrap().into_inner();
        assert!(clock.exists);
        let sum: i64 = clock.segments.iter().map(|one| one.spent_seconds).sum();
        assert_eq!(sum, clock.spent_seconds, "{name}: the segments add up");
        let limit = i64::from(clock.resolution_hours + clock.extension_hours) * 3600;
        assert_eq!(clock.spent_seconds + clock.left_seconds, limit, "{name}");
        for two in clock.segments.windows(2) {
            assert_eq!(two[0].end_time, two[1].start_time, "{name}: no time is missing or told twice");
        }
        if let Some((before, spent)) = self.concerns.get(name) {
            assert!(clock.spent_seconds >= *spent, "{name}: {act:?} has set the clock back");
            let (was, is): (i64, i64) = (before.etag.parse().unwrap(), now.etag.parse().unwrap());
            assert_eq!(is - was, i64::from(taken), "{name}: {act:?} is one step, and a refusal is none");
            assert!(taken || now == *before, "{name}: {act:?} was refused and has changed it");
        }
        self.concerns.insert(name.to_owned(), (now, clock.spent_seconds));
    }

    /// All of the village's concerns, by the state whose list they are in: each is in one.
    async fn by_state(&self) -> BTreeMap<i32, i32> {
        let mut clerk = self.clerk();
        let mut listed = BTreeMap::new();
        let states = (1..).map_while(|state| ConcernState::try_from(state).ok());
        let mut lists = vec![ConcernFilter::default()];
        lists.extend(states.map(|state| ConcernFilter { state: state.into(), ..Default::default() }));
        let mut seen = Vec::new();
        for filter in lists {
            let state = filter.state;
            let list =
                ListConcernsRequest { parent: village(), page_size: 1000, filter: Some(filter), ..Default::default() };
            let page = clerk.list_concerns(list).await.unwrap().into_inner();
            assert_eq!(page.next_page_token, "", "all on one page");
            assert!(state == 0 || page.concerns.iter().all(|one| one.state == state));
            seen.push(page.concerns.into_iter().map(|one| one.name).collect::<Vec<_>>());
            listed.insert(state, i32::try_from(seen[seen.len() - 1].len()).unwrap());
        }
        let mut all = seen.remove(0);
        let mut parts = seen.concat();
        all.sort();
        parts.sort();
        assert_eq!(all, parts, "every concern is in the list of exactly one state");
        listed.remove(&0);
        listed.retain(|_, many| *many > 0);
        listed
    }

    /// The sums of casework's lists are those of reporting's figures.
    async fn add_up(&self) {
        let by_state = self.by_state().await;
        let reported = self.concerns.len() + 45; // those of the shipped ledger
        assert_eq!(by_state.values().sum::<i32>(), i32::try_from(reported).unwrap());
        let list = ListDemandsRequest { parent: village(), page_size: 1000, ..Default::default() };
        let demands = self.workers[0].demands.clone().list_demands(list).await.unwrap().into_inner().demands;
        let counting = |states: &[DemandState]| -> Vec<i32> {
            demands.iter().filter(|one| states.contains(&one.state())).map(|one| one.concern_count).collect()
        };
        let standing = counting(&[DemandState::Open, DemandState::Answered]);
        let answered = counting(&[DemandState::Answered]).len();
        let set = self
            .world
            .wait_for_figures(GAOCHONG, "the sums of the lists", |set| {
                let told: BTreeMap<i32, i32> = set.concerns_by_state.iter().map(|one| (one.state, one.count)).collect();
                told == by_state
                    && usize::try_from(set.demands_opened).unwrap() == standing.len()
                    && usize::try_from(set.demands_answered).unwrap() == answered
                    && set.concerns_in_demands == standing.iter().sum::<i32>()
            })
            .await;
        assert_eq!(usize::try_from(set.concerns_reported).unwrap(), reported);
        assert_eq!(set.concerns_by_matter.iter().map(|one| one.count).sum::<i32>(), set.concerns_reported);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_with_concerns_by_whomever_the_books_are_right() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut books = Books::open(seed).await;
    for step in 0..STEPS {
        books.step().await;
        if step % 100 == 99 {
            books.add_up().await;
        }
    }
    let never: Vec<&Act> = EVERY.iter().filter(|act| !books.done.contains_key(act)).collect();
    // Chance leaves out one or the other; most lives have been lived.
    assert!(never.len() < 8, "never done: {never:?}; {:?}", books.done);
}
