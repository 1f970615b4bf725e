//! What the sessions of a database in an object store share with its replicator.
//!
//! Owns: [`Replica`]. Must not know: the object store, sessions.
//!
//! Reads outside of write transactions see the durable state, so they wait for nothing and tell of nothing that may be
//! lost. They begin under a shared lock; who replaces pages of the file or starts its log anew takes the lock alone,
//! so the schema a connection knows, the snapshot it opens and the file fit each other.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{Notify, watch};

use crate::engine::connection::Control;
use crate::engine::database::wal_path;
use crate::engine::pool::Lease;
use crate::engine::remote::replication::{Progress, Replication};
use crate::engine::remote::snapshot::Snapshot;
use crate::error::{Error, Result, SqlState};
use crate::storage::log::wal::WalPosition;
use crate::storage::watermark::{CommitSequence, Fate, Watermark};

/// See the module.
#[derive(Debug)]
pub(crate) struct Replica {
    wal: Arc<File>,
    watermark: Arc<Watermark>,
    durable: RwLock<Arc<Snapshot>>,
    /// Where the last local commit ends. Locked around each COMMIT, so that whoever has it sees no commit half done.
    local: Mutex<WalPosition>,
    committed: Notify,
    evicting: watch::Sender<bool>,
    /// The last commit that changed the schema.
    schema_changed: AtomicU64,
    /// Commits wait for the object store.
    waits: bool,
    /// The most pages that the database may have, so that each of its transactions can be appended.
    most_pages: u64,
    /// Why nothing can be written now.
    refusal: Mutex<Option<Error>>,
    /// Why nothing can be read or written any more.
    end: OnceLock<Error>,
    progress: Mutex<Progress>,
}

/// Which state a transaction just begun reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// The durable one.
    Durable,
    /// The latest one: what it shows has to wait.
    Latest,
}

impl Replica {
    /// The state of a working copy whose latest state is durable, with `frames` frames in its log.
    pub(crate) fn new(
        path: &Path,
        watermark: Arc<Watermark>,
        (durable, frames): (Arc<Snapshot>, i32),
        (waits, most_pages): (bool, u64),
    ) -> io::Result<Self> {
        let wal = Arc::new(File::open(wal_path(path))?);
        let replica = Replica {
            wal,
            watermark,
            durable: RwLock::new(durable),
            local: Mutex::new(WalPosition::default()),
            committed: Notify::new(),
            evicting: watch::Sender::new(false),
            schema_changed: AtomicU64::new(0),
            waits,
            most_pages,
            refusal: Mutex::default(),
            end: OnceLock::new(),
            progress: Mutex::default(),
        };
        *replica.local() = replica.position(frames);
        Ok(replica)
    }

    /// Begins a transaction on the connection that reads the durable state, or the latest one if that is asked for or
    /// the schema known to sessions is not durable yet.
    pub(crate) fn begin_read(&self, lease: &Lease, wanted: ReadFrom) -> Result<ReadFrom> {
        self.check_usable()?;
        let durable = self.share_reads();
        lease.follow()?;
        let entered = lease.enter();
        if wanted == ReadFrom::Durable && self.waits && !self.has_pending_schema() && entered.begin_at(&durable).is_ok()
        {
            return Ok(ReadFrom::Durable);
        }
        let begun = entered.control(Control::Begin).and_then(|()| entered.control(Control::Pin));
        begun.map_err(|code| entered.error(code))?;
        Ok(ReadFrom::Latest)
    }

    /// Keeps the file from being replaced while the guard lives.
    pub(crate) fn share_reads(&self) -> RwLockReadGuard<'_, Arc<Snapshot>> {
        self.durable.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps reads from beginning, to change what they would see; the content is the snapshot they open.
    pub(crate) fn exclude_reads(&self) -> RwLockWriteGuard<'_, Arc<Snapshot>> {
        self.durable.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position of the last commit; nobody commits while the guard lives.
    pub(crate) fn local(&self) -> MutexGuard<'_, WalPosition> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether commits wait for the object store.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// The log.
    pub(crate) fn wal(&self) -> &Arc<File> {
        &self.wal
    }

    /// Announces a commit, makes it and counts it, see `Database::commit`.
    pub(crate) fn commit(&self, body: impl FnOnce(CommitSequence) -> i32) -> CommitSequence {
        let mut local = self.local();
        let sequence = self.watermark.announce();
        let frames = body(sequence);
        if frames != 0 {
            *local = self.position(frames);
            self.progress().committed();
        }
        self.watermark.committed(sequence);
        if !self.waits {
            self.watermark.settle(sequence, Fate::Durable);
        }
        if frames != 0 || !self.watermark.skip(sequence) {
            self.committed.notify_one();
        }
        sequence
    }

    /// Where the log ends after a commit that left `frames` frames in it. The caller has the ticket.
    pub(crate) fn position(&self, frames: i32) -> WalPosition {
        // The log's salts are in its header, which changes with the first frame after it has started anew.
        let mut salts = [0; 8];
        if let Err(error) = self.wal.read_exact_at(&mut salts, 16) {
            // What is committed could not be found again, and waiting sessions would wait for ever.
            log::error!("the log of a working copy cannot be read, ending the process: {error}");
            std::process::abort();
        }
        WalPosition { salts, frames: u32::try_from(frames).unwrap_or_default() }
    }

    /// From now on nothing can be read or written. False if that was so before.
    pub(crate) fn end(&self, why: Error) -> bool {
        self.end.set(why).is_ok()
    }

    fn check_usable(&self) -> Result<()> {
        self.end.get().map_or(Ok(()), |why| Err(why.clone()))
    }

    /// An error if nothing can be written now.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.check_usable()?;
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        refusal.clone().map_or(Ok(()), Err)
    }

    /// An error if a transaction that leaves so many pages could not be appended to the database's log.
    pub(crate) fn check_size(&self, pages: u64) -> Result<()> {
        if pages <= self.most_pages {
            return Ok(());
        }
        let message = "the database would be too large for an object store";
        let detail = format!("It would have {pages} pages, and the most is {}.", self.most_pages);
        Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message).with_detail(detail))
    }

    /// From now on writing is refused with this error, or is not any more.
    pub(crate) fn refuse_writes(&self, refusal: Option<Error>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// What the replicator has noted.
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the object store is behind.
    pub(crate) fn replication(&self) -> Replication {
        let frames = self.local().frames;
        let progress = self.progress();
        let behind = frames.saturating_sub(progress.durable_frames);
        Replication {
            sequence: progress.sequence,
            lag: progress.lag(),
            lag_bytes: u64::from(behind) * self.frame_size(),
            conflicts: progress.conflicts,
            error: progress.error.clone(),
        }
    }

    /// A page and its header. The log's own header says how long pages are; before its first frame there is none.
    fn frame_size(&self) -> u64 {
        let mut size = [0; 4];
        self.wal.read_exact_at(&mut size, 8).map_or(0, |()| u64::from(u32::from_be_bytes(size)) + 24)
    }

    /// Resolves when there has been a new local commit since the last call.
    pub(crate) async fn has_committed(&self) {
        self.committed.notified().await;
    }

    /// The commit of that number changes the schema.
    pub(crate) fn schema_changes(&self, sequence: CommitSequence) {
        self.schema_changed.store(sequence, Ordering::Release);
    }

    /// The stamp of the schema that sessions plan with.
    pub(crate) fn schema_stamp(&self) -> CommitSequence {
        self.schema_changed.load(Ordering::Acquire)
    }

    fn has_pending_schema(&self) -> bool {
        self.schema_stamp() > self.watermark.last_durable()
    }

    /// Whether open write transactions have to give way.
    pub(crate) fn is_evicting(&self) -> bool {
        *self.evicting.borrow()
    }

    /// Has open write transactions give way, or ends that.
    pub(crate) fn evict(&self, evicting: bool) {
        self.evicting.send_replace(evicting);
    }

    /// Resolves when open write transactions have to give way.
    pub(crate) async fn evicted(&self) {
        // The sender lives as long as `self`.
        let _ = self.evicting.subscribe().wait_for(|evicting| *evicting).await;
    }
}
