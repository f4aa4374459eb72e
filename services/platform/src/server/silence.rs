//! A limit on silence, for calls whose callers send for as long as their link takes: a photo over a slow link takes minutes,
//! and is given up when nothing of it comes any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tonic::body::Body;

/// No call goes on for longer, however fast it sends: whoever sends a byte now and then holds a place that others need.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// When something was last heard of a caller.
#[derive(Clone)]
pub(super) struct Heard {
    begun: Instant,
    /// Milliseconds after that.
    last: Arc<AtomicU64>,
}

impl Heard {
    /// Listens to what comes with a request.
    pub(super) fn listen(request: Request<Body>) -> (Self, Request<Body>) {
        let heard = Self { begun: Instant::now(), last: Arc::default() };
        let listening = heard.clone();
        let request = request.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let passed = u64::try_from(listening.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                listening.last.store(passed, Ordering::Relaxed);
                frame
            }))
        });
        (heard, request)
    }

    /// Does the work of a call; none when the caller was silent for so long.
    pub(super) async fn unless_silent<T>(&self, patience: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            let silent_at = self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed)) + patience;
            if silent_at <= Instant::now() {
                return None;
            }
            tokio::select! {
                done = &mut work => return Some(done),
                () = tokio::time::sleep_until(silent_at) => {}
            }
        }
    }
}
