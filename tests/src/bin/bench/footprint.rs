//! What it takes up.

use crate::System;
use crate::system::SERVICES;
use crate::table::{heading, line, ms, number};

pub(crate) fn measure(system: &System, when: &str) {
    heading(&format!("Footprint, {when}"), &["", "resident MiB", "most MiB"]);
    for service in SERVICES {
        line(&[service.into(), number(system.memory(service, "VmRSS:")), number(system.memory(service, "VmHWM:"))]);
    }
    let size = std::fs::metadata(tests::binary()).unwrap().len() as f64 / 1024.0 / 1024.0;
    println!(
        "\nThe binary has {} MiB; from an empty folder to the figures of 15 villages: {} s.",
        number(size),
        number(ms(system.started_in) / 1000.0)
    );
}
