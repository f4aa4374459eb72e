#![allow(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::error::Error;

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
    for (not_before, accepted) in [(3_900_000_000, false), (1, true)] {
        let claims = Claims { nbf: Some(not_before), ..claims(Office::Clerk, "430112011211", None) };
        assert_eq!(keys.verify(&signer.sign(&claims).unwrap()).await.is_ok(), accepted);
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
