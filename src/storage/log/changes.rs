//! What a batch of commits changed: pages as they are afterwards.
//!
//! Owns: [`Changes`], [`ChangedPages`], the place of SQLite's lock page. Must not know: where changes come from
//! (`log::wal`) or go (`log::delta`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Pages of a database by number, the first is 1.
pub type Pages = BTreeMap<u32, Vec<u8>>;

/// Bytes of pages up to which a batch is held in memory and is one object in the store. A larger one is left where it
/// is, and is written in parts of this size.
pub const PART: usize = 8 << 20;

/// Pages that were changed: in memory, or where they are in a file.
#[derive(Clone, Debug)]
pub enum ChangedPages {
    Here(Pages),
    In(Arc<PagesInFile>),
}

/// Pages at places of a file. What is there does not change while this lives.
#[derive(Debug)]
pub struct PagesInFile {
    pub file: Arc<File>,
    pub page_size: u32,
    /// By number, where each begins.
    pub places: BTreeMap<u32, u64>,
}

/// What a batch of commits changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The last version of each page that was written and still exists.
    pub pages: ChangedPages,
    /// The smallest number of pages the database had after any commit of the batch.
    pub least: u32,
    /// The number of pages at the end.
    pub count: u32,
    /// For each transaction in order, how many pages it wrote.
    pub transactions: Vec<u32>,
}

impl Default for ChangedPages {
    fn default() -> Self {
        ChangedPages::Here(Pages::new())
    }
}

impl ChangedPages {
    /// How many they are.
    pub fn len(&self) -> usize {
        match self {
            ChangedPages::Here(pages) => pages.len(),
            ChangedPages::In(pages) => pages.places.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether that page is among them.
    pub fn contains(&self, number: u32) -> bool {
        match self {
            ChangedPages::Here(pages) => pages.contains_key(&number),
            ChangedPages::In(pages) => pages.places.contains_key(&number),
        }
    }

    /// Their numbers from that one on, in order.
    pub fn numbers_from(&self, first: u32) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            ChangedPages::Here(pages) => Box::new(pages.range(first..).map(|(number, _)| *number)),
            ChangedPages::In(pages) => Box::new(pages.places.range(first..).map(|(number, _)| *number)),
        }
    }

    /// All of them in order, one after the other in memory.
    pub fn iter(&self) -> Box<dyn Iterator<Item = io::Result<(u32, Vec<u8>)>> + '_> {
        self.iter_from(0)
    }

    /// Those from that number on.
    pub fn iter_from(&self, first: u32) -> Box<dyn Iterator<Item = io::Result<(u32, Vec<u8>)>> + '_> {
        match self {
            ChangedPages::Here(pages) => {
                Box::new(pages.range(first..).map(|(number, page)| Ok((*number, page.clone()))))
            }
            ChangedPages::In(pages) => Box::new(pages.places.range(first..).map(|(number, at)| {
                let mut page = vec![0; pages.page_size as usize];
                pages.file.read_exact_at(&mut page, *at)?;
                Ok((*number, page))
            })),
        }
    }

    /// The pages themselves if they are in memory.
    pub fn here(&self) -> Option<&Pages> {
        match self {
            ChangedPages::Here(pages) => Some(pages),
            ChangedPages::In(_) => None,
        }
    }
}

impl Changes {
    /// Whether nothing was committed.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// A page that the file has gained over `before` pages, and whose content is in none of the frames. SQLite writes
    /// every page it adds, so there is one only if something was misread.
    pub fn missing_growth(&self, before: u32, page_size: u32) -> Option<u32> {
        let least = self.least.min(before);
        let lock = lock_page(page_size);
        let mut next = least.saturating_add(1);
        for number in self.pages.numbers_from(next).chain([self.count.saturating_add(1)]) {
            if next == lock && number != next {
                next += 1;
            }
            if number > next {
                return Some(next);
            }
            next = number.saturating_add(1);
        }
        None
    }
}

/// The page that holds the byte at 1 GiB: SQLite locks bytes in it and never writes it.
pub fn lock_page(page_size: u32) -> u32 {
    0x4000_0000 / page_size.max(1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(pages: &[u32], least: u32, count: u32) -> Changes {
        let pages = ChangedPages::Here(pages.iter().map(|number| (*number, Vec::new())).collect());
        Changes { pages, least, count, transactions: vec![1] }
    }

    #[test]
    fn growth_must_be_complete() {
        assert_eq!(changes(&[1, 3, 4], 2, 4).missing_growth(2, 4096), None);
        assert_eq!(changes(&[1, 4], 2, 4).missing_growth(2, 4096), Some(3));
        assert_eq!(changes(&[1, 3], 2, 4).missing_growth(2, 4096), Some(4));
        assert_eq!(changes(&[1], 9, 9).missing_growth(9, 4096), None);
        assert_eq!(changes(&[3, 4, 5], 2, 5).missing_growth(9, 4096), None, "shrunk, then grown");
        assert_eq!(changes(&[4, 5], 2, 5).missing_growth(9, 4096), Some(3));
    }

    #[test]
    fn the_lock_page_is_never_written() {
        let lock = lock_page(65_536);
        assert_eq!(lock, 16_385);
        assert_eq!(changes(&[lock - 1, lock + 1], lock - 2, lock + 1).missing_growth(lock - 2, 65_536), None);
        assert_eq!(changes(&[lock - 1, lock + 2], lock - 2, lock + 2).missing_growth(lock - 2, 65_536), Some(lock + 1));
        assert_eq!(changes(&[lock - 1], lock - 2, lock).missing_growth(lock - 2, 65_536), None);
    }
}
