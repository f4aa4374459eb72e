//! What a village has laid down for its deliberations: from what sum on an expense is large, how long a notice runs, where
//! objections are heard. A village that has said nothing goes by the defaults.

use chrono::{DateTime, Utc};
use events::Change;
use platform::{Error, Result, Tx};
use proto::casework::v1 as pb;
use proto::names::{DeliberationPolicyName, VillageCode};
use proto::time::timestamp;

use crate::catalog::happened;

/// Days of the longest notice.
pub(crate) const LONGEST_NOTICE: i32 = 60;
/// Days of the shortest notice that a village may lay down.
pub(crate) const SHORTEST_NOTICE: i32 = 3;

/// What was laid down.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Policy {
    pub(crate) large_expense_yuan: i64,
    pub(crate) notice_days: i32,
    pub(crate) contact: String,
    /// 0: the village has said nothing.
    pub(crate) revision: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { large_expense_yuan: 20_000, notice_days: 7, contact: String::new(), revision: 0 }
    }
}

impl Policy {
    /// The news of it: where objections are heard does not travel.
    pub(crate) fn news(&self, village: VillageCode, now: DateTime<Utc>) -> Result<Change> {
        Change::of(&pb::DeliberationPolicyChanged {
            name: DeliberationPolicyName(village).to_string(),
            revision: self.revision,
            happened: happened(self.revision).into(),
            change_time: Some(timestamp(now)),
            large_expense_yuan: self.large_expense_yuan,
            notice_days: self.notice_days,
        })
    }
}

/// What a village has laid down, or the defaults.
pub(crate) async fn policy_get(tx: &mut Tx, village: VillageCode) -> Result<Policy> {
    let found: Option<Policy> = sqlx::query_as(
        "select large_expense_yuan, notice_days, contact, revision from deliberation_policy where village = $1",
    )
    .bind(village.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Stores what a village lays down from now on. Whoever was faster goes before.
pub(crate) async fn policy_save(
    tx: &mut Tx,
    village: VillageCode,
    policy: &Policy,
    by: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let saved = sqlx::query(
        "insert into deliberation_policy as known (village, large_expense_yuan, notice_days, contact, revision, updated_at,
                                                   updated_by)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (village) do update
            set large_expense_yuan = excluded.large_expense_yuan, notice_days = excluded.notice_days,
                contact = excluded.contact, revision = excluded.revision, updated_at = excluded.updated_at,
                updated_by = excluded.updated_by
          where known.revision = excluded.revision - 1",
    )
    .bind(village.as_str())
    .bind(policy.large_expense_yuan)
    .bind(policy.notice_days)
    .bind(&policy.contact)
    .bind(policy.revision)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if saved.rows_affected() == 0 {
        Err(Error::Stale { name: DeliberationPolicyName(village).to_string() })
    } else {
        Ok(())
    }
}
