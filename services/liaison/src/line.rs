//! Lines: the two ways from leader to representative to household. Every village has both from the start.

mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use events::{Change, Changes};
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Page, Request, Result, Tx};
use proto::names::{LineName, VillageCode};

use crate::link;
use rules::{Line, LineKind, Update};

/// The use cases of lines.
pub(crate) struct Lines {
    database: Database,
    changes: Changes,
    clock: Clock,
}

impl Lines {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock) -> Self {
        Self { database, changes, clock }
    }

    async fn get(&self, caller: &Caller, name: &LineName) -> Result<Line> {
        let mut tx = self.database.read(caller.within(&name.village)?.scope()).await?;
        store::line_get(&mut tx, name).await
    }

    async fn list(&self, caller: &Caller, village: &VillageCode, page: &Page) -> Result<(Vec<Line>, String)> {
        let mut tx = self.database.read(caller.within(village)?.scope()).await?;
        let mut lines = store::lines_of(&mut tx, village, false).await?;
        lines.retain(|line| page.after().is_none_or(|after| line.order().to_string().as_str() > after));
        Ok(page.cut(lines, |line| line.order().to_string()))
    }

    /// Changes a line, and with it the links of the households that it reaches from now on.
    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Line> {
        let village = update.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &village, &update.name.to_string()).await?.is_some() {
            return store::line_get(&mut tx, &update.name).await;
        }
        link::lock(&mut tx, [village]).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let lines = store::lines_of(&mut tx, &village, true).await?;
        let before = rules::of(&lines, &update.name)?;
        must_be(update.expected, before.revision, &update.name)?;
        let reached = before.household_kinds.clone();
        let (line, change) = rules::update(before, update, &lines, now)?;
        store::line_update(&mut tx, &line).await?;
        let mut changes = vec![change];
        let gained: Vec<_> = line.household_kinds.difference(&reached).copied().collect();
        if !gained.is_empty() {
            let households = link::store::households_of_kinds(&mut tx, &village, &gained).await?;
            changes.extend(link::settle(&mut tx, &households, today, now).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(line)
    }
}

/// Gives every village its two lines, unless it has them.
pub(crate) async fn begin(tx: &mut Tx, villages: &BTreeSet<VillageCode>, now: DateTime<Utc>) -> Result<Vec<Change>> {
    let defaults = |village: &VillageCode| {
        LineKind::ALL.iter().map(|kind| Line::default_of(*village, *kind, now)).collect::<Vec<_>>()
    };
    let lines: Vec<Line> = villages.iter().flat_map(defaults).collect();
    let made = store::lines_insert(tx, &lines).await?;
    made.iter().map(Line::created).collect()
}
