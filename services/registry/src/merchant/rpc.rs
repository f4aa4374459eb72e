//! Merchants as the contract speaks of them, whole on the way in, masked on the way out.
//! No rules, no SQL.

use chrono::NaiveDate;
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{HouseholdName, MerchantName, VillageCode, VillageName};
use proto::registry::v1 as pb;
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use workbook::formats::{CreditCode, Telephone};

use super::rules::{Amendment, Draft, Facts, Filter, Merchant, Operator, State, Update};
use super::{Asked, Merchants};
use crate::fields;
use crate::life::rpc::occasion;
use crate::sensitive::{masked_address, masked_name};

/// The fields that can be changed.
const CHANGEABLE: &[&str] = &[
    "display_name",
    "credit_code",
    "operator_name",
    "telephone",
    "trade",
    "landlord",
    "address",
    "licence_expires_on",
];

impl Merchants {
    pub(crate) async fn create_merchant(
        &self,
        request: Request<pb::CreateMerchantRequest>,
    ) -> Result<Response<pb::Merchant>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.create(&caller, &request, draft(message)?).await?.into()))
    }

    pub(crate) async fn get_merchant(
        &self,
        request: Request<pb::GetMerchantRequest>,
    ) -> Result<Response<pb::Merchant>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    pub(crate) async fn list_merchants(
        &self,
        request: Request<pb::ListMerchantsRequest>,
    ) -> Result<Response<pb::ListMerchantsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = filter(message.filter.unwrap_or_default(), village)?;
        let (merchants, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let merchants = merchants.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListMerchantsResponse { merchants, next_page_token }))
    }

    pub(crate) async fn update_merchant(
        &self,
        request: Request<pb::UpdateMerchantRequest>,
    ) -> Result<Response<pb::Merchant>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, update(message)?).await?.into()))
    }
}

impl Merchants {
    pub(crate) async fn close_merchant(
        &self,
        request: Request<pb::CloseMerchantRequest>,
    ) -> Result<Response<pb::Merchant>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name = wrong.check("name", message.name.parse());
        let occasion = occasion(&mut wrong, message.occasion);
        let (name, occasion) = wrong.finish(name.zip(occasion))?;
        Ok(Response::new(self.close(&caller, &request, Asked { name, expected }, occasion).await?.into()))
    }

    pub(crate) async fn hand_over_merchant(
        &self,
        request: Request<pb::HandOverMerchantRequest>,
    ) -> Result<Response<pb::Merchant>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name: Option<MerchantName> = wrong.check("name", message.name.parse());
        let village = name.as_ref().map(|name| name.village);
        let landlord = if message.landlord.is_empty() {
            Some(None)
        } else {
            fields::within(&mut wrong, "landlord", &message.landlord, village).map(Some)
        };
        let operator = match message.operator {
            None => Some(None),
            Some(given) => operator(&mut wrong, &given).map(Some),
        };
        let occasion = occasion(&mut wrong, message.occasion);
        let asked = (|| Some((Asked { name: name?, expected }, operator?, landlord?, occasion?)))();
        let (asked, operator, landlord, occasion) = wrong.finish(asked)?;
        let merchant = self.hand_over(&caller, &request, asked, operator, landlord, occasion).await?;
        Ok(Response::new(merchant.into()))
    }
}

fn operator(wrong: &mut Violations, given: &pb::Operator) -> Option<Operator> {
    let display_name = fields::required(wrong, "operator.display_name", &given.display_name);
    let telephone = fields::optional(wrong, "operator.telephone", &given.telephone, Telephone::parse);
    let credit_code = fields::optional(wrong, "operator.credit_code", &given.credit_code, CreditCode::parse);
    let licence_expires_on = fields::day(wrong, "operator.licence_expires_on", given.licence_expires_on.as_ref());
    Some(Operator {
        display_name: display_name?,
        telephone: telephone?,
        credit_code: credit_code?,
        licence_expires_on: licence_expires_on?,
    })
}

impl From<Merchant> for pb::Merchant {
    fn from(merchant: Merchant) -> Self {
        Self {
            name: merchant.name.to_string(),
            landlord: merchant.landlord_name().to_string(),
            display_name: merchant.facts.display_name,
            credit_code: merchant.facts.credit_code.map(|code| code.exposed().to_owned()).unwrap_or_default(),
            operator_name: masked_name(&merchant.facts.operator_name),
            telephone: merchant.facts.telephone.map(|number| number.masked()).unwrap_or_default(),
            trade: merchant.facts.trade,
            address: masked_address(&merchant.facts.address.unwrap_or_default()),
            licence_expires_on: merchant.facts.licence_expires_on.map(date),
            state: merchant.facts.state.into(),
            etag: merchant.revision.to_string(),
            create_time: Some(timestamp(merchant.created_at)),
            update_time: Some(timestamp(merchant.updated_at)),
        }
    }
}

/// Reads the fields of a merchant that is sent, each in one way whether it is entered or changed.
struct Reading<'m> {
    merchant: &'m pb::Merchant,
    village: Option<VillageCode>,
    wrong: Violations,
}

impl Reading<'_> {
    fn display_name(&mut self) -> Option<String> {
        fields::required(&mut self.wrong, "merchant.display_name", &self.merchant.display_name)
    }

    fn credit_code(&mut self) -> Option<Option<CreditCode>> {
        fields::optional(&mut self.wrong, "merchant.credit_code", &self.merchant.credit_code, CreditCode::parse)
    }

    fn operator_name(&mut self) -> Option<String> {
        fields::text(&mut self.wrong, "merchant.operator_name", &self.merchant.operator_name)
    }

    fn telephone(&mut self) -> Option<Option<Telephone>> {
        fields::optional(&mut self.wrong, "merchant.telephone", &self.merchant.telephone, Telephone::parse)
    }

    fn trade(&mut self) -> Option<String> {
        fields::text(&mut self.wrong, "merchant.trade", &self.merchant.trade)
    }

    fn landlord(&mut self) -> Option<Uuid> {
        let name: Option<HouseholdName> =
            fields::within(&mut self.wrong, "merchant.landlord", &self.merchant.landlord, self.village);
        name.map(|name| name.household)
    }

    fn address(&mut self) -> Option<Option<String>> {
        let address = fields::text(&mut self.wrong, "merchant.address", &self.merchant.address)?;
        Some(Some(address).filter(|address| !address.is_empty()))
    }

    fn licence_expires_on(&mut self) -> Option<Option<NaiveDate>> {
        fields::day(&mut self.wrong, "merchant.licence_expires_on", self.merchant.licence_expires_on.as_ref())
    }
}

fn draft(message: pb::CreateMerchantRequest) -> Result<Draft, Error> {
    let merchant = message.merchant.unwrap_or_default();
    let mut wrong = Violations::new();
    let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
    let village = parent.map(|VillageName(village)| village);
    let id = fields::chosen_id(&mut wrong, "merchant_id", &message.merchant_id);
    let name = village.zip(id.flatten()).map(|(village, id)| MerchantName::new(village, id));
    fields::agrees(&mut wrong, "merchant.name", &merchant.name, name);
    let mut read = Reading { merchant: &merchant, village, wrong };
    // Every field is looked at before the first bad one ends it.
    let (display_name, credit_code, landlord) = (read.display_name(), read.credit_code(), read.landlord());
    let (operator_name, telephone, trade) = (read.operator_name(), read.telephone(), read.trade());
    let (address, licence_expires_on) = (read.address(), read.licence_expires_on());
    let state = read.wrong.check("merchant.state", State::read(merchant.state));
    let draft = (|| {
        Some(Draft {
            village: village?,
            id: id?,
            facts: Facts {
                display_name: display_name?,
                credit_code: credit_code?,
                operator_name: operator_name?,
                telephone: telephone?,
                trade: trade?,
                landlord: landlord?,
                address: address?,
                licence_expires_on: licence_expires_on?,
                state: state?.unwrap_or(State::Open),
            },
        })
    })();
    read.wrong.finish(draft)
}

fn update(message: pb::UpdateMerchantRequest) -> Result<Update, Error> {
    let merchant = message.merchant.unwrap_or_default();
    let mask = Mask::read(message.update_mask, CHANGEABLE)?;
    let expected = expected(&merchant.etag)?;
    let mut wrong = Violations::new();
    let name: Option<MerchantName> = wrong.check("merchant.name", merchant.name.parse());
    let village = name.as_ref().map(|name| name.village);
    let mut read = Reading { merchant: &merchant, village, wrong };
    let mut amendment = Amendment::default();
    macro_rules! changes {
        ($($field:ident)+) => {$(
            if mask.has(stringify!($field)) {
                amendment.$field = read.$field();
            }
        )+};
    }
    changes! { display_name credit_code operator_name telephone trade landlord address licence_expires_on }
    Ok(Update { name: read.wrong.finish(name)?, expected, amendment })
}

fn filter(filter: pb::MerchantFilter, village: VillageCode) -> Result<Filter, Error> {
    let mut wrong = Violations::new();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let parsed = Filter {
        landlord: some(filter.landlord)
            .and_then(|landlord| fields::within(&mut wrong, "filter.landlord", &landlord, Some(village)))
            .map(|name: HouseholdName| name.household),
        state: wrong.check("filter.state", State::read(filter.state)).flatten(),
        trade: fields::text(&mut wrong, "filter.trade", &filter.trade).and_then(some),
        licence_expires_by: fields::day(&mut wrong, "filter.licence_expires_by", filter.licence_expires_by.as_ref())
            .flatten(),
    };
    wrong.finish(Some(parsed))
}
