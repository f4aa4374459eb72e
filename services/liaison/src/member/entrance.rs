//! How somebody comes to serve, and how that ends. Pure; the table of steps is `table`, and nobody comes past it but those
//! whom the village office enters in one step, or its workbook.

mod again;
mod table;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1::member_changed::Happened;
use proto::names::{GridCode, MemberName};
use proto::reasons;
use workbook::formats::Telephone;

use super::rules::{Member, Office, Source, Term};
use crate::entrance_rules::rules::EntranceRules;

pub(crate) use again::{Standing, nominate_again};
pub(crate) use table::{State, Step, Votes};

platform::choice! {
    /// A step, as it is recorded.
    pub(crate) enum StepKind as proto::liaison::v1::MemberStepKind {
        Entered = "entered",
        Nominated = "nominated",
        EligibilityChecked = "eligibility_checked",
        EndorsementRecorded = "endorsement_recorded",
        NoticePosted = "notice_posted",
        ObjectionRecorded = "objection_recorded",
        Appointed = "appointed",
        Evaluated = "evaluated",
        TermEnded = "term_ended",
        Recalled = "recalled",
        Declined = "declined",
    }
}

platform::choice! {
    /// The three principles by which a representative is found.
    pub(crate) enum Ground as proto::liaison::v1::NominationGround {
        Near = "near",
        Convenient = "convenient",
        Familiar = "familiar",
    }
}

platform::choice! {
    /// What an evaluation comes to.
    pub(crate) enum Grade as proto::liaison::v1::EvaluationGrade {
        Excellent = "excellent",
        Competent = "competent",
        Basic = "basic",
        NotCompetent = "not_competent",
    }
}

/// What is known of somebody who was nominated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidacy {
    pub(crate) grid: GridCode,
    pub(crate) grounds: BTreeSet<Ground>,
    /// The first day on which the public notice no longer runs.
    pub(crate) notice_until: Option<NaiveDate>,
    /// How far it has come, of somebody who had served, or been nominated, before: their own state is another. None once it
    /// is over, and of those whose state says it.
    pub(crate) standing: Option<Standing>,
}

/// Somebody to be nominated.
#[derive(Debug, Clone)]
pub(crate) struct Nomination {
    pub(crate) telephone: Option<Telephone>,
    pub(crate) source: Source,
    pub(crate) grid: GridCode,
    pub(crate) grounds: BTreeSet<Ground>,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) note: String,
}

impl Nomination {
    /// The day of the nomination, which has come and has its grounds.
    fn must_be_sound(&self, today: NaiveDate) -> Result<NaiveDate> {
        let day = self.day.unwrap_or(today);
        must_have_come(day, today)?;
        if self.grounds.is_empty() {
            return Err(Error::field("grounds", "is missing: near, convenient or familiar"));
        }
        Ok(day)
    }
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: StepKind,
    pub(crate) day: NaiveDate,
    pub(crate) votes: Option<Votes>,
    pub(crate) notice_until: Option<NaiveDate>,
    pub(crate) upheld: Option<bool>,
    pub(crate) term: Option<(NaiveDate, Option<NaiveDate>)>,
    pub(crate) grade: Option<Grade>,
    pub(crate) note: String,
}

impl Record {
    /// A step of this kind, of which nothing else is said.
    pub(crate) fn of(kind: StepKind, day: NaiveDate, note: String) -> Self {
        Self { kind, day, votes: None, notice_until: None, upheld: None, term: None, grade: None, note }
    }

    /// That the village office, or its workbook, entered a member: appointed in one step.
    pub(crate) fn entered(member: &Member) -> Self {
        let day = platform::clock::village_day(member.created_at);
        let term = Some((member.term_start, member.term_end));
        Self { term, ..Self::of(StepKind::Entered, day, String::new()) }
    }
}

/// Circumstances of a step.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The day of the step before.
    pub(crate) before: Option<NaiveDate>,
    /// Another record of somebody of the same name who serves, with the same telephone or with none known.
    pub(crate) serves_as: Option<MemberName>,
    /// What the village has settled.
    pub(crate) rules: EntranceRules,
    pub(crate) now: DateTime<Utc>,
    pub(crate) today: NaiveDate,
}

/// Somebody is nominated from one of the six sources, on at least one of the three grounds.
pub(crate) fn nominate(
    name: MemberName,
    display_name: String,
    nomination: Nomination,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Member, Record, Change)> {
    let day = nomination.must_be_sound(today)?;
    let member = Member {
        name,
        display_name,
        telephone: nomination.telephone,
        offices: [Office::Representative].into(),
        source: Some(nomination.source),
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: day,
        term_end: Some(day),
        representing: None,
        state: State::Nominated,
        candidacy: Some(Candidacy {
            grid: nomination.grid,
            grounds: nomination.grounds,
            notice_until: None,
            standing: None,
        }),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let change = member.news(Happened::Nominated)?;
    Ok((member, Record::of(StepKind::Nominated, day, nomination.note), change))
}

/// Takes a step of the entrance, or an evaluation. Terms end with [`super::rules::leave`], since seats and households go with
/// them.
pub(crate) fn take(
    before: Member,
    step: Step,
    day: Option<NaiveDate>,
    note: String,
    known: &Known,
) -> Result<(Member, Record, Change)> {
    let standing = before.candidacy.as_ref().and_then(|candidacy| candidacy.standing);
    let standing = standing.filter(|_| step.is_of_the_entrance());
    let state = standing.map_or(before.state, |standing| standing.state).after(step)?;
    let day = day.unwrap_or(known.today);
    must_have_come(day, known.today)?;
    must_follow(day, known.before)?;
    let mut member = Member { revision: before.revision + 1, updated_at: known.now, ..before };
    match standing {
        Some(standing) => member.stands(Standing { state, ..standing }),
        None => member.state = state,
    }
    let mut record = Record::of(StepKind::Evaluated, day, note);
    let happened = match step {
        Step::CheckEligibility { of_age } => {
            eligible(of_age, known)?;
            record.kind = StepKind::EligibilityChecked;
            Happened::EligibilityChecked
        }
        Step::RecordEndorsement(votes) => {
            votes.must_add_up()?;
            (record.kind, record.votes) = (StepKind::EndorsementRecorded, Some(votes));
            Happened::EndorsementRecorded
        }
        Step::PostNotice { days } => {
            let days = known.rules.notice(days)?;
            let until = day + chrono::Duration::days(days.into());
            (record.kind, record.notice_until) = (StepKind::NoticePosted, Some(until));
            if let Some(candidacy) = &mut member.candidacy {
                candidacy.notice_until = Some(until);
            }
            Happened::NoticePosted
        }
        Step::RecordObjection { upheld } => {
            (record.kind, record.upheld) = (StepKind::ObjectionRecorded, Some(upheld));
            Happened::ObjectionRecorded
        }
        Step::Appoint { term_start, term_end } => {
            let until = member.candidacy.as_ref().and_then(|candidacy| candidacy.notice_until);
            if let Some(until) = until.filter(|until| day < *until) {
                let message = format!("the public notice of {} runs until the day before {until}", member.name);
                return Err(Error::refused(reasons::NOTICE_RUNNING, message));
            }
            let start = term_start.unwrap_or(day);
            if start < day || term_end <= start {
                return Err(Error::field(
                    "term_end",
                    "has to lie after the term's start, which is not before the appointment",
                ));
            }
            match standing {
                Some(standing) => member.takes_office(standing.source, Term { start, end: term_end })?,
                None => (member.term_start, member.term_end) = (start, Some(term_end)),
            }
            (record.kind, record.term) = (StepKind::Appointed, Some((start, Some(term_end))));
            Happened::Appointed
        }
        Step::Evaluate(grade) => {
            record.grade = Some(grade);
            Happened::Evaluated
        }
        Step::Decline => {
            record.kind = StepKind::Declined;
            Happened::Declined
        }
        Step::EndTerm | Step::Recall => return Err(Error::internal("a term ends with what belongs to it")),
    };
    // Who serves is public, and is told by name with every step: not that they are nominated for something else.
    let happened = if standing.is_some() && happened != Happened::Appointed { Happened::Updated } else { happened };
    let change = member.news(happened)?;
    Ok((member, record, change))
}

/// Of age, and serving under no other record. That somebody is of age is said by whoever has seen it: no date of birth is
/// kept for it.
fn eligible(of_age: bool, known: &Known) -> Result<()> {
    if !of_age {
        return Err(Error::refused(reasons::NOT_ELIGIBLE, "a representative is of age"));
    }
    if let Some(other) = &known.serves_as {
        let message =
            format!("somebody of this name serves already, as {other}: if it is this person, nominate that member");
        return Err(Error::refused(reasons::NOT_ELIGIBLE, message));
    }
    Ok(())
}

fn must_follow(day: NaiveDate, before: Option<NaiveDate>) -> Result<()> {
    match before.filter(|earlier| day < *earlier) {
        Some(earlier) => Err(Error::field("date", format!("lies before the step before it, on {earlier}"))),
        None => Ok(()),
    }
}

fn must_have_come(day: NaiveDate, today: NaiveDate) -> Result<()> {
    if day > today {
        return Err(Error::refused(reasons::IN_THE_FUTURE, format!("{day} lies in the future")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
