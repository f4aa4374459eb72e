//! The ends of terms as the contract speaks of them. No rules, no SQL.

use chrono::NaiveDate;
use platform::revision::expected;
use platform::{Error, Violations};
use proto::liaison::v1 as pb;
use proto::names::MemberName;

use super::day;
use crate::member::entrance::Step;
use crate::member::rules::EndTerm;
use crate::team::handover::parts;
use crate::team::handover::rules::Order;

impl TryFrom<pb::EndTermRequest> for EndTerm {
    type Error = Error;

    fn try_from(message: pb::EndTermRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name = wrong.check("name", message.name.parse());
        let term_end = day(&mut wrong, "term_end", message.term_end);
        let handover =
            handover(&mut wrong, name.as_ref(), message.parts, &message.reason, message.preview_etag, term_end);
        let note = message.reason.trim().to_owned();
        Ok(Self { name: wrong.finish(name)?, expected, term_end, handover, step: Step::EndTerm, note })
    }
}

/// Where seats and households go when a term ends; none if nothing is said of it.
fn handover(
    wrong: &mut Violations,
    member: Option<&MemberName>,
    messages: Vec<pb::HandOverPart>,
    reason: &str,
    preview: String,
    day: Option<NaiveDate>,
) -> Option<Order> {
    if messages.is_empty() {
        if !preview.is_empty() {
            wrong.add("preview_etag", "is of a handover, and no parts are given");
        }
        return None;
    }
    let parts = parts(wrong, member.map(|name| name.village), messages);
    let reason = wrong.required("reason", reason)?;
    let preview = Some(preview).filter(|etag| !etag.is_empty());
    Some(Order { member: member?.clone(), parts, day, reason, preview })
}

impl TryFrom<pb::RecallMemberRequest> for EndTerm {
    type Error = Error;

    fn try_from(message: pb::RecallMemberRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name = wrong.check("name", message.name.parse());
        let term_end = day(&mut wrong, "date", message.date);
        let note = wrong.required("note", &message.note);
        let handover =
            handover(&mut wrong, name.as_ref(), message.parts, &message.note, message.preview_etag, term_end);
        let (name, note) = wrong.finish(name.zip(note))?;
        Ok(Self { name, expected, term_end, handover, step: Step::Recall, note })
    }
}
