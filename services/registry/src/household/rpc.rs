//! Households as the contract speaks of them: whole on the way in, masked on the way out. No rules, no SQL.

use chrono::NaiveDate;
use platform::clock::village_day;
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{GridName, HouseholdName, LocalCode, VillageCode, VillageName, VillagerGroupName};
use proto::registry::v1 as pb;
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};
use workbook::formats::{CitizenId, Telephone};

use super::Households;
use super::rules::{Amendment, Draft, Facts, Filter, Household, Kind, MOST_PERSONS, State, Update, Verification};
use crate::fields;
use crate::sensitive::{masked_address, masked_name};

/// The fields that can be changed.
const CHANGEABLE: &[&str] = &[
    "number",
    "head_name",
    "citizen_id",
    "head_party_member",
    "head_pension_due_on",
    "telephone",
    "registered_persons",
    "villager_group",
    "kind",
    "grid",
    "address",
    "current_address",
    "outside",
    "tags",
    "verified_on",
    "active_since",
];

impl Households {
    pub(crate) async fn create_household(
        &self,
        request: Request<pb::CreateHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let draft = draft(message, self.today())?;
        Ok(Response::new(self.create(&caller, &request, draft).await?.into()))
    }

    pub(crate) async fn get_household(
        &self,
        request: Request<pb::GetHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    pub(crate) async fn list_households(
        &self,
        request: Request<pb::ListHouseholdsRequest>,
    ) -> Result<Response<pb::ListHouseholdsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = filter(message.filter.unwrap_or_default(), village)?;
        let (households, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let households = households.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListHouseholdsResponse { households, next_page_token }))
    }

    pub(crate) async fn update_household(
        &self,
        request: Request<pb::UpdateHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let update = update(message, self.today())?;
        Ok(Response::new(self.update(&caller, &request, update).await?.into()))
    }

    pub(crate) async fn verify_household(
        &self,
        request: Request<pb::VerifyHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let name = wrong.check("name", message.name.parse());
        let day = fields::day(&mut wrong, "verified_on", message.verified_on.as_ref());
        let (name, day) = wrong.finish(name.zip(day))?;
        let verification = Verification { name, expected: expected(&message.etag)?, day };
        Ok(Response::new(self.verify(&caller, &request, verification).await?.into()))
    }

    fn today(&self) -> NaiveDate {
        village_day(self.clock.now())
    }
}

impl From<Household> for pb::Household {
    fn from(household: Household) -> Self {
        let villager_group = household.villager_group_name().map(|name| name.to_string()).unwrap_or_default();
        Self {
            name: household.name.to_string(),
            grid: household.grid_name().to_string(),
            villager_group,
            number: household.facts.number,
            head_name: masked_name(&household.facts.head_name),
            citizen_id: household.facts.citizen_id.map(|number| number.masked()).unwrap_or_default(),
            telephone: household.facts.telephone.map(|number| number.masked()).unwrap_or_default(),
            registered_persons: household.facts.registered_persons,
            kind: household.facts.kind.into(),
            address: masked_address(&household.facts.address.unwrap_or_default()),
            current_address: masked_address(&household.facts.current_address.unwrap_or_default()),
            outside: household.facts.outside,
            tags: household.facts.tags,
            verified_on: household.facts.verified_on.map(date),
            active_since: household.facts.active_since.map(date),
            head_party_member: household.facts.head_party_member,
            head_pension_due_on: household.facts.head_pension_due_on.map(date),
            state: household.facts.state.into(),
            etag: household.revision.to_string(),
            create_time: Some(timestamp(household.created_at)),
            update_time: Some(timestamp(household.updated_at)),
        }
    }
}

/// Reads the fields of a household that is sent, each in one way whether it is entered or changed.
pub(crate) struct Reading<'m> {
    pub(crate) household: &'m pb::Household,
    pub(crate) village: Option<VillageCode>,
    pub(crate) today: NaiveDate,
    pub(crate) wrong: Violations,
}

impl Reading<'_> {
    pub(crate) fn number(&mut self) -> Option<String> {
        fields::required(&mut self.wrong, "household.number", &self.household.number)
    }

    fn head_name(&mut self) -> Option<String> {
        fields::required(&mut self.wrong, "household.head_name", &self.household.head_name)
    }

    fn citizen_id(&mut self) -> Option<Option<CitizenId>> {
        let parse = |text: &str| CitizenId::parse(text, self.today);
        fields::optional(&mut self.wrong, "household.citizen_id", &self.household.citizen_id, parse)
    }

    pub(crate) fn telephone(&mut self) -> Option<Option<Telephone>> {
        fields::optional(&mut self.wrong, "household.telephone", &self.household.telephone, Telephone::parse)
    }

    fn registered_persons(&mut self) -> Option<i32> {
        let persons = self.household.registered_persons;
        if !(0..=MOST_PERSONS).contains(&persons) {
            self.wrong.add("household.registered_persons", format!("has to be between 0 and {MOST_PERSONS}"));
        }
        Some(persons)
    }

    pub(crate) fn villager_group(&mut self) -> Option<Option<LocalCode>> {
        let name = self.household.villager_group.as_str();
        if name.is_empty() {
            return Some(None);
        }
        let name: Option<VillagerGroupName> =
            fields::within(&mut self.wrong, "household.villager_group", name, self.village);
        name.map(|name| Some(name.villager_group))
    }

    pub(crate) fn kind(&mut self) -> Option<Kind> {
        fields::choice(&mut self.wrong, "household.kind", Kind::read(self.household.kind))
    }

    pub(crate) fn grid(&mut self) -> Option<proto::names::GridCode> {
        let name: Option<GridName> =
            fields::within(&mut self.wrong, "household.grid", &self.household.grid, self.village);
        name.map(|name| name.grid)
    }

    pub(crate) fn address(&mut self) -> Option<Option<String>> {
        let address = fields::text(&mut self.wrong, "household.address", &self.household.address)?;
        Some(Some(address).filter(|address| !address.is_empty()))
    }

    pub(crate) fn current_address(&mut self) -> Option<Option<String>> {
        let address = fields::text(&mut self.wrong, "household.current_address", &self.household.current_address)?;
        Some(Some(address).filter(|address| !address.is_empty()))
    }

    pub(crate) fn tags(&mut self) -> Option<Vec<String>> {
        let wrong = &mut self.wrong;
        self.household.tags.iter().map(|tag| fields::tag(wrong, "household.tags", tag)).collect()
    }

    fn verified_on(&mut self) -> Option<Option<NaiveDate>> {
        fields::day(&mut self.wrong, "household.verified_on", self.household.verified_on.as_ref())
    }

    fn head_pension_due_on(&mut self) -> Option<Option<NaiveDate>> {
        let day = self.household.head_pension_due_on.as_ref();
        fields::day(&mut self.wrong, "household.head_pension_due_on", day)
    }

    fn active_since(&mut self) -> Option<Option<NaiveDate>> {
        fields::day(&mut self.wrong, "household.active_since", self.household.active_since.as_ref())
    }

    fn state(&mut self) -> Option<Option<State>> {
        let state = self.wrong.check("household.state", State::read(self.household.state))?;
        if state == Some(State::Merged) {
            self.wrong.add("household.state", "only a household that is there can be merged");
        }
        Some(state)
    }
}

fn draft(message: pb::CreateHouseholdRequest, today: NaiveDate) -> Result<Draft, Error> {
    let household = message.household.unwrap_or_default();
    let mut wrong = Violations::new();
    let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
    let village = parent.map(|VillageName(village)| village);
    let id = fields::chosen_id(&mut wrong, "household_id", &message.household_id);
    let name = village.zip(id.flatten()).map(|(village, id)| HouseholdName::new(village, id));
    fields::agrees(&mut wrong, "household.name", &household.name, name);
    let mut read = Reading { household: &household, village, today, wrong };
    // Every field is looked at before the first bad one ends it.
    let (number, head_name, kind, grid) = (read.number(), read.head_name(), read.kind(), read.grid());
    let (citizen_id, telephone) = (read.citizen_id(), read.telephone());
    let (registered_persons, villager_group) = (read.registered_persons(), read.villager_group());
    let (address, current_address, tags) = (read.address(), read.current_address(), read.tags());
    let (verified_on, active_since, state) = (read.verified_on(), read.active_since(), read.state());
    let head_pension_due_on = read.head_pension_due_on();
    let draft = (|| {
        Some(Draft {
            village: village?,
            id: id?,
            facts: Facts {
                number: number?,
                head_name: head_name?,
                citizen_id: citizen_id?,
                head_party_member: household.head_party_member,
                head_pension_due_on: head_pension_due_on?,
                telephone: telephone?,
                registered_persons: registered_persons?,
                villager_group: villager_group?,
                kind: kind?,
                grid: grid?,
                address: address?,
                current_address: current_address?,
                outside: household.outside,
                tags: tags?,
                resident_tags: Vec::new(),
                verified_on: verified_on?,
                active_since: active_since?,
                state: state?.unwrap_or(State::Active),
            },
        })
    })();
    read.wrong.finish(draft)
}

fn update(message: pb::UpdateHouseholdRequest, today: NaiveDate) -> Result<Update, Error> {
    let household = message.household.unwrap_or_default();
    let mask = Mask::read(message.update_mask, CHANGEABLE)?;
    let expected = expected(&household.etag)?;
    let mut wrong = Violations::new();
    let name: Option<HouseholdName> = wrong.check("household.name", household.name.parse());
    let village = name.as_ref().map(|name| name.village);
    let mut read = Reading { household: &household, village, today, wrong };
    let mut amendment = Amendment::default();
    macro_rules! changes {
        ($($field:ident)+) => {$(
            if mask.has(stringify!($field)) {
                amendment.$field = read.$field();
            }
        )+};
    }
    changes! {
        number head_name citizen_id telephone registered_persons villager_group kind grid address current_address tags
        verified_on active_since head_pension_due_on
    }
    if mask.has("head_party_member") {
        amendment.head_party_member = Some(household.head_party_member);
    }
    if mask.has("outside") {
        amendment.outside = Some(household.outside);
    }
    Ok(Update { name: read.wrong.finish(name)?, expected, amendment })
}

fn filter(filter: pb::HouseholdFilter, village: VillageCode) -> Result<Filter, Error> {
    let mut wrong = Violations::new();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let parsed = Filter {
        grid: some(filter.grid)
            .and_then(|grid| fields::within(&mut wrong, "filter.grid", &grid, Some(village)))
            .map(|name: GridName| name.grid),
        kind: wrong.check("filter.kind", Kind::read(filter.kind)).flatten(),
        number: fields::text(&mut wrong, "filter.number", &filter.number).and_then(some),
        tag: fields::text(&mut wrong, "filter.tag", &filter.tag).and_then(some),
        state: wrong.check("filter.state", State::read(filter.state)).flatten(),
        villager_group: some(filter.villager_group)
            .and_then(|group| fields::within(&mut wrong, "filter.villager_group", &group, Some(village)))
            .map(|name: VillagerGroupName| name.villager_group),
        outside: filter.outside,
        head_party_member: filter.head_party_member,
        head_pension_due_by: fields::day(&mut wrong, "filter.head_pension_due_by", filter.head_pension_due_by.as_ref())
            .flatten(),
    };
    wrong.finish(Some(parsed))
}
