//! Links: which representative serves which household, on which line, from when to when.

mod batch;
mod merchants;
mod propose;
mod rpc;
pub(crate) mod rules;
mod settle;
pub(crate) mod store;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::{Change, Changes};
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Tx, Vault};
use proto::names::{GridCode, HouseholdName, LinkName, MemberName, VillageCode};

use crate::places::{household_get, seen};
use crate::{line, member, team};
use rules::{Filter, Link, LinkHousehold};

pub(crate) use merchants::{merchants_of, served};
pub(crate) use settle::end;
pub(crate) use store::lock;

/// The use cases of links.
pub(crate) struct Links {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Links {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    /// Links a household to a representative of somebody's choice.
    async fn link(&self, caller: &Caller, request: &Request, command: LinkHousehold) -> Result<Link> {
        let village = command.household.village;
        let authority = caller.within(&village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let name = LinkName::new(village, self.clock.new_id());
        if let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return store::link_get(&mut tx, &made.parse().map_err(Error::internal)?, authority.grids()).await;
        }
        lock(&mut tx, [village]).await?;
        let household = household_get(&mut tx, &command.household).await?;
        let household = seen(household, &command.household, &authority)?;
        let before = store::link_of_household(&mut tx, &household.name).await?;
        // Whoever saw a link that has ended since saw another state of affairs than this one.
        let follows = before.as_ref().map_or_else(|| household.name.to_string(), |before| before.name.to_string());
        must_be(command.expected, before.as_ref().map_or(0, |before| before.revision), &follows)?;
        let member = member::store::member_get(&mut tx, &keys, &command.representative, false).await?;
        let default = team::store::representative_of(&mut tx, &household.grid.team()).await?;
        let lines = line::store::lines_of(&mut tx, &village, false).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let link = rules::link(name, &command, &household, before.as_ref(), &member, default, &lines, now, today)?;
        let mut changes = Vec::with_capacity(2);
        if let Some(before) = before {
            changes.extend(settle::end(&mut tx, &[(before.name, link.valid_from)], now).await?);
        }
        let begun = store::links_begin(&mut tx, std::slice::from_ref(&link))
            .await?
            .on_constraint("link_one_a_day", || rules::already_linked(&household.name, link.valid_from))?;
        changes.extend(begun.iter().map(Link::began).collect::<Result<Vec<_>>>()?);
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(link)
    }

    async fn get(&self, caller: &Caller, name: &LinkName) -> Result<Link> {
        let authority = caller.within(&name.village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        store::link_get(&mut tx, name, authority.grids()).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Link>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let rows = store::link_list(&mut tx, village, authority.grids(), filter, self.clock.today(), page).await?;
        Ok(page.cut(rows, |link| crate::keyset::key(link.created_at.to_rfc3339(), link.name.link)))
    }
}

/// Gives these households the links they should have, as [`rules::settle`] says, from `day` on. This is the one place
/// where default links begin and end, whether news of a household or a change of a seat is the cause.
pub(crate) async fn settle(
    tx: &mut Tx,
    households: &[HouseholdName],
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    settle::settle(tx, households, day, now).await
}

/// Settles the households of these grids.
pub(crate) async fn settle_grids(
    tx: &mut Tx,
    village: &VillageCode,
    grids: &[GridCode],
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    let households = store::households_of_grids(tx, village, grids).await?;
    settle::settle(tx, &households, day, now).await
}

/// Ends every link to these members from `day` on. Households for whom another serves by default go over to that one;
/// the others become gaps.
pub(crate) async fn release(
    tx: &mut Tx,
    members: &[MemberName],
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    let links = store::links_of_members(tx, members).await?;
    let households: BTreeSet<HouseholdName> = links.iter().map(|link| link.household.clone()).collect();
    let ends: Vec<_> = links.into_iter().map(|link| (link.name, day)).collect();
    let mut changes = settle::end(tx, &ends, now).await?;
    changes.extend(settle::settle(tx, &Vec::from_iter(households), day, now).await?);
    Ok(changes)
}
