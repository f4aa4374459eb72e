//! From the stream to a reader: a batch is applied in one transaction, committed, then acknowledged.
//!
//! What cannot be applied now, because the database is away, comes again after a growing delay. What
//! cannot be applied at all is laid aside in `dead_letter` and never stands in the way of others. What
//! the reader does not know is acknowledged and counted, so that producers may add events freely.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use futures::{FutureExt, StreamExt};
use platform::database::within;
use platform::{Caller, Database, Error, Result, Scope, Tx, telemetry};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::broker::{Broker, unavailable};
use crate::changes::Changes;
use crate::dead_letters;
use crate::envelope::{News, newest, type_of};

/// News applied in one transaction.
const BATCH: usize = 500;
/// After so much news the server counts its rows for the first time.
const FIRST_COUNT: usize = 1_000;
/// The server says this often that it is still there; twice missed, we ask again.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long one request for news stays open.
const REQUEST_OPEN: Duration = Duration::from_secs(20);
/// How long a batch may take: well beyond the broker's patience, after which others try it too.
const LONGEST: Duration = Duration::from_secs(30);
/// Rest after the broker did not answer.
const REST: Duration = Duration::from_millis(200);
/// How often letters that somebody asked to retry are looked for.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// First and longest delay after which news that could not be applied comes again.
const DELAYS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// What a service does about the news of another: its reactions.
pub trait Reader: Send + Sync + 'static {
    /// Does this reader know events of this type (full message name)?
    fn knows(&self, type_name: &str) -> bool;

    /// Does this reader want every revision of such news, and not only the newest? For what is to be known of days that
    /// have gone by.
    fn wants_every(&self, _type_name: &str) -> bool {
        false
    }

    /// Applies a batch: of each record the newest revision that came, or every one if it wants them, in the order of types
    /// and record names, the newest first. It keeps only what is newer than what it has, and makes whatever follows with
    /// ids derived from the cause, so that doing it twice is doing it once. `by` is the service itself, for the change log.
    fn apply(&self, tx: &mut Tx, by: &Caller, news: &[News]) -> impl Future<Output = Result<()>> + Send;
}

pub(crate) struct Consumer<R> {
    reader_name: &'static str,
    service: &'static str,
    database: Database,
    broker: Broker,
    changes: Changes,
    applied: Arc<Notify>,
    growth: Growth,
    reader: R,
    by: Caller,
}

/// How much news was applied since the service started, and at how much the server next counts its rows again.
struct Growth {
    applied: AtomicUsize,
    next: AtomicUsize,
}

impl<R: Reader> Consumer<R> {
    pub(crate) fn new(
        reader_name: &'static str,
        service: &'static str,
        database: Database,
        broker: Broker,
        changes: Changes,
        applied: Arc<Notify>,
        reader: R,
    ) -> Self {
        let by = Caller::service(reader_name);
        Self {
            reader_name,
            service,
            database,
            broker,
            changes,
            applied,
            growth: Growth { applied: AtomicUsize::new(0), next: AtomicUsize::new(FIRST_COUNT) },
            reader,
            by,
        }
    }

    pub(crate) async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                outcome = self.read(&shutdown) => if let Err(error) = outcome {
                    tracing::warn!(error = error.in_full(), service = self.service, "news is not coming; trying again");
                },
                () = self.retry_letters() => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(REST) => {}
            }
        }
    }

    /// Reads until the broker fails us or we are told to stop. Then the batch in hand is finished and the rest given
    /// back: what is left unanswered comes again only after a while, and whoever waits for it waits that long.
    async fn read(&self, shutdown: &CancellationToken) -> Result<()> {
        let asked = async {
            let (_, consumer) = self.broker.consumer(self.service, self.reader_name).await?;
            let asked = consumer.stream().max_messages_per_batch(2 * BATCH).expires(REQUEST_OPEN).heartbeat(HEARTBEAT);
            asked.messages().await.map_err(unavailable)
        };
        let messages = tokio::select! {
            messages = asked => messages?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let mut batches = messages.ready_chunks(BATCH);
        loop {
            let batch = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else { return Ok(()) };
            let mut taken = Vec::with_capacity(batch.len());
            let mut broken = None;
            for message in batch {
                match message {
                    Ok(message) => taken.push(message),
                    Err(error) => broken = Some(unavailable(error)),
                }
            }
            self.take(taken).await;
            self.applied.notify_waiters();
            if let Some(error) = broken {
                return Err(error);
            }
        }
        while let Some(Some(batch)) = batches.next().now_or_never() {
            for message in batch.into_iter().flatten() {
                if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
                    tracing::debug!(%error, "news was not given back; it comes again by itself");
                }
            }
        }
        Ok(())
    }

    /// Applies messages and answers each of them.
    async fn take(&self, messages: Vec<Message>) {
        let mut known = Vec::with_capacity(messages.len());
        for message in messages {
            if type_of(message.headers.as_ref()).is_some_and(|type_name| !self.reader.knows(type_name)) {
                self.done(&message, "unknown").await;
                continue;
            }
            match News::read(message.headers.as_ref(), message.payload.clone()) {
                Ok(news) => known.push((message, news)),
                Err(error) => {
                    tracing::warn!(%error, subject = %message.subject, "a message that is not news");
                    self.done(&message, "foreign").await;
                }
            }
        }
        if known.is_empty() {
            return;
        }
        let batch = known.iter().map(|(_, news)| news.clone()).collect();
        match self.apply(batch).await {
            Ok(()) => {
                for (message, _) in &known {
                    self.done(message, "applied").await;
                }
                self.grown(known.len()).await;
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(error = error.in_full(), news = known.len(), "news cannot be applied now");
                for (message, _) in &known {
                    self.later(message).await;
                }
            }
            // Something in the batch is bad: find out what, and apply the rest.
            Err(_) => {
                for (message, news) in known {
                    self.take_one(&message, news).await;
                }
            }
        }
    }

    /// Each time twice as much has come, the server counts again: plans made while a table was small do not fit it for long.
    async fn grown(&self, by: usize) {
        let applied = self.growth.applied.fetch_add(by, Ordering::Relaxed) + by;
        let next = self.growth.next.load(Ordering::Relaxed);
        if applied < next {
            return;
        }
        self.growth.next.store(applied * 2, Ordering::Relaxed);
        if let Err(error) = self.database.count_rows().await {
            tracing::warn!(error = error.in_full(), "the server does not count its rows; it will by itself");
        }
    }

    async fn take_one(&self, message: &Message, news: News) {
        match self.apply(vec![news.clone()]).await {
            Ok(()) => self.done(message, "applied").await,
            Err(error) if error.is_transient() => self.later(message).await,
            Err(error) => match self.lay_aside(&news, &error).await {
                Ok(()) => self.done(message, "dead").await,
                Err(_) => self.later(message).await,
            },
        }
    }

    /// Applies news in one transaction, within the traces of the requests that made it.
    async fn apply(&self, news: Vec<News>) -> Result<()> {
        let news = newest(news, |type_name| self.reader.wants_every(type_name));
        let spans: Vec<tracing::Span> = news
            .iter()
            .filter(|one| one.traceparent.is_some())
            .map(|one| {
                let span = tracing::info_span!(
                    "read news",
                    otel.kind = "consumer",
                    record = one.record,
                    reader = self.reader_name
                );
                telemetry::continue_trace(&span, one.traceparent.as_deref());
                span
            })
            .collect();
        let applied = within(LONGEST, async {
            let mut tx = self.database.begin(&Scope::deployment()).await?;
            self.reader.apply(&mut tx, &self.by, &news).await?;
            self.changes.commit(tx).await
        });
        // What a reaction changes belongs to the trace of its cause, where the batch has only one.
        match spans.as_slice() {
            [span] => applied.instrument(span.clone()).await,
            _ => applied.await,
        }
    }

    async fn lay_aside(&self, news: &News, error: &Error) -> Result<()> {
        tracing::error!(
            error = error.in_full(),
            record = news.record,
            "news cannot be applied; laid aside as a dead letter"
        );
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        dead_letters::letter_insert(&mut tx, self.service, news, error).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes up letters that somebody asked to retry; never returns.
    async fn retry_letters(&self) {
        loop {
            tokio::time::sleep(RETRY_INTERVAL).await;
            if let Err(error) = within(LONGEST, self.retry_some()).await {
                tracing::warn!(error = error.in_full(), "dead letters cannot be retried now");
            }
        }
    }

    async fn retry_some(&self) -> Result<()> {
        loop {
            let mut tx = self.database.begin(&Scope::deployment()).await?;
            let Some(news) = dead_letters::letter_claim(&mut tx, self.service).await? else { return Ok(()) };
            match self.reader.apply(&mut tx, &self.by, std::slice::from_ref(&news)).await {
                Ok(()) => {
                    dead_letters::letter_delete(&mut tx, &news).await?;
                    self.changes.commit(tx).await?;
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    drop(tx);
                    self.lay_aside(&news, &error).await?;
                }
            }
        }
    }

    async fn done(&self, message: &Message, outcome: &'static str) {
        metrics::counter!("lianxin_news_read_total", "from" => self.service, "outcome" => outcome).increment(1);
        if let Err(error) = message.ack().await {
            tracing::debug!(%error, "an acknowledgement was lost; the news comes again");
        }
    }

    async fn later(&self, message: &Message) {
        metrics::counter!("lianxin_news_read_total", "from" => self.service, "outcome" => "later").increment(1);
        let before = message.info().map_or(1, |info| info.delivered.max(1));
        let doubled = u32::try_from(before - 1).unwrap_or(u32::MAX).min(16);
        let delay = (DELAYS.0 * 2_u32.pow(doubled)).min(DELAYS.1);
        if let Err(error) = message.ack_with(AckKind::Nak(Some(delay))).await {
            tracing::debug!(%error, "a refusal was lost; the news comes again");
        }
    }
}
