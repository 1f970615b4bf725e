//! The output gate: what a session has seen and must not tell anybody before it is durable.
//!
//! Owns: [`Seen`], [`Gate`]. Must not know: how commits become durable. DESIGN: durability is a watermark.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::storage::watermark::{CommitSequence, Watermark};

/// The highest stamp among what one session has seen. Shared by the session and its cursors.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    stamp: Arc<AtomicU64>,
    watermark: Arc<Watermark>,
}

impl Seen {
    /// Nothing seen yet.
    pub(crate) fn new(watermark: Arc<Watermark>) -> Self {
        Seen { stamp: Arc::default(), watermark }
    }

    /// A snapshot was taken before this call.
    pub(crate) fn note_snapshot(&self) {
        self.note(self.watermark.stamp());
    }

    /// Something of that stamp was seen.
    pub(crate) fn note(&self, stamp: CommitSequence) {
        // Only the session's own task writes, so a plain read before saves the locked instruction in a quiet database.
        if self.stamp.load(Ordering::Relaxed) < stamp {
            self.stamp.fetch_max(stamp, Ordering::Relaxed);
        }
    }

    /// Waits until all of it is durable.
    pub(crate) async fn wait(&self) {
        let stamp = self.stamp.load(Ordering::Relaxed);
        if stamp > self.watermark.last_durable() {
            self.watermark.wait(stamp).await;
        }
    }

    /// The position a snapshot taken before this call can contain.
    pub(crate) fn now(&self) -> CommitSequence {
        self.watermark.stamp()
    }
}

/// What one cursor's output has to wait for.
#[derive(Clone, Debug)]
pub(crate) enum Gate {
    /// A read with a snapshot of its own.
    Snapshot(Seen),
    /// Inside a write transaction, begun at this position: rows are provisional until COMMIT, which waits for more than
    /// they can show. An error is final, so it waits.
    Provisional(Seen, CommitSequence),
}

impl Gate {
    /// The statement has taken its snapshot.
    pub(crate) fn snapshot_taken(&self) {
        if let Gate::Snapshot(seen) = self {
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
