//! How a concern's deadlines come about: the ledger of its clocks, read from its moves. Pure.

use chrono::{DateTime, Utc};

use super::deadline::{Deadline, Now};
use super::record::{Concern, Move, MoveKind};

/// A time in which a clock ran, or rested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) start: DateTime<Utc>,
    /// None: it still does.
    pub(crate) end: Option<DateTime<Utc>>,
    pub(crate) running: bool,
    /// Seconds of working time that it used up.
    pub(crate) spent: i64,
    pub(crate) began_with: MoveKind,
    pub(crate) note: String,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) shifts: Vec<Shift>,
}

/// What was due was moved, while the clock ran on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: MoveKind,
    pub(crate) note: String,
    pub(crate) due_at: DateTime<Utc>,
}

/// Both clocks, and what is doubtful about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) deadline: Deadline,
    pub(crate) spent: i64,
    pub(crate) segments: Vec<Segment>,
    /// The times in which somebody had it to answer.
    pub(crate) answers: Vec<Segment>,
    /// Years of which the calendar knows nothing.
    pub(crate) missing_years: Vec<i32>,
}

impl Segment {
    fn begin(one: &Move, due_at: Option<DateTime<Utc>>) -> Self {
        Self {
            start: one.at,
            end: None,
            running: due_at.is_some(),
            spent: 0,
            began_with: one.kind,
            note: one.note.clone(),
            due_at,
            shifts: Vec::new(),
        }
    }

    /// What is due after a move that changes nothing else.
    fn shift(&mut self, one: &Move, due_at: Option<DateTime<Utc>>) {
        if let Some(due_at) = due_at.filter(|due_at| self.due_at != Some(*due_at)) {
            self.due_at = Some(due_at);
            self.shifts.push(Shift { at: one.at, kind: one.kind, note: one.note.clone(), due_at });
        }
    }
}

/// Reads the moves: each says what was used up by then, and whether anything was due afterwards, that is, whether the
/// clock ran on. A segment ends where that changes, and used up the difference.
pub(crate) fn explain(concern: &Concern, moves: &[Move], now: Now<'_>) -> Explanation {
    let deadline = concern.deadline.clone();
    let mut segments: Vec<Segment> = Vec::new();
    let mut spent = 0;
    let mut over: Option<&Move> = None;
    for one in moves.iter().filter(|_| deadline.exists()) {
        let running = one.due_at.is_some();
        if let Some(last) = segments.last_mut().filter(|last| last.end.is_none()) {
            if last.running == running {
                last.shift(one, one.due_at);
                continue;
            }
            let used = one.spent.unwrap_or(spent);
            last.end = Some(one.at);
            last.spent = used - spent;
            spent = used;
        }
        // After the end there is nothing more to wait for, unless it turns out to have been none: then the clock has rested.
        if running || !one.to.is_over() {
            segments.extend(over.take().map(|end| Segment { end: Some(one.at), ..Segment::begin(end, None) }));
            segments.push(Segment::begin(one, one.due_at));
        } else {
            over = over.or(Some(one));
        }
    }
    let spent_by_now = deadline.spent_by(now);
    if let Some(last) = segments.last_mut().filter(|last| last.running && last.end.is_none()) {
        last.spent = spent_by_now - spent;
    }
    let until = deadline.due_at.max(deadline.respond_by).unwrap_or(now.at).max(now.at);
    let missing_years =
        if deadline.exists() { now.calendar.missing_years(concern.created_at, until) } else { Vec::new() };
    let answers = if deadline.exists() { answers(moves, now) } else { Vec::new() };
    Explanation { deadline, spent: spent_by_now, segments, answers, missing_years }
}

/// Who had it to answer had the time from a move on, until a move after which nobody had, or somebody else. That the
/// calendar was changed moves what was due, and gives nobody the time anew.
fn answers(moves: &[Move], now: Now<'_>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for one in moves {
        if let Some(last) = segments.last_mut().filter(|last| last.end.is_none()) {
            if one.kind == MoveKind::Reckoned || one.respond_by == last.due_at {
                last.shift(one, one.respond_by);
                continue;
            }
            last.end = Some(one.at);
        }
        if one.respond_by.is_some() {
            segments.push(Segment::begin(one, one.respond_by));
        }
    }
    for segment in &mut segments {
        segment.spent = now.calendar.between(segment.start, segment.end.unwrap_or(now.at));
    }
    segments
}
