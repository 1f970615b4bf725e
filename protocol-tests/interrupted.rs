//! Statements and sessions that are ended while they wait: by a cancel request, by a limit, by another session.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::io::Write;
use std::time::Instant;

use server::Server;
use wire::{PATIENCE, Session, connect, error_field, frame, message};

const CANCELLED: &str = "57014 canceling statement due to user request";
const ENDLESS: &str = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b";

fn start() -> (Server, Session) {
    let server = Server::start("postgres", "trust", "").unwrap();
    let mut session = Session::open(server.addr);
    session.run("create table t (i int); insert into t values (1)");
    (server, session)
}

/// Waits until a session waits for that.
fn await_event(observer: &mut Session, pid: i32, event: &str) {
    let start = Instant::now();
    let sql = format!("select coalesce(wait_event, state) from pg_stat_activity where pid = {pid}");
    while observer.value(&sql) != event {
        assert!(start.elapsed() < PATIENCE, "{pid} does not wait for {event}");
    }
}

/// A cancel request ends what the session runs and nothing else.
fn assert_cancelled(mut session: Session, status: char) {
    session.cancel();
    let answer = session.answer();
    assert_eq!((answer.errors, answer.status), (vec![CANCELLED.to_owned()], Some(status)));
    if status == 'E' {
        session.run("rollback");
    }
    assert_eq!(session.value("select 5"), "5", "the session goes on");
}

#[test]
fn a_cancel_reaches_every_wait() {
    let (server, mut holder) = start();
    let mut observer = Session::open(server.addr);
    holder.run("begin; update t set i = 2; select pg_advisory_lock(1)");

    let mut writer = Session::open(server.addr);
    writer.send("update t set i = 3");
    await_event(&mut observer, writer.pid, "transactionid");
    assert_cancelled(writer, 'I');

    let mut locker = Session::open(server.addr);
    locker.send("select pg_advisory_lock(1)");
    await_event(&mut observer, locker.pid, "advisory");
    assert_cancelled(locker, 'I');

    let mut sleeper = Session::open(server.addr);
    sleeper.run("begin");
    sleeper.send("select pg_sleep(3600)");
    await_event(&mut observer, sleeper.pid, "PgSleep");
    assert_cancelled(sleeper, 'E');

    let mut counter = Session::open(server.addr);
    counter.send(ENDLESS);
    await_event(&mut observer, counter.pid, "active");
    assert_cancelled(counter, 'I');

    holder.run("rollback");
    let mut copier = Session::open(server.addr);
    copier.query("copy t from stdin");
    copier.stream.write_all(&frame(b'd', b"7\n")).unwrap();
    assert_cancelled(copier, 'I');
    assert_eq!(observer.value("select count(*) from t"), "1");
}

#[test]
fn a_cancel_reaches_a_result_that_nobody_reads() {
    let (_server, mut session) = start();
    session.send("select repeat('x', 1000) from generate_series(1, 1000000000)");
    // Something has arrived: the statement has been running until the socket was full, or still is.
    assert_eq!(message(&mut session.stream).unwrap().0, b'T');
    assert_cancelled(session, 'I');
}

#[test]
fn a_session_ends_another() {
    let (server, mut session) = start();
    let mut idle = Session::open(server.addr);
    let mut busy = Session::open(server.addr);
    busy.run("begin; update t set i = 2");
    busy.send(ENDLESS);
    await_event(&mut session, busy.pid, "active");
    for (other, state) in [(&mut idle, "idle"), (&mut busy, "busy")] {
        assert_eq!(session.value(&format!("select pg_terminate_backend({}, 30000)", other.pid)), "t", "{state}");
        let told = other.answer();
        let expected = vec!["57P01 terminating connection due to administrator command".to_owned()];
        assert_eq!((told.errors, told.status), (expected, None), "{state}");
    }
    assert_eq!(session.value("update t set i = i + 10 returning i"), "11", "what the other had changed is undone");
    assert_eq!(session.value("select count(*) from pg_stat_activity"), "1");
}

#[test]
fn limits_end_waits() {
    let (server, mut holder) = start();
    // It keeps the turn to write, however long it idles.
    holder.run("set writer_patience = 0");
    holder.run("begin; update t set i = 2");
    let mut other = Session::open(server.addr);
    let cases = [
        ("lock_timeout", "update t set i = 3", "55P03 canceling statement due to lock timeout"),
        ("statement_timeout", "update t set i = 3", "57014 canceling statement due to statement timeout"),
        ("statement_timeout", "select pg_sleep(3600)", "57014 canceling statement due to statement timeout"),
        ("statement_timeout", ENDLESS, "57014 canceling statement due to statement timeout"),
        ("statement_timeout", "copy t from stdin", "57014 canceling statement due to statement timeout"),
    ];
    for (limit, sql, error) in cases {
        other.run(&format!("set {limit} = 100"));
        let answer = other.query(sql);
        assert_eq!((answer.errors, answer.status), (vec![error.to_owned()], Some('I')), "{sql}");
        other.run(&format!("reset {limit}"));
    }
    holder.run("commit; select pg_advisory_lock(1)");
    other.run("set lock_timeout = 100");
    assert_eq!(other.query("select pg_advisory_lock(1)").errors, ["55P03 canceling statement due to lock timeout"]);
}

#[test]
fn idle_sessions_end() {
    let (server, mut other) = start();
    for (setting, begin, error) in [
        ("idle_session_timeout", "select 1", "57P05 terminating connection due to idle-session timeout"),
        (
            "idle_in_transaction_session_timeout",
            "begin; update t set i = 2",
            "25P03 terminating connection due to idle-in-transaction timeout",
        ),
        (
            "idle_in_transaction_session_timeout",
            "begin; select 1/0",
            "25P03 terminating connection due to idle-in-transaction timeout",
        ),
    ] {
        let mut idle = Session::open(server.addr);
        idle.run(&format!("set {setting} = 100"));
        idle.query(begin);
        let told = idle.answer();
        assert_eq!((told.errors, told.status), (vec![error.to_owned()], None), "{begin}");
    }
    assert_eq!(other.value("update t set i = i + 10 returning i"), "11");
}

/// More sessions wait than there are connections, and who ends the wait needs one.
#[test]
fn many_wait_for_one_lock() {
    let (server, mut holder) = start();
    holder.run("select pg_advisory_lock(1)");
    let mut waiting: Vec<Session> = (0..100).map(|_| Session::open(server.addr)).collect();
    waiting.iter_mut().for_each(|session| session.send("select pg_advisory_lock(1)"));
    while holder.value("select count(*) from pg_stat_activity where wait_event = 'advisory'") != "100" {}
    holder.run("select pg_advisory_unlock(1)");
    while holder.value("select count(*) from pg_stat_activity where wait_event = 'advisory'") != "99" {}
    // Each hands it on when it leaves.
    let mut left = waiting;
    let start = Instant::now();
    while !left.is_empty() {
        assert!(start.elapsed() < PATIENCE * 3, "{} wait for ever", left.len());
        let owner = holder.query("select pid from pg_locks where locktype = 'advisory' and granted").values;
        let at = left.iter().position(|session| owner == [session.pid.to_string()]);
        let Some(at) = at else { continue };
        let mut session = left.swap_remove(at);
        assert_eq!(session.answer().tags, ["SELECT 1"]);
        session.run("select pg_advisory_unlock(1)");
    }
}

/// A circle of an advisory lock and of the right to write, which nobody but the server sees whole.
#[test]
fn a_deadlock_is_broken() {
    let (server, mut locker) = start();
    let mut writer = Session::open(server.addr);
    let mut observer = Session::open(server.addr);
    locker.run("begin; select pg_advisory_xact_lock(1)");
    writer.run("set deadlock_timeout = 100; begin; update t set i = 2");
    locker.send("update t set i = 3");
    await_event(&mut observer, locker.pid, "transactionid");
    let answer = writer.query("select pg_advisory_xact_lock(1)");
    assert_eq!((answer.errors, answer.status), (vec!["40P01 deadlock detected".to_owned()], Some('E')));
    assert_eq!(locker.answer().tags, ["UPDATE 1"]);
    locker.run("commit");
    writer.run("rollback");
    assert_eq!(observer.value("select i from t"), "3");
}

#[test]
fn who_does_not_prove_who_he_is_is_sent_away() {
    let server = Server::start_with("postgres", "scram-sha-256", "secret", &[("AUTH_TIMEOUT_SECONDS", "1")]);
    let server = server.unwrap();
    let mut silent = connect(server.addr);
    let mut slow = connect(server.addr);
    slow.write_all(&wire::startup(0x0003_0000, b"user\0postgres\0\0")).unwrap();
    assert_eq!(message(&mut slow).unwrap().0, b'R');
    assert_eq!(message(&mut silent), None);
    let (tag, body) = message(&mut slow).unwrap();
    assert_eq!((tag, error_field(&body, b'C').as_str()), (b'E', "57014"));
    assert_eq!(error_field(&body, b'M'), "canceling authentication due to timeout");
    assert_eq!(message(&mut slow), None);
}

/// As many statements as there are threads, none of which looks up from its work: the process ends all the same, and what
/// was acknowledged is there afterwards.
#[test]
fn statements_that_do_not_look_up_do_not_keep_the_process() {
    let mut server = Server::start_with("postgres", "trust", "", &[("SHUTDOWN_GRACE_SECONDS", "1")]).unwrap();
    let mut session = Session::open(server.addr);
    session.run("create table t (i int); insert into t values (1)");
    let threads = std::thread::available_parallelism().unwrap().get() + 1;
    let mut sessions: Vec<Session> = (0..threads).map(|_| Session::open(server.addr)).collect();
    for session in &mut sessions {
        session.send("select regexp_replace(repeat('a', 1000000), '(a|b)*c', '', 'g')");
    }
    let told = std::process::Command::new("kill").arg("-TERM").arg(server.process.id().to_string()).status().unwrap();
    assert!(told.success());
    server.process.wait().unwrap();
    assert!(server.log().contains("SIGTERM: stopping"), "{}", server.log());
}
