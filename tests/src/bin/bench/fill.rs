//! Villages and concerns by the million, written past the services: what a deployment looks like after years. Every
//! concern has its move and its change, and the changes go out as news like any other.

use chrono::{Duration, Utc};
use proto::casework::v1 as pb;
use proto::events::Event;
use proto::names::{ConcernName, GridName, TeamName, VillageCode};
use proto::time::{date, timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// The county of the bench, in which there are enough villages.
pub(crate) const COUNTY: &str = "430199";
/// A sub-district has no more: their codes end with 001 to 399.
const VILLAGES: usize = 399;
/// Micro-grids of each village.
pub(crate) const GRIDS: usize = 10;
/// Rows of one statement.
const CHUNK: usize = 5_000;
/// Concerns are spread over this many days.
const DAYS: usize = 1_000;
/// A namespace for ids that can be computed again.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c69_616e_7869_6e2e_6265_6e63_682e_3031);

/// The code of one of the bench's villages.
pub(crate) fn village(number: usize) -> VillageCode {
    format!("{COUNTY}{:03}{:03}", number / VILLAGES + 1, number % VILLAGES + 1).parse().unwrap()
}

/// The name of a grid.
pub(crate) fn grid(village: VillageCode, number: usize) -> GridName {
    GridName::new(village, format!("{:03}", number % GRIDS + 1).parse().unwrap())
}

/// The representative in a grid's team.
pub(crate) fn representative(grid: &GridName) -> Uuid {
    Uuid::new_v5(&NAMESPACE, grid.to_string().as_bytes())
}

/// The id of the concern with this number among all.
pub(crate) fn concern(number: usize) -> Uuid {
    Uuid::new_v5(&NAMESPACE, &number.to_be_bytes())
}

/// Grids and teams of so many villages, as casework would have heard of them.
pub(crate) async fn villages(casework: &mut PgConnection, many: usize) {
    let grids: Vec<GridName> =
        (0..many).flat_map(|number| (0..GRIDS).map(move |place| grid(village(number), place))).collect();
    for some in grids.chunks(CHUNK) {
        sqlx::query(
            "with named as (select * from unnest($1::text[], $2::text[], $3::uuid[]) as named (village, code, member)),
                  grids as (insert into grid (village, code, in_use, revision)
                            select village, code, true, 1 from named on conflict do nothing)
             insert into team (village, grid, representative, representative_name, revision)
             select village, code, member, '代表', 1 from named on conflict do nothing",
        )
        .bind(some.iter().map(|grid| grid.village.to_string()).collect::<Vec<_>>())
        .bind(some.iter().map(|grid| grid.grid.to_string()).collect::<Vec<_>>())
        .bind(some.iter().map(representative).collect::<Vec<_>>())
        .execute(&mut *casework)
        .await
        .unwrap();
    }
}

/// The concerns with these numbers, spread over so many villages; those that are there already stay.
pub(crate) async fn concerns(casework: &mut PgConnection, numbers: std::ops::Range<usize>, villages: usize) {
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(CHUNK) {
        let made: Vec<pb::ConcernChanged> = some.iter().map(|number| changed(*number, villages)).collect();
        let names: Vec<ConcernName> = made.iter().map(|event| event.name.parse().unwrap()).collect();
        let states: Vec<&str> = made
            .iter()
            .map(|event| match event.state() {
                pb::ConcernState::Closed => "closed",
                pb::ConcernState::Resolved => "resolved",
                pb::ConcernState::InProgress => "in_progress",
                _ => "reported",
            })
            .collect();
        sqlx::query(
            "with made as (
                 select *, current_date - (number % $6)::integer as day
                   from unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $7::text[], $8::bytea[])
                        as made (number, village, id, grid, state, record, event)
                  where not exists (select from concern where concern.village = made.village and concern.id = made.id)
             ), concerns as (
                 insert into concern (village, id, reference, matter, matter_type, text, grid, state, owner_kind, owner,
                                      routed, reported_on, accepted_on, resolved_on, followed_up_on, closed_on, result,
                                      outcome, score, revision, created_at, updated_at)
                 select village, id, 'bench-' || number, 'environment', '路灯', '3栋后路灯不亮，晚上看不清路', grid,
                        state, 'team', grid, true, day, day,
                        case when state in ('resolved', 'closed') then day end,
                        case when state = 'closed' then day end, case when state = 'closed' then day end,
                        '已更换', case when state = 'closed' then 'satisfied' end, 5, 1, now(), now()
                   from made
             ), moves as (
                 insert into move (village, concern, revision, kind, to_state, actor, office, moved_at, note, owner_kind,
                                   owner)
                 select village, id, 1, 'imported', state, 'bench', 'clerk', now(), '', 'team', grid from made
             )
             insert into change_log (village, record, revision, noun, type, event, subject, office)
             select village, record, 1, $9, $10, event, 'bench', 'clerk' from made",
        )
        .bind(some.iter().map(|number| *number as i64).collect::<Vec<_>>())
        .bind(names.iter().map(|name| name.village.to_string()).collect::<Vec<_>>())
        .bind(names.iter().map(|name| name.concern).collect::<Vec<_>>())
        .bind(made.iter().map(|event| event.grid.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>())
        .bind(states)
        .bind(DAYS as i64)
        .bind(made.iter().map(|event| event.name.as_str()).collect::<Vec<_>>())
        .bind(made.iter().map(prost::Message::encode_to_vec).collect::<Vec<_>>())
        .bind(pb::ConcernChanged::NOUN)
        .bind(<pb::ConcernChanged as prost::Name>::full_name())
        .execute(&mut *casework)
        .await
        .unwrap();
    }
    sqlx::query("analyze concern, move, change_log").execute(casework).await.unwrap();
}

/// Nine of ten are closed; the others are on their way.
fn changed(number: usize, villages: usize) -> pb::ConcernChanged {
    let village = village(number % villages);
    let grid = grid(village, number / villages);
    let state = match number % 20 {
        0 => pb::ConcernState::Reported,
        1 => pb::ConcernState::InProgress,
        2 => pb::ConcernState::Resolved,
        _ => pb::ConcernState::Closed,
    };
    let now = Utc::now();
    let day = Some(date((now - Duration::days((number % DAYS) as i64)).date_naive()));
    let closed = state == pb::ConcernState::Closed;
    pb::ConcernChanged {
        name: ConcernName::new(village, concern(number)).to_string(),
        revision: 1,
        happened: pb::MoveKind::Imported.into(),
        change_time: Some(timestamp(now)),
        grid: grid.to_string(),
        matter: pb::Matter::Environment.into(),
        state: state.into(),
        owner_kind: pb::OwnerKind::Team.into(),
        owner: TeamName::new(village, grid.grid).to_string(),
        routed: true,
        reported_on: day,
        accepted_on: day,
        resolved_on: day.filter(|_| closed || state == pb::ConcernState::Resolved),
        closed_on: day.filter(|_| closed),
        followed_up_on: day.filter(|_| closed),
        follow_up_outcome: if closed { pb::FollowUpOutcome::Satisfied.into() } else { 0 },
        ..pb::ConcernChanged::default()
    }
}

/// Waits until the relay has published everything, and says how many changes went out in a second.
pub(crate) async fn published(owner: &mut PgConnection) -> f64 {
    let left = "select count(*) from outbox";
    let begun = std::time::Instant::now();
    let many: i64 = sqlx::query_scalar(left).fetch_one(&mut *owner).await.unwrap();
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&mut *owner).await.unwrap() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    many as f64 / begun.elapsed().as_secs_f64()
}
