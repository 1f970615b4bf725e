"""Random SQL over the everyday types for scripts/differential: a schema with data, and units of statements on it.

Everything it makes has one right answer: LIMIT stands only behind a total order, what depends on the order of rows or of
evaluation (sums of inexact floats, equal values that print differently, two kinds of errors in one statement) is not made.
"""

import random
import re

COLUMNS = {
    "id": "int4", "i2": "int2", "i4": "int4", "i8": "int8", "n": "numeric", "nn": "numeric", "s": "text", "v": "varchar",
    "b": "bool", "d": "date", "ts": "timestamp", "tz": "timestamptz", "iv": "interval", "j": "jsonb", "ai": "int4[]",
    "at": "text[]", "m": "mood", "p": "positive", "f": "float8", "u": "uuid", "by": "bytea",
}  # fmt: skip
DECLARED = {"n": "numeric(10,2)", "v": "varchar(8)"}
TYPES = sorted(set(COLUMNS.values()))

VALUES = {
    "int2": ["0", "1", "-1", "7", "42", "-100", "99"],
    "int4": ["0", "1", "-1", "2", "3", "10", "17", "-250", "1000", "32767"],
    "int8": ["0", "1", "-1", "5", "100", "4294967296", "-9000000000", "123456789012"],
    "numeric": ["0", "1", "-1.5", "2.50", "3.14", "100.00", "-0.01", "99999.99"],
    "text": ["", "a", "A", "b", "abc", "ABC", "a b", "%", "x_y", "a'b", "ä", "Zoë", "10", "-3", " pad ", "a\\b", "long text, with comma"],
    "varchar": ["", "a", "B", "abc", "12", "x y", "äö", "trail  "],
    "bool": ["true", "false"],
    "date": ["2000-01-01", "1999-12-31", "2024-02-29", "2023-03-12", "1970-01-01", "2024-11-03"],
    "timestamp": ["2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56.5", "2023-03-12 02:30:00", "2024-11-03 01:30:00"],
    "timestamptz": ["2000-01-01 00:00:00+00", "2024-02-29 12:34:56.789-05", "2023-03-12 07:30:00+00", "2024-11-03 05:30:00+00", "1999-12-31 23:59:59+05:30"],
    "interval": ["1 day", "-2 days", "03:04:05", "1 day 02:03:04.5", "1 year 2 mons", "-1 mon", "00:00:00"],
    "jsonb": ["null", "1", '"a"', "[]", "{}", "[1, 2, 3]", '{"a": 1}', '{"a": {"b": [1, null]}, "c": "x"}', "true", '["a", "b"]'],
    "int4[]": ["{}", "{1}", "{1,2,3}", "{NULL,2}", "{3,2,1}", "{{1,2},{3,4}}"],
    "text[]": ["{}", "{a}", "{a,b}", "{NULL,b}", '{"a b","c,d"}', '{"","NULL"}'],
    "mood": ["sad", "ok", "happy"],
    "positive": ["1", "2", "3", "50"],
    "float8": ["0", "0.5", "-1.25", "3.75", "1024", "-7"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-4fff-bfff-ffffffffffff"],
    "bytea": ["\\x", "\\x00", "\\x01ff", "\\x616263", "\\xdeadbeef"],
}  # fmt: skip

# What makes a value of a type out of others. Integers stay small: nothing here overflows.
EXPRESSIONS = {
    "int2": ["({int2} % 11::int2)", "abs({int2})", "({int4} % 100)::int2", "least({int2}, {int2})", "(({bool})::int4)::int2"],
    "int4": [
        "({int4} + {int4})", "({int4} - {int4})", "(({int4} % 97) * ({int4} % 89))", "({int4} / 7)", "({int4} % 5)", "({int2} + {int4})",
        "({int4} / nullif({int4} % 10, 0))", "length({text})", "length({bytea})", "octet_length({text})", "strpos({text}, {text})", "ascii({text})",
        "abs({int4})", "sign({int4})::int4", "({bool})::int4", "cardinality({int4[]})", "array_length({text[]}, 1)", "({int4[]})[1]",
        "array_position({text[]}, 'b')", "({date} - {date})", "extract(year from {date})::int4", "({jsonb} ->> 'a') is null", "(-{int4})",
        "({int4} & 255)", "({int4} | 6)", "({int4} # 3)", "({int4} % 1000) << 2", "{int4} >> 1", "greatest({int4}, {int4}, {int4})", "{positive} + 1",
        "round({numeric})::int4", "mod({int4}, 13)", "div({numeric}, 3)::int4", "jsonb_array_length('[1, 2]'::jsonb)", "({float8})::int4", "width_bucket({numeric}, 0, 100, 5)",
        "char_length({varchar})", "position('a' in {text})", "date_part('dow', {timestamp})::int4", "get_byte('\\x0102'::bytea, 1)", "array_ndims({int4[]})", "~{int4}",
    ],
    "int8": ["({int8} + {int8})", "({int8} - {int4})", "(({int8} % 1000) * ({int4} % 100))", "({int8} / 3)", "({int8} % 7)", "abs({int8})", "({int4})::int8", "trunc({numeric})::int8", "({int8} & 4095)", "bit_length({text})::int8"],
    "numeric": [
        "({numeric} + {numeric})", "({numeric} - {numeric})", "(round({numeric}, 1) * {int2})", "({numeric} / 3)", "({numeric} / nullif({int4}, 0))", "round({numeric}, 1)",
        "trunc({numeric}, 1)", "ceil({numeric})", "floor({numeric})", "abs({numeric})", "({numeric} % 7)", "({int4})::numeric", "({int8})::numeric(15,1)", "sqrt(abs({numeric}))",
        "extract(epoch from {interval})", "extract(second from {timestamp})", "extract(epoch from {timestamptz})", "power(2::numeric, 3)", "greatest({numeric}, {int4})", "extract(doy from {date})",
        "(({float8})::numeric)", "sign({numeric})", "round({numeric} * 1.5)", "-{numeric}", "exp(0.5::numeric)", "ln(abs({numeric}) + 1)", "scale({numeric})::numeric", "trim_scale({numeric})", "to_number('12.5', '99.9')",
    ],
    "text": [
        "({text} || {text})", "({text} || {int4})", "upper({text})", "lower({text})", "substr({text}, 2, 3)", "substring({text} from 2)", "replace({text}, 'a', 'b')", "lpad({text}, 6, '*')", "rpad({varchar}, 5)",
        "left({text}, 2)", "right({text}, -1)", "trim({text})", "ltrim({text}, 'a')", "split_part({text}, ' ', 1)", "md5({text})", "({int4})::text", "({numeric})::text", "({bool})::text", "({date})::text", "({timestamp})::text",
        "({timestamptz})::text", "({interval})::text", "({jsonb})::text", "({int4[]})::text", "({mood})::text", "({float8})::text", "({bytea})::text", "({uuid})::text", "({jsonb} ->> 'a')", "({jsonb} ->> 0)", "({jsonb} #>> '{{a,b}}')",
        "array_to_string({text[]}, '-', '?')", "array_to_string({int4[]}, ',')", "to_char({timestamp}, 'YYYY-MM-DD HH24:MI:SS.US')", "to_char({date}, 'Day, DD Mon YYYY')", "to_char({numeric}, 'FM999990.00')", "to_char({int4}, '09999')",
        "format('%s|%L', {text}, {text})", "format('%I', {text})", "repeat({varchar}, 2)", "reverse({text})", "translate({text}, 'abc', 'xy')", "initcap({text})", "concat({text}, {int4}, {bool})", "concat_ws(',', {text}, {varchar}, {date})",
        "regexp_replace({text}, '[a-z]+', '<\\&>', 'g')", "coalesce({text}, {varchar})", "quote_literal({text})", "quote_nullable({text})", "overlay({text} placing 'zz' from 2 for 1)", "encode({bytea}, 'hex')", "encode({bytea}, 'base64')",
        "({text[]})[1]", "substring({text} from '[a-c]+')", "jsonb_typeof({jsonb})", "({varchar})::text", "chr(65 + abs({int2}) % 26)", "to_hex({int4})", "btrim({text}, ' a')", "(array_agg_dummy)", "({text})::varchar(3)::text", "pg_typeof({int8} + 1)::text",
        "to_char({interval}, 'HH24:MI:SS')", "starts_with({text}, 'a')::text", "string_to_array({text}, ' ')::text", "regexp_match({text}, '(a)(.)')::text", "date_part('month', {timestamp})::text",
    ],
    "varchar": ["({text})::varchar(8)", "left({text}, 5)::varchar", "({varchar})::varchar(2)"],
    "bool": [],
    "date": ["({date} + {int4} % 1000)", "({date} - 30)", "({timestamp})::date", "({timestamptz})::date", "date_trunc('month', {timestamp})::date", "greatest({date}, {date})", "make_date(2020, 1 + abs({int2}) % 12, 5)", "to_date('20240115', 'YYYYMMDD')"],
    "timestamp": ["({timestamp} + {interval})", "({timestamp} - {interval})", "({date})::timestamp", "date_trunc('hour', {timestamp})", "date_trunc('week', {timestamp})", "({timestamptz} at time zone 'Europe/Berlin')", "({timestamptz})::timestamp", "({date} + time '12:30')", "({date} + {interval})", "least({timestamp}, {timestamp})", "date_bin('15 minutes', {timestamp}, timestamp '2001-01-01')"],
    "timestamptz": ["({timestamptz} + {interval})", "({timestamp})::timestamptz", "({date})::timestamptz", "date_trunc('day', {timestamptz})", "({timestamp} at time zone 'Asia/Tokyo')", "to_timestamp({int4} * 1000)"],
    "interval": ["({interval} + {interval})", "({interval} - {interval})", "({interval} * 2)", "(-{interval})", "({timestamp} - {timestamp})", "age({timestamp}, {timestamp})", "make_interval(days => {int4} % 100)", "justify_hours({interval})", "({timestamptz} - {timestamptz})", "({int4} % 100) * interval '1 hour'", "justify_interval({interval})"],
    "jsonb": ["({jsonb} -> 'a')", "({jsonb} -> 0)", "jsonb_build_object('k', {int4}, 't', {text})", "to_jsonb({text})", "to_jsonb({int4[]})", "to_jsonb({date})", "jsonb_build_array({int4}, {bool})", "({jsonb} #> '{{a,b}}')", "jsonb_set('{{\"a\": 1}}'::jsonb, '{{a}}', coalesce({jsonb}, '0'))", "('{{\"x\": 1}}'::jsonb || jsonb_build_object('y', {text}))", "jsonb_strip_nulls({jsonb})", "to_jsonb({timestamp})", "to_jsonb({numeric})"],
    "int4[]": ["({int4[1]} || {int4})", "array_append({int4[1]}, {int4})", "array_prepend({int4}, {int4[1]})", "array[{int4}, {int4}]", "array_remove({int4[1]}, 2)", "({int4[]})[1:2]", "array_cat({int4[1]}, {int4[1]})", "array_replace({int4[]}, 1, 9)", "string_to_array('1,2', ',')::int4[]", "array_fill(7, array[2])"],
    "int4[1]": ["array[{int4}, {int4}]", "array[{int4}]", "'{{1,NULL,3}}'::int4[]"],
    "text[]": ["({text[]} || {text})", "array[{text}, {varchar}]", "array_append({text[]}, {text})", "string_to_array({text}, ' ')", "array_remove({text[]}, 'a')", "({text[]})[2:]", "regexp_split_to_array({text}, '[ ,]+')"],
    "mood": ["greatest({mood}, 'ok'::mood)", "coalesce({mood}, 'sad'::mood)", "'happy'::mood"],
    "positive": ["(abs({int4}) + 1)::positive", "({positive})"],
    "float8": ["({float8} + {float8})", "({float8} * 2)", "({float8} / 3)", "sqrt(abs({float8}))", "({int4})::float8", "({numeric})::float8", "abs({float8})", "round({float8})", "floor({float8})", "extract(hour from {timestamp})::float8", "({float8} - {int4})", "power({float8}, 2)", "pi()", "date_part('epoch', {timestamp})"],
    "uuid": ["md5({text})::uuid", "coalesce({uuid}, '00000000-0000-0000-0000-000000000000'::uuid)"],
    "bytea": ["({bytea} || {bytea})", "decode(md5({text}), 'hex')", "substr({bytea}, 1, 2)", "convert_to({text}, 'UTF8')", "set_byte('\\x0102'::bytea, 0, 65)", "sha256({bytea})"],
}  # fmt: skip
EXPRESSIONS["int4"].remove("({jsonb} ->> 'a') is null")
EXPRESSIONS["text"].remove("(array_agg_dummy)")
for templates in EXPRESSIONS.values():
    templates[:] = [text if re.fullmatch(r"\w+\(.*\)|\(.*\)|array\[.*\]", text) else f"({text})" for text in templates]
PREDICATES = [
    "({bool} and {bool})", "({bool} or {bool})", "(not {bool})", "({bool} is true)", "({bool} is not false)", "({bool} is unknown)", "({text} like 'a%')", "({text} like '%b_')", "({text} ilike {text} || '%')", "({text} not like '%\\%')",
    "({text} ~ '^[a-z]')", "({text} ~* 'ABC')", "({text} !~ 'b$')", "({int4} between {int4} and {int4})", "({int4} between symmetric 10 and {int4})", "({int4} in (1, 2, {int4}))", "({int4} not in (1, 2, 3))", "({int4} = any({int4[]}))", "({int4} <> all({int4[]}))",
    "({text} = any({text[]}))", "({jsonb} ? 'a')", "({jsonb} @> '{{\"a\": 1}}')", "({int4[]} @> array[1])", "({int4[]} && array[2, 9])", "({text[]} <@ array['a', 'b', 'c'])", "({text} similar to '(a|b)%')", "(({int4}, {text}) = ({int4}, {text}))", "(({int4}, {int4}) < ({int4}, {int4}))",
    "(row({int4}, {text}) is null)", "({mood} > 'sad')", "({mood} in ('ok', 'happy'))", "({date} > {timestamp})", "({int4} < {numeric})", "({int2} = {int8})", "({float8} >= {int4})", "(({date}, {date}) overlaps (date '2000-01-01', date '2024-01-01'))", "({jsonb} ?| array['a', 'c'])", "({text} collate \"C\" < 'b')",
    "({bytea} > '\\x01')", "({timestamp} < {timestamptz})", "(case when {bool} then {bool} else {bool} end)", "coalesce({bool}, false)", "({varchar} = {text})", "({text} >= {text})", "isfinite({timestamp})", "({jsonb} -> 'a' is null)", "(starts_with({text}, 'a'))", "({text} in ('a', 'b', {text}))",
]  # fmt: skip
# What may fail, and then in one way only; never where it depends on a plan whether it is evaluated.
FAILING = ["{int4} / {int4}", "({text})::int4", "({int4} * 1000)::int2", "{int8} * 9000000000000", "({int4} - 1)::positive", "({text})::date", "({text})::mood", "{numeric} / {int4}", "({text})::bool", "({text})::numeric(4,2)", "({int4} * 100000)", "sqrt({float8} - 2)", "ln({numeric})", "({jsonb})::int4", "({text})::jsonb", "({text})::float8", "({numeric})::numeric(3,2)", "chr({int4})", "({text})::uuid", "repeat('a', {int4})::varchar::int4", "substr({text}, 1, {int4})", "({date} + {int8}::int4)", "cast({int8} as int4)"]  # fmt: skip
# What would fail if it did not stop where PostgreSQL stops.
GUARDED = ["{int4} <> 0 and 10 / {same} > 1", "{int4} = 0 or 10 / {same} > 1", "not ({int4} <> 0 and 10 / {same} > 1)", "case when {int4} <> 0 then 10 / {same} end", "coalesce({int4}, 1, 1 / 0)", "{bool} is null or ({same} and {bool})", "{text} ~ '^[0-9]+$' and {same}::int4 > 1", "case {int4} when 0 then null else 10 / {same} end", "10 / nullif({int4}, 0)", "(select {int4} <> 0 and 10 / {same} > 1)", "count(*) filter (where {int4} <> 0 and 10 / {same} > 1)", "bool_or({int4} <> 0 and 10 / {same} > 1)", "coalesce(nullif({int4}, {same}), 0)", "({int4} <> 0 and 10 / {same} > 1) is not true", "max(case when {int4} <> 0 then 10 / {same} end)", "{bool} and (1 / (select 1)) = 1"]  # fmt: skip
AGGREGATES = [
    ("count(*)", "int8"), ("count({any})", "int8"), ("count(distinct {key})", "int8"), ("sum({int4})", "int8"), ("sum({int2})", "int8"), ("sum({int8})", "numeric"), ("sum({numeric})", "numeric"), ("avg({int4})", "numeric"), ("avg({numeric})", "numeric"),
    ("min({least})", None), ("max({least})", None), ("bool_and({bool})", "bool"), ("bool_or({bool})", "bool"), ("every({bool})", "bool"), ("string_agg({text}, ',' order by {same})", "text"), ("array_agg({int4} order by {same})", "int4[]"), ("array_agg(distinct {int4})", "int4[]"),
    ("jsonb_agg({int4} order by {same})", "jsonb"), ("string_agg(distinct {text}, '|')", "text"), ("sum({int4}) filter (where {bool})", "int8"), ("count(*) filter (where {bool})", "int8"), ("sum(distinct {int4})", "int8"), ("stddev({int4})", "numeric"), ("var_pop({int2})", "numeric"),
    ("percentile_disc(0.5) within group (order by {int4})", "int4"), ("percentile_cont(0.25) within group (order by {int4})", "float8"), ("bit_or({int4})", "int4"), ("sum({interval})", "interval"), ("array_agg({text} order by {same} desc nulls last)", "text[]"), ("bit_and({int2})", "int2"),
]  # fmt: skip
WINDOWS = ["row_number()", "rank()", "dense_rank()", "lag({any})", "lead({any}, 2)", "lag({int4}, 1, 0)", "first_value({any})", "last_value({any})", "nth_value({any}, 2)", "ntile(3)", "cume_dist()", "percent_rank()", "sum({int4})", "count(*)", "count({any})", "avg({int4})", "max({int4})", "min({text})", "sum({numeric})", "bool_or({bool})", "sum({int4}) filter (where {bool})", "array_agg({int4})", "string_agg({text}, ',')"]  # fmt: skip
FRAMES = ["", "", "", " rows between 1 preceding and current row", " rows unbounded preceding", " rows between unbounded preceding and unbounded following", " groups between 1 preceding and 1 following", " rows between 2 preceding and 1 following exclude current row", " range between unbounded preceding and current row", " rows between 1 following and 2 following"]  # fmt: skip
# Equal values of these print alike, so that it does not matter which of them is taken.
KEYS = sorted(set(TYPES) - {"interval", "numeric", "jsonb", "float8"})
ORDERED = sorted(set(KEYS) - {"bool", "uuid", "bytea", "mood", "int4[]", "text[]", "positive"})


class Node:
    """A piece of SQL: strings and nodes, and what may stand in its place when it is made smaller."""

    def __init__(self, kind, parts, smaller=()):
        self.kind, self.parts, self.smaller = kind, parts, smaller

    def __str__(self):
        return "".join(map(str, self.parts))

    def nodes(self):
        yield self
        for part in self.parts:
            if isinstance(part, Node):
                yield from part.nodes()


def optional(*parts):
    return Node("optional", list(parts), ("",))


class Unit:
    """Statements that belong together, each with whether its rows have an order."""

    def __init__(self, *statements):
        self.statements = [(sql if isinstance(sql, Node) else Node("fixed", [sql]), ordered) for sql, ordered in statements]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def pick(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def alias(self):
        self.names += 1
        return f"x{self.names}"

    # The schema.

    def literal(self, kind):
        return "'" + self.pick(VALUES[kind]).replace("'", "''") + "'::" + kind

    def set_up(self):
        """Statements that make the schema; the same each time for one seed."""
        yield "drop table if exists t1, t2, t3"
        yield "drop sequence if exists calls"
        yield "drop domain if exists positive"
        yield "drop type if exists mood"
        yield "create type mood as enum ('sad', 'ok', 'happy')"
        yield "create domain positive as int4 check (value > 0)"
        yield "create sequence calls"
        for table, rows in (("t1", 12), ("t2", 8), ("t3", 5)):
            defaults = {"id": " primary key", "i4": " default 7", "s": " default 'none'"}
            columns = ", ".join(f"{name} {DECLARED.get(name, kind)}{defaults.get(name, '')}" for name, kind in COLUMNS.items())
            extra = {"t1": ", check (i2 < 100)", "t2": ", unique (i8, s)", "t3": ", r int4 references t1 (id)"}[table]
            yield f"create table {table} ({columns}{extra})"
            lines = []
            for number in range(1, rows + 1):
                values = ["null" if self.chance(0.2) else self.literal(kind) for kind in list(COLUMNS.values())[1:]]
                reference = [str(self.random.randint(1, 12)) if self.chance(0.7) else "null"] if table == "t3" else []
                lines.append(f"({', '.join([str(number), *values, *reference])})")
            yield f"insert into {table} values {', '.join(lines)} on conflict do nothing"
        yield "create index on t1 (i4)"
        yield "create index on t1 (lower(s), d desc nulls last)"
        yield "create index on t2 (n) where b"
        yield "create index on t2 (ts)"
        yield "create index on t3 (m, i8)"

    # Expressions. A scope is a list of (type, name).

    def expression(self, kind, scope, depth):
        shape = kind.replace("[1]", "[]")
        columns = [name for found, name in scope if found == kind]
        simple = self.pick(columns) if columns and self.chance(0.85) else f"null::{shape}" if self.chance(0.15) else self.literal(shape)
        smaller = tuple(columns[:2]) + (f"null::{shape}",) + ((f"'{VALUES[shape][1]}'::{shape}",) if kind != "int4[1]" else ())
        if kind == "int4[1]" or (depth > 0 and self.chance(0.7)):
            chosen = self.random.random()
            if kind == "bool" and chosen < 0.9:
                return self.predicate(scope, depth)
            if chosen < 0.8 and EXPRESSIONS[kind]:
                return self.filled(kind, self.pick(EXPRESSIONS[kind]), scope, depth - 1, smaller)
            general = ["coalesce({=}, {=})", "case when {bool} then {=} else {=} end", "case when {bool} then {=} end", "nullif({=}, {=})", "case {int4} when 1 then {=} when 2 then {=} else {=} end"]
            return self.filled(kind, self.pick(general).replace("=", kind), scope, depth - 1, smaller)
        return Node(kind, [simple], smaller)

    def predicate(self, scope, depth):
        smaller = ("true", "false", "null::bool")
        if self.chance(0.5):
            kind = self.pick(TYPES)
            if self.chance(0.2):
                return self.filled("bool", self.pick(["({=} is null)", "({=} is not null)"]).replace("=", kind), scope, depth - 1, smaller)
            operator = self.pick(["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"])
            return self.filled("bool", f"({{{kind}}} {operator} {{{kind}}})", scope, depth - 1, smaller)
        if depth > 1 and self.chance(0.25):
            return self.sub_predicate(scope, depth - 1)
        return self.filled("bool", self.pick(PREDICATES), scope, depth - 1, smaller)

    def sub_predicate(self, scope, depth):
        source, inner, _ = self.source(0)
        both = inner + scope
        kind = self.pick(["int4", "text", "date", "int8"])
        where = self.expression("bool", both, depth)
        if self.chance(0.4):
            parts = [self.pick(["exists", "not exists"]), " (select 1 from ", source, " where ", where, ")"]
        else:
            operator = self.pick(["in", "not in", "= any", "<> all", "> all", "< any"])
            inner_value = self.expression(kind, inner, 1)
            parts = ["(", self.expression(kind, scope, depth - 1), f" {operator} (select ", inner_value, " from ", source, " where ", where, "))"]
        return Node("bool", parts, ("true", "false"))

    def filled(self, kind, template, scope, depth, smaller=()):
        parts, last = [], None
        for piece in re.split(r"(\{\{|\}\}|\{[^{}]+\})", template):
            if piece in ("{{", "}}"):
                parts.append(piece[0])
            elif not piece.startswith("{") or len(piece) < 3:
                parts.append(piece)
            elif piece == "{same}":
                parts.append(last)
            else:
                wanted = piece[1:-1]
                wanted = {"any": self.pick(TYPES), "key": self.pick(KEYS), "least": self.pick(ORDERED)}.get(wanted, wanted)
                last = self.expression(wanted, scope, max(depth, 0))
                parts.append(last)
        return Node(kind, parts, smaller)

    def scalar(self, scope, depth):
        """A scalar sub-query, perhaps correlated, with its type."""
        source, inner, _ = self.source(0)
        template, kind = self.pick([found for found in AGGREGATES if found[1]])
        value = self.filled("aggregate", template, inner, 1, ("count(*)",) if kind == "int8" else ())
        return Node(kind, ["(select ", value, " from ", source, optional(" where ", self.expression("bool", inner + scope, depth)), ")"], (f"null::{kind}",)), kind

    # Queries.

    def columns_of(self, table, alias):
        return [(kind, f"{alias}.{name}") for name, kind in COLUMNS.items()]

    def source(self, depth):
        """What stands in FROM: its SQL, its scope, and a key of its rows or None."""
        alias, table = self.alias(), self.pick(["t1", "t2", "t3"])
        scope, key = self.columns_of(table, alias), [f"{alias}.id"]
        if depth <= 0 or self.chance(0.45):
            return Node("source", [f"{table} {alias}"]), scope, key
        form = self.random.random()
        if form < 0.5:
            left, left_scope, left_key = self.source(depth - 1)
            scope = left_scope + scope
            # A merged column is ambiguous as soon as another table follows.
            if depth == 2 and self.chance(0.2):
                name = self.pick(["id", "i4", "m", "d"])
                same = sum(kind_name.endswith("." + name) for _, kind_name in left_scope) == 1
                if same:
                    return Node("joined", [left, f" {self.pick(['join', 'left join', 'full join'])} {table} {alias} using ({name})"]), scope + [(COLUMNS[name], name)], left_key and left_key + key
            join = self.pick(["join", "left join", "right join", "full join", "cross join"])
            kind = self.pick(["int4", "int4", "text", "date", "int8", "mood", "bool", "uuid", "timestamptz"])
            names = [name for found, name in left_scope if found == kind]
            mine = self.pick([name for found, name in self.columns_of(table, alias) if found == kind])
            equal = [f"{self.pick(names)} = {mine}"] if names else ["true"]
            if join == "cross join":
                on = []
            elif join != "full join" and self.chance(0.5):
                on = [" on ", self.expression("bool", scope, 1)]
            else:
                on = [" on ", *equal]
            return Node("joined", [left, f" {join} {table} {alias}", *on]), scope, left_key and left_key + key
        if form < 0.8:
            query, kinds = self.query_of(depth - 1)
            return Node("source", ["(", query, f") {alias}"]), [(kind, f"{alias}.c{at}") for at, kind in enumerate(kinds)], None
        if form < 0.86:
            rows = ", ".join(f"({self.literal('int4')}, {self.literal('text')}, {self.literal('date')})" for _ in range(self.random.randint(1, 3)))
            return Node("source", [f"(values {rows}) {alias}(c0, c1, c2)"]), [("int4", f"{alias}.c0"), ("text", f"{alias}.c1"), ("date", f"{alias}.c2")], None
        if form < 0.9:
            left, left_scope, _ = self.source(0)
            return Node("source", [left, " left join lateral unnest(", self.pick([name for kind, name in left_scope if kind == "text[]"]), f") with ordinality {alias}(c0, c1) on true"]), left_scope + [("text", f"{alias}.c0"), ("int8", f"{alias}.c1")], None
        if form < 0.94:
            left, left_scope, _ = self.source(0)
            value, kind = self.scalar(left_scope, 1)
            inner = Node("source", [left, " cross join lateral (select ", value, f" as c0) {alias}"])
            return inner, left_scope + [(kind, f"{alias}.c0")], None
        return Node("source", [f"generate_series(1, {self.random.randint(0, 6)}) {alias}"]), [("int4", alias)], [alias]

    def query_of(self, depth, kinds=None):
        """A query whose columns c0, c1 … have the types that it tells, each of them fit for DISTINCT."""
        kinds = kinds or [self.pick(KEYS) for _ in range(self.random.randint(1, 3))]
        source, scope, _ = self.source(depth)
        parts = ["select "]
        for at, kind in enumerate(kinds):
            parts += [", " * bool(at), self.expression(kind, scope, depth + 1), f" as c{at}"]
        return Node("rows", parts + [" from ", source, optional(" where ", self.expression("bool", scope, 2))]), kinds

    def direction(self):
        return self.pick(["", "", " desc", " nulls first", " desc nulls last", " asc"])

    def order(self, kind, scope):
        return self.expression(kind, scope, 1) if self.chance(0.3) else self.pick([name for _, name in scope] or ["1"])

    def limit(self):
        return self.pick(["", "", " limit 3", " limit 2 offset 1", " offset 2", " limit 0", " fetch first 4 rows only"])

    def plain(self):
        source, scope, key = self.source(2)
        parts = ["select "]
        for at in range(self.random.randint(1, 4)):
            value = self.scalar(scope, 2)[0] if self.chance(0.12) else self.expression(self.pick(TYPES), scope, 3)
            parts += [optional(value, f" as o{at}, ")]
        parts += ["1 as one from ", source, optional(" where ", self.expression("bool", scope, 3))]
        if key and self.chance(0.5):
            named = self.pick([name for _, name in scope])
            return Node("query", parts + [" order by ", optional(named, self.direction(), ", "), ", ".join(key), optional(self.limit())]), True
        return Node("query", parts), False

    def failing(self):
        table = self.pick(["t1", "t2", "t3"])
        return Node("query", ["select ", self.filled("any", self.pick(FAILING), self.columns_of(table, table), 0), f" from {table}"]), False

    def guarded(self):
        table = self.pick(["t1", "t2", "t3"])
        scope = self.columns_of(table, table)
        return Node("query", ["select ", self.filled("any", self.pick(GUARDED), scope, 1), f" from {table}", optional(" where ", self.expression("bool", scope, 1))]), False

    def distinct(self):
        query, kinds = self.query_of(1)
        query.parts[0] = "select distinct "
        if self.chance(0.5):
            return Node("query", [query, " order by " + ", ".join(str(at + 1) + self.direction() for at in range(len(kinds))), optional(self.limit())]), True
        return query, False

    def distinct_on(self):
        source, scope, key = self.source(0)
        named = self.pick([name for kind, name in scope if kind in KEYS])
        return Node("query", [f"select distinct on ({named}) {named}, ", self.expression(self.pick(TYPES), scope, 2), " from ", source, f" order by {named}{self.direction()}, {key[0]}{self.pick(['', ' desc'])}", optional(self.limit())]), True

    def grouped(self):
        source, scope, _ = self.source(1)
        keys = [self.expression(self.pick(KEYS), scope, 1) if self.chance(0.4) else self.pick([name for kind, name in scope if kind in KEYS] or ["1 + 1"]) for _ in range(self.random.randint(0, 2))]
        keys = [f"({key})" for key in map(str, keys) if not re.match(r"['n]", key)]
        parts = ["select "] + [f"{key}, " for key in keys]
        for at in range(self.random.randint(1, 3)):
            parts.append(optional(self.filled("aggregate", self.pick(AGGREGATES)[0], scope, 2, ("count(*)",)), f" as a{at}, "))
        parts += ["count(*) from ", source, optional(" where ", self.expression("bool", scope, 2))]
        if keys:
            grouping = ", ".join(keys) if self.chance(0.85) else self.pick(["rollup (", "cube (", "grouping sets ((), "]) + ", ".join(keys) + ")"
            parts += [f" group by {grouping}"]
        if self.chance(0.4):
            parts += [optional(" having ", self.pick(["count(*) > 1", "max({}) is not null".format(self.pick([name for _, name in scope if _ in ORDERED] or ["1"])), "min(1) = 1 or count(*) < 3"]))]
        if keys and self.chance(0.4) and " group by (" in parts[-1 - (not isinstance(parts[-1], str))]:
            return Node("query", parts + [" order by " + ", ".join(str(at + 1) + self.direction() for at in range(len(keys))), optional(self.limit())]), True
        return Node("query", parts), False

    def windowed(self):
        source, scope, key = self.source(1)
        if not key:
            source, scope, key = self.source(0)
        parts = ["select " + ", ".join(key)]
        for at in range(self.random.randint(1, 2)):
            partition = f"partition by {self.pick([name for kind, name in scope if kind in KEYS])} " if self.chance(0.5) else ""
            named = self.pick([name for kind, name in scope if kind in KEYS])
            over = f" over ({partition}order by {named}{self.direction()}, {', '.join(key)}{self.pick(FRAMES)})"
            if self.chance(0.1):
                over = f" over ({partition.strip()})"
                parts.append(optional(", ", self.pick(["count(*)", "max(1)", "sum(2)", "bool_and(true)"]), over, f" as w{at}"))
            else:
                parts.append(optional(", ", self.filled("window", self.pick(WINDOWS), scope, 1, ("row_number()", "count(*)")), over, f" as w{at}"))
        return Node("query", parts + [" from ", source, optional(" where ", self.expression("bool", scope, 2)), " order by " + ", ".join(key)]), True

    def set_operation(self):
        first, kinds = self.query_of(1)
        parts = [first]
        for _ in range(self.random.randint(1, 2)):
            parts += [f" {self.pick(['union', 'union all', 'intersect', 'except', 'intersect all', 'except all'])} ", self.query_of(0, kinds)[0]]
        if self.chance(0.4):
            return Node("query", parts + [" order by " + ", ".join(str(at + 1) + self.direction() for at in range(len(kinds))), optional(self.limit())]), True
        return Node("query", parts), False

    def with_query(self):
        first, kinds = self.query_of(1)
        scope = [(kind, f"w.c{at}") for at, kind in enumerate(kinds)]
        materialized = self.pick(["", "", "materialized ", "not materialized "])
        form = self.random.random()
        if form < 0.2:
            return Node("query", ["with recursive w(c0, c1) as (select id, i4 from t1 where id = 1 union all select w.c0 + 1, ", self.expression("int4", [("int4", "w.c0"), ("int4", "w.c1")], 1), " % 100 from w where w.c0 < 6) select * from w"]), False
        if form < 0.6:
            value = self.expression(self.pick(TYPES), scope, 2)
            return Node("query", [f"with w as {materialized}(", first, ") select w.*, ", value, " as e from w", optional(" where ", self.expression("bool", scope, 2))]), False
        equal = " and ".join(f"w.c{at} = v.c{at}" for at in range(len(kinds)))
        return Node("query", [f"with w as {materialized}(", first, f") select w.c0, v.c0 from w left join w v on {equal}", optional(" where ", self.expression("bool", scope, 2))]), False

    # Changes.

    def assigned(self, name, scope, depth=2):
        kind = COLUMNS[name]
        if kind in ("int2", "numeric", "varchar", "positive"):
            bounded = {"int2": "({int2} % 50::int2)", "numeric": "round({numeric} % 1000, 2)", "varchar": "left({varchar}, 8)", "positive": "abs({int4}) + 1"}[kind]
            return self.filled(kind, bounded, scope, depth, ("null",))
        return self.expression(kind, scope, depth)

    def returning(self, table, scope):
        if self.chance(0.3):
            return optional("")
        chosen = " returning *" if self.chance(0.3) else None
        return optional(chosen) if chosen else optional(f" returning {table}.id, ", self.expression(self.pick(TYPES), scope, 2), " as e")

    def insert(self):
        table = self.pick(["t1", "t2"])
        scope = self.columns_of(table, table)
        names = self.random.sample([name for name in COLUMNS if name not in ("id",)], self.random.randint(1, 4))
        head = f"insert into {table} (id, {', '.join(names)}) "
        if self.chance(0.6):
            rows = []
            for at in range(self.random.randint(1, 3)):
                identity = self.pick([str(100 + at), str(100 + at), "1", "2"])
                values = [Node("value", ["default"]) if self.chance(0.1) else self.assigned(name, [], 1) for name in names]
                rows += [", " * bool(at), f"({identity}"] + [part for value in values for part in (", ", value)] + [")"]
            body = ["values ", *rows]
        else:
            other = self.columns_of("t3", "o")
            body = [f"select o.id + {self.pick([0, 5, 50])}"] + [part for name in names for part in (", ", self.assigned(name, other, 1))] + [" from t3 o", optional(" where ", self.expression("bool", other, 2))]
        conflict = []
        if self.chance(0.6):
            excluded = [(kind, f"excluded.{name}") for name, kind in COLUMNS.items()]
            if self.chance(0.4):
                conflict = [self.pick([" on conflict do nothing", " on conflict (id) do nothing"])]
            else:
                name = self.pick(names)
                conflict = [f" on conflict (id) do update set {name} = ", self.assigned(name, scope + excluded * 2), optional(" where ", self.expression("bool", scope + excluded, 2))]
        return Node("change", [head, *body, *conflict, self.returning(table, scope)]), table

    def update(self):
        table = self.pick(["t1", "t2", "t3"])
        scope = self.columns_of(table, table)
        name = self.pick([name for name in COLUMNS if name not in ("id", "i8")])
        if self.chance(0.25):
            other = self.pick(["t1", "t2", "t3"])
            both = scope + self.columns_of(other, "o")
            parts = [f"update {table} set {name} = ", self.assigned(name, both), f" from {other} o where o.id = {table}.id", optional(" and ", self.expression("bool", both, 2))]
            return Node("change", parts + [self.returning(table, both)]), table
        if self.chance(0.1):
            inner = self.columns_of("t1", "z")
            row = ["(select ", self.expression("int4", inner + scope, 1), ", ", self.expression("text", inner, 1), f" from t1 z where z.id = {table}.id)"]
            return Node("change", [f"update {table} set (i4, s) = ", *row, optional(" where ", self.expression("bool", scope, 2)), self.returning(table, scope)]), table
        if self.chance(0.3):
            name = self.pick(["i4", "n"])
            value = [f"(select {self.pick(['max', 'min', 'sum', 'count'])}({self.pick(['i2', 'id'])}) from {table} z where ", self.expression("bool", self.columns_of(table, "z") + scope, 1), ")"]
        else:
            value = [self.assigned(name, scope)]
        second = self.pick([other for other in ("s", "b", "d", "j", "f") if other != name])
        extra = optional(f", {second} = ", self.assigned(second, scope)) if self.chance(0.4) else optional("")
        return Node("change", [f"update {table} set {name} = ", *value, extra, optional(" where ", self.expression("bool", scope, 3)), self.returning(table, scope)]), table

    def delete(self):
        table = self.pick(["t2", "t3"])
        scope = self.columns_of(table, table)
        if self.chance(0.3):
            both = scope + self.columns_of("t1", "o")
            return Node("change", [f"delete from {table} using t1 o where o.id = {table}.id", optional(" and ", self.expression("bool", both, 2)), self.returning(table, scope)]), table
        return Node("change", [f"delete from {table}", optional(" where ", self.expression("bool", scope, 3)), self.returning(table, scope)]), table

    def chained(self):
        """A change in a CTE: what it returns is read, the table is read as it was before."""
        change, table = self.change()
        if " returning " not in str(change):
            return change, table
        return Node("change", ["with c as (", change, f") select *, (select count(*) from {table}) as before from c"]), table

    def change(self):
        return self.pick([self.insert, self.update, self.update, self.delete])()

    # Units.

    def query(self):
        return self.pick([self.plain, self.plain, self.plain, self.failing, self.guarded, self.distinct, self.distinct_on, self.grouped, self.grouped, self.windowed, self.set_operation, self.with_query])()

    def changing(self):
        change, table = self.chained() if self.chance(0.15) else self.change()
        return Unit(("begin", False), (change, False), (f"select * from {table}", False), ("rollback", False))

    def savepoints(self):
        statements, tables = [("begin", False)], set()
        for name in ("a", "b", "a")[: self.random.randint(1, 3)]:
            change, table = self.change()
            tables.add(table)
            statements += [(f"savepoint {name}", False), (change, False)]
            if self.chance(0.5):
                statements.append((self.pick([f"rollback to {name}", f"release {name}", "select count(*) from t1", f"rollback to savepoint {name}"]), False))
        statements += [(f"select * from {table}", False) for table in sorted(tables)]
        return Unit(*statements, (self.pick(["commit", "rollback", "rollback", "rollback"]), False), *[(f"select count(*) from {table}", False) for table in sorted(tables)])

    def volatile(self):
        """How often a volatile function is called."""
        call = "nextval('calls')"
        templates = [
            f"select count(v) from (select {call} as v from t1 where {{bool}}) q", f"select {{int4}}, (select {call}) > 0 from t1", f"select coalesce({{int4}}, {call}) is null from t1", f"select case when {{bool}} then {call} end is null from t1",
            f"with w as (select {call} as v from t1) select count(*) from w a, w b where a.v = b.v", f"select {call} > 0 from t1 order by id limit 3", f"select sum({call}) > 0 from t1 where {{bool}}", f"select {call} > 0 union all select {call} > 0", f"select 1 from t1 where {{bool}} group by {call} > 0",
            f"select count(*) from t1 where {call} > 0", f"select count(*) from (select {call} from t2 limit 2) q", f"select {{bool}} and {call} > 0 from t1", f"with w as (select {call}) select 1", f"select exists (select {call} from t1)", f"update t1 set i8 = {call} where {{bool}}", f"insert into t3 (id, i8) select id + 100, {call} from t1",
            f"select nullif({call}, 0) > 0, greatest({call}, 1) > 0 from t2", f"select {call} between 0 and 1000000 from t2", f"select count(*) from t2 x join (select id, {call} as v from t1) y on x.id = y.id", f"select 1 where {call} in (1, 2, 3)", f"select distinct {call} > 0 from t1",
        ]
        query = self.filled("query", self.pick(templates), self.columns_of("t1", "t1"), 1)
        return Unit(("begin", False), ("select setval('calls', 1, false)", False), (query, False), ("select last_value, is_called from calls", False), ("rollback", False))

    def unit(self):
        form = self.random.random()
        if form < 0.62:
            return Unit(self.query())
        return self.changing() if form < 0.85 else self.savepoints() if form < 0.92 else self.volatile()
