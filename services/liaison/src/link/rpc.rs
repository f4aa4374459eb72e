//! Links as the contract speaks of them. No rules, no SQL.

use platform::revision::expected;
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::link_service_server::LinkService;
use proto::names::{HouseholdName, MemberName, VillageCode, VillageName};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};

use super::Links;
use super::rules::{Filter, Link, LinkHousehold};
use crate::line::rules::LineKind;
use crate::member::rpc::day;

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
