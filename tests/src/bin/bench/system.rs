//! The Lianxin under test: `lianxin up` in a folder of its own, as anybody starts it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lianxin::servers::{OWNER, Programs};
use lianxin::token;
use platform::Office;
use platform::caller::token::GrantClaim;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

use crate::Arguments;

/// Services in the order of their ports.
pub(crate) const SERVICES: [&str; 4] = ["registry", "liaison", "casework", "reporting"];

/// A running Lianxin.
pub(crate) struct System {
    child: Child,
    folder: PathBuf,
    port: u16,
    /// Where PostgreSQL's programs are.
    pub(crate) programs: Programs,
    /// From the first start on an empty folder until the figures were there.
    pub(crate) started_in: Duration,
}

impl System {
    pub(crate) async fn start(arguments: &Arguments) -> Self {
        let folder = arguments.folder.clone();
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let programs = Programs::read(&arguments.programs).expect("deploy/programs has run");
        let begun = Instant::now();
        let child = Self::up(&folder, arguments).await;
        let folder = folder.canonicalize().unwrap();
        Self { child, folder, port: arguments.port, programs, started_in: begun.elapsed() }
    }

    async fn up(folder: &Path, arguments: &Arguments) -> Child {
        let said = folder.join("up.log");
        let out = std::fs::File::create(&said).unwrap();
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "INT", "--"])
            .arg(tests::binary())
            .args(["up", "--port", &arguments.port.to_string(), "--folder"])
            .arg(folder)
            .arg("--programs")
            .arg(&arguments.programs)
            .arg("--data")
            .arg(tests::shipped(""))
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .expect("lianxin starts");
        while !std::fs::read_to_string(&said).unwrap().contains("Ctrl-C") {
            assert!(child.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(&said).unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child
    }

    pub(crate) fn stop(mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }

    /// The process of a service.
    pub(crate) fn pid(&self, service: &str) -> u32 {
        let serves = format!("serve\0{service}");
        let ours = processes().into_iter().filter(|process| process.parent == self.child.id());
        let serving = ours.map(|process| process.id).find(|id| {
            std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|command| command.contains(&serves))
        });
        serving.unwrap_or_else(|| panic!("no process of {service}"))
    }

    /// Processor time that everybody has used so far, in microseconds: the services, the servers, and this bench.
    pub(crate) fn processor(&self) -> Vec<(&'static str, f64)> {
        let processes = processes();
        let tick = 1_000_000.0 / 100.0;
        let used = |ids: &[u32]| {
            processes.iter().filter(|process| ids.contains(&process.id)).map(|process| process.ticks).sum::<u64>()
                as f64
                * tick
        };
        let mut all: Vec<(&'static str, f64)> =
            SERVICES.iter().map(|service| (*service, used(&[self.pid(service)]))).collect();
        let child = |name: &str| {
            processes.iter().find(|process| process.parent == self.child.id() && process.name == name).unwrap().id
        };
        let postmaster = child("postgres");
        let backends = processes.iter().filter(|process| process.parent == postmaster).map(|process| process.id);
        let postgres: Vec<u32> = backends.chain([postmaster]).collect();
        all.push(("PostgreSQL", used(&postgres)));
        all.push(("NATS", used(&[child("nats-server")])));
        all.push(("the callers", used(&[std::process::id()])));
        all
    }

    /// A line of `/proc/PID/status`, in MiB.
    pub(crate) fn memory(&self, service: &str, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid(service))).unwrap();
        let kib = status.lines().find_map(|one| one.strip_prefix(line)?.split_whitespace().next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Where a service serves.
    pub(crate) fn address(&self, service: &str) -> String {
        let place = SERVICES.iter().position(|one| *one == service).unwrap();
        format!("http://127.0.0.1:{}", self.port + place as u16)
    }

    /// Some connections to a service: one of HTTP/2 is one stream of bytes, and its own bottleneck.
    pub(crate) async fn channels(&self, service: &str) -> Vec<Channel> {
        let mut channels = Vec::new();
        for _ in 0..4 {
            let endpoint = Endpoint::from_shared(self.address(service)).unwrap().tcp_nodelay(true);
            channels.push(endpoint.connect().await.expect("the service serves"));
        }
        channels
    }

    /// A token as the value of `authorization`.
    pub(crate) fn token(&self, subject: &str, office: Office, scope: &str) -> MetadataValue<Ascii> {
        let grant = GrantClaim { office, scope: scope.to_owned(), grids: None };
        let key = self.folder.join("secrets/signing.key");
        let token = token::sign(&key, subject.to_owned(), grant, Duration::from_secs(12 * 3600)).unwrap();
        format!("Bearer {token}").parse().unwrap()
    }

    /// The database of a service, as the service itself connects to it.
    pub(crate) fn database(&self, service: &str) -> PgConnectOptions {
        self.setting(service, "LIANXIN_DATABASE_URL").parse().unwrap()
    }

    /// The password of a service's role.
    pub(crate) fn password(&self, service: &str) -> String {
        let file = self.setting(service, "LIANXIN_DATABASE_PASSWORD_FILE");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// The broker, as the services connect to it.
    pub(crate) async fn broker(&self) -> async_nats::Client {
        let password = std::fs::read_to_string(self.setting("casework", "LIANXIN_NATS_PASSWORD_FILE")).unwrap();
        let options = async_nats::ConnectOptions::with_user_and_password("lianxin".into(), password.trim().into());
        options.connect(self.setting("casework", "LIANXIN_NATS_URL")).await.expect("the broker answers")
    }

    /// What a service was told when it was started.
    fn setting(&self, service: &str, name: &str) -> String {
        let file = self.folder.join("secrets").join(format!("{service}.env"));
        let environment = std::fs::read_to_string(file).unwrap();
        let value = environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{service} was not told {name}")).to_owned()
    }

    /// The database of a service, as the owner of its tables, seeing every village.
    pub(crate) async fn owner(&self, service: &str) -> PgConnection {
        let password = std::fs::read_to_string(self.folder.join("secrets/postgres_owner")).unwrap();
        let options = self.database(service).username(OWNER).password(password.trim());
        options.options([("lianxin.scope", "*")]).connect().await.expect("the owner may connect")
    }
}

struct Running {
    id: u32,
    name: String,
    parent: u32,
    ticks: u64,
}

/// What runs on this machine, by `/proc/PID/stat`.
fn processes() -> Vec<Running> {
    let read = |entry: std::fs::DirEntry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // id (name) state parent …; a name may hold anything but ends at the last parenthesis.
        let (before, after) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = after.split(' ').collect();
        let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
        let name = before.split_once('(')?.1.to_owned();
        Some(Running { id, name, parent: fields.get(1)?.parse().ok()?, ticks: ticks(11)? + ticks(12)? })
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(read).collect()
}
