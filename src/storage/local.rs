//! Durability on a local disk: `fdatasync` of the write-ahead log; and the directory's own entries.
//!
//! Owns: [`WalSync`], [`write_anew`], [`or_end`], [`sync_file`], [`sync_directory`], [`DirectoryLock`].
//! Must not know: SQLite's formats.
//!
//! The `-wal` is the only file of a database this process may open besides SQLite: closing any descriptor of the
//! database file or the `-shm` would drop the POSIX locks SQLite holds on them (SQLite, "How To Corrupt", 2.2).

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::storage::sink::Sink;

/// The sink of local storage. SQLite never replaces the log while the database is open (PERSIST_WAL, no checkpoint
/// on close), so one descriptor stays valid.
#[derive(Debug)]
pub struct WalSync(File);

impl WalSync {
    /// Opens the log; it must exist.
    pub fn open(wal: &Path) -> io::Result<Self> {
        Ok(WalSync(File::open(wal)?))
    }
}

impl Sink for WalSync {
    fn make_durable(&mut self, _: bool) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Makes a file durable that nobody has open.
pub fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes what a file holds once more, and syncs it. What was not written when a sync failed counts as written from then
/// on, though it is in memory only; another sync would succeed and change nothing.
pub fn write_anew(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let (mut buffer, mut at) = (vec![0; 1 << 20], 0);
    loop {
        let length = file.read_at(&mut buffer, at)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { return file.sync_data() };
        file.write_all_at(bytes, at)?;
        at += length as u64;
    }
}

/// Ends the process after a failed sync: what it did not write may be in memory only and yet count as written, so that
/// another attempt could succeed and prove nothing. A start writes the log anew.
pub fn or_end(what: &str, synced: io::Result<()>) {
    if let Err(error) = synced {
        log::error!("{what} could not be synced, ending the process: {error}");
        std::process::abort();
    }
}

/// Makes creations, renames and removals in a directory durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// As [`sync_directory`], after making sure that there is something to sync: SQLite syncs the directory of a file that it
/// creates too, and goes on if that fails.
pub fn sync_directory_anew(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!(".pgserver.sync.{}", std::process::id()));
    File::create(&path)?;
    std::fs::remove_file(&path)?;
    sync_directory(directory)
}

/// Keeps a second server out of a data directory for as long as it lives. It is a file of its own, so it does not
/// touch SQLite's locks.
#[derive(Debug)]
pub struct DirectoryLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DirectoryLock {
    /// Takes the lock; `None` if another server has it.
    pub fn acquire(directory: &Path) -> io::Result<Option<Self>> {
        let path: PathBuf = directory.join(".pgserver.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DirectoryLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Whether something can be written to the directory, quotas included: tried, because nothing else tells for sure.
pub fn has_space(directory: &Path) -> bool {
    // Several ask at once when there is room again: each tries with a file of its own.
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let path = directory.join(format!(".pgserver.space.{}", ASKED.fetch_add(1, Ordering::Relaxed)));
    let written = std::fs::write(&path, vec![0; 256 * 1024]);
    let removed = std::fs::remove_file(&path);
    written.is_ok() && removed.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_anew_is_the_same_and_has_been_written() {
        let path = std::env::temp_dir().join(format!("pgserver-anew-{}", std::process::id()));
        let content: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH;
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        write_anew(&path).unwrap();
        assert!(std::fs::read(&path).unwrap() == content);
        assert_ne!(std::fs::metadata(&path).unwrap().modified().unwrap(), old);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(write_anew(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn many_may_ask_for_space_at_once() {
        let directory = std::env::temp_dir().join(format!("pgserver-space-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        assert!(has_space(&directory));
                    }
                });
            }
        });
        let left = std::fs::read_dir(&directory).unwrap().count();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(left, 0);
    }
}
