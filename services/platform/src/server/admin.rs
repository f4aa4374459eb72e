//! The admin port: metrics for Prometheus, liveness and readiness for whoever restarts and routes.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::database::Database;

pub(super) async fn serve(
    listener: TcpListener,
    metrics: Option<PrometheusHandle>,
    database: Database,
    shutdown: CancellationToken,
) {
    let router = Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready).with_state(database))
        .route("/metrics", get(move || async move { metrics.map(|handle| handle.render()).unwrap_or_default() }));
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "the admin port stopped");
    }
}

async fn ready(State(database): State<Database>) -> (StatusCode, &'static str) {
    if database.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
    }
}
