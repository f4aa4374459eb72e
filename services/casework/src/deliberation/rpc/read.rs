//! What callers want done with deliberations, read into drafts and orders: a wrong field is named by its path.

use chrono::NaiveDate;
use platform::revision::expected;
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::names::{
    ConcernName, DeliberationName, DeliberationPolicyName, DemandName, MemberName, VillageCode, VillageName, record_id,
};
use proto::time::naive_date;
use uuid::Uuid;
use workbook::public::{Number, numbers};

use crate::concern::inside;
use crate::deliberation::policy::{LONGEST_NOTICE, Policy, SHORTEST_NOTICE};
use crate::deliberation::rules::{Draft, Sitting, State, Subject};
use crate::deliberation::store::Filter;
use crate::deliberation::vote::{Counts, Step, Way};
use crate::deliberation::{Cleared, Command, Order};

/// A title is a line.
const TITLE_LENGTH: usize = 100;
/// A proposal, a resolution, a notice, a note: some pages.
const TEXT_LENGTH: usize = 5000;
/// Minutes are longer.
const MINUTES_LENGTH: usize = 20_000;
/// One decision about more than this is a policy.
const MOST_CONCERNS: usize = 100;
/// No meeting of a village has more people.
const MOST_PEOPLE: i32 = 100_000;
/// A clearance is a line of base64.
const CLEARANCE_LENGTH: usize = 200;

pub(super) fn draft(message: pb::CreateDeliberationRequest, new_id: Uuid) -> Result<Draft> {
    let mut wrong = Violations::new();
    let said = message.deliberation.unwrap_or_default();
    let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
    let id = match message.deliberation_id.as_str() {
        "" => Some(new_id),
        text => wrong.check("deliberation_id", record_id(text)),
    };
    let name = village.zip(id).map(|(village, id)| DeliberationName::new(village, id));
    if !said.name.is_empty() && name.as_ref().is_some_and(|name| name.to_string() != said.name) {
        wrong.add("deliberation.name", "does not agree with parent and deliberation_id");
    }
    let title = wrong.required("deliberation.title", &said.title);
    short(&mut wrong, "deliberation.title", &said.title, TITLE_LENGTH);
    let proposal = wrong.required("deliberation.proposal", &said.proposal);
    short(&mut wrong, "deliberation.proposal", &said.proposal, TEXT_LENGTH);
    let subject = wrong.check("deliberation.subject", Subject::read(said.subject)).flatten();
    if said.subject == 0 {
        wrong.add("deliberation.subject", "is missing");
    }
    let way = wrong.check("deliberation.way", Way::read(said.way)).flatten();
    if said.expense_yuan < 0 {
        wrong.add("deliberation.expense_yuan", "is negative");
    }
    let demand = inside(&mut wrong, "deliberation.demand", &said.demand, village, |name: DemandName| name.demand);
    let concerns = concerns(&mut wrong, village, &said.concerns);
    if said.demand.is_empty() == said.concerns.is_empty() {
        wrong.add("deliberation.concerns", "have to be named, or else a demand");
    }
    let ((name, title), (proposal, subject)) = wrong.finish(name.zip(title).zip(proposal.zip(subject)))?;
    Ok(Draft { name, title, proposal, subject, expense_yuan: said.expense_yuan, way, concerns, demand })
}

/// The concerns, each once.
fn concerns(wrong: &mut Violations, village: Option<VillageCode>, said: &[String]) -> Vec<Uuid> {
    if said.len() > MOST_CONCERNS {
        wrong.add("deliberation.concerns", format!("are more than {MOST_CONCERNS}"));
    }
    let mut concerns = Vec::new();
    for name in said.iter().take(MOST_CONCERNS) {
        let Some(name) = wrong.check("deliberation.concerns", name.parse::<ConcernName>()) else { continue };
        if village.is_some_and(|village| village != name.village) {
            wrong.add("deliberation.concerns", "are of another village");
        }
        if !concerns.contains(&name.concern) {
            concerns.push(name.concern);
        }
    }
    concerns
}

impl TryFrom<pb::ListDeliberationsRequest> for Filter {
    type Error = Error;

    fn try_from(message: pb::ListDeliberationsRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let filter = message.filter.unwrap_or_default();
        let village = wrong.check("parent", message.parent.parse()).map(|VillageName(village)| village);
        let state = wrong.check("filter.state", State::read(filter.state)).flatten();
        let concern = inside(&mut wrong, "filter.concern", &filter.concern, village, |name: ConcernName| name.concern);
        let demand = inside(&mut wrong, "filter.demand", &filter.demand, village, |name: DemandName| name.demand);
        let village = wrong.finish(village)?;
        Ok(Self { village, state, concern, demand })
    }
}

impl TryFrom<pb::RecordVoteRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::RecordVoteRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let village = message.name.parse().ok().map(|name: DeliberationName| name.village);
        let vote = message.vote.unwrap_or_default();
        let step = wrong.check("vote.step", Step::read(vote.step)).flatten();
        let held_on = vote.held_on.as_ref().and_then(|day| wrong.check("vote.held_on", naive_date(day)));
        let due_members = members(&mut wrong, "vote.due_members", village, &vote.due_members);
        let present_members = members(&mut wrong, "vote.present_members", village, &vote.present_members);
        let (due, present) = if due_members.is_empty() {
            if !present_members.is_empty() {
                wrong.add("vote.present_members", "are named, and those due are not");
            }
            (vote.due, vote.present)
        } else {
            if present_members.iter().any(|member| !due_members.contains(member)) {
                wrong.add("vote.present_members", "were not due");
            }
            let count = |members: &[Uuid]| i32::try_from(members.len()).unwrap_or(i32::MAX);
            for (field, said, counted) in
                [("vote.due", vote.due, count(&due_members)), ("vote.present", vote.present, count(&present_members))]
            {
                if said != 0 && said != counted {
                    wrong.add(field, "does not agree with those named");
                }
            }
            (count(&due_members), count(&present_members))
        };
        if [due, present, vote.favour, vote.against, vote.abstaining].iter().any(|count| *count > MOST_PEOPLE) {
            wrong.add("vote", format!("counts more than {MOST_PEOPLE}"));
        }
        short(&mut wrong, "vote.proposal", &vote.proposal, TEXT_LENGTH);
        short(&mut wrong, "vote.minutes", &vote.minutes, MINUTES_LENGTH);
        let command = Command::RecordVote(Sitting {
            step,
            held_on,
            counts: Counts { due, present, favour: vote.favour, against: vote.against, abstaining: vote.abstaining },
            due_members,
            present_members,
            proposal: vote.proposal.trim().to_owned(),
            minutes: vote.minutes.trim().to_owned(),
        });
        order(wrong, &message.name, &message.etag, Some(command))
    }
}

/// Members of the village, no one twice.
fn members(wrong: &mut Violations, field: &str, village: Option<VillageCode>, said: &[String]) -> Vec<Uuid> {
    let mut members = Vec::new();
    for name in said {
        let Some(name) = wrong.check(field, name.parse::<MemberName>()) else { continue };
        if village.is_some_and(|village| village != name.village) {
            wrong.add(field, "are of another village");
        }
        if members.contains(&name.member) {
            wrong.add(field, "names somebody twice");
        }
        members.push(name.member);
    }
    members
}

impl TryFrom<pb::DecideRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::DecideRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let resolution = wrong.required("resolution", &message.resolution);
        short(&mut wrong, "resolution", &message.resolution, TEXT_LENGTH);
        let note = note(&mut wrong, &message.note);
        let command = resolution.map(|resolution| Command::Decide { resolution, note });
        order(wrong, &message.name, &message.etag, command)
    }
}

impl TryFrom<pb::PublishNoticeRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::PublishNoticeRequest) -> Result<Self> {
        notice_texts(&message.title, &message.text)?;
        let mut wrong = Violations::new();
        let cleared = cleared(&mut wrong, message.clearance, &message.names_reason);
        let (title, text, days) = (message.title, message.text, message.days);
        let command = Command::PublishNotice { title, text, cleared, days };
        order(wrong, &message.name, &message.etag, Some(command))
    }
}

impl TryFrom<pb::PublishResultRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::PublishResultRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let result = wrong.required("result", &message.result);
        short(&mut wrong, "result", &message.result, TEXT_LENGTH);
        let cleared = cleared(&mut wrong, message.clearance, &message.names_reason);
        let command = result.map(|result| Command::PublishResult { result, cleared });
        order(wrong, &message.name, &message.etag, command)
    }
}

impl TryFrom<pb::RecordObjectionRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::RecordObjectionRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let upheld = message.upheld;
        let command = reason(&mut wrong, &message.note).map(|note| Command::RecordObjection { upheld, note });
        order(wrong, &message.name, &message.etag, command)
    }
}

impl TryFrom<pb::CloseNoticeRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::CloseNoticeRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let note = note(&mut wrong, &message.note);
        order(wrong, &message.name, &message.etag, Some(Command::CloseNotice { note }))
    }
}

impl TryFrom<pb::WithdrawDeliberationRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::WithdrawDeliberationRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let command = reason(&mut wrong, &message.note).map(|note| Command::Withdraw { note });
        order(wrong, &message.name, &message.etag, command)
    }
}

pub(super) fn policy(said: pb::DeliberationPolicy, today: NaiveDate) -> Result<(VillageCode, Option<i64>, Policy)> {
    let mut wrong = Violations::new();
    let village = wrong.check("policy.name", said.name.parse().map(|DeliberationPolicyName(village)| village));
    if said.large_expense_yuan < 1 {
        wrong.add("policy.large_expense_yuan", "has to be at least 1");
    }
    if !(SHORTEST_NOTICE..=LONGEST_NOTICE).contains(&said.notice_days) {
        wrong.add("policy.notice_days", format!("has to be from {SHORTEST_NOTICE} to {LONGEST_NOTICE}"));
    }
    let contact = workbook::public::cleaned(&said.contact);
    short(&mut wrong, "policy.contact", &contact, TITLE_LENGTH);
    // Everybody reads it; a telephone is what it is for.
    if numbers(&contact, today).iter().any(|found| found.kind != Number::Telephone) {
        wrong.add("policy.contact", "holds an ID number or a credit code");
    }
    let village = wrong.finish(village)?;
    let (large_expense_yuan, notice_days) = (said.large_expense_yuan, said.notice_days);
    Ok((village, expected(&said.etag)?, Policy { large_expense_yuan, notice_days, contact, revision: 0 }))
}

/// The texts of a notice are not longer than is looked through.
pub(super) fn notice_texts(title: &str, text: &str) -> Result<()> {
    let mut wrong = Violations::new();
    short(&mut wrong, "title", title, TITLE_LENGTH);
    short(&mut wrong, "text", text, TEXT_LENGTH);
    wrong.finish(Some(()))
}

fn cleared(wrong: &mut Violations, clearance: String, names_reason: &str) -> Cleared {
    short(wrong, "clearance", &clearance, CLEARANCE_LENGTH);
    short(wrong, "names_reason", names_reason, TEXT_LENGTH);
    Cleared { clearance, names_reason: names_reason.trim().to_owned() }
}

fn note(wrong: &mut Violations, note: &str) -> String {
    short(wrong, "note", note, TEXT_LENGTH);
    note.trim().to_owned()
}

fn reason(wrong: &mut Violations, text: &str) -> Option<String> {
    short(wrong, "note", text, TEXT_LENGTH);
    wrong.required("note", text)
}

/// What all orders have in common.
fn order(mut wrong: Violations, name: &str, etag: &str, command: Option<Command>) -> Result<Order> {
    let name = wrong.check("name", name.parse());
    let (name, command) = wrong.finish(name.zip(command))?;
    Ok(Order { name, expected: expected(etag)?, command })
}

fn short(wrong: &mut Violations, field: &str, text: &str, length: usize) {
    if text.chars().count() > length {
        wrong.add(field, format!("is longer than {length} characters"));
    }
}
