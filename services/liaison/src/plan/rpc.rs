//! Visit plans as the contract speaks of them. No rules, no SQL.

use platform::revision::{Mask, expected};
use platform::server::admit;
use platform::{Error, Violations};
use proto::liaison::v1 as pb;
use proto::liaison::v1::visit_plan_service_server::VisitPlanService;
use proto::names::{GridName, VillageCode, VisitPlanName};
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::Plans;
use super::rules::{Frequency, Plan, Rule, Update};
use crate::places::{GridKind, HouseholdKind};

/// Most rules of one plan: beyond it nobody can say any more which of them decides.
const RULES: usize = 50;

#[tonic::async_trait]
impl VisitPlanService for Plans {
    async fn get_visit_plan(
        &self,
        request: Request<pb::GetVisitPlanRequest>,
    ) -> Result<Response<pb::VisitPlan>, Status> {
        let (caller, message) = admit(request)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        Ok(Response::new(self.get(&caller, &name).await?.into()))
    }

    async fn update_visit_plan(
        &self,
        request: Request<pb::UpdateVisitPlanRequest>,
    ) -> Result<Response<pb::VisitPlan>, Status> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        Ok(Response::new(self.update(&caller, &request, message.try_into()?).await?.into()))
    }
}

impl From<Plan> for pb::VisitPlan {
    fn from(plan: Plan) -> Self {
        Self {
            name: plan.name().to_string(),
            every_household: Some(plan.every.into()),
            key_household: Some(plan.key.into()),
            rules: plan.rules.iter().map(|rule| rule.message(plan.village)).collect(),
            etag: plan.revision.to_string(),
            create_time: plan.made_at.map(timestamp),
            update_time: plan.updated_at.map(timestamp),
        }
    }
}

/// Reads a rule; `path` stands before the names of its fields.
pub(super) fn rule(path: &str, village: VillageCode, message: &pb::VisitRule) -> Result<Rule, Error> {
    let mut wrong = Violations::new();
    let field = |name: &str| format!("{path}.{name}");
    let kinds = |value: &i32| HouseholdKind::read(*value)?.ok_or("is unspecified");
    let household_kinds = wrong.check(&field("household_kinds"), message.household_kinds.iter().map(kinds).collect());
    let kinds = |value: &i32| GridKind::read(*value)?.ok_or("is unspecified");
    let grid_kinds = wrong.check(&field("grid_kinds"), message.grid_kinds.iter().map(kinds).collect());
    let grids: Vec<GridName> =
        message.grids.iter().filter_map(|grid| wrong.check(&field("grids"), grid.parse())).collect();
    if grids.iter().any(|grid| grid.village != village) {
        wrong.add(field("grids"), "lie in another village");
    }
    let frequency = frequency(&mut wrong, &field("frequency"), message.frequency);
    let (household_kinds, (grid_kinds, frequency)) = wrong.finish(household_kinds.zip(grid_kinds.zip(frequency)))?;
    Ok(Rule {
        household_kinds,
        grid_kinds,
        grids: grids.into_iter().map(|grid| grid.grid).collect(),
        key_households_only: message.key_households_only,
        frequency,
    })
}

fn frequency(wrong: &mut Violations, field: &str, message: Option<pb::VisitFrequency>) -> Option<Frequency> {
    let read = |message: pb::VisitFrequency| {
        let months = if message.months == 0 { 1 } else { message.months };
        Frequency::new(message.visits, months).ok_or("has to be 0 to 31 visits in 1, 2, 3, 4, 6 or 12 months")
    };
    wrong.check(field, message.ok_or("is missing").and_then(read))
}

impl TryFrom<pb::UpdateVisitPlanRequest> for Update {
    type Error = Error;

    fn try_from(message: pb::UpdateVisitPlanRequest) -> Result<Self, Error> {
        let plan = message.visit_plan.unwrap_or_default();
        let mask = Mask::read(message.update_mask, &["every_household", "key_household", "rules"])?;
        let expected = expected(&plan.etag)?;
        let name: VisitPlanName = plan.name.parse().map_err(|error| Error::field("visit_plan.name", error))?;
        if plan.rules.len() > RULES {
            return Err(Error::field("visit_plan.rules", format!("are more than {RULES}")));
        }
        let rules = plan
            .rules
            .iter()
            .enumerate()
            .map(|(place, message)| rule(&format!("visit_plan.rules[{place}]"), name.0, message));
        let rules = if mask.has("rules") { Some(rules.collect::<Result<Vec<Rule>, Error>>()?) } else { None };
        let mut wrong = Violations::new();
        let mut meant = |field: &str, message| {
            if mask.has(field) { frequency(&mut wrong, &format!("visit_plan.{field}"), message) } else { None }
        };
        let every = meant("every_household", plan.every_household);
        let key = meant("key_household", plan.key_household);
        wrong.finish(Some(()))?;
        Ok(Self { name, expected, every, key, rules })
    }
}
