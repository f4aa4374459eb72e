//! Deliberations, their sittings and their moves in the database.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Authority, Error, OnConstraint, Page, Result, Tx};
use proto::names::{DeliberationName, VillageCode};
use proto::reasons;
use sqlx::FromRow;
use uuid::Uuid;

use super::rules::{Deliberation, MoveKind, State, Subject, Taken};
use super::vote::{Counts, Step, Vote, Way};

/// Whether a deliberation is about something of these grids; null: all are theirs.
macro_rules! about {
    ($grids:literal) => {
        concat!(
            "(",
            $grids,
            "::text[] is null
             or exists (select
                          from concern
                         where concern.village = deliberation.village
                           and concern.id = any(deliberation.concerns)
                           and concern.grid = any(",
            $grids,
            "))
             or exists (select
                          from demand
                         where demand.village = deliberation.village
                           and demand.id = deliberation.demand
                           and (demand.grids && ",
            $grids,
            " or demand.owner_kind = 'team' and demand.owner = any(",
            $grids,
            "))))"
        )
    };
}

/// A query for deliberations without their sittings.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select village, id, title, proposal, subject, expense_yuan, large_expense_yuan, way, concerns, demand, state,
                    resolution, decided_on, noticed_on, notice_until, result_on, objections, revision, created_at, updated_at
               from deliberation ",
            $rest
        )
    };
}

#[derive(FromRow)]
struct Row {
    village: String,
    id: Uuid,
    title: String,
    proposal: String,
    subject: Subject,
    expense_yuan: i64,
    large_expense_yuan: i64,
    way: Way,
    concerns: Vec<Uuid>,
    demand: Option<Uuid>,
    state: State,
    resolution: String,
    decided_on: Option<NaiveDate>,
    noticed_on: Option<NaiveDate>,
    notice_until: Option<NaiveDate>,
    result_on: Option<NaiveDate>,
    objections: i32,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct VoteRow {
    deliberation: Uuid,
    place: i32,
    step: Step,
    held_on: NaiveDate,
    due: i32,
    present: i32,
    favour: i32,
    against: i32,
    abstaining: i32,
    due_members: Vec<Uuid>,
    present_members: Vec<Uuid>,
    proposal: String,
    minutes: String,
}

/// What was done with a deliberation, as it is kept.
#[derive(Debug, FromRow)]
pub(crate) struct Move {
    pub(crate) revision: i64,
    pub(crate) kind: MoveKind,
    pub(crate) actor: String,
    pub(crate) office: String,
    pub(crate) moved_at: DateTime<Utc>,
    pub(crate) note: String,
}

/// Which deliberations a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) village: VillageCode,
    pub(crate) state: Option<State>,
    pub(crate) concern: Option<Uuid>,
    pub(crate) demand: Option<Uuid>,
}

impl Row {
    fn with(self, votes: Vec<Vote>) -> Result<Deliberation> {
        Ok(Deliberation {
            name: DeliberationName::new(self.village.parse().map_err(Error::internal)?, self.id),
            title: self.title,
            proposal: self.proposal,
            subject: self.subject,
            expense_yuan: self.expense_yuan,
            large_expense_yuan: self.large_expense_yuan,
            way: self.way,
            concerns: self.concerns,
            demand: self.demand,
            state: self.state,
            resolution: self.resolution,
            decided_on: self.decided_on,
            noticed_on: self.noticed_on,
            notice_until: self.notice_until,
            result_on: self.result_on,
            objections: self.objections,
            votes,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl From<VoteRow> for Vote {
    fn from(row: VoteRow) -> Self {
        let VoteRow { due, present, favour, against, abstaining, .. } = row;
        Self {
            place: row.place,
            step: row.step,
            held_on: row.held_on,
            counts: Counts { due, present, favour, against, abstaining },
            due_members: row.due_members,
            present_members: row.present_members,
            proposal: row.proposal,
            minutes: row.minutes,
        }
    }
}

/// A deliberation, kept from others until this transaction ends.
pub(crate) async fn deliberation_lock(tx: &mut Tx, name: &DeliberationName) -> Result<Deliberation> {
    let row: Option<Row> = sqlx::query_as(select!("where village = $1 and id = $2 for update"))
        .bind(name.village.as_str())
        .bind(name.deliberation)
        .fetch_optional(&mut **tx)
        .await?;
    whole(tx, name, row).await
}

/// A deliberation that the caller may see: one about a concern or a demand of theirs.
pub(crate) async fn deliberation_get(tx: &mut Tx, name: &DeliberationName, by: &Authority) -> Result<Deliberation> {
    let row: Option<Row> = sqlx::query_as(concat!(select!("where village = $1 and id = $2 and "), about!("$3")))
        .bind(name.village.as_str())
        .bind(name.deliberation)
        .bind(by.grids())
        .fetch_optional(&mut **tx)
        .await?;
    whole(tx, name, row).await
}

async fn whole(tx: &mut Tx, name: &DeliberationName, row: Option<Row>) -> Result<Deliberation> {
    let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
    let mut votes = votes_of(tx, name.village, &[name.deliberation]).await?;
    row.with(votes.remove(&name.deliberation).unwrap_or_default())
}

/// A page of deliberations that the caller may see, the latest first.
pub(crate) async fn deliberation_list(
    tx: &mut Tx,
    filter: &Filter,
    by: &Authority,
    page: &Page,
) -> Result<Vec<Deliberation>> {
    let (at, id) = page.after().map(place_in_list).transpose()?.unzip();
    let rows: Vec<Row> = sqlx::query_as(concat!(
        select!(
            "where village = $1
               and ($2::text is null or state = $2)
               and ($3::uuid is null or $3 = any(concerns))
               and ($8::uuid is null or demand = $8)
               and ($5::timestamptz is null or (created_at, id) < ($5, $6))
               and "
        ),
        about!("$4"),
        " order by created_at desc, id desc limit $7"
    ))
    .bind(filter.village.as_str())
    .bind(filter.state)
    .bind(filter.concern)
    .bind(by.grids())
    .bind(at)
    .bind(id)
    .bind(page.limit())
    .bind(filter.demand)
    .fetch_all(&mut **tx)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut votes = votes_of(tx, filter.village, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let votes = votes.remove(&row.id).unwrap_or_default();
            row.with(votes)
        })
        .collect()
}

/// Where a deliberation stands in the list: the key of a page.
pub(crate) fn list_key(one: &Deliberation) -> String {
    format!("{}/{}", one.created_at.timestamp_micros(), one.name.deliberation)
}

fn place_in_list(key: &str) -> Result<(DateTime<Utc>, Uuid)> {
    let read = key
        .split_once('/')
        .and_then(|(at, id)| Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?)));
    read.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))
}

/// The sittings of deliberations, each one's in their order.
async fn votes_of(tx: &mut Tx, village: VillageCode, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<Vote>>> {
    let rows: Vec<VoteRow> = sqlx::query_as(
        "select deliberation, place, step, held_on, due, present, favour, against, abstaining, due_members, present_members,
                proposal, minutes
           from vote
          where village = $1 and deliberation = any($2)
          order by deliberation, place",
    )
    .bind(village.as_str())
    .bind(ids)
    .fetch_all(&mut **tx)
    .await?;
    let mut votes: HashMap<Uuid, Vec<Vote>> = HashMap::new();
    for row in rows {
        votes.entry(row.deliberation).or_default().push(row.into());
    }
    Ok(votes)
}

/// Everything that was done with a deliberation, the first first.
pub(crate) async fn moves_of(tx: &mut Tx, name: &DeliberationName) -> Result<Vec<Move>> {
    Ok(sqlx::query_as(
        "select revision, kind, actor, office, moved_at, note
           from deliberation_move
          where village = $1 and deliberation = $2
          order by revision",
    )
    .bind(name.village.as_str())
    .bind(name.deliberation)
    .fetch_all(&mut **tx)
    .await?)
}

/// Stores a deliberation as it is after something was done with it, its sitting if that was one, and the move.
pub(crate) async fn taken_save(tx: &mut Tx, taken: &Taken, by: &Authority) -> Result<()> {
    if taken.kind == MoveKind::Voted
        && let Some(vote) = taken.deliberation.votes.last()
    {
        vote_save(tx, &taken.deliberation.name, vote).await?;
    }
    let one = &taken.deliberation;
    let saved = sqlx::query(
        "with kept as (
             insert into deliberation (village, id, title, proposal, subject, expense_yuan, large_expense_yuan, way, concerns,
                                       state, resolution, decided_on, noticed_on, notice_until, result_on, objections,
                                       revision, created_at, updated_at, demand)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $24)
             on conflict (village, id) do update
                set state = excluded.state, resolution = excluded.resolution, decided_on = excluded.decided_on,
                    noticed_on = excluded.noticed_on, notice_until = excluded.notice_until, result_on = excluded.result_on,
                    objections = excluded.objections, revision = excluded.revision, updated_at = excluded.updated_at
              where deliberation.revision = excluded.revision - 1
             returning village, id
         )
         insert into deliberation_move (village, deliberation, revision, kind, actor, office, moved_at, note)
         select village, id, $17, $20, $21, $22, $19, $23 from kept",
    )
    .bind(one.name.village.as_str())
    .bind(one.name.deliberation)
    .bind(&one.title)
    .bind(&one.proposal)
    .bind(one.subject)
    .bind(one.expense_yuan)
    .bind(one.large_expense_yuan)
    .bind(one.way)
    .bind(&one.concerns)
    .bind(one.state)
    .bind(&one.resolution)
    .bind(one.decided_on)
    .bind(one.noticed_on)
    .bind(one.notice_until)
    .bind(one.result_on)
    .bind(one.objections)
    .bind(one.revision)
    .bind(one.created_at)
    .bind(one.updated_at)
    .bind(taken.kind)
    .bind(by.subject())
    .bind(by.office().as_str())
    .bind(&taken.note)
    .bind(one.demand)
    .execute(&mut **tx)
    .await
    // The rules have found so before; this is the wall behind them.
    .on_constraint("adopted_by_votes", || Error::refused(reasons::NO_VALID_VOTE, "没有有效的表决，不能作出决定"))?;
    // It is locked when it is changed, so only a new one can meet another.
    if saved.rows_affected() == 0 { Err(Error::AlreadyExists(one.name.to_string())) } else { Ok(()) }
}

async fn vote_save(tx: &mut Tx, name: &DeliberationName, vote: &Vote) -> Result<()> {
    sqlx::query(
        "insert into vote (village, deliberation, place, step, held_on, due, present, favour, against, abstaining,
                           due_members, present_members, proposal, minutes)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(name.village.as_str())
    .bind(name.deliberation)
    .bind(vote.place)
    .bind(vote.step)
    .bind(vote.held_on)
    .bind(vote.counts.due)
    .bind(vote.counts.present)
    .bind(vote.counts.favour)
    .bind(vote.counts.against)
    .bind(vote.counts.abstaining)
    .bind(&vote.due_members)
    .bind(&vote.present_members)
    .bind(&vote.proposal)
    .bind(&vote.minutes)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
