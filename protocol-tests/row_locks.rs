//! Row locks: several sessions work on rows of one table, each in its transaction, as those of a job queue do.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::thread;

use server::Server;
use wire::{Session, await_waiting};

const TAKE: &str = "select id from jobs where state = 'new' order by id limit 1 for update skip locked";

fn start(jobs: usize) -> (Server, Session) {
    let server = Server::start_with("postgres", "trust", "", &[]).unwrap();
    let mut session = Session::open(server.addr);
    session
        .run("create table jobs (id int primary key, state text not null default 'new', runs int not null default 0)");
    session.run(&format!("insert into jobs (id) select generate_series(1, {jobs})"));
    (server, session)
}

fn open(server: &Server) -> Session {
    let mut session = Session::open(server.addr);
    session.run("begin");
    session
}

#[test]
fn eight_workers_share_a_queue() {
    let (server, mut other) = start(200);
    let work = |mut worker: Session| {
        let mut done = 0;
        loop {
            worker.run("begin");
            let taken = worker.query(TAKE).values;
            let Some(id) = taken.first() else { break };
            worker.run(&format!("update jobs set state = 'done', runs = runs + 1 where id = {id}; commit"));
            done += 1;
        }
        worker.run("commit");
        done
    };
    let mut holders: Vec<Session> = (0..4).map(|_| open(&server)).collect();
    let held: Vec<String> = holders.iter_mut().map(|holder| holder.value(TAKE)).collect();
    assert_eq!(held, ["1", "2", "3", "4"], "each another, while all stay open");
    let workers: Vec<_> = (0..8).map(|_| Session::open(server.addr)).map(|s| thread::spawn(move || work(s))).collect();
    let done: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    assert_eq!(done, 196);
    assert_eq!(other.value("select string_agg(id::text, ' ' order by id) from jobs where state = 'new'"), "1 2 3 4");
    holders.iter_mut().for_each(|holder| holder.run("rollback"));
    assert_eq!(other.value("select max(runs) from jobs"), "1", "none was done twice");
    assert_eq!(other.value(TAKE), "1");
}

#[test]
fn what_another_transaction_has_changed_or_locked_is_passed_over() {
    let (server, mut other) = start(3);
    let (mut one, mut two) = (open(&server), open(&server));
    one.run("update jobs set runs = 1 where id = 1");
    assert_eq!(two.value(TAKE), "2");
    assert_eq!(other.value(TAKE), "3");
    let nowait = "select id from jobs where id = 1 for key share nowait";
    let refused = "55P03 could not obtain lock on row in relation \"jobs\"";
    assert_eq!(other.query("select id from jobs where id = 2 for key share nowait").errors, [refused]);
    assert_eq!(other.value(nowait), "1", "UPDATE leaves the key as it is");
    one.run("savepoint s; delete from jobs where id = 1");
    assert_eq!(other.query(nowait).errors, [refused]);
    one.run("rollback to s");
    assert_eq!(other.value(nowait), "1");
    one.run("commit");
    assert_eq!(other.value(TAKE), "1");
    two.run("savepoint s");
    assert_eq!(two.value(TAKE), "1");
    two.run("rollback to s");
    assert_eq!(other.value(TAKE), "1");
    assert_eq!(two.value("delete from jobs where id = (select id from jobs order by id desc limit 1 for update skip locked) returning id"), "3");
    two.run("rollback");
}

#[test]
fn who_changes_a_locked_row_waits_and_lets_its_holder_write() {
    let (server, mut other) = start(3);
    let mut holder = open(&server);
    assert_eq!(holder.value(TAKE), "1");
    let mut writer = Session::open(server.addr);
    let pid = writer.pid;
    let waiting = thread::spawn(move || writer.value("update jobs set runs = runs + 10 where id = 1 returning runs"));
    await_waiting(&mut other, pid);
    other.run("update jobs set runs = 5 where id = 2");
    holder.run("update jobs set runs = 1 where id = 1; commit");
    assert_eq!(waiting.join().unwrap(), "11");
    // One that has written before, too, unless what it has done cannot be repeated.
    let mut holder = open(&server);
    assert_eq!(holder.value(TAKE), "1");
    let mut writer = open(&server);
    writer.run("update jobs set runs = 0 where id = 3; set local lock_timeout = '50ms'");
    let answer = writer.query("update jobs set runs = 7 where id = 1");
    assert_eq!(answer.errors, ["55P03 canceling statement due to lock timeout"]);
    writer.run("rollback; begin; update jobs set runs = 0 where id = 3");
    let pid = writer.pid;
    let waiting =
        thread::spawn(move || (writer.value("update jobs set runs = runs + 7 where id = 1 returning runs"), writer));
    await_waiting(&mut other, pid);
    holder.run("update jobs set runs = 12 where id = 1; commit; begin");
    let (runs, mut writer) = waiting.join().unwrap();
    assert_eq!(runs, "19");
    writer.run("rollback");
    assert_eq!(holder.value(TAKE), "1");
    writer.run("begin; set local deadlock_timeout = '10ms'; lock table jobs; update jobs set runs = 0 where id = 3");
    let pid = holder.pid;
    let waiting = thread::spawn(move || {
        holder.run("update jobs set runs = 8 where id = 2");
        holder.run("commit");
    });
    await_waiting(&mut other, pid);
    let answer = writer.query("update jobs set runs = 7 where id = 1");
    assert_eq!(answer.errors, ["40P01 deadlock detected"]);
    writer.run("rollback");
    waiting.join().unwrap();
    assert_eq!(other.value("select string_agg(runs::text, ' ' order by id) from jobs"), "12 8 0");
}
