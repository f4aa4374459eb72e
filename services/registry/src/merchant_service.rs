//! MerchantService: one service of the contract, several nouns here. Who is asked for what, and nothing else.

use proto::registry::v1 as pb;
use proto::registry::v1::merchant_service_server::MerchantService;
use tonic::{Request, Response, Status};

use crate::history::Histories;
use crate::merchant::Merchants;
use crate::reveal::Reveals;

/// Merchants, what happened to them, and who was shown what of them.
pub(crate) struct MerchantCalls {
    pub(crate) merchants: Merchants,
    pub(crate) histories: Histories,
    pub(crate) reveals: Reveals,
}

macro_rules! hand_on {
    ($($method:ident($request:ident) -> $response:ident: $noun:ident;)+) => {
        #[tonic::async_trait]
        impl MerchantService for MerchantCalls {
            $(async fn $method(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                self.$noun.$method(request).await
            })+
        }
    };
}

hand_on! {
    create_merchant(CreateMerchantRequest) -> Merchant: merchants;
    get_merchant(GetMerchantRequest) -> Merchant: merchants;
    list_merchants(ListMerchantsRequest) -> ListMerchantsResponse: merchants;
    update_merchant(UpdateMerchantRequest) -> Merchant: merchants;
    close_merchant(CloseMerchantRequest) -> Merchant: merchants;
    hand_over_merchant(HandOverMerchantRequest) -> Merchant: merchants;
    list_merchant_history(ListMerchantHistoryRequest) -> ListMerchantHistoryResponse: histories;
    reveal_merchant(RevealMerchantRequest) -> RevealMerchantResponse: reveals;
}
