//! What is printed is parsed as the same tree: of every statement in the fixtures that the grammar takes.

use std::path::Path;

use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::statement::statement;
use crate::sql::syntax::lexer::{TokenKind, tokens};
use crate::sql::syntax::print::check::check_statement;

/// How many mixed statements are tried.
const MIXED: usize = 20_000;

/// The statements of a text that parse; what stands between two semicolons is taken for one.
fn statements(text: &str) -> Vec<Stmt> {
    let tokens = tokens(text, true);
    let parts = tokens.split_inclusive(|token| token.kind == TokenKind::Symbol(b';'));
    parts.filter_map(|part| statement(text, part).ok().flatten()).collect()
}

fn texts(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
            continue;
        }
        let Ok(content) = std::fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sql") => found.push(content),
            Some("pt") => {
                let queries = content.lines().filter_map(|line| line.split_once("Query '")?.1.strip_suffix('\''));
                found.extend(queries.map(|query| query.replace("\\n", "\n").replace("\\'", "'")));
            }
            Some("tsv") => found.extend(content.lines().filter_map(|line| Some(line.split('\t').next()?.to_owned()))),
            _ => {}
        }
    }
}

fn fixtures() -> Vec<String> {
    let mut found = Vec::new();
    texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    found
}

#[test]
fn printed_statements_parse_as_the_same_tree() {
    let (mut all, mut printed, mut wrong) = (0, 0, Vec::new());
    for stmt in fixtures().iter().flat_map(|text| statements(text)) {
        all += 1;
        match check_statement(&stmt) {
            Ok(known) => printed += usize::from(known),
            Err(difference) => wrong.push(difference),
        }
    }
    println!("{printed} of {all} statements are printed");
    assert!(all > 1000, "{all} statements");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Words of one statement in another's place find what nobody writes.
#[test]
fn mixed_statements_too() {
    let texts = fixtures();
    let mut words: Vec<&str> = Vec::new();
    let mut whole: Vec<Vec<&str>> = Vec::new();
    for text in &texts {
        for part in tokens(text, true).split_inclusive(|token| token.kind == TokenKind::Symbol(b';')) {
            let said: Vec<&str> = part.iter().map(|token| token.text(text)).filter(|word| *word != ";").collect();
            if said.len() < 200 && statement(text, part).is_ok() {
                words.extend(&said);
                whole.push(said);
            }
        }
    }
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let (mut parsed, mut wrong) = (0, Vec::new());
    for _ in 0..MIXED {
        let mut mixed = whole[random(whole.len())].clone();
        for _ in 0..=random(3) {
            let at = random(mixed.len());
            let other = &whole[random(whole.len())];
            match random(4) {
                0 if !mixed.is_empty() => drop(mixed.remove(at)),
                1 => mixed.insert(at, words[random(words.len())]),
                2 if !other.is_empty() => {
                    let from = random(other.len());
                    let to = from + random((other.len() - from).min(8) + 1);
                    mixed.splice(at..at, other[from..to].iter().copied());
                }
                _ if !mixed.is_empty() => mixed[at] = words[random(words.len())],
                _ => {}
            }
        }
        let text = mixed.join(" ");
        if let Ok(Some(stmt)) = statement(&text, &tokens(&text, true)) {
            parsed += 1;
            if let Err(difference) = check_statement(&stmt) {
                wrong.push(format!("{text}\n  {difference}"));
            }
        }
    }
    println!("{parsed} of {MIXED} mixed statements parse");
    assert!(parsed > MIXED / 20, "{parsed} parse");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Where a word, a name or a parenthesis could be taken for something else.
#[test]
fn names_that_are_words() {
    for text in [
        r#"select "coalesce"(1), "left"(a, 1), pg_catalog."substring"(x), "interval" '1', "char" 'x', "any"(1)"#,
        r#"select - - 1, -(-1), - 2147483648, a.b[1].c, (x).y.*, array[[1], [2]], 1 operator(pg_catalog.+) 2, (a, b) is null"#,
        r#"select e'\n', b'1', x'f', u&'\0041', 'a\b', 'it''s', interval '1' year to month, time(3) '1', '-1'::int, (-1)::int"#,
        r#"select array[array['a'], b['c']], array[[1], [2]], array[]::int[]"#,
        r#"select * from a left join (b cross join c) as d on true, lateral f(1) with ordinality as g (h), only (i)"#,
        r#"select a not between symmetric 1 and 2, b not in (1, 2), not a and b or c, a is not distinct from b from t"#,
        r#"prepare "transaction" as select 1"#,
        r#"deallocate "prepare""#,
        r#"create user "mapping" with nologin noinherit in role a, b valid until 'x' connection limit -1"#,
        r#"set "a.b" = 1, 'x', -1.5, off"#,
        r#"set a."b c" to default"#,
        r#"set "a." = 'x'"#,
        r#"set time zone interval(3) '1'"#,
        r#"set time zone interval '1' hour to minute"#,
        r#"set time zone interval '1'"#,
        r#"set local "local" = 1"#,
        r#"reset "all""#,
        r#"copy t (a) from stdin csv header quote '"' force null a, b where a > 1"#,
        r#"copy binary t to program 'x' with (force_quote (a, 'b'), "null" '', "header" false, x)"#,
        r#"create aggregate a (basetype = int, "type" = x, stype = 'y', sfunc = operator(a.+), n = -1)"#,
        r#"create aggregate a (variadic "any" order by variadic "any") (sfunc = +, b)"#,
        r#"drop aggregate if exists a.b (int, variadic "any" order by variadic "any"), c (*), d (order by int) cascade"#,
        r#"create rule r as on insert to t do also (select 1 union select 2)"#,
        r#"create rule r as on delete to t where a do instead ((select 1) union (select 2); notify x)"#,
        r#"alter table t alter c options (add "set" 'y', set "drop" 'x', drop "add", "add" 'z')"#,
        r#"create table t ("check" int, "exclude" int, "like" text, constraint "unique" unique using index i)"#,
        r#"create table t (a int default (-1) not null deferrable initially deferred collate "C" check (a > 1) no inherit)"#,
        r#"create index on t ((a), (f(b)) "nulls" nulls first, "nulls" desc, f(c) x.y (a = b, c) nulls last)"#,
        r#"create index "concurrently" on only t using "using" (a) include (b) with (a.b = off) where a is null"#,
        r#"comment on constraint c on domain d is 'x'"#,
        r#"comment on constraint c on "domain" is null"#,
        r#"comment on column a.b.c is e'\\'"#,
        r#"alter operator @@ (none, int) set (join = 'none', restrict = none)"#,
        r#"alter function f(int, out b text) set schema "set""#,
        r#"alter function f set schema = 'x' reset all called on null input cost .5 restrict"#,
        r#"fetch all from c"#,
        r#"move backward all in c"#,
        r#"fetch relative -3 "from""#,
        r#"explain (analyze, buffers off, format 'json', a 1) (select 1) union (select 2)"#,
        r#"explain analyze verbose create table t as execute p (1)"#,
        r#"create function f(inout "a b" int default 1, variadic text[]) returns setof a.b%type language sql set x from current"#,
        r#"create function f(a int) returns table (b int, c "setof") immutable begin atomic select 1; ; return -2; end"#,
        r#"alter default privileges for role a in schema b revoke grant option for select on tables from public cascade"#,
        r#"grant select (a), references on t to public, current_user with grant option granted by session_user"#,
        r#"grant alter system, set on parameter a.b to "public""#,
        r#"grant a, "select", "create" to b with admin option"#,
        r#"begin exclusive transaction isolation level repeatable read, read only, not deferrable"#,
        r#"release savepoint"#,
        r#"create database d with owner = default "template" x connection limit 5 encoding 'y'"#,
        r#"create publication p for table a (b) where (c > 1), only d, tables in schema current_schema, e with (f)"#,
        r#"create trigger t instead of update of a, b or delete on v referencing new table as n for each row when (a is null) execute function f(1, 2.5, x, 'y')"#,
        r#"create view v with (a) as (select 1 order by 1 limit all) with local check option"#,
        r#"create temp table t as values (1), (2) with no data"#,
        r#"create schema authorization a create table b (c int) create view d as select 1 grant all on b to public"#,
        r#"merge into t using s on a = b when matched and c then update set (a, b) = (1, 2), d[1].e = default when not matched then do nothing"#,
        r#"insert into t (a[1], b.c) overriding user value select 1 on conflict (lower(a) collate "C" o) where b do update set a = excluded.a returning *, a as "as""#,
    ] {
        let stmt = statement(text, &tokens(text, true)).unwrap_or_else(|error| panic!("{}: {text}", error.message()));
        assert_eq!(check_statement(&stmt.unwrap()), Ok(true), "{text}");
    }
}
