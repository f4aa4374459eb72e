//! A demand is answered, climbs and ends; and whole lives of a concern that is put into one again and again.

use proptest::prelude::*;

use super::*;

#[test]
fn the_answer_reaches_every_one_and_each_waits_for_its_own_household() {
    let (demand, merged) = opened(three());
    let steps = answer(demand.owner, "已更换路灯", merged, "", clerk(), monday(24 + 9)).unwrap();
    for step in &steps {
        let one = &step.concern;
        assert_eq!((one.state, step.kind, one.result.as_str()), (Stands::Resolved, Kind::Resolved, "已更换路灯"));
        assert_eq!((one.resolved_by.as_deref(), one.confirmed_on, one.ended_on), (Some("clerk"), None, None));
        assert_eq!(one.accepted_on, Some(village_day(monday(10).at)), "the day it was merged was its answer");
        assert_eq!((one.deadline.due_at, one.deadline.spent), (None, 8 * HOUR));
        let follow_up = concern::Command::FollowUp { outcome: Outcome::Satisfied, score: 5 };
        let by_handler = concern::act(one.clone(), follow_up.clone(), "", clerk(), monday(34));
        assert_eq!(reason(by_handler), reasons::FOLLOW_UP_BY_HANDLER);
        let closed = concern::act(one.clone(), follow_up, "", officer(), monday(34)).unwrap().concern;
        assert_eq!((closed.state, closed.demand), (Stands::Closed, Some(name().demand)));
    }
}

#[test]
fn whoever_answered_has_it_back_when_the_household_is_not_satisfied() {
    let (_, merged) = opened(three());
    let steps = answer(Owner::Subdistrict, "已协调", merged.clone(), "", officer(), monday(33)).unwrap();
    let not = concern::Command::FollowUp { outcome: Outcome::NotSatisfied, score: 1 };
    let back = concern::act(steps[0].concern.clone(), not, "", clerk(), monday(34)).unwrap().concern;
    assert_eq!((back.state, back.owner), (Stands::InProgress, Owner::Subdistrict));
    assert_eq!(back.deadline.spent, 8 * HOUR, "what was used up is not given back");
    // A team answers for its own grid; another grid's concern stays whose it is, and where it is.
    let steps = answer(Owner::Team(grid(27)), "已更换", merged, "", clerk(), monday(33)).unwrap();
    let (ours, theirs) = (&steps[0].concern, &steps[2].concern);
    assert_eq!((ours.owner, theirs.owner, theirs.grid), (Owner::Team(grid(27)), Owner::Team(grid(28)), Some(grid(28))));
}

#[test]
fn a_demand_that_was_answered_or_taken_apart_is_done_with() {
    let (demand, _) = opened(three());
    let result = "已更换".to_owned();
    for command in [Command::Dissolve, Command::Answer { result: result.clone() }] {
        let done = follow(demand.clone(), command, demand.sum.clone(), String::new(), monday(12).at).demand;
        assert!(done.ended_on.is_some());
        for next in [
            Command::Add { concerns: vec![Uuid::from_u128(9)], proposal: None },
            Command::Remove(vec![Uuid::from_u128(1)]),
            Command::Dissolve,
            Command::Assign(Owner::Office),
            Command::Escalate,
            Command::SendBack,
            Command::Answer { result: result.clone() },
        ] {
            assert_eq!(reason(allowed(&done, &next, Office::Officer)), reasons::ILLEGAL_MOVE);
        }
    }
}

#[test]
fn it_climbs_once_for_all_and_is_then_the_officers() {
    let (demand, _) = opened(three());
    let result = || "已协调".to_owned();
    assert!(allowed(&demand, &Command::Escalate, Office::Clerk).is_ok());
    assert_eq!(reason(allowed(&demand, &Command::SendBack, Office::Officer)), reasons::ILLEGAL_MOVE);
    let up = follow(demand.clone(), Command::Escalate, demand.sum.clone(), "村里办不了".into(), monday(12).at).demand;
    assert_eq!((up.owner, up.escalations, up.state), (Owner::Subdistrict, 1, State::Open));
    assert_eq!(reason(allowed(&up, &Command::Escalate, Office::Clerk)), reasons::ILLEGAL_MOVE);
    assert_eq!(reason(allowed(&up, &Command::Assign(Owner::Office), Office::Clerk)), reasons::ILLEGAL_MOVE);
    for command in [Command::Answer { result: result() }, Command::Dissolve, Command::SendBack] {
        assert!(matches!(allowed(&up, &command, Office::Clerk), Err(Error::Denied { .. })), "{command:?}");
        assert!(allowed(&up, &command, Office::Officer).is_ok(), "{command:?}");
    }
    // A further household may join it all the same.
    assert!(allowed(&up, &Command::Add { concerns: vec![Uuid::from_u128(9)], proposal: None }, Office::Clerk).is_ok());
    let back = follow(up, Command::SendBack, demand.sum, "村里可以".into(), monday(13).at).demand;
    assert_eq!((back.owner, back.escalations), (Owner::Office, 1));
}

#[test]
fn a_representative_neither_merges_nor_answers() {
    let (demand, _) = opened(three());
    for command in [
        Command::Add { concerns: Vec::new(), proposal: None },
        Command::Answer { result: "x".into() },
        Command::Dissolve,
    ] {
        assert!(matches!(allowed(&demand, &command, Office::Representative), Err(Error::Denied { .. })));
    }
    let representative = Actor { subject: "r", office: Office::Representative };
    assert!(matches!(open(draft(), three(), representative, monday(10)), Err(Error::Denied { .. })));
}

#[test]
fn its_news_counts_and_tells_no_text() {
    let (step, _) = open(Draft { title: "腾飞路路灯".into(), ..draft() }, three(), clerk(), monday(10)).unwrap();
    let news = format!("{:?}", step.news().unwrap());
    assert!(news.contains("demands/") && !news.contains("腾飞路"));
}

/// Whatever happens to one concern of a demand.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Merge,
    Split,
    Answer,
    FollowUp(Outcome),
    Accept,
    Start,
    Resolve,
    Warn,
}

fn happens() -> impl Strategy<Value = (Happens, i64)> {
    let what = proptest::sample::select(vec![
        Happens::Merge,
        Happens::Merge,
        Happens::Split,
        Happens::Answer,
        Happens::FollowUp(Outcome::NotSatisfied),
        Happens::FollowUp(Outcome::Satisfied),
        Happens::FollowUp(Outcome::NotReached),
        Happens::Accept,
        Happens::Start,
        Happens::Resolve,
        Happens::Warn,
    ]);
    (what, 1_i64..20)
}

proptest! {
    /// However often a concern is merged, split and answered: what is used up of its time only grows, its limit stays, it
    /// has an owner and is in one state, and split from its demand it stands as if it had never been part of one.
    #[test]
    fn no_clock_is_ever_set_back_by_merging(life in proptest::collection::vec(happens(), 1..40)) {
        let mut concern = raised(1, 27);
        let mut before: Option<(Concern, Before)> = None;
        let mut hour = 9;
        for (what, later) in life {
            hour += later;
            let now = monday(hour);
            let used = concern.deadline.spent_by(now);
            let as_it_was = concern.clone();
            let one = || vec![as_it_was.clone()];
            let by = if matches!(what, Happens::FollowUp(_)) { officer() } else { clerk() };
            let act = |command| concern::act(as_it_was.clone(), command, "有缘由", by, now).map(|step| vec![step]);
            let steps = match what {
                Happens::Merge => merge(name().demand, Matter::Environment, one(), "", by, now),
                Happens::Split => {
                    let stood = before.iter().map(|(_, stood)| (as_it_was.name.concern, *stood)).collect();
                    split(&name(), one(), &stood, "有缘由", by, now)
                }
                Happens::Answer => answer(Owner::Office, "好了", one(), "", by, now),
                Happens::FollowUp(outcome) => act(concern::Command::FollowUp { outcome, score: 0 }),
                Happens::Accept => act(concern::Command::Accept),
                Happens::Start => act(concern::Command::Start),
                Happens::Resolve => act(concern::Command::Resolve { result: "好了".into() }),
                Happens::Warn => {
                    concern.deadline.ring(now);
                    continue;
                }
            };
            let Ok(mut steps) = steps else { continue };
            concern = steps.remove(0).concern;
            prop_assert_eq!(concern.deadline.spent_by(now), used, "a move uses nothing up and gives nothing back");
            prop_assert_eq!(concern.deadline.limit(), 40 * HOUR);
            prop_assert_eq!(concern.revision, as_it_was.revision + 1);
            let runs = concern.deadline.running_since.is_some();
            prop_assert_eq!(runs, !matches!(concern.state, Stands::Resolved | Stands::Closed));
            match what {
                Happens::Merge => before = Some((as_it_was.clone(), stood(&as_it_was, now.at))),
                Happens::Split => {
                    let (was, _) = before.take().unwrap();
                    prop_assert_eq!((concern.state, concern.owner, concern.assignee), (was.state, was.owner, was.assignee));
                    prop_assert_eq!(concern.deadline.respond_by, was.deadline.respond_by);
                    prop_assert_eq!(concern.deadline.responded_at, was.deadline.responded_at);
                    prop_assert_eq!(concern.deadline.due_at, was.deadline.due_at);
                    prop_assert_eq!((concern.accepted_on, concern.ended_on, concern.demand), (was.accepted_on, None, None));
                }
                _ => {}
            }
        }
    }
}
