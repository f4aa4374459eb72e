//! Visit plans: how often a village visits its households. What is due by them, `visit/due` lists.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Request, Result};
use proto::names::VisitPlanName;

use rules::{Plan, Update};

/// The use cases of visit plans.
pub(crate) struct Plans {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Plans {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    async fn get(&self, caller: &Caller, name: &VisitPlanName) -> Result<Plan> {
        let mut tx = self.database.read(caller.within(&name.0)?.scope()).await?;
        store::plan_get(&mut tx, &name.0).await
    }

    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Plan> {
        let village = update.name.0;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &village, &update.name.to_string()).await?.is_some() {
            return store::plan_get(&mut tx, &village).await;
        }
        store::lock(&mut tx, &village).await?;
        let before = store::plan_get(&mut tx, &village).await?;
        must_be(update.expected, before.revision, &update.name)?;
        let (plan, change) = rules::update(before, update, self.clock.now())?;
        store::plan_save(&mut tx, &plan).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(plan)
    }
}
