//! How often somebody may ask: a bucket of tokens for each peer and for each beginning of a code. Pure.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

/// A household asks now and then; those behind one address ask more often.
const PEER: Rule = Rule { most: 30.0, a_second: 0.5 };
/// Codes with one beginning are so few that nobody but who tries them all asks for several.
const CODE: Rule = Rule { most: 10.0, a_second: 0.2 };
/// Signs of a code's beginning.
const BEGINNING: usize = 4;
/// Buckets that are kept: those that are full are forgotten first.
const MOST_BUCKETS: usize = 10_000;

struct Rule {
    most: f64,
    a_second: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
}

impl Bucket {
    fn filled(self, rule: &Rule, now: DateTime<Utc>) -> f64 {
        let passed = (now - self.at).as_seconds_f64().max(0.0);
        passed.mul_add(rule.a_second, self.tokens).min(rule.most)
    }
}

/// Who has asked lately.
#[derive(Debug, Default)]
pub(super) struct Limits {
    peers: HashMap<Option<IpAddr>, Bucket>,
    codes: HashMap<String, Bucket>,
}

impl Limits {
    /// May they ask? Then they have.
    pub(super) fn admit(&mut self, peer: Option<IpAddr>, code: Option<&str>, now: DateTime<Utc>) -> bool {
        if !take(&mut self.peers, peer, &PEER, now) {
            return false;
        }
        code.is_none_or(|code| take(&mut self.codes, code.chars().take(BEGINNING).collect(), &CODE, now))
    }
}

fn take<K: Eq + Hash>(buckets: &mut HashMap<K, Bucket>, key: K, rule: &Rule, now: DateTime<Utc>) -> bool {
    if buckets.len() >= MOST_BUCKETS {
        buckets.retain(|_, bucket| bucket.filled(rule, now) < rule.most);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            // Ten thousand ask at once: nobody new is let in until some of them have waited.
            return false;
        }
    }
    let bucket = buckets.entry(key).or_insert(Bucket { tokens: rule.most, at: now });
    let tokens = bucket.filled(rule, now);
    let admitted = tokens >= 1.0;
    *bucket = Bucket { tokens: if admitted { tokens - 1.0 } else { tokens }, at: now };
    admitted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use chrono::Duration;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T01:00:00Z".parse().unwrap()
    }

    fn peer(number: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(number.into()))
    }

    #[test]
    fn whoever_asks_too_often_waits_and_others_do_not() {
        let mut limits = Limits::default();
        let asked = (0..100).filter(|number| limits.admit(peer(1), Some(&format!("{number:04}")), now())).count();
        assert_eq!(asked, 30);
        assert!(limits.admit(peer(2), None, now()));
        assert!(limits.admit(peer(1), None, now() + Duration::seconds(2)));
        assert!(!limits.admit(peer(1), None, now() + Duration::seconds(2)));
    }

    #[test]
    fn codes_with_one_beginning_are_not_tried_from_many_places() {
        let mut limits = Limits::default();
        let asked =
            (0..100).filter(|number| limits.admit(peer(*number), Some(&format!("7K3M{number}")), now())).count();
        assert_eq!(asked, 10);
        assert!(limits.admit(peer(7), Some("7K3N"), now()));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut limits = Limits::default();
        for number in 0..50_000 {
            limits.admit(peer(number), None, now() + Duration::milliseconds(number.into()));
        }
        assert!(limits.peers.len() <= MOST_BUCKETS);
        assert!(limits.admit(peer(60_000), None, now() + Duration::hours(1)));
    }
}
