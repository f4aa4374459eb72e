//! The folder that holds all there is of the servers: who may use it, its secrets and its logs. Knows neither server.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};

/// A log larger than this is set aside when its server starts; the one set aside before goes.
const LOG_KEPT: u64 = 16 << 20;

/// How much of a log is shown with an error.
const TAIL: u64 = 4096;
const TAIL_LINES: usize = 12;

/// Ports below those the system hands to outgoing connections. A broker's port must stay free while it restarts, and
/// a client that keeps trying to reach it could otherwise be given that very port and end up connected to itself.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// A folder, claimed for this process.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    // The lock is the open file's: it ends with the process even if that is killed.
    lock: File,
}

impl Drop for Folder {
    /// Gives it up at once. A process that is being started at this moment has a copy of every open file until it becomes
    /// another program, and closing ours would leave the folder claimed by that for as long.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Folder {
    /// Creates the folder if need be and claims it for this process.
    pub(super) fn claim(path: &Path) -> Result<Self> {
        let usable = || {
            format!(
                "{} cannot be used: was it made by another user (root?) before? Start as that user again, or remove it",
                path.display()
            )
        };
        fs::create_dir_all(path).with_context(usable)?;
        let path = path.canonicalize().with_context(usable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(usable)?;
        Self::lock(&path, &lock)?;
        private_directory(&path.join("secrets"))?;
        fs::create_dir_all(path.join("logs")).with_context(usable)?;
        Ok(Self { path, lock })
    }

    fn lock(path: &Path, mut lock: &File) -> Result<()> {
        match lock.try_lock() {
            Ok(()) => {
                lock.set_len(0)?;
                writeln!(lock, "{}", std::process::id())?;
                Ok(())
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder)?;
                bail!(
                    "the servers of {} are running already, under process {}: stop that one first (Ctrl-C where it runs)",
                    path.display(),
                    holder.trim()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }

    /// A path below the folder.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The file of the secret of this name.
    pub(super) fn secret_file(&self, name: &str) -> PathBuf {
        self.path.join("secrets").join(name)
    }

    /// The secret of this name, generated when first asked for: 48 hexadecimal digits, so that it needs no quoting in
    /// an address, a configuration file or SQL.
    pub(super) fn secret(&self, name: &str) -> Result<String> {
        let file = self.secret_file(name);
        match fs::read_to_string(&file) {
            Ok(secret) if secret.trim().len() == 48 && secret.trim().bytes().all(|b| b.is_ascii_hexdigit()) => {
                return Ok(secret.trim().to_owned());
            }
            // What a crash left half written was never used: it is in place before any server hears of it.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", file.display()));
            }
        }
        let secret: String = random::<24>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(&file, &secret)?;
        Ok(secret)
    }

    /// The log of this name.
    pub(super) fn log(&self, name: &str) -> Log {
        Log { path: self.path.join("logs").join(format!("{name}.log")) }
    }
}

/// A server's log.
#[derive(Clone, Debug)]
pub(super) struct Log {
    path: PathBuf,
}

impl Log {
    /// Opens the log for a server to append to.
    pub(super) fn open(&self) -> Result<File> {
        if fs::metadata(&self.path).is_ok_and(|log| log.len() > LOG_KEPT) {
            fs::rename(&self.path, self.path.with_extension("log.old"))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .with_context(|| format!("{} cannot be written", self.path.display()))
    }

    /// What was written after the first `length` bytes.
    pub(super) fn since(&self, length: u64) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(length))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The last lines, for an error to show.
    pub(super) fn tail(&self) -> String {
        let length = fs::metadata(&self.path).map_or(0, |log| log.len());
        let text = self.since(length.saturating_sub(TAIL));
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
        format!("{} ends with:\n  {}", self.path.display(), last.join("\n  "))
    }
}

/// Creates a directory that only its owner may enter.
pub(super) fn private_directory(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("{} cannot be created", path.display()))
}

/// Writes a file that only its owner may read, all of it or nothing.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let new = path.with_extension("new");
        let _ = fs::remove_file(&new); // one left by a crash may have other permissions
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// A port that nobody listens on now. Somebody may a moment later: whoever uses it tries again with another.
///
/// # Errors
/// If there is none.
pub fn free_port() -> Result<u16> {
    for _ in 0..1000 {
        let width = PORTS.end - PORTS.start;
        let port = PORTS.start + u16::from_ne_bytes(random()?) % width;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port between {} and {} is free on 127.0.0.1", PORTS.start, PORTS.end)
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(bytes)
}
