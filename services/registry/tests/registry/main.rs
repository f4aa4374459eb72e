//! The registry through its real gRPC clients, on real Postgres and NATS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod disclosures;
mod exports;
mod grids;
mod households;
mod isolation;
mod keys;
mod lives;
mod merchants;
mod messy;
mod public_texts;
mod residents;
mod reveals;
mod roster;
mod search;
mod support;
mod villages;
