//! Households in the database: sealed on the way in, opened on the way out.

use chrono::{DateTime, NaiveDate, Utc};
use platform::vault::VillageKeys;
use platform::{Error, Page, Result, Tx};
use proto::names::{HouseholdName, VillageCode};
use proto::reasons;
use uuid::Uuid;
use workbook::formats::{CitizenId, Telephone};

use super::rules::{Facts, Filter, Household, Kind, State};
use crate::citizen::{Claim, citizen_save};
use crate::search::initials;
use crate::sensitive::{open, open_citizen_id, open_telephone, seal};

/// Between the tags of a record where an array of arrays would be needed: a sign that no tag can have.
pub(crate) const TAGS: &str = "\u{1f}";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    number: String,
    head_name: String,
    citizen_id_sealed: Option<Vec<u8>>,
    telephone_sealed: Option<Vec<u8>>,
    registered_persons: i32,
    villager_group: Option<String>,
    kind: Kind,
    grid: String,
    address_sealed: Option<Vec<u8>>,
    current_address_sealed: Option<Vec<u8>>,
    outside: bool,
    tags: Vec<String>,
    resident_tags: Vec<String>,
    verified_on: Option<NaiveDate>,
    active_since: Option<NaiveDate>,
    state: State,
    head_party_member: bool,
    head_pension_due_on: Option<NaiveDate>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The columns of a [`Row`].
macro_rules! columns {
    () => {
        "select id, number, head_name, citizen_id_sealed, telephone_sealed, registered_persons, villager_group, kind, \
                grid, address_sealed, current_address_sealed, outside, tags, verified_on, active_since, state, \
                resident_tags, head_party_member, head_pension_due_on, revision, created_at, updated_at
           from household "
    };
}

impl Row {
    fn open(self, keys: &VillageKeys, village: &VillageCode) -> Result<Household> {
        Ok(Household {
            name: HouseholdName::new(*village, self.id),
            facts: Facts {
                number: self.number,
                head_name: self.head_name,
                citizen_id: open_citizen_id(keys, self.citizen_id_sealed)?,
                telephone: open_telephone(keys, self.telephone_sealed)?,
                registered_persons: self.registered_persons,
                villager_group: self.villager_group.map(|code| code.parse()).transpose().map_err(Error::internal)?,
                kind: self.kind,
                grid: self.grid.parse().map_err(Error::internal)?,
                address: open(keys, self.address_sealed)?,
                current_address: open(keys, self.current_address_sealed)?,
                outside: self.outside,
                tags: self.tags,
                resident_tags: self.resident_tags,
                verified_on: self.verified_on,
                active_since: self.active_since,
                state: self.state,
                head_party_member: self.head_party_member,
                head_pension_due_on: self.head_pension_due_on,
            },
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The household of this name, if it is in one of `grids` (none: in any); `for_update` keeps others from changing it
/// until this transaction ends.
pub(crate) async fn household_find(
    tx: &mut Tx,
    keys: &VillageKeys,
    name: &HouseholdName,
    grids: Option<Vec<String>>,
    for_update: bool,
) -> Result<Option<Household>> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        concat!(columns!(), "where village = $1 and id = $2 and ($3::text[] is null or grid = any($3)) for update")
    } else {
        concat!(columns!(), "where village = $1 and id = $2 and ($3::text[] is null or grid = any($3))")
    })
    .bind(name.village.as_str())
    .bind(name.household)
    .bind(grids)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| row.open(keys, &name.village)).transpose()
}

pub(crate) async fn household_list(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Household>> {
    // Statements of their own for those who ask for some grids or for a number, so that these come from their indexes.
    macro_rules! list {
        ($grids:literal, $number:literal) => {
            concat!(
                columns!(),
                "where village = $1
                   and number > $2
                   and ",
                $grids,
                " and ",
                $number,
                "
                   and ($4::text is null or kind = $4)
                   and ($6::text is null or $6 = any(tags) or $6 = any(resident_tags))
                   and ($7::text is null or state = $7)
                   and ($8::text is null or villager_group = $8)
                   and ($9::boolean is null or outside = $9)
                   and ($11::boolean is null or head_party_member = $11)
                   and ($12::date is null or head_pension_due_on <= $12)
                 order by number
                 limit $10"
            )
        };
    }
    let grids = match (&filter.grid, grids) {
        (None, grids) => grids,
        (Some(one), None) => Some(vec![one.to_string()]),
        (Some(one), Some(grids)) => Some(grids.into_iter().filter(|grid| grid == one.as_str()).collect()),
    };
    let statement = match (grids.is_some(), filter.number.is_some()) {
        (true, true) => list!("grid = any($3)", "number = $5"),
        (true, false) => list!("grid = any($3)", "$5::text is null"),
        (false, true) => list!("$3::text[] is null", "number = $5"),
        (false, false) => list!("$3::text[] is null", "$5::text is null"),
    };
    let rows: Vec<Row> = sqlx::query_as(statement)
        .bind(village.as_str())
        .bind(page.after_text())
        .bind(grids)
        .bind(filter.kind)
        .bind(&filter.number)
        .bind(&filter.tag)
        .bind(filter.state)
        .bind(filter.villager_group.as_ref().map(|code| code.as_str()))
        .bind(filter.outside)
        .bind(page.limit())
        .bind(filter.head_party_member)
        .bind(filter.head_pension_due_by)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// The households with these numbers. Each is looked up by itself: in the middle of an import the server has not counted
/// yet what has come, and would read the whole village for every chunk.
pub(crate) async fn household_numbered(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    numbers: &[&str],
) -> Result<Vec<Household>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select household.* from unnest($2::text[]) as asked (wanted) cross join lateral (",
        columns!(),
        "where village = $1 and number = wanted limit 1) as household"
    ))
    .bind(village.as_str())
    .bind(numbers)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// Those of these households that are in one of `grids` (none: in any), in the order of their ids: kept from being
/// changed by others until this transaction ends. The order keeps two transactions from waiting for each other.
pub(crate) async fn household_hold(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    households: &[Uuid],
    grids: Option<Vec<String>>,
) -> Result<Vec<Household>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        columns!(),
        "where village = $1 and id = any($2) and ($3::text[] is null or grid = any($3)) order by id for update"
    ))
    .bind(village.as_str())
    .bind(households)
    .bind(grids)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// Which of those that are open have these numbers, and what sort they are.
pub(crate) async fn household_kinds(
    tx: &mut Tx,
    village: &VillageCode,
    numbers: &[&str],
) -> Result<Vec<(String, Uuid, Kind)>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(
        "select number, id, kind
           from unnest($2::text[]) as asked (wanted)
          cross join lateral (select number, id, kind
                                from household
                               where village = $1 and number = wanted and open
                               limit 1) as household",
    )
    .bind(village.as_str())
    .bind(numbers)
    .fetch_all(&mut **tx)
    .await?)
}

/// Those of these households whose premises are rented to an open merchant.
pub(crate) async fn household_landlords(tx: &mut Tx, village: &VillageCode, households: &[Uuid]) -> Result<Vec<Uuid>> {
    if households.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar(
        "select distinct landlord from merchant where village = $1 and landlord = any($2) and state = 'open'",
    )
    .bind(village.as_str())
    .bind(households)
    .fetch_all(&mut **tx)
    .await?)
}

/// Writes new ones and next versions with the citizen ID numbers of their heads, and answers how many: fewer than given
/// if somebody was faster.
pub(crate) async fn household_save(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    households: &[Household],
) -> Result<usize> {
    let facts = || households.iter().map(|household| &household.facts);
    let citizen_ids: Vec<Option<&str>> =
        facts().map(|facts| facts.citizen_id.as_ref().map(CitizenId::exposed)).collect();
    let telephones: Vec<Option<&str>> = facts().map(|facts| facts.telephone.as_ref().map(Telephone::exposed)).collect();
    let sealed = |texts: &[Option<&str>]| texts.iter().map(|text| seal(keys, *text)).collect::<Result<Vec<_>>>();
    let done = sqlx::query(
        "insert into household as known
                (village, id, number, head_name, citizen_id_sealed, telephone_sealed, telephone_index,
                 registered_persons, villager_group, kind, grid, address_sealed, current_address_sealed, outside, tags,
                 resident_tags, verified_on, active_since, state, head_party_member, head_pension_due_on, revision,
                 created_at, updated_at, head_initials)
         select $1, id, number, head_name, citizen_id_sealed, telephone_sealed, telephone_index,
                registered_persons, villager_group, kind, grid, address_sealed, current_address_sealed, outside,
                string_to_array(tags, $22), string_to_array(resident_tags, $22), verified_on, active_since, state,
                head_party_member, head_pension_due_on, revision, created_at, updated_at, head_initials
           from unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::integer[],
                       $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[], $14::boolean[], $15::text[],
                       $16::date[], $17::date[], $18::text[], $19::bigint[], $20::timestamptz[], $21::timestamptz[],
                       $23::boolean[], $24::date[], $25::text[], $26::text[])
                as given (id, number, head_name, citizen_id_sealed, telephone_sealed, telephone_index,
                          registered_persons, villager_group, kind, grid, address_sealed, current_address_sealed,
                          outside, tags, verified_on, active_since, state, revision, created_at, updated_at,
                          head_party_member, head_pension_due_on, resident_tags, head_initials)
         on conflict (village, id) do update
            set number = excluded.number, head_name = excluded.head_name,
                citizen_id_sealed = excluded.citizen_id_sealed, telephone_sealed = excluded.telephone_sealed,
                telephone_index = excluded.telephone_index, registered_persons = excluded.registered_persons,
                villager_group = excluded.villager_group, kind = excluded.kind, grid = excluded.grid,
                address_sealed = excluded.address_sealed, current_address_sealed = excluded.current_address_sealed,
                outside = excluded.outside, tags = excluded.tags, resident_tags = excluded.resident_tags,
                verified_on = excluded.verified_on, active_since = excluded.active_since, state = excluded.state,
                head_party_member = excluded.head_party_member, head_pension_due_on = excluded.head_pension_due_on,
                revision = excluded.revision, updated_at = excluded.updated_at, head_initials = excluded.head_initials
          where known.revision = excluded.revision - 1",
    )
    .bind(village.as_str())
    .bind(households.iter().map(|household| household.name.household).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.number.as_str()).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.head_name.as_str()).collect::<Vec<_>>())
    .bind(sealed(&citizen_ids)?)
    .bind(sealed(&telephones)?)
    .bind(telephones.iter().map(|telephone| telephone.map(|text| keys.index(text))).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.registered_persons).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.villager_group.as_ref().map(|code| code.as_str())).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.kind.as_str()).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.grid.as_str()).collect::<Vec<_>>())
    .bind(facts().map(|facts| seal(keys, facts.address.as_deref())).collect::<Result<Vec<_>>>()?)
    .bind(facts().map(|facts| seal(keys, facts.current_address.as_deref())).collect::<Result<Vec<_>>>()?)
    .bind(facts().map(|facts| facts.outside).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.tags.join(TAGS)).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.verified_on).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.active_since).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.state.as_str()).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.revision).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.created_at).collect::<Vec<_>>())
    .bind(households.iter().map(|household| household.updated_at).collect::<Vec<_>>())
    .bind(TAGS)
    .bind(facts().map(|facts| facts.head_party_member).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.head_pension_due_on).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.resident_tags.join(TAGS)).collect::<Vec<_>>())
    .bind(facts().map(|facts| initials(&facts.head_name)).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(broken)?;
    let claims: Vec<Claim> = households
        .iter()
        .zip(&citizen_ids)
        .map(|(household, citizen_id)| Claim {
            household: household.name.household,
            resident: None,
            index: citizen_id.map(|number| keys.index(number)),
            is_new: household.revision == 1,
        })
        .collect();
    let saved = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    if saved == households.len() {
        citizen_save(tx, village, &claims).await?;
    }
    Ok(saved)
}

/// What a violated constraint of the table means.
fn broken(error: sqlx::Error) -> Error {
    let constraint = error.as_database_error().and_then(|error| error.constraint()).map(str::to_owned);
    match constraint.as_deref() {
        Some("household_number") => Error::AlreadyExists("a household with this number".to_owned()),
        Some("household_villager_group") => Error::field("household.villager_group", "there is no such villager group"),
        Some("household_grid") => Error::refused(reasons::UNKNOWN_GRID, "there is no such grid"),
        Some("merchant_landlord_kind" | "merchant_landlord_open") => Error::refused(
            reasons::LETS_TO_MERCHANTS,
            "这户还有营业中的商户租用门面，请先说明由哪户接手出租，或先办理商户歇业、转租",
        ),
        // Somebody was entered into it after it was looked at.
        Some("resident_household") => Error::refused(reasons::HOUSEHOLD_NOT_EMPTY, "户内还有其他成员，请先迁出"),
        _ => error.into(),
    }
}
