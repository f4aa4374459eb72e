//! A village's tags of special care as the contract speaks of them. No rules, no SQL.

use platform::revision::expected;
use platform::server::admit;
use platform::{Error, Violations};
use proto::names::CareTagsName;
use proto::registry::v1 as pb;
use tonic::{Request, Response, Status};

use super::{CareTagSets, CareTags};
use crate::fields;

/// More than this is a list of remarks, not a set of tags.
const MOST_TAGS: usize = 50;

impl CareTagSets {
    pub(crate) async fn get_care_tags(
        &self,
        request: Request<pb::GetCareTagsRequest>,
    ) -> Result<Response<pb::CareTags>, Status> {
        let (caller, message) = admit(request)?;
        let CareTagsName(village) = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &village).await?.into()))
    }

    pub(crate) async fn update_care_tags(
        &self,
        request: Request<pb::UpdateCareTagsRequest>,
    ) -> Result<Response<pb::CareTags>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let given = message.care_tags.unwrap_or_default();
        let expected = expected(&given.etag)?;
        let mut wrong = Violations::new();
        let village = wrong.check("care_tags.name", given.name.parse().map(|CareTagsName(village)| village));
        let mut tags: Vec<String> = Vec::new();
        for tag in &given.tags {
            let tag = fields::tag(&mut wrong, "care_tags.tags", tag);
            tags.extend(tag.filter(|tag| !tags.contains(tag)));
        }
        if tags.is_empty() || tags.len() > MOST_TAGS {
            wrong.add("care_tags.tags", format!("has to have 1 to {MOST_TAGS} tags"));
        }
        let village = wrong.finish(village)?;
        Ok(Response::new(self.update(&caller, &request, village, tags, expected).await?.into()))
    }
}

impl From<CareTags> for pb::CareTags {
    fn from(care_tags: CareTags) -> Self {
        Self { name: care_tags.name(), etag: care_tags.revision.to_string(), tags: care_tags.tags }
    }
}
