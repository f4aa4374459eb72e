//! Areas and groups in the database: one table each, with the same columns.

use chrono::{DateTime, Utc};
use platform::{Error, OnConstraint, Page, Result, Tx};
use proto::names::{LocalCode, VillageCode, VillageName};

use super::rules::{Division, Kind};

/// What is said to one of the tables.
struct Statements {
    get: &'static str,
    get_for_update: &'static str,
    list: &'static str,
    all: &'static str,
    save: &'static str,
    village: &'static str,
}

macro_rules! statements {
    ($table:literal) => {
        Statements {
            get: concat!("select code, display_name, revision, created_at, updated_at from ", $table, " where village = $1 and code = $2"),
            get_for_update: concat!("select code, display_name, revision, created_at, updated_at from ", $table, " where village = $1 and code = $2 for update"),
            list: concat!(
                "select code, display_name, revision, created_at, updated_at from ", $table,
                " where village = $1 and code > $2 order by code limit $3"
            ),
            all: concat!("select code, display_name, revision, created_at, updated_at from ", $table, " where village = $1"),
            // New ones are inserted; of those that exist, only the version that the caller decided upon is replaced.
            save: concat!(
                "insert into ", $table, " as known (village, code, display_name, revision, created_at, updated_at)
                 select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[])
                 on conflict (village, code) do update
                    set display_name = excluded.display_name, revision = excluded.revision, updated_at = excluded.updated_at
                  where known.revision = excluded.revision - 1"
            ),
            village: concat!($table, "_village"),
        }
    };
}

const fn statements(kind: Kind) -> Statements {
    match kind {
        Kind::Area => statements!("area"),
        Kind::VillagerGroup => statements!("villager_group"),
        Kind::PartyGroup => statements!("party_group"),
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    code: String,
    display_name: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn read(self, kind: Kind, village: VillageCode) -> Result<Division> {
        Ok(Division {
            kind,
            village,
            code: self.code.parse().map_err(Error::internal)?,
            display_name: self.display_name,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// One of them; `for_update` keeps others from changing it until this transaction ends.
pub(crate) async fn division_get(
    tx: &mut Tx,
    kind: Kind,
    village: &VillageCode,
    code: &LocalCode,
    for_update: bool,
) -> Result<Division> {
    let statements = statements(kind);
    let row: Option<Row> = sqlx::query_as(if for_update { statements.get_for_update } else { statements.get })
        .bind(village.as_str())
        .bind(code.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    row.ok_or_else(|| Error::NotFound(kind.name(*village, code)))?.read(kind, *village)
}

pub(crate) async fn division_list(
    tx: &mut Tx,
    kind: Kind,
    village: &VillageCode,
    page: &Page,
) -> Result<Vec<Division>> {
    let rows: Vec<Row> = sqlx::query_as(statements(kind).list)
        .bind(village.as_str())
        .bind(page.after_text())
        .bind(page.limit())
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(|row| row.read(kind, *village)).collect()
}

/// All of a village: some dozens.
pub(crate) async fn division_all(tx: &mut Tx, kind: Kind, village: &VillageCode) -> Result<Vec<Division>> {
    let rows: Vec<Row> = sqlx::query_as(statements(kind).all).bind(village.as_str()).fetch_all(&mut **tx).await?;
    rows.into_iter().map(|row| row.read(kind, *village)).collect()
}

/// Writes new ones and next versions, and answers how many: fewer than given if somebody was faster.
pub(crate) async fn division_save(
    tx: &mut Tx,
    kind: Kind,
    village: &VillageCode,
    divisions: &[Division],
) -> Result<usize> {
    let statements = statements(kind);
    let done = sqlx::query(statements.save)
        .bind(village.as_str())
        .bind(divisions.iter().map(|division| division.code.as_str()).collect::<Vec<_>>())
        .bind(divisions.iter().map(|division| division.display_name.as_str()).collect::<Vec<_>>())
        .bind(divisions.iter().map(|division| division.revision).collect::<Vec<_>>())
        .bind(divisions.iter().map(|division| division.created_at).collect::<Vec<_>>())
        .bind(divisions.iter().map(|division| division.updated_at).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await
        .on_constraint(statements.village, || Error::NotFound(VillageName(*village).to_string()))?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}
