//! Where the servers' programs are, as `deploy/programs` found them. Looks for nothing itself.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};

/// The programs to run the servers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The folder that holds PostgreSQL's `initdb` and `postgres`.
    pub postgres_bin: PathBuf,
    /// The program `nats-server`.
    pub nats_server: PathBuf,
    /// Where shared libraries lie that the programs need and the system does not have.
    pub library_path: Option<OsString>,
}

impl Programs {
    /// Reads `folder/env`, which `deploy/programs` writes.
    ///
    /// # Errors
    /// If there is no such file or it lacks a program.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("env");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read: run deploy/programs first", file.display()))?;
        Self::parse(&text)
            .with_context(|| format!("{} is of no use: remove it and run deploy/programs", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
        };
        let needed = |name: &str| value(name).ok_or_else(|| anyhow!("{name} is missing"));
        Ok(Self {
            postgres_bin: needed("POSTGRES_BIN")?.into(),
            nats_server: needed("NATS_SERVER")?.into(),
            library_path: value("LD_LIBRARY_PATH").map(OsString::from),
        })
    }

    /// The environment the programs run in: nothing of ours leaks into them, and no setting of the caller's shell
    /// (`PGDATA`, `PGPORT`, a foreign locale) changes what they do.
    pub(super) fn environment(&self) -> Vec<(&OsStr, &OsStr)> {
        let mut environment: Vec<(&OsStr, &OsStr)> =
            vec![("LC_ALL".as_ref(), "C.UTF-8".as_ref()), ("PATH".as_ref(), "/usr/bin:/bin".as_ref())];
        if let Some(path) = &self.library_path {
            environment.push(("LD_LIBRARY_PATH".as_ref(), path));
        }
        environment
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )]

    use super::*;

    #[test]
    fn what_deploy_programs_writes_is_understood() {
        let programs = Programs::parse(
            "POSTGRES_BIN=/with a space/bin\nNATS_SERVER=/usr/sbin/nats-server\nLD_LIBRARY_PATH=/a:/b\n",
        )
        .unwrap();
        assert_eq!(programs.postgres_bin, Path::new("/with a space/bin"));
        assert_eq!(programs.nats_server, Path::new("/usr/sbin/nats-server"));
        assert_eq!(programs.library_path.as_deref(), Some("/a:/b".as_ref()));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Programs::parse("POSTGRES_BIN=/usr/bin\nNATS_SERVER=\n").unwrap_err();
        assert_eq!(error.to_string(), "NATS_SERVER is missing");
    }
}
