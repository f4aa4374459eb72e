//! Tokens: a JWT (RFC 7519) signed by a key of the configured key set (JWKS, RFC 7517).
//!
//! ```json
//! { "sub": "dai.hualiang", "aud": "lianxin", "exp": 1790000000,
//!   "grants": [ { "office": "representative", "scope": "430112011211", "grids": ["027"] } ] }
//! ```
//!
//! A grant without `grids` is for every grid of its scope; leaders and representatives must name theirs,
//! so that a forgotten field never opens a village. Only asymmetric algorithms are accepted.

mod keys;
mod signer;

use std::collections::BTreeSet;

use proto::names::GridCode;
use serde::{Deserialize, Serialize};

use super::{Grant, Office};

pub use keys::Keys;
pub use signer::Signer;

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Stable name of the person or system.
    pub sub: String,
    /// Whom the token is meant for.
    pub aud: String,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// When it begins, in seconds since 1970; at once, if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// What the holder may do.
    pub grants: Vec<GrantClaim>,
}

/// A grant as it stands in a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantClaim {
    /// The office held.
    pub office: Office,
    /// 6, 9 or 12 digits.
    pub scope: String,
    /// Three-digit grid codes; absent for all grids of the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grids: Option<BTreeSet<String>>,
}

impl GrantClaim {
    /// The grant, if a service would accept it.
    #[must_use]
    pub fn read(self) -> Option<Grant> {
        let grids = match self.grids {
            Some(codes) => Some(codes.iter().map(|code| code.parse().ok()).collect::<Option<BTreeSet<GridCode>>>()?),
            None if matches!(self.office, Office::Leader | Office::Representative) => return None,
            None => None,
        };
        Some(Grant { office: self.office, scope: self.scope.parse().ok()?, grids })
    }
}

#[cfg(test)]
mod tests;
