//! The seven sheets of a file: what their rows say, and what the file alone shows to be wrong, such as a thing that it
//! lists twice. What is known already is not looked at here.

mod rows;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use chrono::NaiveDate;
use proto::names::{GridCode, LocalCode};
use workbook::formats::{CitizenId, CreditCode, Telephone};
use workbook::{Column, Limits, Problem, Refusal, Row, Rows, Unreadable, Workbook};

use crate::grid::rules as grids;
use crate::household::rules as households;
pub(super) use rows::{GRID_KINDS, HOUSEHOLD_KINDS, LINES, OUTSIDE, PARTY_MEMBER, STATES, word};

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
    /// Refused rows as far as they can be read: what is missing in them has a problem.
    pub(super) flawed: Vec<(u32, T)>,
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

/// A grid. What a good row always has is none only in a flawed one.
pub(super) struct GridRow {
    pub(super) code: Option<GridCode>,
    pub(super) display_name: String,
    pub(super) area: Option<LocalCode>,
    pub(super) kind: Option<grids::Kind>,
    pub(super) line: Option<grids::Line>,
}

/// Cells whose text is covered by asterisks, as in answers and in an export for those who may not see it: the text, by
/// column. They say that nothing is to change there.
pub(super) type Masked = Vec<(&'static str, String)>;

/// A household. Its villager group is as written: rosters name it, and do not give its code. What a good row always has
/// is empty or none only in a flawed one, and the name where it is masked.
pub(super) struct HouseholdRow {
    pub(super) number: String,
    pub(super) head_name: Option<String>,
    pub(super) citizen_id: Option<CitizenId>,
    pub(super) telephone: Option<Telephone>,
    pub(super) registered_persons: Option<i32>,
    pub(super) villager_group: Option<String>,
    pub(super) kind: Option<households::Kind>,
    pub(super) grid: Option<GridCode>,
    pub(super) address: Option<String>,
    pub(super) current_address: Option<String>,
    /// The whole list: an empty cell is an empty list, a missing column is none.
    pub(super) tags: Option<Vec<String>>,
    pub(super) verified_on: Option<NaiveDate>,
    pub(super) outside: Option<bool>,
    pub(super) state: Option<households::State>,
    pub(super) active_since: Option<NaiveDate>,
    pub(super) head_party_member: Option<bool>,
    pub(super) head_pension_due_on: Option<NaiveDate>,
    pub(super) masked: Masked,
}

/// A person of the household with this number.
pub(super) struct ResidentRow {
    pub(super) household: String,
    pub(super) display_name: Option<String>,
    pub(super) relation: String,
    pub(super) citizen_id: Option<CitizenId>,
    pub(super) telephone: Option<Telephone>,
    pub(super) party_member: Option<bool>,
    /// As a household's.
    pub(super) tags: Option<Vec<String>>,
    pub(super) pension_due_on: Option<NaiveDate>,
    pub(super) masked: Masked,
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
    pub(super) masked: Masked,
}

/// The sheets that are read, in the order in which they are.
const SHEETS: [&str; 7] = ["片区", "村民小组", "党小组", "微网格", "住户", "家庭成员", "商户"];

impl Roster {
    /// Reads a file: a workbook, or CSV, which is one sheet, the one it is said to be or else the one whose headings it
    /// has. Blocking work.
    pub(super) fn read(content: Vec<u8>, csv_sheet: &str, today: NaiveDate) -> Result<Self, Unreadable> {
        let book = &mut Workbook::either(content, csv_sheet, &known_sheets(), &Limits::default())?;
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

    /// Whether a sheet of this name is read.
    pub(super) fn is_sheet(name: &str) -> bool {
        SHEETS.contains(&name)
    }

    /// The names of the sheets, for a message.
    pub(super) fn sheet_names() -> String {
        SHEETS.join("、")
    }

    fn pass_over_missing_tags(&mut self) {
        pass_over_missing_tags(&mut self.households, |row| row.tags = None);
        pass_over_missing_tags(&mut self.residents, |row| row.tags = None);
    }

    /// Of a thing that is listed twice, the first row is taken.
    fn refuse_repetitions(&mut self) {
        let divisions = [
            (&mut self.areas, "片区编号"),
            (&mut self.villager_groups, "小组编号"),
            (&mut self.party_groups, "党小组编号"),
        ];
        for (sheet, column) in divisions {
            refuse_repeated(sheet, column, &mut HashMap::new(), |row| Some(row.code.meaning().to_owned()));
        }
        refuse_repeated(&mut self.grids, "微网格编号", &mut HashMap::new(), |row| row.code);
        refuse_repeated(&mut self.households, "户编号", &mut HashMap::new(), |row| {
            Some(row.number.clone()).filter(|number| !number.is_empty())
        });
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
    Some(match book.sheet(name, columns, read) {
        Ok((sheet, Rows { good, flawed, problems, refused })) => {
            Sheet { name, rows: good, flawed, problems, refused, headings: Some(sheet) }
        }
        Err(problems) => Sheet { name, rows: Vec::new(), flawed: Vec::new(), problems, refused: 0, headings: None },
    })
}

/// A sheet without the column says nothing of tags; one with it and nothing in a cell says that there are none.
fn pass_over_missing_tags<T>(sheet: &mut Option<Sheet<T>>, pass_over: impl Fn(&mut T)) {
    let lacks = |sheet: &&mut Sheet<T>| sheet.headings.as_ref().is_none_or(|headings| !headings.has("标签"));
    for sheet in sheet.iter_mut().filter(lacks) {
        sheet.rows.iter_mut().for_each(|(_, row)| pass_over(row));
    }
}

/// The sheets with their columns, by which CSV is recognised.
fn known_sheets() -> [(&'static str, &'static [Column]); 7] {
    let [area, villager_group, party_group, grid, household, resident, merchant] = SHEETS;
    [
        (area, rows::AREA),
        (villager_group, rows::VILLAGER_GROUP),
        (party_group, rows::PARTY_GROUP),
        (grid, rows::GRID),
        (household, rows::HOUSEHOLD),
        (resident, rows::RESIDENT),
        (merchant, rows::MERCHANT),
    ]
}

/// Whether a heading is that of a column which others read of the same sheet.
pub(super) fn others(sheet: &str, heading: &str) -> bool {
    let columns: &[&str] = match sheet {
        "片区" => &["联片村干部", "联系电话"],
        "村民小组" => &["组长", "联系电话"],
        "党小组" => &["党小组长", "联系电话"],
        _ => &[],
    };
    columns.contains(&heading)
}

/// Refuses rows whose key stands in an earlier row, of this sheet or of one whose keys are in `seen`. Of rows that are
/// refused already it is told if their key is that of a good one.
fn refuse_repeated<T, K: Eq + Hash>(
    sheet: &mut Option<Sheet<T>>,
    column: &str,
    seen: &mut HashMap<K, (&'static str, u32)>,
    key: impl Fn(&T) -> Option<K>,
) {
    let Some(sheet) = sheet else { return };
    let name = sheet.name;
    let rows = std::mem::take(&mut sheet.rows);
    let mut repeated = Vec::new();
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
            Some(first) => {
                sheet.refused += 1;
                sheet.problems.extend(sheet.headings.as_ref().map(|sheet| repetition(sheet, number, column, first)));
                repeated.push((number, row));
            }
        }
    }
    for (number, row) in &sheet.flawed {
        let first = key(row).and_then(|key| seen.get(&key));
        let told = first.zip(sheet.headings.as_ref()).map(|(first, sheet)| repetition(sheet, *number, column, *first));
        sheet.problems.extend(told);
    }
    sheet.flawed.append(&mut repeated);
}

fn repetition(sheet: &workbook::Sheet, row: u32, column: &str, (other, line): (&str, u32)) -> Problem {
    sheet.problem(row, column, Refusal::new("REPEATED", format!("与“{other}”表第{line}行重复，只保留第一处")))
}
