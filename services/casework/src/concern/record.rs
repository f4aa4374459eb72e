//! What a concern is, and what is told of it. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::casework::v1 as pb;
use proto::names::{ConcernName, GridCode, HouseholdName, MemberName, TeamName, VillageCode};
use proto::time::{date, timestamp};
use uuid::Uuid;

platform::choice! {
    /// The four matters.
    pub(crate) enum Matter as proto::casework::v1::Matter {
        ResidentAffairs = "resident_affairs",
        BusinessAffairs = "business_affairs",
        Environment = "environment",
        OutreachEducation = "outreach_education",
    }
}

platform::choice! {
    /// Where a concern stands, in the order in which it gets there.
    pub(crate) enum State as proto::casework::v1::ConcernState {
        Reported = "reported",
        Accepted = "accepted",
        InProgress = "in_progress",
        Deliberating = "deliberating",
        Resolved = "resolved",
        Closed = "closed",
    }
}

platform::choice! {
    /// What sort of owner answers for a concern.
    pub(crate) enum OwnerKind as proto::casework::v1::OwnerKind {
        Team = "team",
        Member = "member",
        Office = "office",
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
    }
}

/// Who answers for a concern. There is always somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The team of a grid.
    Team(GridCode),
    /// A member by name.
    Member(Uuid),
    /// The village office.
    Office,
}

impl Owner {
    pub(crate) const fn kind(&self) -> OwnerKind {
        match self {
            Self::Team(_) => OwnerKind::Team,
            Self::Member(_) => OwnerKind::Member,
            Self::Office => OwnerKind::Office,
        }
    }

    /// The code or id beside the kind; none for the office.
    pub(crate) fn key(&self) -> Option<String> {
        match self {
            Self::Team(grid) => Some(grid.to_string()),
            Self::Member(member) => Some(member.to_string()),
            Self::Office => None,
        }
    }

    /// The owner that a kind and a key stand for.
    pub(crate) fn read(kind: OwnerKind, key: Option<&str>) -> Result<Self> {
        match (kind, key) {
            (OwnerKind::Team, Some(grid)) => grid.parse().map(Self::Team).map_err(Error::internal),
            (OwnerKind::Member, Some(member)) => member.parse().map(Self::Member).map_err(Error::internal),
            (OwnerKind::Office, None) => Ok(Self::Office),
            _ => Err(Error::internal("an owner without a key")),
        }
    }

    /// Its resource name; empty for the office.
    pub(crate) fn name(&self, village: VillageCode) -> String {
        match self {
            Self::Team(grid) => TeamName::new(village, *grid).to_string(),
            Self::Member(member) => MemberName::new(village, *member).to_string(),
            Self::Office => String::new(),
        }
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
    pub(crate) routed: bool,
    pub(crate) reported_on: NaiveDate,
    pub(crate) accepted_on: Option<NaiveDate>,
    pub(crate) resolved_on: Option<NaiveDate>,
    pub(crate) followed_up_on: Option<NaiveDate>,
    pub(crate) closed_on: Option<NaiveDate>,
    pub(crate) result: String,
    pub(crate) resolved_by: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) score: i32,
    pub(crate) ledger_row: Option<Uuid>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Concern {
    pub(crate) fn household_name(&self) -> Option<HouseholdName> {
        self.household.map(|household| HouseholdName::new(self.name.village, household))
    }

    pub(crate) fn reporter_name(&self) -> Option<MemberName> {
        self.reporter.map(|member| MemberName::new(self.name.village, member))
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
        })
    }
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
}
