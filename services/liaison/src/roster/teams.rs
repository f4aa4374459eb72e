//! Teams out of a roster: 三人组. The sheet says who sits where; a blank cell says nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use platform::import::Outcome;
use platform::{Authority, Result};
use proto::liaison::v1::team_changed::Happened;
use proto::names::{GridCode, MemberName, VillageCode};
use proto::reasons;
use uuid::Uuid;
use workbook::Refusal;

use super::members::Told;
use super::sheets::{TEAMS, TeamRow};
use super::{Report, Rosters, unknown_grid};
use crate::line::rules::Line;
use crate::line::store::lines_of;
use crate::link;
use crate::member::rules::{Member, Office};
use crate::member::store::members_all;
use crate::places::{Grid, grids_all};
use crate::team::rules::{Holder, Seat, Team, line_of, office_for};
use crate::team::seating::seats_change;
use crate::team::store::teams_all;

impl Rosters {
    /// Seats members, all in one transaction: representatives may change places, which is right only as a whole, and a
    /// village has less than a thousand grids. `coming` are the grids that a check counts as there.
    pub(super) async fn import_teams(
        &self,
        authority: &Authority,
        village: &VillageCode,
        rows: Vec<TeamRow>,
        told: Vec<Told>,
        coming: &[Grid],
        report: &mut Report,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let (now, today) = (self.clock.now(), self.clock.today());
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        link::lock(&mut tx, [*village]).await?;
        let mut members: BTreeMap<Uuid, Member> = members_all(&mut tx, &keys, village)
            .await?
            .into_iter()
            .map(|member| (member.name.member, member))
            .collect();
        let hints: BTreeMap<Uuid, GridCode> =
            told.iter().filter_map(|(member, grid)| Some((member.name.member, (*grid)?))).collect();
        if report.import.validate_only() {
            // Nothing was written: the members that the file itself brings are known from it alone.
            members.extend(told.into_iter().map(|(member, _)| (member.name.member, member)));
        }
        let village_now = VillageNow {
            members: members.into_values().collect(),
            hints,
            grids: [grids_all(&mut tx, village).await?.as_slice(), coming].concat(),
            lines: lines_of(&mut tx, village, false).await?,
            today,
        };
        let mut before = teams_all(&mut tx, village, today).await?;
        before.extend(coming.iter().map(|grid| Team::new(*village, grid.name.grid, now)));
        let plan = plan(&village_now, &before, rows, now);
        for (row, fate) in &plan.fates {
            match fate {
                Ok(outcome) => report.import.note(TEAMS, *outcome),
                Err((column, refusal)) => report.refuse(TEAMS, *row, column, refusal.clone()),
            }
        }
        if !plan.teams.is_empty() && !report.import.validate_only() {
            seats_change(&mut tx, &plan.teams, today).await?;
            let mut changes = plan.teams.iter().map(|team| team.news(Happened::Seated)).collect::<Result<Vec<_>>>()?;
            changes.extend(link::settle_grids(&mut tx, village, &plan.represented, today, now).await?);
            let left: Vec<MemberName> = plan.left.iter().map(|id| MemberName::new(*village, *id)).collect();
            changes.extend(link::release(&mut tx, &left, today, now).await?);
            self.changes.append(&mut tx, authority, &changes).await?;
            self.changes.commit(tx).await?;
        } else {
            // Nobody waits for the village's lock while a slow caller is told.
            tx.rollback().await?;
        }
        report.import.progress(TEAMS, plan.fates.len(), plan.fates.len()).await
    }
}

/// What the rows are measured by.
struct VillageNow {
    members: Vec<Member>,
    /// The grids that the sheet of representatives gives.
    hints: BTreeMap<Uuid, GridCode>,
    grids: Vec<Grid>,
    lines: Vec<Line>,
    today: NaiveDate,
}

type Fate = Result<Outcome, (&'static str, Refusal)>;

/// What is to be done.
struct Plan {
    /// Teams that change, as they then are.
    teams: Vec<Team>,
    /// Grids that get another representative.
    represented: Vec<GridCode>,
    /// Representatives who no longer have a grid.
    left: BTreeSet<Uuid>,
    /// What becomes of each row.
    fates: Vec<(u32, Fate)>,
}

fn plan(village: &VillageNow, before: &[Team], rows: Vec<TeamRow>, now: DateTime<Utc>) -> Plan {
    let old: BTreeMap<GridCode, &Team> = before.iter().map(|team| (team.name.grid, team)).collect();
    let mut new: BTreeMap<GridCode, Team> = BTreeMap::new();
    let mut fates: Vec<(u32, GridCode, Fate)> = Vec::with_capacity(rows.len());
    for row in rows {
        let fate = match (old.get(&row.grid), new.get(&row.grid)) {
            (_, Some(_)) => Err(("微网格编号", Refusal::new("DUPLICATE_ROW", "本表前面已有这个微网格的三人组"))),
            (None, _) => Err(("微网格编号", unknown_grid())),
            (Some(team), None) => village.seated(team, &row),
        };
        let fate = fate.map(|team| {
            let outcome = if old.get(&row.grid) == Some(&&team) { Outcome::Unchanged } else { Outcome::Updated };
            new.insert(row.grid, team);
            outcome
        });
        fates.push((row.row, row.grid, fate));
    }
    refuse_second_seats(&old, &mut new, &mut fates);

    let representative = |team: &Team| team.representative.as_ref().map(|holder| holder.member);
    new.retain(|grid, team| old.get(grid) != Some(&&*team));
    let represented =
        new.iter().filter(|(grid, team)| old.get(grid).and_then(|old| representative(old)) != representative(team));
    let represented: Vec<GridCode> = represented.map(|(grid, _)| *grid).collect();
    let sat: BTreeSet<Uuid> = before.iter().filter_map(representative).collect();
    let sits: BTreeSet<Uuid> =
        old.iter().filter_map(|(grid, team)| representative(new.get(grid).unwrap_or(team))).collect();
    let teams = new.into_values().map(|team| Team { revision: team.revision + 1, updated_at: now, ..team }).collect();
    Plan {
        teams,
        represented,
        left: &sat - &sits,
        fates: fates.into_iter().map(|(row, _, fate)| (row, fate)).collect(),
    }
}

/// A representative has one grid: of two rows that say otherwise the later one is refused, and a row that says otherwise
/// than a team which the sheet leaves alone. What a refused row leaves behind may stand in another row's way in turn.
fn refuse_second_seats(
    old: &BTreeMap<GridCode, &Team>,
    new: &mut BTreeMap<GridCode, Team>,
    fates: &mut [(u32, GridCode, Fate)],
) {
    loop {
        let mut seats: BTreeMap<Uuid, usize> = BTreeMap::new();
        for team in old.iter().map(|(grid, team)| new.get(grid).unwrap_or(team)) {
            if let Some(holder) = &team.representative {
                *seats.entry(holder.member).or_default() += 1;
            }
        }
        let twice = |team: &Team| {
            team.representative.as_ref().is_some_and(|holder| seats.get(&holder.member).is_some_and(|seats| *seats > 1))
        };
        let later = fates.iter_mut().rev().find(|(_, grid, fate)| fate.is_ok() && new.get(grid).is_some_and(twice));
        let Some((_, grid, fate)) = later else { return };
        new.remove(grid);
        *fate = Err((
            "村民代表",
            Refusal::new(reasons::SEAT_TAKEN, "这位代表已是另一个微网格的代表，一人只能任一个微网格"),
        ));
    }
}

impl VillageNow {
    /// The team as its row says.
    fn seated(&self, team: &Team, row: &TeamRow) -> Result<Team, (&'static str, Refusal)> {
        let grid = self.grids.iter().find(|grid| grid.name.grid == row.grid).ok_or(("微网格编号", unknown_grid()))?;
        if grid.retired {
            return Err(("微网格编号", Refusal::new(reasons::GRID_RETIRED, "这个微网格已撤销，编号不再使用")));
        }
        let mut team = team.clone();
        if let Some(name) = &row.cadre {
            team.cadre = Some(self.holder(name, Seat::Cadre, None, grid).map_err(|why| ("联片村干部", why))?);
        }
        if let Some((name, office)) = &row.leader {
            team.leader = Some(self.holder(name, Seat::Leader, *office, grid).map_err(|why| ("组长姓名", why))?);
        }
        if let Some(name) = &row.representative {
            let holder = self.holder(name, Seat::Representative, None, grid).map_err(|why| ("村民代表", why))?;
            team.representative = Some(holder);
        }
        team.forget_absences_of_others();
        Ok(team)
    }

    /// The one member of this name who may hold the seat today.
    fn holder(&self, name: &str, seat: Seat, wished: Option<Office>, grid: &Grid) -> Result<Holder, Refusal> {
        let named: Vec<&Member> = self.members.iter().filter(|member| member.display_name == name).collect();
        let serving = || named.iter().filter(|member| member.serves(self.today));
        let line = line_of(grid, &self.lines);
        let fits = |member: &&&Member| {
            let office = office_for(seat, member, wished, line).ok()?;
            member.serves_in(office, self.today).then(|| Holder::of(member, office))
        };
        let fit: Vec<Holder> = serving().filter_map(|member| fits(&member)).collect();
        let here: Vec<&Holder> =
            fit.iter().filter(|holder| self.hints.get(&holder.member) == Some(&grid.name.grid)).collect();
        match (fit.as_slice(), here.as_slice()) {
            ([holder], _) => Ok(holder.clone()),
            (_, [holder]) => Ok((*holder).clone()),
            ([], _) if named.is_empty() => {
                let message = match seat {
                    Seat::Representative => "不认识的代表，请先把这个人登记在“村民代表”表",
                    Seat::Cadre | Seat::Leader => "不认识的人，请先把这个人登记在相应的表",
                };
                Err(Refusal::new("UNKNOWN_MEMBER", message))
            }
            ([], _) if serving().next().is_none() => {
                Err(Refusal::new(reasons::NOT_SERVING, "这个人今天不在任期内，不能任三人组"))
            }
            ([], _) => Err(Refusal::new(reasons::WRONG_OFFICE, "这个人没有相应的职务，不能任这个位置")),
            _ => Err(Refusal::new("AMBIGUOUS_MEMBER", "有多位同名的人，分不清是哪一位")),
        }
    }
}

#[cfg(test)]
mod tests;
