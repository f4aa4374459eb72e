//! The seven sheets of a file: what their rows say, and what the file alone shows to be wrong, such as a thing that it
//! lists twice. What is known already is not looked at here.

mod rows;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use chrono::NaiveDate;
use proto::names::{GridCode, LocalCode};
use workbook::formats::{CitizenId, CreditCode, Telephone};
use workbook::{Column, Limits, Problem, Refusal, Row, Unreadable, Workbook};

use crate::grid::rules as grids;
use crate::household::rules as households;

/// A workbook of the village. A sheet that it does not have is none.
pub(super) struct Roster {
    pub(super) areas: Option<Sheet<DivisionRow>>,
    pub(super) villager_groups: Option<Sheet<DivisionRow>>,
    pub(super) party_groups: Option<Sheet<DivisionRow>>,
    pub(super) grids: Option<Sheet<GridRow>>,
    pub(super) households: Option<Sheet<HouseholdRow>>,
    pub(super) residents: Option<Sheet<ResidentRow>>,
    pub(super) merchants: Option<Sheet<MerchantRow>>,
}

/// A sheet's good rows with their numbers, and what is wrong with the others.
pub(super) struct Sheet<T> {
    pub(super) name: &'static str,
    pub(super) rows: Vec<(u32, T)>,
    pub(super) problems: Vec<Problem>,
    pub(super) refused: usize,
    /// How the file words its headings; none if the sheet could not be read.
    pub(super) headings: Option<workbook::Sheet>,
}

/// An area or a group.
pub(super) struct DivisionRow {
    pub(super) code: LocalCode,
    pub(super) display_name: String,
}

/// A grid.
pub(super) struct GridRow {
    pub(super) code: GridCode,
    pub(super) display_name: String,
    pub(super) area: LocalCode,
    pub(super) kind: grids::Kind,
    pub(super) line: Option<grids::Line>,
}

/// A household. Its villager group is as written: rosters name it, and do not give its code.
pub(super) struct HouseholdRow {
    pub(super) number: String,
    pub(super) head_name: String,
    pub(super) citizen_id: Option<CitizenId>,
    pub(super) telephone: Option<Telephone>,
    pub(super) registered_persons: Option<i32>,
    pub(super) villager_group: Option<String>,
    pub(super) kind: households::Kind,
    pub(super) grid: GridCode,
    pub(super) address: Option<String>,
    pub(super) current_address: Option<String>,
    /// The whole list: an empty cell is an empty list, a missing column is none.
    pub(super) tags: Option<Vec<String>>,
    pub(super) verified_on: Option<NaiveDate>,
}

/// A person of the household with this number.
pub(super) struct ResidentRow {
    pub(super) household: String,
    pub(super) display_name: String,
    pub(super) relation: String,
    pub(super) citizen_id: Option<CitizenId>,
    pub(super) telephone: Option<Telephone>,
}

/// A business on premises of the household with this number.
pub(super) struct MerchantRow {
    pub(super) display_name: String,
    pub(super) credit_code: Option<CreditCode>,
    pub(super) operator_name: Option<String>,
    pub(super) telephone: Option<Telephone>,
    pub(super) trade: Option<String>,
    pub(super) landlord: String,
    pub(super) address: Option<String>,
    pub(super) licence_expires_on: Option<NaiveDate>,
}

/// The sheets that are read, in the order in which they are.
const SHEETS: [&str; 7] = ["片区", "村民小组", "党小组", "微网格", "住户", "家庭成员", "商户"];

impl Roster {
    /// Reads a file. Blocking work.
    pub(super) fn read(content: Vec<u8>, today: NaiveDate) -> Result<Self, Unreadable> {
        let book = &mut Workbook::open(content, &Limits::default())?;
        let [area, villager_group, party_group, grid, household, resident, merchant] = SHEETS;
        let mut roster = Self {
            areas: sheet(book, area, rows::AREA, |row| rows::division(row, "片区编号", "片区名称")),
            villager_groups: sheet(book, villager_group, rows::VILLAGER_GROUP, |row| {
                rows::division(row, "小组编号", "小组名称")
            }),
            party_groups: sheet(book, party_group, rows::PARTY_GROUP, |row| {
                rows::division(row, "党小组编号", "党小组名称")
            }),
            grids: sheet(book, grid, rows::GRID, rows::grid_row),
            households: sheet(book, household, rows::HOUSEHOLD, |row| rows::household_row(row, today)),
            residents: sheet(book, resident, rows::RESIDENT, |row| rows::resident_row(row, today)),
            merchants: sheet(book, merchant, rows::MERCHANT, rows::merchant_row),
        };
        roster.pass_over_missing_tags();
        roster.refuse_repetitions();
        Ok(roster)
    }

    /// Whether the file has none of the sheets.
    pub(super) fn is_empty(&self) -> bool {
        let divisions = self.areas.is_none() && self.villager_groups.is_none() && self.party_groups.is_none();
        let people = self.households.is_none() && self.residents.is_none();
        divisions && people && self.grids.is_none() && self.merchants.is_none()
    }

    /// The names of the sheets, for a message.
    pub(super) fn sheet_names() -> String {
        SHEETS.join("、")
    }

    /// A sheet without the column says nothing of tags; one with it and nothing in a cell says that there are none.
    fn pass_over_missing_tags(&mut self) {
        for sheet in self.households.iter_mut().filter(|sheet| sheet.headings.as_ref().is_none_or(|it| !it.has("标签")))
        {
            sheet.rows.iter_mut().for_each(|(_, row)| row.tags = None);
        }
    }

    /// Of a thing that is listed twice, the first row is taken.
    fn refuse_repetitions(&mut self) {
        let divisions = [
            (&mut self.areas, "片区编号"),
            (&mut self.villager_groups, "小组编号"),
            (&mut self.party_groups, "党小组编号"),
        ];
        for (sheet, column) in divisions {
            refuse_repeated(sheet, column, &mut HashMap::new(), |row| Some(row.code.clone()));
        }
        refuse_repeated(&mut self.grids, "微网格编号", &mut HashMap::new(), |row| Some(row.code));
        refuse_repeated(&mut self.households, "户编号", &mut HashMap::new(), |row| Some(row.number.clone()));
        // One person is one row of the village, whether as head or as a member.
        let people = &mut HashMap::new();
        refuse_repeated(&mut self.households, "证件号码", people, |row| row.citizen_id.clone());
        refuse_repeated(&mut self.residents, "证件号码", people, |row| row.citizen_id.clone());
        let merchants = &mut self.merchants;
        refuse_repeated(merchants, "统一社会信用代码", &mut HashMap::new(), |row| row.credit_code.clone());
        refuse_repeated(merchants, "商户名称", &mut HashMap::new(), |row| match row.credit_code {
            Some(_) => None,
            None => Some((row.display_name.clone(), row.landlord.clone())),
        });
    }
}

/// Reads a sheet, if the file has it.
fn sheet<T>(
    book: &mut Workbook,
    name: &'static str,
    columns: &'static [Column],
    read: impl FnMut(&mut Row<'_>) -> Option<T>,
) -> Option<Sheet<T>> {
    if !book.has_sheet(name) {
        return None;
    }
    Some(match book.sheet(name, columns) {
        Ok(mut sheet) => {
            let rows = sheet.rows(read);
            Sheet { name, rows: rows.good, problems: rows.problems, refused: rows.refused, headings: Some(sheet) }
        }
        Err(problems) => Sheet { name, rows: Vec::new(), problems, refused: 0, headings: None },
    })
}

/// Refuses rows whose key stands in an earlier row, of this sheet or of one whose keys are in `seen`.
fn refuse_repeated<T, K: Eq + Hash>(
    sheet: &mut Option<Sheet<T>>,
    column: &str,
    seen: &mut HashMap<K, (&'static str, u32)>,
    key: impl Fn(&T) -> Option<K>,
) {
    let Some(sheet) = sheet else { return };
    let name = sheet.name;
    let rows = std::mem::take(&mut sheet.rows);
    for (number, row) in rows {
        let first = match key(&row).map(|key| seen.entry(key)) {
            None => None,
            Some(Entry::Vacant(place)) => {
                place.insert((name, number));
                None
            }
            Some(Entry::Occupied(place)) => Some(*place.get()),
        };
        match first {
            None => sheet.rows.push((number, row)),
            Some((other, line)) => {
                let message = format!("与“{other}”表第{line}行重复，只保留第一处");
                let refusal = Refusal::new("REPEATED", message);
                sheet.refused += 1;
                sheet.problems.extend(sheet.headings.as_ref().map(|sheet| sheet.problem(number, column, refusal)));
            }
        }
    }
}
