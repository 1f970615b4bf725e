//! What a working copy on this machine stands for, so that the next start need not fetch it anew.
//!
//! Owns: the file beside the copy, [`State`]; [`settle`]. Must not know: stores.
//!
//! It is written after an append without waiting for the disk, and the copy itself is never synced either. So nothing
//! of it is believed: the copy counts only if its page checksum is the one recorded, whatever happened in between.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::debug_log::debug;
use crate::storage::kill_point;
use crate::storage::log::delta::{Digest, Id, Sequence};
use crate::storage::log::fault::Result;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::image::{Head, Image, write_whole};
use crate::storage::log::page_checksum::PageChecksums;
use crate::storage::log::wal::{self, WalMark};

/// A place in the log of a database, and the place in the copy's write-ahead log that it corresponds to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub database: Id,
    pub incarnation: Id,
    pub page_size: u32,
    pub sequence: Sequence,
    pub chain: Digest,
    pub commit: Timestamp,
    pub post_checksum: u64,
    pub wal: WalMark,
}

impl State {
    /// Of a copy that is at that place when its log is read up to the mark.
    pub fn new(head: &Head, wal: WalMark) -> Self {
        State {
            database: head.database,
            incarnation: head.incarnation,
            page_size: head.page_size,
            sequence: head.sequence,
            chain: head.chain,
            commit: head.commit,
            post_checksum: head.checksums.total(),
            wal,
        }
    }

    /// Writes it beside the copy.
    pub fn save(&self, copy: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        write_whole(&beside(copy, ".state"), &text)?;
        kill_point::reached("a copy's state is recorded");
        Ok(())
    }

    /// Reads what is beside the copy.
    pub fn load(copy: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(beside(copy, ".state")).ok()?).ok()
    }
}

/// Makes a copy that was left behind exactly the state recorded for it, without its log; none if it is not that state.
/// What was committed beyond it was never acknowledged. Nobody may have the copy open. Blocks.
pub fn settle(copy: &Path, state: &State) -> Result<Option<Image>> {
    let file = File::options().read(true).write(true).open(copy)?;
    if let Ok(log) = File::open(beside(copy, "-wal")) {
        // A log that does not fit is one that was emptied since: the file may still be the state.
        let copied = wal::copy_into(&log, state.wal, &file);
        debug!("{}: log of the working copy: {copied:?}", copy.display());
    }
    kill_point::reached("a copy's log is in its file");
    let Ok(checksums) = PageChecksums::of_file(&file, state.page_size) else { return Ok(None) };
    if checksums.total() != state.post_checksum {
        return Ok(None);
    }
    remove_logs(copy)?;
    let head = Head {
        database: state.database,
        incarnation: state.incarnation,
        page_size: state.page_size,
        sequence: state.sequence,
        chain: state.chain,
        commit: state.commit,
        checksums,
    };
    Ok(Some(Image::new(file, head)))
}

/// Removes a copy and everything beside it.
pub fn discard(copy: &Path) -> io::Result<()> {
    remove_logs(copy)?;
    remove(copy)?;
    remove(&beside(copy, ".state"))
}

/// Copies a copy that nobody uses any more to a name that no start looks for: what is in it is nowhere else. Gives the
/// name.
pub fn set_aside(copy: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let kept = copy.with_extension(format!("unsaved-{seconds}.sqlite"));
    for suffix in ["", "-wal"] {
        let to = beside(&kept, suffix);
        match std::fs::copy(beside(copy, suffix), &to) {
            Ok(_) => File::open(&to)?.sync_all()?,
            // A log that was emptied is not there.
            Err(error) if suffix == "-wal" && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(kept)
}

fn remove_logs(copy: &Path) -> io::Result<()> {
    ["-wal", "-shm", "-journal"].into_iter().try_for_each(|suffix| remove(&beside(copy, suffix)))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file of that name with something behind it.
pub fn beside(copy: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(copy);
    name.push(suffix);
    PathBuf::from(name)
}
