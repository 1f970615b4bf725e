//! A directory of this process's own below one that everybody may use, such as the system's temporary directory.
//!
//! Owns: [`OwnDirectory`]. Must not know: what is kept in it.
//!
//! Its name is random, nobody else may look into it, and it is locked for as long as the process lives. What a crash left
//! behind is therefore known by its lock, which nobody has, and the next process removes it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::storage::local::DirectoryLock;

const PREFIX: &str = "pgserver-";

/// In the names of files that a stop has kept because their content is nowhere else.
const UNSAVED: &str = ".unsaved-";

/// See the module. Removed with this value.
#[derive(Debug)]
pub struct OwnDirectory {
    path: PathBuf,
    _lock: DirectoryLock,
}

impl OwnDirectory {
    /// Makes one below `parent`, and removes those that nobody has any more.
    pub fn make(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        clear(parent)?;
        loop {
            let path = parent.join(format!("{PREFIX}{:016x}", rand::random::<u64>()));
            DirBuilder::new().mode(0o700).create(&path)?;
            // Another process that starts may have taken it for one that nobody has.
            match DirectoryLock::acquire(&path) {
                Ok(Some(lock)) if path.exists() => return Ok(OwnDirectory { path, _lock: lock }),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        if !keeps_something(&self.path)
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn clear(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        let path = entry.path();
        let named = entry.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX)).is_some_and(is_number);
        // Somebody else's, a link among them, is none of ours.
        let ours = named && entry.metadata().is_ok_and(|found| found.is_dir() && found.mode() & 0o777 == 0o700);
        if !ours {
            continue;
        }
        // What cannot be locked or removed is somebody else's as well.
        if let Ok(Some(_lock)) = DirectoryLock::acquire(&path) {
            if keeps_something(&path) {
                log::warn!("{} has commits that are nowhere else; it is not removed", path.display());
            } else if fs::remove_dir_all(&path).is_ok() {
                log::info!("removed {}, which another server has left behind", path.display());
            }
        }
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn keeps_something(path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().contains(UNSAVED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_any_more_is_removed_by_the_next() {
        let parent = std::env::temp_dir().join(format!("pgserver-own-directory-{}", std::process::id()));
        let first = OwnDirectory::make(&parent).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(first.path()), 0o700);
        // As a crash leaves it, and with something that must not be lost.
        let left = |name: &str| {
            let path = parent.join(name);
            DirBuilder::new().mode(0o700).create(&path).unwrap();
            fs::write(path.join("app.sqlite"), "").unwrap();
            path
        };
        let orphan = left("pgserver-0123456789abcdef");
        let kept = left("pgserver-0123456789abcdee");
        fs::write(kept.join("app.unsaved-1.sqlite"), "").unwrap();
        let other = left("pgserver-other");
        let second = OwnDirectory::make(&parent).unwrap();
        assert!(first.path().exists() && second.path().exists() && first.path() != second.path());
        assert!(!orphan.exists() && kept.exists() && other.exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists());
        drop(second);
        fs::remove_dir_all(&parent).unwrap();
    }
}
