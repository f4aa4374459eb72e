//! The fault suite: a steady load on the whole system while its parts are killed, stopped, wiped, cut off, filled up and
//! replaced, in random order from a printed seed. Afterwards everything that was acknowledged has to be there once.
//!
//! `tests/faults` builds and runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod calls;
mod clock;
mod cluster;
mod fault;
mod ground;
mod load;
mod model;
mod probe;
mod proxy;
mod schema;
mod system;
mod table;
mod verify;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use lianxin::servers::Programs;

use calls::Calls;
use fault::Fault;
use ground::Ground;
use load::Worker;
use model::{Noun, Record};
use probe::Probe;
use system::System;
use table::Table;
use verify::Verification;

/// Writers of the load, each on records of its own.
const WORKERS: usize = 6;
/// So many things that are broken are told at the end.
const TOLD: usize = 100;
/// Longest rest between two faults, in milliseconds.
const BETWEEN: u64 = 1_500;

/// Breaks the whole system in every way it knows, under load, and looks what has become of what was acknowledged.
#[derive(Parser)]
#[command(name = "tests/faults", disable_help_subcommand = true)]
struct Arguments {
    /// Number from which all chance comes; the same seed strikes in the same order [default: a new one]
    #[arg(long)]
    seed: Option<u64>,

    /// For how long faults are struck, in minutes. Each fault is struck once at least, however long that takes
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,

    /// Strike only this fault; may be given several times
    #[arg(long, value_enum)]
    only: Vec<Fault>,

    /// Folder for data and logs
    #[arg(long, hide = true)]
    folder: PathBuf,

    /// Folder in which deploy/programs left the file `env`
    #[arg(long, hide = true)]
    programs: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    println!("seed {seed}");
    match run(&arguments, seed).await {
        Ok(broken) if broken.is_empty() => {
            println!("\nEvery acknowledged write is there once, nothing is half there, everybody knows the same.");
            ExitCode::SUCCESS
        }
        Ok(broken) => {
            println!("\nBROKEN (seed {seed}):");
            broken.iter().take(TOLD).for_each(|what| println!("- {what}"));
            if broken.len() > TOLD {
                println!("- … and {} more", broken.len() - TOLD);
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("\nFAILED (seed {seed}): {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The whole run; what is broken at its end, in words.
async fn run(arguments: &Arguments, seed: u64) -> Result<Vec<String>> {
    let begun = Instant::now();
    let say = |what: &str| println!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
    std::fs::create_dir_all(&arguments.folder)?;
    let folder = arguments.folder.canonicalize()?;
    let mut system = System::start(&folder, &Programs::read(&arguments.programs)?).await?;
    say("Postgres, three nodes of NATS, two replicas of each service");
    system.onboard().await.context("the village cannot be onboarded")?;
    say("高冲村 is onboarded");
    let mut before = BTreeMap::new();
    let mut looked = Verification::of(&system).await?;
    for noun in Noun::ALL {
        before.insert(noun, looked.ids(noun).await?);
    }
    drop(looked);

    let mut random = fastrand::Rng::with_seed(seed);
    let ground = Arc::new(Ground::of(&system).await?);
    let calls = Calls::to(&system)?;
    let clerks = [system.clerk("first clerk")?, system.clerk("second clerk")?];
    let mut probe = Probe::new(random.u64(..), &calls, &clerks, &ground).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (1..=WORKERS)
        .map(|number| tokio::spawn(Worker::new(number, random.u64(..), &calls, &clerks, &ground).run(stop.clone())))
        .collect();
    let undisturbed = probe.recovered(Instant::now()).await.context("before any fault")?;
    say(&format!("under load; without any fault, a write is seen by everybody in {:.1} s", undisturbed.as_secs_f64()));

    let mut table = Table::default();
    let struck = strike_all(arguments, &mut system, &mut random, &mut probe, &calls, &mut table, &say).await;
    stop.store(true, Ordering::Relaxed);
    let mut records: Vec<Record> = Vec::new();
    for worker in workers {
        records.extend(worker.await?);
    }
    let acknowledged = calls.counts.acknowledged.load(Ordering::Relaxed);
    let unknown = calls.counts.unknown.load(Ordering::Relaxed);
    say(&format!("{acknowledged} writes acknowledged, {unknown} given up without an answer; looking what is there"));
    println!("\n{table}");
    struck?;

    let (figures, probed) = probe.finish().await?;
    records.extend(probed);
    let mut verification = Verification::of(&system).await?;
    verification.at_rest().await?;
    verification.model(&records, &before).await?;
    verification.histories().await?;
    verification.projections().await?;
    verification.nothing_left_behind().await?;
    verification.figures(&figures).await?;
    let mut broken = calls.counts.all_broken();
    broken.extend(verification.broken);
    Ok(broken)
}

/// Strikes every fault once, in random order, and goes on with them while there is time.
async fn strike_all(
    arguments: &Arguments,
    system: &mut System,
    random: &mut fastrand::Rng,
    probe: &mut Probe,
    calls: &Calls,
    table: &mut Table,
    say: &impl Fn(&str),
) -> Result<()> {
    let ends = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    let asked = if arguments.only.is_empty() { Fault::value_variants() } else { &arguments.only };
    let mut possible = Vec::new();
    for fault in asked {
        match fault.impossible(system) {
            None => possible.push(*fault),
            Some(why) => table.skipped(*fault, why),
        }
    }
    let mut round = 0;
    while !possible.is_empty() {
        let mut faults = possible.clone();
        random.shuffle(&mut faults);
        for fault in faults {
            if round > 0 && Instant::now() > ends {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(random.u64(..BETWEEN))).await;
            let failed = calls.counts.failed.load(Ordering::Relaxed);
            let struck = fault.strike(system, random, probe).await;
            let (victim, ended) = struck.with_context(|| fault.name())?;
            let recovered = tokio::select! {
                recovered = probe.recovered(ended) => recovered,
                error = system.keep_postgres() => Err(error),
            };
            let took = recovered.with_context(|| format!("after {} ({victim})", fault.name()))?;
            let failed = calls.counts.failed.load(Ordering::Relaxed) - failed;
            table.struck(fault, failed, took);
            let name = if victim.is_empty() { fault.name() } else { format!("{} ({victim})", fault.name()) };
            say(&format!("{name}: recovered in {:.1} s, {failed} calls failed", took.as_secs_f64()));
        }
        round += 1;
    }
    Ok(())
}
