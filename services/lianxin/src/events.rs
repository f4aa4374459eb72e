//! `lianxin events`: looking at the news, and seeing to what could not be applied.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use platform::{Database, Secret};

use crate::migrate::cause;
use crate::table::Table;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show news as it arrives, without its content
    Tail {
        /// Service whose news to show (registry, liaison, casework); all if left out
        service: Option<String>,
        /// Begin with everything that was ever told
        #[arg(long)]
        all: bool,
        /// Where the broker is
        #[command(flatten)]
        broker: Broker,
    },
    /// List news that a service could not apply
    Dead {
        /// Whose database
        #[command(flatten)]
        store: Store,
    },
    /// Apply dead letters once more
    Retry {
        /// Only those of this record, for instance villages/430112011211/households/…
        #[arg(long)]
        record: Option<String>,
        /// Whose database
        #[command(flatten)]
        store: Store,
    },
    /// Publish the changes of a service again; readers keep the newest revision, so this never does harm
    Republish {
        /// Only those of this village
        #[arg(long)]
        village: Option<proto::names::VillageCode>,
        /// Whose database
        #[command(flatten)]
        store: Store,
    },
}

/// Where the broker is.
#[derive(Debug, clap::Args)]
pub struct Broker {
    #[command(flatten)]
    folder: Folder,
}

/// Whose database.
#[derive(Debug, clap::Args)]
pub struct Store {
    /// registry, liaison, casework or reporting
    service: String,
    #[command(flatten)]
    folder: Folder,
}

/// Where `lianxin up` noted how the services are reached. Variables of the environment take precedence
/// (LIANXIN_DATABASE_URL, LIANXIN_NATS_URL and their password files).
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// Folder of `lianxin up`
    #[arg(long, default_value = ".lianxin")]
    folder: PathBuf,
}

impl Folder {
    /// This folder of `lianxin up`.
    pub(crate) fn at(folder: &std::path::Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Connects to the broker as a service does.
    pub(crate) async fn broker(&self, service: &str) -> Result<async_nats::Client> {
        let environment = self.environment(service);
        let url = environment.get("LIANXIN_NATS_URL").context("where is the broker? Set LIANXIN_NATS_URL")?;
        let mut options = async_nats::ConnectOptions::new();
        if let Some(file) = environment.get("LIANXIN_NATS_PASSWORD_FILE") {
            let password = Secret::from_file(file.as_ref())?;
            options = options.user_and_password("lianxin".to_owned(), password.expose().to_owned());
        }
        Ok(options.connect(url).await?)
    }

    /// Casework's database.
    pub(crate) fn casework(&self) -> Result<Database> {
        self.database(casework::SERVICE)
    }

    /// Where attachments are: in the store that somebody named, or else in the one that is noted.
    pub(crate) fn attachments(&self, mut store: casework::attachments::Config) -> casework::attachments::Config {
        let noted = self.environment(casework::SERVICE).remove("LIANXIN_ATTACHMENTS");
        if let Some(noted) = noted.filter(|_| store.place == casework::attachments::PLACE) {
            store.place = noted;
        }
        store
    }

    fn database(&self, service: &str) -> Result<Database> {
        let environment = self.environment(service);
        let url = environment.get("LIANXIN_DATABASE_URL").with_context(|| {
            format!("where is the database of {service}? Set LIANXIN_DATABASE_URL, or name the folder of lianxin up")
        })?;
        let password = environment.get("LIANXIN_DATABASE_PASSWORD_FILE").map(PathBuf::from);
        Database::connect(url, password.as_deref(), 1).map_err(cause)
    }

    /// The environment of a service: what `lianxin up` noted, and over it what is set here.
    fn environment(&self, service: &str) -> HashMap<String, String> {
        let noted = std::fs::read_to_string(self.folder.join("secrets").join(format!("{service}.env")));
        let mut all: HashMap<_, _> = noted
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        all.extend(std::env::vars().filter(|(name, _)| name.starts_with("LIANXIN_")));
        all
    }
}

impl Store {
    fn open(&self) -> Result<Database> {
        self.folder.database(&self.service)
    }
}

/// Does it.
///
/// # Errors
/// When the database or the broker cannot be reached.
pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Tail { service, all, broker } => tail(service, all, &broker).await,
        Command::Dead { store } => dead(&store).await,
        Command::Retry { record, store } => {
            let letters = ::events::dead_letters::retry(&store.open()?, record.as_deref()).await.map_err(cause)?;
            println!(
                "{letters} letter(s) will be applied again within seconds; lianxin events dead {} shows what is left",
                store.service
            );
            Ok(())
        }
        Command::Republish { village, store } => {
            let scope = village.as_ref().map_or_else(platform::Scope::deployment, platform::Scope::from);
            let changes = ::events::changes::republish(&store.open()?, &scope).await.map_err(cause)?;
            println!("{changes} change(s) will be published again within seconds");
            Ok(())
        }
    }
}

async fn dead(store: &Store) -> Result<()> {
    let letters = ::events::dead_letters::list(&store.open()?).await.map_err(cause)?;
    if letters.is_empty() {
        println!("{}: no dead letters", store.service);
        return Ok(());
    }
    let mut table = Table::new(&["record", "revision", "from", "since", "error"]);
    for letter in &letters {
        table.row(&[
            letter.record.clone(),
            letter.revision.to_string(),
            letter.stream.clone(),
            letter.died_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            letter.error.clone(),
        ]);
    }
    println!("{table}\nWhen the cause is mended: lianxin events retry {}", store.service);
    Ok(())
}

/// Prints envelopes until Ctrl-C. A subscription beside JetStream shows what arrives now; with `all`, an ordered
/// consumer begins at the first message. Neither leaves a trace on the server.
async fn tail(service: Option<String>, all: bool, broker: &Broker) -> Result<()> {
    let client = broker.folder.broker(service.as_deref().unwrap_or("registry")).await?;
    let Some(service) = service.filter(|_| all) else {
        if all {
            bail!("--all needs a service: each has a stream of its own");
        }
        let mut news = client.subscribe("lianxin.v1.>").await?;
        while let Some(message) = news.next().await {
            show(&message.subject, message.headers.as_ref())?;
        }
        return Ok(());
    };
    let stream = async_nats::jetstream::new(client).get_stream(service.to_ascii_uppercase()).await?;
    let consumer = stream.create_consumer(async_nats::jetstream::consumer::pull::OrderedConfig::default()).await?;
    let mut news = consumer.messages().await?;
    while let Some(message) = news.next().await {
        let message = message?;
        show(&message.subject, message.headers.as_ref())?;
    }
    Ok(())
}

fn show(subject: &str, headers: Option<&async_nats::HeaderMap>) -> std::io::Result<()> {
    let header =
        |name: &str| headers.and_then(|headers| headers.get(name)).map(ToString::to_string).unwrap_or_default();
    let (time, record, revision) = (header("ce-time"), header("ce-subject"), header("ce-revision"));
    writeln!(std::io::stdout(), "{time}  {subject}  {record}  @{revision}")
}
