//! What the engine costs beside SQLite itself: point SELECTs through a session's cursor against a bare prepared
//! statement, and durable single-row INSERTs by many sessions. `cargo bench --bench engine`.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pgserver::engine::context::SessionContext;
use pgserver::engine::database::Database;
use pgserver::engine::databases::Databases;
use pgserver::engine::session::EngineSession;
use pgserver::settings::Settings;
use pgserver::sql::plan::{Bind, LockWait, SqliteStatement};
use pgserver::types::value::{Value, ValueRef};

const ROWS: i64 = 100_000;
const SELECTS: i64 = 300_000;
const INSERT_TIME: Duration = Duration::from_secs(2);

fn main() {
    let directory = std::env::temp_dir().join(format!("pgserver-bench-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let databases = Databases::new(&directory, 10).expect("data directory");
        databases.create("bench").await.expect("create database");
        fill(&directory.join("bench.sqlite"));
        let database = databases.open("bench").await.expect("open");
        let bare = bare_selects(&directory.join("bench.sqlite"));
        let selects = Arc::clone(&database);
        let engine = tokio::spawn(async move { engine_selects(&selects).await }).await.expect("selects");
        println!("point SELECT  bare {bare:.2} µs   engine {engine:.2} µs   overhead {:.2} µs", engine - bare);
        for sessions in [1, 8, 32, 128] {
            let rate = inserts(&database, sessions).await;
            println!("durable INSERT  {sessions:>3} sessions  {rate:>8.0} per s");
        }
    });
    let _ = std::fs::remove_dir_all(&directory);
}

/// As the engine opens it, so that only the engine's own part differs.
fn open(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open_with_flags_and_vfs(path, rusqlite::OpenFlags::default(), "unix-excl").expect("open")
}

fn fill(path: &Path) {
    let connection = open(path);
    connection
        .execute_batch(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, v TEXT);
             CREATE TABLE i (id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
                           SELECT i, i % 1000, 'a value of some length ' || i FROM n;"
        ))
        .expect("fill");
}

/// Microseconds per point SELECT on a bare connection.
fn bare_selects(path: &Path) -> f64 {
    let connection = open(path);
    let mut statement = connection.prepare("SELECT n, v FROM t WHERE id = ?1").expect("prepare");
    let begun = Instant::now();
    let mut length = 0;
    for round in 0..SELECTS {
        let mut rows = statement.query([round * 7919 % ROWS + 1]).expect("query");
        let row = rows.next().expect("step").expect("row");
        length += row.get_ref(1).expect("column").as_str().expect("text").len();
    }
    assert!(length > 0);
    begun.elapsed().as_secs_f64() * 1e6 / SELECTS as f64
}

fn session(database: &Arc<Database>) -> EngineSession {
    let context = SessionContext {
        backend_pid: 1,
        ..SessionContext::new(Settings::default(), "postgres", "bench", database.catalog())
    };
    EngineSession::new(Arc::clone(database), Arc::new(Mutex::new(context)))
}

fn statement(sql: &str, write: bool) -> SqliteStatement {
    SqliteStatement {
        before: [].into(),
        sql: sql.into(),
        binds: vec![Bind::Param(0)],
        write,
        wait: LockWait::Usual,
        permissions: [].into(),
        target: None,
        key_sources: Vec::new(),
        fires: false,
        locks_rows: false,
        waits: false,
        folded: None,
    }
}

/// Microseconds per point SELECT through the engine, everything a session does for one included.
async fn engine_selects(database: &Arc<Database>) -> f64 {
    let mut session = session(database);
    let select = statement("SELECT n, v FROM t WHERE id = ?1", false);
    let begun = Instant::now();
    let mut length = 0;
    for round in 0..SELECTS {
        session.start_statement(None, None);
        let mut cursor = session.open(&select, &[Value::Integer(round * 7919 % ROWS + 1)], &[]).await.expect("open");
        while cursor.step().expect("step") {
            if let ValueRef::Text(text) = cursor.column(1) {
                length += text.len();
            }
        }
        drop(cursor);
        session.commit().await.expect("commit");
        assert!(session.gate().await.expect("gate"));
        session.finish_statement();
    }
    assert!(length > 0);
    begun.elapsed().as_secs_f64() * 1e6 / SELECTS as f64
}

/// Durable autocommit INSERTs per second.
async fn inserts(database: &Arc<Database>, sessions: usize) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..sessions)
        .map(|_| {
            let mut session = session(database);
            tokio::spawn(async move {
                let insert = statement("INSERT INTO i (v) VALUES (?1)", true);
                let mut done = 0u64;
                while begun.elapsed() < INSERT_TIME {
                    let value = [Value::Text("a value of some length".into())];
                    let mut cursor = session.open(&insert, &value, &[]).await.expect("open");
                    assert!(!cursor.step().expect("step"));
                    drop(cursor);
                    session.commit().await.expect("commit");
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("session");
    }
    done as f64 / begun.elapsed().as_secs_f64()
}
