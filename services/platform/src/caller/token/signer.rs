//! Signing, where no identity provider does it.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

use super::Claims;
use crate::error::{Error, Result};
use crate::secret::Secret;

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
