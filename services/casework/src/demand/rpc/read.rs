//! What callers say of demands, read into the types of the rules: a wrong field is named by its path.

use std::collections::HashSet;

use platform::revision::expected;
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::names::{
    ConcernName, DemandName, DemandProposalName, GridName, TeamName, VillageCode, VillageName, record_id,
};
use uuid::Uuid;

use crate::concern::{Matter, Owner, OwnerKind, inside, required, short};
use crate::demand::Order;
use crate::demand::rules::{Command, Draft, FEWEST, MOST, State};
use crate::demand::store::Filter;

/// A title is a line.
const TITLE_LENGTH: usize = 100;
/// A result or a note: some pages.
const TEXT_LENGTH: usize = 5000;

pub(super) fn draft(message: pb::CreateDemandRequest, new_id: Uuid) -> Result<Draft> {
    let mut wrong = Violations::new();
    let demand = message.demand.unwrap_or_default();
    let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
    let id = match message.demand_id.as_str() {
        "" => Some(new_id),
        text => wrong.check("demand_id", record_id(text)),
    };
    let name = village.zip(id).map(|(village, id)| DemandName::new(village, id));
    let agrees = name.as_ref().is_none_or(|name| name.to_string() == demand.name);
    if !demand.name.is_empty() && !agrees {
        wrong.add("demand.name", "does not agree with parent and demand_id");
    }
    short(&mut wrong, "demand.title", &demand.title, TITLE_LENGTH);
    short(&mut wrong, "note", &message.note, TEXT_LENGTH);
    let proposal = inside(&mut wrong, "proposal", &message.proposal, village, |name: DemandProposalName| name);
    let concerns = concerns(&mut wrong, &message.concerns, village, proposal.is_some(), FEWEST);
    let name = wrong.finish(name)?;
    let (title, note) = (demand.title.trim().to_owned(), message.note.trim().to_owned());
    Ok(Draft { name, title, concerns, note, proposal })
}

/// Concerns of the village, each named once; where something was proposed, none stand for all of that.
fn concerns(
    wrong: &mut Violations,
    named: &[String],
    village: Option<VillageCode>,
    proposed: bool,
    fewest: usize,
) -> Vec<Uuid> {
    if proposed && named.is_empty() {
        return Vec::new();
    }
    if named.len() < fewest || named.len() > MOST {
        wrong.add("concerns", format!("have to be {fewest} to {MOST}"));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    for (place, name) in named.iter().enumerate() {
        let field = format!("concerns[{place}]");
        if name.is_empty() {
            wrong.add(field, "is empty");
        } else if let Some(id) = inside(wrong, &field, name, village, |name: ConcernName| name.concern) {
            if !seen.insert(id) {
                wrong.add(field, "is named twice");
            }
            ids.push(id);
        }
    }
    ids
}

impl TryFrom<pb::ListDemandsRequest> for Filter {
    type Error = Error;

    fn try_from(message: pb::ListDemandsRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let filter = message.filter.unwrap_or_default();
        let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
        let state = wrong.check("filter.state", State::read(filter.state)).flatten();
        let matter = wrong.check("filter.matter", Matter::read(filter.matter)).flatten();
        let grid = inside(&mut wrong, "filter.grid", &filter.grid, village, |name: GridName| name.grid);
        let village = wrong.finish(village)?;
        Ok(Self { village, state, matter, grid })
    }
}

/// What all orders have in common; `reason`: the note has to say why.
fn order(
    mut wrong: Violations,
    name: &str,
    etag: &str,
    note: &str,
    reason: bool,
    command: impl FnOnce(&mut Violations, Option<VillageCode>) -> Option<Command>,
) -> Result<Order> {
    let name: Option<DemandName> = wrong.check("name", name.parse());
    let command = command(&mut wrong, name.as_ref().map(|name| name.village));
    short(&mut wrong, "note", note, TEXT_LENGTH);
    if reason {
        wrong.required("note", note);
    }
    let (name, command) = wrong.finish(name.zip(command))?;
    Ok(Order { name, expected: expected(etag)?, note: note.trim().to_owned(), command })
}

/// Orders with nothing but a name, an etag and a reason.
macro_rules! plain {
    ($($message:ident => $command:ident,)+) => {$(
        impl TryFrom<pb::$message> for Order {
            type Error = Error;

            fn try_from(message: pb::$message) -> Result<Self> {
                let command = |_: &mut Violations, _| Some(Command::$command);
                order(Violations::new(), &message.name, &message.etag, &message.note, true, command)
            }
        }
    )+};
}

plain! {
    DissolveDemandRequest => Dissolve,
    EscalateDemandRequest => Escalate,
    SendBackDemandRequest => SendBack,
}

impl TryFrom<pb::AddConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::AddConcernRequest) -> Result<Self> {
        let command = |wrong: &mut Violations, village| {
            let proposal = inside(wrong, "proposal", &message.proposal, village, |name: DemandProposalName| name);
            let concerns = concerns(wrong, &message.concerns, village, proposal.is_some(), 1);
            Some(Command::Add { concerns, proposal })
        };
        order(Violations::new(), &message.name, &message.etag, &message.note, false, command)
    }
}

impl TryFrom<pb::RemoveConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::RemoveConcernRequest) -> Result<Self> {
        let command = |wrong: &mut Violations, village| {
            Some(Command::Remove(concerns(wrong, &message.concerns, village, false, 1)))
        };
        order(Violations::new(), &message.name, &message.etag, &message.note, true, command)
    }
}

impl TryFrom<pb::AssignDemandRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::AssignDemandRequest) -> Result<Self> {
        let command = |wrong: &mut Violations, village| {
            let kind = required(wrong, "owner_kind", OwnerKind::read(message.owner_kind))?;
            let owner = match kind {
                OwnerKind::Office if message.owner.is_empty() => Some(Owner::Office),
                OwnerKind::Team => {
                    wrong.required("owner", &message.owner)?;
                    inside(wrong, "owner", &message.owner, village, |name: TeamName| Owner::Team(name.grid))
                }
                OwnerKind::Office => {
                    wrong.add("owner", "has to be empty for the village office");
                    None
                }
                OwnerKind::Member | OwnerKind::Subdistrict => {
                    wrong.add("owner_kind", "has to be a team or the village office; to the sub-district, escalate it");
                    None
                }
            };
            owner.map(Command::Assign)
        };
        order(Violations::new(), &message.name, &message.etag, &message.note, false, command)
    }
}

impl TryFrom<pb::AnswerDemandRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::AnswerDemandRequest) -> Result<Self> {
        let command = |wrong: &mut Violations, _| {
            short(wrong, "result", &message.result, TEXT_LENGTH);
            wrong.required("result", &message.result).map(|result| Command::Answer { result })
        };
        order(Violations::new(), &message.name, &message.etag, &message.note, false, command)
    }
}
