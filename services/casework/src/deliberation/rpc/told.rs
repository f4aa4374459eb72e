//! Deliberations and notices as they are answered.

use proto::casework::v1 as pb;
use proto::names::{DeliberationPolicyName, MemberName, VillageCode};
use proto::time::{date, timestamp};
use uuid::Uuid;

use crate::deliberation::Shown;
use crate::deliberation::notice::{Notice, PublicText, PublicVote};
use crate::deliberation::policy::Policy;
use crate::deliberation::rules::Deliberation;
use crate::deliberation::store::Move;
use crate::deliberation::vote::Vote;

impl From<Deliberation> for pb::Deliberation {
    /// Without its votes and moves.
    fn from(one: Deliberation) -> Self {
        Self {
            concerns: one.concern_names().map(|name| name.to_string()).collect(),
            demand: one.demand_name().map(|name| name.to_string()).unwrap_or_default(),
            next_step: one.next_step().map_or(0, Into::into),
            name: one.name.to_string(),
            title: one.title,
            proposal: one.proposal,
            subject: one.subject.into(),
            expense_yuan: one.expense_yuan,
            way: one.way.into(),
            state: one.state.into(),
            decided_on: one.decided_on.map(date),
            resolution: one.resolution,
            noticed_on: one.noticed_on.map(date),
            notice_until: one.notice_until.map(date),
            result_on: one.result_on.map(date),
            objections: one.objections,
            votes: Vec::new(),
            moves: Vec::new(),
            etag: one.revision.to_string(),
            create_time: Some(timestamp(one.created_at)),
            update_time: Some(timestamp(one.updated_at)),
        }
    }
}

impl From<Shown> for pb::Deliberation {
    fn from(Shown { deliberation, moves, whole }: Shown) -> Self {
        let village = deliberation.name.village;
        let votes = deliberation.votes.iter().cloned().map(|one| vote(village, one, whole)).collect();
        Self { votes, moves: moves.into_iter().map(told).collect(), ..deliberation.into() }
    }
}

fn vote(village: VillageCode, one: Vote, whole: bool) -> pb::Vote {
    let members = |members: &[Uuid]| members.iter().map(|id| MemberName::new(village, *id).to_string()).collect();
    pb::Vote {
        place: one.place,
        step: one.step.into(),
        held_on: Some(date(one.held_on)),
        due: one.counts.due,
        present: one.counts.present,
        due_members: members(&one.due_members),
        present_members: members(&one.present_members),
        favour: one.counts.favour,
        against: one.counts.against,
        abstaining: one.counts.abstaining,
        quorate: one.is_quorate(),
        carried: one.carried(),
        proposal: one.proposal,
        minutes: if whole { one.minutes } else { String::new() },
    }
}

fn told(one: Move) -> pb::DeliberationMove {
    pb::DeliberationMove {
        revision: one.revision,
        kind: one.kind.into(),
        actor: one.actor,
        office: one.office,
        move_time: Some(timestamp(one.moved_at)),
        note: one.note,
    }
}

impl From<Notice> for pb::Notice {
    fn from(notice: Notice) -> Self {
        let text = |text: &PublicText| text.as_str().to_owned();
        Self {
            name: format!("{}/notice", notice.deliberation),
            title: text(&notice.title),
            text: text(&notice.text),
            way: notice.way.into(),
            way_title: notice.way.title().to_owned(),
            votes: notice.votes.iter().map(public_vote).collect(),
            state: notice.state.into(),
            state_title: notice.state.title().to_owned(),
            decided_on: notice.decided_on.map(date),
            noticed_on: notice.noticed_on.map(date),
            notice_until: notice.notice_until.map(date),
            contact: text(&notice.contact),
            result: notice.result.as_ref().map(text).unwrap_or_default(),
            result_on: notice.result_on.map(date),
        }
    }
}

fn public_vote(one: &PublicVote) -> pb::NoticeVote {
    pb::NoticeVote {
        step: one.step.into(),
        step_title: one.step.title().to_owned(),
        held_on: Some(date(one.held_on)),
        due: one.counts.due,
        present: one.counts.present,
        favour: one.counts.favour,
        against: one.counts.against,
        abstaining: one.counts.abstaining,
    }
}

pub(super) fn policy(village: VillageCode, policy: Policy) -> pb::DeliberationPolicy {
    pb::DeliberationPolicy {
        name: DeliberationPolicyName(village).to_string(),
        large_expense_yuan: policy.large_expense_yuan,
        notice_days: policy.notice_days,
        contact: policy.contact,
        etag: policy.revision.to_string(),
    }
}
