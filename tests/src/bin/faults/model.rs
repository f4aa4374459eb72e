//! What was acknowledged, and what of it has to be found afterwards.

use uuid::Uuid;

/// Nouns that the load writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Noun {
    /// The registry's.
    Household,
    /// Liaison's.
    Visit,
    /// Casework's.
    Concern,
}

impl Noun {
    /// Each of them.
    pub(crate) const ALL: [Self; 3] = [Self::Household, Self::Visit, Self::Concern];

    /// Who owns it.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Household => "registry",
            Self::Visit => "liaison",
            Self::Concern => "casework",
        }
    }

    /// Its collection in resource names.
    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::Household => "households",
            Self::Visit => "visits",
            Self::Concern => "concerns",
        }
    }

    /// Every record of it, as (id, revision, content): content is written as the load writes it.
    pub(crate) fn query(self) -> &'static str {
        match self {
            Self::Household => {
                "select id, revision, format('%s persons in %s', registered_persons, grid) from household"
            }
            Self::Visit => "select id, revision, format('%s persons, %s', persons, note) from visit",
            Self::Concern => "select id, revision, format('%s, %s', state, text) from concern",
        }
    }
}

/// A record that the load made, or tried to make.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// What it is.
    pub(crate) noun: Noun,
    /// Its id, chosen by the load.
    pub(crate) id: Uuid,
    /// What it says after each acknowledged write; the first is revision 1.
    pub(crate) acknowledged: Vec<String>,
    /// What a write would have made of it that was given up without an answer.
    pub(crate) unknown: Option<String>,
    /// It may have had to wait for news of its household, and been routed by casework itself, which is one revision more.
    pub(crate) may_be_routed: bool,
}

/// A record as it was found afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Revision and content of the row; none: there is no row.
    pub(crate) row: Option<(i64, String)>,
    /// Revisions in the change log, in order.
    pub(crate) changes: Vec<i64>,
    /// Revisions among the moves, in order; of a concern only.
    pub(crate) moves: Vec<i64>,
}

impl Record {
    /// Its resource name.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}/{}", crate::ground::village(), self.noun.collection(), self.id)
    }

    /// Says what is wrong with what was found, if anything is: acknowledged is there once, unknown is there whole or
    /// not at all.
    pub(crate) fn judge(&self, found: &Found) -> Result<(), String> {
        let acknowledged = i64::try_from(self.acknowledged.len()).unwrap_or(i64::MAX);
        let (revision, content) = match &found.row {
            None if acknowledged > 0 => {
                return Err(format!("is not there, though revision {acknowledged} was acknowledged"));
            }
            None if !found.changes.is_empty() || !found.moves.is_empty() => {
                return Err(format!(
                    "is not there, but its changes {:?} and moves {:?} are",
                    found.changes, found.moves
                ));
            }
            None => return Ok(()),
            Some((revision, content)) => (*revision, content),
        };
        let whole: Vec<i64> = (1..=revision).collect();
        if found.changes != whole {
            return Err(format!("is at revision {revision}, and the change log has {:?}", found.changes));
        }
        if self.noun == Noun::Concern && found.moves != whole {
            return Err(format!("is at revision {revision}, and its moves are {:?}", found.moves));
        }
        let routed = i64::from(self.may_be_routed);
        let mut allowed: Vec<(i64, &String)> = Vec::new();
        for more in 0..=routed {
            allowed.extend(self.acknowledged.last().map(|content| (acknowledged + more, content)));
            allowed.extend(self.unknown.as_ref().map(|content| (acknowledged + 1 + more, content)));
        }
        if allowed.contains(&(revision, content)) {
            Ok(())
        } else {
            Err(format!("is at revision {revision} and says {content:?}; acknowledged and possible are {allowed:?}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(acknowledged: &[&str], unknown: Option<&str>) -> Record {
        Record {
            noun: Noun::Concern,
            id: Uuid::nil(),
            acknowledged: acknowledged.iter().map(ToString::to_string).collect(),
            unknown: unknown.map(str::to_owned),
            may_be_routed: false,
        }
    }

    fn found(row: Option<(i64, &str)>, changes: &[i64], moves: &[i64]) -> Found {
        let row = row.map(|(revision, content)| (revision, content.to_owned()));
        Found { row, changes: changes.to_vec(), moves: moves.to_vec() }
    }

    #[test]
    fn acknowledged_is_there_once_and_says_what_was_said() {
        let record = record(&["a", "b"], None);
        assert!(record.judge(&found(Some((2, "b")), &[1, 2], &[1, 2])).is_ok());
        for wrong in [
            found(None, &[], &[]),
            found(Some((1, "a")), &[1], &[1]),
            found(Some((3, "b")), &[1, 2, 3], &[1, 2, 3]),
            found(Some((2, "c")), &[1, 2], &[1, 2]),
            found(Some((2, "b")), &[2], &[1, 2]),
            found(Some((2, "b")), &[1, 2], &[1]),
        ] {
            assert!(record.judge(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn unknown_is_there_whole_or_not_at_all() {
        let new = record(&[], Some("a"));
        assert!(new.judge(&found(None, &[], &[])).is_ok());
        assert!(new.judge(&found(Some((1, "a")), &[1], &[1])).is_ok());
        assert!(new.judge(&found(None, &[1], &[])).is_err());
        assert!(new.judge(&found(None, &[], &[1])).is_err());
        assert!(new.judge(&found(Some((1, "a")), &[], &[1])).is_err());
        let changed = record(&["a"], Some("b"));
        assert!(changed.judge(&found(Some((1, "a")), &[1], &[1])).is_ok());
        assert!(changed.judge(&found(Some((2, "b")), &[1, 2], &[1, 2])).is_ok());
        assert!(changed.judge(&found(Some((2, "a")), &[1, 2], &[1, 2])).is_err());
    }

    #[test]
    fn a_concern_that_waited_for_news_may_have_been_routed() {
        let waited = Record { may_be_routed: true, ..record(&["a"], None) };
        assert!(waited.judge(&found(Some((1, "a")), &[1], &[1])).is_ok());
        assert!(waited.judge(&found(Some((2, "a")), &[1, 2], &[1, 2])).is_ok());
        assert!(waited.judge(&found(Some((3, "a")), &[1, 2, 3], &[1, 2, 3])).is_err());
    }
}
