//! Workbooks on the way out: plain tables that people can read, edit and send back.
//!
//! What is written here reads back as the same values. Text that a spreadsheet program might run is
//! neutralised by an apostrophe, which reading takes off again.

use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{ExcelDateTime, Format, Worksheet, XlsxError};

use crate::text;

/// Widths, in characters of half width, between which a column is set by its content.
const WIDTHS: std::ops::RangeInclusive<usize> = 8..=40;

/// How many rows a column's width is judged by.
const JUDGED_ROWS: usize = 200;

/// A workbook that cannot be written: a sheet's name that Excel does not allow or that is used twice,
/// a text beyond Excel's 32,767 characters, or more rows than a sheet holds.
#[derive(Debug, thiserror::Error)]
#[error("the workbook cannot be written: {0}")]
pub struct Unwritable(#[from] XlsxError);

/// One cell to be written.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Cell {
    Blank,
    /// Also for codes: written in the text format, so that leading zeros survive editing.
    Text(String),
    Integer(i64),
    Date(NaiveDate),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<NaiveDate> for Cell {
    fn from(date: NaiveDate) -> Self {
        Self::Date(date)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Blank, Into::into)
    }
}

/// A sheet to be written: a row of headings and rows of cells under it.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A sheet with its headings and no rows yet.
    #[must_use]
    pub fn new(name: &str, headings: &[&str]) -> Self {
        let headings = headings.iter().map(|&heading| heading.to_owned()).collect();
        Self { name: name.to_owned(), headings, rows: Vec::new() }
    }

    /// Adds a row, its cells in the order of the headings.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    fn width(&self, column: usize) -> usize {
        let heading = self.headings.get(column).map_or(0, |heading| shown_width(heading));
        let cells = self.rows.iter().take(JUDGED_ROWS).filter_map(|row| row.get(column));
        let widest = cells.map(|cell| match cell {
            Cell::Blank => 0,
            Cell::Text(text) => shown_width(text),
            Cell::Integer(number) => number.to_string().len(),
            Cell::Date(_) => "2023-05-01".len(),
        });
        (widest.fold(heading, usize::max) + 2).clamp(*WIDTHS.start(), *WIDTHS.end())
    }
}

/// A workbook that is written row by row, and of which no more than a row is kept in memory until it is finished.
pub struct Writer {
    book: rust_xlsxwriter::Workbook,
    sheets: usize,
    row: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A workbook without sheets.
    #[must_use]
    pub fn new() -> Self {
        Self { book: rust_xlsxwriter::Workbook::new(), sheets: 0, row: 0 }
    }

    /// Begins a sheet with its headings, bold and frozen; the one before is complete.
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn sheet(&mut self, name: &str, headings: &[&str]) -> Result<(), Unwritable> {
        let sheet = self.book.add_worksheet_with_constant_memory()?.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, written) in (0u16..).zip(headings) {
            let width = (shown_width(written) + 6).clamp(12, *WIDTHS.end());
            sheet.set_column_width(column, u32::try_from(width).unwrap_or(u32::MAX))?;
            sheet.write_string_with_format(0, column, text::neutralise(written), &Format::new().set_bold())?;
        }
        self.sheets += 1;
        self.row = 0;
        Ok(())
    }

    /// Adds a row to the sheet that was begun last, its cells in the order of the headings.
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), Unwritable> {
        let sheet = self.book.worksheet_from_index(self.sheets.saturating_sub(1))?;
        self.row += 1;
        for (column, cell) in (0u16..).zip(cells) {
            put(sheet, self.row, column, cell)?;
        }
        Ok(())
    }

    /// The bytes of the `.xlsx` file.
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn finish(mut self) -> Result<Vec<u8>, Unwritable> {
        Ok(self.book.save_to_buffer()?)
    }
}

/// Adds one line of CSV in UTF-8, its text neutralised as in a workbook.
///
/// # Errors
/// When memory cannot be written to, which does not happen.
pub fn write_csv_row(out: &mut Vec<u8>, cells: &[Cell]) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let fields = cells.iter().map(|cell| match cell {
        Cell::Blank => String::new(),
        Cell::Text(written) => text::neutralise(written),
        Cell::Integer(number) => number.to_string(),
        Cell::Date(date) => date.to_string(),
    });
    writer.write_record(fields)?;
    writer.flush()
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), XlsxError> {
    match cell {
        Cell::Blank => return Ok(()),
        Cell::Text(written) => {
            let format = Format::new().set_num_format("@");
            sheet.write_string_with_format(row, column, text::neutralise(written), &format)?
        }
        #[expect(clippy::cast_precision_loss, reason = "every number in a workbook is a floating-point number")]
        Cell::Integer(number) => sheet.write_number(row, column, *number as f64)?,
        Cell::Date(date) => {
            let format = Format::new().set_num_format("yyyy-mm-dd");
            sheet.write_datetime_with_format(row, column, excel_date(*date)?, &format)?
        }
    };
    Ok(())
}

/// Writes the tables as an `.xlsx` file, headings bold and frozen, columns as wide as what is in them.
///
/// # Errors
/// [`Unwritable`].
pub fn write(tables: &[Table]) -> Result<Vec<u8>, Unwritable> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let heading = Format::new().set_bold();
    for table in tables {
        let sheet = book.add_worksheet().set_name(&table.name)?;
        sheet.set_freeze_panes(1, 0)?;
        for ((column, written), place) in (0u16..).zip(&table.headings).zip(0..) {
            sheet.set_column_width(column, u32::try_from(table.width(place)).unwrap_or(u32::MAX))?;
            sheet.write_string_with_format(0, column, text::neutralise(written), &heading)?;
        }
        for (row, cells) in (1u32..).zip(&table.rows) {
            for (column, cell) in (0u16..).zip(cells) {
                put(sheet, row, column, cell)?;
            }
        }
    }
    Ok(book.save_to_buffer()?)
}

fn excel_date(date: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let part = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    ExcelDateTime::from_ymd(u16::try_from(date.year()).unwrap_or(0), part(date.month()), part(date.day()))
}

/// Chinese characters are twice as wide as Latin ones.
fn shown_width(text: &str) -> usize {
    text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
}
