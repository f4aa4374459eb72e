//! Searches as the contract speaks of them. No rules, no SQL.

use chrono::NaiveDate;
use platform::clock::village_day;
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{GridName, HouseholdName, VillageCode, VillageName};
use proto::registry::v1 as pb;
use tonic::{Request, Response, Status};
use workbook::formats::{CitizenId, Telephone};

use super::Searches;
use super::rules::{Address, Found, Match, Name, Search};
use crate::fields;
use crate::household::rules::{Kind, State};

impl Searches {
    pub(crate) async fn search_households(
        &self,
        request: Request<pb::SearchHouseholdsRequest>,
    ) -> Result<Response<pb::SearchHouseholdsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let search = search(message.filter.unwrap_or_default(), village, village_day(self.clock.now()))?;
        let (found, next_page_token) = self.search(&caller, &village, &search, &page).await?;
        let found = found.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::SearchHouseholdsResponse { found, next_page_token }))
    }
}

impl From<Found> for pb::FoundHousehold {
    fn from(Found { household, matches }: Found) -> Self {
        let matches = matches.into_iter().map(|one| told(&household.name, one)).collect();
        Self { household: Some(household.into()), matches }
    }
}

fn told(household: &HouseholdName, Match { field, resident }: Match) -> pb::SearchMatch {
    let resident = resident.map(|resident| household.clone().resident(resident).to_string()).unwrap_or_default();
    pb::SearchMatch { field: field.into(), resident }
}

fn search(filter: pb::HouseholdSearchFilter, village: VillageCode, today: NaiveDate) -> Result<Search, Error> {
    if filter == pb::HouseholdSearchFilter::default() {
        return Err(Error::field("filter", "says nothing; to see all, list them"));
    }
    let mut wrong = Violations::new();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let parsed = Search {
        name: fields::optional(&mut wrong, "filter.name", &filter.name, Name::parse).flatten(),
        number: fields::text(&mut wrong, "filter.number", &filter.number).and_then(some),
        address: fields::optional(&mut wrong, "filter.address", &filter.address, Address::parse).flatten(),
        telephone: fields::optional(&mut wrong, "filter.telephone", &filter.telephone, Telephone::parse).flatten(),
        citizen_id: fields::optional(&mut wrong, "filter.citizen_id", &filter.citizen_id, |text| {
            CitizenId::parse(text, today)
        })
        .flatten(),
        tag: fields::text(&mut wrong, "filter.tag", &filter.tag).and_then(some),
        grid: some(filter.grid)
            .and_then(|grid| fields::within(&mut wrong, "filter.grid", &grid, Some(village)))
            .map(|name: GridName| name.grid),
        kind: wrong.check("filter.kind", Kind::read(filter.kind)).flatten(),
        state: wrong.check("filter.state", State::read(filter.state)).flatten(),
        verified_before: fields::day(&mut wrong, "filter.verified_before", filter.verified_before.as_ref()).flatten(),
        verified_since: fields::day(&mut wrong, "filter.verified_since", filter.verified_since.as_ref()).flatten(),
    };
    wrong.finish(Some(parsed))
}
