//! Visits in the database.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Error, Page, Result, Tx};
use proto::names::{GridName, HouseholdName, MemberName, VillageCode, VisitName};
use uuid::Uuid;

use super::rules::{Circumstances, Draft, Filter, Mode, State, Visit, Visitor};

/// Stands between the topics of one visit, since an array of arrays would have to be rectangular.
const UNIT_SEPARATOR: &str = "\u{1f}";

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "select id, household, grid, representative, visited_on, mode, persons, topics, note, concerns, state,
                    withdrawal, author, edited_at, revision, created_at, updated_at
               from visit
              where village = $1 and ($2::text[] is null or grid = any ($2)) and ",
            $condition
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    household: Option<Uuid>,
    grid: String,
    representative: Uuid,
    visited_on: NaiveDate,
    mode: Mode,
    persons: i32,
    topics: Vec<String>,
    note: String,
    concerns: Vec<Uuid>,
    state: State,
    withdrawal: String,
    author: Option<String>,
    edited_at: Option<DateTime<Utc>>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn of(self, village: VillageCode) -> Result<Visit> {
        Ok(Visit {
            name: VisitName::new(village, self.id),
            household: self.household.map(|household| HouseholdName::new(village, household)),
            grid: GridName::new(village, self.grid.parse().map_err(Error::internal)?),
            representative: MemberName::new(village, self.representative),
            visited_on: self.visited_on,
            mode: self.mode,
            persons: self.persons,
            topics: self.topics,
            note: self.note,
            concerns: self.concerns.into_iter().collect(),
            state: self.state,
            withdrawal: self.withdrawal,
            author: self.author,
            edited_at: self.edited_at,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// One visit, if it lies in these grids (none: all); nobody changes it until this transaction ends.
pub(crate) async fn visit_lock(tx: &mut Tx, name: &VisitName, grids: Option<Vec<String>>) -> Result<Visit> {
    let row: Option<Row> = sqlx::query_as(select!("id = $3 for update"))
        .bind(name.village.as_str())
        .bind(grids)
        .bind(name.visit)
        .fetch_optional(&mut **tx)
        .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.of(name.village)
}

/// Lets one transaction at a time log what an author sends to a village: a phone that repeats itself before it is answered
/// finds what the first time did.
pub(crate) async fn author_lock(tx: &mut Tx, village: &VillageCode, author: &str) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('visits to ' || $1 || ' by ' || $2, 0))")
        .bind(village.as_str())
        .bind(author)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Those of these visits that lie in these grids (none: all).
pub(crate) async fn visits_get(
    tx: &mut Tx,
    village: &VillageCode,
    ids: &[Uuid],
    grids: Option<Vec<String>>,
) -> Result<Vec<Visit>> {
    let rows: Vec<Row> = sqlx::query_as(select!("id = any ($3)"))
        .bind(village.as_str())
        .bind(grids)
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(|row| row.of(*village)).collect()
}

/// A page of visits, the latest day first.
pub(crate) async fn visit_list(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Visit>> {
    let (after, after_id) = crate::keyset::after::<NaiveDate>(page)?;
    let rows: Vec<Row> = sqlx::query_as(select!(
        "($3::uuid is null or household = $3)
         and ($4::text is null or grid = $4)
         and ($5::uuid is null or representative = $5)
         and ($6::text is null or mode = $6)
         and ($7::date is null or visited_on >= $7)
         and ($8::date is null or visited_on <= $8)
         and ($9::boolean or state = 'logged')
         and ($10::date is null or (visited_on, id) < ($10, $11))
         order by visited_on desc, id desc
         limit $12"
    ))
    .bind(village.as_str())
    .bind(grids)
    .bind(filter.household)
    .bind(filter.grid.as_ref().map(|grid| grid.as_str()))
    .bind(filter.representative)
    .bind(filter.mode)
    .bind(filter.start)
    .bind(filter.end)
    .bind(filter.show_withdrawn)
    .bind(after)
    .bind(after_id)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.of(*village)).collect()
}

/// Which of these visits are logged already.
pub(crate) async fn visits_known(tx: &mut Tx, village: &VillageCode, ids: &[Uuid]) -> Result<BTreeSet<Uuid>> {
    let found: Vec<Uuid> = sqlx::query_scalar("select id from visit where village = $1 and id = any ($2)")
        .bind(village.as_str())
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    Ok(found.into_iter().collect())
}

#[derive(sqlx::FromRow)]
struct CircumstancesRow {
    household_grid: Option<String>,
    retired: Option<bool>,
    linked_since: Option<NaiveDate>,
    linked_to: Option<Uuid>,
    grid_representative: Option<Uuid>,
    visitor: Option<Uuid>,
    term_start: Option<NaiveDate>,
    term_end: Option<NaiveDate>,
}

/// What is known about each of these drafts, in their order.
pub(crate) async fn circumstances(tx: &mut Tx, village: &VillageCode, drafts: &[Draft]) -> Result<Vec<Circumstances>> {
    let rows: Vec<CircumstancesRow> = sqlx::query_as(
        "select household.grid as household_grid, grid.retired,
                (select min(earlier.valid_from)
                   from link earlier
                  where earlier.village = $1 and earlier.household = asked.household
                    and earlier.valid_to is distinct from earlier.valid_from) as linked_since,
                linked.representative as linked_to,
                coalesce(covering.stand_in, team.representative) as grid_representative,
                member.id as visitor, member.term_start, member.term_end
           from unnest($2::uuid[], $3::text[], $4::uuid[], $5::date[])
                with ordinality as asked (household, grid, representative, day, place)
           left join household on household.village = $1 and household.id = asked.household
           left join grid on grid.village = $1 and grid.code = coalesce(asked.grid, household.grid)
           left join team on team.village = $1 and team.grid = coalesce(asked.grid, household.grid)
           left join absence covering on covering.village = $1 and covering.grid = coalesce(asked.grid, household.grid)
                 and covering.seat = 'representative' and covering.stand_in = asked.representative
                 and covering.valid_from <= asked.day and asked.day < covering.valid_to
           left join link linked on linked.village = $1 and linked.household = asked.household
                 and linked.valid_from <= asked.day and (linked.valid_to is null or asked.day < linked.valid_to)
           left join member on member.village = $1
                 and member.id = coalesce(asked.representative, linked.representative, team.representative)
          order by asked.place",
    )
    .bind(village.as_str())
    .bind(drafts.iter().map(|draft| draft.household.as_ref().map(|name| name.household)).collect::<Vec<_>>())
    .bind(drafts.iter().map(|draft| draft.grid.map(|grid| grid.to_string())).collect::<Vec<_>>())
    .bind(drafts.iter().map(|draft| draft.representative).collect::<Vec<_>>())
    .bind(drafts.iter().map(|draft| draft.visited_on).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(CircumstancesRow::read).collect()
}

impl CircumstancesRow {
    fn read(self) -> Result<Circumstances> {
        let visitor = self.visitor.zip(self.term_start);
        Ok(Circumstances {
            household_grid: self.household_grid.map(|grid| grid.parse()).transpose().map_err(Error::internal)?,
            retired: self.retired,
            linked_since: self.linked_since,
            linked_to: self.linked_to,
            grid_representative: self.grid_representative,
            visitor: visitor.map(|(member, term_start)| Visitor { member, term_start, term_end: self.term_end }),
        })
    }
}

/// The members of these names, each with the term.
pub(crate) async fn members_named(
    tx: &mut Tx,
    village: &VillageCode,
    names: &[&str],
) -> Result<BTreeMap<String, Vec<Visitor>>> {
    let rows: Vec<(String, Uuid, NaiveDate, Option<NaiveDate>)> = sqlx::query_as(
        "select display_name, id, term_start, term_end
           from member
          where village = $1 and display_name = any ($2) and state in ('appointed', 'ended', 'recalled')",
    )
    .bind(village.as_str())
    .bind(names)
    .fetch_all(&mut **tx)
    .await?;
    let mut named: BTreeMap<String, Vec<Visitor>> = BTreeMap::new();
    for (name, member, term_start, term_end) in rows {
        named.entry(name).or_default().push(Visitor { member, term_start, term_end });
    }
    Ok(named)
}

/// Logs visits.
pub(crate) async fn visits_insert(tx: &mut Tx, visits: &[Visit]) -> Result<(), sqlx::Error> {
    if visits.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into visit (village, id, household, grid, representative, visited_on, mode, persons, topics, note,
                            concerns, state, author, edited_at, revision, created_at, updated_at)
         select village, id, household, grid, representative, visited_on, mode, persons, string_to_array(topics, $16),
                note, string_to_array(concerns, $16)::uuid[], 'logged', author, edited_at, revision, created_at,
                updated_at
           from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::date[], $7::text[],
                       $8::integer[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[],
                       $14::bigint[], $15::timestamptz[], $17::timestamptz[])
                as new (village, id, household, grid, representative, visited_on, mode, persons, topics, note, concerns,
                        author, edited_at, revision, created_at, updated_at)",
    )
    .bind(visits.iter().map(|visit| visit.name.village.to_string()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.name.visit).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.household.as_ref().map(|name| name.household)).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.grid.grid.to_string()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.representative.member).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.visited_on).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.mode.as_str()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.persons).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.topics.join(UNIT_SEPARATOR)).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.note.as_str()).collect::<Vec<_>>())
    .bind(visits.iter().map(concerns).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.author.as_deref()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.edited_at).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.revision).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.created_at).collect::<Vec<_>>())
    .bind(UNIT_SEPARATOR)
    .bind(visits.iter().map(|visit| visit.updated_at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Saves visits that were logged before, as they now stand.
pub(crate) async fn visits_update(tx: &mut Tx, visits: &[Visit]) -> Result<()> {
    if visits.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update visit
            set household = new.household, grid = new.grid, representative = new.representative,
                visited_on = new.visited_on, mode = new.mode, persons = new.persons,
                topics = string_to_array(new.topics, $16), note = new.note,
                concerns = string_to_array(new.concerns, $16)::uuid[], state = new.state, withdrawal = new.withdrawal,
                edited_at = new.edited_at, revision = new.revision, updated_at = new.updated_at
           from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::date[], $7::text[],
                       $8::integer[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
                       $14::timestamptz[], $15::bigint[], $17::timestamptz[])
                as new (village, id, household, grid, representative, visited_on, mode, persons, topics, note, concerns,
                        state, withdrawal, edited_at, revision, updated_at)
          where visit.village = new.village and visit.id = new.id",
    )
    .bind(visits.iter().map(|visit| visit.name.village.to_string()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.name.visit).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.household.as_ref().map(|name| name.household)).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.grid.grid.to_string()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.representative.member).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.visited_on).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.mode.as_str()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.persons).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.topics.join(UNIT_SEPARATOR)).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.note.as_str()).collect::<Vec<_>>())
    .bind(visits.iter().map(concerns).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.state.as_str()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.withdrawal.as_str()).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.edited_at).collect::<Vec<_>>())
    .bind(visits.iter().map(|visit| visit.revision).collect::<Vec<_>>())
    .bind(UNIT_SEPARATOR)
    .bind(visits.iter().map(|visit| visit.updated_at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The concerns of a visit as one text, as its topics are.
fn concerns(visit: &Visit) -> String {
    visit.concerns.iter().map(ToString::to_string).collect::<Vec<_>>().join(UNIT_SEPARATOR)
}
