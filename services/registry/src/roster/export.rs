//! The roster on its way out: the seven sheets, as the import reads them, all of one moment.
//!
//! Rows leave the database page by page and go into the file at once, so that memory is a page and the file. Whole names,
//! numbers and addresses are given to those who may see them and say what for; to all others they are masked, and an
//! import leaves what is masked as it is.

mod cells;
mod store;

use std::collections::HashMap;

use platform::vault::VillageKeys;
use platform::{Authority, Error, Office, Page, Result, Tx};
use proto::names::{LocalCode, VillageCode};
use proto::reasons;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;
use workbook::{Cell, Writer, write_csv_row};

use super::Rosters;
use super::sheets::Roster;
use crate::division::Kind;
use crate::division::store::division_all;
use crate::grid::rules as grids;
use crate::grid::store::grid_all;
use crate::household::store::household_list;
use crate::merchant::rules as merchants;
use crate::merchant::store::merchant_list;
use crate::resident::store::resident_of_households;
use crate::village::store::village_get;

/// Rows that are read at once.
const PAGE: i32 = 1000;
/// Pages that may wait for being written.
const WAITING: usize = 2;
/// By which Excel knows that a CSV file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// What is asked for.
pub(super) struct Export {
    pub(super) village: VillageCode,
    /// The one sheet of a CSV file; none: all sheets, as a workbook.
    pub(super) csv_sheet: Option<String>,
    /// What whole names and numbers are needed for; none: they are masked.
    pub(super) purpose: Option<String>,
}

/// A part of the file.
enum Piece {
    Sheet(&'static str, &'static [&'static str]),
    Rows(Vec<Vec<Cell>>),
}

/// A file that is being written, by a thread of its own: it is work for a processor.
struct File {
    csv_sheet: Option<String>,
    pieces: mpsc::Sender<Piece>,
    written: JoinHandle<Result<Vec<u8>>>,
}

impl Rosters {
    /// The file.
    pub(super) async fn export(&self, authority: &Authority, export: Export) -> Result<Vec<u8>> {
        if export.csv_sheet.as_ref().is_some_and(|sheet| !Roster::is_sheet(sheet)) {
            return Err(Error::field("csv_sheet", format!("is none of {}", Roster::sheet_names())));
        }
        if export.purpose.is_some() && authority.office() != Office::Clerk {
            let message = "whole names, numbers and addresses are given out by the village office only".to_owned();
            return Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message });
        }
        let keys = self.open_export(authority, &export).await?;
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        let file = File::begin(export.csv_sheet.clone());
        let read = write_sheets(&mut tx, &keys, &export, &file).await;
        let written = file.finish().await;
        read.and(written)
    }

    /// Leaves an entry of what is about to be shown, for good before it is.
    async fn open_export(&self, authority: &Authority, export: &Export) -> Result<VillageKeys> {
        let mut tx = self.database.begin(authority.scope()).await?;
        village_get(&mut tx, &export.village, false).await?;
        let keys = self.vault.keys(&mut tx, &export.village).await?;
        if let Some(purpose) = &export.purpose {
            let sheet = export.csv_sheet.as_deref().unwrap_or_default();
            store::export_note(&mut tx, authority, &export.village, purpose, sheet).await?;
        }
        tx.commit().await?;
        Ok(keys)
    }
}

async fn write_sheets(tx: &mut Tx, keys: &VillageKeys, export: &Export, file: &File) -> Result<()> {
    let village = &export.village;
    let shown = cells::Shown { whole: export.purpose.is_some() };
    for (sheet, headings, kind) in [
        ("片区", cells::AREA, Kind::Area),
        ("村民小组", cells::VILLAGER_GROUP, Kind::VillagerGroup),
        ("党小组", cells::PARTY_GROUP, Kind::PartyGroup),
    ] {
        if file.sheet(sheet, headings).await {
            let divisions = division_all(tx, kind, village).await?;
            file.rows(divisions.iter().map(cells::division).collect()).await?;
        }
    }
    if file.sheet("微网格", cells::GRID).await {
        let grids = grid_all(tx, village).await?;
        let in_use = grids.iter().filter(|grid| grid.state == grids::State::Active);
        file.rows(in_use.map(cells::grid).collect()).await?;
    }
    if file.sheet("住户", cells::HOUSEHOLD).await {
        let groups = group_names(tx, village).await?;
        let mut token = String::new();
        loop {
            let page = Page::read(PAGE, &token, &"export")?;
            let rows = household_list(tx, keys, village, None, &Default::default(), &page).await?;
            let (households, next) = page.cut(rows, |household| household.facts.number.clone());
            // Who was merged into another household has no head any more, and is history.
            let in_roster = households.iter().filter(|household| !household.facts.head_name.is_empty());
            file.rows(in_roster.map(|household| cells::household(household, &groups, shown)).collect()).await?;
            token = next;
            if token.is_empty() {
                break;
            }
        }
    }
    if file.sheet("家庭成员", cells::RESIDENT).await {
        let mut after = String::new();
        loop {
            let households = store::household_numbers(tx, village, &after, PAGE).await?;
            let Some((last, _)) = households.last() else { break };
            after.clone_from(last);
            let ids: Vec<Uuid> = households.iter().map(|(_, id)| *id).collect();
            let mut people: HashMap<Uuid, Vec<_>> = HashMap::new();
            for resident in resident_of_households(tx, keys, village, &ids).await? {
                people.entry(resident.name.household).or_default().push(resident);
            }
            let rows = households.iter().flat_map(|(number, id)| {
                let people = people.remove(id).unwrap_or_default();
                people.into_iter().map(|resident| cells::resident(number, &resident, shown)).collect::<Vec<_>>()
            });
            file.rows(rows.collect()).await?;
        }
    }
    if file.sheet("商户", cells::MERCHANT).await {
        let open = merchants::Filter { state: Some(merchants::State::Open), ..merchants::Filter::default() };
        let mut token = String::new();
        loop {
            let page = Page::read(PAGE, &token, &"export")?;
            let rows = merchant_list(tx, keys, village, None, &open, &page).await?;
            let (merchants, next) = page.cut(rows, |(entered, _)| entered.to_string());
            let landlords: Vec<Uuid> = merchants.iter().map(|(_, merchant)| merchant.facts.landlord).collect();
            let numbers: HashMap<Uuid, String> = store::numbers_of(tx, village, &landlords).await?;
            let rows = merchants.iter().map(|(_, merchant)| {
                let landlord = numbers.get(&merchant.facts.landlord).map(String::as_str).unwrap_or_default();
                cells::merchant(merchant, landlord, shown)
            });
            file.rows(rows.collect()).await?;
            token = next;
            if token.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

/// What rosters call the villager groups: their names, or the code of one whose name another has too.
async fn group_names(tx: &mut Tx, village: &VillageCode) -> Result<HashMap<LocalCode, String>> {
    let groups = division_all(tx, Kind::VillagerGroup, village).await?;
    let mut named: HashMap<&str, u32> = HashMap::new();
    groups.iter().for_each(|group| *named.entry(&group.display_name).or_default() += 1);
    let called = groups.iter().map(|group| {
        let is_unique = named.get(group.display_name.as_str()) == Some(&1);
        (group.code.clone(), if is_unique { group.display_name.clone() } else { group.code.to_string() })
    });
    Ok(called.collect())
}

impl File {
    fn begin(csv_sheet: Option<String>) -> Self {
        let (pieces, received) = mpsc::channel(WAITING);
        let is_csv = csv_sheet.is_some();
        let written =
            tokio::task::spawn_blocking(move || if is_csv { write_csv(received) } else { write_book(received) });
        Self { csv_sheet, pieces, written }
    }

    /// Begins a sheet, if the file is to have it.
    async fn sheet(&self, name: &'static str, headings: &'static [&'static str]) -> bool {
        let is_wanted = self.csv_sheet.as_ref().is_none_or(|sheet| sheet == name);
        is_wanted && self.pieces.send(Piece::Sheet(name, headings)).await.is_ok()
    }

    /// Adds rows. A writer that has gone has failed, and says so in the end.
    async fn rows(&self, rows: Vec<Vec<Cell>>) -> Result<()> {
        self.pieces.send(Piece::Rows(rows)).await.map_err(|_| Error::internal("the file cannot be written"))
    }

    async fn finish(self) -> Result<Vec<u8>> {
        drop(self.pieces);
        self.written.await.map_err(Error::internal)?
    }
}

fn write_book(mut pieces: mpsc::Receiver<Piece>) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Sheet(name, headings) => writer.sheet(name, headings).map_err(Error::internal)?,
            Piece::Rows(rows) => rows.iter().try_for_each(|row| writer.row(row)).map_err(Error::internal)?,
        }
    }
    writer.finish().map_err(Error::internal)
}

fn write_csv(mut pieces: mpsc::Receiver<Piece>) -> Result<Vec<u8>> {
    let mut file = BYTE_ORDER_MARK.to_vec();
    while let Some(piece) = pieces.blocking_recv() {
        let rows = match piece {
            Piece::Sheet(_, headings) => vec![headings.iter().map(|heading| Cell::from(*heading)).collect()],
            Piece::Rows(rows) => rows,
        };
        rows.iter().try_for_each(|row| write_csv_row(&mut file, row)).map_err(Error::internal)?;
    }
    Ok(file)
}
