//! `lianxin servers`: the private servers alone, for tests to run against.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{Durability, Programs, Servers, folder::write_private};

/// Private Postgres and NATS servers, for tests: starts both and stays until it is told to stop.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Folder for the servers' data, secrets and logs, and for the file `env` that says how to reach them
    #[arg(long)]
    folder: PathBuf,
    /// Folder in which deploy/programs left the file `env` that says where the programs are
    #[arg(long)]
    programs: PathBuf,
    /// Force nothing to disk: faster, and a power cut loses everything
    #[arg(long)]
    fast: bool,
}

/// Runs the command.
///
/// The file `FOLDER/env` is there exactly while the servers are ready. It holds `LIANXIN_TEST_POSTGRES`, an address to
/// which `/database` may be appended, and `LIANXIN_TEST_NATS_SERVER`, the program with which tests start brokers of
/// their own.
///
/// # Errors
/// If the servers do not start, end by themselves, or do not stop.
pub async fn run(arguments: Arguments) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let Arguments { folder, programs, fast } = arguments;
    let programs = Programs::read(&programs)?;
    let durability = if fast { Durability::Memory } else { Durability::Disk };
    let env = folder.join("env");

    let servers = tokio::select! {
        servers = Servers::start(&folder, &programs, durability) => servers?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    write_private(
        &env,
        &format!(
            "LIANXIN_TEST_POSTGRES={}\nLIANXIN_TEST_NATS_SERVER={}\n",
            servers.postgres_url("").trim_end_matches('/'),
            programs.nats_server.display(),
        ),
    )?;

    let failure = tokio::select! {
        failure = servers.ended() => Some(failure),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    fs::remove_file(&env).with_context(|| format!("{} cannot be removed", env.display()))?;
    servers.stop().await?;
    failure.map_or(Ok(()), Err)
}
