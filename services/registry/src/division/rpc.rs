//! Areas and groups as the contract speaks of them: three times the same, in other words. No rules, no SQL.

use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{AreaName, PartyGroupName, VillageName, VillagerGroupName};
use proto::registry::v1 as pb;
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::Divisions;
use super::rules::{Division, Draft, Kind, Update};
use crate::fields;

macro_rules! in_the_contract {
    ($kind:ident = $message:ident { $field:ident, $id:ident, $many:ident }, name: $name:ident { $code:ident },
     create: $create:ident($create_request:ident), get: $get:ident($get_request:ident),
     list: $list:ident($list_request:ident -> $list_response:ident), update: $update:ident($update_request:ident)) => {
        impl Divisions {
            pub(crate) async fn $create(
                &self,
                request: Request<pb::$create_request>,
            ) -> Result<Response<pb::$message>, Status> {
                let (caller, message) = admit(request)?;
                let request = platform::Request::read(&message.request_id, &message)?;
                Ok(Response::new(self.create(&caller, &request, message.try_into()?).await?.into()))
            }

            pub(crate) async fn $get(
                &self,
                request: Request<pb::$get_request>,
            ) -> Result<Response<pb::$message>, Status> {
                let (caller, message) = admit(request)?;
                let name: $name = message.name.parse().map_err(|error| Error::field("name", error))?;
                Ok(Response::new(self.get(&caller, Kind::$kind, &name.village, &name.$code).await?.into()))
            }

            pub(crate) async fn $list(
                &self,
                request: Request<pb::$list_request>,
            ) -> Result<Response<pb::$list_response>, Status> {
                let (caller, message) = admit(request)?;
                let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
                let page = Page::read(message.page_size, &message.page_token, &(Kind::$kind, &message.parent))?;
                let (divisions, next_page_token) = self.list(&caller, Kind::$kind, &village, &page).await?;
                let $many = divisions.into_iter().map(Into::into).collect();
                Ok(Response::new(pb::$list_response { $many, next_page_token }))
            }

            pub(crate) async fn $update(
                &self,
                request: Request<pb::$update_request>,
            ) -> Result<Response<pb::$message>, Status> {
                let (caller, message) = admit(request)?;
                let request = platform::Request::read(&message.request_id, &message)?;
                Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
            }
        }

        impl From<Division> for pb::$message {
            fn from(division: Division) -> Self {
                Self {
                    name: division.name(),
                    display_name: division.display_name,
                    etag: division.revision.to_string(),
                    create_time: Some(timestamp(division.created_at)),
                    update_time: Some(timestamp(division.updated_at)),
                }
            }
        }

        impl TryFrom<pb::$create_request> for Draft {
            type Error = Error;

            fn try_from(message: pb::$create_request) -> Result<Self, Error> {
                let given = message.$field.unwrap_or_default();
                let mut wrong = Violations::new();
                let parent: Option<VillageName> = wrong.check("parent", message.parent.parse());
                let code = wrong.check(stringify!($id), message.$id.parse());
                let display_name =
                    fields::required(&mut wrong, concat!(stringify!($field), ".display_name"), &given.display_name);
                let name = parent.zip(code.clone()).map(|(VillageName(village), code)| $name::new(village, code));
                fields::agrees(&mut wrong, concat!(stringify!($field), ".name"), &given.name, name);
                let (VillageName(village), (code, display_name)) = wrong.finish(parent.zip(code.zip(display_name)))?;
                Ok(Self { kind: Kind::$kind, village, code, display_name })
            }
        }

        impl TryFrom<pb::$update_request> for Update {
            type Error = Error;

            fn try_from(message: pb::$update_request) -> Result<Self, Error> {
                let given = message.$field.unwrap_or_default();
                // The only field that there is to change: a mask that is accepted names it.
                Mask::read(message.update_mask, &["display_name"])?;
                let expected = expected(&given.etag)?;
                let mut wrong = Violations::new();
                let name: Option<$name> = wrong.check(concat!(stringify!($field), ".name"), given.name.parse());
                let display_name =
                    fields::required(&mut wrong, concat!(stringify!($field), ".display_name"), &given.display_name);
                let (name, display_name) = wrong.finish(name.zip(display_name))?;
                Ok(Self { kind: Kind::$kind, village: name.village, code: name.$code, expected, display_name })
            }
        }
    };
}

in_the_contract! {
    Area = Area { area, area_id, areas }, name: AreaName { area },
    create: create_area(CreateAreaRequest), get: get_area(GetAreaRequest),
    list: list_areas(ListAreasRequest -> ListAreasResponse), update: update_area(UpdateAreaRequest)
}

in_the_contract! {
    VillagerGroup = VillagerGroup { villager_group, villager_group_id, villager_groups },
    name: VillagerGroupName { villager_group },
    create: create_villager_group(CreateVillagerGroupRequest), get: get_villager_group(GetVillagerGroupRequest),
    list: list_villager_groups(ListVillagerGroupsRequest -> ListVillagerGroupsResponse),
    update: update_villager_group(UpdateVillagerGroupRequest)
}

in_the_contract! {
    PartyGroup = PartyGroup { party_group, party_group_id, party_groups },
    name: PartyGroupName { party_group },
    create: create_party_group(CreatePartyGroupRequest), get: get_party_group(GetPartyGroupRequest),
    list: list_party_groups(ListPartyGroupsRequest -> ListPartyGroupsResponse),
    update: update_party_group(UpdatePartyGroupRequest)
}
