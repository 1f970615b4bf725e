//! SQLite's write-ahead log as a queue: what was committed between two positions.
//!
//! Owns: [`changes`], [`Changes`]. Must not know: where they go. Specification: sqlite.org/fileformat2.html, section 4.
//!
//! Frames are read exactly up to a position that a commit published. Whatever does not fit before it (another salt,
//! another checksum, the end of the file) is a fault and never the end of the log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::engine::remote::replica::WalPosition;

/// What a batch of commits changed: pages as they are afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// By page number.
    pub pages: BTreeMap<u32, Vec<u8>>,
    /// Pages of the database at the least, and at the end; none of it if nothing was committed.
    pub least: u32,
    pub count: u32,
    /// Transactions.
    pub transactions: u32,
}

const HEADER: u64 = 32;
const FRAME_HEADER: usize = 24;
/// In the log's header: checksums are computed over big-endian words.
const BIG_ENDIAN: u32 = 0x377f_0683;

/// What was committed after `from` up to `to`. If the log has started anew since `from`, that is all there is in it.
pub(crate) fn changes(wal: &File, from: WalPosition, to: WalPosition) -> io::Result<Changes> {
    let mut header = [0; HEADER as usize];
    wal.read_exact_at(&mut header, 0)?;
    let (magic, page_size) = (word(&header, 0), word(&header, 8) as usize);
    if magic & !1 != BIG_ENDIAN & !1 || !page_size.is_power_of_two() || header.get(16..24) != Some(&to.salts[..]) {
        return Err(fault("its header is not the one of the last commit"));
    }
    let first = if from.salts == to.salts { from.frames } else { 0 };
    let sum = |seed, bytes: &[u8]| checksum(magic == BIG_ENDIAN, seed, bytes);
    let frame_size = FRAME_HEADER + page_size;
    let place = |frame: u32| HEADER + u64::from(frame) * frame_size as u64;
    let mut seed = if first == 0 {
        (word(&header, 24), word(&header, 28))
    } else {
        let mut before = [0; FRAME_HEADER];
        wal.read_exact_at(&mut before, place(first - 1))?;
        (word(&before, 16), word(&before, 20))
    };
    let mut changes = Changes { least: u32::MAX, ..Changes::default() };
    let mut frame = vec![0; frame_size];
    for number in first..to.frames {
        wal.read_exact_at(&mut frame, place(number))?;
        let (head, page) = frame.split_at(FRAME_HEADER);
        seed = sum(sum(seed, &head[..8]), page);
        if head[8..16] != to.salts || (word(head, 16), word(head, 20)) != seed {
            return Err(fault("a committed frame is damaged"));
        }
        let (page_number, size) = (word(head, 0), word(head, 4));
        changes.pages.insert(page_number, page.to_vec());
        if size != 0 {
            changes.least = changes.least.min(size);
            changes.count = size;
            changes.transactions += 1;
        } else if number + 1 == to.frames {
            return Err(fault("it does not end with a commit"));
        }
    }
    let count = changes.count;
    changes.pages.retain(|page_number, _| *page_number <= count);
    Ok(changes)
}

fn fault(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the write-ahead log cannot be read: {what}"))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn checksum(big_endian: bool, seed: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let mut words = bytes.chunks_exact(4).map(|word| read(word.try_into().unwrap_or_default()));
    let (mut one, mut two) = seed;
    while let (Some(first), Some(second)) = (words.next(), words.next()) {
        one = one.wrapping_add(first).wrapping_add(two);
        two = two.wrapping_add(second).wrapping_add(one);
    }
    (one, two)
}
