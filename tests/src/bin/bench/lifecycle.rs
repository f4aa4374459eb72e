//! Whole lives of concerns: report, accept, assign, start, resolve, follow up, read. Seven calls, six of them writes.

use std::sync::Arc;

use platform::Office;
use proto::casework::v1 as pb;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::names::MemberName;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::table::{Figures, heading, line, number};
use crate::{Arguments, System, fill, load};

/// The people of so many villages who carry concerns through.
#[derive(Clone)]
pub(crate) struct People {
    channels: Arc<Vec<Channel>>,
    /// For each village, who handles concerns and who asks the households.
    tokens: Arc<Vec<[MetadataValue<Ascii>; 2]>>,
}

impl People {
    pub(crate) async fn of(system: &System, villages: usize) -> Self {
        let token = |number: usize, who: &str| {
            let village = fill::village(number);
            system.token(&format!("{who}.{village}"), Office::Clerk, village.as_str())
        };
        let tokens = (0..villages).map(|number| [token(number, "handler"), token(number, "asker")]).collect();
        Self { channels: Arc::new(system.channels("casework").await), tokens: Arc::new(tokens) }
    }

    fn client(&self, number: u64) -> ConcernServiceClient<Channel> {
        ConcernServiceClient::new(self.channels[number as usize % self.channels.len()].clone())
    }

    /// A request of the handler (0) or the asker (1) of the village in which the concern with this number is.
    fn request<T>(&self, number: u64, who: usize, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = self.tokens[number as usize % self.tokens.len()][who].clone();
        request.metadata_mut().insert("authorization", token);
        request
    }

    /// Reports a concern.
    pub(crate) async fn report(&self, number: u64) -> Result<pb::Concern, Status> {
        let villages = self.tokens.len();
        let village = fill::village(number as usize % villages);
        let concern = pb::Concern {
            matter: pb::Matter::Environment.into(),
            matter_type: "路灯".into(),
            text: "3栋后路灯不亮，晚上看不清路".into(),
            grid: fill::grid(village, number as usize / villages).to_string(),
            ..pb::Concern::default()
        };
        let message = pb::CreateConcernRequest {
            parent: format!("villages/{village}"),
            concern: Some(concern),
            request_id: uuid::Uuid::new_v4().to_string(),
            concern_id: String::new(),
        };
        let answer = self.client(number).create_concern(self.request(number, 0, message)).await?;
        Ok(answer.into_inner())
    }

    /// Carries a concern from the doorstep to the household's answer.
    pub(crate) async fn carry_through(&self, number: u64) -> Result<(), Status> {
        let mut client = self.client(number);
        let pb::Concern { name, grid, etag, .. } = self.report(number).await?;
        let accept = pb::AcceptConcernRequest { name: name.clone(), etag, ..Default::default() };
        let etag = client.accept_concern(self.request(number, 0, accept)).await?.into_inner().etag;
        let grid: proto::names::GridName = grid.parse().unwrap();
        let assign = pb::AssignConcernRequest {
            name: name.clone(),
            etag,
            owner_kind: pb::OwnerKind::Member.into(),
            owner: MemberName::new(grid.village, fill::representative(&grid)).to_string(),
            ..Default::default()
        };
        let etag = client.assign_concern(self.request(number, 0, assign)).await?.into_inner().etag;
        let start = pb::StartConcernRequest { name: name.clone(), etag, ..Default::default() };
        let etag = client.start_concern(self.request(number, 0, start)).await?.into_inner().etag;
        let resolve =
            pb::ResolveConcernRequest { name: name.clone(), etag, result: "已更换".into(), ..Default::default() };
        let etag = client.resolve_concern(self.request(number, 0, resolve)).await?.into_inner().etag;
        let follow_up = pb::FollowUpConcernRequest {
            name: name.clone(),
            etag,
            outcome: pb::FollowUpOutcome::Satisfied.into(),
            score: 5,
            ..Default::default()
        };
        client.follow_up_concern(self.request(number, 1, follow_up)).await?;
        let read = pb::GetConcernRequest { name };
        let read = client.get_concern(self.request(number, 1, read)).await?.into_inner();
        match read.state() {
            pb::ConcernState::Closed => Ok(()),
            state => Err(Status::internal(format!("the concern is {state:?} at the end"))),
        }
    }
}

/// By the number of concerns there are, and of villages.
pub(crate) async fn measure(system: &System, arguments: &Arguments) {
    heading(
        "Lives of concerns: report, accept, assign, start, resolve, follow up, read (7 calls, 6 of them writes)",
        &[
            "concerns",
            "villages",
            "a second, min / median / max",
            "one life in ms at half that rate: p50",
            "p95",
            "p99",
        ],
    );
    let mut owner = system.owner("casework").await;
    let mut there = 0;
    for many in &arguments.concerns {
        fill::villages(&mut owner, 15).await;
        fill::concerns(&mut owner, there..*many, 15).await;
        there = *many;
        fill::published(&mut owner).await;
        measure_with(system, arguments, there, 15).await;
    }
    // The same number again, in many more villages.
    fill::villages(&mut owner, 1_000).await;
    sqlx::raw_sql("truncate concern, move cascade").execute(&mut owner).await.unwrap();
    sqlx::raw_sql("delete from change_log where office = 'clerk' and subject = 'bench'")
        .execute(&mut owner)
        .await
        .unwrap();
    fill::concerns(&mut owner, there..2 * there, 1_000).await;
    fill::published(&mut owner).await;
    measure_with(system, arguments, there, 1_000).await;
}

async fn measure_with(system: &System, arguments: &Arguments, concerns: usize, villages: usize) {
    let people = People::of(system, villages).await;
    let call = move |number| {
        let people = people.clone();
        async move { people.carry_through(number).await }
    };
    let (mut rates, [mut p50, mut p95, mut p99]) = (Figures::default(), [(); 3].map(|()| Figures::default()));
    for _ in 0..arguments.times {
        let met = load::closed(arguments.clients, arguments.time(), call.clone()).await.must_be_right("lives");
        rates.add(met.rate());
        let half = load::open(met.rate() / 2.0, arguments.time(), call.clone()).await.must_be_right("lives");
        p50.add(half.at(0.50));
        p95.add(half.at(0.95));
        p99.add(half.at(0.99));
    }
    line(&[
        concerns.to_string(),
        villages.to_string(),
        rates.range(),
        number(p50.median()),
        number(p95.median()),
        number(p99.median()),
    ]);
}
