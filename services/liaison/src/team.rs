//! Teams: the three seats of every grid.

pub(crate) mod absence;
pub(crate) mod handover;
mod rpc;
pub(crate) mod rules;
pub(crate) mod seating;
pub(crate) mod store;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::{Change, Changes};
use platform::revision::must_be;
use platform::{Caller, Clock, Database, Error, OnConstraint, Page, Request, Result, Tx, Vault};
use proto::liaison::v1::team_changed::Happened;
use proto::names::{MemberName, TeamName, VillageCode};

use crate::places::{Grid, grid_get};
use crate::{line, link, member};
use absence::{Circumstances, CoverSeat, UncoverSeat};
use rules::{Filter, SeatMember, Team, VacateSeat};
use seating::Seating;

/// The use cases of teams.
pub(crate) struct Teams {
    database: Database,
    changes: Changes,
    clock: Clock,
    vault: Vault,
}

impl Teams {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, vault: Vault) -> Self {
        Self { database, changes, clock, vault }
    }

    async fn get(&self, caller: &Caller, name: &TeamName) -> Result<Team> {
        let authority = caller.within(&name.village)?;
        if !authority.sees(&name.grid) {
            return Err(Error::NotFound(name.to_string()));
        }
        let mut tx = self.database.read(authority.scope()).await?;
        store::team_get(&mut tx, name, self.clock.today(), false).await
    }

    async fn list(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<Team>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let rows = store::team_list(&mut tx, village, authority.grids(), filter, self.clock.today(), page).await?;
        Ok(page.cut(rows, |team| team.name.grid.to_string()))
    }

    async fn seatings(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &seating::Filter,
        page: &Page,
    ) -> Result<(Vec<Seating>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let rows = seating::seating_list(&mut tx, village, authority.grids(), filter, page).await?;
        Ok(page.cut(rows, Seating::key))
    }

    /// Gives a vacant seat to a member. The representative's seat brings the grid's households with it.
    async fn seat(&self, caller: &Caller, request: &Request, command: SeatMember) -> Result<Team> {
        let village = command.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        if request.claim(&mut tx, &village, &command.name.to_string()).await?.is_some() {
            return store::team_get(&mut tx, &command.name, self.clock.today(), false).await;
        }
        link::lock(&mut tx, [village]).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let before = store::team_get(&mut tx, &command.name, today, true).await?;
        must_be(command.expected, before.revision, &command.name)?;
        let grid = grid_get(&mut tx, &command.name.grid_name()).await?;
        let lines = line::store::lines_of(&mut tx, &village, false).await?;
        let member = member::store::member_get(&mut tx, &keys, &command.member, false).await?;
        let (team, change) = rules::seat(before, &command, &member, &grid, &lines, now, today)?;
        seating::seats_change(&mut tx, std::slice::from_ref(&team), today).await?;
        let mut changes = vec![change];
        if command.seat == rules::Seat::Representative {
            changes.extend(link::settle_grids(&mut tx, &village, &[team.name.grid], today, now).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(team)
    }

    /// Empties a seat. Households linked to a representative who leaves become gaps at once.
    async fn vacate(&self, caller: &Caller, request: &Request, command: VacateSeat) -> Result<Team> {
        let village = command.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        if request.claim(&mut tx, &village, &command.name.to_string()).await?.is_some() {
            return store::team_get(&mut tx, &command.name, self.clock.today(), false).await;
        }
        link::lock(&mut tx, [village]).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        let before = store::team_get(&mut tx, &command.name, today, true).await?;
        must_be(command.expected, before.revision, &command.name)?;
        let (team, left, change) = rules::vacate(before, command.seat, now)?;
        seating::seats_change(&mut tx, std::slice::from_ref(&team), today).await?;
        let mut changes = vec![change];
        if command.seat == rules::Seat::Representative {
            changes.extend(link::release(&mut tx, &[MemberName::new(village, left.member)], today, now).await?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(team)
    }

    /// Notes that the holder of a seat is absent, and who stands in.
    async fn cover(&self, caller: &Caller, request: &Request, command: CoverSeat) -> Result<Team> {
        let village = command.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, &village).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        if request.claim(&mut tx, &village, &command.name.to_string()).await?.is_some() {
            return store::team_get(&mut tx, &command.name, today, false).await;
        }
        link::lock(&mut tx, [village]).await?;
        let before = store::team_get(&mut tx, &command.name, today, true).await?;
        must_be(command.expected, before.revision, &command.name)?;
        let stand_in = match &command.stand_in {
            Some(name) => Some(member::store::member_get(&mut tx, &keys, name, false).await?),
            None => None,
        };
        let known = Circumstances {
            held_since: seating::held_since(&mut tx, &command.name, command.seat).await?,
            stand_in: stand_in.as_ref(),
            grid: &grid_get(&mut tx, &command.name.grid_name()).await?,
            lines: &line::store::lines_of(&mut tx, &village, false).await?,
            now,
            today,
        };
        let (team, absences, change) = absence::cover(before, &command, known, || self.clock.new_id())?;
        seating::absences_keep(&mut tx, &team.name, &absences).await.on_constraint("absence_one_a_day", || {
            absence::covered(&team.name, command.start.unwrap_or(today), today)
        })?;
        store::teams_update(&mut tx, std::slice::from_ref(&team)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(team)
    }

    /// Ends an absence before its time.
    async fn uncover(&self, caller: &Caller, request: &Request, command: UncoverSeat) -> Result<Team> {
        let village = command.name.village;
        let authority = caller.within(&village)?;
        authority.must_serve_all()?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let (now, today) = (self.clock.now(), self.clock.today());
        if request.claim(&mut tx, &village, &command.name.to_string()).await?.is_some() {
            return store::team_get(&mut tx, &command.name, today, false).await;
        }
        link::lock(&mut tx, [village]).await?;
        let before = store::team_get(&mut tx, &command.name, today, true).await?;
        must_be(command.expected, before.revision, &command.name)?;
        let (team, ended, change) = absence::uncover(before, &command, now, today)?;
        seating::absences_keep(&mut tx, &team.name, &[ended]).await?;
        store::teams_update(&mut tx, std::slice::from_ref(&team)).await?;
        self.changes.append(&mut tx, &authority, &[change]).await?;
        self.changes.commit(tx).await?;
        Ok(team)
    }
}

/// Makes the teams of these grids, unless they are there.
pub(crate) async fn begin(tx: &mut Tx, grids: &[Grid], now: DateTime<Utc>) -> Result<Vec<Change>> {
    let teams: Vec<Team> = grids.iter().map(|grid| Team::new(grid.name.village, grid.name.grid, now)).collect();
    let made = store::teams_insert(tx, &teams).await?;
    made.iter().map(|team| team.news(Happened::Created)).collect()
}

/// Tells teams again after one of their members was renamed: readers know the holders of seats from their teams.
pub(crate) async fn tell_again(
    tx: &mut Tx,
    teams: &BTreeSet<TeamName>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    let mut told = Vec::with_capacity(teams.len());
    for name in teams {
        // Read again: the team as it is now carries the new name. A member sits in a handful of teams.
        let team = store::team_get(tx, name, today, true).await?;
        told.push(Team { revision: team.revision + 1, updated_at: now, ..team });
    }
    store::teams_update(tx, &told).await?;
    told.iter().map(|team| team.news(Happened::Seated)).collect()
}
