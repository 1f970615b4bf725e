//! What tests of the log share: a place for files, an imagined database, an instance that writes to it.
//!
//! Owns: [`Scratch`], [`Mirror`], [`instance`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::storage::log::append::Outcome;
use crate::storage::log::chain::{Chain, Options};
use crate::storage::log::changes::{ChangedPages, Changes, Pages};
use crate::storage::log::delta::Sequence;
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::page_checksum::normalised;

/// A directory that is gone with the test.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pgserver-log-{}-{unique}", std::process::id()));
        std::fs::create_dir_all(&path).expect("directory");
        Scratch(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub const PAGE_SIZE: usize = 512;

/// The content of an imagined database, which changes at random.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub pages: Vec<Vec<u8>>,
    random: StdRng,
}

impl Mirror {
    pub fn new(seed: u64, count: usize) -> Self {
        let mut mirror = Mirror { pages: Vec::new(), random: StdRng::seed_from_u64(seed) };
        mirror.pages = (0..count).map(|_| mirror.page()).collect();
        mirror.mark();
        mirror
    }

    fn page(&mut self) -> Vec<u8> {
        // Half of it repeats, as in real pages.
        let fill = self.random.random();
        let mut page = vec![fill; PAGE_SIZE];
        self.random.fill(&mut page[..PAGE_SIZE / 2]);
        page
    }

    /// Page 1 is a SQLite file's.
    fn mark(&mut self) {
        if let Some(first) = self.pages.first_mut() {
            first[..16].copy_from_slice(b"SQLite format 3\0");
            first[16..20].copy_from_slice(&[2, 0, 1, 1]);
        }
    }

    /// A batch of transactions: some pages change, the file grows or shrinks.
    pub fn change(&mut self) -> Changes {
        let before = self.pages.len();
        let mut written = std::collections::BTreeSet::new();
        let mut changes = Changes { least: u32::MAX, ..Changes::default() };
        for _ in 0..self.random.random_range(1..4) {
            let count = match self.random.random_range(0..10) {
                0 => self.random.random_range(1..=self.pages.len()),
                1..4 => self.pages.len() + self.random.random_range(1..6),
                _ => self.pages.len(),
            };
            let old = self.pages.len();
            self.pages.truncate(count);
            for _ in old..count {
                let page = self.page();
                self.pages.push(page);
                written.insert(self.pages.len() as u32);
            }
            for _ in 0..self.random.random_range(1..5) {
                let number = self.random.random_range(0..self.pages.len());
                let at = self.random.random_range(100..PAGE_SIZE);
                self.pages[number][at] = self.random.random();
                written.insert(number as u32 + 1);
            }
            changes.least = changes.least.min(count as u32);
            changes.transactions.push(written.len() as u32);
        }
        self.mark();
        changes.count = self.pages.len() as u32;
        let still_there = written.into_iter().filter(|number| *number <= changes.count);
        let pages = still_there.map(|number| (number, self.pages[number as usize - 1].clone()));
        changes.pages = ChangedPages::Here(pages.collect());
        assert!(changes.missing_growth(before as u32, PAGE_SIZE as u32).is_none());
        changes
    }

    /// A batch that changes more pages than that.
    pub fn change_more_than(&mut self, pages: usize) -> Changes {
        loop {
            let mut after = self.clone();
            let changes = after.change();
            if changes.pages.len() > pages {
                *self = after;
                return changes;
            }
            self.random = after.random;
        }
    }

    pub fn previous(&self, wanted: &[u32]) -> Pages {
        wanted.iter().filter_map(|number| Some((*number, self.pages.get(*number as usize - 1)?.clone()))).collect()
    }

    /// Writes what others have written over it.
    pub fn overwrite(&mut self, changes: &Changes) {
        self.pages.resize(changes.count as usize, vec![0; PAGE_SIZE]);
        for page in changes.pages.iter() {
            let (number, page) = page.expect("reads");
            self.pages[number as usize - 1] = page;
        }
    }

    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.pages.concat()).expect("write");
    }

    /// Whether the file has this content.
    pub fn is_in(&self, path: &Path) -> bool {
        let bytes = std::fs::read(path).expect("read");
        bytes.len() == self.pages.len() * PAGE_SIZE
            && (1..)
                .zip(bytes.chunks(PAGE_SIZE))
                .zip(&self.pages)
                .all(|((number, one), other)| normalised(number, one) == normalised(number, other))
    }
}

/// An instance's options.
pub fn instance(store: &Arc<MemoryStore>) -> Options {
    Options::new(Arc::clone(store) as _)
}

/// Commits a random batch and appends it.
pub async fn commit(chain: &mut Chain, mirror: &mut Mirror) -> Sequence {
    let mut after = mirror.clone();
    let changes = after.change();
    let previous = mirror.previous(&chain.wanted(&changes));
    assert_eq!(chain.append(&changes, &previous).await.expect("appends"), Outcome::Acknowledged);
    *mirror = after;
    chain.head().sequence
}
