//! Handover: the seats and households of one member go to others in one step, after a preview of exactly what will move.
//!
//! It is what `TeamService.HandOver` does, and the way in which a term ends that leaves seats behind. Links keep their
//! dates: the old one ends on the day the new one begins. Thousands of households move in one statement for each table.

mod read;
pub(crate) mod rules;
mod store;

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::vault::VillageKeys;
use platform::{Caller, Error, OnConstraint, Page, Request, Result, Tx};
use proto::liaison::v1 as pb;
use proto::liaison::v1::team_changed::Happened;
use proto::names::{HandOverName, VillageCode};
use uuid::Uuid;

use super::seating::{held_by, seats_change};
use super::{Teams, store as teams};
use crate::link::rules::Link;
use crate::visit::due::due_of;
use crate::{line, link, member, places};
use rules::{Order, Plan, Situation};

pub(crate) use read::parts;

impl Teams {
    /// Hands over, or only says what would move.
    pub(super) async fn pass_on(
        &self,
        caller: &Caller,
        request: &Request,
        order: Order,
        validate_only: bool,
    ) -> Result<pb::HandOverResponse> {
        let village = order.member.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let name = HandOverName::new(village, self.clock.new_id());
        if !validate_only && let Some(made) = request.claim(&mut tx, &village, &name.to_string()).await? {
            return store::handover_answer(&mut tx, &made.parse().map_err(Error::internal)?).await;
        }
        link::lock(&mut tx, [village]).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let mut plan = plan(&mut tx, &keys, &order, now, today).await?;
        plan.must_be_as_shown(order.preview.as_deref())?;
        plan.due = due_of(&mut tx, &order.member, today).await?;
        let changes = carry_out(&mut tx, &plan).await?;
        if validate_only {
            // It was done, so that the database had its say, and is undone.
            tx.rollback().await?;
            return Ok(plan.message(None));
        }
        let answer = plan.message(Some(&name));
        store::handover_insert(&mut tx, &name, &order, &plan, &answer, &authority, now).await?;
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(answer)
    }

    /// What was handed over, for those who may see all of the village.
    pub(super) async fn handover(&self, caller: &Caller, name: &HandOverName) -> Result<pb::Handover> {
        let authority = caller.within(&name.village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.read(authority.scope()).await?;
        store::handover_get(&mut tx, name).await
    }

    pub(super) async fn handovers(
        &self,
        caller: &Caller,
        village: &VillageCode,
        member: Option<Uuid>,
        page: &Page,
    ) -> Result<(Vec<pb::Handover>, String)> {
        let authority = caller.within(village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.read(authority.scope()).await?;
        let rows = store::handover_list(&mut tx, village, member, page).await?;
        let (rows, next) = page.cut(rows, |(key, _)| key.clone());
        Ok((rows.into_iter().map(|(_, handover)| handover).collect(), next))
    }
}

/// What an order would move as things stand. The village must be locked ([`link::lock`]).
///
/// # Errors
/// When somebody named does not exist or may not take what is to move.
pub(crate) async fn plan(
    tx: &mut Tx,
    keys: &VillageKeys,
    order: &Order,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Plan> {
    let village = order.member.village;
    let from = member::store::member_get(tx, keys, &order.member, true).await?;
    let mut successors = Vec::with_capacity(order.parts.len());
    for name in order.successors() {
        successors.push(member::store::member_get(tx, keys, name, false).await?);
    }
    let situation = Situation {
        teams: teams::teams_of_member(tx, &order.member, today).await?,
        held_since: held_by(tx, &order.member).await?,
        served: store::served_by(tx, &order.member).await?,
        grids: places::grids_all(tx, &village).await?,
        lines: line::store::lines_of(tx, &village, false).await?,
        from,
        successors,
    };
    rules::plan(order, situation, now, today)
}

/// Moves what a plan says, and answers the news of it: of every team, and of every link that ends and begins.
///
/// # Errors
/// `SEAT_TAKEN` when a representative would serve two grids.
pub(crate) async fn carry_out(tx: &mut Tx, plan: &Plan) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(plan.teams.len() + 2 * plan.households.len());
    if !plan.teams.is_empty() {
        seats_change(tx, &plan.teams, plan.day).await?;
        changes.extend(plan.teams.iter().map(|team| team.news(Happened::HandedOver)).collect::<Result<Vec<_>>>()?);
    }
    let ends: Vec<_> = plan.households.iter().map(|household| (household.link.clone(), plan.day)).collect();
    changes.extend(link::end(tx, &ends, plan.now).await?);
    let begins: Vec<Link> = plan.households.iter().filter_map(|household| household.begin.clone()).collect();
    if !begins.is_empty() {
        let begun = link::store::links_begin(tx, &begins).await?.on_constraint("link_one_a_day", || {
            Error::internal("a household that is handed over has another link in the time to come")
        })?;
        changes.extend(begun.iter().map(Link::began).collect::<Result<Vec<_>>>()?);
    }
    Ok(changes)
}
