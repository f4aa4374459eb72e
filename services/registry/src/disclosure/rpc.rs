//! Disclosures as the contract speaks of them. No rules, no SQL.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use platform::clock::village_time;
use platform::server::admit;
use platform::{Error, Page, Violations};
use proto::names::{HouseholdName, MerchantName, ResidentName, VillageCode, VillageName};
use proto::registry::v1 as pb;
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::store::Entry;
use super::{Disclosures, Filter, Kind, Record};
use crate::fields;

impl Disclosures {
    pub(crate) async fn list_disclosures(
        &self,
        request: Request<pb::ListDisclosuresRequest>,
    ) -> Result<Response<pb::ListDisclosuresResponse>, Status> {
        let (caller, message) = admit(request)?;
        let VillageName(village) = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let question = ("disclosures", &message.parent, &message.filter);
        let page = Page::read(message.page_size, &message.page_token, &question)?;
        let filter = filter(message.filter.unwrap_or_default(), village)?;
        let (entries, next_page_token) = self.list(&caller, &village, &filter, &page).await?;
        let disclosures = entries.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListDisclosuresResponse { disclosures, next_page_token }))
    }
}

fn filter(filter: pb::DisclosureFilter, village: VillageCode) -> Result<Filter, Error> {
    let mut wrong = Violations::new();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let kind = wrong.check("filter.kind", Kind::read(filter.kind)).flatten();
    let record = some(filter.record).and_then(|name| record(&mut wrong, &name, village));
    let first = fields::day(&mut wrong, "filter.start_date", filter.start_date.as_ref()).flatten();
    let last = fields::day(&mut wrong, "filter.end_date", filter.end_date.as_ref()).flatten();
    if first.zip(last).is_some_and(|(first, last)| first > last) {
        wrong.add("filter.end_date", "lies before start_date");
    }
    let parsed = Filter {
        kind,
        record,
        disclosed_to: some(filter.disclosed_to),
        from: first.map(beginning),
        until: last.and_then(|day| day.checked_add_days(Days::new(1))).map(beginning),
    };
    wrong.finish(Some(parsed))
}

/// The moment at which a day begins in the villages.
fn beginning(day: NaiveDate) -> DateTime<Utc> {
    village_time(day.and_time(NaiveTime::MIN))
}

/// What a name names, and where in a roster it stands. A household's people are its own.
fn record(wrong: &mut Violations, name: &str, village: VillageCode) -> Option<Record> {
    let (of, sheets): (VillageCode, &[&str]) = if let Ok(name) = name.parse::<HouseholdName>() {
        (name.village, &["住户", "家庭成员"])
    } else if let Ok(name) = name.parse::<ResidentName>() {
        (name.village, &["家庭成员"])
    } else if let Ok(name) = name.parse::<MerchantName>() {
        (name.village, &["商户"])
    } else {
        wrong.add("filter.record", "has to be a household, a resident or a merchant");
        return None;
    };
    if of != village {
        wrong.add("filter.record", "is of another village");
        return None;
    }
    Some(Record { name: name.to_owned(), sheets })
}

impl From<Entry> for pb::Disclosure {
    fn from(entry: Entry) -> Self {
        Self {
            kind: entry.kind.into(),
            record: entry.record,
            sheet: entry.sheet,
            purpose: entry.purpose.map_or(0, Into::into),
            note: entry.note,
            fields: entry.fields,
            disclosed_to: entry.subject,
            office: entry.office,
            disclose_time: Some(timestamp(entry.at)),
        }
    }
}
