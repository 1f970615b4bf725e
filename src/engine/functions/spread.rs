//! A function called with an array for its last arguments: f(…, VARIADIC array).
//!
//! Owns: `pg_spread`, which takes the function's name in SQLite, the types of the arguments before the array (NULL for a
//! function that is not told types), the elements' type, those arguments, the array. Specification:
//! xfunc-sql.html#XFUNC-SQL-VARIADIC-FUNCTIONS.

use std::collections::HashMap;
use std::sync::LazyLock;

use rusqlite::types::Value;

use super::{AREAS, Args, Definition, Output, owned};
use crate::error::{Error, Result};
use crate::limits::{memory, session as limits};
use crate::types::array::{Part, Reader};
use crate::types::pg_type::{Scalar, any_type};
use crate::types::value::Value as StoredValue;

pub(super) static FUNCTIONS: &[Definition] = &[Definition::stable("pg_spread", -1, spread).called_on_null()];

/// What an argument costs beside its text.
const ARGUMENT: usize = size_of::<Value>();

/// Where pg_spread's own arguments end.
const OWN: usize = 3;

static BY_NAME: LazyLock<HashMap<&'static str, &'static Definition>> =
    LazyLock::new(|| AREAS.iter().copied().flatten().map(|definition| (definition.name, definition)).collect());

fn spread(args: &Args<'_>) -> Result<Output> {
    let name = args.text(0)?;
    let Some(last) = args.len().checked_sub(1) else { return Err(Error::internal("pg_spread")) };
    let Some(definition) = BY_NAME.get(name.as_ref()) else { return Err(Error::internal("pg_spread's function")) };
    // Of the functions that take anything, only format() does not make NULL of NULL.
    if args.is_null(last) && definition.name != "pg_format" {
        return Ok(Output::NULL);
    }
    let element = args.text(2)?;
    let scalar = any_type(&element).map_or(Scalar::Text, |info| info.repr.scalar);
    let mut values: Vec<Value> = (OWN..last).map(|index| held(owned(args.raw(index)))).collect();
    let fixed = values.len();
    if !args.is_null(last) {
        elements(&args.text(last)?, scalar, &mut values)?;
    }
    if !args.is_null(1) {
        let mut types = args.text(1)?.into_owned();
        for _ in fixed..values.len() {
            if !types.is_empty() {
                types.push(',');
            }
            types.push_str(&element);
        }
        // With nothing in the array its elements' type still tells the result's.
        if types.is_empty() {
            types.push_str(&element);
        }
        values.insert(0, Value::Text(types));
    }
    let spread = Args::of_values(&values, args.slot());
    if definition.strict && spread.any_null() {
        return Ok(Output::NULL);
    }
    Ok(match (definition.body)(&spread)? {
        Output::Argument(index) => Output::Value(values.get(index).cloned().unwrap_or(Value::Null)),
        output => output,
    })
}

fn held(value: StoredValue) -> Value {
    match value {
        StoredValue::Null => Value::Null,
        StoredValue::Integer(value) => Value::Integer(value),
        StoredValue::Real(value) => Value::Real(value),
        StoredValue::Text(value) => Value::Text(value),
        StoredValue::Blob(value) => Value::Blob(value),
    }
}

/// Adds the elements of an array, of all its dimensions.
fn elements(stored: &str, scalar: Scalar, values: &mut Vec<Value>) -> Result<()> {
    let mut reader = Reader::new(stored);
    while let Some(part) = reader.next_part()? {
        if let Part::Element(element) = part {
            let value = element.to_value(scalar)?;
            let size = ARGUMENT + value.as_ref().text_size();
            limits::work(size)?;
            memory::reserve(size)?;
            values.push(held(value));
        }
    }
    Ok(())
}
