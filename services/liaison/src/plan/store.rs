//! Visit plans in the database.

use chrono::{DateTime, Utc};
use platform::{Error, Result, Tx};
use prost::Message;
use proto::liaison::v1 as pb;
use proto::names::VillageCode;

use super::rules::{Frequency, Plan};

#[derive(sqlx::FromRow)]
struct Row {
    every_visits: i16,
    every_months: i16,
    key_visits: i16,
    key_months: i16,
    rules: Vec<Vec<u8>>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn read(self, village: VillageCode) -> Result<Plan> {
        let frequency = |visits: i16, months: i16| {
            Frequency::new(visits.into(), months.into()).ok_or_else(|| Error::internal("a plan that cannot be kept to"))
        };
        let rule = |bytes: &Vec<u8>| {
            let rule = pb::VisitRule::decode(bytes.as_slice()).map_err(Error::internal)?;
            super::rpc::rule("rules", village, &rule).map_err(Error::internal)
        };
        Ok(Plan {
            village,
            every: frequency(self.every_visits, self.every_months)?,
            key: frequency(self.key_visits, self.key_months)?,
            rules: self.rules.iter().map(rule).collect::<Result<_>>()?,
            revision: self.revision,
            made_at: Some(self.created_at),
            updated_at: Some(self.updated_at),
        })
    }
}

/// Lets one transaction at a time change a village's plan: before the first change there is no row to lock.
pub(super) async fn lock(tx: &mut Tx, village: &VillageCode) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('visit plan of ' || $1, 0))")
        .bind(village.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A village's plan, or the mechanism's own.
pub(crate) async fn plan_get(tx: &mut Tx, village: &VillageCode) -> Result<Plan> {
    let row: Option<Row> = sqlx::query_as(
        "select every_visits, every_months, key_visits, key_months, rules, revision, created_at, updated_at
           from visit_plan
          where village = $1",
    )
    .bind(village.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    row.map_or_else(|| Ok(Plan::default_of(*village)), |row| row.read(*village))
}

/// Saves a village's plan.
pub(super) async fn plan_save(tx: &mut Tx, plan: &Plan) -> Result<()> {
    let small = |number: i32| i16::try_from(number).map_err(Error::internal);
    sqlx::query(
        "insert into visit_plan (village, every_visits, every_months, key_visits, key_months, rules, revision, created_at,
                                 updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (village) do update
            set every_visits = excluded.every_visits, every_months = excluded.every_months,
                key_visits = excluded.key_visits, key_months = excluded.key_months, rules = excluded.rules,
                revision = excluded.revision, updated_at = excluded.updated_at",
    )
    .bind(plan.village.as_str())
    .bind(small(plan.every.visits())?)
    .bind(small(plan.every.months())?)
    .bind(small(plan.key.visits())?)
    .bind(small(plan.key.months())?)
    .bind(plan.rules.iter().map(|rule| rule.message(plan.village).encode_to_vec()).collect::<Vec<_>>())
    .bind(plan.revision)
    .bind(plan.made_at)
    .bind(plan.updated_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
