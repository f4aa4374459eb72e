//! A private nats-server with JetStream. Which streams it carries is not its business.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use async_nats::ConnectOptions;
use nix::sys::signal::Signal;

use super::{
    Durability,
    folder::{Folder, Log, free_port, write_private},
    process::{Farewell, Process, stop_leftover},
    programs::Programs,
    user::User,
};

pub(super) const USER: &str = "lianxin";
pub(super) const SECRET: &str = "nats";

const FAREWELL: Farewell = &[(Signal::SIGTERM, Duration::from_secs(10))];

/// Streams are read through at a start that follows a crash.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often a start is tried whose port somebody else took in the meantime.
const ATTEMPTS: u32 = 10;

#[derive(Debug)]
pub(super) struct Nats {
    process: Option<Process>,
    home: PathBuf,
    port: u16,
    password: String,
    log: Log,
    programs: Programs,
    user: User,
    durability: Durability,
}

impl Nats {
    /// Starts the broker on the folder's data.
    pub(super) async fn start(
        folder: &Folder,
        programs: &Programs,
        user: &User,
        durability: Durability,
    ) -> Result<Self> {
        let mut nats = Self {
            process: None,
            home: folder.join("nats"),
            port: free_port()?,
            password: folder.secret(SECRET)?,
            log: folder.log("nats"),
            programs: programs.clone(),
            user: user.clone(),
            durability,
        };
        user.directory(&nats.home)?;
        stop_leftover("nats-server", &nats.home.join("pid"), &nats.home.join("nats.conf"), FAREWELL).await?;
        let mut attempt = 1;
        loop {
            match nats.launch().await {
                Ok(()) => return Ok(nats),
                Err(Failure { port_taken: true, .. }) if attempt < ATTEMPTS => nats.port = free_port()?,
                Err(failure) => return Err(failure.error),
            }
            attempt += 1;
        }
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Waits until the broker ends by itself.
    pub(super) async fn ended(&self) -> anyhow::Error {
        match &self.process {
            Some(process) => {
                let status = process.ended().await;
                anyhow!("nats-server has ended ({status})\n{}", self.log.tail())
            }
            None => std::future::pending().await,
        }
    }

    pub(super) async fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    pub(super) async fn wipe(&mut self) -> Result<()> {
        self.kill().await?;
        let store = self.home.join("store");
        if store.exists() {
            fs::remove_dir_all(&store).with_context(|| format!("{} cannot be removed", store.display()))?;
        }
        Ok(())
    }

    pub(super) async fn restart(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop().await?;
        }
        self.launch().await.map_err(|failure| failure.error)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    async fn launch(&mut self) -> Result<(), Failure> {
        let file = self.log.open()?;
        let length = file.metadata()?.len();
        let configuration = self.home.join("nats.conf");
        write_private(&configuration, &self.configuration()?)?;
        self.user.own(&configuration)?;

        let mut command = self.user.command(&self.programs.nats_server, &self.programs, Signal::SIGTERM);
        command.arg("--config").arg(&configuration).stdout(file.try_clone()?).stderr(file);
        let process = Process::start("nats-server", command, FAREWELL).await?;
        if let Err(error) = self.ready(&process).await {
            return Err(Failure {
                port_taken: self.log.since(length).contains("address already in use"),
                error: error.context(format!("nats-server does not start\n{}", self.log.tail())),
            });
        }
        self.process = Some(process);
        Ok(())
    }

    fn configuration(&self) -> Result<String> {
        // Until 2.10 a broker flushed its streams to disk every two minutes, and could not be told otherwise. What it
        // then loses with the power, the services publish again: the truth is in their change logs.
        let sync = if self.durability == Durability::Disk && version(&self.programs)? >= (2, 10) {
            "sync_interval: always"
        } else {
            ""
        };
        Ok(format!(
            r#"# Written at each start.
server_name: lianxin
listen: "127.0.0.1:{port}"
pid_file: "{home}/pid"
authorization {{ user: {USER}, password: "{password}" }}
jetstream {{
  store_dir: "{home}/store"
  {sync}
}}
"#,
            port = self.port,
            home = self.home.display(),
            password = self.password,
        ))
    }

    /// Waits until JetStream answers.
    async fn ready(&self, process: &Process) -> Result<()> {
        process.ready(READY_WITHIN, || self.ask()).await
    }

    async fn ask(&self) -> Result<()> {
        let client = ConnectOptions::with_user_and_password(USER.to_owned(), self.password.clone())
            .connect(format!("127.0.0.1:{}", self.port))
            .await?;
        // Asked by hand: the client does not understand the whole answer of a broker older than 2.10. One whose
        // JetStream is not up yet does not answer at all.
        client.request("$JS.API.INFO", "".into()).await?;
        Ok(())
    }
}

struct Failure {
    port_taken: bool,
    error: anyhow::Error,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { port_taken: false, error: error.into() }
    }
}

/// Major and minor version of nats-server, which prints `nats-server: v2.9.10`.
fn version(programs: &Programs) -> Result<(u32, u32)> {
    let output = Command::new(&programs.nats_server)
        .arg("--version")
        .env_clear()
        .envs(programs.environment())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} does not run", programs.nats_server.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    parse_version(&printed).with_context(|| format!("no version of nats-server: {printed}"))
}

fn parse_version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.trim().rsplit_once('v')?.1.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn the_version_is_read() {
        assert_eq!(parse_version("nats-server: v2.9.10\n"), Some((2, 9)));
        assert_eq!(parse_version("nats-server: v2.11.0-RC.1\n"), Some((2, 11)));
        assert_eq!(parse_version("nats-server"), None);
    }
}
