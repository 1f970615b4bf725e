//! Extensions' functions that return sets: hstore's, and pgcrypto's headers.

use rusqlite::types::Value;

use super::{Arguments, Row, Rows, SetFunction, row, rows, single};
use crate::engine::functions::extension::cipher;
use crate::error::Result;
use crate::types::extension::hstore::HStore;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    SetFunction::new("pg_hstore_skeys", 1, |a| each(a, |key, _| single(key))),
    SetFunction::new("pg_hstore_svals", 1, |a| each(a, |_, value| row([nullable(value)]))),
    SetFunction { columns: &["key", "value"], ..SetFunction::new("pg_armor_headers", 1, armor_headers) },
    SetFunction {
        columns: &["key", "value"],
        ..SetFunction::new("pg_hstore_each", 1, |a| each(a, |key, value| row([Value::Text(key), nullable(value)])))
    },
];

fn armor_headers(args: &Arguments<'_>) -> Result<Rows> {
    let pairs = cipher::armor_headers(&args.text(0)?)?;
    rows(pairs.into_iter().map(|(key, value)| row([Value::Text(key), Value::Text(value)])))
}

fn nullable(value: Option<String>) -> Value {
    value.map_or(Value::Null, Value::Text)
}

fn each(args: &Arguments<'_>, column: fn(String, Option<String>) -> Row) -> Result<Rows> {
    let pairs = HStore::parse(&args.text(0)?)?;
    let all: Vec<_> = pairs.pairs().iter().cloned().map(|(key, value)| column(key, value)).collect();
    rows(all.into_iter())
}
