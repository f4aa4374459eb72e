//! The gate that every call passes.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use proto::reasons;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument;

use super::WaitFor;
use super::silence::{Heard, LONGEST};
use crate::caller::token::Keys;
use crate::caller::{Caller, permissions};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::telemetry;

/// Methods that need no token: they tell nothing that is anybody's.
const OPEN: &[&str] =
    &["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

#[derive(Clone)]
pub(super) struct GateLayer(Arc<Rules>);

struct Rules {
    keys: Keys,
    calls: Semaphore,
    call_timeout: Duration,
    wait_for: Option<WaitFor>,
}

impl GateLayer {
    pub(super) fn new(keys: Keys, config: &Config, wait_for: Option<WaitFor>) -> Self {
        let calls = Semaphore::new(config.calls);
        Self(Arc::new(Rules { keys, calls, call_timeout: config.call_timeout, wait_for }))
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { rules: self.0.clone(), inner }
    }
}

#[derive(Clone)]
pub(super) struct Gate<S> {
    rules: Arc<Rules>,
    inner: S,
}

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rules = self.rules.clone();
        let inner = self.inner.clone();
        let path = request.uri().path().to_owned();
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Box::pin(inner.oneshot(request));
        }
        if permissions::offices(&path).is_empty() && !permissions::is_public(&path) {
            // Not in the table, so nobody may; no method of the contract is missing there, so it does not exist. Whoever
            // makes up paths makes up no series of metrics.
            metrics::counter!("lianxin_calls_total", "method" => "unknown", "code" => "12").increment(1);
            let refused = Status::unimplemented("there is no such method; reflection lists those there are");
            return Box::pin(std::future::ready(Ok(refused.into_http())));
        }
        let span = tracing::info_span!("call", otel.name = %path, otel.kind = "server", rpc.method = %path, caller = tracing::field::Empty);
        telemetry::continue_trace(&span, request.headers().get("traceparent").and_then(|value| value.to_str().ok()));
        Box::pin(
            async move {
                let begun = Instant::now();
                let response = match rules.pass(&path, request, inner).await {
                    Ok(response) => response,
                    Err(error) => Status::from(error).into_http(),
                };
                let code =
                    response.headers().get("grpc-status").and_then(|code| code.to_str().ok()).unwrap_or("0").to_owned();
                metrics::counter!("lianxin_calls_total", "method" => path.clone(), "code" => code).increment(1);
                metrics::histogram!("lianxin_call_seconds", "method" => path).record(begun.elapsed().as_secs_f64());
                Ok(response)
            }
            .instrument(span),
        )
    }
}

impl Rules {
    async fn pass<S>(&self, path: &str, request: Request<Body>, inner: S) -> Result<Response<Body>>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let _permit = self.calls.try_acquire().map_err(|_| Error::Unavailable {
            reason: reasons::OVERLOADED,
            message: "too many calls at once".to_owned(),
        })?;
        let longest = if permissions::is_sent_slowly(path) { LONGEST } else { self.call_timeout };
        let patience = deadline(request.headers()).unwrap_or(longest).min(longest);
        if permissions::is_public(path) {
            // Nobody in particular: whoever it is waits for no news either.
            return tokio::time::timeout(patience, inner.oneshot(request)).await.map_or(
                Err(Error::TooLate),
                |answer| match answer {
                    Ok(response) => Ok(response),
                    Err(never) => match never {},
                },
            );
        }
        let caller = self.caller(path, request.headers()).await?;
        tracing::Span::current().record("caller", caller.subject());
        tracing::debug!(peer = ?super::peer(request.extensions()), "admitted");
        let (heard, mut request) = if permissions::is_sent_slowly(path) {
            let (heard, request) = Heard::listen(request);
            (Some(heard), request)
        } else {
            (None, request)
        };
        let carried_out = async {
            if let Some(wait_for) = &self.wait_for {
                wait_for(request.headers(), patience.min(self.call_timeout)).await?;
            }
            request.extensions_mut().insert(caller);
            match inner.oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        };
        let answered = async {
            match &heard {
                Some(heard) => heard.unless_silent(self.call_timeout, carried_out).await,
                None => Some(carried_out.await),
            }
        };
        tokio::time::timeout(patience, answered).await.ok().flatten().unwrap_or(Err(Error::TooLate))
    }

    async fn caller(&self, path: &str, headers: &HeaderMap) -> Result<Caller> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")))
            .ok_or(Error::Unauthenticated("send a token in the metadata: authorization: Bearer …"))?;
        let (subject, mut grants) = self.keys.verify(token.trim()).await?;
        let offices = permissions::offices(path);
        grants.retain(|grant| offices.contains(&grant.office));
        if grants.is_empty() {
            return Err(Error::Denied {
                reason: reasons::PERMISSION_DENIED,
                message: format!("none of your offices may call {path}"),
            });
        }
        Ok(Caller::new(subject, grants))
    }
}

/// The caller's own deadline (`grpc-timeout`: up to eight digits and a unit), if they named one.
#[must_use]
pub fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_deadline_is_read_in_every_unit_and_nonsense_is_none() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            deadline(&headers)
        };
        assert_eq!(read("2S"), Some(Duration::from_secs(2)));
        assert_eq!(read("1500m"), Some(Duration::from_millis(1500)));
        for text in ["", "S", "2", "-2S", "2x", "999999999S"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
