//! Deliberations: how a village decides together about what its households raise, each by itself or as a common demand, and
//! lets everybody know.

mod notice;
mod policy;
mod rpc;
mod rules;
mod store;
mod vote;

use std::net::IpAddr;

use events::Changes;
use platform::revision::must_be;
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Scope, Tx, Vault};
use proto::names::{ConcernName, DeliberationName, DeliberationPolicyName, VillageCode};

use notice::store as notices;
use notice::{Notice, Words};
use policy::Policy;
use rules::{Deliberation, Draft, Sitting, Taken};
use store::{Filter, Move};

use crate::calendar::Calendars;
use crate::progress::Counter;
use crate::{concern, demand};

/// The use cases of deliberations.
pub(crate) struct Deliberations {
    database: Database,
    changes: Changes,
    clock: Clock,
    calendars: Calendars,
    vault: Vault,
    counter: Counter,
}

/// What somebody wants done with a deliberation.
struct Order {
    name: DeliberationName,
    expected: Option<i64>,
    command: Command,
}

enum Command {
    RecordVote(Sitting),
    Decide { resolution: String, note: String },
    PublishNotice { title: String, text: String, cleared: Cleared, days: i32 },
    RecordObjection { upheld: bool, note: String },
    CloseNotice { note: String },
    PublishResult { result: String, cleared: Cleared },
    Withdraw { note: String },
}

/// That the registry has looked through a text, and why names that it found may stand.
struct Cleared {
    clearance: String,
    names_reason: String,
}

/// A deliberation as somebody may read it.
struct Shown {
    deliberation: Deliberation,
    moves: Vec<Move>,
    /// Those who serve some grids read no minutes.
    whole: bool,
}

impl Deliberations {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, calendars: Calendars, vault: Vault) -> Self {
        let counter = Counter::new(database.clone(), clock.clone());
        Self { database, changes, clock, calendars, vault, counter }
    }

    /// Puts concerns, or a demand, on the agenda.
    async fn open(&self, caller: &Caller, request: Request, draft: Draft) -> Result<Shown> {
        let by = whole_village(caller, &draft.name.village)?;
        let name = draft.name.clone();
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            return show(&mut tx, &made.parse().map_err(Error::internal)?, &by).await;
        }
        let policy = policy::policy_get(&mut tx, name.village).await?;
        let taken = rules::open(draft, &policy, self.clock.now())?;
        let concerns: Vec<ConcernName> = taken.deliberation.concern_names().collect();
        store::taken_save(&mut tx, &taken, &by).await?;
        let parts = (&self.changes, &self.clock, &self.calendars);
        concern::table(&mut tx, parts, &by, &concerns, name.deliberation).await?;
        if let Some(demand) = taken.deliberation.demand_name() {
            demand::table(&mut tx, &self.changes, &by, &demand, name.deliberation, self.clock.now()).await?;
        }
        self.finish(tx, taken, &by).await
    }

    /// Carries out an order.
    async fn act(&self, caller: &Caller, request: Request, order: Order) -> Result<Shown> {
        let Order { name, expected, command } = order;
        let by = whole_village(caller, &name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            return show(&mut tx, &made.parse().map_err(Error::internal)?, &by).await;
        }
        let before = store::deliberation_lock(&mut tx, &name).await?;
        must_be(expected, before.revision, &name)?;
        let now = self.clock.now();
        let parts = (&self.changes, &self.clock, &self.calendars);
        let taken = match command {
            Command::RecordVote(sitting) => rules::record_vote(before, sitting, now)?,
            Command::Decide { resolution, note } => rules::decide(before, resolution, &note, now)?,
            Command::RecordObjection { upheld, note } => rules::record_objection(before, upheld, &note, now)?,
            Command::CloseNotice { note } => rules::close_notice(before, &note, now)?,
            Command::Withdraw { note } => rules::withdraw(before, &note, now)?,
            Command::PublishNotice { title, text, cleared, days } => {
                let policy = policy::policy_get(&mut tx, name.village).await?;
                let words = notice_words(&before, &title, &text);
                let taken = rules::publish_notice(before, days, &policy, &cleared.names_reason, now)?;
                let Cleared { clearance, names_reason } = &cleared;
                let (words, excepted) = words.admit(&self.vault, &name.village, clearance, names_reason, now)?;
                store::taken_save(&mut tx, &taken, &by).await?;
                notices::notice_save(&mut tx, &name, &words, excepted).await?;
                return self.finish(tx, taken, &by).await;
            }
            Command::PublishResult { result, cleared } => {
                let taken = rules::publish_result(before, &cleared.names_reason, now)?;
                let Cleared { clearance, names_reason } = &cleared;
                let words = Words::new([&result]);
                let (words, excepted) = words.admit(&self.vault, &name.village, clearance, names_reason, now)?;
                store::taken_save(&mut tx, &taken, &by).await?;
                notices::result_save(&mut tx, &name, &words, excepted).await?;
                return self.finish(tx, taken, &by).await;
            }
        };
        store::taken_save(&mut tx, &taken, &by).await?;
        if let Some(note) = taken.concludes() {
            let concerns: Vec<ConcernName> = taken.deliberation.concern_names().collect();
            concern::conclude(&mut tx, parts, &by, &concerns, name.deliberation, note).await?;
            if let Some(demand) = taken.deliberation.demand_name() {
                demand::conclude(&mut tx, &self.changes, &by, &demand, name.deliberation, note, now).await?;
            }
        }
        self.finish(tx, taken, &by).await
    }

    /// Tells what was done, and commits it.
    async fn finish(&self, mut tx: Tx, taken: Taken, by: &Authority) -> Result<Shown> {
        self.changes.append(&mut tx, by, &[taken.news()?]).await?;
        let moves = store::moves_of(&mut tx, &taken.deliberation.name).await?;
        self.changes.commit(tx).await?;
        Ok(Shown { deliberation: taken.deliberation, moves, whole: true })
    }

    async fn get(&self, caller: &Caller, name: &DeliberationName) -> Result<Shown> {
        let by = caller.within(&name.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        show(&mut tx, name, &by).await
    }

    async fn list(&self, caller: &Caller, filter: &Filter, page: &Page) -> Result<(Vec<Deliberation>, String)> {
        let by = caller.within(&filter.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        let rows = store::deliberation_list(&mut tx, filter, &by, page).await?;
        Ok(page.cut(rows, store::list_key))
    }

    /// What a notice would say, if it were published now.
    async fn draft(&self, caller: &Caller, name: &DeliberationName, title: &str, text: &str) -> Result<Words<2>> {
        let by = whole_village(caller, &name.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        let one = store::deliberation_get(&mut tx, name, &by).await?;
        rules::may_be_noticed(&one)?;
        Ok(notice_words(&one, title, text))
    }

    /// A notice, for everybody.
    async fn notice(&self, peer: Option<IpAddr>, name: &DeliberationName) -> Result<Notice> {
        self.counter.admit(peer, None)?;
        let mut tx = self.database.read(&Scope::from(&name.village)).await?;
        notices::notice_get(&mut tx, name).await
    }

    /// A village's notices, for everybody.
    async fn notices(&self, peer: Option<IpAddr>, village: VillageCode, page: &Page) -> Result<(Vec<Notice>, String)> {
        self.counter.admit(peer, None)?;
        let mut tx = self.database.read(&Scope::from(&village)).await?;
        let rows = notices::notice_list(&mut tx, village, page).await?;
        Ok(page.cut(rows, notices::list_key))
    }

    async fn policy(&self, caller: &Caller, village: VillageCode) -> Result<Policy> {
        let by = caller.within(&village)?;
        let mut tx = self.database.read(by.scope()).await?;
        policy::policy_get(&mut tx, village).await
    }

    /// Lays down something else, for deliberations to come.
    async fn set_policy(
        &self,
        caller: &Caller,
        request: Request,
        village: VillageCode,
        expected: Option<i64>,
        policy: Policy,
    ) -> Result<Policy> {
        let by = whole_village(caller, &village)?;
        let name = DeliberationPolicyName(village).to_string();
        let mut tx = self.database.begin(by.scope()).await?;
        let before = policy::policy_get(&mut tx, village).await?;
        if request.claim(&mut tx, &village, &name).await?.is_some() {
            return policy::policy_get(&mut tx, village).await;
        }
        must_be(expected, before.revision, &name)?;
        let after = Policy { revision: before.revision + 1, ..policy };
        let now = self.clock.now();
        policy::policy_save(&mut tx, village, &after, by.subject(), now).await?;
        self.changes.append(&mut tx, &by, &[after.news(village, now)?]).await?;
        self.changes.commit(tx).await?;
        Ok(after)
    }
}

/// Refuses the minutes of a deliberation to whoever serves some grids: to them they do not exist.
pub(crate) async fn must_be_told(tx: &mut Tx, name: &DeliberationName, by: &Authority) -> Result<()> {
    store::deliberation_get(tx, name, by).await?;
    if by.grids().is_none() { Ok(()) } else { Err(Error::NotFound(name.to_string())) }
}

/// Who answers for the whole village.
fn whole_village(caller: &Caller, village: &VillageCode) -> Result<Authority> {
    let by = caller.within(village)?;
    by.must_serve_all()?;
    Ok(by)
}

async fn show(tx: &mut Tx, name: &DeliberationName, by: &Authority) -> Result<Shown> {
    let deliberation = store::deliberation_get(tx, name, by).await?;
    let whole = by.grids().is_none();
    let moves = if whole { store::moves_of(tx, name).await? } else { Vec::new() };
    Ok(Shown { deliberation, moves, whole })
}

/// What is to go out: what somebody wrote for it, or else the deliberation's title and resolution.
fn notice_words(one: &Deliberation, title: &str, text: &str) -> Words<2> {
    let or = |written: &str, own: &str| if written.trim().is_empty() { own.to_owned() } else { written.to_owned() };
    Words::new([&or(title, &one.title), &or(text, &one.resolution)])
}
