//! What a file is, by what is in it, and what is taken out of it before it is kept. Pure.
//!
//! A camera notes beside a picture where and when it was taken, with what, and often a smaller picture of it. All of that is
//! nobody's business here and goes; how the picture is to be turned stays. What cannot be taken apart is not kept.
//!
//! A document is kept byte for byte. What a PDF says of itself (title, author, program, days, in its Info dictionary and its
//! XMP) may be packed in streams, and what camera notes its pictures carry always is; to take that out, the whole has to be
//! written anew, which would change what was signed. The contract says so, so that nobody thinks otherwise.

mod heic;
mod jpeg;
mod orientation;

use bytes::Bytes;
use img_parts::ImageEXIF;
use img_parts::png::Png;
use img_parts::webp::{CHUNK_ALPH, CHUNK_ANIM, CHUNK_ANMF, CHUNK_ICCP, CHUNK_VP8, CHUNK_VP8L, CHUNK_VP8X, WebP};

use orientation::{minimal_exif, orientation};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Webp,
    Heic,
    Pdf,
}

/// The file does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Bytes at the beginning of a file by which it is told what it is.
pub(crate) const TELLING: usize = 64;
/// Chunks of a PNG by which it looks as it does; of the others none is needed to show it.
const PNG_LOOKS: &[&[u8; 4]] = &[
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"cICP", b"mDCV", b"cLLI", b"acTL",
    b"fcTL", b"fdAT",
];
/// The same of a WebP.
const WEBP_LOOKS: &[[u8; 4]] = &[CHUNK_VP8X, CHUNK_VP8, CHUNK_VP8L, CHUNK_ALPH, CHUNK_ANIM, CHUNK_ANMF, CHUNK_ICCP];

impl Kind {
    const ALL: &[(Self, &'static str, &'static str)] = &[
        (Self::Jpeg, "jpeg", "image/jpeg"),
        (Self::Png, "png", "image/png"),
        (Self::Webp, "webp", "image/webp"),
        (Self::Heic, "heic", "image/heic"),
        (Self::Pdf, "pdf", "application/pdf"),
    ];

    /// What a file is that begins so; none: nothing that is kept.
    pub(crate) fn of(begins: &[u8]) -> Option<Self> {
        let has = |at: usize, what: &[u8]| begins.get(at..).is_some_and(|rest| rest.starts_with(what));
        if has(0, &[0xFF, 0xD8, 0xFF]) {
            Some(Self::Jpeg)
        } else if has(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if has(0, b"RIFF") && has(8, b"WEBP") {
            Some(Self::Webp)
        } else if has(0, b"%PDF-") {
            Some(Self::Pdf)
        } else if heic::is_heic(begins) {
            Some(Self::Heic)
        } else {
            None
        }
    }

    /// The word that stands in the database.
    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }

    /// The kind of a word of the database.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(kind, ..)| *kind)
    }

    /// As the web calls it.
    pub(crate) fn media_type(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, _, media)| media)
    }

    pub(crate) const fn is_picture(self) -> bool {
        !matches!(self, Self::Pdf)
    }
}

/// The file without what is nobody's business.
///
/// # Errors
/// [`Damaged`] when it ends early, or is not what it begins as.
pub(crate) fn clean(kind: Kind, mut file: Vec<u8>) -> Result<Bytes, Damaged> {
    match kind {
        Kind::Jpeg => jpeg::clean(&file).map(Bytes::from).ok_or(Damaged),
        Kind::Png => {
            let mut png = Png::from_bytes(file.into()).map_err(|_| Damaged)?;
            if png.chunks().last().is_none_or(|last| last.kind() != *b"IEND") {
                return Err(Damaged);
            }
            let turned = png.exif().and_then(|exif| orientation(&exif));
            // Chunks without which it cannot be shown begin with a capital.
            png.chunks_mut().retain(|chunk| {
                let kind = chunk.kind();
                kind.first().is_some_and(u8::is_ascii_uppercase) || PNG_LOOKS.iter().any(|looks| **looks == kind)
            });
            png.set_exif(turned.map(|turned| minimal_exif(turned).into()));
            Ok(png.encoder().bytes())
        }
        Kind::Webp => {
            let mut webp = WebP::from_bytes(file.into()).map_err(|_| Damaged)?;
            let turned = webp.exif().and_then(|exif| orientation(&exif));
            webp.chunks_mut().retain(|chunk| WEBP_LOOKS.contains(&chunk.id()));
            webp.set_exif(turned.map(|turned| minimal_exif(turned).into()));
            Ok(webp.encoder().bytes())
        }
        Kind::Heic => heic::clean(&mut file).map(|()| file.into()).ok_or(Damaged),
        Kind::Pdf => {
            // Its last lines say where its parts are.
            let end = file.get(file.len().saturating_sub(1024)..).unwrap_or_default();
            let is_whole = end.windows(5).any(|bytes| bytes == b"%%EOF");
            if is_whole { Ok(file.into()) } else { Err(Damaged) }
        }
    }
}

#[cfg(test)]
mod tests;
