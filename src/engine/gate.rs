//! The output gate: what a session has seen and must not tell anybody before it is durable.
//!
//! Owns: [`Seen`], [`Gate`]. Must not know: how commits become durable. DESIGN: durability is a watermark.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::error_map::CONCURRENT_UPDATE;
use crate::engine::remote::replica::Replica;
use crate::error::{Error, Result, SqlState};
use crate::storage::watermark::{CommitSequence, Fate, Watermark};

/// The highest stamp among what one session has seen. Shared by the session and its cursors.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    stamp: Arc<AtomicU64>,
    /// Something of a lower stamp has been seen that was lost since.
    spoilt: Arc<AtomicBool>,
    watermark: Arc<Watermark>,
}

impl Seen {
    /// Nothing seen yet.
    pub(crate) fn new(watermark: Arc<Watermark>) -> Self {
        Seen { stamp: Arc::default(), spoilt: Arc::default(), watermark }
    }

    /// A snapshot was taken before this call.
    pub(crate) fn note_snapshot(&self) {
        self.note(self.watermark.stamp());
    }

    /// Something of that stamp was seen.
    pub(crate) fn note(&self, stamp: CommitSequence) {
        // Only the session's own task writes, so a plain read before saves the locked instruction in a quiet database.
        let before = self.stamp.load(Ordering::Relaxed);
        if before < stamp {
            if before != 0 && self.watermark.fate(before) != Fate::Durable {
                self.spoilt.store(true, Ordering::Relaxed);
            }
            self.stamp.fetch_max(stamp, Ordering::Relaxed);
        }
    }

    /// The highest of those stamps.
    pub(crate) fn stamp(&self) -> CommitSequence {
        self.stamp.load(Ordering::Relaxed)
    }

    /// Something of that stamp was seen, which may have become durable already.
    pub(crate) fn note_if_pending(&self, stamp: CommitSequence) {
        if stamp > self.watermark.last_durable() {
            self.note(stamp);
        }
    }

    /// Whether all of it is durable.
    pub(crate) fn is_durable(&self) -> bool {
        let stamp = self.stamp();
        stamp <= self.watermark.last_durable()
            && self.watermark.fate(stamp) == Fate::Durable
            && !self.spoilt.load(Ordering::Relaxed)
    }

    /// Waits until all of it is durable. An error if it is not going to be: it must not be told.
    pub(crate) async fn wait(&self) -> Result<()> {
        let stamp = self.stamp.load(Ordering::Relaxed);
        if stamp > self.watermark.last_durable() && !self.waited_for(stamp).await {
            return Err(unconfirmed(&self.watermark));
        }
        if self.watermark.fate(stamp) == Fate::Durable && !self.spoilt.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.forget();
        Err(overtaken())
    }

    /// Waits until the session's own commit is durable.
    pub(crate) async fn wait_for_commit(&self, sequence: CommitSequence) -> Result<()> {
        if sequence > self.watermark.last_durable() && !self.waited_for(sequence).await {
            return Err(unknown().with_detail(
                "The object store has not confirmed the commit in time. It is tried further, and may succeed.",
            ));
        }
        let error = match self.watermark.fate(sequence) {
            Fate::Durable => return Ok(()),
            Fate::Lost => overtaken(),
            Fate::Unknown => unknown().with_detail("The object store can no longer tell whether it has the commit."),
        };
        self.forget();
        Err(error)
    }

    /// False if patience was over before.
    async fn waited_for(&self, sequence: CommitSequence) -> bool {
        match self.watermark.patience() {
            None => {
                self.watermark.wait(sequence).await;
                true
            }
            Some(patience) => Box::pin(self.waited_patiently(sequence, patience)).await,
        }
    }

    async fn waited_patiently(&self, sequence: CommitSequence, patience: Duration) -> bool {
        loop {
            let signs = self.watermark.signs();
            if tokio::time::timeout(patience, self.watermark.wait(sequence)).await.is_ok() {
                return true;
            }
            // A large batch takes its time.
            if self.watermark.signs() == signs {
                return false;
            }
        }
    }

    /// The client is told that what it saw does not count.
    fn forget(&self) {
        self.stamp.store(0, Ordering::Relaxed);
        self.spoilt.store(false, Ordering::Relaxed);
    }

    /// The position a snapshot taken before this call can contain.
    pub(crate) fn now(&self) -> CommitSequence {
        self.watermark.stamp()
    }
}

/// Another instance of the server has committed first.
pub(crate) fn overtaken() -> Error {
    Error::new(SqlState::SERIALIZATION_FAILURE, CONCURRENT_UPDATE)
        .with_detail("Another instance of the server has written to the database first.")
        .with_hint("Retry the transaction.")
}

/// The answer to a COMMIT about which nothing better is known.
fn unknown() -> Error {
    Error::new(SqlState::TRANSACTION_RESOLUTION_UNKNOWN, "it is not known whether the transaction has been committed")
        .with_hint("Look for its effects before you retry it.")
}

/// The answer to what depends on commits that are not durable in time.
fn unconfirmed(watermark: &Watermark) -> Error {
    let seconds = watermark.patience().unwrap_or_default().as_secs();
    let message = format!("the object store has not confirmed the latest commits within {seconds} s");
    Error::new(SqlState::CONNECTION_FAILURE, message)
}

/// What one cursor's output has to wait for.
#[derive(Clone)]
pub(crate) enum Gate {
    /// A read of the durable state: nothing.
    Durable,
    /// A read with a snapshot of its own.
    Snapshot(Seen),
    /// As `Snapshot`, on a connection that a session keeps: whether the file has become another one since its last
    /// statement is found out at the first step.
    Kept(Seen, Arc<Replica>),
    /// Inside a write transaction, begun at this position: rows are provisional until COMMIT, which waits for more than
    /// they can show. An error is final, so it waits.
    Provisional(Seen, CommitSequence),
}

impl Gate {
    /// The statement has taken its snapshot.
    pub(crate) fn snapshot_taken(&self) {
        if let Gate::Snapshot(seen) | Gate::Kept(seen, _) = self {
            seen.note_snapshot();
        }
    }

    /// The statement has failed: its error may come from what is not durable yet.
    pub(crate) fn failed(&self) {
        if let Gate::Provisional(seen, begun) = self {
            seen.note(*begun);
        }
    }
}
