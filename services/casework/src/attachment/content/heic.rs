//! HEIC pictures. Pure. Source: ISO/IEC 14496-12, 8.11 (boxes `meta`, `iinf`, `iloc`); ISO/IEC 23008-12, annex A.
//!
//! EXIF and XMP are items among others, and where each item's bytes lie is written down in numbers that would all change if
//! any were taken out: so they are overwritten with zeros where they lie. How the picture is to be turned is a property of
//! the image item (`irot`, `imir`), which EXIF only repeats, and stays.

use std::ops::Range;

/// Brands of still pictures.
const BRANDS: &[&[u8]] = &[b"heic", b"heix", b"heim", b"heis"];
/// Items that describe the picture to people and programs, and are not seen.
const DESCRIBING: &[&[u8]] = &[b"Exif", b"mime", b"uri "];
/// Items of a file: more than any camera writes.
const ITEMS: u32 = 10_000;

/// Is it one, by how it begins?
pub(super) fn is_heic(begins: &[u8]) -> bool {
    let brands = || begins.get(8..).unwrap_or_default().chunks_exact(4);
    begins.get(4..8) == Some(b"ftyp") && brands().any(|brand| BRANDS.contains(&brand))
}

/// A box: its type, and where its content lies.
struct Part {
    kind: [u8; 4],
    content: Range<usize>,
}

/// Overwrites what describes the picture; none if it cannot be found for certain.
pub(super) fn clean(file: &mut [u8]) -> Option<()> {
    let mut describing: Vec<Range<usize>> = Vec::new();
    let mut has_picture = false;
    for part in parts(file, 0..file.len())? {
        match &part.kind {
            b"meta" => {
                has_picture = true;
                describing.extend(describing_items(file, part.content)?);
            }
            b"ftyp" | b"mdat" => {}
            b"free" | b"skip" | b"uuid" | b"udta" => describing.push(part.content),
            // A film among it, or something that nobody knows.
            _ => return None,
        }
    }
    for range in describing {
        file.get_mut(range)?.fill(0);
    }
    has_picture.then_some(())
}

/// The boxes within a range, one after the other to its end.
fn parts(file: &[u8], within: Range<usize>) -> Option<Vec<Part>> {
    let mut found = Vec::new();
    let mut at = within.start;
    while at < within.end {
        let mut reader = Reader { file, at, end: within.end };
        let size = reader.number(4)?;
        let kind = reader.kind()?;
        let end = match size {
            0 => within.end,
            1 => at.checked_add(usize::try_from(reader.number(8)?).ok()?)?,
            size => at.checked_add(usize::try_from(size).ok()?)?,
        };
        if end < reader.at || end > within.end {
            return None;
        }
        found.push(Part { kind, content: reader.at..end });
        at = end;
    }
    Some(found)
}

/// Where the bytes of the items lie that describe the picture.
fn describing_items(file: &[u8], meta: Range<usize>) -> Option<Vec<Range<usize>>> {
    // Version and flags come first.
    let parts = parts(file, meta.start.checked_add(4)?..meta.end)?;
    let content = |kind: &[u8; 4]| parts.iter().find(|part| part.kind == *kind).map(|part| part.content.clone());
    let describing = match content(b"iinf") {
        Some(iinf) => described_by(file, iinf)?,
        None => Vec::new(),
    };
    if describing.is_empty() {
        return Some(Vec::new());
    }
    extents(file, content(b"iloc")?, content(b"idat"), &describing)
}

/// The ids of those items.
fn described_by(file: &[u8], iinf: Range<usize>) -> Option<Vec<u64>> {
    let mut reader = Reader { file, at: iinf.start, end: iinf.end };
    let version = reader.version()?;
    reader.number(if version == 0 { 2 } else { 4 })?; // how many there are
    let mut ids = Vec::new();
    for part in parts(file, reader.at..iinf.end)? {
        let mut entry = Reader { file, at: part.content.start, end: part.content.end };
        let id_length = match (part.kind == *b"infe").then(|| entry.version())?? {
            2 => 2,
            3 => 4,
            _ => return None, // older ones do not say of what type an item is
        };
        let id = entry.number(id_length)?;
        entry.number(2)?; // protection
        if DESCRIBING.contains(&&entry.kind()?[..]) {
            ids.push(id);
        }
    }
    Some(ids)
}

/// Where the bytes of these items lie.
fn extents(file: &[u8], iloc: Range<usize>, idat: Option<Range<usize>>, items: &[u64]) -> Option<Vec<Range<usize>>> {
    let mut reader = Reader { file, at: iloc.start, end: iloc.end };
    let version = reader.version()?;
    let sizes = reader.number(2)?;
    let size = |shift: u32| usize::try_from((sizes >> shift) & 0xF).ok();
    let (offset, length, base, index) = (size(12)?, size(8)?, size(4)?, size(0)?);
    let count = reader.number(if version < 2 { 2 } else { 4 })?;
    let mut found = Vec::new();
    for _ in 0..u32::try_from(count).ok().filter(|count| *count <= ITEMS)? {
        let id = reader.number(if version < 2 { 2 } else { 4 })?;
        let method = if version == 0 { 0 } else { reader.number(2)? & 0xF };
        let elsewhere = reader.number(2)?;
        let base = reader.number(base)?;
        for _ in 0..reader.number(2)? {
            if version > 0 {
                reader.number(index)?;
            }
            let begins = usize::try_from(base.checked_add(reader.number(offset)?)?).ok()?;
            let bytes = usize::try_from(reader.number(length)?).ok()?;
            if !items.contains(&id) {
                continue;
            }
            let (origin, limit) = match (method, elsewhere, &idat) {
                (0, 0, _) => (0, file.len()),
                (1, 0, Some(idat)) => (idat.start, idat.end),
                _ => return None,
            };
            let begins = origin.checked_add(begins)?;
            let ends = begins.checked_add(bytes).filter(|ends| bytes > 0 && *ends <= limit)?;
            found.push(begins..ends);
        }
    }
    Some(found)
}

/// Reads numbers one after the other.
struct Reader<'f> {
    file: &'f [u8],
    at: usize,
    end: usize,
}

impl Reader<'_> {
    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let next = self.at.checked_add(length).filter(|next| *next <= self.end)?;
        let taken = self.file.get(self.at..next)?;
        self.at = next;
        Some(taken)
    }

    /// A number of so many bytes, at most eight.
    fn number(&mut self, length: usize) -> Option<u64> {
        if length > 8 {
            return None;
        }
        Some(self.take(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn kind(&mut self) -> Option<[u8; 4]> {
        self.take(4)?.try_into().ok()
    }

    /// The version, after which flags come.
    fn version(&mut self) -> Option<u64> {
        Some(self.number(4)? >> 24)
    }
}
