//! The codes inside names: of villages and sub-districts (official), of grids, areas and groups (the village's own),
//! of the two lines (the mechanism's). What a code's record is called, or whether there is one, is not known here.

use std::fmt;
use std::str::FromStr;

use super::{NameError, Part};
use crate::registry::v1::VillageKind;

/// Gives a code made of exactly so many ASCII digits its text, order and forms.
macro_rules! digits {
    ($($(#[doc = $doc:literal])+ $name:ident: $length:literal digits, a $what:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// The digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                // Only digits ever get in, so this never falls back.
                str::from_utf8(&self.0).unwrap_or_default()
            }

            fn read(text: &str) -> Result<Self, NameError> {
                let refuse = |why| NameError::part($what, text, why);
                if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(refuse("it has to be made of the digits 0 to 9 only"));
                }
                let digits = text
                    .as_bytes()
                    .try_into()
                    .map_err(|_| refuse(concat!("it has to have ", $length, " digits")))?;
                Ok(Self(digits))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self.as_str())
            }
        }
    )+};
}

digits! {
    /// The official code of a village or community, for example `430112011211`: 6 digits for the county, 3 for the
    /// sub-district, 3 for the village (200–399) or community (001–199). It is the tenant's id.
    VillageCode: 12 digits, a "village code";
    /// The official code of a sub-district or town, for example `430112011`: 6 digits for the county, 3 of its own.
    SubdistrictCode: 9 digits, a "sub-district code";
    /// The three digits of a grid, unique in its village for ever.
    GridCode: 3 digits, a "grid code";
}

impl VillageCode {
    /// The sub-district it belongs to.
    #[must_use]
    pub const fn subdistrict(&self) -> SubdistrictCode {
        let [a, b, c, d, e, f, g, h, i, ..] = self.0;
        SubdistrictCode([a, b, c, d, e, f, g, h, i])
    }

    /// Village or community: the last three digits say it.
    #[must_use]
    pub const fn kind(&self) -> VillageKind {
        let [.., hundreds, _, _] = self.0;
        if hundreds < b'2' { VillageKind::Community } else { VillageKind::Village }
    }
}

impl FromStr for VillageCode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let code = Self::read(text)?;
        let [.., hundreds, tens, ones] = code.0;
        if hundreds > b'3' || [hundreds, tens, ones] == *b"000" {
            return Err(NameError::part(
                "village code",
                text,
                "its last three digits have to be 001 to 199 for a community or 200 to 399 for a village",
            ));
        }
        Ok(code)
    }
}

impl FromStr for SubdistrictCode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::read(text)
    }
}

impl FromStr for GridCode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::read(text)
    }
}

/// A village's own code for an area or a group, for example `P01`, `01`, `D01`: kept as the village writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalCode(Box<str>);

impl LocalCode {
    /// The longest code, in characters.
    pub const MAX_LENGTH: usize = 16;

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two ways to write the same code have in common: a spreadsheet program drops the zeros before a number, so `1`
    /// and `01` are one code. Which of the two a village writes, is its own affair.
    #[must_use]
    pub fn meaning(&self) -> &str {
        let is_number = self.0.bytes().all(|byte| byte.is_ascii_digit());
        let bare = if is_number { self.0.trim_start_matches('0') } else { &*self.0 };
        if bare.is_empty() { "0" } else { bare }
    }
}

impl fmt::Display for LocalCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl FromStr for LocalCode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !fits {
            let why = "it has to have 1 to 16 characters, each an ASCII letter, a digit or a hyphen";
            return Err(NameError::part("code of an area or group", text, why));
        }
        Ok(Self(text.into()))
    }
}

/// The two lines, as they stand in names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineCode {
    /// 主线一: `relocated`.
    Relocated,
    /// 主线二: `rebuilt`.
    Rebuilt,
}

impl LineCode {
    /// Both, line one first.
    pub const ALL: [Self; 2] = [Self::Relocated, Self::Rebuilt];

    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relocated => "relocated",
            Self::Rebuilt => "rebuilt",
        }
    }
}

impl fmt::Display for LineCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl FromStr for LineCode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL
            .into_iter()
            .find(|line| line.as_str() == text)
            .ok_or_else(|| NameError::part("line", text, "it has to be relocated or rebuilt"))
    }
}

macro_rules! parts {
    ($($code:ident)+) => {$(
        impl Part for $code {
            fn parse(text: &str) -> Result<Self, NameError> {
                text.parse()
            }
        }
    )+};
}

parts! { VillageCode GridCode LocalCode LineCode }
