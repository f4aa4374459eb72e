//! A private PostgreSQL: set up once, started, made ready, stopped. What is in its databases is not its business.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::sleep;

use super::{
    Durability,
    folder::{Folder, Log, free_port, write_private},
    process::{Farewell, Leftover, Process, stop_leftover},
    programs::Programs,
    user::User,
};

/// The role that owns every database, table and service role. It may create them, and is no superuser: row-level
/// security holds for it too.
pub const OWNER: &str = "lianxin_owner";
pub(crate) const OWNER_SECRET: &str = "postgres_owner";

const SUPERUSER: &str = "postgres";
const SUPERUSER_SECRET: &str = "postgres_superuser";

/// "Fast" shutdown ends transactions and writes a checkpoint; "immediate" leaves the rest to recovery.
const FAREWELL: Farewell = &[(Signal::SIGINT, Duration::from_secs(20)), (Signal::SIGQUIT, Duration::from_secs(5))];

/// Recovery after a power cut reads at most `max_wal_size`; a slow disk does that in less.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// How often a start is tried that fails for a reason which passes.
const ATTEMPTS: u32 = 10;

/// What the log says when it does: our port was taken just now, or the last processes of a killed server still end.
const PASSING: [&str; 3] = ["Address already in use", "could not create any TCP/IP sockets", "is still in use"];

#[derive(Debug)]
pub(super) struct Postgres {
    process: Option<Process>,
    port: u16,
    socket: Option<PathBuf>,
    data: PathBuf,
    password: String,
    owner_password: String,
    log: Log,
    programs: Programs,
    user: User,
    durability: Durability,
}

impl Postgres {
    /// Starts the server on the folder's data, creating them if there are none yet.
    pub(super) async fn start(
        folder: &Folder,
        programs: &Programs,
        user: &User,
        durability: Durability,
    ) -> Result<Self> {
        let home = folder.join("postgres");
        let data = home.join("data");
        let password = folder.secret(SUPERUSER_SECRET)?;
        user.directory(&home)?;
        if !data.exists() {
            create(&home, &data, &password, programs, user, durability).await?;
        }
        same_version(&data, programs).await?;

        let pid_file = data.join("postmaster.pid");
        if stop_leftover("PostgreSQL", &pid_file, &data, FAREWELL).await? == Leftover::Reused {
            // PostgreSQL would take the stranger for one of its own and refuse to start.
            fs::remove_file(&pid_file)?;
        }

        let log = folder.log("postgres");
        let mut postgres = Self {
            process: None,
            port: 0,
            socket: Some(home).filter(|home| holds_socket(home)),
            data,
            password,
            owner_password: folder.secret(OWNER_SECRET)?,
            log,
            programs: programs.clone(),
            user: user.clone(),
            durability,
        };
        postgres.launch(None).await?;
        ensure_owner(postgres.port, &postgres.password, &postgres.owner_password)
            .await
            .with_context(|| format!("the role {OWNER} cannot be set up\n{}", postgres.log.tail()))?;
        Ok(postgres)
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Waits until the server ends by itself.
    pub(super) async fn ended(&self) -> anyhow::Error {
        match &self.process {
            Some(process) => {
                let status = process.ended().await;
                anyhow!("PostgreSQL has ended ({status})\n{}", self.log.tail())
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

    /// Starts the server again on the port it had, stopping it gracefully first if it runs.
    pub(super) async fn restart(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop().await?;
        }
        self.launch(Some(self.port)).await
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket, which costs a third less than TCP; none where the folder's path does not allow one.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    pub(super) fn owner_password(&self) -> &str {
        &self.owner_password
    }

    /// Starts the server, on `port` or on any that is free, and waits until it answers.
    async fn launch(&mut self, port: Option<u16>) -> Result<()> {
        let mut attempt = 1;
        loop {
            let port = port.map_or_else(free_port, Ok)?;
            let file = self.log.open()?;
            let length = file.metadata()?.len();
            let mut command =
                self.user.command(self.programs.postgres_bin.join("postgres"), &self.programs, Signal::SIGINT);
            command
                .arg("-D")
                .arg(&self.data)
                .args(settings(port, self.socket.as_deref(), self.durability))
                .stdout(file.try_clone()?)
                .stderr(file);
            let process = Process::start("PostgreSQL", command, FAREWELL).await?;
            let error = match ready(&process, port, &self.password).await {
                Ok(()) => {
                    (self.process, self.port) = (Some(process), port);
                    return Ok(());
                }
                Err(error) => error,
            };
            let said = self.log.since(length);
            if attempt == ATTEMPTS || !PASSING.iter().any(|reason| said.contains(reason)) {
                return Err(error.context(format!("PostgreSQL does not start\n{}", self.log.tail())));
            }
            attempt += 1;
            sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Creates a cluster beside its place and moves it there when it is whole, so that a crash leaves nothing half made.
async fn create(
    home: &Path,
    data: &Path,
    password: &str,
    programs: &Programs,
    user: &User,
    durability: Durability,
) -> Result<()> {
    let new = home.join("data.new");
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("{} cannot be removed", new.display()))?;
    }
    let password_file = home.join("password");
    write_private(&password_file, password)?;
    user.own(&password_file)?;
    let mut initdb = user.command(programs.postgres_bin.join("initdb"), programs, Signal::SIGKILL);
    initdb
        .arg("--pgdata")
        .arg(&new)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username", SUPERUSER, "--auth", "scram-sha-256"])
        .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"]);
    if durability == Durability::Memory {
        initdb.arg("--no-sync");
    }
    let result = output(initdb).await.context("the database cannot be set up: initdb failed");
    fs::remove_file(&password_file)?;
    result?;
    fs::rename(&new, data)?;
    Ok(())
}

/// A cluster is bound to the major version that made it.
async fn same_version(data: &Path, programs: &Programs) -> Result<()> {
    let made_by = fs::read_to_string(data.join("PG_VERSION"))
        .with_context(|| format!("{} cannot be read: did another user (root?) make it?", data.display()))?;
    let made_by = made_by.trim();
    let mut command = Command::new(programs.postgres_bin.join("postgres"));
    command.arg("--version").env_clear().envs(programs.environment());
    let version = output(command).await.context("PostgreSQL does not run")?;
    ensure!(
        version.trim().trim_start_matches("postgres (PostgreSQL) ").split(['.', ' ']).next() == Some(made_by),
        "the data in {} were made by PostgreSQL {made_by}, and {} is {}: \
         install PostgreSQL {made_by} again, or move the data away",
        data.display(),
        programs.postgres_bin.display(),
        version.trim(),
    );
    Ok(())
}

/// Can a Unix socket lie in this folder? Its path has to be short, and PostgreSQL reads the folder's as a list.
fn holds_socket(folder: &Path) -> bool {
    const LONGEST: usize = 107 - "/.s.PGSQL.65535".len();
    let plain = |text: &str| !text.chars().any(|c| c.is_whitespace() || ",\"'\\%".contains(c));
    folder.is_absolute() && folder.to_str().is_some_and(|text| text.len() <= LONGEST && plain(text))
}

/// The settings that differ from PostgreSQL's own, as arguments.
fn settings(port: u16, socket: Option<&Path>, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", socket.map(|folder| folder.display().to_string()).unwrap_or_default()),
        "max_connections=200".to_owned(),
        format!("shared_buffers={}MB", shared_buffers()),
        "effective_cache_size=1GB".to_owned(),
        "max_wal_size=1GB".to_owned(),
        // After each checkpoint every page is written to the log whole once.
        "checkpoint_timeout=15min".to_owned(),
        // Reading anywhere costs about the same on today's disks.
        "random_page_cost=1.1".to_owned(),
        // Our statements take milliseconds: compiling one takes longer than running it.
        "jit=off".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "log_line_prefix=%m [%p] %q%u@%d ".to_owned(),
        "log_min_duration_statement=1s".to_owned(),
    ];
    if durability == Durability::Memory {
        settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// Megabytes for PostgreSQL's own cache: an eighth of the machine's, which holds the services too.
fn shared_buffers() -> u64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    (total.unwrap_or(0_u64) / 1024 / 8).clamp(128, 1024)
}

async fn ready(process: &Process, port: u16, password: &str) -> Result<()> {
    let ask = || async { Ok(connect(port, password).await?.close().await?) };
    process.ready(READY_WITHIN, ask).await
}

async fn ensure_owner(port: u16, password: &str, owner_password: &str) -> Result<()> {
    let mut connection = connect(port, password).await?;
    let mut transaction = connection.begin().await?;
    let (exists,): (bool,) = sqlx::query_as("select exists (select from pg_roles where rolname = $1)")
        .bind(OWNER)
        .fetch_one(&mut *transaction)
        .await?;
    if !exists {
        sqlx::query(AssertSqlSafe(format!("create role {OWNER} login createdb createrole")))
            .execute(&mut *transaction)
            .await?;
        // It drops databases that a service still has open.
        sqlx::query(AssertSqlSafe(format!("grant pg_signal_backend to {OWNER}"))).execute(&mut *transaction).await?;
    }
    // Every time, so that a secret that was lost and made anew is the right one again.
    sqlx::query(AssertSqlSafe(format!("alter role {OWNER} password '{owner_password}'")))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

async fn connect(port: u16, password: &str) -> sqlx::Result<PgConnection> {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(SUPERUSER)
        .password(password)
        .database("postgres")
        .ssl_mode(PgSslMode::Disable);
    PgConnection::connect_with(&options).await
}

/// Runs a command to its end and gives what it printed; if it failed, that is the error.
async fn output(mut command: Command) -> Result<String> {
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(printed)
}
