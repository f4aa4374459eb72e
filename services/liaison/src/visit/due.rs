//! What is to be visited, by the village's plan. It is asked for and never stored: households, links, visits and the plan
//! decide it at the moment of the question.

mod store;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use platform::{Caller, Page, Result, Tx};
use proto::names::{GridCode, GridName, HouseholdName, MemberName, VillageCode};
use uuid::Uuid;

use super::Visits;
use crate::plan;
use crate::plan::rules::{Due, DueState};
use store::Candidate;

/// Which households a list shows.
#[derive(Debug, Clone)]
pub(super) struct DueFilter {
    pub(super) representative: Option<Uuid>,
    pub(super) grid: Option<GridCode>,
    pub(super) state: Option<DueState>,
}

/// A household that is to be visited.
#[derive(Debug, Clone)]
pub(super) struct DueVisit {
    pub(super) household: HouseholdName,
    pub(super) number: String,
    pub(super) grid: GridName,
    pub(super) representative: Option<MemberName>,
    pub(super) is_key: bool,
    pub(super) due: Due,
    pub(super) last: Option<NaiveDate>,
    /// Its place in the list.
    key: String,
}

impl Visits {
    pub(super) async fn due(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &DueFilter,
        page: &Page,
    ) -> Result<(Vec<DueVisit>, String)> {
        let authority = caller.within(village)?;
        let today = self.clock.today();
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        let plan = plan::store::plan_get(&mut tx, village).await?;
        let question =
            store::Question { village, grids: authority.grids(), filter, today, since: plan.looks_back(today) };
        let due = |candidate: Candidate| {
            let due = plan.due(&candidate.household, today)?;
            filter.state.is_none_or(|state| state == due.state).then(|| candidate.due(*village, due))
        };
        let mut found: Vec<DueVisit> = Vec::new();
        let mut after = page.after_text().to_owned();
        // Most households are visited in time: so many are looked at until the page is full or none is left.
        loop {
            let limit = store::at_once(page);
            let candidates = store::candidates(&mut tx, &question, &after, limit).await?;
            let (many, last) = (candidates.len(), candidates.last().map(|candidate| candidate.key.clone()));
            found.extend(candidates.into_iter().filter_map(&due));
            match last {
                Some(last) if many >= limit && !page.is_filled_by(found.len()) => after = last,
                _ => break,
            }
        }
        Ok(page.cut(found, |due| due.key.clone()))
    }
}

/// The due visits of everybody whom a member serves, by household.
pub(crate) async fn due_of(tx: &mut Tx, member: &MemberName, today: NaiveDate) -> Result<BTreeMap<Uuid, Due>> {
    let plan = plan::store::plan_get(tx, &member.village).await?;
    let filter = DueFilter { representative: Some(member.member), grid: None, state: None };
    let since = plan.looks_back(today);
    let question = store::Question { village: &member.village, grids: None, filter: &filter, today, since };
    let candidates = store::candidates(tx, &question, "", usize::MAX).await?;
    let due = |candidate: Candidate| plan.due(&candidate.household, today).map(|due| (candidate.id, due));
    Ok(candidates.into_iter().filter_map(due).collect())
}

impl Candidate {
    fn due(self, village: VillageCode, due: Due) -> DueVisit {
        DueVisit {
            household: HouseholdName::new(village, self.id),
            number: self.number,
            grid: GridName::new(village, self.household.grid),
            representative: self.representative.map(|member| MemberName::new(village, member)),
            is_key: self.household.is_key,
            due,
            last: self.last,
            key: self.key,
        }
    }
}
