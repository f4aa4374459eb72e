//! A process and its duties: everything a service needs that is not its business.
//!
//! Configuration, telemetry, the gRPC server, who is calling and what they may do, the scope that
//! every transaction names, idempotent requests, pages, sensitive fields, and the one place where an
//! error becomes a gRPC status. It knows no business noun; what it must never do is to offer a way
//! around the scope.

pub mod caller;
mod choice;
pub mod clearance;
pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod import;
pub mod page;
pub mod request;
pub mod revision;
pub mod scope;
pub mod secret;
pub mod server;
pub mod telemetry;
pub mod together;
pub mod vault;

pub use caller::{Authority, Caller, Office};
pub use clock::Clock;
pub use config::Config;
pub use database::{Database, Tx};
pub use error::{Error, OnConstraint, Result, Violations};
pub use page::Page;
pub use request::Request;
pub use scope::Scope;
pub use secret::Secret;
pub use server::{Process, Server};
pub use together::{Desk, Together};
pub use vault::Vault;
