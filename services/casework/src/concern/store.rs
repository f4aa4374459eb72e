//! Concerns in the database, read one by one and in lists; [`save`] writes them.

/// A query for whole concerns.
macro_rules! select {
    ($more:literal, $rest:literal) => {
        concat!(
            "select village, id, reference, matter, matter_type, text, household, grid, reporter, state, owner_kind,
                    owner, assignee_kind, assignee, routed, returns, reopenings, suspended, supervised, reported_on,
                    accepted_on, resolved_on, followed_up_on, confirmed_on, closed_on, ended_on, result, resolved_by,
                    outcome, score, ledger_row, urgency, response_hours, resolution_hours, extension_hours,
                    extension_asked, extension_asked_by, spent, running_since, response_due_at, responded_at, respond_by,
                    due_at, warnings, alarm_at, receipt, source, source_reference, demand, sensitive, detailed, acted_at,
                    revision, created_at, updated_at, deliberation",
            $more,
            " from concern ",
            $rest
        )
    };
}

mod detail;
mod list;
mod moves;
mod save;
mod watch;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Authority, Error, Result, Tx};
use proto::names::{ConcernName, VillageCode};
use sqlx::FromRow;
use uuid::Uuid;

use super::deadline::{Deadline, Urgency};
use super::owner::{Owner, OwnerKind};
use super::receipt::Receipt;
use super::record::{Concern, Matter, Outcome, Source, State};
use crate::place::{Place, SeatLeft};

pub(crate) use detail::{detail_save, details_load};
pub(crate) use list::{Filter, ListOrder, Work, concern_list};
pub(crate) use moves::{answering_since, concerns_before, move_list, moves_of};
pub(crate) use save::steps_save;
pub(crate) use watch::{alarms_put_off, concerns_ringing, concerns_running};

#[derive(FromRow)]
struct Row {
    village: String,
    id: Uuid,
    reference: String,
    matter: Matter,
    matter_type: String,
    text: String,
    household: Option<Uuid>,
    grid: Option<String>,
    reporter: Option<Uuid>,
    state: State,
    owner_kind: OwnerKind,
    owner: Option<String>,
    assignee_kind: Option<OwnerKind>,
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
    result: String,
    resolved_by: Option<String>,
    outcome: Option<Outcome>,
    score: i32,
    ledger_row: Option<Uuid>,
    urgency: Urgency,
    response_hours: i32,
    resolution_hours: i32,
    extension_hours: i32,
    extension_asked: i32,
    extension_asked_by: Option<String>,
    spent: i64,
    running_since: Option<DateTime<Utc>>,
    response_due_at: Option<DateTime<Utc>>,
    responded_at: Option<DateTime<Utc>>,
    respond_by: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    warnings: i32,
    alarm_at: Option<DateTime<Utc>>,
    receipt: Option<String>,
    source: Option<String>,
    source_reference: Option<String>,
    demand: Option<Uuid>,
    sensitive: bool,
    detailed: bool,
    acted_at: Option<DateTime<Utc>>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deliberation: Option<Uuid>,
}

impl TryFrom<Row> for Concern {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            name: ConcernName::new(row.village.parse().map_err(Error::internal)?, row.id),
            reference: row.reference,
            matter: row.matter,
            matter_type: row.matter_type,
            text: row.text,
            household: row.household,
            grid: row.grid.map(|grid| grid.parse()).transpose().map_err(Error::internal)?,
            reporter: row.reporter,
            state: row.state,
            owner: Owner::read(row.owner_kind, row.owner.as_deref())?,
            assignee: row.assignee_kind.map(|kind| Owner::read(kind, row.assignee.as_deref())).transpose()?,
            routed: row.routed,
            returns: row.returns,
            reopenings: row.reopenings,
            suspended: row.suspended,
            supervised: row.supervised,
            reported_on: row.reported_on,
            accepted_on: row.accepted_on,
            resolved_on: row.resolved_on,
            followed_up_on: row.followed_up_on,
            confirmed_on: row.confirmed_on,
            closed_on: row.closed_on,
            ended_on: row.ended_on,
            result: row.result,
            resolved_by: row.resolved_by,
            outcome: row.outcome,
            score: row.score,
            ledger_row: row.ledger_row,
            deadline: Deadline {
                urgency: row.urgency,
                response_hours: row.response_hours,
                resolution_hours: row.resolution_hours,
                extension_hours: row.extension_hours,
                extension_asked: row.extension_asked,
                extension_asked_by: row.extension_asked_by,
                spent: row.spent,
                running_since: row.running_since,
                response_due_at: row.response_due_at,
                responded_at: row.responded_at,
                respond_by: row.respond_by,
                due_at: row.due_at,
                warnings: row.warnings,
                alarm_at: row.alarm_at,
            },
            receipt: row.receipt.map(Receipt::kept),
            source: row.source.zip(row.source_reference).map(|(system, reference)| Source { system, reference }),
            demand: row.demand,
            // A version that does not know the column leaves it behind when it moves the concern on.
            deliberation: row.deliberation.filter(|_| row.state == State::Deliberating),
            sensitive: row.sensitive,
            withheld: false,
            detailed: row.detailed,
            detail: None,
            acted_at: row.acted_at.unwrap_or(row.updated_at),
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// One concern that the caller may see.
pub(crate) async fn concern_get(tx: &mut Tx, name: &ConcernName, by: &Authority) -> Result<Concern> {
    let row: Option<Row> = sqlx::query_as(select!("", "where village = $1 and id = $2"))
        .bind(name.village.as_str())
        .bind(name.concern)
        .fetch_optional(&mut **tx)
        .await?;
    let concern: Option<Concern> = row.map(TryInto::try_into).transpose()?;
    concern.filter(|concern| concern.is_seen_by(by)).ok_or_else(|| Error::NotFound(name.to_string()))
}

/// Those of a village's concerns of these ids that exist, as they are now.
pub(crate) async fn concerns_read(tx: &mut Tx, village: VillageCode, ids: &[Uuid]) -> Result<Vec<Concern>> {
    let rows: Vec<Row> = sqlx::query_as(select!("", "where village = $1 and id = any($2)"))
        .bind(village.as_str())
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Those of these concerns that exist, kept from others until this transaction ends.
pub(crate) async fn concerns_lock(tx: &mut Tx, names: &[ConcernName]) -> Result<HashMap<ConcernName, Concern>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    // In order, so that two transactions do not wait for each other.
    let rows: Vec<Row> = sqlx::query_as(select!(
        "",
        "where (village, id) in (select village, id from unnest($1::text[], $2::uuid[]) as asked (village, id))
         order by village, id
           for update"
    ))
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.concern).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let concern: Concern = row.try_into()?;
            Ok((concern.name.clone(), concern))
        })
        .collect()
}

/// Those of a ledger's rows that are here already, by id or by number, kept from others until the transaction ends.
pub(crate) async fn concerns_of_ledger(
    tx: &mut Tx,
    village: VillageCode,
    ids: &[Uuid],
    references: &[&str],
) -> Result<Vec<Concern>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "",
        "where village = $1 and (id = any($2) or reference = any($3)) order by id for update"
    ))
    .bind(village.as_str())
    .bind(ids)
    .bind(references)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// A village's concerns in the order in which they were raised, after one of them.
pub(crate) async fn concerns_of_village(
    tx: &mut Tx,
    village: VillageCode,
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> Result<Vec<Concern>> {
    let (day, id) = after.unwrap_or((NaiveDate::MIN, Uuid::nil()));
    let rows: Vec<Row> = sqlx::query_as(select!(
        "",
        "where village = $1 and (reported_on, id) > ($2, $3) order by reported_on, id limit $4"
    ))
    .bind(village.as_str())
    .bind(day.max(NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()))
    .bind(id)
    .bind(most)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

#[derive(FromRow)]
struct WaitingRow {
    #[sqlx(flatten)]
    concern: Row,
    known_grid: Option<String>,
    has_team: bool,
}

/// The concerns, open or part of a common demand, that those who left a seat own or were asked to take on in the grids of these
/// seats. They stay locked.
pub(crate) async fn concerns_of_those_who_left(tx: &mut Tx, left: &[SeatLeft]) -> Result<Vec<Concern>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "",
        "where (village, grid) in (select * from unnest($1::text[], $2::text[]))
           and (ended_on is null or state = 'merged')
           and exists (select from unnest($1::text[], $2::text[], $3::text[]) as seat (village, grid, member)
                        where seat.village = concern.village and seat.grid = concern.grid
                          and (concern.owner_kind = 'member' and concern.owner = seat.member
                               or concern.assignee_kind = 'member' and concern.assignee = seat.member))
         order by village, id
           for update of concern"
    ))
    .bind(left.iter().map(|one| one.village.as_str()).collect::<Vec<_>>())
    .bind(left.iter().map(|one| one.grid.as_str()).collect::<Vec<_>>())
    .bind(left.iter().map(|one| one.member.to_string()).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The concerns of these villages that wait for news which has come, with the place it tells, kept from others until
/// the transaction ends.
pub(crate) async fn concerns_waiting(tx: &mut Tx, villages: &[&str]) -> Result<Vec<(Concern, Place)>> {
    let rows: Vec<WaitingRow> = sqlx::query_as(select!(
        ", known_grid, has_team",
        "cross join lateral (
                select coalesce(concern.grid, (select household.grid
                                                 from household
                                                where household.village = concern.village
                                                  and household.id = concern.household)) as known_grid) as place
         cross join lateral (
                select exists (select 1
                                 from team
                                where team.village = concern.village
                                  and team.grid = known_grid) as has_team) as reach
         where not routed
           and village = any($1)
           and (has_team or (grid is null and known_grid is not null))
         order by village, id
           for update of concern"
    ))
    .bind(villages)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let place = Place::read(row.known_grid.as_deref(), true, false, row.has_team)?;
            Ok((row.concern.try_into()?, place))
        })
        .collect()
}
