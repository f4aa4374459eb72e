//! What a proposal is, and what becomes of proposals when somebody looks again. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use platform::{Authority, Error, Result};
use proto::names::{DemandProposalName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use super::likeness::{Candidate, Gathered, Group, groups};
use crate::concern::{Kind, Step};
use crate::demand::rules::serves_all;

/// Households that make a demand worth proposing.
const ENOUGH: usize = 3;
/// Concerns of one kind that are compared, the latest. Who compares each with each has four times the work with twice as many;
/// with so many, a look takes some milliseconds.
pub(super) const WINDOW: usize = 500;

platform::choice! {
    /// Where a proposal stands.
    pub(crate) enum State as proto::casework::v1::DemandProposalState {
        Open = "open",
        Taken = "taken",
        Dismissed = "dismissed",
        Lapsed = "lapsed",
    }
}

/// That several households seem to raise the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) name: DemandProposalName,
    pub(super) kind: Kind,
    pub(super) state: State,
    /// Which are alike.
    pub(super) group: Group,
    pub(super) demand: Option<Uuid>,
    pub(super) reason: String,
    pub(super) decided_by: String,
    pub(super) decided_office: String,
    pub(super) revision: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Proposal {
    /// A new one, beside those by which something was decided of some of its concerns. Its id is made of its kind, its concerns,
    /// the demand that they would join and these, so that whoever finds the same makes the same.
    fn new(village: VillageCode, kind: &Kind, group: Group, decided: &[&Self], now: DateTime<Utc>) -> Self {
        const NAMESPACE: Uuid = Uuid::from_u128(0x6d0a_41c7_2f9b_4e58_8c13_b7e6_04d9_5a27);
        let concerns: BTreeSet<&Uuid> = group.concerns.iter().collect();
        let decided = decided.iter().map(|one| &one.name.proposal);
        let ids = concerns.into_iter().chain(&group.joins).chain(decided);
        let kind_of = format!("{village}/{}/{}/", kind.matter.as_str(), kind.matter_type);
        let cause: Vec<u8> = kind_of.bytes().chain(ids.flat_map(|id| *id.as_bytes())).collect();
        Self {
            name: DemandProposalName::new(village, Uuid::new_v5(&NAMESPACE, &cause)),
            kind: kind.clone(),
            state: State::Open,
            group,
            demand: None,
            reason: String::new(),
            decided_by: String::new(),
            decided_office: String::new(),
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn after(self, now: DateTime<Utc>, change: impl FnOnce(&mut Self)) -> Self {
        let mut after = Self { revision: self.revision + 1, updated_at: now, ..self };
        change(&mut after);
        after
    }

    fn shares(&self, group: &Group) -> usize {
        let theirs: BTreeSet<&Uuid> = group.concerns.iter().collect();
        self.group.concerns.iter().filter(|concern| theirs.contains(concern)).count()
    }

    /// Whether whoever acts by this authority sees it: by one of its grids.
    pub(super) fn is_seen_by(&self, by: &Authority) -> bool {
        by.grids().is_none() || self.group.grids.iter().any(|grid| by.sees(grid))
    }

    /// Whoever serves some grids decides on the whole of it only where all of these are theirs.
    ///
    /// # Errors
    /// `OUTSIDE_GRIDS`.
    pub(super) fn must_be_whole_for(&self, by: &Authority) -> Result<()> {
        if serves_all(&self.group.grids, by) { Ok(()) } else { by.must_serve_all() }
    }

    /// Dismisses it.
    pub(super) fn dismiss(self, reason: String, by: &Authority, now: DateTime<Utc>) -> Result<Self> {
        self.decide(by, now, |after| {
            after.state = State::Dismissed;
            after.reason = reason;
        })
    }

    /// These of its concerns became part of the demand. Of the others nothing was decided: they are no longer its own.
    pub(super) fn take(self, demand: Uuid, merged: &[Step], by: &Authority, now: DateTime<Utc>) -> Result<Self> {
        let merged: Vec<_> = merged.iter().map(|step| &step.concern).collect();
        self.decide(by, now, |after| {
            after.state = State::Taken;
            after.demand = Some(demand);
            let group = &mut after.group;
            group.concerns.retain(|id| merged.iter().any(|one| one.name.concern == *id));
            group.households = merged.iter().filter_map(|one| one.household).collect();
            group.grids = merged.iter().filter_map(|one| one.grid).collect();
        })
    }

    /// Is it still to be decided of?
    ///
    /// # Errors
    /// `ILLEGAL_MOVE`.
    pub(super) fn must_be_open(&self) -> Result<()> {
        if self.state == State::Open {
            return Ok(());
        }
        let message = format!("the proposal is {}; nothing more is decided of it", self.state.as_str());
        Err(Error::refused(reasons::ILLEGAL_MOVE, message))
    }

    fn decide(self, by: &Authority, now: DateTime<Utc>, change: impl FnOnce(&mut Self)) -> Result<Self> {
        self.must_be_open()?;
        Ok(self.after(now, |after| {
            after.decided_by = by.subject().to_owned();
            after.decided_office = by.office().as_str().to_owned();
            change(after);
        }))
    }
}

/// The open concerns that were found, in the order in which they were raised.
pub(super) struct Found {
    pub(super) concerns: BTreeMap<Kind, Vec<Candidate>>,
    /// Were there more, so that kinds may be missing, or concerns of them?
    pub(super) more: bool,
}

/// What becomes of the proposals: those that are new or have changed. A proposal is for a new demand, or for the same open one,
/// as long as it stands.
pub(super) fn look(
    village: VillageCode,
    found: Found,
    demands: &BTreeMap<Kind, Vec<Gathered>>,
    standing: &[Proposal],
    now: DateTime<Utc>,
) -> Vec<Proposal> {
    let mut changed = Vec::new();
    let mut found_again = BTreeSet::new();
    for (kind, candidates) in &found.concerns {
        let latest = candidates.get(candidates.len().saturating_sub(WINDOW)..).unwrap_or_default();
        let open = demands.get(kind).map(Vec::as_slice).unwrap_or_default();
        let is_apart = |one: &Candidate, demand| standing.iter().any(|before| before.keeps_apart(one, demand));
        let mut alike = groups(&kind.matter_type, open, latest, is_apart);
        alike.retain(Group::is_enough);
        alike.sort_by_key(|group| std::cmp::Reverse(group.households.len()));
        for group in alike {
            let is_related =
                |one: &&Proposal| one.kind == *kind && one.group.joins == group.joins && one.shares(&group) > 0;
            let related = standing.iter().filter(is_related);
            let waits =
                |one: &&Proposal| matches!(one.state, State::Open | State::Lapsed) && !found_again.contains(&one.name);
            if let Some(before) = related.clone().filter(waits).max_by_key(|one| one.shares(&group)) {
                found_again.insert(before.name.clone());
                if before.state != State::Open || before.group != group {
                    changed.push(before.clone().after(now, |after| {
                        after.state = State::Open;
                        after.group = group;
                    }));
                }
                continue;
            }
            let decided: Vec<&Proposal> = related.filter(|one| one.is_decided()).collect();
            if !decided.iter().any(|one| group.households.is_subset(&one.group.households)) {
                changed.push(Proposal::new(village, kind, group, &decided, now));
            }
        }
    }
    let is_whole =
        |kind: &Kind| !found.more && found.concerns.get(kind).is_none_or(|candidates| candidates.len() <= WINDOW);
    let lapsed = |one: &&Proposal| one.state == State::Open && !found_again.contains(&one.name) && is_whole(&one.kind);
    changed
        .extend(standing.iter().filter(lapsed).map(|one| one.clone().after(now, |after| after.state = State::Lapsed)));
    changed
}

impl Group {
    /// One that waits alone is proposed for an open demand; a new one needs several.
    fn is_enough(&self) -> bool {
        if self.joins.is_some() { !self.concerns.is_empty() } else { self.households.len() >= ENOUGH }
    }
}

impl Proposal {
    /// Has a person said what is to become of it?
    fn is_decided(&self) -> bool {
        matches!(self.state, State::Taken | State::Dismissed)
    }

    /// Has a person said of this concern, or of its household, that it does not belong to this demand: by dismissing that it
    /// joins it, or by taking it out again?
    fn keeps_apart(&self, one: &Candidate, demand: Uuid) -> bool {
        let has = self.group.concerns.contains(&one.concern);
        match self.state {
            State::Dismissed if self.group.joins == Some(demand) => {
                has || one.household.is_some_and(|household| self.group.households.contains(&household))
            }
            State::Taken => has && self.demand == Some(demand),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
