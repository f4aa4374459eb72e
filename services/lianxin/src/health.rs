//! `lianxin health`: does a service serve? For containers and for whoever waits.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The service's gRPC address, for instance `127.0.0.1:7101`
    #[arg(long)]
    address: String,
}

/// Succeeds when the service says SERVING.
///
/// # Errors
/// When it does not.
pub async fn run(arguments: Arguments) -> Result<()> {
    check(&format!("http://{}", arguments.address)).await
}

/// Asks once.
///
/// # Errors
/// When the service is not there or not ready.
pub async fn check(address: &str) -> Result<()> {
    let endpoint = Endpoint::from_shared(address.to_owned())?.connect_timeout(TIMEOUT).timeout(TIMEOUT);
    let channel = endpoint.connect().await.with_context(|| format!("nobody serves {address}"))?;
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await?.into_inner();
    ensure!(answer.status() == ServingStatus::Serving, "{address} is {}", answer.status().as_str_name());
    Ok(())
}
