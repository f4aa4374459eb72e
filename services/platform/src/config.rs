//! What every service is told when it starts: one structure whose comments are the manual.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings that all services share. Each can be a flag or an environment variable.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Address on which gRPC is served
    #[arg(long, env = "LIANXIN_LISTEN")]
    pub listen: SocketAddr,

    /// Address of the admin port: /metrics, /live, /ready over HTTP. Keep it off the public network
    #[arg(long, env = "LIANXIN_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,

    /// Where this service's own database is, for instance `postgres://lianxin_registry@db/registry`
    #[arg(long, env = "LIANXIN_DATABASE_URL")]
    pub database_url: String,

    /// File that holds the database password, when the address has none
    #[arg(long, env = "LIANXIN_DATABASE_PASSWORD_FILE")]
    pub database_password_file: Option<PathBuf>,

    /// Most connections this service keeps to Postgres; two cores are busy with far fewer
    #[arg(long, env = "LIANXIN_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub database_connections: u32,

    /// Keys that sign callers' tokens: a JWKS file, or an https address of one
    #[arg(long, env = "LIANXIN_JWKS")]
    pub jwks: String,

    /// Whom tokens must be meant for (their `aud`)
    #[arg(long, env = "LIANXIN_AUDIENCE", default_value = "lianxin")]
    pub audience: String,

    /// File with the keys that wrap every village's data key; made by `lianxin keygen`, see `lianxin keys`
    #[arg(long, env = "LIANXIN_VAULT_KEY_FILE")]
    pub vault_key_file: PathBuf,

    /// Seconds after which a village's keys are looked up again. The same for all replicas: the rotation of a key waits twice
    /// as long for them
    #[arg(long, env = "LIANXIN_VAULT_REFRESH_SECONDS", default_value = "15", value_parser = seconds)]
    pub vault_refresh: Duration,

    /// Collector of traces (OTLP over gRPC), for instance `http://127.0.0.1:4317`; none: no traces leave
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// Seconds after which a call without a deadline of its own is given up
    #[arg(long, env = "LIANXIN_CALL_SECONDS", default_value = "30", value_parser = seconds)]
    pub call_timeout: Duration,

    /// Calls in progress at once; more are refused at once with RESOURCE_EXHAUSTED and when to try again
    #[arg(long, env = "LIANXIN_CALLS", default_value_t = 512)]
    pub calls: usize,

    /// Largest message in bytes that a caller may send (a workbook is one message)
    #[arg(long, env = "LIANXIN_MESSAGE_BYTES", default_value_t = 32 * 1024 * 1024)]
    pub message_bytes: usize,

    /// Seconds that a stopping service waits for calls in progress
    #[arg(long, env = "LIANXIN_STOP_SECONDS", default_value = "10", value_parser = seconds)]
    pub stop_timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}
