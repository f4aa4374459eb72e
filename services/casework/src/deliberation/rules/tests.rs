#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;
use crate::deliberation::vote::{next_step, outcome};

fn now() -> DateTime<Utc> {
    "2026-05-20T02:00:00Z".parse().unwrap()
}

fn draft() -> Draft {
    Draft {
        name: DeliberationName::new("430112011211".parse().unwrap(), Uuid::from_u128(9)),
        title: "腾飞路安置区儿童活动室".into(),
        proposal: "将会议室改为儿童活动室".into(),
        subject: Subject::General,
        expense_yuan: 8000,
        way: None,
        concerns: vec![Uuid::from_u128(1)],
        demand: None,
    }
}

fn opened(way: Way) -> Deliberation {
    open(Draft { way: Some(way), ..draft() }, &Policy::default(), now()).unwrap().deliberation
}

fn sitting(due: i32, favour: i32, against: i32, abstaining: i32) -> Sitting {
    Sitting {
        step: None,
        held_on: None,
        counts: Counts { due, present: favour + against + abstaining, favour, against, abstaining },
        due_members: vec![],
        present_members: vec![],
        proposal: String::new(),
        minutes: String::new(),
    }
}

fn voted(before: Deliberation, sitting: Sitting) -> Deliberation {
    record_vote(before, sitting, now()).unwrap().deliberation
}

fn carried(way: Way) -> Deliberation {
    way.steps().iter().fold(opened(way), |one, _| voted(one, sitting(9, 8, 1, 0)))
}

fn adopted() -> Deliberation {
    decide(carried(Way::TwoCommittees), "同意".into(), "", now()).unwrap().deliberation
}

fn noticed() -> Deliberation {
    publish_notice(adopted(), 0, &Policy::default(), "", now()).unwrap().deliberation
}

fn reason<T: std::fmt::Debug>(refused: Result<T>) -> (&'static str, String) {
    match refused {
        Err(Error::Refused { reason, message }) => (reason, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_small_matter_goes_before_the_two_committees_and_may_go_the_long_way() {
    assert_eq!(open(draft(), &Policy::default(), now()).unwrap().deliberation.way, Way::TwoCommittees);
    assert_eq!(opened(Way::LongWay).next_step(), Some(Step::Branch));
}

#[test]
fn land_collective_assets_and_large_expense_go_the_long_way() {
    let policy = Policy::default();
    for draft in [
        Draft { subject: Subject::Land, ..draft() },
        Draft { subject: Subject::CollectiveAssets, expense_yuan: 0, ..draft() },
        Draft { expense_yuan: 20_000, ..draft() },
    ] {
        assert_eq!(open(draft.clone(), &policy, now()).unwrap().deliberation.way, Way::LongWay);
        let short = Draft { way: Some(Way::TwoCommittees), ..draft };
        let (reason, message) = reason(open(short, &policy, now()));
        assert_eq!(reason, reasons::LONG_WAY_REQUIRED);
        assert!(message.contains("四议两公开") && message.contains("20000元"), "{message}");
    }
    let just_below = Draft { expense_yuan: 19_999, way: Some(Way::TwoCommittees), ..draft() };
    assert!(open(just_below, &policy, now()).is_ok());
    // What is large the village says.
    let policy = Policy { large_expense_yuan: 5000, ..policy };
    assert_eq!(open(draft(), &policy, now()).unwrap().deliberation.way, Way::LongWay);
}

#[test]
fn a_committee_needs_more_than_half_and_a_meeting_two_thirds() {
    let counts = |due, present| Counts { due, present, favour: present, against: 0, abstaining: 0 };
    for step in [Step::Branch, Step::Committees] {
        assert!(!counts(8, 4).is_quorate(step) && counts(8, 5).is_quorate(step));
        assert!(!counts(9, 4).is_quorate(step) && counts(9, 5).is_quorate(step));
        assert!(counts(1, 1).is_quorate(step) && !counts(2, 1).is_quorate(step));
    }
    for step in [Step::PartyMeeting, Step::Assembly] {
        assert!(!counts(30, 19).is_quorate(step) && counts(30, 20).is_quorate(step));
        assert!(!counts(31, 20).is_quorate(step) && counts(31, 21).is_quorate(step));
        assert!(!counts(32, 21).is_quorate(step) && counts(32, 22).is_quorate(step));
        assert!(counts(3, 2).is_quorate(step) && !counts(2, 1).is_quorate(step));
    }
    assert!(counts(i32::MAX, i32::MAX).is_quorate(Step::Assembly));
}

#[test]
fn more_than_half_of_those_present_carry_it_and_who_abstains_counts_as_present() {
    let counts = |favour, against, abstaining| Counts {
        due: 20,
        present: favour + against + abstaining,
        favour,
        against,
        abstaining,
    };
    assert!(counts(11, 9, 0).carried(Step::Assembly));
    assert!(!counts(10, 10, 0).carried(Step::Assembly), "half is not more than half");
    assert!(!counts(9, 2, 8).carried(Step::Assembly), "more than those against is not enough");
    assert!(!counts(13, 0, 0).carried(Step::Assembly), "without the quorum nothing is carried");
}

#[test]
fn counts_that_do_not_add_up_are_refused() {
    let at = |due, present, favour, against, abstaining| Counts { due, present, favour, against, abstaining };
    for (counts, field) in [
        (at(0, 0, 0, 0, 0), "vote.due"),
        (at(5, 6, 6, 0, 0), "vote.present"),
        (at(5, 5, 3, 1, 0), "vote.favour"),
        (at(5, 5, 3, 2, 1), "vote.favour"),
        (at(5, 5, 7, -2, 0), "vote.due"),
        (at(i32::MAX, i32::MAX, i32::MAX, i32::MAX, i32::MAX), "vote.favour"),
    ] {
        let recorded = record_vote(opened(Way::TwoCommittees), Sitting { counts, ..sitting(1, 1, 0, 0) }, now());
        match recorded {
            Err(Error::Invalid(wrong)) => assert_eq!(wrong[0].field, field, "{counts:?}"),
            other => panic!("{counts:?}: {other:?}"),
        }
    }
}

#[test]
fn the_steps_come_in_their_order() {
    let out_of_order = Sitting { step: Some(Step::Assembly), ..sitting(30, 30, 0, 0) };
    let (reason_of, message) = reason(record_vote(opened(Way::LongWay), out_of_order, now()));
    assert_eq!(reason_of, reasons::STEP_OUT_OF_ORDER);
    assert!(message.contains("党支部提议"), "{message}");
    let mut one = opened(Way::LongWay);
    for step in Way::LongWay.steps() {
        assert_eq!(one.next_step(), Some(*step));
        one = voted(one, Sitting { step: Some(*step), ..sitting(9, 9, 0, 0) });
    }
    assert_eq!(one.next_step(), None);
    assert_eq!(reason(record_vote(one, sitting(9, 9, 0, 0), now())).0, reasons::ILLEGAL_MOVE);
    let party = Sitting { step: Some(Step::PartyMeeting), ..sitting(9, 9, 0, 0) };
    assert_eq!(reason(record_vote(opened(Way::TwoCommittees), party, now())).0, reasons::STEP_OUT_OF_ORDER);
}

#[test]
fn a_vote_that_is_lost_or_invalid_may_be_held_again_on_the_same_day_or_later() {
    let today = village_day(now());
    let on = |day: NaiveDate, sitting: Sitting| Sitting { held_on: Some(day), ..sitting };
    let one = voted(opened(Way::TwoCommittees), on(today - Duration::days(2), sitting(9, 4, 0, 0)));
    let one = voted(one, on(today - Duration::days(2), sitting(9, 4, 5, 0)));
    assert_eq!(one.next_step(), Some(Step::Committees));
    let earlier = record_vote(one.clone(), on(today - Duration::days(3), sitting(9, 9, 0, 0)), now());
    assert!(matches!(earlier, Err(Error::Invalid(_))));
    let later = record_vote(one.clone(), on(today + Duration::days(1), sitting(9, 9, 0, 0)), now());
    assert_eq!(reason(later).0, reasons::IN_THE_FUTURE);
    let one = voted(one, sitting(9, 9, 0, 0));
    assert_eq!(one.votes.iter().map(|vote| vote.place).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(one.votes[2].proposal, one.proposal, "what is put to the vote is what was proposed");
    assert_eq!(decide(one, "同意".into(), "", now()).unwrap().deliberation.state, State::Adopted);
}

#[test]
fn nothing_is_decided_without_a_valid_vote_and_the_rule_is_named() {
    let refused = |one: Deliberation| {
        let (reason, message) = reason(decide(one, "同意".into(), "", now()));
        assert_eq!(reason, reasons::NO_VALID_VOTE);
        message
    };
    let message = refused(opened(Way::TwoCommittees));
    assert!(message.contains("村“两委”商议") && message.contains("过半数"), "{message}");
    let message = refused(voted(opened(Way::TwoCommittees), sitting(9, 4, 0, 0)));
    assert!(message.contains("应到9人，实到4人") && message.contains("过半数"), "{message}");
    // Three steps of four, and the assembly a voice short of two thirds.
    let three = (0..3).fold(opened(Way::LongWay), |one, _| voted(one, sitting(9, 9, 0, 0)));
    let message = refused(three.clone());
    assert!(message.contains("村民代表会议决议") && message.contains("三分之二"), "{message}");
    let message = refused(voted(three, sitting(30, 19, 0, 0)));
    assert!(message.contains("应到30人，实到19人"), "{message}");
}

#[test]
fn a_vote_that_was_lost_decides_against_it() {
    let lost = voted(opened(Way::TwoCommittees), sitting(9, 4, 5, 0));
    let taken = decide(lost, "暂不实施".into(), "", now()).unwrap();
    assert_eq!((taken.deliberation.state, taken.concludes()), (State::Rejected, Some("商议未通过")));
    assert_eq!(reason(may_be_noticed(&taken.deliberation)).0, reasons::ILLEGAL_MOVE);
    // A later sitting without its quorum does not count, for or against.
    let lost = voted(voted(opened(Way::TwoCommittees), sitting(9, 4, 5, 0)), sitting(9, 0, 4, 0));
    assert_eq!(reason(decide(lost, "暂不实施".into(), "", now())).0, reasons::NO_VALID_VOTE);
}

#[test]
fn a_notice_without_a_decision_is_refused_for_what_stands_against_the_decision() {
    let publish = |one| reason(publish_notice(one, 0, &Policy::default(), "", now()));
    let (named, message) = publish(opened(Way::LongWay));
    assert_eq!(named, reasons::NO_VALID_VOTE);
    assert!(message.contains("党支部提议"), "{message}");
    let (named, message) = publish(carried(Way::LongWay));
    assert_eq!(named, reasons::ILLEGAL_MOVE);
    assert!(message.contains("作出决定"), "{message}");
}

#[test]
fn a_notice_runs_for_the_villages_period_or_longer() {
    let policy = Policy { notice_days: 10, ..Policy::default() };
    let today = village_day(now());
    let publish = |days| publish_notice(adopted(), days, &policy, "", now());
    assert_eq!(publish(0).unwrap().deliberation.notice_until, Some(today + Duration::days(10)));
    assert_eq!(publish(15).unwrap().deliberation.notice_until, Some(today + Duration::days(15)));
    assert!(matches!(publish(9), Err(Error::Invalid(_))));
    assert!(matches!(publish(61), Err(Error::Invalid(_))));
    assert_eq!(noticed().notice_until, Some(today + Duration::days(7)));
}

#[test]
fn a_notice_is_closed_when_its_period_is_over_and_the_result_follows() {
    let early = reason(close_notice(noticed(), "", now() + Duration::days(6)));
    assert_eq!(early.0, reasons::NOTICE_RUNNING);
    assert_eq!(reason(publish_result(noticed(), "", now())).0, reasons::ILLEGAL_MOVE);
    let later = now() + Duration::days(7);
    let closed = close_notice(noticed(), "", later).unwrap().deliberation;
    let done = publish_result(closed, "", later).unwrap().deliberation;
    assert_eq!((done.state, done.result_on), (State::Completed, Some(village_day(later))));
}

#[test]
fn an_objection_is_kept_and_one_that_is_upheld_sets_the_resolution_aside() {
    let one = record_objection(noticed(), false, "位置太偏", now()).unwrap();
    assert_eq!(
        (one.deliberation.state, one.deliberation.objections, one.kind),
        (State::Noticed, 1, MoveKind::Objected)
    );
    let aside = record_objection(one.deliberation, true, "未通知到会", now()).unwrap().deliberation;
    assert_eq!((aside.state, aside.objections), (State::SetAside, 2));
    assert_eq!(reason(close_notice(aside, "", now() + Duration::days(30))).0, reasons::ILLEGAL_MOVE);
}

#[test]
fn what_nobody_outside_has_read_of_can_be_withdrawn() {
    for one in [opened(Way::LongWay), adopted()] {
        assert_eq!(withdraw(one, "重新提出", now()).unwrap().deliberation.state, State::Withdrawn);
    }
    for one in [noticed(), withdraw(adopted(), "重新提出", now()).unwrap().deliberation] {
        assert_eq!(reason(withdraw(one, "重新提出", now())).0, reasons::ILLEGAL_MOVE);
    }
}

/// What may be done, in any order.
#[derive(Debug, Clone)]
enum Doing {
    Vote(Option<Step>, [i32; 4]),
    Decide,
    Publish,
    Object(bool),
    Close(i64),
    Result,
    Withdraw,
}

fn doing() -> impl Strategy<Value = Doing> {
    let step = proptest::option::of(proptest::sample::select(Step::ALL.to_vec()));
    let few = 0..8;
    let counts = (1..12, few.clone(), few.clone(), few).prop_map(|(due, a, b, c)| [due, a, b, c]);
    prop_oneof![
        6 => (step, counts).prop_map(|(step, counts)| Doing::Vote(step, counts)),
        2 => Just(Doing::Decide),
        2 => Just(Doing::Publish),
        1 => any::<bool>().prop_map(Doing::Object),
        1 => (0..20i64).prop_map(Doing::Close),
        1 => Just(Doing::Result),
        1 => Just(Doing::Withdraw),
    ]
}

proptest! {
    /// Whatever is recorded in whatever order, nothing is adopted, public or in force unless every step of its way was
    /// carried, with its quorum, by a majority, after the step before it.
    #[test]
    fn there_is_no_decision_without_the_quorum_and_majority_of_every_step(
        long in any::<bool>(), large in any::<bool>(), doings in proptest::collection::vec(doing(), 0..40),
    ) {
        let way = long.then_some(Way::LongWay);
        let expense_yuan = if large { 50_000 } else { 100 };
        let mut one = open(Draft { way, expense_yuan, ..draft() }, &Policy::default(), now()).unwrap().deliberation;
        for doing in doings {
            let before = one.clone();
            let taken = match doing {
                Doing::Vote(step, [due, a, b, c]) => record_vote(one.clone(), Sitting { step, ..sitting(due, a, b, c) }, now()),
                Doing::Decide => decide(one.clone(), "决议".into(), "", now()),
                Doing::Publish => publish_notice(one.clone(), 0, &Policy::default(), "", now()),
                Doing::Object(upheld) => record_objection(one.clone(), upheld, "异议", now()),
                Doing::Close(days) => close_notice(one.clone(), "", now() + Duration::days(days)),
                Doing::Result => publish_result(one.clone(), "", now()),
                Doing::Withdraw => withdraw(one.clone(), "撤回", now()),
            };
            if let Ok(taken) = taken {
                prop_assert!(taken.news().is_ok());
                one = taken.deliberation;
                prop_assert_eq!(one.revision, before.revision + 1);
            }
            // By hand, in another way than the rules do it.
            let needed: &[Step] = if long || large {
                &[Step::Branch, Step::Committees, Step::PartyMeeting, Step::Assembly]
            } else {
                &[Step::Committees]
            };
            let mut wanted = needed.iter();
            let mut next = wanted.next();
            for vote in &one.votes {
                prop_assert_eq!(Some(&vote.step), next, "only the next step is voted on");
                let Counts { due, present, favour, .. } = vote.counts;
                let quorum = match vote.step {
                    Step::Branch | Step::Committees => due / 2 + 1,
                    Step::PartyMeeting | Step::Assembly => (due * 2 + 2) / 3,
                };
                if present >= quorum && favour > present / 2 {
                    next = wanted.next();
                }
            }
            let decided = !matches!(one.state, State::Open | State::Rejected | State::Withdrawn);
            prop_assert!(!decided || next.is_none(), "{:?}", one);
            prop_assert_eq!(one.noticed_on.is_some(), matches!(one.state, State::Noticed | State::InForce | State::SetAside | State::Completed));
            prop_assert_eq!(next_step(one.way, &one.votes).is_none(), next.is_none());
            if one.state == State::Rejected {
                prop_assert_eq!(outcome(one.way, &one.votes).ok(), Some(false));
            }
        }
    }
}
