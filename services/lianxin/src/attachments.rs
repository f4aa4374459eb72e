//! `lianxin attachments`: seeing to what is left over in the store of attachments. Casework does so by itself from time to
//! time; this does it now and says what it found.

use anyhow::Result;
use casework::attachments::{Config, scan};

use crate::events::Folder;
use crate::migrate::cause;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Delete objects that belong to nothing, and name attachments whose object is gone
    Scan {
        /// Where the store is
        #[command(flatten)]
        store: Config,
        /// Where the database is
        #[command(flatten)]
        folder: Folder,
    },
}

/// Does it.
///
/// # Errors
/// When the database or the store does not answer.
pub async fn run(command: Command) -> Result<()> {
    let Command::Scan { store, folder } = command;
    let store = folder.attachments(store);
    let found = scan(folder.casework()?, &store).await.map_err(cause)?;
    println!("附件存储 {}：共 {} 个文件", store.place, found.objects);
    println!("已删除无主文件 {} 个；新登记 {} 个，到期后删除", found.deleted, found.adopted);
    for name in &found.missing {
        println!("文件丢失：{name}");
    }
    if !found.missing.is_empty() {
        anyhow::bail!("{} attachment(s) have lost their file; restore the store from a backup", found.missing.len());
    }
    Ok(())
}
