//! Writing concerns. A concern and the move that made it what it is are written by one statement.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Authority, Error, OnConstraint, Result, Tx};
use proto::names::{ConcernName, GridCode};
use serde::Serialize;
use uuid::Uuid;

use crate::concern::receipt::Receipt;
use crate::concern::record::{Outcome, State, Step};

/// Stores concerns as they are after a step, and the step as a move. A first revision is inserted, a later one takes
/// the place of the one before it; a step that finds neither is not taken. Answers which steps were.
pub(crate) async fn steps_save(tx: &mut Tx, steps: &[(&Authority, &Step)]) -> Result<HashSet<ConcernName>> {
    if steps.is_empty() {
        return Ok(HashSet::new());
    }
    let concerns: Vec<_> = steps.iter().map(|(_, step)| ConcernRow::of(step)).collect();
    let moves: Vec<_> = steps.iter().map(|(by, step)| MoveRow::of(by, step)).collect();
    // As text of JSON: an array for each of so many columns costs the server half a millisecond, however few the rows.
    let taken: Vec<(String, Uuid)> = sqlx::query_as(
        "with kept as (
             insert into concern (village, id, reference, matter, matter_type, text, household, grid, reporter,
                                  state, owner_kind, owner, assignee_kind, assignee, routed, returns, reopenings,
                                  suspended, supervised, reported_on, accepted_on, resolved_on, followed_up_on,
                                  confirmed_on, closed_on, ended_on, result, resolved_by, outcome, score, ledger_row,
                                  urgency, response_hours, resolution_hours, extension_hours, extension_asked,
                                  extension_asked_by, spent, running_since, response_due_at, responded_at,
                                  respond_by, due_at, warnings, alarm_at, receipt, source, source_reference,
                                  demand, sensitive, detailed, acted_at, revision, created_at, updated_at,
                                  deliberation)
             select village, id, reference, matter, matter_type, text, household, grid, reporter, state, owner_kind,
                    owner, assignee_kind, assignee, routed, returns, reopenings, suspended, supervised, reported_on,
                    accepted_on, resolved_on, followed_up_on, confirmed_on, closed_on, ended_on, result, resolved_by,
                    outcome, score, ledger_row, urgency, response_hours, resolution_hours, extension_hours,
                    extension_asked, extension_asked_by, spent, running_since, response_due_at, responded_at,
                    respond_by, due_at, warnings, alarm_at, receipt, source, source_reference, demand, sensitive,
                    detailed, acted_at, revision, created_at, updated_at, deliberation
               from json_populate_recordset(null::concern, $1::json)
             on conflict (village, id) do update
                set reference = excluded.reference, matter = excluded.matter, matter_type = excluded.matter_type,
                    text = excluded.text, household = excluded.household, grid = excluded.grid,
                    reporter = excluded.reporter, state = excluded.state, owner_kind = excluded.owner_kind,
                    owner = excluded.owner, assignee_kind = excluded.assignee_kind, assignee = excluded.assignee,
                    routed = excluded.routed, returns = excluded.returns, reopenings = excluded.reopenings,
                    suspended = excluded.suspended, supervised = excluded.supervised,
                    reported_on = excluded.reported_on, accepted_on = excluded.accepted_on,
                    resolved_on = excluded.resolved_on, followed_up_on = excluded.followed_up_on,
                    confirmed_on = excluded.confirmed_on, closed_on = excluded.closed_on,
                    ended_on = excluded.ended_on, result = excluded.result, resolved_by = excluded.resolved_by,
                    outcome = excluded.outcome, score = excluded.score, ledger_row = excluded.ledger_row,
                    urgency = excluded.urgency, response_hours = excluded.response_hours,
                    resolution_hours = excluded.resolution_hours, extension_hours = excluded.extension_hours,
                    extension_asked = excluded.extension_asked, extension_asked_by = excluded.extension_asked_by,
                    spent = excluded.spent, running_since = excluded.running_since,
                    response_due_at = excluded.response_due_at, responded_at = excluded.responded_at,
                    respond_by = excluded.respond_by, due_at = excluded.due_at, warnings = excluded.warnings,
                    alarm_at = excluded.alarm_at, demand = excluded.demand, sensitive = excluded.sensitive,
                    detailed = excluded.detailed, acted_at = excluded.acted_at,
                    revision = excluded.revision, updated_at = excluded.updated_at,
                    deliberation = excluded.deliberation
              where concern.revision = excluded.revision - 1
             returning village, id
         )
         insert into move (village, concern, revision, kind, from_state, to_state, actor, office, moved_at, note,
                           owner_kind, owner, assignee_kind, assignee, spent, due_at, respond_by)
         select made.village, concern, revision, kind, from_state, to_state, actor, office, moved_at, note, owner_kind,
                owner, assignee_kind, assignee, spent, due_at, respond_by
           from json_populate_recordset(null::move, $2::json) as made
           join kept on kept.village = made.village and kept.id = made.concern
         returning village, concern",
    )
    .bind(serde_json::to_string(&concerns).map_err(Error::internal)?)
    .bind(serde_json::to_string(&moves).map_err(Error::internal)?)
    .fetch_all(&mut **tx)
    .await
    .on_constraint("concern_reference", || Error::AlreadyExists("a concern with this reference".to_owned()))?;
    taken.into_iter().map(|(village, id)| Ok(ConcernName::new(village.parse().map_err(Error::internal)?, id))).collect()
}

/// A row of `concern`, as PostgreSQL reads it from JSON.
#[derive(Serialize)]
struct ConcernRow<'a> {
    village: String,
    id: String,
    reference: &'a str,
    matter: &'static str,
    matter_type: &'a str,
    text: &'a str,
    household: Option<String>,
    grid: Option<&'a str>,
    reporter: Option<String>,
    state: &'static str,
    owner_kind: &'static str,
    owner: Option<String>,
    assignee_kind: Option<&'static str>,
    assignee: Option<String>,
    routed: bool,
    returns: i32,
    reopenings: i32,
    suspended: bool,
    supervised: bool,
    reported_on: NaiveDate,
    accepted_on: Option<NaiveDate>,
    resolved_on: Option<NaiveDate>,
    followed_up_on: Option<NaiveDate>,
    confirmed_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    ended_on: Option<NaiveDate>,
    result: &'a str,
    resolved_by: Option<&'a str>,
    outcome: Option<&'static str>,
    score: i32,
    ledger_row: Option<String>,
    urgency: &'static str,
    response_hours: i32,
    resolution_hours: i32,
    extension_hours: i32,
    extension_asked: i32,
    extension_asked_by: Option<&'a str>,
    spent: i64,
    running_since: Option<DateTime<Utc>>,
    response_due_at: Option<DateTime<Utc>>,
    responded_at: Option<DateTime<Utc>>,
    respond_by: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    warnings: i32,
    alarm_at: Option<DateTime<Utc>>,
    receipt: Option<&'a str>,
    source: Option<&'a str>,
    source_reference: Option<&'a str>,
    demand: Option<String>,
    deliberation: Option<String>,
    sensitive: bool,
    detailed: bool,
    acted_at: DateTime<Utc>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl<'a> ConcernRow<'a> {
    fn of(step: &'a Step) -> Self {
        let concern = &step.concern;
        let deadline = &concern.deadline;
        Self {
            village: concern.name.village.to_string(),
            id: concern.name.concern.to_string(),
            reference: concern.reference.as_str(),
            matter: concern.matter.as_str(),
            matter_type: concern.matter_type.as_str(),
            text: concern.text.as_str(),
            household: concern.household.map(String::from),
            grid: concern.grid.as_ref().map(GridCode::as_str),
            reporter: concern.reporter.map(String::from),
            state: concern.state.as_str(),
            owner_kind: concern.owner.kind().as_str(),
            owner: concern.owner.key(),
            assignee_kind: concern.assignee.map(|assignee| assignee.kind().as_str()),
            assignee: concern.assignee.and_then(|assignee| assignee.key()),
            routed: concern.routed,
            returns: concern.returns,
            reopenings: concern.reopenings,
            suspended: concern.suspended,
            supervised: concern.supervised,
            reported_on: concern.reported_on,
            accepted_on: concern.accepted_on,
            resolved_on: concern.resolved_on,
            followed_up_on: concern.followed_up_on,
            confirmed_on: concern.confirmed_on,
            closed_on: concern.closed_on,
            ended_on: concern.ended_on,
            result: concern.result.as_str(),
            resolved_by: concern.resolved_by.as_deref(),
            outcome: concern.outcome.map(Outcome::as_str),
            score: concern.score,
            ledger_row: concern.ledger_row.map(String::from),
            urgency: deadline.urgency.as_str(),
            response_hours: deadline.response_hours,
            resolution_hours: deadline.resolution_hours,
            extension_hours: deadline.extension_hours,
            extension_asked: deadline.extension_asked,
            extension_asked_by: deadline.extension_asked_by.as_deref(),
            spent: deadline.spent,
            running_since: deadline.running_since,
            response_due_at: deadline.response_due_at,
            responded_at: deadline.responded_at,
            respond_by: deadline.respond_by,
            due_at: deadline.due_at,
            warnings: deadline.warnings,
            alarm_at: deadline.alarm_at,
            receipt: concern.receipt.as_ref().map(Receipt::as_str),
            source: concern.source.as_ref().map(|source| source.system.as_str()),
            source_reference: concern.source.as_ref().map(|source| source.reference.as_str()),
            demand: concern.demand.map(String::from),
            deliberation: concern.deliberation.map(String::from),
            sensitive: concern.sensitive,
            detailed: concern.detailed,
            acted_at: concern.acted_at,
            revision: concern.revision,
            created_at: concern.created_at,
            updated_at: concern.updated_at,
        }
    }
}

/// A row of `move`, likewise.
#[derive(Serialize)]
struct MoveRow<'a> {
    village: String,
    concern: String,
    revision: i64,
    kind: &'static str,
    from_state: Option<&'static str>,
    to_state: &'static str,
    actor: &'a str,
    office: &'static str,
    moved_at: DateTime<Utc>,
    note: &'a str,
    owner_kind: &'static str,
    owner: Option<String>,
    assignee_kind: Option<&'static str>,
    assignee: Option<String>,
    spent: i64,
    due_at: Option<DateTime<Utc>>,
    respond_by: Option<DateTime<Utc>>,
}

impl<'a> MoveRow<'a> {
    fn of(by: &'a Authority, step: &'a Step) -> Self {
        let concern = &step.concern;
        Self {
            village: concern.name.village.to_string(),
            concern: concern.name.concern.to_string(),
            revision: concern.revision,
            kind: step.kind.as_str(),
            from_state: step.from.map(State::as_str),
            to_state: concern.state.as_str(),
            actor: by.subject(),
            office: by.office().as_str(),
            moved_at: concern.updated_at,
            note: step.note.as_str(),
            owner_kind: concern.owner.kind().as_str(),
            owner: concern.owner.key(),
            assignee_kind: concern.assignee.map(|assignee| assignee.kind().as_str()),
            assignee: concern.assignee.and_then(|assignee| assignee.key()),
            spent: concern.deadline.spent,
            due_at: concern.deadline.due_at,
            respond_by: concern.deadline.respond_by,
        }
    }
}
