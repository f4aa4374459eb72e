//! Members: the people who serve households, in one office or several.

pub(crate) mod rpc;
pub(crate) mod rules;
pub(crate) mod store;

use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Vault};
use proto::names::{MemberName, VillageCode};

use crate::{link, team};
use rules::{Draft, EndTerm, Filter, Member, Update};

/// The use cases of members.
pub(crate) struct Members {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Members {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    /// Enters a member.
    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Member> {
        let authority = caller.within(&draft.village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &draft.village).await?;
        let name = MemberName::new(draft.village, draft.id.unwrap_or_else(|| self.clock.new_id()));
        if let Some(made) = request.claim(&mut tx, &draft.village, &name.to_string()).await? {
            return store::member_get(&mut tx, &keys, &made.parse().map_err(Error::internal)?, false).await;
        }
        let (member, change) = rules::create(name, draft, self.clock.now())?;
        store::members_insert(&mut tx, &keys, std::slice::from_ref(&member))
            .await?
            .on_constraint("member_pkey", || Error::AlreadyExists(member.name.to_string()))?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    async fn get(&self, caller: &Caller, name: &MemberName) -> Result<Member> {
        let mut tx = self.database.begin(caller.within(&name.village)?.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        store::member_get(&mut tx, &keys, name, false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Member>, String)> {
        let mut tx = self.database.begin(caller.within(village)?.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        let rows = store::member_list(&mut tx, &keys, village, filter, self.clock.today(), page).await?;
        Ok(page.cut(rows, |member| crate::keyset::key(member.created_at.to_rfc3339(), member.name.member)))
    }

    /// Changes a member. The teams in which the member sits are told again when the name changes, because they carry it.
    async fn update(&self, caller: &Caller, request: &Request, update: Update) -> Result<Member> {
        let village = update.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &update.name.to_string()).await?.is_some() {
            return store::member_get(&mut tx, &keys, &update.name, false).await;
        }
        link::lock(&mut tx, [village]).await?;
        let before = store::member_get(&mut tx, &keys, &update.name, true).await?;
        must_be(update.expected, before.revision, &update.name)?;
        let seats = team::store::teams_of_member(&mut tx, &update.name).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let renamed = update.display_name.as_ref().is_some_and(|name| *name != before.display_name);
        let represented = before.offices.contains(&rules::Office::Representative);
        let (member, change) = rules::update(before, update, &seats, now, today)?;
        store::members_update(&mut tx, &keys, std::slice::from_ref(&member)).await?;
        let mut changes = vec![change];
        if renamed {
            changes.extend(team::tell_again(&mut tx, &seats, now).await?);
        }
        if represented && !member.offices.contains(&rules::Office::Representative) {
            changes.extend(link::release(&mut tx, std::slice::from_ref(&member.name), today, now).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    /// Ends a member's term, and with it the links to households of other grids that had chosen this member.
    async fn end_term(&self, caller: &Caller, request: &Request, end: EndTerm) -> Result<Member> {
        let village = end.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &end.name.to_string()).await?.is_some() {
            return store::member_get(&mut tx, &keys, &end.name, false).await;
        }
        link::lock(&mut tx, [village]).await?;
        let before = store::member_get(&mut tx, &keys, &end.name, true).await?;
        must_be(end.expected, before.revision, &end.name)?;
        let seats = team::store::teams_of_member(&mut tx, &end.name).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let day = end.term_end.unwrap_or(today);
        let (member, change) = rules::end_term(before, day, &seats, now, today)?;
        store::members_update(&mut tx, &keys, std::slice::from_ref(&member)).await?;
        let mut changes = vec![change];
        changes.extend(link::release(&mut tx, std::slice::from_ref(&member.name), day, now).await?);
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }
}
