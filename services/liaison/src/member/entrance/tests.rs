#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;
use uuid::Uuid;

use super::table::{STEPS, next};
use super::*;

fn june(date: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, date).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-06-01T04:00:00Z".parse().unwrap()
}

fn on(day: NaiveDate) -> Known {
    let rules = EntranceRules::default_of("430112011211".parse().unwrap());
    Known { before: Some(june(1)), serves_as: None, rules, now: now(), today: day }
}

fn nominated() -> Member {
    let nomination = Nomination {
        telephone: None,
        source: Source::Volunteer,
        grid: "001".parse().unwrap(),
        grounds: [Ground::Near].into(),
        day: None,
        note: String::new(),
    };
    let name = MemberName::new("430112011211".parse().unwrap(), Uuid::from_u128(1));
    nominate(name, "熊静贵".into(), nomination, now(), june(1)).unwrap().0
}

const WON: Votes = Votes { due: 10, present: 8, favour: 5, against: 2, abstaining: 1 };

fn step(member: &Member, step: Step, day: NaiveDate) -> Result<Member, String> {
    take(member.clone(), step, None, String::new(), &on(day)).map(|(member, ..)| member).map_err(|error| match error {
        Error::Refused { reason, .. } => reason.to_owned(),
        Error::Invalid(wrong) => wrong[0].field.clone(),
        other => other.to_string(),
    })
}

/// Somebody whose notice was posted on 1 June, for a week.
fn noticed() -> Member {
    let member = step(&nominated(), Step::CheckEligibility { of_age: true }, june(1)).unwrap();
    let member = step(&member, Step::RecordEndorsement(WON), june(1)).unwrap();
    step(&member, Step::PostNotice { days: None }, june(1)).unwrap()
}

const TERM: Step = Step::Appoint { term_start: None, term_end: NaiveDate::from_ymd_opt(2029, 6, 8).unwrap() };

#[test]
fn whoever_is_on_the_way_serves_on_no_day_and_is_not_named_in_news() {
    let member = nominated();
    assert!([june(1), june(2)].iter().all(|day| !member.serves(*day)));
    assert!(!member.state.is_public());
    let member = step(&noticed(), TERM, june(8)).unwrap();
    assert!(member.state.is_public() && member.serves(june(8)) && !member.serves(june(7)));
}

#[test]
fn the_notice_runs_out_before_anybody_is_appointed() {
    assert_eq!(noticed().candidacy.unwrap().notice_until, Some(june(8)));
    assert_eq!(step(&noticed(), TERM, june(7)).unwrap_err(), reasons::NOTICE_RUNNING);
    assert_eq!(step(&noticed(), TERM, june(8)).unwrap().state, State::Appointed);
    let backwards = Step::Appoint { term_start: Some(june(9)), term_end: june(9) };
    assert_eq!(step(&noticed(), backwards, june(8)).unwrap_err(), "term_end");
    let early = Step::Appoint { term_start: Some(june(7)), term_end: june(9) };
    assert_eq!(step(&noticed(), early, june(8)).unwrap_err(), "term_end");
    let endorsed = Member { state: State::Endorsed, ..nominated() };
    assert_eq!(step(&endorsed, Step::PostNotice { days: Some(4) }, june(1)).unwrap_err(), "days");
    assert!(step(&endorsed, Step::PostNotice { days: Some(5) }, june(1)).is_ok());
}

#[test]
fn an_objection_that_is_upheld_ends_it_and_one_that_is_not_does_not() {
    let dismissed = step(&noticed(), Step::RecordObjection { upheld: false }, june(3)).unwrap();
    assert_eq!(step(&dismissed, TERM, june(8)).unwrap().state, State::Appointed);
    let upheld = step(&noticed(), Step::RecordObjection { upheld: true }, june(3)).unwrap();
    assert_eq!(step(&upheld, TERM, june(8)).unwrap_err(), reasons::ILLEGAL_MOVE);
}

#[test]
fn votes_add_up_and_a_lost_vote_may_be_held_again() {
    let eligible = Member { state: State::Eligible, ..nominated() };
    let voted = |votes: Votes| step(&eligible, Step::RecordEndorsement(votes), june(2)).map(|member| member.state);
    assert_eq!(voted(WON).unwrap(), State::Endorsed);
    assert_eq!(voted(Votes { favour: 4, against: 4, abstaining: 0, ..WON }).unwrap(), State::Eligible, "a tie");
    assert_eq!(voted(Votes { due: 16, ..WON }).unwrap(), State::Eligible, "half of those due are not enough");
    for wrong in [
        Votes { against: 3, ..WON },
        Votes { due: 7, ..WON },
        Votes { due: 3, present: 0, favour: 0, against: 0, abstaining: 0 },
        Votes { favour: 9, against: -2, ..WON },
    ] {
        assert_eq!(voted(wrong).unwrap_err(), "votes", "{wrong:?}");
    }
}

#[test]
fn who_is_not_of_age_or_serves_elsewhere_is_not_eligible() {
    let member = nominated();
    assert_eq!(step(&member, Step::CheckEligibility { of_age: false }, june(1)).unwrap_err(), reasons::NOT_ELIGIBLE);
    let known = Known { serves_as: Some(member.name.clone()), ..on(june(1)) };
    let refused = take(member, Step::CheckEligibility { of_age: true }, None, String::new(), &known).unwrap_err();
    assert!(matches!(refused, Error::Refused { reason: reasons::NOT_ELIGIBLE, .. }));
}

#[test]
fn steps_follow_one_another_in_time() {
    let check =
        |day| take(nominated(), Step::CheckEligibility { of_age: true }, Some(day), String::new(), &on(june(5)));
    assert!(check(june(6)).is_err() && check(june(5)).is_ok() && check(june(1)).is_ok());
    assert!(check(june(1).pred_opt().unwrap()).is_err());
}

#[test]
fn a_refusal_names_what_is_possible() {
    let refused = take(nominated(), TERM, None, String::new(), &on(june(1))).unwrap_err().to_string();
    assert!(refused.contains("nominated") && refused.contains("CheckEligibility, DeclineMember"), "{refused}");
    for state in [State::Ended, State::Recalled, State::Declined] {
        assert!(STEPS.iter().all(|(step, _)| next(state, *step).is_none()), "{state:?} is the end");
    }
}

/// A leader who is nominated, all of it on 1 June, for a week's notice.
fn leader_noticed(term_end: Option<NaiveDate>) -> Member {
    let leader = Member {
        offices: [Office::GridWorker].into(),
        source: None,
        term_start: "2020-01-01".parse().unwrap(),
        term_end,
        state: State::Appointed,
        candidacy: None,
        ..nominated()
    };
    let nomination = Nomination {
        telephone: None,
        source: Source::GridWorker,
        grid: "002".parse().unwrap(),
        grounds: [Ground::Familiar].into(),
        day: None,
        note: String::new(),
    };
    let (member, ..) = nominate_again(leader, nomination, None, now(), june(1)).unwrap();
    let member = step(&member, Step::CheckEligibility { of_age: true }, june(1)).unwrap();
    let member = step(&member, Step::RecordEndorsement(WON), june(1)).unwrap();
    step(&member, Step::PostNotice { days: None }, june(1)).unwrap()
}

#[test]
fn who_serves_goes_on_serving_while_they_are_nominated_whatever_comes_of_it() {
    let member = leader_noticed(None);
    assert_eq!((member.state, member.standing()), (State::Appointed, Some(State::Noticed)));
    assert!(member.serves(june(2)) && !member.serves_in(Office::Representative, june(8)));
    let declined = step(&member, Step::Decline, june(2)).unwrap();
    assert_eq!((declined.state, declined.standing(), declined.candidacy), (State::Appointed, None, None));
    let upheld = step(&member, Step::RecordObjection { upheld: true }, june(2)).unwrap();
    assert_eq!((upheld.state, upheld.standing()), (State::Appointed, None));
    assert!(step(&member, Step::Evaluate(Grade::Competent), june(2)).is_ok(), "of the office they have");
    assert_eq!(step(&member, TERM, june(7)).unwrap_err(), reasons::NOTICE_RUNNING);

    let both = step(&member, TERM, june(8)).unwrap();
    assert_eq!((both.offices.len(), both.source, both.term_end), (2, Some(Source::GridWorker), None));
    let represents = |day: &str| both.serves_in(Office::Representative, day.parse().unwrap());
    assert!(!represents("2026-06-07") && represents("2026-06-08"));
    assert!(represents("2029-06-07") && !represents("2029-06-08") && both.serves("2029-06-08".parse().unwrap()));
}

#[test]
fn nobody_represents_for_longer_than_they_serve() {
    let member = leader_noticed(Some("2028-01-01".parse().unwrap()));
    assert_eq!(step(&member, TERM, june(8)).unwrap_err(), "term_end");
    let within = Step::Appoint { term_start: None, term_end: "2028-01-01".parse().unwrap() };
    assert!(step(&member, within, june(8)).is_ok());
}

proptest! {
    /// Whatever is tried in whatever order, nobody is appointed without a check, a vote that was carried and a notice.
    #[test]
    fn nobody_is_appointed_past_a_step(tried in proptest::collection::vec((0..9_usize, any::<bool>()), 0..30)) {
        let (mut state, mut taken) = (State::Nominated, Vec::new());
        for (which, lost) in tried {
            let step = match STEPS[which].0 {
                Step::RecordEndorsement(votes) if lost => Step::RecordEndorsement(Votes { favour: 0, against: 1, ..votes }),
                step => step,
            };
            if let Some(following) = next(state, step) {
                taken.push(step);
                state = following;
            }
        }
        if state.is_public() {
            let at = |wanted: fn(&Step) -> bool| taken.iter().position(wanted);
            let checked = at(|step| matches!(step, Step::CheckEligibility { .. })).unwrap();
            let carried = at(|step| matches!(step, Step::RecordEndorsement(votes) if votes.carried())).unwrap();
            let noticed = at(|step| matches!(step, Step::PostNotice { .. })).unwrap();
            let appointed = at(|step| matches!(step, Step::Appoint { .. })).unwrap();
            prop_assert!(checked < carried && carried < noticed && noticed < appointed);
        }
    }
}
