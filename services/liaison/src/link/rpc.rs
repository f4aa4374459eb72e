//! Links as the contract speaks of them. No rules, no SQL.

use platform::revision::expected;
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::link_service_server::LinkService;
use proto::names::{HouseholdName, MemberName, MerchantName, VillageCode, VillageName};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};

use super::Links;
use super::batch::Answer;
use super::merchants::{self, MerchantLink};
use super::propose::{Load, MOST, Proposal, Proposals, Question, Unplaced};
use super::rules::{Filter, Link, LinkHousehold};
use crate::line::rules::LineKind;
use crate::member::rpc::day;

/// How many households a representative serves, as the mechanism has it: five to fifteen.
const LEAST_EACH: usize = 5;
const MOST_EACH: usize = 15;

#[tonic::async_trait]
impl LinkService for Links {
    async fn link_household(&self, request: Request<pb::LinkHouseholdRequest>) -> Result<Response<pb::Link>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.link(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn get_link(&self, request: Request<pb::GetLinkRequest>) -> Result<Response<pb::Link>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_links(
        &self,
        request: Request<pb::ListLinksRequest>,
    ) -> Result<Response<pb::ListLinksResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let question = (&message.parent, &message.filter, &message.as_of, message.show_ended);
        let page = Page::read(message.page_size, &message.page_token, &question)?;
        let filter = filter(village, &message)?;
        let (links, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let links = links.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListLinksResponse { links, next_page_token }))
    }

    async fn list_merchant_links(
        &self,
        request: Request<pb::ListMerchantLinksRequest>,
    ) -> Result<Response<pb::ListMerchantLinksResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page =
            Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter, &message.as_of))?;
        let mut wrong = Violations::new();
        let as_of = day(&mut wrong, "as_of", message.as_of);
        wrong.finish(Some(()))?;
        let asked = message.filter.unwrap_or_default();
        let merchant = |name: MerchantName| name.merchant;
        let landlord = |name: HouseholdName| name.household;
        let representative = |name: MemberName| name.member;
        let filter = merchants::Filter {
            merchant: crate::of_village("filter.merchant", &asked.merchant, village, merchant)?,
            landlord: crate::of_village("filter.landlord", &asked.landlord, village, landlord)?,
            representative: crate::of_village("filter.representative", &asked.representative, village, representative)?,
            unserved_only: asked.unserved_only,
        };
        let (links, next_page_token) = self.merchants(&caller, &village, &filter, as_of, &page).await?;
        let merchant_links = links.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListMerchantLinksResponse { merchant_links, next_page_token }))
    }

    async fn propose_links(
        &self,
        request: Request<pb::ProposeLinksRequest>,
    ) -> Result<Response<pb::ProposeLinksResponse>, Status> {
        let (caller, message) = admit(request)?;
        Ok(Response::new(self.propose(&caller, question(message)?).await?.into()))
    }

    async fn batch_link_households(
        &self,
        request: Request<pb::BatchLinkHouseholdsRequest>,
    ) -> Result<Response<pb::BatchLinkHouseholdsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        if message.requests.len() > MOST {
            return Err(Error::field("requests", format!("are more than {MOST}")).into());
        }
        let read = |one: pb::LinkHouseholdRequest| {
            if !one.request_id.is_empty() {
                return Err(Error::field("request_id", "is not empty; the batch has one"));
            }
            let command: LinkHousehold = one.try_into()?;
            if command.household.village != village {
                return Err(Error::field("household", "lies in another village"));
            }
            Ok(command)
        };
        let read = message.requests.into_iter().map(read).collect();
        let results = self.link_batch(&caller, &request, &village, read).await?.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::BatchLinkHouseholdsResponse { results }))
    }
}

/// Reads whom a proposal is asked for.
fn question(message: pb::ProposeLinksRequest) -> Result<Question, Error> {
    let mut wrong = Violations::new();
    let village = wrong.check("parent", message.parent.parse::<VillageName>());
    if message.households.len() > MOST {
        wrong.add("households", format!("are more than {MOST}"));
    }
    let households: Vec<HouseholdName> =
        message.households.iter().filter_map(|name| wrong.check("households", name.parse())).collect();
    let representatives: Vec<MemberName> =
        message.representatives.iter().filter_map(|name| wrong.check("representatives", name.parse())).collect();
    let elsewhere = |named: VillageCode| village.is_some_and(|VillageName(village)| village != named);
    if households.iter().any(|name| elsewhere(name.village)) {
        wrong.add("households", "lie in another village");
    }
    if representatives.iter().any(|name| elsewhere(name.village)) {
        wrong.add("representatives", "lie in another village");
    }
    let bound = |given: i32, usual: usize| if given == 0 { Ok(usual) } else { usize::try_from(given) };
    let least = wrong.check("least_households", bound(message.least_households, LEAST_EACH));
    let most = wrong.check("most_households", bound(message.most_households, MOST_EACH));
    if least.zip(most).is_some_and(|(least, most)| most < least || most > MOST) {
        wrong.add("most_households", format!("has to lie between least_households and {MOST}"));
    }
    let (VillageName(village), (least, most)) = wrong.finish(village.zip(least.zip(most)))?;
    let some = |ids: Vec<uuid::Uuid>| (!ids.is_empty()).then_some(ids);
    Ok(Question {
        village,
        households: some(households.into_iter().map(|name| name.household).collect()),
        representatives: some(representatives.into_iter().map(|name| name.member).collect()),
        least,
        most,
    })
}

impl From<Proposals> for pb::ProposeLinksResponse {
    fn from(proposals: Proposals) -> Self {
        Self {
            proposals: proposals.proposals.into_iter().map(Into::into).collect(),
            unplaced: proposals.unplaced.into_iter().map(Into::into).collect(),
            loads: proposals.loads.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Proposal> for pb::LinkProposal {
    fn from(proposal: Proposal) -> Self {
        let score = pb::LinkScore {
            near: proposal.score.near,
            convenient: proposal.score.convenient,
            familiar: proposal.score.familiar,
        };
        let acceptance = pb::LinkHouseholdRequest {
            household: proposal.household.to_string(),
            representative: proposal.representative.to_string(),
            etag: proposal.follows.to_string(),
            reason: proposal.explanation.clone(),
            ..pb::LinkHouseholdRequest::default()
        };
        Self {
            household_number: proposal.number,
            representative_name: proposal.representative_name,
            score: Some(score),
            explanation: proposal.explanation,
            acceptance: Some(acceptance),
        }
    }
}

impl From<Unplaced> for pb::UnplacedHousehold {
    fn from(unplaced: Unplaced) -> Self {
        Self {
            household: unplaced.household.to_string(),
            household_number: unplaced.number,
            explanation: unplaced.explanation,
        }
    }
}

impl From<Load> for pb::RepresentativeLoad {
    fn from(load: Load) -> Self {
        Self {
            representative: load.representative.to_string(),
            representative_name: load.name,
            before: i32::try_from(load.before).unwrap_or(i32::MAX),
            after: i32::try_from(load.after).unwrap_or(i32::MAX),
        }
    }
}

impl From<Answer> for pb::BatchLinkHouseholdsResult {
    fn from(answer: Answer) -> Self {
        Self {
            outcome: answer.outcome.into(),
            link: answer.link.map(Into::into),
            reason: answer.error.as_ref().map(|error| error.reason().to_owned()).unwrap_or_default(),
            message: answer.error.map(|error| error.to_string()).unwrap_or_default(),
        }
    }
}

fn filter(village: VillageCode, message: &pb::ListLinksRequest) -> Result<Filter, Error> {
    let filter = message.filter.clone().unwrap_or_default();
    if message.show_ended && message.as_of.is_some() {
        return Err(Error::field("as_of", "has to be absent when ended links are asked for"));
    }
    let mut wrong = Violations::new();
    let as_of = day(&mut wrong, "as_of", message.as_of);
    let line = wrong.check("filter.line", LineKind::read(filter.line)).flatten();
    wrong.finish(Some(()))?;
    Ok(Filter {
        household: crate::of_village("filter.household", &filter.household, village, |name: HouseholdName| {
            name.household
        })?,
        representative: crate::of_village(
            "filter.representative",
            &filter.representative,
            village,
            |name: MemberName| name.member,
        )?,
        line,
        as_of,
        show_ended: message.show_ended,
    })
}

impl From<MerchantLink> for pb::MerchantLink {
    fn from(one: MerchantLink) -> Self {
        let mut message = Self {
            merchant: one.merchant.to_string(),
            landlord: one.landlord.to_string(),
            household_number: one.number.unwrap_or_default(),
            grid: one.grid.map(|grid| grid.to_string()).unwrap_or_default(),
            ..Self::default()
        };
        if let Some(served) = one.served {
            message.representative = served.representative.to_string();
            message.link = served.link.to_string();
            message.line = served.line.into();
            message.start_date = Some(date(served.since));
        }
        message
    }
}

impl From<Link> for pb::Link {
    fn from(link: Link) -> Self {
        Self {
            name: link.name.to_string(),
            household: link.household.to_string(),
            representative: link.representative.to_string(),
            line: link.line.into(),
            start_date: Some(date(link.valid_from)),
            end_date: link.valid_to.map(date),
            reason: link.reason,
            origin: link.origin.into(),
            etag: link.revision.to_string(),
            create_time: Some(timestamp(link.created_at)),
            update_time: Some(timestamp(link.updated_at)),
        }
    }
}

impl TryFrom<pb::LinkHouseholdRequest> for LinkHousehold {
    type Error = Error;

    fn try_from(message: pb::LinkHouseholdRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let household: Option<HouseholdName> = wrong.check("household", message.household.parse());
        let representative: Option<MemberName> = wrong.check("representative", message.representative.parse());
        if household.as_ref().zip(representative.as_ref()).is_some_and(|(one, other)| one.village != other.village) {
            wrong.add("representative", "lies in another village");
        }
        let line = wrong.check("line", LineKind::read(message.line)).flatten();
        let start = day(&mut wrong, "start_date", message.start_date);
        let (household, representative) = wrong.finish(household.zip(representative))?;
        let reason = message.reason.trim().to_owned();
        Ok(Self { household, expected, representative, line, start, reason })
    }
}
