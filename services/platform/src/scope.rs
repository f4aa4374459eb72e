//! The scope: the part of the country that a grant, a transaction or a token reaches.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use proto::names::VillageCode;

/// A prefix of a village code: 12 digits are one village, 9 a sub-district, 6 a county. Within the service also several
/// villages, by their codes with commas between them.
///
/// The same text stands in tokens, in resource names, in NATS permissions and in Postgres, where row
/// security shows a transaction only the rows whose village starts with it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(String);

impl Scope {
    /// The service's own scope: every village of the deployment. Nobody's token can name it; only what
    /// works for all villages at once does: the relay and the consumer, a scheduler, an answer that is public.
    #[must_use]
    pub fn deployment() -> Self {
        Self("*".to_owned())
    }

    /// The scope of a transaction that carries out orders from these villages: it reaches each of them and no other.
    #[must_use]
    pub fn villages(villages: impl IntoIterator<Item = VillageCode>) -> Self {
        let villages: BTreeSet<VillageCode> = villages.into_iter().collect();
        Self(villages.iter().map(VillageCode::as_str).collect::<Vec<_>>().join(","))
    }

    /// Does this scope reach `village`?
    #[must_use]
    pub fn covers(&self, village: &VillageCode) -> bool {
        self.0 == "*" || village.as_str().starts_with(&self.0)
    }

    /// Is `place` (a division code of 6, 9 or 12 digits) wholly within this scope?
    #[must_use]
    pub fn covers_place(&self, place: &str) -> bool {
        self.0 == "*" || place.starts_with(&self.0)
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&VillageCode> for Scope {
    fn from(village: &VillageCode) -> Self {
        Self(village.as_str().to_owned())
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if digits && matches!(text.len(), 6 | 9 | 12) { Ok(Self(text.to_owned())) } else { Err(NotAScope) }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0)
    }
}

/// The text is not 6, 9 or 12 digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a scope is the first 6 (county), 9 (sub-district) or all 12 (village) digits of a village code")]
pub struct NotAScope;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_sub_district_covers_its_villages_and_no_other() {
        let scope: Scope = "430112011".parse().unwrap();
        assert!(scope.covers(&"430112011211".parse().unwrap()));
        assert!(!scope.covers(&"430112012211".parse().unwrap()));
    }

    #[test]
    fn nobody_can_ask_for_the_deployment_or_for_half_a_code() {
        for text in ["*", "", "43", "4301120112", "43011201121x", "4301120112110"] {
            assert_eq!(text.parse::<Scope>(), Err(NotAScope), "{text}");
        }
    }
}
