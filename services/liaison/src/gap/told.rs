//! What watchers are told of gaps, in the order in which the keeper noticed: which it has told, and from where to go on.

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Result, Tx};
use proto::names::VillageCode;

use super::store::{Row, missing};
use super::{Filter, Gap};

/// Rows that are read for a watcher at once.
const BATCH: i64 = 500;

/// Has the gaps of every village looked at again, since the day has changed. Of those that somebody is writing or looking at
/// now, whoever does so knows the day.
pub(super) async fn all_changed(tx: &mut Tx) -> Result<()> {
    sqlx::query(
        "update gap_state
            set changed = true
           from (select village from gap_state where not changed order by village for update skip locked) as free
          where gap_state.village = free.village",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A village whose gaps have to be looked at again.
#[derive(sqlx::FromRow)]
pub(super) struct Looked {
    village: String,
    /// How far its order has come.
    position: i64,
    /// The day on which it was looked at last.
    looked_on: Option<NaiveDate>,
}

/// Takes the next village after this one whose gaps have to be looked at again. Nobody else takes it meanwhile; what is being
/// written now is taken later. What is missing in an archived village is nobody's to fill any more.
pub(super) async fn village_take(tx: &mut Tx, after: &str) -> Result<Option<Looked>> {
    let row = sqlx::query_as(
        "select village, position, looked_on
           from gap_state
          where changed and village > $1
            and village not in (select village from village where state = 'archived')
          order by village
          limit 1
            for update skip locked",
    )
    .bind(after)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row)
}

/// Writes down what watchers of a village have to be told since it was last looked at, and answers how far its order has come
/// with it. A gap that was told is still the same as long as its first day lies in a time in which that is missing; what
/// closed and opened again meanwhile has two such times, and is told twice. What opened and closed between two looks that lie
/// days apart is told as both.
pub(super) async fn gaps_settle(
    tx: &mut Tx,
    looked: &Looked,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(VillageCode, i64)> {
    let (closed, opened, passed): (i64, i64, i64) = sqlx::query_as(concat!(
        "with ",
        missing!(
            "select id from household
              where village = $1
                and not exists (select from link
                                 where link.village = $1 and link.household = household.id
                                   and link.valid_to is null and link.valid_from <= coalesce($5, $2))
             union
             select household from gap where village = $1 and closed is null and household is not null"
        ),
        ", present as materialized (
             select * from missing where since <= $2 and (until is null or $2 < until)
         ), told as (
             select opened, what, household, since,
                    exists (select from present where present.what = gap.what and present.since <= gap.since) as still
               from gap
              where village = $1 and closed is null
         ), closing as (
             select told.opened, row_number() over (order by told.opened) as place,
                    coalesce(least(
                        -- The end of the time in which its first day lies; none if later records say that it never was.
                        (select min(missing.until) from missing
                          where (missing.what = told.what or missing.household = told.household)
                            and missing.since <= told.since and told.since < missing.until),
                        -- Or the day on which the household went to another grid, and is missed there.
                        (select min(was.since) from household_was was
                          where was.village = $1 and was.household = told.household and was.since > told.since
                            and was.grid <> split_part(told.what, '/', 2))),
                        told.since) as until
               from told
              where not still
         ), closed as (
             update gap
                set closed = $3 + closing.place, closed_at = $4, until = closing.until
               from closing
              where gap.village = $1 and gap.opened = closing.opened
             returning gap.opened
         ), opening as (
             select false as passed, present.*
               from present
              where not exists (select from told where told.still and told.what = present.what)
             union all
             select true, missing.*
               from missing
              where missing.until > $5 and missing.until <= $2
                and not exists (select from gap
                                 where gap.village = $1 and gap.what = missing.what and gap.since = missing.since)
         ), placed as (
             select row_number() over (order by passed desc, key) as place, opening.*
               from opening
         ), opened as (
             insert into gap (village, opened, what, kind, grid, household, number, seat, member, term_ended, since,
                              opened_at, closed, closed_at, until)
             select $1, $3 + before.closings + place, what, kind, grid, household, number, seat, member, term_ended,
                    since, $4,
                    case when passed then $3 + before.closings + before.openings + place end,
                    case when passed then $4 end,
                    case when passed then until end
               from placed
                    -- What closes does so first: a gap that opened again has the same key.
              cross join (select (select count(*) from closed) as closings, (select count(*) from placed) as openings)
                    as before
             returning closed is not null as passed
         )
         select (select count(*) from closed), (select count(*) from opened), (select count(*) from opened where passed)"
    ))
    .bind(&looked.village)
    .bind(today)
    .bind(looked.position)
    .bind(now)
    .bind(looked.looked_on)
    .fetch_one(&mut **tx)
    .await?;
    let position = looked.position + closed + opened + passed;
    sqlx::query("update gap_state set position = $2, changed = false, looked_on = $3 where village = $1")
        .bind(&looked.village)
        .bind(position)
        .bind(today)
        .execute(&mut **tx)
        .await?;
    Ok((looked.village.parse().map_err(Error::internal)?, position))
}

/// How far the order of each village has come.
pub(super) async fn positions(tx: &mut Tx) -> Result<Vec<(VillageCode, i64)>> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select village, position from gap_state").fetch_all(&mut **tx).await?;
    rows.into_iter().map(|(village, position)| Ok((village.parse().map_err(Error::internal)?, position))).collect()
}

/// How far the order of a village has come.
pub(super) async fn position(tx: &mut Tx, village: &VillageCode) -> Result<i64> {
    let position: Option<i64> = sqlx::query_scalar("select position from gap_state where village = $1")
        .bind(village.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(position.unwrap_or(0))
}

/// A gap that opened or closed, and its place in the order.
pub(super) struct Event {
    pub(super) position: i64,
    pub(super) closing: bool,
    pub(super) gap: Gap,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    position: i64,
    closing: bool,
    #[sqlx(flatten)]
    row: Row,
}

impl EventRow {
    fn read(self, village: VillageCode) -> Result<Event> {
        Ok(Event { position: self.position, closing: self.closing, gap: self.row.read(village)? })
    }
}

/// Some of the gaps that were open when the order of the village had come to `position`, after the one that opened at `after`;
/// none left: empty.
pub(super) async fn open_at(
    tx: &mut Tx,
    village: &VillageCode,
    grids: &Option<Vec<String>>,
    filter: &Filter,
    position: i64,
    after: i64,
) -> Result<Vec<Event>> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "select opened as position, false as closing, '' as key, kind, grid, household, number, seat, member, term_ended,
                since, null::date as until
           from gap
          where village = $1
            and opened > $2 and opened <= $3 and (closed is null or closed > $3)
            and ($4::text[] is null or grid = any ($4))
            and ($5::text is null or kind = $5)
            and ($6::text is null or grid = $6)
          order by opened
          limit $7",
    )
    .bind(village.as_str())
    .bind(after)
    .bind(position)
    .bind(grids)
    .bind(filter.kind)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(BATCH)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}

/// Some of what opened and closed between two places of the order; none left: empty.
pub(super) async fn events_between(
    tx: &mut Tx,
    village: &VillageCode,
    grids: &Option<Vec<String>>,
    filter: &Filter,
    after: i64,
    position: i64,
) -> Result<Vec<Event>> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "select event.position, event.closing, '' as key, gap.kind, gap.grid, gap.household, gap.number, gap.seat,
                gap.member, gap.term_ended, gap.since, case when event.closing then gap.until end as until
           from (select opened as position, false as closing, opened
                   from gap
                  where village = $1 and opened > $2 and opened <= $3
                 union all
                 select closed, true, opened
                   from gap
                  where village = $1 and closed > $2 and closed <= $3) as event
           join gap on gap.village = $1 and gap.opened = event.opened
          where ($4::text[] is null or gap.grid = any ($4))
            and ($5::text is null or gap.kind = $5)
            and ($6::text is null or gap.grid = $6)
          order by event.position
          limit $7",
    )
    .bind(village.as_str())
    .bind(after)
    .bind(position)
    .bind(grids)
    .bind(filter.kind)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(BATCH)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}
