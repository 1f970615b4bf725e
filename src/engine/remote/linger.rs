//! How long an append waits for those who were answered by the one before.
//!
//! Owns: [`Linger`]. Must not know: what is appended. Specification: STORAGE, costs.
//!
//! Clients that commit again as soon as they are answered come a little after the next append could have begun. Without
//! a wait they miss it, so that each append has half of the clients and every client waits for two.

use std::time::Duration;

use tokio::time::Instant;

use crate::storage::watermark::CommitSequence;

/// The wait takes this part of the append's time, and no longer than [`LONGEST`].
const PART: u32 = 8;
const LONGEST: Duration = Duration::from_millis(10);

/// The wait after one append.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linger {
    until: Instant,
    /// The commit with which as many have come as were answered.
    all: CommitSequence,
}

impl Linger {
    /// After an append that has taken so long and has answered so many; `committed` is the last commit.
    pub(super) fn after(now: Instant, took: Duration, answered: u64, committed: CommitSequence) -> Self {
        Linger { until: now + LONGEST.min(took / PART), all: committed.saturating_add(answered) }
    }

    /// When it is over at the latest; none if it is.
    pub(super) fn until(self, now: Instant, committed: CommitSequence) -> Option<Instant> {
        (committed < self.all && now < self.until).then_some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_when_all_are_back_or_after_a_part_of_the_time() {
        let (now, milliseconds) = (Instant::now(), Duration::from_millis);
        for (took, expected) in [(8, 1), (80, 10), (800, 10)] {
            let (linger, end) = (Linger::after(now, milliseconds(took), 3, 10), now + milliseconds(expected));
            assert_eq!(linger.until(now, 12), Some(end));
            assert_eq!(linger.until(now, 13), None);
            assert_eq!(linger.until(end, 12), None);
        }
    }
}
