//! Tokens: a JWT (RFC 7519) signed by a key of the configured key set (JWKS, RFC 7517).
//!
//! ```json
//! { "sub": "dai.hualiang", "aud": "lianxin", "exp": 1790000000,
//!   "grants": [ { "office": "representative", "scope": "430112011211", "grids": ["027"] } ] }
//! ```
//!
//! A grant without `grids` is for every grid of its scope; leaders and representatives must name theirs,
//! so that a forgotten field never opens a village. Only asymmetric algorithms are accepted.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use proto::names::GridCode;
use serde::{Deserialize, Serialize};

use super::{Grant, Office};
use crate::error::{Error, Result};
use crate::secret::Secret;

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

impl Verified {
    fn holds(&self, now: i64) -> bool {
        let (from, until) = self.valid;
        (from.saturating_sub(LEEWAY)..=until.saturating_add(LEEWAY)).contains(&now)
    }
}

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

    async fn read(&self) -> Result<()> {
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

/// Signs tokens with an Ed25519 key, for trying things and for tests. In production the
/// sub-district's identity provider does this; only its public keys are configured here.
pub struct Signer {
    kid: String,
    key: EncodingKey,
}

impl Signer {
    /// A new private key (PKCS#8, base64) and the key set that belongs to it.
    ///
    /// # Errors
    /// When the machine has no randomness to give.
    pub fn generate() -> Result<(Secret, String)> {
        let pair = Ed25519KeyPair::generate().map_err(Error::internal)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(Error::internal)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let kid = key_id(&x);
        let jwks = serde_json::json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x },
        ]});
        Ok((Secret::new(format!("{kid}:{}", URL_SAFE_NO_PAD.encode(pkcs8.as_ref()))), jwks.to_string()))
    }

    /// A signer from the private key that [`Signer::generate`] made.
    ///
    /// # Errors
    /// When the text is not such a key.
    pub fn from_key(text: &Secret) -> Result<Self> {
        let malformed = || Error::internal("the signing key must hold `kid:` and a PKCS#8 key in base64");
        let (kid, pkcs8) = text.expose().split_once(':').ok_or_else(malformed)?;
        let pkcs8 = URL_SAFE_NO_PAD.decode(pkcs8).map_err(|_| malformed())?;
        Ok(Self { kid: kid.to_owned(), key: EncodingKey::from_ed_der(&pkcs8) })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// When the key is not an Ed25519 key.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &self.key).map_err(Error::internal)
    }
}

/// A key is named by the beginning of its public part.
fn key_id(public: &str) -> String {
    public.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    async fn keys_and_signer() -> (Keys, Signer) {
        let (key, jwks) = Signer::generate().unwrap();
        let file = std::env::temp_dir().join(format!("{}.jwks", uuid::Uuid::now_v7()));
        std::fs::write(&file, jwks).unwrap();
        let keys = Keys::open(file.to_str().unwrap(), "lianxin").await.unwrap();
        (keys, Signer::from_key(&key).unwrap())
    }

    fn claims(office: Office, scope: &str, grids: Option<&[&str]>) -> Claims {
        let grids = grids.map(|grids| grids.iter().map(ToString::to_string).collect());
        Claims {
            sub: "somebody".into(),
            aud: "lianxin".into(),
            exp: 4_000_000_000,
            nbf: None,
            grants: vec![GrantClaim { office, scope: scope.into(), grids }],
        }
    }

    #[tokio::test]
    async fn a_signed_token_is_read() {
        let (keys, signer) = keys_and_signer().await;
        let token = signer.sign(&claims(Office::Representative, "430112011211", Some(&["027"]))).unwrap();
        let (subject, grants) = keys.verify(&token).await.unwrap();
        assert_eq!((subject.as_str(), grants.len()), ("somebody", 1));
    }

    #[tokio::test]
    async fn keys_do_not_come_over_a_line_that_anybody_can_write_on() {
        let refused = Keys::open("http://127.0.0.1:1/jwks.json", "lianxin").await.err().unwrap();
        assert!(matches!(refused, Error::Internal(why) if why.to_string().contains("https")));
    }

    #[tokio::test]
    async fn a_token_of_another_key_is_refused() {
        let (keys, _) = keys_and_signer().await;
        let (_, other) = keys_and_signer().await;
        let token = other.sign(&claims(Office::Clerk, "430112011211", None)).unwrap();
        assert!(keys.verify(&token).await.is_err());
    }

    #[tokio::test]
    async fn an_expired_token_or_one_for_others_is_refused() {
        let (keys, signer) = keys_and_signer().await;
        let expired = Claims { exp: 1, ..claims(Office::Clerk, "430112011211", None) };
        let others = Claims { aud: "others".into(), ..claims(Office::Clerk, "430112011211", None) };
        for claims in [expired, others] {
            assert!(keys.verify(&signer.sign(&claims).unwrap()).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_valid_yet_is_refused() {
        let (keys, signer) = keys_and_signer().await;
        for (not_before, accepted) in [(3_900_000_000_i64, false), (1, true)] {
            let mut claims = serde_json::to_value(claims(Office::Clerk, "430112011211", None)).unwrap();
            claims.as_object_mut().unwrap().insert("nbf".into(), not_before.into());
            let header = Header { kid: Some(signer.kid.clone()), ..Header::new(Algorithm::EdDSA) };
            let token = encode(&header, &claims, &signer.key).unwrap();
            assert_eq!(keys.verify(&token).await.is_ok(), accepted);
        }
    }

    #[tokio::test]
    async fn a_representative_without_grids_and_an_odd_scope_are_refused() {
        let (keys, signer) = keys_and_signer().await;
        for claims in [
            claims(Office::Representative, "430112011211", None),
            claims(Office::Operator, "*", None),
            claims(Office::Operator, "", None),
            claims(Office::Clerk, "430112011211", Some(&["27"])),
        ] {
            assert!(keys.verify(&signer.sign(&claims).unwrap()).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_token_that_was_accepted_before_is_refused_once_its_key_is_withdrawn() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        let (key, jwks) = Signer::generate().unwrap();
        std::fs::write(&file, jwks).unwrap();
        let keys = Keys::open(file.to_str().unwrap(), "lianxin").await.unwrap();
        let token = Signer::from_key(&key).unwrap().sign(&claims(Office::Clerk, "430112011211", None)).unwrap();
        for _ in 0..2 {
            keys.verify(&token).await.unwrap();
        }
        std::fs::write(&file, Signer::generate().unwrap().1).unwrap();
        keys.read().await.unwrap();
        assert!(keys.verify(&token).await.is_err());
    }

    #[test]
    fn a_token_that_is_remembered_holds_no_longer_than_it_says() {
        let verified = Verified { subject: String::new(), grants: Vec::new(), valid: (1_000, 2_000) };
        for (now, holds) in [(939, false), (940, true), (1_500, true), (2_060, true), (2_061, false)] {
            assert_eq!(verified.holds(now), holds, "{now}");
        }
    }
}
