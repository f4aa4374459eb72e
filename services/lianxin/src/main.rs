//! The one binary: reads the command line and runs the command it names, nothing else.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lianxin::{attachments, events, health, keys, migrate, onboard, report, serve, servers, tenant, token, up};

/// 连心 Lianxin: who serves whom in a village, what was raised, and what became of it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine: Postgres, NATS, the four services, the villages
    Up(up::Arguments),
    /// Run one service
    #[command(subcommand)]
    Serve(Box<serve::Service>),
    /// Bring the databases of all services up to date
    Migrate(migrate::Arguments),
    /// Make a village a tenant, out of its workbooks
    Onboard(onboard::Arguments),
    /// Write a roster, or everything of a village, to files
    #[command(subcommand)]
    Export(tenant::Export),
    /// Erase a village from every service
    #[command(subcommand)]
    Erase(tenant::Erase),
    /// Show the figures of a village or a sub-district
    Report(report::Arguments),
    /// Sign a token for an office and a scope, for trying things
    Token(token::Arguments),
    /// Make the keys that are missing: the vault's, and one to sign tokens with
    Keygen(token::KeygenArguments),
    /// Replace keys and see how that goes: those that wrap the villages' data keys, and the data keys themselves
    #[command(subcommand)]
    Keys(keys::Command),
    /// Look at the news, and see to what could not be applied
    #[command(subcommand)]
    Events(events::Command),
    /// See to what is left over of attachments
    #[command(subcommand)]
    Attachments(attachments::Command),
    /// Ask a service whether it serves
    Health(health::Arguments),
    /// Private Postgres and NATS servers, for tests
    #[command(hide = true)]
    Servers(servers::command::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Up(arguments) => up::run(arguments).await,
        Command::Serve(service) => serve::run(*service).await,
        Command::Migrate(arguments) => migrate::run(arguments).await,
        Command::Onboard(arguments) => match onboard::run(arguments).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Export(command) => tenant::export(command).await,
        Command::Erase(command) => tenant::erase(command).await,
        Command::Report(arguments) => report::run(arguments).await,
        Command::Token(arguments) => token::run(arguments),
        Command::Keygen(arguments) => token::keygen(&arguments),
        Command::Keys(command) => keys::run(command).await,
        Command::Events(command) => events::run(command).await,
        Command::Attachments(command) => attachments::run(command).await,
        Command::Health(arguments) => health::run(arguments).await,
        Command::Servers(arguments) => servers::command::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("lianxin: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_and_setting_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
