//! DDL statements with what PostgreSQL 15 answers to them (`scripts/record-ddl`), run through planner and engine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;

use crate::catalog::schema::{CatalogSnapshot, RelationKind};
use crate::catalog::store;
use crate::catalog::tables::relations::system_relations;
use crate::engine::context::SessionContext;
use crate::engine::databases::Databases;
use crate::engine::session::EngineSession;
use crate::engine::transaction::Hold;
use crate::error::{ErrorFields, Result};
use crate::settings::Settings;
use crate::sql::plan::{Action, TransactionCommand};
use crate::sql::planner::{PlanCache, PlanContext};
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};

/// A session on a database of its own.
pub(super) struct Scratch {
    session: EngineSession,
    plans: PlanCache,
    in_block: bool,
    directory: PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Scratch {
    pub(super) async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("pgserver-ddl-{}-{unique}", std::process::id()));
        let databases = Databases::new(&directory, 3).expect("data directory");
        databases.create("test").await.expect("create database");
        let database = databases.open("test").await.expect("open database");
        let context = SessionContext {
            backend_pid: 1,
            ..SessionContext::new(Settings::default(), "postgres", "test", database.catalog())
        };
        let session = EngineSession::new(database, Arc::new(Mutex::new(context)));
        Scratch { session, plans: PlanCache::default(), in_block: false, directory }
    }

    /// Runs one statement and gives its rows, as psql prints them unaligned.
    pub(super) async fn run(&mut self, text: &str) -> Result<Vec<String>> {
        self.session.start_statement(None, None);
        let result = self.run_in_transaction(text).await;
        match (&result, self.in_block) {
            (Ok(_), false) => self.session.commit().await?,
            (Err(_), false) => self.session.rollback().await?,
            _ => {}
        }
        result
    }

    async fn run_in_transaction(&mut self, text: &str) -> Result<Vec<String>> {
        let mut rows = Vec::new();
        for source in self.plans.parse(text)? {
            let catalog = self.session.catalog();
            let settings = {
                let mut context = self.session.context().lock().expect("context");
                context.catalog = Arc::clone(&catalog);
                context.settings.clone()
            };
            let context = PlanContext {
                catalog: &catalog,
                settings: &settings,
                user: "postgres",
                database: "test",
                may_use: &|_| true,
                security: None,
            };
            let planned = self.plans.plan(&source, &[], context)?;
            match &planned.plan.action {
                Action::Ddl(ddl) => {
                    self.session.ddl(ddl).await?;
                    self.check_catalog();
                }
                Action::Sqlite(statement) => {
                    let mut cursor = self.session.open(statement, &[], &planned.literals).await?;
                    while cursor.step()? {
                        let mut row = Vec::new();
                        for (index, field) in planned.plan.columns.iter().flatten().enumerate() {
                            let mut out = BytesMut::new();
                            let value = cursor.column(index);
                            if value != crate::types::value::ValueRef::Null {
                                let format = FormatSettings::default();
                                encoding::encode(field.repr, Format::Text, value, &format, &mut out)?;
                            }
                            row.push(String::from_utf8_lossy(&out).into_owned());
                        }
                        rows.push(row.join("|"));
                    }
                }
                Action::Transaction(TransactionCommand::Begin(_)) => self.in_block = true,
                Action::Transaction(TransactionCommand::Commit { .. }) => self.in_block = false,
                Action::Transaction(TransactionCommand::Rollback { .. }) => {
                    self.session.rollback().await?;
                    self.in_block = false;
                }
                // What a dump sets for its session.
                Action::Variable(_) | Action::Accepted { .. } | Action::Empty => {}
                other => panic!("{text}: {other:?}"),
            }
        }
        Ok(rows)
    }

    /// The catalog that a statement has advanced is the one that the file says.
    fn check_catalog(&self) {
        let Hold::Write(write) = &self.session.hold else { panic!("no write transaction") };
        let read = write.lease.enter().with(|connection| store::load(connection, system_relations())).expect("catalog");
        let advanced = self.session.catalog();
        assert_eq!(advanced.file_version, read.file_version);
        assert_eq!(described(&advanced), described(&read));
    }

    /// Runs a script; a statement that fails stops the test.
    async fn script(&mut self, text: &str) {
        for source in self.plans.parse(text).expect("script").iter().map(|s| s.text.to_owned()).collect::<Vec<_>>() {
            if let Err(error) = self.run(&source).await {
                panic!("{source}\n{error:?}");
            }
        }
    }

    /// The rows of a query, one per line.
    async fn rows(&mut self, query: &str) -> String {
        self.run(query).await.unwrap_or_else(|e| panic!("{query}: {e:?}")).join("\n")
    }

    /// What SQLite says of the file's integrity.
    async fn integrity(&mut self) -> String {
        let statement = crate::sql::plan::SqliteStatement {
            sql: "PRAGMA integrity_check".into(),
            binds: Vec::new(),
            write: false,
            locks_rows: false,
            waits: false,
            wait: crate::sql::plan::LockWait::Usual,
            permissions: [].into(),
            target: None,
            key_sources: Vec::new(),
            folded: None,
            before: Vec::new(),
            fires: false,
        };
        self.session.start_statement(None, None);
        let mut cursor = self.session.open(&statement, &[], &[]).await.expect("integrity_check");
        assert!(cursor.step().expect("a row"));
        match cursor.column(0) {
            crate::types::value::ValueRef::Text(text) => text.to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn take_notices(&self) -> Vec<ErrorFields> {
        std::mem::take(&mut self.session.context().lock().expect("context").notices)
    }
}

/// Everything that is in a catalog, in order.
fn described(catalog: &CatalogSnapshot) -> Vec<String> {
    let users = catalog.relations.values().filter(|r| r.kind != RelationKind::System);
    let mut lines: Vec<String> = users.map(|relation| format!("{relation:?}")).collect();
    lines.extend(catalog.schemas.iter().map(|schema| format!("{schema:?}")));
    lines.extend(catalog.types.values().map(|user_type| format!("{user_type:?}")));
    lines.extend(catalog.by_name.iter().map(|entry| format!("{entry:?}")));
    lines.extend(catalog.type_names.iter().map(|entry| format!("{entry:?}")));
    lines.extend(catalog.comments.iter().map(|entry| format!("{entry:?}")));
    lines.sort_unstable();
    lines
}

/// What psql prints of an error or notice with VERBOSITY verbose, without the fields the recording leaves out.
fn shown(fields: &ErrorFields) -> Vec<String> {
    let mut lines = vec![format!("{}: {}: {}", fields.severity.as_str(), fields.code.as_str(), fields.message)];
    lines.extend(fields.detail.iter().map(|d| format!("DETAIL: {d}")));
    lines.extend(fields.hint.iter().map(|h| format!("HINT: {h}")));
    lines.iter().flat_map(|l| l.split('\n')).map(str::to_owned).collect()
}

/// Without what belongs to the checks of rows, which have their own tests.
fn comparable(answer: &str) -> String {
    let kept = |l: &&str| !l.starts_with("DETAIL: Failing row contains") && !l.starts_with("DETAIL: Key (lower");
    answer.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

/// Runs a recording and gives the statements whose answers differ.
async fn replay(recording: &str) -> String {
    let mut scratch = Scratch::new().await;
    let mut differences = String::new();
    for case in recording.split("\n> ") {
        let case = case.trim_start_matches("> ").trim_end_matches('\n');
        let (statement, expected) = case.split_once('\n').unwrap_or((case, ""));
        let result = scratch.run(statement).await;
        let mut lines: Vec<String> = scratch.take_notices().iter().flat_map(shown).collect();
        match result {
            Ok(rows) => lines.extend(rows),
            Err(error) => lines.extend(shown(error.fields())),
        }
        let got = comparable(&lines.join("\n"));
        let expected = comparable(expected);
        if got != expected {
            differences.push_str(&format!("> {statement}\nPostgreSQL:\n{expected}\npgserver:\n{got}\n\n"));
        }
    }
    differences
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_answer_as_postgresql_does() {
    let differences = replay(include_str!("../../../fixtures/ddl/tables.out")).await;
    assert!(differences.is_empty(), "{differences}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_objects_answer_as_postgresql_does() {
    let differences = replay(include_str!("../../../fixtures/ddl/objects.out")).await;
    assert!(differences.is_empty(), "{differences}");
}

/// fixtures/ddl/expressions.tsv: CHECKs and defaults as they are given, and as PostgreSQL 15 shows them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_are_kept_in_postgresqls_spelling() {
    const TABLE: &str = "create table e (a int, b text, c varchar(10), d numeric(10,2), f boolean, t timestamptz, \
        ts timestamp, dt date, big bigint, fl float8, js jsonb, arr int[], ch char(3), iv interval, u uuid, by bytea, \
        tm time, ti smallint)";
    let mut scratch = Scratch::new().await;
    scratch.run("create sequence d_seq").await.expect("sequence");
    let mut differences = String::new();
    for line in include_str!("../../../fixtures/ddl/expressions.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, column, given, expected] = fields[..] else { panic!("{line}") };
        scratch.run(TABLE).await.expect("table");
        let statement = match kind {
            "check" => format!("alter table e add constraint x check ({given})"),
            _ => format!("alter table e alter {column} set default {given}"),
        };
        let result = scratch.run(&statement).await;
        let catalog = scratch.session.catalog();
        let relation = catalog.relation("public", "e").expect("table");
        let kept = match (result, kind) {
            (Err(error), _) => error.to_string(),
            (Ok(_), "check") => match &relation.constraints[0].kind {
                crate::catalog::schema::ConstraintKind::Check(text) => text.replace('\n', "\\n"),
                other => panic!("{other:?}"),
            },
            (Ok(_), _) => relation.column(column).and_then(|c| c.default.clone()).unwrap_or_default(),
        };
        if kept != expected {
            differences.push_str(&format!("{kind} {column} {given}\n  PostgreSQL: {expected}\n  pgserver:   {kept}\n"));
        }
        scratch.run("drop table e").await.expect("drop");
    }
    assert!(differences.is_empty(), "{differences}");
}

/// The sample database's schema, then its tables changed under their rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_keeps_rows_indexes_and_references() {
    let mut scratch = Scratch::new().await;
    scratch.script(include_str!("../../../fixtures/sample/schema.sql")).await;
    scratch
        .script(
            "insert into country (code, name, population) values ('DE', 'Germany', 83), ('FR', 'France', 67);
             insert into supplier (name, country_code, rating, key)
                 values ('a', 'DE', 4.5, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
                        ('b', 'FR', null, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
             insert into category values (1, null, 'root', '{root}'), (2, 1, 'leaf', '{root,leaf}');
             alter table country add column capital text not null default 'none', drop column area;
             alter table country alter column population type numeric(12,2);
             alter table country add constraint few check (population < 1000);
             alter table supplier alter column country_code drop not null;
             alter table category add constraint again foreign key (parent_id) references category (id);
             alter table category drop constraint category_parent_id_fkey;
             alter table supplier drop constraint supplier_pkey cascade;
             alter table supplier add primary key (id);
             alter table country rename column name to title;
             drop view customer_summary, product_list;
             alter table country rename to land;
             alter table supplier rename to vendor",
        )
        .await;
    assert_eq!(
        scratch.rows("select * from land order by code").await,
        "DE|Germany|83.00|f|none\nFR|France|67.00|f|none"
    );
    assert_eq!(scratch.rows("select id, name, country_code from vendor order by id").await, "1|a|DE\n2|b|FR");
    for (statement, code) in [
        ("insert into land (code, title) values ('XX', 'Germany')", "23505"),
        ("insert into land (code, title) values ('DE', 'Else')", "23505"),
        ("update land set population = 1000", "23514"),
        (
            "insert into vendor (name, country_code, key) values ('c', 'YY', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13')",
            "23503",
        ),
        ("delete from land where code = 'DE'", "23503"),
        ("delete from category where id = 1", "23503"),
        ("update vendor set rating = 7", "23514"),
    ] {
        let error = scratch.run(statement).await.expect_err(statement);
        assert_eq!(error.code().as_str(), code, "{statement}: {error:?}");
    }
    let index = "select indexname from pg_indexes where tablename in ('land', 'vendor') order by 1";
    assert_eq!(scratch.rows(index).await, "country_name_key\ncountry_pkey\nsupplier_key_key\nsupplier_pkey");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_follow_the_schema_as_in_postgresql() {
    let differences = replay(include_str!("../../../fixtures/ddl/rows.out")).await;
    assert!(differences.is_empty(), "{differences}");
}

/// Keys, checks and NOT NULLs are added without touching the rows where that is possible, also where it is undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constraints_are_declared_in_place() {
    let mut scratch = Scratch::new().await;
    scratch
        .script(
            "create table branch (bid int not null, filler char(8));
             create table account (aid int not null, bid int, filler char(8), n int);
             create index on account (aid);
             insert into branch values (1, 'a'), (2, 'b');
             insert into account values (1, 1, 'x', 5), (2, 2, 'y', 6), (3, 1, 'z', 7);
             alter table branch add primary key (bid);
             alter table account add primary key (aid);
             alter table account add foreign key (bid) references branch, add check (n > 4), alter n set not null;
             update account set aid = 10 where aid = 3;
             delete from account where aid = 1;
             insert into account values (3, 2, 'q', 9);
             begin; alter table account drop constraint account_n_check; alter table account add column extra int; rollback",
        )
        .await;
    assert_eq!(scratch.rows("select aid, bid, n from account order by aid").await, "2|2|6\n3|2|9\n10|1|7");
    for (statement, code) in [
        ("insert into account values (2, 1, 'w', 5)", "23505"),
        ("insert into account values (4, 3, 'w', 5)", "23503"),
        ("insert into account values (4, 1, 'w', 4)", "23514"),
        ("insert into account values (4, 1, 'w', null)", "23502"),
        ("delete from branch where bid = 1", "23503"),
    ] {
        let error = scratch.run(statement).await.expect_err(statement);
        assert_eq!(error.code().as_str(), code, "{statement}: {error:?}");
    }
    scratch.script("alter table account drop constraint account_pkey; insert into account values (2, 1, 'w', 5)").await;
    assert_eq!(scratch.rows("select count(*) from account where aid = 2").await, "2");
    assert_eq!(scratch.integrity().await, "ok");
}

/// What is more than SQLite's schema is not copied where that can be helped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_tables_are_changed_as_small_ones_are() {
    let mut scratch = Scratch::new().await;
    for rows in [0, 1, 20_000] {
        scratch
            .script(&format!(
                "create table big (id int primary key, a int, b text unique);
                 insert into big select n, n % 7, 'b' || n from generate_series(1, {rows}) n;
                 create index on big (a desc);
                 alter table big add column c text, add column d int;
                 alter table big alter a set not null, add constraint odd check (a <> 3) not valid;
                 alter table big add column e int not null default 4;
                 alter table big drop constraint odd, add constraint odd check (a <> 3) not valid;
                 alter table big alter column e type numeric(5,2);
                 alter table big drop column d;
                 insert into big (id, a) values (0, 6)"
            ))
            .await;
        assert_eq!(
            scratch.rows("select count(*), sum(id), sum(e), count(c), count(b) from big").await,
            format!("{}|{}|{}.00|0|{rows}", rows + 1, rows * (rows + 1) / 2, 4 * (rows + 1))
        );
        let error = scratch.run("insert into big (id, a) values (-1, 3)").await.expect_err("the check");
        assert_eq!(error.code().as_str(), "23514");
        // SQLite looks at CHECKs too, which what is not valid need not satisfy.
        scratch.script("alter table big drop constraint odd").await;
        assert_eq!(scratch.integrity().await, "ok");
        scratch.script("drop table big").await;
    }
}

/// A file that another program made: read, written and indexed by what SQLite says of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_sqlite_file_is_a_database() {
    let mut scratch = Scratch::new().await;
    let other = rusqlite::Connection::open(scratch.directory.join("test.sqlite")).expect("open");
    other
        .execute_batch(
            "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, active BOOLEAN DEFAULT 1);
             CREATE VIEW recent AS SELECT name FROM author;
             INSERT INTO author (name) VALUES ('a'), ('b');",
        )
        .expect("tables");
    drop(other);
    // A change of the schema reads the file's anew.
    scratch.script("create table unrelated (a int)").await;
    scratch.script("create table mine (id serial primary key, a int references author (id))").await;
    assert_eq!(scratch.rows("select * from author order by id").await, "1|a|1\n2|b|1");
    assert_eq!(scratch.rows("select * from recent order by name").await, "a\nb");
    assert_eq!(scratch.rows("insert into author (name) values ('c') returning id, active").await, "3|1");
    scratch.script("create index on author (name); insert into mine (a) values (3)").await;
    assert_eq!(
        scratch.rows("select indexname from pg_indexes where tablename = 'author' order by 1").await,
        "author_name_idx\nauthor_pkey"
    );
    let error = scratch.run("insert into mine (a) values (9)").await.expect_err("no such author");
    assert_eq!(error.code().as_str(), "23503");
    let error = scratch.run("alter table author add column z int").await.expect_err("not pgserver's");
    assert_eq!(error.code().as_str(), "0A000");
}
