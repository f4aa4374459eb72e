//! The registry: what exists in a village — areas, groups, grids, households, residents, merchants.
//!
//! It is told by people and workbooks, and by no other service: it reads nobody's news.

mod care_tags;
mod citizen;
mod disclosure;
mod division;
mod fields;
mod grid;
mod grid_service;
mod history;
mod household;
mod household_service;
mod life;
mod merchant;
mod merchant_service;
mod public_text;
mod resident;
mod reveal;
mod roster;
mod search;
mod sensitive;
mod village;

use events::Events;
use platform::vault::rotation::{self, Sealed};
use platform::{Database, Process, Result, Server, Vault};
use proto::registry::v1::grid_service_server::GridServiceServer;
use proto::registry::v1::household_service_server::HouseholdServiceServer;
use proto::registry::v1::merchant_service_server::MerchantServiceServer;
use proto::registry::v1::public_text_service_server::PublicTextServiceServer;
use proto::registry::v1::roster_service_server::RosterServiceServer;
use proto::registry::v1::village_service_server::VillageServiceServer;
use sqlx::migrate::Migrator;

/// The name of this service in subjects, roles and databases.
pub const SERVICE: &str = "registry";

/// What the registry is told when it starts.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// What every service is told
    #[command(flatten)]
    pub platform: platform::Config,
    /// Where news goes
    #[command(flatten)]
    pub events: events::Config,
}

/// The tables of this service, those of platform and events among them.
#[must_use]
pub fn migrations() -> Migrator {
    static OWN: Migrator = sqlx::migrate!("./migrations");
    platform::database::migrations(&[&events::MIGRATIONS, &OWN])
}

/// What is sealed in this service's tables.
pub const SEALED: &[Sealed] = &[
    Sealed {
        table: "household",
        columns: &["citizen_id_sealed", "telephone_sealed", "address_sealed", "current_address_sealed"],
    },
    Sealed { table: "resident", columns: &["citizen_id_sealed", "telephone_sealed"] },
    Sealed { table: "merchant", columns: &["telephone_sealed", "address_sealed"] },
];

/// Serves until the process is told to stop.
///
/// # Errors
/// When the configuration is not usable, or the port cannot be served.
pub async fn serve(config: Config, process: Process) -> Result<()> {
    let database = Database::open(&config.platform)?;
    let events = Events::join(&config.events, SERVICE, database.clone(), process.shutdown.clone()).await?;
    events.relay();

    let vault = Vault::open(&config.platform.vault_key_file)?.refreshed_after(config.platform.vault_refresh);
    let (changes, clock) = (events.changes(), process.clock.clone());
    let villages = village::Villages::new(database.clone(), changes.clone(), clock.clone());
    let places = grid_service::GridCalls {
        divisions: division::Divisions::new(database.clone(), changes.clone(), clock.clone()),
        grids: grid::Grids::new(database.clone(), changes.clone(), clock.clone()),
    };
    let people = household_service::HouseholdCalls {
        households: household::Households::new(database.clone(), changes.clone(), clock.clone(), vault.clone()),
        searches: search::Searches::new(database.clone(), clock.clone(), vault.clone()),
        residents: resident::Residents::new(database.clone(), changes.clone(), clock.clone(), vault.clone()),
        lives: life::Lives::new(database.clone(), changes.clone(), clock.clone(), vault.clone()),
        histories: history::Histories::new(database.clone(), vault.clone()),
        care_tags: care_tags::CareTagSets::new(database.clone(), changes.clone(), clock.clone()),
        reveals: reveal::Reveals::new(database.clone(), vault.clone()),
        disclosures: disclosure::Disclosures::new(database.clone()),
    };
    let merchants = merchant_service::MerchantCalls {
        merchants: merchant::Merchants::new(database.clone(), changes.clone(), clock.clone(), vault.clone()),
        histories: people.histories.clone(),
        reveals: people.reveals.clone(),
    };
    let public_texts = public_text::PublicTexts::new(database.clone(), clock.clone(), vault.clone());
    let keeping = [
        tokio::spawn(search::keep_initials(database.clone(), process.shutdown.clone())),
        tokio::spawn(rotation::keep(database.clone(), vault.clone(), SEALED, process.shutdown.clone())),
    ];
    let rosters = roster::Rosters::new(database.clone(), changes, clock, vault);
    let rosters = RosterServiceServer::new(rosters).max_decoding_message_size(config.platform.message_bytes);

    Server::new(&config.platform, database)
        .with(VillageServiceServer::new(villages))
        .with(GridServiceServer::new(places))
        .with(HouseholdServiceServer::new(people))
        .with(MerchantServiceServer::new(merchants))
        .with(PublicTextServiceServer::new(public_texts))
        .with(rosters)
        .with(events.news_service())
        .waiting_for(events.wait_for())
        .run(process)
        .await?;
    events.stopped().await;
    // They have stopped by now, or wait for a database that does not answer.
    keeping.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}
