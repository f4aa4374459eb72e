//! The entrance as the contract speaks of it. No rules, no SQL.

use chrono::NaiveDate;
use platform::revision::expected;
use platform::{Error, Violations};
use proto::google::r#type::Date;
use proto::liaison::v1 as pb;
use proto::names::{GridName, MemberName, VillageCode, VillageName};
use proto::time::{date, timestamp};

use super::{day, telephone};
use crate::member::entrance::{Grade, Ground, Nomination, Step, Votes};
use crate::member::rules::Source;
use crate::member::steps::Taken;

/// A step to be taken with a member.
#[derive(Debug, Clone)]
pub(crate) struct TakeStep {
    pub(crate) name: MemberName,
    pub(crate) expected: Option<i64>,
    pub(crate) step: Step,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) note: String,
}

/// What every request of a step begins with.
struct Head<'m> {
    name: &'m str,
    etag: &'m str,
    date: Option<Date>,
    note: &'m str,
}

impl Head<'_> {
    fn with(self, mut wrong: Violations, step: Option<Step>) -> Result<TakeStep, Error> {
        let expected = expected(self.etag)?;
        let name: Option<MemberName> = wrong.check("name", self.name.parse());
        let day = day(&mut wrong, "date", self.date);
        let (name, step) = wrong.finish(name.zip(step))?;
        Ok(TakeStep { name, expected, step, day, note: self.note.trim().to_owned() })
    }
}

macro_rules! steps {
    ($($request:ident: |$message:ident, $wrong:ident| $step:expr;)+) => {$(
        impl TryFrom<pb::$request> for TakeStep {
            type Error = Error;

            #[allow(unused_mut, reason = "not every step has something that may be wrong")]
            fn try_from($message: pb::$request) -> Result<Self, Error> {
                let mut $wrong = Violations::new();
                let step = $step;
                let head =
                    Head { name: &$message.name, etag: &$message.etag, date: $message.date, note: &$message.note };
                head.with($wrong, step)
            }
        }
    )+};
}

steps! {
    CheckEligibilityRequest: |message, wrong| Some(Step::CheckEligibility { of_age: message.of_age });
    RecordEndorsementRequest: |message, wrong| {
        let votes = message.votes.unwrap_or_default();
        Some(Step::RecordEndorsement(Votes {
            due: votes.due,
            present: votes.present,
            favour: votes.favour,
            against: votes.against,
            abstaining: votes.abstaining,
        }))
    };
    PostNoticeRequest: |message, wrong| Some(Step::PostNotice { days: Some(message.days).filter(|days| *days != 0) });
    RecordObjectionRequest: |message, wrong| Some(Step::RecordObjection { upheld: message.upheld });
    AppointMemberRequest: |message, wrong| {
        let term_start = day(&mut wrong, "term_start", message.term_start);
        let term_end = day(&mut wrong, "term_end", message.term_end);
        if message.term_end.is_none() {
            wrong.add("term_end", "is missing: a term has an end");
        }
        term_end.map(|term_end| Step::Appoint { term_start, term_end })
    };
    EvaluateMemberRequest: |message, wrong| {
        let grade = wrong.check("grade", Grade::read(message.grade)).flatten();
        if message.grade == 0 {
            wrong.add("grade", "is missing");
        }
        grade.map(Step::Evaluate)
    };
    DeclineMemberRequest: |message, wrong| {
        wrong.required("note", &message.note);
        Some(Step::Decline)
    };
}

/// Who is nominated.
#[derive(Debug, Clone)]
pub(crate) enum Nominee {
    /// Somebody who has no record yet.
    New { village: VillageCode, display_name: String },
    /// Somebody who has one.
    Known(MemberName),
}

/// Who is to be nominated, and how.
pub(crate) fn nomination(message: pb::NominateMemberRequest) -> Result<(Nominee, Nomination), Error> {
    let mut wrong = Violations::new();
    let village = wrong.check("parent", message.parent.parse::<VillageName>()).map(|VillageName(code)| code);
    let nominee = if message.member.is_empty() {
        let display_name = wrong.required("display_name", &message.display_name);
        village.zip(display_name).map(|(village, display_name)| Nominee::New { village, display_name })
    } else {
        let member: Option<MemberName> = wrong.check("member", message.member.parse());
        if village.zip(member.as_ref()).is_some_and(|(village, member)| village != member.village) {
            wrong.add("member", "lies in another village");
        }
        for (field, text) in [("display_name", &message.display_name), ("member_id", &message.member_id)] {
            if !text.is_empty() {
                wrong.add(field, "is that of the member who is named");
            }
        }
        member.map(Nominee::Known)
    };
    let telephone = telephone(&mut wrong, "telephone", &message.telephone);
    let source = wrong.check("source", Source::read(message.source)).flatten();
    if message.source == 0 {
        wrong.add("source", "is missing");
    }
    let grid: Option<GridName> = wrong.check("grid", message.grid.parse());
    if village.zip(grid.as_ref()).is_some_and(|(village, grid)| village != grid.village) {
        wrong.add("grid", "lies in another village");
    }
    let ground = |value: &i32| Ground::read(*value)?.ok_or("is unspecified");
    let grounds = wrong.check("grounds", message.grounds.iter().map(ground).collect()).unwrap_or_default();
    let day = day(&mut wrong, "date", message.date);
    let note = message.note.trim().to_owned();
    let ((nominee, source), grid) = wrong.finish(nominee.zip(source).zip(grid))?;
    Ok((nominee, Nomination { telephone, source, grid: grid.grid, grounds, day, note }))
}

impl From<Taken> for pb::MemberStep {
    fn from(taken: Taken) -> Self {
        let record = taken.record;
        Self {
            kind: record.kind.into(),
            date: Some(date(record.day)),
            subject: taken.subject,
            office: taken.office,
            record_time: Some(timestamp(taken.recorded_at)),
            carried: record.votes.is_some_and(Votes::carried),
            votes: record.votes.map(|votes| pb::EndorsementVotes {
                due: votes.due,
                present: votes.present,
                favour: votes.favour,
                against: votes.against,
                abstaining: votes.abstaining,
            }),
            notice_until: record.notice_until.map(date),
            upheld: record.upheld.unwrap_or_default(),
            term_start: record.term.map(|(start, _)| date(start)),
            term_end: record.term.and_then(|(_, end)| end).map(date),
            grade: record.grade.map_or(0, Into::into),
            note: record.note,
        }
    }
}
