//! The sheets 片区, 村民小组 and 党小组.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use platform::{Result, Tx};
use proto::names::LocalCode;

use super::known::Known;
use super::sheets::DivisionRow;
use super::{Fate, Intake, Saved};
use crate::division::rules::{Draft, Update, create, update};
use crate::division::store::{division_all, division_save};
use crate::division::{Division, Kind};

/// One of the three sheets.
pub(super) struct Divisions(Kind);

pub(super) const AREAS: Divisions = Divisions(Kind::Area);
pub(super) const VILLAGER_GROUPS: Divisions = Divisions(Kind::VillagerGroup);
pub(super) const PARTY_GROUPS: Divisions = Divisions(Kind::PartyGroup);

impl Intake for Divisions {
    type Row = DivisionRow;
    type Record = Division;

    async fn decide(
        &self,
        known: &Known,
        tx: &mut Tx,
        rows: &[(u32, DivisionRow)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Fate<Division>>> {
        let (kind, village) = (self.0, known.village);
        let there = division_all(tx, kind, &village).await?;
        let mut there = There::new(there);
        let fates = rows.iter().map(|(_, DivisionRow { code, display_name })| {
            let (code, display_name) = (code.clone(), display_name.clone());
            Ok(match there.take(&code) {
                None => {
                    let (made, change) = create(Draft { kind, village, code, display_name }, now)?;
                    Fate::Created(made, change)
                }
                Some(same) if same.display_name == display_name => Fate::Unchanged(same),
                Some(before) => {
                    let code = before.code.clone();
                    let renamed = Update { kind, village, code, expected: None, display_name };
                    let (changed, change) = update(before, renamed, now)?;
                    Fate::Updated(changed, change)
                }
            })
        });
        fates.collect()
    }

    async fn save(&self, known: &Known, tx: &mut Tx, records: &[Division]) -> Result<Saved> {
        Ok(division_save(tx, self.0, &known.village, records).await?.into())
    }

    fn learn(&self, known: &mut Known, _: &DivisionRow, record: &Division) {
        known.learn_division(record);
    }
}

/// What the village has, by code.
struct There(HashMap<LocalCode, Division>);

impl There {
    fn new(divisions: Vec<Division>) -> Self {
        Self(divisions.into_iter().map(|division| (division.code.clone(), division)).collect())
    }

    /// The one with this code, written like this or else in another way that means the same.
    fn take(&mut self, code: &LocalCode) -> Option<Division> {
        let same = self.0.keys().filter(|known| known.meaning() == code.meaning()).min().cloned();
        self.0.remove(code).or_else(|| self.0.remove(&same?))
    }
}
