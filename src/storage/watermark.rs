//! How far a database's commits have come: announced, committed locally, durable.
//!
//! Owns: [`Watermark`], [`CommitSequence`]. Must not know: SQLite, how commits become durable (`storage::sink`), or what a
//! session does while it waits. DESIGN: durability is a watermark.
//!
//! A writer announces its number *before* SQLite's COMMIT makes the transaction visible, so whoever reads the announced
//! number *after* it has taken its snapshot has an upper bound of everything that snapshot contains. That bound is
//! the stamp a reader waits for. Only the holder of the write ticket announces and commits, so the numbers are in
//! the order of the commits.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The number of a commit, counted from 1 since the database was opened; 0 is everything that was there before.
pub type CommitSequence = u64;

/// The three positions of one database: `durable <= committed <= intent`.
#[derive(Debug, Default)]
pub struct Watermark {
    intent: AtomicU64,
    committed: AtomicU64,
    durable: AtomicU64,
    /// Writers in the queue for the write ticket: more commits are about to come.
    queued: AtomicU64,
    waiting: Mutex<Vec<(CommitSequence, Waker)>>,
}

impl Watermark {
    /// A watermark at 0.
    pub fn new() -> Self {
        Watermark::default()
    }

    /// Announces the next commit. The caller holds the write ticket and calls [`committed`](Self::committed) with
    /// this number whatever becomes of the commit.
    pub fn announce(&self) -> CommitSequence {
        // Ordered before the commit that follows: a reader that sees the commit sees the number.
        self.intent.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The commit of that number has happened locally (or has failed and left nothing).
    pub fn committed(&self, sequence: CommitSequence) {
        self.committed.store(sequence, Ordering::Release);
    }

    /// A commit that changed nothing needs no sink if all before it are durable already. True if that was so.
    pub fn skip(&self, sequence: CommitSequence) -> bool {
        let skipped =
            self.durable.compare_exchange(sequence - 1, sequence, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if skipped {
            self.wake(sequence);
        }
        skipped
    }

    /// The stamp of what a snapshot taken before this call can contain.
    pub fn stamp(&self) -> CommitSequence {
        self.intent.load(Ordering::SeqCst)
    }

    /// Everything up to here is committed locally.
    pub fn last_committed(&self) -> CommitSequence {
        self.committed.load(Ordering::Acquire)
    }

    /// Everything up to here is durable.
    pub fn last_durable(&self) -> CommitSequence {
        self.durable.load(Ordering::Acquire)
    }

    /// Another writer waits for the ticket until the guard is dropped.
    pub fn queue(&self) -> Queued<'_> {
        self.queued.fetch_add(1, Ordering::Relaxed);
        Queued(self)
    }

    /// Whether writers wait for the ticket.
    pub fn has_queue(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > 0
    }

    /// Everything up to `sequence` is durable now; wakes those who waited for it. Never moves backwards.
    pub fn publish_durable(&self, sequence: CommitSequence) {
        if self.durable.fetch_max(sequence, Ordering::AcqRel) < sequence {
            self.wake(sequence);
        }
    }

    /// Resolves once everything up to `sequence` is durable.
    pub fn wait(&self, sequence: CommitSequence) -> DurableWait<'_> {
        DurableWait { watermark: self, sequence }
    }

    fn wake(&self, sequence: CommitSequence) {
        let ready: Vec<_> = self.waiters().extract_if(.., |(awaited, _)| *awaited <= sequence).collect();
        // Outside of the lock: a woken task may run at once on this core and register again.
        for (_, waker) in ready {
            waker.wake();
        }
    }

    /// The list is valid after any panic.
    fn waiters(&self) -> MutexGuard<'_, Vec<(CommitSequence, Waker)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue for the write ticket, see [`Watermark::queue`].
#[derive(Debug)]
pub struct Queued<'a>(&'a Watermark);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A wait for the durable position, see [`Watermark::wait`].
#[derive(Debug)]
pub struct DurableWait<'a> {
    watermark: &'a Watermark,
    sequence: CommitSequence,
}

impl Future for DurableWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.watermark.last_durable() >= self.sequence {
            return Poll::Ready(());
        }
        let mut waiting = self.watermark.waiters();
        // Again under the lock: `wake` takes it after the position has moved, so either we see the new position here
        // or `wake` sees our waker.
        if self.watermark.last_durable() >= self.sequence {
            return Poll::Ready(());
        }
        let known = waiting.iter().any(|(s, waker)| *s == self.sequence && waker.will_wake(context.waker()));
        if !known {
            waiting.push((self.sequence, context.waker().clone()));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn positions_follow_each_other() {
        let watermark = Watermark::new();
        assert_eq!(watermark.stamp(), 0);
        let first = watermark.announce();
        assert_eq!((first, watermark.stamp(), watermark.last_committed()), (1, 1, 0));
        watermark.committed(first);
        watermark.publish_durable(first);
        assert_eq!(watermark.last_durable(), 1);
        watermark.publish_durable(0);
        assert_eq!(watermark.last_durable(), 1, "never backwards");
    }

    #[test]
    fn an_empty_commit_is_skipped_only_if_nothing_is_pending_before_it() {
        let watermark = Watermark::new();
        let first = watermark.announce();
        watermark.committed(first);
        let second = watermark.announce();
        watermark.committed(second);
        assert!(!watermark.skip(second));
        watermark.publish_durable(first);
        assert!(watermark.skip(second));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_waiter_is_woken_once_its_number_is_durable() {
        let watermark = Arc::new(Watermark::new());
        let waits: Vec<_> = (1..=200u64)
            .map(|sequence| {
                let watermark = Arc::clone(&watermark);
                tokio::spawn(async move {
                    watermark.wait(sequence).await;
                    assert!(watermark.last_durable() >= sequence);
                })
            })
            .collect();
        let publisher = Arc::clone(&watermark);
        let thread = std::thread::spawn(move || {
            for sequence in (1..=200).step_by(7).chain([200]) {
                publisher.publish_durable(sequence);
                std::thread::yield_now();
            }
        });
        for wait in waits {
            wait.await.expect("waiter");
        }
        thread.join().expect("publisher");
    }
}
