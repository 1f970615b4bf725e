//! Functions that users made and that return sets.

use super::{Arguments, Rows, SetFunction, rows, single};
use crate::engine::functions::routine::called;
use crate::engine::routines::call::Given;
use crate::error::Result;

/// The most arguments of a function, and which one is called.
const ARITY: usize = 101;

pub(super) static FUNCTIONS: &[SetFunction] =
    &[SetFunction { name: "pg_routine_set", columns: &["value"], arity: ARITY, strict: false, body: routine_set }];

/// The rows are there before the first is taken.
fn routine_set(arguments: &Arguments<'_>) -> Result<Rows> {
    let site = arguments.text(0)?;
    let values = arguments.values.get(1..).unwrap_or_default();
    let values = values.iter().map(|value| crate::engine::functions::owned(value.into())).collect();
    let found = match called(arguments.slot, &site, values)? {
        Given::Nothing => Vec::new(),
        Given::Value(value) => vec![value],
        Given::Rows(values) => values,
    };
    rows(found.into_iter().map(|value| single(held(value))))
}

fn held(value: crate::types::value::Value) -> rusqlite::types::Value {
    use crate::types::value::Value;
    use rusqlite::types::Value as Held;
    match value {
        Value::Null => Held::Null,
        Value::Integer(value) => Held::Integer(value),
        Value::Real(value) => Held::Real(value),
        Value::Text(text) => Held::Text(text),
        Value::Blob(bytes) => Held::Blob(bytes),
    }
}
