//! Orders that come at once are carried out together, in one transaction.
//!
//! A commit costs the database as much as a dozen rows. While one transaction is under way, orders gather, and the next
//! carries all of them: a single caller waits for nobody, and a crowd shares the cost. Each order has its own answer; where
//! one spoils the transaction of the others, each is carried out by itself.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use proto::reasons;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Transactions under way at once: while one waits for the disk, the next is prepared.
const LANES: usize = 2;
/// Orders in one transaction.
const MOST: usize = 64;

/// What carries out orders.
pub trait Desk: Send + Sync + 'static {
    /// What somebody wants done.
    type Order: Send + Sync + 'static;
    /// What became of it.
    type Answer: Send + 'static;

    /// What no two orders of one transaction may have in common: the record, the request.
    fn keys(order: &Self::Order) -> Vec<Uuid>;

    /// Carries out orders in one transaction: all that are not refused, or none. One answer for each.
    fn carry_out(&self, orders: &[Self::Order]) -> impl Future<Output = Result<Vec<Result<Self::Answer>>>> + Send;
}

/// A desk, with those who wait before it. What is under way when this is dropped is cut off.
pub struct Together<D: Desk> {
    queue: Arc<Queue<D>>,
    _lanes: JoinSet<()>,
}

struct Queue<D: Desk> {
    desk: D,
    waiting: Mutex<VecDeque<Waiting<D>>>,
    bell: Notify,
}

struct Waiting<D: Desk> {
    order: D::Order,
    span: Span,
    answer: oneshot::Sender<Result<D::Answer>>,
}

impl<D: Desk> Together<D> {
    /// Opens a desk.
    #[must_use]
    pub fn new(desk: D) -> Self {
        let queue = Arc::new(Queue { desk, waiting: Mutex::default(), bell: Notify::new() });
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            lanes.spawn(queue.clone().serve());
        }
        Self { queue, _lanes: lanes }
    }

    /// Has an order carried out. If the caller goes away before it is begun, it is not.
    ///
    /// # Errors
    /// What the desk refused.
    pub async fn order(&self, order: D::Order) -> Result<D::Answer> {
        let (answer, answered) = oneshot::channel();
        self.queue.waiting().push_back(Waiting { order, span: Span::current(), answer });
        self.queue.bell.notify_one();
        answered.await.unwrap_or_else(|_| Err(unavailable("the service is stopping".to_owned())))
    }
}

impl<D: Desk> Queue<D> {
    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting<D>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self: Arc<Self>) {
        loop {
            let taken = self.take();
            if taken.is_empty() {
                self.bell.notified().await;
            } else {
                self.serve_all(taken).await;
            }
        }
    }

    /// The first orders that wait and have nothing in common.
    fn take(&self) -> Vec<Waiting<D>> {
        let mut waiting = self.waiting();
        let (mut taken, mut left, mut keys) = (Vec::new(), VecDeque::new(), HashSet::new());
        for one in waiting.drain(..).filter(|one| !one.answer.is_closed()) {
            let its = D::keys(&one.order);
            if taken.len() < MOST && its.iter().all(|key| !keys.contains(key)) {
                keys.extend(its);
                taken.push(one);
            } else {
                left.push_back(one);
            }
        }
        if !left.is_empty() {
            self.bell.notify_one();
        }
        *waiting = left;
        taken
    }

    async fn serve_all(&self, taken: Vec<Waiting<D>>) {
        let span = match taken.as_slice() {
            [one] => one.span.clone(),
            _ => tracing::info_span!("together", orders = taken.len()),
        };
        let (orders, askers): (Vec<_>, Vec<_>) =
            taken.into_iter().map(|one| (one.order, (one.span, one.answer))).unzip();
        match self.desk.carry_out(&orders).instrument(span).await {
            Ok(answers) => {
                for ((_, asker), answer) in askers.into_iter().zip(answers) {
                    let _ = asker.send(answer); // gone meanwhile: it was done all the same
                }
            }
            Err(error) if orders.len() > 1 && !error.is_transient() => {
                for (order, (span, asker)) in orders.iter().zip(askers) {
                    let alone = self.desk.carry_out(std::slice::from_ref(order)).instrument(span).await;
                    let answer = alone.and_then(|mut answers| {
                        answers.pop().unwrap_or_else(|| Err(Error::internal("an order without an answer")))
                    });
                    let _ = asker.send(answer);
                }
            }
            Err(error) => {
                let mut error = Some(error);
                for (_, asker) in askers {
                    let same = error.take().unwrap_or_else(|| unavailable("the database is busy".to_owned()));
                    if let Error::Unavailable { message, .. } = &same {
                        error = Some(unavailable(message.clone()));
                    }
                    let _ = asker.send(Err(same));
                }
            }
        }
    }
}

fn unavailable(message: String) -> Error {
    Error::Unavailable { reason: reasons::UNAVAILABLE, message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use std::time::Duration;

    /// Answers with how many orders there were; an odd one is refused, and 100 spoils the whole.
    struct Counting(Mutex<Vec<usize>>);

    impl Desk for Counting {
        type Order = u128;
        type Answer = usize;

        fn keys(order: &u128) -> Vec<Uuid> {
            vec![Uuid::from_u128(*order)]
        }

        async fn carry_out(&self, orders: &[u128]) -> Result<Vec<Result<usize>>> {
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.0.lock().unwrap().push(orders.len());
            if orders.contains(&100) {
                return Err(Error::internal("spoilt"));
            }
            let answer =
                |order: &u128| if order % 2 == 1 { Err(Error::NotFound(order.to_string())) } else { Ok(orders.len()) };
            Ok(orders.iter().map(answer).collect())
        }
    }

    async fn all(orders: &[u128]) -> (Vec<Result<usize>>, Vec<usize>) {
        let desk = Together::new(Counting(Mutex::default()));
        let answers = futures::future::join_all(orders.iter().map(|order| desk.order(*order))).await;
        let transactions = desk.queue.desk.0.lock().unwrap().clone();
        (answers, transactions)
    }

    #[tokio::test]
    async fn one_order_waits_for_nobody_and_many_share_a_transaction() {
        let (answers, transactions) = all(&[2]).await;
        assert_eq!((answers[0].as_ref().unwrap(), transactions), (&1, vec![1]));
        let orders: Vec<u128> = (1..=20).map(|order| order * 2).collect();
        let (answers, transactions) = all(&orders).await;
        assert!(answers.iter().all(Result::is_ok));
        assert!(transactions.len() <= 3, "{transactions:?}");
    }

    #[tokio::test]
    async fn a_refusal_is_its_own_and_the_others_are_done() {
        let (answers, _) = all(&[2, 3, 4]).await;
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    }

    #[tokio::test]
    async fn an_order_that_spoils_the_transaction_spoils_only_itself() {
        let (answers, _) = all(&[2, 100, 4]).await;
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    }

    #[tokio::test]
    async fn two_orders_for_one_record_are_never_in_one_transaction() {
        let (_, transactions) = all(&[2, 2, 2, 2]).await;
        assert_eq!(transactions, [1, 1, 1, 1]);
    }
}
