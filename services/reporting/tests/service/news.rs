//! News in every order, more than once, and news that cannot be applied.

use harness::{Running, Stage};
use proto::casework::v1::{ConcernChanged, ConcernState, Matter};
use proto::google::r#type::Date;
use proto::liaison::v1::VisitChanged;
use proto::registry::v1::{GridChanged, GridState};

use crate::village::Village;
use crate::{GAOCHONG, NEIGHBOUR, Owners, reporting, rows};

const TABLES: &[&str] = &["village", "grid", "household", "merchant", "team", "link", "visit", "concern", "demand"];

/// All rows of all projections, as text.
async fn dump(running: &Running) -> Vec<String> {
    let mut connection = running.database.connect_as_owner().await;
    let mut all = Vec::new();
    for table in TABLES {
        let query = format!("select '{table} ' || row_to_json(kept)::text from {table} as kept order by 1");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
        assert!(!rows.is_empty(), "{table}");
        all.extend(rows);
    }
    all
}

/// News that comes behind all other news of its owner: who has it, has the others.
async fn last_news(owners: &Owners, running: &Running, revision: i64) {
    let date = Some(Date { year: 2023, month: 5, day: 1 });
    let name = |collection: &str, part: &str| format!("villages/430112011213/{collection}/{part}");
    let id = "018f5e9e-0000-7000-8000-000000000999";
    let grid =
        GridChanged { name: name("grids", "999"), revision, state: GridState::Active.into(), ..Default::default() };
    let visit = VisitChanged { name: name("visits", id), revision, visited_on: date, ..Default::default() };
    let concern = ConcernChanged {
        name: name("concerns", id),
        revision,
        matter: Matter::Environment.into(),
        state: ConcernState::Reported.into(),
        reported_on: date,
        ..Default::default()
    };
    owners.registry.tells(&[grid]).await;
    owners.liaison.tells(&[visit]).await;
    owners.casework.tells(&[concern]).await;
    for table in ["grid", "visit", "concern"] {
        let query = format!("select coalesce(max(revision), 0) from {table} where village = '430112011213'");
        harness::wait_for("the last news", || async {
            let mut connection = running.database.connect_as_owner().await;
            let newest: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(query.clone())).fetch_one(&mut connection).await.unwrap();
            newest == revision
        })
        .await;
    }
}

#[tokio::test]
async fn every_piece_of_news_twice_and_backwards_gives_the_same_projections() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let owners = Owners::of(&stage).await;
    for code in [GAOCHONG, NEIGHBOUR] {
        Village::small(code).tell(&owners, false).await;
    }
    last_news(&owners, &running, 2).await;
    let forwards = dump(&running).await;

    let mut stage = Stage::new().await;
    let running = reporting(&stage).await;
    let owners = Owners::of(&stage).await;
    for code in [NEIGHBOUR, GAOCHONG] {
        Village::small(code).tell(&owners, true).await;
    }
    last_news(&owners, &running, 1).await;
    // The broker loses everything, so that all of it is published, and read, once more.
    stage.broker.kill();
    stage.broker.wipe();
    stage.broker.restart().await;
    last_news(&owners, &running, 2).await;
    assert_eq!(dump(&running).await, forwards);
}

#[tokio::test]
async fn news_that_cannot_be_applied_is_laid_aside_retried_on_command_and_in_nobodys_way() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let owners = Owners::of(&stage).await;
    let mut connection = running.database.connect_as_owner().await;
    sqlx::query("alter table visit add constraint broken check (persons < 4)").execute(&mut connection).await.unwrap();
    let mut village = Village::small(GAOCHONG);
    village.concerns.last_mut().unwrap().matter = 99; // of a version to come
    village.tell(&owners, false).await;
    rows(&running, "select count(*) from visit", 2).await;
    rows(&running, "select count(*) from concern", 3).await;
    rows(&running, "select count(*) from dead_letter", 2).await;

    sqlx::query("alter table visit drop constraint broken").execute(&mut connection).await.unwrap();
    sqlx::query("update dead_letter set retry = true").execute(&mut connection).await.unwrap();
    rows(&running, "select count(*) from visit", 3).await;
    rows(&running, "select count(*) from dead_letter where stream = 'liaison'", 0).await;
    // What still cannot be read is laid aside again.
    rows(&running, "select count(*) from dead_letter where stream = 'casework' and not retry", 1).await;
}
