//! Gaps as the contract speaks of them. No rules, no SQL.

use std::pin::Pin;

use chrono::NaiveDate;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::names::{GridName, VillageCode};
use proto::time::date;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::watch::Step;
use super::{Filter, Gap, GapKind, Gaps, Missing};

/// The stream that a watcher is answered with.
pub(crate) type WatchStream = Pin<Box<dyn Stream<Item = Result<pb::WatchGapsResponse, Status>> + Send>>;

impl Gaps {
    /// Watches, as [`Gaps::watch`] does, in messages.
    pub(crate) async fn stream(
        &self,
        caller: &platform::Caller,
        village: VillageCode,
        message: pb::WatchGapsRequest,
    ) -> Result<WatchStream> {
        let from = match message.resume_token.as_str() {
            "" => None,
            token => Some(place(village, token)?),
        };
        let filter = filter(village, message.filter)?;
        let steps: mpsc::Receiver<Result<Step>> = self.watch(caller, village, filter, from).await?;
        let clock = self.clock.clone();
        let steps = ReceiverStream::new(steps)
            .map(move |step| step.map(|step| step.message(village, clock.today())).map_err(Status::from));
        Ok(Box::pin(steps))
    }
}

/// Which gaps a message asks for.
pub(crate) fn filter(village: VillageCode, filter: Option<pb::GapFilter>) -> Result<Filter> {
    let filter = filter.unwrap_or_default();
    Ok(Filter {
        kind: GapKind::read(filter.kind).map_err(|error| Error::field("filter.kind", error))?,
        grid: crate::of_village("filter.grid", &filter.grid, village, |name: GridName| name.grid)?,
    })
}

/// A place in a village's order, as a token.
fn token(village: VillageCode, position: i64) -> String {
    format!("{village}-{position}")
}

fn place(village: VillageCode, token: &str) -> Result<i64> {
    token
        .strip_prefix(village.as_str())
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|position| position.parse().ok())
        .filter(|position| *position >= 0)
        .ok_or_else(|| Error::field("resume_token", "is not one that this stream gave"))
}

impl Gap {
    /// As answers say it.
    pub(crate) fn message(self, village: VillageCode, today: NaiveDate) -> pb::Gap {
        let mut message = pb::Gap {
            grid: GridName::new(village, self.grid).to_string(),
            since: Some(date(self.since)),
            until: self.until.map(date),
            days: i32::try_from(self.days(today)).unwrap_or(i32::MAX),
            ..pb::Gap::default()
        };
        match self.what {
            Missing::Link { household, number } => {
                message.kind = GapKind::HouseholdWithoutLink.into();
                message.household = household.to_string();
                message.household_number = number;
            }
            Missing::Holder { seat, last, term_ended } => {
                message.kind = GapKind::VacantSeat.into();
                message.seat = seat.into();
                message.member = last.map(|name| name.to_string()).unwrap_or_default();
                message.term_ended = term_ended;
            }
            Missing::StandIn { seat, absent } => {
                message.kind = GapKind::AbsentWithoutStandIn.into();
                message.seat = seat.into();
                message.member = absent.to_string();
            }
        }
        message
    }
}

impl Step {
    fn message(self, village: VillageCode, today: NaiveDate) -> pb::WatchGapsResponse {
        use pb::watch_gaps_response::Happened;
        let (happened, gap, position) = match self {
            Self::Present(gap) => (Happened::Present, Some(gap), None),
            Self::Opened(gap, position) => (Happened::Opened, Some(gap), Some(position)),
            Self::Closed(gap, position) => (Happened::Closed, Some(gap), Some(position)),
            Self::CaughtUp(position) => (Happened::CaughtUp, None, Some(position)),
        };
        pb::WatchGapsResponse {
            happened: happened.into(),
            gap: gap.map(|gap| gap.message(village, today)),
            resume_token: position.map(|position| token(village, position)).unwrap_or_default(),
        }
    }
}
