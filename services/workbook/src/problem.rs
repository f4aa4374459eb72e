//! What can be wrong: with a whole file, with a place in it, or with one value.
//!
//! Each carries a constant reason for programs and a Chinese message for the clerk, and none carries
//! the value itself: reports are kept and mailed around, and the value may be a person's number.

use std::borrow::Cow;
use std::fmt;

/// Why a file cannot be read at all. Nothing of it was taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Neither a workbook nor, where one was expected, a table of text.
    #[error("这不是Excel工作簿（.xlsx），请用Excel或WPS打开后另存为.xlsx再上传")]
    NotAWorkbook,
    /// The container of `.xls` files, and also of `.xlsx` files with a password.
    #[error("这是旧版Excel文件（.xls）或设了密码的文件，请去掉密码并另存为.xlsx再上传")]
    OldOrEncrypted,
    /// CSV that is neither UTF-8 nor GBK, which Excel in China writes by default.
    #[error("CSV文件既不是UTF-8编码也不是GBK编码，请另存为“CSV UTF-8（逗号分隔）”或.xlsx再上传")]
    NotUtf8,
    /// Beyond a bound of [`Limits`](crate::Limits).
    #[error("{what}超过上限{limit}，请删除多余的行、列、格式或拆成几个文件再上传")]
    TooLarge {
        /// What was counted, in Chinese.
        what: &'static str,
        /// The bound, in the unit that `what` names.
        limit: u64,
    },
    /// A document type or entity declaration, which no spreadsheet program writes.
    #[error("文件里含有工作簿不应有的内容（DOCTYPE），已拒绝读取")]
    Hostile,
    /// Truncated or otherwise broken. The detail is for the log, in English.
    #[error("文件已损坏，请用Excel或WPS打开确认后另存再上传")]
    Damaged(String),
}

impl Unreadable {
    /// The constant name of this reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAWorkbook => "NOT_A_WORKBOOK",
            Self::OldOrEncrypted => "OLD_OR_ENCRYPTED",
            Self::NotUtf8 => "NOT_UTF8",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::Hostile => "HOSTILE_CONTENT",
            Self::Damaged(_) => "DAMAGED",
        }
    }

    pub(crate) fn damaged(cause: impl fmt::Display) -> Self {
        Self::Damaged(cause.to_string())
    }
}

/// Why one value is refused, before it is known where the value stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Constant name, such as `NO_SUCH_DATE`.
    pub reason: &'static str,
    /// What is wrong and what to do, in Chinese, without the value.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// A refusal with its constant reason and its Chinese message.
    pub fn new(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// A refusal with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The sheet, as the caller named it.
    pub sheet: String,
    /// The row as Excel numbers it, from 1; 0 where the whole sheet is meant.
    pub row: u32,
    /// The heading as written in the file, so that the clerk finds it; the described name where the
    /// file has no such column; empty where the whole row or sheet is meant.
    pub column: String,
    /// Constant name, such as `BLANK` or `NO_SUCH_DATE`.
    pub reason: &'static str,
    /// What is wrong and what to do, in Chinese, without the value.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(sheet: &str, row: u32, column: &str, refusal: Refusal) -> Self {
        Self {
            sheet: sheet.to_owned(),
            row,
            column: column.to_owned(),
            reason: refusal.reason,
            message: refusal.message.into_owned(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}”", self.sheet)?;
        if self.row > 0 {
            write!(f, "第{}行", self.row)?;
        }
        if !self.column.is_empty() {
            write!(f, "“{}”", self.column)?;
        }
        write!(f, "：{}", self.message)
    }
}
