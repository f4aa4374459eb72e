//! Demands as the contract speaks of them. No rules, no SQL.

mod read;

use platform::server::admit;
use platform::{Error, Page};
use proto::casework::v1 as pb;
use proto::casework::v1::demand_service_server::DemandService;
use proto::names::{ConcernName, DemandName, GridName, HouseholdName, VillageCode};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};

use super::{Demand, Demands, Member, Move, Order, Whole};
use crate::concern::Owner;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl DemandService for Demands {
    async fn create_demand(&self, request: Request<pb::CreateDemandRequest>) -> Answer<pb::Demand> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let draft = read::draft(message, self.clock.new_id())?;
        Ok(Response::new(self.create(&caller, request, draft).await?.into()))
    }

    async fn get_demand(&self, request: Request<pb::GetDemandRequest>) -> Answer<pb::Demand> {
        let (caller, message) = admit(request)?;
        let name: DemandName = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_demands(&self, request: Request<pb::ListDemandsRequest>) -> Answer<pb::ListDemandsResponse> {
        let (caller, message) = admit(request)?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = message.try_into()?;
        let (demands, next_page_token) = self.list(&caller, &filter, &page).await?;
        let demands = demands.into_iter().map(|demand| Whole { demand, members: Vec::new() }.into()).collect();
        Ok(Response::new(pb::ListDemandsResponse { demands, next_page_token }))
    }

    async fn add_concern(&self, request: Request<pb::AddConcernRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn remove_concern(&self, request: Request<pb::RemoveConcernRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn dissolve_demand(&self, request: Request<pb::DissolveDemandRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn assign_demand(&self, request: Request<pb::AssignDemandRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn escalate_demand(&self, request: Request<pb::EscalateDemandRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn send_back_demand(&self, request: Request<pb::SendBackDemandRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn answer_demand(&self, request: Request<pb::AnswerDemandRequest>) -> Answer<pb::Demand> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn list_demand_moves(
        &self,
        request: Request<pb::ListDemandMovesRequest>,
    ) -> Answer<pb::ListDemandMovesResponse> {
        let (caller, message) = admit(request)?;
        let name: DemandName = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &message.parent)?;
        let (moves, next_page_token) = self.moves(&caller, &name, &page).await?;
        let moves = moves.into_iter().map(|one| told(one, name.village)).collect::<Result<_, Error>>()?;
        Ok(Response::new(pb::ListDemandMovesResponse { moves, next_page_token }))
    }

    async fn propose_demands(&self, request: Request<pb::ProposeDemandsRequest>) -> Answer<pb::ProposeDemandsResponse> {
        let (caller, message) = admit(request)?;
        let page = Page::read(0, "", &(&message.parent, &message.filter))?;
        let proposals = self.proposals.propose(&caller, &message.try_into()?, &page).await?;
        let proposals = proposals.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ProposeDemandsResponse { proposals }))
    }

    async fn get_demand_proposal(&self, request: Request<pb::GetDemandProposalRequest>) -> Answer<pb::DemandProposal> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.proposals.get(&caller, &name).await?.into()))
    }

    async fn list_demand_proposals(
        &self,
        request: Request<pb::ListDemandProposalsRequest>,
    ) -> Answer<pb::ListDemandProposalsResponse> {
        let (caller, message) = admit(request)?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let (proposals, next_page_token) = self.proposals.list(&caller, &message.try_into()?, &page).await?;
        let proposals = proposals.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListDemandProposalsResponse { proposals, next_page_token }))
    }

    async fn dismiss_demand_proposal(
        &self,
        request: Request<pb::DismissDemandProposalRequest>,
    ) -> Answer<pb::DemandProposal> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.proposals.dismiss(&caller, request, message.try_into()?).await?.into()))
    }
}

impl Demands {
    /// What all transitions have in common.
    async fn transition<M>(&self, request: Request<M>, request_id: impl Fn(&M) -> &String) -> Answer<pb::Demand>
    where
        M: prost::Message + TryInto<Order, Error = Error>,
    {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(request_id(&message), &message)?;
        Ok(Response::new(self.act(&caller, request, message.try_into()?).await?.into()))
    }
}

impl From<Whole> for pb::Demand {
    fn from(Whole { demand, members }: Whole) -> Self {
        let deliberation = demand.deliberation_name().map(|name| name.to_string()).unwrap_or_default();
        let Demand { name, title, matter, matter_type, state, owner, sum, result, .. } = demand;
        let village = name.village;
        Self {
            name: name.to_string(),
            title,
            matter: matter.into(),
            matter_type,
            state: state.into(),
            owner_kind: owner.kind().into(),
            owner: owner.name(village),
            grids: sum.grids.into_iter().map(|grid| GridName::new(village, grid).to_string()).collect(),
            concern_count: sum.concerns,
            household_count: sum.households,
            due_time: sum.due_at.map(timestamp),
            result,
            escalations: demand.escalations,
            opened_on: Some(date(demand.opened_on)),
            ended_on: demand.ended_on.map(date),
            etag: demand.revision.to_string(),
            create_time: Some(timestamp(demand.created_at)),
            update_time: Some(timestamp(demand.updated_at)),
            concerns: members.into_iter().map(|member| part(member, village)).collect(),
            deliberation,
        }
    }
}

pub(super) fn part(member: Member, village: VillageCode) -> pb::DemandConcern {
    let household = member.household.map(|household| HouseholdName::new(village, household).to_string());
    let grid = member.grid.and_then(|grid| grid.parse().ok()).map(|grid| GridName::new(village, grid).to_string());
    pb::DemandConcern {
        concern: ConcernName::new(village, member.id).to_string(),
        household: household.unwrap_or_default(),
        grid: grid.unwrap_or_default(),
        state: member.state.into(),
        due_time: member.due_at.map(timestamp),
    }
}

fn told(one: Move, village: VillageCode) -> Result<pb::DemandMove, Error> {
    let owner = Owner::read(one.owner_kind, one.owner.as_deref())?;
    Ok(pb::DemandMove {
        revision: one.revision,
        kind: one.kind.into(),
        state: one.state.into(),
        actor: one.actor,
        office: one.office,
        move_time: Some(timestamp(one.moved_at)),
        note: one.note,
        owner_kind: owner.kind().into(),
        owner: owner.name(village),
        concern_count: one.concerns,
    })
}
