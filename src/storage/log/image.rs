//! A database file that nobody has open, at a known place in its log.
//!
//! Owns: [`Image`], [`Head`]: taking over deltas with every check there is. Must not know: stores.
//!
//! A delta is taken over only if it names the delta before by its hash, changes the state it was made for, and leaves a
//! file with the checksum it says. Anything else is an error, and the file is then of no use.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::storage::log::changes::{Changes, Pages, lock_page};
use crate::storage::log::delta::{Delta, Digest, Header, Id, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::page_checksum::PageChecksums;

/// A place in a log, and the checksums of the state there.
#[derive(Clone, Debug)]
pub struct Head {
    pub database: Id,
    pub incarnation: Id,
    pub page_size: u32,
    pub sequence: Sequence,
    /// What the next delta names as the one before.
    pub chain: Digest,
    /// The time of the last commit.
    pub commit: Timestamp,
    pub checksums: PageChecksums,
}

impl Head {
    /// An error unless the delta is the next one.
    pub fn check(&self, next: &Header) -> Result<(), &'static str> {
        let checks = [
            (next.database == self.database && next.incarnation == self.incarnation, "it is of another database"),
            (next.sequence == self.sequence + 1, "it has another number than its name"),
            (next.previous == self.chain, "it does not follow the one before"),
            (next.page_size == self.page_size, "it has another page size"),
            (next.pages_before == self.checksums.count(), "it was made for another number of pages"),
        ];
        checks.into_iter().try_for_each(|(holds, what)| if holds { Ok(()) } else { Err(what) })
    }

    /// Goes on to a delta, whose pages these are now.
    pub fn advance(&mut self, delta: &Delta, pages: &Pages) -> Result<(), &'static str> {
        self.check(&delta.header)?;
        let pages = pages.iter().map(|(number, page)| (*number, page.as_slice()));
        let patch = self.checksums.patch(pages, delta.header.pages_after);
        if patch.total() != delta.header.post_checksum {
            return Err("the state it makes has another checksum");
        }
        self.checksums.apply(&patch);
        self.sequence = delta.header.sequence;
        self.chain = delta.digest;
        self.commit = delta.header.last_commit;
        Ok(())
    }
}

/// See the module.
#[derive(Debug)]
pub struct Image {
    pub head: Head,
    file: File,
}

impl Image {
    /// A file whose head is known.
    pub fn new(file: File, head: Head) -> Self {
        Image { head, file }
    }

    /// Takes over the next delta. Blocks.
    pub fn apply(&mut self, delta: &Delta) -> Result<()> {
        let key = format!("log/{:016x}", delta.header.sequence);
        self.head.check(&delta.header).map_err(|what| LogError::damaged(&key, what))?;
        let mut previous = Pages::new();
        for number in delta.needs() {
            let mut page = vec![0; self.head.page_size as usize];
            self.file.read_exact_at(&mut page, self.place(number))?;
            previous.insert(number, page);
        }
        let pages = delta.apply(|number| previous.get(&number).map(Vec::as_slice));
        let pages = pages.map_err(|what| LogError::damaged(&key, what))?;
        self.head.advance(delta, &pages).map_err(|what| LogError::damaged(&key, what))?;
        for (number, page) in &pages {
            self.file.write_all_at(page, self.place(*number))?;
        }
        self.file.set_len(u64::from(delta.header.pages_after) * u64::from(self.head.page_size))?;
        Ok(())
    }

    /// What has to be written over a state with those checksums to make it this one. Page 1 always counts, because its
    /// checksum does not cover all of it.
    pub fn differences(&self, from: &PageChecksums) -> Result<Changes> {
        let (checksums, lock) = (&self.head.checksums, lock_page(self.head.page_size));
        let count = checksums.count();
        let mut pages = Pages::new();
        for number in (1..=count).filter(|number| *number != lock) {
            if number == 1 || checksums.page(number) != from.page(number) {
                let mut page = vec![0; self.head.page_size as usize];
                self.file.read_exact_at(&mut page, self.place(number))?;
                pages.insert(number, page);
            }
        }
        let least = count.min(from.count());
        Ok(Changes { transactions: vec![u32::try_from(pages.len()).unwrap_or(u32::MAX)], pages, least, count })
    }

    /// Makes it a file that SQLite opens without a log of its own, and puts it on the disk.
    pub fn finish_plain(self) -> Result<Head> {
        if self.head.checksums.count() > 0 {
            self.file.write_all_at(&[1, 1], 18)?;
        }
        self.file.sync_all()?;
        Ok(self.head)
    }

    fn place(&self, number: u32) -> u64 {
        u64::from(number.saturating_sub(1)) * u64::from(self.head.page_size)
    }
}

/// The page size of a SQLite file.
pub fn page_size_of(file: &File) -> Result<u32> {
    let mut header = [0; 100];
    let wrong = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    file.read_exact_at(&mut header, 0).map_err(|_| wrong("it is not a SQLite file: too short"))?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(LogError::Local(wrong("it is not a SQLite file")));
    }
    match u16::from_be_bytes([header[16], header[17]]) {
        1 => Ok(65_536),
        size if size.is_power_of_two() && size >= 512 => Ok(u32::from(size)),
        _ => Err(LogError::Local(wrong("its page size makes no sense"))),
    }
}

/// Writes a small file so that it is there whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    File::create(&temporary)?.write_all(bytes)?;
    std::fs::rename(&temporary, path)
}
