//! Villages as the contract speaks of them. No rules, no SQL.

use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Caller, Error, Page, Scope, Violations};
use proto::names::{SubdistrictName, VillageName};
use proto::registry::v1 as pb;
use proto::registry::v1::village_service_server::VillageService;
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::Villages;
use super::rules::{Archiving, Draft, Filter, State, Update, Village};

#[tonic::async_trait]
impl VillageService for Villages {
    async fn create_village(
        &self,
        request: Request<pb::CreateVillageRequest>,
    ) -> Result<Response<pb::Village>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.create(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn get_village(&self, request: Request<pb::GetVillageRequest>) -> Result<Response<pb::Village>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(code) = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &code).await?.into()))
    }

    async fn list_villages(
        &self,
        request: Request<pb::ListVillagesRequest>,
    ) -> Result<Response<pb::ListVillagesResponse>, Status> {
        let (caller, message) = admit(request)?;
        let scopes = scopes_of(&caller, &message.parent)?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = message.filter.unwrap_or_default().try_into()?;
        let (villages, next_page_token) = self.list(&scopes, &filter, &page).await?;
        let villages = villages.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListVillagesResponse { villages, next_page_token }))
    }

    async fn update_village(
        &self,
        request: Request<pb::UpdateVillageRequest>,
    ) -> Result<Response<pb::Village>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn archive_village(
        &self,
        request: Request<pb::ArchiveVillageRequest>,
    ) -> Result<Response<pb::Village>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let VillageName(code) = message.name.parse().map_err(|error| Error::field("name", error))?;
        let archiving = Archiving { code, expected: expected(&message.etag)? };
        Ok(Response::new(self.archive(&caller, &request, archiving).await?.into()))
    }
}

/// The sub-district that was asked for, or all that the caller may see.
fn scopes_of(caller: &Caller, parent: &str) -> Result<Vec<Scope>, Error> {
    if parent.is_empty() {
        return Ok(caller.scopes());
    }
    let SubdistrictName(code) = parent.parse().map_err(|error| Error::field("parent", error))?;
    Ok(vec![caller.over(code.as_str())?])
}

impl From<Village> for pb::Village {
    fn from(village: Village) -> Self {
        Self {
            name: VillageName(village.code).to_string(),
            display_name: village.display_name,
            kind: village.code.kind().into(),
            state: village.state.into(),
            etag: village.revision.to_string(),
            create_time: Some(timestamp(village.created_at)),
            update_time: Some(timestamp(village.updated_at)),
        }
    }
}

impl TryFrom<pb::CreateVillageRequest> for Draft {
    type Error = Error;

    fn try_from(message: pb::CreateVillageRequest) -> Result<Self, Error> {
        let mut wrong = Violations::new();
        let code = wrong.check("village_id", message.village_id.parse());
        let display_name = wrong.required("village.display_name", &message.village.unwrap_or_default().display_name);
        let (code, display_name) = wrong.finish(code.zip(display_name))?;
        Ok(Self { code, display_name })
    }
}

impl TryFrom<pb::UpdateVillageRequest> for Update {
    type Error = Error;

    fn try_from(message: pb::UpdateVillageRequest) -> Result<Self, Error> {
        let village = message.village.unwrap_or_default();
        let mask = Mask::read(message.update_mask, &["display_name"])?;
        let expected = expected(&village.etag)?;
        let mut wrong = Violations::new();
        let name: Option<VillageName> = wrong.check("village.name", village.name.parse());
        let display_name =
            if mask.has("display_name") { wrong.required("village.display_name", &village.display_name) } else { None };
        let VillageName(code) = wrong.finish(name)?;
        Ok(Self { code, expected, display_name })
    }
}

impl TryFrom<pb::VillageFilter> for Filter {
    type Error = Error;

    fn try_from(filter: pb::VillageFilter) -> Result<Self, Error> {
        let state = State::read(filter.state).map_err(|error| Error::field("filter.state", error))?;
        Ok(Self { state })
    }
}
