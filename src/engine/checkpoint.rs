//! Moving the write-ahead log back into the database file, off the clients' path.
//!
//! Owns: [`Checkpointer`]. Must not know: sessions, durability (a commit is durable once its log is).
//!
//! Only this checkpoints; every other connection has it switched off. A passive pass copies most of the log while
//! writers go on. Then, with the write ticket in hand, a short second pass copies what they have added meanwhile and
//! has the next writer start again at the log's beginning: without the ticket a busy database would never be caught
//! up with. The file keeps its length: overwriting allocated blocks makes fdatasync cheaper than growing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::debug_log::debug;
use crate::engine::connection::VFS;
use crate::engine::error_map;

/// Frames in the log from which on it is worth copying; 16 MiB of 4 KiB pages.
const ENOUGH: i32 = 4_096;

/// After a pass that could not finish because of a long reader: how many more frames until the next.
const RETRY: i32 = 2_048;

/// Frames from which on an operator should look for the reader that stops the log from being reused; 512 MiB.
const WORRYING: i32 = 131_072;

/// A log longer than this is cut when it is empty, instead of being kept for reuse; 64 MiB.
const LARGE: i32 = 16_384;

/// How long the second pass, which keeps writers waiting, lets readers of the old log finish, per [`ENOUGH`] frames of
/// it: where there are always readers of fifty milliseconds, a log may become a few times as long, not any length.
const READERS_PATIENCE: Duration = Duration::from_millis(20);

/// The most of it.
const LONGEST_PATIENCE: Duration = Duration::from_millis(500);

/// Checkpoints one database.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    name: String,
    path: PathBuf,
    ticket: Arc<tokio::sync::Mutex<()>>,
    running: AtomicBool,
    /// Frames at which the next pass begins.
    next: AtomicI32,
    connection: Mutex<Option<Connection>>,
}

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// The log is used again from its beginning.
    Reuse,
    /// The log's file is cut.
    Space,
}

/// What a pass achieved, in frames.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    busy: bool,
    log: i32,
    copied: i32,
}

impl Checkpointer {
    /// Nothing runs yet.
    pub(crate) fn new(name: String, path: PathBuf, ticket: Arc<tokio::sync::Mutex<()>>) -> Arc<Self> {
        Arc::new(Checkpointer {
            name,
            path,
            ticket,
            running: AtomicBool::new(false),
            next: AtomicI32::new(ENOUGH),
            connection: Mutex::default(),
        })
    }

    /// The log now has that many frames; begins a pass if that is worth it.
    pub(crate) fn log_has_grown(self: &Arc<Self>, frames: i32) {
        if frames >= self.next.load(Ordering::Relaxed) {
            self.begin(Aim::Reuse);
        }
    }

    /// The disk is full: begins a pass that gives the log's space back.
    pub(crate) fn reclaim(self: &Arc<Self>) {
        self.begin(Aim::Space);
    }

    /// Begins a pass on a thread of its own, unless one is under way.
    fn begin(self: &Arc<Self>, aim: Aim) {
        if self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = Arc::clone(self);
        let spawned =
            std::thread::Builder::new().name("checkpoint".to_owned()).stack_size(256 * 1024).spawn(move || {
                this.pass(aim);
                this.running.store(false, Ordering::Release);
            });
        if let Err(error) = spawned {
            log::warn!("database \"{}\": no thread for a checkpoint: {error}", self.name);
            self.running.store(false, Ordering::Release);
        }
    }

    /// Copies everything and empties the log, for a clean stop.
    pub(crate) fn finish(&self) {
        let outcome = self.with_connection(|connection| checkpoint(connection, "TRUNCATE"));
        match outcome {
            Ok(Outcome { busy: false, .. }) => {}
            Ok(_) => log::info!("database \"{}\": the log stays, somebody still reads from it", self.name),
            Err(error) => log::warn!("database \"{}\": the last checkpoint failed: {error}", self.name),
        }
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn pass(&self, aim: Aim) {
        let outcome = self.with_connection(|connection| {
            let passive = checkpoint(connection, "PASSIVE")?;
            if passive.copied < passive.log - ENOUGH / 2 {
                // A reader holds on to an early part; a second pass would keep writers waiting for nothing.
                return Ok(Outcome { busy: true, ..passive });
            }
            let _ticket = self.ticket.blocking_lock();
            let cut = passive.log > LARGE || aim == Aim::Space;
            connection.busy_timeout(patience(passive.log))?;
            checkpoint(connection, if cut { "TRUNCATE" } else { "RESTART" })
        });
        match outcome {
            Ok(Outcome { busy: false, log, .. }) => {
                self.next.store(ENOUGH, Ordering::Relaxed);
                debug!("database \"{}\": checkpoint done, log {log} frames", self.name);
            }
            Ok(Outcome { log, copied, .. }) => {
                self.next.store(log.saturating_add(RETRY), Ordering::Relaxed);
                let reason = "a long reader keeps the log from being reused";
                if log > WORRYING {
                    log::warn!("database \"{}\": {reason}: {copied} of {log} frames copied", self.name);
                } else {
                    debug!("database \"{}\": {reason}: {copied} of {log} frames copied", self.name);
                }
            }
            Err(error) => {
                self.next.store(self.next.load(Ordering::Relaxed).saturating_add(RETRY), Ordering::Relaxed);
                log::warn!("database \"{}\": checkpoint failed: {error}", self.name);
            }
        }
    }

    fn with_connection<T>(&self, body: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match kept.take() {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let outcome = body(&connection);
        error_map::end_if_unsynced(&format!("a checkpoint of database \"{}\"", self.name), &outcome);
        if outcome.is_ok() {
            *kept = Some(connection);
        }
        outcome
    }
}

/// A bare connection: a checkpoint needs neither the schema nor functions.
fn open(path: &std::path::Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(path, flags, VFS)?;
    connection.busy_timeout(patience(0))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn patience(log: i32) -> Duration {
    let lengths = u32::try_from(log / ENOUGH).unwrap_or_default().max(1);
    (READERS_PATIENCE * lengths).min(LONGEST_PATIENCE)
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Outcome> {
    connection.query_row(&format!("PRAGMA main.wal_checkpoint({mode})"), [], |row| {
        Ok(Outcome { busy: row.get::<_, i32>(0)? != 0, log: row.get(1)?, copied: row.get(2)? })
    })
}
