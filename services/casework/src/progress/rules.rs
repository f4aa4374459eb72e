//! What happens next with a concern, in words for everybody. Pure.

use chrono::{DateTime, Utc};

use super::Progress;
use crate::concern::{OwnerKind, State};

/// What happens next, and by when, where that is known.
pub(crate) fn next_step(progress: &Progress) -> (&'static str, Option<DateTime<Utc>>) {
    let escalated = progress.owner_kind == OwnerKind::Subdistrict;
    match progress.state {
        _ if progress.suspended => ("因故暂停办理，条件具备后继续办理", None),
        State::Reported => ("等待受理", progress.respond_by),
        State::Returned => ("还需要补充情况，请与反映时的村民代表或村（社区）办公室联系", None),
        State::Accepted if escalated => ("已上报街道，等待办理", progress.due_at),
        State::Accepted => ("已受理，等待办理", progress.due_at),
        State::InProgress if escalated => ("已上报街道，正在办理", progress.due_at),
        State::InProgress => ("正在办理", progress.due_at),
        State::Deliberating => ("村（社区）“两委”正在商议", progress.due_at),
        State::Resolved => ("经办人已报告化解，将回访您是否满意", None),
        State::Closed => ("已办结；如果问题仍未解决，可以要求重新办理", None),
        State::Declined => ("不属于受理范围，请向村（社区）办公室询问应当向哪里反映", None),
        State::Withdrawn => ("已按要求撤回，不再办理", None),
        State::Merged => ("已与同类诉求合并办理，结果出来后将回访您", progress.due_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_sentence_and_none_that_is_over_has_a_time() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let mut said = std::collections::BTreeSet::new();
        for state in State::ALL {
            let progress = Progress {
                state: *state,
                suspended: false,
                owner_kind: OwnerKind::Team,
                reported_on: now.date_naive(),
                resolved_on: None,
                ended_on: None,
                respond_by: Some(now),
                due_at: None,
                papers_received: 0,
                papers_returned: 0,
            };
            let (step, by) = next_step(&progress);
            assert!(said.insert(step), "{state:?}");
            assert_eq!(by.is_some(), *state == State::Reported);
        }
    }
}
