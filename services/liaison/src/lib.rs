//! Liaison: who serves whom — members, the two lines, teams, links, coverage, visits.
//!
//! It reads the registry's news and answers it: a village gets its lines, a grid its team, a household its link. Read
//! `member`, `line`, `team`, `link` (above all `link/rules.rs`), `coverage`, `gap`, `visit`, `plan`, `roster`, then
//! `reactions`.

mod coverage;
mod entrance_rules;
mod gap;
mod keyset;
mod line;
mod link;
mod member;
mod places;
mod plan;
mod reactions;
mod roster;
mod team;
mod visit;

use std::str::FromStr;

use events::Events;
use platform::vault::rotation::{self, Sealed};
use platform::{Database, Error, Process, Result, Server, Vault, Violations};
use proto::liaison::v1::coverage_service_server::CoverageServiceServer;
use proto::liaison::v1::entrance_rules_service_server::EntranceRulesServiceServer;
use proto::liaison::v1::line_service_server::LineServiceServer;
use proto::liaison::v1::link_service_server::LinkServiceServer;
use proto::liaison::v1::member_service_server::MemberServiceServer;
use proto::liaison::v1::roster_service_server::RosterServiceServer;
use proto::liaison::v1::team_service_server::TeamServiceServer;
use proto::liaison::v1::visit_plan_service_server::VisitPlanServiceServer;
use proto::liaison::v1::visit_service_server::VisitServiceServer;
use proto::names::{NameError, VillageCode, VillageResource, record_id};
use sqlx::migrate::Migrator;
use uuid::Uuid;

/// The name of this service in subjects, roles and databases.
pub const SERVICE: &str = "liaison";

/// What liaison is told when it starts.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// What every service is told
    #[command(flatten)]
    pub platform: platform::Config,
    /// Where news goes and comes from
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
pub const SEALED: &[Sealed] = &[Sealed { table: "member", columns: &["telephone_sealed"] }];

/// Serves until the process is told to stop.
///
/// # Errors
/// When the configuration is not usable, or the port cannot be served.
pub async fn serve(config: Config, process: Process) -> Result<()> {
    let database = Database::open(&config.platform)?;
    let vault = Vault::open(&config.platform.vault_key_file)?.refreshed_after(config.platform.vault_refresh);
    let mut events = Events::join(&config.events, SERVICE, database.clone(), process.shutdown.clone()).await?;
    events.relay();
    let (changes, clock) = (events.changes(), process.clock.clone());
    events.read("registry", reactions::Reactions::new(changes.clone(), clock.clone()));

    let members = member::Members::new(database.clone(), changes.clone(), clock.clone(), vault.clone());
    let lines = line::Lines::new(database.clone(), changes.clone(), clock.clone());
    let teams = team::Teams::new(database.clone(), changes.clone(), clock.clone(), vault.clone());
    let links = link::Links::new(database.clone(), changes.clone(), clock.clone(), vault.clone());
    let hub = gap::keeper::Hub::new();
    let keeper = gap::keeper::Keeper::new(database.clone(), changes.clone(), clock.clone(), hub.clone());
    let terms = member::terms::Terms::new(database.clone(), changes.clone(), clock.clone(), vault.clone());
    let keeping = [
        tokio::spawn(keeper.run(process.shutdown.clone())),
        tokio::spawn(terms.run(process.shutdown.clone())),
        tokio::spawn(rotation::keep(database.clone(), vault.clone(), SEALED, process.shutdown.clone())),
    ];
    let gaps = gap::Gaps::new(database.clone(), clock.clone(), hub, process.shutdown.clone());
    let coverage = coverage::Coverage::new(database.clone(), clock.clone(), gaps);
    let visits = visit::Visits::new(database.clone(), changes.clone(), clock.clone());
    let plans = plan::Plans::new(database.clone(), changes.clone(), clock.clone());
    let entrances = entrance_rules::Entrances::new(database.clone(), changes.clone(), clock.clone());
    let rosters = roster::Rosters::new(database.clone(), changes, clock, vault);

    Server::new(&config.platform, database)
        .with(MemberServiceServer::new(members))
        .with(LineServiceServer::new(lines))
        .with(TeamServiceServer::new(teams))
        .with(LinkServiceServer::new(links))
        .with(CoverageServiceServer::new(coverage))
        .with(VisitServiceServer::new(visits))
        .with(VisitPlanServiceServer::new(plans))
        .with(EntranceRulesServiceServer::new(entrances))
        .with(RosterServiceServer::new(rosters).max_decoding_message_size(config.platform.message_bytes))
        .with(events.news_service())
        .waiting_for(events.wait_for())
        .run(process)
        .await?;
    events.stopped().await;
    // They have stopped by now, or wait for a database that does not answer.
    keeping.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// The id that a client chose for a new record; none if it chose none.
fn given_id(wrong: &mut Violations, field: &str, text: &str) -> Option<Uuid> {
    if text.is_empty() { None } else { wrong.check(field, record_id(text)) }
}

/// A part of a name that may be empty and, if it is not, has to lie in `village`.
fn of_village<N, T>(field: &str, text: &str, village: VillageCode, part: impl FnOnce(N) -> T) -> Result<Option<T>>
where
    N: VillageResource + FromStr<Err = NameError>,
{
    if text.is_empty() {
        return Ok(None);
    }
    let name: N = text.parse().map_err(|error| Error::field(field, error))?;
    if name.village() != village {
        return Err(Error::field(field, "lies in another village"));
    }
    Ok(Some(part(name)))
}
