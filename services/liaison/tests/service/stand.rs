//! What these tests stand on: a running liaison at a day of the test's choosing, the registry's news, short calls.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use harness::{Call, Owner, Running, Stage, TestDatabase, wait_for};
use platform::{Clock, Office};
use proto::events::Event;
use proto::google::r#type::Date;
use proto::liaison::v1 as pb;
use proto::liaison::v1::coverage_service_client::CoverageServiceClient;
use proto::liaison::v1::entrance_rules_service_client::EntranceRulesServiceClient;
use proto::liaison::v1::line_service_client::LineServiceClient;
use proto::liaison::v1::link_service_client::LinkServiceClient;
use proto::liaison::v1::member_service_client::MemberServiceClient;
use proto::liaison::v1::roster_service_client::RosterServiceClient;
use proto::liaison::v1::team_service_client::TeamServiceClient;
use proto::liaison::v1::visit_plan_service_client::VisitPlanServiceClient;
use proto::liaison::v1::visit_service_client::VisitServiceClient;
use proto::platform::v1::ImportReport;
use proto::registry::v1::{
    GridChanged, GridKind, GridState, HouseholdChanged, HouseholdKind, HouseholdState, LineKind,
};
use sqlx::Row;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

pub(crate) const GAOCHONG: &str = "430112011211";
pub(crate) const NEIGHBOUR: &str = "430112011212";

pub(crate) type Wired = InterceptedService<Channel, Call>;

/// A running liaison and everything around it.
pub(crate) struct Stand {
    pub(crate) stage: Stage,
    pub(crate) running: Running,
    pub(crate) registry: Owner,
    clock: Arc<Mutex<DateTime<Utc>>>,
}

/// One caller's clients.
pub(crate) struct Desk {
    pub(crate) members: MemberServiceClient<Wired>,
    pub(crate) lines: LineServiceClient<Wired>,
    pub(crate) teams: TeamServiceClient<Wired>,
    pub(crate) links: LinkServiceClient<Wired>,
    pub(crate) coverage: CoverageServiceClient<Wired>,
    pub(crate) visits: VisitServiceClient<Wired>,
    pub(crate) plans: VisitPlanServiceClient<Wired>,
    pub(crate) entrances: EntranceRulesServiceClient<Wired>,
    pub(crate) rosters: RosterServiceClient<Wired>,
}

impl Stand {
    /// It is noon of 1 June 2026 in the villages.
    pub(crate) async fn new() -> Self {
        let stage = Stage::new().await;
        let clock = Arc::new(Mutex::new("2026-06-01T04:00:00Z".parse().unwrap()));
        let shown = clock.clone();
        let database = TestDatabase::of(liaison::SERVICE, &liaison::migrations()).await;
        let clock_of_service = Clock::from_fn(move || *shown.lock().unwrap());
        let running = stage
            .serve_on(database, clock_of_service, |platform, events, process| {
                liaison::serve(liaison::Config { platform, events }, process)
            })
            .await;
        let registry = stage.owner("registry").await;
        Self { stage, running, registry, clock }
    }

    /// Lets days pass.
    pub(crate) fn days(&self, days: i64) {
        *self.clock.lock().unwrap() += chrono::Duration::days(days);
    }

    /// The day it is in the villages.
    pub(crate) fn today(&self) -> chrono::NaiveDate {
        platform::clock::village_day(*self.clock.lock().unwrap())
    }

    pub(crate) fn desk(&self, office: Office, scope: &str, grids: &[&str]) -> Desk {
        let call = self.stage.caller(office, scope, grids);
        let channel = || self.running.channel();
        Desk {
            members: MemberServiceClient::with_interceptor(channel(), call.clone()),
            lines: LineServiceClient::with_interceptor(channel(), call.clone()),
            teams: TeamServiceClient::with_interceptor(channel(), call.clone()),
            links: LinkServiceClient::with_interceptor(channel(), call.clone()),
            coverage: CoverageServiceClient::with_interceptor(channel(), call.clone()),
            visits: VisitServiceClient::with_interceptor(channel(), call.clone()),
            plans: VisitPlanServiceClient::with_interceptor(channel(), call.clone()),
            entrances: EntranceRulesServiceClient::with_interceptor(channel(), call.clone()),
            rosters: RosterServiceClient::with_interceptor(channel(), call).max_encoding_message_size(32 << 20),
        }
    }

    pub(crate) fn clerk(&self) -> Desk {
        self.desk(Office::Clerk, GAOCHONG, &[])
    }

    /// Waits until liaison has seen so many households of a village, and so many teams are there.
    pub(crate) async fn knows(&self, village: &str, teams: i64, households: i64) {
        let select = "select (select count(*) from team where village = $1) as teams,
                             (select count(*) from household where village = $1) as households";
        wait_for("the registry's news to be read", || async {
            let mut owner = self.running.database.connect_as_owner().await;
            let row = sqlx::query(select).bind(village).fetch_one(&mut owner).await.unwrap();
            (row.get::<i64, _>("teams"), row.get::<i64, _>("households")) == (teams, households)
        })
        .await;
    }

    /// Puts news on the stream as the broker may deliver it, doubled and in any order: without the id by which the
    /// broker would know that it had it before.
    pub(crate) async fn delivers<E: Event>(&self, news: &[E]) {
        let client = async_nats::connect(self.stage.broker.url()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        for one in news {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("ce-type", E::full_name());
            headers.insert("ce-subject", one.name());
            headers.insert("ce-revision", one.revision().to_string());
            let village = one.name().split('/').nth(1).unwrap();
            let subject = format!("lianxin.v1.{village}.{}.{}", E::SERVICE, E::NOUN);
            let sent = jetstream.publish_with_headers(subject, headers, one.encode_to_vec().into()).await.unwrap();
            sent.await.unwrap();
        }
    }

    /// A number out of the database.
    pub(crate) async fn count(&self, select: &'static str) -> i64 {
        let mut owner = self.running.database.connect_as_owner().await;
        sqlx::query_scalar(select).fetch_one(&mut owner).await.unwrap()
    }

    /// Waits until a number out of the database is this.
    pub(crate) async fn counts(&self, select: &'static str, expected: i64) {
        wait_for(select, || async { self.count(select).await == expected }).await;
    }

    /// Rows of the database as text, to be compared as a whole.
    pub(crate) async fn rows(&self, select: &'static str) -> Vec<String> {
        let mut owner = self.running.database.connect_as_owner().await;
        sqlx::query_scalar(select).fetch_all(&mut owner).await.unwrap()
    }
}

impl Desk {
    /// Enters a member, elected on 1 February 2023.
    pub(crate) async fn enter(&mut self, village: &str, name: &str, office: pb::Office) -> String {
        let source = match office {
            pb::Office::Representative => pb::RepresentativeSource::Volunteer,
            _ => pb::RepresentativeSource::Unspecified,
        };
        let member = pb::Member {
            display_name: name.into(),
            offices: vec![office.into()],
            source: source.into(),
            term_start: date("2023-02-01"),
            ..Default::default()
        };
        let request = pb::CreateMemberRequest {
            parent: format!("villages/{village}"),
            member: Some(member),
            ..Default::default()
        };
        self.members.create_member(request).await.unwrap().into_inner().name
    }

    pub(crate) async fn seat(&mut self, team: &str, seat: pb::Seat, member: &str) -> Result<pb::Team, Status> {
        let request =
            pb::SeatMemberRequest { name: team.into(), seat: seat.into(), member: member.into(), ..Default::default() };
        Ok(self.teams.seat_member(request).await?.into_inner())
    }

    pub(crate) async fn vacate(&mut self, team: &str, seat: pb::Seat) -> pb::Team {
        let request = pb::VacateSeatRequest { name: team.into(), seat: seat.into(), ..Default::default() };
        self.teams.vacate_seat(request).await.unwrap().into_inner()
    }

    /// The links of a household, those that ended too, in the order of their days.
    pub(crate) async fn history(&mut self, household: &str) -> Vec<pb::Link> {
        let request = pb::ListLinksRequest {
            parent: village_of(household),
            filter: Some(pb::LinkFilter { household: household.into(), ..Default::default() }),
            show_ended: true,
            ..Default::default()
        };
        let mut links = self.links.list_links(request).await.unwrap().into_inner().links;
        links.sort_by_key(|link| (text(link.start_date), link.end_date.is_none(), text(link.end_date)));
        links
    }

    pub(crate) async fn covered(&mut self, village: &str, as_of: Option<&str>) -> pb::Coverage {
        let request = pb::GetCoverageRequest {
            parent: format!("villages/{village}"),
            as_of: as_of.and_then(date),
            ..Default::default()
        };
        self.coverage.get_coverage(request).await.unwrap().into_inner()
    }

    pub(crate) async fn import_roster(&mut self, content: Vec<u8>, validate_only: bool) -> ImportReport {
        let request = pb::ImportRosterRequest {
            parent: format!("villages/{GAOCHONG}"),
            content: content.into(),
            validate_only,
            ..Default::default()
        };
        let mut steps = self.rosters.import_roster(request).await.unwrap().into_inner();
        let mut report = None;
        while let Some(step) = steps.message().await.unwrap() {
            if let Some(pb::import_roster_response::Step::Report(last)) = step.step {
                report = Some(last);
            }
        }
        report.unwrap()
    }

    pub(crate) async fn import_ledger(&mut self, content: Vec<u8>, validate_only: bool) -> ImportReport {
        let request =
            pb::ImportLedgerRequest { parent: format!("villages/{GAOCHONG}"), content: content.into(), validate_only };
        let mut steps = self.rosters.import_ledger(request).await.unwrap().into_inner();
        let mut report = None;
        while let Some(step) = steps.message().await.unwrap() {
            if let Some(pb::import_ledger_response::Step::Report(last)) = step.step {
                report = Some(last);
            }
        }
        report.unwrap()
    }
}

/// Rows, created, updated, unchanged, refused of one sheet.
pub(crate) fn outcome(report: &ImportReport, sheet: &str) -> [i32; 5] {
    let line = report.sheets.iter().find(|line| line.sheet == sheet).unwrap();
    [line.rows, line.created, line.updated, line.unchanged, line.refused]
}

pub(crate) fn grid_news(village: &str, code: &str, line: LineKind) -> GridChanged {
    GridChanged {
        name: format!("villages/{village}/grids/{code}"),
        revision: 1,
        kind: GridKind::OriginalSettlement.into(),
        line: line.into(),
        state: GridState::Active.into(),
        ..Default::default()
    }
}

/// The name of the household with this number.
pub(crate) fn household_name(village: &str, number: &str) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{village} {number}").as_bytes());
    format!("villages/{village}/households/{id}")
}

pub(crate) fn household_news(village: &str, number: &str, grid: &str, kind: HouseholdKind) -> HouseholdChanged {
    HouseholdChanged {
        name: household_name(village, number),
        revision: 1,
        number: number.into(),
        kind: kind.into(),
        grid: format!("villages/{village}/grids/{grid}"),
        state: HouseholdState::Active.into(),
        ..Default::default()
    }
}

pub(crate) fn team_name(village: &str, grid: &str) -> String {
    format!("villages/{village}/teams/{grid}")
}

pub(crate) fn village_of(name: &str) -> String {
    name.split('/').take(2).collect::<Vec<_>>().join("/")
}

pub(crate) fn date(text: &str) -> Option<Date> {
    Some(proto::time::date(text.parse().unwrap()))
}

pub(crate) fn text(date: Option<Date>) -> String {
    date.map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)).unwrap_or_default()
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, why: &str) {
    let status = answer.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
}
