//! What monitoring is told over HTTP, held against what clients did.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pgserver::ops::config::Config;
use pgserver::server::Server;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

mod embedded;

use embedded::{Directory, Running, Switched};

/// Status, headers and body of an answer.
fn ask(address: SocketAddr, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: pgserver\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

/// The figures, by name with labels.
fn figures(server: &Running) -> HashMap<String, f64> {
    let (status, head, body) = ask(server.http.unwrap(), "GET /metrics");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap())).unwrap())
        .collect()
}

fn monitored(config: Config) -> Config {
    Config { http_port: Some(0), ..config }
}

/// Of the thread pool's, so that the endpoint is asked while sessions go on.
async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(ask).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_what_clients_did() {
    let directory = Directory::new("figures");
    let mut config = monitored(directory.config());
    config.password = Some("secret".to_owned());
    let server = Running::start(config).await;
    let mut wrong = server.client();
    wrong.password("wrong").connect(NoTls).await.err().expect("a wrong password");
    let before = figures(&server);
    assert_eq!(before["pg_authentication_failures_total"], 1.0);
    assert_eq!(before["pg_errors_total{code=\"28P01\"}"], 1.0);
    assert_eq!((before["pg_connections_total"], before["pg_connections_active"]), (1.0, 0.0));
    assert_eq!(before["pg_queries_total"], 0.0);

    let mut right = server.client();
    right.password("secret");
    let (mut client, connection) = right.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let (other, connection) = right.connect(NoTls).await.unwrap();
    let other_ends = tokio::spawn(connection);
    // Four statements, one of them in error: two transactions commit by themselves, one of a block, one is rolled back.
    client.batch_execute("create table t (i int primary key)").await.unwrap();
    client.batch_execute("insert into t values (1)").await.unwrap();
    let error = client.batch_execute("insert into t values (1)").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNIQUE_VIOLATION));
    let held = client.transaction().await.unwrap();
    held.batch_execute("insert into t values (2)").await.unwrap();
    let during = figures(&server);
    assert_eq!(during["sqlite_locks_held{mode=\"write\"}"], 1.0);
    held.rollback().await.unwrap();
    // Extended: two more statements.
    client.query("select i from t", &[]).await.unwrap();
    client.execute("insert into t values ($1)", &[&3i32]).await.unwrap();

    let after = figures(&server);
    assert_eq!((after["pg_connections_total"], after["pg_connections_active"]), (3.0, 2.0));
    // Also BEGIN and ROLLBACK.
    assert_eq!(after["pg_queries_total"], 8.0);
    assert_eq!(after["pg_queries_duration_seconds_count"], 8.0);
    assert_eq!(after["pg_queries_duration_seconds_bucket{le=\"+Inf\"}"], 8.0);
    assert!(after["pg_queries_duration_seconds_sum"] > 0.0);
    assert_eq!(after["pg_transactions_total{status=\"rollback\"}"], 2.0);
    assert_eq!(after["pg_transactions_total{status=\"conflict\"}"], 0.0);
    assert_eq!(after["pg_errors_total{code=\"23505\"}"], 1.0);
    assert_eq!(after["sqlite_write_ticket_wait_seconds_count"], 5.0);
    assert_eq!(after["sqlite_locks_held{mode=\"write\"}"], 0.0);
    assert_eq!(after["pgserver_databases_open"], 1.0);
    assert!(after["sqlite_pool_connections{database=\"myapp\",state=\"idle\"}"] >= 1.0);
    assert!(after["sqlite_wal_bytes{database=\"myapp\"}"] > 0.0);
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_start_time_seconds"] {
        assert!(after[name] > 0.0, "{name}");
    }
    assert!(after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"]);

    drop(other);
    other_ends.await.unwrap().unwrap();
    // The server's side of the session ends a moment later.
    while figures(&server)["pg_connections_active"] != 1.0 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_counted_once() {
    let directory = Directory::new("transactions");
    let server = Running::start(monitored(directory.config())).await;
    let (client, _) = server.connect().await;
    let committed = |figures: &HashMap<String, f64>| figures["pg_transactions_total{status=\"commit\"}"];
    let conflicts = |figures: &HashMap<String, f64>| figures["pg_transactions_total{status=\"conflict\"}"];
    let before = figures(&server);
    client.batch_execute("create table t (i int)").await.unwrap();
    client.batch_execute("begin; insert into t values (1); insert into t values (2); commit").await.unwrap();
    client.batch_execute("insert into t values (3); insert into t values (4)").await.unwrap();
    assert_eq!(committed(&figures(&server)) - committed(&before), 3.0);

    // A snapshot that is overtaken cannot be written on.
    let (other, _) = server.connect().await;
    client.batch_execute("begin isolation level repeatable read; select * from t").await.unwrap();
    other.batch_execute("insert into t values (5)").await.unwrap();
    let error = client.batch_execute("insert into t values (6)").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    client.batch_execute("rollback").await.unwrap();
    let after = figures(&server);
    assert_eq!((conflicts(&after), after["pg_transactions_total{status=\"rollback\"}"]), (1.0, 0.0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_measured_and_missed() {
    let directory = Directory::new("store");
    let store = Switched::new(&directory.0.join("store"));
    let mut config = monitored(directory.config());
    config.remote.poll = Duration::from_millis(20);
    let server = Running::serve(Server::bind_with_store(config, Arc::clone(&store) as _).await.unwrap());
    let (client, _) = server.connect().await;
    client.batch_execute("create table t (i int)").await.unwrap();
    let put = "pg_blob_storage_operations_total{operation=\"put\",status=\"ok\"}";
    let before = figures(&server);
    for _ in 0..3 {
        client.batch_execute("insert into t values (1)").await.unwrap();
    }
    let after = figures(&server);
    assert_eq!(after[put] - before[put], 3.0);
    let name = "pg_blob_storage_operation_duration_seconds_count{operation=\"put\"}";
    assert_eq!(after[name] - before[name], 3.0);
    let sequence = "pgserver_replication_sequence{database=\"myapp\"}";
    assert_eq!(after[sequence] - before[sequence], 3.0);
    assert_eq!(after["pgserver_replication_lag_seconds{database=\"myapp\"}"], 0.0);
    assert_eq!(after["pgserver_replication_lag_bytes{database=\"myapp\"}"], 0.0);
    assert_eq!(after["pgserver_replication_conflicts_total{database=\"myapp\"}"], 0.0);
    let sent = "pg_blob_storage_bytes_total{direction=\"sent\"}";
    assert!(after[sent] > before[sent]);

    let http = server.http.unwrap();
    assert_eq!(blocking(move || ask(http, "GET /readyz").0).await, 200);
    store.off.store(true, Ordering::Relaxed);
    let commit = tokio::spawn(async move { client.batch_execute("insert into t values (1)").await });
    let reason = blocking(move || until(http, "GET /readyz", 503)).await;
    assert!(reason.contains("the cable is cut"), "{reason}");
    assert_eq!(blocking(move || ask(http, "GET /healthz").0).await, 200, "reading goes on");
    let during = figures(&server);
    assert!(during["pgserver_replication_lag_seconds{database=\"myapp\"}"] > 0.0);
    assert!(during["pgserver_replication_lag_bytes{database=\"myapp\"}"] > 4096.0);
    store.off.store(false, Ordering::Relaxed);
    blocking(move || until(http, "GET /readyz", 200)).await;
    commit.await.unwrap().expect("a commit that waited for the store");
    server.stop().await;
}

/// Asks until that status comes; the test's own time limit ends it otherwise.
fn until(http: SocketAddr, request: &str, wanted: u16) -> String {
    loop {
        let (status, _, body) = ask(http, request);
        if status == wanted {
            return body;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_says_what_it_has() {
    let directory = Directory::new("endpoint");
    let server = Running::start(monitored(directory.config())).await;
    let http = server.http.unwrap();
    assert!(http.ip().is_loopback());
    for path in ["/healthz", "/readyz"] {
        let (status, _, body) = blocking(move || ask(http, &format!("GET {path}"))).await;
        assert_eq!((status, body.as_str()), (200, "ok\n"), "{path}");
    }
    let (status, _, body) = ask(http, "GET /");
    assert_eq!(status, 404);
    assert!(body.contains("/metrics"));
    let (status, head, _) = ask(http, "POST /metrics");
    assert_eq!(status, 405);
    assert!(head.contains("allow: get, head"));
    let (status, _, body) = ask(http, "HEAD /metrics");
    assert_eq!((status, body.as_str()), (200, ""));
    // A store that is not there has its figures as well: what is watched for must not come out of nothing.
    let figures = figures(&server);
    for operation in ["get", "head", "put", "list", "delete"] {
        for status in ["ok", "unavailable", "no_answer"] {
            let name = format!("pg_blob_storage_operations_total{{operation=\"{operation}\",status=\"{status}\"}}");
            assert_eq!(figures[&name], 0.0);
        }
    }
    // Whoever says nothing keeps nobody else waiting, however many they are.
    let silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(http).unwrap()).collect();
    assert_eq!(blocking(move || ask(http, "GET /healthz").0).await, 200);
    // They have made room, and so they do after a while in which nobody else comes.
    for mut stream in silent {
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    }
    server.stop().await;
    assert!(TcpStream::connect(http).is_err(), "it ends with the server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_endpoint_unless_one_is_wanted() {
    let directory = Directory::new("none");
    let server = Running::start(directory.config()).await;
    assert_eq!(server.http, None);
    server.stop().await;
    // A port that is taken is an error, not something to go without.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = Config { http_port: Some(port), directory: Some(PathBuf::from(&directory.0)), ..directory.config() };
    let error = Server::bind(config).await.err().expect("the port is taken");
    assert!(error.contains(&format!("HTTP_PORT = {port}")), "{error}");
}
