//! Tests of a session's schema with real DDL: constraint errors as PostgreSQL words them, changes that are seen only once
//! they are committed, temporary tables, sequences. Expectations are PostgreSQL 15's.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::context::SessionContext;
use crate::engine::databases::Databases;
use crate::engine::session::EngineSession;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::sql::plan::{Action, TransactionCommand, TransactionModes};
use crate::sql::planner::{PlanCache, PlanContext};
use crate::types::value::ValueRef;

struct Server {
    databases: Databases,
    plans: PlanCache,
    directory: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn server() -> Server {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("pgserver-schema-{}-{unique}", std::process::id()));
    let databases = Databases::new(&directory, 3).expect("data directory");
    databases.create("test").await.expect("create database");
    Server { databases, plans: PlanCache::default(), directory }
}

struct Client<'s> {
    session: EngineSession,
    server: &'s Server,
    in_block: bool,
}

impl<'s> Client<'s> {
    async fn connect(server: &'s Server) -> Self {
        let database = server.databases.open("test").await.expect("open database");
        let context = SessionContext {
            backend_pid: 1,
            ..SessionContext::new(Settings::default(), "postgres", "test", database.catalog())
        };
        Client { session: EngineSession::new(database, Arc::new(Mutex::new(context))), server, in_block: false }
    }

    /// Runs statements and gives the first column of their rows. Each is its own transaction outside of a block.
    async fn run(&mut self, text: &str) -> Result<Vec<String>> {
        let mut rows = Vec::new();
        for source in self.server.plans.parse(text)? {
            self.session.start_statement(None, None);
            let outcome = self.statement(&source, &mut rows).await;
            self.session.finish_statement();
            match (&outcome, self.in_block) {
                (Ok(()), false) => self.session.commit().await?,
                (Err(_), false) => self.session.rollback().await?,
                (Err(_), true) => self.session.abort().await?,
                _ => {}
            }
            outcome?;
        }
        Ok(rows)
    }

    async fn statement(&mut self, source: &crate::sql::scan::Source<'_>, rows: &mut Vec<String>) -> Result<()> {
        let catalog = self.session.catalog();
        self.session.context().lock().expect("context").catalog = Arc::clone(&catalog);
        let settings = Settings::default();
        let context = PlanContext {
            catalog: &catalog,
            settings: &settings,
            user: "postgres",
            database: "test",
            may_use: &|_| true,
            security: None,
        };
        let planned = self.server.plans.plan(source, &[], context)?;
        match &planned.plan.action {
            Action::Ddl(ddl) => {
                self.session.ddl(ddl).await?;
            }
            Action::Sqlite(statement) => {
                let mut cursor = self.session.open(statement, &[], &planned.literals).await?;
                while cursor.step()? {
                    rows.push(match cursor.column(0) {
                        ValueRef::Integer(i) => i.to_string(),
                        ValueRef::Text(t) => t.to_owned(),
                        other => format!("{other:?}"),
                    });
                }
            }
            Action::Transaction(command) => self.transaction(command).await?,
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    async fn transaction(&mut self, command: &TransactionCommand) -> Result<()> {
        match command {
            TransactionCommand::Begin(_) => {
                self.session.begin(TransactionModes::default()).await?;
                self.in_block = true;
            }
            TransactionCommand::Commit { .. } => {
                self.in_block = false;
                self.session.commit().await?;
            }
            TransactionCommand::Rollback { .. } => {
                self.in_block = false;
                self.session.rollback().await?;
            }
            TransactionCommand::Savepoint(name) => self.session.savepoint(name).await?,
            TransactionCommand::RollbackTo(name) => self.session.rollback_to(name).await?,
            TransactionCommand::SetConstraints { names, deferred } => {
                self.session.set_constraints(names.as_deref(), *deferred)?
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    async fn ok(&mut self, text: &str) -> Vec<String> {
        match self.run(text).await {
            Ok(rows) => rows,
            Err(error) => panic!("{text}: {error}"),
        }
    }

    async fn fails(&mut self, text: &str) -> Error {
        match self.run(text).await {
            Ok(_) => panic!("{text}: no error"),
            Err(error) => error,
        }
    }
}

/// "code: message; detail; table; column; constraint", what is missing left empty.
fn shown(error: &Error) -> String {
    let fields = error.fields();
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    format!(
        "{}: {}; {}; {}; {}; {}",
        fields.code.as_str(),
        fields.message,
        text(&fields.detail),
        text(&fields.table),
        text(&fields.column),
        text(&fields.constraint)
    )
}

/// Statements and what PostgreSQL answers.
const VIOLATIONS: &[(&str, &str)] = &[
    (
        "insert into p values (1, 'x', 6)",
        "23505: duplicate key value violates unique constraint \"p_pkey\"; Key (a, b)=(1, x) already exists.; p; ; p_pkey",
    ),
    (
        "insert into p values (2, 'y', 5)",
        "23505: duplicate key value violates unique constraint \"p_u_key\"; Key (u)=(5) already exists.; p; ; p_u_key",
    ),
    (
        "insert into p values (2, 'z', 7, 10)",
        "23514: new row for relation \"p\" violates check constraint \"pos\"; \
         Failing row contains (2, z, 7, 10).; p; ; pos",
    ),
    (
        "insert into c values (2, 1, 'nope')",
        "23503: insert or update on table \"c\" violates foreign key constraint \"cfk\"; \
         Key (a, b)=(1, nope) is not present in table \"p\".; c; ; cfk",
    ),
    (
        "delete from p",
        "23503: update or delete on table \"p\" violates foreign key constraint \"cfk\" on table \"c\"; \
         Key (a, b)=(1, x) is still referenced from table \"c\".; c; ; cfk",
    ),
    (
        "update p set a = 9",
        "23503: update or delete on table \"p\" violates foreign key constraint \"cfk\" on table \"c\"; \
         Key (a, b)=(1, x) is still referenced from table \"c\".; c; ; cfk",
    ),
    (
        "update c set a = 77",
        "23503: insert or update on table \"c\" violates foreign key constraint \"cfk\"; \
         Key (a, b)=(77, x) is not present in table \"p\".; c; ; cfk",
    ),
    (
        "begin; insert into d values (1, 99); commit",
        "23503: insert or update on table \"d\" violates foreign key constraint \"d_p_fkey\"; \
         Key (p)=(99) is not present in table \"c\".; d; ; d_p_fkey",
    ),
    (
        "begin; insert into d values (1, 99); set constraints all immediate",
        "23503: insert or update on table \"d\" violates foreign key constraint \"d_p_fkey\"; \
         Key (p)=(99) is not present in table \"c\".; d; ; d_p_fkey",
    ),
    (
        "insert into p values (2, 'z', 7, null)",
        "23502: null value in column \"n\" of relation \"p\" violates not-null constraint; Failing row contains (2, z, 7, null).; p; n; ",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn violated_constraints_are_worded_as_postgresql_words_them() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    client
        .ok("create table p (a int, b text, u int unique, n int not null default 0, constraint pos check (n < 10),
                             primary key (a, b));
             create table c (id int primary key, a int, b text, constraint cfk foreign key (a, b) references p);
             create table d (id int primary key, p int references c deferrable initially deferred);
             insert into p values (1, 'x', 5);
             insert into c values (1, 1, 'x')")
        .await;
    let mut differences = String::new();
    for (statement, expected) in VIOLATIONS {
        let got = shown(&client.fails(statement).await);
        if got != *expected {
            differences.push_str(&format!("{statement}\n  PostgreSQL: {expected}\n  pgserver:   {got}\n"));
        }
        client.ok("rollback").await;
    }
    assert!(differences.is_empty(), "{differences}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_schema_is_private_until_it_is_committed() {
    let server = server().await;
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    a.ok("begin; create table t (id int)").await;
    a.ok("insert into t values (1)").await;
    assert_eq!(b.fails("select * from t").await.message(), "relation \"t\" does not exist");
    a.ok("savepoint s; alter table t add column v text; rollback to s").await;
    assert_eq!(a.fails("select v from t").await.message(), "column \"v\" does not exist");
    a.ok("rollback to s").await;
    assert_eq!(a.ok("select id from t").await, ["1"]);
    a.ok("commit").await;
    assert_eq!(b.ok("select id from t").await, ["1"]);
    a.ok("begin; drop table t; rollback").await;
    assert_eq!(a.ok("select id from t").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_tables_belong_to_their_session() {
    let server = server().await;
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    a.ok("create table t (id int); create temp table s (id int); insert into s values (1)").await;
    assert_eq!(b.fails("select * from s").await.message(), "relation \"s\" does not exist");
    b.ok("create table later (id int); insert into later values (7)").await;
    assert_eq!(a.ok("select s.id from s, later").await, ["1"]);
    a.ok("insert into t select id from s").await;
    assert_eq!(b.ok("select id from t").await, ["1"]);
    b.ok("begin; create temp table s (v text); insert into t values (2); commit").await;
    b.ok("insert into s values ('b')").await;
    assert_eq!(a.ok("select id from s").await, ["1"]);
    drop(a);
    assert_eq!(b.ok("select v from s").await, ["b"]);
    let mut c = Client::connect(&server).await;
    assert_eq!(c.ok("select count(*) from t").await, ["2"]);
    assert_eq!(c.fails("select * from s").await.message(), "relation \"s\" does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_go_on_after_rollback_and_restart_and_what_ddl_did_is_undone() {
    let server = server().await;
    let mut a = Client::connect(&server).await;
    a.ok("create table t (id serial primary key, v text); insert into t (v) values ('a'), ('b')").await;
    a.ok("begin; insert into t (v) values ('c'); rollback; insert into t (v) values ('d')").await;
    assert_eq!(a.ok("select id from t order by id").await, ["1", "2", "4"]);
    a.ok("begin; truncate t restart identity; insert into t (v) values ('x')").await;
    assert_eq!(a.ok("select id from t").await, ["1"]);
    a.ok("rollback; insert into t (v) values ('e')").await;
    assert_eq!(a.ok("select max(id) from t").await, ["5"]);
    a.ok("begin; create sequence s; select nextval('s'); rollback; create sequence s").await;
    assert_eq!(a.ok("select nextval('s')").await, ["1"]);
    drop(a);
    server.databases.close(tokio::time::Instant::now()).await;
    let mut b = Client::connect(&server).await;
    assert_eq!(b.ok("insert into t (v) values ('f') returning id").await, ["6"]);
    assert_eq!(b.ok("select nextval('s')").await, ["2"]);
}
