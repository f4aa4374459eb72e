//! The table of moves as the contract speaks of it.

use proto::casework::v1 as pb;

use crate::concern::State;
use crate::concern::workflow::{Act, Rule, TABLE, To};

/// All of the table.
pub(super) fn told() -> pb::Workflow {
    let state = |state: &State| pb::WorkflowState {
        state: (*state).into(),
        title: state.title().to_owned(),
        ended: state.is_over(),
    };
    pb::Workflow { states: State::ALL.iter().map(state).collect(), moves: TABLE.iter().map(line).collect() }
}

fn line(rule: &Rule) -> pb::WorkflowMove {
    let (kind, method, title) = rule.act.told();
    pb::WorkflowMove {
        kind: kind.into(),
        method: method.to_owned(),
        title: title.to_owned(),
        from_states: rule.from.iter().map(|state| (*state).into()).collect(),
        conditions: rule.when.iter().map(|when| when.told().into()).collect(),
        outcome: match rule.act {
            Act::FollowUp(outcome) => outcome.into(),
            _ => 0,
        },
        to_state: match rule.to {
            To::Stay | To::Back => 0,
            To::Go(state) => state.into(),
        },
        offices: rule.by.iter().map(|office| office.as_str().to_owned()).collect(),
        note_required: rule.reason,
        restores: rule.to == To::Back,
    }
}
