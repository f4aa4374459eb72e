//! Members as the contract speaks of them. No rules, no SQL.

pub(crate) mod entrance;
mod term;

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::NaiveDate;
use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Page, Violations};
use prost::Message;
use proto::google::r#type::Date;
use proto::liaison::v1 as pb;
use proto::liaison::v1::member_service_server::MemberService;
use proto::names::{
    AreaName, GridCode, GridName, LocalCode, MemberName, NameError, PartyGroupName, VillageCode, VillageName,
    VillageResource, VillagerGroupName,
};
use proto::time::{date, naive_date, timestamp};
use tonic::{Request, Response, Status};
use workbook::formats::Telephone;

use self::entrance::{Nominee, TakeStep, nomination};
use super::Members;
use super::entrance::State;
use super::rights::{Held, Rights};
use super::rules::{Draft, Filter, Member, Office, Source, Update, name_of};

#[tonic::async_trait]
impl MemberService for Members {
    async fn create_member(&self, request: Request<pb::CreateMemberRequest>) -> Result<Response<pb::Member>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.create(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn get_member(&self, request: Request<pb::GetMemberRequest>) -> Result<Response<pb::Member>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = message.filter.unwrap_or_default().try_into()?;
        let (members, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let members = members.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListMembersResponse { members, next_page_token }))
    }

    async fn update_member(&self, request: Request<pb::UpdateMemberRequest>) -> Result<Response<pb::Member>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn end_term(&self, request: Request<pb::EndTermRequest>) -> Result<Response<pb::Member>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.leave(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn recall_member(&self, request: Request<pb::RecallMemberRequest>) -> Result<Response<pb::Member>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.leave(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn nominate_member(
        &self,
        request: Request<pb::NominateMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let mut wrong = Violations::new();
        let id = crate::given_id(&mut wrong, "member_id", &message.member_id);
        wrong.finish(Some(()))?;
        let member = match nomination(message)? {
            (Nominee::New { village, display_name }, nomination) => {
                self.nominate(&caller, &request, village, id, display_name, nomination).await?
            }
            (Nominee::Known(name), nomination) => self.nominate_again(&caller, &request, name, nomination).await?,
        };
        Ok(Response::new(member.into()))
    }

    async fn check_eligibility(
        &self,
        request: Request<pb::CheckEligibilityRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn record_endorsement(
        &self,
        request: Request<pb::RecordEndorsementRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn post_notice(&self, request: Request<pb::PostNoticeRequest>) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn record_objection(
        &self,
        request: Request<pb::RecordObjectionRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn appoint_member(&self, request: Request<pb::AppointMemberRequest>) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn evaluate_member(
        &self,
        request: Request<pb::EvaluateMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn decline_member(&self, request: Request<pb::DeclineMemberRequest>) -> Result<Response<pb::Member>, Status> {
        self.step(request, |message| &message.request_id).await
    }

    async fn list_member_steps(
        &self,
        request: Request<pb::ListMemberStepsRequest>,
    ) -> Result<Response<pb::ListMemberStepsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &message.parent)?;
        let (steps, next_page_token) = self.steps(&caller, &name, &page).await?;
        let steps = steps.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListMemberStepsResponse { steps, next_page_token }))
    }

    async fn get_member_rights(
        &self,
        request: Request<pb::GetMemberRightsRequest>,
    ) -> Result<Response<pb::MemberRights>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let name = wrong.check("name", message.name.parse::<MemberName>());
        let as_of = day(&mut wrong, "as_of", message.as_of);
        let name = wrong.finish(name)?;
        Ok(Response::new(self.rights(&caller, &name, as_of).await?.into()))
    }
}

impl Members {
    /// Every step of the entrance is asked for alike.
    async fn step<M>(&self, request: Request<M>, id: impl Fn(&M) -> &str) -> Result<Response<pb::Member>, Status>
    where
        M: Message + TryInto<TakeStep, Error = Error>,
    {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(id(&message), &message)?;
        Ok(Response::new(self.take(&caller, &request, message.try_into()?).await?.into()))
    }
}

impl From<Member> for pb::Member {
    fn from(member: Member) -> Self {
        let village = member.name.village;
        let standing = member.candidacy.as_ref().and_then(|candidacy| candidacy.standing);
        let candidacy = member.candidacy.as_ref();
        Self {
            name: member.name.to_string(),
            display_name: member.display_name,
            telephone: member.telephone.map(|number| number.masked()).unwrap_or_default(),
            offices: member.offices.into_iter().map(Into::into).collect(),
            source: member.source.map_or(0, Into::into),
            areas: member.areas.into_iter().map(|area| AreaName::new(village, area).to_string()).collect(),
            villager_group: name_of(member.villager_group.as_ref(), |code| VillagerGroupName::new(village, code)),
            party_group: name_of(member.party_group.as_ref(), |code| PartyGroupName::new(village, code)),
            term_start: member.state.is_public().then(|| date(member.term_start)),
            term_end: member.term_end.filter(|_| member.state.is_public()).map(date),
            state: member.state.into(),
            grid: candidacy.map(|one| GridName::new(village, one.grid).to_string()).unwrap_or_default(),
            grounds: candidacy
                .map(|one| one.grounds.iter().map(|ground| (*ground).into()).collect())
                .unwrap_or_default(),
            notice_until: candidacy.and_then(|one| one.notice_until).map(date),
            candidacy_state: standing.map_or(0, |standing| standing.state.into()),
            candidacy_source: standing.map_or(0, |standing| standing.source.into()),
            representing_start: member.representing.map(|term| date(term.start)),
            representing_end: member.representing.map(|term| date(term.end)),
            etag: member.revision.to_string(),
            create_time: Some(timestamp(member.created_at)),
            update_time: Some(timestamp(member.updated_at)),
        }
    }
}

impl From<Rights> for pb::MemberRights {
    fn from(rights: Rights) -> Self {
        let scope = rights.member.village.to_string();
        let codes = |grids: BTreeSet<GridCode>| grids.iter().map(ToString::to_string).collect();
        let grant = |(office, held): (&'static str, Held)| pb::MemberGrant {
            office: office.to_owned(),
            scope: scope.clone(),
            grids: codes(held.grids),
            covered_grids: codes(held.covered),
        };
        Self {
            member: rights.member.to_string(),
            as_of: Some(date(rights.as_of)),
            grants: rights.grants.into_iter().map(grant).collect(),
            merchants: rights.merchants.iter().map(ToString::to_string).collect(),
            until: rights.until.map(date),
        }
    }
}

impl TryFrom<pb::CreateMemberRequest> for Draft {
    type Error = Error;

    fn try_from(message: pb::CreateMemberRequest) -> Result<Self, Error> {
        let member = message.member.unwrap_or_default();
        let mut wrong = Violations::new();
        let village = wrong.check("parent", message.parent.parse::<VillageName>()).map(|VillageName(code)| code);
        let id = crate::given_id(&mut wrong, "member_id", &message.member_id);
        if let Some(village) = village {
            let agrees = |name: MemberName| name.village == village && id.is_none_or(|id| id == name.member);
            if !member.name.is_empty() && !member.name.parse().is_ok_and(agrees) {
                wrong.add("member.name", "does not agree with parent and member_id");
            }
        }
        if member.term_end.is_some() {
            wrong.add("member.term_end", "cannot be set; a term is ended by EndTerm");
        }
        let display_name = wrong.required("member.display_name", &member.display_name);
        let telephone = telephone(&mut wrong, "member.telephone", &member.telephone);
        let offices = offices(&mut wrong, &member.offices);
        let source = wrong.check("member.source", Source::read(member.source)).flatten();
        let areas = areas(&mut wrong, village, &member.areas);
        let villager_group =
            group(&mut wrong, "member.villager_group", village, &member.villager_group, |name: VillagerGroupName| {
                name.villager_group
            });
        let party_group =
            group(&mut wrong, "member.party_group", village, &member.party_group, |name: PartyGroupName| {
                name.party_group
            });
        let term_start = day(&mut wrong, "member.term_start", member.term_start);
        let (village, display_name) = wrong.finish(village.zip(display_name))?;
        Ok(Self {
            village,
            id,
            display_name,
            telephone,
            offices,
            source,
            areas,
            villager_group,
            party_group,
            term_start,
        })
    }
}

impl TryFrom<pb::UpdateMemberRequest> for Update {
    type Error = Error;

    fn try_from(message: pb::UpdateMemberRequest) -> Result<Self, Error> {
        const CHANGEABLE: &[&str] =
            &["display_name", "telephone", "offices", "source", "areas", "villager_group", "party_group", "term_start"];
        let member = message.member.unwrap_or_default();
        let mask = Mask::read(message.update_mask, CHANGEABLE)?;
        let expected = expected(&member.etag)?;
        let mut wrong = Violations::new();
        let name = wrong.check("member.name", member.name.parse::<MemberName>());
        let village = name.as_ref().map(|name| name.village);
        let display_name =
            mask.has("display_name").then(|| wrong.required("member.display_name", &member.display_name)).flatten();
        let telephone = mask.has("telephone").then(|| telephone(&mut wrong, "member.telephone", &member.telephone));
        let offices = mask.has("offices").then(|| offices(&mut wrong, &member.offices));
        let source = mask.has("source").then(|| wrong.check("member.source", Source::read(member.source)).flatten());
        let areas = mask.has("areas").then(|| areas(&mut wrong, village, &member.areas));
        let villager_group = mask.has("villager_group").then(|| {
            group(&mut wrong, "member.villager_group", village, &member.villager_group, |name: VillagerGroupName| {
                name.villager_group
            })
        });
        let party_group = mask.has("party_group").then(|| {
            group(&mut wrong, "member.party_group", village, &member.party_group, |name: PartyGroupName| {
                name.party_group
            })
        });
        let term_start = if mask.has("term_start") {
            if member.term_start.is_none() {
                wrong.add("member.term_start", "is missing");
            }
            day(&mut wrong, "member.term_start", member.term_start)
        } else {
            None
        };
        Ok(Self {
            name: wrong.finish(name)?,
            expected,
            display_name,
            telephone,
            offices,
            source,
            areas,
            villager_group,
            party_group,
            term_start,
        })
    }
}

impl TryFrom<pb::MemberFilter> for Filter {
    type Error = Error;

    fn try_from(filter: pb::MemberFilter) -> Result<Self, Error> {
        let office = Office::read(filter.office).map_err(|error| Error::field("filter.office", error))?;
        let display_name = Some(filter.display_name).filter(|name| !name.is_empty());
        let state = |value: &i32| State::read(*value)?.ok_or("is unspecified");
        let states = filter.states.iter().map(state).collect::<Result<_, _>>();
        let states = states.map_err(|error| Error::field("filter.states", error))?;
        Ok(Self { office, serving: filter.serving, display_name, states })
    }
}

/// A day that may be absent.
pub(crate) fn day(wrong: &mut Violations, field: &str, day: Option<Date>) -> Option<NaiveDate> {
    wrong.check(field, day.as_ref().map(naive_date).transpose()).flatten()
}

fn telephone(wrong: &mut Violations, field: &str, text: &str) -> Option<Telephone> {
    if text.is_empty() {
        return None;
    }
    wrong.check(field, Telephone::parse(text))
}

fn offices(wrong: &mut Violations, values: &[i32]) -> BTreeSet<Office> {
    let read = |value: &i32| Office::read(*value)?.ok_or("is unspecified");
    wrong.check("member.offices", values.iter().map(read).collect()).unwrap_or_default()
}

fn areas(wrong: &mut Violations, village: Option<VillageCode>, names: &[String]) -> BTreeSet<LocalCode> {
    names.iter().filter_map(|name| group(wrong, "member.areas", village, name, |name: AreaName| name.area)).collect()
}

/// The code in a name of this village; none if it is empty.
fn group<N: VillageResource + FromStr<Err = NameError>>(
    wrong: &mut Violations,
    field: &str,
    village: Option<VillageCode>,
    text: &str,
    code: impl FnOnce(N) -> LocalCode,
) -> Option<LocalCode> {
    if text.is_empty() {
        return None;
    }
    let name: N = wrong.check(field, text.parse())?;
    if village.is_some_and(|village| village != name.village()) {
        wrong.add(field, "lies in another village");
    }
    Some(code(name))
}
