//! Bare connections to a working copy: no schema of ours, no functions, no limits on what they may do.
//!
//! Owns: [`open`], [`open_beside`]. Must not know: what they are used for.
//!
//! A working copy is a cache of what the object store has, so nothing in it is ever synced. Checkpoints are the
//! replicator's alone, here as everywhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Result};

use crate::engine::connection::{VFS, persist_wal};

/// A connection whose main database is that file, in WAL mode.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(path, flags, VFS)?;
    set_up(&connection, "main")?;
    Ok(connection)
}

/// A connection to which the file is attached under the name [`BESIDE`]; its main database is empty, so SQLite never
/// looks at the file's schema by itself while pages of it are replaced.
pub(crate) fn open_beside(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(":memory:", flags, VFS)?;
    connection.execute(&format!("ATTACH ?1 AS {BESIDE}"), [path.to_string_lossy()])?;
    set_up(&connection, BESIDE)?;
    Ok(connection)
}

/// Page cache in KiB.
const CACHE_KIB: i64 = 2_048;

/// The name of the file of [`open_beside`].
pub(crate) const BESIDE: &str = "copy";

/// Counts the frames of the log after each commit of the connection; 0 before the first.
pub(crate) fn count_frames(connection: &mut Connection) -> Result<Arc<AtomicI32>> {
    let frames = Arc::new(AtomicI32::new(0));
    let counted = Arc::clone(&frames);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames| {
        counted.store(frames, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(frames)
}

/// What became of an attempt to empty the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptied {
    /// It has started anew and has that many frames.
    Anew(i32),
    /// Somebody still reads from it.
    NotYet,
}

/// Copies as much of the log into the file as no reader's state forbids.
pub(crate) fn copy_log(path: &Path) -> Result<()> {
    checkpoint(&open(path)?, "PASSIVE").map(drop)
}

/// Copies all of the log into the file and has it start anew with a commit that changes nothing. The caller has the
/// write ticket and keeps reads from beginning.
pub(crate) fn empty_log(path: &Path) -> Result<Emptied> {
    let mut connection = open(path)?;
    connection.busy_timeout(READERS_PATIENCE)?;
    if !checkpoint(&connection, "TRUNCATE")? {
        return Ok(Emptied::NotYet);
    }
    touch(&mut connection).map(Emptied::Anew)
}

/// Copies all of the log into the file and cuts it. Nobody else uses the file.
pub(crate) fn fold_log(path: &Path) -> Result<()> {
    checkpoint(&open(path)?, "TRUNCATE").map(drop)
}

/// Commits a change that changes nothing: a snapshot can be taken only if there is a commit in the log. Gives the number
/// of frames in the log.
pub(crate) fn touch(connection: &mut Connection) -> Result<i32> {
    let frames = count_frames(connection)?;
    let version: i32 = connection.query_row("PRAGMA main.user_version", [], |row| row.get(0))?;
    connection.pragma_update(Some("main"), "user_version", version)?;
    Ok(frames.load(Ordering::Relaxed))
}

/// How long readers of the old log may take to finish.
const READERS_PATIENCE: std::time::Duration = std::time::Duration::from_millis(20);

/// Whether everything was done.
fn checkpoint(connection: &Connection, mode: &str) -> Result<bool> {
    let busy: i32 = connection.query_row(&format!("PRAGMA main.wal_checkpoint({mode})"), [], |row| row.get(0))?;
    Ok(busy == 0)
}

fn set_up(connection: &Connection, schema: &str) -> Result<()> {
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection.pragma_update_and_check(Some(schema), "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(Some(schema), "synchronous", "OFF")?;
    connection.pragma_update(Some(schema), "cache_size", -CACHE_KIB)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    persist_wal(connection, schema);
    Ok(())
}
