//! The sheets that liaison reads, cell by cell. Whether what they say is known or allowed is decided elsewhere.

use std::collections::HashMap;

use chrono::NaiveDate;
use platform::{Error, Result};
use proto::names::{GridCode, LocalCode};
use proto::reasons;
use workbook::formats::Telephone;
use workbook::{Column, Limits, Problem, Refusal, Row, Sheet, Unreadable, Workbook};

use crate::line::rules::LineKind;
use crate::member::rules::{Office, Source};
use crate::visit::rules::Mode;

pub(super) const AREAS: &str = "片区";
pub(super) const VILLAGER_GROUPS: &str = "村民小组";
pub(super) const PARTY_GROUPS: &str = "党小组";
pub(super) const GRID_WORKERS: &str = "网格员";
pub(super) const REPRESENTATIVES: &str = "村民代表";
pub(super) const TEAMS: &str = "三人组";
pub(super) const VISITS: &str = "走访";

/// The registry's sheet, which a check reads beside it: see [`Roster::grids`].
const GRIDS: &str = "微网格";

/// The order in which sheets are read and told of.
pub(super) const ORDER: &[&str] = &[AREAS, VILLAGER_GROUPS, PARTY_GROUPS, GRID_WORKERS, REPRESENTATIVES, TEAMS, VISITS];

const NAME: Column = Column::required("姓名").or(&["名字"]);
const TELEPHONE: Column = Column::optional("联系电话").or(&["电话", "手机", "手机号", "手机号码", "联系方式"]);
const GRID: Column = Column::required("微网格编号").or(&["微网格", "网格编号", "网格"]);

const GRID_COLUMNS: &[Column] =
    &[Column::required("微网格编号").or(&["网格编号", "编号"]), Column::optional("联户主线").or(&["主线"])];
const AREA_COLUMNS: &[Column] = &[
    Column::required("片区编号").or(&["编号"]),
    Column::optional("联片村干部").or(&["村干部", "联片干部"]),
    TELEPHONE,
];
const VILLAGER_GROUP_COLUMNS: &[Column] =
    &[Column::required("小组编号").or(&["编号"]), Column::optional("组长").or(&["组长姓名", "村民组长"]), TELEPHONE];
const PARTY_GROUP_COLUMNS: &[Column] =
    &[Column::required("党小组编号").or(&["编号"]), Column::optional("党小组长").or(&["组长"]), TELEPHONE];
const GRID_WORKER_COLUMNS: &[Column] = &[NAME, TELEPHONE, Column::optional("负责片区").or(&["片区", "片区编号"])];
const REPRESENTATIVE_COLUMNS: &[Column] = &[
    NAME.or(&["村民代表", "代表姓名", "名字"]),
    TELEPHONE,
    Column::required("身份来源").or(&["来源", "身份"]),
    GRID,
    Column::optional("当选日期").or(&["当选时间", "任职日期"]),
];
const TEAM_COLUMNS: &[Column] = &[
    GRID,
    Column::optional("联片村干部").or(&["村干部", "联片干部"]),
    Column::optional("组长类别").or(&["组长类型"]),
    Column::optional("组长姓名").or(&["组长"]),
    Column::optional("村民代表").or(&["代表"]),
];
const VISIT_COLUMNS: &[Column] = &[
    Column::required("日期").or(&["走访日期", "走访时间"]),
    GRID,
    Column::required("村民代表").or(&["代表", "走访人"]),
    Column::optional("户编号").or(&["户号"]),
    Column::required("走访方式").or(&["方式"]),
    Column::optional("人次").or(&["人数"]),
    Column::optional("内容").or(&["走访内容"]),
];

const LINES: &[(&str, LineKind)] = &[("主线一", LineKind::Relocated), ("主线二", LineKind::Rebuilt)];
const SOURCES: &[(&str, Source)] = &[
    ("党小组长", Source::PartyGroupLeader),
    ("党员", Source::PartyMember),
    ("组长", Source::VillagerGroupLeader),
    ("网格员", Source::GridWorker),
    ("女指导员", Source::WomensAdviser),
    ("热心群众", Source::Volunteer),
    ("村民组长", Source::VillagerGroupLeader),
    ("村民小组长", Source::VillagerGroupLeader),
];
const LEADER_OFFICES: &[(&str, Office)] = &[
    ("村民组长", Office::VillagerGroupLeader),
    ("党小组长", Office::PartyGroupLeader),
    ("网格员", Office::GridWorker),
    ("组长", Office::VillagerGroupLeader),
    ("村民小组长", Office::VillagerGroupLeader),
];
const MODES: &[(&str, Mode)] =
    &[("入户", Mode::DoorStep), ("电话", Mode::Telephone), ("微信", Mode::Wechat), ("上门", Mode::DoorStep)];

/// What one row says about one person: an office, and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) sheet: &'static str,
    pub(super) row: u32,
    pub(super) display_name: String,
    pub(super) telephone: Option<Telephone>,
    pub(super) office: Says,
}

/// The office that a row gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Says {
    Cadre { area: LocalCode },
    VillagerGroupLeader { group: LocalCode },
    PartyGroupLeader { group: LocalCode },
    GridWorker { areas: Vec<LocalCode> },
    Representative { source: Source, grid: GridCode, since: Option<NaiveDate> },
}

/// What one row says about one team, by names; a blank cell says nothing.
#[derive(Debug, Clone)]
pub(super) struct TeamRow {
    pub(super) row: u32,
    pub(super) grid: GridCode,
    pub(super) cadre: Option<String>,
    pub(super) leader: Option<(String, Option<Office>)>,
    pub(super) representative: Option<String>,
}

/// A roster, read.
#[derive(Default)]
pub(super) struct Roster {
    pub(super) people: Vec<Entry>,
    pub(super) teams: Vec<TeamRow>,
    /// The grids that the file itself brings, each with its line. The registry makes them, and tells what is wrong with
    /// their rows; here they only count when nothing is written and so no news of them can have come.
    pub(super) grids: Vec<(GridCode, Option<LineKind>)>,
    pub(super) problems: Vec<Problem>,
    /// The sheets that the file has, and how many rows of each could not be read.
    pub(super) sheets: Vec<(&'static str, usize)>,
    pub(super) places: Places,
}

/// Where things stand in the file, for problems that are found after reading.
#[derive(Default)]
pub(super) struct Places(Vec<Sheet>);

impl Places {
    /// The headings of a sheet's columns of which nobody reads anything, here or in the registry.
    pub(super) fn unread(&self, sheet: &str) -> impl Iterator<Item = &String> {
        let known = self.0.iter().find(|known| known.name() == sheet);
        known.into_iter().flat_map(|known| known.unread().iter().filter(move |heading| !others(known.name(), heading)))
    }

    /// A problem in a row, by the heading that the file itself has for the column.
    pub(super) fn problem(&self, sheet: &str, row: u32, column: &str, refusal: Refusal) -> Problem {
        match self.0.iter().find(|known| known.name() == sheet) {
            Some(known) => known.problem(row, column, refusal),
            None => Problem {
                sheet: sheet.to_owned(),
                row,
                column: column.to_owned(),
                reason: refusal.reason,
                message: refusal.message.into_owned(),
            },
        }
    }
}

/// What one row says about one visit.
#[derive(Debug, Clone)]
pub(super) struct VisitRow {
    pub(super) row: u32,
    /// All that the row says, and how many equal rows came before it.
    pub(super) identity: String,
    pub(super) visited_on: NaiveDate,
    pub(super) grid: GridCode,
    pub(super) representative: String,
    pub(super) household: Option<String>,
    pub(super) mode: Mode,
    pub(super) persons: i32,
    pub(super) note: String,
}

/// A ledger, read.
pub(super) struct Ledger {
    pub(super) visits: Vec<VisitRow>,
    pub(super) problems: Vec<Problem>,
    pub(super) refused: usize,
    pub(super) places: Places,
}

/// Reads one row about one person.
type Read = fn(&mut Row<'_>) -> Option<Entry>;

/// Reads liaison's sheets of a roster: a workbook, or CSV, which is one sheet, the one it is said to be or else the one whose
/// headings it has. Takes some hundred milliseconds of computing: not for a thread that serves calls.
///
/// # Errors
/// When the file cannot be read, or has none of the sheets.
pub(super) fn roster(content: Vec<u8>, csv_sheet: &str) -> Result<Roster> {
    let known = [
        (AREAS, AREA_COLUMNS),
        (VILLAGER_GROUPS, VILLAGER_GROUP_COLUMNS),
        (PARTY_GROUPS, PARTY_GROUP_COLUMNS),
        (GRID_WORKERS, GRID_WORKER_COLUMNS),
        (REPRESENTATIVES, REPRESENTATIVE_COLUMNS),
        (TEAMS, TEAM_COLUMNS),
    ];
    let mut book = open(content, csv_sheet, &known)?;
    let mut roster = Roster::default();
    if !ORDER.iter().any(|sheet| *sheet != VISITS && book.has_sheet(sheet)) {
        let message = format!("文件里没有这些工作表中的任何一张：{}", ORDER.join("、"));
        return Err(Error::refused(reasons::SHEET_MISSING, message));
    }
    let people: &[(&'static str, &'static [Column], Read)] = &[
        (AREAS, AREA_COLUMNS, cadre),
        (VILLAGER_GROUPS, VILLAGER_GROUP_COLUMNS, villager_group_leader),
        (PARTY_GROUPS, PARTY_GROUP_COLUMNS, party_group_leader),
        (GRID_WORKERS, GRID_WORKER_COLUMNS, grid_worker),
        (REPRESENTATIVES, REPRESENTATIVE_COLUMNS, representative),
    ];
    for (name, columns, read) in people {
        let entries = roster.sheet(&mut book, name, columns, *read);
        roster.people.extend(entries);
    }
    roster.teams = roster.sheet(&mut book, TEAMS, TEAM_COLUMNS, team);
    if let Ok((_, rows)) = book.sheet(GRIDS, GRID_COLUMNS, grid) {
        roster.grids = rows.good.into_iter().map(|(_, grid)| grid).collect();
    }
    Ok(roster)
}

impl Roster {
    /// Reads a sheet if the file has it, and keeps what is wrong with it.
    fn sheet<T>(
        &mut self,
        book: &mut Workbook,
        name: &'static str,
        columns: &'static [Column],
        read: impl FnMut(&mut Row<'_>) -> Option<T>,
    ) -> Vec<T> {
        if !book.has_sheet(name) {
            return Vec::new();
        }
        match book.sheet(name, columns, read) {
            Err(problems) => {
                self.sheets.push((name, 0));
                self.problems.extend(problems);
                Vec::new()
            }
            Ok((sheet, rows)) => {
                self.sheets.push((name, rows.refused));
                self.problems.extend(rows.problems);
                self.places.0.push(sheet);
                rows.good.into_iter().map(|(_, row)| row).collect()
            }
        }
    }
}

fn open(content: Vec<u8>, csv_sheet: &str, known: &[(&str, &'static [Column])]) -> Result<Workbook> {
    Workbook::either(content, csv_sheet, known, &Limits::default()).map_err(|unreadable| {
        tracing::info!(?unreadable, "a workbook was refused");
        let reason = match &unreadable {
            Unreadable::TooLarge { .. } => reasons::WORKBOOK_TOO_LARGE,
            _ => reasons::WORKBOOK_UNREADABLE,
        };
        Error::refused(reason, unreadable.to_string())
    })
}

/// Whether a heading is that of a column which the registry reads of the same sheet.
fn others(sheet: &str, heading: &str) -> bool {
    let columns: &[&str] = match sheet {
        AREAS => &["片区名称", "名称", "片区"],
        VILLAGER_GROUPS => &["小组名称", "村民小组名称", "村民小组", "组名", "名称"],
        PARTY_GROUPS => &["党小组名称", "小组名称", "党小组", "名称"],
        _ => &[],
    };
    columns.contains(&heading)
}

/// A code of an area or group as the village writes it.
fn local_code(text: &str) -> Result<LocalCode, Refusal> {
    text.parse().map_err(|_| Refusal::new("CODE_FORM", "编号应是1到16位字母、数字或连字符"))
}

/// The three digits of a grid.
fn grid_code(row: &mut Row<'_>) -> Option<GridCode> {
    row.digits(GRID.name, 3)?.parse().ok()
}

fn entry(
    row: &Row<'_>,
    sheet: &'static str,
    name: Option<String>,
    telephone: Option<Telephone>,
    office: Option<Says>,
) -> Option<Entry> {
    Some(Entry { sheet, row: row.number(), display_name: name?, telephone, office: office? })
}

fn grid(row: &mut Row<'_>) -> Option<(GridCode, Option<LineKind>)> {
    let (code, line) = (grid_code(row), row.choice("联户主线", LINES));
    Some((code?, line))
}

fn cadre(row: &mut Row<'_>) -> Option<Entry> {
    let area = row.parse("片区编号", local_code);
    let (name, telephone) = (row.name("联片村干部"), row.telephone(TELEPHONE.name));
    entry(row, AREAS, name, telephone, area.map(|area| Says::Cadre { area }))
}

fn villager_group_leader(row: &mut Row<'_>) -> Option<Entry> {
    let group = row.parse("小组编号", local_code);
    let (name, telephone) = (row.name("组长"), row.telephone(TELEPHONE.name));
    entry(row, VILLAGER_GROUPS, name, telephone, group.map(|group| Says::VillagerGroupLeader { group }))
}

fn party_group_leader(row: &mut Row<'_>) -> Option<Entry> {
    let group = row.parse("党小组编号", local_code);
    let (name, telephone) = (row.name("党小组长"), row.telephone(TELEPHONE.name));
    entry(row, PARTY_GROUPS, name, telephone, group.map(|group| Says::PartyGroupLeader { group }))
}

fn grid_worker(row: &mut Row<'_>) -> Option<Entry> {
    let (name, telephone) = (row.name(NAME.name), row.telephone(TELEPHONE.name));
    let words = row.words("负责片区");
    let areas: Result<Vec<LocalCode>, Refusal> = words.iter().map(|word| local_code(word)).collect();
    let areas = areas.map_err(|refusal| row.refuse("负责片区", refusal)).ok();
    entry(row, GRID_WORKERS, name, telephone, areas.map(|areas| Says::GridWorker { areas }))
}

fn representative(row: &mut Row<'_>) -> Option<Entry> {
    let (name, telephone) = (row.name(NAME.name), row.telephone(TELEPHONE.name));
    let (source, grid, since) = (row.choice("身份来源", SOURCES), grid_code(row), row.date("当选日期"));
    let office = source.zip(grid).map(|(source, grid)| Says::Representative { source, grid, since });
    entry(row, REPRESENTATIVES, name, telephone, office)
}

fn team(row: &mut Row<'_>) -> Option<TeamRow> {
    let grid = grid_code(row);
    let cadre = row.name("联片村干部");
    let (office, leader) = (row.choice("组长类别", LEADER_OFFICES), row.name("组长姓名"));
    let representative = row.name("村民代表");
    Some(TeamRow { row: row.number(), grid: grid?, cadre, leader: leader.map(|name| (name, office)), representative })
}

/// Reads the visits of a ledger.
///
/// # Errors
/// When the file cannot be read, or has no such sheet with these columns.
pub(super) fn ledger(content: Vec<u8>) -> Result<Ledger> {
    let mut book = open(content, "", &[(VISITS, VISIT_COLUMNS)])?;
    let mut seen: HashMap<String, u32> = HashMap::new();
    let read = |row: &mut Row<'_>| visit(row, &mut seen);
    let (sheet, rows): (Sheet, _) = book.sheet(VISITS, VISIT_COLUMNS, read).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::refused(reasons::SHEET_MISSING, told.join("；"))
    })?;
    let visits = rows.good.into_iter().map(|(_, row)| row).collect();
    Ok(Ledger { visits, problems: rows.problems, refused: rows.refused, places: Places(vec![sheet]) })
}

fn visit(row: &mut Row<'_>, seen: &mut HashMap<String, u32>) -> Option<VisitRow> {
    let visited_on = row.date("日期");
    let grid = grid_code(row);
    let representative = row.name("村民代表");
    let household = row.code("户编号");
    let mode = row.choice("走访方式", MODES);
    let persons = row.integer("人次", 1..=10_000).and_then(|persons| i32::try_from(persons).ok()).unwrap_or(1);
    let note = row.text("内容").unwrap_or_default();
    let (visited_on, grid, representative, mode) = (visited_on?, grid?, representative?, mode?);
    // A ledger has no numbers: a visit is known by all that its row says, and equal rows by how many came before.
    let said = format!(
        "{visited_on} {grid} {representative} {} {} {persons} {note}",
        household.as_deref().unwrap_or_default(),
        mode.as_str(),
    );
    let before = seen.entry(said.clone()).or_default();
    let identity = format!("{said} {before}");
    *before += 1;
    Some(VisitRow { row: row.number(), identity, visited_on, grid, representative, household, mode, persons, note })
}
