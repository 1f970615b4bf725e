//! How the files and sockets that the system lets this process have open are shared out, so that neither clients nor
//! SQLite's connections can take what the other needs.
//!
//! Owns: [`Shares`], the count of SQLite connections in this process. Must not know: who uses them.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What neither of the two gets: standard streams, the runtime's own, the HTTP endpoint, logs that are synced, object
/// stores, files that are open for a moment.
const RESERVE: usize = 160;

/// A SQLite connection's database, log and temporary file; what connections share is in the reserve.
const OF_A_CONNECTION: usize = 3;

/// How many there may be of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Clients' sockets.
    pub sockets: usize,
    /// SQLite connections.
    pub connections: usize,
}

impl Shares {
    /// Of so many descriptors; no more than `sockets` are wanted.
    pub fn of(descriptors: u64, sockets: usize) -> Shares {
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let shared = descriptors - RESERVE.min(descriptors / 2);
        // A connection of SQLite's takes three, and serves many clients.
        let sockets = sockets.min(shared / 3 * 2);
        Shares { sockets, connections: ((shared - sockets) / OF_A_CONNECTION).max(2) }
    }
}

/// SQLite connections there may be, whatever database they are to: memory and descriptors are the process's.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Sets how many SQLite connections there may be.
pub fn limit_connections(limit: usize) {
    LIMIT.store(limit, Ordering::Relaxed);
}

/// How many there may be.
pub(crate) fn connection_limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

/// One of the connections there may be, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(());

impl Counted {
    /// `None` if there are enough.
    pub(crate) fn take() -> Option<Self> {
        let limit = connection_limit();
        let more = |open: usize| (open < limit).then_some(open + 1);
        OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Counted(()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn together_they_are_less_than_there_are() {
        for descriptors in [16, 64, 256, 1024, 4096, 1 << 20] {
            let Shares { sockets, connections } = Shares::of(descriptors, 11_064);
            let used = (sockets + connections * OF_A_CONNECTION) as u64;
            assert!(used < descriptors && sockets >= 4, "{descriptors}: {sockets}, {connections}");
        }
        assert_eq!(Shares::of(1024, 11_064), Shares { sockets: 576, connections: 96 });
        assert_eq!(Shares::of(1 << 20, 11_064).sockets, 11_064);
    }
}
