//! Who answers for a concern, or for a common demand. Pure.

use platform::{Error, Result};
use proto::names::{GridCode, MemberName, SubdistrictName, TeamName, VillageCode};
use uuid::Uuid;

platform::choice! {
    /// What sort of owner answers for a concern.
    pub(crate) enum OwnerKind as proto::casework::v1::OwnerKind {
        Team = "team",
        Member = "member",
        Office = "office",
        Subdistrict = "subdistrict",
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
    /// The sub-district, to which it was escalated.
    Subdistrict,
}

impl Owner {
    pub(crate) const fn kind(&self) -> OwnerKind {
        match self {
            Self::Team(_) => OwnerKind::Team,
            Self::Member(_) => OwnerKind::Member,
            Self::Office => OwnerKind::Office,
            Self::Subdistrict => OwnerKind::Subdistrict,
        }
    }

    /// The code or id beside the kind; none for the offices.
    pub(crate) fn key(&self) -> Option<String> {
        match self {
            Self::Team(grid) => Some(grid.to_string()),
            Self::Member(member) => Some(member.to_string()),
            Self::Office | Self::Subdistrict => None,
        }
    }

    /// The owner that a kind and a key stand for.
    pub(crate) fn read(kind: OwnerKind, key: Option<&str>) -> Result<Self> {
        match (kind, key) {
            (OwnerKind::Team, Some(grid)) => grid.parse().map(Self::Team).map_err(Error::internal),
            (OwnerKind::Member, Some(member)) => member.parse().map(Self::Member).map_err(Error::internal),
            (OwnerKind::Office, None) => Ok(Self::Office),
            (OwnerKind::Subdistrict, None) => Ok(Self::Subdistrict),
            _ => Err(Error::internal("an owner without a key")),
        }
    }

    /// Its resource name; empty for the office.
    pub(crate) fn name(&self, village: VillageCode) -> String {
        match self {
            Self::Team(grid) => TeamName::new(village, *grid).to_string(),
            Self::Member(member) => MemberName::new(village, *member).to_string(),
            Self::Office => String::new(),
            Self::Subdistrict => SubdistrictName(village.subdistrict()).to_string(),
        }
    }
}
