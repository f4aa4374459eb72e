//! What a member is, whom a seat fits, and how a term begins and ends. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::member_changed::Happened;
use proto::names::{AreaName, LocalCode, MemberName, PartyGroupName, TeamName, VillageCode, VillagerGroupName};
use proto::reasons;
use proto::time::{date, timestamp};
use uuid::Uuid;
use workbook::formats::Telephone;

use super::entrance::{Candidacy, State, Step};
use crate::team::handover::rules::Order;
use crate::team::rules::Team;

platform::choice! {
    /// The offices of those who serve.
    pub(crate) enum Office as proto::liaison::v1::Office {
        Cadre = "cadre",
        VillagerGroupLeader = "villager_group_leader",
        PartyGroupLeader = "party_group_leader",
        GridWorker = "grid_worker",
        Representative = "representative",
    }
}

platform::choice! {
    /// The six sources that representatives are chosen from.
    pub(crate) enum Source as proto::liaison::v1::RepresentativeSource {
        PartyGroupLeader = "party_group_leader",
        PartyMember = "party_member",
        VillagerGroupLeader = "villager_group_leader",
        GridWorker = "grid_worker",
        WomensAdviser = "womens_adviser",
        Volunteer = "volunteer",
    }
}

/// The days on which one office is held, where they are not those of the member's whole term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) start: NaiveDate,
    /// The first day that is not in it.
    pub(crate) end: NaiveDate,
}

/// Someone who serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: MemberName,
    pub(crate) display_name: String,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) offices: BTreeSet<Office>,
    pub(crate) source: Option<Source>,
    pub(crate) areas: BTreeSet<LocalCode>,
    pub(crate) villager_group: Option<LocalCode>,
    pub(crate) party_group: Option<LocalCode>,
    pub(crate) term_start: NaiveDate,
    /// First day no longer serving. Whoever has not been appointed has a term without a day in it.
    pub(crate) term_end: Option<NaiveDate>,
    /// The term as representative, or the last one, of somebody who serves in another office too; none: it is the whole term.
    pub(crate) representing: Option<Term>,
    pub(crate) state: State,
    /// What is known of somebody who was nominated; none of those who were entered in one step.
    pub(crate) candidacy: Option<Candidacy>,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Member {
    /// Does the term include this day?
    pub(crate) fn serves(&self, day: NaiveDate) -> bool {
        self.term_start <= day && self.term_end.is_none_or(|end| day < end)
    }

    /// # Errors
    /// `NOT_SERVING`.
    pub(crate) fn must_serve(&self, day: NaiveDate) -> Result<()> {
        if self.serves(day) {
            return Ok(());
        }
        Err(Error::refused(reasons::NOT_SERVING, format!("the term of {} does not include {day}", self.name)))
    }

    /// Does the member hold this office on this day?
    pub(crate) fn serves_in(&self, office: Office, day: NaiveDate) -> bool {
        let own = self.representing.filter(|_| office == Office::Representative);
        self.serves(day) && self.offices.contains(&office) && own.is_none_or(|term| term.start <= day && day < term.end)
    }

    /// # Errors
    /// `NOT_SERVING`, of somebody who has the office on other days.
    pub(crate) fn must_serve_in(&self, office: Office, day: NaiveDate) -> Result<()> {
        self.must_serve(day)?;
        if self.serves_in(office, day) || !self.offices.contains(&office) {
            return Ok(());
        }
        let message = format!("the term of {} in this office does not include {day}", self.name);
        Err(Error::refused(reasons::NOT_SERVING, message))
    }

    /// The news of this member as it now stands.
    pub(crate) fn news(&self, happened: Happened) -> Result<Change> {
        let village = self.name.village;
        Change::of(&pb::MemberChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
            change_time: Some(timestamp(self.updated_at)),
            // Serving is a public function; to be nominated for it is not.
            display_name: if self.state.is_public() { self.display_name.clone() } else { String::new() },
            offices: self.offices.iter().map(|office| (*office).into()).collect(),
            source: self.source.map_or(0, Into::into),
            areas: self.areas.iter().map(|area| AreaName::new(village, area.clone()).to_string()).collect(),
            villager_group: name_of(self.villager_group.as_ref(), |code| VillagerGroupName::new(village, code)),
            party_group: name_of(self.party_group.as_ref(), |code| PartyGroupName::new(village, code)),
            term_start: self.state.is_public().then(|| date(self.term_start)),
            term_end: self.term_end.filter(|_| self.state.is_public()).map(date),
            state: self.state.into(),
            representing_start: self.representing.map(|term| date(term.start)),
            representing_end: self.representing.map(|term| date(term.end)),
        })
    }
}

/// The name of a group that may be missing, as text.
pub(crate) fn name_of<N: ToString>(code: Option<&LocalCode>, name: impl FnOnce(LocalCode) -> N) -> String {
    code.cloned().map(|code| name(code).to_string()).unwrap_or_default()
}

/// A member to be entered.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) village: VillageCode,
    pub(crate) id: Option<Uuid>,
    pub(crate) display_name: String,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) offices: BTreeSet<Office>,
    pub(crate) source: Option<Source>,
    pub(crate) areas: BTreeSet<LocalCode>,
    pub(crate) villager_group: Option<LocalCode>,
    pub(crate) party_group: Option<LocalCode>,
    pub(crate) term_start: Option<NaiveDate>,
}

/// What an update changes: an outer none leaves the field as it is, an inner none empties it.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: MemberName,
    pub(crate) expected: Option<i64>,
    pub(crate) display_name: Option<String>,
    pub(crate) telephone: Option<Option<Telephone>>,
    pub(crate) offices: Option<BTreeSet<Office>>,
    pub(crate) source: Option<Option<Source>>,
    pub(crate) areas: Option<BTreeSet<LocalCode>>,
    pub(crate) villager_group: Option<Option<LocalCode>>,
    pub(crate) party_group: Option<Option<LocalCode>>,
    pub(crate) term_start: Option<NaiveDate>,
}

/// A term to be ended.
#[derive(Debug, Clone)]
pub(crate) struct EndTerm {
    pub(crate) name: MemberName,
    pub(crate) expected: Option<i64>,
    pub(crate) term_end: Option<NaiveDate>,
    /// Where seats and households go; none: the member has no seat to leave.
    pub(crate) handover: Option<Order>,
    /// By the end of the term, or by a recall.
    pub(crate) step: Step,
    pub(crate) note: String,
}

/// Which members a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) office: Option<Office>,
    pub(crate) serving: Option<bool>,
    pub(crate) display_name: Option<String>,
    /// None of them: those who have been appointed.
    pub(crate) states: Vec<State>,
}

/// A member holds an office, and a representative comes from one of the six sources.
pub(crate) fn create(name: MemberName, draft: Draft, now: DateTime<Utc>) -> Result<(Member, Change)> {
    let member = Member {
        name,
        display_name: draft.display_name,
        telephone: draft.telephone,
        offices: draft.offices,
        source: draft.source,
        areas: draft.areas,
        villager_group: draft.villager_group,
        party_group: draft.party_group,
        term_start: draft.term_start.unwrap_or_else(|| platform::clock::village_day(now)),
        term_end: None,
        representing: None,
        state: State::Appointed,
        candidacy: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    must_be_sound(&member)?;
    let change = member.news(Happened::Created)?;
    Ok((member, change))
}

/// Who holds a seat keeps the office that it asks for, and goes on serving; who stands in for somebody, in the teams of
/// `covers`, keeps every office.
pub(crate) fn update(
    before: Member,
    update: Update,
    seats: &[Team],
    covers: &[TeamName],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Member, Change)> {
    if !before.state.is_public() && (update.offices.is_some() || update.term_start.is_some()) {
        return Err(Error::field("update_mask", "offices and term come with the appointment"));
    }
    let offices = before.offices.clone();
    let represents = update.offices.as_ref().unwrap_or(&before.offices).contains(&Office::Representative);
    let member = Member {
        display_name: update.display_name.unwrap_or(before.display_name),
        telephone: update.telephone.unwrap_or(before.telephone),
        offices: update.offices.unwrap_or(before.offices),
        source: update.source.unwrap_or(before.source),
        areas: update.areas.unwrap_or(before.areas),
        villager_group: update.villager_group.unwrap_or(before.villager_group),
        party_group: update.party_group.unwrap_or(before.party_group),
        term_start: update.term_start.unwrap_or(before.term_start),
        representing: before.representing.filter(|_| represents && offices.contains(&Office::Representative)),
        revision: before.revision + 1,
        updated_at: now,
        ..before
    };
    must_be_sound(&member)?;
    let fits = |team: &Team| team.offices_of(&member.name).all(|office| member.offices.contains(&office));
    if let Some(team) = seats.iter().find(|team| !fits(team) || !member.serves(today)) {
        return Err(seated(&member.name, team));
    }
    if let Some(team) = covers.first()
        && !(offices.is_subset(&member.offices) && member.serves(today))
    {
        return Err(standing_in(&member.name, team));
    }
    let change = member.news(Happened::Updated)?;
    Ok((member, change))
}

/// A term ends once, by its end or by a recall, not in the future, and not while a seat is held or somebody's absence
/// covered.
pub(crate) fn leave(
    before: Member,
    step: Step,
    day: NaiveDate,
    seats: &[Team],
    covers: &[TeamName],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Member, Change)> {
    let state = before.state.after(step)?;
    if day > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{day} lies in the future")));
    }
    if day < before.term_start {
        return Err(Error::field("term_end", format!("lies before the term began, on {}", before.term_start)));
    }
    if let Some(team) = seats.first() {
        return Err(seated(&before.name, team));
    }
    if let Some(team) = covers.first() {
        return Err(standing_in(&before.name, team));
    }
    if let Some(end) = before.term_end.filter(|end| *end < day) {
        return Err(Error::field("term_end", format!("lies after the term's end, on {end}")));
    }
    let member = Member { term_end: Some(day), state, revision: before.revision + 1, updated_at: now, ..before };
    let change = member.news(if state == State::Recalled { Happened::Recalled } else { Happened::TermEnded })?;
    Ok((member, change))
}

/// The term as representative has run out of somebody who goes on serving in another office.
pub(crate) fn stop_representing(before: Member, now: DateTime<Utc>) -> Result<(Member, Change)> {
    let mut member = Member { source: None, revision: before.revision + 1, updated_at: now, ..before };
    member.offices.remove(&Office::Representative);
    let change = member.news(Happened::Updated)?;
    Ok((member, change))
}

fn seated(member: &MemberName, team: &Team) -> Error {
    Error::refused(reasons::SEAT_TAKEN, format!("{member} holds a seat of {}; vacate it first", team.name))
}

fn standing_in(member: &MemberName, team: &TeamName) -> Error {
    let message = format!("{member} stands in for somebody in {team}; end that absence first");
    Error::refused(reasons::SEAT_COVERED, message)
}

fn must_be_sound(member: &Member) -> Result<()> {
    let mut wrong = Violations::new();
    if member.offices.is_empty() {
        wrong.add("member.offices", "is missing: a member holds at least one office");
    }
    match (member.offices.contains(&Office::Representative), member.source) {
        (true, None) => wrong.add("member.source", "is missing: it says where a representative comes from"),
        (false, Some(_)) => wrong.add("member.source", "is for representatives only"),
        _ => {}
    }
    wrong.finish(Some(()))
}

#[cfg(test)]
mod tests;
