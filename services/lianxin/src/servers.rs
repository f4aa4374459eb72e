//! Private PostgreSQL and NATS servers for one machine: started, kept and stopped by this process, with their data in
//! one folder and nothing outside of it. What `lianxin up` and the tests stand on.
//!
//! They listen on 127.0.0.1 only, on free ports chosen at each start, behind generated passwords. They end with this
//! process, however it ends. This module creates no database and no stream: those belong to migrations and services.
//!
//! What lies in the folder:
//!
//! ```text
//! lock        held while the servers of this folder run
//! secrets/    generated passwords, one a file
//! postgres/   the database cluster
//! nats/       the broker's configuration and its streams
//! logs/       what both servers say
//! ```

pub mod command;
mod folder;
mod nats;
pub(crate) mod postgres;
mod process;
mod programs;
mod user;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub use self::folder::free_port;
pub(crate) use self::folder::write_private;
pub use self::postgres::OWNER;
pub(crate) use self::process::{Farewell, Process};
pub use self::programs::Programs;
use self::{folder::Folder, nats::Nats, postgres::Postgres, user::User};

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The loss of power. What anybody's records deserve.
    Disk,
    /// Only the end of the processes, also by force: nothing is made to reach the disk. For tests, which it makes
    /// several times faster.
    Memory,
}

/// A running PostgreSQL and a running nats-server.
///
/// Dropping this asks both to stop without waiting for it; [`Servers::stop`] waits.
#[derive(Debug)]
pub struct Servers {
    // Fields are dropped in this order: the lock goes last, when nothing runs any more that it guards.
    postgres: Postgres,
    nats: Nats,
    folder: Folder,
}

impl Servers {
    /// Starts both servers on the data in `folder`, which is created at the first start and kept afterwards.
    ///
    /// As root, they run as an unprivileged user, to whom their data then belongs.
    ///
    /// # Errors
    /// If this folder's servers are running already, or a server cannot be set up or does not become ready; the error
    /// says what to do and shows the end of the server's log.
    pub async fn start(folder: &Path, programs: &Programs, durability: Durability) -> Result<Self> {
        let folder = Folder::claim(folder)?;
        let user = User::choose(&folder, programs)?;
        let (postgres, nats) = tokio::try_join!(
            Postgres::start(&folder, programs, &user, durability),
            Nats::start(&folder, programs, &user, durability),
        )?;
        Ok(Self { postgres, nats, folder })
    }

    /// Stops both servers and waits for it: gracefully if they do so in time, forcibly if not.
    ///
    /// # Errors
    /// If a server does not even die when killed.
    pub async fn stop(self) -> Result<()> {
        let (postgres, nats) = tokio::join!(self.postgres.stop(), self.nats.stop());
        postgres.and(nats)
    }

    /// Waits until one of the servers ends though nobody asked it to, and says which, with the end of its log.
    ///
    /// One stopped by [`Servers::kill_nats`] or [`Servers::kill_postgres`] was asked to.
    pub async fn ended(&self) -> anyhow::Error {
        tokio::select! {
            error = self.postgres.ended() => error,
            error = self.nats.ended() => error,
        }
    }

    /// The address to reach `database` as the owner of all databases, [`OWNER`], with its password inside.
    #[must_use]
    pub fn postgres_url(&self, database: &str) -> String {
        format!("postgres://{OWNER}:{}@127.0.0.1:{}/{database}", self.postgres.owner_password(), self.postgres.port())
    }

    /// The address to reach `database` as `role`, without a password: by a Unix socket where there is one.
    #[must_use]
    pub fn service_url(&self, role: &str, database: &str) -> String {
        let socket = self.postgres.socket().map(|folder| format!("?host={}", folder.display())).unwrap_or_default();
        format!("postgres://{role}@127.0.0.1:{}/{database}{socket}", self.postgres.port())
    }

    /// The port of PostgreSQL, on 127.0.0.1.
    #[must_use]
    pub fn postgres_port(&self) -> u16 {
        self.postgres.port()
    }

    /// The password of [`OWNER`].
    #[must_use]
    pub fn owner_password(&self) -> &str {
        self.postgres.owner_password()
    }

    /// The process id of the PostgreSQL server (its postmaster), if it runs.
    #[must_use]
    pub fn postgres_pid(&self) -> Option<u32> {
        self.postgres.pid()
    }

    /// Kills PostgreSQL as a power cut would, without notice, and leaves it dead.
    ///
    /// # Errors
    /// If it does not die.
    pub async fn kill_postgres(&mut self) -> Result<()> {
        self.postgres.kill().await
    }

    /// Starts PostgreSQL again on the same port, stopping it gracefully first if it runs.
    ///
    /// # Errors
    /// If it does not stop or does not become ready.
    pub async fn restart_postgres(&mut self) -> Result<()> {
        self.postgres.restart().await
    }

    /// The address of the broker, with the user's name inside but not the password: `nats://lianxin@127.0.0.1:PORT`.
    #[must_use]
    pub fn nats_url(&self) -> String {
        format!("nats://{}@127.0.0.1:{}", nats::USER, self.nats.port())
    }

    /// The name to log in to the broker with.
    #[must_use]
    pub fn nats_user(&self) -> &'static str {
        nats::USER
    }

    /// The password that goes with [`Servers::nats_user`].
    #[must_use]
    pub fn nats_password(&self) -> &str {
        self.nats.password()
    }

    /// The file that holds [`Servers::nats_password`].
    #[must_use]
    pub fn nats_password_file(&self) -> PathBuf {
        self.folder.secret_file(nats::SECRET)
    }

    /// The process id of the broker, if it runs.
    #[must_use]
    pub fn nats_pid(&self) -> Option<u32> {
        self.nats.pid()
    }

    /// Kills the broker as a power cut would, without notice, and leaves it dead.
    ///
    /// # Errors
    /// If it does not die.
    pub async fn kill_nats(&mut self) -> Result<()> {
        self.nats.kill().await
    }

    /// Removes everything the broker has stored, killing it first if it runs, and leaves it dead.
    ///
    /// # Errors
    /// If it does not die or its files cannot be removed.
    pub async fn wipe_nats(&mut self) -> Result<()> {
        self.nats.wipe().await
    }

    /// Starts the broker again on the same port, stopping it gracefully first if it runs.
    ///
    /// # Errors
    /// If it does not stop or does not become ready.
    pub async fn restart_nats(&mut self) -> Result<()> {
        self.nats.restart().await
    }
}

#[cfg(test)]
mod tests;
