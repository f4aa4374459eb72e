//! `lianxin export ledger`: the concerns of a village, as casework has them now.

use std::path::PathBuf;

use anyhow::Result;
use platform::Office;
use proto::casework::v1::ledger_service_client::LedgerServiceClient;
use proto::casework::v1::{ExportLedgerRequest, LedgerFormat};
use proto::names::{VillageCode, VillageName};

use super::Unfinished;
use crate::client::{Access, connect, told};

/// Which village, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    #[arg(long)]
    village: VillageCode,

    /// File to write; one that ends with .csv is CSV, any other a workbook
    #[arg(long)]
    to: PathBuf,

    /// What it is needed for: it holds what households said. It is kept in the audit
    #[arg(long)]
    purpose: String,

    #[command(flatten)]
    access: Access,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { village, to, purpose, access } = arguments;
    let caller = access.caller_as(Office::Clerk, village.as_str())?;
    let line = connect(&access.casework, &caller).await?;
    let is_csv = to.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let format = if is_csv { LedgerFormat::Csv } else { LedgerFormat::Xlsx };
    let request = ExportLedgerRequest { parent: VillageName(village).to_string(), format: format.into(), purpose };
    let mut pieces = LedgerServiceClient::new(line).export_ledger(request).await.map_err(told)?.into_inner();
    let mut file = Unfinished::new(&to)?;
    while let Some(piece) = pieces.message().await.map_err(told)? {
        file.write(&piece.content)?;
    }
    file.finish()?;
    println!("已导出到 {}", to.display());
    Ok(())
}
