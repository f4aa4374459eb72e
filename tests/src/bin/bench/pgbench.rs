//! pgbench, PostgreSQL's own load generator, on the same tables as the same role: what the database alone can do.

use std::process::Command;
use std::time::Duration;

use crate::system::System;

/// What pgbench measured.
pub(crate) struct Baseline {
    /// Transactions in a second.
    pub(crate) rate: f64,
    /// Latencies of all of them in milliseconds, sorted.
    times: Vec<f64>,
}

impl Baseline {
    /// The time within which this part of the transactions was done, in milliseconds.
    pub(crate) fn at(&self, part: f64) -> f64 {
        let place = ((self.times.len().max(1) - 1) as f64 * part) as usize;
        self.times.get(place).copied().unwrap_or(f64::NAN)
    }
}

/// Runs a script on a service's database with prepared statements, and as many clients.
pub(crate) fn run(system: &System, service: &str, script: &str, clients: usize, time: Duration) -> Baseline {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.sql");
    std::fs::write(&file, script).unwrap();
    let options = system.database(service);
    let host = options.get_socket().map_or(options.get_host(), |folder| folder.to_str().unwrap());
    let output = Command::new(system.programs.postgres_bin.join("pgbench"))
        .env("PGPASSWORD", system.password(service))
        .env("PGOPTIONS", "-c plan_cache_mode=force_generic_plan -c jit=off")
        .current_dir(folder.path())
        .args(["--no-vacuum", "--protocol=prepared", "--log", "--jobs=2"])
        .args(["-h", host, "-p", &options.get_port().to_string()])
        .args(["-U", options.get_username(), &format!("--client={clients}"), &format!("--time={}", time.as_secs())])
        .arg(format!("--file={}", file.display()))
        .arg(options.get_database().unwrap())
        .output()
        .expect("pgbench is part of PostgreSQL");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", errors.lines().take(5).collect::<Vec<_>>().join("\n"));
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok()).unwrap();
    // A line of the log: client, number, latency in µs, …
    let mut times: Vec<f64> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("pgbench_log"))
        .flat_map(|entry| {
            let log = std::fs::read_to_string(entry.path()).unwrap();
            log.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()).collect::<Vec<_>>()
        })
        .map(|micros| micros / 1000.0)
        .collect();
    times.sort_by(f64::total_cmp);
    Baseline { rate, times }
}
