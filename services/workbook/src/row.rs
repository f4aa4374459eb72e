//! One row, read cell by cell into the caller's types, noting every problem on the way.
//!
//! Every reading method returns nothing where the cell is blank or bad. A bad cell, and a blank one in
//! a required column, is noted; so whatever is missing from a required column has been explained.

use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::formats::{CitizenId, CreditCode, Telephone};
use crate::problem::{Problem, Refusal};
use crate::sheet::{Line, Sheet};
use crate::value::{Value, plain_number};
use crate::{date, text};

/// What stands between the words of a cell that lists several.
pub const WORD_SEPARATORS: [char; 6] = ['；', ';', '、', '，', ',', '\n'];

/// A row of a [`Sheet`], within [`Sheet::rows`].
pub struct Row<'s> {
    sheet: &'s Sheet,
    line: &'s Line,
    problems: Vec<Problem>,
}

impl<'s> Row<'s> {
    pub(crate) fn new(sheet: &'s Sheet, line: &'s Line) -> Self {
        Self { sheet, line, problems: Vec::new() }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The row's number as Excel shows it, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.line.number
    }

    /// What stands in a cell as text, without an opinion on it; none if it is no text.
    #[must_use]
    pub fn written(&self, column: &str) -> Option<&'s str> {
        self.value(column)?.1.as_text()
    }

    /// Refuses the row for a reason of the caller's own. An empty column means the whole row.
    pub fn refuse(&mut self, column: &str, refusal: Refusal) {
        self.problems.push(self.sheet.problem(self.line.number, column, refusal));
    }

    /// Text to be read by people, with stray spaces and full-width letters and digits put right.
    pub fn text(&mut self, column: &'static str) -> Option<String> {
        self.read(column, |value| match value {
            Value::Day(day) => Ok(day.to_string()),
            other => written(other),
        })
    }

    /// A person's name: as text, without the space that pads a Chinese name of two characters.
    pub fn name(&mut self, column: &'static str) -> Option<String> {
        self.read(column, |value| Ok(text::name(&written(value)?)))
    }

    /// The words of a cell that lists several, separated by ；、， or a line break. Blank means none.
    pub fn words(&mut self, column: &'static str) -> Vec<String> {
        let listed = self.text(column).unwrap_or_default();
        let words = listed.split(WORD_SEPARATORS).map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// A code: kept as text with its leading zeros, without spaces or full-width signs. A number is the
    /// code as it shows (`1.0` is `1`); what Excel took for a date or rounded is refused.
    pub fn code(&mut self, column: &'static str) -> Option<String> {
        self.parse(column, |code| Ok(code.to_owned()))
    }

    /// A code of digits, to which the leading zeros that Excel dropped are given back.
    pub fn digits(&mut self, column: &'static str, width: usize) -> Option<String> {
        self.parse(column, |code| {
            if code.len() > width || !code.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Refusal::new("NOT_DIGITS", format!("应是不超过{width}位的数字编号")));
            }
            Ok(format!("{code:0>width$}"))
        })
    }

    /// A code that the caller's own function understands.
    pub fn parse<T>(&mut self, column: &'static str, understand: impl FnOnce(&str) -> Result<T, Refusal>) -> Option<T> {
        self.read(column, |value| understand(&code(value)?))
    }

    /// A whole number within a range.
    pub fn integer(&mut self, column: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.read(column, |value| {
            let narrowed = text::narrow(&written(value)?);
            let whole = narrowed.strip_suffix(".0").unwrap_or(&narrowed);
            let number: i64 = whole.parse().map_err(|_| Refusal::new("NOT_AN_INTEGER", "应是一个整数"))?;
            if !range.contains(&number) {
                let message = format!("应在{}到{}之间", range.start(), range.end());
                return Err(Refusal::new("OUT_OF_RANGE", message));
            }
            Ok(number)
        })
    }

    /// A day: an Excel date, a serial number, or text such as `2023年5月1日`.
    pub fn date(&mut self, column: &'static str) -> Option<NaiveDate> {
        let is_1904 = self.sheet.is_1904;
        self.read(column, |value| match value {
            Value::Day(day) => date::within_years(*day),
            Value::Number(number) => date::from_number(*number, is_1904),
            other => date::parse(&written(other)?),
        })
    }

    /// One of the words that the caller knows; the problem lists them.
    pub fn choice<T: Clone>(&mut self, column: &'static str, choices: &[(&str, T)]) -> Option<T> {
        self.read(column, |value| {
            let word = text::narrow(&written(value)?);
            let found = choices.iter().find(|(choice, _)| text::narrow(choice) == word);
            found.map(|(_, meaning)| meaning.clone()).ok_or_else(|| {
                let known: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
                Refusal::new("NOT_A_CHOICE", format!("只能填：{}", known.join("、")))
            })
        })
    }

    /// A citizen ID number. The day of reading is given because a birth date may not lie after it.
    pub fn citizen_id(&mut self, column: &'static str, today: NaiveDate) -> Option<CitizenId> {
        self.read(column, |value| {
            let lost = || Refusal::new("DIGITS_LOST", "身份证号被Excel转成了数字，末几位已丢失，请按文本格式重新填写");
            let number =
                code(value).map_err(|refusal| if refusal.reason == "DIGITS_LOST" { lost() } else { refusal })?;
            CitizenId::parse(&number, today)
        })
    }

    /// A unified social credit code.
    pub fn credit_code(&mut self, column: &'static str) -> Option<CreditCode> {
        self.parse(column, CreditCode::parse)
    }

    /// A mobile or landline number.
    pub fn telephone(&mut self, column: &'static str) -> Option<Telephone> {
        self.parse(column, Telephone::parse)
    }

    /// Whether the cell is blank, or the file has no such column.
    #[must_use]
    pub fn is_blank(&self, column: &str) -> bool {
        self.value(column).is_none_or(|(_, value)| value.is_blank())
    }

    fn value(&self, column: &str) -> Option<(bool, &'s Value)> {
        let (place, _) = self.sheet.place_of(column)?;
        let described = self.sheet.columns.get(place)?;
        Some((described.required, self.line.values.get(place)?))
    }

    fn read<T>(&mut self, column: &'static str, read: impl FnOnce(&Value) -> Result<T, Refusal>) -> Option<T> {
        let outcome = match self.value(column) {
            Some((false, Value::Blank)) => return None,
            Some((true, Value::Blank)) => Err(Refusal::new("BLANK", "必填，不能空着")),
            Some((_, Value::Formula)) => Err(Refusal::new("FORMULA", "这里是公式，请复制后“选择性粘贴”为数值")),
            Some((_, Value::Error)) => Err(Refusal::new("CELL_ERROR", "这一格是错误值，请重新填写")),
            Some((_, value)) => read(value),
            // A mistake of the program, which any test that reads one row shows.
            None => Err(Refusal::new("COLUMN_NOT_DESCRIBED", "程序没有描述这一列")),
        };
        outcome.map_err(|refusal| self.refuse(column, refusal)).ok()
    }
}

/// The cell as text, unless digits of it are lost.
fn written(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Number(number) => plain_number(*number).ok_or_else(digits_lost),
        Value::Day(_) => Err(Refusal::new("BECAME_DATE", "被Excel当成了日期，请按文本格式重新填写")),
        Value::Blank | Value::Formula | Value::Error => Ok(String::new()),
    }
}

/// The cell as a code. An apostrophe before it is how clerks tell Excel that digits are text.
fn code(value: &Value) -> Result<String, Refusal> {
    let narrowed = text::narrow(&written(value)?);
    if text::is_scientific(&narrowed) {
        return Err(digits_lost());
    }
    Ok(narrowed.trim_start_matches(['\'', '‘', '’']).to_owned())
}

fn digits_lost() -> Refusal {
    Refusal::new("DIGITS_LOST", "数字太长，Excel已丢失末几位，请按文本格式重新填写")
}
