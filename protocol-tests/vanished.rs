//! Clients that go away in the middle of something: what they held is given back while others wait for it.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::io::Write;
use std::time::{Duration, Instant};

use server::Server;
use wire::{PATIENCE, Session, frame};

/// Runs until it is ended, and gives no row before.
const ENDLESS: &str = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b";

fn start() -> (Server, Session) {
    let server = Server::start("postgres", "trust", "").unwrap();
    let mut session = Session::open(server.addr);
    session.run("create table t (i int); insert into t values (1)");
    (server, session)
}

/// Waits until the server has logged something.
fn await_log(server: &Server, text: &str) {
    let start = Instant::now();
    while !server.log().contains(text) {
        assert!(start.elapsed() < PATIENCE, "not logged: {text}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn in_a_long_statement_of_a_transaction_that_writes() {
    let (server, mut other) = start();
    for pipelined in [false, true] {
        let mut client = Session::open(server.addr);
        client.run("begin; update t set i = 2");
        client.send(ENDLESS);
        if pipelined {
            // The end of the connection is behind something that is not read before the statement is over.
            client.stream.write_all(&frame(b'Q', b"commit\0")).unwrap();
        }
        other.send("update t set i = i + 10 returning i");
        drop(client.stream);
        let answer = other.answer();
        assert_eq!((answer.tags, answer.errors), (vec!["UPDATE 1".to_owned()], vec![]), "pipelined: {pipelined}");
        await_log(&server, &format!("session {} ", client.pid));
    }
    assert_eq!(other.value("select i from t"), "21", "the vanished clients' changes are undone");
    await_log(&server, "connection to client lost (08006)");
    await_log(&server, "the client left in a transaction, which was rolled back");
}

#[test]
fn waiting_for_its_turn_to_write() {
    let (server, mut holder) = start();
    holder.run("begin; update t set i = 2");
    let mut client = Session::open(server.addr);
    client.send("update t set i = 100");
    let logged = format!("session {} ", client.pid);
    drop(client);
    await_log(&server, "connection to client lost (08006)");
    await_log(&server, &logged);
    holder.run("commit");
    assert_eq!(holder.value("update t set i = i + 1 returning i"), "3", "the queue goes on");
}

#[test]
fn asleep() {
    let (server, _other) = start();
    let mut client = Session::open(server.addr);
    client.send("select pg_sleep(3600)");
    drop(client);
    await_log(&server, "connection to client lost (08006)");
}

#[test]
fn in_the_middle_of_copy() {
    let (server, mut other) = start();
    let mut client = Session::open(server.addr);
    client.query("copy t from stdin");
    client.stream.write_all(&frame(b'd', b"5\n")).unwrap();
    drop(client);
    assert_eq!(other.value("update t set i = i + 1 returning i"), "2");
    assert_eq!(other.value("select count(*) from t"), "1");
    drop(server);
}

/// A client that has closed its sending side only is still told.
#[test]
fn not_gone_but_done_with_sending() {
    let (_server, mut other) = start();
    other.send("insert into t values (7); select sum(i) from t");
    other.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(other.answer().values, ["8"]);
}
