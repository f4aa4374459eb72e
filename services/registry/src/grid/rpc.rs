//! Grids as the contract speaks of them. No rules, no SQL.

use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{AreaName, GridName, VillageCode, VillageName};
use proto::registry::v1 as pb;
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::Grids;
use super::rules::{Amendment, Draft, Facts, Filter, Grid, Kind, Line, State, Update};
use crate::fields;

impl Grids {
    pub(crate) async fn create_grid(
        &self,
        request: Request<pb::CreateGridRequest>,
    ) -> Result<Response<pb::Grid>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.create(&caller, &request, message.try_into()?).await?.into()))
    }

    pub(crate) async fn get_grid(&self, request: Request<pb::GetGridRequest>) -> Result<Response<pb::Grid>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    pub(crate) async fn list_grids(
        &self,
        request: Request<pb::ListGridsRequest>,
    ) -> Result<Response<pb::ListGridsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = filter(message.filter.unwrap_or_default(), village)?;
        let (grids, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let grids = grids.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListGridsResponse { grids, next_page_token }))
    }

    pub(crate) async fn update_grid(
        &self,
        request: Request<pb::UpdateGridRequest>,
    ) -> Result<Response<pb::Grid>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
    }
}

fn filter(filter: pb::GridFilter, village: VillageCode) -> Result<Filter, Error> {
    let mut wrong = Violations::new();
    let area = match filter.area.as_str() {
        "" => Some(None),
        area => fields::within(&mut wrong, "filter.area", area, Some(village)).map(|name: AreaName| Some(name.area)),
    };
    let kind = wrong.check("filter.kind", Kind::read(filter.kind));
    let state = wrong.check("filter.state", State::read(filter.state));
    let (area, (kind, state)) = wrong.finish(area.zip(kind.zip(state)))?;
    Ok(Filter { area, kind, state })
}

impl From<Grid> for pb::Grid {
    fn from(grid: Grid) -> Self {
        Self {
            name: grid.name.to_string(),
            area: grid.area_name().to_string(),
            display_name: grid.facts.display_name,
            kind: grid.facts.kind.into(),
            line: grid.facts.line.map_or(0, Into::into),
            state: grid.state.into(),
            etag: grid.revision.to_string(),
            create_time: Some(timestamp(grid.created_at)),
            update_time: Some(timestamp(grid.updated_at)),
        }
    }
}

impl TryFrom<pb::CreateGridRequest> for Draft {
    type Error = Error;

    fn try_from(message: pb::CreateGridRequest) -> Result<Self, Error> {
        let grid = message.grid.unwrap_or_default();
        let mut wrong = Violations::new();
        let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
        let code = wrong.check("grid_id", message.grid_id.parse());
        let name = parent.zip(code).map(|(VillageName(village), code)| GridName::new(village, code));
        fields::agrees(&mut wrong, "grid.name", &grid.name, name.as_ref());
        let village = parent.map(|VillageName(village)| village);
        let display_name = fields::required(&mut wrong, "grid.display_name", &grid.display_name);
        let area: Option<AreaName> = fields::within(&mut wrong, "grid.area", &grid.area, village);
        let kind = fields::choice(&mut wrong, "grid.kind", Kind::read(grid.kind));
        let line = wrong.check("grid.line", Line::read(grid.line));
        let facts = (|| Some(Facts { display_name: display_name?, area: area?.area, kind: kind?, line: line? }))();
        let (name, facts) = wrong.finish(name.zip(facts))?;
        Ok(Self { name, facts })
    }
}

impl TryFrom<pb::UpdateGridRequest> for Update {
    type Error = Error;

    fn try_from(message: pb::UpdateGridRequest) -> Result<Self, Error> {
        let grid = message.grid.unwrap_or_default();
        let mask = Mask::read(message.update_mask, &["display_name", "area", "kind", "line"])?;
        let expected = expected(&grid.etag)?;
        let mut wrong = Violations::new();
        let name: Option<GridName> = wrong.check("grid.name", grid.name.parse());
        let village = name.as_ref().map(|name| name.village);
        let mut amendment = Amendment::default();
        if mask.has("display_name") {
            amendment.display_name = fields::required(&mut wrong, "grid.display_name", &grid.display_name);
        }
        if mask.has("area") {
            amendment.area =
                fields::within(&mut wrong, "grid.area", &grid.area, village).map(|name: AreaName| name.area);
        }
        if mask.has("kind") {
            amendment.kind = fields::choice(&mut wrong, "grid.kind", Kind::read(grid.kind));
        }
        if mask.has("line") {
            amendment.line = wrong.check("grid.line", Line::read(grid.line));
        }
        Ok(Self { name: wrong.finish(name)?, expected, amendment })
    }
}
