//! Demands in the database, and what their concerns add up to.

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Authority, Error, Page, Result, Tx};
use proto::names::{ConcernName, DemandName, GridCode, VillageCode};
use proto::reasons;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::rules::{Demand, MoveKind, State, Step, Sum};
use crate::concern::{self, Concern, Matter, Owner, OwnerKind};

/// A query for whole demands. Their deadline is the earliest of their merged concerns'.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select village, id, title, matter, matter_type, state, owner_kind, owner, grids, concerns, households, result,
                    escalations, deliberation, opened_on, ended_on, revision, created_at, updated_at,
                    (select min(concern.due_at)
                       from concern
                      where concern.village = demand.village and concern.demand = demand.id
                        and concern.state = 'merged') as due_at
               from demand ",
            $rest
        )
    };
}

#[derive(FromRow)]
struct Row {
    village: String,
    id: Uuid,
    title: String,
    matter: Matter,
    matter_type: String,
    state: State,
    owner_kind: OwnerKind,
    owner: Option<String>,
    grids: Vec<String>,
    concerns: i32,
    households: i32,
    result: String,
    escalations: i32,
    deliberation: Option<Uuid>,
    opened_on: NaiveDate,
    ended_on: Option<NaiveDate>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Demand {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            name: DemandName::new(row.village.parse().map_err(Error::internal)?, row.id),
            title: row.title,
            matter: row.matter,
            matter_type: row.matter_type,
            state: row.state,
            owner: Owner::read(row.owner_kind, row.owner.as_deref())?,
            sum: Sum {
                concerns: row.concerns,
                households: row.households,
                grids: row.grids.iter().map(|grid| grid.parse()).collect::<Result<_, _>>().map_err(Error::internal)?,
                due_at: row.due_at,
            },
            result: row.result,
            escalations: row.escalations,
            // A version that does not know the column answers a demand that is before one.
            deliberation: row.deliberation.filter(|_| row.state == State::Open),
            opened_on: row.opened_on,
            ended_on: row.ended_on,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(super) async fn demand_get(tx: &mut Tx, name: &DemandName) -> Result<Option<Demand>> {
    let row: Option<Row> = sqlx::query_as(select!("where village = $1 and id = $2"))
        .bind(name.village.as_str())
        .bind(name.demand)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// The demand, kept from others until the transaction ends.
pub(super) async fn demand_lock(tx: &mut Tx, name: &DemandName) -> Result<Option<Demand>> {
    let row: Option<Row> = sqlx::query_as(select!("where village = $1 and id = $2 for update"))
        .bind(name.village.as_str())
        .bind(name.demand)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// Stores a demand as it is after a step, and the step as a move. A first revision is inserted, a later one takes the place
/// of the one before it; says whether it was.
pub(super) async fn step_save(tx: &mut Tx, by: &Authority, step: &Step) -> Result<bool> {
    let demand = &step.demand;
    let taken: Option<Uuid> = sqlx::query_scalar(
        "with kept as (
             insert into demand (village, id, title, matter, matter_type, state, owner_kind, owner, grids, concerns,
                                 households, result, escalations, opened_on, ended_on, revision, created_at, updated_at,
                                 deliberation)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $23)
             on conflict (village, id) do update
                set title = excluded.title, state = excluded.state, owner_kind = excluded.owner_kind,
                    owner = excluded.owner, grids = excluded.grids, concerns = excluded.concerns,
                    households = excluded.households, result = excluded.result, escalations = excluded.escalations,
                    ended_on = excluded.ended_on, revision = excluded.revision, updated_at = excluded.updated_at,
                    deliberation = excluded.deliberation
              where demand.revision = excluded.revision - 1
             returning village, id, revision, state, owner_kind, owner, concerns, updated_at
         )
         insert into demand_move (village, demand, revision, kind, state, actor, office, moved_at, note, owner_kind, owner,
                                  concerns)
         select village, id, revision, $19, state, $20, $21, updated_at, $22, owner_kind, owner, concerns
           from kept
         returning demand",
    )
    .bind(demand.name.village.as_str())
    .bind(demand.name.demand)
    .bind(&demand.title)
    .bind(demand.matter)
    .bind(&demand.matter_type)
    .bind(demand.state)
    .bind(demand.owner.kind())
    .bind(demand.owner.key())
    .bind(demand.sum.grids.iter().map(GridCode::as_str).collect::<Vec<_>>())
    .bind(demand.sum.concerns)
    .bind(demand.sum.households)
    .bind(&demand.result)
    .bind(demand.escalations)
    .bind(demand.opened_on)
    .bind(demand.ended_on)
    .bind(demand.revision)
    .bind(demand.created_at)
    .bind(demand.updated_at)
    .bind(step.kind)
    .bind(by.subject())
    .bind(by.office().as_str())
    .bind(&step.note)
    .bind(demand.deliberation)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(taken.is_some())
}

/// What the merged concerns of a demand add up to.
pub(super) async fn members_sum(tx: &mut Tx, name: &DemandName) -> Result<Sum> {
    let (concerns, households, grids, due_at): (i64, i64, Vec<String>, Option<DateTime<Utc>>) = sqlx::query_as(
        "select count(*), count(distinct household),
                coalesce(array_agg(distinct grid) filter (where grid is not null), '{}'), min(due_at)
           from concern
          where village = $1 and demand = $2 and state = 'merged'",
    )
    .bind(name.village.as_str())
    .bind(name.demand)
    .fetch_one(&mut **tx)
    .await?;
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let grids = grids.iter().map(|grid| grid.parse()).collect::<Result<_, _>>().map_err(Error::internal)?;
    Ok(Sum { concerns: count(concerns), households: count(households), grids, due_at })
}

/// The merged concerns of a demand, kept from others until the transaction ends.
pub(super) async fn members_lock(tx: &mut Tx, name: &DemandName) -> Result<Vec<Concern>> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("select id from concern where village = $1 and demand = $2 and state = 'merged'")
            .bind(name.village.as_str())
            .bind(name.demand)
            .fetch_all(&mut **tx)
            .await?;
    // Nobody puts any in or takes any out meanwhile: that takes the demand's row, which is this transaction's.
    let names: Vec<ConcernName> = ids.into_iter().map(|id| ConcernName::new(name.village, id)).collect();
    let mut concerns: Vec<Concern> = concern::concerns_lock(tx, &names).await?.into_values().collect();
    concerns.sort_unstable_by_key(|concern| concern.name.concern);
    Ok(concerns)
}

/// A concern as part of a demand.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Member {
    pub(super) id: Uuid,
    pub(super) household: Option<Uuid>,
    pub(super) grid: Option<String>,
    pub(super) state: concern::State,
    pub(super) due_at: Option<DateTime<Utc>>,
}

/// The concerns of a demand that the caller may see, the earliest first.
pub(super) async fn members_list(tx: &mut Tx, name: &DemandName, by: &Authority) -> Result<Vec<Member>> {
    Ok(sqlx::query_as(
        "select id, household, grid, state, due_at
           from concern
          where village = $1
            and demand = $2
            and ($3::text[] is null or grid = any($3) or assignee_kind = 'team' and assignee = any($3))
          order by created_at, id",
    )
    .bind(name.village.as_str())
    .bind(name.demand)
    .bind(by.grids())
    .fetch_all(&mut **tx)
    .await?)
}

/// Which demands a list shows.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) village: VillageCode,
    pub(super) state: Option<State>,
    pub(super) matter: Option<Matter>,
    pub(super) grid: Option<GridCode>,
}

/// A page of demands, the latest first. A village has few: what else is asked is looked at in the rows.
pub(super) async fn demand_list(tx: &mut Tx, filter: &Filter, by: &Authority, page: &Page) -> Result<Vec<Demand>> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(select!("where village = "));
    query.push_bind(filter.village.as_str());
    if let Some(state) = filter.state {
        query.push(" and state = ").push_bind(state);
    }
    if let Some(matter) = filter.matter {
        query.push(" and matter = ").push_bind(matter);
    }
    if let Some(grid) = &filter.grid {
        query.push(" and ").push_bind(grid.as_str()).push(" = any(grids)");
    }
    if let Some(grids) = by.grids() {
        query.push(" and (grids && ").push_bind(grids.clone());
        query.push(" or owner_kind = 'team' and owner = any(").push_bind(grids).push("))");
    }
    if let Some(key) = page.after() {
        let (day, id) = place_in_list(key)?;
        query.push(" and (opened_on, id) < (").push_bind(day).push(", ").push_bind(id).push(")");
    }
    query.push(" order by opened_on desc, id desc limit ").push_bind(page.limit());
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut **tx).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Where a demand stands in the list: the key of a page.
pub(super) fn list_key(demand: &Demand) -> String {
    format!("{}/{}", demand.opened_on, demand.name.demand)
}

fn place_in_list(key: &str) -> Result<(NaiveDate, Uuid)> {
    let read = key.split_once('/').and_then(|(day, id)| Some((day.parse().ok()?, id.parse().ok()?)));
    read.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))
}

/// Something that was done with a demand, as it is kept.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Move {
    pub(super) revision: i64,
    pub(super) kind: MoveKind,
    pub(super) state: State,
    pub(super) actor: String,
    pub(super) office: String,
    pub(super) moved_at: DateTime<Utc>,
    pub(super) note: String,
    pub(super) owner_kind: OwnerKind,
    pub(super) owner: Option<String>,
    pub(super) concerns: i32,
}

/// A page of what was done with a demand, the first move first.
pub(super) async fn move_list(tx: &mut Tx, name: &DemandName, page: &Page) -> Result<Vec<Move>> {
    Ok(sqlx::query_as(
        "select revision, kind, state, actor, office, moved_at, note, owner_kind, owner, concerns
           from demand_move
          where village = $1 and demand = $2 and revision > $3
          order by revision
          limit $4",
    )
    .bind(name.village.as_str())
    .bind(name.demand)
    .bind(page.after_number()?)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?)
}
