//! The clocks of a concern: by when somebody has to answer for it, and by when it has to be solved. Pure.
//!
//! Both count working time. The limits are those of the day on which it was raised, and nothing but an extension changes
//! them; when the calendar is changed, what is due is reckoned again from the same beginning. The second clock rests while the
//! concern is laid aside, was returned for more, or is said to be solved, and then goes on from where it was: what is used up
//! is never given back, whatever is edited, merged, reopened or ruled anew.

use chrono::{DateTime, Utc};

use super::owner::Owner;
use super::record::{Concern, MoveKind, State};
use super::rules::Before;
use super::workflow::Act;
use crate::calendar::{Calendar, HOUR};

platform::choice! {
    /// How urgent it is.
    pub(crate) enum Urgency as proto::casework::v1::Urgency {
        Normal = "normal",
        Urgent = "urgent",
        Emergency = "emergency",
    }
}

/// What the catalogue says of a concern's matter, type and urgency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) urgency: Urgency,
    /// Working hours until somebody answers for it.
    pub(crate) response_hours: i32,
    /// Working hours until it is solved.
    pub(crate) resolution_hours: i32,
}

/// A moment, and the calendar of the place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now<'a> {
    pub(crate) at: DateTime<Utc>,
    pub(crate) calendar: &'a Calendar,
}

/// Where the clocks of a concern stand. One without limits has none: nothing is ever due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) urgency: Urgency,
    pub(crate) response_hours: i32,
    pub(crate) resolution_hours: i32,
    /// Granted on top of it; once.
    pub(crate) extension_hours: i32,
    /// Asked for and not decided; 0: nothing.
    pub(crate) extension_asked: i32,
    pub(crate) extension_asked_by: Option<String>,
    /// Seconds of working time used up to `running_since`.
    pub(crate) spent: i64,
    /// None while the clock rests.
    pub(crate) running_since: Option<DateTime<Utc>>,
    /// By when the first answer is due, and when it came.
    pub(crate) response_due_at: Option<DateTime<Utc>>,
    pub(crate) responded_at: Option<DateTime<Utc>>,
    /// By when whoever has it to answer now must; none when nobody has.
    pub(crate) respond_by: Option<DateTime<Utc>>,
    /// None while the clock rests.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// Which warnings were given, as a sum of their signs.
    pub(crate) warnings: i32,
    /// When the scheduler has to look at it next, or earlier.
    pub(crate) alarm_at: Option<DateTime<Utc>>,
}

/// What somebody is warned of, each once. The number is its sign among the warnings that were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warning {
    ResponseDueSoon = 1,
    ResponseOverdue = 2,
    DueSoon = 4,
    Overdue = 8,
}

/// Both warnings about the answer.
const ANSWER: i32 = Warning::ResponseDueSoon as i32 | Warning::ResponseOverdue as i32;

impl Warning {
    /// What is kept of it among the moves.
    pub(crate) const fn kind(self) -> MoveKind {
        match self {
            Self::ResponseDueSoon => MoveKind::ResponseDueSoon,
            Self::ResponseOverdue => MoveKind::ResponseOverdue,
            Self::DueSoon => MoveKind::DueSoon,
            Self::Overdue => MoveKind::Overdue,
        }
    }
}

impl Deadline {
    /// No clocks.
    pub(crate) const fn none() -> Self {
        Self {
            urgency: Urgency::Normal,
            response_hours: 0,
            resolution_hours: 0,
            extension_hours: 0,
            extension_asked: 0,
            extension_asked_by: None,
            spent: 0,
            running_since: None,
            response_due_at: None,
            responded_at: None,
            respond_by: None,
            due_at: None,
            warnings: 0,
            alarm_at: None,
        }
    }

    /// Both clocks begin when the concern comes in, whatever day it was raised on: nobody can answer for it earlier.
    pub(crate) fn begin(terms: &Terms, now: Now<'_>) -> Self {
        let mut deadline = Self {
            urgency: terms.urgency,
            response_hours: terms.response_hours,
            resolution_hours: terms.resolution_hours,
            running_since: Some(now.at),
            ..Self::none()
        };
        deadline.response_due_at = Some(deadline.answer_after(now.at, now.calendar));
        deadline.respond_by = deadline.response_due_at;
        deadline.reckon(now.calendar);
        deadline.arm(now.calendar);
        deadline
    }

    pub(crate) const fn exists(&self) -> bool {
        self.resolution_hours > 0
    }

    /// All that may be used up, in seconds.
    pub(crate) fn limit(&self) -> i64 {
        (i64::from(self.resolution_hours) + i64::from(self.extension_hours)) * HOUR
    }

    /// What is used up by now, in seconds.
    pub(crate) fn spent_by(&self, now: Now<'_>) -> i64 {
        self.spent + self.running_since.map_or(0, |since| now.calendar.between(since, now.at))
    }

    /// When it is due, from what is left of the limit.
    fn reckon(&mut self, calendar: &Calendar) {
        let left = self.limit() - self.spent;
        self.due_at = self.running_since.map(|since| calendar.after(since, left));
    }

    /// Reckons both clocks again because the calendar has changed; says whether that makes a difference. `began`: when the
    /// concern came in; `answering_since`: since when whoever has it to answer now has had the time for it.
    pub(crate) fn reckon_again(
        &mut self,
        began: DateTime<Utc>,
        answering_since: Option<DateTime<Utc>>,
        now: Now<'_>,
    ) -> bool {
        let before = (self.due_at, self.respond_by, self.response_due_at);
        self.reckon(now.calendar);
        self.reckon_first(began, now.calendar);
        if let Some(since) = answering_since.filter(|_| self.respond_by.is_some()) {
            self.respond_by = Some(self.answer_after(since, now.calendar));
        }
        self.forget_early_warnings(now);
        self.arm(now.calendar);
        (self.due_at, self.respond_by, self.response_due_at) != before
    }

    /// By when somebody has to answer who has it since then.
    fn answer_after(&self, since: DateTime<Utc>, calendar: &Calendar) -> DateTime<Utc> {
        calendar.after(since, i64::from(self.response_hours) * HOUR)
    }

    /// When the first answer is due, as long as there is none; what was answered was in time or not, and stays so.
    fn reckon_first(&mut self, began: DateTime<Utc>, calendar: &Calendar) {
        if self.responded_at.is_none() && self.response_due_at.is_some() {
            self.response_due_at = Some(self.answer_after(began, calendar));
        }
    }

    /// Grants what was asked for.
    fn extend(&mut self, now: Now<'_>) {
        self.extension_hours = self.extension_asked;
        self.reckon(now.calendar);
        self.forget_early_warnings(now);
    }

    /// What becomes due later may be warned of again.
    fn forget_early_warnings(&mut self, now: Now<'_>) {
        for (warning, at) in self.bells(now.calendar) {
            if at.is_some_and(|at| at > now.at) {
                self.warnings &= !(warning as i32);
            }
        }
    }

    /// When each warning is to be given: the first when a quarter of the limit is left, the second when nothing is.
    fn bells(&self, calendar: &Calendar) -> [(Warning, Option<DateTime<Utc>>); 4] {
        let quarter = i64::from(self.response_hours) * HOUR / 4;
        [
            (Warning::ResponseOverdue, self.respond_by),
            (Warning::ResponseDueSoon, self.respond_by.map(|at| calendar.before(at, quarter))),
            (Warning::Overdue, self.due_at),
            (Warning::DueSoon, self.due_at.map(|at| calendar.before(at, self.limit() / 4))),
        ]
    }

    const fn was_given(&self, warning: Warning) -> bool {
        self.warnings & (warning as i32) != 0
    }

    /// When the next warning is to be given.
    fn next_alarm(&self, calendar: &Calendar) -> Option<DateTime<Utc>> {
        self.bells(calendar).into_iter().filter(|(warning, _)| !self.was_given(*warning)).filter_map(|(_, at)| at).min()
    }

    /// Sees to it that the scheduler looks in time: earlier is as good, and costs the move nothing.
    fn arm(&mut self, calendar: &Calendar) {
        let next = self.next_alarm(calendar);
        self.alarm_at = match (self.alarm_at, next) {
            (Some(set), Some(next)) => Some(set.min(next)),
            (set, next) => set.or(next),
        };
    }

    /// What the scheduler has to do at an alarm: the warning that is due, which is given by this, or nothing. Whoever is
    /// warned that the time is over need not be warned that it soon will be.
    pub(crate) fn ring(&mut self, now: Now<'_>) -> Option<Warning> {
        let due = self
            .bells(now.calendar)
            .into_iter()
            .find(|(warning, at)| !self.was_given(*warning) && at.is_some_and(|at| at <= now.at))
            .map(|(warning, _)| warning);
        match due {
            Some(Warning::ResponseOverdue) => self.warnings |= ANSWER,
            Some(Warning::Overdue) => self.warnings |= Warning::Overdue as i32 | Warning::DueSoon as i32,
            Some(soon) => self.warnings |= soon as i32,
            None => {}
        }
        self.alarm_at = self.next_alarm(now.calendar);
        due
    }
}

/// Does the clock run while a concern stands so? One that is part of a common demand waits as long as any other.
fn runs(concern: &Concern) -> bool {
    use State::{Accepted, Deliberating, InProgress, Merged, Reported};
    let works = matches!(concern.state, Reported | Accepted | InProgress | Deliberating | Merged);
    works && !concern.suspended
}

/// The answer's clock of a concern that is taken out of its demand: merging it was an answer, which is taken back with it,
/// and whoever had it to answer has to by when they had to before, as the calendar has it now.
pub(crate) fn stand_again(concern: &mut Concern, stood: Before, calendar: &Calendar) {
    let (began, deadline) = (concern.created_at, &mut concern.deadline);
    deadline.responded_at = deadline.responded_at.filter(|at| *at != stood.merged_at);
    deadline.reckon_first(began, calendar);
    let again = stood.answering_since.map(|since| deadline.answer_after(since, calendar));
    deadline.respond_by = stood.respond_by.map(|by| again.unwrap_or(by));
}

/// Who has to answer: accept the concern, or return it.
pub(crate) fn answerer(concern: &Concern) -> Option<Owner> {
    if concern.state == State::Merged {
        return None;
    }
    concern.assignee.or_else(|| Some(concern.owner).filter(|_| concern.state == State::Reported))
}

/// What a move does to the clocks.
pub(crate) fn turn(before: &Concern, concern: &mut Concern, act: Act, subject: &str, now: Now<'_>) {
    if !concern.deadline.exists() {
        return;
    }
    let (runs, must) = (runs(concern), answerer(concern));
    let deadline = &mut concern.deadline;
    match (deadline.running_since, runs) {
        (Some(since), false) => {
            deadline.spent += now.calendar.between(since, now.at);
            deadline.running_since = None;
            deadline.due_at = None;
        }
        (None, true) => {
            deadline.running_since = Some(now.at);
            deadline.reckon(now.calendar);
        }
        _ => {}
    }
    if matches!(act, Act::Accept | Act::Return | Act::Decline | Act::Merge) {
        deadline.responded_at = deadline.responded_at.or(Some(now.at));
    }
    if must.is_none() {
        deadline.respond_by = None;
    } else if must != answerer(before) && act != Act::Split {
        // Somebody else has to answer, and gets the time for it; when the first answer was due stays as it was.
        deadline.respond_by = Some(deadline.answer_after(now.at, now.calendar));
        deadline.warnings &= !ANSWER;
    }
    match act {
        Act::AskExtension(hours) => {
            deadline.extension_asked = hours;
            deadline.extension_asked_by = Some(subject.to_owned());
        }
        Act::DecideExtension(granted) => {
            if granted {
                deadline.extend(now);
            }
            deadline.extension_asked = 0;
            deadline.extension_asked_by = None;
        }
        _ => {}
    }
    deadline.arm(now.calendar);
}

#[cfg(test)]
mod tests;
