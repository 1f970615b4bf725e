//! A database's connections: readers shared by all sessions, and the one writers use in turn.
//!
//! Owns: [`Pool`], [`Lease`]. Must not know: transactions, the write ticket's queue (`engine::database`).
//!
//! Writers have a connection of their own: only one of them runs at a time, so its page cache is never made void by
//! somebody else's commit and its statements are always prepared; and a writer never waits for a reader's place in
//! the pool while holding the ticket. When all places are taken by sessions that keep them (open portals, held
//! snapshots, minutes of aggregation) and none comes free for a moment, a waiter gets an extra connection, so that
//! nobody hangs; it is closed afterwards. A pool that is merely busy makes its users wait: that bounds memory. A session
//! that waits for its client lends its places meanwhile, so idle snapshots, suspended portals and clients that do not
//! read take no places; what they take is counted for the whole process (`engine::descriptors`), and where there are
//! enough connections, who needs one more is told so after a while (53300).

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::engine::connection::{Connection, Control};
use crate::engine::databases::DatabaseNames;
use crate::engine::descriptors::{self, Counted};
use crate::engine::error_map;
use crate::engine::functions::ContextSlot;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::sequences::SequenceRegistry;
use crate::engine::statement::Code;
use crate::error::{Error, Result, SqlState};

/// If no place in the pool has come free for so long, those who wait get extra connections.
const PATIENCE: Duration = Duration::from_millis(50);

/// Extra connections at a time, as a multiple of the pool's size.
const EXTRA: usize = 4;

/// How long somebody waits for a connection while none comes free.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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
    /// All connections in use, those of sessions that have lent their places among them.
    leases: AtomicUsize,
    /// Open and unused; the one used last is taken first, because its caches are warm.
    idle: Mutex<Vec<Connection>>,
    writer: Mutex<Option<Connection>>,
    /// What asks whether the database is well needs a connection when all others are taken: this one.
    probe: Mutex<Option<Connection>>,
    probing: AtomicBool,
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
    /// Somebody who has places and waits for another session, or for his client, lets others have them meanwhile: who waits
    /// for another session may need it to have one.
    pub fn lend(self: &Arc<Self>, count: usize) -> Lent {
        self.free.add_permits(count);
        Lent { places: Arc::clone(self), count }
    }

    fn give_back(&self) {
        let pays = |owed: usize| owed.checked_sub(1);
        if self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pays).is_err() {
            self.free.add_permits(1);
        }
    }
}

/// Places that their owner does without, until this is dropped.
#[derive(Debug)]
pub struct Lent {
    places: Arc<Places>,
    count: usize,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let taken = self.places.free.forget_permits(self.count);
        if taken < self.count {
            self.places.owed.fetch_add(self.count - taken, Ordering::Relaxed);
        }
    }
}

/// How many places of the pool a session has.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlacesHeld(Arc<AtomicUsize>);

impl PlacesHeld {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What becomes of a connection when its lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Idle,
    Writer,
    Probe,
    Nowhere,
}

/// A connection on loan. Shared by a session and its cursors; given back when the last of them lets go.
pub(crate) struct Lease {
    connection: Option<Connection>,
    home: Home,
    /// Stays with its session until that ends, see [`Lease::keep_for_good`].
    kept: AtomicBool,
    /// Of its session, if it has a place.
    held: Option<PlacesHeld>,
    pool: Arc<Pool>,
}

/// All pools of the process: where there are enough connections, one that idles in any of them is closed for a new one.
static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

/// Closes a connection that nobody uses, and gives its place among those there may be.
fn reclaim() -> Option<Counted> {
    let pools: Vec<Arc<Pool>> = lock(&POOLS).iter().filter_map(Weak::upgrade).collect();
    pools.iter().find_map(|pool| lock(&pool.idle).pop())?;
    Counted::take()
}

impl Pool {
    /// A pool of at most `size` connections besides the writer's; opens none.
    pub(crate) fn new(path: PathBuf, size: usize, sequences: Arc<SequenceRegistry>) -> Arc<Self> {
        let names = DatabaseNames::In(path.parent().unwrap_or(Path::new(".")).to_owned());
        Self::registered(Self::unshared(path, (size, names), sequences))
    }

    fn registered(pool: Pool) -> Arc<Self> {
        let (pool, mut pools) = (Arc::new(pool), lock(&POOLS));
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(&pool));
        pool
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
            leases: AtomicUsize::new(0),
            idle: Mutex::default(),
            writer: Mutex::default(),
            probe: Mutex::default(),
            probing: AtomicBool::new(false),
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
        Self::registered(Pool { copy: true, ..Self::unshared(path, size, sequences) })
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

    /// A connection to read with, for a session that has these places. Waiting ends with the interrupt's error, or with
    /// 53300.
    pub(crate) async fn reader(self: &Arc<Self>, interrupt: &InterruptHandle, held: &PlacesHeld) -> Result<Lease> {
        let home = match self.places.free.try_acquire() {
            Ok(place) => {
                place.forget();
                Home::Idle
            }
            Err(_) => Box::pin(self.wait_for_place(interrupt)).await?,
        };
        // Made first: whatever goes wrong from here on, its drop gives the place back.
        let mut lease = self.place(home, Some(held.clone()));
        let idle = if home == Home::Idle { lock(&self.idle).pop() } else { None };
        lease.connection = match idle {
            Some(idle) => Some(idle),
            None => Some(Box::pin(self.connection(home, interrupt)).await?),
        };
        lease.follow()?;
        Ok(lease)
    }

    /// An idle connection for who has a place, or a new one if there may be one more.
    async fn connection(&self, home: Home, interrupt: &InterruptHandle) -> Result<Connection> {
        let begun = Instant::now();
        loop {
            let idle = if home == Home::Idle { lock(&self.idle).pop() } else { None };
            if let Some(idle) = idle {
                return Ok(idle);
            }
            if let Some(counted) = Counted::take().or_else(reclaim) {
                return Ok(self.open()?.counted(counted));
            }
            if begun.elapsed() >= LONGEST_WAIT {
                return Err(exhausted());
            }
            tokio::select! {
                error = interrupt.interrupted() => return Err(error),
                () = tokio::time::sleep(PATIENCE) => {}
            }
        }
    }

    /// The connection of who asks whether the database is well; `None` if somebody else asks just now.
    pub(crate) fn probe(self: &Arc<Self>) -> Result<Option<Lease>> {
        if self.probing.swap(true, Ordering::Acquire) {
            return Ok(None);
        }
        let spare = lock(&self.probe).take();
        self.lease(spare, Home::Probe).map(Some)
    }

    /// The connection to write with. The caller holds the write ticket.
    pub(crate) fn writer(self: &Arc<Self>) -> Result<Lease> {
        let spare = lock(&self.writer).take();
        self.lease(spare, Home::Writer)
    }

    async fn wait_for_place(&self, interrupt: &InterruptHandle) -> Result<Home> {
        let place = self.places.free.acquire();
        tokio::pin!(place);
        let mut returned = self.returned.load(Ordering::Relaxed);
        let mut since = Instant::now();
        loop {
            tokio::select! {
                biased;
                place = &mut place => {
                    place.map_err(|_| Error::internal("the pool is closed"))?.forget();
                    return Ok(Home::Idle);
                }
                error = interrupt.interrupted() => return Err(error),
                () = tokio::time::sleep(PATIENCE) => {
                    let now_returned = self.returned.load(Ordering::Relaxed);
                    if now_returned != returned {
                        (returned, since) = (now_returned, Instant::now());
                    } else if self.take_extra() {
                        return Ok(Home::Nowhere);
                    } else if since.elapsed() >= LONGEST_WAIT {
                        return Err(exhausted());
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
        (lock(&self.idle).len() + writer_is_idle, self.leases.load(Ordering::Relaxed))
    }

    /// Its places, for those who lend theirs.
    pub(crate) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// A lease that has no connection yet.
    fn place(self: &Arc<Self>, home: Home, held: Option<PlacesHeld>) -> Lease {
        let held = held.filter(|_| home == Home::Idle);
        if let Some(held) = &held {
            held.0.fetch_add(1, Ordering::Relaxed);
        }
        self.leases.fetch_add(1, Ordering::Relaxed);
        Lease { connection: None, home, kept: AtomicBool::new(false), held, pool: Arc::clone(self) }
    }

    fn lease(self: &Arc<Self>, open: Option<Connection>, home: Home) -> Result<Lease> {
        let mut lease = self.place(home, None);
        lease.connection = match open {
            Some(open) => Some(open),
            None => Some(self.open()?),
        };
        lease.follow()?;
        Ok(lease)
    }

    /// Closes the connections nobody uses.
    pub(crate) fn close_idle(&self) {
        lock(&self.idle).clear();
        lock(&self.writer).take();
        lock(&self.probe).take();
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
            self.leave_place();
        }
    }

    fn leave_place(&self) {
        if let Some(held) = &self.held {
            held.0.fetch_sub(1, Ordering::Relaxed);
        }
        self.pool.give_back_place();
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
        self.pool.leases.fetch_sub(1, Ordering::Relaxed);
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
                Home::Probe => *lock(&self.pool.probe) = Some(connection),
                _ => {
                    // While sessions waited for their clients others may have had their places.
                    let mut idle = lock(&self.pool.idle);
                    if idle.len() < self.pool.size {
                        idle.push(connection);
                    }
                }
            }
        }
        match self.home {
            Home::Idle => self.leave_place(),
            Home::Probe => self.pool.probing.store(false, Ordering::Release),
            Home::Writer | Home::Nowhere => {}
        }
    }
}

/// 53300: as many connections are open as there may be, and none has come free.
fn exhausted() -> Error {
    let (limit, seconds) = (descriptors::connection_limit(), LONGEST_WAIT.as_secs());
    Error::new(SqlState::TOO_MANY_CONNECTIONS, format!("no SQLite connection has come free for {seconds} s"))
        .with_detail(format!(
            "There can be {limit}; open snapshots, cursors, results that are not read and long statements keep theirs."
        ))
        .with_hint("End transactions that idle, or raise MAX_SQLITE_CONNECTIONS and the limit on open files.")
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
