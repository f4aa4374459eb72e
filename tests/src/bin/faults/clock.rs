//! The time of day of one service: a file that the service has mapped, read by what is preloaded into it (`clock.c`).
//! The service itself has no way to be lied to.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The clock of one process.
pub(crate) struct Clock {
    file: PathBuf,
}

impl Clock {
    /// A clock that is right.
    pub(crate) fn new(folder: &Path, service: &str, number: usize) -> Result<Self> {
        let clock = Self { file: folder.join(format!("clock-{service}-{number}")) };
        clock.shift(0)?;
        Ok(clock)
    }

    /// What the process is told to map.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Sets it this many seconds ahead, at once.
    pub(crate) fn shift(&self, seconds: i64) -> Result<()> {
        // In place and never shorter: the process has this very file mapped.
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.file);
        file.and_then(|file| file.write_all_at(&seconds.to_ne_bytes(), 0)).context("a clock cannot be set")
    }
}

/// Compiles what is preloaded, and says where it lies.
pub(crate) fn compile(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    fs::write(&source, include_str!("clock.c"))?;
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .output()
        .context("the C compiler cc")?;
    ensure!(output.status.success(), "clock.c does not compile: {}", String::from_utf8_lossy(&output.stderr));
    Ok(library)
}
