//! Of which kinds concerns have come up lately in this process, or demands have changed: where it is worth looking whether
//! several raise the same.
//!
//! It is a hint and no record: what is lost with the process, or is too much, is found by whoever looks at everything from
//! time to time. So reporting a concern writes nothing for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use proto::names::VillageCode;

use super::record::{Concern, Matter, MoveKind, Step};
use super::workflow::MERGEABLE;

/// Kinds that are remembered at most.
const MOST: usize = 10_000;

/// What concerns have to have in common before it is asked whether they are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) matter: Matter,
    pub(crate) matter_type: String,
}

/// The kinds, by village, of which concerns have come up or demands have changed, and that nobody has looked at since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stirred(Arc<Mutex<BTreeSet<(VillageCode, Kind)>>>);

impl Stirred {
    /// The kinds that these steps stir.
    pub(crate) fn by<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<(VillageCode, Kind)> {
        steps.into_iter().filter(|step| step.comes_up()).map(|step| step.concern.kind()).collect()
    }

    /// Notes kinds once their steps are committed: whoever looked earlier would find nothing.
    pub(crate) fn note(&self, kinds: Vec<(VillageCode, Kind)>) {
        if kinds.is_empty() {
            return;
        }
        let mut stirred = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stirred.extend(kinds);
        while stirred.len() > MOST {
            stirred.pop_last();
        }
    }

    /// Some of the kinds, which are then no longer noted.
    pub(crate) fn take(&self, most: usize) -> Vec<(VillageCode, Kind)> {
        let mut stirred = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| stirred.pop_first()).take(most).collect()
    }
}

impl Concern {
    /// Can it become part of a common demand as it stands?
    pub(crate) fn can_be_merged(&self) -> bool {
        MERGEABLE.contains(&self.state) && !self.suspended
    }

    fn kind(&self) -> (VillageCode, Kind) {
        (self.name.village, Kind { matter: self.matter, matter_type: self.matter_type.clone() })
    }
}

impl Step {
    /// Could the concern be the same as another's, and could it not before, or not so?
    fn comes_up(&self) -> bool {
        let could = self.from.is_some_and(|from| MERGEABLE.contains(&from));
        self.concern.can_be_merged() && (!could || matches!(self.kind, MoveKind::Updated | MoveKind::Resumed))
    }
}
