//! What callers say of concerns, read into the types of the rules: a wrong field is named by its path.

use platform::revision::{Mask, expected};
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::names::{
    ConcernName, GridName, HouseholdName, MemberName, NameError, TeamName, VillageCode, VillageName, VillageResource,
    record_id,
};
use proto::time::naive_date;
use uuid::Uuid;

use crate::concern::rules::{Command, Draft, Update};
use crate::concern::store::Filter;
use crate::concern::{Matter, Order, Outcome, Owner, OwnerKind, State};

/// What kind of thing it is, takes a word or two.
const TYPE_LENGTH: usize = 50;
/// A number in a ledger.
const REFERENCE_LENGTH: usize = 50;
/// A text, a result or a note: some pages.
const TEXT_LENGTH: usize = 5000;
/// Answers of a household run from 1 to 5; 0 is none.
const SCORES: std::ops::RangeInclusive<i32> = 0..=5;

pub(super) fn draft(message: pb::CreateConcernRequest, new_id: Uuid) -> Result<Draft> {
    let mut wrong = Violations::new();
    let concern = message.concern.unwrap_or_default();
    let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
    let id = match message.concern_id.as_str() {
        "" => Some(new_id),
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
    if concern.household.is_empty() && concern.grid.is_empty() {
        wrong.add("concern.household", "is missing; name the household, or the grid");
    }
    let reported_on = concern.reported_on.as_ref().and_then(|day| wrong.check("concern.reported_on", naive_date(day)));
    let ((name, matter), text) = wrong.finish(name.zip(matter).zip(text))?;
    Ok(Draft {
        name,
        reference: Some(concern.reference.trim().to_owned()).filter(|reference| !reference.is_empty()),
        matter,
        matter_type: concern.matter_type.trim().to_owned(),
        text,
        household,
        grid,
        reporter,
        reported_on,
    })
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
        let reference = Some(filter.reference).filter(|reference| !reference.is_empty());
        let village = wrong.finish(village)?;
        Ok(Self { village, state, matter, grid, household, reference })
    }
}

impl TryFrom<pb::UpdateConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::UpdateConcernRequest) -> Result<Self> {
        let concern = message.concern.unwrap_or_default();
        let mask = Mask::read(message.update_mask, &["matter", "matter_type", "text"])?;
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
        let name = wrong.check("concern.name", concern.name.parse());
        let name = wrong.finish(name)?;
        let expected = expected(&concern.etag)?;
        Ok(Self { name, expected, note: String::new(), command: Command::Update(update) })
    }
}

impl TryFrom<pb::AcceptConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::AcceptConcernRequest) -> Result<Self> {
        order(Violations::new(), &message.name, &message.etag, &message.note, Some(Command::Accept))
    }
}

impl TryFrom<pb::AssignConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::AssignConcernRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let village = message.name.parse().ok().map(|name: ConcernName| name.village);
        let kind = required(&mut wrong, "owner_kind", OwnerKind::read(message.owner_kind));
        let owner = match kind {
            None => None,
            Some(OwnerKind::Office) => {
                if !message.owner.is_empty() {
                    wrong.add("owner", "has to be empty for the village office");
                }
                Some(Owner::Office)
            }
            Some(_) if message.owner.is_empty() => wrong.required("owner", "").map(|_| Owner::Office),
            Some(OwnerKind::Team) => {
                inside(&mut wrong, "owner", &message.owner, village, |name: TeamName| Owner::Team(name.grid))
            }
            Some(OwnerKind::Member) => {
                inside(&mut wrong, "owner", &message.owner, village, |name: MemberName| Owner::Member(name.member))
            }
        };
        let command = owner.map(|owner| Command::Assign(owner, None));
        order(wrong, &message.name, &message.etag, &message.note, command)
    }
}

impl TryFrom<pb::StartConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::StartConcernRequest) -> Result<Self> {
        order(Violations::new(), &message.name, &message.etag, &message.note, Some(Command::Start))
    }
}

impl TryFrom<pb::ResolveConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::ResolveConcernRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let result = wrong.required("result", &message.result);
        short(&mut wrong, "result", &message.result, TEXT_LENGTH);
        let command = result.map(|result| Command::Resolve { result });
        order(wrong, &message.name, &message.etag, &message.note, command)
    }
}

impl TryFrom<pb::FollowUpConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::FollowUpConcernRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let outcome = required(&mut wrong, "outcome", Outcome::read(message.outcome));
        let score = message.score;
        if !SCORES.contains(&score) {
            wrong.add("score", "runs from 1 to 5; 0 is for no figure");
        }
        if outcome == Some(Outcome::NotReached) && score != 0 {
            wrong.add("score", "has to be 0: who was not reached gave no figure");
        }
        let command = outcome.map(|outcome| Command::FollowUp { outcome, score });
        order(wrong, &message.name, &message.etag, &message.note, command)
    }
}

/// What all orders have in common.
fn order(mut wrong: Violations, name: &str, etag: &str, note: &str, command: Option<Command>) -> Result<Order> {
    let name = wrong.check("name", name.parse());
    short(&mut wrong, "note", note, TEXT_LENGTH);
    let (name, command) = wrong.finish(name.zip(command))?;
    Ok(Order { name, expected: expected(etag)?, note: note.trim().to_owned(), command })
}

/// A value that has to be said.
fn required<T>(wrong: &mut Violations, field: &str, value: Result<Option<T>, &'static str>) -> Option<T> {
    let value = wrong.check(field, value)?;
    if value.is_none() {
        wrong.add(field, "is missing");
    }
    value
}

/// Part of the name of a record in the same village; nothing when none is named.
fn inside<N: VillageResource, T>(
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

fn short(wrong: &mut Violations, field: &str, text: &str, length: usize) {
    if text.chars().count() > length {
        wrong.add(field, format!("is longer than {length} characters"));
    }
}
