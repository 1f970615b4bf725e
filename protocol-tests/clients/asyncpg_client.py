"""asyncpg: binary everything, type introspection, prepared statements, cursors, COPY, pool, listeners of errors."""

import asyncio
import datetime as dt
import io
import ipaddress
import json
import os
import uuid
from decimal import Decimal

import asyncpg


async def main():
    conn = await asyncpg.connect(host=os.environ["PGHOST"], port=os.environ["PGPORT"], ssl=False)
    await conn.execute("drop table if exists ap_t")
    await conn.execute(
        "create table ap_t (id serial primary key, b boolean, i2 smallint, i int, big bigint, f4 real, f float8, n numeric,"
        " s text, v varchar(10), c char(5), bin bytea, u uuid, d date, t time, ts timestamp, tz timestamptz, iv interval,"
        " j jsonb, a text[], ia int[])"
    )
    values = [
        True, 3, -7, 2**40, 0.5, 1e-7, Decimal("123456789.000001"), "text", "v", "c    ", b"\x00\xff", uuid.uuid4(),
        dt.date(2024, 2, 29), dt.time(1, 2, 3, 4), dt.datetime(2024, 2, 29, 1, 2, 3, 5),
        dt.datetime(2024, 2, 29, tzinfo=dt.timezone.utc), dt.timedelta(days=400, seconds=61), json.dumps({"a": 1}),
        ["x", None, "y,z"], [1, None, -3],
    ]
    columns = "b, i2, i, big, f4, f, n, s, v, c, bin, u, d, t, ts, tz, iv, j, a, ia"
    marks = ", ".join(f"${i + 1}" for i in range(len(values)))
    assert await conn.fetchval(f"insert into ap_t ({columns}) values ({marks}) returning id", *values) == 1
    row = await conn.fetchrow(f"select {columns} from ap_t where id = $1", 1)
    got = list(row)
    got[17] = json.dumps(json.loads(got[17]))
    assert got == values, (got, values)
    await conn.execute(f"insert into ap_t ({columns}) values ({marks})", *([None] * len(values)))
    assert await conn.fetchval("select count(*) from ap_t where b is null") == 1

    # Introspection of a prepared statement.
    statement = await conn.prepare("select id, s, n from ap_t where id = $1 and s = $2")
    assert [p.name for p in statement.get_parameters()] == ["int4", "text"]
    assert [a.type.name for a in statement.get_attributes()] == ["int4", "text", "numeric"]
    assert (await statement.fetchrow(1, "text"))["n"] == values[6]

    # Transactions, nested ones as savepoints.
    try:
        async with conn.transaction():
            await conn.execute("delete from ap_t")
            try:
                async with conn.transaction():
                    await conn.execute("insert into no_such values (1)")
            except asyncpg.UndefinedTableError:
                pass
            assert await conn.fetchval("select count(*) from ap_t") == 0
            raise KeyError
    except KeyError:
        pass
    assert await conn.fetchval("select count(*) from ap_t") == 2
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        assert await conn.fetchval("show transaction_isolation") == "repeatable read"
        try:
            await conn.execute("delete from ap_t")
            raise AssertionError("written in a read-only transaction")
        except asyncpg.ReadOnlySQLTransactionError:
            pass
        except asyncpg.InFailedSQLTransactionError:
            pass

    # Errors.
    try:
        await conn.execute("insert into ap_t (id) values (1)")
        raise AssertionError
    except asyncpg.UniqueViolationError as error:
        assert error.constraint_name == "ap_t_pkey" and error.table_name == "ap_t", error.as_dict()
    for sql, kind in [
        ("select 1/0", asyncpg.DivisionByZeroError),
        ("selec", asyncpg.PostgresSyntaxError),
        ("select 'a'::int", asyncpg.InvalidTextRepresentationError),
        ("select nothing from ap_t", asyncpg.UndefinedColumnError),
    ]:
        try:
            await conn.fetch(sql)
            raise AssertionError(sql)
        except kind:
            pass

    # Cursors are portals with a row limit.
    async with conn.transaction():
        total = 0
        async for record in conn.cursor("select i from generate_series(1, $1::int) as g(i)", 1000, prefetch=50):
            total += record["i"]
        assert total == 500500
        cursor = await conn.cursor("select i from generate_series(1, 10) as g(i)")
        assert [r["i"] for r in await cursor.fetch(3)] == [1, 2, 3]
        assert (await cursor.fetchrow())["i"] == 4

    # executemany and COPY in binary.
    await conn.executemany("insert into ap_t (i, s) values ($1, $2)", [(i, str(i)) for i in range(1000)])
    result = await conn.copy_records_to_table("ap_t", records=[(5000 + i, f"c{i}") for i in range(3000)], columns=["i", "s"])
    assert result == "COPY 3000", result
    out = io.BytesIO()
    result = await conn.copy_from_query("select i, s from ap_t where i >= $1 order by i", 7998, output=out, format="csv")
    assert result == "COPY 2" and out.getvalue() == b"7998,c2998\n7999,c2999\n", out.getvalue()
    try:
        await conn.copy_to_table("ap_t", source=io.BytesIO(b"x,y\n"), columns=["i", "s"], format="csv")
        raise AssertionError
    except asyncpg.InvalidTextRepresentationError:
        pass

    # A timeout cancels the statement and the connection goes on.
    try:
        await conn.fetchval("select pg_sleep(30)", timeout=0.3)
        raise AssertionError
    except asyncio.TimeoutError:
        pass
    assert await conn.fetchval("select 1") == 1

    # A pool of connections, each reset when it comes back.
    async with asyncpg.create_pool(host=os.environ["PGHOST"], port=os.environ["PGPORT"], ssl=False, min_size=2, max_size=8) as pool:
        async def work(n):
            async with pool.acquire() as other:
                async with other.transaction():
                    await other.execute("update ap_t set i2 = coalesce(i2, 0) + 1 where id = 1")
                    return await other.fetchval("select $1::int", n)

        assert await asyncio.gather(*(work(n) for n in range(40))) == list(range(40))
    assert await conn.fetchval("select i2 from ap_t where id = 1") == 43
    assert conn.get_settings().server_encoding == "UTF8"
    assert conn.get_server_version().major >= 13
    await conn.execute("drop table ap_t")
    await less_common_types(conn)
    await conn.close()
    print("PASS")


async def less_common_types(conn):
    """Ranges, multiranges, bits, geometry, networks, composites, and what extensions bring: in binary, both ways."""
    span = asyncpg.Range
    values = {
        "int4range": span(1, 5), "int8range": span(None, 7), "numrange": span(Decimal("1.5"), Decimal("2.5"), upper_inc=True),
        "daterange": span(dt.date(2020, 1, 1), dt.date(2020, 2, 1)), "tsrange": span(dt.datetime(2020, 1, 1), None),
        "bit(5)": asyncpg.BitString("10110"), "varbit": asyncpg.BitString("101"),
        "point": asyncpg.Point(1, -2.5), "lseg": asyncpg.LineSegment((0, 0), (1, 1)), "line": asyncpg.Line(1, -1, 0),
        "box": asyncpg.Box((3, 4), (-1, -2)), "path": asyncpg.Path((0, 0), (1, 1), (2, 0), is_closed=True),
        "polygon": asyncpg.Polygon((0, 0), (1, 1), (2, 0)), "circle": asyncpg.Circle((1, 2), 3),
        "inet": ipaddress.ip_interface("10.1.2.3/8"), "cidr": ipaddress.ip_network("10.0.0.0/8"),
        "int4range[]": [span(1, 2), span(empty=True)], "xid8": 2**40, "tid": (7, 9),
    }
    # Of a server that says it is older asyncpg does not ask for multiranges.
    if conn.get_server_version().major >= 14:
        values["int4multirange"] = [span(1, 3), span(5, 9)]
    for name, value in values.items():
        got = await conn.fetchrow(f"select $1::{name} as value, $1::{name}::text as text", value)
        assert got["value"] == value, (name, got, value)
    await conn.execute("drop type if exists ap_pair cascade; create type ap_pair as (n int, s text); create table ap_p (p ap_pair, a ap_pair[])")
    await conn.execute("insert into ap_p values ($1, $2)", (1, "é"), [(2, None), (3, "x")])
    row = await conn.fetchrow("select p, a from ap_p where (p).n = 1")
    assert tuple(row["p"]) == (1, "é") and [tuple(part) for part in row["a"]] == [(2, None), (3, "x")], row
    await conn.execute("drop table ap_p; drop type ap_pair")
    await conn.execute("create extension if not exists hstore; create extension if not exists citext; create extension if not exists ltree")
    await conn.set_builtin_type_codec("hstore", codec_name="pg_contrib.hstore")
    pairs = {"a": "1", "b": None, "é": 'quo"te'}
    assert await conn.fetchval("select $1::hstore || 'c=>2'::hstore", pairs) == {**pairs, "c": "2"}
    assert await conn.fetchval("select $1::citext = 'ABC'::citext", "abc")
    assert await conn.fetchval("select 'a.b.c'::ltree <@ $1::text::ltree", "a.b")


asyncio.run(main())
