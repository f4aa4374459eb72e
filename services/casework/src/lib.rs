//! Casework: what households raise, and what becomes of it.
//!
//! It knows where a household lives and who serves a grid only from the news of the registry and of liaison. A concern
//! that comes before that news is taken all the same, and finds its team when the news is there. What households say
//! stays here: neither news nor logs carry it.

mod attachment;
mod calendar;
mod catalog;
mod concern;
mod deliberation;
mod demand;
mod ledger;
mod place;
mod progress;
mod reactions;

use events::Events;
use platform::vault::rotation::{self, Sealed};
use platform::{Database, Process, Result, Server, Vault};
use proto::casework::v1::attachment_service_server::AttachmentServiceServer;
use proto::casework::v1::catalog_service_server::CatalogServiceServer;
use proto::casework::v1::concern_service_server::ConcernServiceServer;
use proto::casework::v1::deliberation_service_server::DeliberationServiceServer;
use proto::casework::v1::demand_service_server::DemandServiceServer;
use proto::casework::v1::ledger_service_server::LedgerServiceServer;
use sqlx::migrate::Migrator;

/// The name of this service in subjects, roles and databases.
pub const SERVICE: &str = "casework";

/// What casework is told when it starts.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// What every service is told
    #[command(flatten)]
    pub platform: platform::Config,
    /// Where news goes and comes from
    #[command(flatten)]
    pub events: events::Config,
    /// Where attachments are kept
    #[command(flatten)]
    pub attachments: attachments::Config,
}

/// Files that belong to concerns and deliberations, as far as others have to know.
pub mod attachments {
    pub use crate::attachment::{Config, Found, PLACE, Written, erase, scan, write_out};
}

/// The ledger of a village's concerns, as far as others have to know.
pub mod ledgers {
    pub use crate::ledger::whole;
}

/// The tables of this service, those of platform and events among them.
#[must_use]
pub fn migrations() -> Migrator {
    static OWN: Migrator = sqlx::migrate!("./migrations");
    platform::database::migrations(&[&events::MIGRATIONS, &OWN])
}

/// What is sealed in this service's tables.
pub const SEALED: &[Sealed] = &[
    Sealed { table: "attachment", columns: &["name_sealed"] },
    Sealed { table: "concern_detail", columns: &["location_sealed", "receipt_sealed"] },
    Sealed { table: "stored_object", columns: &["content_key_sealed"] },
];

/// Serves until the process is told to stop.
///
/// # Errors
/// When the configuration is not usable, or the port cannot be served.
pub async fn serve(config: Config, process: Process) -> Result<()> {
    let database = Database::open(&config.platform)?;
    let mut events = Events::join(&config.events, SERVICE, database.clone(), process.shutdown.clone()).await?;
    events.relay();
    for owner in ["registry", "liaison"] {
        events.read(owner, reactions::Reactions::new(events.changes(), process.clock.clone()));
    }

    let calendars = calendar::Calendars::default();
    let vault = Vault::open(&config.platform.vault_key_file)?;
    let stirred = concern::Stirred::default();
    let concerns = concern::Concerns::new(
        database.clone(),
        events.changes(),
        process.clock.clone(),
        calendars.clone(),
        vault.clone(),
        stirred.clone(),
    );
    let watch = concern::Watch::new(database.clone(), events.changes(), process.clock.clone(), calendars.clone());
    let watching = tokio::spawn(watch.run(process.shutdown.clone()));
    let attachments = attachment::Attachments::new(
        database.clone(),
        events.changes(),
        process.clock.clone(),
        vault.clone(),
        &config.attachments,
    )?;
    let keeping = tokio::spawn(attachments.keeper().run(process.shutdown.clone()));
    let demands = demand::Demands::new(
        database.clone(),
        events.changes(),
        process.clock.clone(),
        calendars.clone(),
        stirred.clone(),
    );
    let proposer = demand::Watch::new(database.clone(), process.clock.clone(), stirred.clone());
    let proposing = tokio::spawn(proposer.run(process.shutdown.clone()));
    let deliberations = deliberation::Deliberations::new(
        database.clone(),
        events.changes(),
        process.clock.clone(),
        calendars.clone(),
        vault.clone(),
    );
    let rotating = tokio::spawn(rotation::keep(database.clone(), vault, SEALED, process.shutdown.clone()));
    let catalog = catalog::Catalog::new(database.clone(), events.changes(), process.clock.clone(), calendars);
    let ledgers = ledger::Ledgers::new(database.clone(), events.changes(), process.clock.clone(), stirred);

    Server::new(&config.platform, database)
        .with(ConcernServiceServer::new(concerns))
        .with(AttachmentServiceServer::new(attachments))
        .with(DemandServiceServer::new(demands))
        .with(DeliberationServiceServer::new(deliberations))
        .with(CatalogServiceServer::new(catalog))
        .with(LedgerServiceServer::new(ledgers).max_decoding_message_size(config.platform.message_bytes))
        .with(events.news_service())
        .waiting_for(events.wait_for())
        .run(process)
        .await?;
    // What it has not committed by now another look will find.
    watching.abort();
    keeping.abort();
    proposing.abort();
    rotating.abort();
    events.stopped().await;
    Ok(())
}
