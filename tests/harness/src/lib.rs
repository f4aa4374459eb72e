//! What tests stand on: real Postgres and NATS, a database of their own cloned from a template, a broker
//! of their own, services running in the test's process, callers with signed tokens.
//!
//! `tests/run` starts the Postgres server and names it and the broker's program in the environment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod broker;
mod database;
mod owner;
mod stage;

pub use broker::Broker;
pub use database::{TestDatabase, every_sealed_column_is_named};
pub use owner::Owner;
pub use stage::{Call, Running, Stage};

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a test waits for what must come, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds: a level that is reached, never an edge that may be missed.
///
/// # Panics
/// When it does not come.
pub async fn wait_for<F, Fut>(what: &str, mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "waited too long for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A variable that `tests/run` sets.
fn from_runner(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with tests/run"))
}
