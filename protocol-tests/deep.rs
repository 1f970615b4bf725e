//! Every construct that can stand in itself, or be repeated without end, at ten, a hundred and ten thousand times the depth at
//! which it is refused: the answer is an error that says so, and the process goes on.
//!
//! Texts are a few hundred kilobytes at most; with `PGSERVER_DEEP=full` as long as the depths ask for, up to 60 MB.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use server::Server;
use wire::Session;

/// What is repeated before and after something, in a statement.
struct Construct {
    begin: &'static str,
    before: &'static str,
    middle: &'static str,
    after: &'static str,
    end: &'static str,
    /// Whether the repeated part is a value that SQL's repeat() makes, and not the statement's own text.
    value: bool,
}

const fn sql(
    begin: &'static str,
    before: &'static str,
    middle: &'static str,
    after: &'static str,
    end: &'static str,
) -> Construct {
    Construct { begin, before, middle, after, end, value: false }
}

/// A value between what stands around it in the statement.
const fn value(
    begin: &'static str,
    before: &'static str,
    middle: &'static str,
    after: &'static str,
    end: &'static str,
) -> Construct {
    Construct { begin, before, middle, after, end, value: true }
}

impl Construct {
    fn at(&self, depth: usize) -> String {
        let Construct { begin, before, middle, after, end, value } = self;
        if *value {
            let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
            let (before, middle, after) = (text(before), text(middle), text(after));
            return format!("{begin}(repeat({before}, {depth}) || {middle} || repeat({after}, {depth})){end}");
        }
        [*begin, &before.repeat(depth), middle, &after.repeat(depth), end].concat()
    }

    fn length(&self, depth: usize) -> usize {
        (self.before.len() + self.after.len()).saturating_mul(depth)
    }
}

/// Statements and expressions.
const SQL: &[Construct] = &[
    sql("select ", "(", "1", ")", ""),
    sql("select ", "not ", "true", "", ""),
    sql("select ", "- ", "1", "", ""),
    sql("select ", "@ ", "1", "", ""),
    sql("select 1", " + 1", "", "", ""),
    sql("select true", " and true", "", "", ""),
    sql("select 1 where false", " or 1 = 2", "", "", ""),
    sql("select 'a'", " || 'a'", "", "", ""),
    sql("select 1", "::int", "", "", ""),
    sql("select 'a'", " collate \"C\"", "", "", ""),
    sql("select now()", " at time zone 'UTC'", "", "", ""),
    sql("select 1", " is null", "", "", ""),
    sql("select '{}'::jsonb", "['a']", "", "", ""),
    sql("select ", "1 between ", "1 and 2", " and 3", ""),
    sql("select 1", " = any(array[1", "", "])", ""),
    sql("select 1", " in (1", "", ")", ""),
    sql("select ", "abs(", "1", ")", ""),
    sql("select ", "cast(", "1", " as int)", ""),
    sql("select ", "coalesce(1, ", "1", ")", ""),
    sql("select ", "nullif(", "1", ", 2)", ""),
    sql("select ", "greatest(1, ", "1", ")", ""),
    sql("select ", "case when true then ", "1", " end", ""),
    sql("select ", "case ", "1", " when 1 then 1 end", ""),
    sql("select ", "array[", "1", "]", ""),
    sql("select ", "row(", "1", ")", " is null"),
    sql("select ", "(select ", "1", ")", ""),
    sql("select ", "array(select ", "1", ")", ""),
    sql("select ", "exists (select 1 where ", "true", ")", ""),
    sql("select ", "overlay(", "'a'", " placing 'b' from 1)", ""),
    sql("select ", "substring(", "'a'", " from 1)", ""),
    sql("select ", "trim(both from ", "'a'", ")", ""),
    sql("select ", "extract(epoch from ", "now()", ")", ""),
    sql("select ", "xmlconcat(", "'<a/>'", ")", ""),
    sql("select ", "xmlelement(name a, ", "1", ")", ""),
    sql("select ", "sum(1) filter (where ", "true", " is null)", ""),
    sql("select null::int", "[]", "", "", ""),
    sql("select ", "a.", "a", "", ""),
    sql("select ", "/*", "1", "*/", " 1"),
    sql("select * from ", "(select * from ", "(select 1) x", ") x", ""),
    sql("select * from ", "(", "t", ")", ""),
    sql("select * from ", "(t a join ", "t b", " on true)", ""),
    sql("select 1 from t t0", " cross join t", "", "", ""),
    sql("select * from t", ", lateral (select t.a", "", ") l", ""),
    sql("select 1", " union all select 1", "", "", ""),
    sql("select 1", " intersect select 1", "", "", ""),
    sql("", "(", "select 1", ")", ""),
    sql("", "with x as (", "select 1", ") select 1", ""),
    sql("", "with recursive x as (", "select 1", " union select 1 from x) select 1", ""),
    sql("select 1 group by ", "grouping sets (", "()", ")", ""),
    sql("values ", "(", "1", ")", ""),
    sql("select * from ", "(values (", "1", ")) x", ""),
    sql("", "explain ", "select 1", "", ""),
    sql("insert into t values (", "(", "1", ")", ")"),
    sql("insert into t values (1) on conflict (a) do update set a = ", "(", "1", ")", ""),
    sql("update t set a = ", "(", "1", ")", " where false"),
    sql("delete from t where ", "not ", "false", "", " and false"),
    sql("merge into t using (select 1 b) s on ", "(", "a = -b", ")", " when matched then do nothing"),
    sql("prepare p as select ", "(", "1", ")", "; deallocate p"),
    sql("declare c cursor with hold for select ", "(", "1", ")", "; close c"),
    sql("create temp view v as select ", "(select ", "1 as a", ") as a", "; drop view v"),
    sql("create temp table x (a int check (", "(", "a > 0", ")", ")); drop table x"),
    sql("create temp table x (a int default ", "(", "0", ")", "); drop table x"),
    sql("create temp table x (a int, b int generated always as (", "a + ", "1", "", ") stored); drop table x"),
    sql("create index i on t ((", "abs(", "a", ")", ")); drop index i"),
    sql("create policy p on t using (", "not ", "true", "", "); drop policy p on t"),
    sql("create domain x as int check (", "(", "value > 0", ")", "); drop domain x"),
    sql("create function x() returns int language sql return ", "(", "1", ")", "; drop function x()"),
    sql("create function x() returns int language sql as 'select ", "(", "1", ")", "'; drop function x()"),
    sql(
        "create trigger x before update on t for each row when (",
        "not ",
        "true",
        "",
        ") execute function g(); drop trigger x on t",
    ),
    sql("do $$ begin ", "begin ", "null;", " end;", " end $$"),
    sql("do $$ begin ", "if true then ", "null;", " end if;", " end $$"),
    sql("do $$ begin ", "while false loop ", "null;", " end loop;", " end $$"),
    sql("do $$ begin ", "case 1 when 1 then ", "null;", " end case;", " end $$"),
    sql("do $$ begin if true then null; ", "elsif true then null; ", "", "", " end if; end $$"),
    sql("do $$ declare a int := ", "(", "1", ")", "; begin null; end $$"),
    sql("do $$ begin perform ", "abs(", "1", ")", "; end $$"),
];

/// Values that types and functions read.
const VALUES: &[Construct] = &[
    value("select ", "[", "", "]", "::json"),
    value("select ", "{\"a\":", "1", "}", "::json"),
    value("select ", "[", "", "]", "::jsonb"),
    value("select ", "{\"a\":", "1", "}", "::jsonb"),
    value("select jsonb_pretty(", "[", "", "]", "::jsonb) is null"),
    value("select jsonb_strip_nulls(", "[", "", "]", "::jsonb) is null"),
    value("select count(*) from jsonb_path_query(", "[", "", "]", "::jsonb, '$.**')"),
    value("select jsonb_set(", "[", "1", "]", "::jsonb, array_fill('0'::text, array[3000]), '2') is null"),
    value("select jsonb_insert(", "[", "1", "]", "::jsonb, array_fill('0'::text, array[300000]), '2') is null"),
    value("select jsonb_path_query_tz(", "[", "1", "]", "::jsonb, '$[*]') is null"),
    value("select x = x and x @> x and x < x || x from (select ", "[", "1", "]", "::jsonb x) y"),
    value("select to_tsvector(", "[", "\"a\"", "]", "::json) is null"),
    value("select ts_headline(", "[", "\"a\"", "]", "::json, 'a'::tsquery) is null"),
    value("select ", "(", "$", ")", "::jsonpath"),
    value("select ", "-", "$", "", "::jsonpath"),
    value("select ", "$[", "1", "]", "::jsonpath"),
    value("select ", "1 + ", "1", "", "::jsonpath"),
    value("select ", "$ ? (", "@ == 1", ")", "::jsonpath"),
    value("select jsonb_path_query('1', (", "1 + ", "1", "", ")::jsonpath)"),
    value("select jsonb_path_query('1', (", "(", "1", ")", ")::jsonpath)"),
    value("select ", "(", "a", ")", "::tsquery"),
    value("select ", "!(", "a", ")", "::tsquery"),
    value("select ", "a & ", "a", "", "::tsquery"),
    value("select ", "a <-> ", "a", "", "::tsquery"),
    value("select websearch_to_tsquery(", "a or ", "a", "", ")"),
    value("select to_tsvector('a') @@ (", "a & ", "a", "", ")::tsquery"),
    value("select ts_headline('a', (", "a & ", "a", "", ")::tsquery)"),
    value("select ts_rank_cd('a:1', (", "a & ", "a", "", ")::tsquery)"),
    value("select ", "<a>", "", "</a>", "::xml"),
    value("select ", "<!--", "", "-->", "::xml is null"),
    value("select xpath(", "(", "1", ")", ", '<a/>')"),
    value("select xpath(", "a[", "1", "]", ", '<a/>')"),
    value("select xpath(", "1+", "1", "", ", '<a/>')"),
    value("select xpath(", "-", "1", "", ", '<a/>')"),
    value("select xpath(", "a/", "a", "", ", '<a/>')"),
    value("select xpath(", "a|", "a", "", ", '<a/>')"),
    value("select xpath(", "not(", "1", ")", ", '<a/>')"),
    value("select xpath('//a', (", "<a>", "", "</a>", ")::xml) is null"),
    value("select ", "{", "1", "}", "::int[]"),
    value("select ", "{", "\"a\"", "}", "::text[]"),
    value("select 'x' ~ ", "(", "a", ")", ""),
    value("select 'x' ~ ", "(?:", "a", ")*", ""),
    value("select 'x' ~ ", "(?=", "a", ")", ""),
    value("select 'x' ~ ", "a|", "a", "", ""),
    value("select 'x' ~ ", "[[:alpha:]", "", "", ""),
    value("select 'x' similar to ", "(", "a", ")", ""),
    value("select 'x' like ", "%_", "", "", ""),
    value("select ", "(", "a", ")", "::ltxtquery"),
    value("select ", "!", "a", "", "::ltxtquery"),
    value("select ", "a & ", "a", "", "::ltxtquery"),
    value("select 'a'::ltree @ (", "a & ", "a", "", ")::ltxtquery"),
    value("select ", "a.", "a", "", "::ltree"),
    value("select 'a'::ltree ~ (", "*.", "a", "", ")::lquery"),
    value("select ", "(", "1", ")", "::query_int"),
    value("select ", "!", "1", "", "::query_int"),
    value("select ", "1&", "1", "", "::query_int"),
    value("select array[1] @@ (", "1&", "1", "", ")::query_int"),
    value("select ", "[1,2),", "", "", "::int4multirange"),
    value("select ('{' || ", "[1,2),", "[1,2)", "", " || '}')::int4multirange is null"),
    value("select ", "(", "1", ")", "::pair"),
    value("select ", "(", "1,2", ")", "::point"),
    value("select ", "a=>1,", "a=>1", "", "::hstore is null"),
    value("select parse_ident(", "a.", "a", "", ") is null"),
    value("select to_regclass(", "a.", "a", "", ")"),
    value("select to_regtype(", "int", "", "[]", ")"),
    value("select to_regprocedure(", "f(", "", ")", ")"),
    value("select xmlparse(content ", "<a>", "", "</a>", ") is null"),
    value("select json_populate_record(null::pair, ", "{\"a\":", "1", "}", "::json) is null"),
    value("select count(*) from json_to_recordset(", "[", "", "]", "::json) x(a int)"),
    value("select quote_literal(query_to_xml('select ' || ", "(", "1", ")", ", true, true, '')::text) is null"),
    value("do $do$ begin execute 'select ' || ", "(", "1", ")", "; end $do$"),
];

/// Objects that stand on each other, without end.
const CHAINS: &[(&str, &str)] = &[
    ("create view chain0 as select 1 a", "create view chain{n} as select a from chain{m}"),
    ("create domain chaind0 as int", "create domain chaind{n} as chaind{m} check (value > 0)"),
    ("create type chaint0 as (a int)", "create type chaint{n} as (a chaint{m})"),
    (
        "create table chainp0 (a int) partition by list (a)",
        "create table chainp{n} partition of chainp{m} for values in (1) partition by list (a)",
    ),
    ("create table chaini0 (a int)", "create table chaini{n} () inherits (chaini{m})"),
    (
        "create table chaink0 (a int primary key)",
        "create table chaink{n} (a int primary key references chaink{m} on delete cascade)",
    ),
    (
        "create function chainf0() returns int language sql as 'select 1'",
        "create function chainf{n}() returns int language sql as 'select chainf{m}()'",
    ),
];

/// What may be said of something that is too much; 42601 and their like where an error comes first that does not depend on the depth.
const REFUSALS: &[&str] = &["54001", "54000", "54011", "54023", "53200", "57014", "2201B"];

/// The SQLSTATE of what a statement is told; none if it is done.
fn told(session: &mut Session, sql: &str) -> Option<String> {
    // Shown if the test fails.
    println!("{} bytes: {}", sql.len(), sql.chars().take(150).collect::<String>());
    let answer = session.query(sql);
    assert!(answer.status.is_some(), "the session ends");
    answer.errors.last().map(|error| error.split(' ').next().unwrap_or_default().to_owned())
}

#[test]
fn nothing_is_too_deep_for_the_process() {
    let server = Server::start("postgres", "trust", "").unwrap();
    let mut session = Session::open(server.addr);
    session.run("create extension ltree; create extension intarray; create extension hstore");
    session
        .run("create table t (a int primary key); create type pair as (a int, b int); set statement_timeout = '20s'");
    session.run("create function g() returns trigger language plpgsql as 'begin return new; end'");
    let most = if std::env::var("PGSERVER_DEEP").is_ok_and(|form| form == "full") { 60 << 20 } else { 400 << 10 };
    for construct in SQL.iter().chain(VALUES) {
        let once = told(&mut session, &construct.at(1));
        let mut limit = 64;
        let mut refused = None;
        while refused.is_none() && construct.length(limit) < most {
            refused = told(&mut session, &construct.at(limit)).filter(|state| Some(state) != once.as_ref());
            limit *= 2;
        }
        for times in [10, 100, 10_000] {
            let unit = (construct.before.len() + construct.after.len()).max(1);
            let depth = limit.saturating_mul(times).min(most / unit);
            let state = told(&mut session, &construct.at(depth));
            let is_refusal = |state: &String| REFUSALS.contains(&state.as_str());
            assert!(
                state.as_ref().is_none_or(is_refusal) || state == once || state == refused,
                "{} ({depth} times): {state:?}, once: {once:?}, at {limit}: {refused:?}",
                construct.at(1)
            );
        }
    }
    assert_eq!(session.value("select 7"), "7");
}

#[test]
fn objects_may_stand_on_each_other() {
    let server = Server::start("postgres", "trust", "").unwrap();
    let mut session = Session::open(server.addr);
    session.run("set statement_timeout = '20s'");
    for (first, next) in CHAINS {
        session.run(first);
        let mut made = 0;
        for n in 1..=150 {
            let sql = next.replace("{n}", &n.to_string()).replace("{m}", &(n - 1).to_string());
            match told(&mut session, &sql) {
                None => made = n,
                Some(state) => {
                    assert!(REFUSALS.contains(&state.as_str()), "{sql}: {state}");
                    break;
                }
            }
        }
        let name = next.split_whitespace().nth(2).unwrap().split('{').next().unwrap().to_owned();
        let uses = match name.as_str() {
            "chaind" => format!("select 1::chaind{made}"),
            "chaint" => format!("select null::chaint{made}, '{}'::chaint{made}", "(".repeat(300)),
            "chainf" => format!("select chainf{made}()"),
            "chaink" => "delete from chaink0".to_owned(),
            "chainp" => "insert into chainp0 values (1); select * from chainp0; update chainp0 set a = 1".to_owned(),
            "chaini" => "select * from chaini0; update chaini0 set a = 1".to_owned(),
            _ => format!("select * from {name}{made}"),
        };
        let state = told(&mut session, &uses);
        let allowed =
            |state: &String| REFUSALS.contains(&state.as_str()) || ["22P02", "23514"].contains(&state.as_str());
        assert!(state.as_ref().is_none_or(allowed), "{uses}: {state:?}");
    }
    assert_eq!(session.value("select 7"), "7");
}
