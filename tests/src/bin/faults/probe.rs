//! Has the system recovered? It has when a fresh write of each service is acknowledged, and everybody who reads its news
//! has it, as its mark tells them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lianxin::client::{Metadata, reason};
use proto::casework::v1::GetConcernRequest;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::liaison::v1::GetVisitRequest;
use proto::liaison::v1::visit_service_client::VisitServiceClient;
use proto::platform::v1::news_service_client::NewsServiceClient;
use proto::platform::v1::{Mark, MarkRequest};
use proto::reasons;
use proto::reporting::v1::figure_service_client::FigureServiceClient;
use proto::reporting::v1::{FigureSet, GetFiguresRequest};

use crate::calls::{Calls, Outcome, timed};
use crate::ground::{Ground, village};
use crate::load::Worker;
use crate::model::{Noun, Record};

/// How long recovery may take before we say that something is stuck.
const LIMIT: Duration = Duration::from_secs(120);
/// How long one step of it is tried.
const PATIENCE: Duration = Duration::from_secs(100);

/// The one who looks.
pub(crate) struct Probe {
    /// Writes the fresh records.
    pub(crate) worker: Worker,
    calls: Calls,
    clerk: Metadata,
    /// The figures before the load: households, visits, concerns.
    before: [i64; 3],
}

impl Probe {
    /// To be made before the load begins.
    pub(crate) async fn new(seed: u64, calls: &Calls, clerks: &[Metadata; 2], ground: &Arc<Ground>) -> Result<Self> {
        let worker = Worker::new(0, seed, calls, clerks, ground);
        let mut probe = Self { worker, calls: calls.clone(), clerk: clerks[0].clone(), before: [0; 3] };
        let marks = probe.marks().await?;
        let figures = probe.figures(&marks).await?.context("the streams change before anything has happened")?;
        probe.before = counted(&figures);
        Ok(probe)
    }

    /// Writes once to each service and waits until everybody has read of it. Says how long it took since `begun`.
    pub(crate) async fn recovered(&mut self, begun: Instant) -> Result<Duration> {
        let visit = loop {
            if self.worker.new_household().await.is_some()
                && let Some(visit) = self.worker.new_visit().await
            {
                break visit.name;
            }
            self.still_patient(begun)?;
        };
        let concern = loop {
            match self.worker.new_concern().await {
                Some(concern) => break concern.name,
                None => self.still_patient(begun)?,
            }
        };
        loop {
            // What was acknowledged before the marks were taken is in the figures that are read after them.
            let made = Noun::ALL.map(|noun| self.calls.counts.made[noun as usize].load(Ordering::SeqCst));
            let marks = self.marks().await?;
            if self.everybody_has(&marks, &visit, &concern).await?
                && let Some(figures) = self.figures(&marks).await?
            {
                let took = begun.elapsed();
                for (noun, (seen, least)) in Noun::ALL.iter().zip(counted(&figures).iter().zip(self.expected(made))) {
                    if *seen < least {
                        let what = noun.collection();
                        self.calls.counts.broken(format!(
                            "reporting shows {seen} {what} after the mark of {least} acknowledged ones"
                        ));
                    }
                }
                return Ok(took);
            }
            self.still_patient(begun)?;
        }
    }

    fn expected(&self, made: [i64; 3]) -> [i64; 3] {
        [0, 1, 2].map(|at: usize| self.before[at] + made[at])
    }

    fn still_patient(&self, begun: Instant) -> Result<()> {
        if begun.elapsed() > LIMIT {
            bail!("not recovered after {} s; the last failure: {}", LIMIT.as_secs(), self.calls.counts.last_failure());
        }
        Ok(())
    }

    /// A mark of each owner.
    async fn marks(&self) -> Result<Vec<Mark>> {
        let mut marks = Vec::new();
        for noun in Noun::ALL {
            let service = noun.service();
            let taken = self.calls.insist(service, &self.clerk, Some(PATIENCE), async |line| {
                NewsServiceClient::new(line).mark(timed(MarkRequest { parent: village() })).await
            });
            let answer = self.done(taken.await, &format!("{service} gives no mark"))?;
            marks.push(answer.and_then(|answer| answer.mark).context("an answer without a mark")?);
        }
        Ok(marks)
    }

    /// Do liaison and casework answer a call that comes after these marks?
    async fn everybody_has(&self, marks: &[Mark], visit: &str, concern: &str) -> Result<bool> {
        let after = self.clerk.after(marks)?;
        let read = self.calls.insist("liaison", &after, Some(PATIENCE), async |line| {
            VisitServiceClient::new(line).get_visit(timed(GetVisitRequest { name: visit.to_owned() })).await
        });
        let visit = self.done(read.await, "liaison does not read the registry's news")?;
        let read = self.calls.insist("casework", &after, Some(PATIENCE), async |line| {
            ConcernServiceClient::new(line).get_concern(timed(GetConcernRequest { name: concern.to_owned() })).await
        });
        let concern = self.done(read.await, "casework does not read the news of registry and liaison")?;
        Ok(visit.is_some() && concern.is_some())
    }

    /// The village's figures after these marks; none if a stream was made anew since.
    pub(crate) async fn figures(&self, marks: &[Mark]) -> Result<Option<FigureSet>> {
        let after = self.clerk.after(marks)?;
        let read = self.calls.insist("reporting", &after, Some(PATIENCE), async |line| {
            let request = GetFiguresRequest { parent: village(), ..GetFiguresRequest::default() };
            FigureServiceClient::new(line).get_figures(timed(request)).await
        });
        let figures = self.done(read.await, "reporting does not read the news")?;
        Ok(figures.and_then(|figures| figures.total))
    }

    /// Figures after all there is now, and what the probe itself wrote.
    pub(crate) async fn finish(self) -> Result<(FigureSet, Vec<Record>)> {
        loop {
            let marks = self.marks().await?;
            if let Some(figures) = self.figures(&marks).await? {
                return Ok((figures, self.worker.into_records()));
            }
        }
    }

    /// The answer; none if the marks of the call have expired.
    fn done<T>(&self, outcome: Outcome<T>, otherwise: &str) -> Result<Option<T>> {
        match outcome {
            Outcome::Done(answer) => Ok(Some(answer)),
            Outcome::Refused(status) if reason(&status).as_deref() == Some(reasons::MARK_EXPIRED) => Ok(None),
            Outcome::Refused(status) => bail!("{otherwise}: {:?}, {}", status.code(), status.message()),
            Outcome::Unknown => {
                bail!("{otherwise} for {} s: {}", PATIENCE.as_secs(), self.calls.counts.last_failure())
            }
        }
    }
}

fn counted(figures: &FigureSet) -> [i64; 3] {
    [figures.households, figures.visits, figures.concerns_reported].map(i64::from)
}
