//! Residents in the database: sealed on the way in, opened on the way out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::vault::VillageKeys;
use platform::{OnConstraint, Page, Result, Tx};
use proto::names::{ResidentName, VillageCode};
use uuid::Uuid;
use workbook::formats::{CitizenId, Telephone};

use super::rules::{Facts, Filter, Parent, Resident, care_of};
use crate::citizen::{Claim, citizen_save};
use crate::household::rules as households;
use crate::household::store::TAGS;
use crate::search::initials;
use crate::sensitive::{open_citizen_id, open_telephone, seal};

#[derive(sqlx::FromRow)]
struct Row {
    household: Uuid,
    id: Uuid,
    entered: i64,
    display_name: String,
    relation: String,
    citizen_id_sealed: Option<Vec<u8>>,
    telephone_sealed: Option<Vec<u8>>,
    party_member: bool,
    tags: Vec<String>,
    pension_due_on: Option<NaiveDate>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The columns of a [`Row`]. A person's grid is that of their household.
macro_rules! columns {
    () => {
        "select r.household, r.id, r.entered, r.display_name, r.relation, r.citizen_id_sealed, r.telephone_sealed, \
                r.party_member, r.tags, r.pension_due_on, r.revision, r.created_at, r.updated_at
           from resident r
           join household h on h.village = r.village and h.id = r.household "
    };
}

impl Row {
    fn open(self, keys: &VillageKeys, village: &VillageCode) -> Result<Resident> {
        Ok(Resident {
            name: ResidentName::new(*village, self.household, self.id),
            facts: Facts {
                display_name: self.display_name,
                relation: self.relation,
                citizen_id: open_citizen_id(keys, self.citizen_id_sealed)?,
                telephone: open_telephone(keys, self.telephone_sealed)?,
                party_member: self.party_member,
                tags: self.tags,
                pension_due_on: self.pension_due_on,
            },
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The person of this name, if their household is in one of `grids` (none: in any); `for_update` keeps others from
/// changing the record until this transaction ends.
pub(crate) async fn resident_find(
    tx: &mut Tx,
    keys: &VillageKeys,
    name: &ResidentName,
    grids: Option<Vec<String>>,
    for_update: bool,
) -> Result<Option<Resident>> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        concat!(
            columns!(),
            "where r.village = $1 and r.household = $2 and r.id = $3 and ($4::text[] is null or h.grid = any($4))
               for update of r"
        )
    } else {
        concat!(
            columns!(),
            "where r.village = $1 and r.household = $2 and r.id = $3 and ($4::text[] is null or h.grid = any($4))"
        )
    })
    .bind(name.village.as_str())
    .bind(name.household)
    .bind(name.resident)
    .bind(grids)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| row.open(keys, &name.village)).transpose()
}

/// The people of a household, or of a village, in the order they were entered, each with their place in it.
pub(crate) async fn resident_list(
    tx: &mut Tx,
    keys: &VillageKeys,
    parent: &Parent,
    grids: Option<Vec<String>>,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<(i64, Resident)>> {
    // A statement of its own for each sort of parent, so that each comes from its index.
    macro_rules! list {
        ($of:literal) => {
            concat!(
                columns!(),
                "where r.village = $1 and ",
                $of,
                " and r.entered > $3
                  and ($4::text[] is null or h.grid = any($4))
                  and ($6::text is null or $6 = any(r.tags))
                  and ($7::boolean is null or r.party_member = $7)
                  and ($8::date is null or r.pension_due_on <= $8)
                  and ($9::text is null or r.relation = $9)
                order by r.entered
                limit $5"
            )
        };
    }
    let (village, household, statement) = match parent {
        Parent::Household(name) => (&name.village, Some(name.household), list!("r.household = $2")),
        Parent::Village(village) => (village, None, list!("$2::uuid is null")),
    };
    let rows: Vec<Row> = sqlx::query_as(statement)
        .bind(village.as_str())
        .bind(household)
        .bind(page.after_number()?)
        .bind(grids)
        .bind(page.limit())
        .bind(&filter.tag)
        .bind(filter.party_member)
        .bind(filter.pension_due_by)
        .bind(&filter.relation)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(|row| Ok((row.entered, row.open(keys, village)?))).collect()
}

/// Everybody of these households, in the order they were entered.
pub(crate) async fn resident_of_households(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    households: &[Uuid],
) -> Result<Vec<Resident>> {
    // Each household by itself, as households are by their numbers.
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select resident.* from unnest($2::uuid[]) as asked (wanted) cross join lateral (",
        columns!(),
        "where r.village = $1 and r.household = wanted) as resident order by entered"
    ))
    .bind(village.as_str())
    .bind(households)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// Everybody of these households, in the order they were entered: kept from being changed by others until this
/// transaction ends.
pub(crate) async fn resident_hold(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    households: &[Uuid],
) -> Result<Vec<Resident>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        columns!(),
        "where r.village = $1 and r.household = any($2) order by r.entered for update of r"
    ))
    .bind(village.as_str())
    .bind(households)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// What special care the people of these households need, each tag once; nothing of those where nobody needs any.
pub(crate) async fn resident_care(
    tx: &mut Tx,
    village: &VillageCode,
    households: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>> {
    if households.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, Vec<String>)> = sqlx::query_as(
        "select household, tags from resident where village = $1 and household = any($2) and tags <> '{}'",
    )
    .bind(village.as_str())
    .bind(households)
    .fetch_all(&mut **tx)
    .await?;
    let mut tags: HashMap<Uuid, Vec<Vec<String>>> = HashMap::new();
    for (household, needed) in rows {
        tags.entry(household).or_default().push(needed);
    }
    Ok(tags.into_iter().map(|(household, tags)| (household, care_of(tags.iter()))).collect())
}

/// Ends the records of people who are heads of households now.
pub(crate) async fn resident_remove(tx: &mut Tx, village: &VillageCode, residents: &[Uuid]) -> Result<()> {
    if !residents.is_empty() {
        sqlx::query("delete from resident where village = $1 and id = any($2)")
            .bind(village.as_str())
            .bind(residents)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Writes new ones and next versions with their citizen ID numbers, and answers how many: fewer than given if somebody
/// was faster.
pub(crate) async fn resident_save(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    residents: &[Resident],
) -> Result<usize> {
    let facts = || residents.iter().map(|resident| &resident.facts);
    let citizen_ids: Vec<Option<&str>> =
        facts().map(|facts| facts.citizen_id.as_ref().map(CitizenId::exposed)).collect();
    let telephones: Vec<Option<&str>> = facts().map(|facts| facts.telephone.as_ref().map(Telephone::exposed)).collect();
    let sealed = |texts: &[Option<&str>]| texts.iter().map(|text| seal(keys, *text)).collect::<Result<Vec<_>>>();
    let done = sqlx::query(
        "insert into resident as known
                (village, household, id, display_name, relation, citizen_id_sealed, telephone_sealed, telephone_index,
                 party_member, tags, pension_due_on, revision, created_at, updated_at, initials)
         select $1, household, id, display_name, relation, citizen_id_sealed, telephone_sealed, telephone_index,
                party_member, string_to_array(tags, $15), pension_due_on, revision, created_at, updated_at, initials
           from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[],
                       $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::boolean[], $13::text[], $14::date[],
                       $16::text[])
                with ordinality as given (household, id, display_name, relation, citizen_id_sealed, telephone_sealed,
                                          telephone_index, revision, created_at, updated_at, party_member, tags,
                                          pension_due_on, initials, place)
          order by place
         on conflict (village, id) do update
            set household = excluded.household, display_name = excluded.display_name, relation = excluded.relation,
                citizen_id_sealed = excluded.citizen_id_sealed, telephone_sealed = excluded.telephone_sealed,
                telephone_index = excluded.telephone_index, party_member = excluded.party_member,
                tags = excluded.tags, pension_due_on = excluded.pension_due_on, revision = excluded.revision,
                updated_at = excluded.updated_at, initials = excluded.initials
          where known.revision = excluded.revision - 1",
    )
    .bind(village.as_str())
    .bind(residents.iter().map(|resident| resident.name.household).collect::<Vec<_>>())
    .bind(residents.iter().map(|resident| resident.name.resident).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.display_name.as_str()).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.relation.as_str()).collect::<Vec<_>>())
    .bind(sealed(&citizen_ids)?)
    .bind(sealed(&telephones)?)
    .bind(telephones.iter().map(|telephone| telephone.map(|text| keys.index(text))).collect::<Vec<_>>())
    .bind(residents.iter().map(|resident| resident.revision).collect::<Vec<_>>())
    .bind(residents.iter().map(|resident| resident.created_at).collect::<Vec<_>>())
    .bind(residents.iter().map(|resident| resident.updated_at).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.party_member).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.tags.join(TAGS)).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.pension_due_on).collect::<Vec<_>>())
    .bind(TAGS)
    .bind(facts().map(|facts| initials(&facts.display_name)).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    // Closed after it was looked at.
    .on_constraint("resident_household", || households::Refusal::Closed.into())?;
    let claims: Vec<Claim> = residents
        .iter()
        .zip(&citizen_ids)
        .map(|(resident, citizen_id)| Claim {
            household: resident.name.household,
            resident: Some(resident.name.resident),
            index: citizen_id.map(|number| keys.index(number)),
            is_new: resident.revision == 1,
        })
        .collect();
    let saved = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    if saved == residents.len() {
        citizen_save(tx, village, &claims).await?;
    }
    Ok(saved)
}
