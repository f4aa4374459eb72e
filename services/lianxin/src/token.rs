//! `lianxin token` and `lianxin keygen`: keys and signed tokens, for trying things. In production the
//! sub-district's identity provider signs.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use platform::caller::token::{Claims, GrantClaim, Signer};
use platform::{Office, Secret, Vault};

use crate::servers::write_private;

/// What a token should say.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Office of the holder
    #[arg(long, value_enum)]
    office: Office,

    /// 12 digits of a village, 9 of a sub-district or 6 of a county
    #[arg(long)]
    scope: String,

    /// Grids, for instance 027,028; all of the scope if none is named. Leaders and representatives must name theirs
    #[arg(long, value_delimiter = ',')]
    grids: Vec<String>,

    /// Stable name of the holder, as it will stand in the history of records
    #[arg(long)]
    subject: Option<String>,

    /// Hours until it ends
    #[arg(long, default_value_t = 12)]
    hours: u64,

    /// Key to sign with
    #[arg(long, default_value = ".lianxin/secrets/signing.key", env = "LIANXIN_SIGNING_KEY_FILE")]
    key: PathBuf,
}

/// Prints a token.
///
/// # Errors
/// When the key cannot be read, or the words would make a token that no service accepts.
pub fn run(arguments: Arguments) -> Result<()> {
    let grids = (!arguments.grids.is_empty()).then(|| arguments.grids.iter().cloned().collect());
    let subject = arguments.subject.unwrap_or_else(|| format!("{}-of-{}", arguments.office.as_str(), arguments.scope));
    let grant = GrantClaim { office: arguments.office, scope: arguments.scope, grids };
    anyhow::ensure!(
        grant.clone().read().is_some(),
        "no service would accept that: a scope has 6, 9 or 12 digits, grids have three, and leaders and representatives name theirs"
    );
    println!("{}", sign(&arguments.key, subject, grant, Duration::from_secs(arguments.hours * 3600))?);
    Ok(())
}

/// Signs a token that lives for `live`.
///
/// # Errors
/// When the key cannot be read.
pub fn sign(key: &Path, subject: String, grant: GrantClaim, live: Duration) -> Result<String> {
    let text = Secret::from_file(key).with_context(|| {
        format!("signing key {}: run deploy/up first, or name one with --key (lianxin keygen makes one)", key.display())
    })?;
    let ends = SystemTime::now().duration_since(UNIX_EPOCH)? + live;
    let claims = Claims {
        sub: subject,
        aud: "lianxin".to_owned(),
        exp: i64::try_from(ends.as_secs())?,
        nbf: None,
        grants: vec![grant],
    };
    Ok(Signer::from_key(&text)?.sign(&claims)?)
}

/// Where the keys go.
#[derive(Debug, clap::Args)]
pub struct KeygenArguments {
    /// Folder for vault.key (wraps the villages' data keys), signing.key and jwks.json; what is there already is kept
    #[arg(long, default_value = ".lianxin/secrets")]
    folder: PathBuf,
}

/// Makes the keys that are missing in a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn keygen(arguments: &KeygenArguments) -> Result<()> {
    for made in make_keys(&arguments.folder)? {
        println!("made {}", made.display());
    }
    Ok(())
}

/// Makes the keys that are missing in `folder`, and says which it made. A key is never replaced: without the
/// old vault key, what was sealed with it is lost.
///
/// # Errors
/// When a file cannot be written.
pub fn make_keys(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let (vault, signing, jwks) = (folder.join("vault.key"), folder.join("signing.key"), folder.join("jwks.json"));
    let mut made = Vec::new();
    if !vault.exists() {
        write_private(&vault, Vault::new_key("1")?.expose())?;
        made.push(vault);
    }
    if !signing.exists() || !jwks.exists() {
        let (key, set) = Signer::generate()?;
        write_private(&signing, key.expose())?;
        write_private(&jwks, &set)?;
        made.extend([signing, jwks]);
    }
    Ok(made)
}
