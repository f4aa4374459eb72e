//! Visits out of a ledger: 走访.

use std::collections::BTreeSet;

use platform::import::{CHUNK, Outcome};
use platform::{Authority, Error, Result};
use proto::names::{VillageCode, VillageName, VisitName};
use proto::reasons;
use uuid::Uuid;
use workbook::Refusal;

use super::sheets::{VISITS, VisitRow};
use super::{Report, Rosters, unknown_grid};
use crate::link;
use crate::places::{Household, households_by_number};
use crate::visit::rules::{self, Circumstances, Draft, Visitor};
use crate::visit::store::{circumstances, members_named, visits_insert, visits_known};

/// What is wrong with a row: the column, and why.
type Wrong = (&'static str, Refusal);

impl Rosters {
    /// Logs the visits that are not logged yet, a chunk at a time.
    pub(super) async fn import_visits(
        &self,
        authority: &Authority,
        village: &VillageCode,
        rows: Vec<VisitRow>,
        report: &mut Report,
    ) -> Result<()> {
        let (mut done, total) = (0, rows.len());
        for chunk in rows.chunks(CHUNK) {
            self.import_chunk(authority, village, chunk, report).await?;
            done += chunk.len();
            report.import.progress(VISITS, done, total).await?;
        }
        Ok(())
    }

    async fn import_chunk(
        &self,
        authority: &Authority,
        village: &VillageCode,
        rows: &[VisitRow],
        report: &mut Report,
    ) -> Result<()> {
        let (now, today) = (self.clock.now(), self.clock.today());
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        // Links do not change under the import, and the same ledger is not imported twice at once.
        link::lock(&mut tx, [*village]).await?;
        // By the village's key: a visit's id travels in news and must tell nothing of what was said.
        let id = |row: &VisitRow| {
            let cause = keys.index(&format!("{}/visits {}", VillageName(*village), row.identity));
            Uuid::new_v5(&Uuid::NAMESPACE_URL, &cause)
        };
        let named: Vec<(Uuid, &VisitRow)> = rows.iter().map(|row| (id(row), row)).collect();
        let ids: Vec<Uuid> = named.iter().map(|(id, _)| *id).collect();
        let logged = visits_known(&mut tx, village, &ids).await?;
        let (old, new): (Vec<_>, Vec<_>) = named.into_iter().partition(|(id, _)| logged.contains(id));
        old.iter().for_each(|_| report.import.note(VISITS, Outcome::Unchanged));

        let names: Vec<&str> = new.iter().map(|(_, row)| row.representative.as_str()).collect();
        let members = members_named(&mut tx, village, &names).await?;
        let (mut read, mut drafts) = (Vec::new(), Vec::new());
        let numbers: Vec<String> = new.iter().filter_map(|(_, row)| row.household.clone()).collect();
        let households = households_by_number(&mut tx, village, &numbers).await?;
        for (id, row) in new {
            match draft(VisitName::new(*village, id), row, &households) {
                Ok(draft) => {
                    read.push(row);
                    drafts.push(draft);
                }
                Err((column, refusal)) => report.refuse(VISITS, row.row, column, refusal),
            }
        }
        let circumstances = circumstances(&mut tx, village, &drafts).await?;
        let (mut visits, mut changes) = (Vec::new(), Vec::new());
        for ((row, draft), known) in read.into_iter().zip(drafts).zip(circumstances) {
            let named = members.get(&row.representative).map_or(&[][..], Vec::as_slice);
            let fate = visited_by(named, known)
                .and_then(|known| rules::log(draft, &known, authority.subject(), today, now).map_err(explain));
            match fate {
                Ok((visit, change)) => {
                    report.import.note(VISITS, Outcome::Created);
                    visits.push(visit);
                    changes.push(change);
                }
                Err((column, refusal)) => report.refuse(VISITS, row.row, column, refusal),
            }
        }
        if !visits.is_empty() && !report.import.validate_only() {
            visits_insert(&mut tx, &visits).await?;
            self.changes.append(&mut tx, authority, &changes).await?;
            self.changes.commit(tx).await?;
        }
        Ok(())
    }
}

/// The visit that a row tells of. A household that has moved since keeps the grid that the ledger gives.
fn draft(name: VisitName, row: &VisitRow, households: &[Household]) -> Result<Draft, Wrong> {
    let household = match &row.household {
        None => None,
        Some(number) => {
            let found = || households.iter().filter(|household| household.number == *number);
            let household = found().find(|household| household.grid.grid == row.grid).or_else(|| found().next());
            let unknown =
                || Refusal::new(reasons::UNKNOWN_HOUSEHOLD, "没有这个户编号，请先导入“住户”表；刚导入的请稍后再试");
            Some(household.ok_or_else(|| ("户编号", unknown()))?.name.clone())
        }
    };
    Ok(Draft {
        name,
        household,
        grid: Some(row.grid),
        representative: None,
        visited_on: row.visited_on,
        mode: row.mode,
        persons: row.persons,
        topics: Vec::new(),
        note: row.note.clone(),
        concerns: BTreeSet::new(),
        edited_at: None,
    })
}

/// The member whom the row names: the one linked to the household on that day, or the representative of the grid.
fn visited_by(named: &[Visitor], known: Circumstances) -> Result<Circumstances, Wrong> {
    if known.retired.is_none() {
        return Err(("微网格编号", unknown_grid()));
    }
    if named.is_empty() {
        return Err(("村民代表", Refusal::new("UNKNOWN_MEMBER", "不认识的代表，请先导入“村民代表”表")));
    }
    let serves = |member: Option<Uuid>| named.iter().find(|visitor| Some(visitor.member) == member);
    let visitor = serves(known.linked_to).or_else(|| serves(known.grid_representative)).cloned();
    let elsewhere = || Refusal::new("OTHER_GRID", "这位代表不服务这个微网格，也不联系这一户");
    Ok(Circumstances { visitor: Some(visitor.ok_or_else(|| ("村民代表", elsewhere()))?), ..known })
}

/// A refusal of the rules, told to a clerk.
fn explain(error: Error) -> Wrong {
    let (reason, column, message) = match error {
        Error::Refused { reason: reasons::IN_THE_FUTURE, .. } => (reasons::IN_THE_FUTURE, "日期", "走访日期晚于今天"),
        Error::Refused { reason: reasons::BEFORE_THE_LINK, .. } => {
            (reasons::BEFORE_THE_LINK, "日期", "走访日期早于联户日期")
        }
        Error::Refused { reason: reasons::NOT_SERVING, .. } => {
            (reasons::NOT_SERVING, "村民代表", "走访那天不在这位代表的任期内")
        }
        Error::Refused { reason: reasons::GRID_RETIRED, .. } => {
            (reasons::GRID_RETIRED, "微网格编号", "这个微网格已撤销，编号不再使用")
        }
        Error::Refused { reason, .. } => (reason, "", "这一行不符合走访的规则"),
        _ => (reasons::INVALID_FIELDS, "", "这一行不能读作一次走访"),
    };
    (column, Refusal::new(reason, message))
}
