//! The dependencies between our crates point one way.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

const SERVICES: [&str; 4] = ["registry", "liaison", "casework", "reporting"];

/// Our own crates that a crate may stand on.
fn allowed(krate: &str) -> &'static [&'static str] {
    match krate {
        "proto" | "workbook" => &[],
        "platform" => &["proto"],
        "events" => &["platform", "proto"],
        "registry" | "liaison" | "casework" => &["events", "platform", "proto", "workbook"],
        "reporting" => &["events", "platform", "proto"],
        "lianxin" => &["registry", "liaison", "casework", "reporting", "events", "platform", "proto"],
        _ => &[
            "harness",
            "lianxin",
            "registry",
            "liaison",
            "casework",
            "reporting",
            "events",
            "platform",
            "proto",
            "workbook",
        ],
    }
}

#[test]
fn dependencies_point_from_the_binary_to_the_services_to_the_ground_and_never_between_services() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
            let to = dependency.name.as_str();
            if ours.contains(to) {
                assert!(allowed(&package.name).contains(&to), "{} must not depend on {to}", package.name);
            }
        }
    }
    assert!(SERVICES.iter().all(|service| ours.contains(service)));
}
