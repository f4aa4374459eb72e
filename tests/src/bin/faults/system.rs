//! The whole system as it would be deployed on several machines, on one: Postgres on a small volume of its own, three
//! nodes of NATS, two replicas of each service, and a proxy in front of every one of them.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lianxin::client::{Access, Metadata};
use lianxin::onboard::{Village, onboard};
use lianxin::servers::{Durability, Programs, Servers, free_port};
use lianxin::{migrate, token};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::caller::token::GrantClaim;
use platform::database::Owner;
use platform::{Office, Secret};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tests::{GAOCHONG, WUSHAN, shipped};

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::proxy::Proxy;

/// Each service runs this often.
pub(crate) const REPLICAS: usize = 2;
/// The services, in the order in which news flows.
pub(crate) const SERVICES: [&str; 4] = ["registry", "liaison", "casework", "reporting"];
/// Room for the database: enough for an hour's load, little enough to be filled in a moment.
const VOLUME: &str = "size=1g,mode=0700";
/// Password of every service's database role.
const PASSWORD: &str = "faults";
/// How long a token lives: longer than any shift of a clock.
const TOKEN_LIVES: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a service may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that runs.
pub(crate) struct System {
    /// Postgres; its NATS is not used.
    pub(crate) servers: Servers,
    /// What services connect to instead of Postgres.
    pub(crate) postgres: Proxy,
    /// NATS.
    pub(crate) cluster: Cluster,
    /// The services.
    pub(crate) replicas: Vec<Replica>,
    /// Where Postgres has its volume, if this machine lets us make one.
    pub(crate) volume: Option<PathBuf>,
    /// Versions that the schema is ahead of ours.
    pub(crate) version: i64,
    folder: PathBuf,
}

/// One process of a service.
pub(crate) struct Replica {
    /// Whose.
    pub(crate) service: &'static str,
    /// Which of them, from 0.
    pub(crate) number: usize,
    /// What clients connect to.
    pub(crate) proxy: Proxy,
    /// Its time of day.
    pub(crate) clock: Clock,
    child: Option<Child>,
    command: Command,
    port: u16,
}

impl System {
    /// Starts everything in `folder` and waits until it serves.
    pub(crate) async fn start(folder: &Path, programs: &Programs) -> Result<Self> {
        let volume = small_volume(&folder.join("postgres"))?;
        let mut servers = Servers::start(folder, programs, Durability::Disk).await?;
        servers.kill_nats().await?;
        let postgres = Proxy::before(servers.postgres_port()).await?;
        let cluster = Cluster::start(folder, programs).await?;
        token::make_keys(&folder.join("secrets"))?;
        let owner = Owner { url: servers.postgres_url("postgres") };
        for (service, migrations) in migrate::services() {
            migrate::provision(&owner, service, &Secret::new(PASSWORD), &migrations).await?;
        }
        let shim = crate::clock::compile(folder)?;
        let mut replicas = Vec::new();
        for service in SERVICES {
            for number in 0..REPLICAS {
                let (port, clock) = (free_port()?, Clock::new(folder, service, number)?);
                let mut command = command(folder, service, number, port, &postgres, &cluster)?;
                command.env("LD_PRELOAD", &shim).env("LIANXIN_FAULTS_CLOCK", clock.file());
                let proxy = Proxy::before(port).await?;
                replicas.push(Replica { service, number, proxy, clock, child: None, command, port });
            }
        }
        let mut system = Self { servers, postgres, cluster, replicas, volume, version: 0, folder: folder.to_owned() };
        system.begin_all()?;
        for replica in &system.replicas {
            replica.serves().await?;
        }
        Ok(system)
    }

    /// Starts every service that does not run, as the machine's supervisor would.
    pub(crate) fn begin_all(&mut self) -> Result<()> {
        self.replicas.iter_mut().try_for_each(Replica::begin)
    }

    /// Starts Postgres again whenever it ends, as the machine's supervisor would; never returns, unless it cannot.
    pub(crate) async fn keep_postgres(&mut self) -> anyhow::Error {
        loop {
            self.servers.ended().await;
            if let Err(error) = self.servers.restart_postgres().await {
                return error;
            }
        }
    }

    /// The replicas of one service.
    pub(crate) fn of(&mut self, service: &str) -> impl Iterator<Item = &mut Replica> {
        self.replicas.iter_mut().filter(move |replica| replica.service == service)
    }

    /// A connection to a service's database as the owner, seeing every village.
    pub(crate) async fn owner(&self, service: &str) -> Result<PgConnection> {
        let connecting = PgConnection::connect(&self.servers.postgres_url(service)).await;
        let mut connection = connecting.with_context(|| format!("the database {service}"))?;
        connection.execute("set lianxin.scope = '*'").await?;
        Ok(connection)
    }

    /// Brings the schema of every service to the next version, while they run.
    pub(crate) async fn upgrade(&mut self) -> Result<()> {
        self.version += 1;
        let owner = Owner { url: self.servers.postgres_url("postgres") };
        for (service, migrations) in migrate::services() {
            let migrations = crate::schema::newer(service, &migrations, self.version);
            migrate::provision(&owner, service, &Secret::new(PASSWORD), &migrations).await?;
        }
        Ok(())
    }

    /// Makes the real village a tenant, out of its workbooks.
    pub(crate) async fn onboard(&self) -> Result<()> {
        let village = Village {
            code: GAOCHONG.parse()?,
            name: "高冲村".to_owned(),
            roster: Some(shipped("gaochong/roster.xlsx")),
            ledger: Some(shipped("gaochong/ledger.xlsx")),
        };
        let operator = self.caller("operator", Office::Operator, WUSHAN, TOKEN_LIVES)?;
        onboard(&village, false, &self.access(None), &operator, false).await?;
        Ok(())
    }

    /// A clerk of the village, with a token of her own.
    pub(crate) fn clerk(&self, name: &str) -> Result<Metadata> {
        self.caller(name, Office::Clerk, GAOCHONG, TOKEN_LIVES)
    }

    /// A clerk whose token ends after `live`.
    pub(crate) fn clerk_for(&self, live: Duration) -> Result<Metadata> {
        self.caller("clerk for a while", Office::Clerk, GAOCHONG, live)
    }

    fn caller(&self, name: &str, office: Office, scope: &str, live: Duration) -> Result<Metadata> {
        let grant = GrantClaim { office, scope: scope.to_owned(), grids: None };
        let token = token::sign(&self.folder.join("secrets/signing.key"), name.to_owned(), grant, live)?;
        self.access(Some(token)).caller(scope)
    }

    fn access(&self, token: Option<String>) -> Access {
        let address = |service: &str| {
            let first = self.replicas.iter().find(|replica| replica.service == service);
            first.map(Replica::address).unwrap_or_default()
        };
        Access {
            registry: address("registry"),
            liaison: address("liaison"),
            casework: address("casework"),
            reporting: address("reporting"),
            token,
            key: self.folder.join("secrets/signing.key"),
        }
    }
}

impl Replica {
    /// Where clients reach it.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.proxy.port())
    }

    /// Starts it, if it does not run.
    pub(crate) fn begin(&mut self) -> Result<()> {
        if self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
            return Ok(());
        }
        self.child = Some(self.command.spawn().with_context(|| format!("{self} does not start"))?);
        Ok(())
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.signal(Signal::SIGTERM);
        let begun = Instant::now();
        while self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
            ensure!(begun.elapsed() < PATIENCE, "{self} does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.child = None;
        Ok(())
    }

    /// Sends it a signal, if it runs.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            signal_to(child.id(), signal);
        }
    }

    /// Waits until it says that it serves.
    pub(crate) async fn serves(&self) -> Result<()> {
        let address = format!("http://127.0.0.1:{}", self.port);
        let begun = Instant::now();
        while let Err(error) = lianxin::health::check(&address).await {
            if begun.elapsed() > PATIENCE {
                return Err(error.context(format!("{self} does not serve")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl std::fmt::Display for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.service, self.number + 1)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal_to(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}

fn command(
    folder: &Path,
    service: &str,
    number: usize,
    port: u16,
    postgres: &Proxy,
    cluster: &Cluster,
) -> Result<Command> {
    let secrets = folder.join("secrets");
    let log = folder.join("logs").join(format!("{service}-{}.log", number + 1));
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    // It dies with the suite, however that ends.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(std::env::current_exe()?.with_file_name("lianxin"))
        .args(["serve", service])
        .env("LIANXIN_LISTEN", format!("127.0.0.1:{port}"))
        .env(
            "LIANXIN_DATABASE_URL",
            format!("postgres://lianxin_{service}:{PASSWORD}@127.0.0.1:{}/{service}", postgres.port()),
        )
        .env("LIANXIN_DATABASE_CONNECTIONS", "8")
        .env("LIANXIN_NATS_URL", cluster.url())
        .env("LIANXIN_NATS_REPLICAS", crate::cluster::NODES.to_string())
        .env("LIANXIN_JWKS", secrets.join("jwks.json"))
        .env("LIANXIN_VAULT_KEY_FILE", secrets.join("vault.key"))
        .env("RUST_LOG", "info")
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// Makes a small volume at `path`, where the kernel lets us: it goes with the mount namespace that tests/faults made.
fn small_volume(path: &Path) -> Result<Option<PathBuf>> {
    fs::create_dir_all(path)?;
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", VOLUME, "lianxin-faults"])
        .arg(path)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    Ok(mounted.then(|| path.to_owned()))
}
