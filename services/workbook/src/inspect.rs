//! The gate before calamine: what an `.xlsx` would cost to read, measured by reading it once.
//!
//! calamine trusts its input: it inflates without a bound, reserves memory for as many strings as a
//! header claims, copies a style's font and format for every style, and computes with cell positions
//! that may overflow. So every part of the archive is inflated here first through a counting reader
//! (declared sizes lie) into the same XML parser that calamine uses, and the few elements that it
//! keeps in memory or computes with are counted and checked. Nothing is kept: memory is one XML event.
//!
//! There is no bound on the compression ratio: blank formatted rows compress a hundredfold in honest
//! files, and the bound on inflated bytes already stops a bomb after a fraction of a second.

use std::io::{self, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::problem::Unreadable;

/// How much of a file is looked at before it is refused. The default reads any village's workbook
/// (Gaochong's ten sheets are 2 MiB inflated) and keeps a hostile one under 200 MiB.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of the file as it was sent.
    pub file_bytes: usize,
    /// Parts of the archive: sheets, pictures, printer settings.
    pub parts: usize,
    /// Bytes of one part when inflated.
    pub part_bytes: u64,
    /// Bytes of all parts together when inflated.
    pub total_bytes: u64,
    /// Rows of one sheet, by position as well as by claim.
    pub rows: u32,
    /// Columns of one sheet, by position as well as by claim.
    pub columns: u32,
    /// Bytes of memory for the described columns of one sheet. A text that many cells share is stored
    /// once in the file and would otherwise be multiplied by reading.
    pub sheet_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            file_bytes: 20 << 20,
            parts: 2_000,
            part_bytes: 64 * MIB,
            total_bytes: 128 * MIB,
            rows: 200_000,
            columns: 200,
            sheet_bytes: 64 << 20,
        }
    }
}

impl Limits {
    pub(crate) fn check_file(&self, bytes: &[u8]) -> Result<(), Unreadable> {
        if bytes.len() > self.file_bytes {
            return Err(too_large("文件字节数", self.file_bytes as u64));
        }
        Ok(())
    }

    pub(crate) fn check_position(&self, row: u32, column: u32) -> Result<(), Unreadable> {
        if row > self.rows {
            return Err(too_large("工作表行数", u64::from(self.rows)));
        }
        if column > self.columns {
            return Err(too_large("工作表列数", u64::from(self.columns)));
        }
        Ok(())
    }
}

/// Distinct texts of a workbook: calamine holds them all. Excel's villages have some ten thousand.
const STRINGS: u64 = 500_000;

/// Elements that calamine keeps one object for, over the whole file; Excel allows 65,490 cell formats.
const KEPT: usize = 65_536;

/// Bytes of styles when each cell format has the longest font name and number format of its part.
const STYLE_BYTES: usize = 32 << 20;

/// One tag, or one run of text. Excel's own bound on a cell is 32,767 characters.
const EVENT_BYTES: usize = 1 << 20;

/// Reads an archive through without keeping anything of it, and refuses what would cost too much.
pub(crate) fn inspect(bytes: &[u8], limits: &Limits) -> Result<(), Unreadable> {
    limits.check_file(bytes)?;
    // Before the archive's directory is built in memory, some hundred bytes for each entry.
    if bytes.windows(4).filter(|window| window == b"PK\x01\x02").count() > limits.parts {
        return Err(too_large("文件内部件数", limits.parts as u64));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(Unreadable::damaged)?;
    let mut inspection = Inspection { limits, left: limits.total_bytes, kept: 0 };
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(Unreadable::damaged)?;
        if part.encrypted() {
            return Err(Unreadable::OldOrEncrypted);
        }
        let name = part.name().map_err(Unreadable::damaged)?.to_ascii_lowercase();
        inspection.part(&name, part)?;
    }
    Ok(())
}

struct Inspection<'l> {
    limits: &'l Limits,
    left: u64,
    kept: usize,
}

impl Inspection<'_> {
    fn part(&mut self, name: &str, part: impl Read) -> Result<(), Unreadable> {
        let allowance = self.left.min(self.limits.part_bytes);
        let mut xml = Reader::from_reader(BufReader::new(Metered { inner: part, left: allowance, exceeded: false }));
        // As calamine sets them, so that both see the same elements.
        let config = xml.config_mut();
        config.check_end_names = false;
        config.trim_text(false);
        config.check_comments = false;
        config.expand_empty_elements = true;

        let outcome = self.elements(name, &mut xml);
        let mut rest = xml.into_inner();
        let drained = io::copy(&mut rest, &mut io::sink());
        let meter = rest.into_inner();
        if meter.exceeded {
            return Err(too_large("文件解压后字节数", allowance));
        }
        self.left -= allowance - meter.left;
        drained.map_err(Unreadable::damaged)?;
        outcome
    }

    /// Looks at every element until the end or until the XML breaks. A picture is no XML and may break
    /// at once; calamine, should it be told that the picture is a sheet, stops at the same byte.
    fn elements(&mut self, name: &str, xml: &mut Reader<BufReader<Metered<impl Read>>>) -> Result<(), Unreadable> {
        let is_picture = name.starts_with("xl/media/");
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
        let mut tally = Tally::default();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = match xml.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(cause) if is_xml => return Err(Unreadable::damaged(cause)),
                Err(_) => return Ok(()),
            };
            match event {
                Event::Eof => return Ok(()),
                // An SVG picture may have one; calamine would skip it, and so does this.
                Event::DocType(_) if !is_picture => return Err(Unreadable::Hostile),
                Event::Start(element) => {
                    self.element(&element, &mut tally)?;
                }
                _ => {}
            }
            // The buffer holds the event just read, a picture's noise apart.
            if buffer.len() > EVENT_BYTES && is_xml {
                return Err(too_large("单元格字节数", EVENT_BYTES as u64));
            }
        }
    }

    fn element(&mut self, element: &BytesStart<'_>, tally: &mut Tally) -> Result<(), Unreadable> {
        tally.longest_tag = tally.longest_tag.max(element.len());
        match element.local_name().as_ref() {
            "c" | "row" => self.position(element, "r"),
            "dimension" | "f" => self.position(element, "ref"),
            "sst" => claimed_strings(element),
            "si" => {
                tally.strings += 1;
                check(tally.strings <= STRINGS, "不同文字个数", STRINGS)
            }
            "xf" | "font" | "fill" | "border" | "numFmt" | "sheet" | "definedName" | "Relationship" => {
                self.kept += 1;
                tally.formats += 1;
                check(self.kept <= KEPT, "单元格格式个数", KEPT as u64)?;
                let style_bytes = tally.formats.saturating_mul(tally.longest_tag);
                check(style_bytes <= STYLE_BYTES, "单元格格式字节数", STYLE_BYTES as u64)
            }
            _ => Ok(()),
        }
    }

    /// Checks a position such as `C7` or an area such as `A1:L1187`, wherever an element names one.
    fn position(&self, element: &BytesStart<'_>, attribute: &str) -> Result<(), Unreadable> {
        for found in element.attributes().with_checks(false) {
            let found = found.map_err(Unreadable::damaged)?;
            if found.key.as_ref() != attribute {
                continue;
            }
            let mut from = (0, 0);
            for corner in found.value.split(':') {
                let to = corner_of(corner).ok_or_else(|| Unreadable::damaged("a cell position is malformed"))?;
                self.limits.check_position(to.0, to.1)?;
                if to.0 < from.0 || to.1 < from.1 {
                    return Err(Unreadable::damaged("an area of cells is reversed"));
                }
                from = to;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Tally {
    strings: u64,
    formats: usize,
    longest_tag: usize,
}

fn claimed_strings(element: &BytesStart<'_>) -> Result<(), Unreadable> {
    for found in element.attributes().with_checks(false) {
        let found = found.map_err(Unreadable::damaged)?;
        if found.key.as_ref() == "uniqueCount" {
            let claimed = found.value.trim().parse::<u64>().unwrap_or(u64::MAX);
            check(claimed <= STRINGS, "不同文字个数", STRINGS)?;
        }
    }
    Ok(())
}

/// Row and column from 1 of `C7`; a bare `7`, as rows have it, is in column 0.
fn corner_of(position: &str) -> Option<(u32, u32)> {
    let letters = position.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (column, row) = position.split_at_checked(letters)?;
    if column.len() > 3 || row.is_empty() || row.len() > 7 || !row.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let column = column.bytes().fold(0, |sum, letter| sum * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    Some((row.parse().ok()?, column))
}

/// A reader that gives no more than its allowance and remembers that more was there.
struct Metered<R> {
    inner: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => {
                self.exceeded = true;
                Err(io::Error::other("more than the allowance"))
            }
        }
    }
}

fn check(holds: bool, what: &'static str, limit: u64) -> Result<(), Unreadable> {
    if holds { Ok(()) } else { Err(too_large(what, limit)) }
}

pub(crate) fn too_large(what: &'static str, limit: u64) -> Unreadable {
    Unreadable::TooLarge { what, limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_excel_writes_them() {
        assert_eq!(corner_of("A1"), Some((1, 1)));
        assert_eq!(corner_of("XFD1048576"), Some((1_048_576, 16_384)));
        assert_eq!(corner_of("7"), Some((7, 0)));
    }

    #[test]
    fn positions_that_would_overflow_are_malformed() {
        for position in ["", "A", "ZZZZZZZZ1", "A99999999999", "A1B", "一1", "A-1"] {
            assert_eq!(corner_of(position), None, "{position}");
        }
    }
}
