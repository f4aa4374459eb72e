//! The ledger on its way out: the sheet 民意 as the import reads it, all of one moment.
//!
//! It is in households' words, so it is given out for a purpose, which is kept. Words of a sensitive concern are given to
//! those who are told of it; in the place of the others stands a mark, which an import passes over.

use std::collections::HashMap;

use platform::{Authority, Database, Error, Result, Scope, Tx};
use proto::names::{GridCode, VillageCode};
use tokio::sync::mpsc;
use uuid::Uuid;
use workbook::{Cell, Writer, write_csv_row};

use super::Ledgers;
use super::sheet::{HEADINGS, MATTERS, OUTCOMES, SHEET, STATES, WITHHELD, word};
use crate::concern::{self, Concern, Outcome, State};
use crate::place;

/// Rows that are read at once.
const PAGE: i64 = 1000;
/// Pages that may wait for being written.
const WAITING: usize = 2;
/// By which Excel knows that a CSV file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// What is asked for.
pub(super) struct Export {
    pub(super) village: VillageCode,
    pub(super) is_csv: bool,
    pub(super) purpose: String,
}

/// What rows call the things that concerns name.
struct Names {
    households: HashMap<Uuid, String>,
    seats: HashMap<(GridCode, Uuid), String>,
}

impl Ledgers {
    /// The file. That it was given out is on record before it is.
    pub(super) async fn export(&self, by: &Authority, export: Export) -> Result<Vec<u8>> {
        let Export { village, is_csv, purpose } = export;
        let mut tx = self.database.begin(by.scope()).await?;
        note(&mut tx, by, village, &purpose).await?;
        tx.commit().await?;
        file(&self.database, village, if is_csv { csv } else { book }, |one| one.told_to(by)).await
    }
}

/// The whole ledger of a village as a workbook, words of sensitive concerns among them; for the operator's command.
///
/// # Errors
/// When the database does not answer.
pub async fn whole(database: &Database, village: &VillageCode) -> Result<Vec<u8>> {
    file(database, *village, book, |one| one).await
}

/// What a file is made of, page by page.
type Pages = mpsc::Receiver<Vec<Vec<Cell>>>;

async fn file(
    database: &Database,
    village: VillageCode,
    write: fn(Pages) -> Result<Vec<u8>>,
    told: impl Fn(Concern) -> Concern,
) -> Result<Vec<u8>> {
    let (pages, received) = mpsc::channel(WAITING);
    let written = tokio::task::spawn_blocking(move || write(received));
    let read = read_pages(database, village, told, pages).await;
    let file = written.await.map_err(Error::internal)?;
    read.and(file)
}

async fn read_pages(
    database: &Database,
    village: VillageCode,
    told: impl Fn(Concern) -> Concern,
    pages: mpsc::Sender<Vec<Vec<Cell>>>,
) -> Result<()> {
    let mut tx = database.begin_snapshot(&Scope::from(&village)).await?;
    let seats = place::seats_list(&mut tx, village).await?;
    let mut after = None;
    loop {
        let concerns = concern::concerns_of_village(&mut tx, village, after, PAGE).await?;
        let Some(last) = concerns.last() else { return Ok(()) };
        after = Some((last.reported_on, last.name.concern));
        let ids: Vec<Uuid> = concerns.iter().filter_map(|one| one.household).collect();
        let households = place::numbers_find(&mut tx, village, &ids).await?;
        let names = Names { households, seats: seats.clone() };
        let rows = concerns.into_iter().map(|one| cells(&told(one), &names)).collect();
        // A writer that has gone has failed, and says so in the end.
        if pages.send(rows).await.is_err() {
            return Ok(());
        }
    }
}

/// A concern as a row, in the words and under the headings that the import reads.
fn cells(concern: &Concern, names: &Names) -> Vec<Cell> {
    let said = |text: &str| -> Cell {
        let text = if concern.withheld { WITHHELD } else { text };
        Some(text).filter(|text| !text.is_empty()).into()
    };
    let number = concern.household.and_then(|household| names.households.get(&household));
    let reporter = concern.grid.zip(concern.reporter).and_then(|key| names.seats.get(&key));
    let solved = matches!(concern.state, State::Resolved | State::Closed);
    let ended = matches!(concern.state, State::Declined | State::Withdrawn | State::Merged);
    // Of what is open again the ledger has no last claim and no last answer.
    let outcome = concern.outcome.filter(|outcome| {
        concern.state == State::Closed || concern.state == State::Resolved && *outcome == Outcome::NotReached
    });
    let result = if concern.result.is_empty() { Cell::Blank } else { said(&concern.result) };
    vec![
        concern.reference.as_str().into(),
        concern.reported_on.into(),
        concern.grid.map(|grid| grid.to_string()).into(),
        reporter.map(String::as_str).into(),
        number.map(String::as_str).into(),
        word(MATTERS, &concern.matter).into(),
        Some(concern.matter_type.as_str()).filter(|kind| !kind.is_empty()).into(),
        said(&concern.text),
        word(STATES, &concern.state).into(),
        concern.resolved_on.filter(|_| solved).or(concern.ended_on.filter(|_| ended)).into(),
        if concern.withheld && solved { said("") } else { result },
        Some(i64::from(concern.score)).filter(|score| *score > 0 && concern.state == State::Closed).into(),
        concern.accepted_on.into(),
        concern.followed_up_on.filter(|_| outcome.is_some()).into(),
        outcome.map(|outcome| word(OUTCOMES, &outcome)).into(),
    ]
}

fn book(mut pages: Pages) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    writer.sheet(SHEET, HEADINGS).map_err(Error::internal)?;
    while let Some(rows) = pages.blocking_recv() {
        rows.iter().try_for_each(|row| writer.row(row)).map_err(Error::internal)?;
    }
    writer.finish().map_err(Error::internal)
}

fn csv(mut pages: Pages) -> Result<Vec<u8>> {
    let mut file = BYTE_ORDER_MARK.to_vec();
    let headings: Vec<Cell> = HEADINGS.iter().map(|heading| Cell::from(*heading)).collect();
    write_csv_row(&mut file, &headings).map_err(Error::internal)?;
    while let Some(rows) = pages.blocking_recv() {
        rows.iter().try_for_each(|row| write_csv_row(&mut file, row)).map_err(Error::internal)?;
    }
    Ok(file)
}

/// Notes who is given a whole ledger, and what for.
async fn note(tx: &mut Tx, by: &Authority, village: VillageCode, purpose: &str) -> Result<()> {
    sqlx::query("insert into ledger_export (village, purpose, subject, office) values ($1, $2, $3, $4)")
        .bind(village.as_str())
        .bind(purpose)
        .bind(by.subject())
        .bind(by.office().as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
