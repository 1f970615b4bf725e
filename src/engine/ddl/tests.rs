//! DDL statements with what PostgreSQL 15 answers to them (`scripts/record-ddl`), run through planner and engine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;

use crate::engine::context::SessionContext;
use crate::engine::databases::Databases;
use crate::engine::session::EngineSession;
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
            settings: Settings::default(),
            user: "postgres".into(),
            database: "test".into(),
            backend_pid: 1,
            client_address: None,
            transaction_start: 0,
            statement_start: 0,
            catalog: database.catalog(),
            sequence_values: Default::default(),
            last_sequence: None,
            notices: Vec::new(),
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
            let context = PlanContext { catalog: &catalog, settings: &settings, user: "postgres", database: "test" };
            let planned = self.plans.plan(&source, &[], context)?;
            match &planned.plan.action {
                Action::Ddl(ddl) => {
                    self.session.ddl(ddl).await?;
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
                Action::Transaction(TransactionCommand::Rollback { .. }) => {
                    self.session.rollback().await?;
                    self.in_block = false;
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        Ok(rows)
    }

    fn take_notices(&self) -> Vec<ErrorFields> {
        std::mem::take(&mut self.session.context().lock().expect("context").notices)
    }
}

/// What psql prints of an error or notice with VERBOSITY verbose, without the fields the recording leaves out.
fn shown(fields: &ErrorFields) -> Vec<String> {
    let mut lines = vec![format!("{}: {}: {}", fields.severity.as_str(), fields.code.as_str(), fields.message)];
    lines.extend(fields.detail.iter().map(|d| format!("DETAIL: {d}")));
    lines.extend(fields.hint.iter().map(|h| format!("HINT: {h}")));
    lines.iter().flat_map(|l| l.split('\n')).map(str::to_owned).collect()
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
        let got = lines.join("\n");
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
