//! Orders of a handover out of the contract's messages. No rules, no SQL.

use platform::{Error, Result, Violations};
use proto::liaison::v1 as pb;
use proto::names::{GridName, MemberName, VillageCode, VillageName};

use super::rules::{Order, Part};
use crate::member::rpc::day;
use crate::team::rules::Seat;

impl TryFrom<pb::HandOverRequest> for Order {
    type Error = Error;

    fn try_from(message: pb::HandOverRequest) -> Result<Self> {
        let mut wrong = Violations::new();
        let village = wrong.check("parent", message.parent.parse::<VillageName>()).map(|VillageName(code)| code);
        let member: Option<MemberName> = wrong.check("member", message.member.parse());
        if village.zip(member.as_ref()).is_some_and(|(village, member)| village != member.village) {
            wrong.add("member", "lies in another village");
        }
        if message.parts.is_empty() {
            wrong.add("parts", "is missing: to whom is it to go?");
        }
        let parts = parts(&mut wrong, village, message.parts);
        let date = day(&mut wrong, "date", message.date);
        let reason = wrong.required("reason", &message.reason);
        let preview = Some(message.preview_etag).filter(|etag| !etag.is_empty());
        let (member, reason) = wrong.finish(member.zip(reason))?;
        Ok(Self { member, parts, day: date, reason, preview })
    }
}

/// The parts of an order in this village.
pub(crate) fn parts(
    wrong: &mut Violations,
    village: Option<VillageCode>,
    messages: Vec<pb::HandOverPart>,
) -> Vec<Part> {
    let mut parts = Vec::with_capacity(messages.len());
    for message in messages {
        let successor: Option<MemberName> =
            if message.successor.is_empty() { None } else { wrong.check("parts.successor", message.successor.parse()) };
        if village.zip(successor.as_ref()).is_some_and(|(village, member)| village != member.village) {
            wrong.add("parts.successor", "lies in another village");
        }
        let mut grids = std::collections::BTreeSet::new();
        for name in &message.grids {
            let name: Option<GridName> = wrong.check("parts.grids", name.parse());
            if village.zip(name.as_ref()).is_some_and(|(village, name)| village != name.village) {
                wrong.add("parts.grids", "lies in another village");
            }
            grids.extend(name.map(|name| name.grid));
        }
        let seat = |value: &i32| Seat::read(*value)?.ok_or("is unspecified");
        let seats = wrong.check("parts.seats", message.seats.iter().map(seat).collect()).unwrap_or_default();
        parts.push(Part { successor, grids, seats, households_only: message.households_only });
    }
    parts
}
