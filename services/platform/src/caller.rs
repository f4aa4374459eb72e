//! Who is calling, and what they may do: an office, within a scope, for some grids or all.
//!
//! A token says who the caller is ([`token`]); one table says which office may call which method
//! ([`permissions`]); what is not in the table is not allowed. A call sees only the grants whose office
//! may make it, so that a clerk of one village who is a representative in another cannot mix the two.

pub mod permissions;
pub mod token;

use std::collections::BTreeSet;

use proto::names::{GridCode, VillageCode};
use proto::reasons;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::scope::Scope;

/// The offices that people and systems hold, from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Office {
    /// Sub-district IT: onboards villages, runs the deployment.
    Operator,
    /// Sub-district officer: compares villages, takes what they escalate.
    Officer,
    /// Village office: the two committees' clerk.
    Clerk,
    /// Area-liaison village cadre.
    Cadre,
    /// Villager-group leader, party-group leader or grid worker.
    Leader,
    /// Villager representative of one grid.
    Representative,
    /// Another system.
    Integration,
}

impl Office {
    /// The word that tokens, the change log and events use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Officer => "officer",
            Self::Clerk => "clerk",
            Self::Cadre => "cadre",
            Self::Leader => "leader",
            Self::Representative => "representative",
            Self::Integration => "integration",
        }
    }
}

/// One office held within a scope, for some grids of it or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The office.
    pub office: Office,
    /// Where it is held.
    pub scope: Scope,
    /// The grids it is held for; none means every grid of the scope.
    pub grids: Option<BTreeSet<GridCode>>,
}

/// The caller of one method, with those of their grants whose office may call it.
#[derive(Debug, Clone)]
pub struct Caller {
    subject: String,
    grants: Vec<Grant>,
}

impl Caller {
    pub(crate) fn new(subject: String, grants: Vec<Grant>) -> Self {
        Self { subject, grants }
    }

    /// The service itself, when it reacts to news: the change log then says so.
    #[must_use]
    pub fn service(name: &str) -> Self {
        let grant = Grant { office: Office::Integration, scope: Scope::deployment(), grids: None };
        Self { subject: format!("service:{name}"), grants: vec![grant] }
    }

    /// Stable name of the person or system (the token's `sub`).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What the caller may do in `village`.
    ///
    /// # Errors
    /// `OUTSIDE_SCOPE` when none of the grants reaches it. The answer depends on the name alone, so it
    /// tells nothing about what exists there.
    pub fn within(&self, village: &VillageCode) -> Result<Authority> {
        let held: Vec<&Grant> = self.grants.iter().filter(|grant| grant.scope.covers(village)).collect();
        let widest = held.iter().map(|grant| grant.office).min();
        let office = widest.ok_or_else(|| outside(village.as_str()))?;
        let all = held.iter().any(|grant| grant.grids.is_none());
        let grids = held.iter().filter_map(|grant| grant.grids.as_ref()).flatten().cloned().collect();
        Ok(Authority {
            subject: self.subject.clone(),
            office,
            scope: Scope::from(village),
            grids: if all { None } else { Some(grids) },
        })
    }

    /// The scope of a question about a whole place (a village, sub-district or county code). Only
    /// grants for all grids count: figures of a place are not for those who may see a part of it.
    ///
    /// # Errors
    /// `OUTSIDE_SCOPE` when no grant reaches all of it.
    pub fn over(&self, place: &str) -> Result<Scope> {
        let reached = self.grants.iter().any(|grant| grant.grids.is_none() && grant.scope.covers_place(place));
        match place.parse() {
            Ok(scope) if reached => Ok(scope),
            _ => Err(outside(place)),
        }
    }

    /// What the caller may do with what belongs to a whole place (a village, sub-district or county code): as
    /// [`Caller::over`], with who it is.
    ///
    /// # Errors
    /// `OUTSIDE_SCOPE` when no grant reaches all of it.
    pub fn answering_for(&self, place: &str) -> Result<Authority> {
        let scope = self.over(place)?;
        let held = self.grants.iter().filter(|grant| grant.grids.is_none() && grant.scope.covers_place(place));
        let office = held.map(|grant| grant.office).min().ok_or_else(|| outside(place))?;
        Ok(Authority { subject: self.subject.clone(), office, scope, grids: None })
    }

    /// Every scope the caller has, for lists that name no place: in the order of the codes, none within another.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = self.grants.iter().map(|grant| grant.scope.clone()).collect();
        scopes.sort(); // the wider one comes before those within it
        scopes.dedup_by(|narrow, wide| wide.covers_place(narrow.as_str()));
        scopes
    }
}

fn outside(place: &str) -> Error {
    Error::Denied { reason: reasons::OUTSIDE_SCOPE, message: format!("{place} is outside the scope of your token") }
}

/// What a caller may do in one village, or in a place that several lie in.
#[derive(Debug, Clone)]
pub struct Authority {
    subject: String,
    office: Office,
    scope: Scope,
    grids: Option<BTreeSet<GridCode>>,
}

impl Authority {
    /// Who it is, for the change log.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// In which office they act.
    #[must_use]
    pub fn office(&self) -> Office {
        self.office
    }

    /// The scope of the transaction: this village, or the place it is about.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The grids whose rows the caller sees, to bind as `$n::text[]` in
    /// `($n is null or grid = any($n))`; none means all.
    #[must_use]
    pub fn grids(&self) -> Option<Vec<String>> {
        self.grids.as_ref().map(|grids| grids.iter().map(ToString::to_string).collect())
    }

    /// May the caller see rows of this grid?
    #[must_use]
    pub fn sees(&self, grid: &GridCode) -> bool {
        self.grids.as_ref().is_none_or(|grids| grids.contains(grid))
    }

    /// Refuses to write to a grid that is not the caller's.
    ///
    /// # Errors
    /// `OUTSIDE_GRIDS`.
    pub fn must_serve(&self, grid: &GridCode) -> Result<()> {
        if self.sees(grid) {
            Ok(())
        } else {
            Err(Error::Denied {
                reason: reasons::OUTSIDE_GRIDS,
                message: format!("grid {grid} is not one of the grids of your token"),
            })
        }
    }

    /// Refuses what only those may do who answer for the whole village.
    ///
    /// # Errors
    /// `OUTSIDE_GRIDS`.
    pub fn must_serve_all(&self) -> Result<()> {
        if self.grids.is_none() {
            Ok(())
        } else {
            Err(Error::Denied {
                reason: reasons::OUTSIDE_GRIDS,
                message: "this concerns the whole village, and your token is for some of its grids".to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn grant(office: Office, scope: &str, grids: Option<&[&str]>) -> Grant {
        let grids = grids.map(|grids| grids.iter().map(|grid| grid.parse().unwrap()).collect());
        Grant { office, scope: scope.parse().unwrap(), grids }
    }

    #[test]
    fn a_representative_serves_their_grid_only() {
        let caller = Caller::new("r".into(), vec![grant(Office::Representative, "430112011211", Some(&["027"]))]);
        let here = caller.within(&"430112011211".parse().unwrap()).unwrap();
        assert!(here.must_serve(&"027".parse().unwrap()).is_ok());
        assert!(here.must_serve(&"028".parse().unwrap()).is_err());
        assert!(here.must_serve_all().is_err());
        assert!(caller.within(&"430112011212".parse().unwrap()).is_err());
    }

    #[test]
    fn figures_of_a_sub_district_are_not_for_one_village() {
        let clerk = Caller::new("c".into(), vec![grant(Office::Clerk, "430112011211", None)]);
        assert!(clerk.over("430112011").is_err());
        assert!(clerk.over("430112011211").is_ok());
        let officer = Caller::new("o".into(), vec![grant(Office::Officer, "430112011", None)]);
        assert!(officer.over("430112011211").is_ok());
    }

    #[test]
    fn of_scopes_within_one_another_the_widest_counts() {
        let grants = ["430112012", "430112011211", "430112011", "430112011212"];
        let grants = grants.map(|scope| grant(Office::Officer, scope, None)).into();
        let scopes = Caller::new("o".into(), grants).scopes();
        assert_eq!(scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), ["430112011", "430112012"]);
    }

    #[test]
    fn grids_of_two_grants_add_up_and_the_widest_office_acts() {
        let caller = Caller::new(
            "x".into(),
            vec![
                grant(Office::Representative, "430112011211", Some(&["027"])),
                grant(Office::Leader, "430112011211", Some(&["028", "029"])),
            ],
        );
        let here = caller.within(&"430112011211".parse().unwrap()).unwrap();
        assert_eq!(here.grids().unwrap(), ["027", "028", "029"]);
        assert_eq!(here.office(), Office::Leader);
    }
}
