//! Reading one's own writes elsewhere: the owner gives a mark, the reader waits until it has passed it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::server::{WaitFor, admit};
use platform::{Database, Error, Result, Scope};
use proto::mark::METADATA_KEY;
use proto::platform::v1 as pb;
use proto::platform::v1::news_service_server::{NewsService, NewsServiceServer};
use proto::reasons;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use crate::broker::{Broker, Extent, stream_name};
use crate::changes::Changes;

/// First and longest rest between two looks while nobody rings.
const RESTS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));
/// Part of the caller's patience that is kept for the call itself and for saying that we gave up.
const RESERVE: u32 = 10;

/// The gRPC service that gives marks.
pub type NewsServer = NewsServiceServer<News>;

pub(crate) fn news_service(service: &'static str, database: Database, broker: Broker, changes: Changes) -> NewsServer {
    NewsServiceServer::new(News { service, database, broker, changes })
}

/// Gives marks of this service's news.
pub struct News {
    service: &'static str,
    database: Database,
    broker: Broker,
    changes: Changes,
}

#[tonic::async_trait]
impl NewsService for News {
    async fn mark(&self, request: Request<pb::MarkRequest>) -> Result<Response<pb::MarkResponse>, Status> {
        let patience = platform::server::deadline(request.metadata().as_ref()).unwrap_or(Duration::from_secs(10));
        let (caller, request) = admit(request)?;
        let scopes: Vec<Scope> = match request.parent.split_once('/') {
            None if request.parent.is_empty() => caller.scopes(),
            Some(("villages" | "subdistricts", code)) => vec![scope_of(&caller, code)?],
            _ => return Err(Error::field("parent", "is villages/…, subdistricts/… or empty").into()),
        };
        let give_up = Instant::now() + patience - patience / RESERVE;
        for scope in &scopes {
            self.published(scope, give_up).await?;
        }
        let stream = self.broker.stream(self.service).await?;
        Ok(Response::new(pb::MarkResponse { mark: Some(mark_of(self.service, &stream)) }))
    }
}

fn scope_of(caller: &platform::Caller, code: &str) -> Result<Scope> {
    match code.parse() {
        Ok(village) => Ok(caller.within(&village)?.scope().clone()),
        Err(_) => caller.over(code),
    }
}

impl News {
    /// Waits until all that is committed now within `scope` is published.
    async fn published(&self, scope: &Scope, give_up: Instant) -> Result<()> {
        let mut tx = self.database.read(scope).await?;
        let newest: Option<i64> = sqlx::query_scalar("select max(position) from outbox").fetch_one(&mut *tx).await?;
        drop(tx);
        let Some(newest) = newest else { return Ok(()) };
        self.changes.wake();
        wait(give_up, self.changes.published(), || async {
            let mut tx = self.database.read(scope).await?;
            let left: bool = sqlx::query_scalar("select exists (select 1 from outbox where position <= $1)")
                .bind(newest)
                .fetch_one(&mut *tx)
                .await?;
            Ok(!left)
        })
        .await
    }
}

fn mark_of(service: &str, stream: &Extent) -> pb::Mark {
    pb::Mark {
        stream: stream_name(service),
        incarnation: incarnation(stream),
        sequence: u64::try_from(stream.last).unwrap_or(0),
    }
}

/// A stream is known by the microsecond of its birth.
fn incarnation(stream: &Extent) -> String {
    stream.born.timestamp_micros().to_string()
}

/// What every call waits for: that this service has read the news which the call's marks name. A mark
/// of a stream that it does not read holds nothing up: it never will know more.
pub(crate) fn wait_for(
    service: &'static str,
    reads: Vec<&'static str>,
    broker: Broker,
    applied: Arc<Notify>,
) -> WaitFor {
    Arc::new(move |headers, patience| {
        let marks: Option<Vec<pb::Mark>> =
            headers.get_all(METADATA_KEY).iter().map(|value| value.to_str().ok()?.parse().ok()).collect();
        let (reads, broker, applied) = (reads.clone(), broker.clone(), applied.clone());
        Box::pin(async move {
            let marks = marks.ok_or_else(|| Error::field(METADATA_KEY, "is not STREAM/incarnation/sequence"))?;
            let give_up = Instant::now() + patience - patience / RESERVE;
            for mark in marks {
                if let Some(read) = reads.iter().find(|read| stream_name(read) == mark.stream) {
                    passed(&broker, read, service, &mark, &applied, give_up).await?;
                }
            }
            Ok(())
        })
    })
}

async fn passed(
    broker: &Broker,
    read: &str,
    service: &str,
    mark: &pb::Mark,
    applied: &Notify,
    give_up: Instant,
) -> Result<()> {
    wait(give_up, applied, || async {
        let floor = match broker.read_up_to(read, service).await {
            Ok(floor) => floor,
            Err(error) if error.is_transient() => return Ok(false),
            Err(error) => return Err(error),
        };
        if incarnation(&floor) != mark.incarnation {
            return Err(Error::refused(
                reasons::MARK_EXPIRED,
                "the stream was made anew since this mark; take a new mark",
            ));
        }
        Ok(u64::try_from(floor.last).unwrap_or(0) >= mark.sequence)
    })
    .await
}

/// Looks again and again until it is so, or there is no patience left: when the bell rings, and, as another replica may
/// be the one that makes it so, also while it does not.
async fn wait<F, Fut>(give_up: Instant, bell: &Notify, is_so: F) -> Result<()>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<bool>>,
{
    let mut rest = RESTS.0;
    loop {
        // Listens before it looks, so that it misses no ring in between.
        let rung = bell.notified();
        if is_so().await? {
            return Ok(());
        }
        if Instant::now() + rest >= give_up {
            return Err(Error::Unavailable {
                reason: reasons::NOT_YET_CAUGHT_UP,
                message: "the news that this call asked to wait for has not arrived yet".to_owned(),
            });
        }
        rest = match tokio::time::timeout(rest, rung).await {
            Ok(()) => RESTS.0,
            Err(_) => (rest * 2).min(RESTS.1),
        };
    }
}
