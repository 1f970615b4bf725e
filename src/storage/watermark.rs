//! How far a database's commits have come: announced, committed locally, durable.
//!
//! Owns: [`Watermark`], [`CommitSequence`]. Must not know: SQLite, how commits become durable (`storage::sink`), or what a
//! session does while it waits. DESIGN: durability is a watermark.
//!
//! A writer announces its number *before* SQLite's COMMIT makes the transaction visible, so whoever reads the announced
//! number *after* it has taken its snapshot has an upper bound of everything that snapshot contains. That bound is
//! the stamp a reader waits for. Only the holder of the write ticket announces and commits, so the numbers are in
//! the order of the commits.
//!
//! In an object store a commit can also turn out to be lost to another instance's, or nobody can tell. Such commits
//! are behind the durable position like all others that are not awaited any more, and have another [`Fate`].

use std::collections::VecDeque;
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The number of a commit, counted from 1 since the database was opened; 0 is everything that was there before.
pub type CommitSequence = u64;

/// What has become of a commit that is not awaited any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in the durable place.
    Durable,
    /// It is not and never will be: another instance came first.
    Lost,
    /// It may be or not, and nobody can find out.
    Unknown,
}

/// The three positions of one database: `durable <= committed <= intent`.
#[derive(Debug, Default)]
pub struct Watermark {
    intent: AtomicU64,
    committed: AtomicU64,
    durable: AtomicU64,
    /// Writers in the queue for the write ticket: more commits are about to come.
    queued: AtomicU64,
    waiting: Mutex<Vec<(CommitSequence, Waker)>>,
    /// The highest number that is behind the durable position and not durable; 0 for none.
    last_exception: AtomicU64,
    exceptions: Mutex<Exceptions>,
    patience: Option<Duration>,
    /// Counts what gets through to the durable place before the position moves.
    signs: Arc<AtomicU64>,
}

/// Commits behind the durable position that are not durable.
#[derive(Debug, Default)]
struct Exceptions {
    recent: VecDeque<(RangeInclusive<CommitSequence>, Fate)>,
    /// What is known of the commits up to here has been forgotten.
    forgotten: CommitSequence,
}

/// Exceptions remembered. They are asked for as soon as they are known.
const REMEMBERED: usize = 10_000;

impl Watermark {
    /// A watermark at 0.
    pub fn new() -> Self {
        Watermark::default()
    }

    /// A watermark at 0 for which nobody waits longer than `patience`.
    pub fn with_patience(patience: Duration) -> Self {
        Watermark { patience: Some(patience), ..Watermark::default() }
    }

    /// How long a wait may take; `None`: it always ends soon.
    pub fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// Changes while something gets through to the durable place: who waits need not lose patience.
    pub fn signs(&self) -> u64 {
        self.signs.load(Ordering::Relaxed)
    }

    /// Where the sink counts what gets through.
    pub fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.signs)
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

    /// Nothing up to `sequence` is awaited any more, and what is after the durable position is not durable.
    pub fn settle(&self, sequence: CommitSequence, fate: Fate) {
        let first = self.last_durable() + 1;
        if fate != Fate::Durable && first <= sequence {
            let mut exceptions = self.exceptions.lock().unwrap_or_else(PoisonError::into_inner);
            exceptions.recent.push_back((first..=sequence, fate));
            if exceptions.recent.len() > REMEMBERED
                && let Some((range, _)) = exceptions.recent.pop_front()
            {
                exceptions.forgotten = *range.end();
            }
            // Before the position moves: who is woken asks for the fate.
            self.last_exception.store(sequence, Ordering::Release);
        }
        self.publish_durable(sequence);
    }

    /// What has become of a commit up to the durable position.
    pub fn fate(&self, sequence: CommitSequence) -> Fate {
        if sequence > self.last_exception.load(Ordering::Acquire) {
            return Fate::Durable;
        }
        let exceptions = self.exceptions.lock().unwrap_or_else(PoisonError::into_inner);
        if sequence != 0 && sequence <= exceptions.forgotten {
            return Fate::Unknown;
        }
        let known = exceptions.recent.iter().rev().find(|(range, _)| range.contains(&sequence));
        known.map_or(Fate::Durable, |(_, fate)| *fate)
    }

    /// Resolves once everything up to `sequence` is durable, or its fate is another.
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

    #[test]
    fn a_commit_that_was_lost_is_told_from_its_neighbours() {
        let watermark = Watermark::new();
        for _ in 0..9 {
            watermark.committed(watermark.announce());
        }
        watermark.settle(3, Fate::Durable);
        watermark.settle(5, Fate::Lost);
        watermark.settle(7, Fate::Durable);
        watermark.settle(8, Fate::Unknown);
        let fates: Vec<Fate> = (0..=9).map(|sequence| watermark.fate(sequence)).collect();
        let (durable, lost, unknown) = (Fate::Durable, Fate::Lost, Fate::Unknown);
        assert_eq!(fates, [durable, durable, durable, durable, lost, lost, durable, durable, unknown, durable]);
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
