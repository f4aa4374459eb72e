//! Casework through the real gRPC client, with the registry and liaison played by the harness.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod archived;
mod attachments;
mod catalog;
mod concerns;
mod deliberations;
mod demands;
mod details;
mod joining;
mod keys;
mod ledger;
mod moves;
mod notices;
mod progress;
mod proposals;
mod routing;
mod tabled;
mod together;
mod work;

use casework::Config;
use harness::{Call, Owner, Running, Stage};
use platform::Office;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::{Concern, CreateConcernRequest, GetConcernRequest, Matter};
use proto::liaison::v1::{SeatHolder, TeamChanged};
use proto::registry::v1::{GridChanged, GridState, HouseholdChanged, HouseholdState};
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

const GAOCHONG: &str = "430112011211";
const NEIGHBOUR: &str = "430112011212";
const HOUSEHOLD: &str = "018f5e9e-0000-7000-8000-000000000001";
const MEMBER: &str = "018f5e9e-0000-7000-8000-0000000000a1";

type Client = ConcernServiceClient<InterceptedService<Channel, Call>>;

async fn casework(stage: &Stage) -> Running {
    stage
        .serve(casework::SERVICE, &casework::migrations(), |platform, events, process| {
            casework::serve(config(platform, events), process)
        })
        .await
}

/// What casework is told: attachments lie beside the stage's keys, and are few and small.
fn config(platform: platform::Config, events: events::Config) -> Config {
    let attachments = attachments_of(&platform);
    Config { platform, events, attachments }
}

fn attachments_of(platform: &platform::Config) -> casework::attachments::Config {
    casework::attachments::Config {
        place: platform.vault_key_file.with_file_name("attachments").display().to_string(),
        s3_endpoint: None,
        s3_region: "us-east-1".into(),
        s3_access_key_id: None,
        s3_secret_key_file: None,
        picture_bytes: 1 << 20,
        document_bytes: 2 << 20,
        each: 3,
        uploads: 4,
        grace: std::time::Duration::from_secs(24 * 3600),
    }
}

fn client(running: &Running, caller: &Call) -> Client {
    ConcernServiceClient::with_interceptor(running.channel(), caller.clone())
}

fn clerk(stage: &Stage, running: &Running) -> Client {
    client(running, &stage.caller(Office::Clerk, GAOCHONG, &[]))
}

fn household(village: &str, id: &str) -> String {
    format!("villages/{village}/households/{id}")
}

fn grid(village: &str, code: &str) -> String {
    format!("villages/{village}/grids/{code}")
}

fn concern(village: &str) -> Concern {
    Concern {
        matter: Matter::OutreachEducation.into(),
        matter_type: "儿童活动场所".into(),
        text: "孩子放学后无处可去。".into(),
        household: household(village, HOUSEHOLD),
        ..Concern::default()
    }
}

fn report(concern: Concern, village: &str) -> CreateConcernRequest {
    CreateConcernRequest { parent: format!("villages/{village}"), concern: Some(concern), ..Default::default() }
}

async fn get(client: &mut Client, name: &str) -> Result<Concern, Status> {
    client.get_concern(GetConcernRequest { name: name.into() }).await.map(tonic::Response::into_inner)
}

/// The registry's and liaison's news of one household in one grid with its team.
struct News {
    registry: Owner,
    liaison: Owner,
}

impl News {
    async fn of(stage: &Stage) -> Self {
        Self { registry: stage.owner("registry").await, liaison: stage.owner("liaison").await }
    }

    async fn grid(&self, village: &str, code: &str, state: GridState, revision: i64) {
        let name = grid(village, code);
        self.registry.tells(&[GridChanged { name, revision, state: state.into(), ..Default::default() }]).await;
    }

    async fn household(&self, village: &str, code: &str) {
        let changed = HouseholdChanged {
            name: household(village, HOUSEHOLD),
            revision: 1,
            number: "00001".into(),
            grid: grid(village, code),
            state: HouseholdState::Active.into(),
            ..Default::default()
        };
        self.registry.tells(&[changed]).await;
    }

    async fn team(&self, village: &str, code: &str) {
        let representative = SeatHolder {
            member: format!("villages/{village}/members/{MEMBER}"),
            display_name: "戴华良".into(),
            office: 5,
        };
        let changed = TeamChanged {
            name: format!("villages/{village}/teams/{code}"),
            revision: 1,
            grid: grid(village, code),
            representative: Some(representative),
            ..Default::default()
        };
        self.liaison.tells(&[changed]).await;
    }

    /// Everything about grid 027, and casework has read it.
    async fn known(stage: &Stage, running: &Running, village: &str) -> Self {
        let news = Self::of(stage).await;
        news.grid(village, "027", GridState::Active, 1).await;
        news.household(village, "027").await;
        news.team(village, "027").await;
        rows(running, "select count(*) from grid cross join household cross join team", 1).await;
        news
    }
}

/// Waits until a query counts this many.
async fn rows(running: &Running, query: &'static str, many: i64) {
    harness::wait_for(query, || async {
        let mut connection = running.database.connect_as_owner().await;
        sqlx::query_scalar::<_, i64>(query).fetch_one(&mut connection).await.unwrap() == many
    })
    .await;
}
