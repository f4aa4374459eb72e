//! The workbooks a village already keeps: members and teams out of a roster, visits out of a ledger.
//!
//! Good rows go in, bad ones are told by sheet, row and column. The same file again changes nothing.

mod members;
mod people;
mod rpc;
mod sheets;
mod teams;
mod visits;

use std::collections::BTreeSet;

use events::Changes;
use platform::import::{Import, Outcome};
use platform::{Authority, Clock, Database, Error, Result, Vault};
use proto::names::{GridCode, GridName, VillageCode};
use proto::reasons;
use workbook::{Problem, Refusal};

use crate::places::{Grid, grids_all};

/// The use cases of workbooks.
#[derive(Clone)]
pub(crate) struct Rosters {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Rosters {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    /// Members first, for teams are made of them; with the representatives' seats come the links of their households.
    async fn import_roster(
        &self,
        authority: &Authority,
        village: &VillageCode,
        content: Vec<u8>,
        csv_sheet: String,
        mut import: Import,
    ) -> Result<Import> {
        let read = tokio::task::spawn_blocking(move || sheets::roster(content, &csv_sheet)).await;
        let roster = read.map_err(Error::internal)??;
        for (sheet, refused) in &roster.sheets {
            import.unread(sheet, roster.places.unread(sheet));
            (0..*refused).for_each(|_| import.note(sheet, Outcome::Refused));
        }
        let mut report = Report { import, places: roster.places, problems: roster.problems };
        let mut known = self.grids_known(authority, village).await?;
        // A check has not made the grids that the file itself brings: they count as there.
        let coming: Vec<Grid> = if report.import.validate_only() {
            let new = roster.grids.into_iter().filter(|(code, _)| known.insert(*code));
            new.map(|(code, line)| Grid::coming(GridName::new(*village, code), line)).collect()
        } else {
            Vec::new()
        };
        let members = self.import_members(authority, village, roster.people, &known, &mut report).await?;
        self.import_teams(authority, village, roster.teams, members, &coming, &mut report).await?;
        Ok(report.tell())
    }

    /// The grids that the registry's news has told of.
    async fn grids_known(&self, authority: &Authority, village: &VillageCode) -> Result<BTreeSet<GridCode>> {
        let mut tx = self.database.read(authority.scope()).await?;
        Ok(grids_all(&mut tx, village).await?.into_iter().map(|grid| grid.name.grid).collect())
    }

    async fn import_ledger(
        &self,
        authority: &Authority,
        village: &VillageCode,
        content: Vec<u8>,
        mut import: Import,
    ) -> Result<Import> {
        let ledger = tokio::task::spawn_blocking(move || sheets::ledger(content)).await.map_err(Error::internal)??;
        import.unread(sheets::VISITS, ledger.places.unread(sheets::VISITS));
        (0..ledger.refused).for_each(|_| import.note(sheets::VISITS, Outcome::Refused));
        let mut report = Report { import, places: ledger.places, problems: ledger.problems };
        if report.import.validate_only() && self.grids_known(authority, village).await?.is_empty() {
            // The roster has not been imported yet, so there is nothing to measure grids, households and members by.
            ledger.visits.iter().for_each(|_| report.import.note(sheets::VISITS, Outcome::Created));
            let message = "花名册还没有导入，只检查了各格的写法；微网格、户编号和村民代表要等花名册导入后才能核对";
            report.problems.push(report.places.problem(sheets::VISITS, 0, "", Refusal::new("NOT_CHECKED", message)));
        } else {
            self.import_visits(authority, village, ledger.visits, &mut report).await?;
        }
        Ok(report.tell())
    }
}

/// An import in progress, with what was found wrong so far.
struct Report {
    import: Import,
    places: sheets::Places,
    problems: Vec<Problem>,
}

impl Report {
    /// Notes a row that was read but cannot go in.
    fn refuse(&mut self, sheet: &str, row: u32, column: &str, refusal: Refusal) {
        self.import.note(sheet, Outcome::Refused);
        self.problems.push(self.places.problem(sheet, row, column, refusal));
    }

    /// Tells every problem, sheet by sheet and row by row.
    fn tell(mut self) -> Import {
        let place = |sheet: &str| sheets::ORDER.iter().position(|known| *known == sheet);
        self.problems.sort_by_key(|problem| (place(&problem.sheet), problem.row));
        for Problem { sheet, row, column, reason, message } in self.problems {
            self.import.problem(&sheet, row, &column, reason, message);
        }
        self.import
    }
}

/// What is said of a grid that liaison does not know: it hears of grids by the registry's news.
fn unknown_grid() -> Refusal {
    Refusal::new(reasons::UNKNOWN_GRID, "没有这个微网格，请先导入“微网格”表；刚导入的请稍后再试")
}
