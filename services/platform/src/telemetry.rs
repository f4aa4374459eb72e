//! What a process says about itself: JSON logs, traces when a collector is named, metrics.
//!
//! Nothing personal is ever a field of a log line or a span: callers are named by their `sub`, records
//! by their resource names.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::error::{Error, Result};

/// Upper bounds in seconds of the buckets of every duration: from a point read to a long import.
const DURATIONS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// How often samples are put into their buckets: until then each takes memory of its own.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// How long a stopping process waits for its last spans to leave.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps telemetry running; dropped last, it sends what is still waiting.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// Starts telemetry for the process `service`, within its runtime. `RUST_LOG` chooses what is logged (default
    /// `info`).
    ///
    /// # Errors
    /// When it was started before in this process, or the collector's address is malformed.
    pub fn start(service: &'static str, otlp_endpoint: Option<&str>) -> Result<Self> {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt::layer()
            .json()
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr);
        let traces = otlp_endpoint
            .filter(|endpoint| !endpoint.is_empty())
            .map(|endpoint| exporter(service, endpoint))
            .transpose()?;
        let spans = traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer().with_tracer(provider.tracer("lianxin")).with_filter(
                tracing_subscriber::filter::Targets::new()
                    .with_targets([("platform", tracing::Level::INFO), ("events", tracing::Level::INFO)]),
            )
        });
        tracing_subscriber::registry().with(log.with_filter(filter)).with(spans).try_init().map_err(Error::internal)?;
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), DURATIONS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(Error::internal)?;
        tokio::spawn(keep_up(metrics.clone()));
        Ok(Self { traces, metrics })
    }

    /// What the admin port shows under /metrics.
    #[must_use]
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take()
            && let Err(error) = traces.shutdown_with_timeout(FLUSH_TIMEOUT)
        {
            tracing::debug!(%error, "some spans did not leave");
        }
    }
}

/// Keeps durations from piling up where nobody asks for /metrics.
async fn keep_up(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP_INTERVAL).await;
        metrics.run_upkeep();
    }
}

fn exporter(service: &'static str, endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().map_err(Error::internal)?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}

/// The trace context of the current span as W3C `traceparent`; none when nothing is traced.
#[must_use]
pub fn traceparent() -> Option<String> {
    struct Slot(Option<String>);
    impl Injector for Slot {
        fn set(&mut self, key: &str, value: String) {
            if key == "traceparent" {
                self.0 = Some(value);
            }
        }
    }
    let mut slot = Slot(None);
    TraceContextPropagator::new().inject_context(&tracing::Span::current().context(), &mut slot);
    slot.0
}

/// Makes `span` a child of the span that a `traceparent` names, if it names one.
pub fn continue_trace(span: &tracing::Span, traceparent: Option<&str>) {
    struct Header<'a>(&'a str);
    impl Extractor for Header<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            (key == "traceparent").then_some(self.0)
        }
        fn keys(&self) -> Vec<&str> {
            vec!["traceparent"]
        }
    }
    if let Some(text) = traceparent {
        let parent = TraceContextPropagator::new().extract(&Header(text));
        let _ = span.set_parent(parent); // refused only by a span that is not recorded
    }
}
