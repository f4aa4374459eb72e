//! The dependencies between our crates point one way, and what statements answer does not change with the schema.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

/// A statement that answers whatever columns a table happens to have stops working on every open connection when a
/// migration adds one ("cached plan must not change result type"), and news that it was to apply becomes a dead letter.
#[test]
fn no_statement_answers_whatever_columns_a_table_has() {
    for service in SERVICES {
        let folder = format!("{}/../services/{service}/src", env!("CARGO_MANIFEST_DIR"));
        for file in files(folder.as_ref()) {
            let text = std::fs::read_to_string(&file).unwrap();
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let every = ["returning *", ".*,", ".*\"", "select *\""].iter().any(|every| line.contains(every));
                assert!(!every, "{}: {}", file.display(), line.trim());
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect()
}
