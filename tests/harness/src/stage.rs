//! A stage for one test: a broker, keys that sign tokens, and services that run in the test's process.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use platform::caller::token::{Claims, GrantClaim, Signer};
use platform::{Clock, Config, Office, Process, Vault};
use sqlx::migrate::Migrator;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::owner::Owner;
use crate::{Broker, TestDatabase, wait_for};

/// Everything around the service under test.
pub struct Stage {
    /// The broker, to be stopped and wiped at will.
    pub broker: Broker,
    folder: TempDir,
    signer: Signer,
}

impl Stage {
    /// A stage with a broker of its own.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, jwks) = Signer::generate().unwrap();
        std::fs::write(folder.path().join("jwks.json"), jwks).unwrap();
        std::fs::write(folder.path().join("signing.key"), key.expose()).unwrap();
        std::fs::write(folder.path().join("vault.key"), Vault::new_key("test").unwrap().expose()).unwrap();
        Self { broker: Broker::start().await, folder, signer: Signer::from_key(&key).unwrap() }
    }

    /// The key that signs tokens, for commands that sign their own.
    pub fn signing_key_file(&self) -> std::path::PathBuf {
        self.folder.path().join("signing.key")
    }

    /// The file with the keys that wrap the villages' data keys.
    pub fn vault_key_file(&self) -> std::path::PathBuf {
        self.folder.path().join("vault.key")
    }

    /// The configuration of a service that keeps its records in `database_url`.
    pub fn platform_config(&self, database_url: &str) -> Config {
        Config {
            listen: ([127, 0, 0, 1], 0).into(),
            admin_listen: None,
            database_url: database_url.to_owned(),
            database_password_file: None,
            database_connections: 8,
            jwks: self.folder.path().join("jwks.json").display().to_string(),
            audience: "lianxin".to_owned(),
            vault_key_file: self.vault_key_file(),
            vault_refresh: Duration::from_millis(250),
            otlp_endpoint: None,
            call_timeout: Duration::from_secs(30),
            calls: 512,
            message_bytes: 32 * 1024 * 1024,
            stop_timeout: Duration::from_secs(2),
        }
    }

    /// The configuration of a service's part in the news.
    pub fn events_config(&self) -> events::Config {
        events::Config { nats_url: self.broker.url(), nats_password_file: None, nats_replicas: 1 }
    }

    /// Runs a service on a fresh database until the answer is dropped.
    pub async fn serve<F, Fut>(&self, service: &str, migrations: &Migrator, run: F) -> Running
    where
        F: FnOnce(Config, events::Config, Process) -> Fut,
        Fut: Future<Output = platform::Result<()>> + Send + 'static,
    {
        let database = TestDatabase::of(service, migrations).await;
        self.serve_on(database, Clock::system(), run).await
    }

    /// Runs a service on this database, by this clock.
    pub async fn serve_on<F, Fut>(&self, database: TestDatabase, clock: Clock, run: F) -> Running
    where
        F: FnOnce(Config, events::Config, Process) -> Fut,
        Fut: Future<Output = platform::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let process = Process { clock, listener, metrics: None, shutdown: shutdown.clone() };
        let serving = run(self.platform_config(&database.service_url), self.events_config(), process);
        let task = tokio::spawn(serving);
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        wait_for("the service to listen", || async { tokio::net::TcpStream::connect(address).await.is_ok() }).await;
        Running { database, channel, shutdown, task: Some(task) }
    }

    /// Stands for another service whose news is read.
    pub async fn owner(&self, service: &'static str) -> Owner {
        Owner::of(self, service).await
    }

    /// A caller who holds `office` in `scope`, for some grids or, with none given, for all.
    pub fn caller(&self, office: Office, scope: &str, grids: &[&str]) -> Call {
        let grids: BTreeSet<String> = grids.iter().map(ToString::to_string).collect();
        let grant = GrantClaim { office, scope: scope.to_owned(), grids: (!grids.is_empty()).then_some(grids) };
        self.holder(&format!("{}-of-{scope}", office.as_str()), vec![grant])
    }

    /// A caller who holds all of these.
    pub fn holder(&self, subject: &str, grants: Vec<GrantClaim>) -> Call {
        let claims =
            Claims { sub: subject.to_owned(), aud: "lianxin".to_owned(), exp: 4_000_000_000, nbf: None, grants };
        Call { token: Some(self.signer.sign(&claims).unwrap()), after: None }
    }
}

/// Puts a caller's token (and the mark that calls come after) on every call: an interceptor for clients.
#[derive(Clone, Debug, Default)]
pub struct Call {
    token: Option<String>,
    after: Option<String>,
}

impl Call {
    /// A caller without a token.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// The same caller, whose calls come after this mark.
    #[must_use]
    pub fn after(&self, mark: &proto::platform::v1::Mark) -> Self {
        Self { after: Some(mark.to_string()), ..self.clone() }
    }
}

impl Interceptor for Call {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        if let Some(mark) = &self.after {
            request.metadata_mut().insert(proto::mark::METADATA_KEY, mark.parse().unwrap());
        }
        Ok(request)
    }
}

/// A service that runs until this is dropped.
pub struct Running {
    /// Its database.
    pub database: TestDatabase,
    channel: Channel,
    shutdown: CancellationToken,
    task: Option<JoinHandle<platform::Result<()>>>,
}

impl Running {
    /// A channel to it, for generated clients (`XClient::with_interceptor(running.channel(), caller)`).
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Stops it gracefully.
    ///
    /// # Panics
    /// When it failed.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        self.task.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
