//! What was done with concerns, read. It is never changed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use platform::{Error, Page, Result, Tx};
use proto::names::{ConcernName, VillageCode};
use sqlx::FromRow;
use uuid::Uuid;

use crate::concern::owner::{Owner, OwnerKind};
use crate::concern::record::{Move, MoveKind, State};
use crate::concern::rules::Before;

#[derive(FromRow)]
struct MoveRow {
    revision: i64,
    kind: MoveKind,
    from_state: Option<State>,
    to_state: State,
    actor: String,
    office: String,
    moved_at: DateTime<Utc>,
    note: String,
    owner_kind: OwnerKind,
    owner: Option<String>,
    assignee_kind: Option<OwnerKind>,
    assignee: Option<String>,
    spent: Option<i64>,
    due_at: Option<DateTime<Utc>>,
    respond_by: Option<DateTime<Utc>>,
}

/// A page of what was done with a concern, the first move first.
pub(crate) async fn move_list(tx: &mut Tx, name: &ConcernName, page: &Page) -> Result<Vec<Move>> {
    let rows: Vec<MoveRow> = sqlx::query_as(
        "select revision, kind, from_state, to_state, actor, office, moved_at, note, owner_kind, owner, assignee_kind,
                assignee, spent, due_at, respond_by
           from move
          where village = $1 and concern = $2 and revision > $3
          order by revision
          limit $4",
    )
    .bind(name.village.as_str())
    .bind(name.concern)
    .bind(page.after_number()?)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// All that was done with a concern, the first move first.
pub(crate) async fn moves_of(tx: &mut Tx, name: &ConcernName) -> Result<Vec<Move>> {
    let rows: Vec<MoveRow> = sqlx::query_as(
        "select revision, kind, from_state, to_state, actor, office, moved_at, note, owner_kind, owner, assignee_kind,
                assignee, spent, due_at, respond_by
           from move
          where village = $1 and concern = $2
          order by revision",
    )
    .bind(name.village.as_str())
    .bind(name.concern)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

#[derive(FromRow)]
struct BeforeRow {
    id: Uuid,
    #[sqlx(flatten)]
    before: Before,
}

/// How merged concerns stood before they were: what the move that merged each says, and the one before it.
pub(crate) async fn concerns_before(
    tx: &mut Tx,
    village: VillageCode,
    concerns: &[Uuid],
) -> Result<HashMap<Uuid, Before>> {
    let rows: Vec<BeforeRow> = sqlx::query_as(
        "select asked.id, merged.from_state as state, stood.respond_by, began.moved_at as answering_since,
                merged.moved_at as merged_at
           from unnest($2::uuid[]) as asked (id)
          cross join lateral (select revision, from_state, moved_at
                                from move
                               where village = $1 and concern = asked.id and kind = 'merged'
                               order by revision desc
                               limit 1) as merged
           join move as stood
             on stood.village = $1 and stood.concern = asked.id and stood.revision = merged.revision - 1
           left join lateral (select moved_at
                                from (select revision, kind, moved_at, respond_by,
                                             lag(respond_by) over (order by revision) as before
                                        from move
                                       where village = $1 and concern = asked.id and revision < merged.revision) as one
                               where respond_by is distinct from before
                                 and respond_by is not null
                                 and kind not in ('reckoned', 'split')
                               order by revision desc
                               limit 1) as began on true",
    )
    .bind(village.as_str())
    .bind(concerns)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.before)).collect())
}

/// Since when whoever has these concerns to answer has had the time for it: since the last move that gave somebody the time.
/// A calendar that was changed gives none, and a demand that a concern was taken out of gives back what was there.
pub(crate) async fn answering_since(
    tx: &mut Tx,
    names: &[&ConcernName],
) -> Result<HashMap<ConcernName, DateTime<Utc>>> {
    let rows: Vec<(String, Uuid, DateTime<Utc>)> = sqlx::query_as(
        "select distinct on (village, concern) village, concern, moved_at
           from (select village, concern, revision, kind, moved_at, respond_by,
                        lag(respond_by) over (partition by village, concern order by revision) as before
                   from move
                  where (village, concern) in (select * from unnest($1::text[], $2::uuid[]))) as one
          where respond_by is distinct from before
            and respond_by is not null
            and kind not in ('reckoned', 'split')
          order by village, concern, revision desc",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.concern).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|(village, id, at)| Ok((ConcernName::new(village.parse().map_err(Error::internal)?, id), at)))
        .collect()
}

impl TryFrom<MoveRow> for Move {
    type Error = Error;

    fn try_from(row: MoveRow) -> Result<Self> {
        Ok(Self {
            revision: row.revision,
            kind: row.kind,
            from: row.from_state,
            to: row.to_state,
            actor: row.actor,
            office: row.office,
            at: row.moved_at,
            note: row.note,
            owner: Owner::read(row.owner_kind, row.owner.as_deref())?,
            assignee: row.assignee_kind.map(|kind| Owner::read(kind, row.assignee.as_deref())).transpose()?,
            spent: row.spent,
            due_at: row.due_at,
            respond_by: row.respond_by,
        })
    }
}
