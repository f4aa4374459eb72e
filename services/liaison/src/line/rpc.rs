//! Lines as the contract speaks of them. No rules, no SQL.

use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::line_service_server::LineService;
use proto::names::{LineName, VillageName};
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::Lines;
use super::rules::{Line, Update};
use crate::member::rules::Office;
use crate::places::HouseholdKind;

#[tonic::async_trait]
impl LineService for Lines {
    async fn get_line(&self, request: Request<pb::GetLineRequest>) -> Result<Response<pb::Line>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_lines(
        &self,
        request: Request<pb::ListLinesRequest>,
    ) -> Result<Response<pb::ListLinesResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &message.parent)?;
        let (lines, next_page_token) = self.list(&caller, &village, &page).await?;
        let lines = lines.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListLinesResponse { lines, next_page_token }))
    }

    async fn update_line(&self, request: Request<pb::UpdateLineRequest>) -> Result<Response<pb::Line>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
    }
}

impl From<Line> for pb::Line {
    fn from(line: Line) -> Self {
        Self {
            name: line.name().to_string(),
            kind: line.kind.into(),
            display_name: line.display_name,
            leader_offices: line.leader_offices.into_iter().map(Into::into).collect(),
            household_kinds: line.household_kinds.into_iter().map(Into::into).collect(),
            merchants_through_landlord: line.merchants_through_landlord,
            etag: line.revision.to_string(),
            create_time: Some(timestamp(line.created_at)),
            update_time: Some(timestamp(line.updated_at)),
        }
    }
}

impl TryFrom<pb::UpdateLineRequest> for Update {
    type Error = Error;

    fn try_from(message: pb::UpdateLineRequest) -> Result<Self, Error> {
        const CHANGEABLE: &[&str] =
            &["display_name", "leader_offices", "household_kinds", "merchants_through_landlord"];
        let line = message.line.unwrap_or_default();
        let mask = Mask::read(message.update_mask, CHANGEABLE)?;
        let expected = expected(&line.etag)?;
        let mut wrong = Violations::new();
        let name: Option<LineName> = wrong.check("line.name", line.name.parse());
        let display_name =
            if mask.has("display_name") { wrong.required("line.display_name", &line.display_name) } else { None };
        let office = |value: &i32| Office::read(*value)?.ok_or("is unspecified");
        let leader_offices = if mask.has("leader_offices") {
            wrong.check("line.leader_offices", line.leader_offices.iter().map(office).collect())
        } else {
            None
        };
        let kind = |value: &i32| HouseholdKind::read(*value)?.ok_or("is unspecified");
        let household_kinds = if mask.has("household_kinds") {
            wrong.check("line.household_kinds", line.household_kinds.iter().map(kind).collect())
        } else {
            None
        };
        let merchants_through_landlord =
            mask.has("merchants_through_landlord").then_some(line.merchants_through_landlord);
        Ok(Self {
            name: wrong.finish(name)?,
            expected,
            display_name,
            leader_offices,
            household_kinds,
            merchants_through_landlord,
        })
    }
}
