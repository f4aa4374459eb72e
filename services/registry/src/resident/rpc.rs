//! Residents as the contract speaks of them: whole on the way in, masked on the way out. No rules, no SQL.

use chrono::NaiveDate;
use platform::clock::village_day;
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{HouseholdName, NameError, ResidentName, VillageName};
use proto::registry::v1 as pb;
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};
use workbook::formats::{CitizenId, Telephone};

use super::Residents;
use super::rules::{Amendment, Draft, Facts, Filter, Parent, Resident, Update};
use crate::fields;
use crate::sensitive::masked_name;

/// The fields that can be changed.
const CHANGEABLE: &[&str] =
    &["display_name", "relation", "citizen_id", "telephone", "party_member", "tags", "pension_due_on"];

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
        let parent = parent(&message.parent)?;
        let question = ("residents", &message.parent, &message.filter);
        let page = Page::read(message.page_size, &message.page_token, &question)?;
        let filter = filter(message.filter.unwrap_or_default())?;
        let (residents, next_page_token) = self.list(&caller, &parent, &filter, &page).await?;
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
            party_member: resident.facts.party_member,
            tags: resident.facts.tags,
            pension_due_on: resident.facts.pension_due_on.map(date),
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

/// Each tag once.
fn tags(wrong: &mut Violations, given: &[String]) -> Option<Vec<String>> {
    let mut tags: Vec<String> =
        given.iter().map(|tag| fields::tag(wrong, "resident.tags", tag)).collect::<Option<_>>()?;
    tags.sort();
    tags.dedup();
    Some(tags)
}

fn pension_due_on(wrong: &mut Violations, resident: &pb::Resident) -> Option<Option<NaiveDate>> {
    fields::day(wrong, "resident.pension_due_on", resident.pension_due_on.as_ref())
}

/// A household, or all of a village's.
fn parent(name: &str) -> Result<Parent, Error> {
    let wrong = |error: NameError| Error::field("parent", error);
    match name.strip_suffix("/households/-") {
        Some(village) => {
            let VillageName(village) = village.parse().map_err(wrong)?;
            Ok(Parent::Village(village))
        }
        None => Ok(Parent::Household(name.parse().map_err(wrong)?)),
    }
}

fn filter(filter: pb::ResidentFilter) -> Result<Filter, Error> {
    let mut wrong = Violations::new();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let day = fields::day(&mut wrong, "filter.pension_due_by", filter.pension_due_by.as_ref());
    let parsed = Filter {
        tag: fields::text(&mut wrong, "filter.tag", &filter.tag).and_then(some),
        party_member: filter.party_member,
        pension_due_by: day.flatten(),
        relation: fields::text(&mut wrong, "filter.relation", &filter.relation).and_then(some),
    };
    wrong.finish(Some(parsed))
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
    let tags = tags(&mut wrong, &resident.tags);
    let pension_due_on = pension_due_on(&mut wrong, &resident);
    let draft = (|| {
        Some(Draft {
            household: household?,
            id: id?,
            facts: Facts {
                display_name: display_name?,
                relation: relation?,
                citizen_id: citizen_id?,
                telephone: telephone?,
                party_member: resident.party_member,
                tags: tags?,
                pension_due_on: pension_due_on?,
            },
        })
    })();
    wrong.finish(draft)
}

fn update(message: pb::UpdateResidentRequest, today: NaiveDate) -> Result<Update, Error> {
    let resident = message.resident.unwrap_or_default();
    let mask = Mask::read(message.update_mask, CHANGEABLE)?;
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
    if mask.has("party_member") {
        amendment.party_member = Some(resident.party_member);
    }
    if mask.has("tags") {
        amendment.tags = tags(&mut wrong, &resident.tags);
    }
    if mask.has("pension_due_on") {
        amendment.pension_due_on = pension_due_on(&mut wrong, &resident);
    }
    Ok(Update { name: wrong.finish(name)?, expected, amendment })
}
