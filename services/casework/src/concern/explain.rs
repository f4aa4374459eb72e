//! How a concern's deadlines come about: the ledger of its clock, read from its moves. Pure.

use chrono::{DateTime, Utc};

use super::deadline::{Deadline, Now};
use super::record::{Concern, Move, MoveKind};

/// A time in which the clock ran, or rested.
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
}

/// Both clocks, and what is doubtful about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) deadline: Deadline,
    pub(crate) spent: i64,
    pub(crate) segments: Vec<Segment>,
    /// Years of which the calendar knows nothing.
    pub(crate) missing_years: Vec<i32>,
}

/// Reads the moves: each says what was used up by then, and whether anything was due afterwards, that is, whether the
/// clock ran on. A segment ends where that changes, and used up the difference.
pub(crate) fn explain(concern: &Concern, moves: &[Move], now: Now<'_>) -> Explanation {
    let deadline = concern.deadline.clone();
    let mut segments: Vec<Segment> = Vec::new();
    let mut spent = 0;
    for one in moves.iter().filter(|_| deadline.exists()) {
        let running = one.due_at.is_some();
        if let Some(last) = segments.last_mut().filter(|last| last.end.is_none()) {
            if last.running == running {
                last.due_at = one.due_at;
                continue;
            }
            let used = one.spent.unwrap_or(spent);
            last.end = Some(one.at);
            last.spent = used - spent;
            spent = used;
        }
        // After the end there is nothing more to wait for.
        if running || !one.to.is_over() {
            segments.push(Segment {
                start: one.at,
                end: None,
                running,
                spent: 0,
                began_with: one.kind,
                note: one.note.clone(),
                due_at: one.due_at,
            });
        }
    }
    let spent_by_now = deadline.spent_by(now);
    if let Some(last) = segments.last_mut().filter(|last| last.running && last.end.is_none()) {
        last.spent = spent_by_now - spent;
    }
    let until = deadline.due_at.unwrap_or(now.at).max(now.at);
    let missing_years =
        if deadline.exists() { now.calendar.missing_years(concern.created_at, until) } else { Vec::new() };
    Explanation { deadline, spent: spent_by_now, segments, missing_years }
}
