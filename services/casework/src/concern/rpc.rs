//! Concerns as the contract speaks of them. No rules, no SQL.

mod deadline;
mod detail;
mod order;
pub(super) mod read;
mod workflow;

use platform::server::admit;
use platform::{Error, Page};
use proto::casework::v1 as pb;
use proto::casework::v1::concern_service_server::ConcernService;
use proto::names::{ConcernName, GridName, VillageName, VisitName};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};

use super::receipt::Receipt;
use super::{Concern, Concerns, Move, Order};
use crate::progress;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ConcernService for Concerns {
    async fn create_concern(&self, request: Request<pb::CreateConcernRequest>) -> Answer<pb::Concern> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let receipt = Receipt::draw(|| self.clock.chance());
        let draft = read::draft(message, self.clock.new_id(), receipt, self.clock.today())?;
        Ok(Response::new(self.report(&caller, request, draft).await?.into()))
    }

    async fn get_concern(&self, request: Request<pb::GetConcernRequest>) -> Answer<pb::Concern> {
        let (caller, message) = admit(request)?;
        let name: ConcernName = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_concerns(&self, request: Request<pb::ListConcernsRequest>) -> Answer<pb::ListConcernsResponse> {
        let (caller, message) = admit(request)?;
        let page =
            Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter, message.order_by))?;
        let filter = message.try_into()?;
        let (concerns, next_page_token) = self.list(&caller, &filter, &page).await?;
        let concerns = concerns.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListConcernsResponse { concerns, next_page_token }))
    }

    async fn update_concern(&self, request: Request<pb::UpdateConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn accept_concern(&self, request: Request<pb::AcceptConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn return_concern(&self, request: Request<pb::ReturnConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn decline_concern(&self, request: Request<pb::DeclineConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn withdraw_concern(&self, request: Request<pb::WithdrawConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn assign_concern(&self, request: Request<pb::AssignConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn start_concern(&self, request: Request<pb::StartConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn suspend_concern(&self, request: Request<pb::SuspendConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn resume_concern(&self, request: Request<pb::ResumeConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn resolve_concern(&self, request: Request<pb::ResolveConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn follow_up_concern(&self, request: Request<pb::FollowUpConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn escalate_concern(&self, request: Request<pb::EscalateConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn send_back_concern(&self, request: Request<pb::SendBackConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn supervise_concern(&self, request: Request<pb::SuperviseConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn reopen_concern(&self, request: Request<pb::ReopenConcernRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn extend_deadline(&self, request: Request<pb::ExtendDeadlineRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn decide_extension(&self, request: Request<pb::DecideExtensionRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn receive_papers(&self, request: Request<pb::ReceivePapersRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn return_papers(&self, request: Request<pb::ReturnPapersRequest>) -> Answer<pb::Concern> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn explain_deadline(&self, request: Request<pb::ExplainDeadlineRequest>) -> Answer<pb::DeadlineExplanation> {
        let (caller, message) = admit(request)?;
        let name: ConcernName = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(deadline::told(message.name, self.explain(&caller, &name).await?)))
    }

    async fn get_progress(&self, request: Request<pb::GetProgressRequest>) -> Answer<pb::Progress> {
        let peer = request.remote_addr().map(|address| address.ip());
        let receipt = request.into_inner().receipt_code.parse().map_err(|_| {
            Error::field("receipt_code", "is not a receipt code: a sign is missing or wrong; please look again")
        });
        let receipt = match receipt {
            Ok(receipt) => receipt,
            Err(slip) => {
                self.counter.admit(peer, None)?;
                return Err(slip.into());
            }
        };
        let progress = self.counter.progress(peer, &receipt).await?;
        let (next_step, next_time) = progress::next_step(&progress);
        Ok(Response::new(pb::Progress {
            state: progress.state.into(),
            state_title: progress.state.title().to_owned(),
            reported_on: Some(date(progress.reported_on)),
            next_step: next_step.to_owned(),
            next_time: next_time.map(timestamp),
            resolved_on: progress.resolved_on.map(date),
            ended_on: progress.ended_on.map(date),
            papers_received: progress.papers_received,
            papers_returned: progress.papers_returned,
        }))
    }

    async fn list_moves(&self, request: Request<pb::ListMovesRequest>) -> Answer<pb::ListMovesResponse> {
        let (caller, message) = admit(request)?;
        let name: ConcernName = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &message.parent)?;
        let (moves, next_page_token) = self.moves(&caller, &name, &page).await?;
        let moves = moves.into_iter().map(|one| told(one, &name)).collect();
        Ok(Response::new(pb::ListMovesResponse { moves, next_page_token }))
    }

    async fn get_workflow(&self, request: Request<pb::GetWorkflowRequest>) -> Answer<pb::Workflow> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        caller.within(&village)?;
        Ok(Response::new(workflow::told()))
    }
}

impl Concerns {
    /// What all transitions have in common.
    async fn transition<M>(&self, request: Request<M>, request_id: impl Fn(&M) -> &String) -> Answer<pb::Concern>
    where
        M: prost::Message + TryInto<Order, Error = Error>,
    {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(request_id(&message), &message)?;
        Ok(Response::new(self.act(&caller, request, message.try_into()?).await?.into()))
    }
}

impl From<Concern> for pb::Concern {
    fn from(mut concern: Concern) -> Self {
        let village = concern.name.village;
        let detail = concern.detail.take().unwrap_or_default();
        Self {
            household: concern.household_name().map(|name| name.to_string()).unwrap_or_default(),
            channel: detail.channel.map_or(0, Into::into),
            visit: detail.visit.map(|visit| VisitName::new(village, visit).to_string()).unwrap_or_default(),
            on_behalf_of: detail.on_behalf_of.map(|one| detail::person_name(village, one)).unwrap_or_default(),
            location: detail.location.unwrap_or_default(),
            errand: detail.errand.map(detail::errand_told),
            sensitive: concern.sensitive,
            withheld: concern.withheld,
            name: concern.name.to_string(),
            grid: concern.grid.map(|grid| GridName::new(village, grid).to_string()).unwrap_or_default(),
            demand: concern.demand_name().map(|name| name.to_string()).unwrap_or_default(),
            reporter: concern.reporter_name().map(|name| name.to_string()).unwrap_or_default(),
            deliberation: concern.deliberation_name().map(|name| name.to_string()).unwrap_or_default(),
            reference: concern.reference,
            matter: concern.matter.into(),
            matter_type: concern.matter_type,
            text: concern.text,
            state: concern.state.into(),
            owner_kind: concern.owner.kind().into(),
            owner: concern.owner.name(village),
            routed: concern.routed,
            reported_on: Some(date(concern.reported_on)),
            accepted_on: concern.accepted_on.map(date),
            resolved_on: concern.resolved_on.map(date),
            closed_on: concern.closed_on.map(date),
            result: concern.result,
            follow_up_outcome: concern.outcome.map_or(0, Into::into),
            score: concern.score,
            etag: concern.revision.to_string(),
            create_time: Some(timestamp(concern.created_at)),
            update_time: Some(timestamp(concern.updated_at)),
            followed_up_on: concern.followed_up_on.map(date),
            confirmed_on: concern.confirmed_on.map(date),
            assignee_kind: concern.assignee.map_or(0, |assignee| assignee.kind().into()),
            assignee: concern.assignee.map(|assignee| assignee.name(village)).unwrap_or_default(),
            returns: concern.returns,
            reopenings: concern.reopenings,
            suspended: concern.suspended,
            supervised: concern.supervised,
            ended_on: concern.ended_on.map(date),
            urgency: concern.deadline.urgency.into(),
            respond_by_time: concern.deadline.respond_by.map(timestamp),
            due_time: concern.deadline.due_at.map(timestamp),
            receipt_code: concern.receipt.map(|receipt| receipt.to_string()).unwrap_or_default(),
            source_reference: concern.source.as_ref().map(|source| source.reference.clone()).unwrap_or_default(),
            source: concern.source.map(|source| source.system).unwrap_or_default(),
        }
    }
}

fn told(one: Move, name: &ConcernName) -> pb::Move {
    pb::Move {
        revision: one.revision,
        kind: one.kind.into(),
        from_state: one.from.map_or(0, Into::into),
        to_state: one.to.into(),
        actor: one.actor,
        office: one.office,
        move_time: Some(timestamp(one.at)),
        note: one.note,
        owner_kind: one.owner.kind().into(),
        owner: one.owner.name(name.village),
        assignee_kind: one.assignee.map_or(0, |assignee| assignee.kind().into()),
        assignee: one.assignee.map(|assignee| assignee.name(name.village)).unwrap_or_default(),
    }
}
