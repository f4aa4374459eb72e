//! A newer schema: what the next version of Lianxin might bring, as migrations added to those there are. Each is safe to
//! run while the previous version serves, as ours have to be: a column that may be null, an index made concurrently.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Numbered beyond any migration of ours.
const FIRST: i64 = 9_000_000;

/// The tables of a service that get another column: those that are written most.
fn tables(service: &str) -> &'static [&'static str] {
    match service {
        "registry" => &["village", "grid", "household", "request", "change_log"],
        "liaison" => &["grid", "household", "member", "team", "link", "visit", "request", "change_log"],
        "casework" => &["grid", "household", "team", "concern", "move", "request", "change_log"],
        _ => &["village", "grid", "household", "team", "link", "visit", "concern"],
    }
}

/// The migrations of a service with those of so many newer versions after them.
pub(crate) fn newer(service: &str, migrations: &Migrator, versions: i64) -> Migrator {
    let mut all: Vec<Migration> = migrations.iter().cloned().collect();
    for version in 1..=versions {
        let mut number = FIRST + version * 100;
        let mut add = |sql: String, no_tx: bool| {
            let kind = MigrationType::Simple;
            all.push(Migration::new(number, Cow::Borrowed("newer"), kind, AssertSqlSafe(sql).into_sql_str(), no_tx));
            number += 1;
        };
        for table in tables(service) {
            add(format!("alter table {table} add column newer_{version} text"), false);
        }
        let Some(table) = tables(service).last() else { continue };
        add(format!("create index concurrently newer_{version} on {table} (village, newer_{version})"), true);
    }
    Migrator { migrations: Cow::Owned(all), ..Migrator::DEFAULT }
}
