//! How the commands reach the services: addresses, a token, and the marks that calls come after.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use platform::Office;
use platform::caller::token::GrantClaim;
use proto::platform::v1::news_service_client::NewsServiceClient;
use proto::platform::v1::{Mark, MarkRequest};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::token;

/// How long a token lives that a command signs for itself.
const TOKEN_LIVES: Duration = Duration::from_secs(3600);
/// How long we wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the services are, and who is calling.
#[derive(Debug, Clone, clap::Args)]
pub struct Access {
    /// Address of registry
    #[arg(long, env = "LIANXIN_REGISTRY", default_value = "http://127.0.0.1:7101")]
    pub registry: String,
    /// Address of liaison
    #[arg(long, env = "LIANXIN_LIAISON", default_value = "http://127.0.0.1:7102")]
    pub liaison: String,
    /// Address of casework
    #[arg(long, env = "LIANXIN_CASEWORK", default_value = "http://127.0.0.1:7103")]
    pub casework: String,
    /// Address of reporting
    #[arg(long, env = "LIANXIN_REPORTING", default_value = "http://127.0.0.1:7104")]
    pub reporting: String,
    /// Token to call with; without one the command signs its own with the signing key
    #[arg(long, env = "LIANXIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Key to sign with when there is no token
    #[arg(long, default_value = ".lianxin/secrets/signing.key", env = "LIANXIN_SIGNING_KEY_FILE")]
    pub key: PathBuf,
}

/// A client's channel with the caller's metadata on every call.
pub type Line = InterceptedService<Channel, Metadata>;

impl Access {
    /// A caller in `scope`: whom the token says, or the operator if the command signs its own.
    ///
    /// # Errors
    /// When there is neither a token nor a key.
    pub fn caller(&self, scope: &str) -> Result<Metadata> {
        self.caller_as(Office::Operator, scope)
    }

    /// A caller in `scope`: whom the token says, or the operator in this office if the command signs its own.
    ///
    /// # Errors
    /// As [`Access::caller`].
    pub fn caller_as(&self, office: Office, scope: &str) -> Result<Metadata> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => {
                let grant = GrantClaim { office, scope: scope.to_owned(), grids: None };
                token::sign(&self.key, "operator".to_owned(), grant, TOKEN_LIVES)?
            }
        };
        Ok(Metadata { authorization: format!("Bearer {token}").parse()?, after: Vec::new() })
    }
}

/// Connects to one service as `caller`.
///
/// # Errors
/// When nobody serves there.
pub async fn connect(address: &str, caller: &Metadata) -> Result<Line> {
    let endpoint = Endpoint::from_shared(address.to_owned())?.connect_timeout(CONNECT_TIMEOUT);
    let channel =
        endpoint.connect().await.with_context(|| format!("nobody serves {address}; is deploy/up running?"))?;
    Ok(InterceptedService::new(channel, caller.clone()))
}

/// Takes the mark of all that a service has committed so far in `parent`.
///
/// # Errors
/// When its news is not published in time.
pub async fn mark(line: &Line, parent: &str) -> Result<Mark> {
    let request = MarkRequest { parent: parent.to_owned() };
    let answer = NewsServiceClient::new(line.clone()).mark(request).await.map_err(told)?;
    answer.into_inner().mark.context("the service gave no mark")
}

/// What a service refused, in words: its message, which names wrong fields, and its reason.
#[must_use]
pub fn told(status: Status) -> anyhow::Error {
    match status.get_details_error_info() {
        Some(info) => anyhow!("{} ({})", status.message(), info.reason),
        None => anyhow!("{} ({})", status.message(), status.code()),
    }
}

/// The machine-readable reason of a refusal, one of [`proto::reasons`].
#[must_use]
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// What goes with every call.
#[derive(Debug, Clone)]
pub struct Metadata {
    authorization: MetadataValue<Ascii>,
    after: Vec<MetadataValue<Ascii>>,
}

impl Metadata {
    /// The same caller, whose calls come after these marks.
    ///
    /// # Errors
    /// When a mark is not printable.
    pub fn after<'a>(&self, marks: impl IntoIterator<Item = &'a Mark>) -> Result<Self> {
        let after = marks.into_iter().map(|mark| Ok(mark.to_string().parse()?)).collect::<Result<_>>()?;
        Ok(Self { authorization: self.authorization.clone(), after })
    }
}

impl Interceptor for Metadata {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.clone());
        for mark in &self.after {
            metadata.append(proto::mark::METADATA_KEY, mark.clone());
        }
        Ok(request)
    }
}
