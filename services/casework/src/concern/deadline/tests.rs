#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use chrono::Duration;
use platform::Office;
use proptest::prelude::*;
use proto::names::ConcernName;
use uuid::Uuid;

use super::super::explain::explain;
use super::super::receipt::Receipt;
use super::super::record::{Matter, Move, Outcome, Step};
use super::super::rules::{Actor, Command, Draft, Update, act, report};
use super::*;
use crate::place::Place;

/// A week without holidays.
fn calendar() -> Calendar {
    Calendar::default()
}

/// Monday, 2 March 2026, at this hour in the villages.
fn monday(hour: i64) -> DateTime<Utc> {
    "2026-03-01T16:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::hours(hour)
}

fn terms() -> Terms {
    Terms { urgency: Urgency::Normal, response_hours: 8, resolution_hours: 40 }
}

fn reported(at: DateTime<Utc>) -> Step {
    let draft = Draft {
        name: ConcernName::new("430112011211".parse().unwrap(), Uuid::from_u128(1)),
        reference: None,
        matter: Matter::Environment,
        matter_type: "路灯".into(),
        urgency: None,
        text: "路灯不亮".into(),
        household: None,
        grid: "027".parse().ok(),
        reporter: None,
        reported_on: None,
        receipt: Receipt::draw(|| 1),
        source: None,
        sensitive: false,
        detail: None,
    };
    let grid = draft.grid;
    let place = Place { grid, team: grid, terms: Some(terms()), ..Place::default() };
    report(draft, &place, Now { at, calendar: &calendar() }).unwrap()
}

fn does(before: Concern, command: Command, subject: &str, at: DateTime<Utc>) -> platform::Result<Step> {
    let by = Actor { subject, office: Office::Clerk };
    act(before, command, "有缘由", by, Now { at, calendar: &calendar() })
}

fn kept(step: &Step) -> Move {
    let concern = &step.concern;
    Move {
        revision: concern.revision,
        kind: step.kind,
        from: step.from,
        to: concern.state,
        actor: String::new(),
        office: String::new(),
        at: concern.updated_at,
        note: step.note.clone(),
        owner: concern.owner,
        assignee: concern.assignee,
        spent: Some(concern.deadline.spent),
        due_at: concern.deadline.due_at,
        respond_by: concern.deadline.respond_by,
    }
}

#[test]
fn both_clocks_begin_with_the_report_and_the_answer_stops_the_first() {
    let concern = reported(monday(9)).concern;
    // Half past eight to six, with a break, is a day of eight hours; half an hour of this one is gone.
    assert_eq!(concern.deadline.respond_by, Some(monday(24 + 9)));
    assert_eq!(concern.deadline.due_at, Some(monday(7 * 24 + 9)));
    assert_eq!(
        concern.deadline.alarm_at,
        Some(monday(16) + Duration::minutes(30)),
        "a quarter of the time to answer is left"
    );
    let accepted = does(concern.clone(), Command::Accept, "a", monday(10)).unwrap().concern;
    assert_eq!((accepted.deadline.respond_by, accepted.deadline.responded_at), (None, Some(monday(10))));
    assert_eq!(accepted.deadline.due_at, concern.deadline.due_at);
    assert_eq!(accepted.deadline.alarm_at, concern.deadline.alarm_at, "an alarm that is too early costs nothing");
}

#[test]
fn whoever_it_is_given_to_has_the_time_to_answer_and_the_first_answer_stays_due() {
    let concern = reported(monday(9)).concern;
    let due = concern.deadline.response_due_at;
    let given = does(concern, Command::Assign(Owner::Office, None), "a", monday(15)).unwrap().concern;
    assert_eq!(given.deadline.respond_by, Some(monday(24 + 15)));
    assert_eq!((given.deadline.response_due_at, given.deadline.responded_at), (due, None));
    let back = does(given, Command::Return, "b", monday(16)).unwrap().concern;
    assert_eq!((back.deadline.responded_at, back.deadline.respond_by), (Some(monday(16)), Some(monday(24 + 16))));
}

#[test]
fn the_clock_rests_and_goes_on_from_where_it_was() {
    let step = reported(monday(9));
    let mut moves = vec![kept(&step)];
    let mut concern = step.concern;
    for (command, at) in [
        (Command::Accept, monday(10)),
        (Command::Suspend, monday(11)),
        (Command::Resume, monday(24 + 11)),
        (Command::Start, monday(24 + 14)),
        (Command::Resolve { result: "修好了".into() }, monday(24 + 15)),
        (Command::FollowUp { outcome: Outcome::NotSatisfied, score: 1 }, monday(48 + 9)),
    ] {
        let step = does(concern, command, if at == monday(24 + 15) { "handler" } else { "caller" }, at).unwrap();
        moves.push(kept(&step));
        concern = step.concern;
    }
    // Two hours until it was laid aside, two and a half until it was claimed to be solved.
    assert_eq!(concern.deadline.spent, 9 * HOUR / 2);
    assert_eq!(concern.deadline.due_at, Some(calendar().after(monday(48 + 9), 40 * HOUR - 9 * HOUR / 2)));
    let calendar = calendar();
    let told = explain(&concern, &moves, Now { at: monday(48 + 10), calendar: &calendar });
    let segments: Vec<_> = told.segments.iter().map(|one| (one.running, one.spent, one.began_with)).collect();
    assert_eq!(
        segments,
        [
            (true, 2 * HOUR, MoveKind::Reported),
            (false, 0, MoveKind::Suspended),
            (true, 5 * HOUR / 2, MoveKind::Resumed),
            (false, 0, MoveKind::Resolved),
            (true, HOUR, MoveKind::FollowedUp),
        ]
    );
    assert_eq!(told.segments[1].note, "有缘由");
    assert_eq!(told.missing_years, [2026], "nothing is known of this calendar's year");
}

#[test]
fn more_time_is_granted_once_and_by_somebody_else() {
    let concern = does(reported(monday(9)).concern, Command::Accept, "a", monday(9)).unwrap().concern;
    let due = concern.deadline.due_at;
    assert!(does(concern.clone(), Command::AskExtension { hours: 41 }, "a", monday(10)).is_err());
    let asked = does(concern, Command::AskExtension { hours: 16 }, "a", monday(10)).unwrap().concern;
    assert_eq!(asked.deadline.due_at, due, "asking changes nothing");
    assert!(does(asked.clone(), Command::DecideExtension { granted: true }, "a", monday(11)).is_err());
    let refused = does(asked.clone(), Command::DecideExtension { granted: false }, "b", monday(11)).unwrap().concern;
    assert_eq!((refused.deadline.due_at, refused.deadline.extension_hours), (due, 0));
    let granted = does(asked, Command::DecideExtension { granted: true }, "b", monday(11)).unwrap().concern;
    assert_eq!(granted.deadline.due_at, Some(monday(9 * 24 + 9)));
    assert!(does(granted, Command::AskExtension { hours: 8 }, "a", monday(12)).is_err());
}

#[test]
fn a_calendar_that_is_changed_moves_both_clocks_from_the_same_beginning_and_warns_anew() {
    let step = reported(monday(9));
    let mut moves = vec![kept(&step)];
    let given = does(step.concern, Command::Assign(Owner::Office, None), "a", monday(15)).unwrap();
    moves.push(kept(&given));
    let mut concern = given.concern;
    // On Tuesday afternoon they are warned that it is soon too late to answer; then Tuesday turns out to be a holiday.
    let warned = concern.deadline.ring(Now { at: monday(24 + 14), calendar: &calendar() });
    assert_eq!(warned, Some(Warning::ResponseDueSoon));
    let tuesday = platform::clock::village_day(monday(24 + 9));
    let free = Calendar::new([(tuesday, crate::calendar::DayKind::Holiday)]);
    let now = Now { at: monday(24 + 14), calendar: &free };
    assert!(concern.deadline.reckon_again(monday(9), Some(monday(15)), now));
    let mut step = Step::after(concern, MoveKind::Reckoned, now.at, |_| {});
    step.note = "工作日历有变动".into();
    moves.push(kept(&step));
    let deadline = &step.concern.deadline;
    assert_eq!(deadline.response_due_at, Some(monday(48 + 9)), "the first answer");
    assert_eq!(deadline.respond_by, Some(monday(48 + 15)), "theirs who have it now");
    assert_eq!(deadline.due_at, Some(monday(8 * 24 + 9)));
    assert_eq!(deadline.warnings, 0);
    assert!(deadline.alarm_at.is_some_and(|alarm| alarm <= free.before(monday(48 + 15), 2 * HOUR)));
    assert!(!step.concern.deadline.clone().reckon_again(monday(9), Some(monday(15)), now), "once is enough");
    let told = explain(&step.concern, &moves, now);
    let answers: Vec<_> = told.answers.iter().map(|one| (one.began_with, one.due_at, one.shifts.len())).collect();
    assert_eq!(
        answers,
        [(MoveKind::Reported, Some(monday(24 + 9)), 0), (MoveKind::Assigned, Some(monday(48 + 15)), 1),]
    );
    assert_eq!(told.answers[1].shifts[0].note, "工作日历有变动");
    assert_eq!(told.segments[0].shifts[0].due_at, monday(8 * 24 + 9));

    // What was answered is answered: in time, or not.
    let accepted = does(step.concern, Command::Accept, "b", monday(48 + 9)).unwrap().concern;
    let mut deadline = accepted.deadline.clone();
    assert!(deadline.reckon_again(monday(9), None, Now { at: monday(48 + 10), calendar: &calendar() }));
    assert_eq!((deadline.response_due_at, deadline.respond_by), (Some(monday(48 + 9)), None));
}

#[test]
fn while_a_concern_was_declined_that_is_ours_after_all_the_clock_has_rested() {
    let mut moves = Vec::new();
    let mut step = reported(monday(9));
    for (command, at) in
        [(Command::Decline { where_to_go: "供电所".into() }, monday(11)), (Command::Reopen(None), monday(24 + 9))]
    {
        moves.push(kept(&step));
        step = does(step.concern, command, "a", at).unwrap();
    }
    moves.push(kept(&step));
    let told = explain(&step.concern, &moves, Now { at: monday(24 + 10), calendar: &calendar() });
    let segments: Vec<_> = told.segments.iter().map(|one| (one.start, one.end, one.spent, one.began_with)).collect();
    assert_eq!(
        segments,
        [
            (monday(9), Some(monday(11)), 2 * HOUR, MoveKind::Reported),
            (monday(11), Some(monday(24 + 9)), 0, MoveKind::Declined),
            (monday(24 + 9), None, HOUR, MoveKind::Reopened),
        ]
    );
}

#[test]
fn a_change_of_type_or_text_changes_no_clock() {
    let concern = reported(monday(9)).concern;
    let update =
        Update { matter: Some(Matter::BusinessAffairs), matter_type: Some("消防通道".into()), ..Update::default() };
    let updated = does(concern.clone(), Command::Update(update), "a", monday(12)).unwrap().concern;
    assert_eq!(updated.deadline, concern.deadline);
}

#[test]
fn a_concern_without_limits_has_no_clocks() {
    let concern = Concern { deadline: Deadline::none(), ..reported(monday(9)).concern };
    let accepted = does(concern, Command::Accept, "a", monday(10)).unwrap().concern;
    assert_eq!(accepted.deadline, Deadline::none());
    let calendar = calendar();
    assert!(explain(&accepted, &[], Now { at: monday(11), calendar: &calendar }).segments.is_empty());
}

fn command() -> impl Strategy<Value = Command> {
    proptest::sample::select(vec![
        Command::Accept,
        Command::Return,
        Command::Decline { where_to_go: "供电所".into() },
        Command::Assign(Owner::Office, None),
        Command::Start,
        Command::Suspend,
        Command::Resume,
        Command::Resolve { result: "修好了".into() },
        Command::FollowUp { outcome: Outcome::NotSatisfied, score: 1 },
        Command::FollowUp { outcome: Outcome::Satisfied, score: 5 },
        Command::Supervise,
        Command::Reopen(None),
        Command::AskExtension { hours: 24 },
        Command::DecideExtension { granted: true },
        Command::Update(Update::default()),
    ])
}

proptest! {
    /// Whatever is done and whenever: what is used up only grows, its segments add up to it, what is due is what is left
    /// of the limit, no alarm comes too late, and each warning is given once for each who has to answer.
    #[test]
    fn the_ledger_of_the_clock_is_right(life in proptest::collection::vec((command(), 0_i64..40 * 60), 1..40)) {
        let calendar = calendar();
        let mut at = monday(9);
        let step = reported(at);
        let mut moves = vec![kept(&step)];
        let mut concern = step.concern;
        let (mut spent, mut handler) = (0, false);
        for (command, minutes) in life {
            at += Duration::minutes(minutes);
            handler = !handler;
            let before = concern.clone();
            // The scheduler comes by first.
            while concern.deadline.alarm_at.is_some_and(|alarm| alarm <= at) {
                let warnings = concern.deadline.warnings;
                match concern.deadline.ring(Now { at, calendar: &calendar }) {
                    Some(warning) => {
                        prop_assert_eq!(warnings & warning as i32, 0, "given twice");
                        let step = Step::after(concern, warning.kind(), at, |_| {});
                        moves.push(kept(&step));
                        concern = step.concern;
                    }
                    None => prop_assert!(concern.deadline.alarm_at.is_none_or(|alarm| alarm > at)),
                }
            }
            let who = if handler { "a" } else { "b" };
            if let Ok(step) = does(concern.clone(), command, who, at) {
                moves.push(kept(&step));
                concern = step.concern;
            }
            let now = Now { at, calendar: &calendar };
            let deadline = &concern.deadline;
            prop_assert!(deadline.spent_by(now) >= spent);
            spent = deadline.spent_by(now);
            let told = explain(&concern, &moves, now);
            prop_assert_eq!(told.segments.iter().map(|one| one.spent).sum::<i64>(), spent);
            prop_assert_eq!(told.spent, spent);
            // No time is missing, and none is told twice.
            prop_assert!(told.segments.windows(2).all(|two| two[0].end == Some(two[1].start)));
            // The same, reckoned from nothing but the moments of the moves.
            let again: i64 = told.segments.iter().filter(|one| one.running)
                .map(|one| calendar.between(one.start, one.end.unwrap_or(at))).sum();
            prop_assert_eq!(again, spent);
            prop_assert_eq!(deadline.running_since.is_some(), deadline.due_at.is_some());
            if let Some((since, due)) = deadline.running_since.zip(deadline.due_at) {
                prop_assert_eq!(calendar.between(since, due), (deadline.limit() - deadline.spent).max(0));
            }
            prop_assert!(deadline.alarm_at <= deadline.next_alarm(&calendar) || deadline.next_alarm(&calendar).is_none());
            prop_assert!(deadline.alarm_at.is_some() || deadline.next_alarm(&calendar).is_none());
            prop_assert_eq!(deadline.response_due_at, before.deadline.response_due_at);
            prop_assert!(deadline.extension_hours >= before.deadline.extension_hours);
        }
    }
}
