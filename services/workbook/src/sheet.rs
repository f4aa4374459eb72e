//! One sheet: which columns the caller wants, where they stand in the file, and its rows.

use crate::inspect::too_large;
use crate::problem::{Problem, Refusal, Unreadable};
use crate::row::Row;
use crate::text;
use crate::value::Value;

/// A title, a date and a line of instructions may stand above the headings, hardly more.
const HEADING_ROWS: u32 = 10;

/// Headings without a meaning that are told; and how much of each.
const UNREAD: usize = 50;
const UNREAD_CHARACTERS: usize = 30;

/// Enough for any clerk's patience; a hostile sheet must not make a report larger than itself.
const PROBLEMS: usize = 10_000;

/// A column as the caller describes it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The heading by which the caller asks for it.
    pub name: &'static str,
    /// Other words for the heading, best first.
    pub also: &'static [&'static str],
    /// Whether the sheet must have the column, and every row a value in it.
    pub required: bool,
}

impl Column {
    /// A column that the sheet must have, with a value in every row.
    #[must_use]
    pub const fn required(name: &'static str) -> Self {
        Self { name, also: &[], required: true }
    }

    /// A column that the sheet need not have, nor a row a value in it.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self { name, also: &[], required: false }
    }

    /// The same column with other words for its heading, best first.
    #[must_use]
    pub const fn or(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// Whether one of these headings, in the form for comparing, is the column's.
    pub(crate) fn is_one_of(&self, headings: &[String]) -> bool {
        std::iter::once(&self.name).chain(self.also).any(|word| headings.contains(&text::heading(word)))
    }

    /// Where the column stands in a row of headings: the name itself before its synonyms, so that a
    /// sheet with both 联系电话 and 手机 is read as it says.
    fn find(&self, headings: &[(u32, String)]) -> Option<u32> {
        std::iter::once(&self.name).chain(self.also).find_map(|word| {
            let word = text::heading(word);
            headings.iter().find(|(_, heading)| *heading == word).map(|(column, _)| *column)
        })
    }
}

/// A sheet that has the required columns: how the file words its headings.
pub struct Sheet {
    pub(crate) name: String,
    pub(crate) columns: &'static [Column],
    /// For each described column, the heading as written, if the sheet has it.
    written: Vec<Option<String>>,
    /// Headings that no described column has.
    unread: Vec<String>,
    pub(crate) is_1904: bool,
}

/// One row's described cells, in the order of the description.
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) values: Vec<Value>,
}

/// What came of reading a sheet's rows.
#[derive(Debug)]
pub struct Rows<T> {
    /// What the caller made of each good row, with the row's number as Excel shows it.
    pub good: Vec<(u32, T)>,
    /// What the caller made of refused rows, where it made anything: for finding out what else is wrong with them.
    pub flawed: Vec<(u32, T)>,
    /// Every problem of every refused row, in order of rows (the first ten thousand).
    pub problems: Vec<Problem>,
    /// How many rows were refused.
    pub refused: usize,
}

impl Sheet {
    /// The sheet's name, as the caller asked for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the file has this described column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.place_of(column).is_some_and(|(_, written)| written.is_some())
    }

    /// The headings of columns that nobody described, as written: nothing of them is read. A running number is none.
    #[must_use]
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// A problem that the caller finds after reading, such as a reference to something unknown.
    /// An empty column means the whole row.
    #[must_use]
    pub fn problem(&self, row: u32, column: &str, refusal: Refusal) -> Problem {
        let written = self.place_of(column).and_then(|(_, written)| written);
        Problem::new(&self.name, row, written.unwrap_or(column), refusal)
    }

    pub(crate) fn place_of(&self, column: &str) -> Option<(usize, Option<&str>)> {
        let place = self.columns.iter().position(|described| described.name == column)?;
        Some((place, self.written.get(place).and_then(Option::as_deref)))
    }
}

/// Takes a sheet's rows as they stream by, finds the headings, and hands each row on to the caller at once: of a large sheet
/// nothing is kept but what the caller makes of it.
pub(crate) struct Collector<T, R> {
    name: String,
    columns: &'static [Column],
    is_1904: bool,
    read: R,
    /// Rows that may hold the headings, until the headings are found.
    waiting: Vec<(u32, Vec<(u32, Value)>)>,
    /// The sheet once its headings are found; and for each described column, its column in the file.
    found: Option<(Sheet, Vec<Option<u32>>)>,
    rows: Rows<T>,
    bytes: usize,
    bytes_left: usize,
}

struct Found {
    /// For each described column, its column in the file and its heading there.
    places: Vec<Option<(u32, String)>>,
    unread: Vec<String>,
}

/// A sheet with its rows, or its problems as a whole.
type Outcome<T> = Result<(Sheet, Rows<T>), Vec<Problem>>;

impl<T, R: FnMut(&mut Row<'_>) -> Option<T>> Collector<T, R> {
    pub(crate) fn new(name: &str, columns: &'static [Column], is_1904: bool, bytes: usize, read: R) -> Self {
        let rows = Rows { good: Vec::new(), flawed: Vec::new(), problems: Vec::new(), refused: 0 };
        let (waiting, found) = (Vec::new(), None);
        Self { name: name.to_owned(), columns, is_1904, read, waiting, found, rows, bytes, bytes_left: bytes }
    }

    /// Takes the next row, counted from 0, and its cells that are not blank, in order of columns.
    pub(crate) fn push(&mut self, row: u32, cells: Vec<(u32, Value)>) -> Result<(), Unreadable> {
        let number = row.saturating_add(1);
        if self.found.is_none() && number > HEADING_ROWS {
            self.find_headings()?;
        }
        match &self.found {
            None if number <= HEADING_ROWS => self.waiting.push((number, cells)),
            // No headings: the rows below mean nothing, and finish() says so.
            None => {}
            Some(_) => self.keep(number, cells)?,
        }
        Ok(())
    }

    /// The sheet and its rows, or why it cannot be read: no headings, or required ones missing.
    pub(crate) fn finish(mut self) -> Result<Outcome<T>, Unreadable> {
        let closest = if self.found.is_none() { self.find_headings()? } else { None };
        Ok(match self.found {
            Some((sheet, _)) => Ok((sheet, self.rows)),
            None => Err(self.missing(closest)),
        })
    }

    /// Looks for the first row that has every required column; if none has, tells which row came
    /// closest and what it has.
    fn find_headings(&mut self) -> Result<Option<(u32, Found)>, Unreadable> {
        let mut closest: Option<(usize, u32, Found)> = None;
        for index in 0..self.waiting.len() {
            let Some((number, cells)) = self.waiting.get(index) else {
                break;
            };
            let found = self.match_headings(cells);
            let matched = found.places.iter().flatten().count();
            if matched > 0 && self.lacking(&found).next().is_none() {
                let (places, written) = found.places.into_iter().map(Option::unzip).unzip();
                let (name, unread) = (self.name.clone(), found.unread);
                let sheet = Sheet { name, columns: self.columns, written, unread, is_1904: self.is_1904 };
                self.found = Some((sheet, places));
                for (number, cells) in self.waiting.split_off(index + 1) {
                    self.keep(number, cells)?;
                }
                self.waiting.clear();
                return Ok(None);
            }
            if matched > closest.as_ref().map_or(0, |(most, ..)| *most) {
                closest = Some((matched, *number, found));
            }
        }
        Ok(closest.map(|(_, number, found)| (number, found)))
    }

    fn match_headings(&self, cells: &[(u32, Value)]) -> Found {
        let headings: Vec<(u32, String)> =
            cells.iter().filter_map(|(column, value)| Some((*column, text::heading(value.as_text()?)))).collect();
        let written = |column: u32| {
            let cell = cells.iter().find(|(at, _)| *at == column);
            cell.and_then(|(_, value)| value.as_text()).map(|text| text.replace('\n', " "))
        };
        let places = self.columns.iter().map(|described| {
            let column = described.find(&headings)?;
            Some((column, written(column)?))
        });
        let places: Vec<Option<(u32, String)>> = places.collect();
        let is_read = |column: u32| places.iter().flatten().any(|(place, _)| *place == column);
        let others = headings.iter().filter(|(column, heading)| !is_read(*column) && heading != "序号");
        let unread = others.take(UNREAD).filter_map(|(column, _)| written(*column));
        let unread = unread.map(|heading| heading.chars().take(UNREAD_CHARACTERS).collect()).collect();
        Found { places, unread }
    }

    fn lacking<'s>(&'s self, found: &'s Found) -> impl Iterator<Item = &'s Column> {
        let places = self.columns.iter().zip(&found.places);
        places.filter(|(column, place)| column.required && place.is_none()).map(|(column, _)| column)
    }

    fn missing(&self, closest: Option<(u32, Found)>) -> Vec<Problem> {
        let Some((row, found)) = closest else {
            let message = format!("前{HEADING_ROWS}行里没有找到表头");
            return vec![Problem::new(&self.name, 0, "", Refusal::new("HEADING_MISSING", message))];
        };
        let problem = |column: &Column| {
            let refusal = Refusal::new("COLUMN_MISSING", format!("缺少“{}”这一列，本表没有读取", column.name));
            Problem::new(&self.name, row, column.name, refusal)
        };
        self.lacking(&found).map(problem).collect()
    }

    fn keep(&mut self, number: u32, mut cells: Vec<(u32, Value)>) -> Result<(), Unreadable> {
        let Some((sheet, places)) = &self.found else {
            return Ok(());
        };
        if cells.first().and_then(|(_, value)| value.as_text()).is_some_and(text::is_total) {
            return Ok(());
        }
        let take = |place: &Option<u32>| {
            let cell = place.and_then(|column| cells.iter_mut().find(|(at, _)| *at == column));
            cell.map_or(Value::Blank, |(_, value)| std::mem::replace(value, Value::Blank))
        };
        let values: Vec<Value> = places.iter().map(take).collect();
        // A row may be numbered in advance and otherwise empty: what counts is what was asked for.
        if values.iter().all(Value::is_blank) {
            return Ok(());
        }
        let weight: usize = values.iter().filter(|value| !value.is_blank()).map(Value::weight).sum();
        self.bytes_left =
            self.bytes_left.checked_sub(weight).ok_or_else(|| too_large("工作表内容字节数", self.bytes as u64))?;
        let line = Line { number, values };
        let mut row = Row::new(sheet, &line);
        let value = (self.read)(&mut row);
        self.rows.note(number, value, row.into_problems());
        Ok(())
    }
}

impl<T> Rows<T> {
    fn note(&mut self, number: u32, value: Option<T>, problems: Vec<Problem>) {
        if !problems.is_empty() {
            self.refused += 1;
            self.problems.extend(problems.into_iter().take(PROBLEMS - self.problems.len()));
            self.flawed.extend(value.map(|value| (number, value)));
        } else if let Some(value) = value {
            self.good.push((number, value));
        }
    }
}
