//! `lianxin serve <service>`: one service, until it is told to stop.

use anyhow::{Context, Result};
use platform::telemetry::Telemetry;
use platform::{Clock, Process};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Which service to run.
#[derive(Debug, clap::Subcommand)]
pub enum Service {
    /// What exists: villages, grids, households, residents, merchants
    Registry(registry::Config),
    /// Who serves whom: members, lines, teams, links, visits
    Liaison(liaison::Config),
    /// What was raised: concerns and what became of them
    Casework(casework::Config),
    /// Figures that come out of the work
    Reporting(reporting::Config),
}

/// Runs the service until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration is not usable, or a port cannot be had.
pub async fn run(service: Service) -> Result<()> {
    let (name, config) = match &service {
        Service::Registry(config) => (registry::SERVICE, &config.platform),
        Service::Liaison(config) => (liaison::SERVICE, &config.platform),
        Service::Casework(config) => (casework::SERVICE, &config.platform),
        Service::Reporting(config) => (reporting::SERVICE, &config.platform),
    };
    let telemetry = Telemetry::start(name, config.otlp_endpoint.as_deref())?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("{listen} cannot be served: another program has it, or it is not this machine's"))?;
    let shutdown = told_to_stop()?;
    let process =
        Process { clock: Clock::system(), listener, metrics: Some(telemetry.metrics()), shutdown: shutdown.clone() };
    tracing::info!(service = name, %listen, "serving");
    match service {
        Service::Registry(config) => registry::serve(config, process).await?,
        Service::Liaison(config) => liaison::serve(config, process).await?,
        Service::Casework(config) => casework::serve(config, process).await?,
        Service::Reporting(config) => reporting::serve(config, process).await?,
    }
    tracing::info!(service = name, "stopped");
    Ok(())
}

/// Cancelled by the first SIGTERM or SIGINT.
///
/// # Errors
/// When the signals cannot be listened for.
pub fn told_to_stop() -> Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = CancellationToken::new();
    let tell = told.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tell.cancel();
    });
    Ok(told)
}
