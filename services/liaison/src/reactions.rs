//! What liaison does about the registry's news: every village gets its lines, every grid its team, every household its
//! link. News comes doubled and in any order; what is made here is named after its cause, so that twice is once.

use std::collections::BTreeSet;

use events::envelope::all;
use events::{Changes, News, Reader};
use platform::{Caller, Clock, Result, Tx};
use prost::Name;
use proto::names::VillageCode;
use proto::registry::v1::{GridChanged, HouseholdChanged, MerchantChanged, VillageChanged};

use crate::places::{
    Grid, HouseholdTold, Merchant, grids_keep, history_keep, households_keep, merchants_keep, newest, villages_keep,
};
use crate::{line, link, team};

/// The reader of the registry's news.
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
        [
            VillageChanged::full_name(),
            GridChanged::full_name(),
            HouseholdChanged::full_name(),
            MerchantChanged::full_name(),
        ]
        .iter()
        .any(|known| known == type_name)
    }

    fn wants_every(&self, type_name: &str) -> bool {
        type_name == HouseholdChanged::full_name()
    }

    async fn apply(&self, tx: &mut Tx, by: &Caller, news: &[News]) -> Result<()> {
        let villages: BTreeSet<VillageCode> = news.iter().map(|one| one.village).collect();
        let Some(first) = villages.first() else { return Ok(()) };
        let by = by.within(first)?;
        link::lock(tx, villages.iter().copied()).await?;
        let (now, today) = (self.clock.now(), self.clock.today());

        villages_keep(tx, &all::<VillageChanged>(news)?).await?;
        // Whatever comes of a village first, its lines are there before its links.
        let mut changes = line::begin(tx, &villages, now).await?;
        let grids = all::<GridChanged>(news)?.into_iter().map(TryInto::try_into).collect::<Result<Vec<Grid>>>()?;
        if !grids.is_empty() {
            grids_keep(tx, &grids).await?;
            changes.extend(team::begin(tx, &grids, now).await?);
        }
        let merchants: Result<Vec<Merchant>> =
            all::<MerchantChanged>(news)?.into_iter().map(TryInto::try_into).collect();
        merchants_keep(tx, &merchants?).await?;
        let told: Result<Vec<HouseholdTold>> =
            all::<HouseholdChanged>(news)?.into_iter().map(TryInto::try_into).collect();
        let told = told?;
        history_keep(tx, &told, today).await?;
        let moved = households_keep(tx, &newest(&told)).await?;
        changes.extend(link::settle(tx, &moved, today, now).await?);
        self.changes.append(tx, &by, &changes).await
    }
}
