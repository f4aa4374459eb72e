//! What a member serves, and the record of what was handed over.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Authority, Error, Page, Result, Tx};
use prost::Message;
use proto::liaison::v1 as pb;
use proto::names::{HandOverName, MemberName, VillageCode};
use proto::time::{date, timestamp};
use uuid::Uuid;

use super::rules::{Order, Plan, Served};
use crate::link::rules::Link;
use crate::link::store::links_of_members;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    number: String,
    grid: String,
    representative: Option<Uuid>,
    represents_since: Option<NaiveDate>,
}

/// The households that a member serves until further notice, each with its link and the representative of its grid.
pub(crate) async fn served_by(tx: &mut Tx, member: &MemberName) -> Result<Vec<Served>> {
    let links = links_of_members(tx, std::slice::from_ref(member)).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "select household.id, household.number, household.grid, seating.member as representative,
                seating.valid_from as represents_since
           from unnest($2::uuid[]) as asked (id)
           join household on household.village = $1 and household.id = asked.id
           left join seating on seating.village = household.village and seating.grid = household.grid
                            and seating.seat = 'representative' and seating.valid_to is null
          order by household.grid, household.number, household.id",
    )
    .bind(member.village.as_str())
    .bind(links.iter().map(|link| link.household.household).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    let mut links: BTreeMap<Uuid, Link> = links.into_iter().map(|link| (link.household.household, link)).collect();
    let served = |row: Row| {
        let link = links.remove(&row.id)?;
        let default = row.representative.zip(row.represents_since);
        Some(row.grid.parse().map_err(Error::internal).map(|grid| Served { link, number: row.number, grid, default }))
    };
    rows.into_iter().filter_map(served).collect()
}

/// Keeps what was handed over, who ordered it, and what was answered, for whoever asks again.
pub(crate) async fn handover_insert(
    tx: &mut Tx,
    name: &HandOverName,
    order: &Order,
    plan: &Plan,
    answer: &pb::HandOverResponse,
    authority: &Authority,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "insert into handover (village, id, member, day, reason, seats, households, answer, subject, office, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(name.village.as_str())
    .bind(name.handover)
    .bind(order.member.member)
    .bind(plan.day)
    .bind(&order.reason)
    .bind(i32::try_from(plan.seats.len()).map_err(Error::internal)?)
    .bind(i32::try_from(plan.households.len()).map_err(Error::internal)?)
    .bind(answer.encode_to_vec())
    .bind(authority.subject())
    .bind(authority.office().as_str())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What was answered to a handover.
pub(crate) async fn handover_answer(tx: &mut Tx, name: &HandOverName) -> Result<pb::HandOverResponse> {
    let answer: Option<Vec<u8>> = sqlx::query_scalar("select answer from handover where village = $1 and id = $2")
        .bind(name.village.as_str())
        .bind(name.handover)
        .fetch_optional(&mut **tx)
        .await?;
    let answer = answer.ok_or_else(|| Error::NotFound(name.to_string()))?;
    pb::HandOverResponse::decode(answer.as_slice()).map_err(Error::internal)
}

/// A handover as it is kept.
#[derive(sqlx::FromRow)]
struct HandoverRow {
    id: Uuid,
    member: Uuid,
    day: NaiveDate,
    reason: String,
    seats: i32,
    households: i32,
    answer: Option<Vec<u8>>,
    subject: String,
    office: String,
    created_at: DateTime<Utc>,
}

impl HandoverRow {
    fn message(self, village: VillageCode) -> Result<pb::Handover> {
        let moved = self.answer.map(|answer| pb::HandOverResponse::decode(answer.as_slice()));
        Ok(pb::Handover {
            name: HandOverName::new(village, self.id).to_string(),
            member: MemberName::new(village, self.member).to_string(),
            date: Some(date(self.day)),
            reason: self.reason,
            seat_count: self.seats,
            household_count: self.households,
            subject: self.subject,
            office: self.office,
            create_time: Some(timestamp(self.created_at)),
            moved: moved.transpose().map_err(Error::internal)?,
        })
    }
}

/// One handover, with what moved.
pub(crate) async fn handover_get(tx: &mut Tx, name: &HandOverName) -> Result<pb::Handover> {
    let row: Option<HandoverRow> = sqlx::query_as(
        "select id, member, day, reason, seats, households, answer, subject, office, created_at
           from handover
          where village = $1 and id = $2",
    )
    .bind(name.village.as_str())
    .bind(name.handover)
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.message(name.village)
}

/// A page of handovers without what moved, the latest first, each with its place in the list.
pub(crate) async fn handover_list(
    tx: &mut Tx,
    village: &VillageCode,
    member: Option<Uuid>,
    page: &Page,
) -> Result<Vec<(String, pb::Handover)>> {
    let (before, before_id) = crate::keyset::after::<DateTime<Utc>>(page)?;
    let rows: Vec<HandoverRow> = sqlx::query_as(
        "select id, member, day, reason, seats, households, null::bytea as answer, subject, office, created_at
           from handover
          where village = $1
            and ($2::uuid is null or member = $2)
            and ($3::timestamptz is null or (created_at, id) < ($3, $4))
          order by created_at desc, id desc
          limit $5",
    )
    .bind(village.as_str())
    .bind(member)
    .bind(before)
    .bind(before_id)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    let read = |row: HandoverRow| Ok((crate::keyset::key(row.created_at.to_rfc3339(), row.id), row.message(*village)?));
    rows.into_iter().map(read).collect()
}
