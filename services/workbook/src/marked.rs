//! A workbook given back with its bad cells marked: yellow, with the reason in a note, so that the clerk mends what is
//! marked and sends the same file again.
//!
//! What the cells hold is kept: text, numbers and days. What a formula showed stands there as a value; of the looks of the
//! file (colours, widths, merged cells, pictures) nothing is kept. Memory is a row, the notes, and the finished file.

use std::collections::{BTreeMap, HashMap};

use calamine::DataRef;
use rust_xlsxwriter::{Color, Format, Note, Worksheet, XlsxError};

use crate::book::{Source, Workbook};
use crate::inspect::Limits;
use crate::problem::Unreadable;
use crate::text;

/// The headings of a problem's column are looked for in so many rows, as they are in reading.
const HEADING_ROWS: u32 = 10;
/// Excel's own bound on the characters of a cell.
const LONGEST: usize = 32_767;
/// Days between the two beginnings of time that a workbook may count from.
const FROM_1904: f64 = 1462.0;
/// A note is so wide that most reasons fit on three lines.
const NOTE_WIDTH: u32 = 260;

/// Something to be marked: as a [`Problem`](crate::Problem), which came back from where the file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The sheet's name.
    pub sheet: String,
    /// The row as Excel numbers it, from 1; 0 where the whole sheet is meant.
    pub row: u32,
    /// The column's heading; empty where the whole row is meant.
    pub column: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Why no marked workbook can be made.
#[derive(Debug, thiserror::Error)]
pub enum Unmarkable {
    /// The file is none that can be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What was read cannot be written.
    #[error("the marked workbook cannot be written: {0}")]
    Unwritable(#[from] XlsxError),
}

/// The same workbook with these marks. A CSV file becomes a workbook with one sheet, that of the first mark.
///
/// Blocking work, as reading is.
///
/// # Errors
/// [`Unmarkable`].
pub fn marked(bytes: Vec<u8>, marks: &[Mark], limits: &Limits) -> Result<Vec<u8>, Unmarkable> {
    let csv_sheet = marks.first().map_or("Sheet1", |mark| mark.sheet.as_str());
    let mut book = Workbook::either(bytes, csv_sheet, &[], limits)?;
    let mut out = rust_xlsxwriter::Workbook::new();
    for name in book.sheet_names() {
        let of_sheet = marks.iter().filter(|mark| text::narrow(&mark.sheet) == text::narrow(&name)).collect();
        let mut copy = Copy::new(out.add_worksheet_with_constant_memory()?.set_name(&name)?, of_sheet);
        match &mut book.source {
            Source::Csv { text, .. } => copy_csv(text, &mut copy)?,
            Source::Xlsx(xlsx) => {
                let from_1904 = xlsx.has_1904_epoch();
                let mut reader = match xlsx.worksheet_cells_reader(&name) {
                    Ok(reader) => reader,
                    // A chart has no cells.
                    Err(calamine::XlsxError::NotAWorksheet(_)) => continue,
                    Err(cause) => return Err(Unreadable::damaged(cause).into()),
                };
                while let Some(cell) = reader.next_cell().map_err(Unreadable::damaged)? {
                    let (row, column) = cell.get_position();
                    book.limits.check_position(row.saturating_add(1), column.saturating_add(1))?;
                    copy.cell(row, column, Content::of(cell.get_value(), from_1904))?;
                }
            }
        }
        copy.finish()?;
    }
    Ok(out.save_to_buffer()?)
}

fn copy_csv(text: &str, copy: &mut Copy<'_>) -> Result<(), Unmarkable> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(Unreadable::damaged)? {
        // The row as a spreadsheet shows it, with the empty lines that the reader passes over.
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let lines = copy.lines_until(text, start);
        for (column, field) in (0..).zip(&record) {
            copy.cell(lines, column, Content::Text(field.to_owned()))?;
        }
        copy.csv_row = lines + 1;
    }
    Ok(())
}

/// What a cell holds.
enum Content {
    Blank,
    Text(String),
    Number(f64),
    /// As Excel counts days, with the time of day as their fraction.
    Day(f64),
}

impl Content {
    fn of(value: &DataRef<'_>, from_1904: bool) -> Self {
        match value {
            DataRef::Empty => Self::Blank,
            DataRef::SharedString(written) => Self::Text((*written).to_owned()),
            DataRef::String(written) | DataRef::DateTimeIso(written) | DataRef::DurationIso(written) => {
                Self::Text(written.clone())
            }
            DataRef::Float(number) => Self::Number(*number),
            #[expect(clippy::cast_precision_loss, reason = "every number in a workbook is a floating-point number")]
            DataRef::Int(number) => Self::Number(*number as f64),
            DataRef::Bool(answer) => Self::Text(if *answer { "TRUE" } else { "FALSE" }.to_owned()),
            DataRef::DateTime(at) if at.is_duration() => Self::Number(at.as_f64()),
            DataRef::DateTime(at) => Self::Day(at.as_f64() + if from_1904 { FROM_1904 } else { 0.0 }),
            DataRef::Error(error) => Self::Text(error.to_string()),
        }
    }
}

/// A sheet on its way from one file to the other.
struct Copy<'w> {
    to: &'w mut Worksheet,
    marks: Vec<Mark>,
    /// The rows in which headings may stand, kept until it is known which column a mark means.
    first: Vec<(u32, u32, Content)>,
    /// By row and column from 0. None until the first rows are there.
    notes: Option<BTreeMap<(u32, u16), String>>,
    /// Rows of a CSV text that are behind.
    csv_row: u32,
}

impl<'w> Copy<'w> {
    fn new(to: &'w mut Worksheet, marks: Vec<&Mark>) -> Self {
        let marks = marks.into_iter().cloned().collect();
        Self { to, marks, first: Vec::new(), notes: None, csv_row: 0 }
    }

    /// The row that begins at this byte of a CSV text: as many further down as there are empty lines before it.
    fn lines_until(&self, text: &str, start: usize) -> u32 {
        let empty = text.get(start..).unwrap_or_default().bytes().take_while(|byte| *byte == b'\n').count();
        self.csv_row.saturating_add(u32::try_from(empty).unwrap_or(u32::MAX))
    }

    fn cell(&mut self, row: u32, column: u32, content: Content) -> Result<(), XlsxError> {
        if self.notes.is_none() {
            if row < HEADING_ROWS {
                self.first.push((row, column, content));
                return Ok(());
            }
            self.begin()?;
        }
        self.write(row, column, &content)
    }

    /// Writes the first rows, now that the headings are known.
    fn begin(&mut self) -> Result<(), XlsxError> {
        self.notes = Some(places(&self.marks, &self.first));
        for (row, column, content) in std::mem::take(&mut self.first) {
            self.write(row, column, &content)?;
        }
        Ok(())
    }

    fn write(&mut self, row: u32, column: u32, content: &Content) -> Result<(), XlsxError> {
        let Ok(column) = u16::try_from(column) else { return Ok(()) };
        // Rows go to the file as they are complete: what is marked and empty comes before the next row.
        self.blanks_before((row, column))?;
        let note = self.notes.as_mut().and_then(|notes| notes.remove(&(row, column)));
        let format = if note.is_some() { yellow() } else { Format::new() };
        match content {
            Content::Blank if note.is_some() => _ = self.to.write_blank(row, column, &format)?,
            Content::Blank => {}
            Content::Text(written) => {
                let written: String = text::neutralise(text::restore(written)).chars().take(LONGEST).collect();
                self.to.write_string_with_format(row, column, written, &format.set_num_format("@"))?;
            }
            Content::Number(number) => _ = self.to.write_number_with_format(row, column, *number, &format)?,
            Content::Day(day) => {
                let shown = if day.fract() == 0.0 { "yyyy-mm-dd" } else { "yyyy-mm-dd hh:mm" };
                self.to.write_number_with_format(row, column, *day, &format.set_num_format(shown))?;
            }
        }
        if let Some(note) = note {
            self.annotate(row, column, note)?;
        }
        Ok(())
    }

    /// Marks the empty cells before this one.
    fn blanks_before(&mut self, place: (u32, u16)) -> Result<(), XlsxError> {
        while let Some(entry) = self.notes.as_mut().and_then(BTreeMap::first_entry).filter(|one| *one.key() < place) {
            let ((row, column), note) = entry.remove_entry();
            self.to.write_blank(row, column, &yellow())?;
            self.annotate(row, column, note)?;
        }
        Ok(())
    }

    fn annotate(&mut self, row: u32, column: u16, note: String) -> Result<(), XlsxError> {
        let lines = u32::try_from(note.lines().count()).unwrap_or(u32::MAX).min(12);
        let note = Note::new(note).add_author_prefix(false).set_width(NOTE_WIDTH).set_height(40 + 36 * lines);
        self.to.insert_note(row, column, &note)?;
        Ok(())
    }

    fn finish(mut self) -> Result<(), XlsxError> {
        if self.notes.is_none() {
            self.begin()?;
        }
        self.blanks_before((u32::MAX, u16::MAX))
    }
}

fn yellow() -> Format {
    Format::new().set_background_color(Color::Yellow)
}

/// Where the marks stand: those of a column under its heading, all others in the first cell of their row.
fn places(marks: &[Mark], first: &[(u32, u32, Content)]) -> BTreeMap<(u32, u16), String> {
    let mut rows: BTreeMap<u32, HashMap<String, u16>> = BTreeMap::new();
    for (row, column, content) in first {
        if let (Content::Text(written), Ok(column)) = (content, u16::try_from(*column)) {
            rows.entry(*row).or_default().entry(text::heading(text::restore(written))).or_insert(column);
        }
    }
    // The headings are the row that has most of the columns that the marks name.
    let known =
        |row: &HashMap<String, u16>| marks.iter().filter(|mark| row.contains_key(&text::heading(&mark.column))).count();
    let headings = rows.values().rev().max_by_key(|row| known(row)).cloned().unwrap_or_default();
    let mut places: BTreeMap<(u32, u16), String> = BTreeMap::new();
    for mark in marks {
        let column = headings.get(&text::heading(&mark.column)).copied();
        let message = match column {
            None if !mark.column.is_empty() => format!("{}：{}", mark.column, mark.message),
            _ => mark.message.clone(),
        };
        let notes = places.entry((mark.row.saturating_sub(1), column.unwrap_or(0))).or_default();
        if !notes.is_empty() {
            notes.push('\n');
        }
        notes.push_str(&message);
    }
    places
}
