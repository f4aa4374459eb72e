//! Data keys are replaced in the background, by whichever replica looks first, while everybody works.
//!
//! The stages are rows of the database and nothing else ([`super::custody::rotate`] makes the first), so that a process may
//! be killed at any moment and another goes on:
//!
//! 1. The new key is *coming*. It seals nothing, until every replica has had time to read it: twice the time after which
//!    keys are looked up again.
//! 2. It becomes the current one; the former is *going* and opens what it sealed. Fields are sealed anew in batches, each a
//!    transaction; rows that somebody else works on are left for the next pass. Nothing that others see changes, so no
//!    revision does, and there is no news.
//! 3. When nobody can still be sealing under the former key (the same time has gone by, and every transaction that began
//!    before has ended) and no field is left, its row is deleted.
//!
//! A field that does not open, because somebody altered it, keeps the former key from being deleted: it is reported, and
//! stays for whoever may know more about it.

use std::time::Instant;

use proto::names::VillageCode;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::village_keys::{PREFIX, VillageKeys};
use super::{Vault, custody};
use crate::database::{Database, Tx};
use crate::error::{Error, Result};
use crate::scope::Scope;

/// Rows sealed anew in one transaction.
const BATCH: i64 = 200;

/// A table with sealed columns. Its key is `(village, id)`. Every service names its own, and a test holds that against the
/// catalogue of its database: columns named `…_sealed` are these and no others.
#[derive(Debug, Clone, Copy)]
pub struct Sealed {
    /// The table.
    pub table: &'static str,
    /// Its sealed columns.
    pub columns: &'static [&'static str],
}

impl Sealed {
    /// The condition under which a row has a field that is not sealed under the version with this prefix.
    fn is_behind(&self, prefix: &str) -> String {
        let behind = |column: &&str| format!("substring({column} from 1 for {PREFIX}) <> {prefix}");
        format!("({})", self.columns.iter().map(behind).collect::<Vec<_>>().join(" or "))
    }

    /// How many sealed fields a village has here, and how many of them are not under the version with this prefix.
    pub(super) async fn count(
        &self,
        connection: &mut PgConnection,
        village: &str,
        prefix: &[u8; PREFIX],
    ) -> Result<(i64, i64)> {
        let behind = |column: &&str| format!("count(*) filter (where substring({column} from 1 for {PREFIX}) <> $2)");
        let all = self.columns.iter().map(|column| format!("count({column})")).collect::<Vec<_>>().join(" + ");
        let left = self.columns.iter().map(behind).collect::<Vec<_>>().join(" + ");
        let statement = format!("select {all}, {left} from {} where village = $1", self.table);
        let counted = sqlx::query_as(AssertSqlSafe(statement)).bind(village).bind(prefix.as_slice());
        Ok(counted.fetch_one(connection).await?)
    }

    /// Is any field left that is not sealed under the current key? Rows that somebody works on count as they are.
    async fn is_left(&self, tx: &mut Tx, village: &VillageCode, keys: &VillageKeys) -> Result<bool> {
        let statement =
            format!("select exists (select from {} where village = $1 and {})", self.table, self.is_behind("$2"));
        let asked = sqlx::query_scalar(AssertSqlSafe(statement)).bind(village.as_str()).bind(keys.prefix().to_vec());
        Ok(asked.fetch_one(&mut **tx).await?)
    }

    /// Seals a batch of rows anew, those after this one. Gives the last one's id; none when there are no more.
    async fn renew(
        &self,
        tx: &mut Tx,
        village: &VillageCode,
        keys: &VillageKeys,
        after: Option<Uuid>,
    ) -> Result<Option<Uuid>> {
        let columns = self.columns.join(", ");
        let statement = format!(
            "select id, {columns} from {} where village = $1 and ($3::uuid is null or id > $3) and {}
              order by id limit {BATCH} for update skip locked",
            self.table,
            self.is_behind("$2")
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(village.as_str())
            .bind(keys.prefix().to_vec())
            .bind(after)
            .fetch_all(&mut **tx)
            .await?;
        let mut ids: Vec<Uuid> = Vec::new();
        let mut renewed: Vec<Vec<Option<Vec<u8>>>> = vec![Vec::new(); self.columns.len()];
        for row in &rows {
            let id = row.try_get(0)?;
            for (place, fields) in renewed.iter_mut().enumerate() {
                let sealed: Option<Vec<u8>> = row.try_get(place + 1)?;
                fields.push(sealed.map(|sealed| self.renewed(sealed, keys, id)));
            }
            ids.push(id);
        }
        let Some(last) = ids.last().copied() else { return Ok(None) };
        let set =
            self.columns.iter().map(|column| format!("{column} = renewed.{column}")).collect::<Vec<_>>().join(", ");
        let arrays = (0..self.columns.len()).map(|place| format!(", ${}::bytea[]", place + 3)).collect::<String>();
        let statement = format!(
            "update {} as held set {set} from unnest($2::uuid[]{arrays}) as renewed (id, {columns})
              where held.village = $1 and held.id = renewed.id",
            self.table
        );
        let mut update = sqlx::query(AssertSqlSafe(statement)).bind(village.as_str()).bind(ids);
        for fields in renewed {
            update = update.bind(fields);
        }
        update.execute(&mut **tx).await?;
        Ok(Some(last))
    }

    /// A field under the current key; as it is, if it does not open.
    fn renewed(&self, sealed: Vec<u8>, keys: &VillageKeys, id: Uuid) -> Vec<u8> {
        if sealed.starts_with(&keys.prefix()) {
            return sealed;
        }
        keys.renew(&sealed).unwrap_or_else(|error| {
            tracing::error!(table = self.table, %id, error = error.in_full(), "a field cannot be sealed anew");
            sealed
        })
    }
}

/// Sees to the rotations of a service's villages, until shutdown.
pub async fn keep(database: Database, vault: Vault, sealed: &'static [Sealed], shutdown: CancellationToken) {
    let keeper = Keeper { database, vault, sealed };
    let mut missing = Vec::new();
    loop {
        let looked = async {
            keeper.tell_missing(&mut missing).await?;
            keeper.round(&shutdown).await
        };
        if let Err(error) = looked.await {
            tracing::warn!(error = error.in_full(), "keys could not be seen to; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(keeper.vault.refresh) => {}
        }
    }
}

struct Keeper {
    database: Database,
    vault: Vault,
    sealed: &'static [Sealed],
}

impl Keeper {
    /// Says, once, which keys the key file would have to hold and does not.
    async fn tell_missing(&self, told: &mut Vec<String>) -> Result<()> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        let used = custody::wrapped_by(&mut tx).await?;
        tx.commit().await?;
        let keys = self.vault.wrapping();
        let missing: Vec<String> =
            used.into_iter().map(|(id, _)| id).filter(|id| !keys.ids().any(|held| held == id)).collect();
        if missing != *told && !missing.is_empty() {
            tracing::error!(
                missing = missing.join(", "),
                file = %self.vault.path.display(),
                "keys are missing in the key file: what was wrapped by them cannot be read"
            );
        }
        *told = missing;
        Ok(())
    }

    /// Looks at every rotation under way.
    async fn round(&self, shutdown: &CancellationToken) -> Result<()> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        let under_way: Vec<String> =
            sqlx::query_scalar("select village from other_data_key order by village").fetch_all(&mut *tx).await?;
        tx.commit().await?;
        for village in under_way {
            let village: VillageCode = village.parse().map_err(Error::internal)?;
            // What keeps one village from going on is no reason for the others to wait.
            if let Err(error) = self.advance(&village, shutdown).await {
                tracing::warn!(%village, error = error.in_full(), "a key's rotation does not go on; trying again");
            }
            if shutdown.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn advance(&self, village: &VillageCode, shutdown: &CancellationToken) -> Result<()> {
        self.promote(village).await?;
        if !self.is_going(village).await? {
            return Ok(());
        }
        for table in self.sealed {
            let mut after = None;
            loop {
                let begun = Instant::now();
                let mut tx = self.database.begin(&Scope::from(village)).await?;
                let keys = self.looked_up(&mut tx, village).await?;
                after = table.renew(&mut tx, village, &keys, after).await?;
                tx.commit().await?;
                if after.is_none() {
                    break;
                }
                // Half of the time is for the others.
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = tokio::time::sleep(begun.elapsed()) => {}
                }
            }
        }
        self.retire(village).await
    }

    /// How long a key is coming, and how long it is going at least.
    fn patience(&self) -> f64 {
        (self.vault.refresh * 2).as_secs_f64()
    }

    async fn looked_up(&self, tx: &mut Tx, village: &VillageCode) -> Result<VillageKeys> {
        let found = self.vault.look_up(tx, village).await?;
        Ok(found.ok_or_else(|| Error::internal("a data key vanished"))?.0)
    }

    /// Makes a coming key the current one, when every replica has had time to read it.
    async fn promote(&self, village: &VillageCode) -> Result<()> {
        let mut tx = self.database.begin(&Scope::from(village)).await?;
        // The two change places. Another replica that tries the same waits for the lock and then finds nothing to do.
        let coming: Option<(i32, String, Vec<u8>)> = sqlx::query_as(
            "select version, wrapped_by, wrapped
               from other_data_key
              where village = $1 and state = 'coming' and since < now() - make_interval(secs => $2)
                for update",
        )
        .bind(village.as_str())
        .bind(self.patience())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((version, wrapped_by, wrapped)) = coming else { return Ok(()) };
        sqlx::query(
            "update other_data_key other
                set version = current.version, wrapped_by = current.wrapped_by, wrapped = current.wrapped,
                    state = 'going', since = now()
               from data_key current
              where other.village = $1 and current.village = $1",
        )
        .bind(village.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query("update data_key set version = $2, wrapped_by = $3, wrapped = $4 where village = $1")
            .bind(village.as_str())
            .bind(version)
            .bind(wrapped_by)
            .bind(wrapped)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        tracing::info!(%village, version, "a new data key is current: what was sealed under the former is sealed anew");
        Ok(())
    }

    async fn is_going(&self, village: &VillageCode) -> Result<bool> {
        let mut tx = self.database.begin(&Scope::from(village)).await?;
        let is_going =
            sqlx::query_scalar("select exists (select from other_data_key where village = $1 and state = 'going')")
                .bind(village.as_str())
                .fetch_one(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(is_going)
    }

    /// Deletes a former key under which nothing is sealed and nobody can seal any more.
    async fn retire(&self, village: &VillageCode) -> Result<()> {
        let mut tx = self.database.begin(&Scope::from(village)).await?;
        // Asked first: whoever might still add a field under the former key has ended before fields are looked for.
        let is_quiet: bool = sqlx::query_scalar(
            "select exists (select from other_data_key
                             where village = $1 and state = 'going'
                               and since < now() - make_interval(secs => $2)
                               and not exists (select from pg_stat_activity other
                                                where other.datname = current_database()
                                                  and other.usename = current_user
                                                  and other.pid <> pg_backend_pid()
                                                  and other.xact_start < since + make_interval(secs => $2)))",
        )
        .bind(village.as_str())
        .bind(self.patience())
        .fetch_one(&mut *tx)
        .await?;
        if !is_quiet {
            return Ok(());
        }
        let keys = self.looked_up(&mut tx, village).await?;
        for table in self.sealed {
            if table.is_left(&mut tx, village, &keys).await? {
                return Ok(());
            }
        }
        let gone = sqlx::query("delete from other_data_key where village = $1 and state = 'going'")
            .bind(village.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        if gone.rows_affected() > 0 {
            tracing::info!(%village, "the former data key is gone: everything is sealed under the new one");
        }
        Ok(())
    }
}
