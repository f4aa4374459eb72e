//! HouseholdService: one service of the contract, several nouns here. Who is asked for what, and nothing else.

use proto::registry::v1 as pb;
use proto::registry::v1::household_service_server::HouseholdService;
use tonic::{Request, Response, Status};

use crate::care_tags::CareTagSets;
use crate::disclosure::Disclosures;
use crate::history::Histories;
use crate::household::Households;
use crate::life::Lives;
use crate::resident::Residents;
use crate::reveal::Reveals;
use crate::search::Searches;

/// Households, their people, the search through both, what happens to them, what happened, and who was shown what of it.
pub(crate) struct HouseholdCalls {
    pub(crate) households: Households,
    pub(crate) residents: Residents,
    pub(crate) searches: Searches,
    pub(crate) lives: Lives,
    pub(crate) histories: Histories,
    pub(crate) reveals: Reveals,
    pub(crate) disclosures: Disclosures,
    pub(crate) care_tags: CareTagSets,
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
    get_care_tags(GetCareTagsRequest) -> CareTags: care_tags;
    update_care_tags(UpdateCareTagsRequest) -> CareTags: care_tags;
    relocate_household(RelocateHouseholdRequest) -> Household: lives;
    split_household(SplitHouseholdRequest) -> Household: lives;
    merge_households(MergeHouseholdsRequest) -> Household: lives;
    change_household_head(ChangeHouseholdHeadRequest) -> Household: lives;
    change_household_state(ChangeHouseholdStateRequest) -> Household: lives;
    transfer_resident(TransferResidentRequest) -> Resident: lives;
    list_household_history(ListHouseholdHistoryRequest) -> ListHouseholdHistoryResponse: histories;
    reveal_household(RevealHouseholdRequest) -> RevealHouseholdResponse: reveals;
    reveal_resident(RevealResidentRequest) -> RevealResidentResponse: reveals;
    list_disclosures(ListDisclosuresRequest) -> ListDisclosuresResponse: disclosures;
    erase_household(EraseHouseholdRequest) -> Household: lives;
    erase_resident(EraseResidentRequest) -> Resident: lives;
    list_resident_history(ListResidentHistoryRequest) -> ListResidentHistoryResponse: histories;
}
