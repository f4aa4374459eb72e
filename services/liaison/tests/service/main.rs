//! Liaison through its real gRPC clients, with the registry's news told by a stand-in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod archived;
mod batches;
mod coverage;
mod due;
mod entrance;
mod gaps;
mod handover;
mod keys;
mod law;
mod links;
mod members;
mod merchants;
mod news;
mod one_record;
mod proposals;
mod real;
mod roster;
mod stand;
mod teams;
mod visits;
