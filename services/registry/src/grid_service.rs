//! GridService: one service of the contract, four nouns here. Who is asked for what, and nothing else.

use proto::registry::v1 as pb;
use proto::registry::v1::grid_service_server::GridService;
use tonic::{Request, Response, Status};

use crate::division::Divisions;
use crate::grid::Grids;

/// Areas, villager groups and Party groups on one side, grids on the other.
pub(crate) struct GridCalls {
    pub(crate) divisions: Divisions,
    pub(crate) grids: Grids,
}

macro_rules! hand_on {
    ($($method:ident($request:ident) -> $response:ident: $noun:ident;)+) => {
        #[tonic::async_trait]
        impl GridService for GridCalls {
            $(async fn $method(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                self.$noun.$method(request).await
            })+
        }
    };
}

hand_on! {
    create_area(CreateAreaRequest) -> Area: divisions;
    get_area(GetAreaRequest) -> Area: divisions;
    list_areas(ListAreasRequest) -> ListAreasResponse: divisions;
    update_area(UpdateAreaRequest) -> Area: divisions;
    create_villager_group(CreateVillagerGroupRequest) -> VillagerGroup: divisions;
    get_villager_group(GetVillagerGroupRequest) -> VillagerGroup: divisions;
    list_villager_groups(ListVillagerGroupsRequest) -> ListVillagerGroupsResponse: divisions;
    update_villager_group(UpdateVillagerGroupRequest) -> VillagerGroup: divisions;
    create_party_group(CreatePartyGroupRequest) -> PartyGroup: divisions;
    get_party_group(GetPartyGroupRequest) -> PartyGroup: divisions;
    list_party_groups(ListPartyGroupsRequest) -> ListPartyGroupsResponse: divisions;
    update_party_group(UpdatePartyGroupRequest) -> PartyGroup: divisions;
    create_grid(CreateGridRequest) -> Grid: grids;
    get_grid(GetGridRequest) -> Grid: grids;
    list_grids(ListGridsRequest) -> ListGridsResponse: grids;
    update_grid(UpdateGridRequest) -> Grid: grids;
}
