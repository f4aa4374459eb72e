#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod answered;

use std::sync::LazyLock;

use chrono::Duration;
use proto::names::ConcernName;

use super::*;
use crate::calendar::{Calendar, HOUR};
use crate::concern::{Deadline, MoveKind as Kind, Outcome, State as Stands, Terms, Urgency};

/// Every weekday is worked on.
fn calendar() -> &'static Calendar {
    static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::default);
    &CALENDAR
}

/// Monday, 2 March 2026, at this hour in the villages.
fn monday(hour: i64) -> Now<'static> {
    let at = "2026-03-01T16:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::hours(hour);
    Now { at, calendar: calendar() }
}

fn village() -> proto::names::VillageCode {
    "430112011211".parse().unwrap()
}

fn grid(number: usize) -> GridCode {
    format!("{number:03}").parse().unwrap()
}

/// A concern of its own household in this grid, raised on Monday at nine, with a day to answer and five to solve.
fn raised(id: u128, number: usize) -> Concern {
    let name = ConcernName::new(village(), Uuid::from_u128(id));
    let now = monday(9);
    let mut concern = Concern::new(name, Matter::Environment, "路灯不亮".into(), village_day(now.at), now.at);
    concern.matter_type = "路灯".into();
    concern.household = Some(Uuid::from_u128(1000 + id));
    concern.grid = Some(grid(number));
    concern.owner = Owner::Team(grid(number));
    concern.routed = true;
    let terms = Terms { urgency: Urgency::Normal, response_hours: 8, resolution_hours: 40 };
    concern.deadline = Deadline::begin(&terms, now);
    concern
}

fn clerk() -> Actor<'static> {
    Actor { subject: "clerk", office: Office::Clerk }
}

fn officer() -> Actor<'static> {
    Actor { subject: "officer", office: Office::Officer }
}

fn name() -> DemandName {
    DemandName::new(village(), Uuid::from_u128(77))
}

fn draft() -> Draft {
    Draft { name: name(), title: String::new(), concerns: Vec::new(), note: "同一盏路灯".into(), proposal: None }
}

fn opened(concerns: Vec<Concern>) -> (Demand, Vec<Concern>) {
    let (step, moved) = open(draft(), concerns, clerk(), monday(10)).unwrap();
    (step.demand, moved.into_iter().map(|step| step.concern).collect())
}

fn three() -> Vec<Concern> {
    vec![raised(1, 27), raised(2, 27), raised(3, 28)]
}

fn does(before: Concern, command: concern::Command, now: Now<'_>) -> Concern {
    concern::act(before, command, "有缘由", clerk(), now).unwrap().concern
}

/// As its moves tell.
fn stood(concern: &Concern, merged_at: DateTime<Utc>) -> Before {
    Before { state: concern.state, respond_by: concern.deadline.respond_by, answering_since: None, merged_at }
}

fn reason<T: std::fmt::Debug>(refused: Result<T>) -> &'static str {
    match refused {
        Err(Error::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_demand_sums_up_its_concerns_and_is_due_with_the_first_of_them() {
    let mut concerns = three();
    concerns[2].deadline.due_at = Some(monday(30).at);
    concerns[1].household = concerns[0].household;
    let (demand, merged) = opened(concerns);
    assert_eq!((demand.sum.concerns, demand.sum.households), (3, 2));
    assert_eq!(demand.sum.grids, [grid(27), grid(28)].into());
    assert_eq!(demand.sum.due_at, Some(monday(30).at));
    assert_eq!((demand.matter, demand.title.as_str(), demand.state), (Matter::Environment, "路灯", State::Open));
    assert!(merged.iter().all(|one| one.state == Stands::Merged && one.demand == Some(name().demand)));
}

#[test]
fn one_alone_is_no_demand() {
    assert!(matches!(open(draft(), vec![raised(1, 27)], clerk(), monday(10)), Err(Error::Invalid(_))));
    assert!(matches!(open(draft(), Vec::new(), clerk(), monday(10)), Err(Error::Invalid(_))));
}

#[test]
fn whoever_has_all_of_them_has_the_demand_or_else_the_village_office() {
    let (demand, _) = opened(vec![raised(1, 27), raised(2, 27)]);
    assert_eq!(demand.owner, Owner::Team(grid(27)));
    assert_eq!(opened(three()).0.owner, Owner::Office);
    let by_name = Concern { owner: Owner::Member(Uuid::from_u128(7)), ..raised(1, 27) };
    let (demand, merged) = opened(vec![by_name.clone(), Concern { owner: by_name.owner, ..raised(2, 27) }]);
    assert_eq!((demand.owner, merged[0].owner), (Owner::Team(grid(27)), by_name.owner), "a seat changes hands");
    let mut up = three();
    up[1].owner = Owner::Subdistrict;
    let (step, _) = open(draft(), up, officer(), monday(10)).unwrap();
    assert_eq!(step.demand.owner, Owner::Subdistrict);
}

#[test]
fn what_the_sub_district_has_is_put_together_by_the_sub_district() {
    let mut up = three();
    up[1].owner = Owner::Subdistrict;
    assert!(matches!(open(draft(), up, clerk(), monday(10)), Err(Error::Denied { .. })));
}

#[test]
fn a_concern_is_in_one_demand_at_most_and_of_its_matter() {
    let (_, merged) = opened(three());
    let again = vec![raised(4, 27), merged[0].clone()];
    assert_eq!(reason(open(draft(), again, clerk(), monday(11))), reasons::ALREADY_MERGED);
    let other = Concern { matter: Matter::BusinessAffairs, ..raised(4, 27) };
    assert_eq!(reason(open(draft(), vec![raised(5, 27), other], clerk(), monday(11))), reasons::OTHER_MATTER);
}

#[test]
fn what_waits_for_something_else_comes_to_that_first() {
    let at = monday(10);
    let returned = does(raised(4, 27), concern::Command::Return, at);
    let closed = Concern { state: Stands::Closed, ..raised(5, 27) };
    let aside = does(does(raised(6, 27), concern::Command::Accept, at), concern::Command::Suspend, at);
    let deliberating = Concern { state: Stands::Deliberating, ..raised(7, 27) };
    for one in [returned, closed, aside, deliberating] {
        let refused = open(draft(), vec![raised(1, 27), one.clone()], clerk(), at);
        assert_eq!(reason(refused), reasons::ILLEGAL_MOVE, "{:?}", one.state);
    }
}

#[test]
fn of_several_the_one_that_is_refused_is_named() {
    let returned = does(raised(4, 27), concern::Command::Return, monday(10));
    let refused = open(draft(), vec![raised(1, 27), returned.clone()], clerk(), monday(10)).unwrap_err();
    assert!(refused.to_string().starts_with(&returned.name.to_string()), "{refused}");
}

#[test]
fn merging_is_an_answer_and_resets_no_clock() {
    let before = raised(1, 27);
    let (_, merged) = opened(vec![before.clone(), raised(2, 27)]);
    let deadline = &merged[0].deadline;
    assert_eq!((deadline.respond_by, deadline.responded_at), (None, Some(monday(10).at)));
    assert_eq!((deadline.due_at, deadline.running_since), (before.deadline.due_at, before.deadline.running_since));
    assert_eq!(deadline.spent_by(monday(34)), 8 * HOUR + HOUR, "the household waits on");
    assert_eq!(merged[0].owner, before.owner);
}

#[test]
fn what_was_answered_for_before_keeps_its_answer() {
    let accepted = does(raised(1, 27), concern::Command::Accept, monday(9));
    let (demand, merged) = opened(vec![accepted.clone(), raised(2, 27)]);
    let before = [(accepted.name.concern, stood(&accepted, monday(10).at))].into();
    let steps = split(&demand.name, vec![merged[0].clone()], &before, "不是一回事", clerk(), monday(12)).unwrap();
    assert_eq!(steps[0].concern.deadline.responded_at, Some(monday(9).at));
    assert_eq!(steps[0].concern.state, Stands::Accepted);
}

#[test]
fn whoever_had_to_answer_has_to_by_when_they_had_to_before() {
    let reported = raised(1, 27);
    let (demand, merged) = opened(vec![reported.clone(), raised(2, 27)]);
    let before = [(reported.name.concern, stood(&reported, monday(10).at))].into();
    let steps = split(&demand.name, vec![merged[0].clone()], &before, "不是一回事", clerk(), monday(15)).unwrap();
    let again = &steps[0].concern;
    assert_eq!(
        (again.state, again.owner, again.demand, again.ended_on),
        (Stands::Reported, reported.owner, None, None)
    );
    assert_eq!(again.deadline.respond_by, reported.deadline.respond_by);
    assert_eq!(again.deadline.responded_at, None, "the answer is taken back with what it was");
    assert_eq!(again.deadline.due_at, reported.deadline.due_at);
    assert_eq!((steps[0].kind, steps[0].from), (Kind::Split, Some(Stands::Merged)));
}

#[test]
fn an_answer_that_was_overdue_before_is_overdue_again_and_not_warned_of_twice() {
    let mut reported = raised(1, 27);
    let warned = reported.deadline.ring(monday(48)).unwrap();
    let (demand, merged) = {
        let (step, moved) = open(draft(), vec![reported.clone(), raised(2, 27)], clerk(), monday(50)).unwrap();
        (step.demand, moved[0].concern.clone())
    };
    let before = [(reported.name.concern, stood(&reported, monday(50).at))].into();
    let mut again =
        split(&demand.name, vec![merged], &before, "不是一回事", clerk(), monday(52)).unwrap()[0].concern.clone();
    assert_eq!(warned.kind(), Kind::ResponseOverdue);
    assert_eq!(again.deadline.warnings, reported.deadline.warnings);
    assert_eq!(again.deadline.ring(monday(52)), None);
}

#[test]
fn whom_it_was_given_to_has_it_again() {
    let given = does(raised(1, 27), concern::Command::Assign(Owner::Office, None), monday(9));
    let (demand, merged) = opened(vec![given.clone(), raised(2, 27)]);
    let before = [(given.name.concern, stood(&given, monday(10).at))].into();
    let steps = split(&demand.name, vec![merged[0].clone()], &before, "不是一回事", clerk(), monday(12)).unwrap();
    assert_eq!((steps[0].concern.assignee, steps[0].concern.owner), (Some(Owner::Office), given.owner));
    assert_eq!(steps[0].concern.deadline.respond_by, given.deadline.respond_by);
}

#[test]
fn a_concern_of_another_demand_is_not_taken_out_of_this_one() {
    let (_, merged) = opened(three());
    let other = DemandName::new(village(), Uuid::from_u128(78));
    let before = HashMap::new();
    let refused = split(&other, vec![merged[0].clone()], &before, "不是一回事", clerk(), monday(12));
    assert_eq!(reason(refused), reasons::ILLEGAL_MOVE);
}
