//! Links in the database.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Page, Result, Tx};
use proto::names::{GridCode, HouseholdName, LinkName, MemberName, VillageCode};
use uuid::Uuid;

use super::rules::{Current, Filter, Link, Origin, Standing};
use crate::line::rules::LineKind;
use crate::places::HouseholdKind;

#[derive(sqlx::FromRow)]
struct Row {
    village: String,
    id: Uuid,
    household: Uuid,
    representative: Uuid,
    line: LineKind,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    origin: Origin,
    reason: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Link {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let village = row.village.parse().map_err(Error::internal)?;
        Ok(Self {
            name: LinkName::new(village, row.id),
            household: HouseholdName::new(village, row.household),
            representative: MemberName::new(village, row.representative),
            line: row.line,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            origin: row.origin,
            reason: row.reason,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Lets one transaction at a time settle a village's links, until it ends. What a link depends on, household, team and
/// line, is written by different transactions, none of which sees the other's before it commits; whoever comes second
/// has to find what the first one did, or a household would stay unlinked.
///
/// The order that keeps callers from waiting for each other in a circle: the village's key, which is made with its first
/// use; the claim of the request; this lock, for several villages in the order of their codes; only then records.
pub(crate) async fn lock(tx: &mut Tx, villages: impl IntoIterator<Item = VillageCode>) -> Result<()> {
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('links of ' || village, 0))
           from unnest($1::text[]) as news (village)",
    )
    .bind(villages.into_iter().map(|village| village.to_string()).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    village: String,
    id: Uuid,
    active: bool,
    active_since: Option<NaiveDate>,
    wanted_line: Option<LineKind>,
    default_member: Option<Uuid>,
    serves_since: Option<NaiveDate>,
    link: Option<Uuid>,
    representative: Option<Uuid>,
    line: Option<LineKind>,
    origin: Option<Origin>,
    valid_from: Option<NaiveDate>,
    unlinked_since: Option<NaiveDate>,
}

impl StandingRow {
    fn read(self) -> Result<Standing> {
        let village: VillageCode = self.village.parse().map_err(Error::internal)?;
        let current = |row: &Self| {
            Some(Current {
                name: LinkName::new(village, row.link?),
                representative: MemberName::new(village, row.representative?),
                line: row.line?,
                origin: row.origin?,
                valid_from: row.valid_from?,
            })
        };
        Ok(Standing {
            household: HouseholdName::new(village, self.id),
            active: self.active,
            active_since: self.active_since,
            line: self.wanted_line,
            default: self.default_member.map(|member| MemberName::new(village, member)).zip(self.serves_since),
            current: current(&self),
            unlinked_since: self.unlinked_since,
        })
    }
}

/// How these households stand, for all of them at once.
pub(crate) async fn standings(tx: &mut Tx, households: &[HouseholdName]) -> Result<Vec<Standing>> {
    let rows: Vec<StandingRow> = sqlx::query_as(
        "select household.village, household.id, household.state = 'active' as active, household.active_since,
                wanted.kind as wanted_line, member.id as default_member,
                greatest(member.term_start, seating.valid_from) as serves_since,
                link.id as link, link.representative, link.line, link.origin, link.valid_from,
                (select max(ended.valid_to)
                   from link ended
                  where ended.village = household.village and ended.household = household.id) as unlinked_since
           from unnest($1::text[], $2::uuid[]) as asked (village, id)
           join household on household.village = asked.village and household.id = asked.id
           left join line wanted
                  on wanted.village = household.village and household.kind = any (wanted.household_kinds)
           left join team on team.village = household.village and team.grid = household.grid
           left join member on member.village = team.village and member.id = team.representative
           left join seating on seating.village = team.village and seating.grid = team.grid
                            and seating.seat = 'representative' and seating.valid_to is null
           left join link on link.village = household.village and link.household = household.id
                         and link.valid_to is null
          order by household.village, household.id",
    )
    .bind(households.iter().map(|household| household.village.to_string()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.household).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(StandingRow::read).collect()
}

/// The households of these grids.
pub(crate) async fn households_of_grids(
    tx: &mut Tx,
    village: &VillageCode,
    grids: &[GridCode],
) -> Result<Vec<HouseholdName>> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from household where village = $1 and grid = any ($2)")
        .bind(village.as_str())
        .bind(grids.iter().map(ToString::to_string).collect::<Vec<_>>())
        .fetch_all(&mut **tx)
        .await?;
    Ok(ids.into_iter().map(|id| HouseholdName::new(*village, id)).collect())
}

/// The households of these kinds.
pub(crate) async fn households_of_kinds(
    tx: &mut Tx,
    village: &VillageCode,
    kinds: &[HouseholdKind],
) -> Result<Vec<HouseholdName>> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from household where village = $1 and kind = any ($2)")
        .bind(village.as_str())
        .bind(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
        .fetch_all(&mut **tx)
        .await?;
    Ok(ids.into_iter().map(|id| HouseholdName::new(*village, id)).collect())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select link.village, link.id, link.household, link.representative, link.line, link.valid_from, link.valid_to,
                    link.origin, link.reason, link.revision, link.created_at, link.updated_at
               from link ",
            $rest
        )
    };
}

/// The links until further notice of these members.
pub(crate) async fn links_of_members(tx: &mut Tx, members: &[MemberName]) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "join unnest($1::text[], $2::uuid[]) as asked (village, id)
           on asked.village = link.village and asked.id = link.representative
        where link.valid_to is null"
    ))
    .bind(members.iter().map(|member| member.village.to_string()).collect::<Vec<_>>())
    .bind(members.iter().map(|member| member.member).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The link until further notice of a household.
pub(crate) async fn link_of_household(tx: &mut Tx, household: &HouseholdName) -> Result<Option<Link>> {
    let row: Option<Row> =
        sqlx::query_as(select!("where link.village = $1 and link.household = $2 and link.valid_to is null"))
            .bind(household.village.as_str())
            .bind(household.household)
            .fetch_optional(&mut **tx)
            .await?;
    row.map(TryInto::try_into).transpose()
}

/// The links until further notice of these households, by household.
pub(crate) async fn links_of_households(
    tx: &mut Tx,
    village: &VillageCode,
    households: &[Uuid],
) -> Result<BTreeMap<Uuid, Link>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "join unnest($2::uuid[]) as asked (household) on link.household = asked.household
        where link.village = $1 and link.valid_to is null"
    ))
    .bind(village.as_str())
    .bind(households)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((row.household, row.try_into()?))).collect()
}

/// The day on which the last link that ended of each of these households did.
pub(crate) async fn links_ended(
    tx: &mut Tx,
    village: &VillageCode,
    households: &[Uuid],
) -> Result<BTreeMap<Uuid, NaiveDate>> {
    let rows: Vec<(Uuid, NaiveDate)> = sqlx::query_as(
        "select link.household, max(link.valid_to)
           from link join unnest($2::uuid[]) as asked (household) on link.household = asked.household
          where link.village = $1 and link.valid_to is not null and link.valid_to > link.valid_from
          group by link.household",
    )
    .bind(village.as_str())
    .bind(households)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().collect())
}

/// One link, if its household lies in these grids (none: all).
pub(crate) async fn link_get(tx: &mut Tx, name: &LinkName, grids: Option<Vec<String>>) -> Result<Link> {
    let row: Option<Row> = sqlx::query_as(select!(
        "join household on household.village = link.village and household.id = link.household
        where link.village = $1 and link.id = $2 and ($3::text[] is null or household.grid = any ($3))"
    ))
    .bind(name.village.as_str())
    .bind(name.link)
    .bind(grids)
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.try_into()
}

/// A page of the links in force on a day, or of all, in the order they were made.
pub(crate) async fn link_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    today: NaiveDate,
    page: &Page,
) -> Result<Vec<Link>> {
    let (after, after_id) = crate::keyset::after::<DateTime<Utc>>(page)?;
    // The links come in order and then meet their households, so that a page is read and not the village.
    let rows: Vec<Row> = sqlx::query_as(
        "select link.village, link.id, link.household, link.representative, link.line, link.valid_from, link.valid_to,
                link.origin, link.reason, link.revision, link.created_at, link.updated_at
           from (select *
                   from link
                  where village = $1
                    and ($3::uuid is null or household = $3)
                    and ($4::uuid is null or representative = $4)
                    and ($5::text is null or line = $5)
                    and ($6::boolean or (valid_from <= $7 and (valid_to is null or $7 < valid_to)))
                    and (created_at, id) > (coalesce($8, '-infinity'::timestamptz),
                                            coalesce($9, '00000000-0000-0000-0000-000000000000'::uuid))
                  order by created_at, id) as link
           join household on household.village = $1 and household.id = link.household
          where $2::text[] is null or household.grid = any ($2)
          order by link.created_at, link.id
          limit $10",
    )
    .bind(village.as_str())
    .bind(grids)
    .bind(filter.household)
    .bind(filter.representative)
    .bind(filter.line)
    .bind(filter.show_ended)
    .bind(filter.as_of.unwrap_or(today))
    .bind(after)
    .bind(after_id)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Ends links, each on its day; one that has not begun by then ends on the day it would have begun.
pub(crate) async fn links_end(tx: &mut Tx, ends: &[(LinkName, NaiveDate)], now: DateTime<Utc>) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(
        "update link
            set valid_to = greatest(link.valid_from, ends.day), revision = link.revision + 1, updated_at = $4
           from unnest($1::text[], $2::uuid[], $3::date[]) as ends (village, id, day)
          where link.village = ends.village and link.id = ends.id and link.valid_to is null
         returning link.village, link.id, link.household, link.representative, link.line, link.valid_from, link.valid_to,
                   link.origin, link.reason, link.revision, link.created_at, link.updated_at",
    )
    .bind(ends.iter().map(|(link, _)| link.village.to_string()).collect::<Vec<_>>())
    .bind(ends.iter().map(|(link, _)| link.link).collect::<Vec<_>>())
    .bind(ends.iter().map(|(_, day)| *day).collect::<Vec<_>>())
    .bind(now)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Begins links, and answers them as they now stand. One that was begun before and ended again on its first day is taken
/// up again. What the database says to it is for the caller to read: a chosen link may overlap another.
pub(crate) async fn links_begin(tx: &mut Tx, links: &[Link]) -> Result<Result<Vec<Link>, sqlx::Error>> {
    let begun: Result<Vec<Row>, sqlx::Error> = sqlx::query_as(
        "insert into link (village, id, household, representative, line, valid_from, origin, reason, revision,
                           created_at, updated_at)
         select village, id, household, representative, line, valid_from, origin, reason, 1, created_at, created_at
           from unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::date[], $7::text[], $8::text[],
                       $9::timestamptz[])
                as new (village, id, household, representative, line, valid_from, origin, reason, created_at)
         on conflict (village, id) do update
            set valid_to = null, revision = link.revision + 1, updated_at = excluded.updated_at
          where link.valid_to is not null
         returning link.village, link.id, link.household, link.representative, link.line, link.valid_from, link.valid_to,
                   link.origin, link.reason, link.revision, link.created_at, link.updated_at",
    )
    .bind(links.iter().map(|link| link.name.village.to_string()).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.name.link).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.household.household).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.representative.member).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.line.as_str()).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.valid_from).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.origin.as_str()).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.reason.as_str()).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.created_at).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await;
    match begun {
        Ok(rows) => Ok(Ok(rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?)),
        Err(error) => Ok(Err(error)),
    }
}
