//! Every event delivered twice and in reversed order gives the same projections, row for row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeMap;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, consumer::pull::OrderedConfig};
use futures::StreamExt;
use harness::{TestDatabase, wait_for};
use tests::World;

/// Tables that are not projections of anybody's news.
const OWN: &[&str] =
    &["change_log", "outbox", "published", "request", "data_key", "stream", "dead_letter", "_sqlx_migrations"];

struct Told {
    subject: String,
    headers: HeaderMap,
    payload: bytes::Bytes,
}

/// Everything that lies in a stream.
async fn told(world: &World, stream: &str) -> Vec<Told> {
    let client = async_nats::connect(world.stage.broker.url()).await.unwrap();
    let mut stream = jetstream::new(client).get_stream(stream).await.unwrap();
    let count = stream.info().await.unwrap().state.messages;
    let consumer = stream.create_consumer(OrderedConfig::default()).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(usize::try_from(count).unwrap());
    messages
        .map(|message| {
            let message = message.unwrap();
            Told {
                subject: message.subject.to_string(),
                headers: message.headers.clone().unwrap(),
                payload: message.payload.clone(),
            }
        })
        .collect()
        .await
}

/// Every row of every projection, as text, in an order of its own.
async fn projections(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let mut owner = database.connect_as_owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public' and tablename <> all ($1)",
    )
    .bind(OWN)
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let rows = sqlx::AssertSqlSafe(format!("select t::text as line from {table} t order by line"));
        all.insert(table, sqlx::query_scalar(rows).fetch_all(&mut owner).await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn all_news_of_a_village_doubled_and_reversed_gives_the_same_projections_row_for_row() {
    let world = World::start().await;
    let done = world.onboard_gaochong().await;
    world.figures(&[&done]).await; // reporting has read all of it
    let expected = projections(world.database("reporting")).await;
    assert!(expected.values().map(Vec::len).sum::<usize>() > 3000, "there is something to compare");

    let mut news = Vec::new();
    for stream in ["REGISTRY", "LIAISON", "CASEWORK"] {
        news.extend(told(&world, stream).await);
    }
    drop(world);

    let fresh = World::start().await;
    let broker = jetstream::new(async_nats::connect(fresh.stage.broker.url()).await.unwrap());
    for stream in ["REGISTRY", "LIAISON", "CASEWORK"] {
        wait_for(stream, || async { broker.get_stream(stream).await.is_ok() }).await;
    }
    let backwards: Vec<&Told> = news.iter().rev().collect();
    for time in ["first", "second"] {
        for some in backwards.chunks(500) {
            let mut acknowledgements = Vec::new();
            for one in some {
                let mut headers = one.headers.clone();
                headers.insert("Nats-Msg-Id", format!("{time} {}", headers.get("ce-id").unwrap()));
                let publish = broker.publish_with_headers(one.subject.clone(), headers, one.payload.clone());
                acknowledgements.push(publish.await.unwrap());
            }
            for acknowledgement in acknowledgements {
                assert!(!acknowledgement.await.unwrap().duplicate);
            }
        }
    }
    wait_for("reporting to have read everything", || async {
        projections(fresh.database("reporting")).await == expected
    })
    .await;
}
