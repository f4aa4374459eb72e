//! The sheet 微网格.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use platform::{Result, Tx};
use proto::names::GridName;
use workbook::Refusal;

use super::known::Known;
use super::sheets::GridRow;
use super::{Fate, Intake};
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
            if !known.has_area(&row.area) {
                let refusal = Refusal::new("UNKNOWN_AREA", "未知的片区，请先在“片区”表里登记，或改填正确的编号");
                return Ok(Fate::Refused("片区编号", refusal));
            }
            Ok(match there.remove(&row.code) {
                None => {
                    let facts = Facts {
                        display_name: row.display_name.clone(),
                        area: row.area.clone(),
                        kind: row.kind,
                        line: row.line,
                    };
                    let (made, change) = create(Draft { name: GridName::new(known.village, row.code), facts }, now)?;
                    Fate::Created(made, change)
                }
                Some(before) if before.facts.clone().amended(amendment(row)) == before.facts => Fate::Unchanged(before),
                Some(before) => {
                    let (changed, change) = update(before, amendment(row), now)?;
                    Fate::Updated(changed, change)
                }
            })
        });
        fates.collect()
    }

    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Grid]) -> Result<usize> {
        grid_save(tx, &known.village, records).await
    }

    fn learn(&self, known: &mut Known, _: &GridRow, record: &Grid) {
        known.learn_grid(record);
    }
}

/// What the row says of a grid that is known.
fn amendment(row: &GridRow) -> Amendment {
    Amendment {
        display_name: Some(row.display_name.clone()),
        area: Some(row.area.clone()),
        kind: Some(row.kind),
        line: row.line.map(Some),
    }
}
