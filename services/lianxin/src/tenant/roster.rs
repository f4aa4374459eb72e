//! `lianxin export roster`: the workbook of a village, as the registry has it now.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use platform::Office;
use proto::names::{VillageCode, VillageName};
use proto::registry::v1::roster_service_client::RosterServiceClient;
use proto::registry::v1::{ExportRosterRequest, RosterFormat};

use crate::client::{Access, connect, told};

/// Which village, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    #[arg(long)]
    village: VillageCode,

    /// File to write
    #[arg(long)]
    to: PathBuf,

    /// Only this sheet, as CSV, for instance 住户
    #[arg(long)]
    csv_sheet: Option<String>,

    /// What whole names, numbers and addresses are needed for; it is kept in the audit. Without one they are masked
    #[arg(long)]
    purpose: Option<String>,

    #[command(flatten)]
    access: Access,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { village, to, csv_sheet, purpose, access } = arguments;
    let caller = access.caller_as(Office::Clerk, village.as_str())?;
    let line = connect(&access.registry, &caller).await?;
    let is_masked = purpose.is_none();
    let request = ExportRosterRequest {
        parent: VillageName(village).to_string(),
        format: if csv_sheet.is_some() { RosterFormat::Csv } else { RosterFormat::Xlsx }.into(),
        csv_sheet: csv_sheet.unwrap_or_default(),
        purpose: purpose.unwrap_or_default(),
    };
    let mut pieces = RosterServiceClient::new(line).export_roster(request).await.map_err(told)?.into_inner();
    let mut file = Unfinished::new(&to)?;
    while let Some(piece) = pieces.message().await.map_err(told)? {
        file.write(&piece.content)?;
    }
    file.finish()?;
    println!("已导出到 {}", to.display());
    if is_masked {
        println!("姓名、证件号码、电话、住址已遮盖；需要完整内容请写明用途：--purpose 年度核对");
    }
    Ok(())
}

/// A file that appears under its name when it is whole.
pub(crate) struct Unfinished<'p> {
    path: &'p Path,
    part: PathBuf,
    file: std::fs::File,
}

impl<'p> Unfinished<'p> {
    pub(crate) fn new(path: &'p Path) -> Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = std::fs::File::create(&part).with_context(|| part.display().to_string())?;
        Ok(Self { path, part, file })
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<()> {
        Ok(self.file.write_all(piece)?)
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.file.sync_all()?;
        Ok(std::fs::rename(self.part, self.path)?)
    }
}
