//! What is done to the system. Each fault begins, lasts and ends here: afterwards everything runs again, as if a
//! supervisor and an operator had seen to it, and nothing but time is needed for the rest.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{Days, Utc};
use clap::ValueEnum;
use nix::sys::signal::Signal;
use platform::clock::village_day;
use proto::platform::v1::MarkRequest;
use proto::platform::v1::news_service_client::NewsServiceClient;
use tokio::time::sleep;
use tonic::Code;

use crate::calls::{Calls, Outcome, timed};
use crate::cluster::NODES;
use crate::ground::village;
use crate::probe::Probe;
use crate::system::{REPLICAS, SERVICES, System, signal_to};

/// How long a fault lasts, in milliseconds.
const LASTS: std::ops::Range<u64> = 1_000..5_000;
/// How far a clock is shifted, in days.
const SHIFT: u32 = 2;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Fault {
    /// kill -9 of one replica of a service, started again at once
    ReplicaKilled,
    /// kill -9 of both replicas of a service, started again after a while
    ServiceKilled,
    /// One replica of a service stands still (SIGSTOP) and goes on
    ServiceStopped,
    /// kill -9 of Postgres, started again after a while
    PostgresKilled,
    /// kill -9 of one of Postgres's processes: it ends all the others and recovers by itself
    PostgresCrashed,
    /// All of Postgres stands still (SIGSTOP) and goes on
    PostgresStopped,
    /// The disk of Postgres is full, until somebody makes room
    DiskFull,
    /// kill -9 of any node of NATS, started again after a while
    NatsNodeKilled,
    /// kill -9 of the node of NATS that leads a stream, started again after a while
    NatsLeaderKilled,
    /// One node of NATS stands still (SIGSTOP) and goes on
    NatsNodeStopped,
    /// One node of NATS loses its disk while the others have all of it, and comes back empty
    NatsNodeWiped,
    /// kill -9 of all nodes of NATS, started again after a while
    NatsKilled,
    /// All nodes of NATS lose their disks: every stream is gone
    NatsWiped,
    /// Every connection is cut, again and again
    ConnectionsCut,
    /// Postgres and NATS cannot be reached, then can be again
    ConnectionsRefused,
    /// Every connection carries everything late
    ConnectionsSlowed,
    /// Every connection to Postgres and NATS falls silent for good, new ones work
    ConnectionsSilenced,
    /// The clock of one service is two days ahead or behind
    ClockShifted,
    /// Each replica of each service is restarted in turn, while the schema becomes a newer one
    RollingRestart,
}

impl Fault {
    /// Its name, as the command line knows it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Why this machine cannot have it, if so.
    pub(crate) fn impossible(self, system: &System) -> Option<&'static str> {
        let no_volume = "no small volume for Postgres could be mounted here (neither as root nor in a namespace)";
        (self == Self::DiskFull && system.volume.is_none()).then_some(no_volume)
    }

    /// Does it, lets it last, ends it. Says to whom it was done, and when it ended.
    pub(crate) async fn strike(
        self,
        system: &mut System,
        random: &mut fastrand::Rng,
        probe: &mut Probe,
    ) -> Result<(String, Instant)> {
        let mut ended = None;
        let lasts = Duration::from_millis(random.u64(LASTS));
        let service = SERVICES[random.usize(..SERVICES.len())];
        let replica = random.usize(..REPLICAS);
        let node = random.usize(..NODES);
        let victim = match self {
            Self::ReplicaKilled => {
                let victim = system.of(service).nth(replica).context("a replica")?;
                victim.kill();
                victim.to_string()
            }
            Self::ServiceKilled => {
                system.of(service).for_each(|replica| replica.kill());
                sleep(lasts).await;
                service.to_owned()
            }
            Self::ServiceStopped => {
                let victim = system.of(service).nth(replica).context("a replica")?;
                victim.signal(Signal::SIGSTOP);
                sleep(lasts).await;
                victim.signal(Signal::SIGCONT);
                victim.to_string()
            }
            Self::PostgresKilled => {
                system.servers.kill_postgres().await?;
                sleep(lasts).await;
                ended = Some(Instant::now());
                system.servers.restart_postgres().await?;
                String::new()
            }
            Self::PostgresCrashed => {
                let processes = children(system.servers.postgres_pid().context("Postgres does not run")?)?;
                let victim = *random.choice(&processes).context("Postgres has no processes")?;
                let name = fs::read_to_string(format!("/proc/{victim}/cmdline")).unwrap_or_default();
                signal_to(victim, Signal::SIGKILL);
                name.trim_matches(['\0', ' ']).to_owned()
            }
            Self::PostgresStopped => {
                let postmaster = system.servers.postgres_pid().context("Postgres does not run")?;
                signal_to(postmaster, Signal::SIGSTOP); // first, so that there are no new ones
                let processes = children(postmaster)?;
                processes.iter().for_each(|process| signal_to(*process, Signal::SIGSTOP));
                sleep(lasts).await;
                processes.iter().for_each(|process| signal_to(*process, Signal::SIGCONT));
                signal_to(postmaster, Signal::SIGCONT);
                String::new()
            }
            Self::DiskFull => {
                let filler = system.volume.as_ref().context("no volume")?.join("filler");
                let filled = fill(&filler)?;
                sleep(lasts).await;
                fs::remove_file(&filler)?;
                format!("{} MB", filled >> 20)
            }
            Self::NatsNodeKilled | Self::NatsLeaderKilled => {
                let owner = SERVICES[random.usize(..SERVICES.len() - 1)];
                let leads = self == Self::NatsLeaderKilled;
                let node = if leads { system.cluster.leader(owner).await? } else { node };
                system.cluster.kill(node);
                sleep(lasts).await;
                system.cluster.begin(node)?;
                format!("node {}{}", node + 1, if leads { format!(", which led {owner}") } else { String::new() })
            }
            Self::NatsNodeStopped => {
                let pid = system.cluster.pid(node).context("the node does not run")?;
                signal_to(pid, Signal::SIGSTOP);
                sleep(lasts).await;
                signal_to(pid, Signal::SIGCONT);
                format!("node {}", node + 1)
            }
            Self::NatsNodeWiped => {
                system.cluster.whole().await?;
                system.cluster.kill(node);
                system.cluster.wipe(node)?;
                sleep(lasts).await;
                system.cluster.begin(node)?;
                format!("node {}", node + 1)
            }
            Self::NatsKilled | Self::NatsWiped => {
                (0..NODES).for_each(|node| system.cluster.kill(node));
                if self == Self::NatsWiped {
                    (0..NODES).try_for_each(|node| system.cluster.wipe(node))?;
                }
                sleep(lasts).await;
                (0..NODES).try_for_each(|node| system.cluster.begin(node))?;
                String::new()
            }
            Self::ConnectionsCut => {
                let times = random.u32(3..8);
                for _ in 0..times {
                    system.postgres.cut();
                    system.cluster.proxies().for_each(|proxy| proxy.cut());
                    system.replicas.iter().for_each(|replica| replica.proxy.cut());
                    sleep(lasts / times).await;
                }
                format!("{times} times")
            }
            Self::ConnectionsRefused => {
                system.postgres.close();
                system.cluster.proxies().for_each(|proxy| proxy.close());
                sleep(lasts).await;
                system.postgres.open();
                system.cluster.proxies().for_each(|proxy| proxy.open());
                String::new()
            }
            Self::ConnectionsSlowed => {
                let delay = Duration::from_millis(random.u64(20..100));
                slow(system, delay);
                sleep(lasts).await;
                slow(system, Duration::ZERO);
                format!("by {} ms", delay.as_millis())
            }
            Self::ConnectionsSilenced => {
                system.postgres.hush();
                system.cluster.proxies().for_each(|proxy| proxy.hush());
                String::new()
            }
            Self::ClockShifted => {
                let ahead = random.bool();
                shift_clock(system, service, ahead, lasts, probe).await?;
                format!("{service}, {SHIFT} days {}", if ahead { "ahead" } else { "behind" })
            }
            Self::RollingRestart => {
                let begun = Instant::now();
                system.upgrade().await?;
                let migrated = begun.elapsed().as_secs_f64();
                sleep(lasts).await; // the version before still serves
                let mut slowest = 0.0_f64;
                for at in 0..system.replicas.len() {
                    let begun = Instant::now();
                    system.replicas[at].stop().await?;
                    slowest = slowest.max(begun.elapsed().as_secs_f64());
                    system.replicas[at].begin()?;
                    system.replicas[at].serves().await?;
                }
                let version = system.version;
                format!("version {version}, migrated in {migrated:.1} s, the slowest replica stopped in {slowest:.1} s")
            }
        };
        let ended = ended.unwrap_or_else(Instant::now);
        system.begin_all()?;
        Ok((victim, ended))
    }
}

/// Shifts the clocks of a service's replicas, looks whether that is noticed where it should be, and sets them right.
async fn shift_clock(
    system: &mut System,
    service: &'static str,
    ahead: bool,
    lasts: Duration,
    probe: &mut Probe,
) -> Result<()> {
    let (days, sign) = (Days::new(SHIFT.into()), if ahead { 1 } else { -1 });
    let short = system.clerk_for(Duration::from_secs(3600))?;
    for replica in system.of(service) {
        replica.clock.shift(sign * i64::from(SHIFT) * 24 * 3600)?;
    }
    let calls = Calls::to(system)?;
    let mark = calls.insist(service, &short, Some(lasts), async |line| {
        NewsServiceClient::new(line).mark(timed(MarkRequest { parent: village() })).await
    });
    let mark = mark.await;
    let over = matches!(&mark, Outcome::Refused(status) if status.code() == Code::Unauthenticated);
    ensure!(over == ahead, "{service} took a token that {} for one that {}", word(ahead), word(!ahead));
    if service == "casework"
        && let Some(concern) = probe.worker.new_concern().await
    {
        let today = village_day(Utc::now());
        let by_the_clock = if ahead { today + days } else { today - days };
        let reported_on = concern.reported_on.map(|day| (day.year, day.month, day.day));
        let expected = proto::time::date(by_the_clock);
        let expected = Some((expected.year, expected.month, expected.day));
        ensure!(reported_on == expected, "a concern was reported on {reported_on:?}, by the clock on {by_the_clock}");
    }
    sleep(lasts).await;
    for replica in system.of(service) {
        replica.clock.shift(0)?;
    }
    Ok(())
}

fn word(ended: bool) -> &'static str {
    if ended { "has ended" } else { "has not ended" }
}

fn slow(system: &System, delay: Duration) {
    system.postgres.slow(delay);
    system.cluster.proxies().for_each(|proxy| proxy.slow(delay));
    system.replicas.iter().for_each(|replica| replica.proxy.slow(delay));
}

/// The processes that a process has started.
fn children(pid: u32) -> Result<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    text.split_whitespace().map(|pid| pid.parse().context("a process id")).collect()
}

/// Fills the volume to its last byte, and says with how much.
fn fill(filler: &Path) -> Result<u64> {
    let mut file = File::create(filler)?;
    let mut written = 0;
    for size in [1 << 20, 4096] {
        let block = vec![0xAA_u8; size];
        while let Ok(length @ 1..) = file.write(&block) {
            written += length as u64;
        }
    }
    Ok(written)
}
