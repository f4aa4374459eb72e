//! HouseholdService: one service of the contract, two nouns here. Who is asked for what, and nothing else.

use proto::registry::v1 as pb;
use proto::registry::v1::household_service_server::HouseholdService;
use tonic::{Request, Response, Status};

use crate::household::Households;
use crate::resident::Residents;
use crate::search::Searches;

/// Households on one side, their people on the other, and the search through both.
pub(crate) struct HouseholdCalls {
    pub(crate) households: Households,
    pub(crate) residents: Residents,
    pub(crate) searches: Searches,
}

macro_rules! hand_on {
    ($($method:ident($request:ident) -> $response:ident: $noun:ident;)+) => {
        #[tonic::async_trait]
        impl HouseholdService for HouseholdCalls {
            $(async fn $method(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                self.$noun.$method(request).await
            })+
        }
    };
}

hand_on! {
    create_household(CreateHouseholdRequest) -> Household: households;
    get_household(GetHouseholdRequest) -> Household: households;
    list_households(ListHouseholdsRequest) -> ListHouseholdsResponse: households;
    search_households(SearchHouseholdsRequest) -> SearchHouseholdsResponse: searches;
    update_household(UpdateHouseholdRequest) -> Household: households;
    verify_household(VerifyHouseholdRequest) -> Household: households;
    create_resident(CreateResidentRequest) -> Resident: residents;
    get_resident(GetResidentRequest) -> Resident: residents;
    list_residents(ListResidentsRequest) -> ListResidentsResponse: residents;
    update_resident(UpdateResidentRequest) -> Resident: residents;
}
