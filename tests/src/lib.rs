//! The whole system for one test: four services as processes of their own, on databases and a broker that no other
//! test uses. Processes can be killed, the broker wiped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

pub mod collector;
pub mod dynamic;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use chrono::NaiveDate;
use harness::{Call, Stage, TestDatabase, wait_for};
use lianxin::client::{Access, Metadata, connect};
use lianxin::onboard::{Done, Village, onboard};
use lianxin::servers::free_port;
use lianxin::{migrate, report};
use proto::reporting::v1::{FigureSet, Figures};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

/// 高冲村, whose workbooks are shipped with the project.
pub const GAOCHONG: &str = "430112011211";
/// 乌山街道, its sub-district.
pub const WUSHAN: &str = "430112011";
/// 原佳村, its neighbour.
pub const YUANJIA: &str = "430112011212";

/// A client's channel as some caller.
pub type Line = InterceptedService<Channel, Call>;

/// The system.
pub struct World {
    /// Keys, tokens and the broker.
    pub stage: Stage,
    services: BTreeMap<&'static str, Service>,
    otlp_endpoint: Option<String>,
}

struct Service {
    database: TestDatabase,
    port: u16,
    child: Option<Child>,
}

impl World {
    /// Starts everything and waits until it serves.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// As [`World::start`], with traces going to a collector.
    pub async fn start_with(otlp_endpoint: Option<String>) -> Self {
        let mut world = Self { stage: Stage::new().await, services: BTreeMap::new(), otlp_endpoint };
        for (service, migrations) in migrate::services() {
            let database = TestDatabase::of(service, &migrations).await;
            let port = free_port().unwrap();
            world.services.insert(service, Service { database, port, child: None });
        }
        for service in world.names() {
            world.begin(service);
        }
        for service in world.names() {
            world.serves(service).await;
        }
        world
    }

    fn names(&self) -> Vec<&'static str> {
        self.services.keys().copied().collect()
    }

    fn begin(&mut self, name: &'static str) {
        let config = self.stage.platform_config(&self.services[name].database.service_url);
        let service = self.services.get_mut(name).unwrap();
        // It dies with the test, however that ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(binary())
            .args(["serve", name])
            .env("LIANXIN_LISTEN", format!("127.0.0.1:{}", service.port))
            .env("LIANXIN_DATABASE_URL", &config.database_url)
            .env("LIANXIN_DATABASE_CONNECTIONS", "6")
            .env("LIANXIN_NATS_URL", self.stage.broker.url())
            .env("LIANXIN_JWKS", &config.jwks)
            .env("LIANXIN_VAULT_KEY_FILE", &config.vault_key_file)
            .env("LIANXIN_VAULT_REFRESH_SECONDS", "1")
            .env("LIANXIN_ATTACHMENTS", config.vault_key_file.with_file_name("attachments"))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        match &self.otlp_endpoint {
            Some(endpoint) => {
                command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "100")
            }
            None => command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT"),
        };
        service.child = Some(command.spawn().expect("the service starts"));
    }

    async fn serves(&self, name: &str) {
        let address = self.address(name);
        wait_for(name, || async { lianxin::health::check(&address).await.is_ok() }).await;
    }

    /// kill -9.
    pub fn kill(&mut self, name: &str) {
        if let Some(mut child) = self.services.get_mut(name).unwrap().child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts a killed service again, on the same port and database.
    pub async fn restart(&mut self, name: &'static str) {
        self.kill(name);
        self.begin(name);
        self.serves(name).await;
    }

    /// The database of a service.
    pub fn database(&self, name: &str) -> &TestDatabase {
        &self.services[name].database
    }

    /// Where a service serves.
    pub fn address(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.services[name].port)
    }

    /// A channel to a service as this caller. It connects again by itself when the service was restarted.
    pub fn line(&self, name: &str, caller: &Call) -> Line {
        let channel = Endpoint::from_shared(self.address(name)).unwrap().connect_lazy();
        InterceptedService::new(channel, caller.clone())
    }

    /// How the operator's commands reach the services.
    pub fn access(&self) -> Access {
        Access {
            registry: self.address("registry"),
            liaison: self.address("liaison"),
            casework: self.address("casework"),
            reporting: self.address("reporting"),
            token: None,
            key: self.stage.signing_key_file(),
        }
    }

    /// The operator of the sub-district.
    pub fn operator(&self) -> Metadata {
        self.access().caller(WUSHAN).unwrap()
    }

    /// Onboards 高冲村 with its real workbooks.
    pub async fn onboard_gaochong(&self) -> Done {
        let village = Village {
            code: GAOCHONG.parse().unwrap(),
            name: "高冲村".to_owned(),
            roster: Some(shipped("gaochong/roster.xlsx")),
            ledger: Some(shipped("gaochong/ledger.xlsx")),
        };
        onboard(&village, false, &self.access(), &self.operator(), false).await.unwrap()
    }

    /// Makes a village a tenant, with a roster or without.
    pub async fn onboard(&self, code: &str, name: &str, roster: Option<PathBuf>) -> Done {
        let village = Village { code: code.parse().unwrap(), name: name.to_owned(), roster, ledger: None };
        onboard(&village, false, &self.access(), &self.operator(), false).await.unwrap()
    }

    /// The figures of the sub-district by village, after these marks.
    pub async fn figures(&self, done: &[&Done]) -> Figures {
        let marks = done.iter().flat_map(|done| &done.marks);
        let line = connect(&self.access().reporting, &self.operator().after(marks).unwrap()).await.unwrap();
        report::figures(line, WUSHAN, None, None).await.unwrap()
    }

    /// Waits until the figures of a village are as they should be.
    pub async fn wait_for_figures(&self, village: &str, what: &str, so: impl Fn(&FigureSet) -> bool) -> FigureSet {
        let last = std::sync::Mutex::new(None);
        let (last_seen, so) = (&last, &so);
        wait_for(what, || async move {
            let line = connect(&self.access().reporting, &self.operator()).await.unwrap();
            let figures = report::figures(line, village, None, None).await.unwrap();
            let reached = figures.total.as_ref().is_some_and(so);
            *last_seen.lock().unwrap() = figures.total;
            reached
        })
        .await;
        last.into_inner().unwrap().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for name in self.names() {
            self.kill(name);
        }
    }
}

/// A file of deploy/data.
pub fn shipped(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/data").join(file)
}

/// The binary beside this program, or beside the folder of the tests; whoever runs them builds it first.
pub fn binary() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    let binary = folder.join("lianxin");
    assert!(binary.exists(), "{} is not built: run the tests with tests/run", binary.display());
    binary
}

/// A day, for a message.
pub fn day(text: &str) -> proto::google::r#type::Date {
    proto::time::date(text.parse::<NaiveDate>().unwrap())
}
