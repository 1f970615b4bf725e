//! One SQLite connection, set up for a server: how it is opened, what it allows, which statements it keeps.
//!
//! Owns: [`Connection`]. Must not know: the pool it comes from, transactions (`engine::transaction`), PostgreSQL's wording
//! of errors (`engine::error_map`).
//!
//! SQLite is compiled for threads, and each connection is opened without its own mutex (NOMUTEX): it may move between
//! threads and must be used by one at a time. A session and its cursors share a connection and belong to one task,
//! so that holds by construction; [`Connection::enter`] checks it, because the compiler cannot.

#![expect(unsafe_code, reason = "the boundary to SQLite's C interface")]

use std::ffi::CStr;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{OpenFlags, ffi};

use crate::catalog::tables::vtab;
use crate::engine::authorizer::Authorizer;
use crate::engine::catalog_source::ConnectionSource;
use crate::engine::databases::DatabaseNames;
use crate::engine::descriptors::Counted;
use crate::engine::error_map::{self, Failure};
use crate::engine::functions::{self, ContextSlot, row_lock};
use crate::engine::progress::{self, Progress};
use crate::engine::remote::snapshot::Snapshot;
use crate::engine::statement::{Code, RawStatement, StatementCache, Step};
use crate::error::{Error, Result};
use crate::storage::local;
use crate::types::value::Value;

/// SQLITE_CoverIdxScan, which is in no header.
const COVERING_INDEX_SCANS: std::ffi::c_int = 0x20;

/// One SQLite connection with everything that belongs to it.
pub struct Connection {
    // Before `database`: statements are finalized before their connection is closed.
    statements: Mutex<StatementCache>,
    control: Mutex<ControlStatements>,
    database: rusqlite::Connection,
    raw: *mut ffi::sqlite3,
    /// The thread that uses it, and how often it has entered.
    entered: Entries,
    progress: Arc<Progress>,
    authorizer: Authorizer,
    slot: ContextSlot,
    /// Frames in the log after this connection's last commit; 0 if that wrote nothing.
    wal_frames: Arc<AtomicI32>,
    /// The generation of the file whose schema this connection may remember, see [`Connection::follow`].
    generation: AtomicU64,
    /// What it counts as; the writers' and the like do not count.
    _counted: Option<Counted>,
}

// SAFETY: `raw` is the connection inside `database`, which is Send. Everything that reaches SQLite goes through `enter`,
// which admits one thread at a time; the rest of the fields are Sync themselves.
unsafe impl Send for Connection {}
// SAFETY: as above.
unsafe impl Sync for Connection {}

/// The engine's own statements, prepared once per connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Begin,
    BeginImmediate,
    Commit,
    Rollback,
    /// Reads something, so that a transaction just begun holds its snapshot.
    Pin,
    /// Makes the open transaction a writing one and writes nothing: SQLite begins a write operation and finds that
    /// there is nothing to vacuum.
    Upgrade,
    DeferForeignKeys,
    CheckForeignKeysNow,
}

impl Control {
    const COUNT: usize = 8;

    /// Its text.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Control::Begin => "BEGIN",
            Control::BeginImmediate => "BEGIN IMMEDIATE",
            Control::Commit => "COMMIT",
            Control::Rollback => "ROLLBACK",
            Control::Pin => "SELECT 1 FROM main.sqlite_schema LIMIT 1",
            Control::Upgrade => "PRAGMA main.incremental_vacuum(1)",
            Control::DeferForeignKeys => "PRAGMA defer_foreign_keys = ON",
            Control::CheckForeignKeysNow => "PRAGMA defer_foreign_keys = OFF",
        }
    }
}

type ControlStatements = [Option<RawStatement>; Control::COUNT];

/// Page cache of one connection in KiB. Small: every reader's cache is void after each commit anyway, and the
/// operating system caches the same pages.
const CACHE_KIB: i64 = 2_048;

/// SQLite's file system layer for a database that belongs to one process: the log's index is in memory and locks are
/// taken without system calls, which would be half the cost of a point SELECT. Another process that opens the file
/// while the server runs is told that it is locked, and so cannot change it behind the server's back.
pub(crate) const VFS: &str = "unix-excl";

/// Makes a connection read the schema again, and prepare its statements anew.
pub(crate) const FORGET_SCHEMA: &str = "PRAGMA writable_schema = RESET";

/// What each connection is told before anything else. `busy_timeout = 0`: SQLite is never asked for a lock it cannot
/// give, so waiting inside it could only hide a mistake. NORMAL: the log is made durable by the replicator, the
/// checkpoint syncs by itself. Temporary files go to the data directory, so a big sort costs no memory.
fn set_up(database: &rusqlite::Connection) -> rusqlite::Result<()> {
    database.busy_timeout(std::time::Duration::ZERO)?;
    database.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    database.pragma_update(None, "synchronous", "NORMAL")?;
    database.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    database.pragma_update(None, "cache_size", -CACHE_KIB)?;
    database.pragma_update(None, "temp_store", "FILE")?;
    for (option, value) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    ] {
        database.set_db_config(option, value)?;
    }
    Ok(())
}

impl Connection {
    /// Opens the database file, which must exist unless `create`. Reads and writes the disk.
    pub(crate) fn open(path: &Path, create: bool, slot: ContextSlot, names: DatabaseNames) -> Result<Self> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let mut database =
            rusqlite::Connection::open_with_flags_and_vfs(path, flags, VFS).map_err(error_map::from_rusqlite)?;
        let made = set_up(&database);
        error_map::end_if_unsynced("a database file", &made);
        made.map_err(error_map::from_rusqlite)?;
        functions::register(&database, &slot)?;
        let source = Arc::new(ConnectionSource::new(slot.clone(), names));
        vtab::register(&database, source).map_err(error_map::from_rusqlite)?;
        let (progress, authorizer) = (Arc::new(Progress::default()), Authorizer::default());
        let wal_frames = Arc::new(AtomicI32::new(0));
        install_hooks(&mut database, (&progress, &authorizer, &wal_frames), slot.clone())
            .map_err(error_map::from_rusqlite)?;
        persist_wal(&database, "main");
        // SAFETY: the handle is kept beside its owner and used only while that lives.
        let raw = unsafe { database.handle() };
        // PostgreSQL reads a whole table in the order of its rows; SQLite would take an index that has all columns asked for.
        // SAFETY: the handle is open; the control takes it and the optimizations to leave out.
        unsafe { ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_OPTIMIZATIONS, raw, COVERING_INDEX_SCANS) };
        Ok(Connection {
            statements: Mutex::default(),
            control: Mutex::default(),
            database,
            raw,
            entered: Entries::default(),
            progress,
            authorizer,
            slot,
            wal_frames,
            generation: AtomicU64::new(0),
            _counted: None,
        })
    }

    /// The same, as one of the connections there may be.
    pub(crate) fn counted(self, counted: Counted) -> Self {
        Connection { _counted: Some(counted), ..self }
    }

    /// Before a statement outside of a transaction: if pages of the file were replaced behind SQLite's back since the
    /// last call (a new `generation`), forgets the schema, which may be another one under the same schema cookie.
    pub(crate) fn follow(&self, generation: u64) -> Result<(), Code> {
        if self.generation.load(Ordering::Relaxed) != generation {
            let entered = self.enter();
            entered.execute(FORGET_SCHEMA).map_err(|error| entered.code(&error))?;
            self.generation.store(generation, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Runs something that commits by itself. Gives the number of frames in the log after it, 0 if it wrote nothing.
    pub(crate) fn counting_frames(&self, body: impl FnOnce()) -> i32 {
        self.wal_frames.store(0, Ordering::Relaxed);
        body();
        self.wal_frames.load(Ordering::Relaxed)
    }

    /// Where functions find the session; and the errors they left.
    pub(crate) fn slot(&self) -> &ContextSlot {
        &self.slot
    }

    /// The progress of what this connection runs.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Begins a use of SQLite through this connection by the current thread. The result keeps every other out. A function
    /// that SQLite calls may enter again, to run statements of its own: SQLite allows that.
    pub(crate) fn enter(&self) -> Entered<'_> {
        assert!(self.entered.enter(), "a connection is used by two threads");
        Entered(self)
    }
}

/// Which thread uses a connection, and how deep it is in it.
#[derive(Default)]
struct Entries {
    /// What stands for the thread; 0 for none.
    thread: AtomicUsize,
    /// Only that thread changes it.
    depth: AtomicU32,
}

thread_local! {
    static MARK: u8 = const { 0 };
}

impl Entries {
    /// False if another thread is in it.
    fn enter(&self) -> bool {
        // The address of something of the thread's own.
        let thread = MARK.with(|mark| std::ptr::from_ref(mark).addr());
        if self.thread.load(Ordering::Relaxed) != thread
            && self.thread.compare_exchange(0, thread, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return false;
        }
        self.depth.store(self.depth.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        true
    }

    fn leave(&self) {
        let depth = self.depth.load(Ordering::Relaxed) - 1;
        self.depth.store(depth, Ordering::Relaxed);
        if depth == 0 {
            self.thread.store(0, Ordering::Release);
        }
    }
}

/// A connection in use by the current thread, see [`Connection::enter`].
pub(crate) struct Entered<'a>(&'a Connection);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.entered.leave();
    }
}

impl Entered<'_> {
    /// The connection as rusqlite has it, for the engine's own work; statements prepared inside `body` are trusted.
    pub(crate) fn with<T>(&self, body: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        let _trusted = self.0.authorizer.trusted();
        body(&self.0.database)
    }

    /// A prepared statement for this text: the cached one if nobody else uses it.
    pub(crate) fn prepare(&self, sql: &Arc<str>) -> Result<RawStatement, Code> {
        if let Some(statement) = self.cache(|cache| cache.take(sql)) {
            return Ok(statement);
        }
        // SAFETY: the connection is open and this thread's; cached statements and cursors end before it
        // (field order, and a cursor holds the connection).
        let statement = unsafe { RawStatement::prepare(self.0.raw, sql) }?;
        statement.ok_or(ffi::SQLITE_MISUSE)
    }

    /// Where this connection's functions find the session.
    pub(crate) fn slot(&self) -> &ContextSlot {
        &self.0.slot
    }

    /// Ends what runs on this connection at that time, besides the session's own limits.
    pub(crate) fn limit_time(&self, limit: Option<std::time::Instant>) {
        self.0.progress.limit(limit);
    }

    /// Another statement of the session begins on this connection.
    pub(crate) fn begin_statement(&self) {
        self.0.progress.begin();
    }

    /// Runs one of the engine's own statements to its end and keeps it prepared.
    pub(crate) fn run_cached(&self, sql: &Arc<str>, values: &[Value]) -> Result<(), Code> {
        let _trusted = self.0.authorizer.trusted();
        let mut statement = self.prepare(sql)?;
        let outcome = statement.borrowing(values.iter(), |statement, bound| {
            bound?;
            while statement.step()? == Step::Row {}
            Ok(())
        });
        self.put_back(Arc::clone(sql), statement);
        outcome
    }

    /// Gives a statement back to the cache.
    pub(crate) fn put_back(&self, sql: Arc<str>, mut statement: RawStatement) {
        statement.reset();
        statement.clear_bindings();
        self.cache(|cache| cache.put(sql, statement));
    }

    /// Runs one of the engine's own statements.
    pub(crate) fn control(&self, control: Control) -> Result<(), Code> {
        let _trusted = self.0.authorizer.trusted();
        if matches!(control, Control::DeferForeignKeys | Control::CheckForeignKeysNow) {
            // Such a pragma is a flag and counts from when it is prepared. Run, it would make those statements fail within
            // which this one runs (they call a function that changes rows) as soon as they open another table
            // (OP_Expire). What is prepared and idle does not know of the flag.
            if self.runs_statement() {
                // SAFETY: as in `prepare`.
                drop(unsafe { RawStatement::prepare(self.0.raw, control.sql()) }?);
                self.cache(|cache| *cache = StatementCache::default());
                return Ok(());
            }
        }
        let mut statements = self.0.control.lock().unwrap_or_else(PoisonError::into_inner);
        let statement = match &mut statements[control as usize] {
            Some(statement) => statement,
            // SAFETY: as in `prepare`.
            empty => match unsafe { RawStatement::prepare(self.0.raw, control.sql()) }? {
                Some(statement) => empty.insert(statement),
                None => return Err(ffi::SQLITE_MISUSE),
            },
        };
        let mut outcome = statement.step();
        while outcome == Ok(Step::Row) && control != Control::Pin {
            outcome = statement.step();
        }
        statement.reset();
        outcome.map(|_| ())
    }

    /// Whether a statement is running on the connection.
    fn runs_statement(&self) -> bool {
        let mut statement = std::ptr::null_mut();
        loop {
            // SAFETY: an open connection, this thread's; the statement is one of its, or none to begin with.
            statement = unsafe { ffi::sqlite3_next_stmt(self.0.raw, statement) };
            if statement.is_null() {
                return false;
            }
            // SAFETY: as above.
            if unsafe { ffi::sqlite3_stmt_busy(statement) } != 0 {
                return true;
            }
        }
    }

    /// Runs SQL of the engine's own that is not worth keeping prepared.
    pub(crate) fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.with(|database| database.execute_batch(sql))
    }

    /// COMMIT. Gives the number of frames in the log after it, 0 if the transaction wrote nothing.
    pub(crate) fn commit(&self) -> Result<i32, Code> {
        self.0.wal_frames.store(0, Ordering::Relaxed);
        self.control(Control::Commit)?;
        Ok(self.0.wal_frames.load(Ordering::Relaxed))
    }

    /// Whether the open transaction is one that writes.
    pub(crate) fn is_writing(&self) -> bool {
        // SAFETY: an open connection, this thread's; a null name asks for all databases.
        unsafe { ffi::sqlite3_txn_state(self.0.raw, std::ptr::null()) == ffi::SQLITE_TXN_WRITE }
    }

    /// Whether no transaction is open.
    pub(crate) fn is_autocommit(&self) -> bool {
        // SAFETY: an open connection, this thread's.
        unsafe { ffi::sqlite3_get_autocommit(self.0.raw) != 0 }
    }

    /// Whether rows of the open transaction violate foreign keys whose check was put off.
    pub(crate) fn has_deferred_violations(&self) -> bool {
        let (mut current, mut high) = (0, 0);
        // SAFETY: an open connection, this thread's, and two ints to write to. SQLite answers 0 or 1.
        let code = unsafe {
            ffi::sqlite3_db_status(self.0.raw, ffi::SQLITE_DBSTATUS_DEFERRED_FKS, &raw mut current, &raw mut high, 0)
        };
        code == ffi::SQLITE_OK && current != 0
    }

    /// Switches what SQLite does about foreign keys in statements that begin from now on.
    pub(crate) fn set_foreign_keys(&self, on: bool) -> Result<()> {
        let switched = self.0.database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, on);
        switched.map(|_| ()).map_err(error_map::from_rusqlite)
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE that has ended.
    pub(crate) fn changes(&self) -> u64 {
        // SAFETY: an open connection, this thread's.
        u64::try_from(unsafe { ffi::sqlite3_changes64(self.0.raw) }).unwrap_or_default()
    }

    /// Rows changed since the connection was opened.
    pub(crate) fn total_changes(&self) -> i64 {
        // SAFETY: an open connection, this thread's.
        unsafe { ffi::sqlite3_total_changes64(self.0.raw) }
    }

    /// The number of the row that was inserted last.
    pub(crate) fn last_rowid(&self) -> i64 {
        // SAFETY: an open connection, this thread's.
        unsafe { ffi::sqlite3_last_insert_rowid(self.0.raw) }
    }

    /// The code of an error that rusqlite gave.
    fn code(&self, error: &rusqlite::Error) -> Code {
        error.sqlite_error().map_or(ffi::SQLITE_ERROR, |error| error.extended_code)
    }

    /// Begins a transaction that reads a state of the database other than the latest one.
    pub(crate) fn begin_at(&self, snapshot: &Snapshot) -> Result<(), Code> {
        self.control(Control::Begin)?;
        // SAFETY: an open connection, this thread's.
        let opened = unsafe { snapshot.open(self.0.raw) };
        if opened.is_err() {
            self.control(Control::Rollback)?;
        }
        opened
    }

    /// What SQLite says about the call that just failed with `code`. After a failed sync nobody is told any more.
    pub(crate) fn failure(&self, code: Code) -> Failure {
        // SAFETY: an open connection, this thread's; the text is valid until the next call on the connection and is
        // copied here.
        let (extended, message) = unsafe {
            (
                ffi::sqlite3_extended_errcode(self.0.raw),
                CStr::from_ptr(ffi::sqlite3_errmsg(self.0.raw)).to_string_lossy().into_owned(),
            )
        };
        // The last error is this one, unless the call never reached the connection (a misuse).
        let code = if extended & 0xff == code & 0xff { extended } else { code };
        if error_map::is_failed_sync(code) {
            local::or_end("a database file", Err(std::io::Error::other(message.as_str())));
        }
        Failure { code, message }
    }

    /// The error a failed call means to the client, when it is nothing about constraints: what a function raised, an
    /// interrupt, or SQLite's own.
    pub(crate) fn error(&self, code: Code) -> Error {
        self.raised(code).unwrap_or_else(|| error_map::plain(&self.failure(code)))
    }

    /// The error behind a failure of which SQLite knows only the shadow: what a function raised, or the interrupt.
    pub(crate) fn raised(&self, code: Code) -> Option<Error> {
        match code & 0xff {
            ffi::SQLITE_ERROR => self.0.slot.take_error(),
            ffi::SQLITE_INTERRUPT => self.0.progress.interruption(),
            _ => None,
        }
    }

    fn cache<T>(&self, body: impl FnOnce(&mut StatementCache) -> T) -> T {
        body(&mut self.0.statements.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn install_hooks(
    database: &mut rusqlite::Connection,
    (progress, authorizer, wal_frames): (&Arc<Progress>, &Authorizer, &Arc<AtomicI32>),
    slot: ContextSlot,
) -> rusqlite::Result<()> {
    let (progress, authorizer, wal_frames) = (Arc::clone(progress), authorizer.clone(), Arc::clone(wal_frames));
    database.progress_handler(progress::STEPS, Some(move || progress.called()))?;
    database.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| authorizer.decide(&context)))?;
    database.update_hook(Some(move |action, database: &str, table: &str, row| {
        row_lock::changed(&slot, action, database, table, row);
    }))?;
    // After the pragma wal_autocheckpoint, which would replace it.
    database.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames| {
        wal_frames.store(frames, Ordering::Relaxed);
        Ok(())
    }))
}

/// Keeps the `-wal` in place when the last connection closes: the replicator's descriptor stays valid.
pub(crate) fn persist_wal(database: &rusqlite::Connection, schema: &str) {
    let Ok(schema) = std::ffi::CString::new(schema) else { return };
    let mut on: std::ffi::c_int = 1;
    // SAFETY: an open connection, used by nobody else during the call; this control takes a pointer to an int.
    unsafe {
        let raw = database.handle();
        ffi::sqlite3_file_control(raw, schema.as_ptr(), ffi::SQLITE_FCNTL_PERSIST_WAL, (&raw mut on).cast());
    }
}

/// Sets the directory of SQLite's temporary files (big sorts, temporary tables) for the whole process, once: a
/// container may have no other place to write to.
pub(crate) fn set_temporary_directory(directory: &Path) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let Ok(text) = std::ffi::CString::new(directory.as_os_str().as_encoded_bytes()) else { return };
    ONCE.call_once(|| {
        let bytes = text.as_bytes_with_nul();
        // SAFETY: SQLite wants this variable set, before it is used by other threads, to memory of its own allocator;
        // `Once` and the fact that no database is open yet see to the first, and the copy stays within it.
        unsafe {
            let memory = ffi::sqlite3_malloc64(bytes.len() as u64).cast::<std::ffi::c_char>();
            if !memory.is_null() {
                std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), memory, bytes.len());
                ffi::sqlite3_temp_directory = memory;
            }
        }
    });
}
