//! A database's connections: readers shared by all sessions, and the one writers use in turn.
//!
//! Owns: [`Pool`], [`Lease`]. Must not know: transactions, the write ticket's queue (`engine::database`).
//!
//! Writers have a connection of their own: only one of them runs at a time, so its page cache is never made void by
//! somebody else's commit and its statements are always prepared; and a writer never waits for a reader's place in
//! the pool while holding the ticket. When all places are taken by sessions that keep them (open portals, held
//! snapshots, minutes of aggregation) and none comes free for a moment, a waiter gets an extra connection, so that
//! nobody hangs; it is closed afterwards. A pool that is merely busy makes its users wait: that bounds memory.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::engine::connection::{Connection, Control};
use crate::engine::databases::DatabaseNames;
use crate::engine::error_map;
use crate::engine::functions::ContextSlot;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::sequences::SequenceRegistry;
use crate::engine::statement::Code;
use crate::error::{Error, Result};

/// If no place in the pool has come free for so long, those who wait get extra connections.
const PATIENCE: Duration = Duration::from_millis(50);

/// Extra connections at a time, as a multiple of the pool's size.
const EXTRA: usize = 4;

/// The connections of one database.
pub(crate) struct Pool {
    path: PathBuf,
    names: DatabaseNames,
    /// The file need not survive a crash.
    copy: bool,
    sequences: Arc<SequenceRegistry>,
    places: Arc<Places>,
    size: usize,
    /// Places that have come free so far.
    returned: AtomicUsize,
    /// Extra connections in use.
    extra: AtomicUsize,
    /// Open and unused; the one used last is taken first, because its caches are warm.
    idle: Mutex<Vec<Connection>>,
    writer: Mutex<Option<Connection>>,
    /// A write has failed for want of space.
    disk_full: AtomicBool,
    /// How often the file's pages were replaced behind SQLite's back.
    generation: AtomicU64,
}

/// The places of a pool that are free.
#[derive(Debug)]
pub struct Places {
    free: Semaphore,
    /// Lent places that were taken when their owners came back.
    owed: AtomicUsize,
}

impl Default for Places {
    /// Of no pool.
    fn default() -> Self {
        Places { free: Semaphore::new(0), owed: AtomicUsize::new(0) }
    }
}

impl Places {
    /// Somebody who has a place and waits for another session lets a third one have it meanwhile: the other may need
    /// one to end the wait.
    pub fn lend(&self) -> Lent<'_> {
        self.free.add_permits(1);
        Lent(self)
    }

    fn give_back(&self) {
        let pays = |owed: usize| owed.checked_sub(1);
        if self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pays).is_err() {
            self.free.add_permits(1);
        }
    }
}

/// A place that its owner does without, until this is dropped.
#[derive(Debug)]
pub struct Lent<'p>(&'p Places);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if self.0.free.forget_permits(1) == 0 {
            self.0.owed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What becomes of a connection when its lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Idle,
    Writer,
    Nowhere,
}

/// A connection on loan. Shared by a session and its cursors; given back when the last of them lets go.
pub(crate) struct Lease {
    connection: Option<Connection>,
    home: Home,
    /// Stays with its session until that ends, see [`Lease::keep_for_good`].
    kept: AtomicBool,
    pool: Arc<Pool>,
}

impl Pool {
    /// A pool of at most `size` connections besides the writer's; opens none.
    pub(crate) fn new(path: PathBuf, size: usize, sequences: Arc<SequenceRegistry>) -> Arc<Self> {
        let names = DatabaseNames::In(path.parent().unwrap_or(Path::new(".")).to_owned());
        Arc::new(Self::unshared(path, (size, names), sequences))
    }

    fn unshared(path: PathBuf, (size, names): (usize, DatabaseNames), sequences: Arc<SequenceRegistry>) -> Self {
        Pool {
            path,
            names,
            copy: false,
            sequences,
            places: Arc::new(Places { free: Semaphore::new(size.max(1)), owed: AtomicUsize::new(0) }),
            size: size.max(1),
            returned: AtomicUsize::new(0),
            extra: AtomicUsize::new(0),
            idle: Mutex::default(),
            writer: Mutex::default(),
            disk_full: AtomicBool::new(false),
            generation: AtomicU64::new(0),
        }
    }

    /// The file's pages are replaced behind SQLite's back: every connection has to forget the schema before its next
    /// statement.
    pub(crate) fn begin_generation(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// A pool of connections to a file that is a mere copy of what is durable elsewhere.
    pub(crate) fn of_copy(path: PathBuf, size: (usize, DatabaseNames), sequences: Arc<SequenceRegistry>) -> Arc<Self> {
        Arc::new(Pool { copy: true, ..Self::unshared(path, size, sequences) })
    }

    /// Opens a connection that belongs to nobody.
    pub(crate) fn open(&self) -> Result<Connection> {
        let connection = Connection::open(&self.path, false, self.slot(), self.names.clone())?;
        if self.copy {
            connection.enter().execute("PRAGMA synchronous = OFF").map_err(error_map::from_rusqlite)?;
        }
        Ok(connection)
    }

    /// Opens the first connection of a database and makes the file.
    pub(crate) fn create(&self) -> Result<Connection> {
        Connection::open(&self.path, true, self.slot(), self.names.clone())
    }

    fn slot(&self) -> ContextSlot {
        ContextSlot::new(Arc::clone(&self.sequences))
    }

    /// The connection writers will use.
    pub(crate) fn put_writer(&self, connection: Connection) {
        *lock(&self.writer) = Some(connection);
    }

    /// Whether the disk was full when something was last written.
    pub(crate) fn disk_full(&self) -> bool {
        self.disk_full.load(Ordering::Relaxed)
    }

    /// Remembers whether the disk is full.
    pub(crate) fn set_disk_full(&self, full: bool) {
        self.disk_full.store(full, Ordering::Relaxed);
    }

    /// A connection to read with. Waiting ends with the interrupt's error.
    pub(crate) async fn reader(self: &Arc<Self>, interrupt: &InterruptHandle) -> Result<Lease> {
        let home = match self.places.free.try_acquire() {
            Ok(place) => {
                place.forget();
                Home::Idle
            }
            Err(_) => self.wait_for_place(interrupt).await?,
        };
        let idle = if home == Home::Idle { lock(&self.idle).pop() } else { None };
        self.lease(idle, home)
    }

    /// The connection to write with. The caller holds the write ticket.
    pub(crate) fn writer(self: &Arc<Self>) -> Result<Lease> {
        let spare = lock(&self.writer).take();
        self.lease(spare, Home::Writer)
    }

    async fn wait_for_place(&self, interrupt: &InterruptHandle) -> Result<Home> {
        let place = self.places.free.acquire();
        tokio::pin!(place);
        loop {
            let returned = self.returned.load(Ordering::Relaxed);
            tokio::select! {
                biased;
                place = &mut place => {
                    place.map_err(|_| Error::internal("the pool is closed"))?.forget();
                    return Ok(Home::Idle);
                }
                error = interrupt.interrupted() => return Err(error),
                () = tokio::time::sleep(PATIENCE) => {
                    if self.returned.load(Ordering::Relaxed) == returned && self.take_extra() {
                        return Ok(Home::Nowhere);
                    }
                }
            }
        }
    }

    fn take_extra(&self) -> bool {
        let limit = self.size * EXTRA;
        self.extra.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < limit).then_some(n + 1)).is_ok()
    }

    fn give_back_place(&self) {
        self.returned.fetch_add(1, Ordering::Relaxed);
        self.places.give_back();
    }

    /// How many connections are idle, and how many are in use; the writers' one is always open and counts as one of
    /// them.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let writer_is_idle = usize::from(lock(&self.writer).is_some());
        let taken = self.size.saturating_sub(self.places.free.available_permits());
        let used = taken + self.extra.load(Ordering::Relaxed) + 1 - writer_is_idle;
        (lock(&self.idle).len() + writer_is_idle, used)
    }

    /// Its places, for those who lend theirs.
    pub(crate) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    fn lease(self: &Arc<Self>, open: Option<Connection>, home: Home) -> Result<Lease> {
        // Made first: if opening fails its drop gives the place back.
        let mut lease = Lease { connection: open, home, kept: AtomicBool::new(false), pool: Arc::clone(self) };
        if lease.connection.is_none() {
            lease.connection = Some(self.open()?);
        }
        lease.follow()?;
        Ok(lease)
    }

    /// Closes the connections nobody uses.
    pub(crate) fn close_idle(&self) {
        lock(&self.idle).clear();
        lock(&self.writer).take();
    }
}

impl Lease {
    /// A statement or COMMIT on this connection has failed: remembers a full disk, which concerns everybody.
    pub(crate) fn note_failure(&self, code: Code) {
        if code & 0xff == rusqlite::ffi::SQLITE_FULL {
            self.pool.set_disk_full(true);
        }
    }

    /// Forgets the schema if the file has become another one. Needed before a statement outside of a transaction, by
    /// who keeps a connection from one statement to the next or cannot rule out that the file is replaced meanwhile.
    pub(crate) fn follow(&self) -> Result<()> {
        let generation = self.pool.generation.load(Ordering::Acquire);
        Connection::follow(self, generation).map_err(|code| self.enter().error(code))
    }

    /// This connection is not shared with other sessions any more and is closed when the lease ends (temporary
    /// tables). Its place in the pool is free for another.
    pub(crate) fn keep_for_good(&self) {
        if !self.kept.swap(true, Ordering::Relaxed) && self.home == Home::Idle {
            self.pool.give_back_place();
        }
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        // Taken out in `drop` only.
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a lease without a connection"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.home == Home::Nowhere {
            self.pool.extra.fetch_sub(1, Ordering::Relaxed);
        }
        if self.kept.load(Ordering::Relaxed) {
            return;
        }
        if let Some(connection) = self.connection.take()
            && self.home != Home::Nowhere
            && put_in_order(&connection)
        {
            match self.home {
                Home::Writer => *lock(&self.pool.writer) = Some(connection),
                _ => lock(&self.pool.idle).push(connection),
            }
        }
        if self.home == Home::Idle {
            self.pool.give_back_place();
        }
    }
}

/// Prepares a connection for its next user; false if it must not have one.
fn put_in_order(connection: &Connection) -> bool {
    connection.progress().attach(None);
    connection.slot().leave();
    let entered = connection.enter();
    if entered.is_autocommit() {
        return true;
    }
    // A transaction nobody ended: the session was dropped in the middle of it.
    entered.control(Control::Rollback).is_ok()
}

/// The data behind these locks is valid after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
