//! Histories as the contract speaks of them. No SQL.

use platform::server::admit;
use platform::{Error, Page};
use prost::Message;
use proto::names::{HouseholdName, MerchantName, VillageCode};
use proto::registry::v1 as pb;
use proto::registry::v1::{household_changed, merchant_changed, resident_changed};
use proto::time::{date, timestamp};
use tonic::{Request, Response, Status};

use super::Histories;
use super::store::Entry;

/// What the values of `Happened` begin with.
const PREFIX: &str = "HAPPENED_";

impl Histories {
    pub(crate) async fn list_household_history(
        &self,
        request: Request<pb::ListHouseholdHistoryRequest>,
    ) -> Result<Response<pb::ListHouseholdHistoryResponse>, Status> {
        let (caller, message) = admit(request)?;
        let parent: HouseholdName = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &("household history", &message.parent))?;
        let (entries, next_page_token) = self.of_household(&caller, &parent, &page).await?;
        let entries = entries.into_iter().map(|entry| of_household(entry, parent.village));
        let entries = entries.collect::<Result<_, Error>>()?;
        Ok(Response::new(pb::ListHouseholdHistoryResponse { entries, next_page_token }))
    }

    pub(crate) async fn list_resident_history(
        &self,
        request: Request<pb::ListResidentHistoryRequest>,
    ) -> Result<Response<pb::ListResidentHistoryResponse>, Status> {
        let (caller, message) = admit(request)?;
        let parent: proto::names::ResidentName =
            message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &("resident history", &message.parent))?;
        let (entries, next_page_token) = self.of_resident(&caller, &parent, &page).await?;
        let entries = entries.into_iter().map(|entry| of_resident(entry, parent.village));
        let entries = entries.collect::<Result<_, Error>>()?;
        Ok(Response::new(pb::ListResidentHistoryResponse { entries, next_page_token }))
    }

    pub(crate) async fn list_merchant_history(
        &self,
        request: Request<pb::ListMerchantHistoryRequest>,
    ) -> Result<Response<pb::ListMerchantHistoryResponse>, Status> {
        let (caller, message) = admit(request)?;
        let parent: MerchantName = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let page = Page::read(message.page_size, &message.page_token, &("merchant history", &message.parent))?;
        let (entries, next_page_token) = self.of_merchant(&caller, &parent, &page).await?;
        let entries = entries.into_iter().map(|entry| of_merchant(entry, parent.village));
        let entries = entries.collect::<Result<_, Error>>()?;
        Ok(Response::new(pb::ListMerchantHistoryResponse { entries, next_page_token }))
    }
}

fn of_merchant(entry: Entry, village: VillageCode) -> Result<pb::MerchantHistoryEntry, Error> {
    let news = pb::MerchantChanged::decode(entry.event.as_slice()).map_err(Error::internal)?;
    Ok(pb::MerchantHistoryEntry {
        revision: entry.revision,
        happened: unprefixed(merchant_changed::Happened::try_from(news.happened).map(|what| what.as_str_name())),
        mark: Some(mark(entry, village)),
        landlord: news.landlord,
        state: news.state,
        licence_expires_on: news.licence_expires_on,
    })
}

fn of_household(entry: Entry, village: VillageCode) -> Result<pb::HouseholdHistoryEntry, Error> {
    let news = pb::HouseholdChanged::decode(entry.event.as_slice()).map_err(Error::internal)?;
    Ok(pb::HouseholdHistoryEntry {
        revision: entry.revision,
        happened: unprefixed(household_changed::Happened::try_from(news.happened).map(|what| what.as_str_name())),
        mark: Some(mark(entry, village)),
        kind: news.kind,
        grid: news.grid,
        outside: news.outside,
        state: news.state,
    })
}

fn of_resident(entry: Entry, village: VillageCode) -> Result<pb::ResidentHistoryEntry, Error> {
    let news = pb::ResidentChanged::decode(entry.event.as_slice()).map_err(Error::internal)?;
    Ok(pb::ResidentHistoryEntry {
        resident: entry.record.clone(),
        revision: entry.revision,
        happened: unprefixed(resident_changed::Happened::try_from(news.happened).map(|what| what.as_str_name())),
        mark: Some(mark(entry, village)),
    })
}

/// A value that a later version of the contract brought is still something that happened.
fn unprefixed<E>(name: Result<&'static str, E>) -> String {
    name.map(|name| name.trim_start_matches(PREFIX)).unwrap_or_default().to_owned()
}

fn mark(entry: Entry, village: VillageCode) -> pb::HistoryMark {
    let households = entry.households.unwrap_or_default();
    pb::HistoryMark {
        record_time: Some(timestamp(entry.recorded_at)),
        recorded_by: entry.subject,
        office: entry.office,
        day: entry.day.map(date),
        reason: entry.reason.unwrap_or_default(),
        households: households.into_iter().map(|id| HouseholdName::new(village, id).to_string()).collect(),
    }
}
