//! What the server counts of itself, for an operator to see.
//!
//! Owns: [`Metrics`], [`Counter`], [`Gauge`], [`Histogram`]. Must not know: where something is counted, how it is shown
//! (`ops::exposition`). Counting is an atomic addition: it is done in the middle of statements.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::SqlState;

/// Everything one server counts, from its start on.
#[derive(Debug)]
pub struct Metrics {
    /// When counting began.
    pub started: SystemTime,
    /// Connections accepted, whatever became of them.
    pub connections: Counter,
    /// Sessions there are now.
    pub sessions: Gauge,
    /// Clients that did not prove who they are.
    pub authentication_failures: Counter,
    /// Statements, and how long each took until its answer was written.
    pub statements: Histogram,
    pub commits: Counter,
    /// Transactions undone, by their client or by an error.
    pub rollbacks: Counter,
    /// Transactions undone because another one came first (40001).
    pub conflicts: Counter,
    /// Transactions that were undone while their clients idled, so that others could write; and those of them that could not
    /// be repeated, because others had changed what they had read.
    pub parked: Counter,
    pub unrepeatable: Counter,
    /// How long writers waited for the right to write.
    pub ticket_wait: Histogram,
    pub store: StoreMetrics,
    errors: Mutex<BTreeMap<[u8; 5], u64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            started: SystemTime::now(),
            connections: Counter::default(),
            sessions: Gauge::default(),
            authentication_failures: Counter::default(),
            statements: Histogram::default(),
            commits: Counter::default(),
            rollbacks: Counter::default(),
            conflicts: Counter::default(),
            parked: Counter::default(),
            unrepeatable: Counter::default(),
            ticket_wait: Histogram::default(),
            store: StoreMetrics::default(),
            errors: Mutex::default(),
        }
    }
}

impl Metrics {
    /// A client is told of an error.
    pub fn error(&self, code: SqlState) {
        *lock(&self.errors).entry(code.0).or_default() += 1;
    }

    /// How many clients were told of which error.
    pub fn errors(&self) -> Vec<(SqlState, u64)> {
        lock(&self.errors).iter().map(|(code, count)| (SqlState(*code), *count)).collect()
    }
}

/// Something that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many of something there are.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One more, until the guard is dropped.
    pub fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that a [`Gauge`] counts.
#[derive(Debug)]
pub struct Entered<'g>(&'g Gauge);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where the buckets of every histogram end: from a read of a page in memory to a store that hardly answers.
pub const BOUNDS: [Duration; 17] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// How long things took.
#[derive(Debug, Default)]
pub struct Histogram {
    /// By bucket, the last one without an end; not cumulated.
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// One more, which took so long.
    pub fn observe(&self, duration: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < duration);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // More than five centuries of statements fit.
        self.nanoseconds.fetch_add(duration.as_nanos() as u64, Ordering::Relaxed);
    }

    /// How many there were up to each bound, and in all.
    pub fn cumulated(&self) -> [u64; BOUNDS.len() + 1] {
        let mut sum = 0;
        self.counts.each_ref().map(|count| {
            sum += count.load(Ordering::Relaxed);
            sum
        })
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How long they took together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

/// What is asked of an object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Get,
    Head,
    Put,
    List,
    Delete,
}

impl Operation {
    /// All of them, in the order of their numbers.
    pub const ALL: [(Operation, &str); 5] = [
        (Operation::Get, "get"),
        (Operation::Head, "head"),
        (Operation::Put, "put"),
        (Operation::List, "list"),
        (Operation::Delete, "delete"),
    ];
}

/// How an operation can end, as `storage::blob` names it.
pub const STATUSES: [&str; 8] =
    ["ok", "not_found", "precondition_failed", "unavailable", "unreachable", "no_answer", "denied", "invalid"];

/// The traffic with an object store.
#[derive(Debug, Default)]
pub struct StoreMetrics {
    durations: [Histogram; Operation::ALL.len()],
    bytes_sent: Counter,
    bytes_received: Counter,
    state: Mutex<StoreState>,
}

#[derive(Debug, Default)]
struct StoreState {
    /// By operation and status.
    operations: BTreeMap<(usize, &'static str), u64>,
    last: Option<(Instant, Option<String>)>,
}

impl StoreMetrics {
    /// An operation has ended after `duration` with that status; `broken` says in what way the store is out of order.
    pub fn finished(&self, operation: Operation, duration: Duration, status: &'static str, broken: Option<String>) {
        let number = operation as usize;
        if let Some(durations) = self.durations.get(number) {
            durations.observe(duration);
        }
        let mut state = lock(&self.state);
        *state.operations.entry((number, status)).or_default() += 1;
        state.last = Some((Instant::now(), broken));
    }

    /// That much was sent and received.
    pub fn transferred(&self, sent: u64, received: u64) {
        self.bytes_sent.add(sent);
        self.bytes_received.add(received);
    }

    /// Bytes of objects sent and received.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_sent.get(), self.bytes_received.get())
    }

    /// How many operations there were, by name and status; those that have not happened as well, so that whoever watches
    /// sees the first one happen.
    pub fn operations(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let counts = lock(&self.state).operations.clone();
        Operation::ALL.iter().flat_map(|(operation, name)| STATUSES.map(|status| (*operation, *name, status))).map(
            move |(operation, name, status)| {
                (name, status, counts.get(&(operation as usize, status)).copied().unwrap_or_default())
            },
        )
    }

    /// How long operations took, by name.
    pub fn durations(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        Operation::ALL.iter().map(|(_, name)| *name).zip(&self.durations)
    }

    /// How long ago the last operation ended, and what was wrong with the store then; none if there was none.
    pub fn last(&self) -> Option<(Duration, Option<String>)> {
        let state = lock(&self.state);
        state.last.as_ref().map(|(at, broken)| (at.elapsed(), broken.clone()))
    }
}

/// The data behind these locks is valid after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_with_its_bound() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 100, 2_500, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let cumulated = histogram.cumulated();
        assert_eq!(&cumulated[..6], &[2, 4, 4, 4, 4, 5]);
        assert_eq!(&cumulated[15..], &[5, 6, 7]);
        assert_eq!(histogram.count(), 7);
        assert_eq!(histogram.sum(), Duration::from_micros(20_002_702));
    }

    #[test]
    fn operations_are_in_the_order_of_their_numbers() {
        for (number, (operation, _)) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, number);
        }
    }

    #[test]
    fn a_gauge_counts_what_there_is() {
        let gauge = Gauge::default();
        let one = gauge.enter();
        let two = gauge.enter();
        drop(one);
        assert_eq!(gauge.get(), 1);
        drop(two);
        assert_eq!(gauge.get(), 0);
    }
}
