#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod lives;

use platform::Error;

use std::sync::LazyLock;

use super::super::workflow::{TABLE, When};
use super::*;
use crate::calendar::Calendar;

const HANDLER: &str = "handler";
const CALLER: &str = "caller";

fn now() -> DateTime<Utc> {
    "2026-05-01T04:00:00Z".parse().unwrap()
}

/// Every weekday is worked on.
fn calendar() -> &'static Calendar {
    static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::default);
    &CALENDAR
}

fn at(at: DateTime<Utc>) -> Now<'static> {
    Now { at, calendar: calendar() }
}

fn report(draft: Draft, place: &Place, now: DateTime<Utc>) -> Result<Step> {
    super::report(draft, place, at(now))
}

fn grid() -> GridCode {
    "027".parse().unwrap()
}

fn place() -> Place {
    Place {
        grid: Some(grid()),
        household_known: true,
        grid_given_up: false,
        team: Some(grid()),
        terms: None,
        grid_unheard_of: false,
    }
}

fn team() -> Team {
    Team { seats: vec![(Uuid::from_u128(7), "戴华良".into())] }
}

fn draft() -> Draft {
    Draft {
        name: ConcernName::new("430112011211".parse().unwrap(), Uuid::from_u128(1)),
        reference: None,
        matter: Matter::OutreachEducation,
        matter_type: "儿童活动场所".into(),
        urgency: None,
        text: "孩子放学后无处可去。".into(),
        household: Some(Uuid::from_u128(2)),
        grid: None,
        reporter: None,
        reported_on: None,
        receipt: Receipt::draw(|| 1),
        source: None,
        sensitive: false,
        detail: None,
    }
}

fn reported() -> Concern {
    report(draft(), &place(), now()).unwrap().concern
}

fn in_state(state: State) -> Concern {
    Concern { state, ..reported() }
}

fn reason(refused: Result<Step>) -> &'static str {
    match refused {
        Err(Error::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// The table of moves once more, as the village office would tell it of a concern with nothing beside its state: state by
/// state, what can be done and what becomes of the concern.
fn told(state: State) -> Vec<(Act, State)> {
    use Outcome::{NotReached, NotSatisfied, PartlySatisfied, Satisfied};
    match state {
        State::Reported => vec![
            (Act::Accept, State::Accepted),
            (Act::Return, State::Returned),
            (Act::Decline, State::Declined),
            (Act::Withdraw, State::Withdrawn),
            (Act::Assign, state),
            (Act::Supervise, state),
            (Act::Merge, State::Merged),
            (Act::Update, state),
            (Act::ReceivePapers, state),
        ],
        State::Returned => vec![
            (Act::Accept, State::Accepted),
            (Act::Decline, State::Declined),
            (Act::Withdraw, State::Withdrawn),
            (Act::Assign, State::Reported),
            (Act::Supervise, state),
            (Act::Update, state),
            (Act::ReceivePapers, state),
        ],
        State::Accepted => vec![
            (Act::Withdraw, State::Withdrawn),
            (Act::Assign, state),
            (Act::Start, State::InProgress),
            (Act::Suspend, state),
            (Act::Escalate, state),
            (Act::Supervise, state),
            (Act::Merge, State::Merged),
            (Act::Update, state),
            (Act::ReceivePapers, state),
        ],
        State::InProgress => vec![
            (Act::Withdraw, State::Withdrawn),
            (Act::Assign, state),
            (Act::Deliberate, State::Deliberating),
            (Act::Suspend, state),
            (Act::Resolve, State::Resolved),
            (Act::Escalate, state),
            (Act::Supervise, state),
            (Act::Merge, State::Merged),
            (Act::Update, state),
            (Act::ReceivePapers, state),
        ],
        State::Deliberating => vec![
            (Act::Withdraw, State::Withdrawn),
            (Act::Assign, state),
            (Act::Start, State::InProgress),
            (Act::Suspend, state),
            (Act::Resolve, State::Resolved),
            (Act::Escalate, state),
            (Act::Supervise, state),
            (Act::Update, state),
            (Act::ReceivePapers, state),
        ],
        State::Resolved => vec![
            (Act::FollowUp(Satisfied), State::Closed),
            (Act::FollowUp(PartlySatisfied), State::Closed),
            (Act::FollowUp(NotSatisfied), State::InProgress),
            (Act::FollowUp(NotReached), State::Resolved),
            (Act::Supervise, state),
            (Act::Update, state),
            (Act::ReceivePapers, state),
        ],
        State::Closed => vec![(Act::Reopen, State::InProgress)],
        State::Declined => vec![(Act::Reopen, State::Reported)],
        State::Merged => vec![(Act::Split, State::Accepted), (Act::Answer, State::Resolved)],
        State::Withdrawn => vec![],
    }
}

fn every_act() -> Vec<Act> {
    let mut acts: Vec<Act> = TABLE.iter().map(|rule| rule.act).collect();
    acts.dedup();
    acts
}

fn command(act: Act) -> Command {
    match act {
        Act::Accept => Command::Accept,
        Act::Return => Command::Return,
        Act::Decline => Command::Decline { where_to_go: "请到供电所".into() },
        Act::Withdraw => Command::Withdraw,
        Act::Assign => Command::Assign(Owner::Member(Uuid::from_u128(7)), Some(team())),
        Act::Start => Command::Start,
        Act::Suspend => Command::Suspend,
        Act::Resume => Command::Resume,
        Act::Resolve => Command::Resolve { result: "儿童之家已开放".into() },
        Act::FollowUp(outcome) => {
            Command::FollowUp { outcome, score: if outcome == Outcome::NotReached { 0 } else { 3 } }
        }
        Act::Escalate => Command::Escalate,
        Act::SendBack => Command::SendBack,
        Act::Supervise => Command::Supervise,
        Act::Reopen => Command::Reopen(Some(team())),
        Act::Deliberate => Command::Deliberate(Uuid::from_u128(9)),
        Act::Conclude => Command::Conclude,
        Act::AskExtension(_) => Command::AskExtension { hours: 8 },
        Act::DecideExtension(granted) => Command::DecideExtension { granted },
        Act::Update => Command::Update(Update { text: Some("改过".into()), ..Update::default() }),
        Act::Merge => Command::Merge(Uuid::from_u128(9)),
        Act::Split => {
            Command::Split(Before { state: State::Accepted, respond_by: None, answering_since: None, merged_at: now() })
        }
        Act::Answer => Command::Answer { result: "儿童之家已开放".into(), owner: Owner::Office },
        Act::ReceivePapers => Command::ReceivePapers { titles: vec!["社会保障卡".into()], on: None },
        Act::ReturnPapers => Command::ReturnPapers { titles: Vec::new(), on: None },
    }
}

fn who(subject: &str, office: Office) -> Actor<'_> {
    Actor { subject, office }
}

/// The village office does it, and says why.
fn act(before: Concern, command: Command, subject: &str, now: DateTime<Utc>) -> Result<Step> {
    super::act(before, command, "有缘由", who(subject, Office::Clerk), at(now))
}

fn does(before: Concern, one: Act) -> Concern {
    act(before, command(one), CALLER, now()).unwrap().concern
}

#[test]
fn every_state_allows_what_is_told_of_it_and_nothing_else() {
    for state in State::ALL {
        for one in every_act() {
            let expected = told(*state).into_iter().find(|(told, _)| *told == one).map(|(_, next)| next);
            match (act(in_state(*state), command(one), CALLER, now()), expected) {
                (Ok(step), Some(next)) => {
                    assert_eq!((step.from, step.concern.state), (Some(*state), next), "{state:?} {one:?}");
                    assert_eq!(step.concern.revision, 2);
                }
                (Err(Error::Refused { reason: reasons::ILLEGAL_MOVE, .. }), None) => {}
                (outcome, expected) => panic!("{state:?} {one:?}: {outcome:?}, told {expected:?}"),
            }
        }
    }
}

#[test]
fn every_office_in_the_table_may_call_the_method_and_no_other_may() {
    for one in
        every_act().into_iter().filter(|act| !matches!(act, Act::FollowUp(outcome) if *outcome != Outcome::Satisfied))
    {
        let mut here: Vec<Office> =
            TABLE.iter().filter(|rule| rule.act == one).flat_map(|rule| rule.by).copied().collect();
        here.sort_unstable();
        here.dedup();
        let service = match one {
            Act::Merge | Act::Split | Act::Answer => "Demand",
            Act::Deliberate | Act::Conclude => "Deliberation",
            _ => "Concern",
        };
        let path = format!("/lianxin.casework.v1.{service}Service/{}", one.method());
        let mut there = platform::caller::permissions::offices(&path).to_vec();
        there.sort_unstable();
        assert_eq!(here, there, "{one:?}");
    }
}

#[test]
fn a_refusal_names_what_is_possible() {
    let refused = act(in_state(State::Reported), Command::Start, CALLER, now()).unwrap_err().to_string();
    let possible = "AcceptConcern, ReturnConcern, DeclineConcern, WithdrawConcern, AssignConcern, SuperviseConcern, \
                    AddConcern, UpdateConcern, ReceivePapers";
    assert_eq!(refused, format!("the concern is reported; what can be done with it: {possible}"));
    let refused = act(in_state(State::Withdrawn), Command::Accept, CALLER, now()).unwrap_err().to_string();
    assert_eq!(refused, "the concern is withdrawn; what can be done with it: nothing");
    let laid_aside = does(in_state(State::InProgress), Act::Suspend);
    let refused = act(laid_aside, command(Act::Resolve), CALLER, now()).unwrap_err().to_string();
    let possible = "WithdrawConcern, AssignConcern, ResumeConcern, SuperviseConcern, UpdateConcern, \
                    ReceivePapers";
    assert_eq!(refused, format!("the concern is in_progress and laid aside; what can be done with it: {possible}"));
}

#[test]
fn what_needs_a_reason_is_refused_without_one() {
    for rule in TABLE.iter().filter(|rule| rule.reason) {
        let mut concern = Concern { state: rule.from[0], ..reported() };
        concern.assignee = rule.when.contains(&When::Assigned).then_some(Owner::Office);
        if rule.when.contains(&When::Extendable) {
            concern.deadline.resolution_hours = 80;
        }
        if rule.when.contains(&When::Escalated) {
            concern.owner = Owner::Subdistrict;
        }
        let refused = super::act(concern, command(rule.act), "", who(CALLER, rule.by[0]), at(now()));
        assert!(matches!(refused, Err(Error::Invalid(_))), "{:?}", rule.act);
    }
}

#[test]
fn who_it_is_given_to_owns_it_by_accepting_and_the_first_receiver_answers_until_then() {
    let member = Owner::Member(Uuid::from_u128(7));
    let given = does(reported(), Act::Assign);
    assert_eq!((given.state, given.owner, given.assignee), (State::Reported, Owner::Team(grid()), Some(member)));
    // Whoever was given it may accept it whatever their office; what was reported is taken on by a leader and above.
    let representative = who(CALLER, Office::Representative);
    let taken = super::act(given.clone(), Command::Accept, "", representative, at(now())).unwrap().concern;
    assert_eq!((taken.state, taken.owner, taken.assignee), (State::Accepted, member, None));
    let refused = super::act(reported(), Command::Accept, "", representative, at(now()));
    assert!(matches!(refused, Err(Error::Denied { .. })));
    // To begin is to accept.
    let begun = does(does(taken, Act::Assign), Act::Start);
    assert_eq!((begun.owner, begun.assignee), (member, None));
    // Given to its own owner, nobody else has to answer.
    let back = act(given, Command::Assign(Owner::Team(grid()), Some(team())), CALLER, now()).unwrap().concern;
    assert_eq!((back.owner, back.assignee), (Owner::Team(grid()), None));
}

#[test]
fn the_second_return_goes_to_the_village_office_and_there_is_no_third() {
    let first = does(does(reported(), Act::Assign), Act::Return);
    assert_eq!((first.state, first.owner, first.returns), (State::Reported, Owner::Team(grid()), 1));
    let second = does(first, Act::Return);
    assert_eq!((second.state, second.owner, second.returns), (State::Returned, Owner::Office, 2));
    let decided = does(second, Act::Assign);
    assert_eq!(decided.state, State::Reported);
    assert_eq!(reason(act(decided, Command::Return, CALLER, now())), reasons::ILLEGAL_MOVE);
}

#[test]
fn what_is_escalated_is_the_sub_districts_until_it_sends_it_back() {
    let up = does(in_state(State::InProgress), Act::Escalate);
    assert_eq!((up.state, up.owner), (State::InProgress, Owner::Subdistrict));
    assert!(matches!(act(up.clone(), command(Act::Resolve), CALLER, now()), Err(Error::Denied { .. })));
    assert_eq!(reason(act(up.clone(), command(Act::Assign), CALLER, now())), reasons::ILLEGAL_MOVE);
    let officer = who("officer", Office::Officer);
    let solved = super::act(up.clone(), command(Act::Resolve), "", officer, at(now())).unwrap().concern;
    assert_eq!((solved.state, solved.resolved_by.as_deref()), (State::Resolved, Some("officer")));
    let back = super::act(up, Command::SendBack, "村里可以解决", officer, at(now())).unwrap();
    assert_eq!((back.concern.owner, back.note.as_str()), (Owner::Office, "村里可以解决"));
    // News of its team does not take from the sub-district what it has.
    let unrouted = Concern { owner: Owner::Subdistrict, routed: false, ..reported() };
    assert_eq!(route(unrouted, &place(), now()).unwrap().concern.owner, Owner::Subdistrict);
}

#[test]
fn what_is_before_a_deliberation_waits_for_its_decision_and_its_clock_runs() {
    let terms = super::super::deadline::Terms { urgency: Urgency::Normal, response_hours: 8, resolution_hours: 80 };
    let concern = report(draft(), &Place { terms: Some(terms), ..place() }, now()).unwrap().concern;
    let working = does(does(concern, Act::Accept), Act::Start);
    let tabled = does(working.clone(), Act::Deliberate);
    assert_eq!((tabled.state, tabled.deliberation), (State::Deliberating, Some(Uuid::from_u128(9))));
    assert_eq!(tabled.deadline, working.deadline);
    for one in [Act::Start, Act::Resolve, Act::Deliberate] {
        assert_eq!(reason(act(tabled.clone(), command(one), CALLER, now())), reasons::ILLEGAL_MOVE, "{one:?}");
    }
    let decided = does(tabled.clone(), Act::Conclude);
    assert_eq!((decided.state, decided.deliberation), (State::InProgress, None));
    assert_eq!(decided.deadline, working.deadline);
    // Who no longer wants it does not wait for a decision; what is laid aside stays so.
    assert_eq!(does(tabled.clone(), Act::Withdraw).deliberation, None);
    let aside = does(does(tabled, Act::Suspend), Act::Conclude);
    assert!(aside.suspended && aside.deadline.running_since.is_none());
}

#[test]
fn twice_not_satisfied_puts_it_under_supervision_and_the_claim_is_no_confirmation() {
    let ask = |outcome| Act::FollowUp(outcome);
    let solved = || act(in_state(State::InProgress), command(Act::Resolve), HANDLER, now()).unwrap().concern;
    let first = does(solved(), ask(Outcome::NotSatisfied));
    assert_eq!((first.reopenings, first.supervised, first.confirmed_on), (1, false, None));
    let again = act(first, command(Act::Resolve), HANDLER, now()).unwrap().concern;
    let closed = does(again.clone(), ask(Outcome::Satisfied));
    assert_eq!((closed.confirmed_on, closed.ended_on), (closed.closed_on, closed.closed_on));
    assert!(closed.confirmed_on.is_some());
    // The household comes back after all.
    let back = does(closed, Act::Reopen);
    assert_eq!((back.state, back.confirmed_on, back.closed_on, back.ended_on), (State::InProgress, None, None, None));
    assert_eq!((back.outcome, back.reopenings, back.supervised), (Some(Outcome::NotSatisfied), 2, true));
    assert!(back.resolved_on.is_some());
    let second = does(again, ask(Outcome::NotSatisfied));
    assert!(second.supervised);
    // Partly satisfied closes it, and confirms nothing.
    assert_eq!(does(solved(), ask(Outcome::PartlySatisfied)).confirmed_on, None);
}

#[test]
fn what_is_declined_says_where_to_go_and_may_turn_out_to_be_ours() {
    let declined = does(reported(), Act::Decline);
    assert_eq!((declined.state, declined.result.as_str()), (State::Declined, "请到供电所"));
    assert!(declined.ended_on.is_some());
    let ours = does(declined, Act::Reopen);
    assert_eq!((ours.state, ours.result.as_str(), ours.ended_on), (State::Reported, "", None));
}
