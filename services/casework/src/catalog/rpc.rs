//! The catalogue as the contract speaks of it. No rules, no SQL.

use chrono::Datelike;
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Result, Violations};
use proto::casework::v1 as pb;
use proto::casework::v1::catalog_service_server::CatalogService;
use proto::names::{LocalCode, MatterTypeName, SubdistrictName, VillageCode, VillageName};
use proto::time::{date, naive_date};
use tonic::{Request, Response, Status};

use super::{Catalog, Limits, MatterType};
use crate::calendar::{Day, DayKind, Year};
use crate::concern::{Matter, Urgency};

type Answer<T> = Result<Response<T>, Status>;

/// A title is a word or two.
const TITLE_LENGTH: usize = 50;
/// What a household hands over: so many things, each named in a word or two.
const MATERIALS: usize = 20;
/// No limit is longer than three years of eight working hours a day.
const LONGEST_HOURS: i32 = 6000;
/// Which places have a calendar.
const PLACES: &str = "has to be villages/{village} or subdistricts/{subdistrict}";
/// The fields of a type that can be changed.
const CHANGEABLE: &[&str] =
    &["title", "urgency", "response_hours", "resolution_hours", "deliberation", "material", "retired"];

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn create_matter_type(&self, request: Request<pb::CreateMatterTypeRequest>) -> Answer<pb::MatterType> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
        let code: Option<LocalCode> = wrong.check("matter_type_id", message.matter_type_id.parse());
        let made =
            read_type(&mut wrong, message.matter_type.unwrap_or_default(), &message.matter_type_id, true, |_| true);
        let ((village, code), made) = wrong.finish(village.zip(code).zip(made))?;
        let name = MatterTypeName::new(village, code);
        let made = self.create(&caller, request, &name, made).await?;
        Ok(Response::new(told(village, made)))
    }

    async fn get_matter_type(&self, request: Request<pb::GetMatterTypeRequest>) -> Answer<pb::MatterType> {
        let (caller, message) = admit(request)?;
        let name: MatterTypeName = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(told(name.village, self.get(&caller, &name).await?)))
    }

    async fn list_matter_types(
        &self,
        request: Request<pb::ListMatterTypesRequest>,
    ) -> Answer<pb::ListMatterTypesResponse> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &message.parent)?;
        let (types, next_page_token) = self.list(&caller, village, &page).await?;
        let matter_types = types.into_iter().map(|one| told(village, one)).collect();
        Ok(Response::new(pb::ListMatterTypesResponse { matter_types, next_page_token }))
    }

    async fn update_matter_type(&self, request: Request<pb::UpdateMatterTypeRequest>) -> Answer<pb::MatterType> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mask = Mask::read(message.update_mask, CHANGEABLE)?;
        let said = message.matter_type.unwrap_or_default();
        let mut wrong = Violations::new();
        let name: Option<MatterTypeName> = wrong.check("matter_type.name", said.name.parse());
        let etag = said.etag.clone();
        let made = read_type(&mut wrong, said, "", false, |field| mask.has(field));
        let (name, made) = wrong.finish(name.zip(made))?;
        let made = self.update(&caller, request, &name, expected(&etag)?, (mask, made)).await?;
        Ok(Response::new(told(name.village, made)))
    }

    async fn list_deadlines(&self, request: Request<pb::ListDeadlinesRequest>) -> Answer<pb::ListDeadlinesResponse> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let deadlines = self.deadlines(&caller, village).await?;
        let deadlines = deadlines.into_iter().map(|one| limits_told(village, &one)).collect();
        Ok(Response::new(pb::ListDeadlinesResponse { deadlines }))
    }

    async fn update_deadline(&self, request: Request<pb::UpdateDeadlineRequest>) -> Answer<pb::Deadline> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let said = message.deadline.unwrap_or_default();
        let mut wrong = Violations::new();
        let named = deadline_named(&said.name);
        if named.is_none() {
            wrong.add("deadline.name", "has to be villages/{village}/deadlines/{matter}-{urgency}");
        }
        for (field, hours) in
            [("deadline.response_hours", said.response_hours), ("deadline.resolution_hours", said.resolution_hours)]
        {
            if !(1..=LONGEST_HOURS).contains(&hours) {
                wrong.add(field, format!("has to be from 1 to {LONGEST_HOURS}"));
            }
        }
        let (village, matter, urgency) = wrong.finish(named)?;
        let (response_hours, resolution_hours) = (said.response_hours, said.resolution_hours);
        let limits = Limits { matter, urgency, response_hours, resolution_hours, revision: 0 };
        let limits = self.set_deadline(&caller, request, village, expected(&said.etag)?, limits).await?;
        Ok(Response::new(limits_told(village, &limits)))
    }

    async fn get_calendar(&self, request: Request<pb::GetCalendarRequest>) -> Answer<pb::Calendar> {
        let (caller, message) = admit(request)?;
        let place = read_place(&message.parent).ok_or_else(|| Error::field("parent", PLACES))?;
        Ok(Response::new(year_told(self.calendar(&caller, &place, message.year).await?)))
    }

    async fn update_calendar(&self, request: Request<pb::UpdateCalendarRequest>) -> Answer<pb::Calendar> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let said = message.calendar.unwrap_or_default();
        let year = read_year(&said)?;
        Ok(Response::new(year_told(self.set_calendar(&caller, request, expected(&said.etag)?, year).await?)))
    }
}

/// What is said of a type: all of it, or those fields that are meant.
fn read_type(
    wrong: &mut Violations,
    said: pb::MatterType,
    code: &str,
    whole: bool,
    meant: impl Fn(&str) -> bool,
) -> Option<MatterType> {
    let mut required = |field: &str, value: Result<Option<i32>, &'static str>| match value {
        Ok(Some(value)) => Some(value),
        Ok(None) => {
            wrong.add(field, "is missing");
            None
        }
        Err(error) => {
            wrong.add(field, error);
            None
        }
    };
    // Numbers stand for the values of the contract until both are read.
    let matter = if whole {
        required("matter_type.matter", Matter::read(said.matter).map(|matter| matter.map(Into::into)))
    } else {
        Some(pb::Matter::ResidentAffairs.into())
    };
    let urgency = if meant("urgency") {
        required("matter_type.urgency", Urgency::read(said.urgency).map(|urgency| urgency.map(Into::into)))
    } else {
        Some(pb::Urgency::Normal.into())
    };
    let title = if meant("title") { wrong.required("matter_type.title", &said.title) } else { Some(String::new()) };
    if said.title.chars().count() > TITLE_LENGTH {
        wrong.add("matter_type.title", format!("is longer than {TITLE_LENGTH} characters"));
    }
    if said.material.len() > MATERIALS || said.material.iter().any(|one| one.chars().count() > TITLE_LENGTH) {
        wrong.add("matter_type.material", format!("is more than {MATERIALS} things of {TITLE_LENGTH} characters"));
    }
    for (field, hours) in
        [("matter_type.response_hours", said.response_hours), ("matter_type.resolution_hours", said.resolution_hours)]
    {
        if !(0..=LONGEST_HOURS).contains(&hours) {
            wrong.add(field, format!("has to be from 0 to {LONGEST_HOURS}"));
        }
    }
    Some(MatterType {
        code: code.to_owned(),
        matter: Matter::read(matter?).ok().flatten()?,
        title: title?,
        urgency: Urgency::read(urgency?).ok().flatten()?,
        response_hours: Some(said.response_hours).filter(|hours| *hours > 0),
        resolution_hours: Some(said.resolution_hours).filter(|hours| *hours > 0),
        deliberation: said.deliberation,
        material: said.material,
        retired: said.retired,
        revision: 0,
    })
}

fn told(village: VillageCode, one: MatterType) -> pb::MatterType {
    pb::MatterType {
        name: format!("villages/{village}/matterTypes/{}", one.code),
        matter: one.matter.into(),
        title: one.title,
        urgency: one.urgency.into(),
        response_hours: one.response_hours.unwrap_or_default(),
        resolution_hours: one.resolution_hours.unwrap_or_default(),
        deliberation: one.deliberation,
        material: one.material,
        retired: one.retired,
        default: one.revision == 0,
        etag: one.revision.to_string(),
    }
}

fn deadline_named(name: &str) -> Option<(VillageCode, Matter, Urgency)> {
    let (village, deadline) = name.strip_prefix("villages/")?.split_once("/deadlines/")?;
    let (matter, urgency) = deadline.rsplit_once('-')?;
    let matter = Matter::from_word(&matter.replace('-', "_"))?;
    Some((village.parse().ok()?, matter, Urgency::from_word(urgency)?))
}

fn limits_told(village: VillageCode, one: &Limits) -> pb::Deadline {
    pb::Deadline {
        name: one.name(village),
        matter: one.matter.into(),
        urgency: one.urgency.into(),
        response_hours: one.response_hours,
        resolution_hours: one.resolution_hours,
        default: one.revision == 0,
        etag: one.revision.to_string(),
    }
}

fn year_told(year: Year) -> pb::Calendar {
    let day =
        |day: &Day| pb::CalendarDay { date: Some(date(day.date)), kind: day.kind.into(), title: day.title.clone() };
    pb::Calendar {
        place: year.place_name(),
        year: year.year,
        days: year.days.iter().map(day).collect(),
        known: !year.days.is_empty(),
        etag: year.revision.to_string(),
    }
}

/// The code of a place that a name names.
fn read_place(name: &str) -> Option<String> {
    let village = name.parse().map(|VillageName(code)| code.to_string());
    village.or(name.parse().map(|SubdistrictName(code)| code.to_string())).ok()
}

/// The days that a place says of a year.
fn read_year(said: &pb::Calendar) -> Result<Year> {
    let mut wrong = Violations::new();
    let place = read_place(&said.place);
    if place.is_none() {
        wrong.add("calendar.place", PLACES);
    }
    if !(2000..=2200).contains(&said.year) {
        wrong.add("calendar.year", "has to be from 2000 to 2200");
    }
    let mut days: Vec<Day> = Vec::new();
    for (place_in_list, day) in said.days.iter().enumerate() {
        let field = format!("calendar.days[{place_in_list}]");
        let on = day.date.as_ref().and_then(|day| naive_date(day).ok()).filter(|day| day.year() == said.year);
        let kind = DayKind::read(day.kind).ok().flatten();
        match (on, kind) {
            (Some(on), Some(_)) if days.iter().any(|day| day.date == on) => wrong.add(field, "names a day again"),
            (Some(date), Some(kind)) if day.title.chars().count() <= TITLE_LENGTH => {
                let place = place.clone().unwrap_or_default();
                days.push(Day { place, date, kind, title: day.title.trim().to_owned() });
            }
            _ => wrong.add(field, "has to be a day of the year, with what it is"),
        }
    }
    days.sort_by_key(|day| day.date);
    Ok(Year { place: wrong.finish(place)?, year: said.year, days, revision: 0 })
}
