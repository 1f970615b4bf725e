//! Earlier states of databases in an object store, open for reading: each has a working copy of its own, which all
//! sessions that look at it share.
//!
//! Owns: [`OpenVersions`], [`VersionCopy`]. Must not know: how a state is found and restored (`storage::log`).

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::engine::database::Database;
use crate::error::{Error, Result, SqlState};
use crate::storage::log::delta::{Id, Sequence};
use crate::storage::log::state;

/// A state for ever: its database's name, incarnation and the number in its log.
pub(crate) type VersionKey = (String, Id, Sequence);

/// A version that somebody may have open, locked while it is being restored.
type Slot = Arc<tokio::sync::Mutex<Weak<Database>>>;

/// The versions that sessions have open.
#[derive(Default)]
pub(crate) struct OpenVersions(Mutex<HashMap<VersionKey, Slot>>);

impl OpenVersions {
    /// The version that is open, or the one that `restore` makes; sessions that want the same wait for it.
    pub(crate) async fn open(
        &self,
        key: VersionKey,
        restore: impl Future<Output = Result<Arc<Database>>>,
    ) -> Result<Arc<Database>> {
        let slot = self.slot(key);
        let mut open = slot.lock().await;
        if let Some(database) = open.upgrade() {
            return Ok(database);
        }
        let database = restore.await?;
        *open = Arc::downgrade(&database);
        Ok(database)
    }

    fn slot(&self, key: VersionKey) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody has open and nobody waits for.
        let is_unused = |slot: &Slot| {
            Arc::strong_count(slot) == 1 && slot.try_lock().is_ok_and(|database| database.strong_count() == 0)
        };
        slots.retain(|_, slot| !is_unused(slot));
        Arc::clone(slots.entry(key).or_default())
    }
}

/// The working copy of a version; removed with the value.
#[derive(Debug)]
pub(crate) struct VersionCopy(PathBuf);

/// How the names of these files end.
const SUFFIX: &str = ".version";

impl VersionCopy {
    /// A file of that name, which nothing else has.
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        VersionCopy(directory.join(format!("{name}{SUFFIX}")))
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes what a process that was killed has left in a directory of its own.
    pub(crate) fn clear(directory: &Path) {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(SUFFIX)) {
            if let Err(error) = std::fs::remove_file(&path) {
                log::warn!("cannot remove the old working copy {}: {error}", path.display());
            }
        }
    }
}

impl Drop for VersionCopy {
    fn drop(&mut self) {
        if let Err(error) = state::discard(&self.0) {
            log::warn!("cannot remove the working copy {}: {error}", self.0.display());
        }
    }
}

/// The answer to what wants to write to a version.
pub(crate) fn read_only(name: &str) -> Error {
    Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, format!("\"{name}\" is a version and cannot be written to"))
        .with_hint("\"pgserver branch\" makes a database that begins with it.")
}

/// 3D000 for a time that has not come.
pub(crate) fn in_the_future(name: &str) -> Error {
    Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist"))
        .with_detail("The time has not come yet.")
}

/// 0A000 where databases have no versions.
pub(crate) fn not_in_a_store(name: &str) -> Error {
    Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("\"{name}\" is not supported: databases on the disk have no versions"),
    )
    .with_hint("A server with STORAGE = s3, azure or directory keeps versions of its databases.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_restore_is_tried_again_and_what_nobody_has_open_is_forgotten() {
        let versions = OpenVersions::default();
        let key = |sequence| ("app".to_owned(), Id([0; 16]), sequence);
        for sequence in 0..3 {
            let failed = versions.open(key(sequence), async { Err(Error::internal("no")) }).await;
            assert!(failed.is_err());
        }
        assert_eq!(versions.0.lock().expect("lock").len(), 1);
    }

    #[test]
    fn only_copies_of_versions_are_cleared() {
        let directory = std::env::temp_dir().join(format!("pgserver-version-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("directory");
        for name in ["app.sqlite", "app-1.version", "app-1.version-wal"] {
            std::fs::write(directory.join(name), "x").expect("write");
        }
        VersionCopy::clear(&directory);
        let left: Vec<_> = std::fs::read_dir(&directory).expect("read").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["app.sqlite"]);
        std::fs::remove_dir_all(&directory).expect("remove");
    }
}
