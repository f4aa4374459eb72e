//! Teams as the contract speaks of them. No rules, no SQL.

use platform::revision::expected;
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::team_service_server::TeamService;
use proto::names::{GridName, MemberName, TeamName, VillageName};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};

use super::Teams;
use super::absence::{CoverSeat, UncoverSeat};
use super::rules::{Filter, Seat, SeatMember, Team, VacateSeat};
use super::seating::{self, Seating};
use crate::line::rules::LEADERS;
use crate::member::rpc::day;
use crate::member::rules::Office;

#[tonic::async_trait]
impl TeamService for Teams {
    async fn get_team(&self, request: Request<pb::GetTeamRequest>) -> Result<Response<pb::Team>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn list_teams(
        &self,
        request: Request<pb::ListTeamsRequest>,
    ) -> Result<Response<pb::ListTeamsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = message.filter.unwrap_or_default();
        let member = crate::of_village("filter.member", &filter.member, village, |name: MemberName| name.member)?;
        let filter = Filter { complete: filter.complete, member };
        let (teams, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let teams = teams.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListTeamsResponse { teams, next_page_token }))
    }

    async fn seat_member(&self, request: Request<pb::SeatMemberRequest>) -> Result<Response<pb::Team>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.seat(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn vacate_seat(&self, request: Request<pb::VacateSeatRequest>) -> Result<Response<pb::Team>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.vacate(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn cover_seat(&self, request: Request<pb::CoverSeatRequest>) -> Result<Response<pb::Team>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.cover(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn uncover_seat(&self, request: Request<pb::UncoverSeatRequest>) -> Result<Response<pb::Team>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.uncover(&caller, &request, message.try_into()?).await?.into()))
    }

    async fn hand_over(&self, request: Request<pb::HandOverRequest>) -> Result<Response<pb::HandOverResponse>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let validate_only = message.validate_only;
        Ok(Response::new(self.pass_on(&caller, &request, message.try_into()?, validate_only).await?))
    }

    async fn get_handover(&self, request: Request<pb::GetHandoverRequest>) -> Result<Response<pb::Handover>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.handover(&caller, &name).await?))
    }

    async fn list_handovers(
        &self,
        request: Request<pb::ListHandoversRequest>,
    ) -> Result<Response<pb::ListHandoversResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.member))?;
        let member = crate::of_village("member", &message.member, village, |name: MemberName| name.member)?;
        let (handovers, next_page_token) = self.handovers(&caller, &village, member, &page).await?;
        Ok(Response::new(pb::ListHandoversResponse { handovers, next_page_token }))
    }

    async fn list_seatings(
        &self,
        request: Request<pb::ListSeatingsRequest>,
    ) -> Result<Response<pb::ListSeatingsResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &(&message.parent, &message.filter))?;
        let filter = message.filter.unwrap_or_default();
        let mut wrong = Violations::new();
        let seat = wrong.check("filter.seat", Seat::read(filter.seat)).flatten();
        let as_of = day(&mut wrong, "filter.as_of", filter.as_of);
        wrong.finish(Some(()))?;
        let grid = crate::of_village("filter.grid", &filter.grid, village, |name: GridName| name.grid)?;
        let member = crate::of_village("filter.member", &filter.member, village, |name: MemberName| name.member)?;
        let filter = seating::Filter { grid, seat, member, as_of };
        let (seatings, next_page_token) = self.seatings(&caller, &village, &filter, &page).await?;
        let seatings = seatings.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListSeatingsResponse { seatings, next_page_token }))
    }
}

impl From<Team> for pb::Team {
    fn from(team: Team) -> Self {
        let village = team.name.village;
        Self {
            name: team.name.to_string(),
            grid: team.name.grid_name().to_string(),
            complete: team.complete(),
            cadre: team.cadre.map(|holder| holder.message(village)),
            leader: team.leader.map(|holder| holder.message(village)),
            representative: team.representative.map(|holder| holder.message(village)),
            etag: team.revision.to_string(),
            create_time: Some(timestamp(team.created_at)),
            update_time: Some(timestamp(team.updated_at)),
            absences: team.absences.into_iter().map(|absence| absence.message(village)).collect(),
        }
    }
}

impl From<Seating> for pb::Seating {
    fn from(seating: Seating) -> Self {
        let village = seating.team.village;
        Self {
            team: seating.team.to_string(),
            seat: seating.seat.into(),
            holder: Some(seating.holder.message(village)),
            start_date: Some(date(seating.valid_from)),
            end_date: seating.valid_to.map(date),
        }
    }
}

fn seat(wrong: &mut Violations, value: i32) -> Option<Seat> {
    let seat = wrong.check("seat", Seat::read(value))?;
    if seat.is_none() {
        wrong.add("seat", "is missing");
    }
    seat
}

impl TryFrom<pb::SeatMemberRequest> for SeatMember {
    type Error = Error;

    fn try_from(message: pb::SeatMemberRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name: Option<TeamName> = wrong.check("name", message.name.parse());
        let seat = seat(&mut wrong, message.seat);
        let member: Option<MemberName> = wrong.check("member", message.member.parse());
        if name.as_ref().zip(member.as_ref()).is_some_and(|(name, member)| name.village != member.village) {
            wrong.add("member", "lies in another village");
        }
        let leader_office = wrong.check("leader_office", Office::read(message.leader_office)).flatten();
        if leader_office.is_some_and(|office| seat != Some(Seat::Leader) || !LEADERS.contains(&office)) {
            wrong.add("leader_office", "is for the leader's seat, and has to be a leader's office");
        }
        let ((name, seat), member) = wrong.finish(name.zip(seat).zip(member))?;
        Ok(Self { name, expected, seat, member, leader_office })
    }
}

impl TryFrom<pb::VacateSeatRequest> for VacateSeat {
    type Error = Error;

    fn try_from(message: pb::VacateSeatRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name: Option<TeamName> = wrong.check("name", message.name.parse());
        let seat = seat(&mut wrong, message.seat);
        let (name, seat) = wrong.finish(name.zip(seat))?;
        Ok(Self { name, expected, seat })
    }
}

impl TryFrom<pb::CoverSeatRequest> for CoverSeat {
    type Error = Error;

    fn try_from(message: pb::CoverSeatRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name: Option<TeamName> = wrong.check("name", message.name.parse());
        let seat = seat(&mut wrong, message.seat);
        let stand_in: Option<MemberName> =
            if message.stand_in.is_empty() { None } else { wrong.check("stand_in", message.stand_in.parse()) };
        if name.as_ref().zip(stand_in.as_ref()).is_some_and(|(name, member)| name.village != member.village) {
            wrong.add("stand_in", "lies in another village");
        }
        let start = day(&mut wrong, "start_date", message.start_date);
        let end = day(&mut wrong, "end_date", message.end_date);
        if message.end_date.is_none() {
            wrong.add("end_date", "is missing");
        }
        let ((name, seat), end) = wrong.finish(name.zip(seat).zip(end))?;
        Ok(Self { name, expected, seat, stand_in, start, end })
    }
}

impl TryFrom<pb::UncoverSeatRequest> for UncoverSeat {
    type Error = Error;

    fn try_from(message: pb::UncoverSeatRequest) -> Result<Self, Error> {
        let expected = expected(&message.etag)?;
        let mut wrong = Violations::new();
        let name: Option<TeamName> = wrong.check("name", message.name.parse());
        let seat = seat(&mut wrong, message.seat);
        let start = day(&mut wrong, "start_date", message.start_date);
        let end = day(&mut wrong, "end_date", message.end_date);
        let (name, seat) = wrong.finish(name.zip(seat))?;
        Ok(Self { name, expected, seat, start, end })
    }
}
