//! Tests of [`EngineSession`](crate::engine::session::EngineSession): transactions, the write ticket, isolation, the gate.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::OpenFlags;

use crate::engine::connection::VFS;
use crate::engine::context::SessionContext;
use crate::engine::database::Database;
use crate::engine::databases::Databases;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::session::EngineSession;
use crate::error::{Result, SqlState};
use crate::settings::Settings;
use crate::sql::plan::{BeginMode, Bind, IsolationLevel, LockWait, SqliteStatement, TransactionModes};
use crate::types::value::{Value, ValueRef};

/// A server's databases in a directory of their own.
struct Place {
    databases: Databases,
    directory: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn place() -> Place {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("pgserver-engine-{}-{unique}", std::process::id()));
    let databases = Databases::new(&directory, 3).expect("data directory");
    databases.create("test").await.expect("create database");
    let place = Place { databases, directory };
    // Tables as another program would have made them; DDL has its own tests.
    let path = place.directory.join("test.sqlite");
    let other = rusqlite::Connection::open_with_flags_and_vfs(path, OpenFlags::default(), VFS).expect("open");
    other
        .execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'bad'), n INTEGER NOT NULL DEFAULT 0);
             CREATE TABLE c (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id));
             CREATE TABLE d (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO t (id, v) VALUES (1, 'one');",
        )
        .expect("tables");
    drop(other);
    place
}

async fn session(place: &Place) -> EngineSession {
    let database = place.databases.open("test").await.expect("open database");
    let context = SessionContext {
        backend_pid: 1,
        ..SessionContext::new(Settings::default(), "postgres", "test", database.catalog())
    };
    EngineSession::new(database, Arc::new(Mutex::new(context)))
}

fn statement(sql: &str, binds: usize) -> SqliteStatement {
    let write = !sql.trim_start().starts_with("SELECT");
    SqliteStatement {
        sql: sql.into(),
        binds: (0..binds).map(Bind::Param).collect(),
        write,
        locks_rows: false,
        waits: false,
        wait: LockWait::Usual,
        permissions: [].into(),
        target: None,
        key_sources: Vec::new(),
        folded: None,
        before: Vec::new(),
        fires: false,
    }
}

/// Runs a statement to its end and gives the first column of its rows as text.
async fn run(session: &mut EngineSession, sql: &str) -> Result<Vec<String>> {
    run_with(session, sql, &[]).await
}

async fn run_with(session: &mut EngineSession, sql: &str, params: &[Value]) -> Result<Vec<String>> {
    session.start_statement(None, None);
    let mut rows = Vec::new();
    let mut cursor = session.open(&statement(sql, params.len()), params, &[]).await?;
    while cursor.step()? {
        rows.push(match cursor.column(0) {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(i) => i.to_string(),
            ValueRef::Real(r) => r.to_string(),
            ValueRef::Text(t) => t.to_owned(),
            ValueRef::Blob(b) => format!("{b:?}"),
        });
    }
    Ok(rows)
}

async fn count(session: &mut EngineSession) -> String {
    run(session, "SELECT count(*) FROM t").await.expect("count").remove(0)
}

const IMMEDIATE: TransactionModes =
    TransactionModes { isolation: None, read_only: None, deferrable: None, begin: Some(BeginMode::Immediate) };
const REPEATABLE: TransactionModes = TransactionModes {
    isolation: Some(IsolationLevel::RepeatableRead),
    read_only: None,
    deferrable: None,
    begin: None,
};

#[test]
fn sqlite_is_recent_enough() {
    // 3.51.2 and older lose committed frames when a checkpoint and a writer race on different connections.
    assert!(rusqlite::version_number() >= 3_051_003, "SQLite {}", rusqlite::version());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_seen_and_a_rollback_is_not() {
    let place = place().await;
    let (mut a, mut b) = (session(&place).await, session(&place).await);
    run_with(&mut a, "INSERT INTO t (id, v) VALUES (?1, ?2)", &[Value::Integer(2), Value::Text("two".into())])
        .await
        .expect("insert");
    assert!(a.holds_ticket());
    assert_eq!(count(&mut a).await, "2");
    assert_eq!(count(&mut b).await, "1");
    a.commit().await.expect("commit");
    assert!(!a.holds_ticket());
    assert_eq!(count(&mut b).await, "2");
    run(&mut b, "DELETE FROM t").await.expect("delete");
    b.rollback().await.expect("rollback");
    assert_eq!(count(&mut b).await, "2");
    let watermark = a.database().watermark();
    assert_eq!(watermark.last_durable(), watermark.stamp());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn savepoints_nest_and_names_repeat_before_and_after_the_first_write() {
    let place = place().await;
    let mut a = session(&place).await;
    a.begin(TransactionModes::default()).await.expect("begin");
    a.savepoint("s").await.expect("remembered");
    assert!(!a.holds_ticket());
    run(&mut a, "INSERT INTO t (id) VALUES (10)").await.expect("insert");
    a.savepoint("s").await.expect("inner");
    run(&mut a, "INSERT INTO t (id) VALUES (11)").await.expect("insert");
    a.savepoint("S").await.expect("another case");
    run(&mut a, "INSERT INTO t (id) VALUES (12)").await.expect("insert");
    a.rollback_to("s").await.expect("to the inner one");
    assert_eq!(count(&mut a).await, "2");
    assert_eq!(a.rollback_to("S").await.expect_err("gone").code(), SqlState::INVALID_SAVEPOINT_SPECIFICATION);
    a.release("s").await.expect("the inner one");
    a.rollback_to("s").await.expect("the outer one, set before the first write");
    assert_eq!(count(&mut a).await, "1");
    run(&mut a, "INSERT INTO t (id) VALUES (13)").await.expect("insert");
    a.commit().await.expect("commit");
    assert_eq!(run(&mut a, "SELECT id FROM t ORDER BY id").await.expect("rows"), ["1", "13"]);
    assert_eq!(a.release("s").await.expect_err("ended").message(), "savepoint \"s\" does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_queue_for_the_ticket() {
    let place = place().await;
    let database = place.databases.open("test").await.expect("open");
    let mut writers = Vec::new();
    for writer in 0..8 {
        let mut session = session(&place).await;
        writers.push(tokio::spawn(async move {
            for round in 0..50 {
                let id = Value::Integer(1000 * (writer + 1) + round);
                run_with(&mut session, "INSERT INTO t (id) VALUES (?1)", &[id]).await.expect("insert");
                session.commit().await.expect("commit");
            }
        }));
    }
    for writer in writers {
        writer.await.expect("writer");
    }
    assert_eq!(database.watermark().last_durable(), 400);
    assert_eq!(count(&mut session(&place).await).await, "401");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_ticket_ends_by_timeout_and_by_cancel() {
    let place = place().await;
    let (mut a, mut b) = (session(&place).await, session(&place).await);
    a.begin(IMMEDIATE).await.expect("begin immediate");
    assert!(a.holds_ticket());
    b.start_statement(None, Some(Duration::from_millis(30)));
    let error = b.lock(&LockWait::Usual).await.expect_err("lock timeout");
    assert_eq!(
        (error.code(), error.message()),
        (SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout")
    );
    b.start_statement(Some(Duration::from_millis(30)), None);
    let error = b.lock(&LockWait::Usual).await.expect_err("statement timeout");
    assert_eq!(error.message(), "canceling statement due to statement timeout");
    b.finish_statement();
    b.start_statement(None, None);
    let handle = b.interrupt_handle();
    let waiting = tokio::spawn(async move { (b.lock(&LockWait::Usual).await, b) });
    tokio::time::sleep(Duration::from_millis(20)).await;
    handle.cancel();
    let (outcome, mut b) = waiting.await.expect("task");
    assert_eq!(outcome.expect_err("cancelled").message(), "canceling statement due to user request");
    a.rollback().await.expect("rollback");
    b.lock(&LockWait::Usual).await.expect("free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeatable_read_keeps_its_snapshot_and_a_stale_one_cannot_write() {
    let place = place().await;
    let (mut a, mut b) = (session(&place).await, session(&place).await);
    a.begin(REPEATABLE).await.expect("begin");
    assert_eq!(run(&mut a, "SELECT 1").await.expect("the first statement"), ["1"]);
    run(&mut b, "INSERT INTO t (id) VALUES (2)").await.expect("insert");
    b.commit().await.expect("commit");
    assert_eq!(count(&mut a).await, "1");
    let error = run(&mut a, "DELETE FROM t").await.expect_err("stale");
    assert_eq!(
        (error.code(), error.message()),
        (SqlState::SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
    );
    a.rollback().await.expect("rollback");
    a.begin(REPEATABLE).await.expect("begin");
    a.savepoint("s").await.expect("savepoint");
    assert_eq!(count(&mut a).await, "2");
    run(&mut a, "DELETE FROM t WHERE id = 2").await.expect("a fresh one can");
    a.rollback_to("s").await.expect("rollback to");
    a.commit().await.expect("commit");
    assert_eq!(count(&mut b).await, "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_transaction_refuses_writes() {
    let place = place().await;
    let mut a = session(&place).await;
    a.begin(TransactionModes { read_only: Some(true), ..TransactionModes::default() }).await.expect("begin");
    let error = run(&mut a, "DELETE FROM t").await.expect_err("read only");
    assert_eq!(error.code(), SqlState::READ_ONLY_SQL_TRANSACTION);
    a.rollback().await.expect("rollback");
    run(&mut a, "DELETE FROM t").await.expect("the next one is not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_statements_are_cancelled_and_time_out() {
    const ENDLESS: &str =
        "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)";
    let place = place().await;
    let mut a = session(&place).await;
    a.start_statement(Some(Duration::from_millis(50)), None);
    let mut cursor = a.open(&statement(ENDLESS, 0), &[], &[]).await.expect("open");
    let begun = Instant::now();
    assert_eq!(cursor.step().expect_err("timeout").message(), "canceling statement due to statement timeout");
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(cursor);
    a.finish_statement();
    let handle = a.interrupt_handle();
    let running = tokio::spawn(async move { run(&mut a, ENDLESS).await });
    tokio::time::sleep(Duration::from_millis(30)).await;
    handle.cancel();
    let error = running.await.expect("task").expect_err("cancelled");
    assert_eq!(error.message(), "canceling statement due to user request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_scans_do_not_starve_other_sessions() {
    const SLOW: &str =
        "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)";
    let place = place().await;
    let mut scans = Vec::new();
    for _ in 0..2 {
        let mut a = session(&place).await;
        let handle = a.interrupt_handle();
        scans.push((handle, tokio::spawn(async move { run(&mut a, SLOW).await })));
    }
    let mut b = session(&place).await;
    let other = tokio::spawn(async move {
        for _ in 0..100 {
            assert_eq!(count(&mut b).await, "1");
            tokio::task::yield_now().await;
        }
    });
    let finished = tokio::time::timeout(Duration::from_secs(20), other).await;
    // A cancel before its statement has begun is dropped, so until both have ended.
    while scans.iter().any(|(_, scan)| !scan.is_finished()) {
        scans.iter().for_each(|(handle, _)| handle.cancel());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    finished.expect("not starved").expect("reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_read_outlives_later_writes_and_a_vanished_session_is_rolled_back() {
    let place = place().await;
    let (mut a, mut b) = (session(&place).await, session(&place).await);
    for id in 2..6 {
        run_with(&mut a, "INSERT INTO t (id) VALUES (?1)", &[Value::Integer(id)]).await.expect("insert");
    }
    a.commit().await.expect("commit");
    let mut cursor = a.open(&statement("SELECT id FROM t ORDER BY id", 0), &[], &[]).await.expect("open");
    assert!(cursor.step().expect("row"));
    run(&mut a, "DELETE FROM t").await.expect("delete");
    let mut seen = 1;
    while cursor.step().expect("row") {
        seen += 1;
    }
    assert_eq!(seen, 5, "the cursor has its own snapshot");
    drop((cursor, a));
    assert_eq!(count(&mut b).await, "5");
    run(&mut b, "DELETE FROM t WHERE id = 5").await.expect("the ticket is free");
    b.commit().await.expect("commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_grows_when_all_its_connections_are_kept() {
    let place = place().await;
    let mut holders = Vec::new();
    for _ in 0..6 {
        let mut a = session(&place).await;
        a.begin(REPEATABLE).await.expect("begin");
        assert_eq!(count(&mut a).await, "1");
        holders.push(a);
    }
    let mut writer = session(&place).await;
    run(&mut writer, "DELETE FROM t").await.expect("writers have a connection of their own");
    writer.commit().await.expect("commit");
    assert_eq!(count(&mut holders[5]).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cursor_runs_many_rows() {
    let place = place().await;
    let mut a = session(&place).await;
    let insert = statement("INSERT INTO t (id, v) VALUES (?1, ?2)", 2);
    let row = |id| [Value::Integer(id), Value::Text(format!("row {id}"))];
    let mut cursor = a.open(&insert, &row(100), &[]).await.expect("open");
    assert!(!cursor.step().expect("first"));
    assert_eq!(cursor.changes(), 1);
    for id in 101..200 {
        assert_eq!(cursor.execute(&insert, &row(id), &[]).expect("row"), 1);
    }
    assert_eq!(cursor.execute(&insert, &row(100), &[]).expect_err("duplicate").code(), SqlState::UNIQUE_VIOLATION);
    drop(cursor);
    assert_eq!(run(&mut a, "SELECT max(v) FROM t WHERE id >= 100").await.expect("rows"), ["row 199"]);
    a.rollback().await.expect("rollback");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_write_loses_the_transaction_and_says_so() {
    const SLOW: &str =
        "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let place = place().await;
    let mut a = session(&place).await;
    run(&mut a, "INSERT INTO t (id) VALUES (2)").await.expect("insert");
    a.savepoint("s").await.expect("savepoint");
    a.start_statement(Some(Duration::from_millis(30)), None);
    let mut cursor = a.open(&statement(SLOW, 0), &[], &[]).await.expect("open");
    assert_eq!(cursor.step().expect_err("timeout").code(), SqlState::QUERY_CANCELED);
    drop(cursor);
    a.finish_statement();
    assert_eq!(a.rollback_to("s").await.expect_err("lost").code(), SqlState::SERIALIZATION_FAILURE);
    assert_eq!(a.commit().await.expect_err("lost").code(), SqlState::SERIALIZATION_FAILURE);
    assert_eq!(count(&mut a).await, "1");
    run(&mut a, "INSERT INTO t (id) VALUES (2)").await.expect("a new transaction");
    a.commit().await.expect("commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outside_of_the_database_can_be_reached() {
    let place = place().await;
    let mut a = session(&place).await;
    for sql in [
        "ATTACH '/tmp/other.sqlite' AS other",
        "DETACH main",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA mmap_size = 1000000000",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_journal_mode",
        "SELECT data FROM sqlite_dbpage",
        "DELETE FROM sqlite_schema",
        "DELETE FROM __pg_class",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT x",
        "CREATE TABLE x (y)",
    ] {
        let error = run(&mut a, sql).await.expect_err(sql);
        assert_eq!(error.code(), SqlState::INSUFFICIENT_PRIVILEGE, "{sql}: {error}");
        a.rollback().await.expect("rollback");
    }
    assert!(!run(&mut a, "SELECT name FROM pragma_table_info('t')").await.expect("looking is allowed").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_are_created_found_dropped_and_kept_apart() {
    let place = place().await;
    let databases = &place.databases;
    assert_eq!(databases.open("nope").await.err().expect("unknown").message(), "database \"nope\" does not exist");
    assert_eq!(databases.create("test").await.expect_err("exists").code(), SqlState::DUPLICATE_DATABASE);
    databases.create("../odd name").await.expect("odd name");
    assert_eq!(databases.names(), ["../odd name", "test"]);
    let a = session(&place).await;
    let interrupt = InterruptHandle::default();
    let error = databases.drop_database("test", None, &interrupt).await.expect_err("in use");
    assert_eq!(error.fields().detail.as_deref(), Some("There is 1 other session using the database."));
    drop(a);
    databases.drop_database("test", None, &interrupt).await.expect("drop");
    assert_eq!(databases.names(), ["../odd name"]);
    let error = databases.drop_database("test", None, &interrupt).await.expect_err("gone");
    assert_eq!(error.code(), SqlState::INVALID_CATALOG_NAME);
    let error = Databases::new(&place.directory, 3).err().expect("a second server");
    assert!(error.message().contains("used by another server"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constraints_are_named() {
    let place = place().await;
    let mut a = session(&place).await;
    for (sql, code) in [
        ("INSERT INTO t (id) VALUES (1)", SqlState::UNIQUE_VIOLATION),
        ("INSERT INTO t (n) VALUES (NULL)", SqlState::NOT_NULL_VIOLATION),
        ("INSERT INTO t (v) VALUES ('bad')", SqlState::CHECK_VIOLATION),
        ("INSERT INTO c (t) VALUES (99)", SqlState::FOREIGN_KEY_VIOLATION),
    ] {
        let error = run(&mut a, sql).await.expect_err(sql);
        assert_eq!(error.code(), code, "{sql}: {error}");
        a.rollback().await.expect("rollback");
    }
    run(&mut a, "INSERT INTO d (t) VALUES (99)").await.expect("deferred");
    assert_eq!(a.commit().await.expect_err("at commit").code(), SqlState::FOREIGN_KEY_VIOLATION);
    a.set_constraints(None, true).expect("set constraints");
    // The catalog here knows none of these tables, so the commit is the first to look.
    run(&mut a, "INSERT INTO c (t) VALUES (99)").await.expect("put off");
    assert_eq!(a.commit().await.expect_err("at commit").code(), SqlState::FOREIGN_KEY_VIOLATION);
    a.rollback().await.expect("rollback");
    assert_eq!(run(&mut a, "SELECT count(*) FROM d").await.expect("count"), ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_the_statement_and_loses_nothing() {
    let place = place().await;
    let mut a = session(&place).await;
    let limit = |database: &Database, pages: u32| {
        let writer = database.pool().writer().expect("writer");
        writer.enter().execute(&format!("PRAGMA max_page_count = {pages}")).expect("limit");
    };
    // No fewer than there are: the file cannot grow.
    limit(a.database(), 1);
    run(&mut a, "INSERT INTO t (id, v) VALUES (2, 'small')").await.expect("fits in its page");
    a.commit().await.expect("commit");
    let large = Value::Text("x".repeat(100_000));
    let error = run_with(&mut a, "INSERT INTO t (id, v) VALUES (3, ?1)", &[large]).await.expect_err("full");
    assert_eq!(error.code(), SqlState::DISK_FULL);
    assert!(a.database().pool().disk_full());
    a.rollback().await.expect("rollback");
    assert_eq!(count(&mut a).await, "2");
    limit(a.database(), 1_000_000);
    run(&mut a, "INSERT INTO t (id) VALUES (3)").await.expect("insert");
    a.commit().await.expect("commit");
    assert!(!a.database().pool().disk_full());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_while_everybody_works() {
    let place = place().await;
    let wal = place.directory.join("test.sqlite-wal");
    let mut tasks = Vec::new();
    for reader in [true, true, false, false] {
        let mut session = session(&place).await;
        tasks.push(tokio::spawn(async move {
            for _ in 0..150 {
                if reader {
                    count(&mut session).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                } else {
                    let blob = [Value::Blob(vec![1; 400_000])];
                    run_with(&mut session, "INSERT INTO t (v) VALUES (?1)", &blob).await.expect("insert");
                    session.commit().await.expect("commit");
                    run(&mut session, "DELETE FROM t WHERE typeof(v) = 'blob'").await.expect("delete");
                    session.commit().await.expect("commit");
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("task");
    }
    // More than 120 MB were written.
    let length = std::fs::metadata(&wal).expect("log").len();
    assert!(length < 80 << 20, "the log has {length} bytes");
    place.databases.close(tokio::time::Instant::now()).await;
    assert_eq!(std::fs::metadata(&wal).expect("log").len(), 0, "a clean stop empties it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_while_others_commit_includes_ones_own_commits_and_never_goes_back() {
    let place = place().await;
    let mut tasks = Vec::new();
    for own in 0..4i64 {
        let mut session = session(&place).await;
        let mut reader = self::session(&place).await;
        tasks.push(tokio::spawn(async move {
            let (mut seen, id) = (0, Value::Integer(100 + own));
            run_with(&mut session, "INSERT INTO t (id) VALUES (?1)", std::slice::from_ref(&id)).await.expect("insert");
            session.commit().await.expect("commit");
            for round in 1..=60i64 {
                run_with(&mut session, "UPDATE t SET n = n + 1 WHERE id = ?1", std::slice::from_ref(&id))
                    .await
                    .expect("update");
                session.commit().await.expect("commit");
                // What has been acknowledged everybody sees.
                for session in [&mut session, &mut reader] {
                    let row = run_with(session, "SELECT n FROM t WHERE id = ?1", std::slice::from_ref(&id)).await;
                    assert_eq!(row.expect("row"), [round.to_string()]);
                }
                for session in [&mut session, &mut reader] {
                    let sum = run(session, "SELECT sum(n) FROM t").await.expect("sum");
                    let sum = sum.first().and_then(|sum| sum.parse::<i64>().ok()).expect("a number");
                    assert!(sum >= seen, "{sum} after {seen}");
                    session.gate().await.expect("durable");
                    seen = sum;
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("task");
    }
    assert_eq!(run(&mut session(&place).await, "SELECT sum(n) FROM t").await.expect("sum"), ["240"]);
}
