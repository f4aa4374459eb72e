//! What whoever keeps the key file does with it: wraps every village's keys anew, begins a rotation, looks how it goes.
//!
//! These are an operator's commands. They work on a service's database as its owner, seeing every village; the service goes
//! on meanwhile.

use proto::names::VillageCode;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::key_file::WrappingKeys;
use super::rotation::Sealed;
use super::seal::random_key;
use super::village_keys::{derived_finding, prefix};
use crate::error::{Error, Result};

/// How many keys are wrapped by each key of a key file.
///
/// # Errors
/// When the database refuses.
pub async fn wrapped_by(connection: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "select id, count(*)
           from (select wrapped_by from data_key
                 union all select finding_wrapped_by from data_key where finding is not null
                 union all select wrapped_by from other_data_key) as wrapped (id)
          group by id order by id",
    )
    .fetch_all(connection)
    .await?)
}

/// Wraps every village's keys under the newest key of the key file, all or none of them. Says how many were wrapped by
/// another.
///
/// # Errors
/// When one is wrapped by a key that is missing, which the error names.
pub async fn rewrap(connection: &mut PgConnection, keys: &WrappingKeys) -> Result<usize> {
    let mut tx = connection.begin().await?;
    let mut done = 0;
    for (table, by, wrapped) in [
        ("data_key", "wrapped_by", "wrapped"),
        ("data_key", "finding_wrapped_by", "finding"),
        ("other_data_key", "wrapped_by", "wrapped"),
    ] {
        let statement = format!(
            "select village, version, {by}, {wrapped} from {table} where {by} <> $1 order by village for update"
        );
        let rows: Vec<(String, i32, String, Vec<u8>)> =
            sqlx::query_as(AssertSqlSafe(statement)).bind(keys.newest()).fetch_all(&mut *tx).await?;
        for (code, version, former, old) in rows {
            let village: VillageCode = code.parse().map_err(Error::internal)?;
            let (newest, new) = keys.wrap(&village, &keys.unwrap(&village, &former, &old)?)?;
            let statement = format!("update {table} set {by} = $3, {wrapped} = $4 where village = $1 and version = $2");
            sqlx::query(AssertSqlSafe(statement))
                .bind(&code)
                .bind(version)
                .bind(newest)
                .bind(new)
                .execute(&mut *tx)
                .await?;
            done += 1;
        }
    }
    tx.commit().await?;
    Ok(done)
}

/// Begins to replace the data key of a village, or of every one that has a key. The services do the rest. Says of which
/// villages; one whose key is being replaced already is left out.
///
/// # Errors
/// When a key is wrapped by one that is missing in the key file.
pub async fn rotate(
    connection: &mut PgConnection,
    keys: &WrappingKeys,
    only: Option<&VillageCode>,
) -> Result<Vec<VillageCode>> {
    let mut tx = connection.begin().await?;
    let current: Vec<(String, i32, String, Vec<u8>, bool)> = sqlx::query_as(
        "select village, version, wrapped_by, wrapped, finding is not null
           from data_key
          where ($1::text is null or village = $1)
            and not exists (select from other_data_key other where other.village = data_key.village)
          order by village
            for update",
    )
    .bind(only.map(VillageCode::as_str))
    .fetch_all(&mut *tx)
    .await?;
    let mut begun = Vec::new();
    for (code, version, by, wrapped, has_finding) in current {
        let village: VillageCode = code.parse().map_err(Error::internal)?;
        let data_key = keys.unwrap(&village, &by, &wrapped)?;
        if !has_finding {
            let (newest, finding) = keys.wrap(&village, &derived_finding(&data_key)?)?;
            sqlx::query("update data_key set finding_wrapped_by = $2, finding = $3 where village = $1")
                .bind(&code)
                .bind(newest)
                .bind(finding)
                .execute(&mut *tx)
                .await?;
        }
        let (newest, coming) = keys.wrap(&village, &random_key()?)?;
        sqlx::query(
            "insert into other_data_key (village, version, wrapped_by, wrapped, state)
             values ($1, $2, $3, $4, 'coming')",
        )
        .bind(&code)
        .bind(version + 1)
        .bind(newest)
        .bind(coming)
        .execute(&mut *tx)
        .await?;
        begun.push(village);
    }
    tx.commit().await?;
    Ok(begun)
}

/// How far the rotation of a village's data key has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Whose key it is.
    pub village: String,
    /// The version under which fields are sealed now.
    pub current: i32,
    /// The other version: the one that is about to be current, or the one that was.
    pub other: i32,
    /// Whether the other one is still to come.
    pub is_coming: bool,
    /// How many fields there are, and how many of them are not sealed under the newest version yet.
    pub fields: i64,
    /// See `fields`.
    pub left: i64,
}

/// The rotations under way.
///
/// # Errors
/// When the database refuses.
pub async fn rotations(connection: &mut PgConnection, sealed: &[Sealed]) -> Result<Vec<Progress>> {
    let under_way: Vec<(String, i32, i32, bool)> = sqlx::query_as(
        "select current.village, current.version, other.version, other.state = 'coming'
           from other_data_key other join data_key current on current.village = other.village
          order by current.village",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut all = Vec::new();
    for (village, current, other, is_coming) in under_way {
        let newest = prefix(if is_coming { other } else { current });
        let (mut fields, mut left) = (0, 0);
        for table in sealed {
            let (held, behind) = table.count(connection, &village, &newest).await?;
            fields += held;
            left += behind;
        }
        all.push(Progress { village, current, other, is_coming, fields, left });
    }
    Ok(all)
}
