//! Figures as the contract speaks of them. No counting.

use platform::server::admit;
use platform::{Error, Violations};
use proto::google::r#type::Date;
use proto::names::{SubdistrictName, VillageName};
use proto::reporting::v1 as pb;
use proto::reporting::v1::figure_service_server::FigureService;
use proto::time::naive_date;
use tonic::{Request, Response, Status};

use super::Figures;
use super::rules::{Matter, Period, State, Tally};

#[tonic::async_trait]
impl FigureService for Figures {
    async fn get_figures(&self, request: Request<pb::GetFiguresRequest>) -> Result<Response<pb::Figures>, Status> {
        let (caller, message) = admit(request)?;
        let (place, period) = asked(&message)?;
        let tally = self.count(&caller, &place, period).await?;

        let mut total = Tally::default();
        for village in tally.values() {
            total.add(village);
        }
        // A village's own figures go by its name and state; a sub-district's name is not known here.
        if let Some(village) = place.parse().ok().and_then(|code| tally.get(&code)) {
            total.display_name.clone_from(&village.display_name);
            total.archived = village.archived;
        }
        let villages = if message.by_village {
            tally.into_iter().map(|(code, tally)| told(VillageName(code).to_string(), tally)).collect()
        } else {
            Vec::new()
        };
        Ok(Response::new(pb::Figures {
            total: Some(told(message.parent, total)),
            villages,
            start_date: message.start_date,
            end_date: message.end_date,
        }))
    }
}

/// The place's division code, and the period.
fn asked(message: &pb::GetFiguresRequest) -> Result<(String, Period), Error> {
    let mut wrong = Violations::new();
    let village = message.parent.parse().map(|VillageName(code)| code.to_string());
    let subdistrict = message.parent.parse().map(|SubdistrictName(code)| code.to_string());
    let place = village.or(subdistrict).ok();
    if place.is_none() {
        wrong.add("parent", "has to be villages/{village} or subdistricts/{subdistrict}");
    }
    let first = day(&mut wrong, "start_date", message.start_date.as_ref());
    let last = day(&mut wrong, "end_date", message.end_date.as_ref());
    if let (Some(first), Some(last)) = (first, last)
        && first > last
    {
        wrong.add("end_date", "lies before start_date");
    }
    let place = wrong.finish(place)?;
    Ok((place, Period::new(first, last)))
}

fn day(wrong: &mut Violations, field: &str, date: Option<&Date>) -> Option<chrono::NaiveDate> {
    date.and_then(|date| wrong.check(field, naive_date(date)))
}

fn told(place: String, tally: Tally) -> pb::FigureSet {
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let by_state = State::ALL.iter().map(|state| (*state, tally.in_state(*state))).filter(|(_, many)| *many > 0);
    let by_matter = Matter::ALL.iter().map(|matter| (*matter, tally.in_matter(*matter)));
    pb::FigureSet {
        place,
        grids: count(tally.grids),
        representatives: count(tally.representatives),
        households: count(tally.households),
        households_linked: count(tally.households_linked),
        coverage: tally.coverage(),
        teams: count(tally.teams),
        teams_complete: count(tally.teams_complete),
        merchants: count(tally.merchants),
        visits: count(tally.visits),
        person_visits: count(tally.person_visits),
        households_visited: count(tally.households_visited),
        concerns_reported: count(tally.reported()),
        concerns_by_state: by_state
            .map(|(state, many)| pb::ConcernStateCount { state: state.into(), count: count(many) })
            .collect(),
        concerns_by_matter: by_matter
            .map(|(matter, many)| pb::ConcernMatterCount { matter: matter.into(), count: count(many) })
            .collect(),
        concerns_resolved: count(tally.concerns_resolved),
        concerns_closed: count(tally.in_state(State::Closed)),
        concerns_followed_up: count(tally.concerns_followed_up),
        concerns_answered: count(tally.concerns_answered),
        concerns_confirmed: count(tally.concerns_confirmed),
        demands_opened: count(tally.demands_opened),
        concerns_in_demands: count(tally.concerns_in_demands),
        demands_answered: count(tally.demands_answered),
        display_name: tally.display_name,
        archived: tally.archived,
    }
}
