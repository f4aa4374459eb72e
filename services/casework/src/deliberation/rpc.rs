//! Deliberations as the contract speaks of them. No rules, no SQL.

mod read;
mod told;

use platform::server::admit;
use platform::{Error, Page};
use proto::casework::v1 as pb;
use proto::casework::v1::deliberation_service_server::DeliberationService;
use proto::names::{DeliberationName, DeliberationPolicyName, VillageName};
use proto::platform::v1::{TextFinding, TextFindingKind};
use tonic::{Request, Response, Status};
use workbook::public::{Found, Number};

use super::{Deliberations, Order};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl DeliberationService for Deliberations {
    async fn create_deliberation(&self, request: Request<pb::CreateDeliberationRequest>) -> Answer<pb::Deliberation> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let draft = read::draft(message, self.clock.new_id())?;
        Ok(Response::new(self.open(&caller, request, draft).await?.into()))
    }

    async fn get_deliberation(&self, request: Request<pb::GetDeliberationRequest>) -> Answer<pb::Deliberation> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_deliberations(
        &self,
        request: Request<pb::ListDeliberationsRequest>,
    ) -> Answer<pb::ListDeliberationsResponse> {
        let (caller, message) = admit(request)?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let (listed, next_page_token) = self.list(&caller, &message.try_into()?, &page).await?;
        let deliberations = listed.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListDeliberationsResponse { deliberations, next_page_token }))
    }

    async fn record_vote(&self, request: Request<pb::RecordVoteRequest>) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn decide(&self, request: Request<pb::DecideRequest>) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn draft_notice(&self, request: Request<pb::DraftNoticeRequest>) -> Answer<pb::DraftNoticeResponse> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        read::notice_texts(&message.title, &message.text)?;
        let words = self.draft(&caller, &name, &message.title, &message.text).await?;
        let text_to_clear = words.joined();
        let findings = words.numbers(self.clock.today()).iter().map(finding).collect::<Result<_, _>>()?;
        let [title, text] = words.texts();
        Ok(Response::new(pb::DraftNoticeResponse { title, text, text_to_clear, findings }))
    }

    async fn publish_notice(&self, request: Request<pb::PublishNoticeRequest>) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn record_objection(&self, request: Request<pb::RecordObjectionRequest>) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn close_notice(&self, request: Request<pb::CloseNoticeRequest>) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn publish_result(&self, request: Request<pb::PublishResultRequest>) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn withdraw_deliberation(
        &self,
        request: Request<pb::WithdrawDeliberationRequest>,
    ) -> Answer<pb::Deliberation> {
        self.transition(request, |message| &message.request_id).await
    }

    async fn get_notice(&self, request: Request<pb::GetNoticeRequest>) -> Answer<pb::Notice> {
        let peer = request.remote_addr().map(|address| address.ip());
        let name = request.into_inner().name;
        let malformed = || Error::field("name", "has to be villages/{village}/deliberations/{deliberation}/notice");
        let name = name.strip_suffix("/notice").and_then(|name| name.parse().ok()).ok_or_else(malformed);
        let name: DeliberationName = match name {
            Ok(name) => name,
            Err(slip) => {
                self.counter.admit(peer, None)?;
                return Err(slip.into());
            }
        };
        Ok(Response::new(self.notice(peer, &name).await?.into()))
    }

    async fn list_notices(&self, request: Request<pb::ListNoticesRequest>) -> Answer<pb::ListNoticesResponse> {
        let peer = request.remote_addr().map(|address| address.ip());
        let message = request.into_inner();
        let page = Page::read(message.page_size, &message.page_token, &message.parent)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let (listed, next_page_token) = self.notices(peer, village, &page).await?;
        let notices = listed.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListNoticesResponse { notices, next_page_token }))
    }

    async fn get_deliberation_policy(
        &self,
        request: Request<pb::GetDeliberationPolicyRequest>,
    ) -> Answer<pb::DeliberationPolicy> {
        let (caller, message) = admit(request)?;
        let DeliberationPolicyName(village) = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(told::policy(village, self.policy(&caller, village).await?)))
    }

    async fn update_deliberation_policy(
        &self,
        request: Request<pb::UpdateDeliberationPolicyRequest>,
    ) -> Answer<pb::DeliberationPolicy> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let (village, expected, said) = read::policy(message.policy.unwrap_or_default(), self.clock.today())?;
        let policy = self.set_policy(&caller, request, village, expected, said).await?;
        Ok(Response::new(told::policy(village, policy)))
    }
}

impl Deliberations {
    /// What all transitions have in common.
    async fn transition<M>(&self, request: Request<M>, request_id: impl Fn(&M) -> &String) -> Answer<pb::Deliberation>
    where
        M: prost::Message + TryInto<Order, Error = Error>,
    {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(request_id(&message), &message)?;
        Ok(Response::new(self.act(&caller, request, message.try_into()?).await?.into()))
    }
}

fn finding(found: &Found<Number>) -> Result<TextFinding, Error> {
    let kind = match found.kind {
        Number::CitizenId => TextFindingKind::CitizenId,
        Number::Telephone => TextFindingKind::Telephone,
        Number::CreditCode => TextFindingKind::CreditCode,
    };
    let number = |number: usize| i32::try_from(number).map_err(Error::internal);
    Ok(TextFinding { kind: kind.into(), start: number(found.start)?, length: number(found.length)? })
}
