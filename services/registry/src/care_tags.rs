//! Which tags of special care a village uses for its residents: a setting of the village's, with usual ones as long as it
//! has said nothing. The tags of households are words of the village's own and are not asked for here.

mod rpc;
mod store;

use events::{Change, Changes};
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, Request, Result, Tx};
use proto::names::{CareTagsName, VillageCode};
use proto::registry::v1 as pb;
use proto::registry::v1::care_tags_changed::Happened;
use proto::time::timestamp;

/// What villages usually look after: living alone, children and old people left behind, disability, subsistence allowance,
/// extreme poverty, the very old, veterans, orphans, the chronically ill.
const USUAL: &[&str] =
    &["独居老人", "留守儿童", "留守老人", "残疾", "低保", "特困", "高龄", "退役军人", "孤儿", "慢病"];

/// The tags of a village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CareTags {
    village: VillageCode,
    tags: Vec<String>,
    /// 0: the village has said nothing.
    revision: i64,
}

impl CareTags {
    fn usual(village: VillageCode) -> Self {
        Self { village, tags: USUAL.iter().map(ToString::to_string).collect(), revision: 0 }
    }

    fn name(&self) -> String {
        CareTagsName(self.village).to_string()
    }
}

/// The use cases of a village's tags.
pub(crate) struct CareTagSets {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl CareTagSets {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    async fn get(&self, caller: &Caller, village: &VillageCode) -> Result<CareTags> {
        let mut tx = self.database.read(caller.within(village)?.scope()).await?;
        tags_of(&mut tx, village).await
    }

    async fn update(
        &self,
        caller: &Caller,
        request: &Request,
        village: VillageCode,
        tags: Vec<String>,
        expected: Option<i64>,
    ) -> Result<CareTags> {
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let before = tags_of(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &before.name()).await?.is_some() {
            return tags_of(&mut tx, &village).await;
        }
        must_be(expected, before.revision, &before.name())?;
        let after = CareTags { tags, revision: before.revision + 1, ..before };
        if !store::care_tags_save(&mut tx, &after).await? {
            return Err(Error::Stale { name: after.name() });
        }
        let change = Change::of(&pb::CareTagsChanged {
            name: after.name(),
            revision: after.revision,
            happened: Happened::Updated.into(),
            change_time: Some(timestamp(self.clock.now())),
        })?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(after)
    }
}

async fn tags_of(tx: &mut Tx, village: &VillageCode) -> Result<CareTags> {
    Ok(store::care_tags_find(tx, village).await?.unwrap_or_else(|| CareTags::usual(*village)))
}

/// The tags that a village uses.
pub(crate) async fn tags_used(tx: &mut Tx, village: &VillageCode) -> Result<Vec<String>> {
    Ok(tags_of(tx, village).await?.tags)
}

/// Refuses a tag that the village does not use, naming those it uses.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) async fn must_be_used(tx: &mut Tx, village: &VillageCode, tags: &[String]) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let used = tags_used(tx, village).await?;
    match tags.iter().find(|tag| !used.contains(tag)) {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("本村没有“{unknown}”这个标签，可用的有：{}", used.join("、"));
            Err(Error::field("resident.tags", message))
        }
    }
}
