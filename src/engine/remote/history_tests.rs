//! Long random histories of real SQLite files: the state at every number of the log is restored page by page as SQLite
//! had it, for every page size, while the file grows, shrinks and is vacuumed and the log is shortened.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;

use crate::engine::database::wal_path;
use crate::engine::remote::bare;
use crate::storage::blob::BlobStore;
use crate::storage::log::append::Outcome;
use crate::storage::log::chain::{Chain, Options};
use crate::storage::log::changes::Pages;
use crate::storage::log::delta::{Digest, Sequence};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::page_checksum::normalised;
use crate::storage::log::restore::{Target, restore};
use crate::storage::log::upkeep::Policy;
use crate::storage::log::wal::{WalMark, WalPosition, read_changes};

const SMALL: Policy =
    Policy { segment_deltas: 8, segment_bytes: 1 << 20, base_after_percent: 50, settled: Duration::from_secs(3_600) };

/// Rounds of each history; the long form has more: `HISTORY_ROUNDS=400 cargo test --release --lib history_tests`.
fn rounds() -> usize {
    std::env::var("HISTORY_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}

/// Files of a test; gone with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("pgserver-history-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("directory");
        Files(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What pages are, all together, but for what SQLite writes by itself.
fn digest<'p>(pages: impl IntoIterator<Item = (u32, &'p [u8])>) -> Digest {
    let bytes: Vec<u8> = pages.into_iter().flat_map(|(number, page)| normalised(number, page).into_owned()).collect();
    Digest::of(&bytes)
}

/// A file that SQLite has open, and its chain.
struct History {
    store: Arc<MemoryStore>,
    chain: Chain,
    path: PathBuf,
    connection: Connection,
    frames: Arc<std::sync::atomic::AtomicI32>,
    wal: Arc<File>,
    mark: WalMark,
    /// The pages as SQLite reads them.
    pages: Pages,
    /// By number of the log.
    digests: Vec<Digest>,
    random: StdRng,
    page_size: usize,
}

impl History {
    async fn new(files: &Files, page_size: usize, seed: u64) -> Self {
        let (path, mut random) = (files.path("live.sqlite"), StdRng::seed_from_u64(seed));
        let made = Connection::open(&path).expect("opens");
        let auto_vacuum = random.random_range(0..3);
        made.execute_batch(&format!(
            "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum};
             CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, b BLOB); CREATE INDEX t_n ON t (n)"
        ))
        .expect("schema");
        made.close().expect("closes");
        let store = Arc::new(MemoryStore::new());
        let chain = Chain::create(&Options::new(Arc::clone(&store) as _), "app", &path).await.expect("creates");
        let mut connection = bare::open(&path).expect("opens");
        let frames = bare::count_frames(&mut connection).expect("hook");
        // The log gets its header with the first commit.
        connection.pragma_update(None, "user_version", 1).expect("commits");
        let wal = Arc::new(File::open(wal_path(&path)).expect("log"));
        let pages = Pages::new();
        let mut history = History {
            store,
            chain,
            path,
            connection,
            frames,
            wal,
            mark: WalMark::default(),
            pages,
            digests: Vec::new(),
            random,
            page_size,
        };
        history.pages = file_pages(&history.path, page_size);
        history.note();
        let start = WalPosition { frames: 0, ..history.position() };
        history.mark = WalMark::at(&history.wal, start).expect("mark");
        history.append().await;
        history
    }

    fn position(&self) -> WalPosition {
        let mut salts = [0; 8];
        self.wal.read_exact_at(&mut salts, 16).expect("salts");
        WalPosition { salts, frames: u32::try_from(self.frames.load(Ordering::Relaxed)).expect("frames") }
    }

    fn note(&mut self) {
        self.digests.push(digest(self.pages.iter().map(|(number, page)| (*number, page.as_slice()))));
    }

    /// What a connection with an empty cache reads: SQLite does not write pages that it has freed, and who has freed
    /// them still has them otherwise.
    fn read_pages(&self) -> Pages {
        let reader = bare::open(&self.path).expect("opens");
        let mut read = reader.prepare("SELECT pgno, data FROM sqlite_dbpage").expect("dbpage");
        let pages = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("pages");
        pages.collect::<rusqlite::Result<_>>().expect("pages")
    }

    /// Something that commits; not every one of these changes something.
    fn commit(&mut self) {
        let (rows, length) =
            (self.random.random_range(1..60), self.random.random_range(0..4 * self.page_size.min(4_096)));
        let sql = match self.random.random_range(0..12) {
            0 => "VACUUM".to_owned(),
            1 => "DELETE FROM t WHERE id % 3 = abs(random() % 3)".to_owned(),
            2 => "DELETE FROM t".to_owned(),
            3 => return self.vacuum_a_little(),
            4 => "CREATE TABLE IF NOT EXISTS other AS SELECT * FROM t".to_owned(),
            5 => "DROP TABLE IF EXISTS other".to_owned(),
            6 | 7 => "UPDATE t SET n = n + 1 WHERE id % 5 = abs(random() % 5)".to_owned(),
            8 => "BEGIN; INSERT INTO t (n) VALUES (1); SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT".to_owned(),
            _ => format!(
                "INSERT INTO t (n, b) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {rows})
                 SELECT random(), randomblob({length}) FROM c"
            ),
        };
        self.connection.execute_batch(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// To the last step: a commit counts for the log's hook only then.
    fn vacuum_a_little(&self) {
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum(3)").expect("vacuum");
        let mut steps = vacuum.query([]).expect("vacuum");
        while steps.next().expect("vacuum").is_some() {}
    }

    /// What was committed since the last time becomes the next delta.
    async fn append(&mut self) {
        let position = self.position();
        if position == self.mark.position {
            return;
        }
        let (changes, mark) = read_changes(&self.wal, self.mark, position, (self.chain.part(), &AtomicU64::new(0)))
            .expect("reads the log");
        let wanted = self.chain.wanted(&changes);
        let previous = wanted.iter().filter_map(|number| Some((*number, self.pages.get(number)?.clone()))).collect();
        assert_eq!(self.chain.append(&changes, &previous).await.expect("appends"), Outcome::Acknowledged);
        (self.mark, self.pages) = (mark, self.read_pages());
        self.note();
        if self.random.random_range(0..8) == 0 {
            let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
            let busy: i32 = self.connection.query_row(truncate, [], |row| row.get(0)).expect("checkpoint");
            assert_eq!(busy, 0);
            // The log gets its header with the first commit.
            self.connection.pragma_update(None, "user_version", 1).expect("commits");
        }
    }

    /// Restores the state of that number and compares it with what SQLite had.
    async fn check(&self, sequence: Sequence, into: &Path) {
        let store: Arc<dyn BlobStore> = Arc::clone(&self.store) as _;
        restore(&store, "app", Target::Sequence(sequence), into).await.expect("restores");
        let pages = file_pages(into, self.page_size);
        let restored = digest(pages.iter().map(|(number, page)| (*number, page.as_slice())));
        let index = usize::try_from(sequence).expect("index");
        assert_eq!(restored, self.digests[index], "page size {}, sequence {sequence}", self.page_size);
        if sequence.is_multiple_of(10) {
            let file = Connection::open(into).expect("opens");
            let check: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
            assert_eq!(check, "ok", "page size {}, sequence {sequence}", self.page_size);
        }
        std::fs::remove_file(into).expect("removes");
    }
}

fn file_pages(path: &Path, page_size: usize) -> Pages {
    let bytes = std::fs::read(path).expect("reads");
    assert!(bytes.len().is_multiple_of(page_size));
    (1..).zip(bytes.chunks(page_size).map(<[u8]>::to_vec)).collect()
}

async fn every_state_is_restored(page_size: usize) {
    let (files, seed) = (Files::new(&page_size.to_string()), 31 + page_size as u64);
    let mut history = History::new(&files, page_size, seed).await;
    let mut upkeep = history.chain.upkeep(SMALL);
    upkeep.retention = Some(Duration::from_secs(10 * 365 * 24 * 3_600));
    let (mut segments, mut bases, mut deleted) = (0, 0, 0);
    let mut sizes = std::collections::BTreeSet::new();
    for _ in 0..rounds() {
        for _ in 0..history.random.random_range(1..4) {
            history.commit();
        }
        history.append().await;
        sizes.insert(history.pages.len());
        let last = history.chain.head().sequence;
        history.store.pass(Duration::from_secs(history.random.random_range(0..3_600)));
        if history.random.random_range(0..3) == 0 {
            let done = upkeep.run(last, 0).await.expect("upkeep");
            (segments, bases, deleted) = (segments + done.segments, bases + done.bases, deleted + done.deleted);
        }
        let any = history.random.random_range(0..=last);
        history.check(any, &files.path("restored.sqlite")).await;
    }
    let last = history.chain.head().sequence;
    assert_eq!(history.digests.len() as u64, last + 1);
    for _ in 0..3 {
        // Long enough for what was folded to be deleted.
        history.store.pass(Duration::from_secs(7_200));
        let done = upkeep.run(last, 0).await.expect("upkeep");
        (segments, bases, deleted) = (segments + done.segments, bases + done.bases, deleted + done.deleted);
    }
    for sequence in 0..=last {
        history.check(sequence, &files.path("restored.sqlite")).await;
    }
    assert!(segments > 0 && bases > 0 && deleted > 0, "{segments} segments, {bases} bases, {deleted} deleted");
    assert!(sizes.len() > 2, "it has grown and shrunk: {sizes:?}");
    println!("page size {page_size}: {} states restored, {segments} segments, {bases} bases", last + 1);
}

macro_rules! histories {
    ($($name:ident: $page_size:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            every_state_is_restored($page_size).await;
        })*
    };
}

histories! {
    pages_of_512: 512;
    pages_of_1024: 1_024;
    pages_of_2048: 2_048;
    pages_of_4096: 4_096;
    pages_of_8192: 8_192;
    pages_of_16384: 16_384;
    pages_of_32768: 32_768;
    pages_of_65536: 65_536;
}
