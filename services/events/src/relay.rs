//! From the change log to the stream. Any number of replicas may relay.
//!
//! The broker acknowledges before it has fsynced, can be wiped, and can be restored from a backup. So
//! the relay never believes that a stream is as long as it was: it compares the stream's birth and
//! extent with the change log, and every acknowledgement with what is already known to lie there. What
//! the stream has lost is published again.

use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishAckFuture;
use chrono::{DateTime, Utc};
use futures::future::join_all;
use platform::database::within;
use platform::{Database, Result, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Extent, stream_name, unavailable};
use crate::changes::Changes;
use crate::envelope::Outgoing;

/// Changes published in one go, while their rows are locked.
const BATCH: i64 = 500;
/// The relay looks this often even if nobody rings: for changes of a replica that died after its commit.
const INTERVAL: Duration = Duration::from_secs(1);
/// Under load, batches begin no closer together: one that is published for each commit costs as much as the commit.
const PACE: Duration = Duration::from_millis(10);
/// How long the database and the broker may take together over one batch, or over one look at the stream: longer than
/// each of them may be silent by itself.
const LONGEST: Duration = Duration::from_secs(30);
/// The same with all that a stream has lost: it may be the whole change log, which the server takes its time for.
const LONGEST_HEALING: Duration = Duration::from_secs(150);
/// Rest after the broker or the database did not answer.
const REST: Duration = Duration::from_millis(200);

pub(crate) struct Relay {
    service: &'static str,
    database: Database,
    broker: Broker,
    changes: Changes,
}

impl Relay {
    pub(crate) fn new(service: &'static str, database: Database, broker: Broker, changes: Changes) -> Self {
        Self { service, database, broker, changes }
    }

    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut compared: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let rest = match self.publish_all(&mut compared, &shutdown).await {
                Ok(()) => INTERVAL,
                Err(error) => {
                    compared = None;
                    // That the broker is gone is said once, by the connection.
                    if self.broker.is_connected() {
                        tracing::warn!(error = error.in_full(), "news is not leaving; trying again");
                    }
                    REST
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.changes.woken(), if rest == INTERVAL => {}
                () = tokio::time::sleep(rest) => {}
            }
            tokio::time::sleep(PACE.saturating_sub(begun.elapsed())).await;
        }
    }

    async fn publish_all(&self, compared: &mut Option<Instant>, shutdown: &CancellationToken) -> Result<()> {
        if self.broker.reconnected() || compared.is_none_or(|at| at.elapsed() >= INTERVAL) {
            within(LONGEST_HEALING, self.heal()).await?;
            *compared = Some(Instant::now());
        }
        while !shutdown.is_cancelled()
            && within(LONGEST, self.publish_some()).await? == usize::try_from(BATCH).unwrap_or(0)
        {}
        Ok(())
    }

    /// Compares the stream with the change log, and marks what it has lost as unpublished.
    async fn heal(&self) -> Result<()> {
        if !self.broker.is_connected() {
            return Err(unavailable("no connection"));
        }
        let (mut tx, look) = within(LONGEST, self.look()).await?;
        let Look { shortest, longest, stream, born } = look;
        // Postgres keeps microseconds, NATS nanoseconds.
        let same = born.is_some_and(|born| (born - stream.born).abs() < chrono::Duration::microseconds(1));
        let lost = if !same {
            stream_set(&mut tx, &stream_name(self.service), &stream).await?;
            unpublish(&mut tx, 0, i64::MAX).await?
        } else if longest > Some(stream.last) {
            unpublish(&mut tx, stream.last + 1, i64::MAX).await?
        } else if shortest.is_some_and(|shortest| shortest < stream.first) {
            unpublish(&mut tx, 0, stream.first - 1).await?
        } else {
            0
        };
        within(LONGEST, async { Ok(tx.commit().await?) }).await?;
        if lost > 0 {
            tracing::warn!(lost, "the stream has lost news; publishing it again");
            metrics::counter!("lianxin_news_healed_total").increment(lost);
        }
        Ok(())
    }

    /// What the change log and the stream say of each other, and the transaction that has seen it.
    async fn look(&self) -> Result<(Tx, Look)> {
        let mut tx = self.database.begin(&Scope::deployment()).await?;
        // Known before asked: another replica may lengthen the stream meanwhile, never shorten it.
        let (shortest, longest): (Option<i64>, Option<i64>) =
            sqlx::query_as("select min(sequence), max(sequence) from published").fetch_one(&mut *tx).await?;
        let stream = self.broker.stream(self.service).await?;
        let born: Option<DateTime<Utc>> = sqlx::query_scalar("select born from stream where name = $1 for update")
            .bind(stream_name(self.service))
            .fetch_optional(&mut *tx)
            .await?;
        Ok((tx, Look { shortest, longest, stream, born }))
    }

    /// Publishes up to [`BATCH`] changes, and says how many it tried.
    async fn publish_some(&self) -> Result<usize> {
        // What a crash makes it forget is published again, which harms nobody.
        let mut tx = self.database.begin_repeatable(&Scope::deployment()).await?;
        let (claimed, longest) = claim(&mut tx).await?;
        if claimed.is_empty() {
            return Ok(0);
        }

        let mut sent = Vec::with_capacity(claimed.len());
        for Claimed { outgoing, event, .. } in &claimed {
            let publish = self.broker.jetstream().publish_with_headers(
                outgoing.subject(self.service),
                outgoing.headers(self.service),
                event.clone().into(),
            );
            sent.push(publish.await.map_err(unavailable)?);
        }
        let answers = join_all(sent.into_iter().map(PublishAckFuture::into_future)).await;

        let mut published = Published::default();
        let mut failed = None;
        for (Claimed { position, outgoing, .. }, answer) in claimed.iter().zip(answers) {
            match answer {
                Ok(ack) => {
                    let sequence = i64::try_from(ack.sequence).unwrap_or(i64::MAX);
                    published.note(*position, outgoing, sequence, ack.duplicate);
                }
                Err(error) => failed = Some(unavailable(error)),
            }
        }
        let lost = published.lost(&mut tx, longest).await?;
        published.mark(&mut tx).await?;
        tx.commit().await?;
        self.changes.tell_published();
        metrics::counter!("lianxin_news_published_total").increment(published.sequences.len() as u64);
        if lost > 0 {
            tracing::warn!(lost, "the stream was cut back; publishing again what it has lost");
            metrics::counter!("lianxin_news_healed_total").increment(lost);
        }
        failed.map_or(Ok(claimed.len()), Err)
    }
}

/// The change log beside the stream.
struct Look {
    /// First and last place of the stream at which the change log knows news to be.
    shortest: Option<i64>,
    longest: Option<i64>,
    stream: Extent,
    /// When the stream was born that these places belong to.
    born: Option<DateTime<Utc>>,
}

/// What the server acknowledged of one batch.
#[derive(Default)]
struct Published<'a> {
    positions: Vec<i64>,
    villages: Vec<&'a str>,
    sequences: Vec<i64>,
    /// Sequences at which the message was stored now, not found to be there already.
    fresh: Vec<i64>,
}

impl<'a> Published<'a> {
    fn note(&mut self, position: i64, outgoing: &'a Outgoing, sequence: i64, duplicate: bool) {
        self.positions.push(position);
        self.villages.push(&outgoing.village);
        self.sequences.push(sequence);
        if !duplicate {
            self.fresh.push(sequence);
        }
    }

    /// A message stored now lies behind everything that was known to be stored before; and no two
    /// messages lie at the same place. Where either is not so, the stream was cut back to before that
    /// place, and what was known to lie from there on is lost.
    async fn lost(&self, tx: &mut Tx, longest: Option<i64>) -> Result<u64> {
        let overtaken = self.fresh.iter().copied().filter(|sequence| Some(*sequence) <= longest).min();
        let collided: Option<i64> = sqlx::query_scalar("select min(sequence) from published where sequence = any($1)")
            .bind(&self.sequences)
            .fetch_one(&mut **tx)
            .await?;
        match overtaken.into_iter().chain(collided).min() {
            Some(from) => unpublish(tx, from, i64::MAX).await,
            None => Ok(0),
        }
    }

    async fn mark(&self, tx: &mut Tx) -> Result<()> {
        sqlx::query(
            "with gone as (delete from outbox where position = any($1))
             insert into published (position, village, sequence)
             select position, village, sequence from unnest($1, $2::text[], $3::bigint[]) as t (position, village, sequence)",
        )
        .bind(&self.positions)
        .bind(&self.villages)
        .bind(&self.sequences)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct ClaimedRow {
    position: i64,
    village: String,
    record: String,
    revision: i64,
    noun: String,
    #[sqlx(rename = "type")]
    type_name: String,
    event: Vec<u8>,
    traceparent: Option<String>,
    recorded_at: DateTime<Utc>,
    longest: Option<i64>,
}

/// A change, kept from other relays until the transaction ends.
struct Claimed {
    position: i64,
    outgoing: Outgoing,
    event: Vec<u8>,
}

/// The oldest changes that are not published, and the last place of the stream that is known.
async fn claim(tx: &mut Tx) -> Result<(Vec<Claimed>, Option<i64>)> {
    let rows: Vec<ClaimedRow> = sqlx::query_as(
        "select waiting.position, village, record, revision, noun, type, event, traceparent, recorded_at,
                (select max(sequence) from published) as longest
           from (select position from outbox order by position limit $1 for update skip locked) as waiting
          cross join lateral (select village, record, revision, noun, type, event, traceparent, recorded_at
                                from change_log
                               where change_log.position = waiting.position
                               limit 1) as change
          order by waiting.position",
    )
    .bind(BATCH)
    .fetch_all(&mut **tx)
    .await?;
    let longest = rows.first().and_then(|row| row.longest);
    let claimed = rows
        .into_iter()
        .map(|row| {
            let outgoing = Outgoing {
                village: row.village,
                record: row.record,
                revision: row.revision,
                noun: row.noun,
                type_name: row.type_name,
                traceparent: row.traceparent,
                recorded_at: row.recorded_at,
            };
            Claimed { position: row.position, outgoing, event: row.event }
        })
        .collect();
    Ok((claimed, longest))
}

async fn stream_set(tx: &mut Tx, name: &str, stream: &Extent) -> Result<()> {
    sqlx::query(
        "insert into stream (name, born) values ($1, $2)
         on conflict (name) do update set born = excluded.born",
    )
    .bind(name)
    .bind(stream.born)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets that the changes from one place of the stream to another are published.
async fn unpublish(tx: &mut Tx, from: i64, to: i64) -> Result<u64> {
    let lost = sqlx::query(
        "with lost as (delete from published where sequence between $1 and $2 returning position, village)
         insert into outbox (position, village) select position, village from lost on conflict do nothing",
    )
    .bind(from)
    .bind(to)
    .execute(&mut **tx)
    .await?;
    Ok(lost.rows_affected())
}
