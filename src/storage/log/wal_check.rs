//! What must hold of any bytes that are read as a write-ahead log, for fuzzing.
//!
//! Owns: [`check_log`].

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::storage::log::wal::{
    MAGIC_BIG_ENDIAN, VERSION, WalMark, WalPosition, add_checksum, copy_into, read_changes,
};

const SALTS: [u8; 8] = *b"saltsalt";
const PAGE: usize = 512;
const HEADER: usize = 32;
const FRAME: usize = 24 + PAGE;
/// Pages of files that are made on the way.
const SMALL: u32 = 1024;

/// Reading never panics, and what is read up to a place is what was written up to there; so it is of a log made of the
/// bytes whose checksums are right.
pub fn check_log(data: &[u8]) {
    check(data);
    check(&forge(data));
}

/// A log with a frame for each three bytes: the page's number, the size if it is a commit, what the page is full of.
fn forge(data: &[u8]) -> Vec<u8> {
    let big_endian = data.len().is_multiple_of(2);
    let words = [MAGIC_BIG_ENDIAN - u32::from(!big_endian), VERSION, PAGE as u32, 0];
    let mut log: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).chain(SALTS).collect();
    let mut checksum = add_checksum(big_endian, (0, 0), &log);
    log.extend([checksum.0.to_be_bytes(), checksum.1.to_be_bytes()].concat());
    for bytes in data.chunks_exact(3) {
        let numbers = [u32::from(bytes[0]).to_be_bytes(), u32::from(bytes[1]).to_be_bytes()].concat();
        let page = [bytes[2]; PAGE];
        checksum = add_checksum(big_endian, add_checksum(big_endian, checksum, &numbers), &page);
        log.extend([&numbers[..], &SALTS, &checksum.0.to_be_bytes(), &checksum.1.to_be_bytes(), &page].concat());
    }
    log
}

/// Batches of both kinds are tried: those in memory and those that stay in the log.
const MEMORY: usize = 2 * PAGE;

static SIGNS: AtomicU64 = AtomicU64::new(0);

fn check(bytes: &[u8]) {
    let wal = scratch(bytes).map(Arc::new).unwrap_or_else(|error| panic!("no scratch file: {error}"));
    let salts = bytes.get(16..24).and_then(|salts| salts.try_into().ok()).unwrap_or(SALTS);
    let at = |frames| WalPosition { salts, frames };
    let Ok(start) = WalMark::at(&wal, at(0)) else {
        assert!(read_changes(&wal, WalMark::default(), at(1), (MEMORY, &SIGNS)).is_err());
        return;
    };
    let most = bytes.len().saturating_sub(HEADER) / FRAME + 1;
    for frames in 0..=most as u32 {
        let Ok((changes, mark)) = read_changes(&wal, start, at(frames), (MEMORY, &SIGNS)) else { continue };
        assert_eq!(WalMark::at(&wal, at(frames)).ok(), Some(mark));
        assert_eq!(changes.transactions.iter().sum::<u32>(), frames);
        assert!(changes.least <= changes.count);
        assert!(changes.pages.numbers_from(0).all(|number| (1..=changes.count).contains(&number)));
        let on = read_changes(&wal, mark, at(frames), (MEMORY, &SIGNS)).map(|(changes, _)| changes.is_empty());
        assert!(matches!(on, Ok(true)), "there is more up to the same place");
        if changes.count <= SMALL {
            let database = scratch(&[]).unwrap_or_else(|error| panic!("no scratch file: {error}"));
            // The file system may not have files as large as a page's number asks for.
            let copied = copy_into(&wal, mark, &database).is_ok();
            let is_there = |(number, page): (u32, Vec<u8>)| is_at(&database, number, &page);
            assert!(!copied || changes.pages.iter().all(|page| page.is_ok_and(is_there)));
        }
    }
}

fn is_at(database: &File, number: u32, page: &[u8]) -> bool {
    let mut found = vec![0; page.len()];
    let at = u64::from(number - 1) * page.len() as u64;
    database.read_exact_at(&mut found, at).is_ok() && found == page
}

/// A file with that content, which has no name any more.
fn scratch(bytes: &[u8]) -> io::Result<File> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("pgserver-wal-check-{}-{unique}", std::process::id()));
    let mut file = File::options().create_new(true).read(true).write(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    #[test]
    fn a_forged_log_is_read_to_its_end() {
        let log = forge(&[1, 0, 7, 3, 3, 8, 2, 3, 9]);
        let wal = Arc::new(scratch(&log).expect("file"));
        let at = |frames| WalPosition { salts: SALTS, frames };
        let start = WalMark::at(&wal, at(0)).expect("a header");
        let (changes, _) = read_changes(&wal, start, at(3), (MEMORY, &SIGNS)).expect("reads");
        assert_eq!((changes.count, changes.pages.len(), changes.transactions), (3, 3, vec![2, 1]));
        assert!(read_changes(&wal, start, at(1), (MEMORY, &SIGNS)).is_err(), "it is no commit");
    }

    #[test]
    fn whatever_the_log_is() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..60 {
            let mut data = vec![0; random.random_range(0..60)];
            // Few pages, and many commits.
            data.iter_mut().for_each(|byte| *byte = random.random_range(0..6));
            check_log(&data);
            let mut log = forge(&data);
            let at = random.random_range(0..log.len());
            log[at] ^= 1 << random.random_range(0..8);
            check_log(&log);
        }
    }
}
