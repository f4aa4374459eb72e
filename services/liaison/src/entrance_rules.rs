//! Entrance rules: what a village has settled about the way to becoming a representative. `member/entrance` keeps to them.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Request, Result};
use proto::names::EntranceRulesName;

use rules::{EntranceRules, Update};

/// The use cases of entrance rules.
pub(crate) struct Entrances {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Entrances {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    async fn get(&self, caller: &Caller, name: &EntranceRulesName) -> Result<EntranceRules> {
        let mut tx = self.database.read(caller.within(&name.0)?.scope()).await?;
        store::entrance_rules_get(&mut tx, &name.0).await
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<EntranceRules> {
        let village = update.name.0;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &village, &update.name.to_string()).await?.is_some() {
            return store::entrance_rules_get(&mut tx, &village).await;
        }
        store::lock(&mut tx, &village).await?;
        let before = store::entrance_rules_get(&mut tx, &village).await?;
        must_be(update.expected, before.revision, &update.name)?;
        let (rules, change) = rules::update(before, update, self.clock.now())?;
        store::entrance_rules_save(&mut tx, &rules).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(rules)
    }
}
