"""Random statements that one SQLite statement cannot do, for scripts/differential --programs: partitioned and inherited
tables, data-modifying WITH, MERGE, LATERAL, views that are written to, rows as values.

Everything it makes has one right answer: keys of rows are changed one row at a time, no two parts of a statement change the
same table, UPDATE … FROM joins by a key.
"""

from random_sql import Generator as Everyday
from random_sql import Node, Unit, optional

LETTERS = ["a", "b", "c", "d", "e"]
# Name, columns beside id, k, s, v, d; how its rows come to be where they are.
PARTITIONED = ["pr", "pl", "ph", "pk"]
INHERITED = ["ia", "ib"]
PLAIN = ["m", "mt"]
VIEWS = ["vm", "vc", "vv", "vp"]
FRAMES = ["range", "groups", "rows"]
COLUMNS = {"id": "int", "k": "int", "s": "text", "v": "int", "d": "date"}
SCHEMA = """
drop view if exists vm, vc, vv, vp cascade
drop table if exists pr, pl, ph, pk, ia, ib, ic, id_, m, mt, child, rr, audit cascade
drop function if exists note, bump cascade
drop type if exists pair cascade
create table m (id int primary key, k int, s text, v int check (v < 1000), d date)
create table mt (id int primary key, k int, s text, v int, d date)
create table child (id int primary key, m int references m on delete cascade on update cascade, v int)
create table pr (id int, k int, s text, v int, d date) partition by range (k)
create table pr0 partition of pr for values from (minvalue) to (10)
create table pr1 partition of pr for values from (10) to (20) partition by list (s)
create table pr1a partition of pr1 for values in ('a', 'b')
create table pr1d partition of pr1 default
create table pr2 (d date, gone int, v int, s text, k int, id int)
alter table pr2 drop column gone
alter table pr attach partition pr2 for values from (20) to (30)
create table pl (id int, k int, s text, v int, d date) partition by list (s)
create table pla partition of pl for values in ('a')
create table plb partition of pl for values in ('b', null)
create table plx partition of pl (check (v < 90)) default
create table ph (id int, k int, s text, v int default 5, d date) partition by hash (k)
create table ph0 partition of ph for values with (modulus 3, remainder 0)
create table ph1 partition of ph for values with (modulus 3, remainder 1)
create table ph2 partition of ph for values with (modulus 3, remainder 2)
create table pk (id int, k int, s text, v int, d date, primary key (id, k)) partition by range (k)
create table pk0 partition of pk for values from (0) to (15)
create table pk1 partition of pk for values from (15) to (40)
create table ia (id int, k int, s text, v int, d date)
create table ib (extra int default 1) inherits (ia)
create table ic () inherits (ib)
create table id_ (other text) inherits (ia)
create type pair as (x int, y text)
create table rr (id int primary key, p pair, ps pair[])
create table audit (n bigserial, what text)
create index on pr (k)
create index on pl (v, s)
create index on ia (k)
create view vm as select id, k, s, v from m where v > 5
create view vc as select id, s, v, v * 2 as twice from m where v > 5 with check option
create view vv as select * from vm where k < 25 with cascaded check option
create view vp as select id, k, s, v, d from pr where v is not null
create function bump() returns trigger language plpgsql as $$begin if new.v = 13 then return null; end if; new.v := new.v + 1; return new; end$$
create function note() returns trigger language plpgsql as $$begin insert into audit (what) values (tg_table_name || ' ' || tg_op || ' ' || coalesce(case when tg_op = 'DELETE' then old.id else new.id end, 0)); return null; end$$
create trigger t1 before insert or update on mt for each row execute function bump()
create trigger t2 after insert or update or delete on mt for each row execute function note()
create trigger t3 before update on pr1d for each row execute function bump()
create trigger t4 after delete on ib for each row execute function note()
""".strip().split("\n")  # fmt: skip


class Generator(Everyday):
    def set_up(self):
        yield from SCHEMA
        for table in ["m", "mt", "pr", "pl", "ph", "pk", "ia", "ib", "ic", "id_"]:
            rows = [f"({number}, {self.whole(0, 29)}, {self.letter()}, {self.value()}, {self.day()})" for number in range(1, self.random.randint(3, 12))]
            yield f"insert into {table} (id, k, s, v, d) values {', '.join(rows)}" + (" on conflict do nothing" if table == "pk" else "")
        yield "insert into child select g, g % 2 + 1, g from generate_series(1, 5) g"
        yield "insert into rr select g, case when g % 3 > 0 then row(g, 'y' || g)::pair end, array[row(g, 'z')::pair, null, row(null, 'q')::pair] from generate_series(1, 4) g"
        yield "delete from audit"

    def whole(self, low=0, high=30):
        return str(self.random.randint(low, high))

    def letter(self):
        return "null" if self.chance(0.1) else f"'{self.pick(LETTERS)}'"

    def value(self):
        return "null" if self.chance(0.1) else self.whole(0, 40)

    def day(self):
        return "null" if self.chance(0.1) else f"'2024-0{self.random.randint(1, 9)}-1{self.random.randint(0, 9)}'"

    # Expressions over the columns of an alias; none fails.

    def number(self, *aliases):
        alias = self.pick(aliases)
        column = f"{alias}.{self.pick(['k', 'v', 'id'])}"
        return self.pick([column, column, self.whole(), f"({column} + {self.whole(0, 9)})", f"coalesce({column}, 0)", f"({column} % 7)", f"(select max(z.v) from m z where z.id < {column})", f"case when {alias}.s = 'a' then {column} else 3 end"])

    def words(self, *aliases):
        alias = self.pick(aliases)
        return self.pick([f"{alias}.s", f"{alias}.s", self.letter(), f"coalesce({alias}.s, 'c')", f"({alias}.s || {alias}.id)", f"chr(97 + {alias}.id % 5)"])

    def any_value(self, *aliases):
        return self.pick([self.number, self.words])(*aliases) if self.chance(0.8) else f"{self.pick(aliases)}.d"

    def condition(self, *aliases, depth=1):
        alias = self.pick(aliases)
        made = [
            lambda: f"{self.number(*aliases)} {self.pick(['=', '<', '>', '<=', '>=', '<>'])} {self.number(*aliases)}",
            lambda: f"{alias}.k {self.pick(['=', '<', '>', '>='])} {self.whole()}",
            lambda: f"{alias}.s {self.pick(['=', '<>', '>'])} {self.letter()}",
            lambda: f"{alias}.k between {self.whole(0, 15)} and {self.whole(10, 30)}",
            lambda: f"{alias}.s in ('a', {self.letter()})",
            lambda: f"{alias}.{self.pick(list(COLUMNS))} is {self.pick(['null', 'not null'])}",
            lambda: f"{alias}.d < '2024-05-15'",
            lambda: f"{self.pick(['exists', 'not exists'])} (select from {self.readable()} z where z.id = {alias}.id)",
            lambda: f"{alias}.k {self.pick(['in', 'not in'])} (select z.id from {self.pick(PLAIN)} z where {alias}.s = z.s)",
            lambda: f"{alias}.k = any (array[{self.whole()}, {self.whole()}, {self.whole()}])",
            lambda: f"({alias}.k, {alias}.s) {self.pick(['=', '<'])} ({self.whole()}, {self.letter()})",
        ]
        text = self.pick(made)()
        if depth and self.chance(0.3):
            text = f"({text} {self.pick(['and', 'or'])} {self.condition(*aliases, depth=depth - 1)})"
        return f"not ({text})" if self.chance(0.1) else text

    def where(self, *aliases, lead=" where "):
        return optional(lead, Node("bool", [self.condition(*aliases)], ("true", "false")))

    def readable(self):
        return self.pick(PARTITIONED + INHERITED + PLAIN + ["only ia", "pr1", "pr2", "plx", "ic"])

    def whole_table(self):
        """What has all five columns."""
        return self.pick(PARTITIONED + INHERITED + PLAIN + ["pr1", "pr2", "pla", "ic"])

    # Changes. Each gives its SQL, the alias whose columns RETURNING may name, and the table.

    def returning(self, alias, table, others=(), always=False):
        if not always and self.chance(0.4):
            return ""
        values = [self.any_value(alias, *others) for _ in range(self.random.randint(1, 3))]
        if self.chance(0.4):
            values.append(self.pick([f"{alias}.*", f"{alias}", f"({alias}).k", "*"]))
        if table not in VIEWS and self.chance(0.4):
            values.append(f"{alias}.tableoid::regclass")
        return " returning " + ", ".join(values)

    def rows(self, table):
        start = self.random.randint(20, 900)
        count = self.random.randint(1, 4)
        return [[str(start + at), self.whole(0, 31), self.letter(), self.value(), self.day()] for at in range(count)]

    def insert(self, table=None, always=False):
        table = table or self.whole_table()
        columns = list(COLUMNS)
        if self.chance(0.3):
            self.random.shuffle(columns)
        named = f" ({', '.join(columns)})" if self.chance(0.6) or columns != list(COLUMNS) or table in INHERITED + ["ic", "pr2"] else ""
        if columns != list(COLUMNS) or table == "pr2":
            named = f" ({', '.join(columns)})"
        if self.chance(0.6):
            made = [dict(zip(COLUMNS, row)) for row in self.rows(table)]
            if named and self.chance(0.15):
                made[0]["v"] = "default"
            body = "values " + ", ".join("(" + ", ".join(row[column] for column in columns) + ")" for row in made)
        else:
            source = self.readable()
            chosen = {"id": f"o.id + {self.pick(['100', '500'])}", "k": self.number("o"), "s": self.words("o"), "v": self.number("o"), "d": "o.d"}
            body = "select " + ", ".join(chosen[column] for column in columns) + f" from {source} o where {self.condition('o')}"
            if table in PLAIN + ["pk"]:
                body += " on conflict do nothing"
        conflict = ""
        if table in PLAIN + ["pk"] and "on conflict" not in body and self.chance(0.5):
            key = "(id, k)" if table == "pk" else "(id)"
            conflict = self.pick([" on conflict do nothing", f" on conflict {key} do update set v = excluded.v + 1", f" on conflict {key} do update set s = excluded.s, v = t.v where t.v > excluded.v"])
        return Node("change", [f"insert into {table} as t{named} {body}{conflict}", self.returning("t", table, always=always)]), table

    def assignments(self, table, *aliases):
        free = ["v", "s", "d"] if table in ("pk", "vc") else ["k", "v", "s", "d", "k"]
        if table in ("vc", "vm", "vv"):
            free.remove("d")
        name = self.pick(free)
        made = {"k": lambda: self.pick([self.number(*aliases), self.whole(0, 29), "(t.k + 10) % 30"]), "v": lambda: self.number(*aliases), "s": lambda: self.words(*aliases), "d": lambda: self.pick(["t.d + 1", "null", "'2024-01-01'"])}
        text = f"{name} = {made[name]()}"
        other = self.pick(free)
        if other != name and self.chance(0.4):
            text = f"({name}, {other}) = " + self.pick([f"({made[name]()}, {made[other]()})", f"row({made[name]()}, {made[other]()})"]) if self.chance(0.5) else f"{text}, {other} = {made[other]()}"
        return text

    def update(self, table=None, always=False):
        table = table or self.whole_table()
        only = "only " if table in INHERITED and self.chance(0.2) else ""
        if self.chance(0.3) and table not in VIEWS:
            source = self.pick(PLAIN)
            form = self.random.random()
            if form < 0.2:
                name = self.pick(["v", "d"])
                value = {"v": "x.n", "d": "x.d"}[name]
                return Node("change", [f"update {only}{table} t set {name} = {value} from (select k, count(*) as n, max(d) as d from {self.pick([one for one in PARTITIONED + PLAIN if one != table])} z group by k) x where x.k = t.k", self.where("t", lead=" and "), self.returning("t", table, always=always)]), table
            if form < 0.4:
                return Node("change", [f"update {only}{table} t set v = x.v, s = o.s from {source} o cross join lateral (select max(z.v) as v from {self.pick(['pl', 'ph', 'ia'])} z where {self.condition('z', 'o')}) x where o.id = t.id", self.returning("t", table, ["o"], always)]), table
            return Node("change", [f"update {only}{table} t set {self.assignments(table, 't', 'o')} from {source} o where o.id = t.id", self.where("t", "o", lead=" and "), self.returning("t", table, ["o"], always)]), table
        if table in VIEWS:
            return Node("change", [f"update {table} t set {self.assignments(table, 'q')}".replace("q.", "t.") + f" where t.id {self.pick(['=', '<', '>'])} {self.whole(1, 12)}", self.view_returning(always)]), table
        return Node("change", [f"update {only}{table} t set {self.assignments(table, 't')}", self.where("t"), self.returning("t", table, always=always)]), table

    def view_returning(self, always=False):
        return " returning t.id, t.s, t.v" if always or self.chance(0.6) else ""

    def delete(self, table=None, always=False):
        table = table or self.whole_table()
        only = "only " if table in INHERITED and self.chance(0.2) else ""
        if self.chance(0.3) and table not in VIEWS:
            return Node("change", [f"delete from {only}{table} t using {self.pick(PLAIN)} o where o.id = t.id", self.where("t", "o", lead=" and "), self.returning("t", table, ["o"], always)]), table
        if table in VIEWS:
            return Node("change", [f"delete from {table} t where t.id {self.pick(['=', '<', '>'])} {self.whole(1, 12)}", self.view_returning(always)]), table
        return Node("change", [f"delete from {only}{table} t", self.where("t"), self.returning("t", table, always=always)]), table

    def change(self, table=None, always=False):
        return self.pick([self.insert, self.update, self.update, self.delete])(table, always)

    def merge(self):
        table = self.pick(PARTITIONED + PLAIN + PLAIN)
        source = self.pick(["m", "mt", "(select distinct on (id) * from pr order by id, k, s, v, d)", "(values (1, 5, 'a', 7, date '2024-01-01'), (40, 12, 'b', 8, null), (41, 25, null, 9, null))"])
        if source == table:
            source = "mt" if table == "m" else "m"
        matched, unmatched = [], []
        for last in [False] * self.random.randint(0, 2) + [True]:
            condition = "" if last and self.chance(0.7) else f" and {self.condition('t', 'o')}"
            matched.append(f" when matched{condition} then " + self.pick([f"update set {self.assignments('pk' if table == 'pk' else table, 't', 'o')}", "delete", "do nothing", f"update set v = o.v"]))
        if self.chance(0.8):
            condition = f" and {self.condition('o')}" if self.chance(0.4) else ""
            columns = self.pick([["id", "k", "s", "v", "d"], ["v", "id", "k"], ["id", "k", "s"]])
            values = {"id": "o.id + 300" if table not in PLAIN else "o.id", "k": "o.k", "s": "o.s", "v": "o.v + 1", "d": "o.d"}
            unmatched.append(f" when not matched{condition} then " + self.pick([f"insert ({', '.join(columns)}) values ({', '.join(values[column] for column in columns)})", "do nothing", f"insert ({', '.join(columns)}) values ({', '.join(values[column] for column in columns)})"]))
        names = "(id, k, s, v, d)"
        parts = [f"merge into {table} t using {source} o{names} on t.id = o.id"] + [optional(text) if at else text for at, text in enumerate(matched)] + [optional(text) if matched else text for text in unmatched]
        return Node("change", parts), table

    def chained(self):
        """Data-modifying WITH: several changes, each of a table of its own, all on one snapshot."""
        tables = self.random.sample(["m", "mt", "pr", "pl", "ph", "pk", "ia"], self.random.randint(1, 3))
        parts, names = ["with "], []
        for at, table in enumerate(tables):
            source = f"c{at}"
            if names and self.chance(0.4) and table not in PLAIN + ["pk"]:
                before = self.pick(names)
                text = f"insert into {table} (id, k, s, v) select n + 500, n % 30, {self.letter()}, n from {before} returning id as n, k, s"
            else:
                change, _ = self.change(table)
                text = str(change).split(" returning ")[0] + " returning t.id as n, t.k, t.s"
            parts += [", " * bool(at), f"{source} as (", text, ")"]
            names.append(source)
        final = self.random.random()
        looked = self.pick(tables)
        if final < 0.4:
            parts.append(f" select c.*, (select count(*) from {looked}) as before from {self.pick(names)} c")
        elif final < 0.6:
            parts.append(" select (select count(*) from " + "), (select count(*) from ".join(names) + f"), (select sum(v) from {looked})")
        elif final < 0.75:
            parts.append(f" select * from {names[0]} c left join {looked} o on o.id = c.n")
        elif final < 0.9:
            parts.append(f" insert into child select n + 1000, null, max(k) from {names[-1]} where n is not null group by n on conflict do nothing returning *")
        else:
            parts.append(" " + " union all ".join(f"select n, s from {name}" for name in names))
        return Node("change", parts), looked

    # Reading.

    def laterally(self):
        outer, inner = self.readable(), self.readable()
        order = "z.id, z.k, z.s, z.v, z.d"
        forms = [
            f"select o.id, o.s, x.* from {outer} o {{join}} lateral (select z.id, z.v, z.s from {inner} z where {self.condition('z', 'o')} order by {order} limit {self.whole(0, 3)}) x {{on}}",
            f"select o.id, x.n, x.t from {outer} o {{join}} lateral (select count(*) as n, sum(z.v) as t from {inner} z where {self.condition('z', 'o')}) x {{on}}",
            f"select o.id, x.j from {outer} o {{join}} lateral (select json_agg(json_build_array(q.id, q.s) order by {order.replace('z.', 'q.')}) as j from (select * from {inner} z where {self.condition('z', 'o')} order by {order} limit 2) q) x {{on}}",
            f"select o.id, g, y.c from {outer} o {{join}} lateral generate_series(1, o.k % 4) g {{on}} cross join lateral (select count(*) as c from {inner} z where z.k > g + o.v % 5) y",
            f"select o.id, x.id, y.v from {outer} o {{join}} lateral (select * from {inner} z where {self.condition('z', 'o')} order by {order} limit 1) x {{on}} left join lateral (select w.v from m w where w.id = x.k or w.s = o.s order by w.id desc limit 1) y on true",
            f"select o.id, u, n from {outer} o {{join}} lateral unnest(array[o.k, o.v, o.id]) with ordinality u(u, n) {{on}} where {self.condition('o')}",
            f"select o.id, (select array_agg(q.v order by q.n) from (select z.v, row_number() over (order by {order}) as n from {inner} z where {self.condition('z', 'o')}) q where q.n < 3) from {outer} o",
            f"select o.id, x.* from {outer} o {{join}} lateral (select z.id, z.s from {inner} z where {self.condition('z', 'o')} union select o.k, o.s union all select 3, null) x {{on}}",
            f"select o.id, x.* from {outer} o {{join}} lateral (values (o.id, o.s), (o.k, null), ({self.number('o')}, {self.words('o')})) x(a, b) {{on}} where {self.condition('o')}",
            f"select o.id, x.id, x.n from {outer} o {{join}} lateral (select z.*, row_number() over (partition by z.s order by {order}) as n from {inner} z where {self.condition('z', 'o')}) x {{on}} where x.n is null or x.n <= 2",
            f"select o.id, x.* from {outer} o {{join}} lateral (with q as (select z.id, z.v + o.k as w from {inner} z where {self.condition('z', 'o')}), r as (select max(w) as w from q) select q.id, r.w from q, r) x {{on}}",
            f"select o.id, x.* from {outer} o {{join}} lateral (select z.s, grouping(z.s), count(*), sum(z.v + o.k) from {inner} z where {self.condition('z', 'o')} group by rollup (z.s)) x {{on}}",
            f"select o.id, x from {outer} o {{join}} lateral (select z from {inner} z where {self.condition('z', 'o')} order by {order} limit 1) x {{on}}",
            f"select o.id, x from {outer} o left join {inner} x on x.id = o.id and {self.condition('x', 'o')}",
            f"select o.id, y.m from {outer} o {{join}} lateral (select z.id, z.k from {inner} z where {self.condition('z', 'o')}) x {{on}} cross join lateral (select max(w.v) as m from {self.readable()} w where w.k > x.k and {self.condition('w', 'o')}) y",
            f"select o.id, (select count(*) from {inner} z where {self.condition('z', 'o')} and exists (select from {self.readable()} w where w.s = z.s and w.k <> o.k)) from {outer} o where {self.condition('o')}",
            f"select (select x.v from {inner} z, lateral (select z.v + o.k as v) x where {self.condition('z', 'o')} order by 1 limit 1), o.id from {outer} o",
            f"select o.k, x.s, max(x.v) from {outer} o {{join}} lateral (select distinct z.s, z.v from {inner} z where {self.condition('z', 'o')}) x {{on}} group by o.k, x.s",
        ]
        join, on = self.pick([("cross join", ""), ("left join", "on true"), ("join", "on true")])
        return Node("query", [self.pick(forms).format(join=join, on=on)])

    def members(self):
        table = self.readable()
        forms = [
            lambda: f"select t.tableoid::regclass, t.* from {table} t",
            lambda: f"select t.tableoid::regclass, count(*), sum(t.v), min(t.s) from {table} t where {self.condition('t')} group by 1",
            lambda: f"select t.k, t.s from {table} t where {self.condition('t')} order by t.id, t.k, t.s, t.v, t.d limit {self.whole(1, 5)}",
            lambda: f"select t.id, o.id from {table} t {self.pick(['join', 'left join', 'full join'])} {self.readable()} o on t.id = o.id and t.k = o.k",
            lambda: f"select s, count(*) from {table} t where {self.condition('t')} group by rollup (s)",
            lambda: f"select t.id, rank() over (partition by t.s order by t.k, t.id), sum(t.v) filter (where t.v is not null) over (order by t.k {self.pick(FRAMES)} between {self.whole(0, 3)} preceding and {self.whole(0, 3)} following {self.pick(['', 'exclude current row', 'exclude ties', 'exclude group'])}) from (select distinct on (k) * from {table} order by k, id, s, v, d) t",
            lambda: f"select id, s from {table} t {self.pick(['union', 'except', 'intersect', 'union all'])} select id, s from {self.readable()} o where {self.condition('o')}",
            lambda: f"with recursive r(n, p) as (select t.id, 0 from {table} t where {self.condition('t')} union select o.k, r.p + 1 from r join m o on o.id = r.n % 12 where r.p < 3) select * from r",
        ]
        return Node("query", [self.pick(forms)()])

    def row_values(self):
        table = self.readable()
        forms = [
            lambda: f"select t from {table} t where {self.condition('t')}",
            lambda: f"select (t).k, t::text, t is null, t is not null from {table} t",
            lambda: f"select row(t.*, t.k) = row(t.*, t.v), row(t.id, t.s) < row({self.whole()}, 'b') from {table} t",
            lambda: f"select row_to_json(t), to_jsonb(t) -> 's' from {table} t",
            lambda: f"select count(t), count(t.*), count(distinct t.s) from {table} t",
            lambda: f"select array_agg(t order by t.id, t.k, t.s, t.v, t.d) from {table} t where {self.condition('t')}",
            lambda: f"select x from (select t as x from {table} t union all select null) q where {self.pick(['x is null', 'x is not null', 'true'])}",
            lambda: f"select r.id, r.p, (r.p).x, (r.p).y, r.ps[{self.whole(1, 3)}].y, r.p = row({self.whole(0, 4)}, 'y1')::pair from rr r",
            lambda: f"select r.id, u from rr r cross join lateral unnest(r.ps) with ordinality u",
            lambda: f"select (u).* from rr r, unnest(r.ps) u where {self.pick(['u is not null', 'u.x > 1', 'true'])}",
            lambda: f"select x.* from jsonb_populate_recordset(null::pair, '[{{\"x\": {self.whole()}, \"y\": \"a\"}}, {{\"y\": null}}]') x",
            lambda: f"select * from json_to_recordset('[{{\"a\": {self.whole()}, \"b\": \"q\"}}, {{}}]') x(a int, b text) , lateral (select count(*) from {table} t where t.k = x.a) y",
            lambda: f"select * from rows from (generate_series(1, {self.whole(0, 4)}), unnest(array['a', 'b'])) with ordinality r(g, u, n) left join {table} t on t.id = r.g",
            lambda: f"select t.k, r from {table} t, lateral (select row(t.id, t.s)::pair as r) x where (r).x > {self.whole(0, 9)}",
            lambda: f"select * from (values (row(1, 'a')::pair, {self.whole()}), (null, 2), (row({self.whole()}, null)::pair, 3)) v(p, n) where {self.pick(['p is distinct from row(1, $$a$$)::pair', '(p).x = 1', 'n > 1'])}",
        ]
        return Node("query", [self.pick(forms)()])

    def row_change(self):
        value = self.pick([f"p.x = {self.whole()}", "p.y = 'new' || id", f"p = row({self.whole()}, 'w')", f"ps[{self.whole(1, 3)}].x = id", f"ps[2] = row(id, 'in')", "p = ps[1], ps = array[p]", f"(id, p) = row(id + 10, row({self.whole()}, 'm')::pair)", "ps = ps || p"])
        change = self.pick([f"update rr set {value} where id {self.pick(['=', '<', '>'])} {self.whole(1, 4)} returning rr, (p).x", f"insert into rr (id, p.x, p.y) values ({self.whole(10, 20)}, {self.whole()}, 'i') returning *", f"insert into rr select id + 20, (p.x, 'c')::pair, ps from (select id, (p).*, ps from rr) q(id, x, y, ps), lateral (select x) p returning id, p", f"delete from rr where {self.pick(['(p).x > 1', 'p is null', 'ps[1].x = 2'])} returning (p).*"])
        return Node("change", [change]), "rr"

    # Units.

    def changing(self):
        chosen = self.random.random()
        if chosen < 0.35:
            change, table = self.change()
        elif chosen < 0.55:
            change, table = self.chained()
        elif chosen < 0.7:
            change, table = self.merge()
        elif chosen < 0.85:
            view = self.pick(VIEWS)
            if self.chance(0.35):
                names = {"vm": "id, k, s, v", "vv": "id, k, s, v", "vc": "id, s, v", "vp": "id, k, s, v"}[view].split(", ")
                row = dict(zip(COLUMNS, self.rows(view)[0]))
                change, table = Node("change", [f"insert into {view} as t ({', '.join(names)}) values ({', '.join(row[name] for name in names)})", self.view_returning()]), view
            else:
                change, table = self.pick([self.update, self.update, self.delete])(view)
            table = "pr" if view == "vp" else "m"
        else:
            change, table = self.row_change() if self.chance(0.6) else (Node("change", [self.pick([f"delete from m where id = {self.whole(1, 9)}", f"update m set id = id + 50 where id = {self.whole(1, 4)}", f"truncate {self.pick(['pr', 'pl', 'pr1', 'only ia', 'mt'])}", f"update pk set id = id + 700, k = {self.whole(0, 39)} where id = {self.whole(1, 6)}", f"select id from {self.pick(['m', 'pr', 'ia', 'pl'])} t where k > {self.whole()} for update"])]), "child")
        looks = [(f"select * from {table}", False)]
        if table in PARTITIONED + INHERITED:
            looks = [(f"select tableoid::regclass, * from {table}", False)]
        if table in ("mt", "ib", "ia"):
            looks.append(("select what from audit", False))
        return [(change, False), *looks]

    def unit(self):
        form = self.random.random()
        if form < 0.35:
            return Unit((self.pick([self.laterally, self.laterally, self.members, self.row_values])(), False))
        if form < 0.85:
            return Unit(("begin", False), *self.changing(), ("rollback", False))
        statements = [("begin", False)]
        for name in ("a", "b", "c")[: self.random.randint(1, 3)]:
            statements += [(f"savepoint {name}", False), *self.changing()]
            if self.chance(0.4):
                statements.append((f"rollback to {name}", False))
        return Unit(*statements, (self.pick(["commit", "rollback", "rollback"]), False), ("select count(*), sum(v) from pr", False), ("select count(*) from audit", False))
