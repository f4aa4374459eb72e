//! The roster (花名册): the workbook that a village already keeps, brought in sheet by sheet.
//!
//! Every good row goes in, every bad one is told with its place and reason. A row that says what is known already writes
//! nothing, so the same file again changes nothing. Rows are decided and committed by the hundred, in a number of
//! statements that does not grow with the rows.

mod divisions;
mod export;
mod grids;
mod households;
mod known;
mod merchants;
mod residents;
mod rpc;
mod sheets;

use std::collections::HashSet;
use std::future::Future;

use chrono::{DateTime, Utc};
use events::{Change, Changes};
use futures::future::try_join_all;
use platform::clock::village_day;
use platform::import::{CHUNK, Import, Outcome};
use platform::{Authority, Clock, Database, Error, Result, Tx, Vault};
use proto::names::VillageCode;
use proto::reasons;
use workbook::{Problem, Refusal, Unreadable};

use crate::village::store::{village_get, village_hold};
use known::Known;
use sheets::{Roster, Sheet, others};

/// How often a chunk is decided anew when somebody else wrote the same records meanwhile.
const ATTEMPTS: usize = 3;

/// The use cases of rosters.
#[derive(Clone)]
pub(crate) struct Rosters {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

/// What is to become of one row.
enum Fate<T> {
    /// It makes a record.
    Created(T, Change),
    /// It changes one.
    Updated(T, Change),
    /// The record says the same already.
    Unchanged(T),
    /// It is not taken, for what stands in these columns (empty: for the whole row).
    Refused(Flaws),
}

/// All that is wrong with a row: columns and reasons. Empty where something that was wrong before already stands for it.
type Flaws = Vec<(&'static str, Refusal)>;

/// What was written.
struct Saved {
    /// How many of the records; fewer than given if somebody was faster.
    records: usize,
    /// What followed of it for records of other sheets.
    further: Vec<Change>,
}

impl From<usize> for Saved {
    fn from(records: usize) -> Self {
        Self { records, further: Vec::new() }
    }
}

/// How the rows of one sheet become records.
trait Intake: Sync {
    type Row: Send + Sync;
    type Record: Clone + Send + Sync;

    /// Chunks that are brought in side by side. More than one where no row of the sheet depends on what became of another:
    /// while the database writes some, the others are looked up and sealed.
    const ABREAST: usize = 1;

    /// What is to become of each of these rows. Reads, and writes nothing.
    fn decide(
        &self,
        known: &Known,
        tx: &mut Tx,
        rows: &[(u32, Self::Row)],
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Fate<Self::Record>>>> + Send;

    /// Writes new records and next versions, and what follows.
    fn save(&self, known: &Known, tx: &mut Tx, records: &[Self::Record]) -> impl Future<Output = Result<Saved>> + Send;

    /// Remembers a record that is there now, for the rows and sheets that refer to it.
    fn learn(&self, known: &mut Known, row: &Self::Row, record: &Self::Record);
}

impl Rosters {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    /// Refuses a village that is not here before its workbook is looked at.
    async fn must_be_on_board(&self, authority: &Authority, village: &VillageCode) -> Result<()> {
        let mut tx = self.database.read(authority.scope()).await?;
        village_get(&mut tx, village, false).await.map(|_| ())
    }

    /// Brings in a workbook: the sheets in the order in which they refer to each other.
    async fn import(
        self,
        authority: Authority,
        village: VillageCode,
        content: Vec<u8>,
        csv_sheet: String,
        mut import: Import,
    ) -> Result<Import> {
        let today = village_day(self.clock.now());
        // Decoding is work for a processor, not for the threads that serve requests.
        let read = tokio::task::spawn_blocking(move || Roster::read(content, &csv_sheet, today)).await;
        let roster = read.map_err(Error::internal)?.map_err(refused)?;
        if roster.is_empty() {
            let message = format!("文件里没有要读取的工作表：{}", Roster::sheet_names());
            return Err(Error::refused(reasons::SHEET_MISSING, message));
        }
        let mut known = {
            let mut tx = self.database.begin(authority.scope()).await?;
            Known::load(&mut tx, village, self.vault.clone(), self.clock.clone(), &roster).await?
        };
        let known = &mut known;
        self.sheet(&mut import, &authority, known, roster.areas, divisions::AREAS).await?;
        self.sheet(&mut import, &authority, known, roster.villager_groups, divisions::VILLAGER_GROUPS).await?;
        self.sheet(&mut import, &authority, known, roster.party_groups, divisions::PARTY_GROUPS).await?;
        self.sheet(&mut import, &authority, known, roster.grids, grids::Grids).await?;
        self.sheet(&mut import, &authority, known, roster.households, households::Households).await?;
        self.sheet(&mut import, &authority, known, roster.residents, residents::Residents).await?;
        self.sheet(&mut import, &authority, known, roster.merchants, merchants::Merchants).await?;
        Ok(import)
    }

    /// Brings in one sheet, chunk by chunk.
    async fn sheet<I: Intake>(
        &self,
        import: &mut Import,
        authority: &Authority,
        known: &mut Known,
        sheet: Option<Sheet<I::Row>>,
        intake: I,
    ) -> Result<()> {
        let Some(sheet) = sheet else { return Ok(()) };
        let Sheet { name, rows, flawed, mut problems, refused, headings } = sheet;
        import.sheet(name);
        import.unread(name, headings.iter().flat_map(|sheet| sheet.unread()).filter(|heading| !others(name, heading)));
        (0..refused).for_each(|_| import.note(name, Outcome::Refused));
        let mut done = refused;
        let total = done + rows.len();
        import.progress(name, done, total).await?;
        for (place, wave) in rows.chunks(CHUNK * I::ABREAST).enumerate() {
            let chunk = |rows| self.chunk(authority, known, rows, &intake, import.validate_only());
            let fates = try_join_all(wave.chunks(CHUNK).map(chunk)).await?;
            for ((number, row), fate) in wave.iter().zip(fates.into_iter().flatten()) {
                match fate {
                    Fate::Created(record, _) => {
                        import.note(name, Outcome::Created);
                        intake.learn(known, row, &record);
                    }
                    Fate::Updated(record, _) => {
                        import.note(name, Outcome::Updated);
                        intake.learn(known, row, &record);
                    }
                    Fate::Unchanged(record) => {
                        import.note(name, Outcome::Unchanged);
                        intake.learn(known, row, &record);
                    }
                    Fate::Refused(flaws) => {
                        import.note(name, Outcome::Refused);
                        let sheet = headings.iter();
                        problems.extend(sheet.flat_map(|sheet| told(sheet, *number, &flaws)));
                    }
                }
            }
            if place.is_power_of_two() && !import.validate_only() {
                self.database.count_rows().await?;
            }
            done += wave.len();
            import.progress(name, done, total).await?;
        }
        if let Some(sheet) = &headings {
            let further = self.flaws(authority, known, &flawed, &intake).await?;
            let further = further.iter().flat_map(|(number, flaws)| told(sheet, *number, flaws));
            add_further(&mut problems, further);
        }
        problems.sort_by_key(|problem| problem.row);
        for Problem { sheet, row, column, reason, message } in problems {
            import.problem(&sheet, row, &column, reason, message);
        }
        Ok(())
    }

    /// What else is wrong with rows that are refused already, so that a clerk learns of everything at once.
    async fn flaws<I: Intake>(
        &self,
        authority: &Authority,
        known: &Known,
        rows: &[(u32, I::Row)],
        intake: &I,
    ) -> Result<Vec<(u32, Flaws)>> {
        let mut found = Vec::new();
        for chunk in rows.chunks(CHUNK) {
            let mut tx = self.database.read(authority.scope()).await?;
            let fates = intake.decide(known, &mut tx, chunk, self.clock.now()).await?;
            for ((number, _), fate) in chunk.iter().zip(fates) {
                if let Fate::Refused(flaws) = fate {
                    found.push((*number, flaws));
                }
            }
        }
        Ok(found)
    }

    /// Decides and writes a chunk of rows; again, if somebody else was faster with one of the records.
    async fn chunk<I: Intake>(
        &self,
        authority: &Authority,
        known: &Known,
        rows: &[(u32, I::Row)],
        intake: &I,
        validate_only: bool,
    ) -> Result<Vec<Fate<I::Record>>> {
        let mut attempt = 1;
        loop {
            match self.attempt(authority, known, rows, intake, validate_only).await {
                Err(Error::AlreadyExists(_) | Error::Stale { .. }) if attempt < ATTEMPTS => attempt += 1,
                // Somebody waited for us while we waited for them.
                Err(error) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
                fates => return fates,
            }
        }
    }

    async fn attempt<I: Intake>(
        &self,
        authority: &Authority,
        known: &Known,
        rows: &[(u32, I::Row)],
        intake: &I,
        validate_only: bool,
    ) -> Result<Vec<Fate<I::Record>>> {
        let mut tx = self.database.begin(authority.scope()).await?;
        village_hold(&mut tx, &known.village).await?;
        let fates = intake.decide(known, &mut tx, rows, self.clock.now()).await?;
        let (records, mut changes): (Vec<_>, Vec<_>) = fates.iter().filter_map(Fate::to_write).unzip();
        // What is not committed is rolled back.
        if !validate_only && !records.is_empty() {
            let saved = intake.save(known, &mut tx, &records).await?;
            if saved.records < records.len() {
                return Err(Error::Stale { name: "a record of this roster".to_owned() });
            }
            changes.extend(saved.further);
            self.changes.append(&mut tx, authority, &changes).await?;
            self.changes.commit(tx).await?;
        }
        Ok(fates)
    }
}

impl<T: Clone> Fate<T> {
    fn to_write(&self) -> Option<(T, Change)> {
        match self {
            Self::Created(record, change) | Self::Updated(record, change) => Some((record.clone(), change.clone())),
            Self::Unchanged(_) | Self::Refused(..) => None,
        }
    }
}

/// A row's flaws with their places in the file.
fn told<'s>(sheet: &'s workbook::Sheet, row: u32, flaws: &'s Flaws) -> impl Iterator<Item = Problem> + 's {
    flaws.iter().map(move |(column, refusal)| sheet.problem(row, column, refusal.clone()))
}

/// Adds problems of cells of which nothing is said yet: one reason for a cell is enough.
fn add_further(problems: &mut Vec<Problem>, further: impl Iterator<Item = Problem>) {
    let said: HashSet<(u32, String)> = problems.iter().map(|problem| (problem.row, problem.column.clone())).collect();
    problems.extend(further.filter(|problem| !said.contains(&(problem.row, problem.column.clone()))));
}

/// Why a file is refused as a whole.
fn refused(unreadable: Unreadable) -> Error {
    let reason = match &unreadable {
        Unreadable::TooLarge { .. } => reasons::WORKBOOK_TOO_LARGE,
        _ => reasons::WORKBOOK_UNREADABLE,
    };
    tracing::info!(?unreadable, "a roster was refused");
    Error::refused(reason, unreadable.to_string())
}
