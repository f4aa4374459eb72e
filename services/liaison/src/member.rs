//! Members: the people who serve households, in one office or several.

pub(crate) mod entrance;
pub(crate) mod rights;
pub(crate) mod rpc;
pub(crate) mod rules;
pub(crate) mod steps;
pub(crate) mod store;
pub(crate) mod terms;

use chrono::NaiveDate;
use events::Changes;
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Vault};
use proto::names::{GridName, MemberName, VillageCode};
use uuid::Uuid;

use crate::entrance_rules::store::entrance_rules_get;
use crate::places::grid_get;
use crate::team::handover;
use crate::{link, team};
use entrance::{Known, Nomination, Record, Step, StepKind};
use rights::Rights;
use rpc::entrance::TakeStep;
use rules::{Draft, EndTerm, Filter, Member, Update};
use steps::Taken;

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

    /// Enters a member: a person who serves already has a record, which is changed instead.
    async fn create(&self, caller: &Caller, request: &Request, draft: Draft) -> Result<Member> {
        let village = draft.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let name = MemberName::new(village, draft.id.unwrap_or_else(|| self.clock.new_id()));
        if let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return store::member_get(&mut tx, &keys, &made.parse().map_err(Error::internal)?, false).await;
        }
        store::lock(&mut tx, &village).await?;
        if let Some(telephone) = &draft.telephone
            && let Some((known, entrance::State::Appointed)) =
                store::member_of_person(&mut tx, &keys, &village, &draft.display_name, telephone).await?
        {
            return Err(Error::AlreadyExists(known.to_string()));
        }
        let now = self.clock.now();
        let (member, change) = rules::create(name, draft, now)?;
        store::members_insert(&mut tx, &keys, std::slice::from_ref(&member))
            .await?
            .on_constraint("member_pkey", || Error::AlreadyExists(member.name.to_string()))?;
        steps::steps_insert(&mut tx, &authority, &[(&member.name, &Record::entered(&member))], now).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    /// Nominates somebody as a representative, who gets a record by it. A person who has one is nominated under that one.
    async fn nominate(
        &self,
        caller: &Caller,
        request: &Request,
        village: VillageCode,
        id: Option<Uuid>,
        display_name: String,
        nomination: Nomination,
    ) -> Result<Member> {
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let name = MemberName::new(village, id.unwrap_or_else(|| self.clock.new_id()));
        if let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return store::member_get(&mut tx, &keys, &made.parse().map_err(Error::internal)?, false).await;
        }
        grid_get(&mut tx, &GridName::new(village, nomination.grid)).await?.must_be_in_use()?;
        store::lock(&mut tx, &village).await?;
        if let Some(telephone) = &nomination.telephone
            && let Some((known, _)) =
                store::member_of_person(&mut tx, &keys, &village, &display_name, telephone).await?
        {
            return Err(Error::AlreadyExists(known.to_string()));
        }
        let (now, today) = (self.clock.now(), self.clock.today());
        let (member, record, change) = entrance::nominate(name, display_name, nomination, now, today)?;
        store::members_insert(&mut tx, &keys, std::slice::from_ref(&member))
            .await?
            .on_constraint("member_pkey", || Error::AlreadyExists(member.name.to_string()))?;
        steps::steps_insert(&mut tx, &authority, &[(&member.name, &record)], now).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    /// Nominates somebody who has a record already.
    async fn nominate_again(
        &self,
        caller: &Caller,
        request: &Request,
        name: MemberName,
        nomination: Nomination,
    ) -> Result<Member> {
        let village = name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &name.to_string()).await?.is_some() {
            return store::member_get(&mut tx, &keys, &name, false).await;
        }
        grid_get(&mut tx, &GridName::new(village, nomination.grid)).await?.must_be_in_use()?;
        let before = store::member_get(&mut tx, &keys, &name, true).await?;
        let last = steps::last_day(&mut tx, &name).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let (member, record, change) = entrance::nominate_again(before, nomination, last, now, today)?;
        store::members_update(&mut tx, &keys, std::slice::from_ref(&member)).await?;
        steps::steps_insert(&mut tx, &authority, &[(&member.name, &record)], now).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    /// Takes a step of the entrance, or records an evaluation.
    async fn take(&self, caller: &Caller, request: &Request, command: TakeStep) -> Result<Member> {
        let village = command.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &command.name.to_string()).await?.is_some() {
            return store::member_get(&mut tx, &keys, &command.name, false).await;
        }
        let before = store::member_get(&mut tx, &keys, &command.name, true).await?;
        must_be(command.expected, before.revision, &command.name)?;
        let today = self.clock.today();
        let known = Known {
            before: steps::last_day(&mut tx, &command.name).await?,
            serves_as: steps::serves_as(&mut tx, &before, today).await?,
            rules: entrance_rules_get(&mut tx, &village).await?,
            now: self.clock.now(),
            today,
        };
        let (member, record, change) = entrance::take(before, command.step, command.day, command.note, &known)?;
        store::members_update(&mut tx, &keys, std::slice::from_ref(&member)).await?;
        steps::steps_insert(&mut tx, &authority, &[(&member.name, &record)], known.now).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    async fn steps(&self, caller: &Caller, name: &MemberName, page: &Page) -> Result<(Vec<Taken>, String)> {
        let mut tx = self.database.read(caller.within(&name.village)?.scope()).await?;
        let keys = self.vault.keys(&mut tx, &name.village).await?;
        store::member_get(&mut tx, &keys, name, false).await?;
        let rows = steps::step_list(&mut tx, name, page).await?;
        Ok(page.cut(rows, |step| step.place.to_string()))
    }

    async fn get(&self, caller: &Caller, name: &MemberName) -> Result<Member> {
        let mut tx = self.database.read(caller.within(&name.village)?.scope()).await?;
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
        let mut tx = self.database.read(caller.within(village)?.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        let rows = store::member_list(&mut tx, &keys, village, filter, self.clock.today(), page).await?;
        Ok(page.cut(rows, |member| crate::keyset::key(member.created_at.to_rfc3339(), member.name.member)))
    }

    /// What a member may see and do on a day, for whoever issues tokens.
    async fn rights(&self, caller: &Caller, name: &MemberName, as_of: Option<NaiveDate>) -> Result<Rights> {
        let authority = caller.within(&name.village)?;
        authority.must_serve_all()?;
        let day = as_of.unwrap_or_else(|| self.clock.today());
        let mut tx = self.database.begin_snapshot(authority.scope()).await?;
        rights::rights_get(&mut tx, name, day).await
    }

    /// Changes a member. The teams in which the member sits or stands in are told again when the name changes, because they
    /// carry it.
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
        let (now, today) = (self.clock.now(), self.clock.today());
        let seats = team::store::teams_of_member(&mut tx, &update.name, today).await?;
        let covers = team::seating::teams_covered_by(&mut tx, &update.name, today).await?;
        let renamed = update.display_name.as_ref().is_some_and(|name| *name != before.display_name);
        let represented = before.offices.contains(&rules::Office::Representative);
        let (member, change) = rules::update(before, update, &seats, &covers, now, today)?;
        store::members_update(&mut tx, &keys, std::slice::from_ref(&member)).await?;
        let mut changes = vec![change];
        if renamed {
            let teams = seats.into_iter().map(|team| team.name).chain(covers).collect();
            changes.extend(team::tell_again(&mut tx, &teams, today, now).await?);
        }
        if represented && !member.offices.contains(&rules::Office::Representative) {
            changes.extend(link::release(&mut tx, std::slice::from_ref(&member.name), today, now).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }

    /// Ends a member's term, or recalls the member. Seats and households go where the handover that comes with it says; other households that had
    /// chosen this member go to whoever represents their grid.
    async fn leave(&self, caller: &Caller, request: &Request, end: EndTerm) -> Result<Member> {
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
        let (now, today) = (self.clock.now(), self.clock.today());
        before.state.after(end.step)?;
        let mut changes = Vec::new();
        if let Some(order) = &end.handover {
            let plan = handover::plan(&mut tx, &keys, order, now, today).await?;
            plan.must_be_as_shown(order.preview.as_deref())?;
            changes.extend(handover::carry_out(&mut tx, &plan).await?);
        }
        let seats = team::store::teams_of_member(&mut tx, &end.name, today).await?;
        let covers = team::seating::teams_covered_by(&mut tx, &end.name, today).await?;
        let day = end.term_end.unwrap_or(today);
        let (member, change) = rules::leave(before, end.step, day, &seats, &covers, now, today)?;
        store::members_update(&mut tx, &keys, std::slice::from_ref(&member)).await?;
        let kind = if end.step == Step::Recall { StepKind::Recalled } else { StepKind::TermEnded };
        steps::steps_insert(&mut tx, &authority, &[(&member.name, &Record::of(kind, day, end.note))], now).await?;
        changes.push(change);
        changes.extend(link::release(&mut tx, std::slice::from_ref(&member.name), day, now).await?);
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(member)
    }
}
