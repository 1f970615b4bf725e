//! Reads of what is durable while later commits are on their way to the disk: they wait for nothing. A read of the latest
//! commit would have to wait until that is durable before anything of it is told, as PostgreSQL's readers never do: there a
//! commit shows when it is durable.
//!
//! Owns: [`DurableReads`], [`LocalSink`]. Must not know: sessions, when to read what (`engine::database`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::Connection;

use crate::engine::pool::Lease;
use crate::engine::remote::bare;
use crate::engine::remote::snapshot::Snapshot;
use crate::storage::local::WalSync;
use crate::storage::sink::Sink;
use crate::storage::watermark::{CommitSequence, Watermark};

/// The state of a database that is durable.
#[derive(Debug, Default)]
pub(crate) struct DurableReads {
    /// At least what the watermark calls durable. Nothing keeps it from being overwritten; then it cannot be opened.
    state: RwLock<Option<Arc<Snapshot>>>,
    /// The last commit that changed the schema.
    schema_changed: AtomicU64,
    /// How many more of them are kept unless somebody asks for one: to take one takes as long as a quick disk does.
    wanted: AtomicU32,
}

/// How many states are kept after one was asked for.
const KEPT: u32 = 64;

impl DurableReads {
    /// The commit of that number changes the schema. Before sessions plan with it.
    pub(crate) fn schema_changes(&self, sequence: CommitSequence) {
        self.schema_changed.store(sequence, Ordering::Release);
    }

    /// Begins a transaction on the connection that reads the durable state, if that is not the latest one anyway. False if
    /// the latest one is to be read: there is nothing to wait for, the session has seen something later or plans with it,
    /// or the state is gone.
    pub(crate) fn begin(&self, lease: &Lease, watermark: &Watermark, seen: CommitSequence) -> bool {
        // In this order: the state is replaced before the position moves.
        let durable = watermark.last_durable();
        if watermark.stamp() <= durable || seen > durable || self.schema_changed.load(Ordering::Acquire) > durable {
            return false;
        }
        self.wanted.store(KEPT, Ordering::Relaxed);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner).clone();
        state.is_some_and(|state| lease.enter().begin_at(&state).is_ok())
    }

    fn is_wanted(&self) -> bool {
        let one_less = |wanted: u32| wanted.checked_sub(1);
        self.wanted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    fn put(&self, state: Option<Snapshot>) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state.map(Arc::new);
    }
}

/// Makes the log durable, and remembers which state that was.
pub(crate) struct LocalSink {
    log: WalSync,
    path: PathBuf,
    reads: Arc<DurableReads>,
    /// Opened when it is first needed.
    connection: Option<Connection>,
    is_empty: bool,
}

impl LocalSink {
    /// Of the database of that path.
    pub(crate) fn new(log: WalSync, path: &Path, reads: Arc<DurableReads>) -> Self {
        LocalSink { log, path: path.to_owned(), reads, connection: None, is_empty: true }
    }

    /// The latest state; `None` if it cannot be had just now.
    fn latest(&mut self) -> Option<Snapshot> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => bare::open(&self.path).ok()?,
        };
        let state = connection.execute_batch("BEGIN").and_then(|()| Snapshot::of(&connection));
        let ended = connection.execute_batch("ROLLBACK").is_ok();
        self.connection = ended.then_some(connection);
        state.ok()
    }
}

impl Sink for LocalSink {
    fn make_durable(&mut self, alone: bool) -> io::Result<()> {
        // Taken before the log is synced: all of it is durable afterwards.
        let state = if alone || !self.reads.is_wanted() { None } else { self.latest() };
        self.log.make_durable(alone)?;
        // Before the position moves.
        if state.is_some() || !self.is_empty {
            self.is_empty = state.is_none();
            self.reads.put(state);
        }
        Ok(())
    }
}
