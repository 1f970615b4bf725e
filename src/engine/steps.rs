//! Statements that are more than one of SQLite's: their steps, run before the last one.
//!
//! Owns: [`run`]. Must not know: what the steps are for (`sql::lower::program`). All of them are one statement: what is
//! due at its end is due after the last, and a failure of one is undone with the transaction or back to the savepoint, as
//! PostgreSQL's statement would be.

use std::sync::Arc;

use rusqlite::types::Value as Held;

use crate::engine::connection::Entered;
use crate::engine::constraint_errors::{self, Origin};
use crate::engine::cursor::value_of;
use crate::engine::statement::{Code, RawStatement, Step};
use crate::error::Result;
use crate::limits::{memory, session as limits};
use crate::sql::plan::ProgramStep;
use crate::types::value::{Value, ValueRef};

/// What keeping a value costs beside its text.
const VALUE: usize = std::mem::size_of::<Held>();

/// Runs the steps; `origin` gives what is known of one that changes a relation, in case it fails.
pub(crate) fn run(
    entered: &Entered<'_>,
    steps: &[ProgramStep],
    (params, literals): (&[Value], &[Value]),
    origins: &[Origin],
    note: &dyn Fn(Code),
) -> Result<()> {
    entered.slot().forget_kept_rows();
    let mut changes = steps.iter().zip(origins).filter(|(step, _)| step.target.is_some());
    let first = changes.next().map(|(_, origin)| origin);
    first.map_or(Ok(()), |origin| origin.begin_loop(entered))?;
    for (step, origin) in steps.iter().zip(origins) {
        entered.slot().forget_proposed_keys();
        let mut raw = entered.prepare(&step.sql).map_err(|code| entered.error(code))?;
        for (index, bind) in step.binds.iter().enumerate() {
            let value = value_of(bind, params, literals).unwrap_or(&Value::Null);
            raw.bind(index + 1, value).map_err(|code| entered.error(code))?;
        }
        let outcome = rows_of(&mut raw, step.keeps);
        let outcome = outcome.and_then(|rows| match rows {
            Ok(rows) => Ok(rows),
            Err(code) => {
                note(code);
                let origin = step.target.is_some().then_some(origin);
                Err(constraint_errors::describe(entered, &mut raw, code, origin))
            }
        });
        entered.put_back(Arc::clone(&step.sql), raw);
        let rows = outcome?;
        entered.slot().left_error()?;
        if step.keeps {
            entered.slot().keep_rows(Arc::new(rows));
        }
    }
    Ok(())
}

/// Runs a statement to its end; its rows, if they are to be kept.
fn rows_of(raw: &mut RawStatement, keeps: bool) -> Result<std::result::Result<Vec<Vec<Held>>, Code>> {
    let mut rows = Vec::new();
    loop {
        match raw.step() {
            Ok(Step::Row) if keeps => {
                let width = raw.column_count();
                let size = (0..width).map(|index| VALUE + raw.column(index).text_size()).sum();
                limits::work(size)?;
                memory::reserve(size)?;
                rows.push((0..width).map(|index| held(raw.column(index))).collect());
            }
            Ok(Step::Row) => {}
            Ok(Step::Done) => return Ok(Ok(rows)),
            Err(code) => return Ok(Err(code)),
        }
    }
}

fn held(value: ValueRef<'_>) -> Held {
    match value {
        ValueRef::Null => Held::Null,
        ValueRef::Integer(value) => Held::Integer(value),
        ValueRef::Real(value) => Held::Real(value),
        ValueRef::Text(text) => Held::Text(text.to_owned()),
        ValueRef::Blob(bytes) => Held::Blob(bytes.to_owned()),
    }
}
