//! Entrance rules as the contract speaks of them. No rules, no SQL.

use platform::Error;
use platform::revision::{Mask, expected};
use platform::server::admit;
use proto::liaison::v1 as pb;
use proto::liaison::v1::entrance_rules_service_server::EntranceRulesService;
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::Entrances;
use super::rules::{EntranceRules, Update};

#[tonic::async_trait]
impl EntranceRulesService for Entrances {
    async fn get_entrance_rules(
        &self,
        request: Request<pb::GetEntranceRulesRequest>,
    ) -> Result<Response<pb::EntranceRules>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn update_entrance_rules(
        &self,
        request: Request<pb::UpdateEntranceRulesRequest>,
    ) -> Result<Response<pb::EntranceRules>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
    }
}

impl From<EntranceRules> for pb::EntranceRules {
    fn from(rules: EntranceRules) -> Self {
        Self {
            name: rules.name().to_string(),
            notice_days: rules.notice_days,
            least_notice_days: rules.least_notice_days,
            most_notice_days: rules.most_notice_days,
            etag: rules.revision.to_string(),
            create_time: rules.made_at.map(timestamp),
            update_time: rules.updated_at.map(timestamp),
        }
    }
}

impl TryFrom<pb::UpdateEntranceRulesRequest> for Update {
    type Error = Error;

    fn try_from(message: pb::UpdateEntranceRulesRequest) -> Result<Self, Error> {
        let rules = message.entrance_rules.unwrap_or_default();
        let mask = Mask::read(message.update_mask, &["notice_days", "least_notice_days", "most_notice_days"])?;
        Ok(Self {
            name: rules.name.parse().map_err(|error| Error::field("entrance_rules.name", error))?,
            expected: expected(&rules.etag)?,
            notice_days: mask.has("notice_days").then_some(rules.notice_days),
            least_notice_days: mask.has("least_notice_days").then_some(rules.least_notice_days),
            most_notice_days: mask.has("most_notice_days").then_some(rules.most_notice_days),
        })
    }
}
