//! Gaps in the database, those there are and those that were: both are read from the records, and nothing is kept of them.

use chrono::NaiveDate;
use platform::{Error, Page, Result, Tx};
use proto::names::{HouseholdName, MemberName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use super::{Filter, Gap, GapKind, Missing};
use crate::team::rules::Seat;

/// All that is missing or was in the village `$1`, each time with its first day and the first on which it was over, as the
/// records have it: what they say later of earlier days counts as if it had always been said. Of the households, those alone
/// that the given statement finds.
///
/// Days on which households counted and days of their links are added up in one go and not joined: from behind row security
/// the planner takes a village to have next to none of either, and would compare each with each.
///
/// A household that counts "always" is missed from the day on which it was first heard of; a seat from the day on which its
/// team was made until the grid is given up.
macro_rules! missing {
    ($households:literal) => {
        concat!(
            "asked as (",
            $households,
            "), times as (
                 select household, true as counted,
                        daterange(since, until) * daterange(coalesce(active_since, told_on), null) as days
                   from (select household, state, active_since, told_on, since,
                                lead(since) over (partition by household order by since) as until
                           from household_was
                          where village = $1 and household in (select id from asked)) as was
                  where state = 'active'
                 union all
                 select household, false, daterange(valid_from, valid_to)
                   from link
                  where village = $1 and household in (select id from asked)
             ), free as materialized (
                 select household,
                        unnest(range_agg(days) filter (where counted)
                               - coalesce(range_agg(days) filter (where not counted), '{}')) as days
                   from times
                  group by household
             ), in_use as (
                 select code as grid,
                        daterange(null, coalesce(retired_on, case when retired then '-infinity'::date end)) as days
                   from grid
                  where village = $1
             ), seat (place, name) as (
                 values (1, 'cadre'), (2, 'leader'), (3, 'representative')
             ), seats as (
                 select team.grid, seat.name as seat, true as counted,
                        daterange((team.created_at at time zone 'Asia/Shanghai')::date, null) * in_use.days as days
                   from team
                   join in_use on in_use.grid = team.grid
                  cross join seat
                  where team.village = $1
                 union all
                 select grid, seat, false, daterange(valid_from, valid_to) from seating where village = $1
             ), vacant as materialized (
                 select grid, seat,
                        unnest(range_agg(days) filter (where counted)
                               - coalesce(range_agg(days) filter (where not counted), '{}')) as days
                   from seats
                  group by grid, seat
             ), missing as (
                 select 'household/' || household.grid || '/' || household.id as what, 'household' as kind,
                        household.grid, household.id as household, household.number, null::text as seat,
                        null::uuid as member, false as term_ended, lower(days) as since, upper(days) as until,
                        '1/' || household.grid || '/' || household.number || '/' || household.id as key
                   from free
                   join household on household.village = $1 and household.id = free.household
                 union all
                 select 'seat/' || vacant.grid || '/' || vacant.seat, 'seat', vacant.grid, null, null, vacant.seat,
                        last.member,
                        coalesce(last.valid_to = member.term_end
                                 or last.seat = 'representative' and last.valid_to = member.represents_until, false),
                        lower(vacant.days), upper(vacant.days), '2/' || vacant.grid || '/' || seat.place
                   from vacant
                   join seat on seat.name = vacant.seat
                   left join seating last on last.village = $1 and last.grid = vacant.grid and last.seat = vacant.seat
                                         and last.valid_to = lower(vacant.days) and last.valid_to > last.valid_from
                   left join member on member.village = $1 and member.id = last.member
                 union all
                 select 'absence/' || absence.id, 'absence', absence.grid, null, null, absence.seat, absence.member,
                        false, lower(away.days), upper(away.days),
                        '3/' || absence.grid || '/' || absence.seat || '/' || absence.id
                   from absence
                   join in_use on in_use.grid = absence.grid
                  cross join lateral (select daterange(absence.valid_from, absence.valid_to) * in_use.days as days) as away
                  where absence.village = $1 and absence.stand_in is null and not isempty(away.days)
             )"
        )
    };
}

pub(super) use missing;

/// A gap as both the records and the news of it say it.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
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
    pub(super) fn read(self, village: VillageCode) -> Result<Gap> {
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
        "with ",
        missing!(
            "select id from household
              where village = $1 and state = 'active'
                and not exists (select from link
                                 where link.village = $1 and link.household = household.id
                                   and link.valid_from <= $2 and (link.valid_to is null or $2 < link.valid_to))"
        ),
        " select key, kind, grid, household, number, seat, member, term_ended, since, null::date as until
            from missing
           where since <= $2 and (until is null or $2 < until)
             and key > $3
             and ($4::text[] is null or grid = any ($4))
             and ($5::text is null or kind = $5)
             and ($6::text is null or grid = $6)
           order by key
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

/// A page of gaps that closed between two days, the last of them included, the latest first. Who may see it is decided by
/// the grid in which the household is now.
pub(super) async fn gaps_closed(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    (first, last): (Option<NaiveDate>, NaiveDate),
    page: &Page,
) -> Result<Vec<Gap>> {
    let (after_day, after_key) = match page.after() {
        Some(text) => {
            text.split_once('/').and_then(|(day, key)| Some((day.parse().ok()?, key))).map(Some).ok_or_else(|| {
                Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave")
            })?
        }
        None => None,
    }
    .map_or((None, None), |(day, key): (NaiveDate, &str)| (Some(day), Some(key)));
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "with ",
        missing!("select id from household where village = $1"),
        " select until || '/' || key as key, kind, grid, household, number, seat, member, term_ended, since, until
            from missing
           where until <= $6
             and ($5::date is null or $5 <= until)
             and ($2::text[] is null or grid = any ($2))
             and ($3::text is null or kind = $3)
             and ($4::text is null or grid = $4)
             and ($7::date is null or until < $7 or (until = $7 and key > $8))
           order by until desc, missing.key
           limit $9"
    ))
    .bind(village.as_str())
    .bind(grids)
    .bind(filter.kind)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(first)
    .bind(last)
    .bind(after_day)
    .bind(after_key)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}
