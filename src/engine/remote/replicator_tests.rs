//! Instances of one database over a store in a directory: what is acknowledged, what readers see meanwhile, what becomes of
//! the losers of a race.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::engine::context::SessionContext;
use crate::engine::database::Database;
use crate::engine::databases::DatabaseNames;
use crate::engine::remote::RemoteOptions;
use crate::engine::session::EngineSession;
use crate::error::{Error, Result, SqlState};
use crate::settings::Settings;
use crate::sql::plan::{IsolationLevel, LockWait, SqliteStatement, TransactionModes};
use crate::storage::blob::local_directory::LocalDirectory;
use crate::storage::blob::{Blob, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put};
use crate::storage::log::chain::{Chain, Options};
use crate::storage::log::changes::PART;
use crate::storage::watermark::Fate;
use crate::types::value::ValueRef;

/// A directory as a store that can stop answering, and that can take no plain file.
#[derive(Debug)]
struct Store {
    inner: LocalDirectory,
    answers: watch::Sender<bool>,
    publishes: watch::Sender<bool>,
    a_part_takes: Duration,
}

impl Store {
    async fn answers(&self) {
        let mut answers = self.answers.subscribe();
        answers.wait_for(|answers| *answers).await.expect("the store lives");
    }
}

impl BlobStore for Store {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        Box::pin(async move {
            self.answers().await;
            self.inner.get(key, range).await
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        self.inner.head(key)
    }

    fn put<'a>(&'a self, key: &'a str, body: Body, when: Precondition, metadata: &'a Metadata) -> BlobFuture<'a, Put> {
        Box::pin(async move {
            self.answers().await;
            if key.contains("/part/") {
                tokio::time::sleep(self.a_part_takes).await;
            }
            if key == "test.sqlite" {
                self.publishes.subscribe().wait_for(|publishes| *publishes).await.expect("the store lives");
            }
            self.inner.put(key, body, when, metadata).await
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        self.inner.list(prefix, after)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        self.inner.delete(key)
    }
}

/// A store, and the working copies of its instances.
struct Place {
    store: Arc<Store>,
    directory: PathBuf,
    instances: u32,
    /// See [`Options::part`].
    part: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Place {
    async fn new(schema: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("pgserver-remote-{}-{unique}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("directory");
        let base = directory.join("base.sqlite");
        crate::engine::database::create_file("test", &base).expect("base");
        let first = rusqlite::Connection::open(&base).expect("base");
        first.execute_batch(schema).expect("schema");
        first.close().expect("close");
        let inner = LocalDirectory::open(&directory.join("store")).expect("store");
        let (answers, publishes) = (watch::Sender::new(true), watch::Sender::new(true));
        let store = Arc::new(Store { inner, answers, publishes, a_part_takes: Duration::ZERO });
        let place = Place { store, directory, instances: 0, part: PART };
        Chain::create(&place.options(), "test", &base).await.expect("create");
        place
    }

    fn options(&self) -> Options {
        Options { part: self.part, ..Options::new(Arc::clone(&self.store) as Arc<dyn BlobStore>) }
    }

    /// Another instance.
    async fn instance(&mut self) -> Arc<Database> {
        let waiting = RemoteOptions {
            commit_timeout: Duration::from_secs(20),
            poll: Duration::from_millis(5),
            interval: None,
            standby: false,
            ..RemoteOptions::default()
        };
        self.instance_with(waiting).await.0
    }

    async fn instance_with(&mut self, options: RemoteOptions) -> (Arc<Database>, PathBuf) {
        self.instances += 1;
        let path = self.directory.join(format!("{}.sqlite", self.instances));
        let chain = Chain::open(&self.options(), "test", &path).await.expect("open");
        let pool = (3, DatabaseNames::Known(Arc::default()));
        let database =
            Database::open_copy("test", &path, pool, (chain, options), (&Handle::current(), &Arc::default()))
                .expect("open");
        (database, path)
    }

    fn store_answers(&self, answers: bool) {
        self.store.answers.send_replace(answers);
    }
}

fn session(database: &Arc<Database>) -> EngineSession {
    let context = SessionContext::new(Settings::default(), "postgres", "test", database.catalog());
    EngineSession::new(Arc::clone(database), Arc::new(Mutex::new(context)))
}

/// Runs a statement to its end and gives the first column of its rows.
async fn run(session: &mut EngineSession, sql: &str) -> Result<Vec<i64>> {
    let statement = SqliteStatement {
        sql: sql.into(),
        binds: Vec::new(),
        write: !sql.starts_with("SELECT"),
        locks_rows: false,
        waits: false,
        wait: LockWait::Usual,
        permissions: [].into(),
        target: None,
        key_sources: Vec::new(),
        folded: None,
        before: Vec::new(),
        fires: false,
    };
    session.start_statement(None, None);
    let mut rows = Vec::new();
    let mut cursor = session.open(&statement, &[], &[]).await?;
    while cursor.step()? {
        rows.push(match cursor.column(0) {
            ValueRef::Integer(value) => value,
            other => panic!("{other:?}"),
        });
    }
    Ok(rows)
}

/// One implicit transaction.
async fn write(session: &mut EngineSession, sql: &str) -> Result<()> {
    let outcome = match run(session, sql).await {
        Ok(_) => session.commit().await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        session.rollback().await?;
    }
    outcome
}

/// Both commit while the store does not answer; it takes one of them, and the other's error is given.
async fn collision(place: &Place, a: &mut EngineSession, b: &mut EngineSession) -> Error {
    let (first, second) = tokio::join!(a.commit(), async {
        let commit = b.commit();
        place.store_answers(true);
        commit.await
    });
    match (first, second) {
        (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
        both => panic!("{both:?}"),
    }
}

/// Stops it, with time for its plain file.
async fn close(database: &Database) -> bool {
    database.close(tokio::time::Instant::now() + Duration::from_secs(20)).await
}

/// Reads until the rows are these; an error after a time nothing should take.
async fn eventually(session: &mut EngineSession, sql: &str, expected: &[i64]) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let rows = run(session, sql).await.expect("read");
        session.rollback().await.expect("rollback");
        if rows == expected {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{sql}: {rows:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn integrity(path: &Path) -> String {
    let connection = crate::engine::remote::bare::open(path).expect("open");
    connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).expect("integrity_check")
}

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_store_is_neither_acknowledged_nor_seen() {
    let mut place = Place::new(TABLE).await;
    let database = place.instance().await;
    let (mut writer, mut reader) = (session(&database), session(&database));
    write(&mut writer, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    assert_eq!(run(&mut reader, "SELECT id FROM t").await.expect("read"), [1]);
    place.store_answers(false);
    run(&mut writer, "INSERT INTO t VALUES (2, 2)").await.expect("write");
    {
        let commit = writer.commit();
        tokio::pin!(commit);
        // The write ticket is free again, and reads go on with what is durable.
        let mut second = session(&database);
        tokio::select! {
            biased;
            _ = &mut commit => panic!("acknowledged without the store"),
            inserted = run(&mut second, "INSERT INTO t VALUES (3, 3)") => drop(inserted.expect("write")),
        }
        assert_eq!(run(&mut second, "SELECT id FROM t").await.expect("own"), [1, 2, 3]);
        assert_eq!(run(&mut reader, "SELECT id FROM t").await.expect("read"), [1]);
        second.rollback().await.expect("rollback");
        place.store_answers(true);
        commit.await.expect("commit");
    }
    assert_eq!(run(&mut reader, "SELECT id FROM t").await.expect("read"), [1, 2]);
    close(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loser_of_a_race_is_told_and_follows_the_winner() {
    let mut place = Place::new(TABLE).await;
    let (one, other) = (place.instance().await, place.instance().await);
    let (mut a, mut b) = (session(&one), session(&other));
    write(&mut a, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    eventually(&mut b, "SELECT id FROM t", &[1]).await;
    // Both commit while the store does not answer; it takes one of them.
    place.store_answers(false);
    run(&mut a, "INSERT INTO t VALUES (2, 20)").await.expect("write");
    run(&mut b, "INSERT INTO t VALUES (2, 21)").await.expect("write");
    let lost = collision(&place, &mut a, &mut b).await;
    assert_eq!(lost.code(), SqlState::SERIALIZATION_FAILURE);
    let kept = run(&mut a, "SELECT v FROM t WHERE id = 2").await.expect("read");
    eventually(&mut b, "SELECT v FROM t WHERE id = 2", &kept).await;
    eventually(&mut a, "SELECT v FROM t WHERE id = 2", &kept).await;
    write(&mut b, "INSERT INTO t VALUES (3, 3)").await.expect("the loser goes on");
    eventually(&mut a, "SELECT count(*) FROM t", &[3]).await;
    close(&one).await;
    close(&other).await;
}

/// Four pages are an object: nearly everything is large.
const SMALL_PART: usize = 4 * 4_096;

fn many(values: &str, rows: u32) -> String {
    format!(
        "INSERT OR REPLACE INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {rows})
        SELECT {values} FROM c"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_transactions_are_followed_and_lost_like_others() {
    let mut place = Place::new(TABLE).await;
    place.part = SMALL_PART;
    let (one, other) = (place.instance().await, place.instance().await);
    let (mut a, mut b) = (session(&one), session(&other));
    write(&mut a, &many("i, i", 20_000)).await.expect("write");
    eventually(&mut b, "SELECT coalesce(sum(v), 0) FROM t", &[200_010_000]).await;
    place.store_answers(false);
    run(&mut a, &many("i, 2 * i", 20_000)).await.expect("write");
    run(&mut b, &many("i, 3 * i", 30_000)).await.expect("write");
    let lost = collision(&place, &mut a, &mut b).await;
    assert_eq!(lost.code(), SqlState::SERIALIZATION_FAILURE);
    let kept = run(&mut a, "SELECT coalesce(sum(v), 0) FROM t").await.expect("read");
    eventually(&mut b, "SELECT coalesce(sum(v), 0) FROM t", &kept).await;
    eventually(&mut a, "SELECT coalesce(sum(v), 0) FROM t", &kept).await;
    for (database, writer) in [(&one, &mut a), (&other, &mut b)] {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while write(writer, "DELETE FROM t WHERE id > 10").await.is_err() {
            assert!(tokio::time::Instant::now() < deadline, "writing goes on");
        }
        close(database).await;
        assert_eq!(integrity(database.path()), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_commit_takes_its_time_while_it_gets_on() {
    let mut place = Place::new(TABLE).await;
    place.part = SMALL_PART;
    Arc::get_mut(&mut place.store).expect("nobody else's").a_part_takes = Duration::from_millis(60);
    let patient = RemoteOptions { commit_timeout: Duration::from_secs(2), ..RemoteOptions::default() };
    let (database, _) = place.instance_with(patient).await;
    let mut writer = session(&database);
    // Some 150 parts, three at a time: more than two seconds in all, far less each.
    write(&mut writer, &many("i, i", 210_000)).await.expect("it is written");
    close(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_appended_is_not_committed() {
    let mut place = Place::new(TABLE).await;
    place.part = 4_096;
    let database = place.instance().await;
    let (mut writer, mut reader) = (session(&database), session(&database));
    // An object of one page names 102 parts of one page.
    let refused = write(&mut writer, &many("i, i", 100_000)).await.expect_err("too large");
    assert_eq!(refused.code(), SqlState::PROGRAM_LIMIT_EXCEEDED, "{refused}");
    write(&mut writer, &many("i, i", 1_000)).await.expect("a smaller one");
    eventually(&mut reader, "SELECT count(*) FROM t", &[1_000]).await;
    close(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_gives_way_to_what_others_have_committed() {
    let mut place = Place::new(TABLE).await;
    let (one, other) = (place.instance().await, place.instance().await);
    let (mut a, mut b) = (session(&one), session(&other));
    let mut reader = session(&one);
    eventually(&mut reader, "SELECT count(*) FROM t", &[0]).await;
    run(&mut a, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    let committed = loop {
        // Either instance may have lost the first race, about the catalog's tables.
        match write(&mut b, "INSERT INTO t VALUES (2, 2)").await {
            Err(error) if error.code() == SqlState::SERIALIZATION_FAILURE => {}
            outcome => break outcome,
        }
    };
    committed.expect("write");
    a.must_give_way().await;
    let error = run(&mut a, "INSERT INTO t VALUES (3, 3)").await.expect_err("overtaken");
    assert_eq!(error.code(), SqlState::SERIALIZATION_FAILURE);
    a.rollback().await.expect("rollback");
    eventually(&mut reader, "SELECT id FROM t", &[2]).await;
    close(&one).await;
    close(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_statement_gives_way_to_who_finds_out_what_it_stood_on() {
    let mut place = Place::new(TABLE).await;
    let one = place.instance().await;
    let mut a = session(&one);
    write(&mut a, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    // A commit whose fate is not known yet.
    let pending = one.watermark().announce();
    run(&mut a, "INSERT INTO t VALUES (1, 2)").await.expect_err("a duplicate, if that commit counts");
    assert!(a.holds_ticket());
    // The race is lost, and the replicator needs the ticket to say so.
    let replica = one.replica().expect("of a copy");
    replica.evict(true);
    let finds_out = async {
        let _ticket = one.writers().lock_owned().await;
        one.watermark().settle(pending, Fate::Lost);
    };
    let (settled, ()) = tokio::join!(a.settle(), finds_out);
    replica.evict(false);
    assert_eq!(settled.expect_err("overtaken").code(), SqlState::SERIALIZATION_FAILURE);
    a.rollback().await.expect("rollback");
    close(&one).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_snapshot_survives_what_others_commit() {
    let mut place = Place::new(TABLE).await;
    let (one, other) = (place.instance().await, place.instance().await);
    let (mut a, mut b) = (session(&one), session(&other));
    let held = TransactionModes { isolation: Some(IsolationLevel::RepeatableRead), ..TransactionModes::default() };
    eventually(&mut b, "SELECT count(*) FROM t", &[0]).await;
    while write(&mut b, "INSERT OR REPLACE INTO t VALUES (1, 1)").await.is_err() {}
    eventually(&mut a, "SELECT id FROM t", &[1]).await;
    a.begin(held).await.expect("begin");
    assert_eq!(run(&mut a, "SELECT id FROM t").await.expect("read"), [1]);
    write(&mut b, "INSERT INTO t VALUES (2, 2)").await.expect("write");
    let mut reader = session(&one);
    eventually(&mut reader, "SELECT count(*) FROM t", &[2]).await;
    assert_eq!(run(&mut a, "SELECT id FROM t").await.expect("read"), [1]);
    let stale = run(&mut a, "INSERT INTO t VALUES (3, 3)").await.expect_err("stale");
    assert_eq!(stale.code(), SqlState::SERIALIZATION_FAILURE);
    a.rollback().await.expect("rollback");
    close(&one).await;
    close(&other).await;
}

/// Transfers between accounts by clients of two instances that fight for every append: no money is made or lost, and
/// exactly the acknowledged transfers are in the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_keep_the_books() {
    let mut place = Place::new(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
         CREATE TABLE ledger (id INTEGER PRIMARY KEY, amount INTEGER);
         INSERT INTO account SELECT value, 1000 FROM (WITH RECURSIVE s (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 20) SELECT value FROM s)",
    )
    .await;
    let instances = [place.instance().await, place.instance().await];
    let mut clients = Vec::new();
    for client in 0..6i64 {
        let database = Arc::clone(&instances[usize::try_from(client % 2).expect("small")]);
        clients.push(tokio::spawn(async move {
            let mut session = session(&database);
            let (mut acknowledged, mut lost) = (Vec::new(), 0);
            for number in 0..40i64 {
                let id = client * 1000 + number;
                let (from, to) = ((id * 7) % 20 + 1, (id * 13 + 5) % 20 + 1);
                let outcome = async {
                    run(&mut session, &format!("UPDATE account SET balance = balance - 5 WHERE id = {from}")).await?;
                    tokio::task::yield_now().await;
                    run(&mut session, &format!("UPDATE account SET balance = balance + 5 WHERE id = {to}")).await?;
                    run(&mut session, &format!("INSERT INTO ledger VALUES ({id}, 5)")).await?;
                    session.commit().await
                };
                match outcome.await {
                    Ok(()) => acknowledged.push(id),
                    Err(error) => {
                        assert_eq!(error.code(), SqlState::SERIALIZATION_FAILURE, "{error}");
                        session.rollback().await.expect("rollback");
                        lost += 1;
                    }
                }
                let total = run(&mut session, "SELECT sum(balance) FROM account").await.expect("read");
                assert_eq!(total, [20_000], "a reader saw half a transfer");
            }
            (acknowledged, lost)
        }));
    }
    let (mut acknowledged, mut lost) = (Vec::new(), 0);
    for client in clients {
        let (own, own_lost) = client.await.expect("client");
        acknowledged.extend(own);
        lost += own_lost;
    }
    acknowledged.sort_unstable();
    assert!(lost > 0, "the instances never got into each other's way");
    for database in &instances {
        let mut reader = session(database);
        eventually(&mut reader, "SELECT id FROM ledger ORDER BY id", &acknowledged).await;
        eventually(&mut reader, "SELECT sum(balance) FROM account", &[20_000]).await;
        close(database).await;
        assert_eq!(integrity(database.path()), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_answer_stops_writing_and_not_reading() {
    let mut place = Place::new(TABLE).await;
    let impatient = RemoteOptions {
        commit_timeout: Duration::from_millis(200),
        poll: Duration::from_secs(60),
        interval: None,
        standby: false,
        ..RemoteOptions::default()
    };
    let (database, _) = place.instance_with(impatient).await;
    let (mut writer, mut reader) = (session(&database), session(&database));
    eventually(&mut reader, "SELECT count(*) FROM t", &[0]).await;
    while write(&mut writer, "INSERT OR REPLACE INTO t VALUES (1, 1)").await.is_err() {}
    place.store_answers(false);
    let unknown = write(&mut writer, "INSERT INTO t VALUES (2, 2)").await.expect_err("no answer");
    assert_eq!(unknown.code(), SqlState::TRANSACTION_RESOLUTION_UNKNOWN);
    assert_eq!(run(&mut reader, "SELECT id FROM t").await.expect("read"), [1]);
    let refused = loop {
        match write(&mut writer, "INSERT OR REPLACE INTO t VALUES (3, 3)").await.expect_err("no answer") {
            error if error.code() == SqlState::CONNECTION_FAILURE => break error,
            error => assert_eq!(error.code(), SqlState::TRANSACTION_RESOLUTION_UNKNOWN, "{error}"),
        }
    };
    assert!(refused.message().starts_with("the object store has not answered"), "{refused}");
    place.store_answers(true);
    // What was unknown has come through, and writing goes on.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while write(&mut writer, "INSERT OR REPLACE INTO t VALUES (4, 4)").await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "writing is still refused");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let rows = run(&mut reader, "SELECT id FROM t WHERE id IN (1, 2, 4)").await.expect("read");
    assert_eq!(rows, [1, 2, 4]);
    close(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_reads_and_refuses_to_write() {
    let mut place = Place::new(TABLE).await;
    let primary = place.instance().await;
    let follower = RemoteOptions {
        commit_timeout: Duration::from_secs(20),
        poll: Duration::from_millis(5),
        interval: None,
        standby: true,
        ..RemoteOptions::default()
    };
    let (standby, _) = place.instance_with(follower).await;
    let (mut a, mut b) = (session(&primary), session(&standby));
    write(&mut a, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    eventually(&mut b, "SELECT id FROM t", &[1]).await;
    let refused = write(&mut b, "INSERT INTO t VALUES (2, 2)").await.expect_err("a standby");
    assert_eq!(refused.code(), SqlState::READ_ONLY_SQL_TRANSACTION);
    close(&primary).await;
    close(&standby).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collected_commits_are_acknowledged_at_once_and_uploaded_at_the_stop() {
    let mut place = Place::new(TABLE).await;
    let collecting = RemoteOptions {
        commit_timeout: Duration::from_secs(20),
        poll: Duration::from_secs(3600),
        interval: Some(Duration::from_secs(3600)),
        standby: false,
        ..RemoteOptions::default()
    };
    let (database, _) = place.instance_with(collecting).await;
    let mut writer = session(&database);
    place.store_answers(false);
    for id in 1..=5 {
        write(&mut writer, &format!("INSERT INTO t VALUES ({id}, 0)")).await.expect("write");
    }
    assert_eq!(run(&mut writer, "SELECT count(*) FROM t").await.expect("read"), [5]);
    place.store_answers(true);
    drop(writer);
    assert!(close(&database).await);
    let mut other = session(&place.instance().await);
    assert_eq!(run(&mut other, "SELECT count(*) FROM t").await.expect("read"), [5]);
}

/// A plain file that takes longer than there is time for is no reason to say that commits are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_ever_for_the_plain_file() {
    let mut place = Place::new(TABLE).await;
    let database = place.instance().await;
    place.store.publishes.send_replace(false);
    let mut writer = session(&database);
    write(&mut writer, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    drop(writer);
    assert!(database.close(tokio::time::Instant::now()).await, "the store has everything");
    let left = std::fs::read_dir(&place.directory).expect("lists").flatten();
    let left: Vec<_> = left.filter(|entry| entry.path().extension().is_some_and(|end| end == "upkeep")).collect();
    assert!(left.is_empty(), "{left:?}");
    place.store.publishes.send_replace(true);
    let next = place.instance().await;
    assert_eq!(run(&mut session(&next), "SELECT id FROM t").await.expect("read"), [1]);
    assert!(close(&next).await);
    let published = place.store.head("test.sqlite").await.expect("is published by the next one");
    assert!(published.size > 0);
}

/// What is open of a working copy that was removed suffices for what was committed, and for nothing more; the next one is
/// made of the store's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_working_copy_that_was_removed_is_not_used_any_more() {
    let mut place = Place::new("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").await;
    let database = place.instance().await;
    let (mut writer, mut reader) = (session(&database), session(&database));
    write(&mut writer, "INSERT INTO t VALUES (1, NULL)").await.expect("write");
    for end in ["", "-wal"] {
        std::fs::remove_file(format!("{}{end}", database.path().display())).expect("remove");
    }
    // As large as it takes for the log to be emptied.
    let mut acknowledged = vec![1];
    let refused = loop {
        let id = acknowledged.len() as i64 + 1;
        match write(&mut writer, &format!("INSERT INTO t VALUES ({id}, zeroblob(5000000))")).await {
            Ok(()) => acknowledged.push(id),
            Err(error) => break error,
        }
    };
    assert!(refused.message().ends_with("was removed while the server was running"), "{refused}");
    let refused = run(&mut reader, "SELECT id FROM t").await.expect_err("a read");
    assert_eq!(refused.code(), SqlState::IO_ERROR, "{refused}");
    drop((writer, reader));
    assert!(close(&database).await, "everything is in the store");
    let mut next = session(&place.instance().await);
    assert_eq!(run(&mut next, "SELECT id FROM t").await.expect("read"), acknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_losing_tail_of_collected_commits_is_kept() {
    let mut place = Place::new(TABLE).await;
    let primary = place.instance().await;
    let mut a = session(&primary);
    write(&mut a, "INSERT INTO t VALUES (1, 1)").await.expect("write");
    let collecting = RemoteOptions {
        commit_timeout: Duration::from_secs(20),
        poll: Duration::from_secs(3600),
        interval: Some(Duration::from_secs(3600)),
        standby: false,
        ..RemoteOptions::default()
    };
    let (database, _) = place.instance_with(collecting).await;
    let mut b = session(&database);
    write(&mut b, "INSERT INTO t VALUES (2, 2)").await.expect("write");
    write(&mut a, "INSERT INTO t VALUES (3, 3)").await.expect("write");
    drop(b);
    assert!(close(&database).await);
    let mut other = session(&place.instance().await);
    assert_eq!(run(&mut other, "SELECT id FROM t").await.expect("read"), [1, 3]);
    let kept = place.store.list("test.pgs/", None).await.expect("list");
    assert_eq!(kept.keys.iter().filter(|listed| listed.key.contains("/fork/")).count(), 1);
    close(&primary).await;
}

/// Enough commits that the log is emptied several times, with readers that hold on to old states of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_emptied_under_readers_and_the_copy_starts_again_from_it() {
    let mut place = Place::new("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").await;
    let (database, path) = {
        let waiting = RemoteOptions {
            commit_timeout: Duration::from_secs(20),
            poll: Duration::from_millis(5),
            interval: None,
            standby: false,
            ..RemoteOptions::default()
        };
        place.instance_with(waiting).await
    };
    let (mut writer, mut reader, mut holder) = (session(&database), session(&database), session(&database));
    let held = TransactionModes { isolation: Some(IsolationLevel::RepeatableRead), ..TransactionModes::default() };
    let mut sizes = Vec::new();
    for id in 1..=40 {
        write(&mut writer, &format!("INSERT INTO t VALUES ({id}, zeroblob(1000000))")).await.expect("write");
        assert_eq!(run(&mut reader, "SELECT count(*) FROM t").await.expect("read"), [id]);
        // The log cannot be emptied while somebody holds on to it.
        if id % 16 == 0 {
            holder.rollback().await.expect("rollback");
        }
        if id % 16 == 8 {
            holder.begin(held).await.expect("begin");
            assert_eq!(run(&mut holder, "SELECT count(*) FROM t").await.expect("read"), [id]);
        }
        sizes.push(std::fs::metadata(crate::engine::database::wal_path(&path)).expect("log").len());
    }
    // A log is emptied between two writers, so at the latest when they pause.
    let cut = |sizes: &[u64]| sizes.windows(2).any(|pair| matches!(pair, [before, after] if after < before));
    for id in 41..=400 {
        if cut(&sizes) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        write(&mut writer, &format!("INSERT INTO t VALUES ({id}, zeroblob(1000000))")).await.expect("write");
        sizes.push(std::fs::metadata(crate::engine::database::wal_path(&path)).expect("log").len());
    }
    assert!(cut(&sizes), "the log was never cut: {sizes:?}");
    let rows = run(&mut reader, "SELECT count(*) FROM t").await.expect("read");
    drop((writer, reader, holder));
    close(&database).await;
    // The copy that was left behind is good for the next start.
    let chain = Chain::open(&place.options(), "test", &path).await.expect("open");
    let pool = (3, DatabaseNames::Known(Arc::default()));
    let options = RemoteOptions {
        commit_timeout: Duration::from_secs(20),
        poll: Duration::from_millis(5),
        interval: None,
        standby: false,
        ..RemoteOptions::default()
    };
    let again = Database::open_copy("test", &path, pool, (chain, options), (&Handle::current(), &Arc::default()))
        .expect("open");
    assert_eq!(run(&mut session(&again), "SELECT count(*) FROM t").await.expect("read"), rows);
    close(&again).await;
    assert_eq!(integrity(&path), "ok");
}
