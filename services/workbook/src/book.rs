//! Opening a file: a workbook, or CSV text taken as a workbook of one sheet.

use std::borrow::Cow;
use std::io::Cursor;

use calamine::{Reader, Xlsx};

use crate::inspect::{Limits, inspect, too_large};
use crate::problem::{Problem, Refusal, Unreadable};
use crate::row::Row;
use crate::sheet::{Collector, Column, Rows, Sheet};
use crate::text;
use crate::value::Value;

/// Excel 97's container, which also wraps every encrypted workbook.
const COMPOUND_FILE: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0];

const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Lines of a CSV file that are looked at for the headings of a known sheet.
const CSV_HEADING_LINES: usize = 10;

/// A file whose size and shape are within bounds.
///
/// Opening and reading are blocking work of up to some hundred milliseconds: call them off the
/// threads that serve requests.
pub struct Workbook {
    pub(crate) source: Source,
    pub(crate) limits: Limits,
}

pub(crate) enum Source {
    Xlsx(Box<Xlsx<Cursor<Vec<u8>>>>),
    Csv { sheet: String, text: String },
}

impl Workbook {
    /// Opens the bytes of an `.xlsx` file, recognised by its content and not by a name.
    ///
    /// # Errors
    /// [`Unreadable`], before anything large is allocated.
    pub fn open(bytes: impl Into<Vec<u8>>, limits: &Limits) -> Result<Self, Unreadable> {
        let bytes = bytes.into();
        if bytes.starts_with(COMPOUND_FILE) {
            return Err(Unreadable::OldOrEncrypted);
        }
        if !Self::is_archive(&bytes) {
            return Err(Unreadable::NotAWorkbook);
        }
        inspect(&bytes, limits)?;
        let xlsx = Xlsx::new(Cursor::new(bytes)).map_err(|cause| match cause {
            calamine::XlsxError::RelationshipNotFound | calamine::XlsxError::FileNotFound(_) => {
                Unreadable::NotAWorkbook
            }
            other => Unreadable::damaged(other),
        })?;
        if xlsx.sheet_names().is_empty() {
            return Err(Unreadable::NotAWorkbook);
        }
        Ok(Self { source: Source::Xlsx(Box::new(xlsx)), limits: limits.clone() })
    }

    /// Opens a file, whichever of the two it is: a workbook, or CSV, which is one sheet, the one it is said to be or else
    /// (`csv_sheet` is empty) the known one whose headings it has.
    ///
    /// # Errors
    /// [`Unreadable`]; [`Unreadable::NotAWorkbook`] for a text that has the headings of no known sheet.
    pub fn either(
        bytes: impl Into<Vec<u8>>,
        csv_sheet: &str,
        known: &[(&str, &'static [Column])],
        limits: &Limits,
    ) -> Result<Self, Unreadable> {
        let bytes = bytes.into();
        if Self::is_archive(&bytes) || bytes.starts_with(COMPOUND_FILE) {
            return Self::open(bytes, limits);
        }
        let mut book = Self::from_csv(csv_sheet, &bytes, limits)?;
        if csv_sheet.is_empty() && !book.recognise(known) {
            return Err(Unreadable::NotAWorkbook);
        }
        Ok(book)
    }

    /// Takes CSV text (UTF-8 with or without a byte-order mark, or GBK, which Excel in China writes) as a workbook
    /// whose one sheet has the given name, since CSV itself does not say.
    ///
    /// # Errors
    /// [`Unreadable`], with its own variant for other encodings.
    pub fn from_csv(sheet: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Unreadable> {
        limits.check_file(bytes)?;
        if bytes.starts_with(COMPOUND_FILE) || Self::is_archive(bytes) || bytes.contains(&0) {
            return Err(Unreadable::NotAWorkbook);
        }
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let text = decoded(bytes)?;
        // A line of nothing but commas would cost eight bytes for each; a text may well contain some.
        let bound = limits.columns as usize * 10;
        if text.lines().any(|line| line.matches(',').count() > bound) {
            return Err(too_large("工作表列数", u64::from(limits.columns)));
        }
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let source = Source::Csv { sheet: sheet.to_owned(), text };
        Ok(Self { source, limits: limits.clone() })
    }

    /// Gives the one sheet of a CSV file the name of the known sheet whose columns it has; of several, the one that
    /// knows most of its headings. Says whether there is one that knows any.
    fn recognise(&mut self, known: &[(&str, &'static [Column])]) -> bool {
        let Source::Csv { sheet, text } = &mut self.source else { return true };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut best = None;
        for record in reader.records().take(CSV_HEADING_LINES).map_while(Result::ok) {
            let headings: Vec<String> = record.iter().map(text::heading).collect();
            for (name, columns) in known {
                let has = |column: &&Column| column.is_one_of(&headings);
                let matched = columns.iter().filter(has).count();
                let is_whole = columns.iter().filter(|column| column.required).all(|column| has(&column));
                if matched > 0 && best.is_none_or(|(found, _)| (is_whole, matched) > found) {
                    best = Some(((is_whole, matched), *name));
                }
            }
        }
        if let Some((_, name)) = best {
            name.clone_into(sheet);
        }
        best.is_some()
    }

    /// Whether the bytes are an archive, as every `.xlsx` is and no CSV.
    fn is_archive(bytes: &[u8]) -> bool {
        bytes.starts_with(b"PK")
    }

    /// The names of the sheets, as written.
    #[must_use]
    pub fn sheet_names(&self) -> Vec<String> {
        match &self.source {
            Source::Xlsx(xlsx) => xlsx.sheet_names(),
            Source::Csv { sheet, .. } => vec![sheet.clone()],
        }
    }

    /// Whether the file has this sheet; an import of several sheets may do without some.
    #[must_use]
    pub fn has_sheet(&self, name: &str) -> bool {
        self.written_name(name).is_some()
    }

    /// Reads one sheet's described columns. The headings may stand in any of the first ten rows, in
    /// any order, among other columns.
    ///
    /// Every row is handed to the closure whole, once, as it comes out of the file: a large sheet is never in memory beside
    /// what is made of it. The closure reads its cells first and only then leaves by `?`; a row with
    /// any problem is refused whatever the closure made of it, and what it made is among the flawed ones. Returning
    /// `None` without a problem passes over the row. Blank rows, totals and remarks never reach the closure.
    ///
    /// # Errors
    /// The problems of the sheet as a whole: `SHEET_MISSING`, `HEADING_MISSING`, `DAMAGED`, `TOO_LARGE`, or
    /// one `COLUMN_MISSING` for each required column. Then nothing of it counts, whatever the closure has seen.
    pub fn sheet<T>(
        &mut self,
        name: &str,
        columns: &'static [Column],
        read: impl FnMut(&mut Row<'_>) -> Option<T>,
    ) -> Result<(Sheet, Rows<T>), Vec<Problem>> {
        let whole = |refusal| vec![Problem::new(name, 0, "", refusal)];
        let Some(written) = self.written_name(name) else {
            return Err(whole(Refusal::new("SHEET_MISSING", "文件里没有这张工作表")));
        };
        let is_1904 = match &self.source {
            Source::Xlsx(xlsx) => xlsx.has_1904_epoch(),
            Source::Csv { .. } => false,
        };
        let mut collector = Collector::new(name, columns, is_1904, self.limits.sheet_bytes, read);
        let push = |row, cells| collector.push(row, cells);
        let streamed = match &mut self.source {
            Source::Xlsx(xlsx) => stream_xlsx(xlsx, &written, &self.limits, push),
            Source::Csv { text, .. } => stream_csv(text, &self.limits, push),
        };
        streamed
            .and_then(|()| collector.finish())
            .unwrap_or_else(|cause| Err(whole(Refusal::new(cause.reason(), cause.to_string()))))
    }

    fn written_name(&self, name: &str) -> Option<String> {
        let wanted = text::narrow(name);
        self.sheet_names().into_iter().find(|written| text::narrow(written) == wanted)
    }
}

/// The text of a CSV file. What is valid UTF-8 is UTF-8: Chinese in GBK never is by chance, beyond a few characters.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => {
            encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes).ok_or(Unreadable::NotUtf8)
        }
    }
}

/// Hands the rows on as calamine reads them, cell by cell; its own range of a sheet is a dense table
/// from the first cell to the last, however far apart a file puts them.
fn stream_xlsx(
    xlsx: &mut Xlsx<Cursor<Vec<u8>>>,
    sheet: &str,
    limits: &Limits,
    mut push: impl FnMut(u32, Vec<(u32, Value)>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut push = |row, cells: &mut Vec<(u32, Value)>| {
        cells.sort_by_key(|(column, _)| *column);
        if cells.is_empty() { Ok(()) } else { push(row, std::mem::take(cells)) }
    };
    let mut reader = xlsx.worksheet_cells_reader(sheet).map_err(Unreadable::damaged)?;
    let mut current = 0;
    let mut cells = Vec::new();
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(Unreadable::damaged)? {
        let (row, column) = cell.pos;
        limits.check_position(row.saturating_add(1), column.saturating_add(1))?;
        if row < current {
            return Err(Unreadable::damaged("rows are out of order"));
        }
        if row > current {
            push(current, &mut cells)?;
            current = row;
        }
        let value = if cell.formula.is_some() { Value::Formula } else { Value::from_cell(&cell.value) };
        if !value.is_blank() {
            cells.push((column, value));
        }
    }
    push(current, &mut cells)
}

fn stream_csv(
    text: &str,
    limits: &Limits,
    mut push: impl FnMut(u32, Vec<(u32, Value)>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut row: u32 = 0;
    while reader.read_record(&mut record).map_err(Unreadable::damaged)? {
        // A spreadsheet shows an empty line as a row, where the CSV reader passes over it.
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        let from_start = start.and_then(|start| text.get(start..)).unwrap_or_default();
        let empty_lines = from_start.bytes().take_while(|byte| *byte == b'\n').count();
        row = row.saturating_add(1).saturating_add(u32::try_from(empty_lines).unwrap_or(u32::MAX));
        limits.check_position(row, u32::try_from(record.len()).unwrap_or(u32::MAX))?;
        let cells = (0..).zip(&record).map(|(column, field)| (column, Value::from_text(field)));
        let cells: Vec<_> = cells.filter(|(_, value)| !value.is_blank()).collect();
        if !cells.is_empty() {
            push(row - 1, cells)?;
        }
    }
    Ok(())
}
