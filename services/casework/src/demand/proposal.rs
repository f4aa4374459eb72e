//! Proposals of common demands: several households seem to raise the same, or what an open demand is about, and a person says
//! whether they do.
//!
//! A look reads a village's open concerns, its open demands and the proposals that there are, and writes down what has changed;
//! looking again changes nothing. [`Watch`] looks soon after concerns were reported, and whoever asks looks at once. A proposal
//! keeps which concerns, never what they say: the words it is shown with are read anew from those that whoever asks is told.

mod likeness;
mod rpc;
mod rules;
mod store;
mod watch;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use platform::revision::must_be;
use platform::{Authority, Caller, Clock, Database, Error, Office, Page, Request, Result, Tx};
use proto::names::{DemandName, DemandProposalName, VillageCode};
use uuid::Uuid;

use crate::concern::{self, Concern, Kind, Owner, Step};
use rules::Proposal;
pub(super) use store::Filter;
pub(crate) use watch::Watch;

/// The use cases of proposals.
pub(crate) struct Proposals {
    database: Database,
    clock: Clock,
}

/// That somebody dismisses a proposal.
pub(super) struct Dismissal {
    name: DemandProposalName,
    expected: Option<i64>,
    reason: String,
}

/// A proposal as it is shown to somebody.
pub(super) struct Shown {
    proposal: Proposal,
    words: Vec<String>,
    /// As far as they may see them.
    concerns: Vec<Concern>,
}

impl Proposals {
    pub(super) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Looks now, and answers with what is open.
    pub(super) async fn propose(&self, caller: &Caller, filter: &Filter, page: &Page) -> Result<Vec<Shown>> {
        let by = caller.within(&filter.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        let only = filter.matter.zip(filter.matter_type.clone());
        let only = only.map(|(matter, matter_type)| Kind { matter, matter_type });
        look(&mut tx, filter.village, only.as_ref(), self.clock.now()).await?;
        let (open, _) = page.cut(store::proposal_list(&mut tx, filter, &by, page).await?, store::list_key);
        let shown = shown(&mut tx, &by, open).await?;
        tx.commit().await?;
        Ok(shown)
    }

    pub(super) async fn get(&self, caller: &Caller, name: &DemandProposalName) -> Result<Shown> {
        let by = caller.within(&name.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        one(&mut tx, name, &by).await
    }

    pub(super) async fn list(&self, caller: &Caller, filter: &Filter, page: &Page) -> Result<(Vec<Shown>, String)> {
        let by = caller.within(&filter.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        let rows = store::proposal_list(&mut tx, filter, &by, page).await?;
        let (proposals, next) = page.cut(rows, store::list_key);
        Ok((shown(&mut tx, &by, proposals).await?, next))
    }

    pub(super) async fn dismiss(&self, caller: &Caller, request: Request, order: Dismissal) -> Result<Shown> {
        let Dismissal { name, expected, reason } = order;
        let by = caller.within(&name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            return one(&mut tx, &made.parse().map_err(Error::internal)?, &by).await;
        }
        let before = proposal_seen(&mut tx, &name, &by).await?;
        must_be(expected, before.revision, &name)?;
        before.must_be_whole_for(&by)?;
        let after = before.dismiss(reason, &by, self.clock.now())?;
        save(&mut tx, after).await?;
        let dismissed = one(&mut tx, &name, &by).await?;
        tx.commit().await?;
        Ok(dismissed)
    }
}

/// Looks at the open concerns and demands of a village, of one kind or of all, and writes down what is to be proposed.
async fn look(tx: &mut Tx, village: VillageCode, only: Option<&Kind>, now: DateTime<Utc>) -> Result<()> {
    store::looking_lock(tx, village).await?;
    let found = store::candidates_find(tx, village, only).await?;
    let standing = store::standing_find(tx, village, only, &found).await?;
    let demands = store::demands_find(tx, village, only).await?;
    let changed = rules::look(village, found, &demands, &standing, now);
    if !changed.is_empty() {
        store::proposals_save(tx, &changed).await?;
    }
    Ok(())
}

/// A proposal that somebody confirms, kept from others until the transaction ends.
pub(super) struct Confirmed(Proposal);

/// The concerns that become part of a demand: those that were chosen, or all of a proposal's that can be merged now. The proposal
/// is for a new demand, or for the open one that it `joins`.
pub(super) async fn confirm(
    tx: &mut Tx,
    name: Option<&DemandProposalName>,
    joins: Option<Uuid>,
    chosen: Vec<Uuid>,
    by: &Authority,
) -> Result<(Vec<Uuid>, Option<Confirmed>)> {
    let Some(name) = name else { return Ok((chosen, None)) };
    let proposal = proposal_seen(tx, name, by).await?;
    proposal.must_be_open()?;
    let group = &proposal.group;
    if group.joins != joins {
        let its_own = "is for a demand of its own: make one of it".to_owned();
        let other = |demand| format!("is for {}: put it into that", DemandName::new(name.village, demand));
        return Err(Error::field("proposal", group.joins.map_or(its_own, other)));
    }
    if let Some(other) = chosen.iter().find(|concern| !group.concerns.contains(concern)) {
        let message = format!("{other} is none of the proposal's; add it to the demand by itself");
        return Err(Error::field("concerns", message));
    }
    if !chosen.is_empty() {
        return Ok((chosen, Some(Confirmed(proposal))));
    }
    proposal.must_be_whole_for(by)?;
    let concerns = concern::concerns_read(tx, name.village, &group.concerns).await?;
    let is_free = |concern: &Concern| {
        concern.can_be_merged() && (concern.owner != Owner::Subdistrict || by.office() == Office::Officer)
    };
    let free: HashMap<Uuid, bool> = concerns.iter().map(|concern| (concern.name.concern, is_free(concern))).collect();
    let concerns = group.concerns.iter().copied().filter(|id| free.get(id) == Some(&true)).collect();
    Ok((concerns, Some(Confirmed(proposal))))
}

impl Confirmed {
    /// Notes that these of its concerns became part of the demand.
    pub(super) async fn taken(
        self,
        tx: &mut Tx,
        demand: Uuid,
        merged: &[Step],
        by: &Authority,
        now: DateTime<Utc>,
    ) -> Result<()> {
        save(tx, self.0.take(demand, merged, by, now)?).await
    }
}

async fn proposal_seen(tx: &mut Tx, name: &DemandProposalName, by: &Authority) -> Result<Proposal> {
    let proposal = store::proposal_lock(tx, name).await?.filter(|proposal| proposal.is_seen_by(by));
    proposal.ok_or_else(|| Error::NotFound(name.to_string()))
}

/// Stores a decision on a proposal that this transaction has.
async fn save(tx: &mut Tx, proposal: Proposal) -> Result<()> {
    let name = proposal.name.to_string();
    match store::proposals_save(tx, &[proposal]).await? {
        1 => Ok(()),
        _ => Err(Error::Stale { name }),
    }
}

async fn one(tx: &mut Tx, name: &DemandProposalName, by: &Authority) -> Result<Shown> {
    let proposal = store::proposal_get(tx, name).await?.filter(|proposal| proposal.is_seen_by(by));
    let proposal = proposal.ok_or_else(|| Error::NotFound(name.to_string()))?;
    shown(tx, by, vec![proposal]).await?.pop().ok_or_else(|| Error::internal("a proposal was lost on its way"))
}

/// Proposals with their concerns, as far as whoever asks sees them, and the words of those they are told.
async fn shown(tx: &mut Tx, by: &Authority, proposals: Vec<Proposal>) -> Result<Vec<Shown>> {
    let Some(village) = proposals.first().map(|one| one.name.village) else { return Ok(Vec::new()) };
    let firsts = firsts(tx, village, &proposals).await?;
    let own = proposals.iter().flat_map(|one| &one.group.concerns);
    let ids: Vec<Uuid> = own.chain(firsts.values()).copied().collect();
    let concerns = concern::concerns_read(tx, village, &ids).await?;
    let seen: HashMap<Uuid, Concern> = concerns
        .into_iter()
        .filter(|concern| concern.is_seen_by(by))
        .map(|concern| (concern.name.concern, concern))
        .collect();
    let show = |proposal: Proposal| {
        let concerns: Vec<Concern> = proposal.group.concerns.iter().filter_map(|id| seen.get(id).cloned()).collect();
        let first = proposal.group.joins.and_then(|demand| seen.get(firsts.get(&demand)?));
        let told = first.into_iter().chain(&concerns).filter(|concern| concern.is_told_to(by));
        let told: Vec<&str> = told.map(|concern| concern.text.as_str()).collect();
        let words = likeness::shared_words(&proposal.kind.matter_type, &told);
        Shown { proposal, words, concerns }
    };
    Ok(proposals.into_iter().map(show).collect())
}

/// The first concerns of the demands that these proposals would join, as far as those are open.
async fn firsts(tx: &mut Tx, village: VillageCode, proposals: &[Proposal]) -> Result<HashMap<Uuid, Uuid>> {
    if proposals.iter().all(|one| one.group.joins.is_none()) {
        return Ok(HashMap::new());
    }
    let demands = store::demands_find(tx, village, None).await?;
    Ok(demands.into_values().flatten().map(|one| (one.demand, one.first.concern)).collect())
}
