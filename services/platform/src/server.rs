//! The gRPC server of a service, and the admin port beside it.
//!
//! Every call passes one gate: how many at once, who is it, may that office call this method, has the
//! news been read that the caller wants to see, how long may it take. Health and reflection are open.

mod admin;
mod gate;
mod silence;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::RoutesBuilder;
use tonic::transport::server::{TcpConnectInfo, TcpIncoming};
use tower::Service;

pub use gate::deadline;

use crate::caller::{Caller, token::Keys};
use crate::clock::Clock;
use crate::config::Config;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::request;

/// How often readiness is looked at.
const READINESS_INTERVAL: Duration = Duration::from_secs(2);
/// A connection that says nothing for this long is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// What a call waits for before it is carried out, by its metadata (see the events crate).
pub type WaitFor =
    Arc<dyn Fn(&http::HeaderMap, Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

/// What a process hands to the service that runs in it.
pub struct Process {
    /// What time it is.
    pub clock: Clock,
    /// Where callers come in.
    pub listener: TcpListener,
    /// What the admin port shows under /metrics.
    pub metrics: Option<PrometheusHandle>,
    /// Cancelled when the service is to stop.
    pub shutdown: CancellationToken,
}

/// A service's server while it is put together.
pub struct Server {
    config: Config,
    database: Database,
    routes: RoutesBuilder,
    names: Vec<&'static str>,
    wait_for: Option<WaitFor>,
}

impl Server {
    /// A server with no services yet.
    #[must_use]
    pub fn new(config: &Config, database: Database) -> Self {
        Self { config: config.clone(), database, routes: RoutesBuilder::default(), names: Vec::new(), wait_for: None }
    }

    /// Adds a generated gRPC service.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// What each call waits for before it is carried out.
    #[must_use]
    pub fn waiting_for(mut self, wait_for: WaitFor) -> Self {
        self.wait_for = Some(wait_for);
        self
    }

    /// Serves until `shutdown`, then lets calls in progress finish within the configured bound.
    ///
    /// # Errors
    /// When the key set cannot be read, or the admin port cannot be had.
    pub async fn run(mut self, process: Process) -> Result<()> {
        let Process { listener, metrics, shutdown, .. } = process;
        let keys = Keys::open(&self.config.jwks, &self.config.audience).await?;
        let (health, health_service) = tonic_health::server::health_reporter();
        self.routes.add_service(health_service);
        self.routes.add_service(reflection().build_v1().map_err(Error::internal)?);
        // Several clients, Python's among them, know only the older name of the same service.
        self.routes.add_service(reflection().build_v1alpha().map_err(Error::internal)?);
        let gate = gate::GateLayer::new(keys, &self.config, self.wait_for.clone());

        let admin = match self.config.admin_listen {
            Some(address) => Some(tokio::spawn(admin::serve(
                TcpListener::bind(address)
                    .await
                    .map_err(|error| Error::internal(format!("admin port {address}: {error}")))?,
                metrics,
                self.database.clone(),
                shutdown.clone(),
            ))),
            None => None,
        };
        let watch = tokio::spawn(watch_health(health, self.names, self.database.clone(), shutdown.clone()));

        let forget = tokio::spawn(request::forget_from_time_to_time(self.database.clone()));

        let serving = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE))
            .layer(gate)
            .add_routes(self.routes.routes())
            .serve_with_incoming_shutdown(
                // Answers are small: waiting for more to send costs a caller 40 ms.
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                shutdown.clone().cancelled_owned(),
            );
        let bound = async {
            shutdown.cancelled().await;
            tokio::time::sleep(self.config.stop_timeout).await;
        };
        tokio::select! {
            served = serving => served.map_err(Error::internal)?,
            () = bound => tracing::warn!("calls still in progress were cut off"),
        }
        watch.abort();
        forget.abort();
        if let Some(admin) = admin {
            admin.abort();
        }
        self.database.close().await;
        Ok(())
    }
}

/// What describes the contract to clients without its files.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Says SERVING while the database answers. The broker does not count: without it writes go on, and
/// their news waits in the change log.
async fn watch_health(
    health: tonic_health::server::HealthReporter,
    names: Vec<&'static str>,
    database: Database,
    shutdown: CancellationToken,
) {
    loop {
        let status = if !shutdown.is_cancelled() && database.is_ready().await {
            tonic_health::ServingStatus::Serving
        } else {
            tonic_health::ServingStatus::NotServing
        };
        for name in names.iter().copied().chain([""]) {
            health.set_service_status(name, status).await;
        }
        if shutdown.is_cancelled() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(READINESS_INTERVAL) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// The connection's peer, for the log.
pub(crate) fn peer(extensions: &http::Extensions) -> Option<std::net::SocketAddr> {
    extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr)
}

/// Takes the caller that the gate put into a request.
///
/// # Errors
/// When there is none: a method that was reached without the gate answers nobody.
pub fn admit<T>(request: tonic::Request<T>) -> Result<(Caller, T)> {
    let (_, mut extensions, message) = request.into_parts();
    let caller = extensions.remove::<Caller>().ok_or(Error::Unauthenticated("no caller"))?;
    Ok((caller, message))
}
