//! What the figures are. Pure. Where a figure is a rate, its numerator and denominator are figures too.

use std::collections::BTreeMap;

use chrono::NaiveDate;

platform::choice! {
    /// The four matters.
    pub(crate) enum Matter as proto::casework::v1::Matter {
        ResidentAffairs = "resident_affairs",
        BusinessAffairs = "business_affairs",
        Environment = "environment",
        OutreachEducation = "outreach_education",
    }
}

platform::choice! {
    /// Where a concern stands.
    pub(crate) enum State as proto::casework::v1::ConcernState {
        Reported = "reported",
        Accepted = "accepted",
        InProgress = "in_progress",
        Deliberating = "deliberating",
        Resolved = "resolved",
        Closed = "closed",
        Returned = "returned",
        Declined = "declined",
        Withdrawn = "withdrawn",
        Merged = "merged",
    }
}

platform::choice! {
    /// What a household answered.
    pub(crate) enum Outcome as proto::casework::v1::FollowUpOutcome {
        Satisfied = "satisfied",
        PartlySatisfied = "partly_satisfied",
        NotSatisfied = "not_satisfied",
        NotReached = "not_reached",
    }
}

platform::choice! {
    /// Where a common demand stands.
    pub(crate) enum DemandState as proto::casework::v1::DemandState {
        Open = "open",
        Answered = "answered",
        Dissolved = "dissolved",
    }
}

/// From the first day to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
}

impl Period {
    /// A period; a day that is not said stands for all time before or after, as far as the contract's calendar goes.
    pub(crate) fn new(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Self {
        let beginning = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default();
        let end = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
        Self { first: first.unwrap_or(beginning), last: last.unwrap_or(end) }
    }
}

/// A place's figures. They are counts, so those of a sub-district are its villages' added up: no record lies in two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) display_name: String,
    /// Of a village: whether it is archived.
    pub(crate) archived: bool,
    /// Grids in use.
    pub(crate) grids: i64,
    /// Members who hold the representative's seat of a grid in use, each once.
    pub(crate) representatives: i64,
    /// Active households.
    pub(crate) households: i64,
    /// Of these, those with a link in force today.
    pub(crate) households_linked: i64,
    /// Teams of grids in use.
    pub(crate) teams: i64,
    /// Of these, those with all three seats held.
    pub(crate) teams_complete: i64,
    /// Merchants in business.
    pub(crate) merchants: i64,
    /// Visits in the period.
    pub(crate) visits: i64,
    /// Persons met on these visits.
    pub(crate) person_visits: i64,
    /// Households visited in the period, each once.
    pub(crate) households_visited: i64,
    /// Concerns reported in the period, by where they stand now and by matter.
    pub(crate) concerns_reported: BTreeMap<(State, Matter), i64>,
    /// Concerns whose handler said in the period, for the last time so far, that they are solved.
    pub(crate) concerns_resolved: i64,
    /// Concerns whose household was called back in the period, for the last time so far.
    pub(crate) concerns_followed_up: i64,
    /// Of these, those whose household was reached.
    pub(crate) concerns_answered: i64,
    /// Of these, those whose household says that it is solved.
    pub(crate) concerns_confirmed: i64,
    /// Common demands made in the period, but for those that were taken apart again.
    pub(crate) demands_opened: i64,
    /// Concerns that are part of these.
    pub(crate) concerns_in_demands: i64,
    /// Common demands answered in the period.
    pub(crate) demands_answered: i64,
}

impl Tally {
    /// Coverage = active households with a link in force today ÷ active households; 1 where there is none to link.
    #[expect(clippy::cast_precision_loss, reason = "no place has 2^52 households")]
    pub(crate) fn coverage(&self) -> f64 {
        if self.households == 0 { 1.0 } else { self.households_linked as f64 / self.households as f64 }
    }

    /// Concerns reported in the period.
    pub(crate) fn reported(&self) -> i64 {
        self.concerns_reported.values().sum()
    }

    /// Of those reported in the period, how many stand in `state` now.
    pub(crate) fn in_state(&self, state: State) -> i64 {
        self.concerns_reported.iter().filter(|((stands, _), _)| *stands == state).map(|(_, count)| count).sum()
    }

    /// Of those reported in the period, how many belong to `matter`.
    pub(crate) fn in_matter(&self, matter: Matter) -> i64 {
        self.concerns_reported.iter().filter(|((_, of), _)| *of == matter).map(|(_, count)| count).sum()
    }

    /// Adds another village's figures.
    pub(crate) fn add(&mut self, other: &Self) {
        self.grids += other.grids;
        self.representatives += other.representatives;
        self.households += other.households;
        self.households_linked += other.households_linked;
        self.teams += other.teams;
        self.teams_complete += other.teams_complete;
        self.merchants += other.merchants;
        self.visits += other.visits;
        self.person_visits += other.person_visits;
        self.households_visited += other.households_visited;
        for (key, count) in &other.concerns_reported {
            *self.concerns_reported.entry(*key).or_default() += count;
        }
        self.concerns_resolved += other.concerns_resolved;
        self.concerns_followed_up += other.concerns_followed_up;
        self.concerns_answered += other.concerns_answered;
        self.concerns_confirmed += other.concerns_confirmed;
        self.demands_opened += other.demands_opened;
        self.concerns_in_demands += other.concerns_in_demands;
        self.demands_answered += other.demands_answered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_is_to_be_linked_nobody_is_missing() {
        assert_eq!(Tally::default().coverage().to_bits(), 1.0_f64.to_bits());
        let half = Tally { households: 4, households_linked: 2, ..Tally::default() };
        assert_eq!(half.coverage().to_bits(), 0.5_f64.to_bits());
    }

    #[test]
    fn states_and_matters_both_add_up_to_what_was_reported() {
        let mut tally = Tally::default();
        for (count, state) in (1..).zip(State::ALL) {
            for matter in Matter::ALL {
                let one = Tally { concerns_reported: [((*state, *matter), count)].into(), ..Tally::default() };
                tally.add(&one);
            }
        }
        let by_state: i64 = State::ALL.iter().map(|state| tally.in_state(*state)).sum();
        let by_matter: i64 = Matter::ALL.iter().map(|matter| tally.in_matter(*matter)).sum();
        assert_eq!((tally.reported(), by_state, by_matter), (220, 220, 220));
    }
}
