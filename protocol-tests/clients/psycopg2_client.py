"""psycopg2: types, transactions, errors, named parameters, COPY, cancel, batches."""

import datetime as dt
import io
import select
import threading
import time
import uuid
from decimal import Decimal

import psycopg2
import psycopg2.extras
from psycopg2 import errors, extensions

conn = psycopg2.connect("")
psycopg2.extras.register_uuid()
cur = conn.cursor()

# Types, there and back.
cur.execute("drop table if exists p2_t")
cur.execute(
    "create table p2_t (id serial primary key, b boolean, i int, big bigint, f float8, n numeric(20,5), s text,"
    " bin bytea, u uuid, d date, t time, ts timestamp, tz timestamptz, iv interval, j jsonb, a int[])"
)
row = (
    True, -7, 2**62, 1.5, Decimal("12345.67890"), "naïve ' \\ text", b"\x00\xff\\", uuid.uuid4(), dt.date(2024, 2, 29),
    dt.time(12, 34, 56, 789000), dt.datetime(2024, 2, 29, 1, 2, 3), dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.timezone.utc),
    dt.timedelta(days=2, hours=3), psycopg2.extras.Json({"k": [1, None]}), [1, 2, 3],
)
cur.execute(
    "insert into p2_t (b, i, big, f, n, s, bin, u, d, t, ts, tz, iv, j, a) values (" + ", ".join(["%s"] * 15) + ") returning id",
    row,
)
assert cur.fetchone() == (1,)
conn.commit()
cur.execute("select b, i, big, f, n, s, bin, u, d, t, ts, tz, iv, j, a from p2_t where id = %(id)s", {"id": 1})
got = list(cur.fetchone())
want = list(row)
got[6] = bytes(got[6])
want[13] = {"k": [1, None]}
assert got == want, (got, want)
assert [c.name for c in cur.description][:3] == ["b", "i", "big"]
assert cur.description[4].type_code == 1700 and cur.description[4].precision == 20 and cur.description[4].scale == 5
conn.commit()

# NULLs, IN lists, ANY.
cur.execute("select %s::int is null, 2 in %s, 3 = any(%s)", (None, (1, 2), [1, 2, 3]))
assert cur.fetchone() == (True, True, True)

# An error aborts the transaction until rollback, and carries its fields.
try:
    cur.execute("insert into p2_t (id) values (1)")
    raise AssertionError("no error")
except errors.UniqueViolation as error:
    assert error.pgcode == "23505" and error.diag.constraint_name == "p2_t_pkey", error.diag.constraint_name
    assert error.diag.table_name == "p2_t" and error.diag.schema_name == "public"
try:
    cur.execute("select 1")
    raise AssertionError("no error")
except errors.InFailedSqlTransaction:
    pass
assert conn.get_transaction_status() == extensions.TRANSACTION_STATUS_INERROR
conn.rollback()
assert conn.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
for sql, wanted in [
    ("select * from no_such", errors.UndefinedTable),
    ("select no_such from p2_t", errors.UndefinedColumn),
    ("selec", errors.SyntaxError),
    ("select 1/0", errors.DivisionByZero),
    ("select 'x'::int", errors.InvalidTextRepresentation),
    ("select no_such(1)", errors.UndefinedFunction),
    ("insert into p2_t (i) values (3000000000)", errors.NumericValueOutOfRange),
]:
    try:
        cur.execute(sql)
        raise AssertionError(f"no error: {sql}")
    except wanted:
        conn.rollback()

# Savepoints, with-blocks, autocommit.
cur.execute("savepoint a")
cur.execute("delete from p2_t")
cur.execute("rollback to a")
cur.execute("select count(*) from p2_t")
assert cur.fetchone() == (1,)
conn.commit()
conn.autocommit = True
cur.execute("update p2_t set i = i + 1")
assert cur.rowcount == 1
conn.autocommit = False
conn.set_session(isolation_level="SERIALIZABLE")
cur.execute("show transaction_isolation")
assert cur.fetchone() == ("serializable",)
conn.rollback()
conn.set_session(isolation_level="DEFAULT")

# Batches and COPY.
psycopg2.extras.execute_values(cur, "insert into p2_t (i, s) values %s", [(i, f"row {i}") for i in range(1000)])
cur.execute("select count(*), sum(i) from p2_t where s like 'row %'")
assert cur.fetchone() == (1000, 499500)
cur.copy_expert("copy p2_t (i, s) from stdin csv", io.StringIO("2000,a\n2001,\"b,c\"\n"))
assert cur.rowcount == 2
out = io.StringIO()
cur.copy_expert("copy (select i, s from p2_t where i >= 2000 order by i) to stdout csv", out)
assert out.getvalue() == '2000,a\n2001,"b,c"\n', out.getvalue()
try:
    cur.copy_expert("copy p2_t (i) from stdin", io.StringIO("1\nx\n"))
    raise AssertionError("no error")
except errors.InvalidTextRepresentation as error:
    assert "line 2" in error.diag.context
conn.rollback()

# Cancel from another thread.
def cancel():
    time.sleep(0.3)
    conn.cancel()

thread = threading.Thread(target=cancel)
thread.start()
started = time.time()
try:
    cur.execute("select pg_sleep(30)")
    raise AssertionError("not cancelled")
except errors.QueryCanceled:
    assert time.time() - started < 10
thread.join()
conn.rollback()

# Named cursors: DECLARE, FETCH, MOVE, CLOSE.
with conn.cursor("forward") as named:
    named.itersize = 300
    named.execute("select i from generate_series(1, %s) i", (1000,))
    assert sum(i for i, in named) == 500500
with conn.cursor("both ways", scrollable=True) as named:
    named.execute("select i from generate_series(1, 10) i")
    assert named.fetchmany(3) == [(1,), (2,), (3,)]
    named.scroll(-2)
    assert named.fetchone() == (2,)
    named.scroll(9, mode="absolute")
    assert named.fetchall() == [(10,)]
held = conn.cursor("held", withhold=True)
held.execute("select i from generate_series(1, 5) i")
conn.commit()
assert held.fetchall() == [(1,), (2,), (3,), (4,), (5,)]
held.close()
conn.commit()

# Notifications, between two connections.
listener = psycopg2.connect("")
listener.autocommit = True
listener.cursor().execute("listen news")
cur.execute("notify news, 'lost'")
conn.rollback()
cur.execute("notify news, 'one'; select pg_notify('news', 'two')")
conn.commit()
while len(listener.notifies) < 2:
    assert select.select([listener], [], [], 30)[0], "no notification"
    listener.poll()
assert [(n.pid, n.channel, n.payload) for n in listener.notifies] == [
    (conn.info.backend_pid, "news", "one"), (conn.info.backend_pid, "news", "two")
]
cur.execute("select pg_terminate_backend(%s, 10000)", (listener.info.backend_pid,))
assert cur.fetchone() == (True,)
try:
    listener.cursor().execute("select 1")
    raise AssertionError("not terminated")
except psycopg2.OperationalError:
    pass
conn.commit()

# Settings.
conn.set_client_encoding("UTF8")
cur.execute("set timezone to 'Europe/Berlin'; select timestamptz '2024-07-01 12:00+00'")
assert cur.fetchone()[0].utcoffset() == dt.timedelta(hours=2)
assert conn.get_parameter_status("TimeZone") == "Europe/Berlin"
cur.execute("drop table p2_t")
conn.commit()
conn.close()
print("PASS")
