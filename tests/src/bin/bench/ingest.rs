//! Reporting begins again with nothing, and reads all news there is.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use crate::System;
use crate::table::{heading, line, number};

/// What reporting keeps of casework's news.
const PROJECTION: &str = "select count(*) from concern";

pub(crate) async fn measure(system: &System) {
    heading(
        "Ingest: reporting begins with nothing and reads casework's news",
        &["concerns", "seconds", "events a second"],
    );
    let mut reporting = system.owner("reporting").await;
    let mut casework = system.owner("casework").await;
    let concerns: i64 = sqlx::query_scalar(PROJECTION).fetch_one(&mut casework).await.unwrap();
    let broker = system.broker().await;
    let stream = async_nats::jetstream::new(broker).get_stream("CASEWORK").await.unwrap();
    let events = stream.cached_info().state.messages;
    // Reporting finds out by itself that its place in the stream is gone, and begins at the beginning.
    sqlx::raw_sql("truncate concern").execute(&mut reporting).await.unwrap();
    stream.delete_consumer("reporting").await.unwrap();
    while kept(&mut reporting).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let begun = Instant::now();
    while kept(&mut reporting).await < concerns {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    line(&[concerns.to_string(), number(took), number(events as f64 / took)]);
}

async fn kept(reporting: &mut PgConnection) -> i64 {
    sqlx::query_scalar(PROJECTION).fetch_one(reporting).await.unwrap()
}
