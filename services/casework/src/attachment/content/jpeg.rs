//! JPEG pictures, segment by segment. Pure. Source: ITU-T T.81, annex B; Exif 2.3, section 4.7.
//!
//! A telephone writes more than a picture into a file: EXIF, XMP, a second picture and sometimes a film after its end. Only
//! what the picture needs is copied, up to its own end.

use super::orientation::{minimal_exif, orientation};

const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const COM: u8 = 0xFE;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;
const EXIF: &[u8] = b"Exif\0\0";

/// The picture alone; none if it does not hold together.
pub(super) fn clean(file: &[u8]) -> Option<Vec<u8>> {
    let mut kept = file.get(..2)?.to_vec();
    let (mut at, mut turned, mut has_scan) = (2, None, false);
    loop {
        if *file.get(at)? != 0xFF {
            return None;
        }
        let marker = *file.get(at + 1)?;
        match marker {
            0xFF => at += 1, // a fill byte
            EOI => {
                kept.extend([0xFF, EOI]);
                break;
            }
            // Alone, without a length.
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => {
                let length = u16::from_be_bytes([*file.get(at + 2)?, *file.get(at + 3)?]);
                let next = at + 2 + usize::from(length);
                let segment = file.get(at..next)?;
                let content = segment.get(4..)?;
                if marker == APP1 && content.starts_with(EXIF) {
                    turned = turned.or_else(|| orientation(content.get(EXIF.len()..)?));
                }
                if is_needed(marker, content) {
                    kept.extend(segment);
                }
                at = next;
                if marker == SOS {
                    has_scan = true;
                    let end = end_of_scan(file, at)?;
                    kept.extend(file.get(at..end)?);
                    at = end;
                }
            }
        }
    }
    if let Some(turned) = turned {
        let exif = [EXIF, &minimal_exif(turned)].concat();
        let length = u16::try_from(exif.len() + 2).ok()?;
        let segment = [&[0xFF, APP1], &length.to_be_bytes()[..], &exif].concat();
        kept.splice(2..2, segment);
    }
    has_scan.then_some(kept)
}

/// Does the picture look as it does by this segment? Of those that applications add: JFIF, colours, and Adobe's way of them.
fn is_needed(marker: u8, content: &[u8]) -> bool {
    match marker {
        APP0 => content.starts_with(b"JFIF\0"),
        APP2 => content.starts_with(b"ICC_PROFILE\0"),
        APP14 => content.starts_with(b"Adobe"),
        APP1..=APP15 | COM => false,
        _ => true,
    }
}

/// Where the compressed data that begin here end: at the next marker that is no part of them.
fn end_of_scan(file: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += file.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        match *file.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}
