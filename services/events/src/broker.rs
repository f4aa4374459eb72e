//! The connection to NATS, and the streams and durable consumers on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream;
use async_nats::jetstream::{self, consumer::PullConsumer};
use async_nats::{ConnectOptions, Event};
use percent_encoding::percent_decode_str;
use platform::{Error, Result, Secret};
use tokio::sync::Notify;

/// How long the server remembers message ids: a publication that is retried within it is stored once.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// News that a reader has taken and not acknowledged after this long is given out again: what a killed reader held
/// reaches the next one within it, and calls that wait for that news are still waiting.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// Most news that one reading service may hold unacknowledged: bounds its memory.
const MAX_ACK_PENDING: i64 = 2_000;
/// How long we wait for an answer of the server.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest rest between two attempts to connect.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long a leaving service waits for what it has already said to be sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// How to reach the broker.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Address of NATS, for instance `nats://lianxin@127.0.0.1:4222`; several separated by commas
    #[arg(long, env = "LIANXIN_NATS_URL")]
    pub nats_url: String,

    /// File that holds the NATS password, when the address has none
    #[arg(long, env = "LIANXIN_NATS_PASSWORD_FILE")]
    pub nats_password_file: Option<PathBuf>,

    /// Copies that the cluster keeps of each stream: 1 on one server, 3 on a cluster
    #[arg(long, env = "LIANXIN_NATS_REPLICAS", default_value_t = 1)]
    pub nats_replicas: usize,
}

/// A stream as it stands: the change log is compared with it.
pub(crate) struct Extent {
    pub(crate) born: chrono::DateTime<chrono::Utc>,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

#[derive(Clone)]
pub(crate) struct Broker {
    client: async_nats::Client,
    jetstream: jetstream::Context,
    replicas: usize,
    reconnected: Arc<AtomicBool>,
}

impl Broker {
    /// Connects in the background, for ever: the service runs whether or not the broker does. `wake` is
    /// notified on every connection, because the stream behind it may no longer be the same.
    pub(crate) async fn join(config: &Config, service: &str, wake: Arc<Notify>) -> Result<Self> {
        let reconnected = Arc::new(AtomicBool::new(true));
        let connected = reconnected.clone();
        let mut options = ConnectOptions::new()
            .name(format!("lianxin {service}"))
            .retry_on_initial_connect()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|attempts| {
                Duration::from_millis(50).saturating_mul(u32::try_from(attempts).unwrap_or(u32::MAX)).min(LONGEST_REST)
            })
            .event_callback(move |event| {
                let (wake, connected) = (wake.clone(), connected.clone());
                async move {
                    match event {
                        Event::Connected => {
                            connected.store(true, Ordering::SeqCst);
                            wake.notify_one();
                        }
                        Event::Disconnected => tracing::warn!("the broker is gone; news waits in the change log"),
                        other => tracing::debug!(event = %other, "broker"),
                    }
                }
            });
        let addresses: Vec<async_nats::ServerAddr> = config
            .nats_url
            .split(',')
            .map(|address| address.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(Error::internal)?;
        if let Some(address) = addresses.first()
            && let Some((user, password)) = login(address, config.nats_password_file.as_deref())?
        {
            options = options.user_and_password(user, password.expose().to_owned());
        }
        let client = options.connect(addresses).await.map_err(Error::internal)?;
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .ack_timeout(REQUEST_TIMEOUT)
            .build(client.clone());
        Ok(Self { client, jetstream, replicas: config.nats_replicas, reconnected })
    }

    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Was there a new connection since this was last asked? The stream behind it may no longer be the same.
    pub(crate) fn reconnected(&self) -> bool {
        self.reconnected.swap(false, Ordering::SeqCst)
    }

    /// The stream of a service, made if it does not exist, and checked against what we asked for: an
    /// older server drops what it does not know without a word.
    pub(crate) async fn stream(&self, service: &str) -> Result<Extent> {
        let wanted = stream::Config {
            name: stream_name(service),
            subjects: vec![format!("lianxin.v1.*.{service}.>")],
            description: Some(format!("News of {service}, the newest revision of every record wins")),
            storage: stream::StorageType::File,
            retention: stream::RetentionPolicy::Limits,
            discard: stream::DiscardPolicy::Old,
            duplicate_window: DUPLICATE_WINDOW,
            num_replicas: self.replicas,
            ..stream::Config::default()
        };
        let subjects = wanted.subjects.clone();
        let stream = self.jetstream.get_or_create_stream(wanted).await.map_err(unavailable)?;
        let info = stream.cached_info();
        if info.config.subjects != subjects {
            return Err(Error::internal(format!(
                "stream {} has subjects {:?}, not {subjects:?}",
                info.config.name, info.config.subjects
            )));
        }
        if info.config.max_messages > 0 || info.config.max_bytes > 0 || !info.config.max_age.is_zero() {
            tracing::warn!(
                stream = info.config.name,
                "the stream is limited; news older than its limits is published again and again"
            );
        }
        Ok(Extent {
            born: info.created,
            first: i64::try_from(info.state.first_sequence).unwrap_or(i64::MAX),
            last: i64::try_from(info.state.last_sequence).unwrap_or(i64::MAX),
        })
    }

    /// The durable consumer through which `reader` reads the news of `service`, made if it does not exist, and the
    /// stream that it reads.
    pub(crate) async fn consumer(&self, service: &str, reader: &str) -> Result<(Extent, PullConsumer)> {
        let extent = self.stream(service).await?;
        let wanted = pull::Config {
            durable_name: Some(reader.to_owned()),
            description: Some(format!("What {reader} reads of {service}")),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        let stream = self.jetstream.get_stream_no_info(stream_name(service)).await.map_err(unavailable)?;
        let consumer: PullConsumer = stream.get_or_create_consumer(reader, wanted).await.map_err(unavailable)?;
        let answered = &consumer.cached_info().config;
        if answered.ack_policy != AckPolicy::Explicit || !answered.filter_subject.is_empty() {
            return Err(Error::internal(format!("consumer {reader} of {service} is not the one we asked for")));
        }
        Ok((extent, consumer))
    }

    /// How far `reader` has read the news of `service` without a gap, and of which stream.
    pub(crate) async fn read_up_to(&self, service: &str, reader: &str) -> Result<Extent> {
        let (extent, consumer) = self.consumer(service, reader).await?;
        let floor = i64::try_from(consumer.cached_info().ack_floor.stream_sequence).unwrap_or(i64::MAX);
        Ok(Extent { last: floor, ..extent })
    }

    /// Sends what was already said, and goes.
    pub(crate) async fn leave(&self) {
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, self.client.flush()).await;
    }
}

/// Whom to log in as, and with what: the password in the file, or else the one in the address, which the client by itself
/// passes over in silence.
fn login(address: &async_nats::ServerAddr, password_file: Option<&Path>) -> Result<Option<(String, Secret)>> {
    let plain = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(Error::internal);
    let user = address.username().map_or_else(|| Ok("lianxin".to_owned()), plain)?;
    let password = match (password_file, address.password()) {
        (Some(file), _) => Secret::from_file(file)
            .map_err(|error| Error::internal(format!("password file {}: {error}", file.display())))?,
        (None, Some(password)) => Secret::new(plain(password)?),
        (None, None) => return Ok(None),
    };
    Ok(Some((user, password)))
}

/// The stream of a service: its name in capitals.
pub(crate) fn stream_name(service: &str) -> String {
    service.to_ascii_uppercase()
}

/// Trouble with the broker passes.
pub(crate) fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable { reason: proto::reasons::UNAVAILABLE, message: format!("the broker does not answer: {error}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn logged_in(address: &str) -> Option<(String, String)> {
        let login = login(&address.parse().unwrap(), None).unwrap();
        login.map(|(user, password)| (user, password.expose().to_owned()))
    }

    #[test]
    fn a_password_in_the_address_is_used() {
        assert_eq!(logged_in("nats://me:a%2Fb@127.0.0.1:4222"), Some(("me".to_owned(), "a/b".to_owned())));
        assert_eq!(logged_in("nats://me@127.0.0.1:4222"), None);
        assert_eq!(logged_in("nats://127.0.0.1:4222"), None);
    }
}
