//! SQLite's write-ahead log as a queue: what was committed between two positions.
//!
//! Owns: [`read_changes`], [`copy_into`], positions. Must not know: where changes go. Specification:
//! sqlite.org/fileformat2.html, section 4.
//!
//! Frames are read exactly up to a position that a commit published. Whatever does not fit before it (other salts, a
//! wrong checksum, the end of the file) is a fault and never the end of the log; what comes after it is not looked at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::storage::log::changes::{ChangedPages, Changes, Pages, PagesInFile, lock_page};

/// A place in the log: after so many frames of the log with these salts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WalPosition {
    pub salts: [u8; 8],
    pub frames: u32,
}

/// The cumulative checksum of a log up to a place in it.
pub type WalChecksum = (u32, u32);

/// A place up to which the log has been read, with the checksum that reading goes on from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalMark {
    pub position: WalPosition,
    pub checksum: WalChecksum,
}

impl WalMark {
    /// The mark at a position that is known to be whole: its checksum is taken from the log.
    pub fn at(wal: &File, position: WalPosition) -> io::Result<Self> {
        let header = Header::read(wal)?.with_salts(position.salts)?;
        Ok(WalMark { position, checksum: header.checksum_at(wal, position.frames)? })
    }
}

/// After how many pages of a large batch there is a sign of progress.
const SIGN_EVERY: usize = 4_096;

const HEADER_SIZE: u64 = 32;
const FRAME_HEADER_SIZE: usize = 24;
/// The magic number of a log whose checksums are computed over big-endian words; one less for little-endian.
pub(super) const MAGIC_BIG_ENDIAN: u32 = 0x377f_0683;
pub(super) const VERSION: u32 = 3_007_000;

/// What was committed after `from` up to `to`, and the mark at `to`. A log that has started anew since `from` is read
/// from its first frame: SQLite starts anew only when everything before is in the file. Pages of more than `in_memory`
/// bytes are left in the log, which must not start anew while they are used; reading them is counted in `signs` now and
/// then, for whoever waits.
pub fn read_changes(
    wal: &Arc<File>,
    from: WalMark,
    to: WalPosition,
    (in_memory, signs): (usize, &AtomicU64),
) -> io::Result<(Changes, WalMark)> {
    let header = Header::read(wal)?.with_salts(to.salts)?;
    let (first, checksum) = if from.position.salts == to.salts {
        if header.checksum_at(wal, from.position.frames)? != from.checksum {
            return Err(fault("frames that were read before have changed"));
        }
        (from.position.frames, from.checksum)
    } else {
        if header.restarts() != restarts(from.position.salts).wrapping_add(1) {
            return Err(fault("it has started anew more than once since it was read"));
        }
        (0, header.checksum)
    };
    if first > to.frames {
        return Err(fault("it is shorter than what was read before"));
    }
    let mut changes = Changes { least: u32::MAX, ..Changes::default() };
    let (mut pages, mut places, mut written) = (Pages::new(), BTreeMap::new(), 0);
    let fits = u64::from(to.frames - first) * u64::from(header.page_size) <= in_memory as u64;
    let checksum = header.for_each_frame(wal, (first, to.frames), checksum, |frame| {
        if fits {
            pages.insert(frame.page_number, frame.page.to_vec());
        } else {
            places.insert(frame.page_number, frame.place);
            if places.len().is_multiple_of(SIGN_EVERY) {
                signs.fetch_add(1, Ordering::Relaxed);
            }
        }
        written += 1;
        if frame.commit_size != 0 {
            changes.least = changes.least.min(frame.commit_size);
            changes.count = frame.commit_size;
            changes.transactions.push(std::mem::take(&mut written));
        }
        Ok(())
    })?;
    if written != 0 {
        return Err(fault("it does not end with a commit"));
    }
    if changes.is_empty() {
        changes.least = 0;
    }
    let lock = lock_page(header.page_size);
    let still_there = |number: u32| number <= changes.count && number != lock;
    pages.retain(|number, _| still_there(*number));
    places.retain(|number, _| still_there(*number));
    changes.pages = match fits {
        true => ChangedPages::Here(pages),
        false => ChangedPages::In(Arc::new(PagesInFile { file: Arc::clone(wal), page_size: header.page_size, places })),
    };
    Ok((changes, WalMark { position: to, checksum }))
}

/// Writes everything up to a mark into the database file, as a checkpoint does, and gives the file the size it then
/// has. Nobody may have the database open.
pub fn copy_into(wal: &File, to: WalMark, database: &File) -> io::Result<()> {
    if to.position.frames == 0 {
        return Ok(());
    }
    let header = Header::read(wal)?.with_salts(to.position.salts)?;
    let page_size = u64::from(header.page_size);
    let mut size = 0;
    let checksum = header.for_each_frame(wal, (0, to.position.frames), header.checksum, |frame| {
        size = frame.commit_size;
        database.write_all_at(frame.page, u64::from(frame.page_number - 1) * page_size)
    })?;
    if size == 0 || checksum != to.checksum {
        return Err(fault("its frames are not the ones that were recorded"));
    }
    database.set_len(u64::from(size) * page_size)
}

/// How often the log had started anew when it got these salts: SQLite counts in the first of them.
fn restarts(salts: [u8; 8]) -> u32 {
    word(&salts, 0)
}

/// The log's header.
struct Header {
    big_endian: bool,
    page_size: u32,
    salts: [u8; 8],
    checksum: WalChecksum,
}

/// One frame whose checksum is right.
struct Frame<'f> {
    page_number: u32,
    /// The database's size in pages if the frame ends a transaction, else 0.
    commit_size: u32,
    page: &'f [u8],
    /// Where the page begins in the log.
    place: u64,
}

impl Header {
    fn read(wal: &File) -> io::Result<Self> {
        let mut bytes = [0; HEADER_SIZE as usize];
        read_exact(wal, &mut bytes, 0)?;
        let (magic, page_size) = (word(&bytes, 0), word(&bytes, 8));
        let big_endian = magic == MAGIC_BIG_ENDIAN;
        if magic & !1 != MAGIC_BIG_ENDIAN & !1 || word(&bytes, 4) != VERSION {
            return Err(fault("it is not a log of SQLite 3.7 or later"));
        }
        if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return Err(fault("its page size makes no sense"));
        }
        let checksum = (word(&bytes, 24), word(&bytes, 28));
        let (before, rest) = bytes.split_at(24);
        if add_checksum(big_endian, (0, 0), before) != checksum || rest.len() != 8 {
            return Err(fault("its header is damaged"));
        }
        let mut salts = [0; 8];
        salts.copy_from_slice(&bytes[16..24]);
        Ok(Header { big_endian, page_size, salts, checksum })
    }

    fn with_salts(self, salts: [u8; 8]) -> io::Result<Self> {
        if self.salts == salts { Ok(self) } else { Err(fault("its header is not the one of the commit to read up to")) }
    }

    fn restarts(&self) -> u32 {
        restarts(self.salts)
    }

    fn frame_size(&self) -> usize {
        FRAME_HEADER_SIZE + self.page_size as usize
    }

    fn place(&self, frame: u32) -> u64 {
        HEADER_SIZE + u64::from(frame) * self.frame_size() as u64
    }

    /// The cumulative checksum after so many frames, as the log has it.
    fn checksum_at(&self, wal: &File, frames: u32) -> io::Result<WalChecksum> {
        let Some(last) = frames.checked_sub(1) else { return Ok(self.checksum) };
        let mut head = [0; FRAME_HEADER_SIZE];
        read_exact(wal, &mut head, self.place(last))?;
        if head[8..16] != self.salts {
            return Err(fault("a frame belongs to an earlier log"));
        }
        Ok((word(&head, 16), word(&head, 20)))
    }

    /// Reads and checks frames; gives the cumulative checksum after the last.
    fn for_each_frame(
        &self,
        wal: &File,
        (first, end): (u32, u32),
        mut checksum: WalChecksum,
        mut see: impl FnMut(Frame<'_>) -> io::Result<()>,
    ) -> io::Result<WalChecksum> {
        let mut frame = vec![0; self.frame_size()];
        for number in first..end {
            read_exact(wal, &mut frame, self.place(number))?;
            let (head, page) = frame.split_at(FRAME_HEADER_SIZE);
            checksum = add_checksum(self.big_endian, add_checksum(self.big_endian, checksum, &head[..8]), page);
            if head[8..16] != self.salts || (word(head, 16), word(head, 20)) != checksum {
                return Err(fault("a committed frame is damaged"));
            }
            let (page_number, commit_size) = (word(head, 0), word(head, 4));
            if page_number == 0 {
                return Err(fault("a frame has no page"));
            }
            let place = self.place(number) + FRAME_HEADER_SIZE as u64;
            see(Frame { page_number, commit_size, page, place })?;
        }
        Ok(checksum)
    }
}

fn read_exact(wal: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    wal.read_exact_at(bytes, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => fault("it ends before the last commit"),
        _ => error,
    })
}

fn fault(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the write-ahead log cannot be read: {what}"))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

pub(super) fn add_checksum(big_endian: bool, seed: WalChecksum, bytes: &[u8]) -> WalChecksum {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let half = |bytes: &[u8]| bytes.try_into().map_or(0, read);
    let (mut one, mut two) = seed;
    for pair in bytes.chunks_exact(8) {
        let (first, second) = pair.split_at(4);
        one = one.wrapping_add(half(first)).wrapping_add(two);
        two = two.wrapping_add(half(second)).wrapping_add(one);
    }
    (one, two)
}

#[cfg(test)]
#[path = "wal_tests.rs"]
mod tests;
