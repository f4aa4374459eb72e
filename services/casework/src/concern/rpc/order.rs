//! What callers want done with concerns, read into orders: a wrong field is named by its path.

use platform::revision::expected;
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::names::{ConcernName, MemberName, TeamName};

use super::read::{TEXT_LENGTH, inside, required, short};
use crate::concern::rules::Command;
use crate::concern::{Order, Outcome, Owner, OwnerKind};

/// Answers of a household run from 1 to 5; 0 is none.
const SCORES: std::ops::RangeInclusive<i32> = 0..=5;

/// Moves with nothing but a name, an etag and a note.
macro_rules! plain {
    ($($message:ident => $command:ident $(($with:expr))?,)+) => {$(
        impl TryFrom<pb::$message> for Order {
            type Error = Error;

            fn try_from(message: pb::$message) -> Result<Self> {
                order(Violations::new(), &message.name, &message.etag, &message.note, Some(Command::$command $(($with))?))
            }
        }
    )+};
}

plain! {
    AcceptConcernRequest => Accept,
    ReturnConcernRequest => Return,
    WithdrawConcernRequest => Withdraw,
    StartConcernRequest => Start,
    SuspendConcernRequest => Suspend,
    ResumeConcernRequest => Resume,
    EscalateConcernRequest => Escalate,
    SendBackConcernRequest => SendBack,
    SuperviseConcernRequest => Supervise,
    ReopenConcernRequest => Reopen(None),
}

impl TryFrom<pb::DeclineConcernRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::DeclineConcernRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let where_to_go = wrong.required("where_to_go", &message.where_to_go);
        short(&mut wrong, "where_to_go", &message.where_to_go, TEXT_LENGTH);
        let command = where_to_go.map(|where_to_go| Command::Decline { where_to_go });
        order(wrong, &message.name, &message.etag, &message.note, command)
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
            Some(OwnerKind::Subdistrict) => {
                wrong.add("owner_kind", "is the sub-district; a concern is escalated to it");
                None
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

impl TryFrom<pb::ExtendDeadlineRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::ExtendDeadlineRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let hours = message.hours;
        if hours < 1 {
            wrong.add("hours", "has to be at least 1");
        }
        order(wrong, &message.name, &message.etag, &message.note, Some(Command::AskExtension { hours }))
    }
}

impl TryFrom<pb::DecideExtensionRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::DecideExtensionRequest) -> Result<Self> {
        let command = Command::DecideExtension { granted: message.granted };
        order(Violations::new(), &message.name, &message.etag, &message.note, Some(command))
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
pub(super) fn order(
    mut wrong: Violations,
    name: &str,
    etag: &str,
    note: &str,
    command: Option<Command>,
) -> Result<Order> {
    let name = wrong.check("name", name.parse());
    short(&mut wrong, "note", note, TEXT_LENGTH);
    let (name, command) = wrong.finish(name.zip(command))?;
    Ok(Order { name, expected: expected(etag)?, note: note.trim().to_owned(), command })
}
