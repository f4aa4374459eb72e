//! Who serves a household by default, when a link ends and when one begins. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::link_changed::Happened;
use proto::names::{HouseholdName, LinkName, MemberName};
use proto::reasons;
use proto::time::{date, timestamp};
use uuid::Uuid;

use crate::line::rules::{Line, LineKind};
use crate::member::rules::{Member, Office};
use crate::places::{Household, HouseholdState};

platform::choice! {
    /// How a link came about.
    pub(crate) enum Origin as proto::liaison::v1::LinkOrigin {
        Default = "default",
        Chosen = "chosen",
    }
}

/// A household's link to its representative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) name: LinkName,
    pub(crate) household: HouseholdName,
    pub(crate) representative: MemberName,
    pub(crate) line: LineKind,
    pub(crate) valid_from: NaiveDate,
    pub(crate) valid_to: Option<NaiveDate>,
    pub(crate) origin: Origin,
    pub(crate) reason: String,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Link {
    /// The news of a link that began.
    pub(crate) fn began(&self) -> Result<Change> {
        self.news(Happened::Linked)
    }

    /// The news of a link that ended.
    pub(crate) fn ended(&self) -> Result<Change> {
        self.news(Happened::Ended)
    }

    /// The link to another representative that follows this one, on the same line. It is named after what it says, as
    /// default links are; what was chosen is not the same as what came by itself.
    pub(crate) fn followed_by(
        &self,
        representative: MemberName,
        valid_from: NaiveDate,
        origin: Origin,
        reason: String,
        now: DateTime<Utc>,
    ) -> Self {
        let name = match origin {
            Origin::Default => link_name(&self.household, &representative, self.line, valid_from),
            Origin::Chosen => {
                let cause = format!("{} {} chosen {valid_from}", self.name, representative);
                LinkName::new(self.household.village, Uuid::new_v5(&Uuid::NAMESPACE_URL, cause.as_bytes()))
            }
        };
        Self {
            name,
            household: self.household.clone(),
            representative,
            line: self.line,
            valid_from,
            valid_to: None,
            origin,
            reason,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn news(&self, happened: Happened) -> Result<Change> {
        Change::of(&pb::LinkChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            household: self.household.to_string(),
            representative: self.representative.to_string(),
            line: self.line.into(),
            start_date: Some(date(self.valid_from)),
            end_date: self.valid_to.map(date),
            origin: self.origin.into(),
        })
    }
}

/// How a household stands: what it is, who serves its grid, and the links it has.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) household: HouseholdName,
    pub(crate) active: bool,
    pub(crate) active_since: Option<NaiveDate>,
    /// The line that reaches its kind, if one does.
    pub(crate) line: Option<LineKind>,
    /// The representative of its grid, and since when that member serves there.
    pub(crate) default: Option<(MemberName, NaiveDate)>,
    /// Its link until further notice.
    pub(crate) current: Option<Current>,
    /// The day on which its last link ended, if it ever had one that did.
    pub(crate) unlinked_since: Option<NaiveDate>,
}

/// The link that a household has until further notice.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) name: LinkName,
    pub(crate) representative: MemberName,
    pub(crate) line: LineKind,
    pub(crate) origin: Origin,
    pub(crate) valid_from: NaiveDate,
}

/// What is to be done about a household's link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settlement {
    pub(crate) end: Option<LinkName>,
    pub(crate) begin: Option<Link>,
}

/// An active household is linked to the representative of its grid, on the line of its kind. A link that was chosen
/// keeps its representative as long as the line fits. Whoever does not count has no link.
pub(crate) fn settle(standing: &Standing, day: NaiveDate, now: DateTime<Utc>) -> Settlement {
    let wanted = standing.default.as_ref().filter(|_| standing.active);
    if standing.current.as_ref().is_some_and(|current| standing.active && fits(standing, current)) {
        return Settlement::default();
    }
    let begin = wanted.zip(standing.line).map(|((representative, serves_since), line)| {
        // The first link counts from when both were there, however late liaison hears of it; a later one follows on.
        let mut days = vec![Some(*serves_since), standing.active_since];
        if let Some(current) = &standing.current {
            days.extend([Some(day), Some(current.valid_from)]);
        }
        if standing.unlinked_since.is_some() {
            days.extend([Some(day), standing.unlinked_since]);
        }
        let valid_from = days.into_iter().flatten().max().unwrap_or(day);
        Link {
            name: link_name(&standing.household, representative, line, valid_from),
            household: standing.household.clone(),
            representative: representative.clone(),
            line,
            valid_from,
            valid_to: None,
            origin: Origin::Default,
            reason: String::new(),
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    });
    Settlement { end: standing.current.as_ref().map(|current| current.name.clone()), begin }
}

/// Is this still the link that an active household should have?
fn fits(standing: &Standing, current: &Current) -> bool {
    let serves = match current.origin {
        Origin::Chosen => true,
        Origin::Default => standing.default.as_ref().is_some_and(|(member, _)| *member == current.representative),
    };
    // A kind that the village has taken off both lines keeps the link it had.
    serves && standing.line.is_none_or(|line| line == current.line)
}

/// A default link is named after what it says, so that making it twice is making it once.
fn link_name(
    household: &HouseholdName,
    representative: &MemberName,
    line: LineKind,
    valid_from: NaiveDate,
) -> LinkName {
    let cause = format!("{household} {representative} {} {valid_from}", line.as_str());
    LinkName::new(household.village, Uuid::new_v5(&Uuid::NAMESPACE_URL, cause.as_bytes()))
}

/// A household to be linked by choice.
#[derive(Debug, Clone)]
pub(crate) struct LinkHousehold {
    pub(crate) household: HouseholdName,
    pub(crate) expected: Option<i64>,
    pub(crate) representative: MemberName,
    pub(crate) line: Option<LineKind>,
    pub(crate) start: Option<NaiveDate>,
    pub(crate) reason: String,
}

/// Which links a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) household: Option<Uuid>,
    pub(crate) representative: Option<Uuid>,
    pub(crate) line: Option<LineKind>,
    pub(crate) as_of: Option<NaiveDate>,
    pub(crate) show_ended: bool,
}

/// A household that counts may have a representative of its choosing, who must be serving, on a line that reaches its
/// kind, from a day that has come and that follows the link before. `default` is the representative of its grid.
#[allow(clippy::too_many_arguments, reason = "each is one thing that the decision depends on")]
pub(crate) fn link(
    name: LinkName,
    command: &LinkHousehold,
    household: &Household,
    before: Option<&Link>,
    member: &Member,
    default: Option<Uuid>,
    lines: &[Line],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Link> {
    let valid_from = command.start.unwrap_or(today);
    if valid_from > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{valid_from} lies in the future")));
    }
    if household.state != HouseholdState::Active {
        return Err(Error::refused(reasons::ILLEGAL_MOVE, format!("{} is not active", household.name)));
    }
    if !member.offices.contains(&Office::Representative) {
        return Err(Error::refused(reasons::WRONG_OFFICE, format!("{} is no representative", member.name)));
    }
    member.must_serve_in(Office::Representative, valid_from)?;
    member.must_serve_in(Office::Representative, today)?;
    let reaches = |line: &&Line| {
        line.household_kinds.contains(&household.kind) && command.line.is_none_or(|wished| wished == line.kind)
    };
    let line = lines.iter().find(reaches).ok_or_else(|| {
        let message = format!("no such line reaches households of kind {}", household.kind.as_str());
        Error::refused(reasons::KIND_NOT_ON_LINE, message)
    })?;
    let is_default = default == Some(member.name.member);
    if !is_default && command.reason.is_empty() {
        return Err(Error::field("reason", "is missing: this is not the representative of the household's grid"));
    }
    if let Some(before) = before {
        let same = before.representative == member.name && before.line == line.kind;
        if same || valid_from <= before.valid_from {
            return Err(already_linked(&household.name, valid_from));
        }
    }
    Ok(Link {
        name,
        household: household.name.clone(),
        representative: member.name.clone(),
        line: line.kind,
        valid_from,
        valid_to: None,
        origin: if is_default && command.reason.is_empty() { Origin::Default } else { Origin::Chosen },
        reason: command.reason.clone(),
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

/// The refusal of a link that there is already, or that would overlap another.
pub(crate) fn already_linked(household: &HouseholdName, day: NaiveDate) -> Error {
    let message = format!("{household} has this link already, or one that reaches to {day} or later");
    Error::refused(reasons::ALREADY_LINKED, message)
}

#[cfg(test)]
mod tests;
