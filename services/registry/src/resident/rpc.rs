//! Residents as the contract speaks of them: whole on the way in, masked on the way out. No rules, no SQL.

use chrono::NaiveDate;
use platform::clock::village_day;
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{HouseholdName, ResidentName};
use proto::registry::v1 as pb;
use proto::time::timestamp;
use tonic::{Request, Response, Status};
use workbook::formats::{CitizenId, Telephone};

use super::Residents;
use super::rules::{Amendment, Draft, Facts, Resident, Update};
use crate::fields;
use crate::sensitive::masked_name;

impl Residents {
    pub(crate) async fn create_resident(
        &self,
        request: Request<pb::CreateResidentRequest>,
    ) -> Result<Response<pb::Resident>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let draft = draft(message, village_day(self.clock.now()))?;
        Ok(Response::new(self.create(&caller, &request, draft).await?.into()))
    }

    pub(crate) async fn get_resident(
        &self,
        request: Request<pb::GetResidentRequest>,
    ) -> Result<Response<pb::Resident>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    pub(crate) async fn list_residents(
        &self,
        request: Request<pb::ListResidentsRequest>,
    ) -> Result<Response<pb::ListResidentsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let parent = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &("residents", &message.parent))?;
        let (residents, next_page_token) = self.list(&caller, &parent, &page).await?;
        let residents = residents.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListResidentsResponse { residents, next_page_token }))
    }

    pub(crate) async fn update_resident(
        &self,
        request: Request<pb::UpdateResidentRequest>,
    ) -> Result<Response<pb::Resident>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let update = update(message, village_day(self.clock.now()))?;
        Ok(Response::new(self.update(&caller, &request, update).await?.into()))
    }
}

impl From<Resident> for pb::Resident {
    fn from(resident: Resident) -> Self {
        Self {
            name: resident.name.to_string(),
            display_name: masked_name(&resident.facts.display_name),
            relation: resident.facts.relation,
            citizen_id: resident.facts.citizen_id.map(|number| number.masked()).unwrap_or_default(),
            telephone: resident.facts.telephone.map(|number| number.masked()).unwrap_or_default(),
            etag: resident.revision.to_string(),
            create_time: Some(timestamp(resident.created_at)),
            update_time: Some(timestamp(resident.updated_at)),
        }
    }
}

fn citizen_id(wrong: &mut Violations, text: &str, today: NaiveDate) -> Option<Option<CitizenId>> {
    fields::optional(wrong, "resident.citizen_id", text, |text| CitizenId::parse(text, today))
}

fn telephone(wrong: &mut Violations, text: &str) -> Option<Option<Telephone>> {
    fields::optional(wrong, "resident.telephone", text, Telephone::parse)
}

fn draft(message: pb::CreateResidentRequest, today: NaiveDate) -> Result<Draft, Error> {
    let resident = message.resident.unwrap_or_default();
    let mut wrong = Violations::new();
    let household: Option<HouseholdName> = wrong.check("parent", message.parent.parse());
    let id = fields::chosen_id(&mut wrong, "resident_id", &message.resident_id);
    let name = household.as_ref().zip(id.flatten()).map(|(household, id)| household.resident(id));
    fields::agrees(&mut wrong, "resident.name", &resident.name, name);
    let display_name = fields::required(&mut wrong, "resident.display_name", &resident.display_name);
    let relation = fields::required(&mut wrong, "resident.relation", &resident.relation);
    let citizen_id = citizen_id(&mut wrong, &resident.citizen_id, today);
    let telephone = telephone(&mut wrong, &resident.telephone);
    let draft = (|| {
        Some(Draft {
            household: household?,
            id: id?,
            facts: Facts {
                display_name: display_name?,
                relation: relation?,
                citizen_id: citizen_id?,
                telephone: telephone?,
            },
        })
    })();
    wrong.finish(draft)
}

fn update(message: pb::UpdateResidentRequest, today: NaiveDate) -> Result<Update, Error> {
    let resident = message.resident.unwrap_or_default();
    let mask = Mask::read(message.update_mask, &["display_name", "relation", "citizen_id", "telephone"])?;
    let expected = expected(&resident.etag)?;
    let mut wrong = Violations::new();
    let name: Option<ResidentName> = wrong.check("resident.name", resident.name.parse());
    let mut amendment = Amendment::default();
    if mask.has("display_name") {
        amendment.display_name = fields::required(&mut wrong, "resident.display_name", &resident.display_name);
    }
    if mask.has("relation") {
        amendment.relation = fields::required(&mut wrong, "resident.relation", &resident.relation);
    }
    if mask.has("citizen_id") {
        amendment.citizen_id = citizen_id(&mut wrong, &resident.citizen_id, today);
    }
    if mask.has("telephone") {
        amendment.telephone = telephone(&mut wrong, &resident.telephone);
    }
    Ok(Update { name: wrong.finish(name)?, expected, amendment })
}
