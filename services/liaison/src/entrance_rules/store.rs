//! Entrance rules in the database.

use chrono::{DateTime, Utc};
use platform::{Error, Result, Tx};
use proto::names::VillageCode;

use super::rules::EntranceRules;

#[derive(sqlx::FromRow)]
struct Row {
    notice_days: i16,
    least_notice_days: i16,
    most_notice_days: i16,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn of(self, village: VillageCode) -> EntranceRules {
        EntranceRules {
            village,
            notice_days: self.notice_days.into(),
            least_notice_days: self.least_notice_days.into(),
            most_notice_days: self.most_notice_days.into(),
            revision: self.revision,
            made_at: Some(self.created_at),
            updated_at: Some(self.updated_at),
        }
    }
}

/// Lets one transaction at a time change a village's rules: before the first change there is no row to lock.
pub(super) async fn lock(tx: &mut Tx, village: &VillageCode) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('entrance rules of ' || $1, 0))")
        .bind(village.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A village's rules, or the mechanism's own.
pub(crate) async fn entrance_rules_get(tx: &mut Tx, village: &VillageCode) -> Result<EntranceRules> {
    let row: Option<Row> = sqlx::query_as(
        "select notice_days, least_notice_days, most_notice_days, revision, created_at, updated_at
           from entrance_rules
          where village = $1",
    )
    .bind(village.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map_or_else(|| EntranceRules::default_of(*village), |row| row.of(*village)))
}

/// Saves a village's rules.
pub(super) async fn entrance_rules_save(tx: &mut Tx, rules: &EntranceRules) -> Result<()> {
    let small = |number: i32| i16::try_from(number).map_err(Error::internal);
    sqlx::query(
        "insert into entrance_rules (village, notice_days, least_notice_days, most_notice_days, revision, created_at,
                                     updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (village) do update
            set notice_days = excluded.notice_days, least_notice_days = excluded.least_notice_days,
                most_notice_days = excluded.most_notice_days, revision = excluded.revision,
                updated_at = excluded.updated_at",
    )
    .bind(rules.village.as_str())
    .bind(small(rules.notice_days)?)
    .bind(small(rules.least_notice_days)?)
    .bind(small(rules.most_notice_days)?)
    .bind(rules.revision)
    .bind(rules.made_at)
    .bind(rules.updated_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
