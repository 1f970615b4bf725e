//! The reader over logs written here frame by frame; over SQLite's own it is tested where SQLite is (`engine::remote`).

use super::*;
use std::path::PathBuf;

static SIGNS: AtomicU64 = AtomicU64::new(0);

/// A log being written.
struct Log {
    path: PathBuf,
    bytes: Vec<u8>,
    big_endian: bool,
    salts: [u8; 8],
    checksum: WalChecksum,
    frames: u32,
}

const PAGE: usize = 512;

impl Log {
    fn new(name: &str, big_endian: bool, page_size: usize, salts: [u8; 8]) -> Self {
        let path = std::env::temp_dir().join(format!("pgserver-wal-{name}-{big_endian}-{}", std::process::id()));
        let mut log = Log { path, bytes: Vec::new(), big_endian, salts, checksum: (0, 0), frames: 0 };
        log.start(page_size);
        log
    }

    /// Writes a new header; the frames of before stay behind it, as SQLite leaves them.
    fn start(&mut self, page_size: usize) {
        let mut header = Vec::new();
        let words = [MAGIC_BIG_ENDIAN - u32::from(!self.big_endian), VERSION, page_size as u32, 0];
        words.iter().for_each(|word| header.extend(word.to_be_bytes()));
        header.extend(self.salts);
        self.checksum = add_checksum(self.big_endian, (0, 0), &header);
        header.extend(self.checksum.0.to_be_bytes());
        header.extend(self.checksum.1.to_be_bytes());
        self.bytes.resize(self.bytes.len().max(32), 0);
        self.bytes[..32].copy_from_slice(&header);
        self.frames = 0;
    }

    fn restart(&mut self) {
        let next = u32::from_be_bytes(self.salts[..4].try_into().expect("salt")) + 1;
        self.salts[..4].copy_from_slice(&next.to_be_bytes());
        self.salts[4..].fill(next as u8);
        self.start(PAGE);
        std::fs::write(&self.path, &self.bytes).expect("write");
    }

    fn frame(&mut self, number: u32, commit_size: u32, page: &[u8]) -> WalPosition {
        let mut frame = [number.to_be_bytes(), commit_size.to_be_bytes()].concat();
        frame.extend(self.salts);
        self.checksum = add_checksum(self.big_endian, self.checksum, &frame[..8]);
        self.checksum = add_checksum(self.big_endian, self.checksum, page);
        frame.extend(self.checksum.0.to_be_bytes());
        frame.extend(self.checksum.1.to_be_bytes());
        frame.extend(page);
        let at = 32 + self.frames as usize * frame.len();
        self.bytes.resize(self.bytes.len().max(at + frame.len()), 0);
        self.bytes[at..at + frame.len()].copy_from_slice(&frame);
        self.frames += 1;
        std::fs::write(&self.path, &self.bytes).expect("write");
        self.position()
    }

    fn position(&self) -> WalPosition {
        WalPosition { salts: self.salts, frames: self.frames }
    }

    fn file(&self) -> Arc<File> {
        Arc::new(File::open(&self.path).expect("open"))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn start(log: &Log) -> WalMark {
    WalMark::at(&log.file(), WalPosition { salts: log.salts, frames: 0 }).expect("mark")
}

#[test]
fn the_last_version_of_each_page_counts_in_both_byte_orders() {
    for big_endian in [false, true] {
        let mut log = Log::new("last", big_endian, PAGE, [7; 8]);
        log.frame(1, 0, &[1; PAGE]);
        log.frame(3, 3, &[3; PAGE]);
        log.frame(3, 2, &[4; PAGE]);
        let middle = log.frame(2, 4, &[5; PAGE]);
        let from = start(&log);
        let (changes, mark) = read_changes(&log.file(), from, middle, (usize::MAX, &SIGNS)).expect("reads");
        let pages = changes.pages.iter().map(|page| page.map(|(number, page)| (number, page[0])));
        let pages = pages.collect::<io::Result<Vec<_>>>().expect("pages");
        assert_eq!(pages, [(1, 1), (2, 5), (3, 4)]);
        assert_eq!((changes.least, changes.count, changes.transactions), (2, 4, vec![2, 1, 1]));
        assert_eq!(mark, WalMark::at(&log.file(), middle).expect("mark"));
        let end = log.frame(1, 1, &[6; PAGE]);
        let (changes, _) = read_changes(&log.file(), mark, end, (usize::MAX, &SIGNS)).expect("reads on");
        assert_eq!((changes.pages.len(), changes.count), (1, 1));
        let (all, _) = read_changes(&log.file(), from, end, (usize::MAX, &SIGNS)).expect("reads all");
        assert_eq!(all.pages.len(), 1, "pages that a shrink took away are gone");
    }
}

#[test]
fn pages_of_a_large_batch_stay_in_the_log() {
    let mut log = Log::new("large", false, PAGE, [7; 8]);
    log.frame(1, 0, &[1; PAGE]);
    log.frame(3, 3, &[3; PAGE]);
    log.frame(2, 0, &[4; PAGE]);
    let end = log.frame(1, 2, &[5; PAGE]);
    let (here, mark) = read_changes(&log.file(), start(&log), end, (4 * PAGE, &SIGNS)).expect("reads");
    let (there, same) = read_changes(&log.file(), start(&log), end, (4 * PAGE - 1, &SIGNS)).expect("reads");
    assert!(here.pages.here().is_some() && there.pages.here().is_none());
    let all = |changes: &Changes| changes.pages.iter().collect::<io::Result<Vec<_>>>().expect("pages");
    assert_eq!(all(&here), [(1, vec![5; PAGE]), (2, vec![4; PAGE])]);
    assert_eq!(all(&there), all(&here));
    assert_eq!((mark, here.least, here.count, here.transactions), (same, there.least, there.count, there.transactions));
}

#[test]
fn page_sizes_from_the_smallest_to_the_largest() {
    for page_size in [512, 1024, 4096, 65_536] {
        let mut log = Log::new(&format!("size{page_size}"), false, page_size, [1; 8]);
        let end = log.frame(1, 1, &vec![9; page_size]);
        let (changes, _) = read_changes(&log.file(), start(&log), end, (usize::MAX, &SIGNS)).expect("reads");
        assert_eq!(changes.pages.here().expect("in memory")[&1].len(), page_size);
    }
}

#[test]
fn what_comes_after_the_position_is_not_looked_at() {
    let mut log = Log::new("after", false, PAGE, [1; 8]);
    let end = log.frame(1, 1, &[1; PAGE]);
    log.frame(2, 2, &[2; PAGE]);
    let damaged = log.bytes.len() - 1;
    log.bytes[damaged] ^= 1;
    std::fs::write(&log.path, &log.bytes).expect("write");
    assert_eq!(read_changes(&log.file(), start(&log), end, (usize::MAX, &SIGNS)).expect("reads").0.count, 1);
}

#[test]
fn whatever_does_not_fit_before_the_position_is_a_fault() {
    let mut log = Log::new("fault", false, PAGE, [1; 8]);
    log.frame(1, 0, &[1; PAGE]);
    let end = log.frame(2, 2, &[2; PAGE]);
    let from = start(&log);
    let whole = log.bytes.clone();
    let reads = |bytes: &[u8]| {
        std::fs::write(&log.path, bytes).expect("write");
        read_changes(&log.file(), from, end, (usize::MAX, &SIGNS)).is_ok()
    };
    assert!(reads(&whole));
    for at in (0..whole.len()).filter(|at| *at < 100 || at % 37 == 0) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(!reads(&damaged), "byte {at}");
        assert!(!reads(&whole[..at]), "cut at {at}");
    }
    std::fs::write(&log.path, &whole).expect("write");
    let middle = WalPosition { frames: 1, ..end };
    assert!(read_changes(&log.file(), from, middle, (usize::MAX, &SIGNS)).is_err(), "it is no commit");
    let changed = WalMark { checksum: (1, 2), position: middle };
    assert!(read_changes(&log.file(), changed, end, (usize::MAX, &SIGNS)).is_err(), "frames read before have changed");
}

#[test]
fn a_log_that_starts_anew_is_read_from_its_beginning() {
    let mut log = Log::new("anew", false, PAGE, [0, 0, 0, 5, 1, 1, 1, 1]);
    log.frame(1, 0, &[1; PAGE]);
    let end = log.frame(2, 2, &[2; PAGE]);
    let (_, mark) = read_changes(&log.file(), start(&log), end, (usize::MAX, &SIGNS)).expect("reads");
    log.restart();
    assert!(
        read_changes(&log.file(), mark, end, (usize::MAX, &SIGNS)).is_err(),
        "the position is in a log that is gone"
    );
    let anew = log.frame(2, 2, &[3; PAGE]);
    let (changes, mark) = read_changes(&log.file(), mark, anew, (usize::MAX, &SIGNS)).expect("reads");
    assert_eq!(changes.pages.numbers_from(0).collect::<Vec<_>>(), [2]);
    let beyond = WalPosition { frames: 2, ..anew };
    assert!(
        read_changes(&log.file(), mark, beyond, (usize::MAX, &SIGNS)).is_err(),
        "the next frame is the earlier log's"
    );
    log.restart();
    log.restart();
    let later = log.frame(2, 2, &[4; PAGE]);
    assert!(read_changes(&log.file(), mark, later, (usize::MAX, &SIGNS)).is_err(), "a whole log was missed");
}

#[test]
fn a_log_is_copied_into_the_file() {
    let mut log = Log::new("copy", false, PAGE, [1; 8]);
    log.frame(1, 0, &[1; PAGE]);
    log.frame(3, 3, &[3; PAGE]);
    let end = log.frame(2, 2, &[2; PAGE]);
    let mark = WalMark::at(&log.file(), end).expect("mark");
    log.frame(1, 2, &[9; PAGE]);
    let path = log.path.with_extension("database");
    let database = File::options().create(true).truncate(true).read(true).write(true).open(&path).expect("create");
    copy_into(&log.file(), mark, &database).expect("copies");
    assert_eq!(std::fs::read(&path).expect("read"), [[1; PAGE], [2; PAGE]].concat());
    let wrong = WalMark { checksum: (0, 0), ..mark };
    assert!(copy_into(&log.file(), wrong, &database).is_err());
    std::fs::remove_file(&path).expect("remove");
}
