//! Proposals in the database, and the open concerns that are compared.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use platform::{Authority, Error, Page, Result, Tx};
use proto::names::{DemandProposalName, GridCode, VillageCode};
use proto::reasons;
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::likeness::{Candidate, Gathered, Group};
use super::rules::{Found, Proposal, State, WINDOW};
use crate::concern::{Kind, MERGEABLE, Matter};

/// Open concerns of one look: all that a large village has. The latest, should there be more.
const MOST: i64 = 10_000;

/// A query for whole proposals.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select village, id, matter, matter_type, state, joins, concerns, households, grids, likeness, demand, reason,
                    decided_by, decided_office, revision, created_at, updated_at
               from demand_proposal ",
            $rest
        )
    };
}

#[derive(FromRow)]
struct Row {
    village: String,
    id: Uuid,
    matter: Matter,
    matter_type: String,
    state: State,
    joins: Option<Uuid>,
    concerns: Vec<Uuid>,
    households: Vec<Uuid>,
    grids: Vec<String>,
    likeness: i32,
    demand: Option<Uuid>,
    reason: String,
    decided_by: String,
    decided_office: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Proposal {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            name: DemandProposalName::new(row.village.parse().map_err(Error::internal)?, row.id),
            kind: Kind { matter: row.matter, matter_type: row.matter_type },
            state: row.state,
            group: Group {
                joins: row.joins,
                concerns: row.concerns,
                households: row.households.into_iter().collect(),
                grids: row.grids.iter().map(|grid| grid.parse()).collect::<Result<_, _>>().map_err(Error::internal)?,
                likeness: row.likeness,
            },
            demand: row.demand,
            reason: row.reason,
            decided_by: row.decided_by,
            decided_office: row.decided_office,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Lets one after the other look at a village, so that two do not propose the same.
pub(super) async fn looking_lock(tx: &mut Tx, village: VillageCode) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('proposals of ' || $1, 0))")
        .bind(village.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(FromRow)]
struct CandidateRow {
    id: Uuid,
    matter: Matter,
    matter_type: String,
    household: Option<Uuid>,
    grid: Option<String>,
    text: String,
}

impl CandidateRow {
    fn read(self) -> Result<(Kind, Candidate)> {
        let grid: Option<GridCode> = self.grid.map(|grid| grid.parse()).transpose().map_err(Error::internal)?;
        let kind = Kind { matter: self.matter, matter_type: self.matter_type };
        Ok((kind, Candidate { concern: self.id, household: self.household, grid, text: self.text }))
    }
}

/// The village's open concerns that could become part of a demand, of one kind or of all. They are read off the index of open
/// concerns, in which a village's stand together; their kind is looked at in the rows.
pub(super) async fn candidates_find(tx: &mut Tx, village: VillageCode, only: Option<&Kind>) -> Result<Found> {
    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::new("select id, matter, matter_type, household, grid, text from concern where village = ");
    query.push_bind(village.as_str()).push(" and ended_on is null and not suspended and state = any(");
    query.push_bind(MERGEABLE.iter().map(|state| state.as_str()).collect::<Vec<_>>()).push(")");
    let mut most = MOST;
    if let Some(kind) = only {
        query.push(" and matter = ").push_bind(kind.matter);
        query.push(" and matter_type = ").push_bind(kind.matter_type.as_str());
        // One more than is compared tells that there are more.
        most = i64::try_from(WINDOW + 1).unwrap_or(MOST);
    }
    query.push(" order by reported_on desc, id desc limit ").push_bind(most);
    let rows: Vec<CandidateRow> = query.build_query_as().fetch_all(&mut **tx).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|found| found >= most);
    let mut concerns: BTreeMap<Kind, Vec<Candidate>> = BTreeMap::new();
    for row in rows.into_iter().rev() {
        let (kind, candidate) = row.read()?;
        concerns.entry(kind).or_default().push(candidate);
    }
    Ok(Found { concerns, more })
}

#[derive(FromRow)]
struct GatheredRow {
    demand: Uuid,
    #[sqlx(flatten)]
    first: CandidateRow,
}

/// The village's open demands, of one kind or of all, each with the earliest of its concerns. A village has few.
pub(super) async fn demands_find(
    tx: &mut Tx,
    village: VillageCode,
    only: Option<&Kind>,
) -> Result<BTreeMap<Kind, Vec<Gathered>>> {
    let rows: Vec<GatheredRow> = sqlx::query_as(
        "select demand.id as demand, matter, matter_type, first.id, household, grid, text
           from demand
          cross join lateral (select id, household, grid, text
                                from concern
                               where village = $1 and concern.demand = demand.id and state = 'merged'
                               order by created_at, id
                               limit 1) as first
          where village = $1
            and state = 'open'
            and ($2::text is null or matter = $2 and matter_type = $3)
          order by demand.created_at, demand.id",
    )
    .bind(village.as_str())
    .bind(only.map(|kind| kind.matter))
    .bind(only.map(|kind| kind.matter_type.as_str()))
    .fetch_all(&mut **tx)
    .await?;
    let mut demands: BTreeMap<Kind, Vec<Gathered>> = BTreeMap::new();
    for GatheredRow { demand, first } in rows {
        let (kind, first) = first.read()?;
        demands.entry(kind).or_default().push(Gathered { demand, first });
    }
    Ok(demands)
}

/// The proposals that a look may change, and those by which something was decided of the concerns that it found.
pub(super) async fn standing_find(
    tx: &mut Tx,
    village: VillageCode,
    only: Option<&Kind>,
    found: &Found,
) -> Result<Vec<Proposal>> {
    let concerns: Vec<Uuid> = found.concerns.values().flatten().map(|one| one.concern).collect();
    let rows: Vec<Row> = sqlx::query_as(select!(
        "where village = $1
           and ($2::text is null or matter = $2 and matter_type = $3)
           and (state = 'open' or concerns && $4)
         order by created_at, id"
    ))
    .bind(village.as_str())
    .bind(only.map(|kind| kind.matter))
    .bind(only.map(|kind| kind.matter_type.as_str()))
    .bind(concerns)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// A row of `demand_proposal`, as PostgreSQL reads it from JSON.
#[derive(Serialize)]
struct Saved<'a> {
    village: &'a str,
    id: String,
    matter: &'static str,
    matter_type: &'a str,
    state: &'static str,
    joins: Option<String>,
    concerns: Vec<String>,
    households: Vec<String>,
    grids: Vec<&'a str>,
    likeness: i32,
    demand: Option<String>,
    reason: &'a str,
    decided_by: &'a str,
    decided_office: &'a str,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Stores proposals: a first revision is inserted, a later one takes the place of the one before it. Says how many were; what
/// somebody else has changed meanwhile is left as it is.
pub(super) async fn proposals_save(tx: &mut Tx, proposals: &[Proposal]) -> Result<u64> {
    let saved: Vec<Saved<'_>> = proposals
        .iter()
        .map(|one| Saved {
            village: one.name.village.as_str(),
            id: one.name.proposal.to_string(),
            matter: one.kind.matter.as_str(),
            matter_type: &one.kind.matter_type,
            state: one.state.as_str(),
            joins: one.group.joins.map(String::from),
            concerns: one.group.concerns.iter().map(Uuid::to_string).collect(),
            households: one.group.households.iter().map(Uuid::to_string).collect(),
            grids: one.group.grids.iter().map(GridCode::as_str).collect(),
            likeness: one.group.likeness,
            demand: one.demand.map(String::from),
            reason: &one.reason,
            decided_by: &one.decided_by,
            decided_office: &one.decided_office,
            revision: one.revision,
            created_at: one.created_at,
            updated_at: one.updated_at,
        })
        .collect();
    let done = sqlx::query(
        "insert into demand_proposal (village, id, matter, matter_type, state, joins, concerns, households, grids, likeness,
                                      demand, reason, decided_by, decided_office, revision, created_at, updated_at)
         select village, id, matter, matter_type, state, joins, concerns, households, grids, likeness, demand, reason,
                decided_by, decided_office, revision, created_at, updated_at
           from json_populate_recordset(null::demand_proposal, $1::json)
         on conflict (village, id) do update
            set state = excluded.state, concerns = excluded.concerns, households = excluded.households,
                grids = excluded.grids, likeness = excluded.likeness, demand = excluded.demand,
                reason = excluded.reason, decided_by = excluded.decided_by, decided_office = excluded.decided_office,
                revision = excluded.revision, updated_at = excluded.updated_at
          where demand_proposal.revision = excluded.revision - 1",
    )
    .bind(serde_json::to_string(&saved).map_err(Error::internal)?)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn proposal_get(tx: &mut Tx, name: &DemandProposalName) -> Result<Option<Proposal>> {
    let row: Option<Row> = sqlx::query_as(select!("where village = $1 and id = $2"))
        .bind(name.village.as_str())
        .bind(name.proposal)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// The proposal, kept from others until the transaction ends.
pub(super) async fn proposal_lock(tx: &mut Tx, name: &DemandProposalName) -> Result<Option<Proposal>> {
    let row: Option<Row> = sqlx::query_as(select!("where village = $1 and id = $2 for update"))
        .bind(name.village.as_str())
        .bind(name.proposal)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// Which proposals a list shows.
#[derive(Debug, Clone)]
pub(in crate::demand) struct Filter {
    pub(super) village: VillageCode,
    pub(super) state: Option<State>,
    pub(super) matter: Option<Matter>,
    pub(super) matter_type: Option<String>,
    pub(super) grid: Option<GridCode>,
}

/// A page of proposals, the latest first. A village has few: what else is asked is looked at in the rows.
pub(super) async fn proposal_list(tx: &mut Tx, filter: &Filter, by: &Authority, page: &Page) -> Result<Vec<Proposal>> {
    let (at, id) = page.after().map(place_in_list).transpose()?.unzip();
    let rows: Vec<Row> = sqlx::query_as(select!(
        "where village = $1
           and ($2::text is null or state = $2)
           and ($3::text is null or matter = $3)
           and ($4::text is null or matter_type = $4)
           and ($5::text is null or $5 = any(grids))
           and ($6::text[] is null or grids && $6)
           and ($7::timestamptz is null or (created_at, id) < ($7, $8))
         order by created_at desc, id desc
         limit $9"
    ))
    .bind(filter.village.as_str())
    .bind(filter.state)
    .bind(filter.matter)
    .bind(filter.matter_type.as_deref())
    .bind(filter.grid.as_ref().map(GridCode::as_str))
    .bind(by.grids())
    .bind(at)
    .bind(id)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Where a proposal stands in the list: the key of a page.
pub(super) fn list_key(one: &Proposal) -> String {
    format!("{}/{}", one.created_at.timestamp_micros(), one.name.proposal)
}

fn place_in_list(key: &str) -> Result<(DateTime<Utc>, Uuid)> {
    let read = key
        .split_once('/')
        .and_then(|(at, id)| Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?)));
    read.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))
}

/// Villages at work that have open concerns, in the order of their codes, after one of them.
pub(super) async fn villages_find(tx: &mut Tx, after: &str, most: i64) -> Result<Vec<String>> {
    // From one village to the next along the index, past all of its concerns.
    Ok(sqlx::query_scalar(
        "with recursive there (village) as (
             (select village from concern where ended_on is null and village > $1 order by village limit 1)
             union all
             select (select concern.village
                       from concern
                      where concern.ended_on is null and concern.village > there.village
                      order by concern.village
                      limit 1)
               from there
              where there.village is not null
         )
         select village
           from there
          where village is not null
            and village not in (select village from village where state = 'archived')
          limit $2",
    )
    .bind(after)
    .bind(most)
    .fetch_all(&mut **tx)
    .await?)
}
