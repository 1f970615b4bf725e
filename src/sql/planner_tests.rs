//! Golden translations: fixtures/translate/*.sql holds statements, what they become in SQLite's dialect, and the
//! types of their parameters and columns. REWRITE=1 writes what is now; read the difference before committing it.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::catalog::schema::{Column, Constraint, ConstraintKind, Index, IndexKey, Schema};
use crate::types::gin::KeyClass;

/// One table, as the fixtures' first line says.
fn catalog() -> Arc<CatalogSnapshot> {
    let columns = [
        ("id", Oid::INT4, -1, true),
        ("name", Oid::TEXT, -1, true),
        ("price", Oid::NUMERIC, (10 << 16 | 2) + 4, false),
        ("tags", Oid::TEXT_ARRAY, -1, false),
        ("made", Oid::TIMESTAMPTZ, -1, false),
    ];
    let columns = columns
        .into_iter()
        .zip(1..)
        .map(|((name, type_oid, typmod, not_null), number)| Column {
            number,
            name: name.to_owned(),
            type_oid,
            typmod,
            repr: type_info(type_oid).unwrap().repr,
            not_null,
            default: None,
            identity: None,
            generated: false,
            rowid_alias: name == "id",
            options: Default::default(),
        })
        .collect();
    let key = Constraint {
        oid: Oid(16386),
        name: "item_pkey".to_owned(),
        kind: ConstraintKind::PrimaryKey,
        columns: vec![1],
        deferrable: false,
        initially_deferred: false,
        options: Default::default(),
    };
    let item = Relation {
        oid: Oid(16384),
        schema: "public".to_owned(),
        name: "item".to_owned(),
        kind: RelationKind::Table,
        temporary: false,
        sqlite_name: "item".to_owned(),
        columns,
        constraints: vec![key],
        indexes: Vec::new(),
        view_query: None,
        sequence: None,
        declared: true,
        options: Default::default(),
    };
    let mut snapshot = CatalogSnapshot { version: 1, ..CatalogSnapshot::default() };
    snapshot.schemas.push(Schema { oid: Oid(2200), name: "public".to_owned() });
    snapshot.by_name.insert(("public".to_owned(), "item".to_owned()), item.oid);
    snapshot.relations.insert(item.oid, Arc::new(item));
    Arc::new(snapshot)
}

fn translation(statement: &str, catalog: &Arc<CatalogSnapshot>) -> String {
    let settings = Settings::default();
    let context =
        PlanContext { catalog, settings: &settings, user: "u", database: "d", may_use: &|_| true, security: None };
    let cache = PlanCache::default();
    let planned = cache.parse(statement).and_then(|sources| cache.plan(&sources[0], &[], context));
    let plan = match planned {
        Ok(planned) => planned.plan,
        Err(error) => return format!("{error}\n"),
    };
    let Action::Sqlite(sqlite) = &plan.action else { return format!("{:?}\n", plan.action) };
    let name = |oid: Oid| type_info(oid).map_or("?", |t| t.name);
    let mut text = format!("{}\n", sqlite.sql);
    if !plan.params.is_empty() {
        let params: Vec<&str> = plan.params.iter().map(|p| name(p.oid)).collect();
        writeln!(text, "params {}", params.join(" ")).unwrap();
    }
    if let Some(columns) = &plan.columns {
        let columns: Vec<String> = columns.iter().map(|c| format!("{}:{}", c.name, name(c.type_oid))).collect();
        writeln!(text, "columns {}", columns.join(" ")).unwrap();
    }
    text
}

#[test]
fn translations_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/translate");
    let catalog = catalog();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let recorded = std::fs::read_to_string(&path).unwrap();
        let mut made = String::new();
        for block in recorded.split("\n\n") {
            let block = block.trim_end();
            match block.split_once("\n----") {
                None => writeln!(made, "{block}\n").unwrap(),
                Some((statement, _)) => {
                    write!(made, "{statement}\n----\n{}\n", translation(statement, &catalog)).unwrap();
                }
            }
        }
        let made = format!("{}\n", made.trim_end());
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(&path, &made).unwrap();
            continue;
        }
        for (got, want) in made.lines().zip(recorded.lines()) {
            assert_eq!(got, want, "{}", path.display());
        }
        assert_eq!(made.lines().count(), recorded.lines().count(), "{}", path.display());
    }
}

#[test]
fn other_constants_find_the_same_plan_unless_they_mean_something() {
    let catalog = catalog();
    let settings = Settings::default();
    let context = PlanContext {
        catalog: &catalog,
        settings: &settings,
        user: "u",
        database: "d",
        may_use: &|_| true,
        security: None,
    };
    let cache = PlanCache::default();
    let plan = |text: &str| {
        let sources = cache.parse(text).unwrap();
        cache.plan(&sources[0], &[], context).unwrap()
    };
    let (one, two) = (plan("select name from item where id = 1"), plan("select name from item where id = 2"));
    assert!(Arc::ptr_eq(&one.plan, &two.plan));
    assert_eq!((&one.literals[0], &two.literals[0]), (&Value::Integer(1), &Value::Integer(2)));
    let (by_one, by_two) = (plan("select id, name from item order by 1"), plan("select id, name from item order by 2"));
    assert!(!Arc::ptr_eq(&by_one.plan, &by_two.plan));
    let (short, long) = (plan("select 'abc'::varchar(2)"), plan("select 'abc'::varchar(3)"));
    assert!(!Arc::ptr_eq(&short.plan, &long.plan));
}

#[test]
fn constants_of_an_index_key_are_part_of_the_plan() {
    let mut snapshot = CatalogSnapshot::clone(&catalog());
    let mut item = Relation::clone(snapshot.relations.get(&Oid(16384)).unwrap());
    let mut index = |oid: u32, method: &str, key: &str| {
        let mut index = Index {
            oid: Oid(oid),
            name: format!("item_{oid}_idx"),
            unique: false,
            primary: false,
            keys: vec![IndexKey::of_expression(key.to_owned())],
            included: Vec::new(),
            predicate: None,
            method: method.to_owned(),
            constraint: None,
            options: Default::default(),
        };
        if method == "gin" {
            index.options.postings = vec![Some(KeyClass::Lexemes)];
        }
        item.indexes.push(index);
    };
    index(16390, "btree", "(name || '!'::text)");
    index(16391, "gin", "to_tsvector('english'::regconfig, COALESCE(name, ''::text))");
    snapshot.put_relation(Arc::new(item));
    let catalog = Arc::new(snapshot);
    let sql = |statement: &str| translation(statement, &catalog).lines().next().unwrap_or_default().to_owned();
    assert!(sql("select id from item where name || '!' = 'a!'").contains("|| '!'"));
    assert!(sql("delete from item where name || '!' = 'a!'").contains("|| '!'"));
    assert!(!sql("select id from item where name || '?' = 'a!'").contains('\''));
    let search = |configuration: &str| {
        sql(&format!(
            "with w as (select to_tsquery('b') as q) delete from item using w \
             where to_tsvector('{configuration}', coalesce(name, '')) @@ to_tsquery('a')"
        ))
    };
    assert!(search("english").contains("pg_gin_rows"));
    assert!(!search("simple").contains("pg_gin_rows"));
}

#[test]
fn locking_rows_takes_the_write_ticket() {
    let catalog = catalog();
    let settings = Settings::default();
    let context = PlanContext {
        catalog: &catalog,
        settings: &settings,
        user: "u",
        database: "d",
        may_use: &|_| true,
        security: None,
    };
    for (text, write) in [("select id from item", false), ("select id from item where id = 1 for update", true)] {
        let cache = PlanCache::default();
        let planned = cache.plan(&cache.parse(text).unwrap()[0], &[], context).unwrap();
        let Action::Sqlite(statement) = &planned.plan.action else { panic!("{text}") };
        assert_eq!(statement.write, write, "{text}");
    }
}

#[test]
fn the_cache_is_bounded_in_bytes() {
    let (catalog, settings) = (catalog(), Settings::default());
    let context = PlanContext {
        catalog: &catalog,
        settings: &settings,
        user: "u",
        database: "d",
        may_use: &|_| true,
        security: None,
    };
    let cache = PlanCache::default();
    let plan = |text: &str| {
        let sources = cache.parse(text).expect("parse");
        cache.plan(&sources[0], &[], context).expect("plan").bytes
    };
    let held = || {
        let entries = cache.entries.lock().expect("entries");
        let sum = entries.by_text.values().flatten().map(|entry| entry.bytes).sum::<usize>();
        assert_eq!(entries.bytes, sum);
        sum
    };
    for number in 0..100 {
        let text = format!("SELECT id AS c{number} FROM item");
        let sources = cache.parse(&text).expect("parse");
        let (entry, bytes) = memory::measure(|| analyse(&sources[0], &[], context).expect("analyse"));
        assert!(bytes > text.len(), "a plan takes memory");
        cache.keep(&sources[0], Arc::new(Entry { bytes: KEPT_BYTES, ..entry }));
        assert!(held() <= CACHE_BYTES, "{}", held());
    }
    assert!(held() > 0, "something is kept");
    let before = held();
    let rows = vec!["(1, 'a')"; 20_000].join(", ");
    assert!(plan(&format!("INSERT INTO item (id, name) VALUES {rows}")) > KEPT_BYTES);
    assert_eq!(held(), before, "a bulk INSERT is not kept");
}
