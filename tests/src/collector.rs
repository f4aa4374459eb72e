//! A collector of traces: what a deployment would send to Jaeger or Tempo arrives here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use tonic::{Request, Response, Status};

/// One span, with the service it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The service.
    pub service: String,
    /// Name of the span.
    pub name: String,
    /// Its trace, 32 hexadecimal digits.
    pub trace: String,
}

/// Collects spans until it is dropped with the test's runtime.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    /// Starts one on a free port.
    pub async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
        tokio::spawn(serving);
        (collector, address)
    }

    /// The spans that have arrived so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            let named = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service =
                named.and_then(|attribute| attribute.value).map(|value| format!("{value:?}")).unwrap_or_default();
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let trace = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
                self.spans.lock().unwrap().push(Span { service: service.clone(), name: span.name, trace });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
