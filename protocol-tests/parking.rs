//! Writers that idle: others write meanwhile, and the transaction goes on as if nothing had been.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use server::Server;
use wire::{Answer, PATIENCE, Session, await_waiting};

const CHANGED: &str = "40001 could not serialize access due to concurrent update";

fn start() -> (Server, Session) {
    let server = Server::start_with("postgres", "trust", "", &[]).unwrap();
    let mut session = Session::open(server.addr);
    session.run("create table t (i int primary key, v int not null default 0)");
    session.run("insert into t select generate_series(1, 10)");
    (server, session)
}

/// One whose transactions let others write as soon as they idle.
fn impatient(server: &Server) -> Session {
    let mut session = Session::open(server.addr);
    session.run("set writer_patience = '1ms'");
    session
}

/// Waits until nobody has the write ticket.
fn await_parked(other: &mut Session, number: i32) {
    // Whoever writes makes the one that idles give the ticket up.
    other.run(&format!("insert into t values ({number}, -1)"));
}

#[test]
fn a_writer_that_idles_keeps_nobody_from_writing() {
    let (server, mut other) = start();
    // With the patience that is usual.
    let mut idle = Session::open(server.addr);
    assert_eq!(idle.value("show writer_patience"), "200ms");
    idle.run("begin; update t set v = 1 where i = 1");
    let start = Instant::now();
    other.run("update t set v = 2 where i = 2");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(other.value("select v from t where i = 1"), "0");
    assert_eq!(idle.value("select v from t where i = 1"), "1");
    idle.run("commit");
    assert_eq!(other.value("select string_agg(v::text, ' ' order by i) from t where v > 0"), "1 2");
}

#[test]
fn what_a_transaction_was_told_holds_when_it_goes_on() {
    let (server, mut other) = start();
    let mut idle = impatient(&server);
    other.run("listen c; create sequence s; create function told(n int) returns int language plpgsql as \
        $$ begin raise notice 'n'; perform pg_notify('c', 'f' || n); return n; end $$; \
        create table u (id serial primary key, k uuid default gen_random_uuid(), at timestamptz default clock_timestamp(), v int)");
    idle.run("create temp table own (v int); set work_mem = '3MB'");
    idle.run("begin; set local work_mem = '1MB'");
    let told = idle.query("insert into u (v) values (1), (2) returning *").values;
    let chance = idle.query("select random(), clock_timestamp(), nextval('s')").values;
    idle.run("savepoint a; insert into u (v) values (3); notify c, 'undone'; set local work_mem = '2MB'; insert into own values (9)");
    assert_eq!(
        idle.query("insert into t values (1)").errors,
        ["23505 duplicate key value violates unique constraint \"t_pkey\""]
    );
    await_parked(&mut other, 11);
    idle.run("rollback to a");
    await_parked(&mut other, 12);
    idle.run("notify c, 'said'; insert into own values (1); savepoint b");
    idle.run("declare k scroll cursor for select v from u where v < 10 order by v");
    assert_eq!(idle.query("fetch 1 from k").values, ["1"]);
    assert_eq!(idle.value("select told(v) from own"), "1");
    idle.run("prepare p (int) as insert into u (v) values ($1) returning v");
    assert_eq!(idle.value("execute p (1 + 3)"), "4");
    idle.run("release b; set local work_mem = '5MB'");
    assert_eq!(idle.value("insert into u (v) select 5 where current_setting('work_mem') = '5MB' returning v"), "5");
    idle.run("set local work_mem = '6MB'");
    await_parked(&mut other, 13);
    assert_eq!(idle.query("fetch all from k").values, ["2"]);
    assert_eq!(idle.query("fetch backward 1 from k").values, ["2"]);
    assert_eq!(idle.value("show work_mem"), "6MB");
    assert_eq!(idle.query("select currval('s'), lastval()").values, ["1", "5"]);
    await_parked(&mut other, 14);
    assert_eq!(idle.query("execute p (6)").values, ["6"]);
    idle.run("commit");
    let mut heard = other.notifications("select 1");
    heard.sort();
    assert_eq!(heard, ["c f1", "c said"]);
    assert_eq!(idle.value("show work_mem"), "3MB");
    assert_eq!(other.query("select * from u where v < 3 order by id").values, told);
    assert_eq!(other.value("select string_agg(id || ':' || v, ' ' order by id) from u"), "1:1 2:2 4:4 5:5 6:6");
    assert_eq!(other.value("select nextval('s')"), "2");
    assert_eq!(idle.value("select string_agg(v::text, ' ') from own"), "1");
    assert_eq!(chance.len(), 3);
}

#[test]
fn what_others_have_changed_meanwhile_is_a_serialization_failure() {
    let (server, mut other) = start();
    let mut idle = impatient(&server);
    idle.run("begin; update t set v = 1 where i = 1");
    assert_eq!(idle.value("select v from t where i = 3"), "0");
    other.run("update t set v = 5 where i = 3");
    assert_eq!(idle.query("update t set v = 2 where i = 2").errors, [CHANGED]);
    assert_eq!(idle.query("select 1").status, Some('E'));
    // It has given everything up.
    assert_eq!(other.value("update t set v = 6 where i = 1 returning v"), "6");
    idle.run("rollback; begin; savepoint a; update t set v = 1 where i = 1");
    assert_eq!(idle.value("select v from t where i = 3"), "5");
    other.run("update t set v = 7 where i = 3");
    assert_eq!(idle.query("update t set v = 2 where i = 2").errors, [CHANGED]);
    assert_eq!(idle.query("rollback to a").errors, [CHANGED], "nothing of it is left");
    idle.run("rollback; begin; update t set v = 1 where i = 1");
    assert_eq!(idle.value("select v from t where i = 3"), "7");
    other.run("update t set v = 8 where i = 3");
    let answer = idle.query("commit");
    assert_eq!((answer.errors, answer.status), (vec![CHANGED.to_owned()], Some('I')));
    assert_eq!(other.value("select v from t where i = 1"), "6");
    // A change of the schema that does not concern it.
    idle.run("begin; update t set v = 1 where i = 1");
    other.run("create table w (i int); insert into w values (1)");
    idle.run("commit; begin; insert into w values (2)");
    other.run("alter table w add column n int not null default 7");
    assert_eq!(idle.query("select * from w where i = 2").values, ["2", "7"]);
    idle.run("commit; begin; insert into w values (3)");
    other.run("drop table w");
    assert_eq!(idle.query("commit").errors, [CHANGED]);
}

#[test]
fn rows_stay_locked() {
    let (server, mut other) = start();
    let (mut idle, mut second) = (impatient(&server), impatient(&server));
    idle.run("begin; update t set v = 1 where i = 1; insert into t values (20, 1); update t set v = 2 where i = 20");
    other.run("update t set v = 5 where i = 5");
    let nowait = "select i from t where i = 1 for update nowait";
    assert_eq!(other.query(nowait).errors.len(), 1);
    assert_eq!(other.query("select i from t where i < 3 order by i for update skip locked").values, ["2"]);
    // One that has written waits for a row without keeping others from writing.
    second.run("begin; update t set v = 2 where i = 2");
    second.send("update t set v = v + 10 where i = 1 returning v");
    let pid = second.pid;
    await_waiting(&mut other, pid);
    other.run("update t set v = 6 where i = 6");
    assert_eq!(idle.value("update t set v = v + 1 where i = 1 returning v"), "2");
    idle.run("commit");
    assert_eq!(second.answer().values, ["12"]);
    second.run("commit");
    assert_eq!(other.value("select string_agg(v::text, ' ' order by i) from t where v > 0"), "12 2 5 6 2");
    // In a circle, one is told.
    idle.run("begin; set local deadlock_timeout = '10ms'; update t set v = 0 where i = 1");
    second.run("begin; set local deadlock_timeout = '1h'; update t set v = 0 where i = 2");
    second.send("update t set v = 1 where i = 1");
    await_waiting(&mut other, pid);
    assert_eq!(idle.query("update t set v = 1 where i = 2").errors, ["40P01 deadlock detected"]);
    assert_eq!(second.answer().tags, ["UPDATE 1"]);
    second.run("commit");
    idle.run("rollback");
    // A time limit, and the savepoint before it.
    idle.run("begin; update t set v = 3 where i = 1");
    second.run("begin; update t set v = 3 where i = 2; set local lock_timeout = '1s'; savepoint a");
    let answer = second.query("update t set v = 3 where i = 1");
    assert_eq!(answer.errors, ["55P03 canceling statement due to lock timeout"]);
    second.run("rollback to a");
    assert_eq!(second.value("select v from t where i = 2"), "3");
    // ROLLBACK, a client that leaves, one that is terminated.
    idle.run("rollback");
    assert_eq!(second.value("update t set v = 4 where i = 1 returning v"), "4");
    second.run("commit");
    for terminated in [false, true] {
        idle = impatient(&server);
        idle.run("begin; update t set v = 9 where i = 1");
        other.run("update t set v = 5 where i = 5");
        second.send("update t set v = v + 1 where i = 1 returning v");
        await_waiting(&mut other, pid);
        match terminated {
            true => other.run(&format!("select pg_terminate_backend({})", idle.pid)),
            false => drop(idle),
        }
        assert_eq!(second.answer().values, [if terminated { "6" } else { "5" }]);
    }
}

#[test]
fn who_waits_for_an_advisory_lock_lets_others_write() {
    let (server, mut other) = start();
    let (mut first, mut second) = (Session::open(server.addr), Session::open(server.addr));
    let pid = first.pid;
    for wait in
        ["select pg_advisory_xact_lock(1)", "update t set v = 7 where i = 3 and pg_advisory_xact_lock(1) is not null"]
    {
        second.run("begin; select pg_advisory_xact_lock(1)");
        // It holds the ticket, waits, and lets the one that has the lock write.
        first.run("begin; update t set v = v + 1 where i = 1");
        first.send(wait);
        await_waiting(&mut other, pid);
        second.run("update t set v = v + 1 where i = 2; commit");
        assert_eq!(first.answer().errors, [""; 0]);
        // It has the lock, until it ends.
        assert_eq!(other.value("select pg_try_advisory_lock(1)"), "f");
        first.run("update t set v = v + 1 where i = 1; commit");
        assert_eq!(other.value("select pg_try_advisory_xact_lock(1)"), "t");
    }
    assert_eq!(other.value("select string_agg(v::text, ' ' order by i) from t where v > 0"), "4 2 7");
    // A lock of the session's is counted.
    second.run("begin; select pg_advisory_xact_lock(1)");
    first.run("begin; update t set v = v + 1 where i = 1");
    first.send("select pg_advisory_lock(1)");
    await_waiting(&mut other, pid);
    second.run("update t set v = v + 1 where i = 2; commit");
    assert_eq!(first.answer().errors, [""; 0]);
    first.run("commit");
    assert_eq!(other.value("select pg_try_advisory_lock(1)"), "f");
    assert_eq!(first.value("select pg_advisory_unlock(1)"), "t");
    assert_eq!(first.value("select pg_advisory_unlock(1)"), "f");
    // A circle is one still.
    second.run(
        "begin; set local deadlock_timeout = '1h'; select pg_advisory_xact_lock(1); update t set v = 0 where i = 2",
    );
    first.run("begin; set local deadlock_timeout = '10ms'; update t set v = 0 where i = 1");
    second.send("update t set v = 0 where i = 1");
    await_waiting(&mut other, second.pid);
    assert_eq!(first.query("select pg_advisory_xact_lock(1)").errors, ["40P01 deadlock detected"]);
    assert_eq!(second.answer().tags, ["UPDATE 1"]);
}

#[test]
fn who_meets_a_row_in_a_function_or_in_a_string_of_statements_lets_others_write() {
    let (server, mut other) = start();
    other.run(
        "create table log (n int); listen n; create function f() returns trigger language plpgsql as \
        $$ begin insert into log values (new.v); perform pg_notify('n', new.v::text); \
        begin update t set v = v where i = 3 and new.i = 2; exception when others then raise notice 'caught'; end; return new; end $$; \
        create trigger f before update on t for each row when (new.i < 6) execute function f()",
    );
    let (mut idle, mut second) = (impatient(&server), impatient(&server));
    let pid = second.pid;
    idle.run("begin; update t set v = 100 where i = 3");
    second.run("begin; update t set v = 1 where i = 1");
    second.send("update t set v = v + 1 where i = 3 returning v");
    await_waiting(&mut other, pid);
    other.run("update t set v = 6 where i = 6");
    idle.run("update t set v = 4 where i = 4; commit");
    assert_eq!(second.answer().values, ["101"]);
    second.run("commit");
    idle.run("begin; update t set v = 200 where i = 3");
    // The row is met inside of the function, which would catch all that can be caught.
    second.send("update t set v = 5 where i = 5; update t set v = 2 where i = 2");
    await_waiting(&mut other, pid);
    other.run("update t set v = 7 where i = 7");
    idle.run("commit");
    assert_eq!(second.answer().tags, ["UPDATE 1", "UPDATE 1"]);
    let mut heard = other.notifications("select 1");
    heard.sort();
    assert_eq!(heard, ["n 2", "n 200", "n 200", "n 5"], "one of each transaction");
    let logged = other.value("select string_agg(n::text, ' ' order by n) from log");
    assert_eq!(logged, "1 2 4 5 100 101 200 200", "a statement that is run again is run once");
}

#[test]
fn keys_stay_locked() {
    let (server, mut other) = start();
    other.run("create table c (i serial primary key, name text unique, n int not null default 1, unique (n, name))");
    let (mut idle, mut second) = (impatient(&server), Session::open(server.addr));
    let pid = second.pid;
    idle.run("begin; insert into c (name) values ('a'); insert into t values (20)");
    other.run("insert into c (name) values ('b'); insert into t values (21)");
    second.send("insert into t values (20)");
    await_waiting(&mut other, pid);
    other.run("update t set v = 1 where i = 1");
    idle.run("commit");
    assert_eq!(second.answer().errors, ["23505 duplicate key value violates unique constraint \"t_pkey\""]);
    // Counters, as applications keep them.
    let count = |name: &str| {
        format!("insert into c (name) values ('{name}') on conflict (name) do update set n = c.n + 1 returning n")
    };
    idle.run("begin");
    assert_eq!(idle.value(&count("x")), "1");
    second.run("begin; update t set v = 2 where i = 2");
    second.send(&count("x"));
    await_waiting(&mut other, pid);
    assert_eq!(other.value(&count("y")), "1");
    idle.run("commit");
    assert_eq!(second.answer().values, ["2"]);
    second.run("commit; begin");
    // What is rolled back was nobody's.
    idle.run("begin; savepoint s; insert into t values (30); rollback to s; insert into t values (31)");
    other.run("insert into t values (30)");
    second.send("insert into t values (31)");
    await_waiting(&mut other, pid);
    idle.run("rollback");
    assert_eq!(second.answer().tags, ["INSERT 0 1"]);
    second.run("commit");
    // A key that an UPDATE makes; all rows.
    idle.run("begin; update t set i = 40 where i = 10");
    second.send("update t set i = 40 where i = 9");
    await_waiting(&mut other, pid);
    idle.run("rollback");
    assert_eq!(second.answer().tags, ["UPDATE 1"]);
    idle.run("begin; update t set v = 7 where i = 1");
    second.send("delete from t");
    await_waiting(&mut other, pid);
    idle.run("commit");
    assert_eq!(second.answer().tags, ["DELETE 14"]);
}

#[test]
fn what_is_not_surely_repeated_keeps_the_ticket() {
    let (server, mut other) = start();
    other.run(
        "create sequence s; create procedure q() language plpgsql as $$ begin update t set v = 1 where i = 1; end $$",
    );
    let mut second = Session::open(server.addr);
    let pid = second.pid;
    for what in [
        "create table made (i int)",
        "lock table t",
        "call q()",
        "do $$ begin update t set v = 1 where i = 1; end $$",
        "copy t (i) from stdin",
        "set constraints all deferred",
        "select set_config('work_mem', '1MB', true)",
        "set local role postgres",
        "select count(*) from generate_series(1, 20000)",
        "select g from generate_series(1, 20000) g",
        &format!("select 1 where '{}' = ''", "x".repeat(2_000_000)),
    ] {
        let mut idle = impatient(&server);
        idle.run("begin; update t set v = 1 where i = 1");
        idle.send(what);
        let answer = idle.answer();
        assert_eq!(answer.errors, Vec::<String>::new(), "{what}");
        if what.starts_with("copy") {
            idle.send_copy_done();
            idle.answer();
        }
        second.send("update t set v = 2 where i = 2");
        if what.contains("count(*)") {
            // It is only long, not much to remember.
            assert_eq!(second.answer().tags, ["UPDATE 1"]);
            idle.run("commit");
            continue;
        }
        await_waiting(&mut other, pid);
        thread::sleep(Duration::from_millis(20));
        assert_eq!(
            other.value(&format!("select wait_event_type from pg_stat_activity where pid = {pid}")),
            "Lock",
            "{what}"
        );
        idle.run("commit");
        assert_eq!(second.answer().tags, ["UPDATE 1"], "{what}");
        other.run("drop table if exists made");
    }
    let mut idle = Session::open(server.addr);
    idle.run("set writer_patience = 0; begin; update t set v = 1 where i = 1");
    second.send("update t set v = 2 where i = 2");
    await_waiting(&mut other, pid);
    idle.run("commit");
    second.answer();
}

/// What a statement of a random transaction is, and what it has given.
#[derive(Clone, Debug)]
enum Step {
    Add(i64, i64),
    Read(i64),
    Sum(i64, i64),
    Copy(i64, i64),
    Insert(i64),
    Upsert(i64),
    Delete(i64),
    Savepoint,
    RollbackTo,
}

impl Step {
    fn text(&self) -> String {
        match self {
            Step::Add(row, by) => format!("update t set v = v + {by} where i = {row} returning v"),
            Step::Read(row) => format!("select v from t where i = {row}"),
            Step::Sum(from, to) => format!("select coalesce(sum(v), 0) from t where i between {from} and {to}"),
            Step::Copy(from, to) => {
                let value = format!("coalesce((select v from t where i = {from}), v)");
                format!("update t set v = {value} where i = {to} returning v")
            }
            Step::Insert(row) => {
                format!("insert into t values ({row}, (select sum(v) from t where i <= 4)) returning v")
            }
            Step::Upsert(row) => {
                format!("insert into t values ({row}, 1) on conflict (i) do update set v = t.v + 1 returning v")
            }
            Step::Delete(row) => format!("delete from t where i = {row} returning v"),
            Step::Savepoint => "savepoint s".to_owned(),
            Step::RollbackTo => "rollback to s".to_owned(),
        }
    }

    /// What it gives and does where it is alone.
    fn apply(&self, rows: &mut BTreeMap<i64, i64>, saved: &mut BTreeMap<i64, i64>) -> Option<i64> {
        match self {
            Step::Add(row, by) => {
                *rows.get_mut(row)? += by;
                rows.get(row).copied()
            }
            Step::Read(row) => rows.get(row).copied(),
            Step::Sum(from, to) => Some(rows.range(from..=to).map(|(_, value)| value).sum()),
            Step::Copy(from, to) => {
                let value = rows.get(from).or(rows.get(to)).copied()?;
                *rows.get_mut(to)? = value;
                Some(value)
            }
            Step::Insert(row) => {
                let sum = rows.range(..=4).map(|(_, value)| value).sum();
                rows.insert(*row, sum);
                Some(sum)
            }
            Step::Upsert(row) => {
                let value = rows.entry(*row).or_insert(0);
                *value += 1;
                Some(*value)
            }
            Step::Delete(row) => rows.remove(row),
            Step::Savepoint => {
                saved.clone_from(rows);
                None
            }
            Step::RollbackTo => {
                rows.clone_from(saved);
                None
            }
        }
    }
}

/// A session of the random history.
struct Player {
    session: Session,
    /// The transaction's statements with what they gave; none outside of one.
    done: Option<Vec<(Step, Option<i64>)>>,
    /// What it waits for.
    pending: Option<Step>,
    has_savepoint: bool,
}

impl Player {
    /// The answer, if it has come.
    fn arrived(&mut self) -> bool {
        let limit = Some(Duration::from_millis(1));
        self.session.stream.set_read_timeout(limit).unwrap();
        let peeked = self.session.stream.peek(&mut [0]);
        self.session.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match peeked {
            Ok(_) => true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes the answer to what was sent.
    fn take(&mut self, failures: &mut BTreeMap<String, usize>) {
        let Some(step) = self.pending.take() else { return };
        let Answer { values, errors, .. } = self.session.answer();
        if let Some(error) = errors.first() {
            *failures.entry(error[..5].to_owned()).or_default() += 1;
            self.session.run("rollback");
            self.done = None;
            return;
        }
        let value = values.first().map(|value| value.parse().unwrap());
        self.done.as_mut().unwrap().push((step, value));
    }
}

/// Sessions in any order, of whose transactions those that commit have seen what they would have seen one after the other.
#[test]
fn histories_fit_the_order_of_their_commits() {
    let seeds = std::env::var("PARKING_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(4);
    for seed in 1..=seeds {
        history([2, 3, 5, 8][usize::try_from(seed).unwrap() % 4], seed);
    }
}

fn history(count: usize, seed: u64) {
    let (server, mut other) = start();
    other.run("update t set v = i * 100");
    let mut rows: BTreeMap<i64, i64> = (1..=10).map(|row| (row, row * 100)).collect();
    let mut random = seed;
    let mut draw = |below: i64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((random >> 33) % u64::try_from(below).unwrap()).unwrap()
    };
    let player = |_| {
        let mut session = impatient(&server);
        session.run("set deadlock_timeout = '20ms'");
        Player { session, done: None, pending: None, has_savepoint: false }
    };
    let mut all: Vec<Player> = (0..count).map(player).collect();
    let (mut commits, mut failures, mut next) = (0, BTreeMap::new(), 100);
    let mut moves = 0;
    while moves < 400 {
        let player = &mut all[usize::try_from(draw(count as i64)).unwrap()];
        if player.pending.is_some() {
            if player.arrived() {
                player.take(&mut failures);
            }
            continue;
        }
        moves += 1;
        let Some(done) = &player.done else {
            player.session.run("begin");
            (player.done, player.has_savepoint) = (Some(Vec::new()), false);
            continue;
        };
        if done.len() > 1 && draw(6) == 0 {
            let answer = player.session.query(if draw(5) == 0 { "rollback" } else { "commit" });
            let done = player.done.take().unwrap();
            if let Some(error) = answer.errors.first() {
                *failures.entry(error[..5].to_owned()).or_default() += 1;
            } else if answer.tags == ["COMMIT"] {
                let mut saved = BTreeMap::new();
                for (step, value) in &done {
                    assert_eq!(step.apply(&mut rows, &mut saved), *value, "{step:?} of {done:?}, seed {seed}");
                }
                commits += 1;
            }
            continue;
        }
        let (row, to) = (1 + draw(10), 1 + draw(10));
        let step = match draw(if done.is_empty() { 3 } else { 14 }) {
            0 | 1 | 3 => Step::Add(row, 1 + draw(9)),
            2 => {
                next += 1;
                Step::Insert(next)
            }
            4 | 5 => Step::Read(row),
            6 => Step::Sum(row.min(to), row.max(to)),
            7 => Step::Copy(row, to),
            10..=12 => Step::Upsert(8 + draw(6)),
            13 => Step::Delete(8 + draw(6)),
            8 if player.has_savepoint => Step::RollbackTo,
            _ => {
                player.has_savepoint = true;
                Step::Savepoint
            }
        };
        player.session.send(&step.text());
        player.pending = Some(step);
        if player.arrived() {
            player.take(&mut failures);
        }
    }
    // Whoever still waits for a row gets it, or is told.
    while all.iter().any(|player| player.pending.is_some() || player.done.is_some()) {
        for player in &mut all {
            if player.pending.is_some() && player.arrived() {
                player.take(&mut failures);
            }
            if player.pending.is_none() && player.done.take().is_some() {
                player.session.run("rollback");
            }
        }
    }
    let expected: Vec<String> = rows.iter().map(|(row, value)| format!("{row}:{value}")).collect();
    assert_eq!(other.value("select string_agg(i || ':' || v, ' ' order by i) from t"), expected.join(" "));
    assert!(commits > 10, "{commits} commits, {failures:?}");
    assert!(failures.keys().all(|code| code == "40001" || code == "40P01"), "{failures:?}");
}
