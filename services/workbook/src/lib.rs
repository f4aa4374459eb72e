//! Excel and CSV sheets in and out, with row-by-row problems.
//!
//! Villages keep their rosters in workbooks that people have edited for years, and anyone with a
//! token may send any bytes under that name. This crate stands between: it refuses what is hostile
//! within bounded memory ([`Unreadable`]), finds the columns a caller describes ([`Column`]) however
//! they are ordered or worded, and reads each row whole, so that a clerk learns of every bad cell at
//! once ([`Problem`]) while the good rows go in.
//!
//! It knows no noun of the village: the caller says which sheet, which columns, and what a row means.
//! Messages are Chinese, for clerks; they never repeat a cell's value, which may be a person's number.
//!
//! ```
//! use workbook::{Column, Limits, Table, Workbook, write};
//!
//! const COLUMNS: &[Column] = &[
//!     Column::required("户编号").or(&["户号"]),
//!     Column::required("户主").or(&["户主姓名"]),
//!     Column::optional("登记日期"),
//! ];
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut table = Table::new("住户", &["户主姓名", "户号", "登记日期"]);
//! table.push(vec!["张三".into(), "00001".into(), "2023年5月1日".into()]);
//! table.push(vec!["李四".into(), "00002".into(), "2023.2.30".into()]);
//!
//! let mut book = Workbook::open(write(&[table])?, &Limits::default())?;
//! let read = book.sheet("住户", COLUMNS, |row| {
//!     let number = row.code("户编号");
//!     let head = row.name("户主");
//!     let since = row.date("登记日期"); // every cell is looked at before `?` leaves
//!     Some((number?, head?, since))
//! });
//! let (_, read) = read.map_err(|problems| format!("{problems:?}"))?;
//! assert_eq!(read.good.len(), 1);
//! assert_eq!(read.problems[0].to_string(), "“住户”第3行“登记日期”：没有这一天");
//! # Ok(())
//! # }
//! ```

mod book;
mod date;
pub mod formats;
mod inspect;
mod marked;
mod problem;
pub mod public;
mod row;
mod sheet;
mod text;
mod value;
mod write;

pub use book::Workbook;
pub use inspect::Limits;
pub use marked::{Mark, Unmarkable, marked};
pub use problem::{Problem, Refusal, Unreadable};
pub use row::{Row, WORD_SEPARATORS};
pub use sheet::{Column, Rows, Sheet};
pub use write::{Cell, Table, Unwritable, Writer, write, write_csv_row};
