//! `lianxin export village`: everything that the services keep of one village, as CSV files, a folder for each service
//! and a file for each table.
//!
//! Each service is read at one moment, row after row straight into the file. Sensitive fields are as the database has
//! them, sealed with the village's key, which is among the files, wrapped by the key file, which is not: both together
//! restore the village elsewhere, and the tables alone give nobody a number or an address. A roster that people can read
//! is `lianxin export roster`.
//!
//! Beside the tables there is what people read: the ledger of concerns as a workbook, and the files that belong to concerns
//! and deliberations, opened. For these the key file is needed.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use casework::attachments::{self, Config};
use futures::TryStreamExt;
use platform::{Database, Vault};
use proto::names::VillageCode;
use sqlx::{Connection, Executor};

use super::{Databases, count, open, tables};
use crate::events::Folder;
use crate::keys;
use crate::migrate::cause;

/// The ledger of concerns, among the files.
pub const LEDGER: &str = "民意.xlsx";
/// The folder of what belongs to concerns and deliberations.
pub const ATTACHMENTS: &str = "附件";

/// Which village, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    village: VillageCode,

    /// Folder to make; it must not be there yet
    #[arg(long)]
    to: PathBuf,

    /// Leave out the files that belong to concerns and deliberations, and the ledger: for when the key file is elsewhere
    #[arg(long)]
    only_tables: bool,

    /// Where attachments are
    #[command(flatten)]
    store: Config,

    #[command(flatten)]
    place: keys::Arguments,
}

/// What is needed to write out what people read.
pub struct Opened {
    /// Casework's database, as casework reaches it.
    pub database: Database,
    /// What opens what is sealed.
    pub vault: Vault,
    /// Where attachments are.
    pub store: Config,
}

/// What was written out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of tables.
    pub rows: i64,
    /// Files that belong to concerns and deliberations.
    pub attachments: attachments::Written,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { village, to, only_tables, store, place } = arguments;
    let folder = Folder::at(&place.databases.folder);
    let opened = if only_tables {
        None
    } else {
        let file = place.key_file();
        let asked = || format!("没有密钥文件 {} 就打不开附件；只导出数据表请加 --only-tables", file.display());
        let vault = Vault::open(&file).map_err(cause).with_context(asked)?;
        Some(Opened { database: folder.casework()?, vault, store: folder.attachments(store) })
    };
    let written = export(&place.databases.databases()?, &village, &to, opened.as_ref()).await?;
    let Written { rows, attachments: attachments::Written { files, missing } } = written;
    println!("{village}：已导出 {rows} 行、附件 {files} 个到 {}", to.display());
    println!("数据表里的敏感字段仍以本村密钥加密保存；要恢复，还需要密钥文件（vault key），请分开保管。");
    if opened.is_some() {
        println!("“{LEDGER}”和“{ATTACHMENTS}”没有加密，含群众原话和照片，请妥善保管。");
    }
    for name in &missing {
        println!("文件丢失：{name}");
    }
    Ok(())
}

/// Writes all tables of a village into a new folder, and what people read, if it can be opened. The folder appears when it
/// is whole.
///
/// # Errors
/// When there is such a folder, when nobody knows the village, or when a database or the disk refuses.
pub async fn export(
    databases: &Databases,
    village: &VillageCode,
    to: &Path,
    opened: Option<&Opened>,
) -> Result<Written> {
    if to.exists() {
        bail!("{} is there already", to.display());
    }
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    let mut rows = 0;
    for (service, database) in databases {
        let folder = unfinished.join(service);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let mut connection = open(database, village).await.with_context(|| format!("the database of {service}"))?;
        connection.execute("begin isolation level repeatable read read only").await?;
        for table in tables(&mut connection).await? {
            rows += count(&mut connection, &table, village).await?;
            let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join(format!("{table}.csv")))?);
            let statement = format!(
                "copy (select * from \"{table}\" where village = '{village}' order by 1, 2) to stdout (format csv, header)"
            );
            let mut lines = connection.copy_out_raw(&statement).await?;
            while let Some(line) = lines.try_next().await? {
                file.write_all(&line)?;
            }
            drop(lines);
            file.into_inner()?.sync_all()?;
        }
        connection.close().await?;
    }
    if rows == 0 {
        std::fs::remove_dir_all(&unfinished)?;
        bail!("没有 {village} 的数据");
    }
    let mut written = Written { rows, ..Written::default() };
    if let Some(Opened { database, vault, store }) = opened {
        let opening = async {
            let ledger = casework::ledgers::whole(database, village).await.map_err(cause)?;
            std::fs::write(unfinished.join(LEDGER), ledger)?;
            let folder = unfinished.join(ATTACHMENTS);
            attachments::write_out(database, vault, store, village, &folder).await.map_err(cause)
        };
        match opening.await {
            Ok(attachments) => written.attachments = attachments,
            Err(error) => {
                // Words and photos in clear are not left lying about.
                std::fs::remove_dir_all(&unfinished)?;
                return Err(error);
            }
        }
    }
    std::fs::rename(&unfinished, to)?;
    Ok(written)
}
