//! Clients that keep what they have and say nothing: others go on, or are told that they cannot.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use server::Server;
use wire::{PATIENCE, Session, error_field, frame, message};

/// More than the pool and its extra connections.
const HOLDERS: usize = 24;

fn start(settings: &[(&str, &str)]) -> (Server, Session) {
    let server = Server::start_with("postgres", "trust", "", settings).unwrap();
    let mut session = Session::open(server.addr);
    session.run("create table t (i int); insert into t select generate_series(1, 1000)");
    (server, session)
}

/// Waits until the server has logged something, and gives the line.
fn await_log(server: &Server, text: &str) -> String {
    let start = Instant::now();
    loop {
        if let Some(line) = server.log().lines().find(|line| line.contains(text)) {
            return line.to_owned();
        }
        assert!(start.elapsed() < PATIENCE, "not logged: {text}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Holds a connection in one of the ways there are.
fn hold(server: &Server, number: usize) -> Session {
    let mut session = Session::open(server.addr);
    match number % 3 {
        0 => session.run("begin isolation level repeatable read; select count(*) from t"),
        1 => session.run("begin; declare c cursor for select i from t; fetch 1 from c"),
        _ => {
            session.send("select repeat('x', 1000) from generate_series(1, 1000000000)");
            assert_eq!(message(&mut session.stream).unwrap().0, b'T');
        }
    }
    session
}

#[test]
fn connections_that_sessions_keep_keep_nobody_from_reading() {
    let (server, mut other) = start(&[("CONNECTION_POOL_SIZE", "2")]);
    let mut holders: Vec<Session> = (0..HOLDERS).map(|number| hold(&server, number)).collect();
    for _ in 0..10 {
        assert_eq!(other.value("select count(*) from t"), "1000");
    }
    other.run("insert into t values (0)");
    // They go on where they were.
    assert_eq!(holders[0].value("select count(*) from t"), "1000");
    assert_eq!(holders[1].value("fetch 1 from c"), "2");
    drop(holders);
    assert_eq!(other.value("select count(*) from t"), "1001");
}

#[test]
fn too_many_of_them_are_an_error_after_a_while() {
    let settings = [("CONNECTION_POOL_SIZE", "2"), ("MAX_SQLITE_CONNECTIONS", "12"), ("HTTP_PORT", "0")];
    let (server, mut other) = start(&settings);
    let mut holders: Vec<Session> = (0..12).map(|number| hold(&server, number * 3)).collect();
    let answer = other.query("select count(*) from t");
    assert_eq!(answer.errors, ["53300 no SQLite connection has come free for 10 s"]);
    // Who asks whether the database is well has a connection of its own.
    let line = await_log(&server, "metrics: http://");
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
    let mut health = TcpStream::connect(address).unwrap();
    health.set_read_timeout(Some(PATIENCE)).unwrap();
    health.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut well = String::new();
    health.read_to_string(&mut well).unwrap();
    assert!(well.starts_with("HTTP/1.0 200"), "{well}");
    holders[0].run("rollback");
    assert_eq!(other.value("select count(*) from t"), "1000");
}

#[test]
fn a_client_that_takes_nothing_is_ended() {
    let (server, mut other) = start(&[("CLIENT_WRITE_TIMEOUT_SECONDS", "1")]);
    let mut deaf = hold(&server, 2);
    await_log(&server, &format!("session {}: the client takes no output", deaf.pid));
    // What it has left behind, and the end.
    std::io::copy(&mut deaf.stream, &mut std::io::sink()).unwrap();
    assert_eq!(other.value("select count(*) from t"), "1000");
}

#[test]
fn a_copy_that_says_nothing_keeps_nobody_from_writing() {
    let (_server, mut other) = start(&[("IDLE_WRITER_TIMEOUT_SECONDS", "1")]);
    let mut silent = Session::open(other.addr);
    silent.query("copy t from stdin");
    silent.stream.write_all(&frame(b'd', b"5\n")).unwrap();
    other.run("insert into t values (0)");
    let (tag, body) = message(&mut silent.stream).unwrap();
    assert_eq!((tag, error_field(&body, b'C').as_str()), (b'E', "25P03"));
    assert_eq!(message(&mut silent.stream), None);
    assert_eq!(other.value("select count(*) from t"), "1001");
}
