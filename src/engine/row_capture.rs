//! The row a statement failed on: SQLite names the constraint that was violated and not the row.
//!
//! Owns: [`failing_row`], [`evaluate`]. Must not know: constraints, wording. The statement is run once more, under a
//! savepoint and with a temporary trigger that sees each row before it is checked; it fails at the same row again,
//! and the row seen last is the one. All of it happens after a failure, so statements that succeed pay nothing.
//! Specification: sqlite.org/lang_createtrigger.html (BEFORE triggers run before constraints are checked).

use std::time::{Duration, Instant};

use crate::catalog::schema::Relation;
use crate::engine::connection::Entered;
use crate::engine::functions::owned;
use crate::engine::statement::{RawStatement, Step};
use crate::types::value::Value;

/// How long the second run may take; after it the error tells no row. The session holds the write ticket.
const PATIENCE: Duration = Duration::from_secs(5);

/// Values per call of `pg_capture`: SQLite limits the arguments of a function.
const VALUES_PER_CALL: usize = 100;

/// The stored values, in the order of the relation's columns, of the row of `relation` that the statement, which has
/// just failed in an open transaction, was about to write.
pub(crate) fn failing_row(
    entered: &Entered<'_>,
    statement: &mut RawStatement,
    relation: &Relation,
) -> Option<Vec<Value>> {
    statement.reset();
    if entered.is_autocommit() || entered.execute("SAVEPOINT capture").is_err() {
        return None;
    }
    let slot = entered.slot();
    let moved = slot.sequences().rewind();
    slot.forget_proposed_keys();
    slot.start_capture();
    let failed = entered.execute(&triggers(relation)).is_ok() && fails_again(entered, statement);
    let row = slot.end_capture();
    slot.sequences().replay(moved);
    statement.reset();
    // A failure here means that the transaction is gone, and with it what was to be undone.
    let _ = entered.execute("ROLLBACK TO capture; RELEASE capture");
    // What a function raised this time is not the error to tell.
    let _ = slot.take_error();
    row.filter(|row| failed && row.len() == relation.columns.len())
}

/// Whether the second run fails too, as it does unless it depends on chance.
fn fails_again(entered: &Entered<'_>, statement: &mut RawStatement) -> bool {
    let limit = Instant::now() + PATIENCE;
    entered.limit_time(Some(limit));
    let outcome = loop {
        match statement.step() {
            Ok(Step::Row) => {}
            other => break other,
        }
    };
    entered.limit_time(None);
    outcome.is_err() && Instant::now() < limit
}

/// Triggers that give each new row of the table to `pg_capture`.
fn triggers(relation: &Relation) -> String {
    let database = if relation.temporary { "temp" } else { "main" };
    let columns: Vec<String> = relation.columns.iter().map(|c| format!("NEW.{}", quoted(c.stored_name()))).collect();
    let parts = columns.chunks(VALUES_PER_CALL).enumerate();
    let calls: Vec<String> = parts.map(|(part, values)| format!("pg_capture({part}, {})", values.join(", "))).collect();
    let body = format!("BEGIN SELECT {}, pg_capture_end(); END", calls.join(", "));
    let table = format!("{database}.{}", quoted(&relation.sqlite_name));
    ["INSERT", "UPDATE"]
        .map(|event| format!("CREATE TEMP TRIGGER \"pg_capture_{event}\" BEFORE {event} ON {table} {body};"))
        .concat()
}

/// The value of an expression in SQLite's dialect over a row of the relation.
pub(crate) fn evaluate(entered: &Entered<'_>, expression: &str, relation: &Relation, row: &[Value]) -> Option<Value> {
    let columns: Vec<String> =
        (1..).zip(&relation.columns).map(|(n, c)| format!("?{n} AS {}", quoted(c.stored_name()))).collect();
    let sql = format!("SELECT {expression} FROM (SELECT {})", columns.join(", "));
    let parameters = rusqlite::params_from_iter(row.iter().map(borrowed));
    entered.with(|database| database.query_row(&sql, parameters, |row| row.get_ref(0).map(owned))).ok()
}

/// A value as rusqlite takes it.
pub(crate) fn borrowed(value: &Value) -> rusqlite::types::ToSqlOutput<'_> {
    use rusqlite::types::ValueRef;
    rusqlite::types::ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Integer(i) => ValueRef::Integer(*i),
        Value::Real(r) => ValueRef::Real(*r),
        Value::Text(t) => ValueRef::Text(t.as_bytes()),
        Value::Blob(b) => ValueRef::Blob(b),
    })
}

/// A name as SQLite and PostgreSQL read it whatever it contains.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
