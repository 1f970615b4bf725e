"""More of random SQL for scripts/differential: further types (times, ranges, char, real, inet), further constructs (GROUPING
SETS, frames with offsets, WITH TIES, MERGE, views, partitions, generated and identity columns, triggers, PL/pgSQL, prepared
statements, assignment casts). What random_sql.py says of right answers holds here as well.
"""

import re

import random_sql
from random_sql import Generator, Node, Unit, optional

ALSO = {"ti": "time", "ir": "int4range", "tr": "tsrange", "c": "bpchar", "f4": "float4", "ip": "inet", "nr": "numrange", "an": "numeric[]", "dr": "daterange"}
DECLARED = {"c": "char(5)"}
VALUES = {
    "time": ["00:00:00", "12:34:56.789", "23:59:59.999999", "04:05:06"],
    "int4range": ["empty", "[1,5)", "[3,)", "(,2]", "[7,7]", "(,)", "[-3,0]"],
    "tsrange": ["empty", "[2000-01-01 00:00,2000-02-01 00:00)", "[2024-02-29 12:00,)", "(,1999-12-31 23:59:59]"],
    "bpchar": ["a", "ab ", "abc", "", "ä", "ABCDE", "zz   "],
    "float4": ["0", "0.1", "-1.5", "3.4", "16777217", "1e-3"],
    "inet": ["10.0.0.1", "10.0.0.0/8", "192.168.1.5/24", "::1", "fe80::/10"],
    "numrange": ["empty", "[1.0,2.50)", "(0,10]", "[2.5,2.5]", "(,3.14)"],
    "numeric[]": ["{}", "{1.0,2.50}", "{NULL}", "{3,1,2}", "{1.00,2.5}"],
    "daterange": ["empty", "[2000-01-01,2000-01-31]", "[2024-02-29,)", "(,1999-12-31]"],
}  # fmt: skip
EXPRESSIONS = {
    "time": ["({timestamp})::time", "({time} + interval '90 minutes')", "({time} - interval '1 hour')", "least({time}, {time})", "make_time(abs({int2}) % 24, 30, 1.5)", "date_trunc('minute', {time})::time", "({timestamptz})::time"],
    "int4range": ["int4range({int4}, null)", "int4range(least({int4}, 5), 5 + abs({int4} % 100), '[]')", "int4range({int2}::int4, {same}::int4 + 7)", "({int4range} * {int4range})", "range_merge({int4range}, {int4range})", "int4range({int2}::int4, 500, '(]')", "(({int4range})::text)::int4range"],
    "tsrange": ["({tsrange} * {tsrange})", "tsrange({timestamp}, null)", "range_merge({tsrange}, {tsrange})", "tsrange({timestamp}, {same} + interval '40 days', '[]')"],
    "bpchar": ["({text})::char(5)", "({varchar})::char(3)", "lower({bpchar})::bpchar", "({bpchar} || {text})::char(4)", "coalesce({bpchar}, 'x'::char(2))"],
    "float4": ["({float4} + {float4})", "({float4} * 2::float4)", "({int2})::float4", "abs({float4})", "({numeric})::float4", "(-{float4})", "({float4} / 4::float4)"],
    "inet": ["set_masklen({inet}, 8)", "network({inet})::inet", "coalesce({inet}, '1.2.3.4')", "host({inet})::inet", "('10.0.0.' || abs({int2}))::inet"],
    "numrange": ["({numrange} * {numrange})", "numrange({numeric}, {same} + 2.5)", "numrange({numeric}, null)", "range_merge({numrange}, {numrange})"],
    "numeric[]": ["array[{numeric}, {numeric}]", "({int4[]})::numeric[]", "array_append(array[1.5], {numeric})", "array_remove({numeric[]}, 1)", "array_replace({numeric[]}, 1, {numeric})", "({numeric[]})[2:]"],
    "daterange": ["({daterange} * {daterange})", "daterange({date}, null)", "daterange({date}, {same} + 9, '[]')"],
}  # fmt: skip
FURTHER = {
    "int4": ["lower({int4range})", "upper({int4range})", "masklen({inet})", "extract(hour from {time})::int4", "length({bpchar})", "octet_length({bpchar})", "array_upper({numeric[]}, 1)", "family({inet})", "({text} collate \"C\" < {text})::int4", "regexp_count({text}, '[a-z]')", "char_length({bpchar} || {text})", "(extract(isodow from {date}))::int4", "extract(week from {timestamp})::int4", "(({int4range} @> {int4}))::int4"],
    "text": ["({time})::text", "({int4range})::text", "({tsrange})::text", "({bpchar})::text", "({float4})::text", "({inet})::text", "({numrange})::text", "({numeric[]})::text", "({bpchar} || 'x')", "host({inet})", "to_char({time}, 'HH12:MI:SS AM')", "abbrev({inet})", "regexp_substr({text}, '[a-z]+')", "concat({bpchar}, '|', {time})", "to_json({int4range})::text", "row({int4}, {text}, {bpchar})::text", "to_jsonb(row({numeric}, {date}))::text", "jsonb_pretty({jsonb})", "substring({text} similar '%#\"_#\"%' escape '#')", "rtrim({bpchar})", "right({bpchar}, 2)", "left({text}, -2)", "({daterange})::text", "upper({text} || {bpchar})", "format('%5s|%-4s|', {text}, {int4})", "to_char({date}, 'IYYY-IW-ID DDD Q')", "to_char({numeric}, 'S99,990.99')", "to_char({int8}, '999,999,999,999PR')", "(array[{text}, {varchar}])::text"],
    "numeric": ["({numeric[]})[1]", "extract(minute from {time})", "lower({numrange})", "upper({numrange})", "round({float4}::numeric, 1)", "extract(epoch from {time})", "extract(month from {interval})", "(({numeric})::numeric(8,3))", "mod({numeric}, 3.5)", "log(abs({numeric}) + 1)", "trunc({float8}::numeric, 2)", "({jsonb} ->> 'zz')::numeric"],
    "interval": ["({time} - {time})", "({time})::interval", "age({date}::timestamp, {date}::timestamp)", "date_trunc('hour', {interval})", "({interval} / 2)", "make_interval(months => {int2}::int4, secs => 1.5)", "justify_days({interval})", "({date} - {date}) * interval '1 day'"],
    "date": ["lower({daterange})", "upper({daterange})", "({date} - {int2}::int4)", "(date_trunc('quarter', {date}))::date", "to_date({date}::text, 'YYYY-MM-DD')"],
    "timestamp": ["lower({tsrange})", "upper({tsrange})", "({date} + {time})", "date_trunc('quarter', {timestamp})", "({date} - {interval})", "make_timestamp(2020, 1 + abs({int2}) % 12, 3, 4, 5, 6.5)"],
    "timestamptz": ["({date} + {interval})::timestamptz", "date_trunc('month', {timestamptz}, 'Europe/Berlin')", "({timestamptz} - {interval})", "make_timestamptz(2024, 3, 10, 2, 30, 0)"],
    "float8": ["({float4})::float8", "({float4} + {float8})", "extract(epoch from {interval})::float8", "({float8} * {int4})", "trunc({float8})", "-{float8}"],
    "jsonb": ["to_jsonb({bpchar})", "to_jsonb({numeric[]})", "to_jsonb({float4})", "to_jsonb({int4range})", "({jsonb} || {jsonb})", "jsonb_build_object(coalesce({text}, '') || 'k', {numeric})", "jsonb_path_query_first({jsonb}, '$.a')", "to_jsonb(row({int4}, {text}))", "jsonb_path_query_array({jsonb}, '$[*] ? (@ > 1)')"],
    "int4[]": ["array_fill({int4}, array[2])", "({int4[1]} || {int4[1]})[1:3]", "(string_to_array({text}, 'a') is null)::int4 || array[1]", "array_positions({int4[1]}, 1)", "trim_array({int4[1]}, 1)"],
    "text[]": ["string_to_array({text}, null)", "array(select x from unnest({text[]}) x where x > 'a' order by x)", "regexp_match({text}, '(a)(b)?')", "({int4[]})::text[]", "({text[]})[:1]", "parse_ident('a.' || 'b')"],
    "bool": [],
}  # fmt: skip
PREDICATES = [
    "({int4range} @> {int4})", "({int4range} && {int4range})", "({int4range} << {int4range})", "({int4range} -|- {int4range})", "isempty({int4range})", "lower_inc({int4range})", "upper_inf({tsrange})", "({tsrange} @> {timestamp})", "({numrange} @> {numeric})", "({daterange} @> {date})", "({inet} << inet '10.0.0.0/8')", "({inet} && {inet})", "({bpchar} = {text})", "({bpchar} like 'a%')", "({text} = {bpchar}::text)", "({bpchar} < {bpchar})",
    "({int4} in ({int4}, null, {int4}))", "({text} not in ('a', {text}, null))", "({int4} = any(array[{int4}, null]))", "({int4} <> all(array[1, null, {int4}]))", "({numeric} in (1, 2.50, {int4}))", "(({int4}, {text}) in ((1, 'a'), (2, {text})))", "(({int4}, {int2}) not in (select id, i2 from t3))", "({float4} = {float8})", "({float4} < {numeric})", "({time} between '04:00' and {time})", "({numeric[]} @> array[1.0])", "({numeric[]} && {int4[]}::numeric[])", "({text} ^@ 'a')", "({jsonb} @> {jsonb})", "({jsonb} @? '$.a')", "({jsonb} @@ '$[0] == 1')", "(({int4} is null) = ({text} is null))",
    "({text} ~ '^(a|b)+$')", "({text} like {text})", "({bool} = any(array[{bool}, null]))", "({bool} is distinct from {bool})", "(({int4}, {text}, {date}) is distinct from ({int4}, {text}, {date}))", "(row({int4}, {text}) < row({int4}, {text}))", "({date} between symmetric {date} and {date})", "({timestamp} + {interval} > {timestamp})", "({int4[]} < {int4[]})", "({text[]} = {text[]})", "({mood}::text like '%a%')", "nullif({bool}, {bool})", "({interval} > {interval})", "({timestamptz} > {date})", "({bytea} like '\\x61%')", "(greatest({int4}, {int2}) > 5)", "({text} ilike '%A%' and not {bool})",
]  # fmt: skip
# A type and what a column of another type takes of it by assignment.
ASSIGNED = [("i4", "{numeric}"), ("i4", "{float8}"), ("i8", "{int4}"), ("n", "{int4} % 1000"), ("n", "({float8})::float4 / 100"), ("s", "{int4}"), ("s", "{date}"), ("s", "{bool}"), ("s", "{jsonb}"), ("d", "{timestamp}"), ("d", "{timestamptz}"), ("ts", "{date}"), ("ts", "{timestamptz}"), ("tz", "{date}"), ("f", "{numeric}"), ("f", "{int8}"), ("f", "{float4}"), ("f4", "{float8}"), ("c", "left({text}, 5)"), ("c", "{bpchar}"), ("s", "{bpchar}"), ("v", "left({bpchar}::text, 4)"), ("ti", "{timestamp}"), ("ti", "{timestamptz}"), ("iv", "{time}"), ("an", "{int4[]}"), ("b", "{bool}"), ("i2", "{int4} % 50"), ("j", "to_jsonb({int4})"), ("m", "{mood}"), ("n", "null"), ("s", "{mood}"), ("s", "{text[]}"), ("at", "{int4[]}::text[]")]  # fmt: skip
RANGED = [("i4", "5 preceding", "10 following"), ("id", "2 preceding", "current row"), ("n", "1.5 preceding", "0.5 following"), ("d", "'30 days' preceding", "'1 day' following"), ("ts", "'1 day' preceding", "current row"), ("i8", "unbounded preceding", "100 following"), ("f", "0.5 preceding", "0.5 following"), ("tz", "'1 hour' preceding", "'12 hours' following"), ("i2", "current row", "5 following"), ("id", "1 following", "3 following"), ("id", "3 preceding", "1 preceding")]  # fmt: skip


class Wide(Generator):
    """The same schema with more types, and tables that do more."""

    def set_up(self):
        yield "drop view if exists w1, w2, w3"
        yield "drop table if exists g1, h1, log1, p1, k1 cascade"
        for statement in super().set_up():
            yield statement
        yield "create view w1 as select id, i4, s, n, d, m from t1 where i4 is null or i4 > -1000"
        yield "create view w2 as select t1.id, t2.s, t2.n, coalesce(t1.i4, t2.i4) as k from t1 left join t2 on t1.id = t2.id"
        yield "create view w3 as select i4, count(*) as c, max(s) as s from t1 group by i4"
        yield "create table g1 (id int4 generated by default as identity, a int4 not null default 3, b numeric(8,2) default 1.5, g int4 generated always as (a * 2) stored, h text generated always as (upper(t)) stored, t text default 'dflt', c char(3), v varchar(4), p positive default 1, m mood default 'ok', primary key (id), unique (a, t), check (a < 500))"
        yield "insert into g1 (a, t, c, v) values (1, 'one', 'x', 'vv'), (2, 'two', null, null), (5, null, 'abc', ''), (9, 'nine', 'n', 'abcd')"
        yield "create table log1 (n int4 generated always as identity, what text)"
        yield "create table h1 (id int4 primary key, a int4, t text)"
        yield "insert into h1 select g, g * 3, 'h' || g from generate_series(1, 6) g"
        yield "create or replace function note() returns trigger language plpgsql as $$ begin insert into log1 (what) values (tg_op || ' ' || coalesce(old.id, new.id) || ' ' || coalesce(new.a::text, '-')); if tg_op = 'DELETE' then return old; end if; if new.a = 13 then return null; end if; new.t := coalesce(new.t, '') || '!'; return new; end $$"
        yield "create or replace function noted() returns trigger language plpgsql as $$ declare c int; begin select count(*) into c from h1; insert into log1 (what) values (tg_op || ' all ' || c); return null; end $$"
        yield "create trigger a before insert or update or delete on h1 for each row execute function note()"
        yield "create trigger b after insert or update or delete on h1 for each statement execute function noted()"
        yield "create table p1 (id int4, k int4, s text) partition by list (k)"
        yield "create table p1a partition of p1 for values in (0, 1)"
        yield "create table p1b partition of p1 for values in (2, null)"
        yield "create table p1c partition of p1 default"
        yield "insert into p1 select g, nullif(g % 5, 4), 's' || g from generate_series(1, 10) g"
        yield "create table k1 (id int4 primary key, up int4 references k1 on delete cascade, x int4 references t2 (id) on delete set null on update cascade)"
        yield "insert into k1 values (1, null, null), (2, 1, null), (3, 2, null), (4, 1, null)"
        yield "create or replace function twice(x int4) returns int4 language sql immutable as 'select x * 2'"
        yield "create or replace function pick(x int4, y text default 'none') returns text language plpgsql as $$ declare r text; begin if x is null then return y; elsif x > 5 then return y || x; end if; for i in 1..greatest(x, 0) loop r := coalesce(r, '') || i; end loop; return coalesce(r, y); end $$"
        yield "create or replace function rows_of(x int4) returns table (a int4, b text) language plpgsql as $$ begin for i in 1..least(coalesce(x, 0), 3) loop a := i; b := 'r' || i; return next; end loop; return query select id, s from t3 where id = x; end $$"
        yield "create or replace function safe_div(x int4, y int4) returns numeric language plpgsql as $$ begin return x / y; exception when division_by_zero then return -1; end $$"

    # Queries.

    def ordered_by_all(self, count):
        return " order by " + ", ".join(str(at + 1) + self.direction() for at in range(count))

    def sets_grouped(self):
        source, scope, _ = self.source(1)
        names = [name for kind, name in scope if kind in ("int4", "text", "date", "bool", "mood", "int8", "int2")]
        keys = self.random.sample(names, min(len(names), self.random.randint(1, 3)))
        if not keys:
            return self.grouped()
        shapes = [f"rollup ({', '.join(keys)})", f"cube ({', '.join(keys)})", f"grouping sets (({', '.join(keys)}), ({keys[0]}), ())", f"{keys[0]}, rollup ({', '.join(keys)})", f"grouping sets ({', '.join(keys)})", f"distinct rollup ({', '.join(keys)}), cube ({keys[-1]})"]
        parts = ["select " + ", ".join(keys) + f", grouping({', '.join(keys)}) as gr"]
        for at in range(self.random.randint(1, 2)):
            parts.append(optional(", ", self.filled("aggregate", self.pick(random_sql.AGGREGATES)[0], scope, 1, ("count(*)",)), f" as a{at}"))
        parts += [" from ", source, optional(" where ", self.expression("bool", scope, 1)), " group by " + self.pick(shapes)]
        if self.chance(0.3):
            parts.append(optional(f" having {self.pick(['count(*) > 1', f'grouping({keys[0]}) = 0', 'count(*) < 4'])}"))
        return Node("query", parts), False

    def framed(self):
        table = self.pick(["t1", "t2", "t3"])
        scope = self.columns_of(table, table)
        name, start, end = self.pick(RANGED)
        exclude = self.pick(["", "", "", " exclude current row", " exclude ties", " exclude group"])
        partition = self.pick(["", "", "partition by b ", "partition by m "])
        function = self.pick(["count(*)", "sum(i4)", "max(id)", "min(i2)", "sum(n)", "bool_and(b)", "count(s)"])
        over = f"({partition}order by {name}{self.pick(['', ' desc', ' nulls first'])} range between {start} and {end}{exclude})"
        value = self.filled("any", self.pick(["{int4}", "{text}", "{date}"]), scope, 1)
        return Node("query", [f"select id, {function} over {over} as w, ", value, f" as e from {table}", optional(" where ", self.expression("bool", scope, 2)), " order by id"]), True

    def windows_over_groups(self):
        source, scope, _ = self.source(1)
        names = [name for kind, name in scope if kind in ("int4", "text", "date", "bool", "int8")]
        if not names:
            return self.grouped()
        key = self.pick(names)
        window = self.pick(["rank() over (order by count(*) desc)", f"sum(count(*)) over (order by {key} rows unbounded preceding)", f"lag({key}) over (order by {key})", "count(*) over ()", f"last_value({key}) over (order by {key} desc)", f"row_number() over (order by {key})", f"sum(sum(1)) over (order by {key})"])
        return Node("query", [f"select {key}, count(*), {window} as w from ", source, optional(" where ", self.expression("bool", scope, 2)), f" group by {key}", optional(self.pick([" having count(*) > 1", ""]))]), False

    def mixed_sets(self):
        pairs = [("int4", "int8"), ("int4", "numeric"), ("int2", "float8"), ("text", "varchar"), ("date", "timestamp"), ("timestamp", "timestamptz"), ("text", "bpchar"), ("numeric", "float8"), ("float4", "float8"), ("int4", "int4"), ("mood", "mood"), ("varchar", "varchar")]
        kind, other = self.pick(pairs)
        first, second = self.source(0), self.source(0)
        operation = self.pick(["union all", "union all", "union", "except", "intersect", "except all"])
        if operation != "union all" and not {kind, other} <= {"int4", "int8", "text", "varchar", "date", "timestamp", "mood"}:
            operation = "union all"
        left, right = self.expression(kind, first[1], 2), self.expression(other, second[1], 2)
        parts = ["select ", left, " as c, ", self.expression("int4", first[1], 1), " as e from ", first[0], f" {operation} select ", right, self.pick([", null", ", 5", ", '7'"]), " from ", second[0]]
        if self.chance(0.5):
            return Node("query", ["select count(*), count(c), count(e), pg_typeof(max(c::text)) from (", *parts, ") q"]), False
        return Node("query", parts), False

    def correlated(self):
        """Sub-queries where they are seldom seen."""
        table = self.pick(["t1", "t2", "t3"])
        scope = self.columns_of(table, "o")
        scalar, _ = self.scalar(scope, 2)
        again, _ = self.scalar(scope, 1)
        form = self.random.randint(0, 6)
        if form == 0:
            return Node("query", ["select o.id from ", f"{table} o order by ", again, " is null, o.id", optional(" limit 4")]), True
        if form == 1:
            return Node("query", ["select o.id, case when ", self.expression("bool", scope, 2), " then ", scalar, "::text else ", again, f"::text end as c from {table} o"]), False
        if form == 2:
            return Node("query", [f"select o.id, p.id from {table} o join t1 p on p.id = o.id and exists (select 1 from t3 q where q.id = o.id and ", self.expression("bool", self.columns_of("t3", "q") + self.columns_of("t1", "p"), 2), ")"]), False
        if form == 3:
            return Node("query", [f"select o.b, count(*) from {table} o group by o.b having count(*) > (select count(*) from t3 q where q.b = o.b or ", self.expression("bool", self.columns_of("t3", "q"), 1), ")"]), False
        if form == 4:
            return Node("query", [f"select o.id, (select max(o.id + q.id) from t3 q where ", self.expression("bool", self.columns_of("t3", "q") + scope, 2), f") as c, array(select q.id from t2 q where q.id <= o.id and ", self.expression("bool", self.columns_of("t2", "q") + scope, 1), f" order by q.id) as r from {table} o"]), False
        if form == 5:
            return Node("query", [f"select o.id, l.* from {table} o left join lateral (select q.id as qid, ", self.expression(self.pick(["int4", "text", "date"]), self.columns_of("t2", "q") + scope, 2), " as v from t2 q where ", self.expression("bool", self.columns_of("t2", "q") + scope, 2), " order by q.id limit 2) l on true"]), False
        return Node("query", [f"select (select count(o.id) from t3 q where q.id = 1) as c, (select sum(z) from (select o.id as z from t2 r where r.id < o.id) y) as s from {table} o", " group by o.id"]), False

    def ties(self):
        table = self.pick(["t1", "t2"])
        scope = self.columns_of(table, table)
        name = self.pick(["i4", "b", "m", "d", "s"])
        return Node("query", [f"select {name} from {table}", optional(" where ", self.expression("bool", scope, 2)), f" order by {name}{self.direction()} fetch first {self.random.randint(1, 4)} rows with ties"]), True

    def recursive(self):
        forms = [
            "with recursive w(a, b) as (select id, up from k1 where up is null union all select k1.id, k1.up from k1 join w on k1.up = w.a) select * from w",
            "with recursive w(n) as (select {int4} % 5 from t3 union select (n + 1) % 7 from w where n < 20) select * from w",
            "with recursive w(n, u) as (values (1, 'a'::text) union all select w.n + 1, w.u || {text} from w, t3 where w.n < 3 and t3.id = 1) select * from w",
            "with recursive w as (select id, up, 0 as depth from k1 where id = 3 union all select k1.id, k1.up, depth + 1 from w join k1 on k1.id = w.up) select * from w order by depth",
            "with a as (select id from t1 where {bool}), b as (select a.id from a join t2 on t2.id = a.id) select (select count(*) from a), (select count(*) from b), (select count(*) from a where id not in (select id from b))",
            "with recursive w(i) as (select 1 union all select i + 1 from w where i < 5), v as (select i, i * i as q from w) select v.*, w.i from v left join w on w.i = v.q",
            "with w as (select i4, s from t1 where {bool}) select * from w union all select * from w where i4 in (select i4 from w)",
        ]
        return self.filled("query", self.pick(forms), [], 1), False

    def over_views(self):
        view, names = self.pick([("w1", [("int4", "w.id"), ("int4", "w.i4"), ("text", "w.s"), ("numeric", "w.n"), ("date", "w.d"), ("mood", "w.m")]), ("w2", [("int4", "w.id"), ("text", "w.s"), ("numeric", "w.n"), ("int4", "w.k")]), ("w3", [("int4", "w.i4"), ("int8", "w.c"), ("text", "w.s")])])
        value = self.expression(self.pick(["int4", "text", "numeric", "bool", "date"]), names, 2)
        joined = self.chance(0.4)
        more = self.columns_of("t3", "o") if joined else []
        parts = ["select w.*, ", value, f" as e from {view} w"]
        if joined:
            parts.append(f" {self.pick(['join', 'left join', 'full join'])} t3 o on o.i4 = w.{self.pick(['id', 'k', 'i4']) if view != 'w3' else 'i4'}" if view != "w2" else " left join t3 o on o.id = w.k")
            if view == "w1":
                parts[-1] = parts[-1].replace("w.k", "w.id")
        return Node("query", parts + [optional(" where ", self.expression("bool", names + more, 2))]), False

    def with_functions(self):
        table = self.pick(["t1", "t3"])
        scope = self.columns_of(table, table)
        templates = ["twice({int4} % 1000)", "pick({int4} % 20, {text})", "pick({int4} % 9)", "pick(y => {text}, x => {int4} % 7)", "safe_div({int4}, {int4} % 3)", "(select string_agg(b, ',' order by a, b) from rows_of({int4} % 6))", "(select count(*) from rows_of(id) r where r.a > 1)", "coalesce(twice(i2::int4), 0)"]
        if self.chance(0.25):
            return Node("query", [f"select {table}.id, r.* from {table}, rows_of({table}.id) r", optional(" where ", self.expression("bool", scope + [("int4", "r.a"), ("text", "r.b")], 2))]), False
        return Node("query", [f"select {table}.id, ", self.filled("any", self.pick(templates), scope, 1), " as f, ", self.filled("any", self.pick(templates), scope, 1), f" as g from {table}", optional(" where ", self.expression("bool", scope, 2))]), False

    def over_partitions(self):
        scope = [("int4", "p1.id"), ("int4", "p1.k"), ("text", "p1.s")]
        form = self.random.randint(0, 2)
        if form == 0:
            return Node("query", ["select tableoid::regclass, p1.*, ", self.expression("text", scope, 1), " as e from p1 where ", self.expression("bool", scope, 2)]), False
        if form == 1:
            return Node("query", [f"select k, count(*), max(s) from p1 where {self.pick(['k = 1', 'k in (0, 2)', 'k is null', 'k > 1', 'k = 1 or k is null', 'k <> 2', 'k between 0 and 1', 'not k = 3'])} and ", self.expression("bool", scope, 1), " group by k"]), False
        return Node("query", ["select p1.id, t3.id from p1 left join t3 on t3.i4 = p1.k and ", self.expression("bool", scope + self.columns_of("t3", "t3"), 1), " where ", self.expression("bool", scope, 1)]), False

    # Changes.

    def in_transaction(self, *statements, seen=("t1",)):
        return Unit(("begin", False), *[(statement, False) for statement in statements], *[(f"select * from {table}", False) for table in seen], ("rollback", False))

    def assigned_cast(self):
        table = self.pick(["t1", "t2", "t3"])
        scope = self.columns_of(table, table)
        name, template = self.pick([found for found in ASSIGNED if found[0] in random_sql.COLUMNS])
        value = self.filled("value", template, scope, 1, ("null",))
        if self.chance(0.5):
            return self.in_transaction(Node("change", [f"update {table} set {name} = ", value, optional(" where ", self.expression("bool", scope, 1)), f" returning id, {name}"]), seen=(table,))
        other = self.columns_of("t3", "o")
        value = self.filled("value", template, other, 1, ("null",))
        return self.in_transaction(Node("change", [f"insert into {table} (id, {name}) select 100 + o.id, ", value, " from t3 o", optional(" where ", self.expression("bool", other, 1)), f" returning {name}, pg_typeof({name})"]), seen=(table,))

    def generated(self):
        scope = [("int4", "g1.id"), ("int4", "g1.a"), ("numeric", "g1.b"), ("int4", "g1.g"), ("text", "g1.t"), ("text", "g1.h"), ("bpchar", "g1.c"), ("varchar", "g1.v")]
        forms = [
            ["insert into g1 (a, t) values (", self.expression("int4", [], 1), " % 100, ", self.expression("text", [], 1), ") on conflict (a, t) do update set a = g1.a + 100, b = default, t = excluded.t || 'x' returning *"],
            ["insert into g1 default values returning a, b, g, h, t, c, v, p, m"],
            ["update g1 set a = (a + ", self.expression("int4", scope, 1), ") % 400, c = left(t, 3) where ", self.expression("bool", scope, 2), " returning id, a, g, h, c"],
            ["update g1 set (a, t, b) = (select o.id + 20, o.s, o.n from t3 o where o.id = g1.id) where id <= 2 and exists (select 1 from t3 where t3.id = g1.id) returning *"],
            ["update g1 set t = default, a = default, m = default where id = ", str(self.random.randint(1, 4)), " returning *"],
            ["delete from g1 using t3 o where o.id = g1.id and ", self.expression("bool", scope + self.columns_of("t3", "o"), 2), " returning g1.*, o.id"],
            ["insert into g1 (id, a, t, p) select id + 50, abs(coalesce(i4, 1)) % 400, s, abs(coalesce(i2, 1)) + 1 from t1 where ", self.expression("bool", self.columns_of("t1", "t1"), 2), " on conflict do nothing returning a, g, t, h"],
            ["insert into g1 (a, c, v) overriding user value values (41, 'toolong', 'x')"],
            ["insert into g1 (a, c, v) values (42, 'ab', 'a    ') returning c || '|', v || '|', length(c), length(v)"],
            ["with u as (update g1 set a = a + 1 where ", self.expression("bool", scope, 1), " returning id, a, g), i as (insert into h1 select 50 + u.id, u.a, 'cte' from u returning id) select u.*, (select count(*) from g1 where a > 5) as before, (select count(*) from i) as made from u"],
        ]
        return self.in_transaction(Node("change", self.pick(forms)), seen=("g1",))

    def triggered(self):
        scope = [("int4", "h1.id"), ("int4", "h1.a"), ("text", "h1.t")]
        forms = [
            ["insert into h1 values (", str(self.random.randint(1, 12)), ", ", self.expression("int4", [], 1), ", ", self.expression("text", [], 1), ") on conflict (id) do update set a = h1.a + 1, t = excluded.t returning *"],
            ["update h1 set a = ", self.expression("int4", scope, 1), ", t = ", self.expression("text", scope, 1), " where ", self.expression("bool", scope, 2), " returning *"],
            ["delete from h1 where ", self.expression("bool", scope, 2), " returning id, t"],
            ["insert into h1 select id + 20, i4, s from t3 where ", self.expression("bool", self.columns_of("t3", "t3"), 1), " returning *"],
            ["update h1 set a = o.a from h1 o where o.id = h1.id + 1 returning h1.id, h1.a, o.a, h1.t"],
            ["merge into h1 using (select id, i4, s from t3) o on o.id = h1.id when matched and ", self.expression("bool", scope, 1), " then update set a = coalesce(o.i4, 0) when matched then delete when not matched then insert values (o.id, o.i4, o.s)"],
        ]
        return self.in_transaction(Node("change", self.pick(forms)), seen=("h1", "log1 order by what"))

    def merged(self):
        target = self.columns_of("t2", "t2")
        both = target + self.columns_of("t3", "o")
        parts = ["merge into t2 using t3 o on t2.id = o.id", self.pick(["", " and o.b"])]
        clauses = [
            [" when matched and ", self.expression("bool", both, 2), " then update set s = ", self.expression("text", both, 1), ", i4 = default"],
            [" when matched then delete"], [" when matched then do nothing"],
            [" when not matched and ", self.expression("bool", self.columns_of("t3", "o"), 1), " then insert (id, s, n) values (o.id + 100, ", self.expression("text", self.columns_of("t3", "o"), 1), ", round(o.n % 1000, 1))"],
            [" when not matched then do nothing"], [" when not matched then insert (id) values (o.id + 200)"],
        ]  # fmt: skip
        for clause in clauses:
            if self.chance(0.6):
                parts += clause
        if " when " not in "".join(map(str, parts)):
            parts += clauses[1]
        # What stands behind a clause without a condition is refused.
        text = "".join(map(str, parts))
        if re.search(r"when matched then .* when matched", text) or re.search(r"when not matched then .* when not matched", text):
            parts = parts[:2] + clauses[0] + clauses[5]
        return self.in_transaction(Node("change", parts), seen=("t2",))

    def through_view(self):
        scope = [("int4", "w1.id"), ("int4", "w1.i4"), ("text", "w1.s"), ("numeric", "w1.n"), ("date", "w1.d")]
        forms = [
            ["update w1 set s = ", self.expression("text", scope, 1), ", i4 = ", self.expression("int4", scope, 1), " where ", self.expression("bool", scope, 2), " returning *"],
            ["delete from w1 where id > 100 or (", self.expression("bool", scope, 2), ") and id not in (select r from t3 where r is not null) returning id"],
            ["insert into w1 (id, s, i4) values (", str(self.random.randint(1, 30)), ", ", self.expression("text", [], 1), ", ", self.expression("int4", [], 1), ") on conflict (id) do update set s = excluded.s || w1.s returning *"],
        ]
        return self.in_transaction(Node("change", self.pick(forms)), seen=("t1",))

    def partition_change(self):
        scope = [("int4", "p1.id"), ("int4", "p1.k"), ("text", "p1.s")]
        forms = [
            ["update p1 set k = (", self.expression("int4", scope, 1), ") % 6 where ", self.expression("bool", scope, 2), " returning p1.*"],
            ["delete from p1 where ", self.expression("bool", scope, 2), " returning *"],
            ["insert into p1 select id, i4 % 7, s from t3 where ", self.expression("bool", self.columns_of("t3", "t3"), 1), " returning *"],
            ["update p1 set s = t3.s, k = t3.id from t3 where t3.id = p1.id and ", self.expression("bool", scope, 1), " returning p1.k, t3.id"],
        ]
        return self.in_transaction(Node("change", self.pick(forms)), seen=("p1", "p1a", "p1b"))

    def cascading(self):
        forms = ["delete from k1 where id = {} returning *", "update k1 set up = {} where id > 2 returning *", "delete from t2 where id = {} and id not in (select 0)", "update t2 set id = id + 100 where id <= {}", "with d as (delete from k1 where id >= {} returning id, up) select * from d", "insert into k1 values (9, 4, {})"]
        text = self.pick(forms).format(self.random.randint(1, 5))
        return Unit(("begin", False), ("update k1 set x = id", False), (text, False), ("select * from k1", False), ("rollback", False))

    def prepared(self):
        kinds = [self.pick(["int4", "text", "date", "numeric", "bool", "int8", "timestamp", "int4[]", "jsonb", "float8", "mood", "varchar", "bytea"]) for _ in range(self.random.randint(1, 3))]
        table = self.pick(["t1", "t2", "t3"])
        scope = self.columns_of(table, table) + [(kind, f"${at + 1}") for at, kind in enumerate(kinds)] * 6
        query = Node("query", ["prepare q (" + ", ".join(kinds) + ") as select id, ", self.expression(self.pick(kinds), scope, 2), f" as e, " + ", ".join(f"${at + 1} as p{at}" for at in range(len(kinds))) + f" from {table} where ", self.expression("bool", scope, 3)])
        executions = [("execute q (" + ", ".join("null" if self.chance(0.2) else self.literal(kind) for kind in kinds) + ")", False) for _ in range(2)]
        return Unit((query, False), *executions, ("deallocate q", False))

    def created(self):
        query, kinds = self.query_of(1)
        names = ", ".join(f"pg_typeof(c{at})" for at in range(len(kinds)))
        return Unit(("begin", False), (Node("query", ["create table made as ", query]), False), ("select * from made", False), (f"select distinct {names} from made", False), (self.pick(["create view vm as select * from made", "alter table made add column extra int default 5", "create index on made (c0)"]), False), ("select * from made where c0 is not null", False), ("rollback", False))

    def viewed(self):
        """A query, and the same as a view."""
        query, _ = self.pick([self.plain, self.grouped, self.set_operation, self.with_query, self.sets_grouped])()
        text = str(query)
        if re.search(r" order by [^)]*$", text) or re.search(r"\bo(\d) as|, 1 as one", text) is None:
            return Unit((query, False))
        return Unit(("begin", False), (Node("query", ["create view vq as ", query]), False), ("select * from vq", False), ("select count(*) from vq", False), ("rollback", False))

    def query(self):
        own = [self.sets_grouped, self.framed, self.windows_over_groups, self.mixed_sets, self.correlated, self.correlated, self.ties, self.recursive, self.over_views, self.with_functions, self.over_partitions, self.plain, self.plain, self.grouped, self.set_operation, self.distinct]
        return self.pick(own)()

    def unit(self):
        form = self.random.random()
        if form < 0.6:
            return Unit(self.query())
        own = [self.assigned_cast, self.generated, self.generated, self.triggered, self.merged, self.through_view, self.partition_change, self.cascading, self.prepared, self.prepared, self.created, self.viewed, self.changing, self.savepoints]
        return self.pick(own)()


def widen():
    """Adds the further types and templates to random_sql's; what it does cannot be undone."""
    if "time" in random_sql.VALUES:
        return
    random_sql.COLUMNS.update(ALSO)
    random_sql.DECLARED.update(DECLARED)
    random_sql.VALUES.update(VALUES)
    random_sql.EXPRESSIONS.update({kind: list(texts) for kind, texts in EXPRESSIONS.items()})
    for kind, texts in FURTHER.items():
        random_sql.EXPRESSIONS[kind].extend(texts)
    for texts in random_sql.EXPRESSIONS.values():
        texts[:] = [text if re.fullmatch(r"\w+\(.*\)|\(.*\)|array\[.*\]", text) else f"({text})" for text in texts]
    random_sql.PREDICATES.extend(PREDICATES)
    random_sql.TYPES[:] = sorted(set(random_sql.COLUMNS.values()))
    random_sql.KEYS[:] = sorted(set(random_sql.KEYS) | {"time", "int4range", "tsrange", "daterange"})
    random_sql.ORDERED[:] = sorted(set(random_sql.ORDERED) | {"time"})
