"""What scripts/exhaust tries: statements with the SQLSTATEs that may answer them, and ways to behave at a connection."""

import socket
import struct
import time

from servers import Connection, errors

# PostgreSQL does it, or what is missing here is named.
OK = {"ok", "42883", "0A000"}
# More than a value, a session or the server can have.
MEMORY = OK | {"53200", "54000"}
# Too deep or too complex, or done.
DEEP = OK | {"54001", "54000", "53200", "54023", "54011", "2201B"}
TIME = OK | {"22003", "22007", "22008"}

STATEMENTS = []


def add(allowed, *texts):
    STATEMENTS.extend((text, allowed) for text in texts)


# Time inside of functions.
add(
    TIME | MEMORY,
    "select length(regexp_replace(repeat('a', 2000000), 'a|a*b', 'x', 'g'))",
    "select regexp_count(repeat('a', 2000000), 'a|a*b')",
    "select count(*) from regexp_matches(repeat('a', 200000), 'a|a*b', 'g')",
    "select regexp_split_to_array(repeat('a', 200000), 'a|a*b')",
    "select count(*) from regexp_split_to_table(repeat('a', 200000), 'a|a*b')",
    "select repeat('a', 1000000) ~ '(a*)*b'",
    "select repeat('ab', 500000) ~ '(a|b|ab)*c'",
    "select repeat('a', 100000) similar to '%a%a%a%a%a%a%b'",
    "select repeat('a', 100000) like '%a%a%a%a%a%a%a%a%b'",
    "select repeat('a', 100000) ilike '%a%a%a%a%a%a%a%a%b'",
    "select repeat('a', 50000) like repeat('%a', 20000) || 'b'",
    "select (select array_agg(g) from generate_series(1, 60000) g) && (select array_agg(-g) from generate_series(1, 60000) g)",
    "select (select array_agg(g) from generate_series(1, 60000) g) @> (select array_agg(g) from generate_series(1, 60000) g)",
    "select array_remove((select array_agg(g) from generate_series(1, 200000) g), 5) is null",
    "select array_positions(array_fill(1, array[300000]), 1) is null",
    "select length(sha256(repeat('x', 300000000)::bytea))",
    "select md5(repeat('x', 300000000))",
    "select length(repeat('9', 1000000)::numeric::text)",
    "select length((repeat('9', 100000)::numeric * repeat('9', 100000)::numeric)::text)",
    "select (repeat('9', 100000)::numeric / 7) is null",
    "select (repeat('9', 100000)::numeric % 7) is null",
    "select length(power(9.9::numeric, 20000)::text)",
    "select exp(5000.5::numeric) is null",
    "select ln(repeat('9', 10000)::numeric) is null",
    "select sqrt(repeat('9', 20000)::numeric) is null",
    "select factorial(20000) is null",
    "select gcd(repeat('9', 20000)::numeric, repeat('7', 19999)::numeric) is null",
    "select count(*) from generate_series(1, 100000000000)",
    "select count(*) from generate_series(1::numeric, 100000000000::numeric)",
    "select count(*) from generate_series('2000-01-01'::timestamp, '290000-01-01', '1 second')",
    "select count(*) from generate_series(1, 3000000) a, generate_series(1, 3000000) b",
    "select generate_subscripts(array[1, 2], 2147483647)",
    "select count(*) from generate_subscripts(array[[1],[2]], 2147483647)",
    "select array_length(array[1], 2147483647)",
    "select length(replace(repeat('a', 1000000), repeat('a', 500000) || 'b', 'x'))",
    "select position(repeat('a', 500000) || 'b' in repeat('a', 1000000))",
    "select strpos(repeat('a', 500000), repeat('a', 250000) || 'b')",
    "select position(repeat('a', 50000)::bytea || 'b'::bytea in repeat('a', 100000)::bytea)",
    "select length(translate(repeat('z', 1000000), repeat('a', 10000), 'b'))",
    "select length(ltrim(repeat('z', 1000000), repeat('a', 10000) || 'z'))",
    "select length(btrim(repeat('z', 100000)::bytea, (repeat('a', 10000) || 'z')::bytea))",
    "select split_part(repeat('a,', 10000000), ',', 9999999)",
    "select length(reverse(repeat('a', 100000000)))",
    "select length(upper(repeat('é', 100000000)))",
    "select length(initcap(repeat('é ', 10000000)))",
    "select length(to_char(1, repeat('9', 10000000)))",
    "select length(to_char(now(), repeat('YYYY', 5000000)))",
    "select to_timestamp(repeat('1', 1000000), repeat('Y', 1000000))",
    "select to_number(repeat('1', 1000000), repeat('9', 1000000))",
    "select quote_literal(repeat('''', 100000000)) is null",
    "select string_to_array(repeat('a', 10000000), null) is null",
    "select count(*) from string_to_table(repeat('a,', 10000000), ',')",
    "select count(*) from unnest((select array_agg(g) from generate_series(1, 3000000) g))",
    "select (select jsonb_object_agg(g, g) from generate_series(1, 200000) g) @> (select jsonb_object_agg(g, g) from generate_series(1, 200000) g)",
    "select (select jsonb_agg(g) from generate_series(1, 30000) g) @> (select jsonb_agg(g) from generate_series(1, 30000) g)",
    "select (select jsonb_agg(g) from generate_series(1, 30000) g) - 'x' is null",
    "select convert_from(repeat('x', 200000000)::bytea, 'utf8') is null",
    "select length(encode(repeat('x', 200000000)::bytea, 'base64'))",
    "select length(decode(repeat('eHh4', 20000000), 'base64'))",
    "select length(encode(repeat('x', 200000000)::bytea, 'escape'))",
    "select sum(length(md5(g::text))) from generate_series(1, 100000000) g",
    "select max(repeat('x', 100000) || g) from generate_series(1, 100000000) g",
    "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r",
    "with recursive r(n) as (select 1 union all select n from r) select * from r limit 10000000",
    "with recursive r(t) as (select 'x' union all select t || t from r) select max(length(t)) from r",
    "select count(distinct repeat('x', 1000) || g) from generate_series(1, 10000000) g",
    "select g from generate_series(1, 10000000) g order by md5(g::text) limit 1",
    "select count(*) over (order by g range between unbounded preceding and unbounded following) from generate_series(1, 1000000) g limit 1",
    "select array_agg(g) over (order by g) from generate_series(1, 100000) g limit 1 offset 90000",
    "select string_agg(g::text, ',') over (order by g) from generate_series(1, 20000) g limit 1 offset 19000",
    "select pg_sleep(1000000)",
)

# Memory.
add(
    MEMORY,
    "select array_fill(1, array[134217727])",
    "select array_fill(repeat('x', 1000), array[1000000])",
    "select array_fill(1, array[10000, 10000])",
    "select length(repeat('x', 1073741823))",
    "select repeat('x', 536870912)",
    "select repeat('x', 250000000), repeat('y', 250000000), repeat('z', 250000000), repeat('u', 250000000), repeat('v', 250000000)",
    "select length(lpad('x', 1073741823, 'yz'))",
    "select length(rpad('x', 1000000000))",
    "select length(rpad('x', 1000000000, 'é'))",
    "select length(string_agg(repeat('x', 1000000), ',')) from generate_series(1, 5000)",
    "select length(string_agg(repeat('x', 1000000)::bytea, ','::bytea)) from generate_series(1, 5000)",
    "select array_agg(repeat('x', 1000000)) is null from generate_series(1, 5000)",
    "select json_agg(repeat('x', 1000000)) is null from generate_series(1, 5000)",
    "select jsonb_agg(repeat('x', 1000000)) is null from generate_series(1, 5000)",
    "select json_object_agg(g, repeat('x', 1000000)) is null from generate_series(1, 5000) g",
    "select jsonb_object_agg(g, repeat('x', 1000000)) is null from generate_series(1, 5000) g",
    "select array_agg(g) is null from generate_series(1, 200000000) g",
    "select string_agg(g::text, '') is null from generate_series(1, 200000000) g",
    "select string_agg(distinct g::text, '') is null from generate_series(1, 20000000) g",
    "select array_agg(distinct g) is null from generate_series(1, 20000000) g",
    "select percentile_disc(0.5) within group (order by g) from generate_series(1, 20000000) g",
    "select mode() within group (order by g) from generate_series(1, 20000000) g",
    "select length(format('%1000000000s', 'x'))",
    "select length(format('%2147483647s', 'x'))",
    "select length(format(repeat('%1$s', 1000), repeat('x', 1000000)))",
    "select length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
    "select length(translate(repeat('x', 100000000), 'x', 'é'))",
    "select length(regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g'))",
    "select length(regexp_replace(repeat('x', 1000000), '(x*)', repeat('\\1', 5000)))",
    "select length(array_to_string(array_fill(repeat('x', 100000), array[20000]), ''))",
    "select length(concat_ws(repeat('x', 100000000), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))",
    "select length(array_to_string(array_fill(1, array[100000]), repeat('x', 100000)))",
    "select length(quote_literal(repeat('''', 900000000)))",
    "select length(repeat('x', 900000000) || repeat('y', 900000000))",
    "select length(overlay(repeat('x', 900000000) placing repeat('y', 900000000) from 1 for 0))",
    "select length(encode(repeat('x', 900000000)::bytea, 'hex'))",
    "select length(encode(repeat('x', 900000000)::bytea, 'base64'))",
    "select length(decode(repeat('00', 500000000), 'hex'))",
    "select repeat('x', 600000000)::bytea",
    "select length(to_json(repeat('\"', 600000000))::text)",
    "select length(to_jsonb(repeat(chr(1), 200000000))::text)",
    "select length(array_to_json(array_fill(1, array[30000000]))::text)",
    "select length(jsonb_pretty((select jsonb_agg(g) from generate_series(1, 5000000) g)))",
    "select string_to_array(repeat('x,', 100000000), ',') is null",
    "select regexp_split_to_array(repeat('x,', 50000000), ',') is null",
    "select array(select repeat('x', 1000000) from generate_series(1, 5000)) is null",
    "select array_cat(array_fill(1, array[50000000]), array_fill(1, array[50000000])) is null",
    "select length(upper(repeat('x', 1000000000)))",
    "select set_config('a.b', repeat('x', 300000000), false) is null",
    "begin; declare c scroll cursor for select repeat('x', 1000000) from generate_series(1, 10000); move all in c; rollback",
    "begin; declare c cursor with hold for select repeat('x', 1000000) from generate_series(1, 10000); commit",
    "begin; declare c scroll cursor for select g from generate_series(1, 1000000000) g; move all in c; rollback",
    "begin; " + "select pg_notify('c', repeat('x', 7000)); " * 2000 + "rollback",
    "select count(pg_notify('c' || g, repeat('x', 7000))) from generate_series(1, 1000000) g",
    [f"prepare p{n} as select '{'x' * 300_000}' || $1" for n in range(2_000)],
    [f"select set_config('a.b{n}', repeat('x', 20000000), false) is null" for n in range(60)],
    ["begin"] + [f"savepoint s{n}" for n in range(3000)] + ["rollback"],
    ["begin"] + [f"declare c{n} cursor for select repeat('x', 1000000) from generate_series(1, 1000)" for n in range(1000)] + ["rollback"],
    [f"listen c{n}" for n in range(3000)],
    "create temp table big as select repeat('x', 1000000) x from generate_series(1, 300)",
    "values " + ", ".join(f"({n})" for n in range(100_000)),
    "select 1 where 1 in (" + ", ".join(str(n) for n in range(200_000)) + ")",
    "select 1 where 'x' in (" + ", ".join(f"'{n}'" for n in range(70_000)) + ")",
    "select array[" + ", ".join(str(n) for n in range(50_000)) + "] is null",
    "select array_length(array[" + ", ".join(str(n) for n in range(1_500)) + "], 1)",
    "insert into neighbours select 10 + n, n from (values " + ", ".join(f"({n})" for n in range(30_000)) + ") v(n) where false",
)

# Stack and planning.
add(
    DEEP | {"42601", "42P01"},
    "select " + "(" * 100_000 + "1" + ")" * 100_000,
    "select " + "not " * 100_000 + "true",
    "select " + "- " * 100_000 + "1",
    "select " + "1 + " * 100_000 + "1",
    "select " + "true and " * 100_000 + "true",
    "select " + "true or " * 20_000 + "true",
    "select " + "'a' || " * 20_000 + "'a'",
    "select " + " || ".join(["'x'"] * 70_000),
    "select " + "abs(" * 50_000 + "1" + ")" * 50_000,
    "select " + "coalesce(1, " * 20_000 + "1" + ")" * 20_000,
    "select " + "case when true then " * 20_000 + "1" + " end" * 20_000,
    "select 1" + "::int" * 50_000,
    "select " + "array[" * 10_000 + "1" + "]" * 10_000,
    "select " + "(select " * 10_000 + "1" + ")" * 10_000,
    "select * from " + "(select * from " * 5_000 + "(select 1) x" + ") x" * 5_000,
    "select 1" + " union all select 1" * 20_000,
    "select 1" + " union select 1" * 2_000,
    "select 1" + " except select 1" * 900,
    "select exists (" * 5_000 + "select 1" + ")" * 5_000,
    "select 1 from " + ", ".join(f"(select 1) t{n}" for n in range(3_000)),
    "select 1 from " + " cross join ".join(f"(select 1) t{n}" for n in range(100)),
    "select 1 from neighbours t0 " + " ".join(f"join neighbours t{n} on t{n}.id = t{n - 1}.id" for n in range(1, 60)),
    "select 1 from neighbours t0 " + " ".join(f"left join neighbours t{n} on t{n}.id = t0.id" for n in range(1, 300)),
    "with " + ", ".join(f"c{n} as (select 1 from {'neighbours' if n == 0 else f'c{n - 1} a, c{n - 1} b, c{n - 1} c'})" for n in range(30)) + " select count(*) from c29",
    "select " + ", ".join(str(n) for n in range(1_700)),
    "select " + ", ".join(str(n) for n in range(3_000)),
    "select " + " ".join("trim(both from 'x') ||" for _ in range(60_000)) + " ''",
    "select " + ", ".join("trim(both from 'x')" for _ in range(1_600)),
    "select '" + "[" * 100_000 + "]" * 100_000 + "'::json is null",
    "select '" + "[" * 100_000 + "]" * 100_000 + "'::jsonb is null",
    "select repeat('[', 10000000)::json",
    "select repeat('{\"a\":', 1000000)::jsonb",
    "select (repeat('[', 6000) || repeat(']', 6000))::jsonb = (repeat('[', 6000) || repeat(']', 6000))::jsonb",
    "select jsonb_pretty((repeat('[', 6000) || repeat(']', 6000))::jsonb) is null",
    "select jsonb_strip_nulls((repeat('[', 6000) || repeat(']', 6000))::jsonb) is null",
    "select (repeat('[', 6000) || repeat(']', 6000))::jsonb @> (repeat('[', 6000) || repeat(']', 6000))::jsonb",
    "select jsonb_build_array(" * 2_000 + "1" + ")" * 2_000,
    "select repeat('(', 100000) ~ repeat('(', 100000)",
    "select 'x' ~ (repeat('(', 10000) || repeat(')', 10000))",
    "select 'x' ~ (repeat('(a', 10000) || repeat(')*', 10000))",
    "select 'x' ~ '((((x{1,255}){1,255}){1,255}){1,255})'",
    "select 'x' similar to (repeat('(', 10000) || repeat(')', 10000))",
    "select 'x' ~ ('[' || repeat('a-z', 1000000) || ']')",
    "select null::int" + "[]" * 10_000,
    "select null::int" + "[]" * 100,
    "create table t_deep (a int check (" + "(" * 5_000 + "a > 0" + ")" * 5_000 + "))",
    "create table t_deep2 (a int check (" + "a > 0 and " * 3_000 + "a > 0))",
    "create table t_deep3 (a int default " + "1 + " * 3_000 + "1)",
    "create view v_deep as select " + "1 + " * 3_000 + "1 as a",
    "select pg_get_viewdef('v_deep'::regclass)",
    ["drop view if exists w0 cascade", "create view w0 as select 1 as a"]
    + [f"create view w{n} as select x.a from w{n - 1} x, w{n - 1} y, w{n - 1} z" for n in range(1, 14)]
    + ["select count(*) from w13"],
    ["drop table if exists f0 cascade", "create table f0 (id int primary key)"]
    + [f"create table f{n} (id int primary key references f{n - 1} on delete cascade)" for n in range(1, 60)]
    + ["delete from f0"],
)
add(DEEP | {"42601", "22P02"}, "select '" + "{" * 100_000 + "}" * 100_000 + "'::int[] is null", "select '" + "{" * 6_000 + "1" + "}" * 6_000 + "'::int[] is null")
add(DEEP | {"42601", "42P07"}, "create table t_wide (" + ", ".join(f"c{n} int" for n in range(1_700)) + ")")
add({"54011", "ok"}, "create table t_wider (" + ", ".join(f"c{n} int" for n in range(3_000)) + ")")

# SQLite's limits and texts.
add({"22014"}, "select ntile(0) over () from neighbours")
add({"22016"}, "select nth_value(id, 0) over () from neighbours")
add(
    {"22013"},
    "select sum(id) over (order by id rows -1 preceding) from neighbours",
    "select sum(id) over (order by id groups -1 preceding) from neighbours",
)
# SQLite wants a constant there.
add({"22013"}, "select sum(id) over (order by id rows between 1 preceding and (select -1) following) from neighbours")
add(
    OK | {"54001", "54000", "53200"},
    "select 1" + " union all select 1" * 900,
    "select " + "1 + " * 1_200 + "1",
    "select " + " || ".join(["id::text"] * 1_200) + " from neighbours limit 1",
    "select 'x' like '" + "%x" * 100_000 + "'",
    "select greatest(" + ", ".join(str(n) for n in range(1_500)) + ")",
    "select coalesce(" + ", ".join("null" for n in range(1_500)) + ", 1)",
    "select case " + " ".join(f"when id = {n} then {n}" for n in range(5_000)) + " end from neighbours",
    "select 1 from neighbours where " + " or ".join(f"id = {n}" for n in range(5_000)),
    "update neighbours set n = n where id in (" + ", ".join(str(n) for n in range(100, 70_100)) + ")",
)

add({"54023"}, "select concat(" + ", ".join(str(n) for n in range(1_500)) + ")")

# Names that the server's own SQL uses.
NAMES = ["json_each", "dbstat", "pg_unnest", '"pg_catalog.pg_class"', "json_tree", "pragma_table_info", "sqlite_dbpage", "fts3tokenize", "pg_generate_series_int", '"information_schema.columns"', "generate_series", "pg_class"]
for name in NAMES:
    STATEMENTS.append(([f"create table {name} (a int)", "select count(*) from unnest(array[1, 2])", "select count(*) from pg_class", f"drop table {name}"], OK | {"42P07", "42P01", "42939", "42809", "42501"}))


# Connections.


def expect(attack, what, condition):
    if not condition:
        attack.problems.append(what)
    return condition


def held(attack, short, act):
    """Many connections that have done something and stay; the next one must still be served or refused in words."""
    kept = []
    for _ in range(50 if short else 300):
        try:
            kept.append(act())
        except (OSError, RuntimeError):
            break
    time.sleep(0.5)
    served = False
    try:
        served = b"7" in Connection(attack.server.port).query("select 7")
    except (OSError, RuntimeError) as error:
        attack.problems.append(f"after {len(kept)} connections: {error}")
    for one in kept:
        one.close()
    return served


def silent_connections(attack, short):
    return held(attack, short, lambda: socket.create_connection(("127.0.0.1", attack.server.port), timeout=10))


def half_a_start_up(attack, short):
    def act():
        conn = socket.create_connection(("127.0.0.1", attack.server.port), timeout=10)
        conn.sendall(struct.pack("!ii", 5000, 196608))
        return conn

    return held(attack, short, act)


def start_up_of_two_gigabytes(attack, short):
    def act():
        conn = socket.create_connection(("127.0.0.1", attack.server.port), timeout=10)
        conn.sendall(struct.pack("!ii", 2**31 - 1, 196608))
        return conn

    return held(attack, short, act)


def announced(attack, length, sent):
    def act():
        connection = Connection(attack.server.port)
        connection.socket.sendall(b"Q" + struct.pack("!I", length))
        connection.socket.sendall(b"x" * sent)
        return connection.socket

    return act


def messages_announced_and_not_sent(attack, short):
    return held(attack, short, announced(attack, 200 << 20, 0))


def messages_half_sent(attack, short):
    return held(attack, short, announced(attack, 200 << 20, 8 << 20))


def unanswered(attack, statement, *before):
    """A session sends the statement and waits for nothing."""
    message = statement.encode() + b"\0"

    def act():
        connection = Connection(attack.server.port)
        for setting in before:
            connection.query(setting)
        connection.send(b"Q", message)
        return connection.socket

    return act


def many_sessions_that_sleep(attack, short):
    return held(attack, short, unanswered(attack, "select pg_sleep(3)"))


def many_sessions_that_compute(attack, short):
    statement = "select count(*) from generate_series(1, 1000000000)"
    return held(attack, short, unanswered(attack, statement, "set statement_timeout = '5s'"))


def many_sessions_that_plan(attack, short):
    statement = "select 1 where 1 in (" + ", ".join(str(n) for n in range(100_000)) + ")"
    return held(attack, short, unanswered(attack, statement, "set statement_timeout = '5s'"))


def many_sessions_that_grow(attack, short):
    statement = "select length(repeat('x', 400000000)) + count(*) from generate_series(1, 100000000)"
    return held(attack, short, unanswered(attack, statement, "set statement_timeout = '5s'"))


def readers_that_do_not_read(attack, short):
    return held(attack, short, unanswered(attack, "select repeat('x', 10000) from generate_series(1, 100000)"))


def parse_without_end(attack, short):
    """Prepared statements of the extended protocol under ever new names."""
    connection = Connection(attack.server.port)
    body = b"select '" + b"x" * 200_000 + b"' || $1"
    codes = set()
    for number in range(2_000):
        connection.send(b"P", b"s%d\0" % number + body + b"\0\0\0")
        connection.send(b"S", b"")
        codes |= {error for error in errors(connection.read())}
        if codes:
            break
    return expect(attack, f"Parse without end: {codes}", all(b"C53200\0" in code for code in codes))


def bind_without_end(attack, short):
    """Portals under ever new names, with large values."""
    connection = Connection(attack.server.port)
    connection.query("begin")
    connection.send(b"P", b"s\0select $1::text\0\0\0")
    codes, value = set(), b"x" * 1_000_000
    for number in range(2_000):
        body = b"p%d\0s\0\0\0" % number + struct.pack("!hi", 1, len(value)) + value + b"\0\0"
        connection.send(b"B", body)
        connection.send(b"S", b"")
        codes |= {error for error in errors(connection.read())}
        if codes:
            break
    return expect(attack, f"Bind without end: {codes}", all(b"C53200\0" in code for code in codes))


def pipeline_without_reading(attack, short):
    connection = Connection(attack.server.port, timeout=5)
    try:
        for _ in range(20_000):
            connection.send(b"Q", b"select repeat('x', 10000)\0")
    except OSError:
        pass
    connection.socket.close()
    return b"7" in Connection(attack.server.port).query("select 7")


def connect_and_leave(attack, short):
    for _ in range(200 if short else 3_000):
        socket.create_connection(("127.0.0.1", attack.server.port), timeout=10).close()
    return b"7" in Connection(attack.server.port).query("select 7")


def cancel_requests(attack, short):
    for number in range(200 if short else 3_000):
        with socket.create_connection(("127.0.0.1", attack.server.port), timeout=10) as conn:
            conn.sendall(struct.pack("!iiii", 16, 80877102, number, number))
    return b"7" in Connection(attack.server.port).query("select 7")


def copy_line_without_end(attack, short):
    connection = Connection(attack.server.port)
    connection.query("create table if not exists copied (a text)")
    connection.send(b"Q", b"copy copied from stdin\0")
    chunk, told = b"x" * (1 << 20), b""
    connection.socket.settimeout(0.01)
    for _ in range(1_500):
        try:
            connection.socket.settimeout(30)
            connection.send(b"d", chunk)
        except OSError:
            break
    connection.socket.settimeout(30)
    try:
        connection.send(b"f", b"enough\0")
        told = connection.read()
    except (OSError, ConnectionError) as error:
        told = str(error).encode()
    return expect(attack, f"COPY of a line without end: {told[:200]}", b"53200" in told or b"54000" in told or b"57014" in told)


BEHAVIOURS = [
    silent_connections, half_a_start_up, start_up_of_two_gigabytes, messages_announced_and_not_sent, messages_half_sent,
    many_sessions_that_sleep, many_sessions_that_compute, many_sessions_that_plan, many_sessions_that_grow,
    readers_that_do_not_read, parse_without_end, bind_without_end, pipeline_without_reading, connect_and_leave,
    cancel_requests, copy_line_without_end,
]
