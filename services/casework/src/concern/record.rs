//! What a concern is, and what is told of it. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Authority, Result};
use proto::casework::v1 as pb;
use proto::names::{ConcernName, DeliberationName, DemandName, GridCode, HouseholdName, MemberName, VillageCode};
use proto::time::{date, timestamp};
use uuid::Uuid;

use super::deadline::Deadline;
use super::detail::Detail;
use super::owner::Owner;
use super::receipt::Receipt;

platform::choice! {
    /// The four matters.
    pub(crate) enum Matter as proto::casework::v1::Matter {
        ResidentAffairs = "resident_affairs",
        BusinessAffairs = "business_affairs",
        Environment = "environment",
        OutreachEducation = "outreach_education",
    }
}

impl Matter {
    /// The type of what nobody has named the type of.
    pub(crate) const fn other(self) -> &'static str {
        match self {
            Self::ResidentAffairs => "其他民事",
            Self::BusinessAffairs => "其他商事",
            Self::Environment => "其他环境",
            Self::OutreachEducation => "其他宣教",
        }
    }
}

platform::choice! {
    /// Where a concern stands: as far as closed in the order in which it gets there.
    pub(crate) enum State as proto::casework::v1::ConcernState {
        Reported = "reported",
        Accepted = "accepted",
        InProgress = "in_progress",
        Deliberating = "deliberating",
        Resolved = "resolved",
        Closed = "closed",
        Returned = "returned",
        Declined = "declined",
        Withdrawn = "withdrawn",
        Merged = "merged",
    }
}

impl State {
    /// Has a concern come to an end in it?
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Declined | Self::Withdrawn | Self::Merged)
    }
}

platform::choice! {
    /// What the household answered.
    pub(crate) enum Outcome as proto::casework::v1::FollowUpOutcome {
        Satisfied = "satisfied",
        PartlySatisfied = "partly_satisfied",
        NotSatisfied = "not_satisfied",
        NotReached = "not_reached",
    }
}

platform::choice! {
    /// What was done with a concern.
    pub(crate) enum MoveKind as proto::casework::v1::MoveKind {
        Reported = "reported",
        Imported = "imported",
        Routed = "routed",
        Accepted = "accepted",
        Assigned = "assigned",
        Started = "started",
        Resolved = "resolved",
        FollowedUp = "followed_up",
        Updated = "updated",
        Returned = "returned",
        Declined = "declined",
        Withdrawn = "withdrawn",
        Suspended = "suspended",
        Resumed = "resumed",
        Escalated = "escalated",
        SentBack = "sent_back",
        Supervised = "supervised",
        Reopened = "reopened",
        ExtensionAsked = "extension_asked",
        Extended = "extended",
        ExtensionRefused = "extension_refused",
        ResponseDueSoon = "response_due_soon",
        ResponseOverdue = "response_overdue",
        DueSoon = "due_soon",
        Overdue = "overdue",
        Reckoned = "reckoned",
        Merged = "merged",
        Split = "split",
        Tabled = "tabled",
        Concluded = "concluded",
        PapersReceived = "papers_received",
        PapersReturned = "papers_returned",
        SeatChanged = "seat_changed",
    }
}

/// A concern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Concern {
    pub(crate) name: ConcernName,
    pub(crate) reference: String,
    pub(crate) matter: Matter,
    pub(crate) matter_type: String,
    pub(crate) text: String,
    pub(crate) household: Option<Uuid>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) reporter: Option<Uuid>,
    pub(crate) state: State,
    pub(crate) owner: Owner,
    /// Who it was given to and who has neither accepted nor returned it; the owner stays answerable until then.
    pub(crate) assignee: Option<Owner>,
    pub(crate) routed: bool,
    pub(crate) returns: i32,
    /// How often the household sent it back, or came back.
    pub(crate) reopenings: i32,
    pub(crate) suspended: bool,
    pub(crate) supervised: bool,
    pub(crate) reported_on: NaiveDate,
    pub(crate) accepted_on: Option<NaiveDate>,
    pub(crate) resolved_on: Option<NaiveDate>,
    pub(crate) followed_up_on: Option<NaiveDate>,
    /// The day on which the household said that it is solved, as long as it says so.
    pub(crate) confirmed_on: Option<NaiveDate>,
    pub(crate) closed_on: Option<NaiveDate>,
    pub(crate) ended_on: Option<NaiveDate>,
    pub(crate) result: String,
    pub(crate) resolved_by: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) score: i32,
    pub(crate) ledger_row: Option<Uuid>,
    pub(crate) deadline: Deadline,
    /// By which whoever raised it asks how it goes.
    pub(crate) receipt: Option<Receipt>,
    /// The other system it came from, and its number there.
    pub(crate) source: Option<Source>,
    /// The common demand that it is part of, or was until that was answered.
    pub(crate) demand: Option<Uuid>,
    /// The deliberation that it is before; none as soon as it is decided, and where only a ledger says so.
    pub(crate) deliberation: Option<Uuid>,
    /// Told only to those who have it to do.
    pub(crate) sensitive: bool,
    /// Whether its words were taken out, for whoever asked is not told them.
    pub(crate) withheld: bool,
    /// Whether more is said of it, in tables of its own; and what, where that was read or said.
    pub(crate) detailed: bool,
    pub(crate) detail: Option<Box<Detail>>,
    /// When a person last did something with it.
    pub(crate) acted_at: DateTime<Utc>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Concern {
    /// A concern that has just come up: reported, and nothing done with it yet.
    pub(crate) fn new(
        name: ConcernName,
        matter: Matter,
        text: String,
        reported_on: NaiveDate,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            reference: reference(reported_on, name.concern),
            name,
            matter,
            matter_type: String::new(),
            text,
            household: None,
            grid: None,
            reporter: None,
            state: State::Reported,
            owner: Owner::Office,
            assignee: None,
            routed: false,
            returns: 0,
            reopenings: 0,
            suspended: false,
            supervised: false,
            reported_on,
            accepted_on: None,
            resolved_on: None,
            followed_up_on: None,
            confirmed_on: None,
            closed_on: None,
            ended_on: None,
            result: String::new(),
            resolved_by: None,
            outcome: None,
            score: 0,
            ledger_row: None,
            deadline: Deadline::none(),
            receipt: None,
            source: None,
            demand: None,
            deliberation: None,
            sensitive: false,
            withheld: false,
            detailed: false,
            detail: None,
            acted_at: now,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether whoever acts by this authority sees it: in one of their grids, or given to one of their teams.
    pub(crate) fn is_seen_by(&self, by: &Authority) -> bool {
        let given = match self.assignee {
            Some(Owner::Team(grid)) => Some(grid),
            _ => None,
        };
        by.grids().is_none() || self.grid.into_iter().chain(given).any(|grid| by.sees(&grid))
    }

    /// Makes this owner answerable, and settles whom it was given to. A team has the concerns of its grid.
    pub(crate) fn give_to(&mut self, owner: Owner) {
        self.owner = owner;
        self.assignee = None;
        // A team that can be given it, or whose member can, is known.
        self.routed = self.routed || matches!(owner, Owner::Team(_) | Owner::Member(_));
        if let Owner::Team(grid) = owner {
            self.grid = Some(grid);
        }
    }

    pub(crate) fn household_name(&self) -> Option<HouseholdName> {
        self.household.map(|household| HouseholdName::new(self.name.village, household))
    }

    pub(crate) fn demand_name(&self) -> Option<DemandName> {
        self.demand.map(|demand| DemandName::new(self.name.village, demand))
    }

    pub(crate) fn deliberation_name(&self) -> Option<DeliberationName> {
        self.deliberation.map(|deliberation| DeliberationName::new(self.name.village, deliberation))
    }

    pub(crate) fn reporter_name(&self) -> Option<MemberName> {
        self.reporter.map(|member| MemberName::new(self.name.village, member))
    }
}

/// Another system's own number for a concern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) system: String,
    pub(crate) reference: String,
}

impl Source {
    /// The id of the concern that comes from it: the same whenever it is sent.
    pub(crate) fn concern(&self, village: VillageCode) -> Uuid {
        const NAMESPACE: Uuid = Uuid::from_u128(0x3b0c_92e1_5a7d_4f36_9e84_c1d2_70ab_5f18);
        let Self { system, reference } = self;
        Uuid::new_v5(&NAMESPACE, format!("{village}/{system}/{reference}").as_bytes())
    }
}

/// A concern after something was done with it: what is stored, kept as a move, and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) concern: Concern,
    pub(crate) kind: MoveKind,
    pub(crate) from: Option<State>,
    pub(crate) note: String,
}

impl Step {
    /// The next step of a concern: `change` says what is different afterwards.
    pub(crate) fn after(
        before: Concern,
        kind: MoveKind,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Concern),
    ) -> Self {
        let from = Some(before.state);
        let mut concern = Concern { revision: before.revision + 1, updated_at: now, ..before };
        change(&mut concern);
        concern.deliberation = concern.deliberation.filter(|_| concern.state == State::Deliberating);
        Self { concern, kind, from, note: String::new() }
    }

    /// The news of it: nothing about a resident, and no free text.
    pub(crate) fn news(&self) -> Result<Change> {
        let concern = &self.concern;
        let village = concern.name.village;
        let name = |name: Option<String>| name.unwrap_or_default();
        Change::of(&pb::ConcernChanged {
            name: concern.name.to_string(),
            revision: concern.revision,
            happened: self.kind.into(),
            change_time: Some(timestamp(concern.updated_at)),
            household: name(concern.household_name().map(|name| name.to_string())),
            grid: name(concern.grid.map(|grid| proto::names::GridName::new(village, grid).to_string())),
            matter: concern.matter.into(),
            state: concern.state.into(),
            owner_kind: concern.owner.kind().into(),
            owner: concern.owner.name(village),
            routed: concern.routed,
            reporter: name(concern.reporter_name().map(|name| name.to_string())),
            reported_on: Some(date(concern.reported_on)),
            accepted_on: concern.accepted_on.map(date),
            resolved_on: concern.resolved_on.map(date),
            closed_on: concern.closed_on.map(date),
            follow_up_outcome: concern.outcome.map_or(0, Into::into),
            score: concern.score,
            followed_up_on: concern.followed_up_on.map(date),
            confirmed_on: concern.confirmed_on.map(date),
            assignee_kind: concern.assignee.map_or(0, |assignee| assignee.kind().into()),
            assignee: name(concern.assignee.map(|assignee| assignee.name(village))),
            returns: concern.returns,
            reopenings: concern.reopenings,
            suspended: concern.suspended,
            supervised: concern.supervised,
            ended_on: concern.ended_on.map(date),
            urgency: concern.deadline.urgency.into(),
            response_due_time: concern.deadline.response_due_at.map(timestamp),
            response_time: concern.deadline.responded_at.map(timestamp),
            respond_by_time: concern.deadline.respond_by.map(timestamp),
            due_time: concern.deadline.due_at.map(timestamp),
            demand: name(concern.demand_name().map(|name| name.to_string())),
            deliberation: name(concern.deliberation_name().map(|name| name.to_string())),
            sensitive: concern.sensitive,
        })
    }
}

/// A number for a concern to which the village gave none: the day and eight signs of its id. Ten thousand reports of one
/// village and day have one chance in twenty thousand that two are the same, which is then refused; counting instead would
/// make all reports of a village wait for each other.
pub(crate) fn reference(reported_on: NaiveDate, id: Uuid) -> String {
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // without I, L, O and U, which are misread
    let bits = id.as_u128();
    let signs: String = (0..8)
        .filter_map(|place| SIGNS.get(usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0)))
        .map(|sign| char::from(*sign))
        .collect();
    format!("{}-{signs}", reported_on.format("%y%m%d"))
}

/// Something that was done with a concern, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) revision: i64,
    pub(crate) kind: MoveKind,
    pub(crate) from: Option<State>,
    pub(crate) to: State,
    pub(crate) actor: String,
    pub(crate) office: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) note: String,
    pub(crate) owner: Owner,
    pub(crate) assignee: Option<Owner>,
    /// Seconds of working time that were used up when the clock last began to run or came to rest.
    pub(crate) spent: Option<i64>,
    /// What was due afterwards; none while the clock rests.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// By when whoever had it to answer afterwards had to; none when nobody had.
    pub(crate) respond_by: Option<DateTime<Utc>>,
}
