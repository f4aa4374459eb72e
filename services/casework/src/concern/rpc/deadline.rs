//! Explanations of deadlines as the contract speaks of them.

use proto::casework::v1 as pb;
use proto::time::timestamp;

use crate::concern::explain::{Explanation, Segment, Shift};

pub(super) fn told(name: String, explanation: Explanation) -> pb::DeadlineExplanation {
    let Explanation { deadline, spent, segments, answers, missing_years } = explanation;
    if !deadline.exists() {
        return pb::DeadlineExplanation { name, ..pb::DeadlineExplanation::default() };
    }
    pb::DeadlineExplanation {
        name,
        exists: true,
        response_hours: deadline.response_hours,
        response_due_time: deadline.response_due_at.map(timestamp),
        response_time: deadline.responded_at.map(timestamp),
        respond_by_time: deadline.respond_by.map(timestamp),
        resolution_hours: deadline.resolution_hours,
        extension_hours: deadline.extension_hours,
        spent_seconds: spent,
        left_seconds: deadline.limit() - spent,
        due_time: deadline.due_at.map(timestamp),
        segments: segments.into_iter().map(segment).collect(),
        response_segments: answers.into_iter().map(segment).collect(),
        warnings: missing_years
            .into_iter()
            .map(|year| format!("{year}年的放假安排还没有录入，周末按休息日、其余按工作日计算"))
            .collect(),
    }
}

fn segment(one: Segment) -> pb::DeadlineSegment {
    pb::DeadlineSegment {
        start_time: Some(timestamp(one.start)),
        end_time: one.end.map(timestamp),
        running: one.running,
        spent_seconds: one.spent,
        began_with: one.began_with.into(),
        note: one.note,
        due_time: one.due_at.map(timestamp),
        shifts: one.shifts.into_iter().map(shift).collect(),
    }
}

fn shift(one: Shift) -> pb::DeadlineShift {
    pb::DeadlineShift {
        move_time: Some(timestamp(one.at)),
        kind: one.kind.into(),
        note: one.note,
        due_time: Some(timestamp(one.due_at)),
    }
}
