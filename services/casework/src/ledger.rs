//! A village's ledger of concerns (民意): brought in as often as the village likes.
//!
//! A row is taken once, and again only when the ledger says something new: a row that has not changed since it was last
//! brought in never undoes what was done here meanwhile, and a state never goes back.

mod export;
mod rpc;
mod rules;
mod sheet;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use events::Changes;
use platform::import::{CHUNK, Import, Outcome};
use platform::{Authority, Clock, Database, Error, Result, Tx};
use proto::names::VillageCode;
use uuid::Uuid;
use workbook::Sheet;

use crate::concern::{self, Concern, Stirred};
use crate::place;
pub use export::whole;
use rules::{Known, Refused};
use sheet::{Entry, SHEET};

/// The use cases of ledgers.
#[derive(Clone)]
pub(crate) struct Ledgers {
    database: Database,
    changes: Changes,
    clock: Clock,
    stirred: Stirred,
}

impl Ledgers {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, stirred: Stirred) -> Self {
        Self { database, changes, clock, stirred }
    }

    /// Brings in a ledger, chunk by chunk.
    async fn import(self, by: Authority, village: VillageCode, file: Bytes, mut import: Import) -> Result<Import> {
        let today = self.clock.today();
        let read = tokio::task::spawn_blocking(move || sheet::read(file, today)).await.map_err(Error::internal)??;
        for problem in &read.problems {
            import.problem(SHEET, problem.row, &problem.column, problem.reason, problem.message.clone());
        }
        for _ in 0..read.refused {
            import.note(SHEET, Outcome::Refused);
        }
        let entries = rules::identify(village, read.entries);
        let (mut done, total) = (0, entries.len());
        let mut seen = HashSet::new();
        if import.validate_only() && !self.can_measure(&by, village).await? {
            let message = "花名册还没有导入，只检查了各格的写法；微网格、户编号和村民代表要等花名册导入后才能核对";
            import.problem(SHEET, 0, "", "NOT_CHECKED", message);
            for (row, id, _) in &entries {
                if seen.insert(*id) {
                    import.note(SHEET, Outcome::Created);
                } else {
                    tell(&mut import, &read.sheet, *row, rules::repeated());
                    import.note(SHEET, Outcome::Refused);
                }
            }
            return Ok(import);
        }
        for chunk in entries.chunks(CHUNK) {
            let mut tx = self.database.begin(by.scope()).await?;
            place::waiting_lock(&mut tx, village).await?;
            let known = known(&mut tx, village, chunk).await?;
            let mut steps = Vec::new();
            for (row, id, entry) in chunk {
                let id = known.id_of(*id, entry);
                match if seen.insert(id) { known.take(id, entry, self.clock.now()) } else { Err(rules::repeated()) } {
                    Ok(taken) => {
                        if let Some(cell) = taken.passed_over {
                            tell(&mut import, &read.sheet, *row, cell);
                        }
                        match taken.step {
                            Some(step) => steps.push(step),
                            None => import.note(SHEET, Outcome::Unchanged),
                        }
                    }
                    Err(refused) => {
                        tell(&mut import, &read.sheet, *row, refused);
                        import.note(SHEET, Outcome::Refused);
                    }
                }
            }
            let stirred = Stirred::by(&steps);
            for (step, taken) in concern::steps_take(&mut tx, &self.changes, &by, steps).await? {
                let outcome = match (taken, step.from) {
                    // Somebody else brings in the same ledger, and was faster.
                    (false, _) => Outcome::Unchanged,
                    (true, None) => Outcome::Created,
                    (true, Some(_)) => Outcome::Updated,
                };
                import.note(SHEET, outcome);
            }
            if import.validate_only() {
                tx.rollback().await?;
            } else {
                self.changes.commit(tx).await?;
                self.stirred.note(stirred);
            }
            done += chunk.len();
            import.progress(SHEET, done, total).await?;
        }
        Ok(import)
    }

    /// Has any news of the village's grids come, by which rows could be checked? Before its roster was imported, no.
    async fn can_measure(&self, by: &Authority, village: VillageCode) -> Result<bool> {
        let mut tx = self.database.read(by.scope()).await?;
        place::any_grid(&mut tx, village).await
    }
}

/// Tells what is wrong with a row, by the heading that the file has.
fn tell(import: &mut Import, sheet: &Sheet, row: u32, (column, refusal): Refused) {
    let problem = sheet.problem(row, column, refusal);
    import.problem(SHEET, problem.row, &problem.column, problem.reason, problem.message);
}

/// What the database knows of the things that a chunk's rows name.
async fn known(tx: &mut Tx, village: VillageCode, chunk: &[(u32, Uuid, Entry)]) -> Result<Known> {
    let entries = || chunk.iter().map(|(_, _, entry)| entry);
    let ids: Vec<Uuid> = chunk.iter().map(|(_, id, _)| *id).collect();
    let references: Vec<&str> = entries().filter_map(|entry| entry.number.as_deref()).collect();
    let numbers: Vec<&str> = entries().filter_map(|entry| entry.household.as_deref()).collect();
    let concerns: Vec<Concern> = concern::concerns_of_ledger(tx, village, &ids, &references).await?;
    let households = place::households_find(tx, village, &numbers).await?;
    let mut grids: Vec<_> =
        entries().filter_map(|entry| entry.grid).chain(households.values().map(|(_, grid)| *grid)).collect();
    grids.sort_unstable();
    grids.dedup();
    let grids = place::grids_find(tx, village, &grids).await?;
    let by_reference: HashMap<String, Uuid> =
        concerns.iter().map(|concern| (concern.reference.clone(), concern.name.concern)).collect();
    let concerns = concerns.into_iter().map(|concern| (concern.name.concern, concern)).collect();
    Ok(Known { village, concerns, by_reference, households, grids })
}
