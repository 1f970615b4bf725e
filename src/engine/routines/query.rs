//! A query that a built-in function was given as a text: what SPI_execute is to extensions' functions.

use crate::engine::routines::call::Caller;
use crate::engine::routines::execute::Executor;
use crate::engine::routines::plan::plan_text;
use crate::error::Result;
use crate::limits::memory;
use crate::plpgsql::query::failed;
use crate::plpgsql::value::{Column, Typed};
use crate::types::value::Value;

/// What a query gave, in text form.
pub(crate) struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// Runs it; it may only read. `None` of what is no query.
pub(crate) fn query(caller: &Caller, text: &str) -> Result<Option<Answer>> {
    run(caller, text).map_err(|error| failed(text, error))
}

fn run(caller: &Caller, text: &str) -> Result<Option<Answer>> {
    let executor = Executor { link: caller.link.clone(), lease: caller.lease.clone(), reads_only: true };
    let plan = executor.planning(|planning| plan_text(text, &[], &[], planning))?;
    // What the statement around this one keeps is not to be forgotten.
    let lease = executor.lease.get()?;
    let kept = lease.slot().take_kept_rows();
    let outcome = executor.execute(&plan.planned, &[], None);
    lease.slot().put_kept_rows(kept);
    let Some(columns) = plan.columns else { return outcome.map(|_| None) };
    let columns: Vec<Column> = columns.iter().cloned().collect();
    let mut rows = Vec::new();
    for row in outcome?.rows {
        let mut texts = Vec::with_capacity(row.len());
        for (column, value) in columns.iter().zip(row) {
            texts.push(match value {
                Value::Null => None,
                value => {
                    let typed = Typed { fields: column.fields.clone(), ..Typed::new(column.data_type, value) };
                    let text = executor.text(&typed)?;
                    memory::reserve(text.len())?;
                    Some(text)
                }
            });
        }
        rows.push(texts);
    }
    Ok(Some(Answer { columns, rows }))
}
