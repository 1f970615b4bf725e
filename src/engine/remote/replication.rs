//! How far the chain in the object store is behind the working copy, for an operator to see.
//!
//! Owns: [`Replication`], [`Progress`]. Must not know: how the one follows the other (`remote::replicator`).

use std::time::{Duration, Instant};

use crate::storage::log::delta::Sequence;

/// The state of replication at one moment.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    /// The last state of the chain that the working copy has.
    pub sequence: Sequence,
    /// How long the oldest commit waits that the store does not have; zero if it has all.
    pub lag: Duration,
    /// Bytes in the write-ahead log that the store does not have.
    pub lag_bytes: u64,
    /// How often local commits were undone because another instance came first.
    pub conflicts: u64,
    /// What keeps the store from having the latest commits; none while all is well.
    pub error: Option<String>,
}

/// What the replicator notes about itself.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) sequence: Sequence,
    /// Frames in the log up to the durable position.
    pub(crate) durable_frames: u32,
    pub(crate) conflicts: u64,
    pub(crate) error: Option<String>,
    /// When the first commit of the batch under way was made.
    under_way: Option<Instant>,
    /// When the first commit after that batch was made.
    waiting: Option<Instant>,
}

impl Progress {
    /// There has been a commit.
    pub(crate) fn committed(&mut self) {
        self.waiting.get_or_insert_with(Instant::now);
    }

    /// All commits so far are in the batch that is appended now.
    pub(crate) fn taken(&mut self) {
        self.under_way = self.under_way.take().or(self.waiting.take());
        self.waiting = None;
    }

    /// The batch is not waited for any more.
    pub(crate) fn settled(&mut self) {
        self.under_way = None;
    }

    /// All commits so far are not waited for any more.
    pub(crate) fn all_settled(&mut self) {
        (self.under_way, self.waiting) = (None, None);
    }

    /// How long the oldest commit waits.
    pub(crate) fn lag(&self) -> Duration {
        self.under_way.or(self.waiting).map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_that_of_the_oldest_commit_not_in_the_store() {
        let mut progress = Progress::default();
        assert_eq!(progress.lag(), Duration::ZERO);
        progress.committed();
        progress.taken();
        let first = progress.under_way;
        progress.committed();
        // Failed, and taken again with what has come meanwhile.
        progress.taken();
        assert_eq!((progress.under_way, progress.waiting), (first, None));
        progress.committed();
        progress.settled();
        assert!(progress.waiting > first && progress.under_way.is_none());
        progress.all_settled();
        assert_eq!(progress.lag(), Duration::ZERO);
    }
}
