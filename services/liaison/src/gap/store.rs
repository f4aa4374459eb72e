//! Gaps in the database: those there are, read from the records; those that were; and the order in which they opened and
//! closed.

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Page, Result, Tx};
use proto::names::{HouseholdName, MemberName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use super::{Filter, Gap, GapKind, Missing};
use crate::team::rules::Seat;

/// Rows that are read for a watcher at once.
const BATCH: i64 = 500;

/// What is missing in the village `$1` on the day `$2`. A day is null where the records do not tell since when.
macro_rules! present {
    () => {
        "select 'household/' || household.grid || '/' || household.id as what, 'household' as kind, household.grid,
                household.id as household, household.number, null::text as seat, null::uuid as member,
                false as term_ended,
                greatest(household.active_since,
                         (select max(ended.valid_to) from link ended
                           where ended.village = household.village and ended.household = household.id
                             and ended.valid_to > ended.valid_from)) as since,
                '1/' || household.grid || '/' || household.number || '/' || household.id as key
           from household
          where household.village = $1
            and household.state = 'active'
            and (household.active_since is null or household.active_since <= $2)
            and not exists (select from link
                             where link.village = household.village and link.household = household.id
                               and link.valid_from <= $2 and (link.valid_to is null or $2 < link.valid_to))
         union all
         select 'seat/' || team.grid || '/' || seat.name, 'seat', team.grid, null, null, seat.name, last.member,
                coalesce(last.valid_to = member.term_end, false), last.valid_to, '2/' || team.grid || '/' || seat.place
           from team
           join grid on grid.village = team.village and grid.code = team.grid and not grid.retired
          cross join lateral (values (1, 'cadre', team.cadre), (2, 'leader', team.leader),
                                     (3, 'representative', team.representative)) as seat (place, name, holder)
           left join lateral (select seating.member, seating.valid_to
                                from seating
                               where seating.village = team.village and seating.grid = team.grid
                                 and seating.seat = seat.name and seating.valid_to > seating.valid_from
                               order by seating.valid_to desc
                               limit 1) as last on true
           left join member on member.village = team.village and member.id = last.member
          where team.village = $1 and seat.holder is null
         union all
         select 'absence/' || absence.id, 'absence', absence.grid, null, null, absence.seat, absence.member, false,
                absence.valid_from, '3/' || absence.grid || '/' || absence.seat || '/' || absence.id
           from absence
           join grid on grid.village = absence.village and grid.code = absence.grid and not grid.retired
          where absence.village = $1 and absence.stand_in is null
            and absence.valid_from <= $2 and $2 < absence.valid_to"
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    key: String,
    kind: GapKind,
    grid: String,
    household: Option<Uuid>,
    number: Option<String>,
    seat: Option<Seat>,
    member: Option<Uuid>,
    term_ended: bool,
    since: NaiveDate,
    until: Option<NaiveDate>,
}

impl Row {
    fn read(self, village: VillageCode) -> Result<Gap> {
        let member = self.member.map(|member| MemberName::new(village, member));
        let what = match (self.kind, self.household, self.number, self.seat, member) {
            (GapKind::HouseholdWithoutLink, Some(household), Some(number), _, _) => {
                Missing::Link { household: HouseholdName::new(village, household), number }
            }
            (GapKind::VacantSeat, _, _, Some(seat), last) => {
                Missing::Holder { seat, last, term_ended: self.term_ended }
            }
            (GapKind::AbsentWithoutStandIn, _, _, Some(seat), Some(absent)) => Missing::StandIn { seat, absent },
            _ => return Err(Error::internal("a gap that does not say what is missing")),
        };
        let grid = self.grid.parse().map_err(Error::internal)?;
        Ok(Gap { grid, what, since: self.since, until: self.until, key: self.key })
    }
}

/// A page of what is missing today in these grids (none: all): households, then seats, then stand-ins, each in the order of
/// their grids.
pub(super) async fn gap_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    today: NaiveDate,
    page: &Page,
) -> Result<Vec<Gap>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select present.key, present.kind, present.grid, present.household, present.number, present.seat, present.member,
                present.term_ended, coalesce(present.since, gap.since, $2) as since, null::date as until
           from (",
        present!(),
        ") as present
           left join gap on gap.village = $1 and gap.what = present.what and gap.closed is null
          where present.key > $3
            and ($4::text[] is null or present.grid = any ($4))
            and ($5::text is null or present.kind = $5)
            and ($6::text is null or present.grid = $6)
          order by present.key
          limit $7"
    ))
    .bind(village.as_str())
    .bind(today)
    .bind(page.after_text())
    .bind(grids)
    .bind(filter.kind)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}

/// A page of gaps that closed between two days, the last of them included, the latest first.
pub(super) async fn gaps_closed(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    (start, end): (Option<NaiveDate>, Option<NaiveDate>),
    page: &Page,
) -> Result<Vec<Gap>> {
    let before =
        match page.after() {
            Some(key) => Some(key.parse::<i64>().map_err(|_| {
                Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave")
            })?),
            None => None,
        };
    let rows: Vec<Row> = sqlx::query_as(
        "select closed::text as key, kind, grid, household, number, seat, member, term_ended, since, until
           from gap
          where village = $1
            and closed is not null
            and ($2::text[] is null or grid = any ($2))
            and ($3::text is null or kind = $3)
            and ($4::text is null or grid = $4)
            and ($5::date is null or until >= $5)
            and ($6::date is null or until <= $6)
            and ($7::bigint is null or closed < $7)
          order by closed desc
          limit $8",
    )
    .bind(village.as_str())
    .bind(grids)
    .bind(filter.kind)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(start)
    .bind(end)
    .bind(before)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}

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

/// Takes the next village after this one whose gaps have to be looked at again, with how far its order has come. Nobody else
/// takes it meanwhile; what is being written now is taken later.
pub(super) async fn village_take(tx: &mut Tx, after: &str) -> Result<Option<(VillageCode, i64)>> {
    let row: Option<(String, i64)> = sqlx::query_as(
        "select village, position
           from gap_state
          where changed and village > $1
          order by village
          limit 1
            for update skip locked",
    )
    .bind(after)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(village, position)| Ok((village.parse().map_err(Error::internal)?, position))).transpose()
}

/// Writes down which gaps of a village have closed and opened since it was last looked at, and answers how far the order of
/// the village has come with it.
pub(super) async fn gaps_settle(
    tx: &mut Tx,
    village: &VillageCode,
    position: i64,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<i64> {
    let (closed, opened): (i64, i64) = sqlx::query_as(concat!(
        "with present as materialized (",
        present!(),
        "), closing as (
             select gap.opened, row_number() over (order by gap.opened) as place
               from gap
              where gap.village = $1 and gap.closed is null
                and not exists (select from present where present.what = gap.what)
         ), closed as (
             update gap
                set closed = $3 + closing.place, closed_at = $4, until = greatest(gap.since, $2)
               from closing
              where gap.village = $1 and gap.opened = closing.opened
             returning gap.opened
         ), opened as (
             insert into gap (village, opened, what, kind, grid, household, number, seat, member, term_ended, since,
                              opened_at)
             select $1, $3 + (select count(*) from closing) + row_number() over (order by key), what, kind, grid,
                    household, number, seat, member, term_ended, least(coalesce(since, $2), $2), $4
               from present
              where not exists (select from gap
                                 where gap.village = $1 and gap.what = present.what and gap.closed is null)
             returning opened
         )
         select (select count(*) from closed), (select count(*) from opened)"
    ))
    .bind(village.as_str())
    .bind(today)
    .bind(position)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    let position = position + closed + opened;
    sqlx::query("update gap_state set position = $2, changed = false where village = $1")
        .bind(village.as_str())
        .bind(position)
        .execute(&mut **tx)
        .await?;
    Ok(position)
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
