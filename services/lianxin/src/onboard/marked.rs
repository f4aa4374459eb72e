//! The workbooks that rows were refused of, with the bad cells marked: what a clerk mends and sends again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proto::names::VillageName;
use proto::platform::v1::ImportProblem;
use proto::registry::v1::MarkRosterRequest;
use proto::registry::v1::roster_service_client::RosterServiceClient;

use super::{Done, LARGEST_WORKBOOK, Village, read};
use crate::client::{Access, Metadata, connect, told};
use crate::tenant::Unfinished;

/// What the name of a marked workbook ends with.
const MARKED: &str = "待改";

/// Writes the marked workbooks into the folder and answers which. A file of which nothing is wrong is not written.
pub(super) async fn write(
    access: &Access,
    caller: &Metadata,
    village: &Village,
    done: &Done,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (book, problems) in [(&village.roster, &done.roster_problems), (&village.ledger, &done.ledger_problems)] {
        let Some(book) = book.as_ref().filter(|_| !problems.is_empty()) else { continue };
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let stem = book.file_stem().unwrap_or_default().to_string_lossy();
        let to = folder.join(format!("{stem}-{MARKED}.xlsx"));
        mark(access, caller, village, book, problems, &to).await?;
        written.push(to);
    }
    Ok(written)
}

async fn mark(
    access: &Access,
    caller: &Metadata,
    village: &Village,
    book: &Path,
    problems: &[ImportProblem],
    to: &Path,
) -> Result<()> {
    let line = connect(&access.registry, caller).await?;
    let mut client = RosterServiceClient::new(line).max_encoding_message_size(LARGEST_WORKBOOK);
    let request = MarkRosterRequest {
        parent: VillageName(village.code).to_string(),
        content: read(book)?,
        problems: problems.to_vec(),
    };
    let mut pieces = client.mark_roster(request).await.map_err(told)?.into_inner();
    let mut file = Unfinished::new(to)?;
    while let Some(piece) = pieces.message().await.map_err(told)? {
        file.write(&piece.content)?;
    }
    file.finish()
}
