//! `lianxin keys …`: what whoever keeps the key file does with it.
//!
//! The key file holds the keys that wrap every village's data key; the data keys seal what is sensitive. Both are replaced
//! while the services go on: a wrapping key at once, a data key in the background, by the services themselves.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use platform::vault::custody;
use platform::vault::key_file::{self, WrappingKeys};
use platform::vault::rotation::Sealed;
use proto::names::VillageCode;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use crate::migrate::cause;
use crate::tenant::{Databases, Owned};

/// What to do with the keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show which keys are in use, which are missing, and how far rotations have come
    Status(Arguments),
    /// Add a new wrapping key to the key file and wrap every village's data key anew
    Add(AddArguments),
    /// Wrap every village's data key under the key file's newest key
    Rewrap(Arguments),
    /// Take a wrapping key out of the key file when nothing is wrapped under it any more
    Remove(RemoveArguments),
    /// Replace the data key of a village, or of every village: the services seal everything anew in the background
    Rotate(RotateArguments),
}

/// Where the key file and the databases are.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// The key file; without one, that of `lianxin up`
    #[arg(long, env = "LIANXIN_VAULT_KEY_FILE")]
    key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) databases: Owned,
}

/// How the new key is called.
#[derive(Debug, clap::Args)]
pub struct AddArguments {
    /// Id of the new key, for instance the day: 2024-05-01
    id: String,

    /// Only write it into the key file: for when the services have copies of the file on several machines, which need it
    /// before `lianxin keys rewrap`
    #[arg(long)]
    only_file: bool,

    #[command(flatten)]
    place: Arguments,
}

/// Which key goes.
#[derive(Debug, clap::Args)]
pub struct RemoveArguments {
    /// Id of the key
    id: String,

    #[command(flatten)]
    place: Arguments,
}

/// Whose key is replaced.
#[derive(Debug, clap::Args)]
pub struct RotateArguments {
    /// Official 12-digit division code, for instance 430112011211
    #[arg(required_unless_present = "all")]
    village: Option<VillageCode>,

    /// Of every village
    #[arg(long, conflicts_with = "village")]
    all: bool,

    #[command(flatten)]
    place: Arguments,
}

/// Does it.
///
/// # Errors
/// When a database refuses, or a key is missing, which the error names.
pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Status(place) => {
            let shown = status(&place.key_file(), &place.databases.databases()?).await?;
            print!("{}", shown.text);
            if !shown.missing.is_empty() {
                bail!("密钥文件里缺少密钥：{}", shown.missing.join("、"));
            }
        }
        Command::Add(AddArguments { id, only_file, place }) => {
            let file = place.key_file();
            key_file::add(&file, &id).map_err(cause)?;
            println!("{}：已加入密钥 {id}。请马上备份这个文件：没有它，敏感信息无法恢复。", file.display());
            if !only_file {
                rewrapped(&file, &place.databases.databases()?).await?;
            }
        }
        Command::Rewrap(place) => rewrapped(&place.key_file(), &place.databases.databases()?).await?,
        Command::Remove(RemoveArguments { id, place }) => {
            remove(&place.key_file(), &place.databases.databases()?, &id).await?;
            println!("已删除密钥 {id}。旧的数据库备份仍要用它才能打开，请按备份的保存期限留存旧的密钥文件。");
        }
        Command::Rotate(RotateArguments { village, place, .. }) => {
            let begun = rotate(&place.key_file(), &place.databases.databases()?, village.as_ref()).await?;
            println!("已开始更换 {begun} 个数据密钥，各服务在后台逐步重新加密，不影响使用。");
            println!("进度：lianxin keys status");
        }
    }
    Ok(())
}

impl Arguments {
    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.databases.folder.join("secrets").join("vault.key"))
    }
}

async fn rewrapped(file: &std::path::Path, databases: &Databases) -> Result<()> {
    for (service, keys) in rewrap(file, databases).await? {
        println!("{service}：{keys} 个密钥改用新的密钥保护");
    }
    Ok(())
}

/// Wraps every key of every service under the newest key of the key file. Says how many there were.
///
/// # Errors
/// When one is wrapped by a key that is missing: that service's keys are left as they are.
pub async fn rewrap(file: &std::path::Path, databases: &Databases) -> Result<Vec<(&'static str, usize)>> {
    let keys = WrappingKeys::read(file).map_err(cause)?;
    let mut done = Vec::new();
    for (service, database) in databases {
        let mut connection = open(service, database).await?;
        let wrapped = custody::rewrap(&mut connection, &keys).await;
        done.push((*service, wrapped.map_err(|error| cause(error).context(format!("the database of {service}")))?));
        connection.close().await?;
    }
    Ok(done)
}

/// Takes a key out of the key file.
///
/// # Errors
/// When a village's key is wrapped by it, or it is the newest.
pub async fn remove(file: &std::path::Path, databases: &Databases, id: &str) -> Result<()> {
    for (service, database) in databases {
        let mut connection = open(service, database).await?;
        let used = custody::wrapped_by(&mut connection).await.map_err(cause)?;
        if let Some((_, keys)) = used.iter().find(|(by, _)| by == id) {
            bail!("{service} 还有 {keys} 个密钥用 {id} 保护，请先运行 lianxin keys rewrap");
        }
        connection.close().await?;
    }
    key_file::remove(file, id).map_err(cause)
}

/// Begins to replace the data keys of a village, or of all. Says how many.
///
/// # Errors
/// When a key is missing, or the village has none.
pub async fn rotate(file: &std::path::Path, databases: &Databases, village: Option<&VillageCode>) -> Result<usize> {
    let keys = WrappingKeys::read(file).map_err(cause)?;
    let mut begun = 0;
    for (service, database) in databases {
        // A service that seals nothing has nobody who would carry it on.
        if !sealed(service).is_empty() {
            let mut connection = open(service, database).await?;
            begun += custody::rotate(&mut connection, &keys, village).await.map_err(cause)?.len();
            connection.close().await?;
        }
    }
    if let (Some(village), 0) = (village, begun) {
        bail!("{village} 没有数据密钥，或者正在更换");
    }
    Ok(begun)
}

/// What there is to say of the keys.
pub struct Status {
    /// For people.
    pub text: String,
    /// Keys that are in use and not in the key file.
    pub missing: Vec<String>,
}

/// Which keys are in use, which are missing, and how far rotations have come.
///
/// # Errors
/// When the key file or a database cannot be read.
pub async fn status(file: &std::path::Path, databases: &Databases) -> Result<Status> {
    let keys = WrappingKeys::read(file).map_err(cause)?;
    let held: Vec<&str> = keys.ids().collect();
    let mut text =
        format!("密钥文件 {}：{}（新的数据密钥用 {} 保护）\n", file.display(), held.join("、"), keys.newest());
    let mut missing: Vec<String> = Vec::new();
    for (service, database) in databases {
        let mut connection = open(service, database).await?;
        let used = custody::wrapped_by(&mut connection).await.map_err(cause)?;
        for (id, count) in &used {
            let is_missing = !held.contains(&id.as_str());
            text += &format!(
                "{service}：{count} 个密钥用 {id} 保护{}\n",
                if is_missing { "，但密钥文件里没有它" } else { "" }
            );
            if is_missing && !missing.contains(id) {
                missing.push(id.clone());
            }
        }
        for one in custody::rotations(&mut connection, sealed(service)).await.map_err(cause)? {
            let (from, to) = if one.is_coming { (one.current, one.other) } else { (one.other, one.current) };
            let state = if one.is_coming { "等待各服务读取新密钥" } else { "正在重新加密" };
            text += &format!(
                "{service} {}：第{from}版换为第{to}版，{state}，{} 项中还有 {} 项\n",
                one.village, one.fields, one.left
            );
        }
        connection.close().await?;
    }
    Ok(Status { text, missing })
}

/// What a service seals.
fn sealed(service: &str) -> &'static [Sealed] {
    match service {
        registry::SERVICE => registry::SEALED,
        liaison::SERVICE => liaison::SEALED,
        casework::SERVICE => casework::SEALED,
        _ => reporting::SEALED,
    }
}

/// Connects to a service's database as its owner, seeing every village.
async fn open(service: &str, database: &PgConnectOptions) -> Result<PgConnection> {
    let mut connection = database.connect().await.with_context(|| format!("the database of {service}"))?;
    connection.execute("set lianxin.scope = '*'").await?;
    Ok(connection)
}
