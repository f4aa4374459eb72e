//! `lianxin export village`: everything that the services keep of one village, as CSV files, a folder for each service
//! and a file for each table.
//!
//! Each service is read at one moment, row after row straight into the file. Sensitive fields are as the database has
//! them, sealed with the village's key, which is among the files, wrapped by the key file, which is not: both together
//! restore the village elsewhere, and the files alone give nobody a number or an address. A roster that people can read
//! is `lianxin export roster`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use proto::names::VillageCode;
use sqlx::{Connection, Executor};

use super::{Databases, Owned, count, open, tables};

/// Which village, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    village: VillageCode,

    /// Folder to make; it must not be there yet
    #[arg(long)]
    to: PathBuf,

    #[command(flatten)]
    databases: Owned,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { village, to, databases } = arguments;
    let rows = export(&databases.databases()?, &village, &to).await?;
    println!("{village}：已导出 {rows} 行到 {}", to.display());
    println!("敏感字段仍以本村密钥加密保存；要恢复，还需要密钥文件（vault key），请分开保管。");
    Ok(())
}

/// Writes all tables of a village into a new folder and says how many rows there are. The folder appears when it is
/// whole.
///
/// # Errors
/// When there is such a folder, when nobody knows the village, or when a database or the disk refuses.
pub async fn export(databases: &Databases, village: &VillageCode, to: &Path) -> Result<i64> {
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
    std::fs::rename(&unfinished, to)?;
    Ok(rows)
}
