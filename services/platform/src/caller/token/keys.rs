//! The keys that tokens are checked against, and the tokens that were: each is checked once, as long as it holds.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

use super::{Claims, GrantClaim};
use crate::caller::Grant;
use crate::error::{Error, Result};

/// Keys are read again at least this often, so that a withdrawn key stops working.
const KEYS_LIVE: Duration = Duration::from_secs(300);
/// A token with an unknown key makes us look again, but not more often than this.
const KEYS_REST: Duration = Duration::from_secs(5);
/// Tokens remembered as verified; some thousand people work at once.
const REMEMBERED: usize = 10_000;
/// How long we wait for the key set's address.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;
const INVALID: Error =
    Error::Unauthenticated("the token is expired or not yet valid, not for this platform, or its signature is wrong");

enum Source {
    File(PathBuf),
    Address(reqwest::Client, String),
}

/// The key set that tokens are checked against, read again from time to time.
pub struct Keys {
    source: Source,
    audience: String,
    keys: RwLock<HashMap<String, (Algorithm, DecodingKey)>>,
    read_at: Mutex<Option<Instant>>,
    verified: RwLock<HashMap<[u8; 32], Arc<Verified>>>,
}

/// What a token said whose signature was right. Checking it costs as much as three statements of the database, and people
/// call with the same token all day. Tokens themselves are not kept, but their SHA-256.
struct Verified {
    subject: String,
    grants: Vec<Grant>,
    /// From when until when it holds, in seconds since 1970.
    valid: (i64, i64),
}

impl Verified {
    fn holds(&self, now: i64) -> bool {
        let (from, until) = self.valid;
        (from.saturating_sub(LEEWAY)..=until.saturating_add(LEEWAY)).contains(&now)
    }
}

impl Keys {
    /// Keys from a JWKS file or an https address.
    ///
    /// # Errors
    /// When they cannot be read now: a service that cannot tell its callers apart does not start.
    pub async fn open(jwks: &str, audience: &str) -> Result<Self> {
        let source = if jwks.starts_with("http://") {
            return Err(Error::internal("keys that come over http may be anybody's: give a file or an https address"));
        } else if jwks.starts_with("https://") {
            let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().map_err(Error::internal)?;
            Source::Address(client, jwks.to_owned())
        } else {
            Source::File(PathBuf::from(jwks))
        };
        let keys = Self {
            source,
            audience: audience.to_owned(),
            keys: RwLock::default(),
            read_at: Mutex::default(),
            verified: RwLock::default(),
        };
        keys.read().await?;
        Ok(keys)
    }

    /// Checks a token and reads its grants.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], with what is wrong but nothing of the token.
    pub async fn verify(&self, token: &str) -> Result<(String, Vec<Grant>)> {
        self.refresh(KEYS_LIVE).await;
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        let digest = *digest.as_ref().first_chunk().ok_or_else(|| Error::internal("a digest is too short"))?;
        let remembered = self.verified.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let verified = match remembered {
            Some(verified) => verified,
            None => self.remember(digest, self.check(token).await?),
        };
        let now = jsonwebtoken::get_current_timestamp().try_into().unwrap_or(i64::MAX);
        // A token that is remembered ends all the same.
        if !verified.holds(now) {
            return Err(INVALID);
        }
        Ok((verified.subject.clone(), verified.grants.clone()))
    }

    async fn check(&self, token: &str) -> Result<Verified> {
        let header = decode_header(token).map_err(|_| Error::Unauthenticated("the token is not a JWT"))?;
        let kid = header.kid.ok_or(Error::Unauthenticated("the token names no key (kid)"))?;
        if self.get(&kid).is_none() {
            self.refresh(KEYS_REST).await;
        }
        let (algorithm, key) = self.get(&kid).ok_or(Error::Unauthenticated("the token's key is not in the key set"))?;
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY.unsigned_abs();
        validation.set_audience(&[&self.audience]);
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        let claims = decode::<Claims>(token, &key, &validation).map_err(|_| INVALID)?.claims;
        let grants = claims.grants.into_iter().map(GrantClaim::read).collect::<Option<Vec<_>>>();
        let grants = grants.ok_or(Error::Unauthenticated(
            "a grant of the token is malformed: scope of 6, 9 or 12 digits, grids of three; leaders and representatives name theirs",
        ))?;
        Ok(Verified { subject: claims.sub, grants, valid: (claims.nbf.unwrap_or(i64::MIN), claims.exp) })
    }

    fn remember(&self, digest: [u8; 32], verified: Verified) -> Arc<Verified> {
        let verified = Arc::new(verified);
        let mut all = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(digest, verified.clone());
        verified
    }

    /// Reads the key set again if that was last done so long ago.
    async fn refresh(&self, after: Duration) {
        if self.due(after)
            && let Err(error) = self.read().await
        {
            // The keys we have stay good while the key set cannot be reached.
            tracing::warn!(%error, "the key set could not be read again");
        }
    }

    fn get(&self, kid: &str) -> Option<(Algorithm, DecodingKey)> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// Is it time to read again? Says yes to one caller only.
    fn due(&self, after: Duration) -> bool {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = read_at.is_none_or(|at| at.elapsed() >= after);
        if due {
            *read_at = Some(Instant::now());
        }
        due
    }

    pub(super) async fn read(&self) -> Result<()> {
        let set: JwkSet = match &self.source {
            Source::File(path) => {
                let text = tokio::fs::read(path)
                    .await
                    .map_err(|error| Error::internal(format!("key set {}: {error}", path.display())))?;
                serde_json::from_slice(&text).map_err(Error::internal)?
            }
            Source::Address(client, address) => {
                let answer = client.get(address).send().await.and_then(reqwest::Response::error_for_status);
                answer.map_err(Error::internal)?.json().await.map_err(Error::internal)?
            }
        };
        let keys: HashMap<_, _> = set.keys.iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(Error::internal("the key set holds no key that can be used (asymmetric, with kid and alg)"));
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        // Whose key was withdrawn has to be found out again.
        self.verified.write().unwrap_or_else(PoisonError::into_inner).clear();
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }
}

fn usable(jwk: &Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    let algorithm = jwk.common.key_algorithm?.to_string().parse().ok()?;
    let shared_secret = matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
    let key = if shared_secret { None } else { DecodingKey::from_jwk(jwk).ok() }?;
    Some((jwk.common.key_id.clone()?, (algorithm, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_remembered_holds_no_longer_than_it_says() {
        let verified = Verified { subject: String::new(), grants: Vec::new(), valid: (1_000, 2_000) };
        for (now, holds) in [(939, false), (940, true), (1_500, true), (2_060, true), (2_061, false)] {
            assert_eq!(verified.holds(now), holds, "{now}");
        }
    }
}
