//! What is rarely said of a concern, as the contract speaks of it: a wrong field is named by its path.

use chrono::NaiveDate;
use platform::revision::Mask;
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::google::r#type::Date;
use proto::names::{ConcernName, HouseholdName, ResidentName, VillageCode, VisitName};
use proto::time::{date, naive_date};

use super::order::order;
use super::read::{inside, short};
use crate::concern::Order;
use crate::concern::detail::{Channel, Detail, DetailUpdate, Errand, Paper, Person};
use crate::concern::rules::Command;

/// A place in words, or the number of a receipt: a line.
const LINE_LENGTH: usize = 200;
/// A paper's title takes a word or two.
const TITLE_LENGTH: usize = 50;
/// Papers that are handed over at once.
const PAPERS: usize = 20;

/// What a report says more; none if nothing.
pub(super) fn detail(
    wrong: &mut Violations,
    concern: &pb::Concern,
    village: Option<VillageCode>,
    today: NaiveDate,
) -> Option<Box<Detail>> {
    let mut detail = Detail {
        channel: wrong.check("concern.channel", Channel::read(concern.channel)).flatten(),
        visit: inside(wrong, "concern.visit", &concern.visit, village, |name: VisitName| name.visit),
        on_behalf_of: person(wrong, &concern.on_behalf_of, village),
        location: line(wrong, "concern.location", &concern.location),
        errand: None,
        unsaved: true,
    };
    if !concern.visit.is_empty() {
        if !matches!(detail.channel, None | Some(Channel::Visit)) {
            wrong.add("concern.channel", "is another than a visit, though a visit is named");
        }
        detail.channel = Some(Channel::Visit);
    }
    if let Some(errand) = &concern.errand {
        let titles: Vec<String> = errand.papers.iter().map(|paper| paper.title.clone()).collect();
        let titles = read_titles(wrong, "concern.errand.papers", &titles);
        let mut papers: Vec<Paper> = Vec::new();
        for (title, paper) in titles.into_iter().zip(&errand.papers) {
            let received_on = day(wrong, "concern.errand.papers.received_on", paper.received_on.as_ref());
            papers.push(Paper { title, received_on: received_on.unwrap_or(today), returned_on: None });
        }
        let receipt = line(wrong, "concern.errand.receipt", &errand.receipt);
        detail.errand = Some(Errand { papers, receipt, needs: Vec::new() });
    }
    Some(detail).filter(|detail| !detail.is_empty()).map(Box::new)
}

/// What an update changes of it.
pub(super) fn update(wrong: &mut Violations, mask: &Mask, concern: &pb::Concern) -> DetailUpdate {
    let village = concern.name.parse().ok().map(|name: ConcernName| name.village);
    let mut update = DetailUpdate::default();
    if mask.has("channel") {
        update.channel = wrong.check("concern.channel", Channel::read(concern.channel));
    }
    if mask.has("visit") {
        let visit = inside(wrong, "concern.visit", &concern.visit, village, |name: VisitName| name.visit);
        update.visit = Some(visit);
    }
    if mask.has("on_behalf_of") {
        update.on_behalf_of = Some(person(wrong, &concern.on_behalf_of, village));
    }
    if mask.has("location") {
        update.location = Some(line(wrong, "concern.location", &concern.location));
    }
    if mask.has("errand.receipt") {
        let receipt = concern.errand.as_ref().map(|errand| errand.receipt.as_str()).unwrap_or_default();
        update.receipt = Some(line(wrong, "concern.errand.receipt", receipt));
    }
    update
}

fn person(wrong: &mut Violations, text: &str, village: Option<VillageCode>) -> Option<Person> {
    inside(wrong, "concern.on_behalf_of", text, village, |name: ResidentName| Person {
        household: name.household,
        resident: name.resident,
    })
}

/// A short text, if there is any.
fn line(wrong: &mut Violations, field: &str, text: &str) -> Option<String> {
    short(wrong, field, text, LINE_LENGTH);
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn day(wrong: &mut Violations, field: &str, day: Option<&Date>) -> Option<NaiveDate> {
    day.and_then(|day| wrong.check(field, naive_date(day)))
}

/// Titles of papers, each named once.
fn read_titles(wrong: &mut Violations, field: &str, titles: &[String]) -> Vec<String> {
    if titles.len() > PAPERS {
        wrong.add(field, format!("are more than {PAPERS}"));
    }
    let mut read: Vec<String> = Vec::new();
    for title in titles {
        let Some(title) = wrong.required(field, title) else { continue };
        short(wrong, field, &title, TITLE_LENGTH);
        if read.contains(&title) {
            wrong.add(field, "name one title twice");
        }
        read.push(title);
    }
    read
}

impl TryFrom<pb::ReceivePapersRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::ReceivePapersRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        if message.titles.is_empty() {
            wrong.add("titles", "are missing");
        }
        let titles = read_titles(&mut wrong, "titles", &message.titles);
        let on = day(&mut wrong, "received_on", message.received_on.as_ref());
        let command = Command::ReceivePapers { titles, on };
        order(wrong, &message.name, &message.etag, &message.note, Some(command))
    }
}

impl TryFrom<pb::ReturnPapersRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::ReturnPapersRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let titles = read_titles(&mut wrong, "titles", &message.titles);
        let on = day(&mut wrong, "returned_on", message.returned_on.as_ref());
        let command = Command::ReturnPapers { titles, on };
        order(wrong, &message.name, &message.etag, &message.note, Some(command))
    }
}

/// The name of somebody on whose behalf it is.
pub(super) fn person_name(village: VillageCode, person: Person) -> String {
    HouseholdName::new(village, person.household).resident(person.resident).to_string()
}

pub(super) fn errand_told(errand: Errand) -> pb::Errand {
    let missing = errand.missing();
    let paper = |paper: Paper| pb::Paper {
        title: paper.title,
        received_on: Some(date(paper.received_on)),
        returned_on: paper.returned_on.map(date),
    };
    pb::Errand {
        papers: errand.papers.into_iter().map(paper).collect(),
        missing,
        receipt: errand.receipt.unwrap_or_default(),
    }
}
