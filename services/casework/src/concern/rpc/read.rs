//! What callers say of concerns, read into the types of the rules: a wrong field is named by its path.

use chrono::NaiveDate;
use platform::revision::{Mask, expected};
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::names::{
    ConcernName, DemandName, GridName, HouseholdName, MemberName, NameError, VillageCode, VillageName, VillageResource,
    record_id,
};
use proto::time::naive_date;
use uuid::Uuid;

use super::detail;
use crate::concern::receipt::Receipt;
use crate::concern::record::Source;
use crate::concern::rules::{Command, Draft, Update};
use crate::concern::store::{Filter, ListOrder, Work};
use crate::concern::{Matter, Order, State, Urgency};

/// What kind of thing it is, takes a word or two.
const TYPE_LENGTH: usize = 50;
/// The short name of another system.
const SOURCE_LENGTH: usize = 30;
/// A number in a ledger, or in another system.
const REFERENCE_LENGTH: usize = 50;
/// What an update may change.
const CHANGEABLE: &[&str] =
    &["matter", "matter_type", "text", "channel", "visit", "on_behalf_of", "location", "sensitive", "errand.receipt"];
/// A text, a result or a note: some pages.
pub(super) const TEXT_LENGTH: usize = 5000;

pub(super) fn draft(
    message: pb::CreateConcernRequest,
    new_id: Uuid,
    receipt: Receipt,
    today: NaiveDate,
) -> Result<Draft> {
    let mut wrong = Violations::new();
    let concern = message.concern.unwrap_or_default();
    let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
    let source = source(&mut wrong, &concern);
    let id = match message.concern_id.as_str() {
        "" => Some(source.as_ref().zip(village).map_or(new_id, |(source, village)| source.concern(village))),
        _ if source.is_some() => {
            wrong.add("concern_id", "has to be empty: the source and its number make the id");
            None
        }
        text => wrong.check("concern_id", record_id(text)),
    };
    let name = village.zip(id).map(|(village, id)| ConcernName::new(village, id));
    let agrees = name.as_ref().is_none_or(|name| name.to_string() == concern.name);
    if !concern.name.is_empty() && !agrees {
        wrong.add("concern.name", "does not agree with parent and concern_id");
    }
    let matter = required(&mut wrong, "concern.matter", Matter::read(concern.matter));
    let text = wrong.required("concern.text", &concern.text);
    short(&mut wrong, "concern.text", &concern.text, TEXT_LENGTH);
    short(&mut wrong, "concern.matter_type", &concern.matter_type, TYPE_LENGTH);
    short(&mut wrong, "concern.reference", &concern.reference, REFERENCE_LENGTH);
    let household =
        inside(&mut wrong, "concern.household", &concern.household, village, |name: HouseholdName| name.household);
    let grid = inside(&mut wrong, "concern.grid", &concern.grid, village, |name: GridName| name.grid);
    let reporter = inside(&mut wrong, "concern.reporter", &concern.reporter, village, |name: MemberName| name.member);
    let detail = detail::detail(&mut wrong, &concern, village, today);
    let their_household = detail.as_ref().and_then(|detail| detail.on_behalf_of).map(|person| person.household);
    if household.is_some() && their_household.is_some() && household != their_household {
        wrong.add("concern.on_behalf_of", "is of another household than the concern");
    }
    let household = household.or(their_household);
    if concern.household.is_empty() && concern.grid.is_empty() && their_household.is_none() {
        wrong.add("concern.household", "is missing; name the household, or the grid");
    }
    let urgency = wrong.check("concern.urgency", Urgency::read(concern.urgency)).flatten();
    let reported_on = concern.reported_on.as_ref().and_then(|day| wrong.check("concern.reported_on", naive_date(day)));
    let ((name, matter), text) = wrong.finish(name.zip(matter).zip(text))?;
    Ok(Draft {
        name,
        reference: Some(concern.reference.trim().to_owned()).filter(|reference| !reference.is_empty()),
        matter,
        matter_type: Some(concern.matter_type.trim())
            .filter(|one| !one.is_empty())
            .unwrap_or(matter.other())
            .to_owned(),
        urgency,
        text,
        household,
        grid,
        reporter,
        reported_on,
        receipt,
        source,
        sensitive: concern.sensitive,
        detail,
    })
}

/// Another system's number, if it comes from one.
fn source(wrong: &mut Violations, concern: &pb::Concern) -> Option<Source> {
    let (system, reference) = (concern.source.as_str(), concern.source_reference.trim());
    if system.is_empty() && reference.is_empty() {
        return None;
    }
    let plain = system.bytes().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'-');
    if system.is_empty() || system.len() > SOURCE_LENGTH || !plain {
        wrong.add("concern.source", "has to have 1 to 30 characters, each a lower-case letter, a digit or a hyphen");
    }
    short(wrong, "concern.source_reference", reference, REFERENCE_LENGTH);
    let reference = wrong.required("concern.source_reference", reference)?;
    Some(Source { system: system.to_owned(), reference })
}

impl TryFrom<pb::ListConcernsRequest> for Filter {
    type Error = Error;

    fn try_from(message: pb::ListConcernsRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let filter = message.filter.unwrap_or_default();
        let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
        let state = wrong.check("filter.state", State::read(filter.state)).flatten();
        let matter = wrong.check("filter.matter", Matter::read(filter.matter)).flatten();
        let grid = inside(&mut wrong, "filter.grid", &filter.grid, village, |name: GridName| name.grid);
        let household =
            inside(&mut wrong, "filter.household", &filter.household, village, |name: HouseholdName| name.household);
        let urgency = wrong.check("filter.urgency", Urgency::read(filter.urgency)).flatten();
        let demand = inside(&mut wrong, "filter.demand", &filter.demand, village, |name: DemandName| name.demand);
        let reference = Some(filter.reference).filter(|reference| !reference.is_empty());
        let order =
            wrong.check("order_by", ListOrder::read(message.order_by)).flatten().unwrap_or(ListOrder::LatestReport);
        let work = Work {
            // What has come to an end has no deadline any more.
            open: filter.open || order == ListOrder::Deadline,
            mine: filter.mine,
            overdue: filter.overdue,
            due_soon: filter.due_soon,
            awaiting_follow_up: filter.awaiting_follow_up,
            stuck: filter.stuck,
            escalated: filter.escalated,
            supervised: filter.supervised,
        };
        let village = wrong.finish(village)?;
        Ok(Self { village, state, matter, urgency, grid, household, reference, demand, work, order })
    }
}

impl TryFrom<pb::UpdateConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::UpdateConcernRequest) -> Result<Self> {
        let concern = message.concern.unwrap_or_default();
        let mask = Mask::read(message.update_mask, CHANGEABLE)?;
        let mut wrong = Violations::new();
        let mut update = Update::default();
        if mask.has("matter") {
            update.matter = required(&mut wrong, "concern.matter", Matter::read(concern.matter));
        }
        if mask.has("matter_type") {
            short(&mut wrong, "concern.matter_type", &concern.matter_type, TYPE_LENGTH);
            update.matter_type = Some(concern.matter_type.trim().to_owned());
        }
        if mask.has("text") {
            short(&mut wrong, "concern.text", &concern.text, TEXT_LENGTH);
            update.text = wrong.required("concern.text", &concern.text);
        }
        update.sensitive = Some(concern.sensitive).filter(|_| mask.has("sensitive"));
        update.detail = detail::update(&mut wrong, &mask, &concern);
        let name = wrong.check("concern.name", concern.name.parse());
        let name = wrong.finish(name)?;
        let expected = expected(&concern.etag)?;
        Ok(Self { name, expected, note: String::new(), command: Command::Update(update) })
    }
}

/// A value that has to be said.
pub(crate) fn required<T>(wrong: &mut Violations, field: &str, value: Result<Option<T>, &'static str>) -> Option<T> {
    let value = wrong.check(field, value)?;
    if value.is_none() {
        wrong.add(field, "is missing");
    }
    value
}

/// Part of the name of a record in the same village; nothing when none is named.
pub(crate) fn inside<N: VillageResource, T>(
    wrong: &mut Violations,
    field: &str,
    text: &str,
    village: Option<VillageCode>,
    part: impl FnOnce(N) -> T,
) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let name = wrong.check(field, text.parse::<N>() as Result<N, NameError>)?;
    if village.is_some_and(|village| village != name.village()) {
        wrong.add(field, "is of another village");
    }
    Some(part(name))
}

pub(crate) fn short(wrong: &mut Violations, field: &str, text: &str, length: usize) {
    if text.chars().count() > length {
        wrong.add(field, format!("is longer than {length} characters"));
    }
}
