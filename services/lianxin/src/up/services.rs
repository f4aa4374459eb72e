//! The four services as processes of their own, started, watched and stopped together.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures::future::{join_all, select_all};
use nix::sys::signal::Signal;
use platform::Secret;

use crate::client::Access;
use crate::health;
use crate::servers::{Farewell, Process, Servers, write_private};

/// The services, in the order of their ports.
const SERVICES: [&str; 4] = [registry::SERVICE, liaison::SERVICE, casework::SERVICE, reporting::SERVICE];
/// Admin ports lie this far above the gRPC ports.
const ADMIN: u16 = 100;
/// How long a service may take until it serves.
const START: Duration = Duration::from_secs(30);
/// A service finishes the calls in progress, then stops.
const FAREWELL: Farewell = &[(Signal::SIGTERM, Duration::from_secs(20))];

/// The running services.
pub(super) struct Services {
    processes: Vec<(&'static str, Process, PathBuf)>,
    port: u16,
}

impl Services {
    /// Starts all four and waits until each of them serves.
    pub(super) async fn start(servers: &Servers, folder: &Path, port: u16) -> Result<Self> {
        let starting = (port..).zip(SERVICES).map(|(port, service)| async move {
            let log = folder.join("logs").join(format!("{service}.log"));
            let process = Process::start(service, command(servers, folder, service, port, &log)?, FAREWELL).await?;
            let address = format!("http://127.0.0.1:{port}");
            process
                .ready(START, || health::check(&address))
                .await
                .with_context(|| format!("{service} does not start; see {}", log.display()))?;
            anyhow::Ok((service, process, log))
        });
        let processes = join_all(starting).await.into_iter().collect::<Result<_>>()?;
        Ok(Self { processes, port })
    }

    /// How the operator's commands reach them.
    pub(super) fn access(&self, secrets: &Path) -> Access {
        let address = |offset: u16| format!("http://127.0.0.1:{}", self.port + offset);
        Access {
            registry: address(0),
            liaison: address(1),
            casework: address(2),
            reporting: address(3),
            token: None,
            key: secrets.join("signing.key"),
        }
    }

    /// Waits until one of them ends though nobody asked it to.
    pub(super) async fn watch(&self) -> anyhow::Error {
        let endings = self.processes.iter().map(|(service, process, log)| {
            Box::pin(async move { anyhow!("{service} ended ({}); see {}", process.ended().await, log.display()) })
        });
        select_all(endings).await.0
    }

    /// Stops all of them and waits for it.
    pub(super) async fn stop(self) -> Result<()> {
        join_all(self.processes.into_iter().map(|(_, process, _)| process.stop())).await.into_iter().collect()
    }
}

/// The command that serves one service, and a file with its environment, for `lianxin events`.
fn command(servers: &Servers, folder: &Path, service: &'static str, port: u16, log: &Path) -> Result<Command> {
    let secrets = folder.join("secrets");
    let environment = [
        ("LIANXIN_LISTEN", format!("127.0.0.1:{port}")),
        ("LIANXIN_ADMIN_LISTEN", format!("127.0.0.1:{}", port + ADMIN)),
        ("LIANXIN_DATABASE_URL", servers.service_url(&format!("lianxin_{service}"), service)),
        ("LIANXIN_DATABASE_PASSWORD_FILE", secrets.join(service).display().to_string()),
        ("LIANXIN_NATS_URL", servers.nats_url()),
        ("LIANXIN_NATS_PASSWORD_FILE", servers.nats_password_file().display().to_string()),
        ("LIANXIN_JWKS", secrets.join("jwks.json").display().to_string()),
        ("LIANXIN_VAULT_KEY_FILE", secrets.join("vault.key").display().to_string()),
    ];
    let attachments = (service == casework::SERVICE)
        .then(|| ("LIANXIN_ATTACHMENTS", folder.join("attachments").display().to_string()));
    let environment: Vec<_> = environment.into_iter().chain(attachments).collect();
    let listing: String = environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write_private(&folder.join("secrets").join(format!("{service}.env")), &listing)?;
    let log = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(log)?;
    // Ctrl-C in a terminal reaches a whole process group; the services are stopped in order instead.
    let mut command = Command::new("setpriv");
    command.process_group(0);
    command
        .args(["--pdeathsig", "SIGTERM", "--"])
        .arg(std::env::current_exe()?)
        .args(["serve", service])
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// The password of a service's database role, made at the first start.
pub(super) fn password(secrets: &Path, service: &str) -> Result<Secret> {
    let file = secrets.join(service);
    if !file.exists() {
        write_private(&file, &uuid::Uuid::new_v4().simple().to_string())?;
    }
    Ok(Secret::from_file(&file)?)
}

/// Refuses to begin when somebody else serves on our ports.
pub(super) fn ports_are_free(port: u16) -> Result<()> {
    for (port, service) in (port..).zip(SERVICES) {
        for taken in [port, port + ADMIN] {
            if TcpListener::bind((Ipv4Addr::LOCALHOST, taken)).is_err() {
                bail!(
                    "端口 {taken}（{service}）已被别的程序占用：停止它，或用 --port 换一组端口，例如 deploy/up --port 8101"
                );
            }
        }
    }
    Ok(())
}
