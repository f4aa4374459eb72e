//! One child process: started so that it cannot outlive us, watched, and stopped within a bound.

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    process::{Command, ExitStatus},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, timeout},
};

/// How long a process may take to die once it is killed; the kernel may be busy writing for it.
const DEATH: Duration = Duration::from_secs(10);

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(30);

/// How to make a process stop: signals to send, each with how long it may take to work. What still runs afterwards is
/// killed.
pub(crate) type Farewell = &'static [(Signal, Duration)];

/// A child process. Dropping it asks it to stop and does not wait.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    pid: Pid,
    farewell: Farewell,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts the command.
    ///
    /// A child is told of its parent's end when the *thread* that started it ends. Threads of the runtime come and go,
    /// so each child has one of its own, which does nothing but wait for it.
    pub(crate) async fn start(name: &'static str, mut command: Command, farewell: Farewell) -> Result<Self> {
        let (started, pid) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || match command.spawn() {
                Ok(mut child) => {
                    let _ = started.send(Ok(child.id()));
                    // Waiting fails only for a child that is not ours to wait for; it is gone either way.
                    let _ = end.send(Some(child.wait().unwrap_or_default()));
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .with_context(|| format!("no thread to watch {name} with"))?;
        let pid = match pid.await? {
            Ok(pid) => Pid::from_raw(pid.try_into()?),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{name} needs the program setpriv: install util-linux")
            }
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be started")),
        };
        Ok(Self { name, pid, farewell, ended })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Waits until the process ends.
    pub(crate) async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        // The watching thread says how the process ended before it goes itself.
        ended.wait_for(Option::is_some).await.ok().and_then(|status| *status).unwrap_or_default()
    }

    /// Asks the process again and again until it answers.
    ///
    /// # Errors
    /// With its last answer, if it ends or there is no better one in time.
    pub(crate) async fn ready<Answer>(&self, within: Duration, ask: impl Fn() -> Answer) -> Result<()>
    where
        Answer: Future<Output = Result<()>>,
    {
        let deadline = Instant::now() + within;
        loop {
            let answer = tokio::select! {
                answer = ask() => answer,
                status = self.ended() => bail!("it ended at once ({status})"),
            };
            match answer {
                Ok(()) => return Ok(()),
                Err(_) if Instant::now() < deadline => sleep(BETWEEN_QUESTIONS).await,
                Err(error) => {
                    return Err(error.context(format!("it is not ready after {} s", within.as_secs())));
                }
            }
        }
    }

    /// Stops the process and waits for it.
    pub(crate) async fn stop(self) -> Result<()> {
        for &(signal, patience) in self.farewell {
            self.send(signal);
            if timeout(patience, self.ended()).await.is_ok() {
                return Ok(());
            }
            tracing::warn!(server = self.name, %signal, "did not stop in time");
        }
        self.kill().await
    }

    /// Kills the process without notice and waits for it.
    pub(crate) async fn kill(self) -> Result<()> {
        self.send(Signal::SIGKILL);
        match timeout(DEATH, self.ended()).await {
            Ok(_) => Ok(()),
            Err(_) => bail!("{} (process {}) does not even die when killed", self.name, self.pid),
        }
    }

    fn send(&self, signal: Signal) {
        // A process that has ended has given its number back, perhaps to somebody else.
        if self.ended.borrow().is_none() {
            let _ = kill(self.pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(&(signal, _)) = self.farewell.first() {
            self.send(signal);
        }
    }
}

/// Stops a server that a killed parent left behind, if there is one: the process whose number stands first in
/// `pid_file` and whose command line names `mark`. Says whether the number now belongs to somebody else.
pub(super) async fn stop_leftover(
    name: &'static str,
    pid_file: &Path,
    mark: &Path,
    farewell: Farewell,
) -> Result<Leftover> {
    let Some(pid) = fs::read_to_string(pid_file).ok().and_then(|text| text.lines().next()?.trim().parse().ok()) else {
        return Ok(Leftover::None);
    };
    let pid = Pid::from_raw(pid);
    if kill(pid, None) == Err(Errno::ESRCH) {
        return Ok(Leftover::None);
    }
    let ours = || {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|&byte| byte == 0).any(|word| word == mark.as_os_str().as_encoded_bytes()))
    };
    if !ours() {
        return Ok(Leftover::Reused);
    }
    tracing::info!(server = name, %pid, "waiting for the end of one left behind");
    for &(signal, patience) in farewell.iter().chain(&[(Signal::SIGKILL, DEATH)]) {
        let _ = kill(pid, signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if !ours() {
                return Ok(Leftover::None);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
    bail!("a {name} left behind (process {pid}) cannot be stopped: stop it yourself, then try again")
}

/// What a file with a process number in it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leftover {
    /// Nothing runs under it any more.
    None,
    /// A process that is none of ours has the number now.
    Reused,
}
