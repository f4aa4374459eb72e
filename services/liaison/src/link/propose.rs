//! Proposals of who should serve whom. Asked for, looked at by a person, and accepted as a whole or in part by
//! [`super::batch`]; nothing of them is stored.

mod assign;
mod score;
mod store;

use std::collections::BTreeSet;

use platform::{Caller, Error, Result};
use proto::names::{HouseholdName, MemberName, VillageCode};
use uuid::Uuid;

use super::Links;
use score::{Bounds, Score};
use store::{Candidate, Unserved};

/// Most households of one proposal: a large village's.
pub(super) const MOST: usize = 5000;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) village: VillageCode,
    /// None: all who have no link.
    pub(super) households: Option<Vec<Uuid>>,
    /// None: all who serve.
    pub(super) representatives: Option<Vec<Uuid>>,
    pub(super) least: usize,
    pub(super) most: usize,
}

/// A household, and who should serve it.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) household: HouseholdName,
    pub(super) number: String,
    pub(super) representative: MemberName,
    pub(super) representative_name: String,
    /// The revision of the link that this one would follow; 0: there is none.
    pub(super) follows: i64,
    pub(super) score: Score,
    pub(super) explanation: String,
}

/// A household that nobody is proposed for, and why.
#[derive(Debug, Clone)]
pub(super) struct Unplaced {
    pub(super) household: HouseholdName,
    pub(super) number: String,
    pub(super) explanation: String,
}

/// How many households a representative serves, now and then.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) representative: MemberName,
    pub(super) name: String,
    pub(super) before: usize,
    pub(super) after: usize,
}

/// Who should serve whom.
#[derive(Debug, Clone, Default)]
pub(super) struct Proposals {
    pub(super) proposals: Vec<Proposal>,
    pub(super) unplaced: Vec<Unplaced>,
    pub(super) loads: Vec<Load>,
}

impl Links {
    pub(super) async fn propose(&self, caller: &Caller, question: Question) -> Result<Proposals> {
        let authority = caller.within(&question.village)?;
        let today = self.clock.today();
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        let unserved = store::households(&mut tx, &question, authority.grids(), today).await?;
        if let Some(asked) = &question.households {
            let known: BTreeSet<Uuid> = unserved.iter().map(|unserved| unserved.household.id).collect();
            if let Some(unknown) = asked.iter().find(|id| !known.contains(id)) {
                let name = HouseholdName::new(question.village, *unknown);
                return Err(crate::places::unknown_household(&name));
            }
        }
        let candidates = store::representatives(&mut tx, &question, &unserved, today).await?;
        let unserved = store::visits(&mut tx, &question.village, unserved, today).await?;
        drop(tx);
        // Thousands of households are a matter of tens of milliseconds, in which other calls should not wait.
        let propose = move || propose(&question, unserved, &candidates);
        tokio::task::spawn_blocking(propose).await.map_err(Error::internal)
    }
}

/// Decides, and says why.
fn propose(question: &Question, unserved: Vec<Unserved>, candidates: &[Candidate]) -> Proposals {
    let bounds = Bounds { least: question.least, most: question.most };
    let mut proposals = Proposals::default();
    let (unserved, refused): (Vec<Unserved>, Vec<Unserved>) =
        unserved.into_iter().partition(|one| one.refusal.is_none());
    for one in refused {
        proposals.unplaced.push(one.unplaced(question.village, one.refusal.unwrap_or_default()));
    }
    let households: Vec<score::Household> = unserved.iter().map(|one| one.household.clone()).collect();
    let representatives: Vec<score::Representative> =
        candidates.iter().map(|candidate| candidate.representative.clone()).collect();
    let plan = score::plan(&households, &representatives, bounds);
    for (one, served_by) in unserved.iter().zip(&plan.served_by) {
        let found = served_by.and_then(|place| candidates.get(place).zip(plan.loads.get(place).copied()));
        let Some((candidate, load)) = found else {
            let full =
                if candidates.is_empty() { "没有在任的代表" } else { "代表联系的户数都已到上限" };
            proposals.unplaced.push(one.unplaced(question.village, full));
            continue;
        };
        let with = &candidate.representative;
        proposals.proposals.push(Proposal {
            household: HouseholdName::new(question.village, one.household.id),
            number: one.number.clone(),
            representative: MemberName::new(question.village, with.id),
            representative_name: candidate.name.clone(),
            follows: one.follows,
            score: score::score(&one.household, with, load, bounds),
            explanation: score::explain(&one.household, with, load, bounds),
        });
    }
    let loads = candidates.iter().zip(plan.loads).map(|(candidate, after)| Load {
        representative: MemberName::new(question.village, candidate.representative.id),
        name: candidate.name.clone(),
        before: candidate.representative.load,
        after,
    });
    proposals.loads = loads.collect();
    proposals.unplaced.sort_by(|one, other| one.number.cmp(&other.number));
    proposals
}

impl Unserved {
    fn unplaced(&self, village: VillageCode, explanation: &str) -> Unplaced {
        let household = HouseholdName::new(village, self.household.id);
        Unplaced { household, number: self.number.clone(), explanation: explanation.to_owned() }
    }
}
