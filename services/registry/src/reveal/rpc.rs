//! Showing as the contract speaks of it. No rules, no SQL.

use platform::server::admit;
use platform::{Error, Violations};
use proto::registry::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Asked, Purpose, Reveals};
use crate::fields;

impl Reveals {
    pub(crate) async fn reveal_household(
        &self,
        request: Request<pb::RevealHouseholdRequest>,
    ) -> Result<Response<pb::RevealHouseholdResponse>, Status> {
        let (caller, message) = admit(request)?;
        let (name, asked) = asked(&message.name, message.purpose, &message.note)?;
        let household = self.household(&caller, &name, asked).await?;
        let facts = household.facts;
        Ok(Response::new(pb::RevealHouseholdResponse {
            household: name.to_string(),
            head_name: facts.head_name,
            citizen_id: facts.citizen_id.map(|number| number.exposed().to_owned()).unwrap_or_default(),
            telephone: facts.telephone.map(|number| number.exposed().to_owned()).unwrap_or_default(),
            address: facts.address.unwrap_or_default(),
            current_address: facts.current_address.unwrap_or_default(),
        }))
    }

    pub(crate) async fn reveal_resident(
        &self,
        request: Request<pb::RevealResidentRequest>,
    ) -> Result<Response<pb::RevealResidentResponse>, Status> {
        let (caller, message) = admit(request)?;
        let (name, asked) = asked(&message.name, message.purpose, &message.note)?;
        let resident = self.resident(&caller, &name, asked).await?;
        let facts = resident.facts;
        Ok(Response::new(pb::RevealResidentResponse {
            resident: resident.name.to_string(),
            display_name: facts.display_name,
            citizen_id: facts.citizen_id.map(|number| number.exposed().to_owned()).unwrap_or_default(),
            telephone: facts.telephone.map(|number| number.exposed().to_owned()).unwrap_or_default(),
        }))
    }

    pub(crate) async fn reveal_merchant(
        &self,
        request: Request<pb::RevealMerchantRequest>,
    ) -> Result<Response<pb::RevealMerchantResponse>, Status> {
        let (caller, message) = admit(request)?;
        let (name, asked) = asked(&message.name, message.purpose, &message.note)?;
        let merchant = self.merchant(&caller, &name, asked).await?;
        let facts = merchant.facts;
        Ok(Response::new(pb::RevealMerchantResponse {
            merchant: merchant.name.to_string(),
            operator_name: facts.operator_name,
            telephone: facts.telephone.map(|number| number.exposed().to_owned()).unwrap_or_default(),
            address: facts.address.unwrap_or_default(),
        }))
    }
}

/// Whose record is asked for, what for and why.
fn asked<N: std::str::FromStr<Err = proto::names::NameError>>(
    name: &str,
    purpose: i32,
    note: &str,
) -> Result<(N, Asked), Error> {
    let mut wrong = Violations::new();
    let name = wrong.check("name", name.parse());
    let purpose = fields::choice(&mut wrong, "purpose", Purpose::read(purpose));
    let note = fields::reason(&mut wrong, "note", note);
    let asked = (|| Some((name?, Asked { purpose: purpose?, note: note? })))();
    wrong.finish(asked)
}
