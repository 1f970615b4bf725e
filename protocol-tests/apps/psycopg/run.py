"""What psycopg 3 offers beyond plain queries: binary adapters of every type, server-side cursors, pipelines, COPY, notifications, two-phase, a pool."""

import datetime as dt
import enum
import ipaddress
import sys
import uuid
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row, namedtuple_row, scalar_row
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo, register_enum
from psycopg.types.json import Json, Jsonb
from psycopg.types.multirange import MultirangeInfo, Multirange
from psycopg.types.range import Range
from psycopg_pool import ConnectionPool

url = sys.argv[1]
when = dt.datetime(2024, 2, 29, 1, 2, 3, 456789)
with psycopg.connect(url, autocommit=True) as conn:
    values = [True, -5, 2**15, 2**31, 2**63 - 1, 10**30, 1.5, float("nan"), float("-inf"), Decimal("1.230"), Decimal("NaN"), Decimal("-1e-30"), "täxt", b"\0\xff", None, when, when.date(), when.time(), when.replace(tzinfo=dt.timezone.utc), when.time().replace(tzinfo=dt.timezone(dt.timedelta(hours=2))),
              dt.timedelta(days=-3, seconds=5, microseconds=1), uuid.UUID(int=7), Json({"a": [1]}), Jsonb({"b": None}), ipaddress.ip_address("10.0.0.1"), ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_interface("2001:db8::1/64"), [1, 2, None], [[1.5], [2.5]], ["a", 'q"', None, ""], [when], [b"x"],
              Range(1, 5), Range(when, None, "(]"), Range(empty=True), Range(Decimal("1.5"), Decimal("2.5"), "[]"), Multirange([Range(1, 3), Range(7, 9)]), [Range(1, 2)], [Decimal("1.5")]]  # fmt: skip
    for value in values:
        for binary in (False, True):
            kind = "%b" if binary else "%t"
            try:
                row = conn.execute(f"select {kind}, pg_typeof({kind})::text", (value, value), binary=binary).fetchone()
                print(row, end=" ")
            except (psycopg.Error, NotImplementedError) as error:
                print(type(error).__name__, error, end=" ")
        print(flush=True)
    conn.execute("create type mood as enum ('sad', 'ok'); create type pair as (a int, b text, c numeric[]); create table t (id int generated always as identity primary key, mood mood, pair pair, at timestamptz default now(), n numeric)")
    Mood = enum.Enum("Mood", ["sad", "ok"])
    register_enum(EnumInfo.fetch(conn, "mood"), conn, Mood)
    info = CompositeInfo.fetch(conn, "pair")
    register_composite(info, conn)
    Pair = info.python_type
    print(conn.execute("insert into t (mood, pair, n) values (%s, %s, %s), (%b, %b, null) returning mood, pair, n", (Mood.ok, Pair(1, 'x "y"', [Decimal("1.5")]), 5, Mood.sad, Pair(None, "", None))).fetchall(), MultirangeInfo.fetch(conn, "int8multirange"), conn.execute("select array_agg(pair order by id), array_agg(mood order by id) from t", binary=True).fetchone())

    @dataclass
    class Row:
        id: int
        mood: Mood

    print(conn.cursor(row_factory=class_row(Row)).execute("select id, mood from t order by id").fetchall(), conn.cursor(row_factory=dict_row).execute("select id as \"A b\" from t where id = 1").fetchone(), conn.cursor(row_factory=namedtuple_row).execute("select 1 as one").fetchone(), conn.cursor(row_factory=scalar_row).execute("select id from t order by 1").fetchall())
    cursor = conn.execute(sql.SQL("select {}, {} from {} order by {}").format(sql.Identifier("id"), sql.Literal("it's"), sql.Identifier("public", "t"), sql.Placeholder("x")), {"x": 1})
    print(cursor.fetchall(), [(c.name, c.type_code, c.precision, c.scale, c.internal_size) for c in conn.execute("select 1::numeric(5, 2), ''::varchar(7), now()::timestamp(3), 1.5::float4").description], cursor.statusmessage)
    with conn.transaction(), conn.cursor("server", scrollable=True, withhold=False) as named:
        named.itersize = 3
        named.execute("select n from generate_series(1, 10) n")
        print(named.fetchone(), named.fetchmany(2), named.scroll(3), named.fetchone(), named.scroll(1, mode="absolute"), named.fetchmany(2), [n for n, in named][-1])
    with conn.pipeline() as pipeline, conn.cursor() as first, conn.cursor() as second:
        first.execute("insert into t (n) values (%s) returning id", (1,)), second.execute("select count(*) from t")
        pipeline.sync()
        print(first.fetchone(), second.fetchone())
    try:
        with conn.pipeline():
            conn.execute("select 1"), conn.execute("select 1 / 0"), conn.execute("select 2")
    except psycopg.Error as error:
        print(type(error).__name__, error.diag.sqlstate, error.diag.severity, error.diag.message_primary)
    cursor = conn.cursor()
    cursor.executemany("insert into t (n) values (%s) returning n", [(n,) for n in range(3)], returning=True)
    print([r.fetchone() for r in cursor.results()], cursor.rowcount)
    with cursor.copy("copy t (mood, n) from stdin (format binary)") as copy:
        copy.set_types(["mood", "numeric"])
        for n in range(3):
            copy.write_row((Mood.ok, Decimal(n) / 3))
    with cursor.copy("copy (select id, mood, round(n, 5), pair from t order by id) to stdout") as copy:
        print([row for row in copy.rows()])
    try:
        with cursor.copy("copy t (n) from stdin (format csv, header match)") as copy:
            copy.write("m\n1\n")
    except psycopg.Error as error:
        print(error, error.diag.context)
    conn.execute("listen here"), conn.execute("select pg_notify('here', 'x')"), conn.execute("notify here, 'y'")
    print([(n.channel, n.payload) for n in conn.notifies(timeout=1, stop_after=2)])
    conn.add_notice_handler(lambda notice: print("notice", notice.severity, notice.message_primary, notice.sqlstate))
    conn.execute("do $$ begin raise notice 'said %', 5; raise warning 'w' using errcode = '01777'; end $$"), conn.execute("drop table if exists nothing")
    conn.prepare_threshold = 1
    for n in range(4):
        conn.execute("select %s::int + n from t where id = 1", (n,)).fetchone()
    print(conn.execute("select statement, parameter_types from pg_prepared_statements").fetchall(), conn.execute("table t limit 0", prepare=True).fetchall())
    conn.execute("alter table t add more int"), print(len(conn.execute("table t", prepare=True).fetchall()[0]))
with psycopg.connect(url) as conn:
    conn.isolation_level, conn.read_only, conn.deferrable = psycopg.IsolationLevel.SERIALIZABLE, True, True
    print(conn.execute("show transaction_isolation").fetchone(), conn.info.transaction_status.name, conn.info.encoding, conn.info.parameter_status("standard_conforming_strings"), conn.info.timezone)
    try:
        conn.execute("insert into t default values")
    except psycopg.errors.ReadOnlySqlTransaction as error:
        print(error)
    conn.rollback()
    conn.read_only = conn.isolation_level = conn.deferrable = None
    with conn.transaction() as outer:
        conn.execute("insert into t (n) values (100)")
        with conn.transaction("inner", force_rollback=True):
            conn.execute("insert into t (n) values (101)")
    print(conn.execute("select n from t where n >= 100").fetchall())
with ConnectionPool(url, min_size=2, max_size=4, open=True, check=ConnectionPool.check_connection) as pool:
    pool.wait()
    with pool.connection() as one, pool.connection() as two:
        print(one.execute("select pg_backend_pid()").fetchone() != two.execute("select pg_backend_pid()").fetchone(), pool.get_stats()["pool_size"])
