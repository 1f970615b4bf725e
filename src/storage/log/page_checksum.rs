//! The checksum of a whole database, kept up to date in the number of pages that change.
//!
//! Owns: [`PageChecksums`], which bytes of page 1 are not content. Must not know: where pages come from.
//!
//! It is the XOR over all pages of XXH3-64 of the page, seeded with its number. Two copies with the same checksum have
//! the same content; they may differ in the bytes that [`normalised`] takes out, because SQLite writes those by itself.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::storage::log::changes::lock_page;

/// Bytes of page 1 that say how and by whom the file was written, not what is in it: read and write version (1 or 2:
/// rollback journal or log), change counter, version-valid-for and SQLite's version.
pub const NOT_CONTENT: [Range<usize>; 3] = [18..20, 24..28, 92..100];

/// The page with the bytes that are not content set to zero.
pub fn normalised(number: u32, page: &[u8]) -> Cow<'_, [u8]> {
    if number != 1 {
        return Cow::Borrowed(page);
    }
    let mut page = page.to_vec();
    for range in NOT_CONTENT {
        if let Some(bytes) = page.get_mut(range) {
            bytes.fill(0);
        }
    }
    Cow::Owned(page)
}

/// The checksum of one page.
pub fn page_checksum(number: u32, page: &[u8]) -> u64 {
    xxh3_64_with_seed(&normalised(number, page), u64::from(number))
}

/// The checksums of all pages of one state of a database: 8 bytes a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageChecksums {
    pages: Vec<u64>,
    total: u64,
}

/// How [`PageChecksums`] change with a batch, before it is known whether the batch counts.
#[derive(Clone, Debug)]
pub struct ChecksumPatch {
    pages: Vec<(u32, u64)>,
    count: u32,
    total: u64,
}

impl ChecksumPatch {
    /// The checksum of the database with the patch applied.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl PageChecksums {
    /// Reads a whole file. Nobody may be writing to it, and nobody in this process may have it open as a database.
    pub fn of_file(file: &File, page_size: u32) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let (page_size, lock) = (page_size as usize, lock_page(page_size));
        if page_size == 0 || size % page_size as u64 != 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file does not consist of whole pages"));
        }
        let mut checksums = PageChecksums::default();
        let mut buffer = vec![0; page_size * (1_usize << 20).div_ceil(page_size)];
        let (mut at, mut number) = (0, 0);
        while at < size {
            let length = buffer.len().min(usize::try_from(size - at).unwrap_or(usize::MAX));
            let chunk = &mut buffer[..length];
            file.read_exact_at(chunk, at)?;
            for page in chunk.chunks_exact(page_size) {
                number += 1;
                let checksum = if number == lock { 0 } else { page_checksum(number, page) };
                checksums.pages.push(checksum);
                checksums.total ^= checksum;
            }
            at += length as u64;
        }
        Ok(checksums)
    }

    /// The checksum of the whole.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The number of pages.
    pub fn count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// The checksum of one page.
    pub fn page(&self, number: u32) -> Option<u64> {
        self.pages.get(index(number)?).copied()
    }

    /// What writing pages with these checksums and then having `count` of them makes of the checksums.
    pub fn patch(&self, pages: impl IntoIterator<Item = (u32, u64)>, count: u32) -> ChecksumPatch {
        let pages: Vec<_> = pages.into_iter().filter(|(number, _)| *number <= count).collect();
        let mut total = self.total;
        for (number, checksum) in &pages {
            total ^= checksum ^ self.page(*number).unwrap_or_default();
        }
        for lost in count.saturating_add(1)..=self.count() {
            total ^= self.page(lost).unwrap_or_default();
        }
        ChecksumPatch { pages, count, total }
    }

    /// Applies what [`patch`](Self::patch) gave for this state.
    pub fn apply(&mut self, patch: &ChecksumPatch) {
        self.pages.resize(patch.count as usize, 0);
        for (number, checksum) in &patch.pages {
            if let Some(place) = index(*number).and_then(|index| self.pages.get_mut(index)) {
                *place = *checksum;
            }
        }
        self.total = patch.total;
    }
}

fn index(number: u32) -> Option<usize> {
    number.checked_sub(1).map(|index| index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(fill: u8) -> Vec<u8> {
        vec![fill; 512]
    }

    fn of(pages: &[Vec<u8>]) -> PageChecksums {
        let mut checksums = PageChecksums::default();
        let numbered = pages.iter().zip(1..).map(|(page, number)| (number, page_checksum(number, page)));
        checksums.apply(&PageChecksums::default().patch(numbered, pages.len() as u32));
        checksums
    }

    #[test]
    fn patches_equal_a_fresh_computation_through_growth_and_shrinking() {
        let mut pages: Vec<Vec<u8>> = (0..9).map(page).collect();
        let mut checksums = of(&pages);
        for (change, fill, count) in [(3, 77, 9), (9, 78, 12), (2, 79, 5), (5, 80, 5), (4, 81, 11)] {
            let written = page(fill);
            let grown: Vec<u32> = (checksums.count() + 1..=count).chain([change]).collect();
            let patch = checksums.patch(grown.iter().map(|number| (*number, page_checksum(*number, &written))), count);
            checksums.apply(&patch);
            pages.resize(count as usize, page(0));
            for number in grown {
                if let Some(page) = pages.get_mut(number as usize - 1) {
                    page.clone_from(&written);
                }
            }
            assert_eq!(checksums, of(&pages), "{change} {count}");
            assert_eq!(checksums.total(), patch.total());
        }
    }

    #[test]
    fn a_page_written_beyond_the_end_does_not_count() {
        let base = of(&[page(1), page(2), page(3)]);
        let beyond = page(9);
        assert_eq!(base.patch([(3, page_checksum(3, &beyond))], 2).total(), of(&[page(1), page(2)]).total());
    }

    #[test]
    fn what_sqlite_writes_by_itself_does_not_count_and_pages_cannot_be_exchanged() {
        let (mut one, two) = (page(1), page(2));
        let before = of(&[one.clone(), two.clone()]);
        for byte in [18, 19, 24, 27, 92, 95, 96, 99] {
            one[byte] ^= 0xff;
        }
        assert_eq!(of(&[one.clone(), two.clone()]).total(), before.total());
        one[28] ^= 1;
        assert_ne!(of(&[one, two.clone()]).total(), before.total());
        assert_ne!(of(&[page(5), page(7), page(6)]).total(), of(&[page(5), page(6), page(7)]).total());
    }

    #[test]
    fn a_file_is_its_pages() {
        let pages: Vec<Vec<u8>> = (0..5000u32).map(|n| page(n as u8)).collect();
        let path = std::env::temp_dir().join(format!("pgserver-page-checksum-{}", std::process::id()));
        std::fs::write(&path, pages.concat()).expect("write");
        let file = File::open(&path).expect("open");
        let read = PageChecksums::of_file(&file, 512).expect("read");
        assert_eq!(read, of(&pages));
        assert!(PageChecksums::of_file(&file, 4096 * 3).is_err());
        std::fs::remove_file(&path).expect("remove");
    }
}
