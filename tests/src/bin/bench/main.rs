//! What Lianxin costs: every figure beside a baseline of the same run, as minimum, median and maximum of its repetitions.
//!
//! `tests/bench` builds and starts it. It brings up a Lianxin of its own, with durable disks and the settings that
//! everybody gets, and asserts nothing: it prints tables in Markdown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a bench may fail, and its figures are small"
)]

mod burst;
mod fill;
mod footprint;
mod import;
mod ingest;
mod lifecycle;
mod load;
mod news;
mod pgbench;
mod read;
mod system;
mod table;
mod write;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use system::System;

/// Measures a Lianxin of its own on this machine, and prints tables
#[derive(Parser, Clone)]
pub struct Arguments {
    /// What to measure; everything, if nothing is named
    #[arg(value_enum)]
    what: Vec<What>,

    /// Seconds of each repetition of a measurement under load
    #[arg(long, default_value_t = 5)]
    seconds: u64,

    /// Repetitions of each measurement
    #[arg(long, default_value_t = 3)]
    times: usize,

    /// Concerns there are while lifecycles are measured
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    concerns: Vec<usize>,

    /// Clients that call at once
    #[arg(long, default_value_t = 32)]
    clients: usize,

    /// Households in the workbook that is imported
    #[arg(long, default_value_t = 100_000)]
    households: usize,

    /// Folder for the data of the bench, which is emptied first
    #[arg(long, default_value = ".lianxin/bench")]
    folder: PathBuf,

    /// Folder where deploy/programs noted the programs it found
    #[arg(long, default_value = ".lianxin/programs")]
    programs: PathBuf,

    /// First of the four gRPC ports
    #[arg(long, default_value_t = 7501)]
    port: u16,
}

/// What can be measured.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Memory, start-up time, size of the binary
    Footprint,
    /// From the acknowledgement of a concern to its figure
    News,
    /// One acknowledged write beside pgbench
    Write,
    /// Reads beside pgbench
    Read,
    /// Whole lives of concerns, by the number of concerns and villages there are
    Lifecycle,
    /// Five times more than can be served
    Burst,
    /// A large workbook beside COPY
    Import,
    /// Reporting reads everything again
    Ingest,
}

impl Arguments {
    fn measures(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let system = System::start(&arguments).await;
    if arguments.measures(What::Footprint) {
        footprint::measure(&system, "idle, after the start with 15 villages and two workbooks");
    }
    if arguments.measures(What::News) {
        news::measure(&system, &arguments).await;
    }
    if arguments.measures(What::Write) {
        write::measure(&system, &arguments).await;
    }
    if arguments.measures(What::Read) {
        read::measure(&system, &arguments).await;
    }
    if arguments.measures(What::Lifecycle) {
        lifecycle::measure(&system, &arguments).await;
    }
    if arguments.measures(What::Burst) {
        burst::measure(&system, &arguments).await;
    }
    if arguments.measures(What::Import) {
        import::measure(&system, &arguments).await;
    }
    if arguments.measures(What::Ingest) {
        ingest::measure(&system).await;
    }
    if arguments.measures(What::Footprint) {
        footprint::measure(&system, "after everything above");
    }
    system.stop();
}
