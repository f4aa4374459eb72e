//! Writing concerns. A concern and the move that made it what it is are written by one statement.

use std::collections::HashSet;

use platform::{Authority, Error, OnConstraint, Result, Tx};
use proto::names::{ConcernName, GridCode};
use uuid::Uuid;

use crate::concern::receipt::Receipt;
use crate::concern::record::{Outcome, State, Step};

/// Stores concerns as they are after a step, and the step as a move. A first revision is inserted, a later one takes
/// the place of the one before it; a step that finds neither is not taken. Answers which steps were.
pub(crate) async fn steps_save(tx: &mut Tx, steps: &[(&Authority, &Step)]) -> Result<HashSet<ConcernName>> {
    if steps.is_empty() {
        return Ok(HashSet::new());
    }
    let taken: Vec<(String, Uuid)> = sqlx::query_as(
        "with step as (
             select *
               from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[],
                           $8::text[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                           $15::boolean[], $16::integer[], $17::integer[], $18::boolean[], $19::boolean[],
                           $20::date[], $21::date[], $22::date[], $23::date[], $24::date[], $25::date[], $26::date[],
                           $27::text[], $28::text[], $29::text[], $30::integer[], $31::uuid[], $32::text[],
                           $33::integer[], $34::integer[], $35::integer[], $36::integer[], $37::text[],
                           $38::bigint[], $39::timestamptz[], $40::timestamptz[], $41::timestamptz[],
                           $42::timestamptz[], $43::timestamptz[], $44::integer[], $45::timestamptz[], $46::text[],
                           $47::text[], $48::text[], $49::timestamptz[], $50::bigint[], $51::timestamptz[],
                           $52::timestamptz[], $53::text[], $54::text[], $55::text[], $56::text[], $57::text[])
                    as step (village, id, reference, matter, matter_type, text, household, grid, reporter, state,
                             owner_kind, owner, assignee_kind, assignee, routed, returns, reopenings, suspended,
                             supervised, reported_on, accepted_on, resolved_on, followed_up_on, confirmed_on,
                             closed_on, ended_on, result, resolved_by, outcome, score, ledger_row, urgency,
                             response_hours, resolution_hours, extension_hours, extension_asked, extension_asked_by,
                             spent, running_since, response_due_at, responded_at, respond_by, due_at, warnings,
                             alarm_at, receipt, source, source_reference, acted_at, revision, created_at, updated_at,
                             kind, from_state, note, actor, office)
         ), kept as (
             insert into concern (village, id, reference, matter, matter_type, text, household, grid, reporter,
                                  state, owner_kind, owner, assignee_kind, assignee, routed, returns, reopenings,
                                  suspended, supervised, reported_on, accepted_on, resolved_on, followed_up_on,
                                  confirmed_on, closed_on, ended_on, result, resolved_by, outcome, score, ledger_row,
                                  urgency, response_hours, resolution_hours, extension_hours, extension_asked,
                                  extension_asked_by, spent, running_since, response_due_at, responded_at,
                                  respond_by, due_at, warnings, alarm_at, receipt, source, source_reference,
                                  acted_at, revision, created_at, updated_at)
             select village, id, reference, matter, matter_type, text, household, grid, reporter, state, owner_kind,
                    owner, assignee_kind, assignee, routed, returns, reopenings, suspended, supervised, reported_on,
                    accepted_on, resolved_on, followed_up_on, confirmed_on, closed_on, ended_on, result, resolved_by,
                    outcome, score, ledger_row, urgency, response_hours, resolution_hours, extension_hours,
                    extension_asked, extension_asked_by, spent, running_since, response_due_at, responded_at,
                    respond_by, due_at, warnings, alarm_at, receipt, source, source_reference, acted_at, revision,
                    created_at, updated_at
               from step
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
                    alarm_at = excluded.alarm_at, acted_at = excluded.acted_at, revision = excluded.revision,
                    updated_at = excluded.updated_at
              where concern.revision = excluded.revision - 1
             returning village, id
         )
         insert into move (village, concern, revision, kind, from_state, to_state, actor, office, moved_at, note,
                           owner_kind, owner, assignee_kind, assignee, spent, due_at, respond_by)
         select village, id, revision, kind, from_state, state, actor, office, updated_at, note, owner_kind, owner,
                assignee_kind, assignee, spent, due_at, respond_by
           from step
           join kept using (village, id)
         returning village, concern",
    )
    .bind(column(steps, |step| step.concern.name.village.to_string()))
    .bind(column(steps, |step| step.concern.name.concern))
    .bind(column(steps, |step| step.concern.reference.as_str()))
    .bind(column(steps, |step| step.concern.matter.as_str()))
    .bind(column(steps, |step| step.concern.matter_type.as_str()))
    .bind(column(steps, |step| step.concern.text.as_str()))
    .bind(column(steps, |step| step.concern.household))
    .bind(column(steps, |step| step.concern.grid.as_ref().map(GridCode::as_str)))
    .bind(column(steps, |step| step.concern.reporter))
    .bind(column(steps, |step| step.concern.state.as_str()))
    .bind(column(steps, |step| step.concern.owner.kind().as_str()))
    .bind(column(steps, |step| step.concern.owner.key()))
    .bind(column(steps, |step| step.concern.assignee.map(|assignee| assignee.kind().as_str())))
    .bind(column(steps, |step| step.concern.assignee.and_then(|assignee| assignee.key())))
    .bind(column(steps, |step| step.concern.routed))
    .bind(column(steps, |step| step.concern.returns))
    .bind(column(steps, |step| step.concern.reopenings))
    .bind(column(steps, |step| step.concern.suspended))
    .bind(column(steps, |step| step.concern.supervised))
    .bind(column(steps, |step| step.concern.reported_on))
    .bind(column(steps, |step| step.concern.accepted_on))
    .bind(column(steps, |step| step.concern.resolved_on))
    .bind(column(steps, |step| step.concern.followed_up_on))
    .bind(column(steps, |step| step.concern.confirmed_on))
    .bind(column(steps, |step| step.concern.closed_on))
    .bind(column(steps, |step| step.concern.ended_on))
    .bind(column(steps, |step| step.concern.result.as_str()))
    .bind(column(steps, |step| step.concern.resolved_by.as_deref()))
    .bind(column(steps, |step| step.concern.outcome.map(Outcome::as_str)))
    .bind(column(steps, |step| step.concern.score))
    .bind(column(steps, |step| step.concern.ledger_row))
    .bind(column(steps, |step| step.concern.deadline.urgency.as_str()))
    .bind(column(steps, |step| step.concern.deadline.response_hours))
    .bind(column(steps, |step| step.concern.deadline.resolution_hours))
    .bind(column(steps, |step| step.concern.deadline.extension_hours))
    .bind(column(steps, |step| step.concern.deadline.extension_asked))
    .bind(column(steps, |step| step.concern.deadline.extension_asked_by.as_deref()))
    .bind(column(steps, |step| step.concern.deadline.spent))
    .bind(column(steps, |step| step.concern.deadline.running_since))
    .bind(column(steps, |step| step.concern.deadline.response_due_at))
    .bind(column(steps, |step| step.concern.deadline.responded_at))
    .bind(column(steps, |step| step.concern.deadline.respond_by))
    .bind(column(steps, |step| step.concern.deadline.due_at))
    .bind(column(steps, |step| step.concern.deadline.warnings))
    .bind(column(steps, |step| step.concern.deadline.alarm_at))
    .bind(column(steps, |step| step.concern.receipt.as_ref().map(Receipt::as_str)))
    .bind(column(steps, |step| step.concern.source.as_ref().map(|source| source.system.as_str())))
    .bind(column(steps, |step| step.concern.source.as_ref().map(|source| source.reference.as_str())))
    .bind(column(steps, |step| step.concern.acted_at))
    .bind(column(steps, |step| step.concern.revision))
    .bind(column(steps, |step| step.concern.created_at))
    .bind(column(steps, |step| step.concern.updated_at))
    .bind(column(steps, |step| step.kind.as_str()))
    .bind(column(steps, |step| step.from.map(State::as_str)))
    .bind(column(steps, |step| step.note.as_str()))
    .bind(steps.iter().map(|(by, _)| by.subject()).collect::<Vec<_>>())
    .bind(steps.iter().map(|(by, _)| by.office().as_str()).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await
    .on_constraint("concern_reference", || Error::AlreadyExists("a concern with this reference".to_owned()))?;
    taken.into_iter().map(|(village, id)| Ok(ConcernName::new(village.parse().map_err(Error::internal)?, id))).collect()
}

/// One column of many steps.
fn column<'a, T>(steps: &[(&'a Authority, &'a Step)], of: impl Fn(&'a Step) -> T) -> Vec<T> {
    steps.iter().map(|(_, step)| of(step)).collect()
}
