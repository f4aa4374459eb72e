//! The contract: packages, messages and resource names.
//!
//! The `.proto` files beside this crate are the contract itself; `errors.md` lists the reasons a call may fail for.
//! What is here besides the generated code is what every side of the contract needs in the same form:
//! [`names`] of resources, [`time`] in messages, [`mark`]s as text, [`events`] and the [`reasons`] of errors.
//! No rules, no storage, no transport.

pub mod events;
pub mod mark;
pub mod names;
pub mod reasons;
pub mod time;

pub use lianxin::{casework, liaison, platform, registry, reporting};

/// Every file of the contract with its comments, as an encoded `google.protobuf.FileDescriptorSet`: for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Google's common types, as far as the contract uses them.
pub mod google {
    /// Civil dates.
    #[allow(missing_docs, clippy::all, reason = "generated")]
    pub mod r#type {
        include!(concat!(env!("OUT_DIR"), "/google.r#type.rs"));
    }
}

/// The packages as prost nests them: generated code finds its neighbours by the path of their package.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod lianxin {
    /// What every service serves, and what imports answer with.
    pub mod platform {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/lianxin.platform.v1.rs"));
        }
    }
    /// What exists: villages, areas, groups, grids, households, residents, merchants.
    pub mod registry {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/lianxin.registry.v1.rs"));
        }
    }
    /// Who serves whom: members, lines, teams, links, coverage, visits.
    pub mod liaison {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/lianxin.liaison.v1.rs"));
        }
    }
    /// What was raised: concerns.
    pub mod casework {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/lianxin.casework.v1.rs"));
        }
    }
    /// Figures out of the work.
    pub mod reporting {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/lianxin.reporting.v1.rs"));
        }
    }
}
