//! How a picture is to be turned: the one thing of its EXIF that is kept. Pure.

use exif::{In, Reader, Tag};

/// The orientation that EXIF (a TIFF structure) names, if it is another than upright.
pub(super) fn orientation(tiff: &[u8]) -> Option<u8> {
    let read = Reader::new().read_raw(tiff.to_vec()).ok()?;
    let turned = read.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0)?;
    u8::try_from(turned).ok().filter(|turned| (2..=8).contains(turned))
}

/// EXIF that says how the picture is to be turned, and nothing else. Source: TIFF 6.0, section 2.
pub(super) fn minimal_exif(turned: u8) -> Vec<u8> {
    let mut tiff = b"II*\0".to_vec();
    tiff.extend(8_u32.to_le_bytes()); // the first directory follows at once
    tiff.extend(1_u16.to_le_bytes()); // with one entry:
    tiff.extend(0x0112_u16.to_le_bytes()); // the orientation,
    tiff.extend(3_u16.to_le_bytes()); // which is a short,
    tiff.extend(1_u32.to_le_bytes()); // one of them,
    tiff.extend(u32::from(turned).to_le_bytes());
    tiff.extend(0_u32.to_le_bytes()); // and there is no other directory
    tiff
}
