//! Merchants in the database: sealed on the way in, opened on the way out.

use chrono::{DateTime, NaiveDate, Utc};
use platform::vault::VillageKeys;
use platform::{Error, Page, Result, Tx};
use proto::names::{MerchantName, VillageCode};
use proto::reasons;
use uuid::Uuid;
use workbook::formats::{CreditCode, Telephone};

use super::rules::{Facts, Filter, Merchant, State};
use crate::sensitive::{open, open_telephone, seal};

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    entered: i64,
    display_name: String,
    credit_code: Option<String>,
    operator_name: String,
    telephone_sealed: Option<Vec<u8>>,
    trade: String,
    landlord: Uuid,
    address_sealed: Option<Vec<u8>>,
    licence_expires_on: Option<NaiveDate>,
    state: State,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The columns of a [`Row`]. A merchant's grid is that of its landlord's household.
macro_rules! columns {
    () => {
        "select m.id, m.entered, m.display_name, m.credit_code, m.operator_name, m.telephone_sealed, m.trade, \
                m.landlord, m.address_sealed, m.licence_expires_on, m.state, m.revision, m.created_at, m.updated_at
           from merchant m
           join household h on h.village = m.village and h.id = m.landlord "
    };
}

impl Row {
    fn open(self, keys: &VillageKeys, village: &VillageCode) -> Result<Merchant> {
        let credit_code = self.credit_code.map(|code| CreditCode::parse(&code));
        Ok(Merchant {
            name: MerchantName::new(*village, self.id),
            facts: Facts {
                display_name: self.display_name,
                credit_code: credit_code.transpose().map_err(Error::internal)?,
                operator_name: self.operator_name,
                telephone: open_telephone(keys, self.telephone_sealed)?,
                trade: self.trade,
                landlord: self.landlord,
                address: open(keys, self.address_sealed)?,
                licence_expires_on: self.licence_expires_on,
                state: self.state,
            },
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The merchant of this name, if its landlord is in one of `grids` (none: in any); `for_update` keeps others from
/// changing it until this transaction ends.
pub(crate) async fn merchant_find(
    tx: &mut Tx,
    keys: &VillageKeys,
    name: &MerchantName,
    grids: Option<Vec<String>>,
    for_update: bool,
) -> Result<Option<Merchant>> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        concat!(
            columns!(),
            "where m.village = $1 and m.id = $2 and ($3::text[] is null or h.grid = any($3)) for update of m"
        )
    } else {
        concat!(columns!(), "where m.village = $1 and m.id = $2 and ($3::text[] is null or h.grid = any($3))")
    })
    .bind(name.village.as_str())
    .bind(name.merchant)
    .bind(grids)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| row.open(keys, &name.village)).transpose()
}

/// The merchants of a village in the order they were entered, each with its place in it.
pub(crate) async fn merchant_list(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<(i64, Merchant)>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        columns!(),
        "where m.village = $1
           and m.entered > $2
           and ($3::text[] is null or h.grid = any($3))
           and ($4::uuid is null or m.landlord = $4)
           and ($5::text is null or m.state = $5)
           and ($6::text is null or m.trade = $6)
           and ($8::date is null or m.licence_expires_on <= $8)
         order by m.entered
         limit $7"
    ))
    .bind(village.as_str())
    .bind(page.after_number()?)
    .bind(grids)
    .bind(filter.landlord)
    .bind(filter.state)
    .bind(&filter.trade)
    .bind(page.limit())
    .bind(filter.licence_expires_by)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((row.entered, row.open(keys, village)?))).collect()
}

/// The merchants with these credit codes, and those on premises of these households.
pub(crate) async fn merchant_coded_or_of(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    credit_codes: &[&str],
    landlords: &[Uuid],
) -> Result<Vec<Merchant>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        columns!(),
        "where m.village = $1 and (m.credit_code = any($2) or m.landlord = any($3)) order by m.entered"
    ))
    .bind(village.as_str())
    .bind(credit_codes)
    .bind(landlords)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// The open merchants on premises of these households: kept from being changed by others until this transaction ends.
pub(crate) async fn merchant_hold(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    landlords: &[Uuid],
) -> Result<Vec<Merchant>> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        columns!(),
        "where m.village = $1 and m.landlord = any($2) and m.state = 'open' order by m.entered for update of m"
    ))
    .bind(village.as_str())
    .bind(landlords)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys, village)).collect()
}

/// Writes new ones and next versions, and answers how many: fewer than given if somebody was faster.
pub(crate) async fn merchant_save(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    merchants: &[Merchant],
) -> Result<usize> {
    let facts = || merchants.iter().map(|merchant| &merchant.facts);
    let telephones: Vec<Option<&str>> = facts().map(|facts| facts.telephone.as_ref().map(Telephone::exposed)).collect();
    let done = sqlx::query(
        "insert into merchant as known
                (village, id, display_name, credit_code, operator_name, telephone_sealed, telephone_index, trade,
                 landlord, address_sealed, licence_expires_on, state, revision, created_at, updated_at)
         select $1, id, display_name, credit_code, operator_name, telephone_sealed, telephone_index, trade,
                landlord, address_sealed, licence_expires_on, state, revision, created_at, updated_at
           from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::text[],
                       $9::uuid[], $10::bytea[], $11::date[], $12::text[], $13::bigint[], $14::timestamptz[],
                       $15::timestamptz[])
                with ordinality as given (id, display_name, credit_code, operator_name, telephone_sealed,
                                          telephone_index, trade, landlord, address_sealed, licence_expires_on, state,
                                          revision, created_at, updated_at, place)
          order by place
         on conflict (village, id) do update
            set display_name = excluded.display_name, credit_code = excluded.credit_code,
                operator_name = excluded.operator_name, telephone_sealed = excluded.telephone_sealed,
                telephone_index = excluded.telephone_index, trade = excluded.trade, landlord = excluded.landlord,
                address_sealed = excluded.address_sealed, licence_expires_on = excluded.licence_expires_on,
                state = excluded.state, revision = excluded.revision, updated_at = excluded.updated_at
          where known.revision = excluded.revision - 1",
    )
    .bind(village.as_str())
    .bind(merchants.iter().map(|merchant| merchant.name.merchant).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.display_name.as_str()).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.credit_code.as_ref().map(CreditCode::exposed)).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.operator_name.as_str()).collect::<Vec<_>>())
    .bind(telephones.iter().map(|telephone| seal(keys, *telephone)).collect::<Result<Vec<_>>>()?)
    .bind(telephones.iter().map(|telephone| telephone.map(|text| keys.index(text))).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.trade.as_str()).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.landlord).collect::<Vec<_>>())
    .bind(facts().map(|facts| seal(keys, facts.address.as_deref())).collect::<Result<Vec<_>>>()?)
    .bind(facts().map(|facts| facts.licence_expires_on).collect::<Vec<_>>())
    .bind(facts().map(|facts| facts.state.as_str()).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.revision).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.created_at).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.updated_at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(broken)?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}

/// What a violated constraint of the table means.
fn broken(error: sqlx::Error) -> Error {
    let constraint = error.as_database_error().and_then(|error| error.constraint()).map(str::to_owned);
    match constraint.as_deref() {
        Some("merchant_credit_code") => Error::AlreadyExists("a merchant with this credit code".to_owned()),
        Some("merchant_landlord") => Error::refused(reasons::UNKNOWN_HOUSEHOLD, "there is no such household"),
        // Somebody changed the household's kind after it was looked at.
        Some("merchant_landlord_kind") => Error::field("merchant.landlord", "is not a household of the rebuilt area"),
        Some("merchant_landlord_open") => Error::refused(reasons::NO_LANDLORD, "接手出租门面的须是未销户的重建地户"),
        _ => error.into(),
    }
}
