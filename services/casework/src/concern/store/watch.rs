//! Concerns that the scheduler has to look at.

use chrono::{DateTime, Utc};
use platform::{Result, Tx};
use proto::names::ConcernName;

use super::Row;
use crate::concern::record::Concern;

/// Concerns whose alarm has come, kept from others until the transaction ends; those that others have are passed over, and
/// those of archived villages, where nobody answers any more.
pub(crate) async fn concerns_ringing(tx: &mut Tx, now: DateTime<Utc>, most: i64) -> Result<Vec<Concern>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "",
        "where alarm_at <= $1
           and concern.village not in (select village from village where state = 'archived')
         order by alarm_at
         limit $2
           for update of concern skip locked"
    ))
    .bind(now)
    .bind(most)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Sets alarms anew, of concerns that this transaction has. It is nothing that happens to a concern.
pub(crate) async fn alarms_put_off(tx: &mut Tx, alarms: &[(ConcernName, Option<DateTime<Utc>>)]) -> Result<()> {
    if alarms.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update concern
            set alarm_at = alarm.at
           from unnest($1::text[], $2::uuid[], $3::timestamptz[]) as alarm (village, id, at)
          where concern.village = alarm.village and concern.id = alarm.id",
    )
    .bind(alarms.iter().map(|(name, _)| name.village.to_string()).collect::<Vec<_>>())
    .bind(alarms.iter().map(|(name, _)| name.concern).collect::<Vec<_>>())
    .bind(alarms.iter().map(|(_, at)| *at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Concerns of a place of which a clock runs, after the one that was reached, in the order of their keys, kept from
/// others until the transaction ends. Those of archived villages are left as they are.
pub(crate) async fn concerns_running(
    tx: &mut Tx,
    place: &str,
    reached: Option<&ConcernName>,
    most: i64,
) -> Result<Vec<Concern>> {
    // A colon follows the digit nine: the codes that begin with the place's lie before it.
    let rows: Vec<Row> = sqlx::query_as(select!(
        "",
        "where village >= $1 and village < $1 || ':'
           and (village, id) > ($2, $3)
           and (running_since is not null or respond_by is not null)
           and concern.village not in (select village from village where state = 'archived')
         order by village, id
         limit $4
           for update"
    ))
    .bind(place)
    .bind(reached.map_or("", |name| name.village.as_str()))
    .bind(reached.map_or(uuid::Uuid::nil(), |name| name.concern))
    .bind(most)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
