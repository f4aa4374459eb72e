//! Which user the servers run as, and how a command becomes that user's.
//!
//! PostgreSQL refuses to run as root, rightly, and nothing here needs root. So root starts both servers as somebody
//! without rights; anybody else starts them as themselves.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::Signal,
    unistd::{self, Uid},
};

use super::{
    folder::{Folder, private_directory},
    programs::Programs,
};

/// Who runs the servers when root starts them: the first of these that the system has.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// What a user without rights may be given so as to reach a project in a place closed to all but root, such as /root,
/// least first: nothing; looking into any directory and file; and, where a container has taken that one away,
/// ignoring permissions altogether.
const CAPABILITIES: [Option<&str>; 3] = [None, Some("dac_read_search"), Some("dac_override")];

/// The user whom the servers run as.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// Set if it is another one than ours.
    other: Option<Other>,
}

#[derive(Clone, Copy, Debug)]
struct Other {
    uid: u32,
    gid: u32,
    capability: Option<&'static str>,
}

impl User {
    /// Finds the user for the servers of this folder.
    pub(super) fn choose(folder: &Folder, programs: &Programs) -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self { other: None });
        }
        let (uid, gid) = match fs::metadata(folder.join("postgres")) {
            // Data that exist stay with whom they belong to.
            Ok(data) if data.uid() != 0 => (data.uid(), data.gid()),
            _ => unprivileged()?,
        };
        let mut obstacle = String::new();
        for capability in CAPABILITIES {
            let user = Self { other: Some(Other { uid, gid, capability }) };
            match user.obstacle(folder, programs)? {
                None => return Ok(user),
                Some(found) => obstacle = found,
            }
        }
        bail!(
            "started by root, the servers run as user {uid}, who cannot work in {} ({obstacle}): \
             move the project out of /root, or start it as another user",
            folder.join("").display()
        )
    }

    /// Creates a directory of the user's own.
    pub(super) fn directory(&self, path: &Path) -> Result<()> {
        private_directory(path)?;
        self.own(path)
    }

    /// Gives a file to the user.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        let Some(Other { uid, gid, .. }) = self.other else {
            return Ok(());
        };
        chown(path, Some(uid), Some(gid)).with_context(|| format!("{} cannot be given to user {uid}", path.display()))
    }

    /// A command that runs `program` as this user, and gets `farewell` when the thread that started it ends.
    ///
    /// The kernel forgets that wish when a process changes its user, so setpriv makes it last of all.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, programs: &Programs, farewell: Signal) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(farewell.as_str());
        if let Some(Other { uid, gid, capability }) = self.other {
            let set = capability.map_or_else(|| "-all".to_owned(), |capability| format!("-all,+{capability}"));
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
            command.args([format!("--bounding-set={set}"), format!("--inh-caps={set}")]);
            if capability.is_some() {
                command.arg(format!("--ambient-caps={set}"));
                // Without it access(2), which PostgreSQL asks about its own programs, does not heed the capability.
                command.arg("--securebits=+no_setuid_fixup");
            }
        }
        command
            .arg(program)
            .env_clear()
            .envs(programs.environment())
            .current_dir("/")
            .stdin(Stdio::null())
            // Ctrl-C in a terminal reaches a whole process group. The servers must outlast what uses them.
            .process_group(0);
        command
    }

    /// What keeps the user from writing to a directory of its own in the folder and running the programs, if anything.
    fn obstacle(&self, folder: &Folder, programs: &Programs) -> Result<Option<String>> {
        let home = folder.join("postgres");
        self.directory(&home)?;
        let output = self
            .command("sh", programs, Signal::SIGKILL)
            .args(["-c", r#": >"$1/probe" && rm "$1/probe" && "$2" --version && "$3" --version"#, "sh"])
            .args([
                home.as_os_str(),
                programs.postgres_bin.join("initdb").as_os_str(),
                programs.nats_server.as_os_str(),
            ])
            .output()
            .context("setpriv cannot be run: install util-linux")?;
        let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok((!output.status.success()).then(said))
    }
}

/// User and group of somebody without rights.
fn unprivileged() -> Result<(u32, u32)> {
    for name in CANDIDATES {
        if let Some(user) = unistd::User::from_name(name)? {
            return Ok((user.uid.as_raw(), user.gid.as_raw()));
        }
    }
    bail!("PostgreSQL must not run as root, and this system has no user named {}", CANDIDATES.join(" or "))
}
