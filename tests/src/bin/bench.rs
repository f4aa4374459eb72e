//! Measures a running Lianxin (`deploy/up`): how long after its acknowledgement a concern is in the figures of its
//! village. Nothing is asserted; it prints what it saw.
//!
//! `cargo run --release -p tests --bin bench -- --times 200`. It leaves the concerns it reports in the data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a bench may fail")]

use std::time::{Duration, Instant};

use clap::Parser;
use lianxin::client::{Access, connect, mark};
use lianxin::report::figures;
use lianxin::token;
use platform::Office;
use platform::caller::token::GrantClaim;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::{Concern, CreateConcernRequest, Matter};
use tests::GAOCHONG;

/// What to measure.
#[derive(Parser)]
struct Arguments {
    /// Concerns to report, one after the other
    #[arg(long, default_value_t = 200)]
    times: usize,

    #[command(flatten)]
    access: Access,
}

#[tokio::main]
async fn main() {
    let Arguments { times, mut access } = Arguments::parse();
    let grant = GrantClaim { office: Office::Clerk, scope: GAOCHONG.to_owned(), grids: None };
    access.token =
        Some(token::sign(&access.key, "bench".to_owned(), grant, Duration::from_secs(3600)).expect("the signing key"));
    let caller = access.caller(GAOCHONG).unwrap();
    let casework = connect(&access.casework, &caller).await.expect("casework serves");
    let village = format!("villages/{GAOCHONG}");
    let reported = |figures: proto::reporting::v1::Figures| figures.total.unwrap().concerns_reported;
    let before = reported(
        figures(connect(&access.reporting, &caller).await.unwrap(), GAOCHONG, None, None).await.expect("figures"),
    );

    let (mut writes, mut visible) = (Vec::new(), Vec::new());
    for time in 1..=times {
        let concern = Concern {
            matter: Matter::Environment.into(),
            matter_type: "路灯".into(),
            text: "路灯不亮".into(),
            grid: format!("{village}/grids/016"),
            ..Concern::default()
        };
        let request =
            CreateConcernRequest { parent: village.clone(), concern: Some(concern), ..CreateConcernRequest::default() };
        let begun = Instant::now();
        ConcernServiceClient::new(casework.clone()).create_concern(request).await.expect("acknowledged");
        writes.push(begun.elapsed());
        let acknowledged = Instant::now();
        let mark = mark(&casework, &village).await.expect("a mark");
        let reporting = connect(&access.reporting, &caller.after([&mark]).unwrap()).await.unwrap();
        let seen = reported(figures(reporting, GAOCHONG, None, None).await.expect("figures"));
        visible.push(acknowledged.elapsed());
        assert_eq!(seen, before + i32::try_from(time).unwrap(), "the concern is in the figures");
    }
    print("a concern is acknowledged", writes);
    print("from its acknowledgement to its figure", visible);
}

fn print(what: &str, mut durations: Vec<Duration>) {
    durations.sort();
    let at = |part: f64| durations[((durations.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{what}: min {:.1} ms, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        at(0.0),
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
}
