//! What each fault cost, as a Markdown table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::fault::Fault;

/// The table.
#[derive(Default)]
pub(crate) struct Table {
    rows: BTreeMap<Fault, Row>,
}

enum Row {
    Struck { failed: u64, recoveries: Vec<Duration> },
    Skipped(&'static str),
}

impl Table {
    /// Notes that a fault was struck and recovered from.
    pub(crate) fn struck(&mut self, fault: Fault, failed: u64, recovery: Duration) {
        match self.rows.entry(fault).or_insert(Row::Struck { failed: 0, recoveries: Vec::new() }) {
            Row::Struck { failed: before, recoveries } => {
                *before += failed;
                recoveries.push(recovery);
            }
            Row::Skipped(_) => {}
        }
    }

    /// Notes that a fault cannot be had here.
    pub(crate) fn skipped(&mut self, fault: Fault, why: &'static str) {
        self.rows.insert(fault, Row::Skipped(why));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | times | calls failed meanwhile | recovery min / median / max |")?;
        writeln!(f, "|---|---:|---:|---:|")?;
        for (fault, row) in &self.rows {
            match row {
                Row::Struck { failed, recoveries } => {
                    let mut recoveries: Vec<f64> = recoveries.iter().map(Duration::as_secs_f64).collect();
                    recoveries.sort_by(f64::total_cmp);
                    let (least, most) = (recoveries[0], recoveries[recoveries.len() - 1]);
                    let median = recoveries[recoveries.len() / 2];
                    let times = recoveries.len();
                    let name = fault.name();
                    writeln!(f, "| {name} | {times} | {failed} | {least:.1} / {median:.1} / {most:.1} s |")?;
                }
                Row::Skipped(why) => writeln!(f, "| {} | 0 | | skipped: {why} |", fault.name())?,
            }
        }
        write!(f, "\nRecovery: from the end of the fault until a fresh write of each service is acknowledged and ")?;
        write!(f, "seen by every reader of its news, in reporting's figures too.")
    }
}
