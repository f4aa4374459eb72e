//! Proposals as the contract speaks of them. No rules, no SQL.

use platform::revision::expected;
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::names::{DemandName, GridName, VillageName};
use proto::time::timestamp;

use super::rules::State;
use super::{Dismissal, Filter, Shown};
use crate::concern::{Matter, inside, short};
use crate::demand::Member;
use crate::demand::rpc::part;

/// A reason: some pages.
const TEXT_LENGTH: usize = 5000;

fn filter(parent: &str, filter: Option<pb::DemandProposalFilter>) -> Result<Filter> {
    let mut wrong = Violations::new();
    let filter = filter.unwrap_or_default();
    let village = wrong.check("parent", parent.parse()).map(|VillageName(village)| village);
    let state = wrong.check("filter.state", State::read(filter.state)).flatten();
    let matter = wrong.check("filter.matter", Matter::read(filter.matter)).flatten();
    let grid = inside(&mut wrong, "filter.grid", &filter.grid, village, |name: GridName| name.grid);
    let matter_type = Some(filter.matter_type.trim().to_owned()).filter(|one| !one.is_empty());
    let village = wrong.finish(village)?;
    Ok(Filter { village, state, matter, matter_type, grid })
}

impl TryFrom<pb::ProposeDemandsRequest> for Filter {
    type Error = Error;

    fn try_from(message: pb::ProposeDemandsRequest) -> Result<Self> {
        let asked = filter(&message.parent, message.filter)?;
        if asked.state.is_some() {
            return Err(Error::field("filter.state", "is not for this: what is proposed is open"));
        }
        Ok(Self { state: Some(State::Open), ..asked })
    }
}

impl TryFrom<pb::ListDemandProposalsRequest> for Filter {
    type Error = Error;

    fn try_from(message: pb::ListDemandProposalsRequest) -> Result<Self> {
        filter(&message.parent, message.filter)
    }
}

impl TryFrom<pb::DismissDemandProposalRequest> for Dismissal {
    type Error = Error;

    fn try_from(message: pb::DismissDemandProposalRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let name = wrong.check("name", message.name.parse());
        let reason = wrong.required("reason", &message.reason);
        short(&mut wrong, "reason", &message.reason, TEXT_LENGTH);
        let (name, reason) = wrong.finish(name.zip(reason))?;
        Ok(Self { name, expected: expected(&message.etag)?, reason })
    }
}

impl From<Shown> for pb::DemandProposal {
    fn from(Shown { proposal, words, concerns }: Shown) -> Self {
        let village = proposal.name.village;
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let member = |concern: crate::concern::Concern| Member {
            id: concern.name.concern,
            household: concern.household,
            grid: concern.grid.map(|grid| grid.to_string()),
            state: concern.state,
            due_at: concern.deadline.due_at,
        };
        Self {
            name: proposal.name.to_string(),
            state: proposal.state.into(),
            matter: proposal.kind.matter.into(),
            matter_type: proposal.kind.matter_type,
            concern_count: count(proposal.group.concerns.len()),
            household_count: count(proposal.group.households.len()),
            grids: proposal.group.grids.iter().map(|grid| GridName::new(village, *grid).to_string()).collect(),
            likeness: proposal.group.likeness,
            shared_words: words,
            concerns: concerns.into_iter().map(|concern| part(member(concern), village)).collect(),
            demand: proposal.demand.map(|demand| DemandName::new(village, demand).to_string()).unwrap_or_default(),
            reason: proposal.reason,
            decided_by: proposal.decided_by,
            decided_office: proposal.decided_office,
            etag: proposal.revision.to_string(),
            create_time: Some(timestamp(proposal.created_at)),
            update_time: Some(timestamp(proposal.updated_at)),
            joins: proposal.group.joins.map(|demand| DemandName::new(village, demand).to_string()).unwrap_or_default(),
        }
    }
}
