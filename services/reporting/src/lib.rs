//! Reporting: figures that come out of the work.
//!
//! It owns no records. It keeps what it needs of the others' news, and counts when it is asked; every figure can be
//! computed again from scratch by reading the news again.

mod figures;
mod projections;

use events::Events;
use platform::vault::rotation::Sealed;
use platform::{Database, Process, Result, Server};
use proto::reporting::v1::figure_service_server::FigureServiceServer;
use sqlx::migrate::Migrator;

/// The name of this service in subjects, roles and databases.
pub const SERVICE: &str = "reporting";

/// What reporting is told when it starts.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// What every service is told
    #[command(flatten)]
    pub platform: platform::Config,
    /// Where news comes from
    #[command(flatten)]
    pub events: events::Config,
}

/// The tables of this service, those of platform and events among them.
#[must_use]
pub fn migrations() -> Migrator {
    static OWN: Migrator = sqlx::migrate!("./migrations");
    platform::database::migrations(&[&events::MIGRATIONS, &OWN])
}

/// What is sealed in this service's tables: nothing.
pub const SEALED: &[Sealed] = &[];

/// Serves until the process is told to stop.
///
/// # Errors
/// When the configuration is not usable, or the port cannot be served.
pub async fn serve(config: Config, process: Process) -> Result<()> {
    let database = Database::open(&config.platform)?;
    let mut events = Events::join(&config.events, SERVICE, database.clone(), process.shutdown.clone()).await?;
    // It tells no news, so it relays none.
    for owner in ["registry", "liaison", "casework"] {
        events.read(owner, projections::Projections);
    }

    let figures = figures::Figures::new(database.clone(), process.clock.clone());

    Server::new(&config.platform, database)
        .with(FigureServiceServer::new(figures))
        .with(events.news_service())
        .waiting_for(events.wait_for())
        .run(process)
        .await?;
    events.stopped().await;
    Ok(())
}
