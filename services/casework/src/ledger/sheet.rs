//! The sheet 民意 as villages keep it, read into entries. What is wrong within a row is found here.

use bytes::Bytes;
use chrono::NaiveDate;
use platform::{Error, Result};
use proto::names::GridCode;
use proto::reasons;
use workbook::{Column, Limits, Problem, Refusal, Row, Sheet, Unreadable, Workbook};

use crate::concern::{Matter, Outcome, State};

/// The sheet's name.
pub(super) const SHEET: &str = "民意";

const COLUMNS: &[Column] = &[
    Column::optional("编号").or(&["民意编号", "台账编号"]),
    Column::required("日期").or(&["反映日期", "登记日期", "收集日期"]),
    Column::optional("微网格编号").or(&["微网格", "网格编号"]),
    Column::optional("村民代表").or(&["代表", "反映代表"]),
    Column::optional("户编号").or(&["户号"]),
    Column::required("四类事").or(&["四件事", "类别"]),
    Column::optional("事项").or(&["事项类型", "类型"]),
    Column::required("描述").or(&["内容", "民意内容", "诉求"]),
    Column::required("状态").or(&["办理状态", "办理情况"]),
    Column::optional("办结日期").or(&["化解日期"]),
    Column::optional("办理结果").or(&["结果", "处理结果"]),
    Column::optional("满意度").or(&["满意度评分", "评分"]),
    Column::optional("受理日期"),
    Column::optional("回访日期"),
    Column::optional("回访结果"),
];

/// The headings, as an export writes them.
pub(super) const HEADINGS: &[&str] = &[
    "编号",
    "日期",
    "微网格编号",
    "村民代表",
    "户编号",
    "四类事",
    "事项",
    "描述",
    "状态",
    "办结日期",
    "办理结果",
    "满意度",
    "受理日期",
    "回访日期",
    "回访结果",
];

/// Stands where words are not given out. Brought in again, it leaves what is there.
pub(super) const WITHHELD: &str = "（敏感，未导出）";

pub(super) const MATTERS: &[(&str, Matter)] = &[
    ("民", Matter::ResidentAffairs),
    ("商", Matter::BusinessAffairs),
    ("环", Matter::Environment),
    ("育", Matter::OutreachEducation),
    ("民事服务", Matter::ResidentAffairs),
    ("商事服务", Matter::BusinessAffairs),
    ("环境卫生", Matter::Environment),
    ("宣传教育", Matter::OutreachEducation),
];

pub(super) const STATES: &[(&str, State)] = &[
    ("待受理", State::Reported),
    ("已受理", State::Accepted),
    ("办理中", State::InProgress),
    ("商议中", State::Deliberating),
    ("已化解", State::Resolved),
    ("已办结", State::Closed),
    ("已退回", State::Returned),
    ("不予受理", State::Declined),
    ("已撤回", State::Withdrawn),
    ("已合并", State::Merged),
];

pub(super) const OUTCOMES: &[(&str, Outcome)] = &[
    ("满意", Outcome::Satisfied),
    ("基本满意", Outcome::PartlySatisfied),
    ("部分满意", Outcome::PartlySatisfied),
    ("不满意", Outcome::NotSatisfied),
    ("未联系上", Outcome::NotReached),
];

/// The first word for a value.
pub(super) fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, of)| of == value).map_or("", |(word, _)| word)
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: Option<String>,
    pub(super) reported_on: NaiveDate,
    pub(super) grid: Option<GridCode>,
    pub(super) representative: Option<String>,
    pub(super) household: Option<String>,
    pub(super) matter: Matter,
    pub(super) matter_type: String,
    pub(super) text: String,
    /// As far as the row says it has got: closed, if the household said how satisfied it is.
    pub(super) state: State,
    pub(super) resolved_on: Option<NaiveDate>,
    pub(super) result: String,
    /// 1 to 5; 0 for none.
    pub(super) score: i32,
    pub(super) accepted_on: Option<NaiveDate>,
    pub(super) followed_up_on: Option<NaiveDate>,
    /// What the household answered, where the row says so in words.
    pub(super) answered: Option<Outcome>,
}

impl Entry {
    /// What the household answered: four and five are satisfied, three is partly, less is not.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        if self.answered.is_some() {
            return self.answered;
        }
        match self.score {
            1 | 2 => Some(Outcome::NotSatisfied),
            3 => Some(Outcome::PartlySatisfied),
            4 | 5 => Some(Outcome::Satisfied),
            _ => None,
        }
    }
}

/// A ledger's sheet, read.
pub(super) struct Ledger {
    pub(super) sheet: Sheet,
    pub(super) entries: Vec<(u32, Entry)>,
    pub(super) problems: Vec<Problem>,
    pub(super) refused: usize,
}

/// Reads the sheet. Takes some milliseconds of computing: not for a thread that serves calls.
///
/// # Errors
/// When the file cannot be read, or has no such sheet with these columns.
pub(super) fn read(file: Bytes, today: NaiveDate) -> Result<Ledger> {
    let mut book =
        Workbook::either(file, "", &[(SHEET, COLUMNS)], &Limits::default()).map_err(|error| refused_file(&error))?;
    let (sheet, rows) = book.sheet(SHEET, COLUMNS, |row| entry(row, today)).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::refused(reasons::SHEET_MISSING, told.join("；"))
    })?;
    Ok(Ledger { sheet, entries: rows.good, problems: rows.problems, refused: rows.refused })
}

fn refused_file(error: &Unreadable) -> Error {
    let reason = match error {
        Unreadable::TooLarge { .. } => reasons::WORKBOOK_TOO_LARGE,
        _ => reasons::WORKBOOK_UNREADABLE,
    };
    Error::refused(reason, error.to_string())
}

fn entry(row: &mut Row<'_>, today: NaiveDate) -> Option<Entry> {
    let number = row.code("编号");
    let reported_on = row.date("日期");
    let grid = row.digits("微网格编号", 3).and_then(|grid| grid.parse().ok());
    let representative = row.name("村民代表");
    let household = row.code("户编号");
    let matter = row.choice("四类事", MATTERS);
    let matter_type = row.text("事项").unwrap_or_default();
    let text = row.text("描述");
    let state = row.choice("状态", STATES);
    let resolved_on = row.date("办结日期");
    let result = row.text("办理结果").unwrap_or_default();
    let score = row.integer("满意度", 1..=5).and_then(|score| i32::try_from(score).ok());
    let accepted_on = row.date("受理日期");
    let followed_up_on = row.date("回访日期");
    let answered = row.choice("回访结果", OUTCOMES);

    if row.is_blank("微网格编号") && row.is_blank("户编号") {
        row.refuse("微网格编号", Refusal::new("BLANK", "微网格编号和户编号至少要填一项"));
    }
    if reported_on > Some(today) {
        row.refuse("日期", Refusal::new("IN_THE_FUTURE", "日期还没有到"));
    }
    if resolved_on > Some(today) {
        row.refuse("办结日期", Refusal::new("IN_THE_FUTURE", "日期还没有到"));
    }
    if resolved_on.is_some() && resolved_on < reported_on {
        row.refuse("办结日期", Refusal::new("RESOLVED_BEFORE_REPORTED", "办结日期早于反映日期"));
    }
    match state {
        Some(State::Resolved) if row.is_blank("办结日期") => {
            row.refuse("办结日期", Refusal::new("BLANK", "已化解的要填办结日期"));
        }
        Some(State::Closed | State::Declined | State::Withdrawn) if row.is_blank("办结日期") => {
            row.refuse("办结日期", Refusal::new("BLANK", "已办结、不予受理和已撤回的要填办结日期"));
        }
        Some(State::Closed) if score.is_none() && answered.is_none_or(|outcome| outcome == Outcome::NotReached) => {
            row.refuse("回访结果", Refusal::new("BLANK", "已办结的要填满意度或回访结果"));
        }
        Some(State::Resolved | State::Closed | State::Declined | State::Withdrawn | State::Merged) | None => {}
        Some(_) => {
            for column in ["办结日期", "满意度"] {
                if !row.is_blank(column) {
                    row.refuse(column, Refusal::new("NOT_RESOLVED", "只有状态为已化解的才填这一格，请核对状态"));
                }
            }
        }
    }
    Some(Entry {
        number,
        reported_on: reported_on?,
        grid,
        representative,
        household,
        matter: matter?,
        matter_type,
        text: text?,
        state: if score.is_some() { State::Closed } else { state? },
        accepted_on,
        followed_up_on,
        answered,
        resolved_on,
        result,
        score: score.unwrap_or(0),
    })
}
