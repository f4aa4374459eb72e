//! What happens to households as the contract speaks of it. No rules, no SQL.

use chrono::NaiveDate;
use platform::Violations;
use platform::clock::village_day;
use platform::revision::expected;
use platform::server::admit;
use proto::names::{GridName, HouseholdName, ResidentName, VillageCode};
use proto::registry::v1 as pb;
use tonic::{Request, Response, Status};

use super::rules::{Departure, Former, Mark, Occasion, Relations, Relocation};
use super::{Asked, Lives, Merging, Order};
use crate::fields;
use crate::household::rpc::Reading;
use crate::household::rules::{Facts, Kind, State};

/// As many households as anybody puts together in one step.
const MOST_MERGED: usize = 20;

/// What the requests have in common.
macro_rules! common {
    ($message:ident, $wrong:ident) => {{
        let expected = expected(&$message.etag)?;
        let name = $wrong.check("name", $message.name.parse());
        let occasion = occasion(&mut $wrong, $message.occasion.take());
        (name, expected, occasion)
    }};
}

impl Lives {
    pub(crate) async fn relocate_household(
        &self,
        request: Request<pb::RelocateHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let name: Option<HouseholdName> = name;
        let village = name.as_ref().map(|name| name.village);
        let grid = if message.grid.is_empty() {
            Some(None)
        } else {
            fields::within::<GridName>(&mut wrong, "grid", &message.grid, village).map(Some)
        };
        let kind = wrong.check("kind", Kind::read(message.kind));
        let address = address(&mut wrong, "address", message.address.as_deref());
        let current_address = address_now(&mut wrong, message.current_address.as_deref());
        let asked = (|| {
            let relocation = Relocation {
                outside: message.outside,
                kind: kind?,
                address: address?,
                current_address: current_address?,
            };
            Some((Asked { name: name?, expected }, grid?, relocation, occasion?))
        })();
        let (asked, grid, relocation, occasion) = wrong.finish(asked)?;
        let household =
            self.relocate(Order { caller: &caller, request: &request, occasion }, asked, grid, relocation).await?;
        Ok(Response::new(household.into()))
    }

    pub(crate) async fn split_household(
        &self,
        request: Request<pb::SplitHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let name: Option<HouseholdName> = name;
        let head = name.as_ref().and_then(|name| person(&mut wrong, "head", &message.head, name));
        let others = name.as_ref().and_then(|name| relations(&mut wrong, &message.residents, Some(name), name.village));
        let id = fields::chosen_id(&mut wrong, "household_id", &message.household_id);
        let village = name.as_ref().map(|name| name.village);
        let facts = new_household(&mut wrong, &message.household.take().unwrap_or_default(), village, self.today());
        let asked = (|| {
            let household = HouseholdName::new(village?, id?.unwrap_or_else(|| self.clock.new_id()));
            let departure = Departure { household, facts: facts?, head: head?.resident, others: others? };
            Some((Asked { name: name?, expected }, departure, occasion?))
        })();
        let (asked, departure, occasion) = wrong.finish(asked)?;
        Ok(Response::new(
            self.split(Order { caller: &caller, request: &request, occasion }, asked, departure).await?.into(),
        ))
    }

    pub(crate) async fn merge_households(
        &self,
        request: Request<pb::MergeHouseholdsRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected_here, occasion) = common!(message, wrong);
        let name: Option<HouseholdName> = name;
        let village = name.as_ref().map(|name| name.village);
        if message.households.is_empty() || message.households.len() > MOST_MERGED {
            wrong.add("households", format!("has to name 1 to {MOST_MERGED} households"));
        }
        let mut merging = Vec::new();
        for household in &message.households {
            let expected = expected(&household.etag)?;
            let name = fields::within(&mut wrong, "households.name", &household.name, village);
            let head_relation = fields::required(&mut wrong, "households.head_relation", &household.head_relation);
            merging.extend(
                name.zip(head_relation)
                    .map(|(name, head_relation)| Merging { household: Asked { name, expected }, head_relation }),
            );
        }
        let relations = village.and_then(|village| relations(&mut wrong, &message.residents, None, village));
        let landlord = landlord(&mut wrong, &message.merchants_to, village);
        let asked = (|| Some((Asked { name: name?, expected: expected_here }, relations?, landlord?, occasion?)))();
        let (asked, relations, landlord, occasion) = wrong.finish(asked)?;
        let household = self
            .merge(Order { caller: &caller, request: &request, occasion }, asked, merging, relations, landlord)
            .await?;
        Ok(Response::new(household.into()))
    }

    pub(crate) async fn change_household_head(
        &self,
        request: Request<pb::ChangeHouseholdHeadRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let name: Option<HouseholdName> = name;
        let head = name.as_ref().and_then(|name| person(&mut wrong, "head", &message.head, name));
        let relations =
            name.as_ref().and_then(|name| relations(&mut wrong, &message.residents, Some(name), name.village));
        let relation = fields::text(&mut wrong, "former_head_relation", &message.former_head_relation);
        let former = relation.map(|relation| {
            if relation.is_empty() { Former::Leaves } else { Former::Stays { relation, id: self.clock.new_id() } }
        });
        let asked = (|| Some((Asked { name: name?, expected }, head?.resident, former?, relations?, occasion?)))();
        let (asked, head, former, relations, occasion) = wrong.finish(asked)?;
        let household = self
            .change_head(Order { caller: &caller, request: &request, occasion }, asked, head, former, relations)
            .await?;
        Ok(Response::new(household.into()))
    }

    pub(crate) async fn change_household_state(
        &self,
        request: Request<pb::ChangeHouseholdStateRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let name: Option<HouseholdName> = name;
        let mark = match fields::choice(&mut wrong, "state", State::read(message.state)) {
            Some(State::Active) => Some(Mark::Back),
            Some(State::Away) => Some(Mark::Away),
            Some(State::Demolished) => Some(Mark::Demolished),
            Some(State::Merged) => {
                wrong.add("state", "is what MergeHouseholds does");
                None
            }
            None => None,
        };
        let landlord = landlord(&mut wrong, &message.merchants_to, name.as_ref().map(|name| name.village));
        let asked = (|| Some((Asked { name: name?, expected }, mark?, landlord?, occasion?)))();
        let (asked, mark, landlord, occasion) = wrong.finish(asked)?;
        Ok(Response::new(
            self.mark(Order { caller: &caller, request: &request, occasion }, asked, mark, landlord).await?.into(),
        ))
    }

    pub(crate) async fn transfer_resident(
        &self,
        request: Request<pb::TransferResidentRequest>,
    ) -> Result<Response<pb::Resident>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let name: Option<ResidentName> = name;
        let village = name.as_ref().map(|name| name.village);
        let to = fields::within(&mut wrong, "household", &message.household, village);
        let relation = fields::required(&mut wrong, "relation", &message.relation);
        let asked = (|| Some((Asked { name: name?, expected }, to?, relation?, occasion?)))();
        let (asked, to, relation, occasion) = wrong.finish(asked)?;
        Ok(Response::new(
            self.transfer(Order { caller: &caller, request: &request, occasion }, asked, to, relation).await?.into(),
        ))
    }

    pub(crate) async fn erase_household(
        &self,
        request: Request<pb::EraseHouseholdRequest>,
    ) -> Result<Response<pb::Household>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let asked = (|| Some((Asked { name: name?, expected }, occasion?)))();
        let (asked, occasion) = wrong.finish(asked)?;
        Ok(Response::new(self.forget_head(Order { caller: &caller, request: &request, occasion }, asked).await?.into()))
    }

    pub(crate) async fn erase_resident(
        &self,
        request: Request<pb::EraseResidentRequest>,
    ) -> Result<Response<pb::Resident>, Status> {
        let (caller, mut message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let (name, expected, occasion) = common!(message, wrong);
        let asked = (|| Some((Asked { name: name?, expected }, occasion?)))();
        let (asked, occasion) = wrong.finish(asked)?;
        Ok(Response::new(
            self.forget_resident(Order { caller: &caller, request: &request, occasion }, asked).await?.into(),
        ))
    }

    fn today(&self) -> NaiveDate {
        village_day(self.clock.now())
    }
}

pub(crate) fn occasion(wrong: &mut Violations, occasion: Option<pb::Occasion>) -> Option<Occasion> {
    let occasion = occasion.unwrap_or_default();
    let day = fields::day(wrong, "occasion.day", occasion.day.as_ref());
    let reason = fields::reason(wrong, "occasion.reason", &occasion.reason);
    Some(Occasion { day: day?, reason: reason? })
}

/// An address that may be left as it is, or be none.
fn address(wrong: &mut Violations, field: &str, address: Option<&str>) -> Option<Option<Option<String>>> {
    match address {
        None => Some(None),
        Some(address) => {
            fields::text(wrong, field, address).map(|text| Some(Some(text).filter(|text| !text.is_empty())))
        }
    }
}

fn address_now(wrong: &mut Violations, text: Option<&str>) -> Option<Option<Option<String>>> {
    address(wrong, "current_address", text)
}

/// A resident of this household.
fn person(wrong: &mut Violations, field: &str, name: &str, household: &HouseholdName) -> Option<ResidentName> {
    let person: ResidentName = fields::within(wrong, field, name, Some(household.village))?;
    if person.household != household.household {
        wrong.add(field, "is of another household");
        return None;
    }
    Some(person)
}

/// How people are related; each is of `household`, if that is given, and named once.
fn relations(
    wrong: &mut Violations,
    kin: &[pb::Kinship],
    household: Option<&HouseholdName>,
    village: VillageCode,
) -> Option<Relations> {
    let mut relations = Relations::new();
    for kinship in kin {
        let named = match household {
            Some(household) => person(wrong, "residents.resident", &kinship.resident, household),
            None => fields::within(wrong, "residents.resident", &kinship.resident, Some(village)),
        };
        let relation = fields::required(wrong, "residents.relation", &kinship.relation);
        let (named, relation) = named.zip(relation)?;
        if relations.insert(named.resident, relation).is_some() {
            wrong.add("residents.resident", format!("names {named} twice"));
        }
    }
    Some(relations)
}

fn landlord(wrong: &mut Violations, name: &str, village: Option<VillageCode>) -> Option<Option<HouseholdName>> {
    if name.is_empty() { Some(None) } else { fields::within(wrong, "merchants_to", name, village).map(Some) }
}

/// What is said of a new household whose people come from another.
fn new_household(
    wrong: &mut Violations,
    household: &pb::Household,
    village: Option<VillageCode>,
    today: NaiveDate,
) -> Option<Facts> {
    let follows = [
        ("household.name", !household.name.is_empty()),
        ("household.head_name", !household.head_name.is_empty()),
        ("household.citizen_id", !household.citizen_id.is_empty()),
        ("household.registered_persons", household.registered_persons != 0),
        ("household.verified_on", household.verified_on.is_some()),
        ("household.active_since", household.active_since.is_some()),
        ("household.state", household.state != 0),
    ];
    for (field, _) in follows.into_iter().filter(|(_, is_said)| *is_said) {
        wrong.add(field, "follows from the split: leave it empty");
    }
    let mut read = Reading { household, village, today, wrong: std::mem::take(wrong) };
    let (number, kind, grid) = (read.number(), read.kind(), read.grid());
    let (telephone, villager_group, tags) = (read.telephone(), read.villager_group(), read.tags());
    let (address, current_address) = (read.address(), read.current_address());
    *wrong = read.wrong;
    // The head is put in when it is known who that is.
    let blank = Facts::blank(number?, String::new(), kind?, grid?);
    Some(Facts {
        telephone: telephone?,
        villager_group: villager_group?,
        tags: tags?,
        address: address?,
        current_address: current_address?,
        outside: household.outside,
        ..blank
    })
}
