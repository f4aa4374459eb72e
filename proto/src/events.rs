//! What all news has in common: the record it is of, the record's revision, and the subject it travels on.
//! Publishing, reading and applying news is the services' business.

use crate::{casework, liaison, registry};

/// News of a record: the whole public view of it after a change.
///
/// Travels on the subject `lianxin.v1.{village}.{SERVICE}.{NOUN}`; its CloudEvents type is the message's full name
/// ([`prost::Name::full_name`]). A reader keeps the newest revision it has seen of each record.
pub trait Event: prost::Message + prost::Name + Default + 'static {
    /// The service that owns the record, for example `registry`.
    const SERVICE: &'static str;

    /// The noun of the record, for example `household`.
    const NOUN: &'static str;

    /// The resource name of the record.
    fn name(&self) -> &str;

    /// The record's revision after the change, from 1.
    fn revision(&self) -> i64;
}

macro_rules! events {
    ($($service:ident { $($message:ident: $noun:literal,)+ })+) => {
        $($(impl Event for $service::v1::$message {
            const SERVICE: &'static str = stringify!($service);
            const NOUN: &'static str = $noun;

            fn name(&self) -> &str {
                &self.name
            }

            fn revision(&self) -> i64 {
                self.revision
            }
        })+)+

        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$($((stringify!($service), stringify!($message), $noun),)+)+];
    };
}

events! {
    registry {
        VillageChanged: "village",
        AreaChanged: "area",
        VillagerGroupChanged: "villager_group",
        PartyGroupChanged: "party_group",
        GridChanged: "grid",
        HouseholdChanged: "household",
        ResidentChanged: "resident",
        CareTagsChanged: "care_tags",
        MerchantChanged: "merchant",
    }
    liaison {
        MemberChanged: "member",
        LineChanged: "line",
        TeamChanged: "team",
        LinkChanged: "link",
        VisitChanged: "visit",
        VisitPlanChanged: "visit_plan",
        EntranceRulesChanged: "entrance_rules",
    }
    casework {
        ConcernChanged: "concern",
        DemandChanged: "demand",
        DeliberationChanged: "deliberation",
        AttachmentChanged: "attachment",
        MatterTypeChanged: "matter_type",
        DeadlineChanged: "deadline",
        CalendarChanged: "calendar",
        DeliberationPolicyChanged: "deliberation_policy",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
    use prost::{Message, Name};
    use prost_types::field_descriptor_proto::Type;
    use prost_types::{DescriptorProto, FileDescriptorSet};

    use super::*;

    /// Every message of the contract that is news, with its package.
    fn changed() -> Vec<(String, DescriptorProto)> {
        FileDescriptorSet::decode(crate::DESCRIPTORS)
            .unwrap()
            .file
            .into_iter()
            .filter(|file| file.name().ends_with("/events.proto"))
            .flat_map(|file| {
                let package = file.package().to_owned();
                file.message_type.into_iter().map(move |message| (package.clone(), message))
            })
            .collect()
    }

    #[test]
    fn every_message_of_news_is_an_event() {
        let mut contract: Vec<_> =
            changed().into_iter().map(|(package, message)| (package, message.name().to_owned())).collect();
        let mut known: Vec<_> =
            ALL.iter().map(|(service, message, _)| (format!("lianxin.{service}.v1"), (*message).to_owned())).collect();
        contract.sort();
        known.sort();
        assert_eq!(known, contract);
    }

    #[test]
    fn all_news_begins_alike() {
        for (_, message) in changed() {
            let head: Vec<_> = message.field.iter().take(4).map(|field| (field.name(), field.number())).collect();
            assert_eq!(head, [("name", 1), ("revision", 2), ("happened", 3), ("change_time", 4)], "{}", message.name());
        }
    }

    /// News lives for ever in streams and other systems. Text in it is a resource name, a number that a village gave, or
    /// the name of a place or of someone who serves; a new field of text must be argued for here.
    #[test]
    fn news_carries_no_text_about_residents() {
        const NAMES: &[&str] = &[
            "name",
            "area",
            "areas",
            "assignee",
            "concerns",
            "demand",
            "deliberation",
            "grid",
            "grids",
            "household",
            "landlord",
            "member",
            "owner",
            "party_group",
            "reporter",
            "representative",
            "villager_group",
        ];
        const PUBLIC: &[(&str, &str)] = &[
            ("VillageChanged", "display_name"),
            ("AreaChanged", "display_name"),
            ("VillagerGroupChanged", "display_name"),
            ("PartyGroupChanged", "display_name"),
            ("GridChanged", "display_name"),
            ("HouseholdChanged", "number"),
            ("MemberChanged", "display_name"),
        ];
        for (_, message) in changed() {
            for field in &message.field {
                if matches!(field.r#type(), Type::String | Type::Bytes) {
                    let allowed = NAMES.contains(&field.name()) || PUBLIC.contains(&(message.name(), field.name()));
                    assert!(allowed, "{}.{}", message.name(), field.name());
                }
            }
        }
    }

    #[test]
    fn the_type_of_news_is_its_full_name() {
        assert_eq!(registry::v1::HouseholdChanged::full_name(), "lianxin.registry.v1.HouseholdChanged");
        assert_eq!(<registry::v1::HouseholdChanged as Event>::SERVICE, "registry");
        assert_eq!(<registry::v1::HouseholdChanged as Event>::NOUN, "household");
    }
}
