//! What casework does about others' news: it learns which villages are at work, where households live and who serves a grid,
//! brings concerns that waited for it to their team, and those of somebody who left a seat to who holds it now. Nothing else follows from news
//! here.

use events::{Changes, News, Reader, envelope};
use platform::{Caller, Clock, Result, Tx};
use prost::Name;
use proto::liaison::v1::TeamChanged;
use proto::registry::v1::{GridChanged, HouseholdChanged, VillageChanged};

use crate::{concern, place};

/// Reads the registry's and liaison's news.
pub(crate) struct Reactions {
    changes: Changes,
    clock: Clock,
}

impl Reactions {
    pub(crate) fn new(changes: Changes, clock: Clock) -> Self {
        Self { changes, clock }
    }
}

impl Reader for Reactions {
    fn knows(&self, type_name: &str) -> bool {
        [VillageChanged::full_name(), GridChanged::full_name(), HouseholdChanged::full_name(), TeamChanged::full_name()]
            .iter()
            .any(|known| known == type_name)
    }

    async fn apply(&self, tx: &mut Tx, by: &Caller, news: &[News]) -> Result<()> {
        place::villages_learn(tx, &envelope::all::<VillageChanged>(news)?).await?;
        place::grids_learn(tx, &envelope::all::<GridChanged>(news)?).await?;
        place::households_learn(tx, &envelope::all::<HouseholdChanged>(news)?).await?;
        let left = place::teams_learn(tx, &envelope::all::<TeamChanged>(news)?).await?;
        concern::pass_on(tx, &self.changes, by, &left, self.clock.now()).await?;
        concern::route_waiting(tx, &self.changes, by, news, self.clock.now()).await
    }
}
