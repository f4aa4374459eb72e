//! Reporting through the real gRPC client, with the other services played by the harness.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod figures;
mod keys;
mod news;
mod village;
mod withdrawn;

use harness::{Call, Owner, Running, Stage};
use platform::Office;
use proto::google::r#type::Date;
use proto::reporting::v1::figure_service_client::FigureServiceClient;
use proto::reporting::v1::{Figures, GetFiguresRequest};
use reporting::Config;
use tonic::Status;

const GAOCHONG: &str = "430112011211";
const NEIGHBOUR: &str = "430112011212";
const SUBDISTRICT: &str = "430112011";

async fn reporting(stage: &Stage) -> Running {
    stage
        .serve(reporting::SERVICE, &reporting::migrations(), |platform, events, process| {
            reporting::serve(Config { platform, events }, process)
        })
        .await
}

/// The three services whose news is read.
struct Owners {
    registry: Owner,
    liaison: Owner,
    casework: Owner,
}

impl Owners {
    async fn of(stage: &Stage) -> Self {
        Self {
            registry: stage.owner("registry").await,
            liaison: stage.owner("liaison").await,
            casework: stage.owner("casework").await,
        }
    }
}

/// Asks for the figures of a place over a period.
async fn figures(
    running: &Running,
    caller: &Call,
    parent: &str,
    period: (Option<Date>, Option<Date>),
) -> Result<Figures, Status> {
    let mut client = FigureServiceClient::with_interceptor(running.channel(), caller.clone());
    let request = GetFiguresRequest {
        parent: parent.into(),
        start_date: period.0,
        end_date: period.1,
        by_village: parent.starts_with("subdistricts/"),
    };
    client.get_figures(request).await.map(tonic::Response::into_inner)
}

fn officer(stage: &Stage) -> Call {
    stage.caller(Office::Officer, SUBDISTRICT, &[])
}

fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

/// Waits until a query counts this many.
async fn rows(running: &Running, query: &'static str, many: i64) {
    harness::wait_for(query, || async {
        let mut connection = running.database.connect_as_owner().await;
        sqlx::query_scalar::<_, i64>(query).fetch_one(&mut connection).await.unwrap() == many
    })
    .await;
}
