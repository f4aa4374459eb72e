#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Reader, Tag, Value};
use img_parts::png::PngChunk;
use img_parts::riff::{RiffChunk, RiffContent};
use proptest::prelude::*;

use super::*;

const SECRET: &[u8] = b"Zhang San's telephone";

/// EXIF as a telephone writes it: where it was taken, with what, and that the picture lies on its side.
fn exif() -> Vec<u8> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let rational = |num| Rational { num, denom: 1 };
    let fields = [
        field(Tag::Orientation, Value::Short(vec![6])),
        field(Tag::Model, Value::Ascii(vec![SECRET.to_vec()])),
        field(Tag::GPSLatitudeRef, Value::Ascii(vec![b"N".to_vec()])),
        field(Tag::GPSLatitude, Value::Rational(vec![rational(28), rational(21), rational(7)])),
        field(Tag::GPSLongitude, Value::Rational(vec![rational(112), rational(49), rational(3)])),
    ];
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut written = Cursor::new(Vec::new());
    writer.write(&mut written, true).unwrap();
    written.into_inner()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], content].concat()
}

/// A picture that is progressive (two scans), with everything around it that may be.
fn jpeg() -> Vec<u8> {
    [
        vec![0xFF, 0xD8],
        segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"),
        segment(0xE1, &[b"Exif\0\0", &exif()[..]].concat()),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()),
        segment(0xE2, b"ICC_PROFILE\0\x01\x01colours"),
        segment(0xE2, &[b"MPF\0", SECRET].concat()),
        segment(0xED, &[b"Photoshop 3.0\0", SECRET].concat()),
        segment(0xFE, SECRET),
        segment(0xDB, &[0; 65]),
        segment(0xC2, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]),
        segment(0xDA, &[1, 1, 0, 0, 0, 0]),
        vec![0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56],
        segment(0xFE, SECRET),
        segment(0xC4, &[0xFF, 0xD9, 0, 0]),
        segment(0xDA, &[1, 1, 0, 0, 0, 0]),
        vec![0x78, 0xFF, 0xD9],
        SECRET.to_vec(), // a film, or a second picture
    ]
    .concat()
}

fn png() -> Vec<u8> {
    let chunks = [
        (*b"IHDR", vec![0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]),
        (*b"eXIf", exif()),
        (*b"tEXt", SECRET.to_vec()),
        (*b"iTXt", SECRET.to_vec()),
        (*b"tIME", SECRET[..7].to_vec()),
        (*b"gAMA", vec![0, 1, 2, 3]),
        (*b"IDAT", vec![1, 2, 3]),
        (*b"IEND", Vec::new()),
    ];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in chunks {
        file.extend(PngChunk::new(kind, content.into()).encoder().bytes());
    }
    file.extend(SECRET);
    file
}

fn webp() -> Vec<u8> {
    let chunk = |id: &[u8; 4], content: Vec<u8>| RiffChunk::new(*id, RiffContent::Data(content.into()));
    let chunks = vec![
        chunk(b"VP8X", vec![0x0C, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        chunk(b"VP8 ", vec![0, 0, 0, 0x9D, 0x01, 0x2A, 1, 0, 1, 0]),
        chunk(b"EXIF", exif()),
        chunk(b"XMP ", SECRET.to_vec()),
        chunk(b"note", SECRET.to_vec()),
    ];
    RiffChunk::new(*b"RIFF", RiffContent::List { kind: Some(*b"WEBP"), subchunks: chunks }).encoder().bytes().to_vec()
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len() + 8).unwrap().to_be_bytes()[..], kind, content].concat()
}

/// A picture whose EXIF is item 2 and lies in `mdat`, after the image data.
fn heic() -> Vec<u8> {
    let exif = [&[0, 0, 0, 0], &exif()[..]].concat();
    let entry =
        |id: u16, kind: &[u8; 4]| boxed(b"infe", &[&[2, 0, 0, 0], &id.to_be_bytes()[..], &[0, 0], kind, &[0]].concat());
    let iinf = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 2][..], &entry(1, b"hvc1"), &entry(2, b"Exif")].concat());
    let ftyp = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
    let iloc = |image: u32, described: u32| {
        let item = |id: u16, at: u32, length: usize| {
            let length = u32::try_from(length).unwrap();
            [&id.to_be_bytes()[..], &[0, 0], &1_u16.to_be_bytes(), &at.to_be_bytes(), &length.to_be_bytes()].concat()
        };
        let items = [item(1, image, 5), item(2, described, exif.len())].concat();
        boxed(b"iloc", &[&[0, 0, 0, 0, 0x44, 0, 0, 2][..], &items].concat())
    };
    let meta = |iloc: &[u8]| boxed(b"meta", &[&[0, 0, 0, 0][..], &iinf, iloc].concat());
    let before = u32::try_from(ftyp.len() + meta(&iloc(0, 0)).len() + 8).unwrap();
    let mdat = boxed(b"mdat", &[b"image", &exif[..]].concat());
    [ftyp, meta(&iloc(before, before + 5)), mdat, boxed(b"uuid", SECRET)].concat()
}

fn contains(file: &[u8], what: &[u8]) -> bool {
    file.windows(what.len()).any(|bytes| bytes == what)
}

#[test]
fn a_file_is_what_its_content_says() {
    assert_eq!(Kind::of(&jpeg()), Some(Kind::Jpeg));
    assert_eq!(Kind::of(&png()), Some(Kind::Png));
    assert_eq!(Kind::of(&webp()), Some(Kind::Webp));
    assert_eq!(Kind::of(&heic()), Some(Kind::Heic));
    assert_eq!(Kind::of(b"%PDF-1.7\n"), Some(Kind::Pdf));
    let others: [&[u8]; 6] =
        [b"", b"GIF89a", b"\x7fELF", b"PK\x03\x04", b"<html>", b"\0\0\0\x18ftypisom\0\0\0\0mp42isom"];
    for other in others {
        assert_eq!(Kind::of(other), None, "{other:?}");
    }
}

#[test]
fn a_picture_loses_where_it_was_taken_and_keeps_how_it_is_turned() {
    for (kind, file) in [(Kind::Jpeg, jpeg()), (Kind::Png, png()), (Kind::Webp, webp())] {
        let before = Reader::new().read_from_container(&mut Cursor::new(&file)).unwrap();
        assert!(before.get_field(Tag::GPSLatitude, In::PRIMARY).is_some(), "{kind:?}: the test tests something");
        let cleaned = clean(kind, file).unwrap();
        let after = Reader::new().read_from_container(&mut Cursor::new(&cleaned)).unwrap();
        let fields: Vec<_> = after.fields().map(|field| (field.tag, field.value.get_uint(0))).collect();
        assert_eq!(fields, [(Tag::Orientation, Some(6))], "{kind:?}");
        assert!(!contains(&cleaned, SECRET), "{kind:?}");
        // It is still what it was, and clean already.
        assert_eq!(Kind::of(&cleaned), Some(kind));
        assert_eq!(clean(kind, cleaned.to_vec()).unwrap(), cleaned, "{kind:?}");
    }
}

#[test]
fn a_jpeg_keeps_its_scans_and_colours_and_ends_where_it_ends() {
    let cleaned = clean(Kind::Jpeg, jpeg()).unwrap();
    assert!(contains(&cleaned, b"ICC_PROFILE\0\x01\x01colours"));
    assert!(contains(&cleaned, &[0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56]));
    assert!(cleaned.ends_with(&[0x78, 0xFF, 0xD9]));
}

#[test]
fn the_exif_of_a_heic_is_zeros_and_its_image_is_as_it_was() {
    let file = heic();
    let before = Reader::new().read_from_container(&mut Cursor::new(&file)).unwrap();
    assert!(before.get_field(Tag::GPSLatitude, In::PRIMARY).is_some(), "the test tests something");
    let cleaned = clean(Kind::Heic, file.clone()).unwrap();
    assert_eq!(cleaned.len(), file.len());
    assert!(!contains(&cleaned, SECRET) && contains(&cleaned, b"image"));
    assert!(Reader::new().read_from_container(&mut Cursor::new(&cleaned)).is_err());
    // A film among it, or items that lie where nobody can look, are not kept.
    assert!(clean(Kind::Heic, [file.clone(), boxed(b"moov", b"")].concat()).is_err());
    assert!(clean(Kind::Heic, boxed(b"ftyp", b"heic\0\0\0\0heic")).is_err());
}

#[test]
fn what_ends_early_is_damaged() {
    for (kind, file) in [(Kind::Jpeg, jpeg()), (Kind::Png, png()), (Kind::Webp, webp()), (Kind::Heic, heic())] {
        let short = file[..file.len() / 2].to_vec();
        assert_eq!(clean(kind, short), Err(Damaged), "{kind:?}");
    }
    assert_eq!(clean(Kind::Pdf, b"%PDF-1.7\n1 0 obj".to_vec()), Err(Damaged));
    assert!(clean(Kind::Pdf, b"%PDF-1.7\n1 0 obj\nstartxref\n0\n%%EOF\n".to_vec()).is_ok());
}

proptest! {
    /// Whatever comes, nothing breaks; and what is kept does not grow but by how it is turned.
    #[test]
    fn whatever_comes_nothing_breaks(at in 0..2000_usize, byte: u8, cut in 0..2000_usize) {
        for (kind, mut file) in [(Kind::Jpeg, jpeg()), (Kind::Png, png()), (Kind::Webp, webp()), (Kind::Heic, heic())] {
            let length = file.len();
            file[at % length] = byte;
            file.truncate(length - cut % length);
            if let Ok(cleaned) = clean(kind, file.clone()) {
                prop_assert!(cleaned.len() <= file.len() + 64);
            }
        }
    }
}
