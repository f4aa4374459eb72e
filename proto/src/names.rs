//! Resource names: `villages/430112011211/households/018f…`, parsed once at the edge and trusted from there on.
//!
//! One type per noun, so that a household's name cannot be taken for a link's. A name says nothing about whether the
//! record exists. `parse(name.to_string()) == name` holds for every name, and every record has exactly one name as text.

mod codes;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

pub use codes::{GridCode, LineCode, LocalCode, SubdistrictCode, VillageCode};

/// Why a text is not the name or code it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Another collection, a part too few or too many, a slash at an end.
    #[error("expected a name of the form {pattern}, found {found:?}")]
    Shape {
        /// The form it should have.
        pattern: &'static str,
        /// What was given, cut short.
        found: String,
    },
    /// A part of it, or a code by itself, is not what it should be.
    #[error("{found:?} is not a {what}: {why}")]
    Part {
        /// What it should be.
        what: &'static str,
        /// What was given, cut short.
        found: String,
        /// What is wrong with it, in plain words.
        why: &'static str,
    },
}

impl NameError {
    fn shape(pattern: &'static str, found: &str) -> Self {
        Self::Shape { pattern, found: excerpt(found) }
    }

    fn part(what: &'static str, found: &str, why: &'static str) -> Self {
        Self::Part { what, found: excerpt(found), why }
    }
}

/// The longest names have 140 characters; nobody needs to see more of what is none.
fn excerpt(text: &str) -> String {
    text.chars().take(150).collect()
}

/// What all names below a village have in common.
pub trait VillageResource: FromStr<Err = NameError> + fmt::Display + Clone + Ord {
    /// The form of the name, for example `villages/{village}/grids/{grid}`.
    const PATTERN: &'static str;

    /// The village it lies in.
    fn village(&self) -> VillageCode;
}

/// A part of a name that can vary.
trait Part: Sized {
    fn parse(text: &str) -> Result<Self, NameError>;
}

impl Part for Uuid {
    fn parse(text: &str) -> Result<Self, NameError> {
        record_id(text)
    }
}

/// The UUID of a record as clients may choose it: hyphenated, 36 characters. Upper case is read, lower case is written.
///
/// # Errors
/// [`NameError`] for anything else, including UUIDs in braces, as URN, or without hyphens.
pub fn record_id(text: &str) -> Result<Uuid, NameError> {
    // Of the forms that the uuid crate reads, only the hyphenated one has this length.
    Some(text).filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(text).ok()).ok_or_else(|| {
        NameError::part("record id", text, "it has to be a UUID like 018f5e9e-0000-7000-8000-000000000000")
    })
}

macro_rules! names {
    // A name is `villages/{village}` followed by one or two pairs of collection and part.
    ($($(#[doc = $doc:literal])+ $name:ident = $($collection:literal / $field:ident: $part:ty),+;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// The village it lies in.
            pub village: VillageCode,
            $(#[doc = concat!("What follows `", $collection, "/`.")]
            pub $field: $part,)+
        }

        impl $name {
            /// Puts a name together.
            #[must_use]
            pub const fn new(village: VillageCode, $($field: $part),+) -> Self {
                Self { village, $($field),+ }
            }
        }

        impl VillageResource for $name {
            const PATTERN: &'static str =
                concat!("villages/{village}", $("/", $collection, "/{", stringify!($field), "}"),+);

            fn village(&self) -> VillageCode {
                self.village
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "villages/{}", self.village)?;
                $(write!(out, concat!("/", $collection, "/{}"), self.$field)?;)+
                Ok(())
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let mut parts = text.split('/');
                let mut follows = |collection: &str| {
                    parts
                        .next()
                        .filter(|found| *found == collection)
                        .and_then(|_| parts.next())
                        .ok_or_else(|| NameError::shape(Self::PATTERN, text))
                };
                let village = follows("villages")?;
                $(let $field = follows($collection)?;)+
                if parts.next().is_some() {
                    return Err(NameError::shape(Self::PATTERN, text));
                }
                Ok(Self { village: Part::parse(village)?, $($field: Part::parse($field)?),+ })
            }
        }
    )+};
}

names! {
    /// `villages/{village}/areas/{area}`
    AreaName = "areas" / area: LocalCode;
    /// `villages/{village}/villagerGroups/{villager_group}`
    VillagerGroupName = "villagerGroups" / villager_group: LocalCode;
    /// `villages/{village}/partyGroups/{party_group}`
    PartyGroupName = "partyGroups" / party_group: LocalCode;
    /// `villages/{village}/grids/{grid}`
    GridName = "grids" / grid: GridCode;
    /// `villages/{village}/households/{household}`
    HouseholdName = "households" / household: Uuid;
    /// `villages/{village}/households/{household}/residents/{resident}`
    ResidentName = "households" / household: Uuid, "residents" / resident: Uuid;
    /// `villages/{village}/merchants/{merchant}`
    MerchantName = "merchants" / merchant: Uuid;
    /// `villages/{village}/members/{member}`
    MemberName = "members" / member: Uuid;
    /// `villages/{village}/lines/{line}`
    LineName = "lines" / line: LineCode;
    /// `villages/{village}/teams/{grid}`: a team has the code of its grid.
    TeamName = "teams" / grid: GridCode;
    /// `villages/{village}/handovers/{handover}`
    HandOverName = "handovers" / handover: Uuid;
    /// `villages/{village}/links/{link}`
    LinkName = "links" / link: Uuid;
    /// `villages/{village}/visits/{visit}`
    VisitName = "visits" / visit: Uuid;
    /// `villages/{village}/concerns/{concern}`
    ConcernName = "concerns" / concern: Uuid;
    /// `villages/{village}/demands/{demand}`
    DemandName = "demands" / demand: Uuid;
    /// `villages/{village}/demandProposals/{proposal}`
    DemandProposalName = "demandProposals" / proposal: Uuid;
    /// `villages/{village}/deliberations/{deliberation}`
    DeliberationName = "deliberations" / deliberation: Uuid;
    /// `villages/{village}/concerns/{concern}/attachments/{attachment}`
    AttachmentName = "concerns" / concern: Uuid, "attachments" / attachment: Uuid;
    /// `villages/{village}/deliberations/{deliberation}/attachments/{attachment}`
    DeliberationAttachmentName = "deliberations" / deliberation: Uuid, "attachments" / attachment: Uuid;
    /// `villages/{village}/matterTypes/{matter_type}`
    MatterTypeName = "matterTypes" / matter_type: LocalCode;
}

impl HouseholdName {
    /// The name of one of its people.
    #[must_use]
    pub const fn resident(&self, resident: Uuid) -> ResidentName {
        ResidentName::new(self.village, self.household, resident)
    }
}

impl ResidentName {
    /// The household the person belongs to.
    #[must_use]
    pub const fn household_name(&self) -> HouseholdName {
        HouseholdName::new(self.village, self.household)
    }
}

impl GridName {
    /// The grid's team.
    #[must_use]
    pub const fn team(&self) -> TeamName {
        TeamName::new(self.village, self.grid)
    }
}

impl TeamName {
    /// The team's grid.
    #[must_use]
    pub const fn grid_name(&self) -> GridName {
        GridName::new(self.village, self.grid)
    }
}

macro_rules! places {
    ($($(#[doc = $doc:literal])+ $name:ident($code:ty) = $collection:literal / $pattern:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $code);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!($collection, "/{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                match text.split_once('/') {
                    Some(($collection, code)) if !code.contains('/') => code.parse().map(Self),
                    _ => Err(NameError::shape($pattern, text)),
                }
            }
        }
    )+};
}

places! {
    /// `villages/{village}`: the tenant, and the parent of all its records.
    VillageName(VillageCode) = "villages" / "villages/{village}";
    /// `subdistricts/{subdistrict}`: the parent of its villages.
    SubdistrictName(SubdistrictCode) = "subdistricts" / "subdistricts/{subdistrict}";
}

macro_rules! singletons {
    ($($(#[$doc:meta])* $name:ident = $last:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub VillageCode);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!("villages/{}/", $last), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let village = text.strip_prefix("villages/").and_then(|rest| rest.strip_suffix(concat!("/", $last)));
                match village {
                    Some(code) if !code.contains('/') => code.parse().map(Self),
                    _ => Err(NameError::shape(concat!("villages/{village}/", $last), text)),
                }
            }
        }
    )+};
}

singletons! {
    /// `villages/{village}/visitPlan`: there is one to a village.
    VisitPlanName = "visitPlan";
    /// `villages/{village}/entranceRules`: what a village has settled about the way to becoming a representative.
    EntranceRulesName = "entranceRules";
    /// `villages/{village}/deliberationPolicy`: what a village has laid down for its deliberations.
    DeliberationPolicyName = "deliberationPolicy";
    /// `villages/{village}/careTags`: the village's set of tags of special care.
    CareTagsName = "careTags";
}

impl VillageResource for VillageName {
    const PATTERN: &'static str = "villages/{village}";

    fn village(&self) -> VillageCode {
        self.0
    }
}

#[cfg(test)]
mod tests;
