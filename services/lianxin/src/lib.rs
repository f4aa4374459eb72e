//! The one binary: every service, and what an operator does with them.
//!
//! Read [`up`] for how everything comes together, [`onboard`] for how a village becomes a tenant.

pub mod attachments;
pub mod client;
pub mod events;
pub mod health;
pub mod keys;
pub mod migrate;
pub mod onboard;
pub mod report;
pub mod serve;
pub mod servers;
mod table;
pub mod tenant;
pub mod token;
pub mod up;
