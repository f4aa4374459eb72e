//! How often a household is visited, and whether a visit is due. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use events::Change;
use platform::Result;
use proto::liaison::v1 as pb;
use proto::liaison::v1::visit_plan_changed::Happened;
use proto::names::{GridCode, GridName, VillageCode, VisitPlanName};
use proto::time::timestamp;

use crate::places::{GridKind, HouseholdKind};

platform::choice! {
    /// How urgent a visit is.
    pub(crate) enum DueState as proto::liaison::v1::DueState {
        Due = "due",
        Overdue = "overdue",
    }
}

/// So many visits in every period of so many months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frequency {
    visits: u8,
    months: u8,
}

impl Frequency {
    /// Lengths of periods, in months: those that fill a year.
    const MONTHS: [u8; 6] = [1, 2, 3, 4, 6, 12];
    /// Once a day at the most.
    const MOST: u8 = 31;

    /// None if a year has no such periods, or a month not so many days.
    pub(crate) fn new(visits: i32, months: i32) -> Option<Self> {
        let (visits, months) = (u8::try_from(visits).ok()?, u8::try_from(months).ok()?);
        (visits <= Self::MOST && Self::MONTHS.contains(&months)).then_some(Self { visits, months })
    }

    pub(crate) fn visits(self) -> i32 {
        self.visits.into()
    }

    pub(crate) fn months(self) -> i32 {
        self.months.into()
    }

    /// The period of this length that a day lies in; periods begin with the year.
    pub(crate) fn period(self, day: NaiveDate) -> Period {
        let months = u32::from(self.months.max(1));
        let first = day.month0() - day.month0() % months;
        let day_one = |year: i32, month0: u32| NaiveDate::from_ymd_opt(year, month0 + 1, 1);
        let start = day_one(day.year(), first).unwrap_or(day);
        let next = first + months;
        let end = if next < 12 { day_one(day.year(), next) } else { day_one(day.year() + 1, 0) };
        Period { start, end: end.unwrap_or(NaiveDate::MAX) }
    }
}

/// The days of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: NaiveDate,
    /// The first day that is not in it.
    pub(crate) end: NaiveDate,
}

impl Period {
    fn has(self, day: NaiveDate) -> bool {
        self.start <= day && day < self.end
    }

    /// The day on which the time for one of several visits begins, spread evenly.
    fn share(self, place: usize, visits: usize) -> NaiveDate {
        let days = usize::try_from((self.end - self.start).num_days()).unwrap_or_default();
        let offset = (place * days).checked_div(visits).unwrap_or_default();
        self.start.checked_add_days(Days::new(offset as u64)).unwrap_or(self.end)
    }
}

/// How often some households are visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) household_kinds: BTreeSet<HouseholdKind>,
    pub(crate) grid_kinds: BTreeSet<GridKind>,
    pub(crate) grids: BTreeSet<GridCode>,
    pub(crate) key_households_only: bool,
    pub(crate) frequency: Frequency,
}

impl Rule {
    /// An empty condition is satisfied by all.
    fn fits(&self, household: &Household) -> bool {
        let any = |is_empty: bool, has: bool| is_empty || has;
        any(self.household_kinds.is_empty(), self.household_kinds.contains(&household.kind))
            && any(self.grid_kinds.is_empty(), household.grid_kind.is_some_and(|kind| self.grid_kinds.contains(&kind)))
            && any(self.grids.is_empty(), self.grids.contains(&household.grid))
            && (household.is_key || !self.key_households_only)
    }
}

/// How often a village visits its households.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) village: VillageCode,
    pub(crate) every: Frequency,
    pub(crate) key: Frequency,
    pub(crate) rules: Vec<Rule>,
    /// 0: the mechanism's own.
    pub(crate) revision: i64,
    pub(crate) made_at: Option<DateTime<Utc>>,
    pub(crate) updated_at: Option<DateTime<Utc>>,
}

/// What an update changes; none leaves it as it is.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: VisitPlanName,
    pub(crate) expected: Option<i64>,
    pub(crate) every: Option<Frequency>,
    pub(crate) key: Option<Frequency>,
    pub(crate) rules: Option<Vec<Rule>>,
}

/// What the plan has to know of a household.
#[derive(Debug, Clone)]
pub(crate) struct Household {
    pub(crate) kind: HouseholdKind,
    pub(crate) grid: GridCode,
    pub(crate) grid_kind: Option<GridKind>,
    pub(crate) is_key: bool,
    /// The first day on which it counted and somebody was there to visit it; none: nobody ever was.
    pub(crate) since: Option<NaiveDate>,
    /// The days of its visits, as far back as [`Plan::looks_back`].
    pub(crate) visits: Vec<NaiveDate>,
}

/// A visit that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) state: DueState,
    /// The last day in time.
    pub(crate) by: NaiveDate,
    pub(crate) period: Period,
    pub(crate) planned: i32,
    pub(crate) made: i32,
}

impl Plan {
    /// The mechanism's own plan: every household monthly, key households twice a month.
    pub(crate) fn default_of(village: VillageCode) -> Self {
        let monthly = |visits| Frequency { visits, months: 1 };
        Self {
            village,
            every: monthly(1),
            key: monthly(2),
            rules: Vec::new(),
            revision: 0,
            made_at: None,
            updated_at: None,
        }
    }

    pub(crate) fn name(&self) -> VisitPlanName {
        VisitPlanName(self.village)
    }

    /// The first rule that fits decides.
    fn frequency(&self, household: &Household) -> Frequency {
        let own = self.rules.iter().find(|rule| rule.fits(household)).map(|rule| rule.frequency);
        own.unwrap_or(if household.is_key { self.key } else { self.every })
    }

    /// The first day whose visits decide what is due today: the period before the one under way counts too.
    pub(crate) fn looks_back(&self, today: NaiveDate) -> NaiveDate {
        let own = self.rules.iter().map(|rule| rule.frequency);
        let before = |frequency: Frequency| before(frequency, today).start;
        own.chain([self.every, self.key]).map(before).min().unwrap_or(today)
    }

    /// Whether a household is to be visited, and by when. Its share of the period must have begun; what should have been
    /// done in shares that went by is overdue. So is the whole of the period before, until the next visit: that one makes
    /// good for it.
    pub(crate) fn due(&self, household: &Household, today: NaiveDate) -> Option<Due> {
        let frequency = self.frequency(household);
        let planned = usize::from(frequency.visits);
        let period = frequency.period(today);
        let made = |period: Period| household.visits.iter().filter(|day| period.has(**day) && **day <= today).count();
        let done = made(period);
        let due = |state, by| Due {
            state,
            by,
            period,
            planned: frequency.visits(),
            made: i32::try_from(done).unwrap_or(i32::MAX),
        };
        // Nobody owes visits for the time before there was anybody to make them.
        let since = household.since.unwrap_or(period.start).min(today);
        let missed = |place: &usize| period.share(place + 1, planned) <= since;
        let next = (0..planned).take_while(missed).count() + done;
        if next >= planned {
            return None;
        }
        let last = before(frequency, today);
        if done == 0 && household.since.is_some_and(|since| since <= last.start) && made(last) < planned {
            return Some(due(DueState::Overdue, last.end.pred_opt().unwrap_or(last.end)));
        }
        if period.share(next, planned) > today {
            return None;
        }
        let end = period.share(next + 1, planned);
        Some(due(if end <= today { DueState::Overdue } else { DueState::Due }, end.pred_opt().unwrap_or(end)))
    }
}

impl From<Frequency> for pb::VisitFrequency {
    fn from(frequency: Frequency) -> Self {
        Self { visits: frequency.visits(), months: frequency.months() }
    }
}

impl Rule {
    /// The rule as it is told, and as it is kept.
    pub(crate) fn message(&self, village: VillageCode) -> pb::VisitRule {
        pb::VisitRule {
            household_kinds: self.household_kinds.iter().map(|kind| (*kind).into()).collect(),
            grid_kinds: self.grid_kinds.iter().map(|kind| (*kind).into()).collect(),
            grids: self.grids.iter().map(|grid| GridName::new(village, *grid).to_string()).collect(),
            key_households_only: self.key_households_only,
            frequency: Some(self.frequency.into()),
        }
    }
}

/// The period before the one that is under way.
fn before(frequency: Frequency, today: NaiveDate) -> Period {
    let start = frequency.period(today).start;
    frequency.period(start.pred_opt().unwrap_or(start))
}

/// A village's plan with these changes.
pub(crate) fn update(before: Plan, update: Update, now: DateTime<Utc>) -> Result<(Plan, Change)> {
    let plan = Plan {
        every: update.every.unwrap_or(before.every),
        key: update.key.unwrap_or(before.key),
        rules: update.rules.unwrap_or(before.rules),
        revision: before.revision + 1,
        made_at: before.made_at.or(Some(now)),
        updated_at: Some(now),
        ..before
    };
    let change = Change::of(&pb::VisitPlanChanged {
        name: plan.name().to_string(),
        revision: plan.revision,
        happened: Happened::Updated.into(),
        change_time: Some(timestamp(now)),
        every_household: Some(plan.every.into()),
        key_household: Some(plan.key.into()),
        rules: plan.rules.iter().map(|rule| rule.message(plan.village)).collect(),
    })?;
    Ok((plan, change))
}

#[cfg(test)]
mod tests;
