//! SQLite's snapshots: a state of the database named so that other connections can read it.
//!
//! Owns: [`Snapshot`]. Must not know: which state is worth keeping. Specification: sqlite.org/c3ref/snapshot.html.
//!
//! A snapshot keeps nothing from being overwritten; the read transaction it was taken from does. Opening one that is
//! gone fails with SQLITE_ERROR_SNAPSHOT, never with other content.

#![expect(unsafe_code, reason = "the boundary to SQLite's C interface")]

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use rusqlite::{Connection, ffi};

use crate::engine::statement::Code;

/// The state of a database that a read transaction sees.
#[derive(Debug)]
pub(crate) struct Snapshot(NonNull<ffi::sqlite3_snapshot>);

// SAFETY: a snapshot is plain memory of its own that SQLite copies from and never changes.
unsafe impl Send for Snapshot {}
// SAFETY: as above.
unsafe impl Sync for Snapshot {}

impl Snapshot {
    /// The snapshot of the connection's open read transaction. There must be a commit in the log.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut raw: *mut ffi::sqlite3_snapshot = ptr::null_mut();
        // SAFETY: the connection is open and used by nobody else during the call (`Connection` is not Sync); `raw` is
        // a place for the result.
        let code = unsafe { ffi::sqlite3_snapshot_get(connection.handle(), c"main".as_ptr(), &raw mut raw) };
        match NonNull::new(raw) {
            Some(raw) if code == ffi::SQLITE_OK => Ok(Snapshot(raw)),
            _ => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
        }
    }

    /// Begins reading this state in the connection's open transaction, which has read nothing yet.
    ///
    /// # Safety
    /// `database` is an open connection that nobody else uses during the call.
    pub(crate) unsafe fn open(&self, database: *mut ffi::sqlite3) -> Result<(), Code> {
        // SAFETY: the caller's promise; the snapshot is live and only read.
        let code: c_int = unsafe { ffi::sqlite3_snapshot_open(database, c"main".as_ptr(), self.0.as_ptr()) };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(code) }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // SAFETY: a live snapshot, and nobody uses it any more.
        unsafe { ffi::sqlite3_snapshot_free(self.0.as_ptr()) };
    }
}
