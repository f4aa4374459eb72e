//! Villages in the database.

use chrono::{DateTime, Utc};
use platform::{Error, Page, Result, Scope, Tx};
use proto::names::{VillageCode, VillageName};

use super::rules::{Filter, State, Village};

#[derive(sqlx::FromRow)]
struct Row {
    village: String,
    display_name: String,
    state: State,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Village {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            code: row.village.parse().map_err(Error::internal)?,
            display_name: row.display_name,
            state: row.state,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// One village; `for_update` keeps others from changing it until this transaction ends.
pub(crate) async fn village_get(tx: &mut Tx, code: &VillageCode, for_update: bool) -> Result<Village> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        "select village, display_name, state, revision, created_at, updated_at from village where village = $1 for update"
    } else {
        "select village, display_name, state, revision, created_at, updated_at from village where village = $1"
    })
    .bind(code.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(VillageName(*code).to_string()))?.try_into()
}

/// The villages of `scope`, which is also the transaction's: said again, so that the index serves it.
pub(crate) async fn village_list(tx: &mut Tx, scope: &Scope, filter: &Filter, page: &Page) -> Result<Vec<Village>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select village, display_name, state, revision, created_at, updated_at
           from village
          where village > $1
            and village >= $4 and village < $4 || ':'  -- the character after 9
            and ($2::text is null or state = $2)
          order by village
          limit $3",
    )
    .bind(page.after_text())
    .bind(filter.state)
    .bind(page.limit())
    .bind(scope.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

pub(crate) async fn village_insert(tx: &mut Tx, village: &Village) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into village (village, display_name, state, revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(village.code.as_str())
    .bind(&village.display_name)
    .bind(village.state)
    .bind(village.revision)
    .bind(village.created_at)
    .bind(village.updated_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn village_update(tx: &mut Tx, village: &Village) -> Result<()> {
    sqlx::query("update village set display_name = $2, state = $3, revision = $4, updated_at = $5 where village = $1")
        .bind(village.code.as_str())
        .bind(&village.display_name)
        .bind(village.state)
        .bind(village.revision)
        .bind(village.updated_at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps other imports into the village waiting until this transaction ends. Others may refer to it meanwhile, and so
/// write all else.
pub(crate) async fn village_hold(tx: &mut Tx, code: &VillageCode) -> Result<()> {
    let held = sqlx::query("select from village where village = $1 for no key update")
        .bind(code.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    held.map(|_| ()).ok_or_else(|| Error::NotFound(VillageName(*code).to_string()))
}
