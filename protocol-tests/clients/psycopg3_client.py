"""psycopg 3: binary and text, prepared statements, pipeline mode, COPY, row streaming, cancel, async."""

import asyncio
import datetime as dt
import ipaddress
import threading
import time
import uuid
from decimal import Decimal

import psycopg
from psycopg import errors
from psycopg.rows import dict_row
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.hstore import register_hstore
from psycopg.types.json import Jsonb
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

conn = psycopg.connect("", autocommit=True)
conn.execute("drop table if exists p3_t")
conn.execute(
    "create table p3_t (id int generated always as identity primary key, b boolean, i2 smallint, i int, big bigint,"
    " f4 real, f float8, n numeric, s text, v varchar(10), bin bytea, u uuid, d date, t time, ts timestamp,"
    " tz timestamptz, iv interval, j jsonb, a text[], ia bigint[])"
)
values = (
    False, 3, -7, 2**40, 0.5, -1e100, Decimal("-0.00012345678901234567890"), "text", "vchar", b"\x00\x01\xff", uuid.uuid4(),
    dt.date(1999, 12, 31), dt.time(23, 59, 59, 999999), dt.datetime(2024, 2, 29, 1, 2, 3, 4),
    dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.timezone.utc), dt.timedelta(days=-1, seconds=5), Jsonb([1, {"a": "ü"}]),
    ["a", None, 'quo"te, comma'], [1, 2, 2**50],
)
columns = "b, i2, i, big, f4, f, n, s, v, bin, u, d, t, ts, tz, iv, j, a, ia"
marks = ", ".join(["%s"] * len(values))
for binary in (False, True):
    cur = conn.cursor(binary=binary)
    cur.execute(f"insert into p3_t ({columns}) values ({marks}) returning id", values)
    (identity,) = cur.fetchone()
    cur.execute(f"select {columns} from p3_t where id = %s", (identity,))
    got = list(cur.fetchone())
    want = list(values)
    want[16] = values[16].obj
    want[14] = want[14].astimezone(got[14].tzinfo)
    assert got == want, (binary, got, want)
# Binary parameters too.
cur = conn.cursor(binary=True)
cur.execute(
    "select %b::int4, %b::int8, %b::text, %b::bytea, %b::uuid, %b::date, %b::numeric, %b::float8, %b::bool, %b::timestamptz",
    (1, 2**40, "x", b"y", values[10], values[11], Decimal("1.50"), 2.5, True, values[14]),
)
assert cur.fetchone()[:9] == (1, 2**40, "x", b"y", values[10], values[11], Decimal("1.50"), 2.5, True)

# Prepared after five executions, with changing values.
for i in range(10):
    assert conn.execute("select %s::int + 1", (i,), prepare=True).fetchone() == (i + 1,)

# Transactions as context managers, nested.
try:
    with conn.transaction():
        conn.execute("insert into p3_t (i) values (100)")
        try:
            with conn.transaction():
                conn.execute("insert into p3_t (i) values (101)")
                conn.execute("select 1/0")
        except errors.DivisionByZero:
            pass
        assert conn.execute("select count(*) from p3_t where i >= 100").fetchone() == (1,)
        raise psycopg.Rollback()
except psycopg.Rollback:
    pass
assert conn.execute("select count(*) from p3_t where i >= 100").fetchone() == (0,)

# Error fields.
conn.execute("drop table if exists p3_c")
conn.execute("create table p3_c (x int constraint positive check (x > 0), y int not null)")
for sql, kind, attribute, value in [
    ("insert into p3_c values (0, 1)", errors.CheckViolation, "constraint_name", "positive"),
    ("insert into p3_c values (1, null)", errors.NotNullViolation, "column_name", "y"),
    ("insert into p3_c values (1, 'x')", errors.InvalidTextRepresentation, "severity", "ERROR"),
    ("select * from p3_c where no_such", errors.UndefinedColumn, "message_primary", 'column "no_such" does not exist'),
]:
    try:
        conn.execute(sql)
        raise AssertionError(sql)
    except kind as error:
        assert getattr(error.diag, attribute) == value, (sql, getattr(error.diag, attribute))

# COPY in and out, text rows and binary.
with conn.cursor() as cur:
    with cur.copy("copy p3_t (i, s) from stdin") as copy:
        for i in range(5000):
            copy.write_row((i + 1000, f"line\t{i}\n"))
    with cur.copy("copy p3_t (i, s) from stdin (format binary)") as copy:
        copy.set_types(["int4", "text"])
        copy.write_row((7777, "binary"))
        copy.write_row((7778, None))
    total = 0
    with cur.copy("copy (select i, s from p3_t where i >= 1000) to stdout (format binary)") as copy:
        copy.set_types(["int4", "text"])
        for row in copy.rows():
            total += row[0]
    assert total == sum(range(1000, 6000)) + 7777 + 7778, total
    try:
        with cur.copy("copy p3_t (i, s) from stdin") as copy:
            copy.write_row((1, "a"))
            raise ValueError("stop")
    except ValueError:
        pass
assert conn.execute("select count(*) from p3_t where i = 1").fetchone() == (0,)

# Row by row streaming.
with psycopg.connect("", row_factory=dict_row) as other:
    rows = other.cursor().stream("select i from generate_series(1, %s) as g(i)", (20000,))
    assert sum(row["i"] for row in rows) == 200010000

# Pipeline mode: an error in the middle, then recovery.
with conn.pipeline() as pipeline:
    first = conn.execute("select 1")
    conn.execute("insert into p3_c values (5, 5)")
    second = conn.execute("select 2")
    pipeline.sync()
    assert first.fetchone() == (1,) and second.fetchone() == (2,)
try:
    with conn.pipeline():
        conn.execute("insert into p3_c values (6, 6)")
        conn.execute("select 1/0")
        conn.execute("insert into p3_c values (7, 7)")
except errors.DivisionByZero:
    pass
assert conn.execute("select count(*) from p3_c").fetchone() == (1,)
conn.cursor().executemany("insert into p3_c values (%s, %s)", [(i, i) for i in range(1, 501)])
assert conn.execute("select count(*) from p3_c").fetchone() == (501,)

# Cancel.
threading.Timer(0.3, conn.cancel).start()
started = time.time()
try:
    conn.execute("select pg_sleep(30)")
    raise AssertionError("not cancelled")
except errors.QueryCanceled:
    assert time.time() - started < 10


async def concurrently():
    async def work(n):
        async with await psycopg.AsyncConnection.connect("", autocommit=True) as other:
            for i in range(20):
                await other.execute("insert into p3_c values (%s, %s)", (1000 + n, i))

    await asyncio.gather(*(work(n) for n in range(8)))


asyncio.run(concurrently())
assert conn.execute("select count(*) from p3_c where x >= 1000").fetchone() == (160,)
# Server-side cursors, with parameters; notifications as a generator.
with conn.transaction(), conn.cursor("server") as server:
    server.itersize = 7
    server.execute("select i, 'x' || i from generate_series(1, %s) i where i > %s", (50, 10))
    assert [i for i, _ in server] == list(range(11, 51))
with conn.transaction(), conn.cursor("server", scrollable=True) as server:
    server.execute("select i from generate_series(1, %s) i", (20,), binary=True)
    server.scroll(18)
    assert server.fetchall() == [(19,), (20,)]
    server.scroll(-4)
    assert server.fetchone() == (18,)
conn.execute("listen p3")
with psycopg.connect("", autocommit=True) as other:
    other.execute("select pg_notify('p3', %s)", ("hello",))
    assert [(n.channel, n.payload, n.pid) for n in conn.notifies(timeout=30, stop_after=1)] == [
        ("p3", "hello", other.info.backend_pid)
    ]

# Ranges, composites, hstore, and types that come as text, in both formats.
conn.execute("drop type if exists p3_pair cascade")
conn.execute("create type p3_pair as (n int, s text)")
conn.execute("create extension if not exists hstore")
pair_info = CompositeInfo.fetch(conn, "p3_pair")
register_composite(pair_info, conn)
register_hstore(TypeInfo.fetch(conn, "hstore"), conn)
pair = pair_info.python_type
special = {
    "int4range": Range(1, 5), "numrange": Range(Decimal("1.5"), Decimal("2.5"), "[]"), "daterange": Range(dt.date(2020, 1, 1), None),
    "int4multirange": Multirange([Range(1, 3), Range(5, 9)]), "int8range": Range(empty=True), "p3_pair": pair(1, "é"),
    "p3_pair[]": [pair(2, None), pair(3, 'quo"te,')], "hstore": {"a": "1", "b": None, "é": 'quo"te'},
    "inet": ipaddress.ip_interface("10.1.2.3/8"), "int4range[]": [Range(1, 2), Range(3, 4)],
}
for binary in (False, True):
    # psycopg knows hstore as text alone.
    known = {name: value for name, value in special.items() if not (binary and name == "hstore")}
    cur = conn.cursor(binary=binary)
    for name, value in known.items():
        got = cur.execute(f"select {'%b' if binary else '%t'}::{name}", (value,)).fetchone()[0]
        assert got == value, (binary, name, got, value)
conn.execute("drop type p3_pair")

conn.execute("drop table p3_t")
conn.execute("drop table p3_c")
conn.close()
print("PASS")
