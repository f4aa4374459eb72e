//! What a ledger's row makes of a concern. Pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use proto::names::{ConcernName, GridCode, VillageCode};
use uuid::Uuid;
use workbook::Refusal;

use super::sheet::{Entry, WITHHELD};
use crate::concern::{Concern, MoveKind, Outcome, Owner, State, Step};
use crate::place::Team;

/// Ids of rows are derived from what they say, so that bringing them in twice is once.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d79_6c64_6772_4c78_8a3e_5d1f_0b27_c946);

/// What is wrong, and in which column.
pub(super) type Refused = (&'static str, Refusal);

/// What came of a row.
#[derive(Debug)]
pub(super) struct Taken {
    /// None when the concern already is as the row says.
    pub(super) step: Option<Step>,
    /// A cell that was passed over while the row was taken.
    pub(super) passed_over: Option<Refused>,
}

/// Gives each row its id: by its number, or, without one, by what was raised (not by how far it has got) and by how
/// many rows before it say the same.
pub(super) fn identify(village: VillageCode, entries: Vec<(u32, Entry)>) -> Vec<(u32, Uuid, Entry)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    entries
        .into_iter()
        .map(|(row, entry)| {
            let cause = match &entry.number {
                Some(number) => format!("{village}/number/{number}"),
                None => {
                    let raised = format!("{village}/row/{}", raised(&entry));
                    let before = seen.entry(raised.clone()).or_default();
                    *before += 1;
                    format!("{raised}/{before}")
                }
            };
            (row, Uuid::new_v5(&NAMESPACE, cause.as_bytes()), entry)
        })
        .collect()
}

fn raised(entry: &Entry) -> String {
    let grid = entry.grid.map(|grid| grid.to_string()).unwrap_or_default();
    let household = entry.household.as_deref().unwrap_or_default();
    let representative = entry.representative.as_deref().unwrap_or_default();
    let matter = entry.matter.as_str();
    let Entry { reported_on, matter_type, text, .. } = entry;
    format!(
        "{reported_on}\u{1f}{grid}\u{1f}{household}\u{1f}{representative}\u{1f}{matter}\u{1f}{matter_type}\u{1f}{text}"
    )
}

/// Names all that a row says.
fn content(entry: &Entry) -> Uuid {
    let Entry { state, resolved_on, result, score, .. } = entry;
    let (raised, state) = (raised(entry), state.as_str());
    let mut said = format!("{raised}\u{1f}{state}\u{1f}{resolved_on:?}\u{1f}{result}\u{1f}{score}");
    // Ledgers that say no more than they used to are known as they used to be.
    let Entry { accepted_on, followed_up_on, answered, .. } = entry;
    if accepted_on.is_some() || followed_up_on.is_some() || answered.is_some() {
        said += &format!("\u{1f}{accepted_on:?}\u{1f}{followed_up_on:?}\u{1f}{answered:?}");
    }
    Uuid::new_v5(&NAMESPACE, said.as_bytes())
}

/// Two rows cannot have one number.
pub(super) fn repeated() -> Refused {
    ("编号", Refusal::new("DUPLICATE", "编号与前面的行重复"))
}

/// What is known of the things that rows name.
pub(super) struct Known {
    pub(super) village: VillageCode,
    pub(super) concerns: HashMap<Uuid, Concern>,
    pub(super) by_reference: HashMap<String, Uuid>,
    pub(super) households: HashMap<String, (Uuid, GridCode)>,
    pub(super) grids: HashMap<GridCode, Option<Team>>,
}

/// Where a row belongs.
struct Place {
    household: Option<Uuid>,
    grid: GridCode,
    has_team: bool,
    reporter: Option<Uuid>,
}

impl Known {
    /// The id of a row's concern: of the one that has the row's number, if there is one, or else the row's own.
    pub(super) fn id_of(&self, id: Uuid, entry: &Entry) -> Uuid {
        entry.number.as_ref().and_then(|number| self.by_reference.get(number)).copied().unwrap_or(id)
    }

    /// Takes a row: as a new concern, as news of one that is here, or not at all.
    pub(super) fn take(&self, id: Uuid, entry: &Entry, now: DateTime<Utc>) -> Result<Taken, Refused> {
        let before = self.concerns.get(&id);
        let place = self.place(entry);
        let content = content(entry);
        if let Some(before) = before.filter(|before| before.ledger_row == Some(content)) {
            // It was taken before, whatever has become of its household or grid since. Only who brought it may be
            // known by now and not then.
            let reporter = place.ok().and_then(|place| place.reporter).filter(|_| before.reporter.is_none());
            let step = reporter
                .map(|_| Step::after(before.clone(), MoveKind::Imported, now, |concern| concern.reporter = reporter));
            return Ok(Taken { step, passed_over: None });
        }
        let place = place?;
        let unknown = entry.representative.is_some() && place.reporter.is_none();
        let passed_over = unknown.then(|| {
            let message = "这个微网格的三人组里没有这位村民代表，民意已录入，代表未登记";
            ("村民代表", Refusal::new("UNKNOWN_MEMBER", message))
        });
        if before.is_none() && (entry.text == WITHHELD || entry.state == State::Merged) {
            let message = "这一行是导出时略去内容或已合并的民意，这里没有原件，不能作为新的民意录入";
            return Err(("描述", Refusal::new("NO_ORIGINAL", message)));
        }
        let step = match before {
            None => Some(self.first(id, entry, &place, content, now)),
            Some(before) => again(before, entry, &place, content, now),
        };
        Ok(Taken { step, passed_over })
    }

    /// Finds what a row names, or says in which column it names what is not known.
    fn place(&self, entry: &Entry) -> Result<Place, Refused> {
        let household = entry.household.as_ref().map(|number| self.households.get(number));
        let (household, home) = match household {
            None => (None, None),
            Some(Some((household, grid))) => (Some(*household), Some(*grid)),
            Some(None) => return Err(("户编号", Refusal::new("UNKNOWN_HOUSEHOLD", "没有这个户编号，请核对住户名册"))),
        };
        if let Some(grid) = entry.grid
            && !self.grids.contains_key(&grid)
        {
            return Err(("微网格编号", Refusal::new("UNKNOWN_GRID", "没有这个微网格，请核对微网格名册")));
        }
        if home.is_some() && entry.grid.is_some() && home != entry.grid {
            return Err(("微网格编号", Refusal::new("WRONG_GRID", "这一户不在这个微网格，请核对户编号和微网格编号")));
        }
        let grid = home.or(entry.grid);
        let grid = grid.ok_or_else(|| ("微网格编号", Refusal::new("BLANK", "微网格编号和户编号至少要填一项")))?;
        let team = self.grids.get(&grid).and_then(Option::as_ref);
        let reporter = entry.representative.as_ref().zip(team).and_then(|(name, team)| team.seat_of(name));
        Ok(Place { household, grid, has_team: team.is_some(), reporter })
    }

    fn first(&self, id: Uuid, entry: &Entry, place: &Place, content: Uuid, now: DateTime<Utc>) -> Step {
        let name = ConcernName::new(self.village, id);
        let mut concern = Concern::new(name, entry.matter, entry.text.clone(), entry.reported_on, now);
        if let Some(number) = &entry.number {
            concern.reference.clone_from(number);
        }
        concern.matter_type.clone_from(&entry.matter_type);
        concern.household = place.household;
        concern.grid = Some(place.grid);
        concern.reporter = place.reporter;
        concern.owner = if place.has_team { Owner::Team(place.grid) } else { Owner::Office };
        concern.routed = place.has_team;
        concern.ledger_row = Some(content);
        get_on(&mut concern, entry);
        Step { concern, kind: MoveKind::Imported, from: None, note: String::new() }
    }
}

/// The ledger says something new of a concern: what it is about, and perhaps how far it has got.
fn again(before: &Concern, entry: &Entry, place: &Place, content: Uuid, now: DateTime<Utc>) -> Option<Step> {
    let step = Step::after(before.clone(), MoveKind::Imported, now, |concern| {
        concern.matter = entry.matter;
        concern.matter_type.clone_from(&entry.matter_type);
        if entry.text != WITHHELD {
            concern.text.clone_from(&entry.text);
        }
        concern.reported_on = entry.reported_on;
        concern.household = place.household;
        concern.reporter = place.reporter.or(concern.reporter);
        concern.ledger_row = Some(content);
        concern.acted_at = now;
        let elsewhere = concern.grid != Some(place.grid) || !concern.routed;
        // Whom it was given to by name keeps it, and so does the sub-district, whatever grid the ledger says now.
        if elsewhere && !matches!(concern.owner, Owner::Member(_) | Owner::Subdistrict) {
            concern.grid = Some(place.grid);
            concern.routed = place.has_team;
            concern.owner = if place.has_team { Owner::Team(place.grid) } else { Owner::Office };
        }
        // What was declined, withdrawn or merged stays so; what was returned has come no further than its report.
        let got = if concern.state == State::Returned { State::Reported } else { concern.state };
        // Nor does a ledger return, decline, withdraw or merge what is here.
        let goes_on = entry.state >= got && entry.state <= State::Closed;
        if goes_on && !(concern.state == State::Returned && entry.state == State::Reported) {
            get_on(concern, entry);
        }
    });
    let same = Concern {
        ledger_row: before.ledger_row,
        revision: before.revision,
        updated_at: before.updated_at,
        acted_at: before.acted_at,
        ..step.concern.clone()
    };
    (same != *before).then_some(step)
}

/// As far as the ledger says. When it was accepted or asked back the ledger does not say; the household was asked by
/// the day on which the ledger has it done.
fn get_on(concern: &mut Concern, entry: &Entry) {
    if entry.state >= State::Resolved && !matches!(concern.state, State::Resolved | State::Closed) {
        // The claim is the ledger's. Who claimed it before the household sent it back may ask the household now.
        concern.resolved_by = None;
        concern.assignee = None;
        concern.suspended = false;
    }
    concern.accepted_on = entry.accepted_on.or(concern.accepted_on);
    if !entry.result.is_empty() && entry.result != WITHHELD {
        concern.result.clone_from(&entry.result);
    }
    match entry.state {
        // More is needed before it comes any further than its report.
        State::Returned => return,
        State::Declined | State::Withdrawn => {
            concern.state = entry.state;
            concern.ended_on = entry.resolved_on;
            return;
        }
        state => concern.state = state,
    }
    concern.resolved_on = entry.resolved_on.or(concern.resolved_on);
    if entry.state == State::Resolved && entry.answered == Some(Outcome::NotReached) {
        concern.outcome = entry.answered;
        concern.followed_up_on = entry.followed_up_on.or(entry.resolved_on);
    }
    if entry.state == State::Closed {
        let asked_on = entry.followed_up_on.or(entry.resolved_on);
        concern.followed_up_on = asked_on;
        concern.closed_on = asked_on;
        concern.ended_on = asked_on;
        concern.outcome = entry.outcome();
        concern.confirmed_on = asked_on.filter(|_| concern.outcome == Some(Outcome::Satisfied));
        concern.score = entry.score;
    }
}

#[cfg(test)]
mod tests;
