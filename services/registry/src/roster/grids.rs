//! The sheet 微网格.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use platform::{Result, Tx};
use proto::names::GridName;
use workbook::Refusal;

use super::known::Known;
use super::sheets::GridRow;
use super::{Fate, Intake, Saved};
use crate::grid::Grid;
use crate::grid::rules::{Amendment, Draft, Facts, create, update};
use crate::grid::store::{grid_all, grid_save};

pub(super) struct Grids;

impl Intake for Grids {
    type Row = GridRow;
    type Record = Grid;

    async fn decide(
        &self,
        known: &Known,
        tx: &mut Tx,
        rows: &[(u32, GridRow)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Fate<Grid>>> {
        let there = grid_all(tx, &known.village).await?;
        let mut there: HashMap<_, _> = there.into_iter().map(|grid| (grid.name.grid, grid)).collect();
        let fates = rows.iter().map(|(_, row)| {
            let area = row.area.as_ref().and_then(|area| known.area(area));
            if row.area.is_some() && area.is_none() {
                let refusal = Refusal::new("UNKNOWN_AREA", "未知的片区，请先在“片区”表里登记，或改填正确的编号");
                return Ok(Fate::Refused(vec![("片区编号", refusal)]));
            }
            let (Some(code), Some(area), Some(kind)) = (row.code, area, row.kind) else {
                return Ok(Fate::Refused(Vec::new()));
            };
            let amendment = Amendment {
                display_name: Some(row.display_name.clone()),
                area: Some(area.clone()),
                kind: Some(kind),
                line: row.line.map(Some),
            };
            Ok(match there.remove(&code) {
                None => {
                    let facts =
                        Facts { display_name: row.display_name.clone(), area: area.clone(), kind, line: row.line };
                    let (made, change) = create(Draft { name: GridName::new(known.village, code), facts }, now)?;
                    Fate::Created(made, change)
                }
                Some(before) if before.facts.clone().amended(amendment.clone()) == before.facts => {
                    Fate::Unchanged(before)
                }
                Some(before) => {
                    let (changed, change) = update(before, amendment, now)?;
                    Fate::Updated(changed, change)
                }
            })
        });
        fates.collect()
    }

    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Grid]) -> Result<Saved> {
        Ok(grid_save(tx, &known.village, records).await?.into())
    }

    fn learn(&self, known: &mut Known, _: &GridRow, record: &Grid) {
        known.learn_grid(record);
    }
}
