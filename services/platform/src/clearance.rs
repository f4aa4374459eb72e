//! Clearances: one service has looked through a text that is to be made public, and another, which publishes it, believes
//! that without asking.
//!
//! The registry knows who lives in a village, and casework does not; no service calls another, and names never travel in
//! news. So whoever wants to publish has the text looked through there, and brings the clearance here. It is signed (HMAC
//! under a key that every service derives from the deployment's key file) over the village, the very text and the time,
//! and is good for nothing else, and not for long. It says nothing about the text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use proto::names::VillageCode;
use proto::reasons;

use crate::error::{Error, Result};
use crate::vault::Vault;

/// How long a clearance holds: whoever has to ask somebody else may do so, and whoever moves in tomorrow is looked for.
const GOOD_FOR: Duration = Duration::hours(24);
/// How far the clocks of two services may be apart.
const SKEW: Duration = Duration::minutes(5);
/// Before what is signed, so that no other signature with this key can be taken for one of these.
const PURPOSE: &[u8] = b"lianxin clearance of a public text, 1";
/// The time and the count of names, in bytes.
const TIME: usize = 8;
const COUNT: usize = 4;

/// What a text was cleared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    /// So many names were found in it, and somebody has said of each that it is none there.
    pub names_excepted: u32,
}

/// A clearance of exactly this text, in this village; and until when it holds.
///
/// # Errors
/// When the key file holds no key.
pub fn clear(
    vault: &Vault,
    village: &VillageCode,
    text: &str,
    cleared: Cleared,
    now: DateTime<Utc>,
) -> Result<(String, DateTime<Utc>)> {
    let head = head(now, cleared);
    let signature = vault.sign_clearance(&signed(village, text, &head))?;
    Ok((URL_SAFE_NO_PAD.encode([head, signature].concat()), now + GOOD_FOR))
}

/// Believes a clearance of this text, or does not.
///
/// # Errors
/// `NOT_CLEARED`.
pub fn believe(
    vault: &Vault,
    village: &VillageCode,
    text: &str,
    clearance: &str,
    now: DateTime<Utc>,
) -> Result<Cleared> {
    let bytes = URL_SAFE_NO_PAD.decode(clearance).map_err(|_| not_cleared())?;
    let (head, signature) = bytes.split_at_checked(TIME + COUNT).ok_or_else(not_cleared)?;
    if !vault.is_clearance(&signed(village, text, head), signature) {
        return Err(not_cleared());
    }
    let (time, count) = head.split_first_chunk::<TIME>().ok_or_else(not_cleared)?;
    let at = DateTime::from_timestamp(i64::from_be_bytes(*time), 0).ok_or_else(not_cleared)?;
    let names_excepted = u32::from_be_bytes(*count.first_chunk().ok_or_else(not_cleared)?);
    if at > now + SKEW || at + GOOD_FOR < now {
        return Err(not_cleared());
    }
    Ok(Cleared { names_excepted })
}

fn head(now: DateTime<Utc>, cleared: Cleared) -> Vec<u8> {
    [now.timestamp().to_be_bytes().as_slice(), &cleared.names_excepted.to_be_bytes()].concat()
}

/// Each part but the last is of one length, so that no two say the same in other words.
fn signed(village: &VillageCode, text: &str, head: &[u8]) -> Vec<u8> {
    [PURPOSE, head, village.as_str().as_bytes(), text.as_bytes()].concat()
}

fn not_cleared() -> Error {
    let message =
        "这段文字还没有通过居民姓名检查，或检查已过期、检查后又有改动；请先用登记服务的 CheckPublicText 检查同一段文字";
    Error::refused(reasons::NOT_CLEARED, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    const TEXT: &str = "儿童活动室开放时间";

    /// A vault, and the folder of its key file.
    fn vault() -> (Vault, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        std::fs::write(&path, Vault::new_key("test").unwrap().expose()).unwrap();
        (Vault::open(&path).unwrap(), folder)
    }

    fn village() -> VillageCode {
        "430112011211".parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        "2026-05-01T04:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_clearance_is_believed_for_its_text_its_village_and_its_time_only() {
        let (vault, folder) = vault();
        let cleared = Cleared { names_excepted: 2 };
        let (clearance, until) = clear(&vault, &village(), TEXT, cleared, now()).unwrap();
        let believed = |village: &VillageCode, text: &str, at| believe(&vault, village, text, &clearance, at).ok();
        assert_eq!(believed(&village(), TEXT, now()), Some(cleared));
        assert_eq!(believed(&village(), TEXT, until), Some(cleared));
        assert_eq!(believed(&village(), TEXT, until + Duration::seconds(1)), None);
        assert_eq!(believed(&village(), TEXT, now() - Duration::minutes(6)), None);
        assert_eq!(believed(&village(), "儿童活动室开放时间。", now()), None);
        assert_eq!(believed(&"430112011212".parse().unwrap(), TEXT, now()), None);
        // Another deployment does not believe it; this one does while it replaces its key.
        let (other, _other_folder) = self::vault();
        assert!(believe(&other, &village(), TEXT, &clearance, now()).is_err());
        crate::vault::key_file::add(&folder.path().join("vault.key"), "newer").unwrap();
        assert_eq!(believed(&village(), TEXT, now()), Some(cleared));
    }

    #[test]
    fn nothing_that_somebody_made_up_is_believed() {
        let (vault, _folder) = vault();
        let (clearance, _) = clear(&vault, &village(), TEXT, Cleared { names_excepted: 0 }, now()).unwrap();
        for place in 0..clearance.len() {
            let mut forged = clearance.clone().into_bytes();
            *forged.get_mut(place).unwrap() = if clearance.as_bytes().get(place) == Some(&b'A') { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last sign of base64 has bits that mean nothing.
            assert!(believe(&vault, &village(), TEXT, &forged, now()).is_err() || place + 1 == clearance.len());
        }
        for forged in ["", "x", "AAAA", &"A".repeat(58)] {
            let refused = believe(&vault, &village(), TEXT, forged, now()).unwrap_err();
            assert_eq!(refused.reason(), reasons::NOT_CLEARED);
        }
    }
}
