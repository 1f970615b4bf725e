#!/usr/bin/env python3
"""pgserver over real object stores, as its users have it: psql and pgbench in front, SeaweedFS or Azurite behind.

    protocol-tests/remote/end_to_end.py [--storage s3|azure] [SCENARIO…]

Each scenario has a prefix and servers of its own. They run side by side; each ends by its own conditions, none by time.
"""

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "scripts"))

from servers import Connection, Pgserver, build, free_port, text
from stores import STORES, FaultProxy, StoreServer, build_proxy, with_stores

PATIENCE = 60
SUMS = """select count(*), (select sum(bbalance) from pgbench_branches), (select sum(tbalance) from pgbench_tellers),
    (select sum(abalance) from pgbench_accounts), (select sum(delta) from pgbench_history) from pgbench_history"""


@contextmanager
def running(store, **settings):
    """A started server; whatever is still running at the end is killed, and its files removed."""
    server = StoreServer(store, **settings)
    try:
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            kill(server)
        shutil.rmtree(server.directory)


@contextmanager
def proxied(store, *faults):
    proxy = FaultProxy(store, *faults)
    try:
        yield proxy
    finally:
        if proxy.process.poll() is None:
            proxy.end()


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


def stop(server):
    """Gracefully; what it says about that."""
    server.process.send_signal(signal.SIGTERM)
    expect(server.process.wait(PATIENCE), 0, "exit status after SIGTERM")


def start_anew(server):
    """On a machine that has nothing of the database."""
    shutil.rmtree(server.copies)
    server.start()


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


def expect_in(part, whole, what):
    if part not in whole:
        raise AssertionError(f"{what}: no {part!r} in {whole!r}")


def until(condition, what):
    """Waits until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.02)


def sql(server, statements, database="postgres"):
    return server.psql(statements, database=database)


def refusal(statements, connection):
    """The error that the statements meet."""
    try:
        connection.query(statements)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"{statements}: not refused")


def published(store, database="postgres"):
    """The plain file as anybody would download and open it."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(store.get(f"{database}.sqlite"))
        file.flush()
        shell = lambda query: subprocess.run(["sqlite3", file.name, query], check=True, capture_output=True, text=True).stdout.strip()
        expect(shell("pragma integrity_check"), "ok", "integrity_check of the published file")
        yield shell


def pgbench(server, *arguments):
    command = ["pgbench", *server.url("postgres"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    expect(done.returncode, 0, f"{' '.join(arguments)}: {done.stderr[-500:]}")


def balanced(sums):
    """Whether the figures of pgbench's tables agree; gives the number of transactions."""
    count, *balances = sums.split("|")
    expect(len(set(balances)), 1, f"different sums in {sums}")
    return int(count)


def acknowledged_commits_survive_kill_9_and_the_loss_of_the_working_copy(store):
    with running(store) as server:
        pgbench(server, "-i", "-q", "-s", "1")
        pgbench(server, "-n", "-c", "8", "-t", "25")
        sums = sql(server, SUMS)
        expect(balanced(sums), 200, "transactions")
        kill(server)
        start_anew(server)
        expect(sql(server, SUMS), sums, "after kill -9 without the working copy")
        load = subprocess.Popen(["pgbench", *server.url("postgres"), "-n", "-c", "8", "-T", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: int(sql(server, "select count(*) from pgbench_history")) > 300, "pgbench gets on")
        kill(server)
        load.wait()
        start_anew(server)
        expect(balanced(sql(server, SUMS)) > 300, True, "transactions after kill -9 under load")
        sums = sql(server, SUMS)
        stop(server)
        for shell in published(store):
            expect(shell(SUMS.replace("\n", " ")), sums, "in the published file")
        start_anew(server)
        expect(sql(server, SUMS), sums, "after a graceful stop without the working copy")


def a_working_copy_that_was_left_behind_is_used_again(store):
    with proxied(store) as proxy, running(store, address=proxy.address) as server:
        sql(server, "create table t as select i, md5(i::text) as h from generate_series(1, 50000) i")
        kill(server)

        def fetched_by(start):
            before = proxy.stats()["bytes_down"]
            start()
            expect(sql(server, "select count(*), max(i) from t"), "50000|50000", "rows")
            return proxy.stats()["bytes_down"] - before

        everything = fetched_by(lambda: start_anew(server))

        def is_warm(after):
            fetched = fetched_by(server.start)
            expect(fetched < everything / 10, True, f"{fetched} bytes fetched after {after}, {everything} without a copy: little")

        kill(server)
        is_warm("kill -9 before any commit")
        sql(server, "update t set h = '' where i = 1")
        kill(server)
        is_warm("kill -9")
        stop(server)
        is_warm("a graceful stop")
        # One that was changed behind the server's back is not believed.
        stop(server)
        with open(server.copies / "postgres.sqlite", "r+b") as copy:
            copy.seek(100_000)
            copy.write(b"damaged")
        server.start()
        expect(sql(server, "select count(*), count(distinct h) from t"), "50000|50000", "after damage to the copy")


def a_plain_file_in_the_store_is_adopted(store):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "orders.sqlite"
        with sqlite3.connect(path) as database:
            database.execute("create table orders (id integer primary key, title text)")
            database.executemany("insert into orders (title) values (?)", [(f"title {i}",) for i in range(500)])
        database.close()
        store.put("orders.sqlite", path.read_bytes())
    with running(store) as server:
        expect(sql(server, "select count(*), max(title) from orders", "orders"), "500|title 99", "rows adopted")
        sql(server, "insert into orders (title) values ('new')", "orders")
        kill(server)
        start_anew(server)
        expect(sql(server, "select count(*), max(id) from orders", "orders"), "501|501", "rows with the new one")
        stop(server)
    for shell in published(store, "orders"):
        expect(shell("select count(*), max(id) from orders"), "501|501", "rows in the published file")


def a_file_that_somebody_else_has_written_is_left_alone(store):
    with running(store) as server:
        sql(server, "create table t (i int); insert into t values (1)")
        stop(server)
        store.put("postgres.sqlite", b"somebody else's")
        start_anew(server)
        sql(server, "insert into t values (2)")
        stop(server)
        expect(store.get("postgres.sqlite"), b"somebody else's", "the file")
        start_anew(server)
        expect(sql(server, "select count(*) from t"), "2", "rows")


def a_standby_follows(store):
    with running(store) as primary:
        sql(primary, "create table t (i int primary key, at text)")
        with running(store, STANDBY="on", POLL_INTERVAL_MS="50") as standby:
            expect_in("25006", refusal("insert into t values (1)", Connection(standby.port)), "a write on the standby")
            for number in range(3):
                sql(primary, f"insert into t select i, 'x' from generate_series({number * 100 + 1}, {number * 100 + 100}) i")
                until(lambda: sql(standby, "select count(*) from t") == f"{number * 100 + 100}", "the standby sees the commit")
            sql(primary, "create table later (j int); create index on t (at); alter table t add column k int default 7")
            until(lambda: "k" in sql(standby, "select * from information_schema.columns where table_name = 't'"), "and the new column")
            expect(sql(standby, "select sum(k) from t"), "2100", "its default")
            kill(primary)
            expect(sql(standby, "select count(*) from t"), "300", "rows on the standby after kill -9 of the primary")
            start_anew(primary)
            sql(primary, "drop table later; delete from t where i > 10")
            sql(primary, "vacuum")
            until(lambda: sql(standby, "select count(*) from t") == "10", "the standby follows the next primary")


def interval_mode_uploads_at_a_stop(store):
    with running(store, SYNC="interval", CACHE_TTL_MINUTES="60") as server:
        sql(server, "create table t (i int); insert into t select * from generate_series(1, 1000)")
        objects = len(store.names())
        for number in range(20):
            sql(server, f"insert into t values ({1001 + number})")
        expect(len(store.names()), objects, "objects while commits are collected")
        expect(sql(server, "select count(*) from t"), "1020", "rows at once")
        stop(server)
        for shell in published(store):
            expect(shell("select count(*) from t"), "1020", "rows in the published file")
        start_anew(server)
        expect(sql(server, "select count(*) from t"), "1020", "rows after a stop without the working copy")


def databases_are_created_and_dropped(store):
    with running(store) as server:
        sql(server, "create database shop")
        sql(server, "create table t (i int); insert into t values (1)", "shop")
        kill(server)
        start_anew(server)
        expect(sql(server, "select datname from pg_database where not datistemplate order by 1"), "postgres\nshop", "databases")
        expect(sql(server, "select i from t", "shop"), "1", "row")
        expect_in("42P04", refusal("create database shop", Connection(server.port)), "creating it again")
        sql(server, "drop database shop")
        left = [name for name in store.names() if name.startswith("shop") and "/log/" not in name]
        expect(left, ["shop.pgs/manifest.json"], "of the dropped database its tombstone is left")
        expect_in("3D000", refusal("drop database shop", Connection(server.port)), "dropping it again")
        start_again = lambda: (kill(server), start_anew(server))
        start_again()
        expect(sql(server, "select datname from pg_database where not datistemplate"), "postgres", "databases without it")
        sql(server, "create database shop")
        start_again()
        expect(sql(server, "select count(*) from pg_tables where schemaname = 'public'", "shop"), "0", "tables in the new one")


def command(server, *arguments, status=0):
    """What one of pgserver's commands prints, run with the server's configuration."""
    done = subprocess.run([*server.command(), *arguments], env=server.environment(), cwd=server.directory, capture_output=True, text=True, timeout=PATIENCE)
    expect(done.returncode, status, f"exit status of {' '.join(arguments)}, which says {done.stderr}")
    return (done.stdout if status == 0 else done.stderr).strip()


def drop_refusal(server, database, session_in):
    """Why it cannot be dropped."""
    try:
        sql(server, f"drop database {database}", session_in)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"{database} was dropped")


def earlier_states_are_listed_restored_and_branched(store):
    with running(store) as server:
        sql(server, "create table t (i int primary key, at text); insert into t select i, 'old' from generate_series(1, 1000) i")
        listed = lambda *options: [line.split() for line in command(server, "versions", "postgres", *options).splitlines()[1:]]
        before = listed("--limit", "1")[0]
        sequence, moment = before[:2]
        expect(sql(server, f"select time from pgserver.versions where sequence = {sequence}") != "", True, "in SQL")
        sql(server, "update t set at = 'new' where i <= 500")
        sql(server, "delete from t where i > 900")
        sql(server, "create table later (i int)")
        after = listed("--since", sequence)
        expect(max(int(line[0]) for line in after) >= int(sequence) + 3, True, f"the new versions in {after}")
        old, new = "1000|0|1000", "900|500|900"
        counts = "select count(*), count(*) filter (where at = 'new'), max(i) from t"
        for state in (f"postgres@{sequence}", f"postgres@{moment}"):
            expect(sql(server, counts, state), old, f"in {state}")
            try:
                raise AssertionError(f"written to {state}: {sql(server, 'delete from t', state)}")
            except RuntimeError as error:
                expect_in("is a version", str(error), f"a write to {state}")
        expect(sql(server, counts), new, "in the database itself")

        # The commands disturb no server and need none.
        expect_in("at sequence " + sequence, command(server, "restore", "postgres", "--to", moment, "--into", "./old.sqlite"), "restored")
        expect_in("there is such a file", command(server, "restore", "postgres", "--into", "./old.sqlite", status=1), "the file again")
        with sqlite3.connect(server.directory / "old.sqlite") as file:
            expect(file.execute("select count(*), sum(at = 'new') from t").fetchone(), (1000, 0), "in the restored file")
        file.close()
        command(server, "restore", "postgres", "--to", sequence, "--into", "yesterday")
        command(server, "branch", "postgres", "branched", "--at", sequence)
        for name in ("yesterday", "branched"):
            expect_in("already has a database", command(server, "branch", "postgres", name, status=1), f"{name} again")
            expect(sql(server, counts, name), old, f"in {name}")
            sql(server, "insert into t values (5000, 'here')", name)
        expect_in("not kept", command(server, "restore", "postgres", "--to", "999999", "--into", "./none.sqlite", status=1), "no such version")
        expect_in("there are: branched, postgres, yesterday", command(server, "versions", "nobody", status=1), "no such database")
        command(server, "branch", "yesterday", "twig")
        # A session that has just ended may still count.
        until(lambda: "being accessed" not in drop_refusal(server, "yesterday", "branched"), "no session is left")
        expect_in("twig", drop_refusal(server, "yesterday", "branched"), "dropping what has a branch")
        kill(server)
        start_anew(server)
        for name in ("yesterday", "branched"):
            expect(sql(server, counts, name), "1001|0|5000", f"in {name} after kill -9")
        expect(sql(server, counts), new, "in the database after kill -9")
        expect(sql(server, counts, f"postgres@{sequence}"), old, "in the earlier state after kill -9")
        stop(server)
    for shell in published(store, "branched"):
        expect(shell("select count(*), max(i) from t"), "1001|5000", "in the branch's published file")


def a_start_without_a_store_fails_and_says_why(store):
    def refused(**changes):
        server = StoreServer(store, **changes)
        try:
            done = subprocess.run(server.command(), env=server.environment(), cwd=server.directory, capture_output=True, text=True, timeout=PATIENCE)
        finally:
            shutil.rmtree(server.directory)
        expect(done.returncode, 1, f"exit status; it says {done.stderr}")
        # The last line is the reason, in one piece.
        return done.stderr.strip().splitlines()[-1]

    port = free_port()
    nobody = store.settings(f"127.0.0.1:{port}")
    expect_in(f"127.0.0.1:{port}", refused(**nobody), "nobody listens")
    container, secret = {"s3": ("S3_BUCKET", "AWS_SECRET_ACCESS_KEY"), "azure": ("AZURE_STORAGE_CONTAINER", "AZURE_STORAGE_KEY")}[nobody["STORAGE"]]
    expect_in("not-there", refused(**{container: "not-there"}), "no such bucket or container")
    said = refused(**{secret: "d3Jvbmc="})
    expect_in("403", said, "a wrong key")


def readiness(server):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.settings['HTTP_PORT']}/readyz", timeout=PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def a_store_that_goes_away_is_waited_for(store):
    settings = {"COMMIT_TIMEOUT_SECONDS": "1", "HTTP_PORT": str(free_port())}
    with proxied(store) as proxy, running(store, address=proxy.address, **settings) as server:
        sql(server, "create table t (i int primary key)")
        writer, reader, block = Connection(server.port), Connection(server.port), Connection(server.port)
        writer.query("insert into t values (0)")
        expect(readiness(server), 200, "readiness")
        rows = lambda: {int(row) for row in sql(server, "select i from t").split()}
        acknowledged, unknown, number = {0}, set(), 0
        for _ in range(2):
            proxy.end()
            refused = ""
            while "C08006" not in refused:  # a write that comes just before is not known either
                number += 1
                refused = refusal(f"insert into t values ({number})", writer)
                if "C08006" not in refused:
                    expect_in("C08007", refused, "a commit while the store is away")
                    unknown.add(number)
            expect_in("C08006", refusal(f"begin; insert into t values ({number})", block), "a write in a block")
            block.query("rollback")
            expect_in(b"SELECT 1\0", reader.query("select * from t limit 1"), "a read")
            expect(rows() & {number} | acknowledged - rows(), set(), "rows while the store is away")
            until(lambda: readiness(server) == 503, "readiness without the store")
            expect_in("C08006", refusal("create database other", reader), "a new database")
            proxy.start()
            until(lambda: readiness(server) == 200, "readiness with the store")
            number += 1
            writer.query(f"insert into t values ({number})")
            acknowledged.add(number)
            # What nobody knew of was tried further, and is in the store by now.
            expect(rows(), acknowledged | unknown, "rows")
        kill(server)
        start_anew(server)
        expect(rows(), acknowledged | unknown, "rows after kill -9")


def a_stop_without_the_store_ends_and_loses_nothing_acknowledged(store):
    with proxied(store) as proxy, running(store, address=proxy.address, COMMIT_TIMEOUT_SECONDS="1") as server:
        sql(server, "create table t (i int primary key); insert into t values (1)")
        proxy.end()
        expect_in("C08007", refusal("insert into t values (2)", Connection(server.port)), "a commit while the store is away")
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(PATIENCE)
        expect(status in (0, 1), True, f"status {status}")
        proxy.start()
        start_anew(server)
        expect(sql(server, "select min(i) from t"), "1", "what was acknowledged")


SCENARIOS = [
    acknowledged_commits_survive_kill_9_and_the_loss_of_the_working_copy,
    a_working_copy_that_was_left_behind_is_used_again,
    a_store_that_goes_away_is_waited_for,
    a_standby_follows,
    earlier_states_are_listed_restored_and_branched,
    databases_are_created_and_dropped,
    a_start_without_a_store_fails_and_says_why,
    a_plain_file_in_the_store_is_adopted,
    a_file_that_somebody_else_has_written_is_left_alone,
    interval_mode_uploads_at_a_stop,
    a_stop_without_the_store_ends_and_loses_nothing_acknowledged,
]


def run(kind, scenario):
    started, name = time.monotonic(), f"{kind}: {scenario.__name__.replace('_', ' ')}"
    try:
        scenario(STORES[kind](f"{scenario.__name__}/"))
    except Exception:
        print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
        return False
    print(f"ok   {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--storage", choices=STORES, action="append")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    options = parser.parse_args()
    kinds = options.storage or list(STORES)
    with_stores(" ".join(kinds))
    build()
    build_proxy()
    chosen = [scenario for scenario in SCENARIOS if not options.scenarios or scenario.__name__ in options.scenarios]
    if not chosen:
        parser.error(f"scenarios are {', '.join(scenario.__name__ for scenario in SCENARIOS)}")
    with ThreadPoolExecutor(os.cpu_count() * 2) as pool:
        passed = list(pool.map(lambda pair: run(*pair), [(kind, scenario) for scenario in chosen for kind in kinds]))
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
