//! Numbers that identify: a citizen, an organisation, a telephone.
//!
//! Parsed once at the edge and trusted afterwards. Each shows itself masked, gives its value only when
//! asked by [`exposed`](CitizenId::exposed), and never prints it in debug output.

mod citizen_id;
mod credit_code;
mod telephone;

pub use citizen_id::{CitizenId, Sex};
pub use credit_code::CreditCode;
pub use telephone::Telephone;
