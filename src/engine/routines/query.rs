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

/// The same, as values.
pub(crate) struct Found {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    executor: Executor,
}

impl Found {
    /// A value in text form.
    pub fn text(&self, column: &Column, value: Value) -> Result<Option<String>> {
        if value.is_null() {
            return Ok(None);
        }
        let typed = Typed { fields: column.fields.clone(), ..Typed::new(column.data_type, value) };
        let text = self.executor.text(&typed)?;
        memory::reserve(text.len())?;
        Ok(Some(text))
    }
}

/// Runs it; it may only read. `None` of what is no query.
pub(crate) fn query(caller: &Caller, text: &str) -> Result<Option<Answer>> {
    let Some(mut found) = values(caller, text)? else { return Ok(None) };
    let mut rows = Vec::with_capacity(found.rows.len());
    for row in std::mem::take(&mut found.rows) {
        let texts = found.columns.iter().zip(row).map(|(column, value)| found.text(column, value));
        rows.push(texts.collect::<Result<Vec<_>>>()?);
    }
    Ok(Some(Answer { columns: found.columns, rows }))
}

/// The same, for values.
pub(crate) fn values(caller: &Caller, text: &str) -> Result<Option<Found>> {
    run(caller, text).map_err(|error| failed(text, error))
}

fn run(caller: &Caller, text: &str) -> Result<Option<Found>> {
    let executor = Executor { link: caller.link.clone(), lease: caller.lease.clone(), reads_only: true };
    let plan = executor.planning(|planning| plan_text(text, &[], (&[], false), planning))?;
    // What the statement around this one keeps is not to be forgotten.
    let lease = executor.lease.get()?;
    let kept = lease.slot().take_kept_rows();
    let outcome = executor.execute(&plan.planned, &[], None);
    lease.slot().put_kept_rows(kept);
    let Some(columns) = plan.columns else { return outcome.map(|_| None) };
    Ok(Some(Found { columns: columns.iter().cloned().collect(), rows: outcome?.rows, executor }))
}
