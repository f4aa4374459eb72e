//! Load and what it meets. An open loop sends at its rate whether or not answers come, and counts the time since a call
//! was due: a service that stalls cannot hide it by being asked less.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tonic::Status;

/// What became of the calls.
pub(crate) struct Met {
    /// From when each was due until it was answered, in microseconds.
    pub(crate) times: Histogram<u64>,
    /// How long a refusal took, in microseconds.
    pub(crate) refusals: Histogram<u64>,
    /// What was wrong with others, and how often.
    pub(crate) wrong: Vec<Status>,
    /// How long it took altogether.
    pub(crate) lasted: Duration,
}

impl Met {
    fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, 600_000_000, 3).unwrap();
        Self { times: histogram(), refusals: histogram(), wrong: Vec::new(), lasted: Duration::ZERO }
    }

    fn note(&mut self, took: Duration, outcome: Result<(), Status>) {
        let took = (took.as_micros() as u64).max(1);
        match outcome {
            Ok(()) => self.times.saturating_record(took),
            Err(status) if status.code() == tonic::Code::ResourceExhausted => self.refusals.saturating_record(took),
            Err(status) => self.wrong.push(status),
        }
    }

    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.lasted.as_secs_f64()
    }

    /// The time within which this part of the calls was answered, in milliseconds.
    pub(crate) fn at(&self, part: f64) -> f64 {
        self.times.value_at_quantile(part) as f64 / 1000.0
    }

    /// Says so, if anything was answered wrongly: how often with which words, digits left out.
    pub(crate) fn must_be_right(self, what: &str) -> Self {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for status in &self.wrong {
            let words = format!("{:?}: {}", status.code(), status.message());
            *kinds.entry(words.replace(|sign: char| sign.is_ascii_digit(), "")).or_default() += 1;
        }
        for (words, times) in kinds {
            eprintln!("{what}: answered wrongly {times} times: {words}");
        }
        self
    }
}

/// As many clients as said, each calling again as soon as it is answered: how much can be served.
pub(crate) async fn closed<F, Fut>(clients: usize, time: Duration, call: F) -> Met
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Status>> + Send,
{
    let met = Arc::new(Mutex::new(Met::new()));
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (met, next, call) = (met.clone(), next.clone(), call.clone());
        tasks.spawn(async move {
            while begun.elapsed() < time {
                let due = Instant::now();
                let outcome = call(next.fetch_add(1, Ordering::Relaxed)).await;
                met.lock().unwrap().note(due.elapsed(), outcome);
            }
        });
    }
    tasks.join_all().await;
    finished(met, begun)
}

/// Calls at a rate, whatever becomes of them: how long a caller waits.
pub(crate) async fn open<F, Fut>(a_second: f64, time: Duration, call: F) -> Met
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Status>> + Send,
{
    let met = Arc::new(Mutex::new(Met::new()));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..(a_second * time.as_secs_f64()) as u64 {
        let due = begun + Duration::from_secs_f64(number as f64 / a_second);
        tokio::time::sleep_until(due.into()).await;
        let (met, call) = (met.clone(), call.clone());
        tasks.spawn(async move {
            let outcome = call(number).await;
            met.lock().unwrap().note(due.elapsed(), outcome);
        });
    }
    tasks.join_all().await;
    finished(met, begun)
}

fn finished(met: Arc<Mutex<Met>>, begun: Instant) -> Met {
    let mut met = Arc::into_inner(met).unwrap().into_inner().unwrap();
    met.lasted = begun.elapsed();
    met
}
