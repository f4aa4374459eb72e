//! `lianxin migrate`: databases, roles and tables of every service, brought up to date. Safe to run again.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use platform::Secret;
use platform::database::Owner;
use sqlx::migrate::Migrator;

/// Each service with its tables.
#[must_use]
pub fn services() -> [(&'static str, Migrator); 4] {
    [
        (registry::SERVICE, registry::migrations()),
        (liaison::SERVICE, liaison::migrations()),
        (casework::SERVICE, casework::migrations()),
        (reporting::SERVICE, reporting::migrations()),
    ]
}

/// Where the server is and what the services' passwords are.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Address of the server as its owner, for instance `postgres://lianxin_owner@db/postgres`
    #[arg(long, env = "LIANXIN_OWNER_DATABASE_URL")]
    owner_database_url: String,

    /// File that holds the owner's password, when the address has none
    #[arg(long, env = "LIANXIN_OWNER_DATABASE_PASSWORD_FILE")]
    owner_database_password_file: Option<PathBuf>,

    /// Folder with a file for each service (registry, liaison, casework, reporting) that holds its password
    #[arg(long, env = "LIANXIN_SERVICE_PASSWORD_DIR")]
    service_password_dir: PathBuf,
}

/// Brings every service's database up to date.
///
/// # Errors
/// When the server refuses; nothing is half applied, each migration is one transaction.
pub async fn run(arguments: Arguments) -> Result<()> {
    let mut url = arguments.owner_database_url;
    if let Some(file) = arguments.owner_database_password_file {
        let password = Secret::from_file(&file).with_context(|| format!("password file {}", file.display()))?;
        url = with_password(&url, &password)?;
    }
    let owner = Owner { url };
    for (service, migrations) in services() {
        let file = arguments.service_password_dir.join(service);
        let password = Secret::from_file(&file).with_context(|| format!("password file {}", file.display()))?;
        provision(&owner, service, &password, &migrations).await?;
        println!("{service}: up to date");
    }
    Ok(())
}

/// One service's database, role and tables: the database has the service's name, the role `lianxin_<service>`.
///
/// # Errors
/// When the server refuses.
pub async fn provision(owner: &Owner, service: &str, password: &Secret, migrations: &Migrator) -> Result<()> {
    owner
        .provision(service, &format!("lianxin_{service}"), password, migrations)
        .await
        .map_err(|error| cause(error).context(format!("the database of {service} cannot be brought up to date")))
}

/// What is behind an internal error: an operator at the command line may see it.
pub(crate) fn cause(error: platform::Error) -> anyhow::Error {
    match error {
        platform::Error::Internal(cause) => anyhow!(cause),
        other => anyhow!(other),
    }
}

/// Puts a password into an address `scheme://user@host/…`.
fn with_password(url: &str, password: &Secret) -> Result<String> {
    let (user, host) = url.split_once('@').context("the owner's address names no user")?;
    let escaped: String = password
        .expose()
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    Ok(format!("{user}:{escaped}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_escaped_in_an_address() {
        let url = with_password("postgres://owner@db/postgres", &Secret::new("a/b@c")).ok();
        assert_eq!(url.as_deref(), Some("postgres://owner:a%2Fb%40c@db/postgres"));
    }
}
