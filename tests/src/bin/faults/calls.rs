//! Calls as a careful client makes them: each with a deadline, to the other replica when one fails, with the same
//! `request_id` until there is an answer that settles it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use lianxin::client::{Line, Metadata, reason};
use proto::reasons;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::system::System;

/// How long one attempt may take.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(4);
/// So many things that are not as they must be are told as they happen.
const TOLD: usize = 20;
/// First and longest rest between two attempts.
const RESTS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(400));

/// What became of a call.
pub(crate) enum Outcome<T> {
    /// It was acknowledged.
    Done(T),
    /// It was given up: it may have happened or not.
    Unknown,
    /// The service refused it for good.
    Refused(Status),
}

/// What is counted while the system is under load.
#[derive(Default)]
pub(crate) struct Counts {
    /// Attempts that failed in a way that passes.
    pub(crate) failed: AtomicU64,
    /// Writes acknowledged.
    pub(crate) acknowledged: AtomicU64,
    /// Writes given up without an answer.
    pub(crate) unknown: AtomicU64,
    /// Households, visits and concerns made by acknowledged writes: figures may not show fewer.
    pub(crate) made: [AtomicI64; 3],
    broken: Mutex<Vec<String>>,
    last_failure: Mutex<String>,
}

impl Counts {
    /// Notes that something is not as it must be.
    pub(crate) fn broken(&self, what: String) {
        let mut broken = self.broken.lock().unwrap();
        if broken.len() < TOLD {
            println!("          BROKEN: {what}");
        }
        broken.push(what);
    }

    /// All that was noted.
    pub(crate) fn all_broken(&self) -> Vec<String> {
        self.broken.lock().unwrap().clone()
    }

    /// The newest failure of an attempt.
    pub(crate) fn last_failure(&self) -> String {
        self.last_failure.lock().unwrap().clone()
    }
}

/// Channels to every replica, and where calls are counted.
#[derive(Clone)]
pub(crate) struct Calls {
    channels: Arc<BTreeMap<&'static str, Vec<Channel>>>,
    /// Calls begin at each replica in turn.
    turn: Arc<AtomicUsize>,
    /// What was counted.
    pub(crate) counts: Arc<Counts>,
}

impl Calls {
    /// Channels through the proxies of the system's services. Each connects when it is needed, and again when it broke.
    pub(crate) fn to(system: &System) -> Result<Self> {
        let mut channels: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for replica in &system.replicas {
            let endpoint = Endpoint::from_shared(replica.address())?.connect_timeout(Duration::from_secs(1));
            // One that fell silent is given up within some seconds.
            let endpoint = endpoint
                .http2_keep_alive_interval(Duration::from_secs(2))
                .keep_alive_timeout(Duration::from_secs(3))
                .keep_alive_while_idle(true);
            channels.entry(replica.service).or_default().push(endpoint.connect_lazy());
        }
        Ok(Self { channels: Arc::new(channels), turn: Arc::default(), counts: Arc::default() })
    }

    /// Calls until there is an answer, or `patience` is over. With none, one failure is enough to give up.
    pub(crate) async fn insist<T, F, Fut>(
        &self,
        service: &str,
        caller: &Metadata,
        patience: Option<Duration>,
        call: F,
    ) -> Outcome<T>
    where
        F: Fn(Line) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        let channels = &self.channels[service];
        let begun = Instant::now();
        let mut rest = RESTS.0;
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        for attempt in 0.. {
            let channel = channels[(first + attempt) % channels.len()].clone();
            let answer = tokio::time::timeout(ATTEMPT, call(InterceptedService::new(channel, caller.clone()))).await;
            let status = match answer {
                Ok(Ok(answer)) => return Outcome::Done(answer.into_inner()),
                Ok(Err(status)) if passes(&status) => status,
                Ok(Err(status)) => return Outcome::Refused(status),
                Err(_) => Status::deadline_exceeded("no answer"),
            };
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            *self.counts.last_failure.lock().unwrap() = format!("{service}: {:?} {}", status.code(), status.message());
            if patience.is_none_or(|patience| begun.elapsed() > patience) {
                return Outcome::Unknown;
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 2).min(RESTS.1);
        }
        Outcome::Unknown
    }
}

/// A message with the deadline of an attempt.
pub(crate) fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ATTEMPT);
    request
}

/// Is it worth trying again? What did not come from a service, but from the way to it, always is.
fn passes(status: &Status) -> bool {
    match reason(status).as_deref() {
        None => true,
        Some(reasons::UNAVAILABLE | reasons::OVERLOADED | reasons::DEADLINE_EXCEEDED | reasons::NOT_YET_CAUGHT_UP) => {
            true
        }
        Some(_) => false,
    }
}
