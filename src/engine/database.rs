//! One open database: its pool of connections, write ticket, catalog snapshot, sequences and durable watermark.
//!
//! Owns: [`Database`], [`Ticket`]. Must not know: sessions, messages, where databases are kept (`engine::databases`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::catalog::schema::CatalogSnapshot;
use crate::catalog::store;
use crate::catalog::tables::relations::system_relations;
use crate::engine::checkpoint::Checkpointer;
use crate::engine::connection::{Connection, Control, Entered};
use crate::engine::database_file;
use crate::engine::databases::DatabaseNames;
use crate::engine::ddl;
use crate::engine::durable_reads::{DurableReads, LocalSink};
use crate::engine::error_map;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::kept::Origin;
use crate::engine::notifications::Notifications;
use crate::engine::pool::{Lease, Pool};
use crate::engine::progress::blocking;
use crate::engine::remote::RemoteOptions;
use crate::engine::remote::bare;
use crate::engine::remote::pin::Pin;
use crate::engine::remote::replica::Replica;
use crate::engine::remote::replication::Replication;
use crate::engine::remote::replicator::{self, Replicator as RemoteReplicator};
use crate::engine::remote::version::{VersionCopy, read_only};
use crate::engine::routines::cache::RoutineCache;
use crate::engine::row_locks::RowLocks;
use crate::engine::sequences::{self, SequenceRegistry, SequenceState};
use crate::engine::session_schema::write_sequences;
use crate::error::{Error, Result, SqlState};
use crate::metrics::Metrics;
use crate::sql::planner::PlanCache;
use crate::storage::local::{self, WalSync};
use crate::storage::log::chain::Chain;
use crate::storage::log::state;
use crate::storage::log::wal::WalMark;
use crate::storage::sink::Replicator;
use crate::storage::watermark::{CommitSequence, Fate, Watermark};
use crate::types::pg_type::Oid;

/// One open database.
pub struct Database {
    name: String,
    path: PathBuf,
    pool: Arc<Pool>,
    ticket: Arc<Mutex<()>>,
    /// The backend that holds the ticket, 0 for none.
    holder: Arc<AtomicI32>,
    /// Somebody has begun to wait for the ticket.
    wanted: Notify,
    notifications: Arc<Notifications>,
    row_locks: Arc<RowLocks>,
    catalog: RwLock<Arc<CatalogSnapshot>>,
    sequences: Arc<SequenceRegistry>,
    plans: Arc<PlanCache>,
    routines: RoutineCache,
    watermark: Arc<Watermark>,
    metrics: Arc<Metrics>,
    durability: Durability,
    /// Set when it is opened from an object store.
    origin: OnceLock<Origin>,
}

/// How a database does at one moment.
#[derive(Clone, Debug)]
pub struct Condition {
    /// SQLite connections that wait for a session, and those that sessions have.
    pub idle_connections: usize,
    pub used_connections: usize,
    /// A session has the write ticket.
    pub is_written: bool,
    /// The size of the write-ahead log's file; what it is in use of is less after a checkpoint.
    pub wal_bytes: u64,
    /// For a database in an object store.
    pub replication: Option<Replication>,
}

/// What makes commits durable, and looks after the log.
enum Durability {
    /// The disk.
    Local { replicator: Arc<Replicator>, checkpointer: Arc<Checkpointer>, reads: Arc<DurableReads> },
    /// An object store.
    Remote {
        replica: Arc<Replica>,
        stop: watch::Sender<bool>,
        /// The replicator, until it is waited for.
        running: std::sync::Mutex<Option<JoinHandle<JoinSet<()>>>>,
    },
    /// Nothing: it is an earlier state of another database and is not written to. The copy is dropped with this.
    Version { _copy: VersionCopy },
}

/// What a database is made of.
struct Parts {
    pool: Arc<Pool>,
    ticket: Arc<Mutex<()>>,
    catalog: CatalogSnapshot,
    sequences: Arc<SequenceRegistry>,
    watermark: Arc<Watermark>,
    metrics: Arc<Metrics>,
    durability: Durability,
}

/// The right to write to a database. There is one; who waits for it waits in a queue, first come first served.
pub(crate) struct Ticket {
    database: Arc<Database>,
    _place: OwnedMutexGuard<()>,
}

/// A commit that the disk's sink has not heard of yet.
#[must_use]
pub(crate) struct Unsynced(Arc<Replicator>);

impl Unsynced {
    /// Calls the sink, if it is free and quick: nobody else works, so there is no time like now.
    pub(crate) fn sync_here(self) {
        self.0.sync_here();
    }
}

impl Drop for Unsynced {
    fn drop(&mut self) {
        self.0.notify_if_due();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.database.holder.store(0, Ordering::Relaxed);
    }
}

impl Database {
    /// Opens the database file, or creates it, honouring a log that a crash left behind. Blocks.
    pub(crate) fn open(
        name: &str,
        path: &Path,
        pool_size: usize,
        create: bool,
        metrics: &Arc<Metrics>,
    ) -> Result<Arc<Self>> {
        match local::write_anew(&wal_path(path)) {
            // A server before may have ended because it could not be synced; then only the memory has it.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot_open(name, error)),
            _ => {}
        }
        let metrics = Arc::clone(metrics);
        let sequences = Arc::new(SequenceRegistry::default());
        let pool = Pool::new(path.to_owned(), pool_size, Arc::clone(&sequences));
        if create {
            create_whole(name, path)?;
        } else {
            database_file::check(path)?;
        }
        let connection = pool.open()?;
        let catalog = prepare_file(name, &connection, &sequences)?;
        pool.put_writer(connection);
        let (watermark, wal) = (Arc::new(Watermark::new()), wal_path(path));
        let reads = Arc::new(DurableReads::default());
        let replicator = WalSync::open(&wal)
            .and_then(|mut sink| {
                // What the log and the directory hold now counts as durable from here on.
                let synced = crate::storage::sink::Sink::make_durable(&mut sink, true)
                    .and_then(|()| local::sync_directory_anew(path.parent().unwrap_or(Path::new("."))));
                local::or_end(&format!("database \"{name}\""), synced);
                let sink = LocalSink::new(sink, path, Arc::clone(&reads));
                Replicator::start(name, Arc::clone(&watermark), sink).map(Arc::new)
            })
            .map_err(|error| cannot_open(name, error))?;
        let ticket = Arc::new(Mutex::new(()));
        let checkpointer = Checkpointer::new(name.to_owned(), path.to_owned(), Arc::clone(&ticket));
        let durability = Durability::Local { replicator, checkpointer, reads };
        let parts = Parts { pool, ticket, catalog, sequences, watermark, metrics, durability };
        Ok(Arc::new(Database::of(name, path, parts)))
    }

    /// Opens the working copy of a database in an object store, which is what the chain says, and begins to replicate
    /// it on that runtime. Blocks.
    pub(crate) fn open_copy(
        name: &str,
        path: &Path,
        pool: (usize, DatabaseNames),
        (chain, options): (Chain, RemoteOptions),
        (runtime, metrics): (&Handle, &Arc<Metrics>),
    ) -> Result<Arc<Self>> {
        let sequences = Arc::new(SequenceRegistry::default());
        let pool = Pool::of_copy(path.to_owned(), pool, Arc::clone(&sequences));
        let watermark = Arc::new(Watermark::with_patience(options.commit_timeout));
        let pinned = bare::open(path).and_then(|mut connection| Ok((bare::touch(&mut connection)?, Pin::new(path)?)));
        let (frames, pin) = pinned.map_err(error_map::from_rusqlite)?;
        let waits = options.interval.is_none();
        let replica = Replica::new(
            path,
            Arc::clone(&watermark),
            (Arc::clone(pin.snapshot()), frames),
            (waits, chain.most_pages()),
        )
        .map_err(|error| cannot_open(name, error))?;
        let durable = WalMark::at(replica.wal(), replica.position(frames)).map_err(|error| cannot_open(name, error))?;
        let replica = Arc::new(replica);
        let connection = pool.open()?;
        let catalog = if options.standby {
            replica.refuse_writes(Some(standby()));
            let (catalog, states) = connection.enter().with(read_file).map_err(error_map::from_rusqlite)?;
            sequences.reload(states);
            Ok(catalog)
        } else {
            let mut catalog = Err(Error::internal("the file was not prepared"));
            replica.commit(|_| connection.counting_frames(|| catalog = prepare_file(name, &connection, &sequences)));
            catalog
        };
        let catalog = catalog?;
        pool.put_writer(connection);
        let ticket = Arc::new(Mutex::new(()));
        let (stop, stopped) = watch::channel(false);
        let durability =
            Durability::Remote { replica: Arc::clone(&replica), stop, running: std::sync::Mutex::default() };
        let metrics = Arc::clone(metrics);
        let parts = Parts { pool, ticket, catalog, sequences, watermark, metrics, durability };
        let database = Arc::new(Database::of(name, path, parts));
        let parts = replicator::Parts { chain, options, pin, durable };
        let replicator = RemoteReplicator::new(&database, replica, parts);
        let running = runtime.spawn(replicator.run(stopped));
        if let Durability::Remote { running: slot, .. } = &database.durability {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        }
        Ok(database)
    }

    /// Opens an earlier state of a database, which nobody writes to. Blocks.
    pub(crate) fn open_version(
        name: &str,
        copy: VersionCopy,
        pool: (usize, DatabaseNames),
        metrics: &Arc<Metrics>,
    ) -> Result<Arc<Self>> {
        let sequences = Arc::new(SequenceRegistry::default());
        let path = copy.path().to_owned();
        let pool = Pool::of_copy(path.clone(), pool, Arc::clone(&sequences));
        let connection = pool.open()?;
        let entered = connection.enter();
        check_format(name, &entered)?;
        let (catalog, states) = entered.with(read_file).map_err(error_map::from_rusqlite)?;
        drop(entered);
        sequences.reload(states);
        pool.put_writer(connection);
        let (ticket, watermark, metrics) = (Arc::default(), Arc::new(Watermark::new()), Arc::clone(metrics));
        let durability = Durability::Version { _copy: copy };
        let parts = Parts { pool, ticket, catalog, sequences, watermark, metrics, durability };
        Ok(Arc::new(Database::of(name, &path, parts)))
    }

    fn of(name: &str, path: &Path, parts: Parts) -> Self {
        Database {
            name: name.to_owned(),
            path: path.to_owned(),
            pool: parts.pool,
            ticket: parts.ticket,
            holder: Arc::default(),
            wanted: Notify::new(),
            notifications: Arc::default(),
            row_locks: Arc::default(),
            catalog: RwLock::new(Arc::new(parts.catalog)),
            sequences: parts.sequences,
            plans: Arc::default(),
            routines: RoutineCache::default(),
            watermark: parts.watermark,
            metrics: parts.metrics,
            durability: parts.durability,
            origin: OnceLock::new(),
        }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub(crate) fn comes_from(&self, origin: Origin) {
        // It is told once, by who has opened it.
        let _ = self.origin.set(origin);
    }

    /// Where it comes from; none for one on the disk.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.get()
    }

    /// Whether it only follows what others commit: what PostgreSQL calls recovery.
    pub fn is_in_recovery(&self) -> bool {
        self.origin().is_some_and(|origin| origin.standby && origin.sequence.is_none())
    }

    /// The schema as it is committed.
    pub fn catalog(&self) -> Arc<CatalogSnapshot> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The sequences' values.
    pub fn sequences(&self) -> &Arc<SequenceRegistry> {
        &self.sequences
    }

    /// Who has locked which rows.
    pub fn row_locks(&self) -> &Arc<RowLocks> {
        &self.row_locks
    }

    /// The compiled bodies of this database's functions.
    pub(crate) fn routines(&self) -> &RoutineCache {
        &self.routines
    }

    /// The plans of this database's statements.
    pub fn plans(&self) -> &Arc<PlanCache> {
        &self.plans
    }

    /// How far commits have come.
    pub fn watermark(&self) -> &Arc<Watermark> {
        &self.watermark
    }

    /// The process id of the session that holds the write ticket; 0 for none.
    pub fn writer(&self) -> &Arc<AtomicI32> {
        &self.holder
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The queue of writers, for who is none of the sessions.
    pub(crate) fn writers(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.ticket)
    }

    /// The file's content has been replaced: reads the schema and the sequences again. The caller has the ticket.
    pub(crate) fn reload(&self) -> Result<()> {
        let lease = self.pool.writer()?;
        let (catalog, states) = lease.enter().with(read_file).map_err(error_map::from_rusqlite)?;
        self.sequences.reload(states);
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        Ok(())
    }

    /// LISTEN and NOTIFY.
    pub fn notifications(&self) -> &Arc<Notifications> {
        &self.notifications
    }

    /// What an operator wants to know of it now.
    pub fn condition(&self) -> Condition {
        let (idle, used) = self.pool.usage();
        Condition {
            idle_connections: idle,
            used_connections: used,
            is_written: self.holder.load(Ordering::Relaxed) != 0,
            wal_bytes: std::fs::metadata(wal_path(&self.path)).map_or(0, |wal| wal.len()),
            replication: self.replica().map(|replica| replica.replication()),
        }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Takes the write ticket if it is free.
    pub(crate) fn try_ticket(self: &Arc<Self>, pid: i32) -> Option<Ticket> {
        let place = Arc::clone(&self.ticket).try_lock_owned().ok()?;
        self.metrics.ticket_wait.observe(Duration::ZERO);
        Some(self.taken(pid, place))
    }

    /// Waits for the write ticket. Ends with 55P03 after `lock_timeout`, and with the interrupt's error.
    pub(crate) async fn ticket(
        self: &Arc<Self>,
        pid: i32,
        interrupt: &InterruptHandle,
        lock_timeout: Option<Duration>,
    ) -> Result<Ticket> {
        let _queued = self.watermark.queue();
        self.wanted.notify_waiters();
        let begun = Instant::now();
        tokio::select! {
            biased;
            place = Arc::clone(&self.ticket).lock_owned() => {
                self.metrics.ticket_wait.observe(begun.elapsed());
                Ok(self.taken(pid, place))
            }
            error = interrupt.interrupted() => Err(error),
            error = lock_timed_out(lock_timeout) => Err(error),
        }
    }

    /// Resolves when somebody waits for the ticket. Cancel safe.
    pub async fn ticket_is_wanted(&self) {
        loop {
            let wanted = self.wanted.notified();
            tokio::pin!(wanted);
            wanted.as_mut().enable();
            if self.watermark.has_queue() {
                return;
            }
            wanted.await;
        }
    }

    /// What the server counts.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn taken(self: &Arc<Self>, pid: i32, place: OwnedMutexGuard<()>) -> Ticket {
        self.holder.store(pid, Ordering::Relaxed);
        Ticket { database: Arc::clone(self), _place: place }
    }

    /// What the sessions of a database in an object store share with its replicator; none for one on the disk.
    pub(crate) fn replica(&self) -> Option<&Arc<Replica>> {
        match &self.durability {
            Durability::Local { .. } | Durability::Version { .. } => None,
            Durability::Remote { replica, .. } => Some(replica),
        }
    }

    /// Announces a commit, makes it and counts it; `body` gives the number of frames in the log afterwards, 0 if it
    /// wrote nothing or failed. The caller holds the ticket.
    pub(crate) fn commit(&self, body: impl FnOnce(CommitSequence) -> i32) -> CommitSequence {
        let (sequence, unsynced) = self.commit_unsynced(body);
        drop(unsynced);
        sequence
    }

    /// The same; the disk's sink hears of it when the result is dropped or told to call it itself.
    pub(crate) fn commit_unsynced(
        &self,
        body: impl FnOnce(CommitSequence) -> i32,
    ) -> (CommitSequence, Option<Unsynced>) {
        let watermark = &self.watermark;
        let sequence = match &self.durability {
            Durability::Local { replicator, checkpointer, .. } => {
                let sequence = watermark.announce();
                let frames = body(sequence);
                watermark.committed(sequence);
                if frames == 0 && watermark.skip(sequence) {
                    return (sequence, None);
                }
                checkpointer.log_has_grown(frames);
                return (sequence, Some(Unsynced(Arc::clone(replicator))));
            }
            Durability::Remote { replica, .. } => replica.commit(body),
            Durability::Version { .. } => {
                // `check_writable` keeps everything that would have to last from coming here.
                let sequence = watermark.announce();
                body(sequence);
                watermark.committed(sequence);
                watermark.settle(sequence, Fate::Durable);
                sequence
            }
        };
        (sequence, None)
    }

    /// Begins a transaction on the connection that reads what is durable, where the latest commit is not and nothing speaks
    /// against it; false if the latest is to be read. `seen` is what the session has seen already.
    pub(crate) fn begin_durable(&self, lease: &Lease, seen: CommitSequence) -> bool {
        match &self.durability {
            Durability::Local { reads, .. } => reads.begin(lease, &self.watermark, seen),
            _ => false,
        }
    }

    /// The commit of that number changes the schema. Before sessions plan with it.
    pub(crate) fn schema_changes(&self, sequence: CommitSequence) {
        match &self.durability {
            Durability::Local { reads, .. } => reads.schema_changes(sequence),
            Durability::Remote { replica, .. } => replica.schema_changes(sequence),
            Durability::Version { .. } => {}
        }
    }

    /// How many statements the server has run so far.
    pub(crate) fn statements_run(&self) -> u64 {
        self.metrics.statements.count()
    }

    /// A committed change of the schema becomes everybody's. The caller holds the ticket.
    pub(crate) fn publish(&self, snapshot: Arc<CatalogSnapshot>) {
        let mut current = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        for (oid, _) in current.relations.missing_in(&snapshot.relations) {
            self.sequences.forget(*oid);
        }
        *current = snapshot;
    }

    /// Refuses to begin writing what could not become durable.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match &self.durability {
            Durability::Local { .. } => Ok(()),
            Durability::Remote { replica, .. } => replica.check_writable(),
            Durability::Version { .. } => Err(read_only(&self.name)),
        }
    }

    /// Refuses to begin writing while the disk is known to be full.
    pub(crate) fn check_space(&self) -> Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        if !self.pool.disk_full() {
            return Ok(());
        }
        if local::has_space(directory) {
            self.pool.set_disk_full(false);
            return Ok(());
        }
        if let Durability::Local { checkpointer, .. } = &self.durability {
            // Emptying the log may give back what is missing.
            checkpointer.reclaim();
        }
        Err(error_map::disk_full())
    }

    /// Has the object store get everything, without waiting for that.
    pub(crate) fn begin_close(&self) {
        if let Durability::Remote { stop, .. } = &self.durability {
            stop.send_replace(true);
        }
    }

    /// For a clean stop: moves the log into the database file and empties it, or waits until the object store has
    /// everything, and until `publish_until` for the plain file there. Nobody uses the database any more. False if the
    /// store does not have everything.
    pub(crate) async fn close(&self, publish_until: tokio::time::Instant) -> bool {
        blocking(|| {
            if let Err(error) = self.settle_sequences() {
                log::warn!("database \"{}\": sequences will skip a few values: {error}", self.name);
            }
        });
        let complete = match &self.durability {
            Durability::Local { checkpointer, .. } => {
                self.pool.close_idle();
                blocking(|| checkpointer.finish());
                true
            }
            Durability::Remote { running, .. } => {
                self.begin_close();
                let running = running.lock().unwrap_or_else(PoisonError::into_inner).take();
                match running {
                    Some(running) => self.wait_for_replicator(running, publish_until).await,
                    None => true,
                }
            }
            Durability::Version { .. } => true,
        };
        self.pool.close_idle();
        if !complete {
            self.keep_unsaved();
        }
        complete
    }

    /// False if the store does not have everything in time.
    async fn wait_for_replicator(
        &self,
        mut running: JoinHandle<JoinSet<()>>,
        publish_until: tokio::time::Instant,
    ) -> bool {
        let patience = self.watermark.patience().unwrap_or_default();
        let mut publishing = match tokio::time::timeout(patience, &mut running).await {
            Ok(Ok(publishing)) => publishing,
            Ok(Err(_)) => return false,
            Err(_) => {
                running.abort();
                // The end of it, so that nothing reads the file any more.
                let _ = running.await;
                return false;
            }
        };
        // A panic of it has been reported by its hook.
        if tokio::time::timeout_at(publish_until, publishing.join_next()).await.is_err() {
            publishing.shutdown().await;
            log::warn!(
                "database \"{}\": the object store has every commit, but its plain file was not published in time; \
                 the next server that opens the database publishes it",
                self.name
            );
        }
        true
    }

    /// The store does not have the latest commits. Those that waited for it have not been acknowledged; the others are
    /// kept where the next start, which goes on from the store, does not undo them.
    fn keep_unsaved(&self) {
        let name = &self.name;
        if self.replica().is_some_and(|replica| replica.waits()) {
            return log::error!(
                "database \"{name}\": the object store does not have its latest commits; none was acknowledged"
            );
        }
        match blocking(|| state::set_aside(&self.path)) {
            Ok(file) => log::error!(
                "database \"{name}\": the object store does not have its latest commits; they are in {}",
                file.display()
            ),
            Err(error) => log::error!(
                "database \"{name}\": the object store does not have its latest commits, and {} could not be copied: {error}",
                self.path.display()
            ),
        }
    }

    /// The file runs ahead of the sequences' values; after a clean stop they go on where they stood.
    fn settle_sequences(&self) -> Result<()> {
        let ahead = self.sequences.take_ahead();
        if ahead.is_empty() {
            return Ok(());
        }
        let lease = self.pool.writer()?;
        let entered = lease.enter();
        let mut outcome = Ok(());
        self.commit(|_| {
            let written = entered.control(Control::BeginImmediate).and_then(|()| {
                write_sequences(&entered, &ahead)?;
                entered.commit()
            });
            written.unwrap_or_else(|code| {
                outcome = Err(entered.error(code));
                0
            })
        });
        outcome
    }
}

/// Makes the file of a new database, whole and without a log. Blocks.
pub(crate) fn create_file(name: &str, path: &Path) -> Result<()> {
    blocking(|| {
        let sequences = Arc::new(SequenceRegistry::default());
        let pool = Pool::new(path.to_owned(), 1, Arc::clone(&sequences));
        prepare_file(name, &pool.create()?, &sequences)?;
        bare::fold_log(path).map_err(error_map::from_rusqlite)
    })
}

/// The same under another name first, so that a crash leaves no half of it behind. Blocks.
fn create_whole(name: &str, path: &Path) -> Result<()> {
    let new = state::beside(path, ".new");
    let cleared = state::discard(&new).map_err(|error| cannot_open(name, error));
    let made = cleared.and_then(|()| create_file(name, &new)).and_then(|()| {
        let moved = local::sync_file(&new).and_then(|()| std::fs::rename(&new, path));
        moved.map_err(|error| cannot_open(name, error))
    });
    // Its logs, or what there is of it on a full disk. What cannot be removed is removed by the next one of that name.
    let _ = state::discard(&new);
    made
}

/// The schema and sequences of a file just opened, its catalog tables made sure of.
fn prepare_file(name: &str, connection: &Connection, sequences: &SequenceRegistry) -> Result<CatalogSnapshot> {
    let entered = connection.enter();
    check_format(name, &entered)?;
    entered.control(Control::BeginImmediate).map_err(|code| entered.error(code))?;
    entered.with(store::initialise).map_err(error_map::from_rusqlite)?;
    entered.commit().map_err(|code| entered.error(code))?;
    let (catalog, states) = entered.with(read_file).map_err(error_map::from_rusqlite)?;
    sequences.reload(states);
    Ok(catalog)
}

/// An error if the file has a layout that this version does not know.
fn check_format(name: &str, entered: &Entered<'_>) -> Result<()> {
    match entered.with(store::is_newer).map_err(error_map::from_rusqlite)? {
        true => Err(Error::fatal(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("database \"{name}\" was written by a newer version of pgserver"),
        )),
        false => Ok(()),
    }
}

/// The schema and where the sequences stand.
fn read_file(database: &rusqlite::Connection) -> rusqlite::Result<(CatalogSnapshot, Vec<(Oid, SequenceState)>)> {
    let states = sequence_states(database)?;
    Ok((ddl::complete(store::load(database, system_relations())?), states))
}

fn sequence_states(database: &rusqlite::Connection) -> rusqlite::Result<Vec<(Oid, SequenceState)>> {
    // A file of another program that a standby must leave as it is.
    if !database.table_exists(Some("main"), "__pg_sequence")? {
        return Ok(Vec::new());
    }
    let mut statement = database.prepare(sequences::SELECT_STATES)?;
    let states = statement.query_map([], |row| {
        Ok((Oid(row.get(0)?), SequenceState { last_value: row.get(1)?, is_called: row.get(2)? }))
    })?;
    states.collect()
}

async fn lock_timed_out(after: Option<Duration>) -> Error {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
    Error::new(SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout")
}

/// The write-ahead log beside a database file.
pub(crate) fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// The answer to what wants to write where nothing is written.
pub(crate) fn standby() -> Error {
    Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, "this server follows others and cannot write")
}

fn cannot_open(name: &str, error: std::io::Error) -> Error {
    Error::fatal(SqlState::IO_ERROR, format!("could not open database \"{name}\": {error}"))
}
