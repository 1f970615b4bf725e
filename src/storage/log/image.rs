//! A database file that nobody has open, at a known place in its log.
//!
//! Owns: [`Image`], [`Head`]: taking over deltas with every check there is. Must not know: stores.
//!
//! A delta is taken over only if it names the delta before by its hash, changes the state it was made for, and leaves a
//! file with the checksum it says. Anything else is an error, and the file is then of no use.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::storage::log::changes::{ChangedPages, Changes, Pages, PagesInFile, lock_page};
use crate::storage::log::delta::{Delta, Digest, EncodedPage, Header, Id, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::page_checksum::{PageChecksums, page_checksum};

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

    /// Goes on to a delta, whose pages have these checksums now.
    pub fn advance(&mut self, delta: &Delta, pages: impl IntoIterator<Item = (u32, u64)>) -> Result<(), &'static str> {
        self.check(&delta.header)?;
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
    file: Arc<File>,
}

impl Image {
    /// A file whose head is known.
    pub fn new(file: File, head: Head) -> Self {
        Image { head, file: Arc::new(file) }
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
        let checksums = pages.iter().map(|(number, page)| (*number, page_checksum(*number, page)));
        self.head.advance(delta, checksums).map_err(|what| LogError::damaged(&key, what))?;
        for (number, page) in &pages {
            self.file.write_all_at(page, self.place(*number))?;
        }
        self.file.set_len(u64::from(delta.header.pages_after) * u64::from(self.head.page_size))?;
        Ok(())
    }

    /// Writes pages of a delta in parts, of which [`finish_parts`](Self::finish_parts) says at the end whether they are
    /// right; gives their checksums. Blocks.
    pub fn apply_part(&mut self, pages: &[EncodedPage]) -> Result<Vec<(u32, u64)>> {
        for page in pages {
            self.file.write_all_at(&page.bytes, self.place(page.number))?;
        }
        Ok(pages.iter().map(|page| (page.number, page_checksum(page.number, &page.bytes))).collect())
    }

    /// Takes over the next delta, all of whose parts were applied. Blocks.
    pub fn finish_parts(&mut self, delta: &Delta, checksums: Vec<(u32, u64)>) -> Result<()> {
        let key = format!("log/{:016x}", delta.header.sequence);
        self.head.advance(delta, checksums).map_err(|what| LogError::damaged(&key, what))?;
        self.file.set_len(u64::from(delta.header.pages_after) * u64::from(self.head.page_size))?;
        Ok(())
    }

    /// What has to be written over a state with those checksums to make it this one. Page 1 always counts, because its
    /// checksum does not cover all of it. They stay in the file.
    pub fn differences(&self, from: &PageChecksums) -> Changes {
        let (checksums, lock) = (&self.head.checksums, lock_page(self.head.page_size));
        let count = checksums.count();
        let differs = |number: &u32| *number == 1 || checksums.page(*number) != from.page(*number);
        let differing = (1..=count).filter(|number| *number != lock).filter(differs);
        let places: BTreeMap<u32, u64> = differing.map(|number| (number, self.place(number))).collect();
        let transactions = vec![u32::try_from(places.len()).unwrap_or(u32::MAX)];
        let pages = PagesInFile { file: Arc::clone(&self.file), page_size: self.head.page_size, places };
        let least = count.min(from.count());
        Changes { transactions, pages: ChangedPages::In(Arc::new(pages)), least, count }
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
