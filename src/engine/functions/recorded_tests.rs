//! Expressions whose values PostgreSQL recorded (`fixtures/functions.tsv`, by `scripts/record-functions`), planned and
//! run as any statement is.

use std::sync::{Arc, Mutex};

use rusqlite::types::{Value as Stored, ValueRef};

use super::args::stored;
use super::{ContextSlot, register};
use crate::catalog::definitions::Names;
use crate::catalog::schema::CatalogSnapshot;
use crate::engine::context::SessionContext;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::sql;
use crate::sql::casts::CASTS;
use crate::sql::functions::{Call, FunctionKind};
use crate::sql::plan::{Action, Bind};
use crate::sql::planner::{PlanCache, PlanContext};
use crate::types::encoding::encode;
use crate::types::format::Format;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

struct Evaluator {
    connection: rusqlite::Connection,
    slot: ContextSlot,
    session: Arc<Mutex<SessionContext>>,
}

impl Evaluator {
    fn new() -> Self {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let slot = ContextSlot::default();
        register(&connection, &slot).unwrap();
        let catalog = Arc::new(
            crate::catalog::store::load(&connection, crate::catalog::tables::relations::system_relations()).unwrap(),
        );
        let mut settings = Settings::default();
        settings.set("timezone", Some("Europe/Berlin"), false).unwrap();
        let session = Arc::new(Mutex::new(session(settings, catalog)));
        slot.enter(session.clone(), None);
        Evaluator { connection, slot, session }
    }

    /// The type and the text of an expression's value, as the fixture writes them.
    fn evaluate(&self, expression: &str) -> String {
        match self.run(&format!("SELECT {expression}")) {
            Ok((type_name, None)) => format!("{type_name}\t\\N"),
            Ok((type_name, Some(text))) => {
                let text = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
                format!("{type_name}\t{text}")
            }
            Err(error) => format!("-\t!{} {}", error.code().as_str(), error.message().replace('\n', "\\n")),
        }
    }

    fn run(&self, sql: &str) -> Result<(String, Option<String>)> {
        let (settings, catalog) = {
            let session = self.session.lock().unwrap();
            (session.settings.clone(), session.catalog.clone())
        };
        let cache = PlanCache::default();
        let sources = cache.parse(sql)?;
        let context = PlanContext {
            catalog: &catalog,
            settings: &settings,
            user: "postgres",
            database: "postgres",
            may_use: &|_| true,
            security: None,
        };
        let planned = cache.plan(&sources[0], &[], context)?;
        let Action::Sqlite(statement) = &planned.plan.action else { panic!("not a query: {sql}") };
        let field = &planned.plan.columns.as_ref().unwrap()[0];
        let binds = statement.binds.iter().map(|bind| match bind {
            Bind::Literal(index) => owned(&planned.literals[*index]),
            Bind::Param(_) => panic!("a parameter in {sql}"),
        });
        let failed = |error: rusqlite::Error| {
            self.slot.take_error().unwrap_or_else(|| Error::internal(format_args!("{error} in {}", statement.sql)))
        };
        let mut prepared = self.connection.prepare(&statement.sql).map_err(failed)?;
        let mut rows = prepared.query(rusqlite::params_from_iter(binds)).map_err(failed)?;
        let row = rows.next().map_err(failed)?;
        let path = settings.search_path();
        let type_name = Names { catalog: &catalog, search_path: &path }.format_type(field.type_oid, None);
        let value = match row {
            Some(row) => row.get_ref(0).unwrap(),
            None => ValueRef::Null,
        };
        if matches!(value, ValueRef::Null) {
            return Ok((type_name, None));
        }
        let mut out = bytes::BytesMut::new();
        encode(field.repr, Format::Text, stored(value)?, settings.format(), &mut out)?;
        Ok((type_name, Some(String::from_utf8(out.to_vec()).unwrap())))
    }
}

fn owned(value: &Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Integer(i) => Stored::Integer(*i),
        Value::Real(r) => Stored::Real(*r),
        Value::Text(text) => Stored::Text(text.clone()),
        Value::Blob(bytes) => Stored::Blob(bytes.clone()),
    }
}

fn session(settings: Settings, catalog: Arc<CatalogSnapshot>) -> SessionContext {
    let now = jiff::Timestamp::now().as_microsecond();
    SessionContext {
        backend_pid: 1,
        transaction_start: now,
        statement_start: now,
        ..SessionContext::new(settings, "postgres", "postgres", catalog)
    }
}

#[test]
fn expressions_have_postgresqls_types_and_values() {
    let evaluator = Evaluator::new();
    let fixture = include_str!("../../../fixtures/functions.tsv");
    let mut differences = Vec::new();
    for line in fixture.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (expression, expected) = line.split_once('\t').unwrap();
        let found = evaluator.evaluate(expression);
        if found != expected {
            differences.push(format!("{expression}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// A call of one row of the tables with NULL for each argument.
fn call_of(call: Call, kind: FunctionKind, arguments: usize) -> String {
    let nulls = |count: usize| vec!["NULL"; count].join(", ");
    match (call, kind) {
        (Call::Template(template), _) => {
            (0..arguments).fold(format!("SELECT {template}"), |sql, index| sql.replace(&format!("{{{index}}}"), "NULL"))
        }
        (Call::Function(name), FunctionKind::Set) => format!("SELECT * FROM {name}({})", nulls(arguments)),
        (Call::Typed(name), FunctionKind::Set) => format!("SELECT * FROM {name}({})", nulls(arguments + 1)),
        (Call::Function(name), FunctionKind::Window) => format!("SELECT {name}({}) OVER ()", nulls(arguments)),
        (Call::Function("count"), _) if arguments == 0 => "SELECT count(*)".to_owned(),
        (Call::Function(name), _) => format!("SELECT {name}({})", nulls(arguments)),
        (Call::Typed(name), _) => format!("SELECT {name}({})", nulls(arguments + 1)),
    }
}

#[test]
fn every_row_of_the_tables_is_something_sqlite_has() {
    let evaluator = Evaluator::new();
    let functions = sql::functions::all().map(|f| call_of(f.call, f.kind, f.args.len()));
    let operators =
        sql::operators::all().map(|o| call_of(o.call, FunctionKind::Scalar, 2 - usize::from(o.left == Oid::INVALID)));
    let casts = CASTS.iter().map(|cast| call_of(cast.call, FunctionKind::Scalar, 1));
    let refused: Vec<String> = functions
        .chain(operators)
        .chain(casts)
        .filter_map(|sql| evaluator.connection.prepare(&sql).err().map(|error| format!("{sql}: {error}")))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
